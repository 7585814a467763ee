# SPDX-License-Identifier: Apache-2.0
"""What each construct of Python and of tl becomes."""

import unittest

from support import TRITON, body, lowered, mesh, statements, triton


class Expressions(unittest.TestCase):
    def test_operators_are_written_as_they_stand(self):
        for python, operation in {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow", "&": "and",
                                  "|": "or", "^": "xor", "<<": "shl", ">>": "shr", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq",
                                  "!=": "ne"}.items():  # fmt: skip
            self.assertEqual(body(f"a = x {python} n"), [f"%a = {operation} %x, %n"])

    def test_unary_operators(self):
        self.assertEqual(body("a = -x"), ["%a = neg %x"])
        self.assertEqual(body("a = ~x"), ["%a = invert %x"])
        self.assertEqual(body("a = not x"), ["%a = not %x"])
        self.assertEqual(body("a = +x"), ["%a = %x"])

    def test_what_is_known_is_computed(self):
        self.assertEqual(body("a = -7 // 2"), ["%a = -4"])
        self.assertEqual(body('a = -float("inf")'), ["%a = -inf"])
        self.assertEqual(body('a = float("nan")'), ["%a = nan"])
        self.assertEqual(body("a = (1 + 2, max(3, 4), 2.0 ** -1)"), ["%a = (3, 4, 0.5)"])
        self.assertEqual(body("a = 1 if 2 > 3 else x"), ["%a = %x"])
        self.assertEqual(body("if 1 == 2:\n    tl.sort(x)\nelse:\n    a = 1"), ["%a = 1"])

    def test_and_makes_its_second_value_only_if_the_first_does_not_decide(self):
        self.assertEqual(
            body("a = n > 0 and x < n"),
            ["%1 = gt %n, 0", "%2 = decides_and %1", "if %2 {", "} else {", "  %3 = lt %x, %n", "  %1 = and_then %1, %3", "}", "%a = %1"],
        )
        self.assertEqual(
            body("a = n or B"), ["%1 = %n", "%2 = decides_or %1", "if %2 {", "} else {", "  %1 = or_else %1, %B", "}", "%a = %1"]
        )
        self.assertEqual(body("a = True and x"), ["%a = %x"])
        self.assertEqual(body("a = False and tl.sort(x)"), ["%a = false"])

    def test_chained_comparisons_make_what_is_between_once(self):
        lines = body("a = 0 <= x + 1 < n")
        self.assertEqual(sum("add" in line for line in lines), 1)
        self.assertEqual(lines[1:3], ["%2 = le 0, %1", "%3 = decides_and %2"])
        self.assertIn("  %4 = lt %1, %n", lines)

    def test_ternaries_make_only_the_value_that_is_asked_for(self):
        self.assertEqual(body("a = x if n > 1 else y + 1"), ["%1 = gt %n, 1", "%3 = is_known %1", "if %3 {", "  if %1 {", "    %2 = %x", "  } else {", "    %2 = add %y, 1", "  }",
                          "} else {", "  %4 = add %y, 1", "  %2 = where %1, %x, %4", "}", "%a = %2"])

    def test_is_and_in(self):
        self.assertEqual(body("a = x is None"), ["%a = is %x, none"])
        self.assertEqual(body("a = x is not None"), ["%1 = is %x, none", "%a = not %1"])
        self.assertEqual(body("a = B in (16, 32)"), ["%a = contains (16, 32), %B"])
        self.assertEqual(body("a = B not in [1]"), ["%1 = contains (1,), %B", "%a = not %1"])
        self.assertEqual(body("a = None is None"), ["%a = true"])

    def test_new_axes(self):
        self.assertEqual(body("a = x[:, None]"), ["%a = expand_dims %x, 1"])
        self.assertEqual(body("a = x[None, :]"), ["%a = expand_dims %x, 0"])
        self.assertEqual(body("a = x[None, :, None]"), ["%a = expand_dims %x, (0, 2)"])
        self.assertEqual(body("a = x[..., None]"), ["%a = expand_dims %x, -1"])
        self.assertEqual(body("a = x[:]"), ["%a = %x"])

    def test_shapes_dtypes_and_their_questions(self):
        self.assertEqual(body("a = x.shape[0]"), ['%1 = attribute %x, "shape"', "%a = item %1, 0"])
        self.assertEqual(body("a = x.dtype.element_ty"), ['%1 = attribute %x, "dtype"', '%a = attribute %1, "element_ty"'])
        self.assertEqual(body("a = x.T"), ['%a = attribute %x, "T"'])
        self.assertEqual(body("a = x.dtype.is_fp8()"), ['%1 = attribute %x, "dtype"', '%a = method %1, "is_fp8"'])
        self.assertEqual(body("a = x.dtype.is_ptr()"), ['%a = is_a %x, "pointer"'])
        self.assertEqual(body("a = x.type.is_block()"), ['%1 = attribute %x, "shape"', "%2 = length %1", "%a = gt %2, 0"])
        self.assertEqual(body("a = tl.float16.is_ptr(), x.dtype.is_block()")[-1], "%a = (%1, false)")
        self.assertEqual(body("a = tl.float8e4nv"), ["%a = f8e4m3"])
        self.assertEqual(body("a = x.dtype == tl.float8e5"), ['%1 = attribute %x, "dtype"', "%a = eq %1, f8e5m2"])

    def test_comprehensions_are_unrolled(self):
        self.assertEqual(body("a = [x + i for i in range(3) if i != 1]"), ["%1 = add %x, 0", "%2 = add %x, 2", "%a = (%1, %2)"])
        self.assertEqual(body("a = tuple(i * j for i in (1, 2) for j in (3, 4))"), ["%a = (3, 4, 6, 8)"])

    def test_strings(self):
        self.assertEqual(body("""a = B == 'leaky"relu'"""), [r'%a = eq %B, "leaky\"relu"'])
        self.assertEqual(body("""tl.static_assert(B > 1, f"B is {B}, {1 + 1} at least")"""),
                         ["%1 = gt %B, 1", 'static_assert %1, message=("B is ", %B, ", {1 + 1} at least")'])  # fmt: skip


class Calls(unittest.TestCase):
    def test_casts(self):
        for text in ("x.to(tl.float16)", "tl.cast(x, tl.float16)", "tl.float16(x)", "x.to(dtype=tl.float16)", "x.cast(tl.float16)"):
            self.assertEqual(body(f"a = {text}"), ["%a = cast %x, f16"])
        self.assertEqual(body("a = x.to(tl.int32, bitcast=True)"), ["%a = cast %x, i32, bitcast=true"])
        for text in ("x.to(tl.pointer_type(tl.uint8))", "tl.cast(x, tl.pointer_type(tl.uint8), bitcast=True)", 'x.to(tl.pointer_type("u8", 1))'):
            self.assertEqual(body(f"a = {text}"), ["%a = as_pointer %x, u8"])
        self.assertEqual(body("a = x.to(tl.pointer_type(B))"), ["%a = as_pointer %x, %B"])
        self.assertEqual(body("a = x.to(y.dtype)"), ['%1 = attribute %y, "dtype"', "%a = cast %x, %1"])

    def test_memory(self):
        self.assertEqual(body('a = tl.load(x, mask=y, other=0.0, cache_modifier=".cg")'), ['%a = load %x, mask=%y, other=0.0, cache_modifier=".cg"'])
        self.assertEqual(body("a = tl.load(x, y, 0.0)"), ["%a = load %x, mask=%y, other=0.0"])
        self.assertEqual(body('a = tl.load(x, boundary_check=(0, 1), padding_option="zero")'),
                         ['%a = load %x, boundary_check=(0, 1), padding_option="zero"'])  # fmt: skip
        self.assertEqual(body("tl.store(x, y, mask=n)"), ["store %x, %y, mask=%n"])
        self.assertEqual(body("tl.atomic_add(x, y)"), ["%1 = atomic_add %x, %y"])

    def test_descriptors_and_block_pointers(self):
        self.assertEqual(body("a = x.load([n, 0])"), ["%a = descriptor_load %x, (%n, 0)"])
        self.assertEqual(body("x.store([n, 0], y)"), ["descriptor_store %x, (%n, 0), %y"])
        self.assertEqual(body("a = x.load([n, 0], network=1)"), ["%a = descriptor_load %x, (%n, 0), network=1"])
        self.assertEqual(body('tl.send(to=1, src=y, network="noc1")'), ['send src=%y, to=1, network="noc1"'])
        self.assertEqual(body("a = tl.make_tensor_descriptor(x, shape=[n, B], strides=[B, 1], block_shape=[B, B])"),
                         ["%a = make_tensor_descriptor %x, (%n, %B), (%B, 1), (%B, %B)"])  # fmt: skip
        self.assertEqual(body("a = tl.advance(x, (0, B))"), ["%a = advance %x, (0, %B)"])
        self.assertEqual(body("a = isinstance(x, tl.tensor_descriptor)"), ['%a = is_a %x, "tensor_descriptor"'])

    def test_shapes(self):
        for text in ("tl.trans(x, (1, 0))", "tl.trans(x, 1, 0)", "x.trans(1, 0)"):
            self.assertEqual(body(f"a = {text}"), ["%a = trans %x, dims=(1, 0)"])
        self.assertEqual(body("a = tl.trans(x)"), ["%a = trans %x"])
        for text in ("tl.reshape(x, (B, 2))", "x.reshape(B, 2)", "x.reshape([B, 2])", "tl.view(x, B, 2)"):
            self.assertEqual(body(f"a = {text}"), ["%a = reshape %x, (%B, 2)"])
        self.assertEqual(body("a = x.permute(0, 2, 1)"), ["%a = permute %x, (0, 2, 1)"])
        self.assertEqual(body("a, b = x.reshape([B, 2]).split()"), ["%1 = reshape %x, (%B, 2)", "%a, %b = split %1"])
        self.assertEqual(body("a = tl.zeros([B], dtype=tl.float16)"), ["%a = zeros (%B,), dtype=f16"])
        self.assertEqual(body("a = tl.full((B, 1), 0, tl.int32)"), ["%a = full (%B, 1), 0, i32"])
        self.assertEqual(body("a = tl.broadcast_to(x, (B, 4))"), ["%a = broadcast_to %x, (%B, 4)"])

    def test_reductions(self):
        self.assertEqual(body("a = tl.max(x, 1)"), ["%a = max %x, axis=1"])
        self.assertEqual(body("a = x.sum(axis=0, keep_dims=True)"), ["%a = sum %x, axis=0, keep_dims=true"])
        self.assertEqual(body("a = tl.sum(x)"), ["%a = sum %x"])
        self.assertEqual(body("a, b = tl.max(x, 1, return_indices=True)"), ["%a, %b = max %x, axis=1, return_indices=true"])
        self.assertEqual(body("a = tl.argmax(x, axis=0)"), ["%a = argmax %x, 0"])
        self.assertEqual(body("a = tl.softmax(x)"), ["%1 = cast %x, f32", "%a = softmax %1, dim=0"])
        self.assertEqual(body("a = tl.softmax(x, -1)"), ["%1 = cast %x, f32", "%a = softmax %1, dim=-1"])
        self.assertEqual(body("a = tl.reduce(x, 0, add)", "@triton.jit\ndef add(a, b):\n    return a + b\n"),
                         ["%1 = sum %x, axis=0", '%2 = attribute %x, "dtype"', "%a = cast %1, %2"])  # fmt: skip
        self.assertEqual(body("a = tl.reduce(x, 0, add)", "@triton.jit\ndef add(a, b):\n    return a - b\n"), ["%a = call &reduce, %x, 0, &add"])

    def test_dot(self):
        self.assertEqual(body("a = tl.dot(x, y)"), ["%a = dot %x, %y"])
        self.assertEqual(body('a = tl.dot(x, y, n, input_precision="ieee")'), ['%a = dot %x, %y, acc=%n, input_precision="ieee"'])
        self.assertEqual(body("a = tl.dot(x, y, out_dtype=tl.float16)"), ["%a = dot %x, %y, out_dtype=f16"])
        self.assertEqual(body("a = tl.dot(x, y, trans_b=True)"), ["%1 = trans %y", "%a = dot %x, %1"])

    def test_mathematics_by_any_of_its_names(self):
        for name in ("tl.exp2", "tl.math.exp2", "tl.extra.cuda.libdevice.exp2", "tl.extra.libdevice.exp2", "libdevice.exp2", "lib.exp2", "e2"):
            above = ("from triton.language.extra import libdevice\nfrom triton.language.extra.cuda import libdevice as lib\n"
                     "from triton.language.math import exp2 as e2\n")  # fmt: skip
            self.assertEqual(body(f"a = {name}(x)", above), ["%a = exp2 %x"])
        self.assertEqual(body("a = tl.math.max(x, B)"), ["%a = maximum %x, %B"])
        self.assertEqual(body("a = tl.standard.cdiv(x, B)"), ["%a = cdiv %x, %B"])
        self.assertEqual(body("a = triton.cdiv(x, B)"), ["%a = cdiv %x, %B"])
        self.assertEqual(body("a = triton.cdiv(7, 2)"), ["%a = 4"])
        self.assertEqual(body("a = math.sqrt(B)", "import math\n"), ["%a = sqrt %B"])

    def test_pythons_functions(self):
        self.assertEqual(body("a = min(x, n, 3)"), ["%1 = minimum %x, %n", "%a = minimum %1, 3"])
        self.assertEqual(body("a = max(x, 0)"), ["%a = maximum %x, 0"])
        self.assertEqual(body("a = abs(x)"), ["%a = abs %x"])
        self.assertEqual(body("a = len(x.shape)"), ['%1 = attribute %x, "shape"', "%a = length %1"])
        self.assertEqual(body("a = (int(x), float(x), bool(x))"), ["%1 = int %x", "%2 = float %x", "%3 = bool %x", "%a = (%1, %2, %3)"])

    def test_functions_of_the_file_come_along(self):
        program = lowered(triton("a, b = f(x, scale=2.0)\ny = g(n)", above="""
            @triton.jit
            def g(x):
                return x + 1

            @triton.jit
            def f(x, BLOCK: tl.constexpr = 8, scale=1.0):
                return g(x), g(BLOCK) * scale
            """))  # fmt: skip
        self.assertEqual(statements(program), ["%a, %b = call &f, %x, scale=2.0", "%y = call &g, %n"])
        self.assertIn("function f(%x, %BLOCK: const = 8, %scale = 1.0) in ", program)
        self.assertEqual(statements(program, "f"), ["%1 = call &g, %x", "%2 = call &g, %BLOCK", "%3 = mul %2, %scale", "return %1, %3"])
        self.assertEqual(program.count("function g("), 1)

    def test_functions_of_files_beside_come_along(self):
        other = TRITON + "SCALE = 3.0\n@triton.jit\ndef f(x):\n    return x * SCALE\n"
        for line in ("from .other import f", "from other import f", "from package.other import f", "from .package import f"):
            program = lowered(triton("a = f(x)", above=line + "\n"), beside={
                "other.py": other, "package/other.py": other, "package/__init__.py": "from .other import f\n"})  # fmt: skip
            self.assertEqual(statements(program, "f"), ["%1 = mul %x, 3.0", "return %1"])
        program = lowered(triton("a = other.f(x) + other.SCALE", above="import other\n"), beside={"other.py": other})
        self.assertEqual(statements(program), ["%1 = call &f, %x", "%a = add %1, 3.0"])

    def test_functions_of_one_name_from_two_files_stay_two(self):
        f = TRITON + "@triton.jit\ndef f(x):\n    return x * 2\n"
        program = lowered(triton("a = f(g(x))", above="from other import f as g\n@triton.jit\ndef f(x):\n    return x\n"), beside={"other.py": f})
        self.assertEqual(statements(program), ["%1 = call &f, %x", "%a = call &f.2, %1"])

    def test_function_of_librarys(self):
        program = lowered(triton("a, b = tl.swizzle2d(x, y, n, n, B)\nc = triton.next_power_of_2(n)"))
        self.assertEqual(statements(program)[0], "%a, %b = call &swizzle2d, %x, %y, %n, %n, %B")
        self.assertIn("function next_power_of_2(%n)", program)


class Statements(unittest.TestCase):
    def test_unpacking_and_exchange(self):
        self.assertEqual(body("a, b = x, y"), ["%a, %b = (%x, %y)"])
        self.assertEqual(body("x, y = y, x"), ["%x, %y = (%y, %x)"])
        self.assertEqual(body("(a, b), c = (x, y), n"), ["%1, %c = ((%x, %y), %n)", "%a, %b = %1"])
        self.assertEqual(body("a = b = x + 1"), ["%a = add %x, 1", "%b = %a"])
        self.assertEqual(body("a, = x"), ["%a = item %x, 0"])

    def test_annotated_assignments(self):
        self.assertEqual(body("a: tl.constexpr = x.shape[0]"), ['%1 = attribute %x, "shape"', "%2 = item %1, 0", "%a = const %2"])
        self.assertEqual(body("a: tl.constexpr = 4"), ["%a = 4"])
        self.assertEqual(body("a: tl.int32 = 0"), ["%a = cast 0, i32"])
        self.assertEqual(body("a: int = n\nb: Tile | None = x\nc: tl.tensor"), ["%a = %n", "%b = %x"])

    def test_augmented_assignments(self):
        self.assertEqual(body("x += B * n"), ["%1 = mul %B, %n", "%x = add %x, %1"])

    def test_ranges(self):
        self.assertEqual(body("for i in range(n):\n    x += i"), ["for %i = 0, %n, 1 {", "  %x = add %x, %i", "}"])
        self.assertEqual(body("for i in tl.range(0, n, B, num_stages=3, warp_specialize=True):\n    pass"), ["for %i = 0, %n, %B {", "}"])
        self.assertEqual(body("for i in tl.static_range(4):\n    pass"), ["for %i = 0, 4, 1 const {", "}"])
        self.assertEqual(body("for i in range(n - 1, -1, -1):\n    pass"), ["%1 = sub %n, 1", "for %i = %1, -1, -1 {", "}"])

    def test_a_loop_counts_on_whatever_its_body_does_with_the_variable(self):
        self.assertEqual(body("for i in range(n):\n    i = i * 2"), ["for %1 = 0, %n, 1 {", "  %i = %1", "  %i = mul %i, 2", "}"])

    def test_loops_over_tuples(self):
        self.assertEqual(body("for a, b in ((x, 1), (y, 2)):\n    n += b"),
                         ["%1 = ((%x, 1), (%y, 2))", "for %2 = 0, 2, 1 const {", "  %a, %b = item %1, %2", "  %n = add %n, %b", "}"])  # fmt: skip
        self.assertEqual(body("for a in x:\n    pass")[:2], ["%1 = length %x", "for %2 = 0, %1, 1 const {"])

    def test_while(self):
        self.assertEqual(body("while n > 1:\n    n = n // 2\n    if n == 3:\n        break"),
                         ["loop {", "  %1 = gt %n, 1", "  if %1 {", "  } else {", "    break", "  }", "  %n = floordiv %n, 2",
                          "  %1 = eq %n, 3", "  if %1 {", "    break", "  }", "}"])  # fmt: skip
        self.assertEqual(body("while True:\n    continue"), ["loop {", "  continue", "}"])

    def test_temporaries_of_a_loops_head_are_not_used_again_inside(self):
        self.assertEqual(body("for i in range(n + 1):\n    x = x * 2 + i"), ["%1 = add %n, 1", "for %i = 0, %1, 1 {", "  %2 = mul %x, 2",
                                                                            "  %x = add %2, %i", "}"])  # fmt: skip

    def test_if_and_early_return(self):
        self.assertEqual(body("if n > 1:\n    return\nelif n == 0:\n    a = 1\nelse:\n    a = 2"),
                         ["%1 = gt %n, 1", "if %1 {", "  return", "} else {", "  %2 = eq %n, 0", "  if %2 {", "    %a = 1", "  } else {",
                          "    %a = 2", "  }", "}"])  # fmt: skip

    def test_returns(self):
        for text, result in {"return": "return", "return None": "return", "return x": "return %x", "return x, 1": "return %x, 1",
                             "return (x,)": "return (%x,)", "return (x, (y, n))": "return %x, (%y, %n)"}.items():  # fmt: skip
            self.assertEqual(body(text), [result])

    def test_notes(self):
        self.assertEqual(body('tl.device_print("x", x)\ntl.static_print("B", B)\nprint("n", n)'),
                         ['device_print "x", %x', 'static_print "B", %B', 'device_print "n", %n'])  # fmt: skip
        self.assertEqual(body("tl.assume(n > 0)"), ["%1 = gt %n, 0", "assume %1"])
        self.assertEqual(body("x = tl.multiple_of(x, 16)"), ["%x = multiple_of %x, 16"])
        self.assertEqual(body("tl.extra.cuda.gdc_wait()\ntl.extra.cuda.gdc_launch_dependents()"), ["debug_barrier", "debug_barrier"])
        self.assertEqual(body('assert n > 0, f"n is {n}"'), ["%1 = gt %n, 0", 'device_assert %1, message="n is {n}"'])
        self.assertEqual(body('"""Text."""\npass\ntl.static_assert(True)'), [])

    def test_what_is_not_supported_stops_the_program_only_where_it_comes_by(self):
        self.assertEqual(body("if B:\n    a, b = tl.norm3d(n, x), 1\n    x = x + a"),
                         ["if %B {", '  static_assert false, message="tl.norm3d is not supported"', "  %a = none", "  %b = none",
                          "  %x = add %x, %a", "}"])  # fmt: skip
        self.assertIn('static_assert false, message="tl.norm3d is not supported"',
                      statements(lowered(triton("if B:\n    x = f(x)", above="@triton.jit\ndef f(x):\n    return tl.norm3d(1, x)\n")), "f"))

    def test_every_statement_has_its_place(self):
        program = lowered(triton("a = (x +\n     tl.exp(n))"))
        self.assertIn("%1 = exp %n @ 6:10", program)
        self.assertIn("%a = add %x, %1 @ 5:10", program)


class Heads(unittest.TestCase):
    def test_parameters(self):
        program = lowered(TRITON + "@triton.autotune([], key=[])\n@triton.jit(do_not_specialize=['n'])\n"
                          "def k(x, n, A: tl.constexpr, B: 'tl.constexpr' = 4, C: tl.constexpr = None, d=1.5, "
                          "E: tl.constexpr = tl.float16):\n    pass\n")  # fmt: skip
        self.assertIn("kernel k(%x, %n, %A: const, %B: const = 4, %C: const = none, %d = 1.5, %E: const = f16) in ", program)

    def test_a_tuple_as_a_default_is_assigned_in_the_function(self):
        self.assertEqual(body("pass", head="A: tl.constexpr = (1, 2)"), ["%1 = is %A, none", "if %1 {", "  %A = (1, 2)", "}"])

    def test_a_function_as_a_default_comes_along(self):
        program = lowered(triton("a = act(n)", head="n, act: tl.constexpr = f", above="@triton.jit\ndef f(x):\n    return x\n"))
        self.assertIn("%act: const = &f", program)
        self.assertEqual(statements(program), ["%a = call %act, %n"])

    def test_a_default_that_is_not_known_is_none(self):
        self.assertIn("%A: const = none", lowered(triton("pass", head="A: tl.constexpr = table['a']", above="table = {'a': 1}\n")))

    def test_integers_of_64_bits_but_no_pointers_and_no_none_are_cast(self):
        self.assertEqual(body("pass", head="n: tl.int64, m: tl.int32"),
                         ['%1 = is_a %n, "pointer"', "if %1 {", "} else {", "  %2 = is %n, none", "  if %2 {", "  } else {",
                          "    %n = cast %n, i64", "  }", "}"])  # fmt: skip

    def test_names_beyond_ascii(self):
        self.assertEqual(body("α = n"), ["%.3b1 = %n"])


class Mesh(unittest.TestCase):
    def test_parameters_are_constants_and_the_language_is_none(self):
        self.assertIn("kernel k(%x: const, %y: const, %n: const) in ", lowered(mesh("pass")))
        self.assertIn("kernel k(%x: const) in ", lowered("def k(x: int, tl):\n    pass\n"))
        self.assertIn("kernel k(%x: const) in ", lowered("import triton.language as tl\ndef k(x):\n    tl.barrier()\n"))

    def test_integers_are_pythons(self):
        self.assertEqual(statements(lowered(mesh("r = tl.program_id(axis=1)\nfor i in range(r):\n    pass"))),
                         ["%1 = program_id 1", "%r = const %1", "for %i = 0, %r, 1 const {", "}"])  # fmt: skip

    def test_reductions_keep_their_dimension(self):
        self.assertEqual(statements(lowered(mesh("a = tl.max(x, axis=-1)\nb = tl.sum(x, axis=0, keep_dims=False)"))),
                         ["%a = max %x, axis=-1, keep_dims=true", "%b = sum %x, axis=0"])  # fmt: skip
        self.assertEqual(statements(lowered(mesh("a = tl.softmax(x, axis=-1)"))), ["%a = softmax %x, dim=-1"])

    def test_messages_and_loads_of_boxes(self):
        self.assertEqual(statements(lowered(mesh('tl.send(dir="E", src=x)\na = tl.recv(dir="W", shape=(n, 4), dtype="f16")\ntl.send(to=3, src=a)'))),
                         ['send dir="E", src=%x', '%a = recv dir="W", shape=(%n, 4), dtype=f16', "send src=%a, to=3"])  # fmt: skip
        self.assertEqual(statements(lowered(mesh('tl.multicast(x, to=(0, 2))\ntl.multicast(src=x, to="row")'))),
                         ["multicast %x, to=(0, 2)", 'multicast %x, to="row"'])  # fmt: skip
        for text in ('tl.load(x, shape=(n, 4), dtype="f16")', 'tl.load(x, (n, 4), "f16")', "tl.load(x, shape=[n, 4], dtype=tl.float16)"):
            self.assertEqual(statements(lowered("import triton.language as tl\n" + mesh(f"a = {text}"))), ["%a = load %x, shape=(%n, 4), dtype=f16"])

    def test_handles_in_another_shape(self):
        text = "a = TensorHandle(id=x.id, addr=x.addr, shape=(n, 2), dtype=x.dtype, nbytes=x.nbytes)"
        self.assertEqual(statements(lowered(mesh(text))), ["%a = reshape %x, (%n, 2)"])

    def test_the_language_is_passed_on_by_position_or_name(self):
        for call in ("f(x, tl)", "f(x, tl=tl)"):
            program = lowered(f"def f(x, tl):\n    return tl.exp(x)\n\n{mesh(f'a = {call}')}")
            self.assertEqual(statements(program), ["%a = call &f, %x"])

    def test_a_triton_function_in_a_mesh_kernel_stays_triton(self):
        program = lowered(TRITON + "@triton.jit\ndef f(x, n):\n    return tl.max(x, 1)\n" + mesh("a = f(x, n)"))
        self.assertEqual(statements(program, "f"), ["%1 = max %x, axis=1", "return %1"])
        self.assertIn("function f(%x, %n) in ", program)


if __name__ == "__main__":
    unittest.main()
