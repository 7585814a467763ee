# SPDX-License-Identifier: Apache-2.0
"""Pages of `tilemesh --report` in a real browser without a window: what they show is what the result file has, everything
on them works by pointer and by keyboard, in both themes, and nothing complains or asks for the network."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from browser import Browser, find

TILEMESH = os.environ["TILEMESH"]
FOLDER = tempfile.TemporaryDirectory()

# Two PEs that wait for each other.
STUCK = '''
def stuck(x_ptr, tl):
    other = "E" if tl.program_id(0) == 0 else "W"
    tl.recv(dir=other, shape=(16,), dtype="f16")
'''


def tilemesh(*arguments, codes=(0,)):
    ran = subprocess.run([TILEMESH, *map(str, arguments)], capture_output=True, text=True)
    if ran.returncode not in codes:
        raise RuntimeError(f"tilemesh {arguments}: exit code {ran.returncode}\n{ran.stderr}")


def made(name, *arguments, codes=(0,)):
    """The page and the result of `tilemesh run`, made once."""
    page, result = pathlib.Path(FOLDER.name, name + ".html"), pathlib.Path(FOLDER.name, name + ".json")
    if not page.exists():
        tilemesh("run", *arguments, "--report", page, "--json", result, "--quiet", codes=codes)
    return page, json.loads(result.read_text())


def attention():
    return made("attention", "multi_user_decode_validation")


def explained():
    """A page whose fastest kernel was followed, and that kernel's result."""
    page, result = made("explained", "single_user_decode_mid", "--values", "none", "--kernel", "mesh_mlo", "--kernel", "head_parallel",
                        "--explain")
    return page, next(kernel for kernel in result["panels"][0]["kernels"] if "critical_path" in kernel)


def enter(result, key):
    for name in key.split("."):
        result = result[name]
    return result


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()

    def open(self, page, scheme="light"):
        b = self.browser
        b.errors.clear()
        b.requests.clear()
        b.resize(1280, 900)
        b.prefer(scheme)
        seconds = b.open(page)
        b.wait_for("document.documentElement.dataset.drawn === 'true'")
        return seconds

    def tearDown(self):
        self.assertEqual(self.browser.errors, [])
        foreign = [url for url in self.browser.requests if not url.startswith(("file:///", "data:"))]
        self.assertEqual(foreign, [])

    def js(self, script):
        return self.browser.evaluate(script)

    def window(self):
        return self.js("document.getElementById('window-text').textContent")

    def drawn(self, figure):
        """What a chart shows, as something that changes when it does."""
        return self.js(f"(() => {{ const e = document.querySelector('{figure} svg, {figure} canvas'); "
                       "return e.tagName === 'svg' ? e.outerHTML : e.toDataURL(); })()")

    def test_every_figure_is_the_results(self):
        page, result = attention()
        self.open(page)
        panel = result["panels"][0]
        for kernel in panel["kernels"]:
            self.js(f"[...document.querySelectorAll('[role=radio]')].find(e => e.firstChild.textContent === '{kernel['label']}').click()")
            self.browser.wait_for("document.documentElement.dataset.drawn === 'true'")
            self.assertEqual(self.js("document.documentElement.dataset.shown"), f"{panel['name']}/{kernel['label']}")
            shown = self.js("[...document.querySelectorAll('#verdict [data-figure]')].map(e => [e.dataset.figure, e.dataset.raw])")
            self.assertGreater(len(shown), 25)
            for key, raw in shown:
                self.assertEqual(json.loads(raw), enter(kernel, key), key)
            self.assertEqual(self.js("document.querySelector('#verdict .first dd span').textContent"), f"{int(kernel['cycles'] + 0.5):,}")
            words = {"pass": "right", "fail": "wrong"}
            self.assertIn(words[kernel["verdict"]["outcome"]], self.js("document.querySelectorAll('#verdict .figure')[1].textContent"))

    def test_the_account_is_the_sum_of_the_results(self):
        page, result = attention()
        self.open(page)
        label = self.js("document.documentElement.dataset.shown").split("/")[1]
        kernel = next(k for k in result["panels"][0]["kernels"] if k["label"] == label)
        sums = {}
        for part in kernel["components"]:
            for name, time in part.get("account_ps", {}).items():
                sums[part["kind"], name] = sums.get((part["kind"], name), 0) + time
        self.js("document.querySelectorAll('#account details').forEach(e => e.open = true)")
        rows = self.js("[...document.querySelectorAll('#account details tbody tr')].map(r => [...r.children].map(c => c.dataset.value ?? c.textContent))")
        names = {"matrix engine": "matrix", "vector engine": "vector", "loads": "dma_load", "stores": "dma_store", "sends": "send",
                 "receives": "receive", "links": "link", "HBM": "hbm", "command processor": "processor"}
        self.assertEqual({(names[r[0]], r[1]): int(r[2]) for r in rows}, sums)

    def test_the_account_opens_down_to_one_engine(self):
        self.open(attention()[0])
        self.js("document.querySelector('[role=radio]').click()")
        for level in (1, 2):
            self.js(f"document.querySelector('#account tr[aria-level=\"{level}\"] button').click()")
        names = self.js("[...document.querySelectorAll('#account .tree tbody tr')].slice(0, 4).map(r => r.firstChild.textContent)")
        self.assertEqual(names, ["▾matrix engine", "▾cube0", "cube0.pe0.matrix", "cube0.pe1.matrix"])
        self.js("document.querySelector('#account tr[aria-level=\"1\"] button').click()")
        self.assertEqual(self.js("document.querySelectorAll('#account tr[aria-level=\"2\"]').length"), 0)

    def test_sliders_buttons_and_keys_move_the_window(self):
        self.open(attention()[0])
        self.assertIn("the whole run", self.window())
        before = self.drawn("#mesh .mesh"), self.drawn("#lanes .lanes"), self.drawn("#mesh .strip")
        self.js("(e => { e.value = 700; e.dispatchEvent(new Event('input')); })(document.getElementById('window-width'))")
        self.browser.settle()
        narrow = self.window()
        self.assertIn(" to ", narrow)
        self.js("(e => { e.value = 200; e.dispatchEvent(new Event('input')); })(document.getElementById('window-where'))")
        self.browser.settle()
        moved = self.window()
        self.assertNotEqual(moved, narrow)
        for was, now in zip(before, (self.drawn("#mesh .mesh"), self.drawn("#lanes .lanes"), self.drawn("#mesh .strip"))):
            self.assertNotEqual(was, now)
        seen = [moved]
        for key in ("ArrowRight", "+", "ArrowLeft", "-", "Home", "End"):
            self.browser.key(key)
            self.assertNotEqual(self.window(), seen[-1], key)
            seen.append(self.window())
        self.browser.key("0")
        self.assertIn("the whole run", self.window())

    def test_the_strip_is_there_to_click_on(self):
        self.open(attention()[0])
        x, y, width, height = self.browser.place("#mesh .strip")
        self.browser.click(x + width / 2, y + 40)
        text = self.window()
        self.assertIn(" to ", text)
        b = self.browser
        b.mouse("mousePressed", x + width * 0.25, y + 40)
        b.mouse("mouseMoved", x + width * 0.5, y + 40)
        b.mouse("mouseReleased", x + width * 0.5, y + 40)
        b.settle()
        self.assertNotEqual(self.window(), text)

    def test_lanes_drag_and_zoom(self):
        self.open(attention()[0])
        self.browser.key("+")
        self.browser.key("+")
        text = self.window()
        x, y, width, _ = self.browser.place("#lanes .lanes")
        b = self.browser
        b.mouse("mousePressed", x + width * 0.4, y + 30)
        b.mouse("mouseMoved", x + width * 0.6, y + 30)
        b.mouse("mouseReleased", x + width * 0.6, y + 30)
        b.settle()
        self.assertNotEqual(self.window(), text)
        text = self.window()
        b.command("Input.dispatchMouseEvent", type="mouseWheel", x=x + width / 2, y=y + 30, deltaX=0, deltaY=-200, modifiers=2)
        b.settle()
        self.assertNotEqual(self.window(), text)

    def test_parts_are_selected_by_pointer_keys_and_list(self):
        self.open(attention()[0])
        self.browser.place("#mesh .mesh")
        box = self.js("(() => { const e = document.querySelectorAll('#mesh .mesh svg .mark-rect path')[9].getBoundingClientRect(); "
                      "return [e.x + e.width / 2, e.y + e.height / 2]; })()")
        self.browser.click(*box)
        selected = "document.querySelector('#selection h3').textContent"
        self.assertEqual(self.js(selected), "cube1.pe1")
        self.js("document.querySelector('#mesh .mesh').focus()")
        self.browser.key("ArrowRight")
        self.assertEqual(self.js(selected), "cube1.pe2")
        window = self.window()
        self.browser.key("ArrowDown")
        self.assertEqual(self.js(selected), "cube1.pe6")
        self.assertEqual(self.window(), window)
        self.js("(e => { e.value = [...e.options].find(o => o.value.includes('_to_')).value; e.dispatchEvent(new Event('change')); })"
                "(document.getElementById('mesh-selected'))")
        self.browser.settle()
        self.assertIn("_to_", self.js(selected))
        self.assertIn("_to_", self.js("document.querySelector('#lanes .note').textContent"))

    def test_messages_through_what_is_selected_are_those_of_their_routes(self):
        page, _ = attention()
        self.open(page)
        self.js("document.querySelector('[role=radio]').click()")
        self.browser.wait_for("document.documentElement.dataset.drawn === 'true'")
        # The table of a link counts what the link's PE pairs sent; every message of a kernel crosses as many links as it says.
        total = self.js("(() => { const data = JSON.parse(document.getElementById('data').textContent); const k = data.panels[0].kernels[0]; "
                        "return k.pictures.messages.reduce((sum, m) => sum + m[3] * m[4].length, 0); })()")
        hop_bytes = self.js("JSON.parse(document.getElementById('data').textContent).panels[0].kernels[0].result.hop_bytes")
        self.assertGreater(total, 0)
        self.assertLessEqual(total, hop_bytes)

    def test_every_chart_is_a_table_too(self):
        self.open(attention()[0])
        count = self.js("document.querySelectorAll('figure.chart').length")
        self.assertGreaterEqual(count, 6)
        self.js("document.querySelectorAll('figure.chart figcaption button').forEach(e => e.click())")
        self.browser.settle()
        rows = self.js("[...document.querySelectorAll('figure.chart')].map(f => f.querySelectorAll('tbody tr').length)")
        self.assertTrue(all(rows), rows)
        self.assertEqual(self.js("[...document.querySelectorAll('figure.chart .plot')].filter(e => e.offsetHeight > 0).length"), 0)
        self.js("document.querySelectorAll('figure.chart figcaption button').forEach(e => e.click())")
        self.browser.settle()
        self.assertEqual(self.js("[...document.querySelectorAll('figure.chart .plot')].filter(e => e.offsetHeight > 0).length"), count)

    def test_tab_reaches_everything_and_everything_has_a_name(self):
        self.open(attention()[0])
        seen = set()
        for _ in range(400):
            self.browser.command("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            self.browser.command("Input.dispatchKeyEvent", type="keyUp", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            number = self.js("(() => { const all = [...document.querySelectorAll('button, select, input, summary, a, [tabindex=\"0\"]')]; "
                             "return all.indexOf(document.activeElement); })()")
            if number in seen:
                break
            seen.add(number)
        everything = self.js("[...document.querySelectorAll('button, select, input, summary, a, [tabindex=\"0\"]')]"
                             ".flatMap((e, i) => e.disabled || !e.checkVisibility() ? [] : [i])")
        self.assertEqual([n for n in everything if n not in seen], [])
        nameless = self.js("[...document.querySelectorAll('button, select, input, [role=img], [role=region], [role=treegrid]')].filter(e => "
                           "!(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)).map(e => e.outerHTML.slice(0, 99))")
        self.assertEqual(nameless, [])

    def test_both_themes_by_system_and_by_switch(self):
        page, _ = attention()
        background = "getComputedStyle(document.body).backgroundColor"
        paper = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 27)"}
        for scheme in ("light", "dark"):
            self.open(page, scheme)
            self.assertEqual(self.js(background), paper[scheme])
        lanes = self.drawn("#lanes .lanes")
        self.js("(e => { e.value = 'light'; e.dispatchEvent(new Event('change')); })(document.getElementById('theme'))")
        self.browser.settle()
        self.assertEqual(self.js(background), paper["light"])
        self.assertNotEqual(self.drawn("#lanes .lanes"), lanes)

    def test_text_can_be_read_in_both_themes(self):
        for scheme in ("light", "dark"):
            self.open(attention()[0], scheme)
            # WCAG: 4.5 to 1 for text, here against the page's background.
            weak = self.js("""(() => {
                const light = (rgb) => rgb.match(/[\\d.]+/g).slice(0, 3).map(Number).map(c => c / 255)
                    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
                const probe = document.body.appendChild(document.createElement('p'));
                const contrast = (name) => {
                    probe.style.color = `var(${name})`;
                    const pair = [light(getComputedStyle(probe).color), light(getComputedStyle(document.body).backgroundColor)].sort();
                    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
                };
                const result = ['--ink', '--soft', '--accent', '--good', '--bad', '--warn', '--faint'].filter(name => contrast(name) < 4.5)
                    .map(name => [name, contrast(name)]);
                probe.remove();
                return result;
            })()""")
            self.assertEqual(weak, [], scheme)

    def test_a_narrow_window_does_not_scroll_sideways(self):
        self.open(attention()[0])
        self.browser.resize(420, 900)
        self.browser.settle()
        self.js("new Promise(done => setTimeout(done, 400))")
        self.assertLessEqual(self.js("document.documentElement.scrollWidth"), 420)

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
    if not find():
        print("no Chromium here (Debian: chromium-headless-shell, tools/setup --checks installs it)", file=sys.stderr)
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
