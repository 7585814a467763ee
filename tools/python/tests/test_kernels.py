# SPDX-License-Identifier: Apache-2.0
"""Whole kernels in the styles of public ones (kernels/) and the origin's: each becomes a program of the documented grammar."""

import subprocess
import sys
import unittest

from program_text import Program, operations_of_readme
from support import HERE, PACKAGE
from tilemesh import operations
from tilemesh.lower import lower

KERNELS = {
    "attention.py": ("by_block_pointers", "by_descriptors", "backward"),
    "serving.py": ("grouped_stage1", "stage2", "unified"),
    "layers.py": ("layer_norm", "rms_norm", "softmax", "matmul", "rotary", "cross_entropy", "swiglu", "odds_and_ends"),
    "mesh.py": ("all_reduce_ring", "neighbours"),
}
ORIGIN = PACKAGE.parents[1] / "kernels" / "programs" / "origin_mesh_kv.py"


def program(file, kernel):
    return Program(lower(str(HERE / "kernels" / file), kernel))


def count(functions, name, *functions_names):
    return sum(operation == name for each in functions_names for operation, _, _ in functions[each].operations)


class Kernels(unittest.TestCase):
    def test_every_kernel_is_a_program(self):
        for file, kernels in KERNELS.items():
            for kernel in kernels:
                with self.subTest(file, kernel=kernel):
                    functions = program(file, kernel).functions
                    self.assertEqual([name for name, function in functions.items() if function.kind == "kernel"], [kernel])

    def test_programs_are_the_same_whenever_they_are_made(self):
        for file, kernels in KERNELS.items():
            first = [lower(str(HERE / "kernels" / file), kernel) for kernel in kernels]
            self.assertEqual(first, [lower(str(HERE / "kernels" / file), kernel) for kernel in kernels])

    def test_helpers_come_along_once(self):
        self.assertEqual(list(program("attention.py", "by_block_pointers").functions), ["by_block_pointers", "fold"])
        unified = list(program("serving.py", "unified").functions)
        self.assertEqual(unified[:4], ["unified", "find_seq_idx", "cdiv_fn", "apply_softcap"])
        self.assertEqual(sorted(unified[4:]), ["philox", "philox_impl", "rand", "randint", "randint4x", "uint_to_uniform_float"])
        self.assertEqual(list(program("attention.py", "backward").functions), ["backward", "key_gradients"])

    def test_a_page_table_is_read_for_addresses(self):
        functions = program("serving.py", "unified").functions
        self.assertEqual(count(functions, "load", "find_seq_idx"), 1)
        self.assertEqual(count(functions, "store", "unified"), 1)

    def test_the_tables_are_those_of_the_readme(self):
        documented = operations_of_readme()
        for line in operations.OPERATIONS.strip().splitlines():
            for entry in line.split(" | "):
                name = entry.split()[0]
                with self.subTest(name):
                    ours = [(parameter.name, parameter.default is not None) for parameter in operations.parameters(name)]
                    self.assertEqual(ours, documented[name])

    def test_every_name_means_an_operation_with_parameters_that_it_has(self):
        for name in operations.names():
            if operations.is_in_table(name):
                operation, parameters = operations.meaning(name)
                known = [parameter.name for parameter in operations.parameters(operation)] + ["propagate_nan", "fp_downcast_rounding"]
                self.assertLessEqual({p.target for p in parameters if p.target}, set(known), name)


class Origin(unittest.TestCase):
    def test_its_text_is_lowered_as_it_stands(self):
        functions = Program(lower(str(ORIGIN), "attention_mesh_kv_kernel")).functions
        self.assertEqual(list(functions), ["attention_mesh_kv_kernel", "_partial_attention", "_view"])
        kernel = "attention_mesh_kv_kernel"
        self.assertEqual([count(functions, name, kernel) for name in ("send", "recv", "load", "store", "call")], [4, 4, 3, 1, 3])
        counts = [count(functions, name, "_partial_attention") for name in ("dot", "max", "softmax", "exp", "sum", "call")]
        self.assertEqual(counts, [2, 1, 1, 1, 1, 2])
        self.assertEqual(functions["_view"].operations, [("reshape", ["%handle", "%new_shape"], {})])
        self.assertNotIn("tl", functions[kernel].parameters)
        self.assertTrue(all(functions[kernel].parameters.values()))


class Command(unittest.TestCase):
    def test_it_prints_the_program_however_it_is_called(self):
        expected = lower(str(ORIGIN), "attention_mesh_kv_kernel")
        arguments = [str(ORIGIN), "attention_mesh_kv_kernel"]
        by_path = subprocess.run([sys.executable, "-S", "-E", "-B", PACKAGE / "tilemesh" / "lower.py", *arguments], capture_output=True, text=True)
        by_module = subprocess.run([sys.executable, "-S", "-B", "-m", "tilemesh.lower", *arguments], capture_output=True, text=True, cwd=PACKAGE)
        self.assertEqual((by_path.stdout, by_path.stderr), (expected, ""))
        self.assertEqual((by_module.stdout, by_module.stderr), (expected, ""))

    def test_nothing_slow_is_imported(self):
        text = "import sys; before = set(sys.modules); import tilemesh.lower; print(*sorted(set(sys.modules) - before))"
        ran = subprocess.run([sys.executable, "-S", "-B", "-c", text], capture_output=True, text=True, cwd=PACKAGE, check=True)
        self.assertFalse(set(ran.stdout.split()) & {"ast", "re", "json", "difflib", "enum", "dataclasses", "typing", "warnings", "subprocess"})


if __name__ == "__main__":
    unittest.main()
