# SPDX-License-Identifier: Apache-2.0
"""Checks whose answer a function in Python computes."""

import json
import tempfile
import unittest
from pathlib import Path

import support  # noqa: F401  so that tilemesh is found
import tilemesh as tm
from support import PACKAGE

try:
    import numpy
except ImportError:
    numpy = None

REFERENCE = '''
import numpy as np

def softmax(x, scale=1):
    e = np.exp(scale * (x - x.max(-1, keepdims=True)))
    return {"y": e / e.sum(-1, keepdims=True), "rows": None}

def half(values, factor):
    return softmax(values)["y"] * factor

def shorter(x):
    return x[1:]

def of_words(x):
    return ["yes"] * len(x)

def broken(x):
    return x / nothing

def writes(x):
    x[:] = 0
    return x.tolist()
'''


@unittest.skipIf(numpy is None, "numpy is not installed")
class References(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "ref.py").write_text(REFERENCE)

    def run_check(self, check):
        panel = json.loads((PACKAGE.parents[1] / "configs/panels/programs/softmax.json").read_text())
        panel["machine"] = "cube_2x4"
        panel["kernels"][0]["program"]["file"] = str(PACKAGE.parents[1] / "kernels/programs/rows.py")
        panel["check"] = {"y": check}
        file = self.folder / "panel.json"
        file.write_text(json.dumps(panel))
        return tm.run(file)["softmax"]

    def test_a_function_gets_tensors_by_the_names_of_its_parameters_and_numbers_from_the_check(self):
        self.assertEqual(self.run_check({"python": "ref.py:softmax"}).verdict, "pass")
        self.assertEqual(self.run_check({"python": "ref.py:softmax", "scale": 1.0}).verdict, "pass")
        self.assertEqual(self.run_check({"python": "ref.py:half", "values": "x", "factor": 1}).verdict, "pass")

    def test_what_differs_fails(self):
        for check in ({"python": "ref.py:softmax", "scale": 1.1}, {"python": "ref.py:half", "values": "x", "factor": 0.5}, {"python": "ref.py:writes"}):
            with self.subTest(check):
                self.assertEqual(self.run_check(check).verdict, "fail")

    def test_errors_name_the_check_and_the_line(self):
        for check, message in (
            ({"python": "ref.py:broken"}, r"panel.json: /check/y: .*ref.py:18: NameError: name 'nothing' is not defined"),
            ({"python": "ref.py:none"}, "ref.py has no function none"),
            ({"python": "no.py:none"}, "/check/y: .*no.py: FileNotFoundError"),
            ({"python": "ref.py"}, 'expected a file and a function of it: "reference.py:function"'),
            ({"python": "ref.py:half"}, "half: nothing is given for values"),
            ({"python": "ref.py:softmax", "x": "y"}, "y has no values before the program runs"),
            ({"python": "ref.py:softmax", "x": "z"}, "/check/y/x: there is no tensor z"),
            ({"python": "ref.py:softmax", "sale": 1}, "softmax has no parameter sale"),
            ({"python": "ref.py:of_words"}, "what of_words returns is no array of numbers"),
            ({"python": "ref.py:shorter"}, "has 7596 elements, expected 7807"),
        ):
            with self.subTest(check), self.assertRaisesRegex(tm.TilemeshError, message):
                self.run_check(check)


if __name__ == "__main__":
    unittest.main()
