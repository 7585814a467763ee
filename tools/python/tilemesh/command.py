# SPDX-License-Identifier: Apache-2.0
"""The `tilemesh` command: where it is, and its exit codes as exceptions."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECK_FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130  # exit codes, as tilemesh --help lists them


class TilemeshError(Exception):
    """What the command says, in its own words."""


class InputError(TilemeshError):
    """A panel, a machine or a kernel is wrong; nothing was simulated."""


class InternalError(TilemeshError):
    """The command failed; a mistake of tilemesh."""


class KernelFailed(TilemeshError):
    """A launch came to no end: the kernel does what cannot be done, or waits for what never comes."""


class CommandNotFound(TilemeshError):
    pass


def path_of_command():
    """What TILEMESH names; else the one of the installation that this package lies in; else the one in PATH; else the one built
    in the source tree that it lies in."""
    named = os.environ.get("TILEMESH")
    if named:
        if not shutil.which(named):
            raise CommandNotFound(f"TILEMESH={named} is no program; unset it or set it to the tilemesh command")
        return named
    package = Path(__file__).resolve().parent
    installed = package.parents[3] / "bin" / "tilemesh" if package.parts[-4:-1] == ("share", "tilemesh", "python") else None
    built = package.parents[2] / "build" / "tools" / "cli" / "tilemesh"
    found = (installed and shutil.which(installed)) or shutil.which("tilemesh") or shutil.which(built)
    if not found:
        raise CommandNotFound(f"there is no tilemesh in PATH and none at {built}; build it with tools/build, or set TILEMESH to its path")
    return found


def call(*arguments):
    """Standard output of the command and whether a check failed; raises what its other exit codes mean."""
    # What a panel has in Python runs with the packages that its caller has.
    environment = {"TILEMESH_PYTHON": sys.executable, **os.environ} if sys.executable else None
    try:
        ran = subprocess.run([path_of_command(), *map(str, arguments)], capture_output=True, text=True, errors="backslashreplace",
                             env=environment, check=False)  # fmt: skip
    except OSError as error:
        raise CommandNotFound(f"{path_of_command()} cannot be run: {error.strerror}") from None
    if ran.returncode in (0, CHECK_FAILED):
        return ran.stdout, ran.returncode == CHECK_FAILED
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    line = next((line for line in lines if "error:" in line), lines[-1] if lines else f"tilemesh ended with {ran.returncode} and said nothing")
    if ran.returncode == INTERRUPTED:
        raise KeyboardInterrupt(line)
    raise (InputError if ran.returncode == BAD_INPUT else InternalError)(line)
