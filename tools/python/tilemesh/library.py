# SPDX-License-Identifier: Apache-2.0
"""Functions of Triton that are made of others; lowered like any kernel's own functions when a kernel calls them."""

import triton
import triton.language as tl


@triton.jit
def isnan(x):
    return x != x


@triton.jit
def next_power_of_2(n):
    power = 1 if n > 0 else 0
    while power < n:
        power *= 2
    return power


@triton.jit
def swizzle2d(i, j, size_i, size_j, size_g):
    """Row-major places of a matrix, in groups of size_g rows that are walked column by column."""
    place = i * size_j + j
    places_of_group = size_g * size_j
    group = place // places_of_group
    first_row = group * size_g
    rows = tl.minimum(size_i - first_row, size_g)
    within = place % places_of_group
    return first_row + within % rows, within // rows


@triton.jit
def interleave(a, b):
    """The elements of a and b by turns along their last dimension."""
    joined = tl.join(a, b)
    if len(a.shape) == 1:
        return tl.reshape(joined, (2 * a.shape[0],))
    if len(a.shape) == 2:
        return tl.reshape(joined, (a.shape[0], 2 * a.shape[1]))
    tl.static_assert(len(a.shape) == 3, "interleave of more than three dimensions is not supported")
    return tl.reshape(joined, (a.shape[0], a.shape[1], 2 * a.shape[2]))


@triton.jit
def part_of(items, start, stop, step):
    """items[start:stop:step] of a tuple, as Python has it."""
    tl.static_assert(isinstance(items, tl.tuple), "slices of tiles are not supported; use pointers and tl.load for elements")
    least, most = 0, len(items)
    if step is None:
        step = 1
    if step < 0:
        least, most = -1, most - 1
    if start is None:
        start = least if step > 0 else most
    elif start < 0:
        start += len(items)
    if stop is None:
        stop = most if step > 0 else least
    elif stop < 0:
        stop += len(items)
    part = ()
    for i in tl.static_range(min(max(start, least), most), min(max(stop, least), most), step):
        part = part + (items[i],)
    return part


@triton.jit
def around(shape, axis):
    """The elements before an axis, of it and behind it."""
    rank = len(shape)
    tl.static_assert(-rank <= axis and axis < rank, "reduce along an axis that the tile does not have")
    place = axis + rank if axis < 0 else axis
    before, behind = 1, 1
    for i in tl.static_range(rank):
        if i < place:
            before *= shape[i]
        elif i > place:
            behind *= shape[i]
    return before, shape[place], behind


@triton.jit
def as_rows(x, axis):
    """All of x as rows along an axis; none: as one row."""
    if axis is None:
        return tl.reshape(x, (1, x.numel))
    before, width, behind = around(x.shape, axis)
    if behind > 1:
        x = tl.permute(tl.reshape(x, (before, width, behind)), (0, 2, 1))
    return tl.reshape(x, (before * behind, width))


@triton.jit
def without_axis(rows, shape, axis, keep_dims):
    """One number of each row, in the shape that a reduction of this shape leaves."""
    rank = len(shape)
    if axis is None:
        dims = ()
        if keep_dims:
            dims = (1,) * rank
        return tl.reshape(rows, dims)
    dims = ()
    for i in tl.static_range(rank):
        if i != axis and i - rank != axis:
            dims = dims + (shape[i],)
        elif keep_dims:
            dims = dims + (1,)
    return tl.reshape(rows, dims)


@triton.jit
def pairs(rows):
    """Even and odd columns; an odd number of columns cannot be halved."""
    width = rows.shape[1]
    tl.static_assert(width % 2 == 0, "reduce of several tiles needs a power of two along its axis")
    even, odd = tl.split(tl.reshape(rows, (rows.shape[0], width // 2, 2)))
    return even, odd


@triton.jit
def squeeze(x, dim):
    tl.static_assert(x.shape[dim] == 1, "squeeze of a dimension that is not 1")
    return without_axis(x, x.shape, dim, False)


@triton.jit
def column(rows, i):
    chosen = tl.where((tl.arange(0, rows.shape[1]) == i)[None, :], rows, 0)
    return tl.sum(chosen, 1)[:, None].to(rows.dtype)


@triton.jit
def reduce(input, axis, combine_fn, keep_dims=False):
    """Neighbours are combined pair by pair until one is left: in order, so the function need not commute. Columns whose number is
    no power of two go one after the other."""
    if not isinstance(input, tl.tuple):
        rows = as_rows(input, axis)
        if rows.shape[1] & (rows.shape[1] - 1) != 0:
            whole = column(rows, 0)
            for i in tl.static_range(1, rows.shape[1]):
                whole = combine_fn(whole, column(rows, i))
            return without_axis(whole, input.shape, axis, keep_dims)
        while rows.shape[1] > 1:
            even, odd = pairs(rows)
            rows = combine_fn(even, odd)
        return without_axis(rows, input.shape, axis, keep_dims)
    tl.static_assert(len(input) == 2 or len(input) == 3, "reduce of more than three tiles is not supported")
    if len(input) == 2:
        first, second = input
        a, b = as_rows(first, axis), as_rows(second, axis)
        while a.shape[1] > 1:
            a_even, a_odd = pairs(a)
            b_even, b_odd = pairs(b)
            a, b = combine_fn(a_even, b_even, a_odd, b_odd)
        return without_axis(a, first.shape, axis, keep_dims), without_axis(b, first.shape, axis, keep_dims)
    first, second, third = input
    a, b, c = as_rows(first, axis), as_rows(second, axis), as_rows(third, axis)
    while a.shape[1] > 1:
        a_even, a_odd = pairs(a)
        b_even, b_odd = pairs(b)
        c_even, c_odd = pairs(c)
        a, b, c = combine_fn(a_even, b_even, c_even, a_odd, b_odd, c_odd)
    return (
        without_axis(a, first.shape, axis, keep_dims),
        without_axis(b, first.shape, axis, keep_dims),
        without_axis(c, first.shape, axis, keep_dims),
    )


@triton.jit
def _log2(i):
    """Of a power of two that is known."""
    result = 0
    while i > 1:
        i = i // 2
        result += 1
    return result


@triton.jit
def _promote_reduction_input(t):
    if t.dtype == tl.bfloat16:
        return t.to(tl.float32)
    return t


@triton.jit
def maximum_nan(x, y):
    """Not a number where either is none."""
    return tl.where(x != x, x, tl.where(y != y, y, tl.maximum(x, y)))


@triton.jit
def minimum_nan(x, y):
    return tl.where(x != x, x, tl.where(y != y, y, tl.minimum(x, y)))


@triton.jit
def clamp_nan(x, min, max):
    """Not a number where any of the three is none."""
    return minimum_nan(maximum_nan(x, min), max)


@triton.jit
def get_int_dtype(bitwidth, signed):
    if bitwidth == 1:
        return tl.int1
    if bitwidth == 8:
        return tl.int8 if signed else tl.uint8
    if bitwidth == 16:
        return tl.int16 if signed else tl.uint16
    if bitwidth == 32:
        return tl.int32 if signed else tl.uint32
    return tl.int64 if signed else tl.uint64


@triton.jit
def from_e2m1(code):
    """Floats of four bits: a sign, two of exponent, one of mantissa."""
    exponent = ((code >> 1) & 3).to(tl.float32)
    part = (code & 1).to(tl.float32) * 0.5
    size = tl.where(exponent == 0.0, part, (1.0 + part) * tl.exp2(exponent - 1.0))
    return tl.where((code & 8) != 0, -size, size)


@triton.jit
def scaled_rows(x, scale, format):
    """Rows of narrow floats times a power of two for each group of them; the narrow ones of four bits lie two in a byte."""
    if format == "e2m1":
        x = interleave(from_e2m1(x & 15), from_e2m1(x >> 4))
    elif x.dtype == tl.uint8:
        if format == "e4m3":
            x = x.to(tl.float8e4nv, bitcast=True)
        else:
            x = x.to(tl.float8e5, bitcast=True)
    if scale is None:
        return x
    rows, width = x.shape
    groups = scale.shape[1]
    power = tl.exp2(scale.to(tl.float32) - 127.0)
    grouped = tl.reshape(x.to(tl.float32), (rows, groups, width // groups))
    return tl.reshape(grouped * power[:, :, None], (rows, width))


@triton.jit
def dot_scaled(lhs, lhs_scale, lhs_format, rhs, rhs_scale, rhs_format, acc=None, fast_math=False, lhs_k_pack=True, rhs_k_pack=True,
               out_dtype=tl.float32):  # fmt: skip
    """Both sides in 16 bits, which hold what narrow floats and powers of two give."""
    tl.static_assert(lhs_k_pack and rhs_k_pack, "dot_scaled is supported of operands that are packed along K")
    dtype = tl.bfloat16
    if lhs_format == "fp16" or rhs_format == "fp16":
        dtype = tl.float16
    a = scaled_rows(lhs, lhs_scale, lhs_format).to(dtype)
    b = tl.trans(scaled_rows(tl.trans(rhs), rhs_scale, rhs_format)).to(dtype)
    return tl.dot(a, b, acc, out_dtype=out_dtype)
