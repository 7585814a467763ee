# SPDX-License-Identifier: Apache-2.0
"""Files of kernels: read, parsed, never run. What their names mean: functions, constants that can be computed, modules, and
names of which nothing is known, which are an error where a kernel uses them.

Python's own parser makes the tree (_ast is the part of `ast` that holds its classes; all of `ast` takes long to import)."""

import os

import _ast

from . import host, operations
from .errors import LoweringError, NotSupported, Place, nearest, one_line
from .values import DType, Intrinsic, Namespace, Opaque

LARGEST = 1 << 20
FOLDER = os.path.dirname(os.path.realpath(__file__))
TL = "triton.language"
NEVER_BESIDE = ("triton", "torch", "numpy", "math", "os", "packaging")  # whatever folders have such names
# Names that Triton has and tile programs have not.
NOT_SUPPORTED = frozenset("""
inline_asm_elementwise float8e4b15 float8e4b8 float8e5b16 float64 block_type void slice target_info float8e4b15x4
swizzle j0 j1 jn y0 y1 yn cyl_bessel_i1 norm3d norm4d rnorm3d rnorm4d rcp64h float2half_rn half2float float2ull_rd float2ull_rn
float2ull_ru float2ull_rz smid globaltimer num_threads num_warps
""".split())


class Module:
    """One file. `running`: None, or what its names are in a program that has run it (a mapping of Python's values), which hold."""

    def __init__(self, file, path, source, files, tree=None, running=None):
        self.file, self.path, self.files, self.tree, self.running = file, path, files, tree, running
        self._lines = source.split(b"\n")
        self.is_own = os.path.dirname(os.path.realpath(path)) == FOLDER
        self.globals = {"__name__": "kernels", "__file__": file}
        self._now = {}  # of `running`, what has been asked for
        self.replaced = []  # names that were assigned again, with what they were before, in order
        self.written = {}  # of a function at module level: how many had been when it was made

    def lookup(self, name):
        """The value of a global name as a tuple of one, or None."""
        now = self._from_running(name)
        if now is not None or name not in self.globals:
            return now
        value = self.globals[name]
        if isinstance(value, Imported):
            value = value.resolve(self.files)
            self.globals[name] = value
        return (value,)

    def _from_running(self, name):
        """What it is where the file has been run, which may be another value than the file says."""
        if self.running is None or name not in self.running:
            return None
        if name not in self._now:
            from .running_names import value_of  # only where a script runs

            found = value_of(self.running[name], name, self.files)
            self._now[name] = None if found is None else (found,)
        return self._now[name]

    def at(self, function):
        """Names that are others now than when this function was made, which is when its defaults were worked out."""
        then = dict(reversed(self.replaced[self.written.get(function, len(self.replaced)) :]))
        return {name: value.resolve(self.files) if isinstance(value, Imported) else value for name, value in then.items()}

    def names(self):
        return list(self.globals)

    def text_of(self, node):
        if node.lineno != node.end_lineno:
            return "..."
        return self._lines[node.lineno - 1][node.col_offset : node.end_col_offset].decode("utf-8", "replace")

    def function_of_library(self, name):
        return self.files.own_module(operations.IN_LIBRARY.get(name, "library.py")).lookup(name)[0]

    def attribute(self, place, base, name):
        """`name` of a module."""
        if base.module is not None:
            found = base.module.lookup(name)
            return found[0] if found else Opaque(f"{base.path} has no name {name}", name)
        if base.path.startswith(TL):
            return tl_attribute(place, base, name)
        if name == "language" and base.path == "triton":
            return Namespace(TL)
        if base.path in ("torch", "numpy") and name in operations.TORCH_DTYPES and (base.path, name) != ("numpy", "float32"):
            return DType(operations.TORCH_DTYPES[name])
        return host.attribute(base.path, name)


def tl_attribute(place, base, name):
    if name in operations.PARTS_OF_TL or base.path.endswith(".extra"):
        return Namespace(f"{base.path}.{name}")
    if base.path.endswith(".program64") and name in ("program_id", "num_programs"):
        return Intrinsic("tl", name + "_64")
    if name in ("max", "min") and base.path.rpartition(".")[2] in ("math", "libdevice"):
        name += "imum"  # of two values there, not of a tile
    name = operations.SAME_AS.get(name, name)
    if name in operations.DTYPES:
        return DType(operations.DTYPES[name])
    if name == "TRITON_MAX_TENSOR_NUMEL":
        return LARGEST
    if name in NOT_SUPPORTED or "double" in name:
        raise NotSupported(place, f"tl.{name} is not supported{_instead(name)}")
    if operations.has_name(name):
        return Intrinsic("tl", name)
    if name.endswith(("_rd", "_ru", "_rz")):
        raise NotSupported(place, f"tl.{name} is not supported; results are rounded to the nearest")
    near = nearest(name, operations.names())
    if near:
        raise LoweringError(place, f"tl.{name} is not known{near}")
    raise NotSupported(place, f"tl.{name} is not supported")


def _instead(name):
    if name == "float64" or "double" in name:
        return "; the engines have f32 at most"
    if name == "inline_asm_elementwise":
        return "; this machine does not execute instructions of another one"
    return ""


class Imported:
    """A name of another file, which is read when the name is used. Without a name: the file itself."""

    def __init__(self, path, name):
        self.path, self.name = path, name

    def resolve(self, files):
        try:
            module = files.module(self.path, self.path)
        except LoweringError as error:
            return Opaque(f"its file cannot be read: {error}", self.name or "")
        if self.name is None:
            return Namespace(os.path.basename(self.path), module)
        found = module.lookup(self.name)
        if found:
            return found[0]
        below = os.path.join(os.path.dirname(self.path), self.name + ".py")
        if os.path.basename(self.path) == "__init__.py" and os.path.isfile(below):
            return Imported(below, None).resolve(files)
        return Opaque(f"{self.path} has no name {self.name}", self.name)


class Files:
    """All files that a kernel needs, each read once. `evaluate(module, statements)` finds out what its names mean. `running`:
    None, or a function that gives what the names of a file at a path are in a program that has run it."""

    def __init__(self, evaluate, running=None):
        self._modules, self._evaluate, self._running = {}, evaluate, running

    def module(self, file, path):
        key = os.path.realpath(path)
        if key not in self._modules:
            source, tree = parsed(file, path)
            module = self._modules[key] = Module(file, path, source, self, tree, self._running(key) if self._running else None)
            self._evaluate(module, tree.body)
        return self._modules[key]

    def own_module(self, file):
        return self.module(file, os.path.join(FOLDER, file))


def found_module(directory, dotted, level):
    """The file of a module that is imported in `directory`, or None."""
    if level == 0 and dotted.split(".")[0] in NEVER_BESIDE:
        return None
    for _ in range(level - 1):
        directory = os.path.dirname(directory)
    below = dotted.replace(".", os.sep) if dotted else ""
    for _ in range(1 if level else 8):
        for candidate in (os.path.join(directory, below + ".py") if below else "", os.path.join(directory, below, "__init__.py")):
            if candidate and os.path.isfile(candidate):
                return candidate
        if not os.path.isfile(os.path.join(directory, "__init__.py")):
            break
        directory = os.path.dirname(os.path.abspath(directory))
    if level and not below and os.path.isdir(directory):
        return os.path.join(directory, "__init__.py")  # need not exist: the names are the files beside it
    return None


def parsed(file, path):
    place = Place(file)
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            if not os.path.isfile(path):
                raise LoweringError(place, "is no file")
            source = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise LoweringError(place, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(source) > LARGEST:
        raise LoweringError(place, "is larger than 1 MiB; kernels belong in smaller files")
    if b"\0" in source:
        raise LoweringError(place, "holds a null byte; it is no Python source")
    try:
        return source, compile(source, file, "exec", _ast.PyCF_ONLY_AST, True)
    except SyntaxError as error:
        where = Place(file, error.lineno or 1, max(error.offset or 1, 1))
        raise LoweringError(where, f"syntax error: {one_line(error.msg or 'not Python')}") from None
    except (RecursionError, MemoryError):
        raise LoweringError(place, "is nested too deeply to be parsed") from None
    except (ValueError, OverflowError) as error:
        raise LoweringError(place, f"is no Python source: {error}") from None
