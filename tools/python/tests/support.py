# SPDX-License-Identifier: Apache-2.0
"""Kernels as text, lowered: for tests of one construct each."""

import re
import sys
import tempfile
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent
sys.path[:0] = [str(PACKAGE), str(HERE)]

from program_text import Program  # noqa: E402
from tilemesh.errors import LoweringError  # noqa: E402
from tilemesh.lower import lower  # noqa: E402

TRITON = "import triton\nimport triton.language as tl\n"


def write(folder, name, text):
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
    return str(path)


def lowered(text, kernel="k", beside=None):
    """The program of a kernel in a file of this text; its grammar is checked. `beside`: other files by their names."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (beside or {}).items():
            write(folder, name, content)
        program = lower(write(folder, "kernels.py", text), kernel)
        Program(program)
        return program.replace(folder + "/", "")


def error(text, kernel="k", beside=None):
    """The one line that is said of it, without the folder."""
    try:
        lowered(text, kernel, beside)
    except LoweringError as problem:
        assert "\n" not in str(problem)
        return re.sub(r"\S*/(?=kernels\.py)", "", str(problem))
    raise AssertionError("no error")


def triton(body, head="x, y, n, B: tl.constexpr", above=""):
    """A Triton kernel k with this body."""
    return TRITON + textwrap.dedent(above) + f"@triton.jit\ndef k({head}):\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"


def mesh(body, head="x, y, n"):
    return f"def k({head}, *, tl):\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"


def statements(program, function="k"):
    """The lines of one function without their places and indentation of the whole."""
    inside, lines = False, []
    for line in program.splitlines():
        if re.match(rf"(kernel|function) {re.escape(function)}\(", line):
            inside = True
        elif line == "}":
            inside = False
        elif inside:
            lines.append(re.sub(r" @ \d+:\d+", "", line)[2:])
    return lines


def body(text, above="", head="x, y, n, B: tl.constexpr"):
    """The statements of a Triton kernel with this body."""
    return statements(lowered(triton(text, head, above)))
