# SPDX-License-Identifier: Apache-2.0
"""What kernels that torch.compile generates call, beside numpy."""

import unittest

from support import HERE
from test_launch import needs_command, needs_numpy, numpy
import tilemesh as tm

FILE = str(HERE / "kernels" / "generated.py")


def launch(name, args, grid=(1,), **constants):
    tm.launch((FILE, name), grid, args, constants=constants, machine="cube_line8")


@needs_command
@needs_numpy
class Generated(unittest.TestCase):
    def setUp(self):
        self.x = numpy.random.default_rng(5).standard_normal((6, 70)).astype("f4")

    def test_statistics_of_rows(self):
        mean, variance, place, logs = numpy.zeros(6, "f4"), numpy.zeros(6, "f4"), numpy.zeros(6, "i8"), numpy.zeros(6, "f4")
        launch("statistics", [self.x, mean, variance, place, logs, 6, 70], grid=(2,), XBLOCK=4, RBLOCK=32)
        x = self.x.astype("f8")
        numpy.testing.assert_allclose(mean, x.mean(1), atol=1e-6)
        numpy.testing.assert_allclose(variance, x.var(1), rtol=1e-5)
        numpy.testing.assert_array_equal(place, x.argmax(1))
        most = x.max(1)
        numpy.testing.assert_allclose(logs, numpy.log(numpy.exp(x - most[:, None]).sum(1)) + abs(most), rtol=1e-5)

    def test_sorting_keeps_equals_in_order(self):
        x = numpy.round(self.x[:4, :64])
        x[1, 5] = numpy.nan
        for descending in (False, True):
            y, places, products = numpy.zeros_like(x), numpy.zeros((4, 64), "i8"), numpy.zeros(4, "f4")
            launch("in_order", [x, y, places, products], XBLOCK=4, RBLOCK=64, DESCENDING=descending)
            key = numpy.where(numpy.isnan(x), 1e9, x)
            expected = numpy.argsort(-key if descending else key, 1, kind="stable")
            numpy.testing.assert_array_equal(places, expected)
            numpy.testing.assert_array_equal(y, numpy.take_along_axis(x, expected, 1))

    def test_integers_and_boundaries(self):
        x, boundaries = self.x.ravel()[:64].copy(), numpy.linspace(-2, 2, 9).astype("f4")
        bucket, parts = numpy.zeros(64, "i8"), numpy.zeros(64, "i4")
        launch("between", [x, boundaries, bucket, parts], COUNT=9, XBLOCK=64)
        numpy.testing.assert_array_equal(bucket, numpy.searchsorted(boundaries, x))
        whole = (x * numpy.float32(10)).astype("i4")
        numpy.testing.assert_array_equal(parts, whole // 3 * 100 + whole % 3)


if __name__ == "__main__":
    unittest.main()
