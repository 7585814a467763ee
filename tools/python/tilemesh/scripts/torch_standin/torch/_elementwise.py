# SPDX-License-Identifier: Apache-2.0
"""Functions of each element by itself."""

import math

import numpy

from . import _dtypes as dtypes
from ._tensor import Tensor, add_methods, common, elementwise, public, raw, wrap


def _unary(function):
    def apply(x, **_):
        to = x.dtype if x.dtype.is_floating_point else dtypes.float32
        return elementwise(function, x, dtype=to)

    return apply


exp, exp2, log, log2, sin, cos, tanh, sqrt = map(_unary, (numpy.exp, numpy.exp2, numpy.log, numpy.log2, numpy.sin, numpy.cos, numpy.tanh, numpy.sqrt))
floor, ceil, log1p, expm1 = map(_unary, (numpy.floor, numpy.ceil, numpy.log1p, numpy.expm1))
asin, acos, atan, tan, sinh, cosh = map(_unary, (numpy.arcsin, numpy.arccos, numpy.arctan, numpy.tan, numpy.sinh, numpy.cosh))
rsqrt = _unary(lambda x: 1 / numpy.sqrt(x))
reciprocal = _unary(lambda x: 1 / x)
sigmoid = _unary(lambda x: 1 / (1 + numpy.exp(-x)))
erf = _unary(lambda x: numpy.vectorize(math.erf, otypes=["f8"])(x))
relu = _unary(lambda x: numpy.maximum(x, 0))
square = _unary(numpy.square)


def round(x, **_):
    return elementwise(numpy.round, x)


def abs(x):
    return elementwise(numpy.abs, x)


def neg(x):
    return -x


def add(x, y, alpha=1):
    return x + (y if alpha == 1 else y * alpha)


def sub(x, y, alpha=1):
    return x - (y if alpha == 1 else y * alpha)


def mul(x, y):
    return x * y


def div(x, y):
    return x / y


def pow(x, y):
    return x**y


def maximum(x, y):
    return elementwise(numpy.maximum, x, y)


def minimum(x, y):
    return elementwise(numpy.minimum, x, y)


def clamp(x, min=None, max=None):
    return elementwise(lambda a: numpy.clip(a, raw(min), raw(max)), x, dtype=x.dtype)


def where(condition, x, y):
    tensors = [value for value in (x, y) if isinstance(value, Tensor)]
    to = common(*tensors) if tensors else wrap(numpy.where(raw(condition), x, y)).dtype
    return elementwise(lambda a, b: numpy.where(raw(condition), a, b), x, y, dtype=dtypes.float32 if to is dtypes.float64 and not tensors else to)


def isnan(x):
    return wrap(numpy.isnan(x._array))


def isinf(x):
    return wrap(numpy.isinf(x._array))


def isfinite(x):
    return wrap(numpy.isfinite(x._array))


def logical_and(x, y):
    return wrap(numpy.logical_and(raw(x), raw(y)))


def logical_or(x, y):
    return wrap(numpy.logical_or(raw(x), raw(y)))


def logical_not(x):
    return wrap(numpy.logical_not(raw(x)))


add_methods("""exp exp2 log log2 sin cos tan asin acos atan sinh cosh tanh sqrt floor ceil log1p expm1 rsqrt reciprocal sigmoid erf relu square
round abs neg add sub mul div pow maximum minimum clamp isnan isinf isfinite logical_and logical_or logical_not""", globals())
Tensor.where = lambda self, condition, other: where(condition, self, other)
for _name in ("exp", "sqrt", "relu", "clamp", "neg", "sigmoid"):
    setattr(Tensor, f"{_name}_", lambda self, *args, _of=globals()[_name], **kwargs: self.copy_(_of(self, *args, **kwargs)))
__all__ = public(globals())
