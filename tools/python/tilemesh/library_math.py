# SPDX-License-Identifier: Apache-2.0
"""Functions of libdevice that are made of others; in f32, a few units of the last place from the true value."""

import triton
import triton.language as tl


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
    """Halves go to the even neighbour."""
    below = tl.floor(x)
    part = x - below
    is_even = tl.floor(below * 0.5) * 2.0 == below
    goes_up = (part > 0.5) | ((part == 0.5) & (is_even == 0))
    return tl.where(goes_up, below + 1.0, below)


@triton.jit
def isinf(x):
    return tl.abs(x) == float("inf")


@triton.jit
def isfinited(x):
    return tl.abs(x) < float("inf")


@triton.jit
def signbit(x):
    return (x < 0.0) | (1.0 / x < 0.0)


@triton.jit
def copysign(x, y):
    return tl.where(signbit(y), -tl.abs(x), tl.abs(x))


@triton.jit
def ldexp(x, n):
    """In two steps, as 2^n alone may not be a float."""
    half = n >> 1
    return x * tl.exp2(half.to(tl.float32)) * tl.exp2((n - half).to(tl.float32))


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
    safe = tl.where(size > 0.0, size, 1.0)
    root = tl.exp2(tl.log2(safe) / 3.0)
    root = root - (root - safe / (root * root)) / 3.0
    root = tl.where(size > 0.0, root, 0.0)
    return tl.where(x < 0.0, -root, root)


@triton.jit
def hypot(x, y):
    return tl.sqrt(x * x + y * y)


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
    return tl.where(x < 0.0, -(start + series), start + series)


@triton.jit
def atan2(y, x):
    right = atan(y / tl.where(x == 0.0, 1.0, x))
    half = tl.where(y < 0.0, -1.5707963267948966, 1.5707963267948966)
    upright = tl.where(y == 0.0, y, half)
    return tl.where(x > 0.0, right, tl.where(x < 0.0, right + 2.0 * half, upright))


@triton.jit
def asin(x):
    return atan(x / tl.sqrt((1.0 - x) * (1.0 + x)))


@triton.jit
def acos(x):
    return 2.0 * atan(tl.sqrt((1.0 - x) / (1.0 + x)))


@triton.jit
def sinh(x):
    grown = expm1(tl.abs(x))
    size = 0.5 * (grown + grown / (grown + 1.0))
    return tl.where(x < 0.0, -size, size)


@triton.jit
def cosh(x):
    return 0.5 * (tl.exp(x) + tl.exp(-x))


@triton.jit
def asinh(x):
    size = tl.abs(x)
    found = log1p(size + size * size / (1.0 + tl.sqrt(size * size + 1.0)))
    return tl.where(x < 0.0, -found, found)


@triton.jit
def acosh(x):
    return tl.log(x + tl.sqrt((x - 1.0) * (x + 1.0)))


@triton.jit
def atanh(x):
    return 0.5 * log1p(2.0 * x / (1.0 - x))
