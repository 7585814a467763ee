# SPDX-License-Identifier: Apache-2.0
"""Operators of tensors. Results are rounded to their dtype; 16-bit floats compute in float32."""

import math
import operator

from . import _dtypes as dtypes
from ._operation import in_place, operation
from ._promotion import common
from ._tensor import Tensor, elementwise


def _wanted(value):
    return isinstance(value, Tensor) and value.requires_grad


def _of_product(gradient, _, x, y):
    return gradient * y if _wanted(x) else None, gradient * x if _wanted(y) else None


def _of_quotient(gradient, result, x, y):
    return gradient / y if _wanted(x) else None, -gradient * result / y if _wanted(y) else None


def _of_power(gradient, result, x, y):
    by_x = gradient * y * x ** (y - 1) if _wanted(x) else None
    if not _wanted(y):
        return by_x, None
    return by_x, gradient * result * (x.log() if isinstance(x, Tensor) else math.log(x) if x > 0 else math.nan)


GRADIENTS = {
    "add": lambda gradient, _, x, y: (gradient, gradient),
    "sub": lambda gradient, _, x, y: (gradient, -gradient),
    "mul": _of_product,
    "truediv": _of_quotient,
    "pow": _of_power,
}


def _divided(x, y):
    """Integers are made floats before, as in torch."""
    kind = common(x, y)
    return elementwise(operator.truediv, x, y, dtype=kind if kind.is_floating_point else dtypes.float32)


def _set(name, function):
    function.__name__ = name
    plain = operation(function, **({"gradient": GRADIENTS[name]} if name in GRADIENTS else {}))
    setattr(Tensor, f"__{name}__", plain)
    return plain


def _arithmetic(name, function):
    plain = _set(name, function)
    setattr(Tensor, f"__r{name}__", lambda self, other: plain(other, self))
    setattr(Tensor, f"__i{name}__", in_place(plain))


def _elementwise(name, dtype=None):
    function = getattr(operator, f"__{name}__")
    return lambda x, y: elementwise(function, x, y, dtype=dtype)


for _name in ("add", "sub", "mul", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"):
    _arithmetic(_name, _elementwise(_name))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _set(_name, _elementwise(_name, dtypes.bool))
_arithmetic("truediv", _divided)
Tensor.__neg__ = lambda self: -1 * self if self.dtype.is_floating_point else elementwise(operator.neg, self)
Tensor.__invert__ = lambda self: elementwise(operator.invert, self)
