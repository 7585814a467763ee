# SPDX-License-Identifier: Apache-2.0
"""Kernels that look at bits, in many dimensions, and merge what they store."""

import triton
import triton.language as tl
from triton.language import core


@triton.jit
def exponents(x_ptr, bits_ptr, power_ptr, back_ptr, BLOCK: tl.constexpr):
    """The bits of each float, its power of two, and itself again."""
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at)
    bits = x.to(core.get_int_dtype(bitwidth=x.dtype.primitive_bitwidth, signed=True), bitcast=True)
    tl.store(bits_ptr + at, bits)
    tl.store(power_ptr + at, (((bits & 0x7F800000) >> 23) - 127).to(tl.float32))
    tl.store(back_ptr + at, (~(bits ^ -1)).to(x.dtype, bitcast=True))


@triton.jit
def nibbles(x_ptr, packed_ptr, again_ptr, BLOCK: tl.constexpr):
    """Two numbers in a byte, and out of it."""
    at = tl.arange(0, BLOCK)
    code = (tl.clamp(tl.load(x_ptr + at), -8.0, 7.0) + 8.0).to(tl.uint8)
    low, high = tl.split(tl.reshape(code, (BLOCK // 2, 2)))
    packed = low | (high << 4)
    tl.store(packed_ptr + tl.arange(0, BLOCK // 2), packed)
    tl.store(again_ptr + at, tl.interleave(packed & 15, packed >> 4).to(tl.float32) - 8.0)


@triton.jit
def hashed(x_ptr, y_ptr, BLOCK: tl.constexpr):
    """Products that need all 32 bits, of numbers that commands compute."""
    at = tl.arange(0, BLOCK)
    x = tl.floor(tl.load(x_ptr + at) * 1000.0).to(tl.int32)
    x = (x ^ (x >> 7)) * 0x45D9F3B
    tl.store(y_ptr + at, x + tl.max(x, 0))


@triton.jit
def blocked(x_ptr, turned_ptr, sum_ptr, scaled_ptr, A: tl.constexpr, B: tl.constexpr, C: tl.constexpr, D: tl.constexpr, E: tl.constexpr):
    """Five dimensions: turned around, reduced along one, and broadcast against another."""
    a, b, c = tl.arange(0, A)[:, None, None, None, None], tl.arange(0, B)[None, :, None, None, None], tl.arange(0, C)[None, None, :, None, None]
    d, e = tl.arange(0, D)[None, None, None, :, None], tl.arange(0, E)
    x = tl.load(x_ptr + (((a * B + b) * C + c) * D + d) * E + e)
    tl.static_assert(len(x.shape) == 5 and x.shape[3] == D)
    turned = tl.permute(x, (0, 3, 2, 1, 4))
    tl.store(turned_ptr + tl.arange(0, A * B * C * D * E), tl.reshape(turned, (A * B * C * D * E,)))
    tl.store(sum_ptr + tl.arange(0, A * B * D * E), tl.reshape(tl.sum(x, 2), (A * B * D * E,)))
    largest = tl.max(tl.abs(x), 4, keep_dims=True)
    scaled = tl.where(largest == 0.0, 0.0, x / largest)
    tl.store(scaled_ptr + (((a * B + b) * C + c) * D + d) * E + e, scaled, mask=(d < D) & (e < E))


@triton.jit
def merged(x_ptr, i_ptr, largest_ptr, least_ptr, seen_ptr, odd_ptr, BLOCK: tl.constexpr, SLOTS: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x, i = tl.load(x_ptr + at), tl.load(i_ptr + at)
    tl.atomic_max(largest_ptr + i % SLOTS, x)
    tl.atomic_min(least_ptr + i % SLOTS, i, sem="relaxed")
    tl.atomic_or(seen_ptr + i % SLOTS, 1 << (i % 7))
    tl.atomic_xor(odd_ptr + i % SLOTS, i, mask=i > 3)


@triton.jit
def chosen(x_ptr, y_ptr, BLOCK: tl.constexpr):
    """Of two numbers, by a number that only commands know."""
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at)
    largest = tl.max(tl.abs(x), 0)
    scale = 1.0 if largest == 0 else 2.0 / largest
    tl.store(y_ptr + at, x * scale)


@triton.jit
def none_passes(x_ptr, y_ptr, z_ptr, largest_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at)
    tl.store(y_ptr + at, tl.maximum(x, 0.0, propagate_nan=tl.PropagateNan.ALL))
    tl.store(z_ptr + at, tl.maximum(x, 0.0))
    tl.store(largest_ptr, tl.max(x, 0))


@triton.jit
def from_the_end(x_ptr, y_ptr, ROWS: tl.constexpr, BLOCK: tl.constexpr, REVERSE: tl.constexpr):
    at = tl.arange(0, ROWS)[:, None] * BLOCK + tl.arange(0, BLOCK)[None, :]
    tl.store(y_ptr + at, tl.cumsum(tl.load(x_ptr + at), axis=0, reverse=REVERSE))


@triton.jit
def scaled_product(a_ptr, a_scale_ptr, b_ptr, b_scale_ptr, c_ptr, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    """Floats of four bits, two in a byte, times 8-bit ones."""
    m, n, g = tl.arange(0, M), tl.arange(0, N), tl.arange(0, K // 32)
    a = tl.load(a_ptr + m[:, None] * (K // 2) + tl.arange(0, K // 2)[None, :])
    b = tl.load(b_ptr + tl.arange(0, K)[:, None] * N + n[None, :])
    a_scale, b_scale = tl.load(a_scale_ptr + m[:, None] * (K // 32) + g[None, :]), tl.load(b_scale_ptr + n[:, None] * (K // 32) + g[None, :])
    tl.store(c_ptr + m[:, None] * N + n[None, :], tl.dot_scaled(a, a_scale, "e2m1", b, b_scale, "e4m3"))


@triton.jit
def wrong_in_a_function(x_ptr, BLOCK: tl.constexpr):
    x = tl.load(x_ptr + tl.arange(0, BLOCK))
    tl.store(x_ptr + tl.arange(0, BLOCK), tl.sort(tl.join(x, x), 0))


@triton.jit
def merged_halves(x_ptr, y_ptr, bits_ptr, BLOCK: tl.constexpr):
    """A rising run, then a falling one, become one; bits as whatever is as wide."""
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at)
    tl.store(y_ptr + at, tl.bitonic_merge(x, descending=True))
    width: tl.constexpr = x.dtype.primitive_bitwidth
    tl.store(bits_ptr + at, x.to(tl.dtype(f"uint{width}"), bitcast=True))


@triton.jit
def first_or_last(a, b):
    return a * 0.5 + b


def odd_width(x, y, *, tl):
    rows = tl.load(x, (4, 5), "f32")
    tl.store(y, tl.reduce(rows, 1, first_or_last))
