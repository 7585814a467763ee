# SPDX-License-Identifier: Apache-2.0
"""Tensors: numpy arrays with a dtype of torch's. Arithmetic rounds to the dtype of the result, products accumulate in float32."""

import builtins
import operator

import numpy

from . import _dtypes as dtypes
from ._device import HERE
from ._dtypes import dtype_of_kept, rounded


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


def common(*values):
    """The dtype of what values are made to: kind first, then width; numbers count by kind only."""
    tensors = [value.dtype for value in values if isinstance(value, Tensor) and value._array.ndim] or [
        value.dtype for value in values if isinstance(value, Tensor)]  # fmt: skip
    floats = [one for one in tensors if one.is_floating_point]
    if not floats and any(isinstance(value, builtins.float) for value in values):
        return dtypes.float32
    if not floats:
        return dtype_of_kept(numpy.result_type(*(one.kept for one in tensors)))
    widest = max(floats, key=lambda one: one.itemsize)
    alike = {one.name for one in floats if one.itemsize == widest.itemsize}
    return widest if len(alike) == 1 else dtypes.float32


def wide(array):
    """16-bit floats compute in float32."""
    return array.astype("float32") if array.dtype == numpy.float16 else array


def elementwise(function, *values, dtype=None):
    to = dtype or common(*values)
    with numpy.errstate(all="ignore"):
        result = function(*(wide(value._array) if isinstance(value, Tensor) else value for value in values))
    return Tensor(rounded(result, to), to)


class Tensor:
    def __init__(self, array, dtype=None):
        if not isinstance(array, numpy.ndarray):
            array = numpy.asarray(array)
        self._array, self.dtype = array, dtype or dtype_of_kept(array.dtype)
        self.requires_grad, self.grad, self._made_by = False, None, None

    # What it is.

    device, layout, is_cuda, is_leaf = HERE, "strided", True, True
    shape = property(lambda self: Size(self._array.shape))
    ndim = property(lambda self: self._array.ndim)
    T = property(lambda self: self.permute(*reversed(range(self.ndim))))
    mT = property(lambda self: self.transpose(-1, -2))
    data = property(lambda self: self.detach(), lambda self, other: self.copy_(other))

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

    def is_contiguous(self, **_):
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
        return (Tensor(numpy.asarray(row), self.dtype) for row in self._array)

    def __hash__(self):
        return id(self)

    def __repr__(self):
        text = numpy.array2string(self._array, precision=4, separator=", ", prefix="tensor(")
        tail = "" if self.dtype in (dtypes.float32, dtypes.int64, dtypes.bool) else f", dtype={self.dtype}"
        return f"tensor({text}{tail})"

    def __format__(self, spec):
        return format(self.item(), spec) if not self.ndim else repr(self)

    def __getitem__(self, index):
        return Tensor(numpy.asarray(self._array[raw(index)]) if not self._is_view(index) else self._array[raw(index)], self.dtype)

    @staticmethod
    def _is_view(index):
        return all(isinstance(part, (slice, type(None), type(Ellipsis))) for part in (index if isinstance(index, tuple) else (index,)))

    def __setitem__(self, index, value):
        self._array[raw(index)] = rounded(raw(value), self.dtype)

    # Other forms.

    def to(self, *args, dtype=None, device=None, copy=False, **_):
        del device
        for arg in args:
            if isinstance(arg, Tensor):
                dtype = arg.dtype
            elif isinstance(arg, dtypes.dtype):
                dtype = arg
        if dtype is None or dtype is self.dtype:
            return self.clone() if copy else self
        return Tensor(rounded(self._array, dtype), dtype)

    def type(self, dtype=None):
        return self.dtype if dtype is None else self.to(dtype)

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

    def cuda(self, *_, **__):
        return self

    cpu = cuda

    def detach(self):
        return Tensor(self._array, self.dtype)

    def requires_grad_(self, value=True):
        self.requires_grad = value
        return self

    def clone(self, **_):
        return Tensor(self._array.copy(order="K"), self.dtype)

    def contiguous(self, **_):
        return self if self.is_contiguous() else Tensor(numpy.ascontiguousarray(self._array), self.dtype)

    # In place.

    def copy_(self, other, **_):
        self._array[...] = rounded(raw(other), self.dtype)
        return self

    def fill_(self, value):
        return self.copy_(value)

    def zero_(self):
        return self.copy_(0)

    def normal_(self, mean=0.0, std=1.0, **_):
        from ._making import generator

        return self.copy_(generator().normal(mean, std, self.shape))

    def uniform_(self, low=0.0, high=1.0, **_):
        from ._making import generator

        return self.copy_(generator().uniform(low, high, self.shape))

    def masked_fill(self, mask, value):
        return Tensor(numpy.where(raw(mask), rounded(value, self.dtype), self._array), self.dtype)

    def masked_fill_(self, mask, value):
        return self.copy_(self.masked_fill(mask, value))

    # Gradients.

    def backward(self, gradient=None, **_):
        from .autograd import backward

        backward(self, gradient)

    def __matmul__(self, other):
        from ._functions import matmul

        return matmul(self, other)

    def new_empty(self, *shape, dtype=None, **_):
        return Tensor(numpy.zeros(dims_of(shape), (dtype or self.dtype).kept), dtype or self.dtype)

    new_zeros = new_empty

    def new_tensor(self, values, dtype=None, **_):
        return Tensor(rounded(values, dtype or self.dtype), dtype or self.dtype)


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


def _arithmetic(name, function, dtype=None):
    setattr(Tensor, f"__{name}__", lambda self, other: elementwise(function, self, other, dtype=dtype))
    setattr(Tensor, f"__r{name}__", lambda self, other: elementwise(lambda a, b: function(b, a), self, other, dtype=dtype))

    def in_place(self, other):
        return self.copy_(getattr(self, f"__{name}__")(other))

    if dtype is None:
        setattr(Tensor, f"__i{name}__", in_place)
        setattr(Tensor, f"{name}_", in_place)


for _name in ("add", "sub", "mul", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"):
    _arithmetic(_name, getattr(operator, f"__{_name}__"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _arithmetic(_name, getattr(operator, f"__{_name}__"), dtypes.bool)


def _divide(self, other, is_swapped=False):
    a, b = (other, self) if is_swapped else (self, other)
    kind = common(self, other)
    return elementwise(operator.truediv, a, b, dtype=kind if kind.is_floating_point else dtypes.float32)


Tensor.__truediv__ = _divide
Tensor.__rtruediv__ = lambda self, other: _divide(self, other, True)
Tensor.__itruediv__ = Tensor.div_ = lambda self, other: self.copy_(_divide(self, other))
Tensor.__neg__ = lambda self: elementwise(operator.neg, self)
Tensor.__abs__ = lambda self: elementwise(numpy.abs, self)
Tensor.__invert__ = lambda self: elementwise(operator.invert, self)
