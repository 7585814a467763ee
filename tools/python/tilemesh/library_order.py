# SPDX-License-Identifier: Apache-2.0
"""Scans, sorting and what else moves elements along a dimension: log2 steps over neighbouring blocks, a power of two of them."""

import triton
import triton.language as tl
from library import around, as_rows, reduce


@triton.jit
def halves(x):
    """Even and odd rows."""
    blocks, size = x.shape
    tl.static_assert(blocks % 2 == 0, "a scan or sort needs a power of two along its axis")
    even, odd = tl.split(tl.permute(tl.reshape(x, (blocks // 2, 2, size)), (0, 2, 1)))
    return even, odd


@triton.jit
def pasted(even, odd):
    """Each even row with its odd one behind it."""
    blocks, size = even.shape
    return tl.reshape(tl.permute(tl.join(even, odd), (0, 2, 1)), (blocks, 2 * size))


@triton.jit
def as_column(x, axis):
    rows = as_rows(x, axis)
    return tl.reshape(rows, (x.numel, 1))


@triton.jit
def from_rows(rows, shape, axis):
    """The reverse of as_rows."""
    before, width, behind = around(shape, axis)
    if behind > 1:
        rows = tl.permute(tl.reshape(rows, (before, behind, width)), (0, 2, 1))
    return tl.reshape(rows, shape)


@triton.jit
def scan_1(x, axis, combine_fn, reverse):
    a = as_column(x, axis)
    a_all = a
    while a.shape[1] < x.shape[axis]:
        size = (a.shape[0] // 2, a.shape[1])
        a_even, a_odd = halves(a)
        a_first, a_last = halves(a_all)
        if reverse:
            a_even = combine_fn(tl.broadcast_to(a_last, size), a_even)
            a_all = combine_fn(a_last, a_first)
        else:
            a_odd = combine_fn(tl.broadcast_to(a_first, size), a_odd)
            a_all = combine_fn(a_first, a_last)
        a = pasted(a_even, a_odd)
    return from_rows(a, x.shape, axis)


@triton.jit
def halves_of_each(tiles):
    even, odd = (), ()
    for i in tl.static_range(len(tiles)):
        first, last = halves(tiles[i])
        even, odd = even + (first,), odd + (last,)
    return even, odd


@triton.jit
def scan_of_several(input, axis, combine_fn, reverse):
    shape, count = input[0].shape, len(input)
    tiles = ()
    for i in tl.static_range(count):
        tiles = tiles + (as_column(input[i], axis),)
    all = tiles
    while tiles[0].shape[1] < shape[axis]:
        even, odd = halves_of_each(tiles)
        first, last = halves_of_each(all)
        wide = ()
        for i in tl.static_range(count):
            wide = wide + (tl.broadcast_to(last[i] if reverse else first[i], even[0].shape),)
        if reverse:
            even = combine_fn(*(wide + even))
            all = combine_fn(*(last + first))
        else:
            odd = combine_fn(*(wide + odd))
            all = combine_fn(*(first + last))
        tiles = ()
        for i in tl.static_range(count):
            tiles = tiles + (pasted(even[i], odd[i]),)
    scanned = ()
    for i in tl.static_range(count):
        scanned = scanned + (from_rows(tiles[i], shape, axis),)
    return scanned


@triton.jit
def associative_scan(input, axis, combine_fn, reverse=False):
    if not isinstance(input, tl.tuple):
        return scan_1(input, axis, combine_fn, reverse)
    if len(input) == 1:
        return (scan_1(input[0], axis, combine_fn, reverse),)
    return scan_of_several(input, axis, combine_fn, reverse)


@triton.jit
def plus(a, b):
    return a + b


@triton.jit
def cumsum_either(input, axis=0, reverse=False):
    if not reverse:
        return tl.cumsum(input, axis)
    if input.dtype == tl.bfloat16:
        input = input.to(tl.float32)
    elif input.dtype.is_int() and input.dtype.primitive_bitwidth < 32:
        input = input.to(tl.uint32 if input.dtype.is_int_unsigned() else tl.int32)
    return scan_1(input, axis, plus, True)


@triton.jit
def product(a, b):
    return a * b


@triton.jit
def cumprod(input, axis=0, reverse=False):
    if input.dtype == tl.bfloat16:
        input = input.to(tl.float32)
    return scan_1(input, axis, product, reverse)


@triton.jit
def flip(x, dim=None):
    axis = dim
    if dim is None:
        axis = len(x.shape) - 1
    a = as_column(x, axis)
    while a.shape[1] < x.shape[axis]:
        even, odd = halves(a)
        a = pasted(odd, even)
    return from_rows(a, x.shape, axis)


@triton.jit
def swapped(low, high, swaps):
    return pasted(tl.where(swaps, high, low), tl.where(swaps, low, high))


@triton.jit
def sorted_rows(x, width, descending):
    """Bitonic: of each pair of elements that lie `half` apart, the smaller goes first where the run that they belong to rises. What is
    no number is neither smaller nor larger, and goes somewhere."""
    numel = x.numel
    run = 2
    while run <= width:
        half = run // 2
        while half >= 1:
            low, high = halves(tl.reshape(x, (numel // half, half)))
            place = tl.arange(0, numel // (2 * half)) * (2 * half) % width
            rises = (((place // run) % 2) == 0)[:, None]
            if descending:
                rises = rises == 0
            x = swapped(low, high, (low > high) == rises)
            half = half // 2
        run = run * 2
    return tl.reshape(x, (numel // width, width))


@triton.jit
def bitonic_merge(x, dim=None, descending=False):
    """Sorts rows that rise and then fall, or the other way."""
    rank, width = len(x.shape), x.shape[len(x.shape) - 1]
    tl.static_assert(dim is None or dim == rank - 1 or dim == -1, "bitonic_merge is supported along the last dimension")
    rows, half = x, width // 2
    while half >= 1:
        low, high = halves(tl.reshape(rows, (x.numel // half, half)))
        if descending:
            rows = swapped(low, high, low < high)
        else:
            rows = swapped(low, high, low > high)
        half = half // 2
    return tl.reshape(rows, x.shape)


@triton.jit
def sort(x, dim=None, descending=False):
    rank = len(x.shape)
    tl.static_assert(dim is None or dim == rank - 1 or dim == -1, "sort is supported along the last dimension")
    return tl.reshape(sorted_rows(x, x.shape[rank - 1], descending), x.shape)


@triton.jit
def topk(x, k, dim=None):
    """The k largest of the last dimension, the largest first; k is a power of two."""
    rank = len(x.shape)
    tl.static_assert(dim is None or dim == rank - 1 or dim == -1, "topk is supported along the last dimension")
    width = x.shape[rank - 1]
    rows = sorted_rows(x, width, True)
    count = x.numel // width
    while width > k:
        width = width // 2
        rows, _ = halves(tl.reshape(rows, (2 * count, width)))
    dims = ()
    for i in tl.static_range(rank - 1):
        dims = dims + (x.shape[i],)
    return tl.reshape(rows, dims + (k,))


@triton.jit
def either(a, b):
    return a ^ b


@triton.jit
def xor_sum(input, axis=None, keep_dims=False):
    return reduce(input, axis, either, keep_dims)


@triton.jit
def any_of(a, b):
    return a | b


@triton.jit
def reduce_or(input, axis=None, keep_dims=False):
    return reduce(input, axis, any_of, keep_dims)


@triton.jit
def histogram(input, num_bins, mask=None):
    """Every element is compared with every bin."""
    is_in = input[:, None] == tl.arange(0, num_bins)[None, :]
    if mask is not None:
        is_in = is_in & mask[:, None]
    return tl.sum(is_in.to(tl.int32), 0)


@triton.jit
def gather(src, index, axis):
    """Every index is compared with every place."""
    place = tl.arange(0, src.shape[axis])
    if len(src.shape) == 1:
        return tl.sum(tl.where(index[:, None] == place[None, :], src[None, :], 0), 1).to(src.dtype)
    tl.static_assert(len(src.shape) == 2, "gather from three dimensions is not supported")
    if axis == 1 or axis == -1:
        return tl.sum(tl.where(index[:, :, None] == place[None, None, :], src[:, None, :], 0), 2).to(src.dtype)
    return tl.sum(tl.where(index[:, None, :] == place[None, :, None], src[None, :, :], 0), 1).to(src.dtype)
