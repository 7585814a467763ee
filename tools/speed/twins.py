# SPDX-License-Identifier: Apache-2.0
"""Kernels that tests/programs/twins_test.cpp has in C++ too: command by command the same."""


def attend(k_ptr, o_ptr, q_ptr, v_ptr, rows, cols, blocks, d, tl):
    q = tl.load(q_ptr, shape=(rows, d), dtype="f16")
    m = tl.full((rows, 1), float("-inf"), "f32")
    l = tl.zeros((rows, 1), "f32")
    o = tl.zeros((rows, d), "f32")
    for block in range(blocks):
        k = tl.load(k_ptr + block * cols * d, shape=(cols, d), dtype="f16")
        v = tl.load(v_ptr + block * cols * d, shape=(cols, d), dtype="f16")
        scores = tl.dot(q, tl.trans(k)) * 0.125
        m_new = tl.maximum(m, tl.max(scores, axis=-1))
        p = tl.exp(scores - m_new)
        fade = tl.exp(m - m_new)
        l = l * fade + tl.sum(p, axis=-1)
        o = tl.dot(p.to("f16"), v, o * fade)
        m = m_new
    tl.store(o_ptr, (o / l).to("f16"))


def multiply(a_ptr, b_ptr, c_ptr, m, n, k, rows, cols, deep, tl):
    for row in range(0, m, rows):
        for col in range(0, n, cols):
            acc = tl.zeros((rows, cols), "f32")
            for step in range(0, k, deep):
                i, j, s = row + tl.arange(0, rows), col + tl.arange(0, cols), step + tl.arange(0, deep)
                a = tl.load(a_ptr + i[:, None] * k + s[None, :])
                b = tl.load(b_ptr + s[:, None] * n + j[None, :])
                acc = tl.dot(a, b, acc)
            tl.store(c_ptr + i[:, None] * n + j[None, :], acc.to("f16"))


def pass_on(x_ptr, y_ptr, n, tl):
    rank, ranks = tl.program_id(0), tl.num_programs(0)
    total = tl.load(x_ptr + rank * n, shape=(n,), dtype="f32")
    held = total
    for _ in range(ranks - 1):
        tl.send(to=(rank + 1) % ranks, src=held)
        held = tl.recv(source=(rank - 1) % ranks, shape=(n,), dtype="f32")
        total = tl.maximum(total, held)
    if rank < ranks - 1:
        tl.send(dir="E", src=total)
    if rank > 0:
        total = total + tl.recv(dir="W", shape=(n,), dtype="f32")
    tl.barrier()
    tl.store(y_ptr + rank * n, total)


def soften(x_ptr, y_ptr, rows, columns, tl):
    x = tl.load(x_ptr, shape=(rows, columns), dtype="f32")
    x = x - tl.max(x, axis=-1)
    x = tl.exp(x)
    x = x / tl.sum(x, axis=-1)
    tl.wait(x)
    tl.store(y_ptr, x)
