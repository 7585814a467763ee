# SPDX-License-Identifier: Apache-2.0
"""Which dtype the result of an operation has."""

import builtins

import numpy

from . import _dtypes as dtypes

_WIDE_UNSIGNED = ("uint16", "uint32", "uint64")


def category(dtype):
    """Truths, integers and floats, in this order: a result may be stored where things of its category or a later one are."""
    return 2 if dtype.is_floating_point else 0 if dtype is dtypes.bool else 1


def common(*values):
    """The dtype to which values are made. Tensors with dimensions decide, then those without, then numbers: a later kind only
    where its category is a later one, or, of numbers, where there are no tensors."""
    tensors = [value for value in values if hasattr(value, "_array")]
    kinds = [[value.dtype for value in tensors if value.ndim], [value.dtype for value in tensors if not value.ndim],
             [_of_number(value) for value in values if not hasattr(value, "_array") and value is not None]]  # fmt: skip
    result = None
    for kind in kinds:
        for found in [_promoted(kind)] if kind else []:
            if result is None or category(found) > category(result):
                result = found if result is None or category(result) == 0 else _promoted([result, found])
    return result


def _of_number(value):
    if isinstance(value, numpy.ndarray):
        return dtypes.dtype_of_kept(value.dtype)
    if isinstance(value, (builtins.bool, numpy.bool_)):
        return dtypes.bool
    return dtypes.int64 if isinstance(value, (builtins.int, numpy.integer)) else dtypes.float32


def _promoted(kinds):
    kinds = list(dict.fromkeys(kinds))
    floats = [one for one in kinds if one.is_floating_point]
    if len(kinds) == 1:
        return kinds[0]
    if floats:
        widest = max(floats, key=lambda one: one.itemsize)
        return widest if len([one for one in floats if one.itemsize == widest.itemsize]) == 1 else dtypes.float32
    if {one.name for one in kinds} & set(_WIDE_UNSIGNED) and len([one for one in kinds if one is not dtypes.bool]) > 1:
        raise RuntimeError(f"torch makes no common dtype of {', '.join(map(str, kinds))}")
    return dtypes.dtype_of_kept(numpy.result_type(*(one.kept for one in kinds)))
