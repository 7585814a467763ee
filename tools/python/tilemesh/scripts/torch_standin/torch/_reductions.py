# SPDX-License-Identifier: Apache-2.0
"""Reductions and what runs along a dimension. Of 16-bit floats in float32; sums of integers are int64."""

import math
import warnings

import numpy

from . import _dtypes as dtypes
from ._dtypes import rounded
from ._elementwise import _widened, abs, exp, log, maximum, minimum, where
from ._forms import gather
from ._operation import BY_PARTS, operation
from ._tensor import Tensor, add_methods, public, wide, wrap


def _axes(dim):
    """As numpy has them: no dimensions are all of them."""
    return (tuple(dim) or None) if isinstance(dim, (list, tuple)) else dim


def _reduced(function, x, dim, keepdim, to=None, **options):
    with numpy.errstate(all="ignore"):
        result = function(wide(x._array), axis=_axes(dim), keepdims=keepdim, **options)
    return Tensor(numpy.asarray(rounded(result, to or x.dtype)), to or x.dtype)


def _back(values, x, dim, keepdim):
    """Of a reduction, in the shape of what was reduced but for broadcasting."""
    dim = tuple(range(x.ndim)) if _axes(dim) is None else _axes(dim)
    return values if keepdim else Tensor(numpy.expand_dims(values._array, dim), values.dtype)


def _of_sum(gradient, _, x, dim=None, keepdim=False, **__):
    return (_back(gradient, x, dim, keepdim).expand(*x.shape),)


def _of_mean(gradient, result, x, dim=None, keepdim=False, **__):
    return (_back(gradient, x, dim, keepdim).expand(*x.shape) / (x.numel() / result.numel()),)


def _floats(x, name):
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"{name}: could not infer output dtype. Input dtype must be a floating point one. Got: {x.dtype}")


def _cast(x, dtype):
    """As sums are computed: in `dtype`, of integers in int64."""
    return x.to(dtype or (x.dtype if x.dtype.is_floating_point else dtypes.int64))


@operation(gradient=_of_sum)
def sum(x, dim=None, keepdim=False, *, dtype=None):
    return _reduced(numpy.sum, _cast(x.detach(), dtype), dim, keepdim)


@operation
def prod(x, dim=None, keepdim=False, *, dtype=None):
    return _reduced(numpy.prod, _cast(x.detach(), dtype), dim, keepdim)


@operation(gradient=_of_mean)
def mean(x, dim=None, keepdim=False, *, dtype=None):
    x = x.detach() if dtype is None else x.detach().to(dtype)
    _floats(x, "mean()")
    return _reduced(numpy.mean, x, dim, keepdim)


def _of_extreme(gradient, result, x, dim=(), keepdim=False):
    """Shared by those that are equal."""
    places = x == _back(result, x, dim, keepdim)
    return ((_back(gradient, x, dim, keepdim) / places.sum(dim, True)).expand(*x.shape).masked_fill(~places, 0),)


@operation(gradient=_of_extreme)
def amax(x, dim=(), keepdim=False):
    return _reduced(numpy.max, x, dim, keepdim)


@operation(gradient=_of_extreme)
def amin(x, dim=(), keepdim=False):
    return _reduced(numpy.min, x, dim, keepdim)


def _truth(function, x, dim, keepdim):
    return _reduced(function, x, dim, keepdim, dtypes.uint8 if x.dtype is dtypes.uint8 else dtypes.bool)


@operation(gradient=None)
def all(x, dim=None, keepdim=False):
    return _truth(numpy.all, x, dim, keepdim)


@operation(gradient=None)
def any(x, dim=None, keepdim=False):
    return _truth(numpy.any, x, dim, keepdim)


class ValuesAndIndices(tuple):
    values = property(lambda self: self[0])
    indices = property(lambda self: self[1])


def _extreme(x, dim, keepdim, reduce, find, both):
    if isinstance(dim, Tensor):
        return both(x, dim)
    if dim is None:
        return reduce(x)
    index = find(x, dim, True)
    found = gather(x, dim, index), index
    return ValuesAndIndices(found if keepdim else (one.squeeze(dim) for one in found))


@operation(gradient=BY_PARTS)
def max(x, dim=None, keepdim=False):
    return _extreme(x, dim, keepdim, amax, argmax, maximum)


@operation(gradient=BY_PARTS)
def min(x, dim=None, keepdim=False):
    return _extreme(x, dim, keepdim, amin, argmin, minimum)


@operation(gradient=None)
def argmax(x, dim=None, keepdim=False):
    return wrap(numpy.argmax(x._array, axis=dim, keepdims=keepdim))


@operation(gradient=None)
def argmin(x, dim=None, keepdim=False):
    return wrap(numpy.argmin(x._array, axis=dim, keepdims=keepdim))


def _spread(function, x, dim, unbiased, keepdim, correction):
    if isinstance(dim, bool):  # var(unbiased)
        dim, unbiased = None, dim
    _floats(x, "var() and std()")
    with warnings.catch_warnings():  # of numpy's about a single element, whose variance is NaN
        warnings.simplefilter("ignore", RuntimeWarning)
        return _reduced(function, x, dim, keepdim, ddof=(1 if unbiased else 0) if correction is None else correction)


def _of_var(gradient, result, x, dim=None, unbiased=True, keepdim=False, *, correction=None):
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    freedom = x.numel() / result.numel() - ((1 if unbiased else 0) if correction is None else correction)
    return ((x - x.mean(dim, True)) * (_back(gradient, x, dim, keepdim) * (2 / freedom)),)


def _of_std(gradient, result, x, *args, **kwargs):
    return _of_var(gradient / (2 * result), result, x, *args, **kwargs)


@operation(gradient=_of_var)
def var(x, dim=None, unbiased=True, keepdim=False, *, correction=None):
    return _spread(numpy.var, x, dim, unbiased, keepdim, correction)


@operation(gradient=_of_std)
def std(x, dim=None, unbiased=True, keepdim=False, *, correction=None):
    return _spread(numpy.std, x, dim, unbiased, keepdim, correction)


@operation(gradient=BY_PARTS)
def norm(x, p=2, dim=None, keepdim=False, dtype=None):
    wider = _widened(x) if dtype is None else x.to(dtype)
    _floats(x if dtype is None else wider, "norm()")
    if p == "fro":
        p = 2
    if not isinstance(p, (int, float)):
        raise NotImplementedError(f"the stand-in for torch has no norm {p!r}; install python3-torch")
    if math.isinf(p):
        result = (amax if p > 0 else amin)(abs(wider), () if dim is None else dim, keepdim)
    else:
        result = sum(wider * wider if p == 2 else abs(wider) ** p, dim, keepdim) ** (1 / p)
    return result.to(dtype or x.dtype)


@operation(gradient=lambda gradient, _, x, dim, **__: (gradient.flip(dim).cumsum(dim).flip(dim),))
def cumsum(x, dim, *, dtype=None):
    x = _cast(x.detach(), dtype)
    return Tensor(rounded(numpy.cumsum(wide(x._array), axis=dim), x.dtype), x.dtype)


def _of_softmax(gradient, result, x, dim, dtype=None):
    p = _widened(result)
    product = p * _widened(gradient)
    return (product - p * product.sum(dim, True),)


@operation(gradient=_of_softmax)
def softmax(x, dim, dtype=None):
    x = x.detach() if dtype is None else x.detach().to(dtype)
    _floats(x, "softmax()")
    values = wide(x._array)
    with numpy.errstate(all="ignore"):
        values = numpy.exp(values - values.max(axis=dim, keepdims=True))
        return Tensor(rounded(values / values.sum(axis=dim, keepdims=True), x.dtype), x.dtype)


@operation(gradient=BY_PARTS)
def logsumexp(x, dim, keepdim=False):
    wider = _widened(x)
    top = amax(wider.detach(), dim, True)
    top = where(abs(top) == math.inf, 0.0, top)
    result = log(sum(exp(wider - top), dim, True)) + top
    return (result if keepdim else result.squeeze(dim)).to(x.dtype)


add_methods("sum mean prod amax amin all any max min argmax argmin var std norm cumsum softmax logsumexp", globals())
__all__ = public(globals(), but=["ValuesAndIndices"])
