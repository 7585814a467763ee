# SPDX-License-Identifier: Apache-2.0
"""A tensor in another form: most share its memory. Functions and methods alike take sizes one by one or as a tuple."""

import numpy

from . import _dtypes as dtypes
from ._tensor import Tensor, add_methods, dims_of, public, raw


def reshape(x, *shape):
    return Tensor(x._array.reshape(dims_of(shape)), x.dtype)


def view(x, *shape):
    if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        if shape[0].kept.itemsize != x._array.itemsize or shape[0].itemsize != x.dtype.itemsize:
            raise NotImplementedError("the stand-in for torch cannot view this as another dtype; install python3-torch")
        return Tensor(x._array.view(shape[0].kept), shape[0])
    return x.reshape(*shape)


def flatten(x, start_dim=0, end_dim=-1):
    end = end_dim % x.ndim
    return x.reshape(*x.shape[:start_dim], -1, *x.shape[end + 1 :])


def permute(x, *dims):
    return Tensor(x._array.transpose(dims_of(dims)), x.dtype)


def transpose(x, a, b):
    return Tensor(x._array.swapaxes(a, b), x.dtype)


def t(x):
    return x.T


def unsqueeze(x, dim):
    return Tensor(numpy.expand_dims(x._array, dim if dim >= 0 else x.ndim + 1 + dim), x.dtype)


def squeeze(x, dim=None):
    if dim is not None and x.shape[dim] != 1:
        return x
    return Tensor(x._array.squeeze(dim), x.dtype)


def expand(x, *shape):
    shape = dims_of(shape)
    own = (1,) * (len(shape) - x.ndim) + tuple(x.shape)
    return Tensor(numpy.broadcast_to(x._array, [own[i] if size == -1 else size for i, size in enumerate(shape)]), x.dtype)


def expand_as(x, other):
    return x.expand(*other.shape)


def repeat(x, *sizes):
    return Tensor(numpy.tile(x._array, dims_of(sizes)), x.dtype)


def repeat_interleave(x, repeats, dim=None):
    return Tensor(numpy.repeat(x._array, raw(repeats), dim), x.dtype)


def as_strided(x, size, stride, storage_offset=0):
    flat, _, _ = x.memory_of_standin()
    return Tensor(numpy.lib.stride_tricks.as_strided(flat[storage_offset:], tuple(size), [s * flat.itemsize for s in stride]), x.dtype)


def split(x, size, dim=0):
    sizes = [size] * -(-x.shape[dim] // size) if isinstance(size, int) else size
    return tuple(Tensor(part, x.dtype) for part in numpy.split(x._array, numpy.cumsum(sizes)[:-1], dim))


def chunk(x, chunks, dim=0):
    return x.split(-(-x.shape[dim] // chunks), dim)


def unbind(x, dim=0):
    return tuple(Tensor(part, x.dtype) for part in numpy.moveaxis(x._array, dim, 0))


def numel(x):
    return x.numel()


add_methods("""reshape view flatten permute transpose t unsqueeze squeeze expand expand_as repeat repeat_interleave as_strided split chunk
unbind""", globals())
__all__ = public(globals(), but=["view", "expand", "expand_as", "repeat"])
