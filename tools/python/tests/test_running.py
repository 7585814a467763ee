# SPDX-License-Identifier: Apache-2.0
"""Panels run from Python: results, their looks, and errors in the command's own words."""

import json
import os
import stat
import struct
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import support  # noqa: F401  so that tilemesh is found
import tilemesh as tm
from support import PACKAGE
from tilemesh.command import path_of_command

ROOT = PACKAGE.parents[1]
PANEL = ROOT / "configs" / "panels" / "single_user_prefill_validation.json"
ANSWER = {
    "schema_version": 1, "name": "p",
    "panels": [{"name": "p", "description": "a <panel>", "kernels": [
        {"label": "a", "kernel": "a", "status": "ok", "error": "", "cycles": 1469.47, "time_ps": 1469470, "verdict": {"outcome": "pass"},
         "machine_distance": 41.5, "schedule_distance": 9.5},
        {"label": "b", "kernel": "b", "status": "failed", "error": "no room"}]}],
}  # fmt: skip


class Command:
    """A stand-in for the command, which keeps its arguments."""

    def __init__(self, code=0, answer=ANSWER, said=""):
        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name) / "tilemesh"
        self.path.write_text(
            "#!/usr/bin/env python3\nimport json, sys\n"
            f"json.dump(sys.argv[1:], open({str(self.path) + '.arguments'!r}, 'w'))\n"
            f"open({str(self.path) + '.panel'!r}, 'w').write(open(sys.argv[2]).read())\n"
            f"print({said!r}, file=sys.stderr, end='')\n"
            "if '--json' in sys.argv:\n"
            f"    open(sys.argv[sys.argv.index('--json') + 1], 'w').write({json.dumps(answer)!r})\n"
            f"print('the table')\nsys.exit({code})\n"
        )
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def arguments(self):
        return json.loads(Path(f"{self.path}.arguments").read_text())

    def panel(self):
        return json.loads(Path(f"{self.path}.panel").read_text())

    def __enter__(self):
        self._patch = mock.patch.dict(os.environ, TILEMESH=str(self.path))
        self._patch.start()
        return self

    def __exit__(self, *_):
        self._patch.stop()
        self._folder.cleanup()


class Results(unittest.TestCase):
    def test_a_result_has_time_verdict_and_everything_else(self):
        with Command():
            results = tm.run(PANEL)
        self.assertEqual((results["a"].cycles, results["a"].time_us, results["a"].verdict), (1469.47, 1.46947, "pass"))
        self.assertEqual((results["b"].cycles, results["b"].verdict, results["b"].error), (None, None, "no room"))
        self.assertEqual(results.to_dict(), ANSWER)
        self.assertEqual(list(results), ["a", "b"])
        with self.assertRaisesRegex(KeyError, "c; there are a, b"):
            results["c"]

    def test_looks(self):
        with Command():
            results = tm.run(PANEL)
        self.assertEqual(repr(results), "the table")
        self.assertEqual(repr(results["a"]), "<a: 1,469 cycles, 1.469 us, pass>")
        self.assertEqual(repr(results["b"]), "<b: failed: no room>")
        self.assertIn("<caption>p: a &lt;panel&gt;</caption>", results._repr_html_())
        self.assertIn('<td>a</td><td style="text-align:right">1,469</td>', results._repr_html_())

    def test_the_attributes_of_a_single_kernel_are_those_of_the_panel(self):
        one = json.loads(json.dumps(ANSWER))
        del one["panels"][0]["kernels"][1]
        with Command(answer=one):
            self.assertEqual(tm.run(PANEL).time_us, 1.46947)
        with Command(), self.assertRaisesRegex(AttributeError, r"the panel has 2 kernels; take one, results\['a'\].cycles"):
            _ = tm.run(PANEL).cycles

    def test_a_wrong_answer_is_no_exception(self):
        with Command(code=1):
            self.assertEqual(len(tm.run(PANEL)), 2)


class Arguments(unittest.TestCase):
    def test_they_are_those_of_the_command(self):
        with Command() as command:
            tm.run(PANEL, kernels=["a"], values="none", settings={"problem.users.0.keys": 8}, jobs=2, strict=True)
            said = command.arguments()
        self.assertEqual(said[:3], ["run", str(PANEL), "--json"])
        self.assertEqual(said[4:], ["--kernel", "a", "--set", "problem.users.0.keys=8", "--values", "none", "--jobs", "2", "--strict"])

    def panel(self, given):
        with Command() as command:
            tm.run(given)
            return command.panel(), command.arguments()

    def test_paths_of_a_panel_in_python_start_here(self):
        panel, said = self.panel({
            "name": "mine", "base": "b.json", "machine": "m.json", "inputs": {"tensors": "q.safetensors"}, "problem": {"mask": {"file": "m.st"}},
            "kernels": [{"program": [{"file": Path("k.py")}, {"file": "l.py"}]}], "tensors": {"x": {"values": {"file": "/t"}}},
            "check": {"y": {"python": "ref.py:f"}}})  # fmt: skip
        here = os.getcwd()
        self.assertEqual(panel, {
            "name": "mine", "base": f"{here}/b.json", "machine": f"{here}/m.json", "inputs": {"tensors": f"{here}/q.safetensors"},
            "problem": {"mask": {"file": f"{here}/m.st"}}, "kernels": [{"program": [{"file": f"{here}/k.py"}, {"file": f"{here}/l.py"}]}],
            "tensors": {"x": {"values": {"file": "/t"}}}, "check": {"y": {"python": f"{here}/ref.py:f"}}})  # fmt: skip
        self.assertTrue(said[1].endswith("/mine.json"))

    def test_texts_that_are_no_paths_stay(self):
        given = {"base": "single_user_prefill_mid", "machine": {"base": "ideal_line", "energy": "7nm"}, "tensors": {"base": {"shape": [1]}},
                 "kernels": [{"program": {"kernel": "file", "arguments": {"base": "y", "file": "y"}, "constants": {"file": "fast", "machine": "x"}}}],
                 "check": {"y": {"reference": "copy", "x": "base"}}}  # fmt: skip
        self.assertEqual(self.panel(given)[0], given)
        self.assertEqual(self.panel({"machine": "cube_2x4"})[0], {"machine": "cube_2x4"})


class Errors(unittest.TestCase):
    def test_they_have_the_commands_line(self):
        line = "tilemesh: error: p.json: /name: found 1, expected a string"
        with Command(code=2, said=line + "\n"), self.assertRaises(tm.InputError) as raised:
            tm.run(PANEL)
        self.assertEqual(str(raised.exception), line)
        with Command(code=3, said="tilemesh: internal error: x\n"), self.assertRaises(tm.InternalError):
            tm.run(PANEL)
        with Command(code=130), self.assertRaises(KeyboardInterrupt):
            tm.run(PANEL)

    def test_a_command_that_is_not_there(self):
        with mock.patch.dict(os.environ, TILEMESH="/nowhere/tilemesh"), self.assertRaisesRegex(tm.CommandNotFound, "TILEMESH=/nowhere/tilemesh"):
            tm.run(PANEL)


class Safetensors(unittest.TestCase):
    def write(self, entries):
        header, data = {}, b""
        for name, (dtype, shape, raw) in entries.items():
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
        text = json.dumps(header).encode()
        file = tempfile.NamedTemporaryFile()
        file.write(struct.pack("<Q", len(text)) + text + data)
        file.flush()
        return file

    def test_numbers_of_each_width(self):
        with self.write({"a": ("F16", [2, 2], struct.pack("<4e", 1, 2, 3, -4)), "b": ("BF16", [2], b"\x80\x3f\x00\xc0"),
                         "c": ("F32", [1], struct.pack("<f", 0.5)), "d": ("I64", [], struct.pack("<q", 7))}) as file:  # fmt: skip
            read = tm.read_safetensors(file.name)
        self.assertEqual({name: tensor.tolist() for name, tensor in read.items()}, {"a": [[1, 2], [3, -4]], "b": [1, -2], "c": [0.5], "d": 7})
        self.assertEqual(read["a"].shape, (2, 2))

    def test_what_is_none_is_refused(self):
        with self.write({"a": ("F16", [3], b"\0\0")}) as file, self.assertRaises(ValueError):
            tm.read_safetensors(file.name)
        with self.assertRaises(ValueError):
            tm.read_safetensors(PANEL)


def _has_command():
    try:
        return path_of_command()
    except tm.CommandNotFound:
        return None


@unittest.skipUnless(_has_command(), "the command is not built")
class TheCommand(unittest.TestCase):
    def test_a_panel_gives_times_verdicts_and_outputs(self):
        results = tm.run(PANEL, kernels="head_parallel", outputs=True)
        self.assertEqual(results.verdict, "pass")
        self.assertGreater(results.cycles, 0)
        self.assertIn("head_parallel", repr(results))
        self.assertEqual(sorted(results.outputs), ["user0.lse", "user0.o"])
        self.assertEqual(len(results.outputs["user0.o"].shape), len(results.outputs["user0.lse"].shape) + 1)

    def test_a_panel_in_python_is_the_same_panel(self):
        panel = json.loads(PANEL.read_text())
        panel["machine"] = PANEL.parent / panel["machine"]
        one, other = tm.run(panel, kernels="head_parallel"), tm.run(PANEL, kernels="head_parallel")
        self.assertEqual(one.cycles, other.cycles)

    def test_its_errors_are_exceptions(self):
        with self.assertRaisesRegex(tm.InputError, "tilemesh: error: .*/kernels"):
            tm.run({"machine": str(ROOT / "configs/machines/cube_line8.json"), "kernels": 3})


if __name__ == "__main__":
    unittest.main()
