# SPDX-License-Identifier: Apache-2.0
"""Special functions of libdevice, of f32. Their polynomials are interpolations at Chebyshev's points of what each docstring names, good
to 2e-8 or better; formulas are those of the Handbook of Mathematical Functions (Abramowitz and Stegun 1964) where it says AS. A sum
or product whose rounding would show in an exponential is kept as two numbers, the second what the first is short of (Dekker 1971).
Units of the last place that the result is off by, measured over all of each function's domain: at most 2 where nothing else is said."""

import triton
import triton.language as tl
from library_floats import float_as_int, int_as_float, parts, power_of_two
from library_math import cbrt, isinf, rint


@triton.jit
def polynomial(x, factors):
    """By Horner's rule, the highest power's factor first."""
    found = factors[0]
    for i in tl.static_range(1, len(factors)):
        found = found * x + factors[i]
    return found


@triton.jit
def exact_sum(a, b):
    """The rounded sum, and what it is short of (Knuth's Art of Computer Programming, 4.2.2)."""
    whole = a + b
    taken = whole - a
    return whole, (a - (whole - taken)) + (b - taken)


@triton.jit
def exact_product(a, b):
    """Halves of 12 bits have exact products."""
    a_high, b_high = int_as_float(float_as_int(a) & -4096), int_as_float(float_as_int(b) & -4096)
    a_low, b_low = a - a_high, b - b_high
    whole = a * b
    return whole, ((a_high * b_high - whole) + a_high * b_low + a_low * b_high) + a_low * b_low


@triton.jit
def exp_of(high, low, factor, rest_of_factor):
    """(factor + its rest) e^(high + low), whose last rounding is one where it is no normal number: 2^n e^rest, ln 2 in two parts."""
    high = tl.where(high > 174.0, 174.0, tl.where(high < -174.0, -174.0, high))
    n = rint(high * 1.4426950408889634)
    rest = (high - n * 0.693359375) + (low + n * 2.1219444005469058e-4)
    factors = (1.9841270e-4, 1.3888889e-3, 8.3333333e-3, 4.1666667e-2, 0.16666667, 0.5)
    grown = rest + rest * rest * polynomial(rest, factors)
    whole = n.to(tl.int32)
    half = whole >> 1
    return (factor + (rest_of_factor + factor * grown)) * power_of_two(half) * power_of_two(whole - half)


@triton.jit
def log_of(x):
    """In two parts, off by 1e-9: x = 2^n m, and of m from 0.7 to 1.4 it is 2 artanh(s), s = (m - 1) / (m + 1) (AS 4.1.27)."""
    part, exponent = parts(x)
    is_upper = part > 1.4142135623730951
    m = tl.where(is_upper, part * 0.5, part)
    n = tl.where(is_upper, exponent + 1, exponent).to(tl.float32)
    below, below_rest = exact_sum(m - 1.0, 2.0)
    s = (m - 1.0) / below
    product, product_rest = exact_product(s, below)
    s_rest = (((m - 1.0 - product) - product_rest) - s * below_rest) / below
    z = s * s
    series = s * z * polynomial(z, (0.18181818, 0.22222222, 0.28571429, 0.4, 0.66666667))
    high, low = exact_sum(n * 0.693359375, 2.0 * s)
    return exact_sum(high, low + (2.0 * s_rest + series - n * 2.1219444005469058e-4))


@triton.jit
def log_gamma_from_3(x):
    """In two parts, for x from 3 to 1e8: (x - 1/2) log x - x + log(2 pi) / 2 + 1 / 12 x - ... (AS 6.1.41)."""
    log_high, log_low = log_of(x)
    product, product_rest = exact_product(x - 0.5, log_high)
    high, low = exact_sum(product, -x)
    high, rest = exact_sum(high, 0.9189385175704956)
    r = 1.0 / x
    factors = (-1.9175269e-3, 8.4175084e-4, -5.9523810e-4, 7.9365079e-4, -2.7777778e-3, 8.3333333e-2)
    series = r * polynomial(r * r, factors)
    return exact_sum(high, low + rest + (product_rest + (x - 0.5) * log_low + (series + 1.5634177e-8)))


@triton.jit
def rcbrt(x):
    return 1.0 / cbrt(x)


@triton.jit
def rhypot(x, y):
    """Of numbers whose squares are floats, as they are or times a power of two."""
    size, other = tl.abs(x), tl.abs(y)
    large, small = tl.maximum(size, other), tl.minimum(size, other)
    scale = tl.where(large > 1125899906842624.0, 7.888609052210118e-31, 1.0)
    scale = tl.where(large < 8.881784197001252e-16, 1.2676506002282294e30, scale)
    a, b = large * scale, small * scale
    found = scale / tl.sqrt(a * a + b * b)
    is_none = (x != x) | (y != y)
    return tl.where(isinf(x) | isinf(y), 0.0, tl.where(is_none, x + y, found))


@triton.jit
def sinpi(x):
    """sin(pi x), by the distance to the nearest whole number, at which it has the sign of x as libdevice has it."""
    near = rint(x)
    is_odd = tl.floor(near * 0.5) * 2.0 != near
    found = tl.sin((x - near) * 3.141592653589793)
    return tl.where(x == near, x * 0.0, tl.where(is_odd, -found, found))


@triton.jit
def cospi(x):
    """cos(pi x) = sin(pi (1/2 - d)), d the distance to the nearest even number."""
    away = tl.abs(x - 2.0 * rint(x * 0.5))
    return tl.sin((0.5 - away) * 3.141592653589793)


@triton.jit
def exact_quotient(x, shift, factors, last):
    """t times a polynomial of t = (x - 2) / (x + 2), and `last`, over x + shift, in two parts; the second is 0 where x is huge."""
    size = tl.minimum(x, 1.0e9)
    t = (size - 2.0) / (size + 2.0)
    above, above_rest = exact_sum(t * polynomial(t, factors), last)
    below, below_rest = exact_sum(x, shift)
    found = above / below
    product, product_rest = exact_product(found, below)
    rest = (((above - product) - product_rest) + (above_rest - found * below_rest)) / below
    return found, tl.where(x < 1.0e9, rest, 0.0)


@triton.jit
def erfcx_from_0(x):
    """e^(x^2) erfc(x) for x >= 0, in two parts: times x + 3/4, which is nearly flat at 0 and far away, it is the polynomial."""
    factors = (
        -1.12762854e-05, 2.68464079e-05, 0.000114884083, -0.000138149677, -0.000719396265, 0.000364914366, 0.00414993575,
        -0.00226061632, -0.0261768165, 0.0622801445, -0.0226006489, -0.153178346,
    )  # fmt: skip
    return exact_quotient(x, 0.75, factors, 0.70233811)


@triton.jit
def square_of(x):
    """In two parts, of numbers up to 20 (of 20 for those above it)."""
    size = tl.abs(x)
    size = tl.where(size > 20.0, 20.0, size)
    return exact_product(size, size)


@triton.jit
def erfc(x):
    """1 - erf(x) where that takes nothing away."""
    high, low = square_of(x)
    scaled, rest = erfcx_from_0(tl.abs(x))
    far = exp_of(-high, -low, scaled, rest)
    return tl.where(x < 0.25, 1.0 - tl.erf(x), far)


@triton.jit
def erfcx(x):
    """e^(x^2) erfc(x); below 0 by erfc(-x) = 2 - erfc(x), with up to 3 units."""
    high, low = square_of(x)
    scaled, rest = erfcx_from_0(tl.abs(x))
    return tl.where(x < 0.0, exp_of(high, low, 2.0, 0.0) - (scaled + rest), scaled + rest)


@triton.jit
def normcdf(x):
    """erfc(-x / sqrt 2) / 2. Below -1/2 it is e^(-x^2 / 2) times what has, as in erfcx_from_0, a polynomial of its own."""
    high, low = square_of(x)
    factors = (
        2.29079417e-05, -1.11058518e-06, -0.000150240899, -0.000118459753, 0.000374980923, 0.000870121959, 9.72294316e-05,
        -0.00316241599, -0.0051604752, 0.00883026247, 0.0347380677, -0.0612532648, -0.0804513297,
    )  # fmt: skip
    scaled, rest = exact_quotient(tl.abs(x), 1.0, factors, 0.504306005)
    tail = exp_of(-0.5 * high, -0.5 * low, scaled, rest)
    return tl.where(x < -0.5, tail, 0.5 + 0.5 * tl.erf(x * 0.7071067811865476))


@triton.jit
def inverse_erf(x, product):
    """Of x, with 1 - x^2 as it is: a polynomial of w = -log(1 - x^2) up to 5, then two of its root (as Giles
    2010 divides it) times x. Off by up to 3 units."""
    w = -tl.log(product)
    root = tl.sqrt(w)
    factors = (
        4.35114731e-10, -1.96176992e-08, 3.35509392e-07, -2.6466169e-06, 6.35440589e-06, 3.93698798e-05, -0.000120543474,
        -0.00233963111, 0.0115507473, 0.232013496, 0.886226929,
    )  # fmt: skip
    centre = polynomial(w, factors)
    factors = (
        0.000126222213, -0.000316625127, -7.25479668e-05, 0.00149324593, -0.00358911828, 0.00568417826, -0.00763896971,
        0.00944556287, 1.00167506, 2.8329768,
    )  # fmt: skip
    side = polynomial(root - 3.0, factors)
    factors = (
        -2.13263929e-09, 3.45627444e-08, -2.4774187e-07, 1.19782848e-06, -5.28485606e-06, 2.12529839e-05, -4.29163371e-05,
        -0.000472501393, 1.00960508, 5.85991309,
    )  # fmt: skip
    far = polynomial(root - 6.0, factors)
    return x * tl.where(w < 5.0, centre, tl.where(root < 4.0, side, far))


@triton.jit
def erfinv(x):
    found = inverse_erf(x, (1.0 - x) * (1.0 + x))
    return tl.where(tl.abs(x) == 1.0, x * float("inf"), found)


@triton.jit
def erfcinv(x):
    found = inverse_erf(1.0 - x, x * (2.0 - x))
    return tl.where(x == 0.0, float("inf"), tl.where(x == 2.0, float("-inf"), found))


@triton.jit
def normcdfinv(x):
    """Off by up to 3 units."""
    return -1.4142135623730951 * erfcinv(2.0 * x)


@triton.jit
def lgamma(x):
    """log |gamma(x)|. From -1/2 to 3 by polynomials of log(gamma(1 + z)) / z and log(gamma(2 + z)) / z, then Stirling's series, off
    by up to 4 units; below by the reflection at 0 (AS 6.1.17), off by up to 4 units of the larger part of that difference."""
    is_mirrored = x < -0.5
    w = tl.where(is_mirrored, -x, x)
    is_low, is_middle = w < 0.5, w < 1.5
    z = w - tl.where(is_low, 0.0, tl.where(is_middle, 1.0, 2.0))
    factors = (
        -0.177397393, 0.17742839, -0.0231619455, 0.0362746793, -0.103388305, 0.109883774, -0.109795786, 0.124456055, -0.144151475,
        0.16961446, -0.207382291, 0.270579448, -0.400685674, 0.822467043, -0.577215665,
    )  # fmt: skip
    lower = polynomial(z, factors)
    factors = (
        -1.84486465e-05, 9.0781439e-05, -0.000236030006, 0.00051976594, -0.00119166715, 0.00288813469, -0.00738541201, 0.020581008,
        -0.0673523159, 0.322467029, 0.422784335,
    )  # fmt: skip
    upper = polynomial(z, factors)
    near = z * tl.where(is_middle, lower, upper)
    near = near + tl.where(is_low, -tl.log(tl.abs(w)), 0.0)
    high, low = log_gamma_from_3(tl.minimum(tl.maximum(w, 3.0), 1.0e8))
    far = tl.where(w < 1.0e8, high + low, w * (tl.log(tl.abs(w)) - 1.0))
    found = tl.where(w < 3.0, near, far)
    mirrored = tl.log(3.141592653589793 / (w * tl.abs(sinpi(w)))) - found
    is_pole = (x <= 0.0) & (tl.floor(x) == x)
    return tl.where(is_pole, float("inf"), tl.where(is_mirrored, mirrored, found))


@triton.jit
def tgamma(x):
    """From -1/2 to 3 by a polynomial of 1 / gamma(1 + z), then the exponential of Stirling's series; below by the reflection at 0
    (AS 6.1.17), with up to 4 units."""
    is_mirrored = x < -0.5
    w = tl.where(is_mirrored, -x, x)
    is_low, is_middle = w < 0.5, w < 1.5
    z = w - tl.where(is_low, 0.0, tl.where(is_middle, 1.0, 2.0))
    above = tl.where(is_middle, 1.0, w - 1.0)
    factors = (
        7.37792238e-05, -0.000179666131, -0.00114681621, 0.00719383367, -0.00962123698, -0.0421924127, 0.166537933, -0.042003065,
        -0.655878023, 0.577215675, 1.0,
    )  # fmt: skip
    below = polynomial(z, factors) * tl.where(is_low, w, 1.0)
    high, low = log_gamma_from_3(tl.minimum(tl.maximum(w, 3.0), 50.0))
    mirror = -3.141592653589793 / (w * sinpi(w))
    near = tl.where(is_mirrored, mirror * below, above) / tl.where(is_mirrored, above, below)
    far = exp_of(tl.where(is_mirrored, -high, high), tl.where(is_mirrored, -low, low), tl.where(is_mirrored, mirror, 1.0), 0.0)
    found = tl.where(w < 3.0, near, far)
    is_none = (x != x) | (is_mirrored & (tl.floor(x) == x))
    return tl.where(is_none, float("nan"), found)


@triton.jit
def cyl_bessel_i0(x):
    """Of the first kind, of order 0: the sum of (x^2 / 4)^k / k!^2 (AS 9.6.12); from 5 on e^x / sqrt(x) times a polynomial of 1 / x
    (AS 9.7.1). Off by up to 3 units."""
    size = tl.abs(x)
    square, rest = exact_product(0.5 * tl.minimum(size, 5.0), 0.5 * tl.minimum(size, 5.0))
    factors = (
        6.27608135e-16, 7.59405843e-14, 7.59405843e-12, 6.15118733e-10, 3.93675989e-08, 1.92901235e-06, 6.94444444e-05,
        0.00173611111, 0.0277777778, 0.25, 1.0, 1.0,
    )  # fmt: skip
    near = polynomial(square, factors)
    near = near + rest * near / (1.0 + 0.5 * tl.minimum(size, 5.0))
    large = tl.maximum(size, 5.0)
    factors = (
        -91.4058887, 45.9482958, -6.72706971, 0.387296313, 0.0678072089, 0.0265817809, 0.0281343547, 0.0498669345, 0.398942282,
    )  # fmt: skip
    far = exp_of(large, large * 0.0, polynomial(1.0 / large, factors) / tl.sqrt(large), 0.0)
    return tl.where(size < 5.0, near, tl.where(isinf(x), size, tl.where(x != x, x, far)))
