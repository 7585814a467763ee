# SPDX-License-Identifier: Apache-2.0
"""Functions of libdevice that are made of others; in f32, a few units of the last place from the true value."""

import triton
import triton.language as tl
from library import get_int_dtype


@triton.jit
def log1p(x):
    """log(u) x / (u - 1) corrects the rounding of u = 1 + x."""
    u = 1.0 + x
    gained = u - 1.0
    near = tl.log(u) * (x / tl.where(gained == 0.0, 1.0, gained))
    return tl.where(gained == 0.0, x, tl.where(tl.abs(x) < 1.0e6, near, tl.log(u)))


@triton.jit
def expm1(x):
    """Near 0, (u - 1) x / log(u) corrects the rounding of u = exp(x)."""
    u = tl.exp(x)
    is_near = tl.abs(x) < 1.0
    safe = tl.where(is_near & (u != 1.0), u, 2.0)
    return tl.where(is_near, tl.where(u == 1.0, x, (safe - 1.0) * (x / tl.log(safe))), u - 1.0)


@triton.jit
def trunc(x):
    return tl.where(x < 0.0, tl.ceil(x), tl.floor(x))


@triton.jit
def round(x):
    """Halves go away from 0."""
    whole = trunc(x)
    return tl.where(tl.abs(x - whole) >= 0.5, tl.where(x < 0.0, whole - 1.0, whole + 1.0), whole)


@triton.jit
def rint(x):
    """Halves go to the even neighbour; what becomes 0 keeps its sign."""
    below = tl.floor(x)
    part = x - below
    is_even = tl.floor(below * 0.5) * 2.0 == below
    goes_up = (part > 0.5) | ((part == 0.5) & (is_even == 0))
    return tl.where(tl.abs(x) <= 0.5, x * 0.0, tl.where(goes_up, below + 1.0, below))


@triton.jit
def isinf(x):
    return tl.abs(x) == float("inf")


@triton.jit
def isfinited(x):
    return tl.abs(x) < float("inf")


@triton.jit
def signbit(x):
    """Of zeros too, and of what is no number."""
    return x.to(get_int_dtype(x.dtype.primitive_bitwidth, True), bitcast=True) < 0


@triton.jit
def copysign(x, y):
    return tl.where(signbit(y), -tl.abs(x), tl.abs(x))


@triton.jit
def fmod(x, y):
    return x % y


@triton.jit
def exp10(x):
    return tl.exp2(x * 3.3219280948873623)


@triton.jit
def log10(x):
    return tl.log2(x) * 0.30102999566398120


@triton.jit
def cbrt(x):
    size = tl.abs(x)
    is_usual = (size > 0.0) & (size < float("inf"))
    safe = tl.where(is_usual, size, 1.0)
    root = tl.exp2(tl.log2(safe) / 3.0)
    root = root - (root - safe / (root * root)) / 3.0
    return copysign(tl.where(is_usual, root, size), x)


@triton.jit
def hypot(x, y):
    """Of the ratio of both, whose square is a float where theirs may not be."""
    large, small = tl.maximum(tl.abs(x), tl.abs(y)), tl.minimum(tl.abs(x), tl.abs(y))
    ratio = small / tl.where((large > 0.0) & (large < float("inf")), large, 1.0)
    found = large * tl.sqrt(1.0 + ratio * ratio)
    is_none = ((x != x) | (y != y)) & (large < float("inf"))
    return tl.where(is_none, x + y, found)


@triton.jit
def tan(x):
    return tl.sin(x) / tl.cos(x)


@triton.jit
def atan(x):
    """A polynomial below tan(pi/8); above, of 1 - 2 / (x + 1) or -1 / x."""
    size = tl.abs(x)
    is_large = size > 2.414213562373095
    is_middle = (size > 0.4142135623730950) & (size <= 2.414213562373095)
    y = tl.where(is_large, -1.0 / tl.where(is_large, size, 1.0), tl.where(is_middle, (size - 1.0) / (size + 1.0), size))
    start = tl.where(is_large, 1.5707963267948966, tl.where(is_middle, 0.7853981633974483, 0.0))
    z = y * y
    series = (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1) * z * y + y
    return copysign(start + series, x)


@triton.jit
def atan2(y, x):
    below, behind = signbit(y), signbit(x)
    half = tl.where(below, -1.5707963267948966, 1.5707963267948966)
    ratio = y / tl.where(x == 0.0, 1.0, x)
    ratio = tl.where(isinf(x) & isinf(y), tl.where(below == behind, 1.0, -1.0), ratio)
    right = atan(ratio)
    found = tl.where((x == 0.0) & (y != 0.0), half, tl.where(behind, right + 2.0 * half, right))
    return tl.where((x != x) | (y != y), x + y, found)


@triton.jit
def asin(x):
    return atan(x / tl.sqrt((1.0 - x) * (1.0 + x)))


@triton.jit
def acos(x):
    return 2.0 * atan(tl.sqrt((1.0 - x) / (1.0 + x)))


@triton.jit
def half_exp(x):
    """exp(x) / 2, also where exp(x) is no float any more."""
    root = tl.exp(0.5 * x)
    return 0.5 * root * root


@triton.jit
def sinh(x):
    size = tl.abs(x)
    grown = expm1(tl.minimum(size, 20.0))
    found = tl.where(size < 20.0, 0.5 * (grown + grown / (grown + 1.0)), half_exp(size))
    return copysign(found, x)


@triton.jit
def cosh(x):
    size = tl.abs(x)
    return tl.where(size < 20.0, 0.5 * (tl.exp(x) + tl.exp(-x)), half_exp(size))


@triton.jit
def asinh(x):
    """Of large numbers, whose square may be no float, log(2 x)."""
    size = tl.abs(x)
    found = log1p(size + size * size / (1.0 + tl.sqrt(size * size + 1.0)))
    found = tl.where(size < 1.0e9, found, tl.log(size) + 0.6931471805599453)
    return copysign(found, x)


@triton.jit
def acosh(x):
    near = tl.log(x + tl.sqrt(x - 1.0) * tl.sqrt(x + 1.0))
    return tl.where(x < 1.0e9, near, tl.log(x) + 0.6931471805599453)


@triton.jit
def atanh(x):
    return 0.5 * log1p(2.0 * x / (1.0 - x))
