# SPDX-License-Identifier: Apache-2.0
"""What a script runs on: the machine and how launches are made, what was launched, and what it took. `python3 -m tilemesh` sets it
up; the modules that a script imports as triton and torch (scripts/) ask it."""

import copy
import math
import os
import sys

from .arrays import is_array
from .command import TilemeshError
from .launching import is_for_all, launch, settings_of
from .machines import Device
from .timing import Timing


class Session:
    def __init__(self, machine="cube_2x4", settings=(), values="full", place=None, dispatch=None, programs_per_pe=None):
        self.machine, self.settings, self.values = machine, settings_of(settings), values
        self.place, self.dispatch, self.programs_per_pe = place, dispatch, programs_per_pe
        self.device = Device(machine, self.settings)
        self.launches = {}  # by kernel: Launches
        self.elapsed_ms = 0.0  # of all launches
        self.count = 0
        self.timing = None  # a Timing while do_bench is at work
        self._known = {}  # results without values
        self._said = set()

    def launch(self, kernel, grid, args, is_trial=False):
        """Results of one launch; a trial computes no values and is counted by its own."""
        values = "none" if is_trial or self.timing else "full" if self.values == "always" else self.values
        place = self.place
        if not is_for_all(place):  # kernels have parameters of other names
            place = {name: where for name, where in place.items() if name in args and is_array(args[name])} or None
        results = launch(kernel, grid, args, machine=self.machine, settings=self.settings, place=place, dispatch=self.dispatch,
                         programs_per_pe=self.programs_per_pe, values=values, known=self._known)  # fmt: skip
        if self.timing and not is_trial:
            self.timing.see(results, args)
        if not is_trial:
            self.count += 1
            self.elapsed_ms += results.time_us / 1e3
        self.launches.setdefault(results.kernel, Launches(results.kernel)).add(results, is_trial)
        return results

    def timed(self, run):
        """Milliseconds of the launches that run() makes, nan if it makes none. They compute no values, unless somebody may look at
        what they store: then it runs once more, with values."""
        if self.values == "full":
            before = self.elapsed_ms, self.count, copy.deepcopy(self.launches)
            self.timing = timing = Timing()
            try:
                ms = self._timed(run)
            except TilemeshError:  # perhaps for want of values
                timing.needs_values = True
            finally:
                self.timing = None
            if not timing.needs_values:
                return ms
            self.elapsed_ms, self.count, self.launches = before
        return self._timed(run)

    def _timed(self, run):
        before, count = self.elapsed_ms, self.count
        run()
        return self.elapsed_ms - before if self.count > count else math.nan

    def say_once(self, text):
        if text not in self._said:
            self._said.add(text)
            print(f"tilemesh: {text}", file=sys.stderr)

    def table(self):
        """Lines: what each kernel took; none if nothing was launched."""
        if not self.launches:
            return []
        head = ("kernel", "launches", "trials", "time/us", "cycles", "matrix peak", "HBM peak", "HBM MB")
        rows = [head, *(launches.cells() for launches in self.launches.values())]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        title = f"{self.device.name}: {self.device.pes} PEs, simulated"
        return [title, *("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]) for row in rows)]


class Launches:
    """Of one kernel."""

    def __init__(self, kernel):
        self.kernel, self.count, self.trials = kernel, 0, 0
        self.time_us = self.cycles = self.matrix_us = self.hbm_us = self.hbm_bytes = 0.0

    def add(self, results, is_trial):
        if is_trial:
            self.trials += 1
            return
        self.count += 1
        self.time_us += results.time_us
        self.cycles += results.cycles
        self.matrix_us += (results.matrix_share or 0.0) * results.time_us
        self.hbm_us += (results.hbm_share or 0.0) * results.time_us
        self.hbm_bytes += results.hbm_bytes or 0

    def cells(self):
        if not self.count:
            return [self.kernel, "0", str(self.trials), "-", "-", "-", "-", "-"]
        matrix = f"{100 * self.matrix_us / self.time_us:.1f} %" if self.matrix_us else "-"
        hbm = f"{100 * self.hbm_us / self.time_us:.1f} %" if self.time_us else "-"
        return [self.kernel, str(self.count), str(self.trials or ""), f"{self.time_us:,.2f}", f"{self.cycles:,.0f}", matrix, hbm,
                f"{self.hbm_bytes / 1e6:,.2f}"]  # fmt: skip


_current = None


def start(session):
    global _current
    _current = session
    return session


def current():
    """The session that `python3 -m tilemesh` started; else one on the machine that TILEMESH_MACHINE names."""
    return _current or start(Session(os.environ.get("TILEMESH_MACHINE", "cube_2x4")))
