# SPDX-License-Identifier: Apache-2.0
"""8-bit floats in numpy, which has none: rounding to their values, and their bits."""

import functools

import numpy

_FORMATS = {"float8_e4m3fn": (3, 7, 448.0, 16), "float8_e5m2": (2, 15, 57344.0, 31)}  # bits of mantissa, bias, largest, exponents
NAMES = tuple(_FORMATS)


@functools.lru_cache(maxsize=None)
def _positive(name):
    """Its positive values in order: the number of each is its bits."""
    mantissa, bias, largest, exponents = _FORMATS[name]
    values = [(m * 2.0 ** (1 - bias - mantissa)) for m in range(2**mantissa)]
    values += [(1 + m / 2**mantissa) * 2.0 ** (e - bias) for e in range(1, exponents) for m in range(2**mantissa)]
    return numpy.array([value for value in values if value <= largest], "float32")


def _nearest(values, name):
    """Numbers in _positive of the nearest ones; of two the even one; beyond the largest: the largest."""
    grid = _positive(name)
    size = numpy.minimum(numpy.abs(values), grid[-1])
    above = numpy.clip(numpy.searchsorted(grid, size), 1, len(grid) - 1)
    low, high = grid[above - 1], grid[above]
    is_up = (size - low > high - size) | ((size - low == high - size) & (above % 2 == 0))
    return numpy.where(is_up, above, above - 1)


def rounded(values, name):
    values = numpy.asarray(values, "float32")
    result = numpy.where(numpy.isnan(values), numpy.float32("nan"), _positive(name)[_nearest(values, name)])
    return numpy.copysign(result, values).astype("float32")


def bits(values, name):
    values = numpy.asarray(values, "float32")
    found = numpy.where(numpy.isnan(values), 0x7F, _nearest(values, name))
    return (found | (numpy.signbit(values) << 7)).astype("uint8")


def of_bits(codes, name):
    table = numpy.full(128, numpy.nan, "float32")
    table[: len(_positive(name))] = _positive(name)
    if name == "float8_e5m2":
        table[0x7C] = numpy.inf
    return numpy.concatenate([table, -table])[codes]
