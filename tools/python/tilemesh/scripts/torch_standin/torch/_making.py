# SPDX-License-Identifier: Apache-2.0
"""Tensors made: of numbers, of other data, at random. Where they are made means nothing here."""

import numpy

from . import _dtypes as dtypes
from ._dtypes import rounded
from ._operation import operation
from ._tensor import Tensor, dims_of, public, raw, wrap

_generator = [numpy.random.default_rng(1234)]


def generator():
    return _generator[0]


def manual_seed(seed):
    _generator[0] = numpy.random.default_rng(seed)


seed = manual_seed


def _made(values, dtype, requires_grad):
    return Tensor(numpy.asarray(rounded(values, dtype)), dtype).requires_grad_(requires_grad)


def _makers(name, function, standard=dtypes.float32):
    """By sizes, and like a tensor."""

    def make(*sizes, size=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False):
        del layout, device, pin_memory
        return _made(function(dims_of(sizes if size is None else (size,))), dtype or standard, requires_grad)

    def like(x, *, dtype=None, layout=None, device=None, requires_grad=False):
        """Keeps the order of strides, as torch does."""
        del layout, device
        to = dtype or x.dtype
        made = numpy.empty_like(x._array, dtype=to.kept)
        made[...] = rounded(function(x.shape), to)
        return Tensor(made, to).requires_grad_(requires_grad)

    make.__name__, like.__name__ = name, f"{name}_like"
    return operation(make, gradient=None), operation(like, gradient=None)


empty, empty_like = _makers("empty", numpy.zeros)
zeros, zeros_like = _makers("zeros", numpy.zeros)
ones, ones_like = _makers("ones", numpy.ones)
rand, rand_like = _makers("rand", lambda shape: generator().random(shape, "float32"))
randn, randn_like = _makers("randn", lambda shape: generator().standard_normal(shape, "float32"))


def _standard(array):
    """The dtype that torch gives numbers of Python's."""
    return dtypes.float32 if array.dtype == numpy.float64 else wrap(array).dtype


@operation(gradient=None)
def full(size, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False):
    del layout, device
    value = numpy.asarray(raw(fill_value))
    return _made(numpy.full(tuple(size), value), dtype or _standard(value), requires_grad)


@operation(gradient=None)
def full_like(x, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False):
    del layout, device
    return full(x.shape, fill_value, dtype=dtype or x.dtype, requires_grad=requires_grad)


@operation(gradient=None)
def empty_strided(size, stride, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    del layout, device, pin_memory
    length = 1 + int(numpy.dot([n - 1 for n in size], stride))
    return zeros(length, dtype=dtype).as_strided(size, stride).requires_grad_(requires_grad)


@operation(gradient=None)
def randint(low, high=None, size=None, *, dtype=dtypes.int64, layout=None, device=None, requires_grad=False):
    """Also randint(high, size)."""
    del layout, device
    if isinstance(high, (tuple, list)):
        high, size = None, high
    if high is None:
        low, high = 0, low
    return _made(generator().integers(low, high, tuple(size)), dtype, requires_grad)


@operation(gradient=None)
def randperm(n, *, dtype=dtypes.int64, layout=None, device=None, pin_memory=False, requires_grad=False):
    del layout, device, pin_memory
    return _made(generator().permutation(n), dtype, requires_grad)


@operation(gradient=None)
def arange(*ends, start=0, end=None, step=1, dtype=None, layout=None, device=None, requires_grad=False):
    del layout, device
    if end is not None:
        ends = (*ends, end) if ends else (start, end)
    elif len(ends) == 1:
        ends = (start, *ends)
    made = numpy.arange(*map(raw, (*ends, step)[:3]))
    return _made(made, dtype or (dtypes.float32 if made.dtype.kind == "f" else dtypes.int64), requires_grad)


@operation(gradient=None)
def linspace(start, end, steps, *, dtype=dtypes.float32, layout=None, device=None, requires_grad=False):
    del layout, device
    return _made(numpy.linspace(raw(start), raw(end), steps), dtype, requires_grad)


@operation(gradient=None)
def eye(n, m=None, *, dtype=dtypes.float32, layout=None, device=None, requires_grad=False):
    del layout, device
    return _made(numpy.eye(n, m), dtype, requires_grad)


@operation(gradient=None)
def tensor(data, dtype=None, device=None, requires_grad=False, pin_memory=False):
    del device, pin_memory
    if isinstance(data, Tensor):
        return data.detach().to(dtype or data.dtype, copy=True).requires_grad_(requires_grad)
    if isinstance(data, (list, tuple)) and [item for item in data if isinstance(item, Tensor)]:
        data = [item.tolist() if isinstance(item, Tensor) else item for item in data]
    made = numpy.array(data)
    of_data = wrap(made).dtype if isinstance(data, (numpy.ndarray, numpy.generic)) else _standard(made)
    return _made(made, dtype or of_data, requires_grad)


@operation(gradient=None)
def as_tensor(data, dtype=None, device=None):
    del device
    if isinstance(data, numpy.ndarray):
        data = from_numpy(data)
    return data.to(dtype) if isinstance(data, Tensor) else tensor(data, dtype)


def from_numpy(array):
    return wrap(array)


class _OfDtype(type(Tensor)):
    def __instancecheck__(cls, value):
        return isinstance(value, Tensor) and value.dtype is cls.of


def _of_dtype(name, dtype):
    """What makes tensors of one dtype, and is the type of those, in older scripts."""
    made = lambda cls, *given: Tensor(*given).to(dtype)  # noqa: E731
    return _OfDtype(name, (), {"of": dtype, "__new__": made, "__module__": __name__})


FloatTensor, HalfTensor = _of_dtype("FloatTensor", dtypes.float32), _of_dtype("HalfTensor", dtypes.float16)
LongTensor, IntTensor = _of_dtype("LongTensor", dtypes.int64), _of_dtype("IntTensor", dtypes.int32)
BoolTensor = _of_dtype("BoolTensor", dtypes.bool)
__all__ = public(globals(), but=["generator"])
