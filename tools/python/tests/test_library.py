# SPDX-License-Identifier: Apache-2.0
"""What library*.py has, as kernels get it, beside numpy."""

import unittest

from support import HERE
from test_launch import needs_command, needs_numpy, numpy
import tilemesh as tm

FILE = str(HERE / "kernels" / "library.py")


def launch(name, args, grid=(1,), **constants):
    tm.launch((FILE, name), grid, args, constants=constants, machine="cube_line8")


def philox(seed, offset):
    """The generator's ten rounds in Python's integers."""
    a, b, c, d = offset, 0, 0, 0
    low, high = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        first, third = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (third >> 32) ^ b ^ low, third & 0xFFFFFFFF, (first >> 32) ^ d ^ high, first & 0xFFFFFFFF
        low, high = (low + 0x9E3779B9) & 0xFFFFFFFF, (high + 0xBB67AE85) & 0xFFFFFFFF
    return a, b


@needs_command
@needs_numpy
class Library(unittest.TestCase):
    def setUp(self):
        self.x = numpy.random.default_rng(1).standard_normal(32).astype("f4")

    def test_functions_of_elements(self):
        x = numpy.concatenate([numpy.linspace(-0.95, 0.95, 24), [0.0, 0.05, -0.05, 0.25, -0.35, 1e-6, -1e-6, -0.0]]).astype("f4")
        for which in ("log1p", "expm1", "rint", "round", "arctan", "arcsin", "signbit", "tan", "tanh", "exp"):
            with self.subTest(which):
                y = numpy.zeros(32, "f4")
                launch("elementwise", [x, y], WHICH=which, BLOCK=32)
                tens = (x * numpy.float32(10)).astype("f8")
                expected = {"rint": numpy.rint(tens), "round": numpy.copysign(numpy.floor(abs(tens) + 0.5), tens)}
                numpy.testing.assert_allclose(y, expected.get(which, getattr(numpy, which)(x.astype("f8"))), rtol=2e-6)

    def test_functions_at_the_ends_of_what_floats_hold(self):
        ends = [0, -0.0, 1, -1, 19.9, 20.1, 88.8, -88.8, 100, 1e9, 3e38, -3e38, 1e-38, numpy.inf, -numpy.inf, numpy.nan]
        x = numpy.array(ends, "f4")
        for which in ("cbrt", "sinh", "cosh", "arcsinh", "arccosh"):
            with self.subTest(which), numpy.errstate(all="ignore"):
                y = numpy.zeros(16, "f4")
                launch("elementwise", [x, y], WHICH=which, BLOCK=16)
                expected = getattr(numpy, which)(x.astype("f8")).astype("f4")
                numpy.testing.assert_allclose(y, expected, rtol=4e-7)
        one, other = (side.ravel().copy() for side in numpy.meshgrid(x, x))
        for which in ("hypot", "arctan2"):
            with self.subTest(which), numpy.errstate(all="ignore"):
                z = numpy.zeros(256, "f4")
                launch("of_two", [one, other, z], WHICH=which, BLOCK=256)
                expected = getattr(numpy, which)(one.astype("f8"), other.astype("f8")).astype("f4")
                numpy.testing.assert_allclose(z, expected, rtol=4e-7)

    def test_any_axis_of_many(self):
        x = numpy.random.default_rng(2).integers(0, 1 << 20, (2, 4, 8, 2, 2)).astype("i4")
        for axis in range(-5, 5):
            with self.subTest(axis):
                flipped, sums, parity = numpy.zeros_like(x), numpy.zeros_like(x), numpy.zeros(256 // x.shape[axis], "i4")
                launch("along_an_axis", [x, flipped, sums, parity], AXIS=axis, BLOCK=256)
                numpy.testing.assert_array_equal(flipped, numpy.flip(x, axis))
                numpy.testing.assert_array_equal(sums, numpy.flip(numpy.flip(x, axis).cumsum(axis), axis))
                numpy.testing.assert_array_equal(parity, numpy.bitwise_xor.reduce(x, axis).ravel())

    def test_the_largest_of_rows(self):
        x, y = numpy.random.default_rng(3).standard_normal((2, 4, 8)).astype("f4"), numpy.zeros((2, 4, 2), "f4")
        launch("largest_of_rows", [x, y])
        numpy.testing.assert_array_equal(y, -numpy.sort(-x, 2)[:, :, :2])

    def test_upper_halves_of_products(self):
        for dtype in ("i4", "u4", "i8", "u8"):
            with self.subTest(dtype):
                bits = numpy.dtype(dtype).itemsize * 8
                numbers = [(7 * i**9 + 0x9E3779B97F4A7C15 * i + (i % 3)) % (1 << bits) for i in range(16)]
                x, y = (numpy.array(n, f"u{bits // 8}").view(dtype) for n in (numbers, numbers[::-1]))
                z = numpy.zeros(16, dtype)
                launch("upper_halves", [x, y, z], BLOCK=16)
                expected = [a * b >> bits for a, b in zip(numbers, numbers[::-1])]
                numpy.testing.assert_array_equal(z.view(f"u{bits // 8}"), numpy.array(expected, f"u{bits // 8}"))

    def test_scans(self):
        decay = (abs(self.x[::-1]) * 0.5).astype("f4")
        for reverse in (False, True):
            y, expected, state = numpy.zeros(32, "f4"), numpy.zeros(32), 0.0
            for i in reversed(range(32)) if reverse else range(32):
                expected[i] = state = state * decay[i] + self.x[i]
            launch("scanned", [decay, self.x, y], REVERSE=reverse, BLOCK=32)
            numpy.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)

    def test_a_function_that_picks_by_a_condition_picks_of_each_element(self):
        x = numpy.round(self.x.reshape(4, 8))
        y, places, least = numpy.zeros((4, 8), "f4"), numpy.zeros((4, 8), "f4"), numpy.zeros(4, "f4")
        launch("running_largest", [x, y, places, least], ROWS=4, BLOCK=8)
        numpy.testing.assert_array_equal(y, numpy.maximum.accumulate(x, 1))
        numpy.testing.assert_array_equal(least, x.min(1))
        for row in range(4):
            for i in range(8):
                self.assertEqual(places[row, i], row * 8 + max(j for j in range(i + 1) if x[row, j] == y[row, i]))

    def test_a_function_that_assigns_by_a_condition(self):
        y = numpy.zeros((4, 32), "f4")
        launch("assigned_by_conditions", [self.x, y], N=32)
        side = numpy.where(self.x < -0.5, -1, numpy.where(self.x > 1, 1, 0))
        numpy.testing.assert_array_equal(y[0], numpy.clip(self.x, -0.5, 1) * 2)
        numpy.testing.assert_array_equal(y[1], side)
        numpy.testing.assert_array_equal(y[2], numpy.maximum.accumulate(self.x))
        numpy.testing.assert_array_equal(y[3], [self.x.max()] * 32)

    def test_a_function_of_every_element(self):
        x, y = numpy.round(self.x), numpy.round(self.x[::-1])
        low, high, sign = numpy.zeros((32, 32), "f4"), numpy.zeros((32, 32), "f4"), numpy.zeros(32, "i4")
        launch("of_every_element", [x, y, low, high, sign], BLOCK=32)
        numpy.testing.assert_array_equal(low, numpy.minimum(x[:, None], y))
        numpy.testing.assert_array_equal(high, numpy.maximum(x[:, None], y))
        numpy.testing.assert_array_equal(sign, numpy.sign(x - y))

    def test_bytes_that_hold_numbers_of_two_types(self):
        """In rows of 36 bytes, which no 8 PEs share evenly."""
        x, rows, y = numpy.tile(self.x, 4), numpy.zeros((4, 36), "u1"), numpy.zeros((4, 32), "f4")
        launch("pack_rows", [x, rows], grid=(4,), BLOCK=32)
        scale = abs(self.x).max() / numpy.float32(127)
        numpy.testing.assert_allclose(rows[:, 32:].copy().view("f4"), scale, rtol=1e-6)
        numpy.testing.assert_array_equal(rows[:, :32].view("i1"), numpy.tile(numpy.rint(self.x / scale), (4, 1)))
        launch("unpack_rows", [rows, y], ROWS=4, BLOCK=32)
        numpy.testing.assert_allclose(y, numpy.tile(self.x, (4, 1)), atol=scale * 0.51)

    def test_boxes_of_descriptors(self):
        x, rows = numpy.random.default_rng(5).standard_normal((6, 16)).astype("f4"), numpy.array([4, 1, 7, 2], "i4")
        out, counts = numpy.zeros((6, 16), "f4"), numpy.zeros((6, 16), "i4")
        launch("boxes", [x, rows, out, counts, 6], N=16, K=4)
        moved, summed = numpy.zeros((6, 16), "f4"), numpy.zeros((6, 16), "i4")
        moved[[3, 0, 1], 8:] = x[[4, 1, 2], 4:12]
        moved[0, 0] = 16
        summed[:4, 1:9] += 2
        summed[4:, :8] += 3
        summed[:4, :8] = numpy.maximum(summed[:4, :8], 1)
        numpy.testing.assert_array_equal(out, moved)
        numpy.testing.assert_array_equal(counts, summed)

    def test_items_of_a_tuple_as_arguments(self):
        y = numpy.zeros(64, "f4")
        launch("spread", [self.x, y, (2.0, 3.0)], N=32)
        numpy.testing.assert_allclose(y, [*(self.x * 2 + 3), *(self.x * 2 + 1)], rtol=1e-6)

    def test_scans_of_three_tiles(self):
        x = numpy.random.default_rng(6).standard_normal(32).astype("f4")
        for reverse in (False, True):
            y, turned = numpy.zeros((3, 32), "f4"), x[::-1] if reverse else x
            launch("running_moments", [x, y], N=32, REVERSE=reverse)
            expected = numpy.array([(i, turned[:i].mean(), turned[:i].var() * i) for i in range(1, 33)]).T
            numpy.testing.assert_allclose(y, expected[:, ::-1] if reverse else expected, rtol=1e-4, atol=1e-5)

    def test_pointers_are_chosen_among(self):
        y = numpy.zeros(32, "f4")
        launch("chosen_places", [self.x, y], N=32)
        numpy.testing.assert_array_equal(y, [*self.x[:16], *self.x[15::-1]])

    def test_parts_of_tuples_are_pythons(self):
        items = (10, 11, 12, 13)
        for start, stop, step in [(None, None, None), (1, 3, None), (-3, -1, 1), (2, 99, 1), (-9, 2, 1), (3, 1, 1), (0, None, 2), (None, None, -1), (2, None, -1),
                                  (None, 1, -1), (-1, -4, -2), (9, -9, -3)]:  # fmt: skip
            with self.subTest((start, stop, step)):
                y = numpy.zeros(5, "i4")
                launch("part_of_tuple", [y, items], START=start, STOP=stop, STEP=step)
                expected = [*items[start:stop:step], -1]
                self.assertEqual(y[: len(expected)].tolist(), expected)
        with self.assertRaisesRegex(tm.KernelFailed, "library.py:.*slices of tiles are not supported; use pointers and tl.load"):
            launch("part_of_tile", [self.x])

    def test_clamping_to_what_is_no_number(self):
        x, low = numpy.array([1, numpy.nan, 3, 20], "f4"), numpy.array([2, 0, numpy.nan, 0], "f4")
        y = numpy.zeros(4, "f4")
        launch("clamped", [x, low, y], BLOCK=4)
        numpy.testing.assert_array_equal(y, [2, numpy.nan, numpy.nan, 9])

    def test_sorting_loses_nothing(self):
        x = self.x.copy()
        x[[3, 17]] = numpy.nan
        sorted_, flipped, largest, product = numpy.zeros(32, "f4"), numpy.zeros(32, "f4"), numpy.zeros(4, "f4"), numpy.zeros(32, "f4")
        launch("ordered", [x, sorted_, flipped, largest, product], BLOCK=32, K=4)
        numpy.testing.assert_array_equal(numpy.sort(sorted_), numpy.sort(x))

    def test_order(self):
        results = [numpy.zeros(n, "f4") for n in (32, 32, 4, 32)]
        launch("ordered", [self.x, *results], BLOCK=32, K=4)
        expected = numpy.sort(self.x), self.x[::-1], numpy.sort(self.x)[::-1][:4], numpy.cumprod(self.x)
        for found, right in zip(results, expected):
            numpy.testing.assert_allclose(found, right, rtol=1e-5)

    def test_indices(self):
        i = numpy.random.default_rng(2).integers(0, 32, 32).astype("i4")
        y, counts = numpy.zeros(32, "f4"), numpy.zeros(32, "i4")
        launch("by_index", [self.x, i, y, counts], BLOCK=32)
        numpy.testing.assert_array_equal(y, self.x[i])
        numpy.testing.assert_array_equal(counts, numpy.bincount(i, minlength=32))

    def test_random_numbers(self):
        self.assertEqual(philox(0, 0)[0], 0x6627E8D5)  # the generator's published answer
        seed = (7 << 32) + 1234
        integers, y, normal = numpy.zeros(64, "u4"), numpy.zeros(64, "f4"), numpy.zeros(64, "f4")
        launch("random", [integers, y, normal, seed], grid=(2,), BLOCK=32)
        pairs = numpy.array([philox(seed, offset) for offset in range(64)], "u4")
        numpy.testing.assert_array_equal(integers, pairs[:, 0])
        signed = pairs.view("i4").astype("f8")
        u = numpy.where(signed < 0, -signed - 1, signed) * 4.6566127342e-10
        numpy.testing.assert_allclose(y, u[:, 0], rtol=1e-6)
        expected = numpy.sqrt(-2 * numpy.log(numpy.maximum(u[:, 0], 1e-7))) * numpy.cos(2 * numpy.pi * u[:, 1])
        numpy.testing.assert_allclose(normal, expected, rtol=1e-4, atol=1e-4)
