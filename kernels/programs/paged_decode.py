# SPDX-License-Identifier: Apache-2.0
"""Decode from a paged cache, the keys of a user split over several instances, and the merge of what they find.

Idea: one query per user and head cannot fill a machine, so the keys are cut into SPLITS parts that are attended apart; an
instance has all query heads of one kv head, a user and a part. Its tokens lie wherever the page table says: rows are
gathered page by page. The merge weights normalised partial outputs by their log-sum-exp.

Source: the merge of flash-decoding, Dao et al. 2023; pages, PagedAttention, Kwon et al. 2023.

Cost: every key and value of a user is read once, 2 length d elements a kv head, in runs of d elements; partial results are
SPLITS (d + 1) f32 a query head, written and read once. Time of the first launch about the HBM time of a user's longest part.

Wins when users times kv heads are fewer than the PEs. SPLITS more than PEs / (users kv heads) only make more to merge.
"""

import triton
import triton.language as tl


@triton.jit
def decode_part(Q, K_cache, V_cache, pages, lengths, part_o, part_lse, q_u, q_h, k_page, k_tok, k_h, pages_u, scale,
                KV_HEADS: tl.constexpr, GROUP: tl.constexpr, PAGE: tl.constexpr, SPLITS: tl.constexpr, COLS: tl.constexpr,
                WIDTH: tl.constexpr):  # fmt: skip
    user = tl.program_id(0)
    kv_head = tl.program_id(1)
    split = tl.program_id(2)
    length = tl.load(lengths + user)
    share = tl.cdiv(tl.cdiv(length, SPLITS), COLS) * COLS
    begin = split * share
    end = tl.minimum(begin + share, length)
    head = kv_head * GROUP + tl.arange(0, GROUP)
    width = tl.arange(0, WIDTH)
    place = ((user * KV_HEADS * GROUP + head) * SPLITS + split)[:, None] * WIDTH + width[None, :]
    lse_place = (user * KV_HEADS * GROUP + head) * SPLITS + split
    if end <= begin:
        tl.store(part_o + place, tl.zeros([GROUP, WIDTH], tl.float32))
        tl.store(part_lse + lse_place, tl.full([GROUP], float("-inf"), tl.float32))
        return
    q = tl.load(Q + user * q_u + head[:, None] * q_h + width[None, :])
    m_i = tl.full([GROUP], float("-inf"), tl.float32)
    l_i = tl.zeros([GROUP], tl.float32)
    acc = tl.zeros([GROUP, WIDTH], tl.float32)
    for start in range(begin, end, COLS):
        token = start + tl.arange(0, COLS)
        ok = token < end
        page = tl.load(pages + user * pages_u + token // PAGE, mask=ok, other=0)
        row = page.to(tl.int64) * k_page + token % PAGE * k_tok + kv_head * k_h
        k = tl.load(K_cache + row[None, :] + width[:, None], mask=ok[None, :], other=0.0)
        qk = tl.where(ok[None, :], tl.dot(q, k) * scale, float("-inf"))
        m_new = tl.maximum(m_i, tl.max(qk, 1))
        p = tl.exp(qk - m_new[:, None])
        alpha = tl.exp(m_i - m_new)
        v = tl.load(V_cache + row[:, None] + width[None, :], mask=ok[:, None], other=0.0)
        l_i = l_i * alpha + tl.sum(p, 1)
        acc = tl.dot(p.to(v.dtype), v, acc * alpha[:, None])
        m_i = m_new
    tl.store(part_o + place, acc / l_i[:, None])
    tl.store(part_lse + lse_place, m_i + tl.log(l_i))


@triton.jit
def merge_parts(part_o, part_lse, O, SPLITS: tl.constexpr, WIDTH: tl.constexpr):
    row = tl.program_id(0)  # user and head
    splits = tl.arange(0, SPLITS)
    width = tl.arange(0, WIDTH)
    lse = tl.load(part_lse + row * SPLITS + splits)
    weight = tl.exp(lse - tl.max(lse, 0))
    o = tl.load(part_o + (row * SPLITS + splits)[:, None] * WIDTH + width[None, :])
    merged = tl.sum(o * weight[:, None], 0) / tl.sum(weight, 0)
    tl.store(O + row * WIDTH + width, merged.to(O.dtype.element_ty))
