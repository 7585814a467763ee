# SPDX-License-Identifier: Apache-2.0
"""Functions of torch: tensors made, computed, compared. Many are methods too."""

import math

import numpy

from . import _dtypes as dtypes
from ._dtypes import rounded
from ._tensor import Tensor, common, elementwise, raw, wide, wrap

_generator = [numpy.random.default_rng(1234)]


def generator():
    return _generator[0]


def manual_seed(seed):
    _generator[0] = numpy.random.default_rng(seed)


seed = manual_seed


def _shape(sizes):
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else tuple(int(size) for size in sizes)


def _maker(function, standard=dtypes.float32):
    def make(*sizes, dtype=None, device=None, requires_grad=False, size=None, **_):
        del device
        to = dtype or standard
        made = Tensor(rounded(function(_shape(sizes) if size is None else tuple(size)), to), to)
        made.requires_grad = requires_grad
        return made

    def like(tensor, dtype=None, device=None, requires_grad=False, **_):
        """Keeps the order of strides, as torch does."""
        del device
        to = dtype or tensor.dtype
        made = numpy.empty_like(tensor._array, dtype=to.kept)
        made[...] = rounded(function(tensor.shape), to)
        made = Tensor(made, to)
        made.requires_grad = requires_grad
        return made

    return make, like


empty, empty_like = _maker(numpy.zeros)
zeros, zeros_like = _maker(numpy.zeros)
ones, ones_like = _maker(numpy.ones)
rand, rand_like = _maker(lambda shape: generator().random(shape, "float32"))
randn, randn_like = _maker(lambda shape: generator().standard_normal(shape, "float32"))


def full(size, fill_value, dtype=None, **_):
    to = dtype or wrap(fill_value).dtype
    to = dtypes.float32 if to is dtypes.float64 else to
    return Tensor(numpy.full(size, rounded(fill_value, to), to.kept), to)


def full_like(tensor, fill_value, dtype=None, **_):
    return full(tensor.shape, fill_value, dtype or tensor.dtype)


def empty_strided(size, stride, dtype=None, **_):
    length = 1 + int(numpy.dot([n - 1 for n in size], stride))
    return zeros(length, dtype=dtype).as_strided(size, stride)


def randint(low, high=None, size=None, dtype=dtypes.int64, **_):
    if size is None:  # randint(high, size)
        low, high, size = 0, low, high
    return Tensor(generator().integers(low, high, tuple(size)).astype(dtype.kept), dtype)


def randperm(n, dtype=dtypes.int64, **_):
    return Tensor(generator().permutation(n).astype(dtype.kept), dtype)


def arange(*ends, dtype=None, **_):
    made = numpy.arange(*map(raw, ends))
    to = dtype or (dtypes.float32 if made.dtype.kind == "f" else dtypes.int64)
    return Tensor(rounded(made, to), to)


def linspace(start, end, steps, dtype=dtypes.float32, **_):
    return Tensor(rounded(numpy.linspace(start, end, steps), dtype), dtype)


def eye(n, m=None, dtype=dtypes.float32, **_):
    return Tensor(rounded(numpy.eye(n, m), dtype), dtype)


def tensor(data, dtype=None, **_):
    if isinstance(data, Tensor):
        return data.clone() if dtype is None else data.to(dtype)
    if isinstance(data, (list, tuple)) and [item for item in data if isinstance(item, Tensor)]:
        data = [item.tolist() if isinstance(item, Tensor) else item for item in data]
    made = numpy.array(data)
    to = dtype or (dtypes.float32 if made.dtype == numpy.float64 and not isinstance(data, numpy.ndarray) else wrap(made).dtype)
    return Tensor(rounded(made, to), to)


def as_tensor(data, dtype=None, **_):
    return data if isinstance(data, Tensor) and dtype is None else tensor(data, dtype)


def from_numpy(array):
    return wrap(array)


# Elementwise.


def _unary(function):
    def apply(x, **_):
        to = x.dtype if x.dtype.is_floating_point else dtypes.float32
        return elementwise(function, x, dtype=to)

    return apply


exp, exp2, log, log2, sin, cos, tanh, sqrt = map(_unary, (numpy.exp, numpy.exp2, numpy.log, numpy.log2, numpy.sin, numpy.cos, numpy.tanh, numpy.sqrt))
floor, ceil, log1p, expm1 = map(_unary, (numpy.floor, numpy.ceil, numpy.log1p, numpy.expm1))
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


# Reductions. Of bfloat16 and the like in float32.


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


class _ValuesAndIndices(tuple):
    values = property(lambda self: self[0])
    indices = property(lambda self: self[1])


def _extreme(reduce, find, both):
    def extreme(x, dim=None, keepdim=False):
        if isinstance(dim, Tensor):
            return both(x, dim)
        if dim is None:
            return reduce(x)
        index = wrap(find(x._array, axis=dim))
        return _ValuesAndIndices((reduce(x, dim, keepdim), index.unsqueeze(dim) if keepdim else index))

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


# Products.


def matmul(a, b, **_):
    to = common(a, b)
    return Tensor(rounded(numpy.matmul(wide(a._array), wide(b._array)), to), to)


mm = bmm = dot = mv = matmul


def addmm(c, a, b, beta=1, alpha=1):
    return (c.float() * beta + (a.float() @ b.float()) * alpha).to(c.dtype)


def outer(a, b):
    return a.unsqueeze(1) * b.unsqueeze(0)


def einsum(equation, *tensors):
    to = common(*tensors)
    return Tensor(rounded(numpy.einsum(equation, *(wide(tensor._array) for tensor in tensors), optimize=True), to), to)


# Parts and order.


def cat(tensors, dim=0):
    to = common(*tensors)
    return Tensor(rounded(numpy.concatenate([tensor._array for tensor in tensors], dim), to), to)


concat = cat


def stack(tensors, dim=0):
    return Tensor(numpy.stack([tensor._array for tensor in tensors], dim), tensors[0].dtype)


def tril(x, diagonal=0):
    return Tensor(numpy.tril(x._array, diagonal), x.dtype)


def triu(x, diagonal=0):
    return Tensor(numpy.triu(x._array, diagonal), x.dtype)


def gather(x, dim, index):
    return Tensor(numpy.take_along_axis(x._array, index._array, dim), x.dtype)


def index_select(x, dim, index):
    return Tensor(numpy.take(x._array, index._array, dim), x.dtype)


def sort(x, dim=-1, descending=False):
    order = numpy.argsort(-x._array if descending else x._array, axis=dim, kind="stable")
    return _ValuesAndIndices((Tensor(numpy.take_along_axis(x._array, order, dim), x.dtype), wrap(order)))


def topk(x, k, dim=-1, **_):
    values, indices = sort(x, dim, True)
    part = [slice(None)] * x.ndim
    part[dim] = slice(k)
    return _ValuesAndIndices((values[tuple(part)], indices[tuple(part)]))


def permute(x, dims):
    return x.permute(*dims)


def transpose(x, a, b):
    return x.transpose(a, b)


def reshape(x, shape):
    return x.reshape(shape)


def flatten(x, *ends):
    return x.flatten(*ends)


def unsqueeze(x, dim):
    return x.unsqueeze(dim)


def squeeze(x, dim=None):
    return x.squeeze(dim)


def split(x, size, dim=0):
    return x.split(size, dim)


def chunk(x, chunks, dim=0):
    return x.chunk(chunks, dim)


def repeat_interleave(x, repeats, dim=None):
    return x.repeat_interleave(repeats, dim)


def broadcast_tensors(*tensors):
    return tuple(Tensor(array, tensor.dtype) for array, tensor in zip(numpy.broadcast_arrays(*map(raw, tensors)), tensors))


def numel(x):
    return x.numel()


# Comparisons.


def allclose(x, y, rtol=1e-5, atol=1e-8, equal_nan=False):
    return bool(numpy.allclose(x._array.astype("float64"), raw(y).astype("float64"), rtol, atol, equal_nan))


def equal(x, y):
    return x.shape == y.shape and bool(numpy.array_equal(x._array, y._array))


_METHODS = """exp exp2 log log2 sin cos tanh sqrt floor ceil rsqrt reciprocal sigmoid erf relu square round abs neg add sub mul div pow maximum
minimum clamp where isnan isinf isfinite logical_and logical_or logical_not sum mean prod amax amin all any max min argmax argmin var std norm
cumsum softmax logsumexp matmul mm bmm dot mv tril triu gather index_select sort topk allclose equal""".split()
for _name in _METHODS:
    setattr(Tensor, _name, globals()[_name])
Tensor.where = lambda self, condition, other: where(condition, self, other)
for _name in ("exp", "sqrt", "relu", "clamp", "neg", "sigmoid"):
    setattr(Tensor, f"{_name}_", lambda self, *args, _of=globals()[_name], **kwargs: self.copy_(_of(self, *args, **kwargs)))
__all__ = [name for name, value in list(globals().items()) if callable(value) and not name.startswith("_")
           and name not in ("Tensor", "common", "elementwise", "raw", "rounded", "wide", "wrap", "generator")]  # fmt: skip
