# SPDX-License-Identifier: Apache-2.0
"""Attention as a wave on a line: the schedule of origin_mesh_kv.py with its arithmetic and its order corrected.

Idea: queries stay, keys and values travel from their rank to both ends of the line. What arrives is forwarded before it
is worked on, and the scores of the next chunk are asked for before the values of this one, so that links, matrix and
vector engine all have something to do. Scores are scaled, heads are apart, partial results are unnormalised until the end.

Source: ring attention, Liu, Zaharia and Abbeel 2023, without the wrap; online softmax, Milakov and Gimelshein 2018.

Cost: C bytes of one rank's keys and values; the busiest link carries (n-1) C, all links n (n-1) C; causal half of that,
eastward only. Time on ideal links max(n tau, (n-1) t_c + tau); t_c a chunk over a link, tau a rank's queries on a chunk.
Overlapped (the default) keys travel before values, and the last scores are made while the last values arrive: where links
bind max(tau, 3 tau - t_c) / 2 instead of the last tau.

Wins when tokens are sharded, heads do not divide over the PEs and the mask is full. Needs SRAM for the scores of a whole
chunk; causal it is unbalanced, the last rank having n times the work of the first.
"""


def head_places(heads, tokens, group, width, tl):
    """Where [kv heads, tokens * group, width] lie in [tokens, kv heads * group, width]."""
    row = tl.arange(0, tokens * group)
    head = tl.arange(0, heads)
    token_place = (row // group) * (heads * group * width) + (row % group) * width
    return (head * (group * width))[:, None, None] + token_place[None, :, None] + tl.arange(0, width)[None, None, :]


def fold(scores, values, state, scale, tl):
    """One more block of scores and its values into (maximum, sum, output); the scores in units of log 2."""
    m, l, o = state
    m_new = tl.maximum(m, tl.max(scores, axis=-1) * scale)
    p = tl.exp2(tl.fma(scores, scale, -m_new))
    fade = tl.exp2(m - m_new)
    l = l * fade + tl.sum(p, axis=-1)
    o = tl.dot(p.to(values.dtype), values, o * fade)
    return m_new, l, o


def advance(q, k, scores, values, state, scale, overlapped, tl):
    """The block that waits becomes part of the state, after the scores of the next if those are to overlap with it."""
    if not overlapped:
        state = fold(scores, values, state, scale, tl)
    next_scores = tl.dot(q, tl.permute(k, (0, 2, 1)))
    if overlapped:
        state = fold(scores, values, state, scale, tl)
    return next_scores, state


def send(direction, k, v, overlapped, tl):
    tl.send(dir=direction, src=k if overlapped else v)
    tl.send(dir=direction, src=v if overlapped else k)


def receive(direction, shape, dtype, overlapped, tl):
    first = tl.recv(dir=direction, shape=shape, dtype=dtype)
    second = tl.recv(dir=direction, shape=shape, dtype=dtype)
    return (first, second) if overlapped else (second, first)


def attention_wave(q_ptr, k_ptr, v_ptr, o_ptr, S_q, S_kv, h_q, h_kv, d, dtype="f16", causal=False, overlapped=True, *, tl):
    """q and o [S_q, h_q, d], k and v [S_kv, h_kv, d]: this rank's tokens. Causal needs S_q = S_kv. Not overlapped, a block
    begins when all of its chunk is there."""
    rank = tl.program_id(0)
    n = tl.num_programs(0)
    group = h_q // h_kv
    tl.static_assert(h_q % h_kv == 0, "query heads are no multiple of kv heads")
    tl.static_assert(S_q == S_kv or not causal, "causal needs as many queries as keys on every rank")
    chunk = (h_kv, S_kv, d)
    scale = d**-0.5 * 1.4426950408889634
    goes_east = rank < n - 1
    goes_west = rank > 0 and not causal

    kv_places = head_places(h_kv, S_kv, 1, d, tl)
    q_places = head_places(h_kv, S_q, group, d, tl)
    k = tl.load(k_ptr + kv_places)
    v = tl.load(v_ptr + kv_places)
    q = tl.load(q_ptr + q_places)
    if goes_east:
        send("E", k, v, overlapped, tl)
    if goes_west:
        send("W", k, v, overlapped, tl)

    scores = tl.dot(q, tl.permute(k, (0, 2, 1)))
    if causal:
        visible = (tl.arange(0, S_q * group) // group)[:, None] >= tl.arange(0, S_kv)[None, :]
        scores = tl.where(visible[None, :, :], scores, float("-inf"))
    state = (
        tl.full((h_kv, S_q * group, 1), float("-inf"), "f32"),
        tl.zeros((h_kv, S_q * group, 1), "f32"),
        tl.zeros((h_kv, S_q * group, d), "f32"),
    )

    for step in range(1, n):
        comes_from_west = rank - step >= 0
        comes_from_east = rank + step < n and not causal
        if comes_from_west:
            k_west, v_west = receive("W", chunk, dtype, overlapped, tl)
            if goes_east:
                send("E", k_west, v_west, overlapped, tl)
        if comes_from_east:
            k_east, v_east = receive("E", chunk, dtype, overlapped, tl)
            if goes_west:
                send("W", k_east, v_east, overlapped, tl)
        if comes_from_west:
            scores, state = advance(q, k_west, scores, v, state, scale, overlapped, tl)
            v = v_west
        if comes_from_east:
            scores, state = advance(q, k_east, scores, v, state, scale, overlapped, tl)
            v = v_east

    m, l, o = fold(scores, v, state, scale, tl)
    tl.store(o_ptr + q_places, (o / l).to(dtype))
