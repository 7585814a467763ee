# SPDX-License-Identifier: Apache-2.0
"""Machine files by name, and what a script asks about its device."""

import json
import os
import shutil
from pathlib import Path

from .command import InputError, path_of_command


def folders():
    """Where machines are: beside the command's source tree, where it is installed, and in the tree of this package."""
    command = Path(shutil.which(path_of_command()) or ".").resolve()
    for above in [*command.parents, *Path(__file__).resolve().parents]:
        for configs in (above / "configs", above / "share" / "tilemesh" / "configs"):
            if (configs / "machines").is_dir():
                yield configs / "machines"


def path_of(machine):
    """The path of a machine: a file, or a name such as cube_2x4."""
    if os.path.isfile(machine):
        return os.path.abspath(machine)
    for folder in folders():
        if (folder / f"{machine}.json").is_file():
            return str(folder / f"{machine}.json")
    known = sorted({file.stem for folder in folders() for file in folder.glob("*.json")})
    raise InputError(f"tilemesh: error: machine {machine}: no such file and no such name; there are {', '.join(known) or 'none'}")


def description(machine):
    """Everything a machine says, that of its base included. machine: a path, a name or a dictionary."""
    if isinstance(machine, dict):
        values, folder = machine, Path.cwd()
    else:
        file = Path(path_of(machine))
        try:
            values, folder = json.loads(file.read_text()), file.parent
        except (OSError, ValueError) as error:
            raise InputError(f"tilemesh: error: {file}: {error}") from None
    if isinstance(values.get("base"), str):
        return _merged(description(str(folder / values["base"])), values)
    return values


def _merged(base, values):
    result = dict(base)
    for key, value in values.items():
        result[key] = _merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
    return result


class Device:
    """pes, sram_bytes, clock_ghz, hbm_bytes and hbm_gbytes_per_s of a machine, with settings as `--set` has them."""

    def __init__(self, machine, settings=None):
        values = description(machine)
        for key, value in (settings or {}).items():
            _set(values, key.split("."), value)
        self.name = values.get("name", "machine")
        self.pes = 1
        for grid in ("cube", "cubes"):
            size = values.get(grid) or {}
            if isinstance(size, dict):
                self.pes *= int(size.get("rows", 1)) * int(size.get("cols", 1))
        pe, hbm = values.get("pe", {}), values.get("hbm", {})
        self.sram_bytes = int(pe.get("sram_bytes", 1 << 20))
        self.clock_ghz = float(pe.get("clock_ghz", 1.0))
        matrix = pe.get("matrix", {})
        self.matrix_tflops = 2e-3 * int(matrix.get("rows", 0)) * int(matrix.get("cols", 0)) * self.clock_ghz * self.pes
        self.matrix_tflops *= float((matrix.get("speed") or {}).get("f16", 1.0))
        self.hbm_bytes = int(hbm.get("bytes_per_pe", 1 << 30)) * self.pes
        self.hbm_gbytes_per_s = float(hbm.get("channels_per_pe", 1)) * float(hbm.get("gbytes_per_s_per_channel", 1.0)) * self.pes


def _set(values, path, value):
    if path[0] == "machine" and len(path) > 1:
        for key in path[1:-1]:
            values[key] = dict(values.get(key) or {})  # never into what others share
            values = values[key]
        try:
            values[path[-1]] = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            values[path[-1]] = value
