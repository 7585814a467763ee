# SPDX-License-Identifier: Apache-2.0
"""Test programs with all mutants in them: the mutated files are compiled as the ordinary build compiles the originals,
and each program is linked as it is there, with the mutated objects before the libraries that hold the originals."""

import concurrent.futures
import re
import shlex
import subprocess
from pathlib import Path

from mutation import HEADER_TEXT, ListError, mutated_source

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
WORK = BUILD / "mutants"


class BuildError(Exception):
    """A mutated file does not compile, or a program does not link."""


def _commands(target):
    asked = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", target], check=True, capture_output=True, text=True)
    return asked.stdout.strip().splitlines()


def _run(command, what):
    ran = subprocess.run(command, cwd=BUILD, shell=True, capture_output=True, text=True)
    if ran.returncode != 0:
        errors = [line for line in (ran.stderr + ran.stdout).splitlines() if "error" in line or "undefined" in line]
        raise BuildError(f"{what}: " + "\n".join(errors[:5] or [ran.stderr]))


def _object_of(file):
    """Where the ordinary build puts the object of a source file, and the folder of its library."""
    folder = Path(file).parent
    while not (BUILD / folder / "CMakeFiles").is_dir():
        folder = folder.parent
    found = list((BUILD / folder / "CMakeFiles").glob(f"*/{Path(file).relative_to(folder)}.o"))
    if len(found) != 1:
        raise ListError(f"{file}: found {len(found)} objects of it in the build, expected 1: a file of one library")
    return found[0].relative_to(BUILD)


def _compile(file, mutants):
    original = _object_of(file)
    source, compiled = WORK / "source" / file, WORK / "objects" / f"{file}.o"
    for path in (source, compiled):
        path.parent.mkdir(parents=True, exist_ok=True)
    text = mutated_source((ROOT / file).read_text(), mutants)
    needed = [BUILD / original, WORK / "mutant.h"]
    if compiled.exists() and source.read_text() == text and compiled.stat().st_mtime > max(p.stat().st_mtime for p in needed):
        return original, compiled
    compiled.unlink(missing_ok=True)
    source.write_text(text)
    command = _commands(str(original))[-1]
    command = re.sub(r" -(Werror|MD|M[TF] \S+)", "", command).replace(f"-o {original}", f"-o {shlex.quote(str(compiled))}")
    header = shlex.quote(str(WORK / "mutant.h"))
    command = command.replace(f"-c {ROOT / file}", f"-w -include {header} -c {shlex.quote(str(source))}")
    _run(command, file)
    return original, compiled


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


def build(mutants, programs, jobs):
    """Builds the ordinary programs, then the mutated ones; returns the path of each."""
    subprocess.run([ROOT / "tools" / "build", "release", f"-j{jobs}", *(f"test_{p}" for p in programs)], check=True)
    WORK.mkdir(exist_ok=True)
    header = WORK / "mutant.h"
    if not header.exists() or header.read_text() != HEADER_TEXT:
        header.write_text(HEADER_TEXT)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        objects = list(pool.map(lambda item: _compile(*item), by_file(mutants).items()))
    binaries = {}
    for program in programs:
        path = next((BUILD / "tests").glob(f"*/test_{program}"))
        command = _commands(str(path.relative_to(BUILD)))[-1]
        libraries = set(re.findall(r"(\S+)/lib(\w+)\.a", command))
        mine = [new for old, new in objects if (_folder(old), _library(old)) in libraries]
        binaries[program] = WORK / f"test_{program}"
        output = f"-o {path.relative_to(BUILD)}"
        _run(command.replace(output, f"{' '.join(shlex.quote(str(o)) for o in mine)} -o {shlex.quote(str(binaries[program]))}"),
             program)
    return binaries


def _folder(original):
    return str(original).split("/CMakeFiles/")[0]


def _library(original):
    return str(original).split("/CMakeFiles/")[1].split(".dir/")[0]
