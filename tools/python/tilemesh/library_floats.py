# SPDX-License-Identifier: Apache-2.0
"""Functions of libdevice that look at the bits of f32 numbers, round them or step from one to the next. All are exact."""

import triton
import triton.language as tl
from library_math import isfinited, rint, round, signbit


@triton.jit
def float_as_int(x):
    return x.to(tl.int32, bitcast=True)


@triton.jit
def float_as_uint(x):
    return x.to(tl.uint32, bitcast=True)


@triton.jit
def int_as_float(x):
    return x.to(tl.float32, bitcast=True)


@triton.jit
def uint_as_float(x):
    return x.to(tl.float32, bitcast=True)


@triton.jit
def power_of_two(n):
    """For n from -126 to 127."""
    return int_as_float((n + 127) << 23)


@triton.jit
def parts(x):
    """A number from 1 to 2 with the sign of x, and the exponent n: their product m 2^n is x, if that is finite and not 0."""
    is_small = tl.abs(x) < 1.1754943508222875e-38
    bits = float_as_int(tl.where(is_small, x * 16777216.0, x))
    exponent = ((bits >> 23) & 255) - tl.where(is_small, 151, 127)
    return int_as_float((bits & -2139095041) | 1065353216), exponent


@triton.jit
def ldexp(x, n):
    """x 2^n, rounded once where that is no normal number."""
    part, exponent = parts(x.to(tl.float32))
    whole = exponent + tl.maximum(tl.minimum(n, 512), -512)
    first = tl.maximum(tl.minimum(whole, 127), -126)
    second = tl.maximum(tl.minimum(whole - first, 127), -126)
    found = part * power_of_two(first) * power_of_two(second)
    return tl.where((x == 0.0) | (isfinited(x) == 0), x, found.to(x.dtype))


@triton.jit
def logb(x):
    _, exponent = parts(x)
    return tl.where(x == 0.0, float("-inf"), tl.where(isfinited(x), exponent.to(tl.float32), x * x))


@triton.jit
def ilogb(x):
    """Of 0 and of what is no number the least integer, of infinities the largest."""
    _, exponent = parts(x)
    rest = tl.where(tl.abs(x) == float("inf"), 2147483647, -2147483648)
    return tl.where(isfinited(x) & (x != 0.0), exponent, rest)


@triton.jit
def nextafter(x, y):
    """Floats of one sign are in the order of their bits."""
    bits = float_as_int(x)
    away = (y > x) == (x > 0.0)
    step = int_as_float(tl.where(away, bits + 1, bits - 1))
    least = int_as_float(tl.where(signbit(y), -2147483647, 1))
    found = tl.where(x == y, y, tl.where(x == 0.0, least, step))
    return tl.where((x != x) | (y != y), x + y, found)


@triton.jit
def saturatef(x):
    """From 0 to 1; what is no number becomes 0."""
    return tl.where(x > 0.0, tl.minimum(x, 1.0), 0.0)


@triton.jit
def fdim(x, y):
    return tl.where(x <= y, 0.0, x - y)


@triton.jit
def remainder(x, y):
    """x - n y for the whole n that is nearest to x / y, of two the even one (IEEE 754). Within 2 y it is a matter of halves."""
    size, step = tl.abs(x), tl.abs(y)
    rest = size % (step + step)
    less = rest - step
    found = tl.where(rest + rest <= step, rest, tl.where(less + less >= step, less - step, less))
    return tl.where(signbit(x), -found, found)


@triton.jit
def rcp_rn(x):
    return 1.0 / x


@triton.jit
def float2int_rn(x):
    return rint(x).to(tl.int32)


@triton.jit
def float2int_rz(x):
    return x.to(tl.int32)


@triton.jit
def float2int_ru(x):
    return tl.ceil(x).to(tl.int32)


@triton.jit
def float2int_rd(x):
    return tl.floor(x).to(tl.int32)


@triton.jit
def float2uint_rn(x):
    return rint(x).to(tl.uint32)


@triton.jit
def float2uint_rz(x):
    return x.to(tl.uint32)


@triton.jit
def float2uint_ru(x):
    return tl.ceil(x).to(tl.uint32)


@triton.jit
def float2uint_rd(x):
    return tl.floor(x).to(tl.uint32)


@triton.jit
def float2ll_rz(x):
    """In 64 bits what is no number becomes the least one; in 32 bits 0."""
    return tl.where(x == x, x.to(tl.int64), -9223372036854775808)


@triton.jit
def float2ll_rn(x):
    return float2ll_rz(rint(x))


@triton.jit
def float2ll_ru(x):
    return float2ll_rz(tl.ceil(x))


@triton.jit
def float2ll_rd(x):
    return float2ll_rz(tl.floor(x))


@triton.jit
def llround(x):
    return float2ll_rz(round(x))


@triton.jit
def int2float_rn(x):
    return x.to(tl.float32)
