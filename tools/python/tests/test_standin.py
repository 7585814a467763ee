# SPDX-License-Identifier: Apache-2.0
"""The stand-in for torch: it says what torch says, or that it does not know."""

import tempfile
import unittest

from support import write
from test_launch import has_command, numpy
from test_scripts import SCRIPTS, TORCHES, run

BEGIN = "import math\nimport torch\nimport torch.nn.functional as F\nT = torch.tensor\n"


@unittest.skipUnless(has_command() and len(TORCHES) == 2, "torch or the command is not there")
class Alike(unittest.TestCase):
    """Torch and the stand-in print the same."""

    def prints_the_same(self, script):
        one, other = (run(SCRIPTS / script, "-q", which=which) for which in TORCHES)
        self.assertEqual((one[0], other[0]), (0, 0), one[2] + other[2])
        self.assertEqual(one[1].splitlines(), other[1].splitlines())

    def test_what_scripts_call(self):
        self.prints_the_same("torch_alike.py")

    def test_dtypes_of_results_and_rare_arguments(self):
        self.prints_the_same("dtypes_alike.py")

    def test_gradients_of_references(self):
        self.prints_the_same("reference_gradients.py")

    def test_gradients_of_each_operation(self):
        self.prints_the_same("gradients_alike.py")


@unittest.skipUnless(has_command() and numpy, "numpy or the command is not there")
class Standin(unittest.TestCase):
    """What torch says, by hand, for where it is not installed."""

    def says(self, text):
        with tempfile.TemporaryDirectory() as folder:
            status, said, remarks = run(write(folder, "s.py", BEGIN + text), "-q")
        self.assertEqual((status, remarks), (0, ""))
        return said.splitlines()

    def values(self, cases):
        """cases: expressions and what they give, as lists; a dtype after it where it matters."""
        said = self.says("".join(f"x = {case}\nprint(x.tolist(), x.dtype)\n" for case in cases))
        for case, one in zip(cases, said, strict=True):
            with self.subTest(case):
                self.assertTrue(f"{one} ".startswith(f"{cases[case]} "), one)

    def test_sums_of_integers_are_int64(self):
        self.values({"T([100, 100], dtype=torch.int8).sum()": "200 torch.int64", "T([200, 100], dtype=torch.uint8).sum(0)": "300 torch.int64",
                     "T([30000] * 2, dtype=torch.int16).sum()": "60000 torch.int64", "T([100000] * 2, dtype=torch.int32).prod()": "10000000000 torch.int64",
                     "T([True, True]).sum()": "2 torch.int64", "T([1, 2]).sum(axis=0, keepdims=True)": "[3]"})  # fmt: skip

    def test_order(self):
        self.values({"T([0, 1, 2], dtype=torch.uint8).sort(descending=True)[0]": "[2, 1, 0]", "T([-128, 5, 1], dtype=torch.int8).topk(2)[0]": "[5, 1]",
                     "T([1.0, math.nan, 3.0]).topk(2)[0]": "[nan, 3.0]", "T([1, 2.25, -3]).topk(2, largest=False).values": "[-3.0, 1.0]",
                     "T([1, 2.25, -3]).argsort()": "[2, 0, 1]", "torch.gather(T([[1, 2], [3, 4], [5, 6]]), 1, T([[1, 0]]))": "[[2, 1]]"})  # fmt: skip

    def test_dtypes_of_results(self):
        self.values({"T([1, 2]) * T(0.5)": "[0.5, 1.0] torch.float32", "T([1, 5]).clamp(max=2.5)": "[1.0, 2.5] torch.float32",
                     "T([1.0], dtype=torch.float16) * T(2.0)": "[2.0] torch.float16", "T([1], dtype=torch.int8) + T(1)": "[2] torch.int8",
                     "T([1], dtype=torch.uint8) + T([1], dtype=torch.int8)": "[2] torch.int16", "T([True]) + 1": "[2] torch.int64",
                     "torch.exp(T([0], dtype=torch.uint8))": "[1.0] torch.float32", "torch.floor(T([7]))": "[7] torch.int64",
                     "torch.stack([T([1]), T([1.5])])": "[[1.0], [1.5]] torch.float32", "torch.Tensor([1, 2])": "[1.0, 2.0] torch.float32",
                     "torch.LongTensor([1, 2])": "[1, 2] torch.int64"})  # fmt: skip

    def test_arguments_that_are_rare(self):
        self.values({"torch.round(T([1.0, 2.26]), decimals=1)": "[1.0, 2.299999952316284]", "torch.div(T([-7]), 2, rounding_mode='trunc')": "[-3]",
                     "F.pad(T([[1, 2, 3]]), (1, 1), mode='reflect')": "[[2, 1, 2, 3, 2]]", "T([3.0, 4.0]).norm(1)": "7.0",
                     "torch.std(T([1.0, 3.0]), correction=0)": "1.0", "T([[1.0, 2.0]])[0, 1].fill_(7)": "7.0"})  # fmt: skip
        made = "torch.full((1,), 1.0, requires_grad=True), T([1.0], requires_grad=True), torch.eye(1, requires_grad=True), torch.full((1,), 1.0)"
        self.assertEqual(self.says(f"print([made.requires_grad for made in ({made})])"), ["[True, True, True, False]"])

    def test_results_that_are_kept_elsewhere(self):
        text = "c, ones = torch.zeros(2, 2), torch.ones(2, 2)\nprint(torch.matmul(ones, ones, out=c) is c, c.tolist())\n" \
               "torch.exp(ones * 0, out=c)\nprint(c.tolist())\nx = T([[1, 5]])\nx[0][1].fill_(7)\nprint(x.tolist())"  # fmt: skip
        self.assertEqual(self.says(text), ["True [[2.0, 2.0], [2.0, 2.0]]", "[[1.0, 1.0], [1.0, 1.0]]", "[[1, 7]]"])

    def test_attention_with_a_mask(self):
        text = "q, v = torch.ones(1, 1, 2, 4), torch.arange(8.0).reshape(1, 1, 2, 4)\n" \
               "attention = F.scaled_dot_product_attention\nmask = T([[True, False], [True, True]])\n" \
               "for how in ({'attn_mask': mask}, {'is_causal': True}, {'attn_mask': torch.where(mask, 0.0, -math.inf)}, {'scale': 0.0}):\n" \
               "    print(attention(q, q, v, **how)[0, 0, :, 0].tolist())\n" \
               "print(attention(q.repeat(1, 2, 1, 1), q, v, enable_gqa=True).shape)"  # fmt: skip
        self.assertEqual(self.says(text), ["[0.0, 2.0]"] * 3 + ["[2.0, 2.0]", "torch.Size([1, 2, 2, 4])"])

    def test_gradients(self):
        text = "x = T([3.0], requires_grad=True)\n(x * (x + 1)).backward()\nprint(x.grad.tolist())\n" \
               "y = x * 2\ny *= y\ny.backward()\nprint(x.grad.tolist(), y.is_leaf)\nwith torch.no_grad():\n    print((x * 2).requires_grad)"  # fmt: skip
        self.assertEqual(self.says(text), ["[7.0]", "[31.0] False", "False"])

    def test_what_it_does_not_know_it_refuses(self):
        x = "T([1.0, 2.0], requires_grad=True)"
        errors = {
            "torch.sort(T([1]), upwards=True)": "TypeError: sort of the stand-in for torch: got an unexpected keyword argument 'upwards'",
            "torch.zeros(2, names=['a'])": "unexpected keyword argument 'names'", "T([1]).mean()": "mean(): could not infer output dtype",
            "T([1.0]).softmax()": "missing a required argument: 'dim'", "F.pad(T([1.0]), (1, 1), mode='other')": "no pad of [1, 1] by other",
            "F.relu(T([1.0]), inplace=True)": "unexpected keyword argument 'inplace'", "F.dropout(T([1.0]))": "no nn.functional.dropout",
            "F.scaled_dot_product_attention(*[torch.ones(1, 1, 1)] * 3, dropout_p=0.5)": "no dropout",
            "torch.exp(T([1.0]), out=torch.zeros(1, dtype=torch.int32))": "can't be cast", "torch.exp(T([1.0]), out=torch.zeros(2))": "does not fit",
            "x = T([1])\nx += 0.5": "can't be cast", "torch.ones(2, 3).t().view(-1)": "Use .reshape(...).", "T([1.0]).to('cpu', 3.5)": "takes a dtype",
            f"{x}.repeat(2).sum().backward()": "no gradient of repeat", f"({x} * 2).backward()": "only for scalar outputs",
            f"x = {x}\ny = x.exp()\ny += 1\ny.sum().backward()": "has been modified by an inplace operation",
            f"x = {x}\nx += 1": "a leaf Variable that requires grad", "T([1]).requires_grad_()": "only Tensors of floating point dtype",
            "torch.ones(2, 2) @ torch.ones(2, 2).half()": "same dtype", "torch.gather(T([1]), 0, T([-1]))": "out of bounds",
        }  # fmt: skip
        tried = "for text in TEXTS:\n    try:\n        exec(text)\n        print('nothing')\n    except Exception as error:\n" \
                "        print(f'{type(error).__name__}: {error}')"  # fmt: skip
        said = self.says(f"TEXTS = {list(errors)!r}\n{tried}")
        for text, error, one in zip(errors, errors.values(), said, strict=True):
            with self.subTest(text):
                self.assertIn(error, one)

    def test_dtypes_that_numpy_lacks_hold_what_they_can(self):
        text = "import torch\nfor name in ('bfloat16', 'float8_e4m3fn', 'float8_e5m2'):\n" \
               "    print(torch.tensor([1.0, 3.1415926, -1000.0, 0.0001, 2.0 ** -9, 17.0, 19.0]).to(getattr(torch, name)).tolist())"  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            said = run(write(folder, "s.py", text))[1].splitlines()
        self.assertEqual(said, ["[1.0, 3.140625, -1000.0, 0.00010013580322265625, 0.001953125, 17.0, 19.0]",
                                "[1.0, 3.25, -448.0, 0.0, 0.001953125, 16.0, 20.0]",
                                "[1.0, 3.0, -1024.0, 0.0001068115234375, 0.001953125, 16.0, 20.0]"])  # fmt: skip


if __name__ == "__main__":
    unittest.main()
