# SPDX-License-Identifier: Apache-2.0
"""What a panel's kernels took and whether their answers are right."""

from collections.abc import Mapping
from html import escape


class Result:
    """One kernel on one panel.

    label, kernel; status: "ok", "failed", ...; error: why it failed; cycles; time_us; verdict: "pass", "fail", "sampled", ...,
    or None; above_machine_bound and above_schedule_bound: time over the bound's, 1 at best; matrix_share and hbm_share: of the
    machine's peak; hbm_bytes; outputs: tensors by name if they were asked for. `to_dict()` has everything, as tilemesh --json writes it."""

    def __init__(self, values, outputs=None):
        self._values = values
        self.label, self.kernel = values["label"], values["kernel"]
        self.status, self.error = values["status"], values.get("error") or None
        self.cycles = values.get("cycles")
        self.time_us = values["time_ps"] / 1e6 if values.get("time_ps") is not None else None
        self.verdict = (values.get("verdict") or {}).get("outcome")
        if self.verdict == "values not computed" and "no \"check\"" in (values.get("note") or ""):
            self.verdict = None  # they were; nobody has said what they should be
        self.above_machine_bound = values.get("machine_distance")
        self.above_schedule_bound = values.get("schedule_distance")
        self.matrix_share, self.hbm_share = values.get("matrix_utilisation"), values.get("hbm_share_of_peak")
        self.hbm_bytes = values.get("hbm_bytes")
        self.outputs = {} if outputs is None else outputs

    def to_dict(self):
        return self._values

    def cells(self):
        """For tables."""
        if self.status != "ok":
            return [self.label, "-", "-", self.status, "-", "-"]
        times = [f"{bound:.2f}x" if bound is not None else "-" for bound in (self.above_machine_bound, self.above_schedule_bound)]
        return [self.label, f"{self.cycles:,.0f}", f"{self.time_us:,.4g}", self.verdict or "-", *times]

    def __repr__(self):
        if self.status != "ok":
            return f"<{self.label}: {self.status}: {self.error}>"
        return f"<{self.label}: {self.cycles:,.0f} cycles, {self.time_us:,.4g} us, {self.verdict or 'no verdict'}>"


class Results(Mapping):
    """Results of a panel by the label of the kernel. Where there is one kernel, its attributes are those of the whole."""

    HEAD = ("kernel", "cycles", "time/us", "verdict", "x machine bound", "x schedule bound")

    def __init__(self, values, table="", outputs=None):
        self._values, self._table = values, table
        panel = values["panels"][0]
        self.name, self.description = panel["name"], panel.get("description", "")
        self._results = {kernel["label"]: Result(kernel, outputs) for kernel in panel["kernels"]}

    def __getitem__(self, label):
        if label not in self._results:
            raise KeyError(f"{label}; there are {', '.join(self._results)}")
        return self._results[label]

    def __iter__(self):
        return iter(self._results)

    def __len__(self):
        return len(self._results)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        results = list(self._results.values())
        if len(results) != 1:
            raise AttributeError(f"{name}: the panel has {len(results)} kernels; take one, results[{next(iter(self._results), 'label')!r}].{name}")
        return getattr(results[0], name)

    def to_dict(self):
        return self._values

    def __repr__(self):
        return self._table.rstrip("\n") or "\n".join(map(repr, self._results.values()))

    def _repr_html_(self):
        head = "".join(f"<th>{escape(text)}</th>" for text in self.HEAD)
        rows = "".join(
            f"<tr><td>{escape(cells[0])}</td>" + "".join(f'<td style="text-align:right">{escape(text)}</td>' for text in cells[1:]) + "</tr>"
            for cells in (result.cells() for result in self._results.values())
        )
        caption = f"<caption>{escape(self.name)}: {escape(self.description)}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
