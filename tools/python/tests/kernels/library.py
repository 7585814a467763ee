# SPDX-License-Identifier: Apache-2.0
"""Kernels that call what library*.py has."""

import triton
import triton.language as tl
from somewhere.not_here import exp, tl_extra_module, triton_tanh
from triton.language.extra import libdevice

tan_of = tl_extra_module.tan


@triton.jit
def elementwise(x_ptr, y_ptr, WHICH: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at)
    if WHICH == "log1p":
        y = libdevice.log1p(x)
    elif WHICH == "expm1":
        y = libdevice.expm1(x)
    elif WHICH == "rint":
        y = libdevice.nearbyint(x * 10)
    elif WHICH == "round":
        y = libdevice.round(x * 10)
    elif WHICH == "arctan":
        y = libdevice.atan(x)
    elif WHICH == "arcsin":
        y = libdevice.asin(x)
    elif WHICH == "signbit":
        y = libdevice.signbit(x).to(tl.float32)
    elif WHICH == "tan":
        y = tan_of(x)
    elif WHICH == "tanh":
        y = triton_tanh(x)
    elif WHICH == "cbrt":
        y = libdevice.cbrt(x)
    elif WHICH == "sinh":
        y = libdevice.sinh(x)
    elif WHICH == "cosh":
        y = libdevice.cosh(x)
    elif WHICH == "arcsinh":
        y = libdevice.asinh(x)
    elif WHICH == "arccosh":
        y = libdevice.acosh(x)
    else:
        y = exp(x)
    tl.store(y_ptr + at, y)


@triton.jit
def recurrence(decay, value, later_decay, later_value):
    return decay * later_decay, value * later_decay + later_value


@triton.jit
def scanned(a_ptr, x_ptr, y_ptr, REVERSE: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    _, y = tl.associative_scan((tl.load(a_ptr + at), tl.load(x_ptr + at)), 0, recurrence, reverse=REVERSE)
    tl.store(y_ptr + at, y)


@triton.jit
def latest_largest(x, i, y, j):
    if x > y:
        return x, i
    elif x == y:
        return x, j
    return y, j


@triton.jit
def smaller(a, b):
    return a if a < b else b


@triton.jit
def running_largest(x_ptr, y_ptr, place_ptr, least_ptr, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.arange(0, ROWS)[:, None] * BLOCK + tl.arange(0, BLOCK)[None, :]
    x = tl.load(x_ptr + at)
    y, place = tl.associative_scan((x, at.to(tl.float32)), 1, latest_largest)
    tl.store(y_ptr + at, y)
    tl.store(place_ptr + at, place)
    tl.store(least_ptr + tl.arange(0, ROWS), tl.reduce(x, 1, smaller))


@triton.jit
def ordered(x_ptr, sorted_ptr, flipped_ptr, largest_ptr, product_ptr, BLOCK: tl.constexpr, K: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at)
    tl.store(sorted_ptr + at, tl.sort(x))
    tl.store(flipped_ptr + at, tl.flip(x, 0))
    tl.store(largest_ptr + tl.arange(0, K), tl.topk(x, K))
    tl.store(product_ptr + at, tl.cumprod(x, 0))


@triton.jit
def by_index(x_ptr, i_ptr, y_ptr, counts_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    i = tl.load(i_ptr + at)
    tl.store(y_ptr + at, tl.gather(tl.load(x_ptr + at), i, 0))
    tl.store(counts_ptr + at, tl.histogram(i, BLOCK))


@triton.jit
def random(integers_ptr, y_ptr, normal_ptr, seed, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(integers_ptr + at, tl.randint(seed, at))
    tl.store(y_ptr + at, tl.rand(seed, at))
    tl.store(normal_ptr + at, tl.randn(seed, at))


@triton.jit
def along_an_axis(x_ptr, flipped_ptr, sums_ptr, parity_ptr, AXIS: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at).reshape((2, 4, 8, 2, 2))
    tl.store(flipped_ptr + at, tl.ravel(tl.flip(x, AXIS)))
    tl.store(sums_ptr + at, tl.ravel(tl.cumsum(x, AXIS, reverse=True)))
    parity = tl.ravel(tl.xor_sum(x, AXIS))
    tl.store(parity_ptr + tl.arange(0, parity.numel), parity)


@triton.jit
def largest_of_rows(x_ptr, y_ptr):
    x = tl.load(x_ptr + tl.arange(0, 64)).reshape((2, 4, 8))
    tl.store(y_ptr + tl.arange(0, 16), tl.ravel(tl.topk(x, 2)))


@triton.jit
def upper_halves(x_ptr, y_ptr, z_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(z_ptr + at, tl.umulhi(tl.load(x_ptr + at), tl.load(y_ptr + at)))


@triton.jit
def of_two(x_ptr, y_ptr, z_ptr, WHICH: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x, y = tl.load(x_ptr + at), tl.load(y_ptr + at)
    if WHICH == "hypot":
        z = libdevice.hypot(x, y)
    else:
        z = libdevice.atan2(x, y)
    tl.store(z_ptr + at, z)


@triton.jit
def clamped(x_ptr, low_ptr, y_ptr, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    y = tl.clamp(tl.load(x_ptr + i), tl.load(low_ptr + i), 9.0, propagate_nan=tl.PropagateNan.ALL)
    tl.store(y_ptr + i, y)


@triton.jit
def in_order(a, b):
    if a < b:
        return a, b
    return b, a


@triton.jit
def sign_of(a, b):
    if a < b:
        return -1
    return 1 if a > b else 0


@triton.jit
def of_every_element(x_ptr, y_ptr, low_ptr, high_ptr, sign_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x, y = tl.load(x_ptr + at), tl.load(y_ptr + at)
    low, high = tl.map_elementwise(in_order, x[:, None], y[None, :])
    square = at[:, None] * BLOCK + at[None, :]
    tl.store(low_ptr + square, low)
    tl.store(high_ptr + square, high)
    tl.store(sign_ptr + at, tl.map_elementwise(sign_of, x, y, pack=1))


@triton.jit
def pack_rows(x_ptr, rows_ptr, BLOCK: tl.constexpr):
    row = rows_ptr + tl.program_id(0) * (BLOCK + 4)
    x = tl.load(x_ptr + tl.program_id(0) * BLOCK + tl.arange(0, BLOCK))
    scale = tl.max(tl.abs(x), 0) / 127
    tl.store(row.to(tl.pointer_type(tl.int8)) + tl.arange(0, BLOCK), tl.extra.cuda.libdevice.rint(x / scale).to(tl.int8))
    tl.store((row + BLOCK).to(tl.pointer_type(tl.float32)), scale)


@triton.jit
def unpack_rows(rows_ptr, y_ptr, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    row, at = tl.arange(0, ROWS), tl.arange(0, BLOCK)
    rows = rows_ptr + row * (BLOCK + 4)
    scale = tl.load((rows + BLOCK).to(tl.pointer_type(tl.float32)))
    numbers = tl.load(rows.to(tl.pointer_type(tl.int8))[:, None] + at[None, :])
    tl.store(y_ptr + row[:, None] * BLOCK + at[None, :], numbers * scale[:, None])


@triton.jit
def part_of_tuple(y_ptr, items, START: tl.constexpr, STOP: tl.constexpr, STEP: tl.constexpr):
    part = items[START:STOP:STEP]
    tl.static_assert(len(items[:-1]) == len(items) - 1)
    for i in tl.static_range(len(part)):
        tl.store(y_ptr + i, part[i])
    tl.store(y_ptr + len(part), -1)


@triton.jit
def part_of_tile(x_ptr):
    x = tl.load(x_ptr + tl.arange(0, 8))
    tl.store(x_ptr, x[0:4])


@triton.jit
def boxes(x, rows, out, counts, M, N: tl.constexpr, K: tl.constexpr):
    """Rows that are named, moved to others; the sum of a box where two overlap."""
    one = tl.make_tensor_descriptor(x, [M, N], [N, 1], [1, N // 2])
    to = tl.make_tensor_descriptor(out, shape=[M, N], strides=[N, 1], block_shape=[1, N // 2])
    tl.static_assert(one.block_shape[1] == N // 2 and one.dtype == tl.float32)
    named = tl.load(rows + tl.arange(0, K))
    found = one.gather(named, N // 4)
    to.scatter(found, named - 1, y_offset=one.shape[1] // 2)
    tl.store(to.base, to.strides[0])
    sums = tl.make_tensor_descriptor(counts, [M, N], [N, 1], [4, N // 2])
    sums.atomic_add([0, 1], tl.full((4, N // 2), 2, tl.int32))
    sums.atomic_add([M - 2, 0], tl.full((4, N // 2), 3, tl.int32))
    sums.atomic_max([0, 0], tl.full((4, N // 2), 1, tl.int32))


@triton.jit
def shifted_by(x, scale, by=1.0):
    return x * scale + by


@triton.jit
def spread(x, y, args, N: tl.constexpr, F: tl.constexpr = shifted_by):
    at = tl.arange(0, N)
    tl.store(y + at, F(tl.load(x + at), *args))
    tl.store(y + N + at, shifted_by(tl.load(x + at), *args[:1]))


@triton.jit
def moments(n_a, mean_a, square_a, n_b, mean_b, square_b):
    n, delta = n_a + n_b, mean_b - mean_a
    return n, mean_a + delta * n_b / n, square_a + square_b + delta * delta * n_a * n_b / n


@triton.jit
def running_moments(x, y, N: tl.constexpr, REVERSE: tl.constexpr):
    at = tl.arange(0, N)
    value = tl.load(x + at)
    n, mean, square = tl.associative_scan((tl.full((N,), 1.0, tl.float32), value, tl.zeros((N,), tl.float32)), 0, moments, reverse=REVERSE)
    tl.store(y + at, n)
    tl.store(y + N + at, mean)
    tl.store(y + 2 * N + at, square)


@triton.jit
def in_bounds(a, low, CLAMPS: tl.constexpr = True):
    r, side = a, 0.0
    if a < low:
        r = low
        side -= 1.0
    elif a > 1.0:
        r = a * 0.0
        r += 1.0
        side = r
    if CLAMPS:
        r = r * 2.0
    return r, side


@triton.jit
def later_if_larger(a, b):
    r = a
    if b > a:
        r = b
    return r


@triton.jit
def assigned_by_conditions(x, y, N: tl.constexpr):
    at = tl.arange(0, N)
    value = tl.load(x + at)
    bounded, side = tl.map_elementwise(in_bounds, value, tl.full((N,), -0.5, tl.float32))
    tl.store(y + at, bounded)
    tl.store(y + N + at, side)
    tl.store(y + 2 * N + at, tl.associative_scan(value, 0, later_if_larger))
    tl.store(y + 3 * N + at, tl.reduce(value, 0, later_if_larger))


@triton.jit
def chosen_places(x, y, N: tl.constexpr):
    tl.static_assert(N <= tl.TRITON_MAX_TENSOR_NUMEL)
    at = tl.arange(0, N)
    value = tl.load(tl.where(at < N // 2, x + at, x + N - 1 - at))
    tl.store(y + at, tl.squeeze(tl.unsqueeze(value, 1), 1))
