# SPDX-License-Identifier: Apache-2.0
"""Matrix multiplication on a mesh of PEs, each with one block of a, b and c: SUMMA and Cannon's algorithm with sends.

Idea: `summa` broadcasts, step after step, a panel of a along its row and a panel of b along its column, hop by hop both ways
from its owner; panels are sent on before they are multiplied. `summa_multicast` leaves that to the routers. `cannon` aligns the blocks once and then passes them round, a to the
west and b to the north; every PE multiplies at every step.

Source: SUMMA, van de Geijn and Watts 1997; Cannon 1969.

Cost on R x C PEs, a block of a having A bytes, one of b B bytes: summa moves (C-1) A over every link of a row one way
or the other, at most, and (R-1) B over those of a column; cannon the same and, where the mesh has no wrap, that again for the way back. summa_multicast puts the same bytes on every link, and each panel into the network once.

Wins where blocks are already where they are used: summa on any mesh, cannon on square tori with memory for two blocks only.
"""


def summa(a_ptr, b_ptr, c_ptr, m, k_a, k_b, n, dtype="f16", *, tl):
    """Blocks a [m, k_a], b [k_b, n], c [m, n] of this PE; the larger side of the grid is a multiple of the other."""
    col, row = tl.program_id(0), tl.program_id(1)
    cols, rows = tl.num_programs(0), tl.num_programs(1)
    tl.static_assert(k_a * cols == k_b * rows, "the inner dimensions of a and b differ")
    steps = max(rows, cols)
    deep = k_a * cols // steps
    tl.static_assert(steps % rows == 0 and steps % cols == 0, "one side of the grid is no multiple of the other")
    acc = tl.zeros((m, n), "f32")
    for step in range(steps):
        a_owner, b_owner = step // (steps // cols), step // (steps // rows)
        if col == a_owner:
            place = step % (steps // cols) * deep
            a = tl.load(a_ptr + tl.arange(0, m)[:, None] * k_a + (place + tl.arange(0, deep))[None, :])
        else:
            a = tl.recv(dir="W" if col > a_owner else "E", shape=(m, deep), dtype=dtype)
        if col >= a_owner and col < cols - 1:
            tl.send(dir="E", src=a)
        if col <= a_owner and col > 0:
            tl.send(dir="W", src=a)
        if row == b_owner:
            place = step % (steps // rows) * deep
            b = tl.load(b_ptr + place * n, shape=(deep, n), dtype=dtype)
        else:
            b = tl.recv(dir="N" if row > b_owner else "S", shape=(deep, n), dtype=dtype)
        if row >= b_owner and row < rows - 1:
            tl.send(dir="S", src=b)
        if row <= b_owner and row > 0:
            tl.send(dir="N", src=b)
        acc = tl.dot(a, b, acc)
    tl.store(c_ptr, acc.to(dtype))


def summa_multicast(a_ptr, b_ptr, c_ptr, m, k_a, k_b, n, dtype="f16", *, tl):
    """The same, with each panel in one message to the whole row or column, for routers that copy."""
    col, row = tl.program_id(0), tl.program_id(1)
    cols, rows = tl.num_programs(0), tl.num_programs(1)
    tl.static_assert(k_a * cols == k_b * rows, "the inner dimensions of a and b differ")
    steps = max(rows, cols)
    deep = k_a * cols // steps
    tl.static_assert(steps % rows == 0 and steps % cols == 0, "one side of the grid is no multiple of the other")
    acc = tl.zeros((m, n), "f32")
    for step in range(steps):
        a_owner, b_owner = step // (steps // cols), step // (steps // rows)
        if col == a_owner:
            place = step % (steps // cols) * deep
            a = tl.load(a_ptr + tl.arange(0, m)[:, None] * k_a + (place + tl.arange(0, deep))[None, :])
            tl.multicast(a, to="row")
        else:
            a = tl.recv(source=row * cols + a_owner, shape=(m, deep), dtype=dtype)
        if row == b_owner:
            place = step % (steps // rows) * deep
            b = tl.load(b_ptr + place * n, shape=(deep, n), dtype=dtype)
            tl.multicast(b, to="column")
        else:
            b = tl.recv(source=b_owner * cols + col, shape=(deep, n), dtype=dtype)
        acc = tl.dot(a, b, acc)
    tl.store(c_ptr, acc.to(dtype))


def cannon(a_ptr, b_ptr, c_ptr, m, k, n, dtype="f16", *, tl):
    """Blocks a [m, k], b [k, n], c [m, n] of this PE on a square grid."""
    col, row = tl.program_id(0), tl.program_id(1)
    side = tl.num_programs(0)
    tl.static_assert(side == tl.num_programs(1), "the grid is not square")
    a = tl.load(a_ptr, shape=(m, k), dtype=dtype)
    b = tl.load(b_ptr, shape=(k, n), dtype=dtype)
    if row > 0:
        tl.send(to=row * side + (col - row) % side, src=a)
        a = tl.recv(source=row * side + (col + row) % side, shape=(m, k), dtype=dtype)
    if col > 0:
        tl.send(to=(row - col) % side * side + col, src=b)
        b = tl.recv(source=(row + col) % side * side + col, shape=(k, n), dtype=dtype)
    acc = tl.zeros((m, n), "f32")
    for step in range(side):
        a_now, b_now = a, b
        if step < side - 1:
            tl.send(to=row * side + (col - 1) % side, src=a_now)
            tl.send(to=(row - 1) % side * side + col, src=b_now)
            a = tl.recv(source=row * side + (col + 1) % side, shape=(m, k), dtype=dtype)
            b = tl.recv(source=(row + 1) % side * side + col, shape=(k, n), dtype=dtype)
        acc = tl.dot(a_now, b_now, acc)
    tl.store(c_ptr, acc.to(dtype))
