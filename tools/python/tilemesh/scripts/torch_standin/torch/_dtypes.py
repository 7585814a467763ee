# SPDX-License-Identifier: Apache-2.0
"""Dtypes, and rounding to those that numpy does not have: tensors of them are kept as float32 whose values they can hold."""

from types import SimpleNamespace

import numpy

from tilemesh import float8, host
from tilemesh.arrays import BYTES, DTYPES
from tilemesh.values import DType


class dtype:
    def __init__(self, name):
        self.name = name
        self.itemsize = BYTES[DTYPES[name][0]] if name in DTYPES else 8
        self.is_floating_point = "float" in name
        self.kept = numpy.dtype("float32" if name.startswith(("bfloat", "float8")) else name)

    is_complex = False

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return self.name


for _name in [*DTYPES, "float64"]:
    globals()[_name] = dtype(_name)
half, float, double, long, int, short = float16, float32, float64, int64, int32, int16  # noqa: F821
_BY_KEPT = {numpy.dtype(name): globals()[name] for name in [*DTYPES, "float64"] if not name.startswith(("bfloat", "float8"))}
__all__ = [*DTYPES, "float64", "half", "float", "double", "long", "int", "short", "dtype", "finfo", "iinfo"]


def dtype_of_kept(kept):
    return _BY_KEPT[numpy.dtype(kept)]


def finfo(of):
    if of.name == "float64":
        return numpy.finfo("float64")
    return SimpleNamespace(**host.finfo(DType(DTYPES[of.name][0])).fields)


def iinfo(of):
    return SimpleNamespace(**host.iinfo(DType(DTYPES[of.name][0])).fields)


def rounded(values, to):
    """numpy's array as `to` keeps it."""
    if to.name == "bfloat16":
        bits = numpy.ascontiguousarray(values, "float32").view("uint32")
        lifted = bits + 0x7FFF + ((bits >> 16) & 1)
        result = (lifted & numpy.uint32(0xFFFF0000)).view("float32").reshape(numpy.shape(values))
        return numpy.where(numpy.isnan(values), numpy.float32("nan"), result)
    if to.name in float8.NAMES:
        return float8.rounded(values, to.name)
    with numpy.errstate(over="ignore", invalid="ignore"):
        return numpy.asarray(values).astype(to.kept)
