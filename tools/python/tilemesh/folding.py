# SPDX-License-Identifier: Apache-2.0
"""Arithmetic of what is known while lowering, as Python has it. Functions here raise FoldingError with the reason."""

import operator

MOST_BITS = 64
MOST_ITEMS = 4096


class FoldingError(Exception):
    pass


OPERATORS = {
    "Add": ("add", operator.add), "Sub": ("sub", operator.sub), "Mult": ("mul", operator.mul), "Div": ("truediv", operator.truediv),
    "FloorDiv": ("floordiv", operator.floordiv), "Mod": ("mod", operator.mod), "Pow": ("pow", operator.pow),
    "BitAnd": ("and", operator.and_), "BitOr": ("or", operator.or_), "BitXor": ("xor", operator.xor),
    "LShift": ("shl", operator.lshift), "RShift": ("shr", operator.rshift),
    "USub": ("neg", operator.neg), "UAdd": (None, operator.pos), "Invert": ("invert", operator.invert), "Not": ("not", operator.not_),
    "Lt": ("lt", operator.lt), "LtE": ("le", operator.le), "Gt": ("gt", operator.gt), "GtE": ("ge", operator.ge),
    "Eq": ("eq", operator.eq), "NotEq": ("ne", operator.ne),
}  # fmt: skip

_SEQUENCES = (str, tuple)


def _is_too_large(name, a, b):
    """Before anything is computed that could take for ever."""
    if name in ("LShift", "Pow") and isinstance(a, int) and isinstance(b, int):
        grown = b if name == "LShift" else b * a.bit_length()
        return abs(a) > 1 and grown > 2 * MOST_BITS or name == "LShift" and grown > 2 * MOST_BITS
    if name == "Mult" and (isinstance(a, _SEQUENCES) or isinstance(b, _SEQUENCES)):
        sequence, times = (a, b) if isinstance(a, _SEQUENCES) else (b, a)
        return isinstance(times, int) and len(sequence) * times > MOST_ITEMS
    return False


def operate(name, *operands):
    """`name` is that of Python's syntax tree."""
    if len(operands) == 2 and _is_too_large(name, *operands):
        raise FoldingError("this constant is too large")
    if name == "Mod" and isinstance(operands[0], str):
        raise FoldingError("strings are not formatted here")
    return call(OPERATORS[name][1], *operands)


def call(function, *arguments):
    try:
        result = function(*arguments)
    except Exception as error:  # whatever Python says about these values
        raise FoldingError(str(error) or type(error).__name__) from None
    if isinstance(result, int) and abs(result).bit_length() > 2 * MOST_BITS:
        raise FoldingError("this constant is too large")
    if isinstance(result, complex):
        raise FoldingError("complex numbers are not supported")
    return result


def item(value, index):
    return call(operator.getitem, value, index)
