# SPDX-License-Identifier: Apache-2.0
"""Test programs with all mutants in them: a copy of the source in which the mutated files, headers too, stand in the
place of the originals, built as the project is built."""

import os
import subprocess
from pathlib import Path

from mutation import HEADER_TEXT, ListError, mutated_source

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "mutants"
TREE = WORK / "tree"  # the copy


class BuildError(Exception):
    """A mutated file does not compile, or a program does not link."""


def by_file(mutants):
    files = {}
    for mutant in mutants:
        files.setdefault(mutant.file, []).append(mutant)
    return files


def check(mutants):
    """A ListError unless every entry fits the source."""
    for file, here in by_file(mutants).items():
        if not (ROOT / file).is_file():
            raise ListError(f"{here[0].where}: no file {file}")
        mutated_source((ROOT / file).read_text(), here)


def _with_mutants(file, mutants):
    licence, rest = mutated_source((ROOT / file).read_text(), mutants).split("\n", 1)
    return f'{licence}\n#include "mutant.h"\n{rest}'.encode()


def _write_tree(mutants):
    """Only what has changed is written, so that the rest is not built again."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True,
                            text=True).stdout.splitlines()  # fmt: skip
    changed = by_file(mutants)
    texts = {file: _with_mutants(file, changed[file]) if file in changed else (ROOT / file).read_bytes()
             for file in listed if (ROOT / file).is_file()}  # fmt: skip
    texts["mutant.h"] = HEADER_TEXT.encode()
    for file, text in texts.items():
        path = TREE / file
        if not path.exists() or path.read_bytes() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        if file in listed:
            path.chmod((ROOT / file).stat().st_mode)
    for path in TREE.rglob("*"):
        name = path.relative_to(TREE)
        if path.is_file() and name.parts[0] != "build" and str(name) not in texts:
            path.unlink()


def build(mutants, programs, jobs):
    """Builds the mutated programs; returns the path of each."""
    _write_tree(mutants)
    # What mutants leave unused is no mistake here.
    built = subprocess.run([TREE / "tools" / "build", "release", f"-j{jobs}", "-k0", *(f"test_{p}" for p in programs)],
                           env={**os.environ, "CXXFLAGS": "-w"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True)  # fmt: skip
    if built.returncode != 0:
        lines = [line for line in built.stdout.splitlines() if "error:" in line or "undefined" in line]
        first = {line.split(":")[0]: line for line in reversed(lines)}  # of each file
        raise BuildError("\n".join(first.values()) or built.stdout[-2000:])
    return {program: next((TREE / "build" / "tests").glob(f"*/test_{program}")) for program in programs}
