# SPDX-License-Identifier: Apache-2.0
"""Scripts that run as they are: python3 -m tilemesh script.py, with torch and with the stand-in for it."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

from support import HERE, write
from test_launch import has_command, numpy, torch

SCRIPTS = HERE / "scripts"
TORCHES = [*(["installed"] if torch else []), *(["standin"] if numpy else [])]


def run(script, *arguments, which="standin", **environment):
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "TILEMESH_TORCH": which, **environment}
    bare = ["-S"] if sys.flags.no_site else []  # the packages that these tests have, no others
    ran = subprocess.run([sys.executable, *bare, "-m", "tilemesh", str(script), *arguments], capture_output=True, text=True, env=environment, check=False)
    return ran.returncode, ran.stdout, ran.stderr


class Script(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def script(self, text, name="script.py"):
        return write(self.folder, name, text)


KERNEL = """
import sys
import torch
import triton
import triton.language as tl

@triton.jit
def copy(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + at, tl.load(x_ptr + at, mask=at < n), mask=at < n)

x = torch.arange(100, device="cuda", dtype=torch.float32)
y = torch.zeros_like(x)
"""


@unittest.skipUnless(has_command(), "the command is not built")
@unittest.skipUnless(TORCHES, "neither torch nor numpy is installed")
class Tutorials(unittest.TestCase):
    def each(self, name, *arguments):
        for which in TORCHES:
            with self.subTest(which):
                status, said, remarks = run(SCRIPTS / f"{name}.py", *arguments, which=which)
                self.assertEqual(status, 0, said + remarks)
                yield said, remarks

    def test_a_sum_and_its_benchmark(self):
        for said, remarks in self.each("vector_add"):
            self.assertIn("largest difference: 0.0", said)
            rows = [line.split() for line in said.splitlines() if re.match(r"^\d", line)]
            self.assertEqual([row[1] for row in rows], [str(2**i) for i in range(12, 18)])
            self.assertTrue(all(float(row[2]) > 0 and row[3] == "nan" for row in rows))
            self.assertEqual(remarks.count("torch's own calls take none"), 1)
            self.assertRegex(remarks, r"cube_2x4: 8 PEs, simulated\nkernel +launches.*\nadd_kernel +7 ")

    def test_a_softmax_that_asks_the_device(self):
        for said, _ in self.each("softmax"):
            self.assertEqual(said, "right, with 8 programs on cuda\n")
        for said, _ in self.each("softmax", "--programs-per-pe", "2"):
            self.assertEqual(said, "right, with 16 programs on cuda\n")

    def test_a_product_whose_blocks_are_tuned(self):
        for said, remarks in self.each("matmul"):
            self.assertRegex(said, r"right; best of 6: .*TFLOP/s")
            self.assertRegex(remarks, r"matmul_kernel +4 +5 ")  # two configurations differ in hints alone

    def test_a_layer_norm_in_a_function_of_autograd(self):
        for said, _ in self.each("layer_norm"):
            self.assertEqual(said, "right, Tensor (37, 500), apex: False\n")

    def test_gradients_by_kernels_and_a_kernel_that_is_not_launched(self):
        for said, remarks in self.each("gradients"):
            self.assertEqual(said, "InputError gradients.py:26:9: tl.norm3d is not supported\n")
            self.assertRegex(remarks, r"_forward +2 .*\n_backward +2 ")

    def test_8_bit_floats(self):
        expected = None
        for said, _ in self.each("float8", "-q"):
            self.assertIn("torch.float8_e5m2 1 (4, 2) [[1.0, 3.0, -1024.0, 0.0001068115234375], [16.0, 20.0, -0.75, 0.001953125]]", said)
            self.assertIn("True False [[2.0, 6.5, -448.0, 0.0], [32.0, 40.0, -1.5, 0.00390625]] torch.float8_e4m3fn", said)
            self.assertEqual(said, expected or said)
            expected = said

    def test_locks_and_what_atomic_operations_find(self):
        for said, _ in self.each("locks"):
            self.assertEqual(said, "[0, 0, 0, 1, 1, 1]\n[3, 1, 1, 9, 0, 0, 4, 9, 3, 11, 8, 2] [13, 2, 3, 3]\n")

    def test_what_is_only_timed_computes_values_where_they_may_matter(self):
        for said, remarks in self.each("timed"):
            self.assertEqual(said, "1 0.0 True\n4032.0 True\n3 63.0\n5 63.0\n64.0 128.0\n")
            self.assertRegex(remarks, r"double +2 .*\n.*count +1 .*\nrepeat +1 ")
        for said, _ in self.each("timed", "--values", "always"):
            self.assertEqual(said, "1 4032.0 True\n4032.0 True\n2 63.0\n3 63.0\n64.0 128.0\n")

    def test_attention_with_block_pointers_and_descriptors(self):
        for said, _ in self.each("attention"):
            self.assertEqual(said, "blocks: right\nkernel: right\nhost: right\n")


@unittest.skipUnless(has_command(), "the command is not built")
@unittest.skipUnless(numpy, "numpy is not installed")
class Behaviour(Script):
    def test_arguments_that_are_not_ours_are_the_scripts(self):
        script = self.script("import sys\nprint(sys.argv, __name__)")
        for given, expected in ((["--machine", "cube_line8", "a", "--b=1", "-q"], ["a", "--b=1"]), (["a", "--", "-q"], ["a", "-q"])):
            self.assertEqual(run(script, *given)[:2], (0, f"{[script, *expected]} __main__\n"))

    def test_modules_beside_the_script_are_found_and_their_kernels_too(self):
        self.script(KERNEL + "SIZE = 32 * 2\n", "beside.py")
        script = self.script("import beside\nbeside.copy[(2,)](beside.x, beside.y, 100, BLOCK=beside.SIZE)\nprint(float(beside.y.sum()))")
        self.assertEqual(run(script)[:2], (0, "4950.0\n"))

    def test_values_none_computes_none_and_takes_as_long(self):
        script = self.script(KERNEL + "copy[(2,)](x, y, 100, BLOCK=64)\nprint(float(y.sum()))")
        timed, full = run(script, "--values", "none"), run(script)
        self.assertEqual((timed[1], full[1]), ("0.0\n", "4950.0\n"))
        self.assertIn("values none: kernels store nothing", timed[2])
        self.assertEqual(timed[2].splitlines()[-1].split()[:4], full[2].splitlines()[-1].split()[:4])

    def test_place_dispatch_and_keys(self):
        script = self.script(KERNEL + "copy[(2,)](x, y, 100, BLOCK=64)")
        times = {tuple(options): run(script, *options)[2].splitlines()[-1] for options in (
            [], ["--place", '{"owner": 5}'], ["--place", 'x_ptr={"owner": 7}'], ["--set", "machine.pe.clock_ghz=0.5"], ["--dispatch", "[7, 7]"])}  # fmt: skip
        self.assertEqual(len(set(times.values())), 5, times)
        self.assertIn("place", run(script, "--place", "nowhere")[2])

    def test_quiet(self):
        self.assertEqual(run(self.script(KERNEL + "copy[(2,)](x, y, 100, BLOCK=64)"), "-q"), (0, "", ""))

    def test_errors_are_exceptions_with_the_commands_line(self):
        script = self.script(KERNEL + "copy[(2,)](x, y[:50], 200, BLOCK=64)")
        status, _, remarks = run(script)
        self.assertEqual(status, 1)
        self.assertRegex(remarks, r"(?s)^Traceback .*script\.py\", line 14, in <module>\n.*KernelFailed: .*script\.py:1\d:?\d*: ")
        self.assertNotIn("launching.py", remarks)
        caught = self.script(KERNEL + "try:\n    copy[(1,)](x, y, 100, 'a', 'b')\nexcept TypeError as error:\n    print(error)")
        self.assertEqual(run(caught)[1], "copy: too many positional arguments\n")

    def test_how_a_script_ends(self):
        for text, status in (("import sys; sys.exit(3)", 3), ("raise SystemExit('no')", 1), ("1 / 0", 1), ("pass", 0), ("x = = 1", 2)):
            self.assertEqual(run(self.script(text))[0], status)
        self.assertEqual(run("/nowhere.py")[::2], (2, "tilemesh: error: /nowhere.py: there is no such script\n"))
        status, _, remarks = run(self.script("pass"), "--machine", "nowhere")
        self.assertEqual((status, remarks.count("\n")), (2, 1))
        self.assertRegex(remarks, "machine nowhere: no such file")

    def test_without_numpy_and_torch_one_error_says_what_to_install(self):
        nothing = write(self.folder, "none/numpy.py", "raise ImportError('no numpy')")
        path = os.pathsep.join([str(HERE.parent), os.path.dirname(nothing)])
        status, _, remarks = run(self.script("import torch"), PYTHONPATH=path)
        self.assertEqual(status, 1)
        self.assertRegex(remarks, r"ImportError: neither torch nor numpy is installed; .*apt-get install python3-numpy")
        self.assertEqual(run(self.script("import triton, triton.language as tl; print(tl.float16)"), PYTHONPATH=path)[:2], (0, "fp16\n"))


@unittest.skipUnless(has_command(), "the command is not built")
@unittest.skipUnless(numpy, "numpy is not installed")
class Triton(Script):
    def says(self, text, *arguments):
        status, said, remarks = run(self.script(KERNEL + text), *arguments)
        self.assertEqual(status, 0, remarks)
        return said.splitlines()

    def test_grids(self):
        text = "for grid in ((2,), [2], (2, 1, 1), lambda meta: (triton.cdiv(100, meta['BLOCK']),), lambda meta: [2], 2):\n" \
               "    y.zero_(); copy[grid](x, y, n=100, BLOCK=64, num_warps=8, num_stages=3); print(float(y.sum()))\n" \
               "copy[(0,)](x, y, 100, BLOCK=64)"  # fmt: skip
        self.assertEqual(self.says(text), ["4950.0"] * 6)

    def test_names_that_only_a_running_script_knows(self):
        text = """
            import math
            SIZE = tl.constexpr(int(math.sqrt(64 * 64)))
            def make(factor):
                @triton.jit
                def inner(x_ptr, y_ptr):
                    at = tl.arange(0, SIZE)
                    tl.store(y_ptr + at, helper(tl.load(x_ptr + at)) * factor)
                return inner
            @triton.jit
            def helper(x):
                return x + OFFSETS[1]
            OFFSETS = tuple(n + 1.0 for n in range(2))
            make(3)[(1,)](x, y)
            print([float(n) for n in y[:3]])
        """
        import textwrap

        self.assertEqual(self.says(textwrap.dedent(text)), ["[6.0, 9.0, 12.0]"])

    def test_functions_as_arguments(self):
        text = """
@triton.jit
def twice(x):
    return x * 2

@triton.jit
def apply(x_ptr, y_ptr, HOW: tl.constexpr):
    at = tl.arange(0, 64)
    x = tl.load(x_ptr + at)
    if HOW:
        x = HOW(x)
    tl.store(y_ptr + at, x)

for how in (twice, None):
    apply[(1,)](x, y, HOW=how)
    print(float(y.sum()))
"""
        self.assertEqual(self.says(text), ["4032.0", "2016.0"])

    def test_functions_of_constants(self):
        text = """
from triton.runtime.errors import OutOfResources

@triton.constexpr_function
def half(n, least=8):
    return max(n // 2, least)

@triton.constexpr_function
def kind(bits):
    return tl.float16 if bits == 16 else tl.float32

@triton.jit
def first_half(x_ptr, y_ptr, SIZE: tl.constexpr):
    HALF: tl.constexpr = half(SIZE)
    at = tl.arange(0, HALF)
    tl.store(y_ptr + at, (tl.load(x_ptr + at) + 1.0001).to(kind(16)))

first_half[(1,)](x, y, SIZE=64)
print(half(64), float(y.sum()), issubclass(OutOfResources, Exception))
"""
        self.assertEqual(self.says(text), ["32 528.0 True"])

    def test_marks_of_pytest_where_it_is_not_installed(self):
        text = "import pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test(n):\n    pass\ntest(3)\nprint('ran')"
        self.assertEqual(self.says(text), ["ran"])

    def test_tables_where_tabulate_is_not_installed(self):
        text = "import tabulate\nprint(tabulate.tabulate([['a', 1.5, 2], ['bc', 10, 3]]))"
        self.assertEqual([line.split() for line in self.says(text)][1:3], [["a", "1.5", "2"], ["bc", "10", "3"]])

    def test_comparisons_of_older_versions(self):
        text = "triton.testing.assert_almost_equal(x, x + 0.001)\ntry:\n    triton.testing.assert_almost_equal(x, x + 0.2, decimal=1)\n" \
               "except AssertionError:\n    print('differ')"  # fmt: skip
        self.assertEqual(self.says(text), ["differ"])

    def test_libraries_that_a_launch_names_mean_nothing_here(self):
        self.assertEqual(self.says("copy[(2,)](x, y, 100, BLOCK=64, extern_libs={'libdevice': '/nowhere.bc'}); print(float(y.sum()))"), ["4950.0"])

    def test_what_only_steers_a_compiler_can_be_imported(self):
        text = "from triton.runtime.cache import get_cache_manager\nfrom triton.tools.experimental_descriptor import create_2d_tma_descriptor\n" \
               "triton.knobs.compilation.always_compile = True\nbox = create_2d_tma_descriptor(x, 4, 25, 2, 5, 4)\n" \
               "print(triton.knobs.runtime.interpret, get_cache_manager('k').has_file('a'), box.shape, box.strides, box.block_shape)"  # fmt: skip
        self.assertEqual(self.says(text), ["None False [4, 25] [25, 1] [2, 5]"])

    def test_heuristics_defaults_and_tuning_together(self):
        text = """
@triton.autotune([triton.Config({"BLOCK": 2**i}) for i in range(4, 8)], key=["n"], reset_to_zero=["y_ptr"])
@triton.heuristics({"EVEN": lambda args: args["n"] % args["BLOCK"] == 0})
@triton.jit
def tuned(x_ptr, y_ptr, n, BLOCK: tl.constexpr, EVEN: tl.constexpr, SCALE: tl.constexpr = 2):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    if EVEN:
        tl.store(y_ptr + at, tl.load(x_ptr + at) * SCALE)
    else:
        tl.store(y_ptr + at, tl.load(x_ptr + at, mask=at < n) * SCALE, mask=at < n)

for n in (96, 100, 96):
    tuned[lambda meta: (triton.cdiv(n, meta["BLOCK"]),)](x, y, n)
    timings = tuned.configs_timings
    print(float(y.sum()), len(tuned.cache), len(timings), timings[tuned.best_config] == min(timings.values()))
"""
        self.assertEqual(self.says(text)[0:2], ["9120.0 1 4 True", "9900.0 2 4 True"])

    def test_a_configuration_that_cannot_run_is_not_taken(self):
        text = """
@triton.autotune([triton.Config({"BLOCK": 2**22}), triton.Config({"BLOCK": 64})], key=[])
@triton.jit
def tuned(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + at, tl.load(x_ptr + at, mask=at < n) * 2.0, mask=at < n)

tuned[lambda meta: (triton.cdiv(100, meta["BLOCK"]),)](x, y, 100)
print(tuned.best_config.kwargs, float(y.sum()))
"""
        self.assertEqual(self.says(text), ["{'BLOCK': 64} 9900.0"])

    def test_names_of_the_language_on_the_host(self):
        text = """
from triton.language.extra import libdevice
from triton.language.extra.cuda.libdevice import rsqrt
from triton.language.math import exp2
from triton.runtime.jit import JITFunction
print(tl.float16.itemsize, tl.int8, repr(tl.bfloat16), tl.float8e5.primitive_bitwidth, int(tl.constexpr(3) + 1), isinstance(copy, JITFunction))
try:
    tl.load(3)
except RuntimeError as error:
    print(error)
try:
    copy(x, y)
except RuntimeError as error:
    print(error)
print(triton.next_power_of_2(100), triton.cdiv(7, 2), triton.__version__)
"""
        self.assertEqual(self.says(text), ["2 int8 triton.language.bfloat16 8 4 True", "tl.load is for kernels; on the host it cannot be called",
                                           "copy is a kernel; launch it: copy[grid](...)", "128 4 3.4.0"])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
