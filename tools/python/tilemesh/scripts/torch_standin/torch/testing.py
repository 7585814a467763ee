# SPDX-License-Identifier: Apache-2.0
"""torch.testing.assert_close and its older sister."""

import numpy

from ._tensor import Tensor

_TOLERANCES = {"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


def assert_close(actual, expected, *, rtol=None, atol=None, equal_nan=False, check_device=True, check_dtype=True,
                 check_layout=True, check_stride=False, msg=None):  # fmt: skip
    del check_device, check_layout  # there is one of each
    if (rtol is None) != (atol is None):
        raise ValueError("rtol and atol must both be specified or both be unspecified")
    if isinstance(actual, Tensor) and isinstance(expected, Tensor):
        if check_dtype and actual.dtype is not expected.dtype:
            raise AssertionError(f"dtypes differ: {actual.dtype} and {expected.dtype}")
        if actual.shape != expected.shape:
            raise AssertionError(f"shapes differ: {list(actual.shape)} and {list(expected.shape)}")
        if check_stride and actual.stride() != expected.stride():
            raise AssertionError(f"strides differ: {actual.stride()} and {expected.stride()}")
    standard = _TOLERANCES.get(getattr(getattr(actual, "dtype", None), "name", ""), (0.0, 0.0))
    rtol, atol = standard[0] if rtol is None else rtol, standard[1] if atol is None else atol
    a, b = (numpy.asarray(getattr(value, "_array", value)).astype("float64") for value in (actual, expected))
    numpy.testing.assert_allclose(a, b, rtol, atol, equal_nan=equal_nan, err_msg=msg or "")


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg=""):
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, msg=msg, check_dtype=False)
