# SPDX-License-Identifier: Apache-2.0
"""Bits of floats and integers, many dimensions, atomics that merge: what kernels/bits.py does, beside numpy."""

import unittest

from support import HERE
from test_launch import needs_command, needs_numpy, numpy
import tilemesh as tm

FILE = str(HERE / "kernels" / "bits.py")


def launch(name, args, grid=(1,), **constants):
    return tm.launch((FILE, name), grid, args, constants=constants, machine="cube_line8")


@needs_command
@needs_numpy
class Bits(unittest.TestCase):
    def setUp(self):
        self.random = numpy.random.default_rng(3)
        self.x = (self.random.standard_normal(64) * 10).astype("f4")

    def test_bits_of_floats(self):
        x = self.x.copy()
        x[:4] = 0.0, -0.0, numpy.inf, 1e-30
        bits, power, back = numpy.zeros(64, "i4"), numpy.zeros(64, "f4"), numpy.zeros(64, "f4")
        launch("exponents", [x, bits, power, back], BLOCK=64)
        numpy.testing.assert_array_equal(bits, x.view("i4"))
        numpy.testing.assert_array_equal(power, ((x.view("i4") >> 23) & 255) - 127)
        numpy.testing.assert_array_equal(back.view("i4"), x.view("i4"))

    def test_nibbles(self):
        packed, again = numpy.zeros(32, "u1"), numpy.zeros(64, "f4")
        launch("nibbles", [self.x, packed, again], BLOCK=64)
        code = (self.x.clip(-8, 7) + numpy.float32(8)).astype("u1")
        numpy.testing.assert_array_equal(packed, code[0::2] | code[1::2] << 4)
        numpy.testing.assert_array_equal(again, code.astype("f4") - 8)

    def test_computed_integers_are_exact_and_wrap(self):
        y = numpy.zeros(64, "i4")
        launch("hashed", [self.x, y], BLOCK=64)
        x = numpy.floor(self.x * numpy.float32(1000)).astype("i4")
        with numpy.errstate(over="ignore"):
            x = (x ^ (x >> 7)) * numpy.int32(0x45D9F3B)
            numpy.testing.assert_array_equal(y, x + x.max())

    def test_five_dimensions(self):
        x = self.random.standard_normal((2, 4, 2, 8, 4)).astype("f4")
        x[1, 2, 1, 3] = 0
        turned, total, scaled = numpy.zeros((2, 8, 2, 4, 4), "f4"), numpy.zeros((2, 4, 8, 4), "f4"), numpy.zeros_like(x)
        launch("blocked", [x, turned, total, scaled], A=2, B=4, C=2, D=8, E=4)
        numpy.testing.assert_array_equal(turned, x.transpose(0, 3, 2, 1, 4))
        numpy.testing.assert_allclose(total, x.sum(2), rtol=1e-6)
        most = abs(x).max(4, keepdims=True)
        numpy.testing.assert_allclose(scaled, numpy.where(most == 0, 0, x / numpy.where(most == 0, 1, most)), rtol=1e-6)

    def test_atomics_merge(self):
        i = self.random.integers(0, 1000, 64).astype("i4")
        largest, least = numpy.full(5, -1e9, "f4"), numpy.full(5, 5000, "i4")
        seen, odd = numpy.zeros(5, "i4"), numpy.full(5, 3, "i4")
        launch("merged", [self.x, i, largest, least, seen, odd], grid=(4,), BLOCK=16, SLOTS=5)
        for slot in range(5):
            mine = i % 5 == slot
            self.assertEqual(largest[slot], self.x[mine].max())
            self.assertEqual(least[slot], i[mine].min())
            self.assertEqual(seen[slot], numpy.bitwise_or.reduce(1 << (i[mine] % 7)))
            self.assertEqual(odd[slot], 3 ^ numpy.bitwise_xor.reduce(i[mine & (i > 3)]))

    def test_a_computed_number_chooses(self):
        for x in (self.x, numpy.zeros(64, "f4")):
            y = numpy.zeros(64, "f4")
            launch("chosen", [x, y], BLOCK=64)
            numpy.testing.assert_allclose(y, x * (2 / max(abs(x).max(), 1e-30) if x.any() else 1), rtol=1e-6)

    def test_what_is_no_number(self):
        x = self.x.copy()
        x[[0, 7, 63]] = numpy.nan
        y, z, largest = numpy.zeros(64, "f4"), numpy.zeros(64, "f4"), numpy.zeros(1, "f4")
        launch("none_passes", [x, y, z, largest], BLOCK=64)
        numpy.testing.assert_array_equal(y, numpy.maximum(x, 0))
        numpy.testing.assert_array_equal(z, numpy.fmax(x, 0))
        self.assertEqual(largest[0], numpy.nanmax(x))

    def test_sums_from_the_end(self):
        x = self.random.integers(-9, 9, (8, 4)).astype("f4")
        for reverse in (False, True):
            y = numpy.zeros_like(x)
            launch("from_the_end", [x, y], ROWS=8, BLOCK=4, REVERSE=reverse)
            numpy.testing.assert_array_equal(y, x[::-1].cumsum(0)[::-1] if reverse else x.cumsum(0))

    def test_products_of_scaled_floats(self):
        values = numpy.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], "f4")
        codes = self.random.integers(0, 16, (16, 64)).astype("u1")
        a = numpy.where(codes & 8, -1, 1) * values[codes & 7]
        b = self.random.integers(0, 64, (64, 32)).astype("u1")  # exponents below the bias, positive
        exponent, mantissa = (b >> 3).astype("f4"), (b & 7).astype("f4")
        numbers = numpy.where(exponent == 0, mantissa / 8 * 2.0**-6, (1 + mantissa / 8) * 2.0 ** (exponent - 7))
        a_scale, b_scale = (self.random.integers(120, 130, (n, 2)).astype("u1") for n in (16, 32))
        c = numpy.zeros((16, 32), "f4")
        launch("scaled_product", [codes[:, 0::2] | codes[:, 1::2] << 4, a_scale, b, b_scale, c], M=16, N=32, K=64)
        wide = [numpy.repeat(2.0 ** (scale.astype("f8") - 127), 32, 1) for scale in (a_scale, b_scale)]
        numpy.testing.assert_allclose(c, (a * wide[0]) @ (numbers * wide[1].T), rtol=1e-5, atol=1e-5)

    def test_a_run_that_rises_and_falls_is_merged(self):
        x = numpy.concatenate([numpy.sort(self.x[:32]), numpy.sort(self.x[32:])[::-1]])
        for dtype in ("f4", "f2"):
            narrow = x.astype(dtype)
            y, bits = numpy.zeros(64, dtype), numpy.zeros(64, "u" + dtype[1])
            launch("merged_halves", [narrow, y, bits], BLOCK=64)
            numpy.testing.assert_array_equal(y, numpy.sort(narrow)[::-1])
            numpy.testing.assert_array_equal(bits, narrow.view("u" + dtype[1]))

    def test_a_reduction_of_a_width_that_is_no_power_of_two(self):
        x, y, expected = self.x[:20].reshape(4, 5).copy(), numpy.zeros(4, "f4"), self.x[:20].reshape(4, 5)[:, 0]
        launch("odd_width", [x, y])
        for i in range(1, 5):
            expected = expected * numpy.float32(0.5) + x[:, i]
        numpy.testing.assert_allclose(y, expected, rtol=1e-6)

    def test_errors_in_our_own_functions_name_the_kernels_line(self):
        with self.assertRaisesRegex(tm.TilemeshError, r"bits\.py:\d+:\d+: .*sort is supported along the last dimension"):
            launch("wrong_in_a_function", [self.x], BLOCK=64)


if __name__ == "__main__":
    unittest.main()
