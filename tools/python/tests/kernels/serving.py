# SPDX-License-Identifier: Apache-2.0
"""Decode and unified attention over pages, as servers of language models write them."""

import torch
from engine.platforms import current_platform
from engine.triton_utils import tl, triton

float8_info = torch.finfo(current_platform.fp8_dtype())
_is_hip = current_platform.is_rocm()
MIN_BLOCK = 32


@triton.jit
def tanh(x):
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit
def cdiv_fn(x, y):
    return (x + y - 1) // y


@triton.jit
def apply_softcap(S, x):
    Sdiv = S / x
    p1 = tl.exp(Sdiv)
    p2 = tl.exp(-Sdiv)
    return x * (p1 - p2) / (p1 + p2)


@triton.jit
def grouped_stage1(Q, K_Buffer, V_Buffer, scale, kv_indptr, kv_indices, Part, Lse, num_splits, s_qb, s_qh, s_kb, s_kh, s_vb, s_vh,
                   s_ob, s_oh, s_os, GROUP: tl.constexpr, HEADS: tl.constexpr, DK: tl.constexpr, DV: tl.constexpr, N: tl.constexpr,
                   BLOCK_H: tl.constexpr, LEAST: tl.constexpr, CAP: tl.constexpr, Lk: tl.constexpr, Lv: tl.constexpr, REST: tl.constexpr = 0):
    batch = tl.program_id(0)
    head_block = tl.program_id(1)
    kv_head = head_block // tl.cdiv(GROUP, BLOCK_H)
    split = tl.program_id(2)
    if BLOCK_H < GROUP:
        VALID: tl.constexpr = BLOCK_H
    else:
        VALID: tl.constexpr = GROUP
    heads = head_block * VALID + tl.arange(0, BLOCK_H)
    mask_h = (heads < (head_block + 1) * VALID) & (heads < HEADS)
    d = tl.arange(0, DK)
    dv = tl.arange(0, DV)
    mask_d = d < Lk
    mask_dv = dv < Lv
    begin = tl.load(kv_indptr + batch)
    length = tl.load(kv_indptr + batch + 1) - begin
    splits = tl.load(num_splits + batch)
    q_at = batch * s_qb + heads[:, None] * s_qh + d[None, :]
    per_split = tl.cdiv(tl.cdiv(length, splits), LEAST) * LEAST
    split_start = per_split * split
    split_end = tl.minimum(split_start + per_split, length)
    if REST > 0:
        d2 = DK + tl.arange(0, REST)
        mask_d2 = d2 < Lk
    e_max = tl.zeros([BLOCK_H], dtype=tl.float32) - float("inf")
    e_sum = tl.zeros([BLOCK_H], dtype=tl.float32)
    acc = tl.zeros([BLOCK_H, DV], dtype=tl.float32)
    if split_end > split_start:
        q = tl.load(Q + q_at, mask=(mask_h[:, None]) & (mask_d[None, :]), other=0.0)
        if REST > 0:
            q2 = tl.load(Q + batch * s_qb + heads[:, None] * s_qh + d2[None, :], mask=mask_h[:, None] & mask_d2[None, :], other=0.0)
        for start in range(split_start, split_end, N):
            at = start + tl.arange(0, N)
            loc = tl.load(kv_indices + begin + at, mask=at < split_end, other=0)
            k = tl.load(K_Buffer + loc[None, :] * s_kb + kv_head * s_kh + d[:, None], mask=(at[None, :] < split_end) & mask_d[:, None], other=0.0)
            qk = tl.dot(q, k.to(q.dtype))
            if REST > 0:
                k2 = tl.load(K_Buffer + loc[None, :] * s_kb + kv_head * s_kh + d2[:, None],
                             mask=(at[None, :] < split_end) & mask_d2[:, None], other=0.0)
                qk += tl.dot(q2, k2.to(q2.dtype))
            qk *= scale
            if CAP > 0:
                qk = CAP * tanh(qk / CAP)
            qk = tl.where(mask_h[:, None] & (at[None, :] < split_end), qk, float("-inf"))
            v = tl.load(V_Buffer + loc[:, None] * s_vb + kv_head * s_vh + dv[None, :], mask=(at[:, None] < split_end) & mask_dv[None, :], other=0.0)
            n_max = tl.maximum(tl.max(qk, 1), e_max)
            fade = tl.exp(e_max - n_max)
            p = tl.exp(qk - n_max[:, None])
            acc *= fade[:, None]
            acc += tl.dot(p.to(v.dtype), v)
            e_sum = e_sum * fade + tl.sum(p, 1)
            e_max = n_max
        tl.store(Part + batch * s_ob + heads[:, None] * s_oh + split * s_os + dv[None, :], acc / e_sum[:, None],
                 mask=mask_h[:, None] & mask_dv[None, :])
        tl.store(Lse + (batch * s_ob + heads * s_oh + split * s_os) // Lv, e_max + tl.log(e_sum), mask=mask_h)


@triton.jit
def stage2(Part, Lse, O, kv_indptr, num_splits, sinks, s_b, s_h, s_s, s_ob, s_oh, MAX: tl.constexpr, LEAST: tl.constexpr, DV: tl.constexpr,
           Lv: tl.constexpr, HAS_SINK: tl.constexpr):
    batch = tl.program_id(0)
    head = tl.program_id(1)
    length = tl.load(kv_indptr + batch + 1) - tl.load(kv_indptr + batch)
    splits = tl.load(num_splits + batch)
    d = tl.arange(0, DV)
    mask_d = d < Lv
    e_sum = 0.0
    e_max = -float("inf")
    acc = tl.zeros([DV], dtype=tl.float32)
    per_split = tl.cdiv(tl.cdiv(length, splits), LEAST) * LEAST
    for split in range(0, MAX):
        start = per_split * split
        end = tl.minimum(start + per_split, length)
        if end > start:
            tv = tl.load(Part + batch * s_b + head * s_h + split * s_s + d, mask=mask_d, other=0.0)
            tlogic = tl.load(Lse + (batch * s_b + head * s_h + split * s_s) // Lv)
            n_max = tl.maximum(tlogic, e_max)
            fade = tl.exp(e_max - n_max)
            acc *= fade
            weight = tl.exp(tlogic - n_max)
            acc += weight * tv
            e_sum = e_sum * fade + weight
            e_max = n_max
    if HAS_SINK:
        e_sum += tl.exp(tl.load(sinks + head) - e_max)
    tl.store(O + batch * s_ob + head * s_oh + d, acc / e_sum, mask=mask_d)


@triton.jit
def find_seq_idx(starts, target, num_seqs, BLOCK_Q: tl.constexpr, use_q_block_mode: tl.constexpr):
    left: tl.int32 = 0
    right = num_seqs
    while left < right:
        mid = (left + right) // 2
        val = tl.load(starts + mid)
        mid_val = val // BLOCK_Q + mid if use_q_block_mode else val
        if mid_val <= target:
            left = mid + 1
        else:
            right = mid
    return left - 1


@triton.jit
def unified(out_ptr, q_ptr, k_cache, v_cache, tables, seq_lens, alibi, qq_bias, scale, k_scale, v_scale, out_scale, cap, q_heads: tl.constexpr,
            per_kv: tl.constexpr, table_stride: tl.int64, q_s0: tl.int64, q_s1: tl.int64, o_s0: tl.int64, o_s1: tl.int64, BLOCK: tl.constexpr,
            TILE: tl.constexpr, D: tl.constexpr, DP: tl.constexpr, USE_ALIBI: tl.constexpr, USE_CAP: tl.constexpr, WINDOW: tl.constexpr,
            k_s0: tl.int64, k_s1: tl.int64, k_s2: tl.int64, k_s3: tl.constexpr, starts, BLOCK_Q: tl.constexpr, num_seqs: tl.int32,
            BLOCK_M: tl.constexpr, USE_FP8: tl.constexpr, USE_DROPOUT: tl.constexpr = False, FP8_MIN: tl.constexpr = float8_info.min,
            FP8_MAX: tl.constexpr = float8_info.max):
    q_block = tl.program_id(0)
    kv_head = tl.program_id(1)
    seq = find_seq_idx(starts, q_block, num_seqs, BLOCK_Q, True)
    first_block = tl.load(starts + seq) // BLOCK_Q + seq
    local = q_block - first_block
    begin = tl.load(starts + seq)
    q_len = tl.load(starts + seq + 1) - begin
    if local * BLOCK_Q >= q_len:
        return
    m = tl.arange(0, BLOCK_M)
    d = tl.arange(0, DP)
    t = tl.arange(0, TILE)
    pos = local * BLOCK_Q + m // per_kv
    token = begin + pos
    head = kv_head * per_kv + m % per_kv
    at = token[:, None] * q_s0 + head[:, None] * q_s1 + d[None, :]
    mask_d = tl.where(d < D, 1, 0).to(tl.int1)
    mask_q = tl.where(pos < q_len, 1, 0).to(tl.int1)
    mask_h = tl.where(head < q_heads, 1, 0).to(tl.int1)
    Q = tl.load(q_ptr + at, mask=mask_d[None, :] & mask_q[:, None] & mask_h[:, None], other=0.0)
    M = tl.full([BLOCK_M], float("-inf"), dtype=tl.float32)
    L = tl.full([BLOCK_M], 1.0, dtype=tl.float32)
    acc = tl.zeros([BLOCK_M, DP], dtype=tl.float32)
    seq_len = tl.load(seq_lens + seq)
    context = seq_len - q_len
    if USE_ALIBI:
        slope = tl.load(alibi + head, mask=mask_h, other=0.0)
    longest = context + local * BLOCK_Q + (BLOCK_M - 1) // per_kv + 1
    longest = tl.minimum(longest, seq_len)
    tiles = cdiv_fn(longest, TILE)
    tile_start = 0
    tile_end = tiles
    if WINDOW > 0:
        first_allowed = context + local * BLOCK_Q - WINDOW + 1
        tile_start = tl.maximum(0, first_allowed // TILE)
    for j in range(tile_start, tile_end):
        s = j * TILE + t
        tile_mask = s < longest
        page = tl.load(tables + seq * table_stride + s // BLOCK).to(tl.int64)
        k_at = page[None, :] * k_s0 + kv_head * k_s2 + d[:, None] * k_s3 + (s % BLOCK)[None, :] * k_s1
        K_load = tl.load(k_cache + k_at, mask=mask_d[:, None] & tile_mask[None, :], other=0.0)
        if K_load.dtype.is_fp8():
            if Q.dtype.is_fp8():
                K = K_load
            else:
                K = (K_load.to(tl.float32) * tl.load(k_scale)).to(Q.dtype)
        else:
            K = K_load
        seq_mask = s[None, :] < context + pos[:, None] + 1
        S = scale * tl.dot(Q, K)
        if USE_CAP:
            S = apply_softcap(S, cap)
        S = tl.where(mask_h[:, None] & mask_q[:, None] & seq_mask, S, float("-inf"))
        if WINDOW > 0:
            S = tl.where((context + pos[:, None] - s) < WINDOW, S, float("-inf"))
        if USE_ALIBI:
            S += slope[:, None] * (s - context)
        if USE_DROPOUT:
            keep = tl.rand(seq, s) > 0.1
            S = tl.where(keep[None, :], S, 0)
        key_pos = s - context
        is_query_key = key_pos >= 0 and key_pos < q_len
        S += tl.load(qq_bias + pos[:, None] * 4 + key_pos[None, :], mask=is_query_key[None, :], other=0.0)
        m_j = tl.maximum(M, tl.max(S, axis=1))
        m_j = tl.where(m_j > float("-inf"), m_j, 0.0)
        P = tl.exp(S - m_j[:, None])
        fade = tl.exp(M - m_j)
        acc = acc * fade[:, None]
        L = L * fade + tl.sum(P, axis=1)
        M = m_j
        v_at = page[:, None] * k_s0 + kv_head * k_s2 + d[None, :] + (s % BLOCK)[:, None] * k_s1
        V = tl.load(v_cache + v_at, mask=mask_d[None, :] & tile_mask[:, None], other=0.0)
        acc += tl.dot(P.to(V.dtype), V)
    acc = acc / L[:, None]
    if USE_FP8:
        acc = acc * tl.load(out_scale)
        acc = tl.clamp(acc, FP8_MIN, FP8_MAX)
    tl.store(out_ptr + token[:, None] * o_s0 + head[:, None] * o_s1 + d[None, :], acc, mask=mask_d[None, :] & mask_q[:, None] & mask_h[:, None])
