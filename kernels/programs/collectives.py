# SPDX-License-Identifier: Apache-2.0
"""Collectives made of sends and receives: what a library does between kernels, as kernels.

Idea: ring collectives cut what is to be moved into a part per rank and pass parts to the next rank, adding to them on the way
(reduce-scatter), or keeping a copy (all-gather); an all-reduce is one after the other. The tree halves the number of ranks
that still have something to say at every step. The all-to-all sends every part straight to where it belongs, the nearest first.

Source: Patarasuk and Yuan 2009 (ring); Thakur, Rabenseifner and Gropp 2005 (trees).

Cost, T bytes on n ranks, busiest link of a line: all-gather and reduce-scatter (n-1) T/n in n-1 steps, ring all-reduce twice
that; tree all-reduce log2(n) T in 2 log2(n) steps; all-to-all floor(n/2) ceil(n/2) T/n.

Wins: the ring when bytes count, the tree when they are few and steps count.
"""


def ring_reduce_scatter(x_ptr, y_ptr, part, *, tl):
    """x: n parts of this rank; y: the sum over all ranks of the part with its number."""
    rank, n = tl.program_id(0), tl.num_programs(0)
    total = tl.load(x_ptr + (rank - 1) % n * part, shape=(part,), dtype="f32")
    for step in range(1, n):
        tl.send(to=(rank + 1) % n, src=total)
        own = tl.load(x_ptr + (rank - 1 - step) % n * part, shape=(part,), dtype="f32")
        total = tl.recv(source=(rank - 1) % n, shape=(part,), dtype="f32") + own
    tl.store(y_ptr, total)


def ring_all_gather(x_ptr, y_ptr, part, *, tl):
    """x: the part of this rank; y: all parts, a copy for each rank."""
    rank, n = tl.program_id(0), tl.num_programs(0)
    held = tl.load(x_ptr, shape=(part,), dtype="f32")
    tl.store(y_ptr + rank * part, held)
    for step in range(1, n):
        tl.send(to=(rank + 1) % n, src=held)
        held = tl.recv(source=(rank - 1) % n, shape=(part,), dtype="f32")
        tl.store(y_ptr + (rank - step) % n * part, held)


def ring_all_reduce(x_ptr, y_ptr, part, *, tl):
    """x: n parts of this rank; y: their sums over all ranks, a copy for each rank."""
    rank, n = tl.program_id(0), tl.num_programs(0)
    to, source = (rank + 1) % n, (rank - 1) % n
    total = tl.load(x_ptr + rank * part, shape=(part,), dtype="f32")
    for step in range(1, n):
        tl.send(to=to, src=total)
        own = tl.load(x_ptr + (rank - step) % n * part, shape=(part,), dtype="f32")
        total = tl.recv(source=source, shape=(part,), dtype="f32") + own
    tl.store(y_ptr + (rank + 1) % n * part, total)
    for step in range(1, n):
        tl.send(to=to, src=total)
        total = tl.recv(source=source, shape=(part,), dtype="f32")
        tl.store(y_ptr + (rank + 1 - step) % n * part, total)


def tree_all_reduce(x_ptr, y_ptr, elements, *, tl):
    """x: this rank's elements; y: their sums over all ranks, a copy for each rank. n is a power of two."""
    rank, n = tl.program_id(0), tl.num_programs(0)
    total = tl.load(x_ptr, shape=(elements,), dtype="f32")
    distance = 1
    while distance < n and rank % (2 * distance) == 0:
        total = total + tl.recv(source=rank + distance, shape=(elements,), dtype="f32")
        distance *= 2
    if rank > 0:
        tl.send(to=rank - distance, src=total)
        total = tl.recv(source=rank - distance, shape=(elements,), dtype="f32")
    while distance > 1:
        distance //= 2
        tl.send(to=rank + distance, src=total)
    tl.store(y_ptr, total)


def all_to_all(x_ptr, y_ptr, part, *, tl):
    """x: a part for each rank; y: a part from each rank."""
    rank, n = tl.program_id(0), tl.num_programs(0)
    tl.store(y_ptr + rank * part, tl.load(x_ptr + rank * part, shape=(part,), dtype="f32"))
    for distance in range(1, n):
        for other in (rank - distance, rank + distance):
            if 0 <= other < n:
                tl.send(to=other, src=tl.load(x_ptr + other * part, shape=(part,), dtype="f32"))
        for other in (rank - distance, rank + distance):
            if 0 <= other < n:
                tl.store(y_ptr + other * part, tl.recv(source=other, shape=(part,), dtype="f32"))
