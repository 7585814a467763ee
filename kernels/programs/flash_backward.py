# SPDX-License-Identifier: Apache-2.0
"""The gradients of attention in three launches after the forward pass (flash_pointers of flash_forward.py).

Idea: `preprocess` sums o do over each row; `key_gradients` has a block of keys of a kv head and walks over the queries of
its whole group, adding up dk and dv; `query_gradients` has a block of queries and walks over keys, adding up dq. Nobody adds
to what another instance adds to, so no atomics are needed; the scores are computed twice for it.

Source: FlashAttention-2, Dao 2023.

Cost: seven products of S_q x S_kv x d a head (five would do if one instance had all), half of them causal.

Wins when gradients must be the same bits in every run.
"""

import triton
import triton.language as tl


@triton.jit
def preprocess(O, dO, D, rows, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    ok = row < rows
    places = row[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    o = tl.load(O + places, mask=ok[:, None], other=0.0).to(tl.float32)
    do = tl.load(dO + places, mask=ok[:, None], other=0.0).to(tl.float32)
    tl.store(D + row, tl.sum(o * do, axis=1), mask=ok)


@triton.jit
def key_gradients(Q, K, V, dO, LSE, D, dK, dV, heads, group, queries, keys, scale, CAUSAL: tl.constexpr, ROWS: tl.constexpr,
                  COLS: tl.constexpr, WIDTH: tl.constexpr):  # fmt: skip
    first = tl.program_id(0) * COLS
    kv_row = tl.program_id(1)
    kv_heads = heads // group
    cols = first + tl.arange(0, COLS)
    width = tl.arange(0, WIDTH)
    col_ok = cols[:, None] < keys
    own = kv_row * keys * WIDTH + cols[:, None] * WIDTH + width[None, :]
    k = tl.load(K + own, mask=col_ok, other=0.0)
    v = tl.load(V + own, mask=col_ok, other=0.0)
    dk = tl.zeros([COLS, WIDTH], dtype=tl.float32)
    dv = tl.zeros([COLS, WIDTH], dtype=tl.float32)
    offset = keys - queries
    begin = 0
    if CAUSAL:
        begin = tl.maximum(first - offset, 0) // ROWS * ROWS
    for member in range(group):
        head_row = kv_row // kv_heads * heads + kv_row % kv_heads * group + member
        for start in range(begin, queries, ROWS):
            rows = start + tl.arange(0, ROWS)
            row_ok = rows < queries
            at = head_row * queries * WIDTH + rows[:, None] * WIDTH + width[None, :]
            q = tl.load(Q + at, mask=row_ok[:, None], other=0.0)
            do = tl.load(dO + at, mask=row_ok[:, None], other=0.0)
            lse = tl.load(LSE + head_row * queries + rows, mask=row_ok, other=0.0)
            delta = tl.load(D + head_row * queries + rows, mask=row_ok, other=0.0)
            p_t = tl.exp(tl.dot(k, tl.trans(q)) * scale - lse[None, :])
            visible = (cols[:, None] < keys) & row_ok[None, :]
            if CAUSAL:
                visible = visible & (cols[:, None] <= rows[None, :] + offset)
            p_t = tl.where(visible, p_t, 0.0)
            dv = tl.dot(p_t.to(do.dtype), do, dv)
            ds_t = p_t * (tl.dot(v, tl.trans(do)) - delta[None, :])
            dk = tl.dot(ds_t.to(q.dtype), q, dk)
    tl.store(dK + own, dk * scale, mask=col_ok)
    tl.store(dV + own, dv, mask=col_ok)


@triton.jit
def query_gradients(Q, K, V, dO, LSE, D, dQ, heads, group, queries, keys, scale, CAUSAL: tl.constexpr, ROWS: tl.constexpr,
                    COLS: tl.constexpr, WIDTH: tl.constexpr):  # fmt: skip
    first = tl.program_id(0) * ROWS
    row = tl.program_id(1)
    kv_row = row // heads * (heads // group) + row % heads // group
    rows = first + tl.arange(0, ROWS)
    width = tl.arange(0, WIDTH)
    row_ok = rows < queries
    own = row * queries * WIDTH + rows[:, None] * WIDTH + width[None, :]
    q = tl.load(Q + own, mask=row_ok[:, None], other=0.0)
    do = tl.load(dO + own, mask=row_ok[:, None], other=0.0)
    lse = tl.load(LSE + row * queries + rows, mask=row_ok, other=0.0)
    delta = tl.load(D + row * queries + rows, mask=row_ok, other=0.0)
    dq = tl.zeros([ROWS, WIDTH], dtype=tl.float32)
    offset = keys - queries
    end = keys
    if CAUSAL:
        end = tl.minimum(keys, first + ROWS + offset)
    for start in range(0, end, COLS):
        cols = start + tl.arange(0, COLS)
        at = kv_row * keys * WIDTH + cols[:, None] * WIDTH + width[None, :]
        k = tl.load(K + at, mask=cols[:, None] < keys, other=0.0)
        v = tl.load(V + at, mask=cols[:, None] < keys, other=0.0)
        p = tl.exp(tl.dot(q, tl.trans(k)) * scale - lse[:, None])
        visible = cols[None, :] < keys
        if CAUSAL:
            visible = visible & (cols[None, :] <= rows[:, None] + offset)
        p = tl.where(visible, p, 0.0)
        ds = p * (tl.dot(do, tl.trans(v)) - delta[:, None])
        dq = tl.dot(ds.to(k.dtype), k, dq)
    tl.store(dQ + own, dq * scale, mask=row_ok[:, None])
