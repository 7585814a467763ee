# SPDX-License-Identifier: Apache-2.0
"""Every function of libdevice that library_bits.py, library_floats.py and library_special.py have, a row of the result each."""

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


@triton.jit
def of_floats(x_ptr, z_ptr, i_ptr, long_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at)
    tl.store(z_ptr + at, libdevice.saturatef(x))
    tl.store(z_ptr + BLOCK + at, libdevice.logb(x))
    tl.store(z_ptr + 2 * BLOCK + at, libdevice.rint(x))
    tl.store(z_ptr + 3 * BLOCK + at, libdevice.int_as_float(libdevice.float_as_int(x)))
    tl.store(z_ptr + 4 * BLOCK + at, libdevice.uint_as_float(libdevice.float_as_uint(x)))
    tl.store(z_ptr + 5 * BLOCK + at, tl.extra.libdevice.tanh(x))
    tl.store(i_ptr + at, libdevice.ilogb(x))
    tl.store(i_ptr + BLOCK + at, libdevice.float2int_rn(x))
    tl.store(i_ptr + 2 * BLOCK + at, libdevice.float2int_rz(x))
    tl.store(i_ptr + 3 * BLOCK + at, libdevice.float2int_ru(x))
    tl.store(i_ptr + 4 * BLOCK + at, libdevice.float2int_rd(x))
    tl.store(i_ptr + 5 * BLOCK + at, libdevice.signbit(x).to(tl.int32))
    tl.store(i_ptr + 6 * BLOCK + at, libdevice.float2uint_rn(x).to(tl.int32, bitcast=True))
    tl.store(i_ptr + 7 * BLOCK + at, libdevice.float_as_int(x))
    tl.store(long_ptr + at, libdevice.llrint(x))
    tl.store(long_ptr + BLOCK + at, libdevice.llround(x))
    tl.store(long_ptr + 2 * BLOCK + at, libdevice.float2ll_ru(x))
    tl.store(long_ptr + 3 * BLOCK + at, libdevice.float2ll_rd(x))


@triton.jit
def of_two_floats(x_ptr, y_ptr, n_ptr, z_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x, y, n = tl.load(x_ptr + at), tl.load(y_ptr + at), tl.load(n_ptr + at)
    tl.store(z_ptr + at, libdevice.fdim(x, y))
    tl.store(z_ptr + BLOCK + at, libdevice.remainder(x, y))
    tl.store(z_ptr + 2 * BLOCK + at, libdevice.nextafter(x, y))
    tl.store(z_ptr + 3 * BLOCK + at, libdevice.rhypot(x, y))
    tl.store(z_ptr + 4 * BLOCK + at, libdevice.ldexp(x, n))
    tl.store(z_ptr + 5 * BLOCK + at, libdevice.scalbn(x, -30))
    tl.store(z_ptr + 6 * BLOCK + at, libdevice.sub_rn(libdevice.add_rn(libdevice.mul_rn(x, y), x), y))


@triton.jit
def special(x_ptr, z_ptr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at)
    N: tl.constexpr = tl.num_programs(0) * BLOCK
    tl.store(z_ptr + at, libdevice.erfc(x))
    tl.store(z_ptr + N + at, libdevice.erfcx(x))
    tl.store(z_ptr + 2 * N + at, libdevice.erfinv(x))
    tl.store(z_ptr + 3 * N + at, libdevice.erfcinv(x))
    tl.store(z_ptr + 4 * N + at, libdevice.normcdf(x))
    tl.store(z_ptr + 5 * N + at, libdevice.normcdfinv(x))
    tl.store(z_ptr + 6 * N + at, libdevice.lgamma(x))
    tl.store(z_ptr + 7 * N + at, libdevice.tgamma(x))
    tl.store(z_ptr + 8 * N + at, libdevice.cyl_bessel_i0(x))
    tl.store(z_ptr + 9 * N + at, libdevice.sinpi(x))
    tl.store(z_ptr + 10 * N + at, libdevice.cospi(x))
    tl.store(z_ptr + 11 * N + at, libdevice.rcbrt(x))


@triton.jit
def of_numbers(x, i, z_ptr):
    """Of single numbers that are known, and of constants."""
    tl.store(z_ptr, libdevice.erfc(x))
    tl.store(z_ptr + 1, libdevice.tgamma(x))
    tl.store(z_ptr + 2, libdevice.ldexp(x, i))
    tl.store(z_ptr + 3, libdevice.popc(i).to(tl.float32))
    tl.store(z_ptr + 4, libdevice.copysign(x, -1.0))
    tl.store(z_ptr + 5, libdevice.sinpi(0.5))
    tl.store(z_ptr + 6, libdevice.rint(x))
    tl.store(z_ptr + 7, libdevice.float_as_int(x).to(tl.float32))


@triton.jit
def signs_of_narrow_floats(x_ptr, z_ptr, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at)
    tl.store(z_ptr + at, libdevice.copysign(x + 1.0, x).to(tl.float32))
    tl.store(z_ptr + BLOCK + at, libdevice.ldexp(x, 3).to(tl.float32))
