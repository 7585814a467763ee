# SPDX-License-Identifier: Apache-2.0
"""FlashAttention forward on one device, in the three ways in which Triton kernels reach memory.

Idea: an instance has a block of queries of one head and walks over blocks of keys, keeping the maximum, the sum and the
output of each row; scores never leave the SRAM. `flash_pointers` computes addresses element by element under masks, so any
length and any strides will do; `flash_block_pointers` leaves the borders to boundary checks; `flash_descriptors` has
two-dimensional views of everything.

Source: FlashAttention-2, Dao 2023; online softmax, Milakov and Gimelshein 2018.

Cost: 4 S_q S_kv d operations of the matrix engine a head, half of them causal; a block of queries reads K and V once:
S_q / ROWS times (S_kv d + S_kv d) elements from HBM. A PE that runs one instance at a time does matrix and vector work
one after the other.

Wins when heads times blocks of queries are many times the PEs. Larger ROWS read less, larger COLS have fewer steps.
"""

import triton
import triton.language as tl


@triton.jit
def flash_pointers(Q, K, V, O, LSE, q_z, q_h, q_m, k_z, k_h, k_n, v_z, v_h, v_n, o_z, o_h, o_m, heads, group, queries, keys, scale,
                   CAUSAL: tl.constexpr, ROWS: tl.constexpr, COLS: tl.constexpr, WIDTH: tl.constexpr):  # fmt: skip
    first = tl.program_id(0) * ROWS
    batch = tl.program_id(1) // heads
    head = tl.program_id(1) % heads
    if first >= queries:
        return
    kv_head = head // group
    rows = first + tl.arange(0, ROWS)
    width = tl.arange(0, WIDTH)
    row_ok = rows < queries
    offset = keys - queries  # the last query sees the last key
    q = tl.load(Q + batch.to(tl.int64) * q_z + head * q_h + rows[:, None] * q_m + width[None, :], mask=row_ok[:, None], other=0.0)
    k_head = K + batch.to(tl.int64) * k_z + kv_head * k_h
    v_head = V + batch.to(tl.int64) * v_z + kv_head * v_h
    m_i = tl.full([ROWS], float("-inf"), tl.float32)
    l_i = tl.zeros([ROWS], tl.float32)
    acc = tl.zeros([ROWS, WIDTH], tl.float32)
    end = keys
    if CAUSAL:
        end = min(keys, first + ROWS + offset)
    for start in range(0, end, COLS):
        cols = start + tl.arange(0, COLS)
        k = tl.load(k_head + cols[None, :] * k_n + width[:, None], mask=cols[None, :] < keys, other=0.0)
        qk = tl.dot(q, k) * (scale * 1.4426950408889634)
        visible = cols[None, :] < keys
        if CAUSAL:
            visible = visible & (cols[None, :] <= rows[:, None] + offset)
        qk = tl.where(visible, qk, float("-inf"))
        m_new = tl.maximum(m_i, tl.max(qk, 1))
        p = tl.exp2(qk - m_new[:, None])
        alpha = tl.exp2(m_i - m_new)
        l_i = l_i * alpha + tl.sum(p, 1)
        v = tl.load(v_head + cols[:, None] * v_n + width[None, :], mask=cols[:, None] < keys, other=0.0)
        acc = tl.dot(p.to(v.dtype), v, acc * alpha[:, None])
        m_i = m_new
    o = acc / l_i[:, None]
    tl.store(O + batch.to(tl.int64) * o_z + head * o_h + rows[:, None] * o_m + width[None, :], o.to(O.dtype.element_ty), mask=row_ok[:, None])
    tl.store(LSE + tl.program_id(1) * queries + rows, m_i * 0.6931471805599453 + tl.log(l_i), mask=row_ok)


@triton.jit
def step(q, k, v, m_i, l_i, acc, scale, hidden, HIDES: tl.constexpr):
    """One block of keys; `hidden` is added to the scores where the mask cuts through the block."""
    qk = tl.dot(q, k) * scale
    if HIDES:
        qk += hidden
    m_new = tl.maximum(m_i, tl.max(qk, 1))
    p = tl.math.exp2(qk - m_new[:, None])
    alpha = tl.math.exp2(m_i - m_new)
    return m_new, l_i * alpha + tl.sum(p, 1), tl.dot(p.to(v.dtype), v, acc * alpha[:, None])


@triton.jit
def flash_block_pointers(Q, K, V, O, stride_z, stride_h, stride_m, kv_stride_z, kv_stride_h, kv_stride_n, heads, group, queries, keys, scale,
                         CAUSAL: tl.constexpr, ROWS: tl.constexpr, COLS: tl.constexpr, WIDTH: tl.constexpr):  # fmt: skip
    first = tl.program_id(0) * ROWS
    batch, head = tl.program_id(1) // heads, tl.program_id(1) % heads
    at = batch.to(tl.int64) * stride_z + head * stride_h
    kv_at = batch.to(tl.int64) * kv_stride_z + (head // group) * kv_stride_h
    q_block = tl.make_block_ptr(Q + at, (queries, WIDTH), (stride_m, 1), (first, 0), (ROWS, WIDTH), (1, 0))
    k_block = tl.make_block_ptr(K + kv_at, (WIDTH, keys), (1, kv_stride_n), (0, 0), (WIDTH, COLS), (0, 1))
    v_block = tl.make_block_ptr(V + kv_at, (keys, WIDTH), (kv_stride_n, 1), (0, 0), (COLS, WIDTH), (1, 0))
    o_block = tl.make_block_ptr(O + at, (queries, WIDTH), (stride_m, 1), (first, 0), (ROWS, WIDTH), (1, 0))
    q = tl.load(q_block, boundary_check=(0,), padding_option="zero")
    m_i = tl.full([ROWS], float("-inf"), tl.float32)
    l_i = tl.zeros([ROWS], tl.float32)
    acc = tl.zeros([ROWS, WIDTH], tl.float32)
    scale = scale * 1.4426950408889634
    rows = first + tl.arange(0, ROWS)
    offset = keys - queries
    end = min(keys, first + ROWS + offset) if CAUSAL else keys
    # Blocks that all rows see whole, then those that a border cuts.
    whole = min(first + offset + 1, keys) // COLS * COLS if CAUSAL else keys // COLS * COLS
    for start in tl.range(0, whole, COLS):
        k = tl.load(k_block)
        v = tl.load(v_block)
        m_i, l_i, acc = step(q, k, v, m_i, l_i, acc, scale, 0.0, False)
        k_block = tl.advance(k_block, (0, COLS))
        v_block = tl.advance(v_block, (COLS, 0))
    for start in tl.range(whole, end, COLS):
        k = tl.load(k_block, boundary_check=(1,), padding_option="zero")
        v = tl.load(v_block, boundary_check=(0,), padding_option="zero")
        cols = start + tl.arange(0, COLS)
        visible = cols[None, :] < keys
        if CAUSAL:
            visible = visible & (cols[None, :] <= rows[:, None] + offset)
        m_i, l_i, acc = step(q, k, v, m_i, l_i, acc, scale, tl.where(visible, 0.0, float("-inf")), True)
        k_block = tl.advance(k_block, (0, COLS))
        v_block = tl.advance(v_block, (COLS, 0))
    tl.store(o_block, (acc / l_i[:, None]).to(O.type.element_ty), boundary_check=(0,))


@triton.jit
def flash_descriptors(Q, K, V, O, heads, group, queries, keys, scale, Z: tl.constexpr, CAUSAL: tl.constexpr, ROWS: tl.constexpr,
                      COLS: tl.constexpr, WIDTH: tl.constexpr):  # fmt: skip
    """Queries and keys of whole blocks only: rows of the next head follow the last row of this one."""
    tl.static_assert(CAUSAL or COLS > 0)
    first = tl.program_id(0) * ROWS
    row = tl.program_id(1)  # batch and head
    kv_heads = heads // group
    kv_row = row // heads * kv_heads + row % heads // group
    q_desc = tl.make_tensor_descriptor(Q, shape=[Z * heads * queries, WIDTH], strides=[WIDTH, 1], block_shape=[ROWS, WIDTH])
    k_desc = tl.make_tensor_descriptor(K, shape=[Z * kv_heads * keys, WIDTH], strides=[WIDTH, 1], block_shape=[COLS, WIDTH])
    v_desc = tl.make_tensor_descriptor(V, shape=[Z * kv_heads * keys, WIDTH], strides=[WIDTH, 1], block_shape=[COLS, WIDTH])
    o_desc = tl.make_tensor_descriptor(O, shape=[Z * heads * queries, WIDTH], strides=[WIDTH, 1], block_shape=[ROWS, WIDTH])
    q = q_desc.load([row * queries + first, 0])
    m_i = tl.full([ROWS], float("-inf"), tl.float32)
    l_i = tl.zeros([ROWS], tl.float32)
    acc = tl.zeros([ROWS, WIDTH], tl.float32)
    rows = first + tl.arange(0, ROWS)
    end = min(keys, first + ROWS) if CAUSAL else keys
    for start in tl.range(0, end, COLS, warp_specialize=True):
        k = k_desc.load([kv_row * keys + start, 0]).T
        v = v_desc.load([kv_row * keys + start, 0])
        hidden = 0.0
        if CAUSAL:
            hidden = tl.where(start + tl.arange(0, COLS)[None, :] <= rows[:, None], 0.0, float("-inf"))
        m_i, l_i, acc = step(q, k, v, m_i, l_i, acc, scale * 1.4426950408889634, hidden, CAUSAL)
    o_desc.store([row * queries + first, 0], (acc / l_i[:, None]).to(tl.float16))
