# SPDX-License-Identifier: Apache-2.0
"""Runs panels. A panel is a file or, in Python, a dictionary with the same keys (configs/README.md)."""

import json
import os
import tempfile
from pathlib import Path

from .command import call
from .results import Results
from .tensors import read_safetensors

PATHS = ("machine", "base", "file")  # keys of panels whose strings are paths from where the panel lies


def run(panel, *, kernels=(), values=None, settings=None, outputs=False, jobs=None, strict=False, is_resolved=False):
    """Runs a panel and returns its Results.

    panel: path of a panel, or a dictionary; paths in a dictionary start at the current folder.
    kernels: only those with these labels. values: "full", "sampled" or "none". settings: {"problem.users.0.keys": 4096, ...}
    override keys. outputs: read what the kernel computed into `.outputs`; for one kernel and values "full". jobs: worker
    processes. strict: refuse a panel of which a kernel cannot run the problem. is_resolved: a dictionary's paths are absolute.

    Raises InputError with the command's own line if something is wrong with the panel. A wrong answer is no exception:
    `.verdict` says so."""
    with tempfile.TemporaryDirectory(prefix="tilemesh-") as folder:
        if isinstance(panel, dict):
            file = Path(folder) / f"{panel.get('name', 'panel')}.json"
            file.write_text(json.dumps(panel if is_resolved else _from_here(panel)))
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


def _from_here(value, key=""):
    """The panel with its paths made absolute, because its file will lie elsewhere."""
    if isinstance(value, dict):
        return {name: _from_here(inner, name) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_from_here(inner, key) for inner in value]
    if isinstance(value, os.PathLike):
        return os.path.abspath(value)
    if key in PATHS and isinstance(value, str):
        return os.path.abspath(value)
    return value
