# SPDX-License-Identifier: Apache-2.0
"""Functions of Triton that are made of others; lowered like any kernel's own functions when a kernel calls them."""

import triton
import triton.language as tl


@triton.jit
def isnan(x):
    return x != x


@triton.jit
def next_power_of_2(n):
    power = 1
    while power < n:
        power *= 2
    return power


@triton.jit
def swizzle2d(i, j, size_i, size_j, size_g):
    """Row-major places of a matrix, in groups of size_g rows that are walked column by column."""
    place = i * size_j + j
    places_of_group = size_g * size_j
    group = place // places_of_group
    first_row = group * size_g
    rows = tl.minimum(size_i - first_row, size_g)
    within = place % places_of_group
    return first_row + within % rows, within // rows


@triton.jit
def interleave(a, b):
    """The elements of a and b by turns along their last dimension."""
    joined = tl.join(a, b)
    if len(a.shape) == 1:
        return tl.reshape(joined, (2 * a.shape[0],))
    if len(a.shape) == 2:
        return tl.reshape(joined, (a.shape[0], 2 * a.shape[1]))
    tl.static_assert(len(a.shape) == 3, "interleave of more than three dimensions is not supported")
    return tl.reshape(joined, (a.shape[0], a.shape[1], 2 * a.shape[2]))
