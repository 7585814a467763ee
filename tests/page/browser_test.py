# SPDX-License-Identifier: Apache-2.0
"""The page of one run in a real browser: what it shows is what the result file has, and everything on it works by pointer and
by keyboard, in both themes."""

import json

from page_case import PageCase, attention, made, main


def enter(result, key):
    for name in key.split("."):
        result = result[name]
    return result


class PageTest(PageCase):
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


if __name__ == "__main__":
    main()
