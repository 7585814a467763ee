# SPDX-License-Identifier: Apache-2.0
"""Kernels as Python has them: a function, whatever wraps it, or (file, name). What of them is needed here is their tile program
and the names of their parameters."""

import functools
import inspect
import os
import re
import sys
import tempfile
import textwrap
from pathlib import Path

from .command import InputError
from .errors import LoweringError
from .lower import lower

_HEAD = re.compile(r"^kernel (\S+?)\((.*)\) in ", re.MULTILINE)
_HEAD_BY_HAND = re.compile(r"^\s*kernel\s+([^\s(]+)\s*\(([^)]*)\)", re.MULTILINE)
_PARAMETER = re.compile(r"(?:^|,)\s*%([\w.]+)\s*(:\s*const)?")


class Kernel:
    """name; text: the tile program; parameters: their names, in order; constants: those of them that are tl.constexpr; origin:
    what kernel_of has made it of."""

    def __init__(self, name, text, where, origin):
        self.name, self.text, self.origin = name, text, origin
        heads = {found[1]: found[2] for found in [*_HEAD_BY_HAND.finditer(text), *_HEAD.finditer(text)]}
        if name not in heads:
            raise InputError(f"tilemesh: error: {where}: there is no kernel {name}; there are {', '.join(heads) or 'none'}")
        found = _PARAMETER.findall(heads[name])
        self.parameters = [parameter for parameter, _ in found]
        self.constants = {parameter for parameter, constant in found if constant}


def function_of(kernel):
    """The function that a decorated kernel is made of, or None."""
    for _ in range(16):
        if inspect.isfunction(kernel):
            return kernel
        kernel = getattr(kernel, "fn", None) or getattr(kernel, "__wrapped__", None)
    return None


def kernel_of(kernel, functions=()):
    """A Kernel of a function, of what wraps one, or of (file, name). A function is lowered once; a file each time, because
    what it imports may have changed as well. functions: pairs of a parameter and a function that it is given."""
    if isinstance(kernel, Kernel):
        return kernel_of(kernel.origin, functions) if functions else kernel
    if isinstance(kernel, (tuple, list)) and len(kernel) == 2:
        path, name = os.path.abspath(kernel[0]), kernel[1]
        try:
            return Kernel(name, _text_of_file(path, name, functions), path, (path, name))
        except OSError as error:
            raise InputError(f"tilemesh: error: {path} cannot be read: {error.strerror}") from None
    function = function_of(kernel)
    if function is None:
        raise TypeError(f"a kernel is a function or (file, name); this is {type(kernel).__name__}")
    return _of_function(function, functions)


def _text_of_file(path, name, functions):
    if path.endswith(".py"):
        return _lowered(path, name, functions=functions)
    return Path(path).read_text("utf-8", "replace")


@functools.lru_cache(maxsize=None)
def _of_function(function, functions):
    code = function.__code__
    closure = dict(zip(code.co_freevars, (cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell))))
    path = os.path.realpath(code.co_filename)

    def running(other):
        if other == path:
            return {**function.__globals__, **closure}
        for module in list(sys.modules.values()):
            if getattr(module, "__file__", None) and os.path.realpath(module.__file__) == other:
                return vars(module)
        return None

    if os.path.isfile(path):
        return Kernel(function.__name__, _lowered(path, function.__name__, code.co_firstlineno, running, functions), path, function)
    # A notebook or a prompt: the lines that Python remembers, at the same numbers.
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        raise InputError(f"tilemesh: error: the source of {function.__name__} is not known; put it into a file") from None
    with tempfile.TemporaryDirectory(prefix="tilemesh-") as folder:
        path = os.path.realpath(os.path.join(folder, "kernel.py"))
        Path(path).write_text("\n" * (first - 1) + textwrap.dedent("".join(lines)))
        return Kernel(function.__name__, _lowered(path, function.__name__, first, running, functions), path, function)


def _is_filled(cell):
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _lowered(path, name, line=None, running=None, functions=()):
    try:
        return lower(path, name, line, running, dict(functions))
    except LoweringError as error:
        raise InputError(f"tilemesh: error: {error}") from None
