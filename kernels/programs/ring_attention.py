# SPDX-License-Identifier: Apache-2.0
"""Ring attention around a function that Triton kernels call: the local part knows nothing of the ring.

Idea: keys and values of one head after the other go round the ranks in a closed ring, one way; each rank attends what it
has while the next is under way. The local part is a Triton function, as it would stand in a kernel for one device.

Source: ring attention, Liu, Zaharia and Abbeel 2023.

Cost: C bytes of one rank's keys and values: (n-1) C on every link of a ring, and on a line on every link both ways, the
wrap being routed back; hop-bytes n (n-1) C on a ring, 2 (n-1)^2 C on a line. Time about max(n tau, (n-1) t_c + tau) on a ring.

Wins on rings, and wherever a local kernel exists that one would rather not touch.
"""

import triton
import triton.language as tl


@triton.jit
def attend(q, k, v, m_i, l_i, acc, scale):
    qk = tl.dot(q, tl.trans(k)) * scale
    m_new = tl.maximum(m_i, tl.max(qk, 1))
    p = tl.math.exp2(qk - m_new[:, None])
    alpha = tl.math.exp2(m_i - m_new)
    l_new = l_i * alpha + tl.sum(p, 1)
    acc = tl.dot(p.to(v.dtype), v, acc * alpha[:, None])
    return m_new, l_new, acc


def ring_attention(q_ptr, k_ptr, v_ptr, o_ptr, S_q, S_kv, heads, group, d, *, tl):
    """q and o [S_q, heads, d], k and v [S_kv, heads / group, d]: this rank's tokens."""
    rank = tl.program_id(0)
    n = tl.num_programs(0)
    to, source = (rank + 1) % n, (rank - 1) % n
    kv_heads = heads // group
    width = tl.arange(0, d)
    row = tl.arange(0, S_q * group)
    scale = d**-0.5 * 1.4426950408889634
    for head in range(kv_heads):
        own = (tl.arange(0, S_kv) * (kv_heads * d))[:, None] + (head * d + width)[None, :]
        rows = ((row // group) * (heads * d) + (row % group) * d)[:, None] + (head * group * d + width)[None, :]
        k = tl.load(k_ptr + own)
        v = tl.load(v_ptr + own)
        q = tl.load(q_ptr + rows)
        m = tl.full((S_q * group,), float("-inf"), "f32")
        l = tl.zeros((S_q * group,), "f32")
        acc = tl.zeros((S_q * group, d), "f32")
        for step in range(n):
            is_last = step == n - 1
            if not is_last:
                tl.send(to=to, src=k)
                tl.send(to=to, src=v)
                k_next = tl.recv(source=source, shape=(S_kv, d), dtype=k.dtype)
                v_next = tl.recv(source=source, shape=(S_kv, d), dtype=v.dtype)
            m, l, acc = attend(q, k, v, m, l, acc, scale)
            if not is_last:
                k, v = k_next, v_next
        tl.store(o_ptr + rows, (acc / l[:, None]).to(q.dtype))
