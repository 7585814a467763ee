# SPDX-License-Identifier: Apache-2.0
"""What triton.autotune above a kernel would try, as the file says it."""

import json
import os
import tempfile
import unittest

import support  # noqa: F401  (finds the package)
from tilemesh.errors import LoweringError
from tilemesh.lower import configurations

HEAD = "import triton\nimport triton.language as tl\nimport random\n"
KERNEL = "\n@triton.autotune({}, key=['n'])\n@triton.jit\ndef k(x_ptr, n, A: tl.constexpr, B: tl.constexpr = 1):\n    pass\n"


class Configurations(unittest.TestCase):
    def tried(self, given, before="", kernel=KERNEL):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "k.py")
            with open(path, "w") as file:
                file.write(HEAD + before + kernel.replace("{}", given))
            return json.loads(configurations(path, "k"))

    def test_lists_that_are_written_out_each_configuration_once(self):
        some = "configs=[triton.Config({'A': 64, 'B': 2}, num_warps=4), triton.Config({'A': 64, 'B': 2}, num_warps=8), triton.Config(kwargs={'A': 32})]"
        self.assertEqual(self.tried(some), [{"A": 64, "B": 2}, {"A": 32}])
        self.assertEqual(self.tried("[triton.Config({})]"), [{}])
        self.assertEqual(self.tried("[triton.Config({'A': 'relu', 'B': 0.5}), triton.Config({'A': True, 'B': None})]"),
                         [{"A": "relu", "B": 0.5}, {"A": True, "B": None}])  # fmt: skip

    def test_comprehensions_names_sums_and_loops(self):
        self.assertEqual(self.tried("[triton.Config({'A': a, 'B': b}) for a in [16, 32] for b in (1, 2) if a * b < 64]"),
                         [{"A": 16, "B": 1}, {"A": 16, "B": 2}, {"A": 32, "B": 1}])  # fmt: skip
        before = "SIZES = [8, 16]\nsome = [triton.Config({'A': a}) for a in SIZES]\nmore = []\nfor b in (1, 2):\n    more.append(triton.Config({'A': 4, 'B': b}))\n"
        self.assertEqual(self.tried("some + more", before), [{"A": 8}, {"A": 16}, {"A": 4, "B": 1}, {"A": 4, "B": 2}])

    def test_constants_are_told_apart_as_python_does_and_written_as_panels_have_them(self):
        some = "[triton.Config({'A': 2}), triton.Config({'A': 2.0}), triton.Config({'A': True}), triton.Config({'A': 1}), triton.Config({'A': tl.float16})]"
        self.assertEqual([repr(one["A"]) for one in self.tried(some)], ["2", "2.0", "True", "1", "'f16'"])
        with self.assertRaisesRegex(LoweringError, "the constant A of a configuration is inf"):
            self.tried("[triton.Config({'A': float('inf')})]")

    def test_branches_that_are_not_known_are_not_guessed(self):
        before = "import torch\ndef some():\n    if torch.{}:\n        return [triton.Config({'A': 16})]\n    return [triton.Config({'A': 64})]\n"
        self.assertEqual(self.tried("some()", before.replace("{}", "version.hip", 1)), [{"A": 64}])
        with self.assertRaisesRegex(LoweringError, "not known without running the file"):
            self.tried("some()", before.replace("{}", "cuda.device_count() > 1", 1))

    def test_functions_without_parameters(self):
        before = (
            "def is_cuda():\n    return triton.runtime.driver.active.get_current_target().backend == 'cuda'\n"
            "def sizes():\n    return [1, 2]\n"
            "def some():\n    'Text.'\n    if is_cuda():\n        all = [triton.Config({'A': 8})]\n        for a in sizes():\n"
            "            all.extend([triton.Config({'A': a})])\n        return all\n    return []\n"
        )
        self.assertEqual(self.tried("some()", before), [{"A": 8}, {"A": 1}, {"A": 2}])

    def test_nothing_tunes_it(self):
        self.assertIsNone(self.tried("", kernel="@triton.jit\ndef k(x_ptr):\n    pass\n"))

    def test_what_only_running_the_file_tells(self):
        for given in ("[triton.Config({'A': random.choice([1, 2])})]", "some(1)", "[1]", "[triton.Config(dict(A=1))]"):
            with self.assertRaisesRegex(LoweringError, r"k\.py:\d+:\d+: .*known"):
                self.tried(given, "def some(n):\n    return []\n")


if __name__ == "__main__":
    unittest.main()
