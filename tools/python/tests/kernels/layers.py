# SPDX-License-Identifier: Apache-2.0
"""Norms, softmax, losses, rotary embedding, gated units and a matrix product, in the styles of public kernels."""

import operator
from typing import Optional

import triton
from triton import language as tl

from .shared import compare_version, infer_device

if compare_version("triton", operator.ge, "3.0.0"):
    try:
        # typical import path with dispatch available
        from triton.language.extra.libdevice import rsqrt
    except ModuleNotFoundError:
        from triton.language.extra.cuda.libdevice import rsqrt
else:
    from triton.language.math import rsqrt

MAX_FUSED_SIZE: int = 65536 // 2
_CASTING_NONE: tl.constexpr = tl.constexpr(-1)
_CASTING_LLAMA: tl.constexpr = tl.constexpr(0)
EPSILON = 1e-6


@triton.jit
def layer_norm(X, Y, W, B, Mean, Rstd, stride, N, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    Y += row * stride
    X += row * stride
    mean = 0
    _mean = tl.zeros([BLOCK], dtype=tl.float32)
    for off in range(0, N, BLOCK):
        cols = off + tl.arange(0, BLOCK)
        a = tl.load(X + cols, mask=cols < N, other=0.0).to(tl.float32)
        _mean += a
    mean = tl.sum(_mean, axis=0) / N
    _var = tl.zeros([BLOCK], dtype=tl.float32)
    for off in range(0, N, BLOCK):
        cols = off + tl.arange(0, BLOCK)
        x = tl.load(X + cols, mask=cols < N, other=0.0).to(tl.float32)
        x = tl.where(cols < N, x - mean, 0.0)
        _var += x * x
    var = tl.sum(_var, axis=0) / N
    rstd = 1 / tl.sqrt(var + eps)
    tl.store(Mean + row, mean)
    tl.store(Rstd + row, rstd)
    for off in range(0, N, BLOCK):
        cols = off + tl.arange(0, BLOCK)
        mask = cols < N
        w = tl.load(W + cols, mask=mask)
        b = tl.load(B + cols, mask=mask)
        x_hat = (tl.load(X + cols, mask=mask, other=0.0).to(tl.float32) - mean) * rstd
        tl.store(Y + cols, x_hat * w + b, mask=mask)


@triton.jit
def rms_norm(Y, Y_stride, X, X_stride, W, W_stride, RSTD, n_cols, eps, offset, casting_mode: tl.constexpr, elementwise_affine: tl.constexpr,
             BLOCK_SIZE: tl.constexpr):
    """Root mean square norm of a row."""
    row_idx = tl.program_id(0).to(tl.int64)
    col_offsets = tl.arange(0, BLOCK_SIZE)
    mask = col_offsets < n_cols
    y_base = Y + row_idx * Y_stride
    X_row = tl.load(X + row_idx * X_stride + col_offsets, mask=mask, other=0)
    X_row_dtype = X_row.dtype
    if elementwise_affine:
        W_row = tl.load(W + col_offsets, mask=mask, other=0)
    if casting_mode == _CASTING_LLAMA:
        X_row = X_row.to(tl.float32)
    if casting_mode == _CASTING_NONE:
        eps = eps.to(X_row_dtype)
        offset = offset.to(X_row_dtype)
    rstd = rsqrt(tl.sum(X_row * X_row, axis=0) / n_cols + eps)
    tl.store(RSTD + row_idx, rstd)
    X_row = X_row * rstd
    if casting_mode == _CASTING_LLAMA:
        X_row = X_row.to(X_row_dtype)
    Y_row = X_row * (offset + W_row) if elementwise_affine else X_row
    tl.store(y_base + col_offsets, Y_row, mask=mask)


@libentry()
@triton.heuristics({"TILE": lambda args: triton.next_power_of_2(args["n"])})
@triton.jit
def softmax(out_ptr, in_ptr, in_stride, out_stride, n_rows, n_cols, BLOCK: tl.constexpr, num_stages: tl.constexpr):
    start = tl.program_id(0)
    step = tl.num_programs(0)
    for row in tl.range(start, n_rows, step, num_stages=num_stages):
        offsets = tl.arange(0, BLOCK)
        mask = offsets < n_cols
        x = tl.load(in_ptr + row * in_stride + offsets, mask=mask, other=-float("inf"))
        x = tl.exp(x - tl.max(x, axis=0))
        tl.store(out_ptr + row * out_stride + offsets, x / tl.sum(x, axis=0), mask=mask)


@triton.jit
def leaky_relu(x):
    return tl.where(x >= 0, x, 0.01 * x)


@triton.jit
def matmul(a_ptr, b_ptr, c_ptr, M, N, K, s_am, s_ak, s_bk, s_bn, s_cm, s_cn, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
           GROUP: tl.constexpr, ACTIVATION: tl.constexpr):
    pid = tl.program_id(axis=0)
    num_m = tl.cdiv(M, BM)
    num_n = tl.cdiv(N, BN)
    in_group = GROUP * num_n
    group = pid // in_group
    first_m = group * GROUP
    size_m = min(num_m - first_m, GROUP)
    pid_m = first_m + ((pid % in_group) % size_m)
    pid_n = (pid % in_group) // size_m
    tl.assume(pid_m >= 0)
    am = (pid_m * BM + tl.arange(0, BM)) % M
    bn = (pid_n * BN + tl.arange(0, BN)) % N
    k = tl.arange(0, BK)
    a_ptrs = a_ptr + (am[:, None] * s_am + k[None, :] * s_ak)
    b_ptrs = b_ptr + (k[:, None] * s_bk + bn[None, :] * s_bn)
    acc = tl.zeros((BM, BN), dtype=tl.float32)
    for i in range(0, tl.cdiv(K, BK)):
        a = tl.load(a_ptrs, mask=k[None, :] < K - i * BK, other=0.0)
        b = tl.load(b_ptrs, mask=k[:, None] < K - i * BK, other=0.0)
        acc = tl.dot(a, b, acc)
        a_ptrs += BK * s_ak
        b_ptrs += BK * s_bk
    if ACTIVATION == "leaky_relu":
        acc = leaky_relu(acc)
    elif ACTIVATION is not None and ACTIVATION != "":
        tl.static_assert(False, f"no activation {ACTIVATION}")
    c = acc.to(tl.float16)
    cm = pid_m * BM + tl.arange(0, BM)
    cn = pid_n * BN + tl.arange(0, BN)
    tl.store(c_ptr + s_cm * cm[:, None] + s_cn * cn[None, :], c, mask=(cm[:, None] < M) & (cn[None, :] < N))


@triton.jit
def rotary(q_ptr, q_s, k_ptr, k_s, cos, cos_s, sin, sin_s, length, bs: tl.constexpr, cos_bs: tl.constexpr, n_qh: tl.constexpr,
           n_kh: tl.constexpr, hd: tl.constexpr, pad_qh: tl.constexpr, pad_hd: tl.constexpr, BACKWARD_PASS: tl.constexpr = False):
    pid = tl.program_id(0).to(tl.int64)
    q_ptr = q_ptr + pid * q_s
    batch = pid // length
    cos_row = pid % length
    cos = cos + tl.where(cos_bs == 1, cos_row * cos_s, batch * (length * cos_s) + cos_row * cos_s)
    sin = sin + tl.where(cos_bs == 1, cos_row * sin_s, batch * (length * sin_s) + cos_row * sin_s)
    half = tl.arange(0, pad_hd // 2)
    c = tl.load(cos + half, mask=half < hd // 2, other=0)
    s = tl.load(sin + half, mask=half < hd // 2, other=0)
    first = tl.arange(0, pad_qh)[:, None] * hd + tl.arange(0, pad_hd // 2)[None, :]
    mask = (tl.arange(0, pad_qh)[:, None] < n_qh) & (tl.arange(0, pad_hd // 2)[None, :] < hd // 2)
    x1 = tl.load(q_ptr + first, mask=mask, other=0).to(s.dtype)
    second = first + (hd // 2)
    x2 = tl.load(q_ptr + second, mask=mask, other=0).to(s.dtype)
    if not BACKWARD_PASS:
        tl.store(q_ptr + first, x1 * c - x2 * s, mask=mask)
        tl.store(q_ptr + second, x2 * c + x1 * s, mask=mask)
    else:
        tl.store(q_ptr + first, x1 * c + x2 * s, mask=mask)
        tl.store(q_ptr + second, x2 * c - x1 * s, mask=mask)


@triton.jit
def cross_entropy(X, X_stride, Y, Y_stride, weight, loss, loss_stride, n_cols, ignore_index, smoothing: tl.constexpr, softcap,
                  reduction: tl.constexpr, BLOCK: tl.constexpr, HAS_WEIGHT: tl.constexpr, HAS_CAP: tl.constexpr):
    pid = tl.program_id(0).to(tl.int64)
    y = tl.load(Y + pid * Y_stride)
    X += pid * X_stride
    if y == ignore_index:
        for i in range(0, n_cols, BLOCK):
            at = i + tl.arange(0, BLOCK)
            tl.store(X + at, 0.0, mask=at < n_cols)
        return
    loss += pid * loss_stride
    if HAS_WEIGHT:
        w = tl.load(weight + y).cast(tl.float32)
    m = float("-inf")
    d = 0.0
    ori = tl.load(X + y).cast(tl.float32)
    if HAS_CAP:
        ori = softcap * tl.extra.cuda.libdevice.tanh(ori / softcap)
    scaled_x_sum = 0.0
    eps = smoothing / n_cols
    for i in range(0, n_cols, BLOCK):
        at = i + tl.arange(0, BLOCK)
        x = tl.load(X + at, mask=at < n_cols, other=float("-inf")).cast(tl.float32)
        block_max = tl.max(x)
        if smoothing > 0:
            scaled_x_sum += tl.sum(tl.where(at < n_cols, -eps * x, 0.0))
        m_new = tl.maximum(m, block_max)
        d = d * tl.exp(m - m_new) + tl.sum(tl.exp(x - m_new))
        m = m_new
    lse = m + tl.log(d)
    for i in range(0, n_cols, BLOCK):
        at = i + tl.arange(0, BLOCK)
        x = tl.load(X + at, mask=at < n_cols, other=float("-inf")).cast(tl.float32)
        x = tl.exp(x - m) / d
        x += -eps
        x = tl.where(at != y, x, x - (1 - smoothing))
        if reduction == "mean":
            x = x / n_cols
        tl.store(X + at, x, mask=at < n_cols)
    tl.debug_barrier()
    value = lse - ori
    if HAS_WEIGHT:
        value = w * value
    tl.store(loss, value)


@triton.jit
def silu(x):
    return x * tl.sigmoid(x)


@triton.jit
def swiglu(a_ptr, b_ptr, c_ptr, stride, n_cols: tl.constexpr, BLOCK_SIZE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    a_ptr += row * stride
    b_ptr += row * stride
    c_ptr += row * stride
    at = tl.arange(0, BLOCK_SIZE)
    mask = at < n_cols
    a = tl.load(a_ptr + at, mask=mask, other=0).to(tl.float32)
    b = tl.load(b_ptr + at, mask=mask, other=0)
    tl.store(c_ptr + at, silu(a).cast(b.dtype) * b, mask=mask)


@triton.jit
def larger(a, b):
    return tl.maximum(a, b)


@triton.jit
def odds_and_ends(x_ptr, y_ptr, N: tl.constexpr, SHAPE: tl.constexpr = (4, 4), bias: Optional[tl.constexpr] = None):
    at = tl.arange(0, N)
    x = tl.load(x_ptr + at, mask=0 <= at < N, eviction_policy="evict_last")
    peak = tl.reduce(x, 0, larger)
    wide = tl.reshape(x, SHAPE)
    total = 0.0
    for i in tl.static_range(3):
        if i == 1:
            continue
        total += i * EPSILON
    rows, (low, high) = SHAPE[0], (1, 2)
    values = [v * 2 for v in range(3)]
    if N in (16, 32) and bias is None:
        tl.static_print("a hint", N)
    tl.device_print("peak", peak)
    assert N > 1, f"N is {N}"
    scaled = tl.cast(wide, tl.float32) ** 2 + values[1] + len(SHAPE) - abs(-low) + high % rows
    turned = scaled.trans().sum(axis=1)
    a, b = tl.join(turned, -turned).split()
    tl.store(y_ptr + tl.arange(0, 4), tl.interleave(a, b).reshape(2, 4).sum(0) + tl.next_power_of_2(rows) + peak + total)
    tl.atomic_add(y_ptr, 1.0, sem="relaxed")
