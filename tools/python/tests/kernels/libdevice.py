# SPDX-License-Identifier: Apache-2.0
"""Every function of libdevice that library_bits.py has, a row of the result each."""

import triton
import triton.language as tl
from triton.language.extra import libdevice


@triton.jit
def of_bits(x_ptr, y_ptr, z_ptr, places_ptr, BLOCK: tl.constexpr, IS_COMPUTED: tl.constexpr):
    """Of integers that are loaded, or that commands have computed."""
    at = tl.arange(0, BLOCK)
    x, y = tl.load(x_ptr + at), tl.load(y_ptr + at)
    if IS_COMPUTED:
        zero = tl.floor(tl.zeros((BLOCK,), tl.float32)).to(x.dtype)
        x, y = x + zero, y + zero
    tl.store(places_ptr + at, libdevice.popc(x))
    tl.store(places_ptr + BLOCK + at, libdevice.clz(x))
    tl.store(places_ptr + 2 * BLOCK + at, libdevice.ffs(x))
    tl.store(z_ptr + at, libdevice.brev(x))
    tl.store(z_ptr + BLOCK + at, libdevice.mulhi(x, y))
    tl.store(z_ptr + 2 * BLOCK + at, libdevice.hadd(x, y))
    tl.store(z_ptr + 3 * BLOCK + at, libdevice.rhadd(x, y))
    tl.store(z_ptr + 4 * BLOCK + at, libdevice.uhadd(x, y))
    tl.store(z_ptr + 5 * BLOCK + at, libdevice.urhadd(x, y))
    if x.dtype.primitive_bitwidth == 32:
        tl.store(z_ptr + 6 * BLOCK + at, libdevice.sad(x, y, y))


@triton.jit
def of_32_bits(x_ptr, y_ptr, z_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x, y = tl.load(x_ptr + at), tl.load(y_ptr + at)
    tl.store(z_ptr + at, libdevice.mul24(x, y))
    tl.store(z_ptr + BLOCK + at, libdevice.umul24(x, y))
    tl.store(z_ptr + 2 * BLOCK + at, libdevice.byte_perm(x, y, x ^ (y >> 3)))
