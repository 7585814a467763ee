# SPDX-License-Identifier: Apache-2.0
"""Reductions and what runs along a dimension. Of bfloat16 and the like in float32."""

import numpy

from . import _dtypes as dtypes
from ._dtypes import rounded
from ._elementwise import exp, log, maximum, minimum, sqrt
from ._tensor import Tensor, add_methods, public, wide, wrap


def _reduction(function, to=None):
    def reduce(x, dim=None, keepdim=False, dtype=None, **_):
        kind = dtype or to or x.dtype
        with numpy.errstate(all="ignore"):
            result = function(wide(x._array), axis=tuple(dim) if isinstance(dim, (list, tuple)) else dim, keepdims=keepdim)
        if dtype is None and to is None and x.dtype.name in ("bool", "int32") and function is numpy.sum:
            kind = dtypes.int64
        return Tensor(numpy.asarray(rounded(result, kind)), kind)

    return reduce


sum, mean, prod = map(_reduction, (numpy.sum, numpy.mean, numpy.prod))
amax, amin = map(_reduction, (numpy.max, numpy.min))
all, any = _reduction(numpy.all, dtypes.bool), _reduction(numpy.any, dtypes.bool)


class ValuesAndIndices(tuple):
    values = property(lambda self: self[0])
    indices = property(lambda self: self[1])


def _extreme(reduce, find, both):
    def extreme(x, dim=None, keepdim=False):
        if isinstance(dim, Tensor):
            return both(x, dim)
        if dim is None:
            return reduce(x)
        index = wrap(find(x._array, axis=dim))
        return ValuesAndIndices((reduce(x, dim, keepdim), index.unsqueeze(dim) if keepdim else index))

    return extreme


max, min = _extreme(amax, numpy.argmax, maximum), _extreme(amin, numpy.argmin, minimum)


def argmax(x, dim=None, keepdim=False):
    return wrap(numpy.argmax(x._array, axis=dim, **({"keepdims": True} if keepdim else {})))


def argmin(x, dim=None, keepdim=False):
    return wrap(numpy.argmin(x._array, axis=dim, **({"keepdims": True} if keepdim else {})))


def var(x, dim=None, unbiased=True, keepdim=False, correction=None, **_):
    ddof = (1 if unbiased else 0) if correction is None else correction
    return Tensor(rounded(numpy.var(wide(x._array), axis=dim, ddof=ddof, keepdims=keepdim), x.dtype), x.dtype)


def std(x, dim=None, unbiased=True, keepdim=False, **_):
    return sqrt(var(x, dim, unbiased, keepdim))


def norm(x, dim=None, keepdim=False):
    return sqrt(sum(x.float() * x.float(), dim, keepdim)).to(x.dtype)


def cumsum(x, dim, dtype=None):
    kind = dtype or (x.dtype if x.dtype.is_floating_point else dtypes.int64)
    return Tensor(rounded(numpy.cumsum(wide(x._array), axis=dim), kind), kind)


def softmax(x, dim=-1, dtype=None, **_):
    values = x._array.astype("float64" if x.dtype.name == "float64" else "float32")
    with numpy.errstate(all="ignore"):
        values = numpy.exp(values - values.max(axis=dim, keepdims=True))
        return Tensor(rounded(values / values.sum(axis=dim, keepdims=True), dtype or x.dtype), dtype or x.dtype)


def logsumexp(x, dim, keepdim=False):
    top = amax(x, dim, True)
    result = log(sum(exp(x - top), dim, True)) + top
    return result if keepdim else result.squeeze(dim)


add_methods("sum mean prod amax amin all any max min argmax argmin var std norm cumsum softmax logsumexp", globals())
__all__ = public(globals(), but=["ValuesAndIndices"])
