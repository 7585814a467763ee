# SPDX-License-Identifier: Apache-2.0
"""Launches from Python: arrays of every kind and dtype go in, and what the kernel stored comes back into them."""

import os
import sys
import tempfile
import unittest
from array import array
from unittest import mock

from support import HERE, write
import tilemesh as tm
from tilemesh import arrays
from tilemesh.command import path_of_command

try:
    import numpy
except ImportError:
    numpy = None
try:
    import torch
except ImportError:
    torch = None
FILE = str(HERE / "kernels" / "launched.py")


def has_command():
    try:
        return path_of_command()
    except tm.CommandNotFound:
        return None


needs_command = unittest.skipUnless(has_command(), "the command is not built")
needs_numpy = unittest.skipUnless(numpy, "numpy is not installed")
needs_torch = unittest.skipUnless(torch and hasattr(torch, "__file__"), "torch is not installed")


def launch(name, grid, args, **options):
    return tm.launch((FILE, name), grid, args, **options)


@needs_command
class Buffers(unittest.TestCase):
    """Without numpy or torch."""

    def test_arrays_of_python_hold_what_the_kernel_stored(self):
        for letter, numbers in {"f": [0.5, -2.0, float("inf")], "b": [-128, 7, 127], "H": [0, 1, 65535], "i": [-(2**31), 5, 2**31 - 1],
                                "q": [-(2**63), 2**53 + 1, 2**63 - 1], "Q": [0, 2**53 + 1, 2**64 - 1]}.items():  # fmt: skip
            with self.subTest(letter):
                x, y = array(letter, numbers * 30), array(letter, [0] * 90)
                results = launch("copy", 2, [x, y, 90])
                self.assertEqual(y, x)
                self.assertEqual(results.status, "ok")
                self.assertGreater(results.cycles, 0)
                self.assertEqual(list(results.outputs), ["y_ptr"])
                self.assertIs(results.outputs["y_ptr"], y)

    def test_elements_that_are_not_stored_stay(self):
        y = array("f", [7.0] * 90)
        launch("copy", 1, {"x_ptr": array("f", range(90)), "y_ptr": y, "n": 50})
        self.assertEqual(list(y), [*range(50), *[7.0] * 40])

    def test_values_none_leaves_arrays_and_takes_as_long(self):
        x, y = array("f", range(90)), array("f", [7.0] * 90)
        timed = launch("copy", 2, [x, y, 90], values="none")
        self.assertEqual((list(y), timed.outputs), ([7.0] * 90, {}))
        self.assertEqual(timed.cycles, launch("copy", 2, [x, y, 90]).cycles)

    def test_kinds_of_arguments(self):
        x, y = array("f", [1, 2, 3, 4]), array("f", [0] * 4)
        for bias, kind, factor, expected in ((None, "once", float("inf"), [1, 2, float("inf"), float("inf")]), (x, "twice", 0.5, [4, 8, 1, 1])):
            args = {"x_ptr": x, "y_ptr": y, "n": 2, "factor": factor, "bias_ptr": bias, "num_warps": 4}
            if bias is not None:
                args["bias_ptr"] = array("f", [1, 2, 0, 0])
            constants = {"KIND": kind, "DTYPE": arrays_dtype("f32"), "SHAPE": (4, 1)}
            launch("scaled", 1, args, constants=constants)
            self.assertEqual(list(y), expected)

    def test_a_tuple_of_arrays_and_texts(self):
        x, y = array("f", range(64)), array("f", [0] * 64)
        launch("by_tuple", 1, {"these": (x, y, "twice")})
        self.assertEqual(list(y), [2 * n for n in range(64)])

    def test_a_descriptor_made_by_the_host(self):
        class Descriptor:
            base, shape, strides, block_shape = array("f", range(30)), [5, 4], [6, 1], [8, 4]

        y = array("f", [-1] * 32)
        launch("first_block", 1, [Descriptor, y, 8, 4])
        self.assertEqual(list(y), [*(6 * row + column for row in range(5) for column in range(4)), *[0] * 12])
        Descriptor.block_shape = [8, 0]
        with self.assertRaisesRegex(tm.InputError, "arguments/desc/block_shape: .*expected sizes from 1"):
            launch("first_block", 1, [Descriptor, y, 8, 4])

    def test_a_mesh_kernel(self):
        x, y = array("f", range(64)), array("f", [0] * 64)
        launch("doubled", 8, [x, y, 64], machine="cube_line8", dispatch="blocked", place={"x": {"owner": 3}})
        self.assertEqual(list(y), [2 * n for n in range(64)])

    def test_the_machine_and_its_keys(self):
        x, y = array("f", range(90)), array("f", [0] * 90)
        slow = launch("copy", 2, [x, y, 90], settings={"machine.pe.clock_ghz": 0.5})
        self.assertGreater(slow.time_us, launch("copy", 2, [x, y, 90]).time_us)
        with self.assertRaisesRegex(tm.InputError, "machine nowhere: no such file and no such name; there are .*cube_2x4"):
            launch("copy", 2, [x, y, 90], machine="nowhere")

    def test_a_check_gives_a_verdict(self):
        x = array("f", range(90))
        right = launch("copy", 2, [x, array("f", [0] * 90), 90], check={"y_ptr": x})
        wrong = launch("copy", 2, [x, array("f", [0] * 90), 90], check={"y_ptr": array("f", [1] * 90)})
        self.assertEqual((right.verdict, wrong.verdict), ("pass", "fail"))
        named = launch("copy", 2, [x, array("f", [0] * 90), 90], check={"y_ptr": {"reference": "copy", "x": "x_ptr"}})
        self.assertEqual(named.verdict, "pass")


def doubled_twice(x, n, *, tl):
    tl.store(x, tl.load(x, (1, n), "f32") * 4.0)


def arrays_dtype(name):
    from tilemesh.values import DType

    dtype = DType.__new__(type("dtype", (), {"__tilemesh_dtype__": name}))
    return dtype


@needs_command
class Errors(unittest.TestCase):
    def test_they_name_the_file_and_the_line(self):
        x, y = array("f", range(90)), array("f", [0] * 90)
        with self.assertRaisesRegex(tm.TilemeshError, r"launched\.py:4\d"):
            launch("beyond", 1, [x, y, 64])
        with self.assertRaisesRegex(tm.InputError, r"launched\.py.*there is no function copied at the file.s outermost level; there are copy,"):
            launch("copied", 1, [x, y, 90])
        with self.assertRaisesRegex(tm.InputError, "nothing.py:1:1: cannot be read"):
            tm.launch(("nothing.py", "k"), 1, [])

    def test_what_no_kernel_can_be_given(self):
        x, y = array("f", range(90)), array("f", [0] * 90)
        for args, message in (([x, array("d", [0] * 90), 90], "y_ptr: float64 is not supported"), ([x, y, object()], "n: a kernel can be given"),
                              ([x, y, 2**70], "n: .* more than 64 bits"), ([x, y, 1, 2, 3], "copy takes 4 arguments; here are 5")):  # fmt: skip
            with self.assertRaisesRegex(TypeError, message):
                launch("copy", 1, args)
        with self.assertRaisesRegex(TypeError, "place: there is no array z; there are x_ptr, y_ptr"):
            launch("copy", 1, [x, y, 90], place={"z": "replicated"})
        with self.assertRaisesRegex(tm.InputError, "copy has no parameter m"):
            launch("copy", 1, {"x_ptr": x, "y_ptr": y, "n": 3, "m": 4})
        with self.assertRaisesRegex(TypeError, "a kernel is a function"):
            tm.launch(3, 1, [])


@needs_command
@needs_numpy
class Numpy(unittest.TestCase):
    DTYPES = "float16 float32 bool int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()

    def test_every_dtype_comes_back_as_it_went(self):
        for dtype in self.DTYPES:
            with self.subTest(dtype):
                x = (numpy.arange(100) * 37 % 101 - 50).astype(dtype)
                if dtype in ("int64", "uint64"):
                    x[:3] = numpy.iinfo(dtype).max, numpy.iinfo(dtype).min, 2**53 + 1
                y = numpy.zeros_like(x)
                launch("copy", 2, [x, y, 100])
                numpy.testing.assert_array_equal(y, x)

    def test_nan_and_infinity_pass(self):
        x, y = numpy.array([numpy.nan, numpy.inf, -numpy.inf, 1], "f4"), numpy.zeros(4, "f4")
        launch("copy", 1, [x, y, 4])
        numpy.testing.assert_array_equal(y, x)

    def test_strides_are_the_arrays_own(self):
        whole = numpy.arange(24 * 40, dtype="f4").reshape(24, 40)
        views = {"rows": whole[3:11, 5:21], "steps": whole[1:24:3, ::2][:, :16], "transposed": whole.T[4:12, :16], "backwards": whole[::-1][:8, 39:23:-1],
                 "column order": numpy.asfortranarray(whole)[:8, :16], "repeated": numpy.broadcast_to(whole[0, :16], (8, 16))}  # fmt: skip
        for name, x in views.items():
            with self.subTest(name):
                target = numpy.full((10, 50), -1, "f4")
                y = target[1:9, 7:39:2]
                strides = [stride // 4 for stride in (*x.strides, *y.strides)]
                launch("copy_rows", 1, [x, y, *strides, 8, 16])
                numpy.testing.assert_array_equal(y, x)
                self.assertEqual((target == -1).sum(), 500 - 128)

    def test_two_arrays_of_one_memory(self):
        x = numpy.arange(100, dtype="i4")
        launch("copy", 1, [x[:50], x[50:], 50])
        numpy.testing.assert_array_equal(x[50:], x[:50])

    def test_one_memory_in_two_dtypes(self):
        whole = numpy.zeros((8, 20), "u1")
        bytes_of, numbers = whole[:, :8], whole[:, 8:].view("f4")
        numbers[:] = numpy.arange(24).reshape(8, 3)
        for first, second in ((bytes_of, numbers), (numbers, bytes_of)):
            launch("copy_rows", 1, [first, second, *(a.strides[axis] // a.itemsize for a in (first, second) for axis in (0, 1)), 8, 2])
            numpy.testing.assert_array_equal(second[:, :2], first[:, :2])

    def test_a_number_or_a_pointer_to_it(self):
        x = numpy.arange(64, dtype="f4")
        for factor in (3.0, numpy.array([3], "f4")):
            y = numpy.zeros(64, "f4")
            launch("times_whatever", 1, [x, y, factor])
            numpy.testing.assert_array_equal(y, 3 * x)

    def test_what_is_not_writable(self):
        y = numpy.zeros(100, "f4")
        y.flags.writeable = False
        with self.assertRaises(ValueError):
            launch("copy", 2, [numpy.ones(100, "f4"), y, 100])

    def test_a_scalar_of_numpy_is_a_number(self):
        x, y = numpy.ones(64, "f4"), numpy.zeros(64, "f4")
        launch("copy", numpy.int64(1), [x, y, numpy.int32(64)])
        self.assertEqual(y.sum(), 64)


@needs_command
@needs_torch
class Torch(unittest.TestCase):
    def test_every_dtype_comes_back_as_it_went(self):
        names = "float16 bfloat16 float32 float8_e4m3fn float8_e5m2 bool int8 int16 int32 int64 uint8".split()
        for dtype in (getattr(torch, name) for name in names if hasattr(torch, name)):
            with self.subTest(dtype):
                x = (torch.arange(100) * 37 % 101 - 50).to(dtype)
                y = torch.zeros_like(x)
                launch("copy", 2, [x, y, 100])
                self.assertTrue(torch.equal(x.float(), y.float()))

    def test_strides_are_the_tensors_own(self):
        whole = torch.arange(24 * 40, dtype=torch.float32).reshape(24, 40).to(torch.bfloat16)
        for x in (whole[3:11, 5:21], whole[1:24:3, ::2][:, :16], whole.t()[4:12, :16], whole[0, :16].expand(8, 16)):
            target = torch.full((10, 50), -1.0, dtype=torch.bfloat16)
            y = target[1:9, 7:39:2]
            launch("copy_rows", 1, [x, y, *x.stride(), *y.stride(), 8, 16])
            self.assertTrue(torch.equal(y, x))
            self.assertEqual(int((target == -1).sum()), 500 - 128)

    def test_leaves_of_a_graph(self):
        x, y = torch.rand(64, requires_grad=True), torch.zeros(64, requires_grad=True)
        launch("copy", 1, [x, y, 64])
        self.assertTrue(torch.equal(x, y))


class Memories(unittest.TestCase):
    def test_a_dense_array_keeps_its_shape_longest_stride_first(self):
        for sizes, strides, shape in (([3, 4], [4, 1], [3, 4]), ([4, 3], [1, 4], [3, 4]), ([3, 1, 4], [4, 9, 1], [3, 4]), ([3, 4], [5, 1], None)):
            memory = arrays.Memory("f32", 12, bytes, None)
            memory.see(sizes, strides, 0)
            self.assertEqual([size for size in memory.shape if size > 1], shape or [12])

    def test_names_do_not_collide(self):
        memories = arrays.Memories()
        kept = [array("f", [0]), array("f", [1]), array("f", [2])]
        self.assertEqual([memories.of(x, "a")[0].name for x in kept], ["a", "a_2", "a_3"])
        self.assertEqual(memories.of(kept[1], "b")[0].name, "a_2")

    def test_no_array_is_empty_to_a_panel(self):
        memory, first, _ = arrays.Memories().of(array("f"), "x")
        self.assertEqual((memory.elements, memory.shape, len(memory.content()), first), (1, [1], 4, 0))


class Lowering(unittest.TestCase):
    def test_a_function_is_lowered_once(self):
        from tilemesh import kernels

        one = kernels.kernel_of(doubled_twice)
        with mock.patch.object(kernels, "lower", side_effect=AssertionError):
            self.assertIs(kernels.kernel_of(doubled_twice), one)

    def test_parameters_and_constants(self):
        from tilemesh import kernels

        one = kernels.kernel_of((FILE, "copy"))
        self.assertEqual((one.parameters, one.constants), (["x_ptr", "y_ptr", "n", "BLOCK"], {"BLOCK"}))

    def test_a_file_that_a_kernels_file_imports_may_change(self):
        from tilemesh import kernels

        with tempfile.TemporaryDirectory() as folder:
            file = write(folder, "k.py", "import triton.language as tl\nfrom beside import LOOPS\ndef k(y_ptr):\n    tl.store(y_ptr, LOOPS)\n")
            for loops in (3, 7):
                write(folder, "beside.py", f"LOOPS = {loops}\n")
                self.assertIn(f"store %y_ptr, {loops} ", kernels.kernel_of((file, "k")).text)

    def test_importing_the_package_imports_neither_numpy_nor_the_launcher(self):
        import subprocess

        code = "import sys, tilemesh; print([m for m in ('numpy', 'json', 'tilemesh.launching') if m in sys.modules])"
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(HERE.parent)}, check=True)
        self.assertEqual(ran.stdout.strip(), "[]")


if __name__ == "__main__":
    unittest.main()
