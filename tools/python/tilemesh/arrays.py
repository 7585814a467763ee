# SPDX-License-Identifier: Apache-2.0
"""Arrays that a launch is given, as tensors of a panel: numpy's, torch's, those of the stand-in for torch, and whatever else has
a buffer (array.array, memoryview).

What a kernel gets is a pointer: the panel has all the elements of the memory that an array lies in, as they lie there, and
the array says which of them is its first. So strides are what the array's own are, and two arrays of one memory are one tensor,
as is one of another dtype in the same bytes."""

import math
import sys

# By numpy's and torch's names: the dtype in programs, and in safetensors files.
DTYPES = {
    "float16": ("f16", "F16"), "bfloat16": ("bf16", "BF16"), "float32": ("f32", "F32"), "float8_e4m3fn": ("f8e4m3", "F8_E4M3"),
    "float8_e5m2": ("f8e5m2", "F8_E5M2"), "bool": ("i1", "BOOL"), "int8": ("i8", "I8"), "int16": ("i16", "I16"), "int32": ("i32", "I32"),
    "int64": ("i64", "I64"), "uint8": ("u8", "U8"), "uint16": ("u16", "U16"), "uint32": ("u32", "U32"), "uint64": ("u64", "U64"),
}  # fmt: skip
STORED = dict(DTYPES.values())  # by the dtype in programs
BYTES = {"f16": 2, "bf16": 2, "f32": 4, "f8e4m3": 1, "f8e5m2": 1, "i1": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "u8": 1, "u16": 2, "u32": 4, "u64": 8}
_BUFFERS = {"e": "float16", "f": "float32", "?": "bool", "b": "int8", "B": "uint8", "h": "int16", "H": "uint16", "i": "int32", "I": "uint32",
            "l": "int64" if sys.maxsize > 2**32 else "int32", "q": "int64", "Q": "uint64", "L": "uint64", "d": "float64"}  # fmt: skip


class Memory:
    """One tensor of a panel. dtype: as in programs; stored: as in files; elements; shape: how the elements are best seen, which
    decides where they live when nobody says so; content(): their bytes; fill(values): what a run left in them, as f32 or i64."""

    def __init__(self, dtype, elements, content, fill, stored=None):
        self.dtype, self.elements, self.content, self.fill = dtype, elements, content, fill
        self.stored = stored or STORED[dtype]
        self.shape = [elements]
        self.name = ""

    def see(self, sizes, strides, first):
        """An array of this memory: if it is all of it, its shape, longest stride first, is the memory's."""
        if first == 0 and math.prod(sizes) == self.elements and len(self.shape) == 1:
            order = sorted(zip(strides, sizes), reverse=True)
            expected = self.elements
            for stride, size in order:
                expected //= size
                if size > 1 and stride != expected:
                    return
            self.shape = [size for _, size in order] or [1]


class Reinterpreted:
    """An array whose bytes are taken for another dtype, triton.reinterpret. dtype: as in programs."""

    def __init__(self, base, dtype):
        self.base, self.dtype = base, dtype

    def __getattr__(self, name):
        return getattr(self.base, name)


def is_float(dtype):
    """Of a dtype as in programs. Numbers of all others may steer what kernels do."""
    return dtype.startswith(("f", "b"))


def is_array(value):
    return isinstance(value, Reinterpreted) or _kind(value) is not None


def _kind(value):
    for name, kind in (("torch", "Tensor"), ("numpy", "ndarray")):
        module = sys.modules.get(name)
        if module is not None and isinstance(value, getattr(module, kind, ())):
            return name
    return "buffer" if type(value).__name__ in ("array", "memoryview") else None


class Memories:
    """The memories of one launch, by where they lie."""

    def __init__(self):
        self._known = {}

    def __iter__(self):
        return iter(self._known.values())

    def of(self, value, name):
        """The memory that an array lies in, the number of the element that is the array's first, and the dtype that the array has
        if the memory has another. A new memory is called `name`."""
        dtype = None
        if isinstance(value, Reinterpreted):
            value, dtype = value.base, value.dtype
        key, make, sizes, strides, first = {"torch": _of_torch, "numpy": _of_numpy, "buffer": _of_buffer}[_kind(value)](value, name)
        if key not in self._known:
            memory = self._known[key] = make()
            memory.name = self._free(name)
            if dtype is not None and dtype != memory.dtype:
                _reinterpret(memory, dtype, name)
            if memory.elements == 0:  # no tensor of a panel is empty, and nothing may touch this one
                memory.elements, memory.shape = 1, [1]
                memory.content, memory.fill = (lambda: bytes(BYTES["f32" if memory.stored == "F32" else memory.dtype])), (lambda values: None)
            memory.see(sizes, strides, first)
            return memory, first, None
        memory, other = self._known[key], make()
        dtype = dtype or other.dtype
        if dtype != memory.dtype:
            if any(one.stored != STORED[one.dtype] for one in (memory, other)):  # as wide as no element of it
                raise TypeError(f"{name}: the same memory is given as {memory.dtype} and as {dtype}")
            return memory, first, dtype
        memory.see(sizes, strides, first)
        return memory, first, None

    def _free(self, name):
        taken, number, free = {memory.name for memory in self}, 1, name
        while free in taken:
            number += 1
            free = f"{name}_{number}"
        return free


def _reinterpret(memory, dtype, name):
    if BYTES[dtype] != BYTES[memory.dtype] or memory.stored != STORED[memory.dtype]:
        raise TypeError(f"{name}: {memory.dtype} cannot be taken for {dtype}")
    memory.dtype, memory.stored = dtype, STORED[dtype]

    def refuse(values):
        raise TypeError(f"{name}: a kernel has stored to a tensor that is seen through triton.reinterpret, which is not supported")

    memory.fill = refuse


def _dtype(word, name):
    if word in DTYPES:
        return DTYPES[word][0]
    if word in ("float64", "double"):
        raise TypeError(f"{name}: float64 is not supported, the engines have f32 at most; use float32")
    raise TypeError(f"{name}: dtype {word} is not supported; there are {', '.join(DTYPES)}")


def _of_torch(tensor, name):
    import torch

    word = str(tensor.dtype).removeprefix("torch.")
    dtype = _dtype(word, name)
    if hasattr(tensor, "memory_of_standin"):
        flat, first, strides = tensor.memory_of_standin()
        is_wide = word in ("bfloat16", "float8_e4m3fn", "float8_e5m2")  # the stand-in keeps them as float32

        def make():
            return Memory(dtype, flat.size, lambda: flat.data.cast("B"), lambda values: _fill_numpy(flat, values), "F32" if is_wide else None)

        return flat.ctypes.data, make, list(tensor.shape), strides, first
    if hasattr(tensor, "bytes_of_float8"):  # of a torch that lacks this dtype
        tensor = tensor.bytes_of_float8()
    tensor = tensor.detach()
    storage = tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage()
    elements = storage.nbytes() // tensor.element_size()
    flat = tensor.as_strided((elements,), (1,), 0)

    def content():
        raw = {"bfloat16": torch.int16, "float8_e4m3fn": torch.uint8, "float8_e5m2": torch.uint8}
        return (flat.view(raw[word]) if word in raw else flat).numpy().data.cast("B")

    def fill(values):
        numbers = values.reshape(-1).copy()
        if word.startswith("float8") and flat.dtype == torch.uint8:
            from . import float8

            numbers = float8.bits(numbers, word)
        flat.copy_(torch.from_numpy(numbers))

    return (storage.data_ptr(), lambda: Memory(dtype, elements, content, fill), list(tensor.shape), list(tensor.stride()), tensor.storage_offset())


def _of_numpy(array, name):
    import numpy

    dtype = _dtype(array.dtype.name, name)
    size, root = array.dtype.itemsize, array
    while isinstance(root.base, numpy.ndarray):
        root = root.base
    if not array.dtype.isnative or any(stride % size for stride in array.strides):
        raise TypeError(f"{name}: an array in another machine's byte order, or part of records; give a copy")
    begin, end = _bounds(numpy, root)
    start = array.__array_interface__["data"][0]
    if (end - begin) % size or (start - begin) % size or root.dtype.hasobject or end - begin != root.nbytes:
        root, (begin, end) = array, _bounds(numpy, array)
    dense = numpy.lib.stride_tricks.as_strided(root, (root.nbytes // root.itemsize,), (root.itemsize,)) if root.nbytes == end - begin else None
    if dense is None:
        raise TypeError(f"{name}: this array does not lie in memory of its own; give a copy")
    flat = dense.view(array.dtype)
    if not array.flags.writeable:
        flat.flags.writeable = False
    content = lambda: flat.view("u1").data  # noqa: E731  ml_dtypes have no buffers of their own
    strides = [stride // size for stride in array.strides]
    return begin, lambda: Memory(dtype, flat.size, content, lambda values: _fill_numpy(flat, values)), list(array.shape), strides, (start - begin) // size


def _bounds(numpy, array):
    begin = end = array.__array_interface__["data"][0]
    if array.size:
        reach = [(size - 1) * stride for size, stride in zip(array.shape, array.strides)]
        begin += sum(step for step in reach if step < 0)
        end += sum(step for step in reach if step > 0) + array.itemsize
    return begin, end


def _fill_numpy(flat, values):
    flat[...] = values.reshape(-1).astype(flat.dtype)


def _of_buffer(buffer, name):
    view = memoryview(buffer)
    if not view.c_contiguous:
        raise TypeError(f"{name}: a memoryview with gaps; give a copy")
    dtype = _dtype(_BUFFERS.get(view.format.lstrip("@="), view.format), name)
    flat = view.cast("B").cast(view.format) if view.ndim > 1 else view
    address = id(view.obj)

    def fill(values):
        numbers = values.tolist() if hasattr(values, "tolist") else list(values)
        for index, number in enumerate(_flattened(numbers)):
            flat[index] = bool(number) if dtype == "i1" else number % 2**64 if dtype == "u64" else number

    return address, lambda: Memory(dtype, len(flat), lambda: flat.cast("B"), fill), list(view.shape), [s // view.itemsize for s in view.strides], 0


def _flattened(numbers):
    for number in numbers:
        if isinstance(number, list):
            yield from _flattened(number)
        else:
            yield number
