# SPDX-License-Identifier: Apache-2.0
"""Products, triangles, order, comparisons."""

import numpy

from ._dtypes import rounded
from ._forms import gather
from ._operation import BY_PARTS, operation
from ._promotion import common
from ._reductions import ValuesAndIndices
from ._tensor import Tensor, add_methods, public, raw, wide, wrap

# Products.


def _of_matmul(gradient, _, a, b):
    if a.ndim == 1:
        return _of_row(gradient, a, b)
    if b.ndim == 1:
        return gradient.unsqueeze(-1) * b, (a * gradient.unsqueeze(-1)).reshape(-1, len(b)).sum(0)
    return gradient @ b.transpose(-1, -2), a.transpose(-1, -2) @ gradient


def _of_row(gradient, a, b):
    if b.ndim == 1:
        return gradient * b, gradient * a
    by_b = (b * gradient.unsqueeze(-2)).sum(-1)
    return by_b.reshape(-1, len(a)).sum(0), a.unsqueeze(-1) * gradient.unsqueeze(-2)


@operation(gradient=_of_matmul)
def matmul(a, b):
    if a.dtype is not b.dtype:
        raise RuntimeError(f"expected both factors to have the same dtype, but got {a.dtype} and {b.dtype}")
    return Tensor(numpy.asarray(rounded(numpy.matmul(wide(a._array), wide(b._array)), a.dtype)), a.dtype)


mm = bmm = dot = mv = matmul


@operation(gradient=BY_PARTS)
def addmm(c, a, b, *, beta=1, alpha=1):
    return (c.float() * beta + (a.float() @ b.float()) * alpha).to(c.dtype)


@operation(gradient=BY_PARTS)
def outer(a, b):
    return a.unsqueeze(1) * b.unsqueeze(0)


def _of_einsum(gradient, _, equation, *tensors):
    """Where each index of a factor is in the result or in another factor, and in none twice."""
    factors, arrow, result = equation.replace(" ", "").partition("->")
    factors = factors.split(",")
    found = []
    for number, own in enumerate(factors):
        others = [result, *(other for at, other in enumerate(factors) if at != number)]
        is_double = any(len(set(one)) < len(one) for one in [own, *others])
        if not arrow or "." in equation or is_double or not set(own) <= set("".join(others)):
            raise NotImplementedError(f"the stand-in for torch has no gradient of einsum {equation}; install python3-torch")
        rest = [tensor for at, tensor in enumerate(tensors) if at != number]
        found.append(einsum(f"{','.join(others)}->{own}", gradient, *rest))
    return None, *found


@operation(gradient=_of_einsum)
def einsum(equation, *tensors):
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    to = common(*tensors)
    result = numpy.einsum(equation, *(wide(tensor._array) for tensor in tensors), optimize=True)
    return Tensor(numpy.asarray(rounded(result, to)), to)


# Triangles and order.


@operation(gradient=lambda gradient, _, x, diagonal=0: (tril(gradient, diagonal),))
def tril(x, diagonal=0):
    return Tensor(numpy.tril(x._array, diagonal), x.dtype)


@operation(gradient=lambda gradient, _, x, diagonal=0: (triu(gradient, diagonal),))
def triu(x, diagonal=0):
    return Tensor(numpy.triu(x._array, diagonal), x.dtype)


@operation(gradient=None)
def argsort(x, dim=-1, descending=False, stable=False):
    """Always stable. NaN counts as the greatest, as numpy and torch have it."""
    del stable
    if not descending:
        return wrap(numpy.argsort(x._array, axis=dim, kind="stable"))
    order = numpy.flip(numpy.argsort(numpy.flip(x._array, dim), axis=dim, kind="stable"), dim)
    return wrap(x.shape[dim] - 1 - order)


@operation(gradient=BY_PARTS)
def sort(x, dim=-1, descending=False, stable=False):
    order = argsort(x, dim, descending, stable)
    return ValuesAndIndices((gather(x, dim, order), order))


@operation(gradient=BY_PARTS)
def topk(x, k, dim=-1, largest=True, sorted=True):
    del sorted  # they are
    part = [slice(None)] * x.ndim
    part[dim] = slice(k)
    order = argsort(x, dim, largest)[tuple(part)]
    return ValuesAndIndices((gather(x, dim, order), order))


# Comparisons.


@operation(gradient=None)
def allclose(x, y, rtol=1e-5, atol=1e-8, equal_nan=False):
    return bool(numpy.allclose(x._array.astype("float64"), raw(y).astype("float64"), rtol, atol, equal_nan))


@operation(gradient=None)
def equal(x, y):
    return x.shape == y.shape and bool(numpy.array_equal(x._array, y._array))


add_methods("matmul mm bmm dot mv tril triu argsort sort topk allclose equal", globals())
Tensor.__matmul__ = matmul
__all__ = [*public(globals()), "mm", "bmm", "dot", "mv"]
