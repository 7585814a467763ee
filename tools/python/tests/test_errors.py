# SPDX-License-Identifier: Apache-2.0
"""What is wrong is said in one line with its place, whatever the file holds; nothing is guessed and nothing is run."""

import os
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import PACKAGE, TRITON, error, lowered, mesh, statements, triton, write

LOWER = str(PACKAGE / "tilemesh" / "lower.py")


def command(*arguments):
    return subprocess.run([sys.executable, "-S", "-E", "-B", LOWER, *arguments], capture_output=True, text=True, timeout=60, errors="replace")


class Sentences(unittest.TestCase):
    def test_each_names_its_place_and_what_to_do(self):
        for text, expected in {
            "a = tl.norm3d(x)": "tl.norm3d is not supported",
            "a = tl.inline_asm_elementwise(x)": "tl.inline_asm_elementwise is not supported; this machine does not execute instructions of another one",
            "a = tl.map_elementwise(x, y, pack=2)": "map_elementwise with pack: functions take one element of each tile",
            "a = tl.map_elementwise(2, x)": "map_elementwise is supported as map_elementwise(function, tile, ...)",
            "a = tl.laod(x)": "tl.laod is not known; did you mean load?",
            "a = bloc": "name bloc is not defined; did you mean block?",
            "a = tl.load(x, maks=y)": "tl.load has no argument maks; did you mean mask?",
            "a = tl.where(x, y)": "tl.where lacks its argument y",
            "a = tl.exp(x, y, n)": "tl.exp takes at most 1 arguments; here are 3",
            "a = tl.load(x, y, mask=n)": "tl.load is given mask twice",
            "a = x @ y": "@ is not supported; use tl.dot",
            "a = tl.float16[1:3]": "slices are supported of tuples and texts",
            "a = x[1, 2]": "tiles are indexed by : and None only; use pointers and tl.load for elements",
            "a = x.foo()": "method foo is not supported; did you mean floor?",
            "a = x.shpe": "attribute shpe is not supported; did you mean shape?",
            "a = lambda: 1": "lambda in a kernel is not supported",
            "a = (b := 1)": ":= in a kernel is not supported",
            "a = {1: 2}": "a dictionary in a kernel is not supported",
            "a = f'{n}'": "an f-string of values that are known only when the kernel runs",
            "a = tl.exp(*x)": "* of a tuple whose length is not known while lowering",
            "a = tl.exp(**x)": "** in a call is not supported; name the arguments",
            "a = [i for i in range(n)]": "a range stands in a for only, unless its ends are known while lowering",
            "a = 10 ** 10 ** 10": "this constant is too large",
            "a = 10 ** 30": "an integer of more than 64 bits cannot be a value in a kernel",
            "a = tl": "module triton.language cannot be a value in a kernel",
            "a = tl.exp": "tl.exp cannot be a value in a kernel",
            "a, b = 1, 2, 3": "3 values for 2 names",
            "x[0] = 1": "only names can be assigned; use tl.store for memory, tl.where for elements",
            "x.y = 1": "only names can be assigned; use tl.store for memory, tl.where for elements",
            "with x:\n    pass": "with in a kernel is not supported",
            "try:\n    pass\nexcept E:\n    pass": "try in a kernel is not supported",
            "def g():\n    pass": "a function in a function in a kernel is not supported",
            "global a": "global in a kernel is not supported",
            "while n:\n    pass\nelse:\n    pass": "else of a loop is not supported",
            "for i in range(0, n, 0):\n    pass": "the step of a range is 0",
            "for i in range(n, steps=2):\n    pass": "range has no argument steps; did you mean step?",
            "a = isinstance(x, int)": "isinstance with int is not supported",
            "a = x.to(tl.float64)": "tl.float64 is not supported; the engines have f32 at most",
            'a = tl.zeros([4], dtype="fp61")': '"fp61" is no dtype; did you mean fp16?',
            "k(x, y, n, block)": "k calls itself; recursion is not supported",
            "a = g(1, 2, 3)": "g takes 1 arguments by position; here are 3",
            "a = g(z=3)": "g has no parameter z",
            "a = g()": "g lacks its argument x",
            "a = table[n]": "table is not known without running line 3 of kernels.py",
            "a = missing(n)": "missing is imported from nowhere, which is not beside the file",
        }.items():  # fmt: skip
            with self.subTest(text):
                above = "table = {1: 2}\nfrom nowhere import missing\n@triton.jit\ndef g(x):\n    return x\n"
                said = error(triton(text, "x, y, n, block: tl.constexpr", above))
                self.assertRegex(said, r"^kernels\.py:\d+:\d+: ")
                self.assertEqual(said.split(": ", 1)[1], expected)

    def test_the_place_is_that_of_the_expression(self):
        self.assertEqual(error(triton("a = x + tl.norm3d(x)")), "kernels.py:5:13: tl.norm3d is not supported")

    def test_a_kernel_that_is_not_there(self):
        self.assertEqual(error(triton("pass"), "kk"), "kernels.py:1:1: there is no function kk at the file's outermost level; there are k")
        self.assertIn("did you mean attention?", error("def attention():\n    pass\n", "atention"))
        self.assertIn("class k is not known in kernels", error("class k:\n    pass\n"))

    def test_recursion_of_several_functions(self):
        self.assertIn("calls itself", error(mesh("f(x)") + "def f(x):\n    return g(x)\ndef g(x):\n    return f(x)\n"))


class ModuleLevel(unittest.TestCase):
    def value(self, above, expression="X"):
        return statements(lowered(triton(f"a = {expression}", above=above)))[-1].split(" = ")[1]

    def test_constants_are_computed(self):
        for above, expected in {
            "import math\nX = math.log2(math.e)": "1.4426950408889634",
            "X: tl.constexpr = tl.constexpr(5)": "5",
            "X = 65536 // 2": "32768",
            'X = -float("inf")': "-inf",
            "import torch\nX = torch.finfo(torch.float32).max": "3.4028234663852886e+38",
            "import torch\nX = torch.finfo(torch.float16).min": "-65504.0",
            "A, B = (1, 2), 3\nX = A + (B,)": "(1, 2, 3)",
            "X = tl.float16": "f16",
            "import torch\nX = torch.bfloat16": "bf16",
            "X = 1 if triton.__version__ >= '3.0.0' else 2": "1",
            "from packaging import version\nX = version.parse(triton.__version__) >= version.parse('3.10.0')": "false",
            "from packaging.version import Version, parse\nX = Version(triton.__version__) >= parse('3.4')": "true",
            "X = tuple(int(v) for v in triton.__version__.split('.')[:2]) >= (3, 1)": "true",
            "X = int(triton.__version__.split('.')[0])": "3",
            "try:\n    import nowhere\n    X = 1\nexcept ImportError:\n    X = 2": "2",
            "try:\n    from triton.language.extra import libdevice\nexcept ImportError:\n    X = 1\nelse:\n    X = 2": "2",
            "if triton.__version__ < '3':\n    X = 1\nelif True:\n    X = 2": "2",
            "import os\nX = 1 if os.environ.get('FAST', '0') == '1' else 0": "0",
            "if nothing():\n    X = 1\nelse:\n    X = 1": "1",
            "def is_hip():\n    return driver.backend == 'hip'\nX = 1 if is_hip() else 2": "2",
        }.items():  # fmt: skip
            with self.subTest(above):
                self.assertEqual(self.value(above + "\n"), expected)

    def test_a_name_that_depends_on_what_is_not_known_is_an_error_where_it_is_used(self):
        above = "if nothing():\n    X = 1\nelse:\n    X = 2\n"
        self.assertEqual(statements(lowered(triton("a = 1", above=above))), ["%a = 1"])
        self.assertIn("X depends on the condition in line 3", error(triton("a = X", above=above)))

    def test_packages_that_hand_triton_on(self):
        text = "from engine.triton_utils import tl, triton\n@triton.jit\ndef k(x):\n    return tl.exp(x)\n"
        self.assertEqual(statements(lowered(text)), ["%1 = exp %x", "return %1"])

    def test_a_folder_called_triton_is_not_triton(self):
        self.assertEqual(statements(lowered(triton("a = tl.exp(x)"), beside={"triton/__init__.py": "", "triton/language.py": ""})), ["%a = exp %x"])

    def test_conditional_definitions(self):
        text = TRITON + "if triton.__version__ >= '2.1.0':\n    @triton.jit\n    def k(x):\n        a = 1\nelse:\n    def k(x):\n        a = 2\n"
        self.assertEqual(statements(lowered(text)), ["%a = 1"])


class Files(unittest.TestCase):
    def test_any_file_is_lowered_or_refused_in_one_line(self):
        head = triton("pass")[:-5]
        dice = random.Random(1)
        texts = {
            "parentheses": head + "a = " + "(" * 5000 + "1" + ")" * 5000,
            "signs": head + "a = " + "-" * 50000 + "x",
            "nots": head + "a = " + "not " * 3000 + "x",
            "sums": head + "a = " + "x + " * 20000 + "x",
            "attributes": head + "a = x" + ".T" * 20000,
            "ternaries": head + "a = " + "1 if x else " * 2000 + "2",
            "blocks": head + "".join(" " * i * 4 + f"if n > {i}:\n    " for i in range(1, 90)) + " " * 360 + "pass",
            "alternatives": head + "if n:\n        pass\n" + "".join(f"    elif n == {i}:\n        pass\n" for i in range(2000)),
            "annotation": head + "a: " + "-" * 5000 + "x = 1",
            "bytes": bytes(dice.randrange(256) for _ in range(100000)),
            "letters": bytes(dice.randrange(1, 256) for _ in range(100000)),
            "null byte": head + "\0",
            "16 MiB": b"x = 1\n" * 2796203,
            "nothing": b"",
            "encoding": b"# -*- coding: nonsense -*-\n",
            "syntax": head + "a = = 1",
            "repetition": head + "a = 'x' * 10 ** 12",
            "shift": head + "a = 1 << 10 ** 12",
            "tower": "X = 10 ** 10 ** 10\n" + head + "a = X",
            "division": head + "a = 1 // 0",
            "comprehension": head + "a = [i for i in range(4000) for j in range(4000)]",
            "format": head + "a = '%1000000000d' % 1",
            "digits": head + "a = " + "9" * 5000,
        }
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(Path(folder) / "pipe")
            files = {name: write(folder, name, text) for name, text in texts.items()}
            files.update({"a folder": folder, "pipe": str(Path(folder) / "pipe"), "missing": str(Path(folder) / "no\nfile")})
            for name, path in files.items():
                with self.subTest(name):
                    ran = command(path, "k")
                    self.assertEqual((ran.returncode, ran.stdout, ran.stderr.count("\n")), (2, "", 1), ran.stderr)
                    self.assertRegex(ran.stderr, r":\d+:\d+: ")
                    self.assertLess(len(ran.stderr), 600)

    def test_a_file_is_never_run(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace"
            text = f"open({str(trace)!r}, 'w')\nX = open({str(trace)!r}, 'w')\n" + triton("a = 1", above=f"Y = [open({str(trace)!r}, 'w')]\n")
            self.assertEqual(command(write(folder, "kernels.py", text), "k").returncode, 0)
            self.assertFalse(trace.exists())

    def test_wrong_usage(self):
        self.assertEqual((command().returncode, command("a").returncode), (2, 2))


if __name__ == "__main__":
    unittest.main()
