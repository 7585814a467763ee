# SPDX-License-Identifier: Apache-2.0
"""Kernels in the manner of those that torch.compile generates: what they call in triton_helpers."""

import triton
import triton.language as tl

from torch._inductor.runtime import triton_helpers, triton_heuristics
from torch._inductor.runtime.triton_helpers import libdevice, math as tl_math

triton_helpers.set_driver_to_gpu()


@triton_heuristics.reduction(size_hints={"x": 8}, filename=__file__)
@triton.jit
def statistics(in_ptr0, out_ptr0, out_ptr1, out_ptr2, out_ptr3, xnumel, rnumel, XBLOCK: tl.constexpr, RBLOCK: tl.constexpr):
    """Mean, variance, largest with its place, and the sum of exponentials of each row, block by block."""
    x = tl.program_id(0) * XBLOCK + tl.arange(0, XBLOCK)[:, None]
    base = tl.arange(0, RBLOCK)[None, :]
    mean, m2, weight = tl.zeros([XBLOCK, RBLOCK], tl.float32), tl.zeros([XBLOCK, RBLOCK], tl.float32), tl.zeros([XBLOCK, RBLOCK], tl.float32)
    best, place = tl.full([XBLOCK, RBLOCK], float("-inf"), tl.float32), tl.full([XBLOCK, RBLOCK], 9223372036854775807, tl.int64)
    largest, total = tl.full([XBLOCK, RBLOCK], float("-inf"), tl.float32), tl.zeros([XBLOCK, RBLOCK], tl.float32)
    for offset in tl.range(0, rnumel, RBLOCK):
        r = offset + base
        mask = (r < rnumel) & (x < xnumel)
        value = tl.load(in_ptr0 + x * rnumel + r, mask, other=0.0)
        next_mean, next_m2, next_weight = triton_helpers.welford_reduce(value, mean, m2, weight, offset == 0)
        mean, m2, weight = tl.where(mask, next_mean, mean), tl.where(mask, next_m2, m2), tl.where(mask, next_weight, weight)
        next_best, next_place = triton_helpers.maximum_with_index(best, place, value, r)
        best, place = tl.where(mask, next_best, best), tl.where(mask, next_place, place)
        next_largest, next_total = triton_helpers.online_softmax_combine(largest, total, value, False)
        largest, total = tl.where(mask, next_largest, largest), tl.where(mask, next_total, total)
    mean, m2, weight = triton_helpers.welford(mean, m2, weight, 1)
    best, place = triton_helpers.max_with_index(best, place, 1)
    largest, total = triton_helpers.online_softmax_reduce(largest, total, 1, False)
    tl.store(out_ptr0 + x, mean[:, None], x < xnumel)
    tl.store(out_ptr1 + x, (m2 / weight)[:, None], x < xnumel)
    tl.store(out_ptr2 + x, place[:, None], x < xnumel)
    tl.store(out_ptr3 + x, tl_math.log(total)[:, None] + libdevice.abs(best)[:, None], x < xnumel)


@triton.jit
def in_order(in_ptr0, out_ptr0, out_ptr1, out_ptr2, XBLOCK: tl.constexpr, RBLOCK: tl.constexpr, DESCENDING: tl.constexpr):
    at = tl.arange(0, XBLOCK)[:, None] * RBLOCK + tl.arange(0, RBLOCK)[None, :]
    x = tl.load(in_ptr0 + at)
    places = tl.broadcast_to(tl.arange(0, RBLOCK)[None, :].to(tl.int16), [XBLOCK, RBLOCK])
    x, places = triton_helpers.sort_with_index(x, places, None, 1, stable=True, descending=DESCENDING)
    tl.store(out_ptr0 + at, x)
    tl.store(out_ptr1 + at, places.to(tl.int64))
    tl.store(out_ptr2 + tl.arange(0, XBLOCK), triton_helpers.prod(tl.where(x > 1.0, 1.0, x), 1))


@triton.jit
def between(in_ptr0, in_ptr1, out_ptr0, out_ptr1, COUNT: tl.constexpr, XBLOCK: tl.constexpr):
    at = tl.arange(0, XBLOCK)
    x = tl.load(in_ptr0 + at)
    tl.store(out_ptr0 + at, triton_helpers.bucketize_binary_search(x, in_ptr1, COUNT, COUNT, 1, 0, tl.int64, False, None, None, None))
    whole = (x * 10.0).to(tl.int32)
    tl.store(out_ptr1 + at, triton_helpers.div_floor_integer(whole, 3) * 100 + triton_helpers.remainder_integer(whole, 3))
