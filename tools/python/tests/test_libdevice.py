# SPDX-License-Identifier: Apache-2.0
"""Functions of libdevice beside Python's integers."""

import unittest

from support import HERE
from test_launch import needs_command, needs_numpy, numpy
import tilemesh as tm

FILE = str(HERE / "kernels" / "libdevice.py")


def launch(name, args, grid=(1,), **constants):
    tm.launch((FILE, name), grid, args, constants=constants, machine="cube_line8")


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
