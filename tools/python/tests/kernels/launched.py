# SPDX-License-Identifier: Apache-2.0
"""Kernels that launches from Python are tested with."""

import triton
import triton.language as tl


@triton.jit
def copy(x_ptr, y_ptr, n, BLOCK: tl.constexpr = 64):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + at, tl.load(x_ptr + at, mask=at < n), mask=at < n)


@triton.jit
def copy_rows(x_ptr, y_ptr, stride_xm, stride_xn, stride_ym, stride_yn, M: tl.constexpr, N: tl.constexpr):
    rows, columns = tl.arange(0, M), tl.arange(0, N)
    x = tl.load(x_ptr + rows[:, None] * stride_xm + columns[None, :] * stride_xn)
    tl.store(y_ptr + rows[:, None] * stride_ym + columns[None, :] * stride_yn, x)


@triton.jit
def scaled(x_ptr, y_ptr, n, factor, bias_ptr, KIND: tl.constexpr, DTYPE: tl.constexpr, SHAPE: tl.constexpr):
    at = tl.arange(0, SHAPE[0])
    x = tl.load(x_ptr + at, mask=at < n, other=factor)
    if bias_ptr is not None:
        x += tl.load(bias_ptr + at, mask=at < n)
    if KIND == "twice":
        x = x * 2
    tl.store(y_ptr + at, x.to(DTYPE))


@triton.jit
def first_block(desc, y_ptr, M: tl.constexpr, N: tl.constexpr):
    at = tl.arange(0, M)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(y_ptr + at, desc.load([0, 0]))


@triton.jit
def beyond(x_ptr, y_ptr, n):
    at = tl.arange(0, 64)
    tl.store(y_ptr + at, tl.load(x_ptr + n + at))


def doubled(x, y, n, *, tl):
    part = n // tl.num_programs(0)
    first = tl.program_id(0) * part
    tl.store(y + first, tl.load(x + first, (1, part), "f32") * 2.0)


@triton.jit
def by_tuple(these):
    at = tl.arange(0, 64)
    x = tl.load(these[0] + at)
    if these[2] == "twice":
        x = x * 2
    tl.store(these[1] + at, x)


@triton.jit
def times_whatever(x_ptr, y_ptr, factor):
    at = tl.arange(0, 64)
    if isinstance(factor, tl.tensor) and factor.dtype.is_ptr():
        factor = tl.load(factor)
    tl.store(y_ptr + at, tl.load(x_ptr + at) * factor)
