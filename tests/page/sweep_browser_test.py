# SPDX-License-Identifier: Apache-2.0
"""The page of `tilemesh sweep --report` in a real browser without a window: it says what the table says, its front is the
front, choices, filters and selection work by pointer and by keyboard, in both themes, without errors or network."""

import csv
import json
import pathlib

from page_case import FOLDER, PageCase, main, tilemesh

LINK, LANES, RATE = "machine.network.link.gbytes_per_s", "machine.pe.vector.lanes", "machine.hbm.gbytes_per_s_per_channel"
SWEEP = {"panel": "single_user_decode_validation", "set": {"values.mode": "none"},
         "axes": [{"key": LINK, "values": [8, 64, 512]}, {"key": LANES, "values": [64, 1024, -1]}]}


# Two machines whose texts are alike in their first 58 letters and their last 31, and rates that are the same in four digits.
SLOW_LINK = [{"base": "cube_line8", "network": {"link": {"gbytes_per_s": rate}, "router": {"multicast": True}}} for rate in (16, 64)]
ALIKE = {"panel": "single_user_decode_validation", "set": {"values.mode": "none", "kernels": ["head_parallel"]},
         "axes": [{"key": "machine", "values": [*SLOW_LINK, "cube_2x4"]}, {"key": LANES, "values": [64, 256]},
                  {"key": RATE, "values": [33.331, 33.332, 33.333]}]}


def setUpModule():
    folder = pathlib.Path(FOLDER.name)
    for name, sweep in (("links", SWEEP), ("alike", ALIKE)):
        (folder / f"{name}.json").write_text(json.dumps(sweep))
        tilemesh("sweep", folder / f"{name}.json", "--into", folder / name, "--report", folder / f"{name}.html", "--table",
                 folder / f"{name}.csv", "--quiet")


def rows():
    with open(pathlib.Path(FOLDER.name, "links.csv")) as file:
        return list(csv.DictReader(file))


def front(points, *keys):
    """Points that no other is as good as in all and better than in one; less is better."""
    costs = [tuple(float(point[key]) for key in keys) for point in points]
    worse = lambda a, b: all(y <= x for x, y in zip(a, b)) and any(y < x for x, y in zip(a, b))
    return {point["point"] for point, a in zip(points, costs) if not any(worse(a, b) for b in costs)}


class SweepPageTest(PageCase):
    def setUp(self):
        self.open(pathlib.Path(FOLDER.name, "links.html"))

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

    def test_values_that_are_nearly_alike_have_cells_and_texts_of_their_own(self):
        self.open(pathlib.Path(FOLDER.name, "alike.html"))
        for columns, rows, cells in ((RATE, "machine", 9), ("machine", LANES, 6), (RATE, LANES, 6)):
            self.choose("map-columns", columns)
            self.choose("map-rows", rows)
            places = self.js("[...document.querySelectorAll('#map svg .mark-rect path')].filter(e => e.__data__?.datum?.place).map(e => "
                             "(b => `${Math.round(b.x)} ${Math.round(b.y)}`)(e.getBoundingClientRect()))")
            self.assertEqual((len(places), len(set(places))), (cells, cells))
            for orient in ("x", "y"):
                labels = self.js(f"[...document.querySelectorAll('#map svg .role-axis[aria-label^=\"{orient.upper()}-axis\"] .role-axis-label text')]"
                                 ".map(e => e.textContent)")
                values = {"machine": 3, RATE: 3, LANES: 2}[columns if orient == "x" else rows]
                self.assertEqual((len(labels), len(set(labels))), (values, values), labels)
        for key in ("machine", RATE):
            options = self.js(f"[...document.getElementById('filter-{key}').options].map(o => o.textContent)")
            self.assertEqual((len(options), len(set(options))), (4, 4), options)
            self.choose("front-colour", key)
            legend = self.js("[...document.querySelectorAll('#front .legend li')].map(e => [e.textContent, e.style.cssText])")
            self.assertEqual([len(set(part)) for part in zip(*legend)], [3, 3], legend)
        # The first value that differs in the seventh letter of its number is the one that its filter leaves.
        self.assertIn("33.331", options[1])
        self.choose(f"filter-{RATE}", "33.331")
        with open(pathlib.Path(FOLDER.name, "alike.csv")) as file:
            self.assertEqual(set(self.points_in("#points")), {row["point"] for row in csv.DictReader(file) if row[RATE] == "33.331"})

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
            self.open(pathlib.Path(FOLDER.name, "links.html"), scheme)
            self.assertEqual(self.js("[...document.querySelectorAll('figure.chart .plot')].filter(e => e.querySelector('svg, canvas')).length"), 3)
            drawn.add(self.js("document.querySelector('#map svg').outerHTML"))
        self.assertEqual(len(drawn), 2)


if __name__ == "__main__":
    main()
