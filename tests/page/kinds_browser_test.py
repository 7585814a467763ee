# SPDX-License-Identifier: Apache-2.0
"""Pages of all kinds in a real browser: of programs, of what failed, with a critical path, of comparisons and milestones."""

import json
import os
import pathlib
import sys

from browser import Browser
from page_case import FOLDER, PageCase, attention, made, main, tilemesh

# Two PEs that wait for each other.
STUCK = '''
def stuck(x_ptr, tl):
    other = "E" if tl.program_id(0) == 0 else "W"
    tl.recv(dir=other, shape=(16,), dtype="f16")
'''


def explained():
    """A page whose fastest kernel was followed, and that kernel's result."""
    page, result = made("explained", "single_user_decode_mid", "--values", "none", "--kernel", "mesh_mlo", "--kernel", "head_parallel",
                        "--explain")
    return page, next(kernel for kernel in result["panels"][0]["kernels"] if "critical_path" in kernel)


class KindsOfPagesTest(PageCase):
    def test_a_program_panel_has_a_page(self):
        page, result = made("program", "programs/mesh_wave")
        self.open(page)
        kernel = result["panels"][0]["kernels"][0]
        self.assertEqual(self.js("document.querySelector('#verdict .first dd span').textContent"), f"{int(kernel['cycles'] + 0.5):,}")
        self.assertGreater(self.js("document.querySelectorAll('#lanes canvas').length"), 0)

    def test_what_has_no_figures_says_why(self):
        pathlib.Path(FOLDER.name, "stuck.py").write_text(STUCK)
        panel = {"machine": "cube_line8", "tensors": {"x": {"shape": [16]}}, "values": {"mode": "none"},
                 "kernels": [{"program": {"file": "stuck.py", "kernel": "stuck", "grid": [2], "arguments": {"x_ptr": "x"}}}]}
        pathlib.Path(FOLDER.name, "stuck_panel.json").write_text(json.dumps(panel))
        page, result = made("failing", pathlib.Path(FOLDER.name, "stuck_panel.json"), codes=(1,))
        self.open(page, "dark")
        kernel = result["panels"][0]["kernels"][0]
        self.assertEqual(kernel["status"], "failed")
        self.assertIn(kernel["error"].splitlines()[0], self.js("document.querySelector('#verdict pre').textContent"))

    def test_critical_path_and_what_if(self):
        page, kernel = explained()
        self.open(page)
        self.assertEqual(self.js("document.querySelector('#path .lead').textContent"), kernel["critical_path"]["sentence"])
        rows = self.js("[...document.querySelectorAll('#what-if tbody tr')].map(r => [...r.children].map(c => c.textContent))")
        times = {one["change"]: one.get("proved_ps", one.get("estimated_ps")) for one in kernel["what_if"]}
        self.assertEqual(sorted(times), sorted(row[0] for row in rows))
        self.assertEqual([times[row[0]] for row in rows], sorted(times.values()))
        proved = {one["change"]: one["proved_ps"] for one in kernel["what_if"] if "proved_ps" in one}
        first = min(proved, key=proved.get)
        self.assertGreater(len(proved), 1)
        self.assertIn(f"First: {first}, ", self.js("document.querySelector('#verdict .lead').textContent"))
        for change, _, text, *_ in rows:
            self.assertEqual(text == "–", change not in proved)
        overlaid = self.drawn("#lanes .lanes")
        self.js("document.getElementById('path-only').click()")
        self.browser.settle()
        self.assertNotEqual(self.drawn("#lanes .lanes"), overlaid)
        self.assertIn("critical path alone", self.js("document.querySelector('#lanes .note').textContent"))
        segment = next(one for one in kernel["critical_path"]["segments"] if one.get("phase") and ".pe" in one["component"])
        self.js("(e => { e.value = [...e.options].find(o => '%s'.startsWith(o.value + '.')).value; e.dispatchEvent(new Event('change')); })"
                "(document.getElementById('mesh-selected'))" % segment["component"])
        self.browser.settle()
        self.assertIn(segment["phase"], self.js("document.querySelector('#selection').textContent"))

    def test_changes_that_cannot_run_say_why_and_come_last(self):
        _, result = made("explained", "single_user_decode_mid", "--values", "none", "--kernel", "mesh_mlo", "--kernel", "head_parallel",
                         "--explain")
        kernel = next(kernel for kernel in result["panels"][0]["kernels"] if "critical_path" in kernel)
        now = kernel["time_ps"]
        kernel["what_if"] = [{"change": "memory=2x", "impossible": "too many bytes"}, {"change": "links=2x", "estimated_ps": now, "proved_ps": now},
                             {"change": "rows=2x", "estimated_ps": now // 4, "impossible": "not whole"}, {"change": "issue=2x"},
                             {"change": "lanes=2x", "proved_ps": now // 2}]
        file, page = pathlib.Path(FOLDER.name, "impossible.json"), pathlib.Path(FOLDER.name, "impossible.html")
        file.write_text(json.dumps(result))
        tilemesh("compare", file, file, "--report", page, "--quiet")
        self.open(page)
        self.js(f"[...document.querySelectorAll('[role=radio]')].find(e => e.firstChild.textContent === '{kernel['label']}')?.click()")
        self.browser.wait_for("document.documentElement.dataset.drawn === 'true'")
        rows = self.js("[...document.querySelectorAll('#what-if tbody tr')].map(r => [...r.children].map(c => c.textContent))")
        self.assertEqual([row[0] for row in rows], ["lanes=2x", "links=2x", "issue=2x", "memory=2x", "rows=2x"])
        self.assertEqual([row[2] for row in rows[2:]], ["–", "cannot run: too many bytes", "cannot run: not whole"])
        self.assertEqual([row[3] for row in rows], ["2×", "1×", "–", "–", "–"])

    def test_a_page_without_a_path_says_how_to_get_one(self):
        self.open(attention()[0])
        self.assertIn("--explain", self.js("document.querySelector('#path .note').textContent"))

    def test_a_comparison_shows_both_sides(self):
        made("mid", "single_user_decode_mid", "--values", "none", "--kernel", "mesh_mlo", "--kernel", "head_parallel")
        old, new, page = (pathlib.Path(FOLDER.name, name) for name in ("mid.json", "slow.json", "compare.html"))
        tilemesh("run", "single_user_decode_mid", "--values", "none", "--kernel", "mesh_mlo", "--kernel", "head_parallel",
                 "--set", "machine.pe.vector.lanes=256", "--json", new, "--quiet")
        tilemesh("compare", old, new, "--report", page, "--quiet", codes=(1,))
        self.open(page)
        text = self.js("document.querySelector('#comparison').textContent")
        self.assertIn("It got worse", text)
        self.assertIn("machine.pe.vector.lanes 1024 -> 256", text)
        before = {k["label"]: k for k in json.loads(old.read_text())["panels"][0]["kernels"]}
        rows = self.js("[...document.querySelectorAll('#kernels tbody tr')].map(r => [...r.children].map(c => c.textContent))")
        for row in rows[:2]:
            self.assertEqual(row[2], f"{int(before[row[0]]['cycles'] + 0.5):,}")
        changes = self.js("[...document.querySelectorAll('#account details tbody tr')].map(r => r.lastChild.textContent).filter(t => t)")
        self.assertGreater(len(changes), 3)

    def test_a_bench_has_a_line_for_each_panel(self):
        page = pathlib.Path(FOLDER.name, "bench.html")
        milestone = pathlib.Path(FOLDER.name, "milestone.json")
        milestone.write_text(json.dumps({"name": "small", "panels": [
            {"panel": str(pathlib.Path(os.environ["TILEMESH_CONFIGS"], "panels", name + ".json"))}
            for name in ("single_user_prefill_validation", "multi_user_prefill_validation", "single_user_decode_validation")]}))
        tilemesh("bench", milestone, "--report", page, "--quiet")
        self.open(page)
        self.assertEqual(self.js("document.querySelectorAll('#panels tbody tr').length"), 3)
        self.js("document.querySelectorAll('#panels tbody tr')[2].click()")
        self.browser.wait_for("document.documentElement.dataset.drawn === 'true'")
        self.assertTrue(self.js("document.documentElement.dataset.shown").startswith("single_user_decode_validation/"))

    def test_it_is_small_and_quick(self):
        page, _ = made("large", "multi_user_decode_8k", "--values", "none")
        self.assertLess(page.stat().st_size, 5_000_000)
        with Browser() as browser:
            # The time of the page's own thread: what it takes on a computer that has nothing else to do.
            browser.command("Performance.enable", timeDomain="threadTicks")
            seconds = browser.open(page)
            browser.wait_for("document.documentElement.dataset.drawn === 'true'")
            working = browser.working()
        print(f"{page.stat().st_size} bytes, {seconds:.2f} s to load, {working:.2f} s of work until all is drawn", file=sys.stderr)
        self.assertLess(working, 2.0)


if __name__ == "__main__":
    main()
