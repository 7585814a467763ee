# SPDX-License-Identifier: Apache-2.0
"""Functions of libdevice beside Python's integers and floats of 64 bits: exact ones to the bit, others within units of the last place."""

import math
import unittest

from support import HERE, error, triton
from test_launch import needs_command, needs_numpy, numpy
import tilemesh as tm

FILE = str(HERE / "kernels" / "libdevice.py")
INF, NAN = math.inf, math.nan
ENDS = [0.0, -0.0, 1e-45, -1e-45, 1e-40, -1e-40, 1.1754944e-38, 3e-38, 3.4e38, -3.4e38, INF, -INF, NAN, 1.0, -1.0, 2.0, -2.0, 3.0,
        -3.0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.49999997, -0.49999997, 8388607.5, -8388607.5, 16777216.0, 3e9, -3e9, 1e19, -1e19]  # fmt: skip


def launch(name, args, grid=(1,), **constants):
    tm.launch((FILE, name), grid, args, constants=constants, machine="cube_line8")


def units(found, expected):
    """How many units of the last place of f32 each number is off; what must be an infinity, a zero of one sign or none is, or is off for ever."""
    expected = numpy.array(expected, "f8")
    with numpy.errstate(all="ignore"):
        nearest = expected.astype("f4")
        unit = numpy.maximum(numpy.exp2(numpy.floor(numpy.log2(abs(expected))) - 23), 2.0**-149)
        off = abs(found.astype("f8") - expected) / unit
    special = numpy.isnan(nearest) | numpy.isinf(nearest) | (expected == 0)
    same = (numpy.isnan(found) & numpy.isnan(nearest)) | ((found == nearest) & (numpy.signbit(found) == numpy.signbit(nearest)))
    return numpy.where(special, numpy.where(same, 0.0, INF), numpy.where(numpy.isnan(off), INF, off))


def none_if_wrong(function):
    def guarded(*arguments):
        try:
            return function(*arguments)
        except ValueError:
            return NAN
        except OverflowError:
            return INF

    return guarded


def erfcx(x):
    if x < 20:
        return math.exp(x * x) * math.erfc(x)
    return (1 - 0.5 / x**2 + 0.75 / x**4) / (x * math.sqrt(math.pi)) if x < INF else 0.0 if x == INF else NAN


def erfcinv(x):
    """By bisection of what has its digits near the ends."""
    if not 0 < x < 2:
        return INF if x == 0 else -INF if x == 2 else NAN
    if x > 1:
        return -erfcinv(2 - x)
    low, high = 0.0, 11.0
    for _ in range(70):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erfc(middle) > x else (low, middle)
    return low


def erfinv(x):
    if x == 0:
        return x
    if abs(x) > 0.25:
        return math.copysign(erfcinv(1 - abs(x)), x)
    y = x * math.sqrt(math.pi) / 2
    for _ in range(6):
        y += (x - math.erf(y)) * math.sqrt(math.pi) / 2 * math.exp(y * y)
    return y


def cyl_bessel_i0(x):
    if not abs(x) < 100:
        return abs(x) if x != x else INF
    total, term = 0.0, 1.0
    for k in range(1, 200):
        total, term = total + term, term * (x * x / 4) / (k * k)
    return total


def sinpi(x):
    part = math.fmod(x, 2)
    return math.copysign(0.0, x) if part == math.floor(part) else math.sin(math.pi * part)


def cospi(x):
    part = abs(math.fmod(x, 2))
    return 0.0 if part in (0.5, 1.5) else math.cos(math.pi * part)


def lgamma(x):
    return INF if x == math.floor(x) <= 0 else math.lgamma(x)


def tgamma(x):
    if x == 0:
        return math.copysign(INF, x)
    return math.copysign(0.0, math.fmod(math.floor(x), 2) + 0.5) if -INF < x < -100 and x != math.floor(x) else math.gamma(x)


def rcbrt(x):
    return math.copysign(INF if x == 0 else abs(x) ** (-1 / 3), x)


# The rows of the kernel `special`, with the units that their docstrings allow.
SPECIAL = {"erfc": (math.erfc, 2), "erfcx": (erfcx, 3), "erfinv": (erfinv, 3), "erfcinv": (erfcinv, 3),
           "normcdf": (lambda x: 0.5 * math.erfc(-x / math.sqrt(2)), 2), "normcdfinv": (lambda x: -math.sqrt(2) * erfcinv(2 * x), 3),
           "lgamma": (lgamma, 4), "tgamma": (tgamma, 4), "cyl_bessel_i0": (cyl_bessel_i0, 3), "sinpi": (sinpi, 2), "cospi": (cospi, 2),
           "rcbrt": (rcbrt, 2)}  # fmt: skip


@needs_command
@needs_numpy
class Libdevice(unittest.TestCase):
    def test_bits_of_integers(self):
        for dtype in ("i4", "u4", "i8", "u8"):
            bits = numpy.dtype(dtype).itemsize * 8
            every, top = (1 << bits) - 1, 1 << (bits - 1)
            numbers = [0, 1, every, top, top - 1, top >> 1, 0x12345678, 6] + [(7 * i**9 + 0x9E3779B97F4A7C15 * i) >> i & every for i in range(8)]
            pairs = [(a, b) for a in numbers for b in numbers]
            x, y = (numpy.array(side, f"u{bits // 8}").view(dtype) for side in zip(*pairs))
            typed = [(int(a), int(b)) for a, b in zip(x, y)]
            expected = [
                [int(f"{a:0{bits}b}"[::-1], 2) for a, _ in pairs],
                [a * b >> bits for a, b in typed],
                [(a + b) >> 1 for a, b in typed],
                [(a + b + 1) >> 1 for a, b in typed],
                [(a + b) >> 1 for a, b in pairs],
                [(a + b + 1) >> 1 for a, b in pairs],
                [abs(a - b) + b if bits == 32 else 0 for a, b in typed],
            ]
            places = [[a.bit_count() for a, _ in pairs], [bits - a.bit_length() for a, _ in pairs], [(a & -a).bit_length() for a, _ in pairs]]
            for computed in (False, True):
                with self.subTest(dtype, computed=computed):
                    z, found = numpy.zeros((7, 256), dtype), numpy.zeros((3, 256), "i4")
                    launch("of_bits", [x, y, z, found], BLOCK=256, IS_COMPUTED=computed)
                    numpy.testing.assert_array_equal(found, places)
                    masked = numpy.array([[n & every for n in row] for row in expected], f"u{bits // 8}")
                    numpy.testing.assert_array_equal(z.view(masked.dtype), masked)

    def test_products_of_24_bits_and_bytes(self):
        numbers = [0, 1, 0xFFFFFFFF, 0x800000, 0x7FFFFF, 0x12345678, 0x89ABCDEF, 0xFEDC7654]
        x, y = (numpy.array(side, "u4") for side in zip(*((a, b) for a in numbers for b in numbers)))
        z = numpy.zeros((3, 64), "i4")
        launch("of_32_bits", [x.view("i4"), y.view("i4"), z], BLOCK=64)
        for i, (a, b) in enumerate(zip(x.tolist(), y.tolist())):
            signed = [(n & 0xFFFFFF) - ((n & 0x800000) << 1) for n in (a, b)]
            self.assertEqual(int(z[0, i]) & 0xFFFFFFFF, signed[0] * signed[1] & 0xFFFFFFFF)
            self.assertEqual(int(z[1, i]) & 0xFFFFFFFF, (a & 0xFFFFFF) * (b & 0xFFFFFF) & 0xFFFFFFFF)
            which, each = a ^ (int(y.view("i4")[i]) >> 3), (a | b << 32).to_bytes(8, "little")
            chosen = bytes(each[which >> 4 * k & 7] for k in range(4))
            self.assertEqual(int(z[2, i]) & 0xFFFFFFFF, int.from_bytes(chosen, "little"))

    def test_bits_and_roundings_of_floats(self):
        x = numpy.zeros(64, "f4")
        x[: len(ENDS)] = ENDS
        x[-30:] = numpy.random.default_rng(5).standard_normal(30) * 10.0 ** numpy.arange(-15, 15)
        x[-1] = -numpy.float32(NAN)
        z, i, wide = numpy.zeros((6, 64), "f4"), numpy.zeros((8, 64), "i4"), numpy.zeros((4, 64), "i8")
        launch("of_floats", [x, z, i, wide], BLOCK=64)
        number = [float(n) for n in x]
        exponent = [math.frexp(n)[1] - 1 for n in number]
        expected = [
            [min(n, 1.0) if n > 0 else 0.0 for n in number],
            [-INF if n == 0 else abs(n) if not abs(n) < INF else e for n, e in zip(number, exponent)],
            numpy.rint(x.astype("f8")),
        ]
        for row, right in enumerate(expected):
            numpy.testing.assert_array_equal(units(z[row], right), numpy.zeros(64))
        for row in (3, 4):
            numpy.testing.assert_array_equal(z[row].view("u4"), x.view("u4"))
        numpy.testing.assert_allclose(z[5], numpy.tanh(x.astype("f8")), rtol=4e-7)
        numpy.testing.assert_array_equal(numpy.signbit(z[5])[:-1], numpy.signbit(x)[:-1])

        def whole(round_, least, most, none):
            return [none if n != n else least if n < least else most if n > most else int(round_(n)) for n in number]

        least, most = -(2**31), 2**31 - 1
        ilogb = [least if n == 0 or n != n else most if abs(n) == INF else e for n, e in zip(number, exponent)]
        bits = x.view("i4").tolist()
        signs = [int(b < 0) for b in bits]
        rounded = [whole(f, least, most, 0) for f in (round, math.trunc, math.ceil, math.floor)]
        natural = numpy.array(whole(round, 0, 2**32 - 1, 0), "u4").view("i4")
        numpy.testing.assert_array_equal(i, [ilogb, *rounded, signs, natural, bits])
        away = lambda n: math.copysign(math.floor(abs(n) + 0.5), n)  # noqa: E731
        numpy.testing.assert_array_equal(wide, [whole(f, -(2**63), 2**63 - 1, -(2**63)) for f in (round, away, math.ceil, math.floor)])

    def test_two_floats(self):
        x, y = (side.ravel().copy() for side in numpy.meshgrid(numpy.array(ENDS[:32], "f4"), numpy.array(ENDS[:32], "f4")))
        x[::7] *= numpy.float32(0.12345678)
        n = (numpy.arange(1024, dtype="i4") * 37 % 601) - 300
        n[:4] = 2**31 - 1, -(2**31), 2**30, 0
        z = numpy.zeros((7, 1024), "f4")
        launch("of_two_floats", [x, y, n, z], BLOCK=1024)
        pairs = [(float(a), float(b)) for a, b in zip(x, y)]
        ldexp = none_if_wrong(lambda a, b: math.ldexp(a, max(min(int(b), 999), -999)))
        ldexp_signed = lambda a, b: math.copysign(ldexp(a, b), a) if a == a else NAN  # noqa: E731
        with numpy.errstate(all="ignore"):
            expected = [
                [NAN if a != a or b != b else 0.0 if a <= b else a - b for a, b in pairs],
                [none_if_wrong(math.remainder)(a, b) for a, b in pairs],
                numpy.nextafter(x, y),
                [0.0 if INF in (abs(a), abs(b)) else INF if a == b == 0 else 1 / math.hypot(a, b) for a, b in pairs],
                [ldexp_signed(a, b) for (a, _), b in zip(pairs, n)],
                [ldexp_signed(a, -30) for a, _ in pairs],
                (x * y + x) - y,
            ]
        for row, right in enumerate(expected):
            with self.subTest(row):
                self.assertLessEqual(units(z[row], right).max(), 2 if row == 3 else 0.5)

    def test_numbers_that_are_known_and_narrow_floats(self):
        z = numpy.zeros(8, "f4")
        launch("of_numbers", [2.5, 7, z])
        expected = [math.erfc(2.5), math.gamma(2.5), 320, 3, -2.5, 1, 2, 0x40200000]
        numpy.testing.assert_allclose(z, expected, rtol=2e-7)
        x, z = numpy.array([1, -2, 0.0, -0.0], "f2"), numpy.zeros((2, 4), "f4")
        launch("signs_of_narrow_floats", [x, z], BLOCK=4)
        numpy.testing.assert_array_equal(z[0], [2, -1, 1, -1])
        numpy.testing.assert_array_equal(units(z[1], x.astype("f8") * 8), numpy.zeros(4))

    def test_special_functions(self):
        draw = numpy.random.default_rng(6)
        x = numpy.zeros(2048, "f4")
        x[:600], x[600:1100], x[1100:1500] = draw.uniform(-45, 45, 600), draw.uniform(-3, 3, 500), draw.uniform(0, 1, 400)
        x[1500:1700], x[1700:1950] = 1 - numpy.exp2(draw.uniform(-24, -1, 200)), numpy.exp2(draw.uniform(-149, 127, 250))
        x[1700:1950:3] *= -1
        x[1950:] = draw.uniform(40, 95, 98)
        x[1950 : 1950 + len(ENDS)] = ENDS
        z = numpy.zeros((len(SPECIAL), 2048), "f4")
        launch("special", [x, z], grid=(8,), BLOCK=256)
        for found, (name, (function, allowed)) in zip(z, SPECIAL.items()):
            with self.subTest(name):
                expected = numpy.array([NAN if n != n else none_if_wrong(function)(float(n)) for n in x])
                off = units(found, expected)
                if name == "lgamma":  # a difference there, of parts that are larger than it
                    below = (x < -0.5) & (x > -100) & (x != numpy.floor(x))
                    parts = numpy.array([math.lgamma(-n) for n in x[below].astype("f8")])
                    larger = numpy.maximum(abs(parts), abs(parts + expected[below]))
                    self.assertTrue((abs(found[below] - expected[below]) <= 4 * numpy.spacing(larger.astype("f4"))).all())
                    off[below] = 0
                self.assertLessEqual(off.max(), allowed, f"at {x[off.argmax()]}: {found[off.argmax()]}, not {expected[off.argmax()]}")


class Unknown(unittest.TestCase):
    def test_what_is_not_there_is_not_taken_for_something_else(self):
        cases = {
            "add_rz": "tl.add_rz is not supported; results are rounded to the nearest",
            "fma_ru": "tl.fma_ru is not supported; results are rounded to the nearest",
            "j1": "tl.j1 is not supported",
            "cyl_bessel_i1": "tl.cyl_bessel_i1 is not supported",
            "double2int_rn": "tl.double2int_rn is not supported; the engines have f32 at most",
            "erfd": "tl.erfd is not known; did you mean erf?",
        }
        for name, message in cases.items():
            with self.subTest(name):
                text = "from triton.language.extra import libdevice\n" + triton(f"a = libdevice.{name}(x)")
                self.assertTrue(error(text).endswith(message), error(text))
