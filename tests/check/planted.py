# SPDX-License-Identifier: Apache-2.0
"""Kernels with one mistake each, for planted_test.cpp, and what they would be without. Comments name the lines that the
check must name."""


def sends_twice(x, y, tl):
    if tl.program_id(0) == 0:
        tl.send(to=1, src=tl.load(x + tl.arange(0, 16)))
        tl.send(to=1, src=tl.load(x + tl.arange(0, 16)))  # never received
    else:
        tl.store(y + tl.arange(0, 16), tl.recv(source=0, shape=(16,), dtype="f32"))


def both_wait_first(x, y, tl):
    other = 1 - tl.program_id(0)
    got = tl.recv(source=other, shape=(16,), dtype="f32")  # received first
    tl.wait(got)
    tl.send(to=other, src=tl.load(x + tl.arange(0, 16)))
    tl.store(y + tl.program_id(0) * 16 + tl.arange(0, 16), got)


def keys_for_values(x, y, tl):
    if tl.program_id(0) == 0:
        tl.send(to=1, src=tl.load(x + tl.arange(0, 16)))  # K
        tl.send(to=1, src=tl.load(x + tl.arange(0, 8)))  # V
    else:
        v = tl.recv(source=0, shape=(8,), dtype="f32")  # V first
        k = tl.recv(source=0, shape=(16,), dtype="f32")
        tl.store(y + tl.arange(0, 16), k)
        tl.store(y + 16 + tl.arange(0, 8), v)


def misses_the_barrier(x, y, tl):
    rank = tl.program_id(0)
    tl.store(y + rank * 16 + tl.arange(0, 16), tl.load(x + tl.arange(0, 16)))
    if rank != 2:
        tl.barrier()  # not all come


def asks_the_wrong_side(x, y, tl):
    rank = tl.program_id(0)
    if rank < 3:
        tl.send(dir="E", src=tl.load(x + tl.arange(0, 16)))
    if rank > 0 and rank < 3:
        tl.store(y + rank * 16 + tl.arange(0, 16), tl.recv(dir="E", shape=(16,), dtype="f32"))  # should be W


def returns_early(x, y, tl):
    rank = tl.program_id(0)
    i = tl.arange(0, 16)
    if rank == 1:
        return
    if rank > 0:
        tl.store(y + rank * 16 + i, tl.recv(source=rank - 1, shape=(16,), dtype="f32"))  # of who has returned
    if rank < 3:
        tl.send(to=rank + 1, src=tl.load(x + i))


def both_store(x, y, tl):
    tl.store(y + tl.arange(0, 16), tl.load(x + tl.arange(0, 16)))  # everybody's place


def stores_to_the_neighbour(x, y, tl):
    rank = tl.program_id(0)
    i = tl.arange(0, 16)
    tl.store(y + rank * 16 + i, tl.load(x + i))  # written here
    tl.store(y + 64 + rank * 16 + i, tl.load(y + (rank + 1) % 4 * 16 + i))  # read there


def stores_behind_a_barrier(x, y, tl):
    rank = tl.program_id(0)
    i = tl.arange(0, 16)
    tl.store(y + rank * 16 + i, tl.load(x + i))
    tl.barrier()
    tl.store(y + 64 + rank * 16 + i, tl.load(y + (rank + 1) % 4 * 16 + i))


def signals_too_soon(x, y, tl):
    i = tl.arange(0, 16)
    if tl.program_id(0) == 0:
        tl.store(y + i, tl.load(x + i))  # may be under way
        tl.send(to=1, src=tl.zeros((1,), "f32"))
    else:
        tl.wait(tl.recv(source=0, shape=(1,), dtype="f32"))
        tl.store(y + 16 + i, tl.load(y + i))  # when this is read


def reads_what_nobody_wrote(x, y, tl):
    i = tl.arange(0, 16)
    half = tl.arange(0, 8)
    tl.store(y + half, tl.load(x + half))
    tl.store(y + 16 + i, tl.load(y + i))  # the other half


def leaves_the_tensor(x, y, tl):
    tl.store(y + tl.program_id(0) * 64 + tl.arange(0, 16), tl.load(x + tl.arange(0, 16)))  # beyond y


def makes_too_much(x, y, tl):
    i = tl.arange(0, 16)
    unused = tl.load(x + i)  # for nothing
    tl.store(y + tl.program_id(0) * 16 + i, tl.load(x + i))


def holds_two_thirds(x, y, tl):
    a = tl.zeros((1024, 600), "f32")
    b = tl.zeros((1024, 600), "f32")
    tl.store(y + tl.program_id(0), tl.sum(tl.sum(a + b, axis=0), axis=1))


def asks_for_more_than_there_is(x, y, tl):
    a = tl.zeros((1024, 768), "f32")
    b = a + 1.0
    c = a + b  # the third of 3 MiB
    tl.store(y, tl.sum(tl.sum(a + b + c, axis=0), axis=1))


def counts_up(x, y, counter, tl):
    tl.atomic_add(counter, 1)


def takes_turns(x, y, counter, tl):
    rank = tl.program_id(0)
    i = tl.arange(0, 16)
    while tl.atomic_cas(counter, rank, rank) != rank:
        pass
    tl.store(y + i, tl.load(x + i) + rank)
    if tl.atomic_add(counter, 1) != rank:  # whose answer is waited for, and so all before it
        tl.store(y + 16 + i, tl.load(x + i))


def gives_up_its_turn_too_soon(x, y, counter, tl):
    rank = tl.program_id(0)
    i = tl.arange(0, 16)
    while tl.atomic_cas(counter, rank, rank) != rank:
        pass
    tl.store(y + i, tl.load(x + i) + rank)  # not waited for
    tl.atomic_add(counter, 1)
