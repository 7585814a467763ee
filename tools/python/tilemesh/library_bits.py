# SPDX-License-Identifier: Apache-2.0
"""Functions of libdevice on the bits of integers. What a function does to 32 bits is told by Hacker's Delight (Warren 2013),
chapters 2, 5 and 7; each is as long as the operations that it is made of."""

import triton
import triton.language as tl
from library import get_int_dtype
from library_random import umulhi


@triton.jit
def natural(x):
    """The same bits as a number without a sign, of 32 or 64 bits."""
    bits = x.dtype.primitive_bitwidth
    tl.static_assert(bits >= 32, "functions of bits are supported of integers of 32 and 64 bits")
    return x.to(get_int_dtype(bits, False), bitcast=True)


@triton.jit
def popc(x):
    """How many bits are set: sums of pairs, of fours, of bytes; a product adds up the bytes."""
    n = natural(x)
    if x.dtype.primitive_bitwidth == 32:
        n = n - ((n >> 1) & 0x55555555)
        n = (n & 0x33333333) + ((n >> 2) & 0x33333333)
        return ((((n + (n >> 4)) & 0x0F0F0F0F) * 0x01010101) >> 24).to(tl.int32)
    n = n - ((n >> 1) & 0x5555555555555555)
    n = (n & 0x3333333333333333) + ((n >> 2) & 0x3333333333333333)
    return ((((n + (n >> 4)) & 0x0F0F0F0F0F0F0F0F) * 0x0101010101010101) >> 56).to(tl.int32)


@triton.jit
def clz(x):
    """How many zeros lead: all that is not set when everything below the first one is."""
    n = natural(x)
    bits = x.dtype.primitive_bitwidth
    far = 1
    while far < bits:
        n = n | (n >> far)
        far = far * 2
    return bits - popc(n)


@triton.jit
def ffs(x):
    """The place of the last one, from 1; of nothing 0."""
    n = natural(x)
    return tl.where(n == 0, 0, popc(~n & (n - 1)) + 1)


@triton.jit
def brev(x):
    """The last bit first: neighbours change places, then pairs, and so on."""
    n = natural(x)
    if x.dtype.primitive_bitwidth == 32:
        n = ((n >> 1) & 0x55555555) | ((n & 0x55555555) << 1)
        n = ((n >> 2) & 0x33333333) | ((n & 0x33333333) << 2)
        n = ((n >> 4) & 0x0F0F0F0F) | ((n & 0x0F0F0F0F) << 4)
        n = ((n >> 8) & 0x00FF00FF) | ((n & 0x00FF00FF) << 8)
        return ((n >> 16) | (n << 16)).to(x.dtype, bitcast=True)
    n = ((n >> 1) & 0x5555555555555555) | ((n & 0x5555555555555555) << 1)
    n = ((n >> 2) & 0x3333333333333333) | ((n & 0x3333333333333333) << 2)
    n = ((n >> 4) & 0x0F0F0F0F0F0F0F0F) | ((n & 0x0F0F0F0F0F0F0F0F) << 4)
    n = ((n >> 8) & 0x00FF00FF00FF00FF) | ((n & 0x00FF00FF00FF00FF) << 8)
    n = ((n >> 16) & 0x0000FFFF0000FFFF) | ((n & 0x0000FFFF0000FFFF) << 16)
    return ((n >> 32) | (n << 32)).to(x.dtype, bitcast=True)


@triton.jit
def mulhi(x, y):
    """The upper half of a product, with the signs that the numbers have: -1 is 2^n - 1 without one, y times 2^n too much."""
    high = umulhi(x, y)
    if x.dtype.is_int_unsigned():
        return high
    return high - tl.where(x < 0, y, 0) - tl.where(y < 0, x, 0)


@triton.jit
def mul24(x, y):
    """The last 32 bits of the product of the last 24 bits of both, which have a sign."""
    return ((x << 8) >> 8) * ((y << 8) >> 8)


@triton.jit
def umul24(x, y):
    return (x & 0xFFFFFF) * (y & 0xFFFFFF)


@triton.jit
def hadd(x, y):
    """Half of a sum, rounded down, that nowhere overflows."""
    return (x & y) + ((x ^ y) >> 1)


@triton.jit
def rhadd(x, y):
    """Half of a sum, rounded up."""
    return (x | y) - ((x ^ y) >> 1)


@triton.jit
def uhadd(x, y):
    return hadd(natural(x), natural(y)).to(x.dtype, bitcast=True)


@triton.jit
def urhadd(x, y):
    return rhadd(natural(x), natural(y)).to(x.dtype, bitcast=True)


@triton.jit
def sad(x, y, z):
    """The distance of two numbers, and a third one."""
    return (tl.where(x > y, x - y, y - x) + z).to(x.dtype)


@triton.jit
def byte_perm(x, y, s):
    """Four of the eight bytes of x and y; bits 0 to 2, 4 to 6, 8 to 10 and 12 to 14 of s say which."""
    low, high, which = natural(x), natural(y), natural(s)
    found = low & 0
    for i in tl.static_range(4):
        byte = (which >> (4 * i)) & 7
        word = tl.where(byte < 4, low, high)
        found = found | (((word >> ((byte & 3) * 8)) & 0xFF) << (8 * i))
    return found.to(x.dtype, bitcast=True)
