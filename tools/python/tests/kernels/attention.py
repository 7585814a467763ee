# SPDX-License-Identifier: Apache-2.0
"""Attention in the three ways in which Triton kernels reach memory, and a backward pass."""

import math

import torch
import triton
import triton.language as tl

LOG2E: tl.constexpr = math.log2(math.e)
DEVICE = triton.runtime.driver.active.get_active_torch_device()
configs = [triton.Config({"ROWS": r, "COLS": c}, num_stages=s) for r in [64, 128] for c in [32, 64] for s in [2, 3]]


def keep(config):
    return config.kwargs["ROWS"] >= config.kwargs["COLS"]


@triton.jit
def fold(acc, total, peak, q, k_block, v_block, first, last, block_row, scale, rows: tl.constexpr, cols: tl.constexpr,
         is_diagonal: tl.constexpr, row_ids: tl.constexpr, col_ids: tl.constexpr, fp8: tl.constexpr):
    k_block = tl.advance(k_block, (0, first))
    v_block = tl.advance(v_block, (first, 0))
    for start in range(first, last, cols):
        start = tl.multiple_of(start, cols)
        k = tl.load(k_block)
        scores = tl.dot(q, k)
        if is_diagonal:
            visible = row_ids[:, None] >= (start + col_ids[None, :])
            scores = scores * scale + tl.where(visible, 0, -1.0e6)
            higher = tl.maximum(peak, tl.max(scores, 1))
            scores -= higher[:, None]
        else:
            higher = tl.maximum(peak, tl.max(scores, 1) * scale)
            scores = scores * scale - higher[:, None]
        p = tl.math.exp2(scores)
        fade = tl.math.exp2(peak - higher)
        total = total * fade + tl.sum(p, 1)
        acc = acc * fade[:, None]
        v = tl.load(v_block)
        if fp8:
            p = p.to(tl.float8e5)
        else:
            p = p.to(tl.float16)
        acc = tl.dot(p, v, acc)
        peak = higher
        v_block = tl.advance(v_block, (cols, 0))
        k_block = tl.advance(k_block, (0, cols))
    return acc, total, peak


@triton.autotune(list(filter(keep, configs)), key=["length", "WIDTH"])
@triton.jit
def by_block_pointers(Q, K, V, scale, M, Out, q_z, q_h, q_m, q_k, k_z, k_h, k_n, k_k, v_z, v_h, v_k, v_n, o_z, o_h, o_m, o_n,
                      Z, H, length, WIDTH: tl.constexpr, ROWS: tl.constexpr, COLS: tl.constexpr, STAGE: tl.constexpr):
    tl.static_assert(COLS <= WIDTH)
    block_row = tl.program_id(0)
    zh = tl.program_id(1)
    z = zh // H
    h = zh % H
    offset = z.to(tl.int64) * q_z + h.to(tl.int64) * q_h
    q_block = tl.make_block_ptr(base=Q + offset, shape=(length, WIDTH), strides=(q_m, q_k), offsets=(block_row * ROWS, 0),
                                block_shape=(ROWS, WIDTH), order=(1, 0))
    v_order: tl.constexpr = (0, 1) if V.dtype.element_ty == tl.float8e5 else (1, 0)
    v_block = tl.make_block_ptr(base=V + offset, shape=(length, WIDTH), strides=(v_k, v_n), offsets=(0, 0),
                                block_shape=(COLS, WIDTH), order=v_order)
    k_block = tl.make_block_ptr(base=K + offset, shape=(WIDTH, length), strides=(k_k, k_n), offsets=(0, 0),
                                block_shape=(WIDTH, COLS), order=(0, 1))
    o_block = tl.make_block_ptr(base=Out + offset, shape=(length, WIDTH), strides=(o_m, o_n), offsets=(block_row * ROWS, 0),
                                block_shape=(ROWS, WIDTH), order=(1, 0))
    row_ids = block_row * ROWS + tl.arange(0, ROWS)
    col_ids = tl.arange(0, COLS)
    peak = tl.zeros([ROWS], dtype=tl.float32) - float("inf")
    total = tl.zeros([ROWS], dtype=tl.float32) + 1.0
    acc = tl.zeros([ROWS, WIDTH], dtype=tl.float32)
    scale *= LOG2E
    q = tl.load(q_block)
    if STAGE & 1:
        acc, total, peak = fold(acc, total, peak, q, k_block, v_block, 0, block_row * ROWS if STAGE == 3 else length, block_row, scale,
                                ROWS, COLS, False, row_ids, col_ids, V.dtype.element_ty == tl.float8e5)
    if STAGE & 2:
        tl.debug_barrier()
        lo, hi = block_row * ROWS, (block_row + 1) * ROWS
        acc, total, peak = fold(acc, total, peak, q, k_block, v_block, lo, hi, block_row, scale,
                                ROWS, COLS, True, row_ids, col_ids, fp8=V.dtype.element_ty == tl.float8e5)
    peak += tl.math.log2(total)
    acc = acc / total[:, None]
    tl.store(M + zh * length + row_ids, peak)
    tl.store(o_block, acc.to(Out.type.element_ty))


@triton.jit
def described(pointer, shape, strides, block_shape):
    if isinstance(pointer, tl.tensor_descriptor):
        return pointer
    else:
        return tl.make_tensor_descriptor(pointer, shape, strides, block_shape)


@triton.jit
def by_descriptors(scale, M, Z, H, q_desc, k_desc, v_desc, o_desc, length, WIDTH: tl.constexpr, ROWS: tl.constexpr, COLS: tl.constexpr,
                   STAGE: tl.constexpr, warp_specialize: tl.constexpr):
    dtype = tl.float16
    row = tl.program_id(0)
    zh = tl.program_id(1)
    y = Z * H * length
    q_desc = described(q_desc, shape=[y, WIDTH], strides=[WIDTH, 1], block_shape=[ROWS, WIDTH])
    k_desc = described(k_desc, shape=[y, WIDTH], strides=[WIDTH, 1], block_shape=[COLS, WIDTH])
    v_desc = described(v_desc, shape=[y, WIDTH], strides=[WIDTH, 1], block_shape=[COLS, WIDTH])
    o_desc = described(o_desc, shape=[y, WIDTH], strides=[WIDTH, 1], block_shape=[ROWS, WIDTH])
    base_y = zh // H * (length * H) + zh % H * length
    peak = tl.full([ROWS], -float("inf"), tl.float32)
    total = tl.zeros([ROWS], dtype=tl.float32)
    acc = tl.zeros([ROWS, WIDTH], dtype=tl.float32)
    q = q_desc.load([base_y + row * ROWS, 0])
    hi = (row + 1) * ROWS if STAGE == 3 else length
    for start in tl.range(0, hi, COLS, warp_specialize=warp_specialize):
        k = k_desc.load([base_y + start, 0]).T
        scores = tl.dot(q, k)
        higher = tl.maximum(peak, tl.max(scores, 1) * scale)
        p = tl.math.exp2(scores * scale - higher[:, None])
        fade = tl.math.exp2(peak - higher)
        BM: tl.constexpr = acc.shape[0]
        BN: tl.constexpr = acc.shape[1]
        if warp_specialize and BM == 128:
            left, right = acc.reshape([BM, 2, BN // 2]).permute(0, 2, 1).split()
            left = left * fade[:, None]
            right = right * fade[:, None]
            acc = tl.join(left, right).permute(0, 2, 1).reshape([BM, BN])
        else:
            acc = acc * fade[:, None]
        acc = tl.dot(p.to(dtype), v_desc.load([base_y + start, 0]), acc)
        total = total * fade + tl.sum(p, 1)
        peak = higher
    o_desc.store([base_y + row * ROWS, 0], (acc / total[:, None]).to(dtype))
    tl.store(M + zh * length + row * ROWS + tl.arange(0, ROWS), peak + tl.math.log2(total))


@triton.jit
def key_gradients(dk, dv, Q, k, v, scale, dO, M, D, s_tok, s_d, H, length, R: tl.constexpr, C: tl.constexpr, WIDTH: tl.constexpr,
                  first_col, first_row, steps, MASK: tl.constexpr):
    rows = first_row + tl.arange(0, R)
    cols = first_col + tl.arange(0, C)
    dims = tl.arange(0, WIDTH)
    q_t = Q + rows[None, :] * s_tok + dims[:, None] * s_d
    do = dO + rows[:, None] * s_tok + dims[None, :] * s_d
    tl.static_assert(C % R == 0)
    row = first_row
    for _ in range(steps):
        qT = tl.load(q_t)
        rows = row + tl.arange(0, R)
        m = tl.load(M + rows)
        pT = tl.math.exp2(tl.dot(k, qT) - m[None, :])
        if MASK:
            pT = tl.where(rows[None, :] >= cols[:, None], pT, 0.0)
        g = tl.load(do)
        dv += tl.dot(pT.to(tl.float16), g)
        delta = tl.load(D + rows)
        dpT = tl.dot(v, tl.trans(g)).to(tl.float32)
        dsT = (pT * (dpT - delta[None, :])).to(tl.float16)
        dk += tl.dot(dsT, tl.trans(qT))
        row += R
        q_t += R * s_tok
        do += R * s_tok
    return dk, dv


@triton.jit
def backward(Q, K, V, scale, dO, dK, dV, M, D, s_z, s_h, s_tok, s_d, H, length, R: tl.constexpr, C: tl.constexpr, WIDTH: tl.constexpr):
    zh = tl.program_id(2)
    offset = (s_h * (zh % H) + s_z * (zh // H)).to(tl.int64)
    column_block = tl.program_id(0)
    Q += offset
    K += offset
    V += offset
    dO += offset
    dK += offset
    dV += offset
    M += (zh * length).to(tl.int64)
    D += (zh * length).to(tl.int64)
    dims = tl.arange(0, WIDTH)
    first = column_block * C
    cols = first + tl.arange(0, C)
    k = tl.load(K + cols[:, None] * s_tok + dims[None, :] * s_d)
    v = tl.load(V + cols[:, None] * s_tok + dims[None, :] * s_d)
    dk = tl.zeros([C, WIDTH], dtype=tl.float32)
    dv = tl.zeros([C, WIDTH], dtype=tl.float32)
    steps = C // R
    dk, dv = key_gradients(dk, dv, Q, k, v, scale, dO, M, D, s_tok, s_d, H, length, R, C, WIDTH, first, first, steps, MASK=True)
    steps = (length - first - C) // R
    dk, dv = key_gradients(dk, dv, Q, k, v, scale, dO, M, D, s_tok, s_d, H, length, R, C, WIDTH, first, first + C, steps, MASK=False)
    tl.store(dV + cols[:, None] * s_tok + dims[None, :] * s_d, dv)
    dk *= scale
    tl.store(dK + cols[:, None] * s_tok + dims[None, :] * s_d, dk)


class Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v):
        return by_block_pointers[lambda meta: (triton.cdiv(q.shape[2], meta["ROWS"]), q.shape[0] * q.shape[1], 1)](q, k, v)


if __name__ == "__main__":
    Attention.apply(torch.empty(0), torch.empty(0), torch.empty(0))
