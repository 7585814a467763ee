# SPDX-License-Identifier: Apache-2.0
"""Tensors made: of numbers, of other data, at random."""

import numpy

from . import _dtypes as dtypes
from ._dtypes import rounded
from ._tensor import Tensor, public, raw, wrap

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


__all__ = public(globals(), but=["generator"])
