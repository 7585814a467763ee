# SPDX-License-Identifier: Apache-2.0
"""Lowers a kernel of a Python file to a tile program (sim/program/README.md). The file is parsed, never run.

    python3 -m tilemesh.lower FILE KERNEL        prints the program
    python3 tools/python/tilemesh/lower.py FILE KERNEL
    ... FILE KERNEL --configurations             prints what triton.autotune above it tries, as JSON

Errors are one line, FILE:LINE:COLUMN: what is wrong, and exit status 2. What the parts are: files.py and constants.py say
what names mean, expressions.py, calls.py and statements.py lower one function, operations.py has the tables."""

import sys

if __package__ in (None, ""):  # run by its path: the folder of the package, not the package, is where modules are
    import os

    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    __package__ = "tilemesh"

from tilemesh.configurations import configurations_of
from tilemesh.constants import Constants, last_name
from tilemesh.errors import LoweringError, Place, nearest
from tilemesh.files import Files
from tilemesh.running_names import value_of
from tilemesh.statements import FunctionBody
from tilemesh.values import Function, Opaque, is_constant, string

VERSION = 1
DEEPEST = 6000  # calls of Python while lowering, which need no stack of the machine


class Program:
    """A kernel and every function that it calls."""

    def __init__(self, kernel):
        self.kernel = kernel
        self._names = {kernel: kernel.node.name}  # functions by their name in the program
        self._taken = {kernel.node.name}
        self._waiting = {True: [], False: [kernel]}  # by whether they are called under an `if` only
        self._calls = {}  # of a function: the functions it calls, with a place
        self._defaults = {}
        self.bodies = {}

    def lower(self):
        while self._waiting[False] or self._waiting[True]:
            is_conditional = not self._waiting[False]
            function = self._waiting[is_conditional].pop(0)
            if function not in self.bodies:
                self.bodies[function] = None
                self.bodies[function] = FunctionBody(self, function, function == self.kernel, is_conditional)
        self._refuse_recursion()

    def name_of(self, function):
        if function not in self._names:
            name, number = Constants.variable(function.node.name)[1:].lstrip(".") or "f", 1
            unique = name
            while unique in self._taken:
                number += 1
                unique = f"{name}.{number}"
            self._names[function] = unique
            self._taken.add(unique)
            self._waiting[False].append(function)
        return self._names[function]

    def require(self, body, place, function, is_conditional):
        self._calls.setdefault(body.function, {}).setdefault(function, place)
        if function not in self._names:
            self.name_of(function)
            self._waiting[False].remove(function)
            self._waiting[is_conditional].append(function)
        elif not is_conditional and function in self._waiting[True]:
            self._waiting[True].remove(function)
            self._waiting[False].append(function)
        return self.defaults(function)

    def defaults(self, function):
        if function not in self._defaults:
            arguments = function.node.args
            names = [parameter.arg for parameter in arguments.posonlyargs + arguments.args]
            pairs = list(zip(names[len(names) - len(arguments.defaults) :], arguments.defaults))
            pairs += [(p.arg, node) for p, node in zip(arguments.kwonlyargs, arguments.kw_defaults) if node is not None]
            self._defaults[function] = {name: self._default(function, node) for name, node in pairs}
        return self._defaults[function]

    def _default(self, function, node):
        """none where it is not known without running the file: whoever uses it is told so then."""
        constants = Constants(function.module)
        constants.bound = function.module.at(function.node)
        try:
            value = constants.value(node)
        except LoweringError:
            return None
        return value if is_constant(value) else None

    def _refuse_recursion(self):
        done, path = set(), []

        def walk(start):
            waiting = [(start, iter(self._calls.get(start, {}).items()))]
            path.append(start)
            while waiting:
                function, calls = waiting[-1]
                for called, place in calls:
                    if called in path:
                        raise LoweringError(place, f"{called.node.name} calls itself; recursion is not supported")
                    if called not in done:
                        path.append(called)
                        waiting.append((called, iter(self._calls.get(called, {}).items())))
                        break
                else:
                    done.add(function)
                    path.pop()
                    waiting.pop()

        walk(self.kernel)

    def text(self):
        lines = [f"tile_program {VERSION}"]
        for function, body in self.bodies.items():
            kind = "kernel" if function == self.kernel else "function"
            lines.append(f"{body.head(kind)} in {string(function.module.file)} {{")
            lines += body.writer.lines()
            lines.append("}")
        return "\n".join(lines) + "\n"


def lower(path, kernel, line=None, running=None, functions=None):
    """The tile program of a kernel in a file, as text. Raises LoweringError, whose text names the place.

    For programs that have run the file: `line` tells where the function begins, which need not be at the outermost level
    then, `running` gives the values of names that the file alone does not tell (files.py), and `functions` are functions of
    Python that parameters of the kernel are given: they become defaults."""
    place = Place(path)
    limit = sys.getrecursionlimit()
    try:
        files, found = _found(path, kernel, line, running)
        place = Place(path, found.node.lineno, found.node.col_offset + 1)
        sys.setrecursionlimit(max(limit, DEEPEST))
        program = Program(found)
        if functions:
            program.defaults(found).update((name, value_of(function, name, files)) for name, function in functions.items())
        program.lower()
        return program.text()
    except (RecursionError, MemoryError):
        raise LoweringError(place, "is nested too deeply to be lowered") from None
    finally:
        sys.setrecursionlimit(limit)


def configurations(path, kernel):
    """What triton.autotune above the kernel tries, as JSON: a list of objects of constants; null if nothing tunes it."""
    import json

    return json.dumps(configurations_of(_found(path, kernel)[1])) + "\n"


def _found(path, kernel, line=None, running=None):
    """All files, and the kernel."""
    files = Files(lambda module, statements: Constants(module).run(statements), running)
    module = files.module(path, path)
    found = module.lookup(kernel) if line is None else (function_at(module, kernel, line),)
    if not found or not isinstance(found[0], Function):
        raise LoweringError(Place(path), _no_kernel(module, kernel, found))
    return files, found[0]


def function_at(module, name, line):
    """The function of that name that begins in a line, its decorators included; None if there is none."""
    waiting = [module.tree]
    while waiting:
        node = waiting.pop()
        if type(node).__name__ == "FunctionDef" and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if first <= line <= node.lineno:
                is_jit = any("jit" in last_name(decorator) for decorator in node.decorator_list)
                known = module.globals.get(name)
                return known if isinstance(known, Function) and known.node is node else Function(module, node, is_jit)
        waiting += [part for part in getattr(node, "body", ()) if hasattr(part, "_fields")]
        for field in ("orelse", "finalbody", "handlers"):
            waiting += getattr(node, field, ())
    return None


def _no_kernel(module, kernel, found):
    if found and isinstance(found[0], Opaque):
        return f"{kernel} is no function that is known without running the file: {found[0].reason}"
    functions = [name for name, value in module.globals.items() if isinstance(value, Function)]
    if not functions:
        return f"there is no function {kernel} at the file's outermost level; it has none at all"
    listed = ", ".join(functions[:12]) + (", ..." if len(functions) > 12 else "")
    return f"there is no function {kernel} at the file's outermost level{nearest(kernel, functions) or f'; there are {listed}'}"


def main(arguments):
    tuned = arguments[2:] == ["--configurations"]
    if len(arguments) != 2 and not tuned:
        print("usage: lower.py FILE KERNEL [--configurations]", file=sys.stderr)
        return 2
    sys.warnoptions.append("ignore")
    import warnings

    warnings.simplefilter("ignore")  # what the parser remarks about the file is not ours to say
    try:
        text = configurations(*arguments[:2]) if tuned else lower(*arguments)
    except LoweringError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
