# SPDX-License-Identifier: Apache-2.0
"""Tensors: numpy arrays with a dtype of torch's. What is computed of them stands in the files beside."""

import builtins
import operator

import numpy

from . import _dtypes as dtypes
from ._device import HERE
from ._dtypes import dtype_of_kept, rounded
from ._operation import Step, is_noting, is_tensor, operation
from ._promotion import common


class Size(tuple):
    def numel(self):
        return int(numpy.prod(self)) if self else 1

    def __repr__(self):
        return f"torch.Size({list(self)})"


def wrap(array, dtype=None):
    array = numpy.asarray(array)
    return Tensor(array, dtype or dtype_of_kept(array.dtype))


def raw(value):
    """numpy's array of a tensor, or the value."""
    if isinstance(value, Tensor):
        return value._array
    if isinstance(value, (tuple, list)):
        return type(value)(map(raw, value))
    return value


def wide(array):
    """16-bit floats compute in float32."""
    return array.astype("float32") if array.dtype == numpy.float16 else array


def elementwise(function, *values, dtype=None):
    """Of values made to their common dtype; the result is rounded to `dtype`, or else to that."""
    kind = common(*values)
    to = dtype or kind
    with numpy.errstate(all="ignore"):
        result = function(*(wide(_made_to(value, kind)) if isinstance(value, Tensor) else value for value in values))
    return Tensor(rounded(result, to), to)


def _made_to(tensor, to):
    return tensor._array if tensor.dtype is to else rounded(tensor._array, to)


class Tensor:
    def __init__(self, *given):
        """numpy's array and its dtype; or as torch.Tensor is called, numbers or sizes, which make a tensor of float32."""
        if len(given) != 2 or not isinstance(given[1], dtypes.dtype):
            given = _of_numbers(given, dtypes.float32)
        self._array, self.dtype = given
        self.requires_grad, self.grad, self._made_by, self._version = False, None, None, 0

    # What it is.

    device, layout, is_cuda = HERE, "strided", True
    is_leaf = property(lambda self: self._made_by is None)
    grad_fn = property(lambda self: self._made_by and self._made_by[0])
    shape = property(lambda self: Size(self._array.shape))
    ndim = property(lambda self: self._array.ndim)
    T = property(lambda self: self.permute(*reversed(range(self.ndim))))
    mT = property(lambda self: self.transpose(-1, -2))
    data = property(lambda self: self.detach(), lambda self, other: self._become(other))

    def size(self, dim=None):
        return self.shape if dim is None else self.shape[dim]

    def stride(self, dim=None):
        strides = tuple(stride // self._array.itemsize for stride in self._array.strides)
        if self._array.flags.c_contiguous:  # numpy has any stride where there is one element
            strides = tuple(int(numpy.prod(self.shape[axis + 1 :])) for axis in range(self.ndim))
        return strides if dim is None else strides[dim]

    def numel(self):
        return self._array.size

    nelement = numel

    def dim(self):
        return self._array.ndim

    def element_size(self):
        return self.dtype.itemsize

    def data_ptr(self):
        return self._array.__array_interface__["data"][0]

    def storage_offset(self):
        return self.memory_of_standin()[1]

    def is_contiguous(self):
        return self._array.flags.c_contiguous

    def is_floating_point(self):
        return self.dtype.is_floating_point

    def get_device(self):
        return 0

    def memory_of_standin(self):
        """All the elements of the memory it lies in, the number of its first, and its strides: what a kernel gets."""
        root = self._array
        while isinstance(root.base, numpy.ndarray):
            root = root.base
        flat = numpy.lib.stride_tricks.as_strided(root, (root.size,), (root.itemsize,)).view(self._array.dtype)
        first = (self.data_ptr() - root.__array_interface__["data"][0]) // self._array.itemsize
        return flat, first, list(self.stride())

    # Numbers.

    def item(self):
        return self._array.item()

    def tolist(self):
        return self._array.tolist()

    def numpy(self):
        return self._array

    def __array__(self, dtype=None):
        return self._array if dtype is None else self._array.astype(dtype)

    def __bool__(self):
        return bool(self._array)

    def __float__(self):
        return builtins.float(self._array)

    def __int__(self):
        return builtins.int(self._array)

    def __index__(self):
        return operator.index(self._array.item())

    def __len__(self):
        return len(self._array)

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def __hash__(self):
        return id(self)

    def __repr__(self):
        text = numpy.array2string(self._array, precision=4, separator=", ", prefix="tensor(")
        tail = "" if self.dtype in (dtypes.float32, dtypes.int64, dtypes.bool) else f", dtype={self.dtype}"
        return f"tensor({text}{tail})"

    def __format__(self, spec):
        return format(self.item(), spec) if not self.ndim else repr(self)

    @operation(gradient=lambda gradient, _, x, index: (_spread(gradient, x, index),))
    def __getitem__(self, index):
        return Tensor(numpy.asarray(self._array[_of_view(index)]), self.dtype)

    def __setitem__(self, index, value):
        def gradients(found):
            left = found[0].clone()
            left._array[raw(index)] = 0
            return [(before, left), (value, found[0][index])]

        before = self._changed([value], gradients)
        self._array[raw(index)] = rounded(raw(value), self.dtype)
        self._version += 1

    def _become(self, other):
        self._array, self.dtype = other._array, other.dtype

    def _changed(self, given, gradients):
        """Before it is changed in place: what it has been, if the change is noted."""
        if not is_noting() or not any(tensor.requires_grad for tensor in [self, *filter(is_tensor, given)]):
            return None
        if self.requires_grad and self.is_leaf:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        before = Tensor(self._array, self.dtype)
        before.requires_grad, before._made_by = self.requires_grad, self._made_by
        Step([before, *filter(is_tensor, given)], gradients, [self])
        return before

    # Other forms.

    @operation(gradient=lambda gradient, *_, **__: (gradient,))
    def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False):
        del device, non_blocking
        for arg in args:
            if isinstance(arg, Tensor):
                dtype = arg.dtype
            elif isinstance(arg, dtypes.dtype):
                dtype = arg
            elif arg is not None and not isinstance(arg, (str, builtins.int, type(HERE))):
                raise TypeError(f"to() of the stand-in for torch takes a dtype, a device or a tensor; this is {arg!r}")
        if dtype is None or dtype is self.dtype:
            return self.clone() if copy else self
        return Tensor(rounded(self._array, dtype), dtype)

    def type(self, dtype):
        if not isinstance(dtype, dtypes.dtype):
            raise TypeError("type() of the stand-in for torch takes a dtype; install python3-torch")
        return self.to(dtype)

    def half(self):
        return self.to(dtypes.float16)

    def bfloat16(self):
        return self.to(dtypes.bfloat16)

    def float(self):
        return self.to(dtypes.float32)

    def double(self):
        return self.to(dtypes.float64)

    def int(self):
        return self.to(dtypes.int32)

    def long(self):
        return self.to(dtypes.int64)

    def bool(self):
        return self.to(dtypes.bool)

    def cuda(self, device=None, non_blocking=False):
        del device, non_blocking
        return self

    def cpu(self):
        return self

    def detach(self):
        return Tensor(self._array, self.dtype)

    def requires_grad_(self, value=True):
        if value and not self.dtype.is_floating_point:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self.requires_grad = value
        return self

    @operation(gradient=lambda gradient, *_: (gradient,))
    def clone(self):
        return Tensor(self._array.copy(order="K"), self.dtype)

    @operation(gradient=lambda gradient, *_: (gradient,))
    def contiguous(self):
        return self if self.is_contiguous() else Tensor(numpy.ascontiguousarray(self._array), self.dtype)

    # In place.

    def copy_(self, other, non_blocking=False):
        del non_blocking
        self._changed([other], lambda found: [(other, found[0])])
        self._array[...] = rounded(raw(other), self.dtype)
        self._version += 1
        return self

    def fill_(self, value):
        return self.copy_(value)

    def zero_(self):
        return self.copy_(0)

    def normal_(self, mean=0.0, std=1.0):
        from ._making import generator

        return self.copy_(generator().normal(mean, std, self.shape))

    def uniform_(self, low=0.0, high=1.0):
        from ._making import generator

        return self.copy_(generator().uniform(low, high, self.shape))

    @operation(gradient=lambda gradient, _, x, mask, value: (gradient.masked_fill(mask, 0),))
    def masked_fill(self, mask, value):
        return Tensor(numpy.where(raw(mask), rounded(value, self.dtype), self._array), self.dtype)

    def masked_fill_(self, mask, value):
        return self.copy_(self.masked_fill(mask, value))

    # Gradients.

    def backward(self, gradient=None, retain_graph=None):
        del retain_graph  # it is kept
        from .autograd import backward

        backward(self, gradient)

    def __matmul__(self, other):
        from ._functions import matmul

        return matmul(self, other)

    def new_zeros(self, *shape, dtype=None, device=None, requires_grad=False):
        del device
        dtype = dtype or self.dtype
        return Tensor(numpy.zeros(dims_of(shape), dtype.kept), dtype).requires_grad_(requires_grad)

    new_empty = new_zeros

    def new_tensor(self, values, dtype=None, device=None, requires_grad=False):
        from ._making import tensor

        return tensor(values, dtype or self.dtype, device, requires_grad)


def _of_numbers(given, dtype):
    """An array of numbers, or of sizes that are given one by one, and its dtype."""
    if len(given) == 1 and not isinstance(given[0], (Size, builtins.int)):
        return rounded(numpy.array(raw(given[0])), dtype), dtype
    return numpy.zeros(dims_of(given), dtype.kept), dtype


def _of_view(index):
    """As numpy takes it; of numbers and slices with dots at the end, so that a single element is a view as well."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(type(part) in (builtins.int, slice, type(None)) for part in parts):
        return (*parts, ...)
    return raw(index)


def _spread(gradient, x, index):
    spread = numpy.zeros(x.shape, x.dtype.kept)
    numpy.add.at(spread, raw(index), gradient._array)
    return Tensor(rounded(spread, x.dtype), x.dtype)


def add_methods(names, scope):
    """Makes functions methods too."""
    for name in names.split():
        setattr(Tensor, name, scope[name])


def public(scope, but=()):
    """Names of the functions that a module has itself."""
    own = [name for name, value in scope.items() if callable(value) and getattr(value, "__module__", None) == scope["__name__"]]
    return [name for name in own if not name.startswith("_") and name not in but]


def dims_of(shape):
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else tuple(map(operator.index, shape))
