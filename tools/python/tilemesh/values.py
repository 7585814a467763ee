# SPDX-License-Identifier: Apache-2.0
"""What an expression is while a kernel is being lowered: a variable of the tile program, or something known already.

Known are Python's numbers, strings, None and tuples, as themselves, and the classes below. `operand` writes them down."""


class Var:
    """A variable of the tile program."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name


class Items:
    """A tuple some of whose items are variables. One of constants alone is a Python tuple."""

    __slots__ = ("items",)

    def __init__(self, items):
        self.items = items


class DType:
    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return isinstance(other, DType) and self.name == other.name

    def __hash__(self):
        return hash(self.name)


class Spread:
    """`*x` among the arguments of a call: the items of a tuple that the interpreter knows."""

    __slots__ = ("tuple",)

    def __init__(self, tuple):
        self.tuple = tuple


class PointerTo:
    """The type of pointers to elements of a dtype, which may be a variable."""

    __slots__ = ("dtype",)

    def __init__(self, dtype):
        self.dtype = dtype


class Function:
    """A function of a file; lowered when it is called."""

    __slots__ = ("module", "node", "is_jit", "chooses")

    def __init__(self, module, node, is_jit, chooses=False):
        """`chooses`: x if c else y is of each element its own."""
        self.module, self.node, self.is_jit, self.chooses = module, node, is_jit, chooses

    def __eq__(self, other):
        return isinstance(other, Function) and self.node is other.node and self.chooses == other.chooses

    def __hash__(self):
        return id(self.node)


class Namespace:
    """A module: triton, triton.language and its parts, math, torch, ..., which are not read; or `module`, a file that is."""

    __slots__ = ("path", "module")

    def __init__(self, path, module=None):
        self.path, self.module = path, module

    def __eq__(self, other):
        return isinstance(other, Namespace) and self.path == other.path

    def __hash__(self):
        return hash(self.path)


class Intrinsic:
    """A function or class of such a module that means something here. `home` is "tl", "triton", "math", "builtins", ..."""

    __slots__ = ("home", "name")

    def __init__(self, home, name):
        self.home, self.name = home, name

    def __str__(self):
        return self.name if self.home == "builtins" else f"{self.home}.{self.name}"

    def __eq__(self, other):
        return isinstance(other, Intrinsic) and (self.home, self.name) == (other.home, other.name)

    def __hash__(self):
        return hash((self.home, self.name))


class Record:
    """What has attributes, all known: torch.finfo(...)."""

    __slots__ = ("fields",)

    def __init__(self, **fields):
        self.fields = fields


class Opaque:
    """A name of the file whose value is not known without running it; an error only where a kernel uses it."""

    __slots__ = ("reason", "path")

    def __init__(self, reason, path=""):
        self.reason, self.path = reason, path


CONSTANTS = (int, float, str, type(None), tuple, DType, Function)


def is_constant(value):
    """Can it be a literal?"""
    return isinstance(value, CONSTANTS)


def tuple_of(values):
    return tuple(values) if all(map(is_constant, values)) else Items(list(values))


def items_of(value):
    """The values of a tuple whose length is known here, else None."""
    if isinstance(value, tuple):
        return list(value)
    return value.items if isinstance(value, Items) else None


def string(text):
    from _json import encode_basestring_ascii  # the part of json that does it: all of json takes long to import

    return encode_basestring_ascii(text)


def number(value):
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def operand(value, name_of):
    """The text of a value, or None if it has none. `name_of` gives the name of a function in the program."""
    if isinstance(value, Var):
        return value.name
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -(2**63) <= value < 2**64 else None
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return string(value)
    if isinstance(value, DType):
        return value.name
    if isinstance(value, Function):
        return "&" + name_of(value)
    items = items_of(value)
    if items is None:
        return None
    texts = [operand(item, name_of) for item in items]
    if None in texts:
        return None
    return "(" + ", ".join(texts) + ("," if len(texts) == 1 else "") + ")"


def described(value):
    """For messages."""
    if isinstance(value, Namespace):
        return f"module {value.path}"
    if isinstance(value, Intrinsic):
        return str(value)
    if isinstance(value, Opaque):
        return value.reason
    if isinstance(value, int):
        return "an integer of more than 64 bits"
    return "this"
