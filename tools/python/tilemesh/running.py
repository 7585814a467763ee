# SPDX-License-Identifier: Apache-2.0
"""Runs panels. A panel is a file or, in Python, a dictionary with the same keys (configs/README.md)."""

import json
import os
import tempfile
from pathlib import Path

from .command import call
from .results import Results
from .tensors import read_safetensors

WITH_FILES = ("problem", "kernels", "tensors", "check")  # keys of panels in which "file" and "python" are paths
GIVEN = ("arguments", "constants")  # what a kernel is given has names of its own


def run(panel, *, kernels=(), values=None, settings=None, outputs=False, jobs=None, strict=False):
    """Runs a panel and returns its Results.

    panel: path of a panel, or a dictionary; paths in a dictionary start at the current folder. kernels: only those with these
    labels. values: "full", "sampled" or "none". settings: {"problem.users.0.keys": 4096, ...} override keys. outputs: read what
    the kernel computed into `.outputs`; for one kernel and values "full". jobs: worker processes. strict: refuse a panel of which
    a kernel cannot run the problem.

    Raises InputError with the command's own line if something is wrong with the panel. A wrong answer is no exception:
    `.verdict` says so."""
    with tempfile.TemporaryDirectory(prefix="tilemesh-") as folder:
        if isinstance(panel, dict):
            file = Path(folder) / f"{panel.get('name', 'panel')}.json"
            file.write_text(json.dumps(_from_here(panel)))
        else:
            file = panel
        result, saved = Path(folder) / "result.json", Path(folder) / "outputs.safetensors"
        arguments = ["run", file, "--json", result]
        for name in [kernels] if isinstance(kernels, str) else kernels:
            arguments += ["--kernel", name]
        for key, value in (settings or {}).items():
            arguments += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
        arguments += ["--values", values] if values else []
        arguments += ["--save-outputs", saved] if outputs else []
        arguments += ["--jobs", jobs] if jobs else []
        arguments += ["--strict"] if strict else []
        table, _ = call(*arguments)
        tensors = read_safetensors(saved) if outputs and saved.exists() else None
        return Results(json.loads(result.read_text()), table, tensors)


def _from_here(panel):
    """The panel with its paths made absolute, because its file will lie elsewhere. The command resolves those of a file alike
    (sim/run/resolve.cpp)."""
    panel = _plain(panel)
    places = [(panel, ("base", "machine"))]
    if isinstance(panel.get("machine"), dict):
        tables = [panel["machine"].get(name) for name in ("energy", "area")]
        places.append((panel["machine"], ("base", "energy", "area")))
        places += [(table, ("base",)) for table in tables if isinstance(table, dict)]
    for place, keys in places:
        for key in keys:
            # What is no file's path may be the name of one that comes with the command.
            if isinstance(place.get(key), str) and (os.path.isfile(place[key]) or "." in place[key]):
                place[key] = os.path.abspath(place[key])
    if isinstance(panel.get("inputs"), dict):
        _place(panel["inputs"], ("tensors",))
    for name in WITH_FILES:
        _place_within(panel.get(name))
    return panel


def _plain(value):
    """With dictionaries and lists of its own, and paths as texts."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return os.path.abspath(value) if isinstance(value, os.PathLike) else value


def _place_within(value):
    if isinstance(value, list):
        for inner in value:
            _place_within(inner)
    elif isinstance(value, dict):
        _place(value, ("file", "python"))
        for name, inner in value.items():
            if name not in GIVEN:
                _place_within(inner)


def _place(values, keys):
    for key in keys:
        if isinstance(values.get(key), str) and values[key]:
            values[key] = os.path.abspath(values[key])
