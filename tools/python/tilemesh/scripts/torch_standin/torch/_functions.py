# SPDX-License-Identifier: Apache-2.0
"""Products, parts of tensors and their order, comparisons."""

import numpy

from ._dtypes import rounded
from ._reductions import ValuesAndIndices
from ._tensor import Tensor, add_methods, common, public, raw, wide, wrap

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
    return ValuesAndIndices((Tensor(numpy.take_along_axis(x._array, order, dim), x.dtype), wrap(order)))


def topk(x, k, dim=-1, **_):
    values, indices = sort(x, dim, True)
    part = [slice(None)] * x.ndim
    part[dim] = slice(k)
    return ValuesAndIndices((values[tuple(part)], indices[tuple(part)]))


def broadcast_tensors(*tensors):
    return tuple(Tensor(array, tensor.dtype) for array, tensor in zip(numpy.broadcast_arrays(*map(raw, tensors)), tensors))


def numel(x):
    return x.numel()


# Comparisons.


def allclose(x, y, rtol=1e-5, atol=1e-8, equal_nan=False):
    return bool(numpy.allclose(x._array.astype("float64"), raw(y).astype("float64"), rtol, atol, equal_nan))


def equal(x, y):
    return x.shape == y.shape and bool(numpy.array_equal(x._array, y._array))


add_methods("matmul mm bmm dot mv tril triu gather index_select sort topk allclose equal", globals())
__all__ = public(globals())
