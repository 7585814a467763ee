# SPDX-License-Identifier: Apache-2.0
"""Functions of each element by itself."""

import math

import numpy

from . import _dtypes as dtypes
from ._operation import BY_PARTS, in_place, operation
from ._promotion import common
from ._tensor import Tensor, add_methods, elementwise, public, raw, wrap


def _unary(name, function, slope):
    """Of floats. slope: what the gradient is multiplied by, from the result and x."""

    def apply(x):
        return elementwise(function, x if x.dtype.is_floating_point else x.to(dtypes.float32))

    return _named(name, apply, lambda gradient, result, x: (gradient * slope(result, x),))


def _kept(name, function, gradient):
    """The same of floats and integers, whose dtype stays."""
    return _named(name, lambda x: elementwise(function, x), lambda back, _, x: (gradient(back, x),))


def _flat(gradient, _):
    return gradient.masked_fill(True, 0)


def _widened(x):
    """16-bit floats and smaller ones as float32."""
    return x if x.dtype.is_floating_point and x.dtype.itemsize >= 4 else x.to(dtypes.float32)


def _named(name, function, gradient):
    function.__name__, function.__module__ = name, __name__
    return operation(function, gradient=gradient)


exp = _unary("exp", numpy.exp, lambda y, x: y)
exp2 = _unary("exp2", numpy.exp2, lambda y, x: y * math.log(2))
expm1 = _unary("expm1", numpy.expm1, lambda y, x: y + 1)
log = _unary("log", numpy.log, lambda y, x: 1 / x)
log2 = _unary("log2", numpy.log2, lambda y, x: 1 / (x * math.log(2)))
log1p = _unary("log1p", numpy.log1p, lambda y, x: 1 / (x + 1))
sin = _unary("sin", numpy.sin, lambda y, x: cos(x))
cos = _unary("cos", numpy.cos, lambda y, x: -sin(x))
tan = _unary("tan", numpy.tan, lambda y, x: y * y + 1)
sinh = _unary("sinh", numpy.sinh, lambda y, x: cosh(x))
cosh = _unary("cosh", numpy.cosh, lambda y, x: sinh(x))
tanh = _unary("tanh", numpy.tanh, lambda y, x: 1 - y * y)
asin = _unary("asin", numpy.arcsin, lambda y, x: rsqrt(1 - x * x))
acos = _unary("acos", numpy.arccos, lambda y, x: -rsqrt(1 - x * x))
atan = _unary("atan", numpy.arctan, lambda y, x: 1 / (x * x + 1))
sqrt = _unary("sqrt", numpy.sqrt, lambda y, x: 0.5 / y)
rsqrt = _unary("rsqrt", lambda x: 1 / numpy.sqrt(x), lambda y, x: -0.5 * y * y * y)
reciprocal = _unary("reciprocal", lambda x: 1 / x, lambda y, x: -y * y)
sigmoid = _unary("sigmoid", lambda x: 1 / (1 + numpy.exp(-x)), lambda y, x: y * (1 - y))
erf = _unary("erf", numpy.vectorize(math.erf, otypes=["f8"]), lambda y, x: exp(-x * x) * (2 / math.sqrt(math.pi)))
floor = _kept("floor", lambda x: numpy.floor(x) if x.dtype.kind == "f" else x, _flat)
ceil = _kept("ceil", lambda x: numpy.ceil(x) if x.dtype.kind == "f" else x, _flat)
abs = _kept("abs", numpy.abs, lambda gradient, x: gradient * wrap(numpy.sign(x._array), x.dtype))
relu = _kept("relu", lambda x: numpy.maximum(x, x.dtype.type(0)), lambda gradient, x: gradient.masked_fill(x <= 0, 0))
square = _kept("square", numpy.square, lambda gradient, x: gradient * 2 * x)


@operation(gradient=lambda gradient, _, x, **__: (_flat(gradient, x),))
def round(x, *, decimals=0):
    return elementwise(lambda a: numpy.round(a, decimals), x)


@operation(gradient=BY_PARTS)
def neg(x):
    return -x


@operation(gradient=BY_PARTS)
def add(x, y, *, alpha=1):
    return x + (y if alpha == 1 else y * alpha)


@operation(gradient=BY_PARTS)
def sub(x, y, *, alpha=1):
    return x - (y if alpha == 1 else y * alpha)


@operation(gradient=BY_PARTS)
def mul(x, y):
    return x * y


@operation(gradient=BY_PARTS)
def div(x, y, *, rounding_mode=None):
    if rounding_mode is None:
        return x / y
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div expected rounding_mode to be None, 'trunc' or 'floor' but found {rounding_mode!r}")
    return x // y if rounding_mode == "floor" else _quotient(x, y)


@operation
def _quotient(x, y):
    """Rounded towards zero."""

    def divided(a, b):
        floor = numpy.floor_divide(a, b)
        return floor + ((floor < 0) & (floor * b != a))

    return elementwise(divided, x, y)


@operation(gradient=BY_PARTS)
def pow(x, y):
    return x**y


def _of_chosen(gradient, result, x, y):
    """To the one that was taken; halves where they are equal."""
    halved = where(x == y, gradient / 2, gradient)
    return halved.masked_fill(x != result, 0), halved.masked_fill(y != result, 0)


@operation(gradient=_of_chosen)
def maximum(x, y):
    return elementwise(numpy.maximum, x, y)


@operation(gradient=_of_chosen)
def minimum(x, y):
    return elementwise(numpy.minimum, x, y)


def _of_clamp(gradient, _, x, min=None, max=None):
    return (gradient.masked_fill(numpy.not_equal(raw(clamp(x, min, max)), x._array), 0),)


@operation(gradient=_of_clamp)
def clamp(x, min=None, max=None):
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of 'min' or 'max' must not be None")
    limits = [limit for limit in (min, max) if limit is not None]
    return elementwise(lambda a, *_: numpy.clip(a, raw(min), raw(max)), x, *limits, dtype=common(x, *limits))


def _of_where(gradient, _, condition, x, y):
    return None, gradient.masked_fill(~condition, 0), gradient.masked_fill(condition, 0)


@operation(gradient=_of_where)
def where(condition, x, y):
    return elementwise(lambda a, b: numpy.where(raw(condition), a, b), x, y)


def _truth(name, function):
    return _named(name, lambda *values: wrap(function(*map(raw, values))), None)


isnan, isinf, isfinite = _truth("isnan", numpy.isnan), _truth("isinf", numpy.isinf), _truth("isfinite", numpy.isfinite)
logical_and, logical_or = _truth("logical_and", numpy.logical_and), _truth("logical_or", numpy.logical_or)
logical_not = _truth("logical_not", numpy.logical_not)

add_methods("""exp exp2 log log2 sin cos tan asin acos atan sinh cosh tanh sqrt floor ceil log1p expm1 rsqrt reciprocal sigmoid erf relu square
round abs neg add sub mul div pow maximum minimum clamp isnan isinf isfinite logical_and logical_or logical_not""", globals())
Tensor.where = lambda self, condition, other: where(condition, self, other)
Tensor.__abs__ = abs
for _name in ("exp", "sqrt", "relu", "clamp", "neg", "sigmoid", "add", "sub", "mul", "div", "pow"):
    setattr(Tensor, f"{_name}_", in_place(globals()[_name]))
__all__ = public(globals())
