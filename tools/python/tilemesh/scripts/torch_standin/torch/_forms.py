# SPDX-License-Identifier: Apache-2.0
"""A tensor in another form: most share its memory. Functions and methods alike take sizes one by one or as a tuple."""

import numpy

from . import _dtypes as dtypes
from ._dtypes import rounded
from ._operation import BY_PARTS, operation
from ._promotion import common
from ._tensor import Tensor, add_methods, dims_of, public, raw

_reshaping = operation(gradient=lambda gradient, _, x, *__, **___: (gradient.reshape(x.shape),))


@_reshaping
def reshape(x, *shape):
    return Tensor(x._array.reshape(dims_of(shape)), x.dtype)


@_reshaping
def view(x, *shape):
    if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        if shape[0].kept.itemsize != x._array.itemsize or shape[0].itemsize != x.dtype.itemsize:
            raise NotImplementedError("the stand-in for torch cannot view this as another dtype; install python3-torch")
        return Tensor(x._array.view(shape[0].kept), shape[0])
    result = x._array.reshape(dims_of(shape))
    if result.size and not numpy.may_share_memory(result, x._array):
        raise RuntimeError("view size is not compatible with input tensor's size and stride. Use .reshape(...).")
    return Tensor(result, x.dtype)


@operation(gradient=BY_PARTS)
def flatten(x, start_dim=0, end_dim=-1):
    end = end_dim % x.ndim
    return x.reshape(*x.shape[:start_dim], -1, *x.shape[end + 1 :])


def _of_permute(gradient, _, x, *dims):
    return (gradient.permute(*numpy.argsort([dim % x.ndim for dim in dims_of(dims)])),)


@operation(gradient=_of_permute)
def permute(x, *dims):
    return Tensor(x._array.transpose(dims_of(dims)), x.dtype)


@operation(gradient=lambda gradient, _, x, dim0, dim1: (gradient.transpose(dim0, dim1),))
def transpose(x, dim0, dim1):
    return Tensor(x._array.swapaxes(dim0, dim1), x.dtype)


@operation(gradient=BY_PARTS)
def t(x):
    return x.T


@_reshaping
def unsqueeze(x, dim):
    return Tensor(numpy.expand_dims(x._array, dim if dim >= 0 else x.ndim + 1 + dim), x.dtype)


@_reshaping
def squeeze(x, dim=None):
    if dim is not None:
        dim = tuple(one for one in (dim if isinstance(dim, (list, tuple)) else (dim,)) if x.shape[one] == 1)
    return Tensor(x._array.squeeze(dim), x.dtype)


@operation(gradient=lambda gradient, *_: (gradient,))
def expand(x, *shape):
    shape = dims_of(shape)
    own = (1,) * (len(shape) - x.ndim) + tuple(x.shape)
    return Tensor(numpy.broadcast_to(x._array, [own[i] if size == -1 else size for i, size in enumerate(shape)]), x.dtype)


@operation(gradient=BY_PARTS)
def expand_as(x, other):
    return x.expand(*other.shape)


@operation
def repeat(x, *sizes):
    return Tensor(numpy.tile(x._array, dims_of(sizes)), x.dtype)


@operation
def repeat_interleave(x, repeats, dim=None):
    return Tensor(numpy.repeat(x._array, raw(repeats), dim), x.dtype)


@operation
def as_strided(x, size, stride, storage_offset=None):
    flat, own, _ = x.memory_of_standin()
    flat = flat[own if storage_offset is None else storage_offset :]
    return Tensor(numpy.lib.stride_tricks.as_strided(flat, tuple(size), [s * flat.itemsize for s in stride]), x.dtype)


def _narrow(x, dim, begin, end):
    part = [slice(None)] * x.ndim
    part[dim] = slice(begin, end)
    return x[tuple(part)]


@operation(gradient=BY_PARTS)
def split(x, size, dim=0):
    sizes = [size] * -(-x.shape[dim] // size) if isinstance(size, int) else size
    ends = numpy.cumsum([0, *sizes]).tolist()
    return tuple(_narrow(x, dim, begin, end) for begin, end in zip(ends, ends[1:]))


@operation(gradient=BY_PARTS)
def chunk(x, chunks, dim=0):
    return x.split(-(-x.shape[dim] // chunks), dim)


@operation(gradient=BY_PARTS)
def unbind(x, dim=0):
    return tuple(_narrow(x, dim, number, number + 1).squeeze(dim) for number in range(x.shape[dim]))


@operation(gradient=lambda gradient, _, x, *dims: (gradient.flip(*dims),))
def flip(x, *dims):
    return Tensor(numpy.flip(x._array, dims_of(dims)).copy(), x.dtype)


# Several tensors, and parts by their indices.


def _of_cat(gradient, _, tensors, dim=0):
    return (gradient.split([tensor.shape[dim] for tensor in tensors], dim),)


@operation(gradient=_of_cat)
def cat(tensors, dim=0):
    to = common(*tensors)
    return Tensor(rounded(numpy.concatenate([tensor._array for tensor in tensors], dim), to), to)


concat = cat


@operation(gradient=BY_PARTS)
def stack(tensors, dim=0):
    return cat([tensor.unsqueeze(dim) for tensor in tensors], dim)


def _places(x, dim, index):
    """Of x, each index a number along `dim` and its own place along the others."""
    if index._array.size and (index._array.min() < 0 or index._array.max() >= x.shape[dim]):
        raise RuntimeError(f"an index is out of bounds for dimension {dim} with size {x.shape[dim]}")
    places = list(numpy.indices(index.shape, sparse=True))
    for axis, size in enumerate(index.shape):
        if size > x.shape[axis] and axis != dim % x.ndim:
            raise RuntimeError(f"an index of shape {list(index.shape)} is larger than {list(x.shape)} at dimension {axis}")
    places[dim] = index._array
    return tuple(places)


def _of_gather(gradient, _, x, dim, index):
    spread = numpy.zeros(x.shape, x.dtype.kept)
    numpy.add.at(spread, _places(x, dim, index) if x.ndim else (), gradient._array)
    return Tensor(rounded(spread, x.dtype), x.dtype), None, None


@operation(gradient=_of_gather)
def gather(x, dim, index):
    return Tensor(numpy.asarray(x._array[_places(x, dim, index)] if x.ndim else x._array), x.dtype)


@operation
def index_select(x, dim, index):
    return Tensor(numpy.take(x._array, index._array, dim), x.dtype)


@operation(gradient=BY_PARTS)
def broadcast_tensors(*tensors):
    shape = numpy.broadcast_shapes(*(tensor.shape for tensor in tensors))
    return tuple(tensor.expand(*shape) for tensor in tensors)


def numel(x):
    return x.numel()


add_methods("""reshape view flatten permute transpose t unsqueeze squeeze expand expand_as repeat repeat_interleave as_strided split chunk
unbind flip gather index_select""", globals())
__all__ = [*public(globals(), but=["view", "expand", "expand_as", "repeat"]), "concat"]
