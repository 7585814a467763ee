# SPDX-License-Identifier: Apache-2.0
"""The page of `tilemesh sweep --report` in a real browser without a window: it says what the table says, its front is the
front, choices, filters and selection work by pointer and by keyboard, in both themes, without errors or network."""

import csv
import json
import pathlib

from page_case import FOLDER, PageCase, main, tilemesh

LINK, LANES = "machine.network.link.gbytes_per_s", "machine.pe.vector.lanes"
SWEEP = {"panel": "single_user_decode_validation", "set": {"values.mode": "none"},
         "axes": [{"key": LINK, "values": [8, 64, 512]}, {"key": LANES, "values": [64, 1024, -1]}]}


def setUpModule():
    folder = pathlib.Path(FOLDER.name)
    (folder / "links.json").write_text(json.dumps(SWEEP))
    tilemesh("sweep", folder / "links.json", "--into", folder / "d", "--report", folder / "page.html", "--table", folder / "t.csv", "--quiet")


def rows():
    with open(pathlib.Path(FOLDER.name, "t.csv")) as file:
        return list(csv.DictReader(file))


def front(points, *keys):
    """Points that no other is as good as in all and better than in one; less is better."""
    costs = [tuple(float(point[key]) for key in keys) for point in points]
    worse = lambda a, b: all(y <= x for x, y in zip(a, b)) and any(y < x for x, y in zip(a, b))
    return {point["point"] for point, a in zip(points, costs) if not any(worse(a, b) for b in costs)}


class SweepPageTest(PageCase):
    def setUp(self):
        self.open(pathlib.Path(FOLDER.name, "page.html"))

    def choose(self, name, text):
        self.js(f"(e => {{ e.selectedIndex = [...e.options].findIndex(o => o.textContent === {json.dumps(text)}); "
                f"e.dispatchEvent(new Event('change')); }})(document.getElementById('{name}'))")
        self.browser.settle()

    def points_in(self, place):
        return self.js(f"[...document.querySelectorAll('{place} tr[data-point]')].map(e => e.dataset.point)")

    def test_it_says_what_the_table_says(self):
        ran = sorted((row for row in rows() if row["status"] == "ok"), key=lambda row: int(row["time_ps"]))
        self.assertGreater(len(ran), 30)
        self.assertEqual(set(self.points_in("#points")), {row["point"] for row in ran})
        times = {row["point"]: int(row["time_ps"]) for row in ran}
        order = [times[point] for point in self.points_in("#points")]
        self.assertEqual(order, sorted(order))
        sentence = self.js("document.querySelector('#verdict .lead').textContent")
        self.assertIn(f"{len(rows())} points: {len(ran)} ok, {len(rows()) - len(ran)} not possible", sentence)
        self.assertIn("kernel " + ran[0]["kernel"], sentence)
        raw = self.js("document.querySelector('#point [data-figure=time_ps]').dataset.raw")
        self.assertEqual(int(raw), int(ran[0]["time_ps"]))
        self.assertEqual(self.js("document.querySelector('#point pre').textContent"), ran[0]["repeat"])

    def test_the_front_is_the_front(self):
        ran = [row for row in rows() if row["status"] == "ok"]
        self.choose("front-x", LINK)
        self.js("document.querySelector('#front figcaption button').click()")
        self.browser.settle()
        self.assertEqual(set(self.points_in("#front")), front(ran, LINK, "time_ps"))
        self.choose("front-x", "hop-bytes")
        self.assertEqual(set(self.points_in("#front")), front(ran, "hop_bytes", "time_ps"))

    def test_a_filter_leaves_out_points_everywhere(self):
        self.choose(f"filter-{LANES}", "64")
        ran = [row for row in rows() if row["status"] == "ok" and row[LANES] == "64"]
        self.assertEqual(set(self.points_in("#points")), {row["point"] for row in ran})
        for place in ("front", "map", "parallel"):
            self.js(f"document.querySelector('#{place} figcaption button').click()")
            self.browser.settle()
            shown = set(self.points_in(f"#{place}"))
            self.assertTrue(shown and shown <= {row["point"] for row in ran}, place)
        self.choose(f"filter-{LANES}", "all")
        self.assertGreater(len(self.points_in("#points")), len(ran))

    def test_a_map_has_the_best_of_each_cell(self):
        self.choose("map-columns", LINK)
        self.choose("map-rows", LANES)
        self.js("document.querySelector('#map figcaption button').click()")
        self.browser.settle()
        ran = [row for row in rows() if row["status"] == "ok"]
        best = {}
        for row in ran:
            cell = (row[LINK], row[LANES])
            best[cell] = min(best.get(cell, 1 << 62), int(row["time_ps"]))
        times = {row["point"]: int(row["time_ps"]) for row in ran}
        self.assertEqual(sorted(times[point] for point in self.points_in("#map")), sorted(best.values()))

    def test_a_row_is_selected_by_keyboard_and_by_pointer(self):
        last = self.points_in("#points")[-1]
        for act in ("click()", "dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))"):
            self.js("document.querySelector('#points tr[data-point]').click()")
            self.js(f"[...document.querySelectorAll('#points tr[data-point]')].pop().{act}")
            self.browser.settle()
            repeat = next(row["repeat"] for row in rows() if row["point"] == last)
            self.assertEqual(self.js("document.querySelector('#point pre').textContent"), repeat)

    def test_both_themes_draw_everything(self):
        drawn = set()
        for scheme in ("light", "dark"):
            self.open(pathlib.Path(FOLDER.name, "page.html"), scheme)
            self.assertEqual(self.js("[...document.querySelectorAll('figure.chart .plot')].filter(e => e.querySelector('svg, canvas')).length"), 3)
            drawn.add(self.js("document.querySelector('#map svg').outerHTML"))
        self.assertEqual(len(drawn), 2)


if __name__ == "__main__":
    main()
