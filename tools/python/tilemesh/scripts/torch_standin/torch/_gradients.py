# SPDX-License-Identifier: Apache-2.0
"""Gradients of the few operations that references of attention and layer norm are made of: products, softmax, layer norm, changes
of dtype and shape, elements set to a number. Of all others there are none, and their results need none."""

import numpy

from . import _functions, _reductions
from ._tensor import Tensor
from .nn import functional


class _Step:
    """What an operation does to the gradient of its result, in the place of an autograd.Function."""

    def __init__(self, gradients):
        self._gradients = gradients

    def backward(self, context, gradient):
        del context
        return self._gradients(gradient)


def _note(result, inputs, gradients):
    result.requires_grad, result._made_by = True, (_Step(gradients), None, inputs, 0, 1)


def _with_gradients(original, gradients):
    """gradients(gradient, result, its inputs): those of the inputs, None where there is none."""

    def apply(*args, **kwargs):
        result = original(*args, **kwargs)
        if not any(result is arg for arg in args) and any(getattr(arg, "requires_grad", False) for arg in args):
            _note(result, args, lambda gradient: gradients(gradient, result, *args, **kwargs))
        return result

    return apply


def _summed(gradient, to):
    """Over the dimensions along which `to` was broadcast, in its dtype."""
    values = gradient._array.astype("float32")
    values = values.sum(tuple(range(values.ndim - to.ndim)))
    wide = tuple(axis for axis, size in enumerate(to.shape) if size == 1 and values.shape[axis] != 1)
    return Tensor(values.sum(wide, keepdims=True), None).to(to.dtype)


def _of_product(gradient, _, a, b):
    return tuple(_summed(gradient.float() * _float(other), one) if isinstance(one, Tensor) else None for one, other in ((a, b), (b, a)))


def _float(value):
    return value.float() if isinstance(value, Tensor) else value


def _of_matmul(gradient, _, a, b):
    wide = gradient.float()
    return _summed(_matmul(wide, b.float().transpose(-1, -2)), a), _summed(_matmul(a.float().transpose(-1, -2), wide), b)


def _of_softmax(gradient, result, x, dim=-1, **_):
    p = result.float()
    product = p * gradient.float()
    return ((product - p * product.sum(dim, True)).to(x.dtype),)


def _of_layer_norm(gradient, _, x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims = tuple(range(-len(tuple(normalized_shape)), 0))
    wide, dy = x._array.astype("float32"), gradient._array.astype("float32")
    rstd = 1 / numpy.sqrt(wide.var(dims, keepdims=True) + eps)
    hat = (wide - wide.mean(dims, keepdims=True)) * rstd
    scaled = dy if weight is None else dy * weight._array.astype("float32")
    dx = (scaled - scaled.mean(dims, keepdims=True) - hat * (scaled * hat).mean(dims, keepdims=True)) * rstd
    found = [Tensor(dx).to(x.dtype), None]
    found.append(None if weight is None else _summed(Tensor(dy * hat), weight))
    found.append(None if bias is None else _summed(Tensor(dy), bias))
    return tuple(found)


def _set(self, index, value):
    was = self._made_by
    _set_plainly(self, index, value)
    if was is None:
        return
    before = Tensor(self._array, self.dtype)
    before.requires_grad, before._made_by = True, was

    def gradients(gradient):
        left = gradient.clone()
        _set_plainly(left, index, 0)
        return (left,)

    _note(self, (before,), gradients)


_matmul, _set_plainly = _functions.matmul, Tensor.__setitem__
matmul = mm = bmm = _with_gradients(_functions.matmul, _of_matmul)
softmax = _with_gradients(_reductions.softmax, _of_softmax)
functional.layer_norm = _with_gradients(functional.layer_norm, _of_layer_norm)
functional.softmax = Tensor.softmax = softmax
Tensor.__matmul__ = Tensor.matmul = Tensor.mm = Tensor.bmm = matmul
Tensor.__mul__ = _with_gradients(Tensor.__mul__, _of_product)
Tensor.__rmul__ = _with_gradients(Tensor.__rmul__, _of_product)
Tensor.to = _with_gradients(Tensor.to, lambda gradient, _, x, *__, **___: (gradient.to(x.dtype),))
Tensor.transpose = _with_gradients(Tensor.transpose, lambda gradient, _, x, a, b: (gradient.transpose(a, b),))
Tensor.__setitem__ = _set
__all__ = ["bmm", "matmul", "mm", "softmax"]
