# SPDX-License-Identifier: Apache-2.0
"""Random numbers as Triton has them: the counter-based generator Philox 4x32 with ten rounds, keyed by a seed."""

import triton
import triton.language as tl


@triton.jit
def umulhi(x, y):
    """The upper half of a product of unsigned numbers of 32 or 64 bits; of signed ones, the same bits."""
    bits = x.dtype.primitive_bitwidth
    tl.static_assert(bits >= 32, "umulhi is supported of integers of 32 and 64 bits")
    if bits == 32:
        wide = x.to(tl.uint32, bitcast=True).to(tl.uint64) * y.to(tl.uint32, bitcast=True).to(tl.uint64)
        return (wide >> 32).to(tl.uint32).to(x.dtype, bitcast=True)
    a, b = x.to(tl.uint64, bitcast=True), y.to(tl.uint64, bitcast=True)
    a_low, b_low, a_high, b_high = a & 0xFFFFFFFF, b & 0xFFFFFFFF, a >> 32, b >> 32
    across = a_high * b_low + ((a_low * b_low) >> 32)
    other = a_low * b_high + (across & 0xFFFFFFFF)
    return (a_high * b_high + (across >> 32) + (other >> 32)).to(x.dtype, bitcast=True)


@triton.jit
def philox_impl(c0, c1, c2, c3, k0, k1, n_rounds: tl.constexpr = 10):
    for _ in tl.static_range(n_rounds):
        even = tl.full((), 0xD2511F53, tl.uint64) * c0.to(tl.uint64)
        odd = tl.full((), 0xCD9E8D57, tl.uint64) * c2.to(tl.uint64)
        c0 = (odd >> 32).to(tl.uint32) ^ c1 ^ k0
        c2 = (even >> 32).to(tl.uint32) ^ c3 ^ k1
        c1 = odd.to(tl.uint32)
        c3 = even.to(tl.uint32)
        k0 = k0 + tl.full((), 0x9E3779B9, tl.uint32)
        k1 = k1 + tl.full((), 0xBB67AE85, tl.uint32)
    return c0, c1, c2, c3


@triton.jit
def philox(seed, c0, c1, c2, c3, n_rounds: tl.constexpr = 10):
    key = tl.cast(seed, tl.uint64)
    low = (key & 0xFFFFFFFF).to(tl.uint32)
    high = (key >> 32).to(tl.uint32)
    return philox_impl(tl.cast(c0, tl.uint32), tl.cast(c1, tl.uint32), tl.cast(c2, tl.uint32), tl.cast(c3, tl.uint32), low, high, n_rounds)


@triton.jit
def randint4x(seed, offset, n_rounds: tl.constexpr = 10):
    """Four unsigned integers of 32 bits for each offset."""
    wide = tl.cast(offset, tl.int64)
    low = (wide & 0xFFFFFFFF).to(tl.uint32)
    zero = low * 0
    high = zero
    if offset.dtype.primitive_bitwidth == 64:
        high = (wide >> 32).to(tl.uint32)
    return philox(seed, low, high, zero, zero, n_rounds)


@triton.jit
def randint(seed, offset, n_rounds: tl.constexpr = 10):
    first, _, _, _ = randint4x(seed, offset, n_rounds)
    return first


@triton.jit
def uint_to_uniform_float(x):
    """From 0 to less than 1."""
    signed = x.to(tl.int32, bitcast=True)
    return tl.where(signed < 0, -signed - 1, signed).to(tl.float32) * 4.6566127342e-10


@triton.jit
def rand(seed, offset, n_rounds: tl.constexpr = 10):
    return uint_to_uniform_float(randint(seed, offset, n_rounds))


@triton.jit
def rand4x(seed, offsets, n_rounds: tl.constexpr = 10):
    a, b, c, d = randint4x(seed, offsets, n_rounds)
    return uint_to_uniform_float(a), uint_to_uniform_float(b), uint_to_uniform_float(c), uint_to_uniform_float(d)


@triton.jit
def pair_uniform_to_normal(u1, u2):
    """Box and Muller's."""
    radius = tl.sqrt(-2.0 * tl.log(tl.maximum(u1, 1.0e-7)))
    angle = 6.283185307179586 * u2
    return radius * tl.cos(angle), radius * tl.sin(angle)


@triton.jit
def randn(seed, offset, n_rounds: tl.constexpr = 10):
    a, b, _, _ = randint4x(seed, offset, n_rounds)
    first, _ = pair_uniform_to_normal(uint_to_uniform_float(a), uint_to_uniform_float(b))
    return first


@triton.jit
def randn4x(seed, offset, n_rounds: tl.constexpr = 10):
    u1, u2, u3, u4 = rand4x(seed, offset, n_rounds)
    n1, n2 = pair_uniform_to_normal(u1, u2)
    n3, n4 = pair_uniform_to_normal(u3, u4)
    return n1, n2, n3, n4
