# SPDX-License-Identifier: Apache-2.0
"""Python's and Triton's rules where it is easy to break them: what names, defaults and tuples mean, what type a result has."""

import tempfile
import unittest
from array import array

from support import error, triton, write
from test_launch import needs_command, needs_numpy
from test_scripts import Script, run
import tilemesh as tm


@needs_command
class Rules(unittest.TestCase):
    def stored(self, body, arguments=(), head="y_ptr", above="", letter="i", size=8):
        """What a kernel of one program has stored into an array of `size` numbers."""
        y = array(letter, [0] * size)
        with tempfile.TemporaryDirectory() as folder:
            file = write(folder, "kernels.py", triton(body, head, above))
            self.assertEqual(tm.launch((file, "k"), 1, [y, *arguments]).status, "ok")
        return list(y)

    def first(self, body, *arguments, head="y_ptr", above=""):
        return self.stored(body, arguments, head, above)[0]

    def test_names_of_a_comprehension_that_is_refused_are_gone(self):
        body = "i = n\nif n > 1000:\n    t = [tl.inline_asm_elementwise(i) for i in (7, 8)]\ntl.store(y_ptr, i)"
        self.assertEqual(self.first(body, 5, head="y_ptr, n"), 5)

    def test_a_loop_goes_over_the_tuple_that_was_there_when_it_began(self):
        body = "t = (n, n + 1, n + 2)\nacc = 0\nfor a in t:\n    t = (10, 20, 30)\n    acc += a\ntl.store(y_ptr, acc)"
        self.assertEqual(self.first(body, 1, head="y_ptr, n"), 6)

    def test_defaults_are_of_the_time_when_a_function_was_made(self):
        above = "B = 16\n@triton.jit\ndef helper(x, k=B):\n    return x + k\nB = 32\n"
        self.assertEqual(self.first("tl.store(y_ptr, helper(1))", above=above), 17)

    def test_lists_that_the_file_changes_are_not_what_they_began_as(self):
        above = "SIZES = [1]\nfor i in range(3):\n    SIZES.append(i)\n"
        self.assertIn("SIZES is not known without running line 4", error(triton("for s in SIZES:\n    tl.store(y, s)", above=above)))
        above = "SIZES = [1, 2]\nSIZES[0] = 5\n"
        self.assertIn("SIZES is not known", error(triton("tl.store(y, SIZES[0])", above=above)))
        above = "H = 1\ndef set_it():\n    global H\n    H = 9\nset_it()\n"
        self.assertIn("H is not known", error(triton("tl.store(y, H)", above=above)))
        above = 'SIZES = [1, 2]\n"""text"""\nprint(SIZES)\n'
        self.assertEqual(self.first("tl.store(y_ptr, SIZES[1])", above=above), 2)

    def test_tuples_are_compared_with_numbers_that_were_loaded(self):
        body = """
            a = tl.load(x_ptr)
            b = tl.sum(tl.arange(0, 4), 0)
            tl.store(y_ptr, 1 if a in (2, 3) else 0)
            tl.store(y_ptr + 1, 1 if a not in (2, 3) else 0)
            tl.store(y_ptr + 2, 1 if (a, b) == (2, 6) else 0)
            tl.store(y_ptr + 3, 1 if (a, b) != (2, 6) else 0)
            tl.store(y_ptr + 4, 1 if n in (9007199254740993,) else 0)
        """
        self.assertEqual(self.stored(body, [array("i", [2]), 9007199254740992], "y_ptr, x_ptr, n")[:5], [1, 0, 1, 0, 0])

    def test_masks_hold_where_differences_have_no_room_in_64_bits(self):
        body = """
            o = tl.arange(0, 8).to(tl.int64) - 3
            tl.store(y_ptr + o + 3, 7, mask=o < n)
            tl.store(y_ptr + 8 + o + 3, (o <= n).to(tl.int32))
            tl.store(y_ptr + 16 + o + 3, (o > -n - 1).to(tl.int32))
            rows = tl.arange(0, 2)[:, None].to(tl.int64) - 1
            tl.store(y_ptr + 24 + tl.arange(0, 2)[:, None] * 4 + tl.arange(0, 4)[None, :], 5, mask=rows + tl.arange(0, 4)[None, :] <= n)
        """
        self.assertEqual(self.stored(body, [2**63 - 1], "y_ptr, n", size=32), [7] * 8 + [1] * 16 + [5] * 8)

    def test_extremes_of_signed_and_unsigned_numbers_whatever_computes_them(self):
        body = """
            o = tl.arange(0, 4)
            a, b = tl.load(a_ptr + o), tl.load(b_ptr + o)
            made = tl.where(tl.load(c_ptr + o) > 0.0, a, a)
            tl.store(y_ptr + o, tl.maximum(made, b).to(tl.int64))
            tl.store(y_ptr + 4 + o, tl.minimum(made, b).to(tl.int64))
        """
        given = [array("i", [-1, -1, 7, -5]), array("I", [5, 6, 3, 9]), array("f", [1, -1, 1, -1])]
        stored = self.stored(body, given, "y_ptr, a_ptr, b_ptr, c_ptr", letter="q")
        self.assertEqual(stored, [2**32 - 1, 2**32 - 1, 7, 2**32 - 5, 5, 6, 3, 9])

    def test_sums_of_one_bit_wrap_whatever_computes_them(self):
        body = """
            o = tl.arange(0, 4)
            known, made = o > 1, tl.load(x_ptr + o) > 1.0
            tl.store(y_ptr + o, (known + known).to(tl.int32))
            tl.store(y_ptr + 4 + o, (made + made).to(tl.int32) + (made - known).to(tl.int32) * 2)
        """
        self.assertEqual(self.stored(body, [array("f", [0, 1, 2, 3])], "y_ptr, x_ptr"), [0] * 8)

    def test_reduce_keeps_the_type_and_looks_at_what_a_name_means(self):
        above = """
            @triton.jit
            def plus(a, b):
                return a + b
            @triton.jit
            def max(a, b):
                return tl.where(tl.abs(a) > tl.abs(b), a, b)
            @triton.jit
            def larger(a, b):
                return max(a, b)
            @triton.jit
            def largest(a, b):
                return tl.maximum(a, b)
        """
        body = """
            x = tl.load(x_ptr + tl.arange(0, 4))
            tl.store(y_ptr, tl.reduce(x, 0, plus).to(tl.int32))
            tl.store(y_ptr + 1, tl.reduce(x.to(tl.int32), 0, larger))
            tl.store(y_ptr + 2, tl.reduce(x, 0, largest).to(tl.int32))
        """
        self.assertEqual(self.stored(body, [array("b", [100, 100, 1, -128])], "y_ptr, x_ptr", above)[:3], [73, -128, 100])

    def test_types_of_results(self):
        body = """
            o = tl.arange(0, 2)
            x = tl.load(x_ptr + o)
            g = tl.gather(x, o, 0)
            tl.store(y_ptr + o, (g + g).to(tl.int32))
            tl.store(y_ptr + 2 + o, (-tl.cumsum(x.to(tl.uint8), 0, reverse=True) > 0).to(tl.int32))
            tl.store(y_ptr + 4, triton.next_power_of_2(n))
            small = tl.maximum(tl.zeros((2,), tl.float16), 1e-9)
            tl.store(y_ptr + 6 + o, (small * 1e9 + 0.5).to(tl.int32))
        """
        self.assertEqual(self.stored(body, [array("b", [100, -100]), 0], "y_ptr, x_ptr, n"), [-56, 56, 1, 1, 0, 0, 1, 1])

    def test_products_of_brain_floats_are_summed_up_in_f32(self):
        body = "x = tl.full((4,), 1.0078125, tl.bfloat16)\ntl.store(y_ptr + tl.arange(0, 4), tl.cumprod(x, 0))"
        self.assertAlmostEqual(self.stored(body, letter="f", size=4)[1], 1.0078125**2, places=6)

    def test_casts_round_once_and_saturate(self):
        body = "tl.store(y_ptr, n.to(tl.float32).to(tl.int64))\ntl.store(y_ptr + 1, (m.to(tl.float32) * 100.0).to(tl.int8).to(tl.int64))"
        self.assertEqual(self.stored(body, [2**60 + 2**36 + 1, 3], "y_ptr, n, m", letter="q", size=2), [2**60 + 2**37, 127])

    def test_an_import_that_fails_in_a_try_without_handlers(self):
        above = "try:\n    try:\n        import nosuch\n    finally:\n        X = 1\nexcept ImportError:\n    X = 2\n"
        self.assertEqual(self.first("tl.store(y_ptr, X)", above=above), 2)


@needs_command
@needs_numpy
class Running(Script):
    def test_names_mean_what_they_do_where_the_script_is(self):
        self.script("import triton\nimport triton.language as tl\nF = tl.constexpr(3)\n@triton.jit\ndef k(y_ptr):\n    tl.store(y_ptr, F)\n", "other.py")
        script = self.script("""
            import torch, triton
            import triton.language as tl
            import other

            SCALE = tl.constexpr(2)

            @triton.jit
            def act(x):
                return x + 1

            @triton.jit
            def much(x):
                return x + 1000

            @triton.jit
            def k(y_ptr):
                tl.store(y_ptr, act(SCALE))

            def make(SCALE, act):
                @triton.jit
                def k(y_ptr):
                    tl.store(y_ptr, act(SCALE))
                return k

            def told(kernel):
                y = torch.zeros(1)
                kernel[(1,)](y)
                print(int(y[0]))

            told(make(tl.constexpr(64), much))
            SCALE = tl.constexpr(5)
            told(k)
            other.F = tl.constexpr(7)
            told(other.k)
        """)
        self.assertEqual(run(script)[:2], (0, "1064\n6\n7\n"))


if __name__ == "__main__":
    unittest.main()
