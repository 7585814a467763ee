# SPDX-License-Identifier: Apache-2.0
"""What kernels that torch.compile generates call in torch._inductor.runtime.triton_helpers, under its names with inductor_ before."""

import triton
import triton.language as tl
from library import maximum_nan, minimum_nan, reduce
from library_order import halves, pasted


@triton.jit
def inductor_promote_to_tensor(x):
    return x


@triton.jit
def inductor_is_floating(x):
    return x.dtype.is_floating()


@triton.jit
def inductor_maximum(a, b):
    return maximum_nan(a, b)


@triton.jit
def inductor_minimum(a, b):
    return minimum_nan(a, b)


@triton.jit
def inductor_max2(a, dim):
    return reduce(a, dim, maximum_nan)


@triton.jit
def inductor_min2(a, dim):
    return reduce(a, dim, minimum_nan)


@triton.jit
def larger_first(a, a_index, b, b_index):
    """What is no number is larger than all; of equals the one with the smaller index."""
    takes_a = (a > b) | ((a != a) & (b == b))
    is_tie = (a == b) | ((a != a) & (b != b))
    takes_a = takes_a | (is_tie & (a_index < b_index))
    return tl.where(takes_a, a, b), tl.where(takes_a, a_index, b_index)


@triton.jit
def smaller_first(a, a_index, b, b_index):
    takes_a = (a < b) | ((a != a) & (b == b))
    is_tie = (a == b) | ((a != a) & (b != b))
    takes_a = takes_a | (is_tie & (a_index < b_index))
    return tl.where(takes_a, a, b), tl.where(takes_a, a_index, b_index)


@triton.jit
def inductor_maximum_with_index(a_value, a_index, b_value, b_index):
    return larger_first(a_value, a_index, b_value, b_index)


@triton.jit
def inductor_minimum_with_index(a_value, a_index, b_value, b_index):
    return smaller_first(a_value, a_index, b_value, b_index)


@triton.jit
def inductor_max_with_index(value, index, dim):
    return reduce((value, index), dim, larger_first)


@triton.jit
def inductor_min_with_index(value, index, dim):
    return reduce((value, index), dim, smaller_first)


@triton.jit
def either_is_true(a, b):
    return a | b


@triton.jit
def inductor_any(a, dim):
    return reduce(a, dim, either_is_true)


@triton.jit
def times(a, b):
    return a * b


@triton.jit
def inductor_prod(input, axis):
    return reduce(input, axis, times)


@triton.jit
def inductor_div_floor_integer(a, b):
    """Rounds down where C rounds towards 0."""
    quotient = a // b
    return tl.where(((a < 0) != (b < 0)) & (a % b != 0), quotient - 1, quotient)


@triton.jit
def inductor_remainder_integer(a, b):
    rest = a % b
    return tl.where((rest != 0) & ((rest < 0) != (b < 0)), rest + b, rest)


@triton.jit
def inductor_randint64(seed, offset, low, high):
    """64 bits of Philox, folded into a range."""
    first, second, _, _ = tl.randint4x(seed, offset)
    bits = first.to(tl.uint64) | (second.to(tl.uint64) << 32)
    size = high - low
    return (bits % size.to(tl.uint64)).to(tl.int64) + low


@triton.jit
def inductor_bucketize_binary_search(values, boundaries_ptr, boundaries_size, boundaries_underlying_numel, boundaries_stride,
                                     boundary_indices, indexing_dtype, right, sorter_ptr, sorter_stride, sorter_indices):  # fmt: skip
    """How many boundaries lie below each value (with `right`, or are it): all are compared, no address depends on a value."""
    tl.static_assert(sorter_ptr is None, "bucketize with a sorter is not supported")
    count = tl.zeros(values.shape, tl.int32)
    for i in range(boundaries_size):
        boundary = tl.load(boundaries_ptr + boundary_indices + i * boundaries_stride)
        if right:
            count += (boundary <= values).to(tl.int32)
        else:
            count += (boundary < values).to(tl.int32)
    return count.to(indexing_dtype)


@triton.jit
def inductor_welford_reduce(value, mean, m2, weight, first_iteration):
    """One more value for each mean and sum of squared distances."""
    if first_iteration:
        return value, tl.zeros_like(m2), tl.full(weight.shape, 1, weight.dtype)
    delta = value - mean
    new_weight = weight + 1
    new_mean = mean + delta / new_weight
    return new_mean, m2 + delta * (value - new_mean), new_weight


@triton.jit
def inductor_welford_combine(mean_1, m2_1, weight_1, mean_2, m2_2, weight_2):
    delta = mean_2 - mean_1
    weight = weight_1 + weight_2
    share = tl.where(weight == 0.0, 0.0, weight_2 / weight)
    return mean_1 + delta * share, m2_1 + m2_2 + delta * delta * weight_1 * share, weight


@triton.jit
def inductor_welford(mean, m2, weight, dim):
    return reduce((mean, m2, weight), dim, inductor_welford_combine)


@triton.jit
def inductor_online_softmax_combine(lhs_max, lhs_sum, rhs_max, use_fast_math):
    """One more value for each maximum and sum of exponentials."""
    largest = maximum_nan(lhs_max, rhs_max)
    is_nowhere = largest == float("-inf")
    before = tl.where(is_nowhere, 1.0, tl.exp(lhs_max - largest))
    return largest, lhs_sum * before + tl.where(is_nowhere, 1.0, tl.exp(rhs_max - largest))


@triton.jit
def inductor_online_softmax_reduce(lhs_max, lhs_sum, dim, use_fast_math):
    largest = reduce(lhs_max, dim, maximum_nan)
    kept = tl.expand_dims(largest, dim)
    shift = tl.where(kept == float("-inf"), 0.0, tl.exp(lhs_max - kept))
    return largest, tl.sum(lhs_sum * shift, dim)


@triton.jit
def goes_first(a, a_index, b, b_index, descending):
    """Equals stay in order, and what is no number counts as larger than all."""
    is_less = (a < b) | ((b != b) & (a == a))
    is_more = (b < a) | ((a != a) & (b == b))
    if descending:
        first = is_more
        last = is_less
    else:
        first = is_less
        last = is_more
    return first | ((last == 0) & (a_index < b_index))


@triton.jit
def inductor_sort_with_index(x, idx, rnumel, dim, stable, descending):
    """Bitonic, along the last dimension of rows; places from rnumel on stay behind the others."""
    rows, width = x.shape
    numel = rows * width
    index = tl.broadcast_to(idx, (rows, width)).to(tl.int32)
    order = index
    if rnumel is not None:
        order = tl.where(index < rnumel, index, index + width)
    x, order = tl.reshape(x, (numel,)), tl.reshape(order, (numel,))
    run = 2
    while run <= width:
        half = run // 2
        while half >= 1:
            shape = (numel // half, half)
            low, high = halves(tl.reshape(x, shape))
            low_order, high_order = halves(tl.reshape(order, shape))
            first = goes_first(low, low_order, high, high_order, descending)
            if rnumel is not None:
                low_is_in, high_is_in = low_order < width, high_order < width
                first = (low_is_in & (high_is_in == 0)) | ((low_is_in == high_is_in) & first)
            place = tl.arange(0, numel // (2 * half)) * (2 * half) % width
            rises = (((place // run) % 2) == 0)[:, None]
            keeps = first == rises
            x = pasted(tl.where(keeps, low, high), tl.where(keeps, high, low))
            order = pasted(tl.where(keeps, low_order, high_order), tl.where(keeps, high_order, low_order))
            half = half // 2
        run = run * 2
    order = tl.reshape(order, (rows, width))
    if rnumel is not None:
        order = tl.where(order < width, order, order - width)
    return tl.reshape(x, (rows, width)), order.to(idx.dtype)
