# SPDX-License-Identifier: Apache-2.0
"""Kernels that say over which network their transfers go."""
import triton
import triton.language as tl


@triton.jit
def both_ways(x, y, FIRST: tl.constexpr, SECOND: tl.constexpr, PIECE: tl.constexpr):
    """PE 0 sends x to PE 4 four times, by turns over one network and the other; PE 4 adds up."""
    me = tl.program_id(0)
    lanes = tl.arange(0, PIECE)
    if me == 0:
        tile = tl.load(x + lanes)
        for turn in range(2):
            tl.send(to=4, src=tile, network=FIRST)
            tl.send(to=4, src=tile, network=SECOND)
    if me == 4:
        total = tl.zeros((PIECE,), "f32")
        for turn in range(4):
            total += tl.recv(source=0, shape=(PIECE,), dtype="f32")
        tl.store(y + lanes, total)


@triton.jit
def reads_and_writes(x, y, READ: tl.constexpr, WRITE: tl.constexpr):
    """PE 0 copies x, which lives at PE 2, to y, which lives at PE 3."""
    lanes = tl.arange(0, 1024)
    if tl.program_id(0) == 0:
        tile = tl.load(x + lanes, network=READ)
        tl.store(y + lanes, tile, network=WRITE)


@triton.jit
def copies(x, y, NETWORK: tl.constexpr):
    lanes = tl.arange(0, 16)
    if tl.program_id(0) == 0:
        tl.multicast(tl.load(x + lanes), to="all", network=NETWORK)
    else:
        tl.store(y + tl.program_id(0) * 16 + lanes, tl.recv(source=0, shape=(16,), dtype="f32"))


@triton.jit
def no_such_network(x, y, NETWORK: tl.constexpr):
    if tl.program_id(0) == 0:
        tl.send(to=1, src=tl.load(x + tl.arange(0, 16)), network=NETWORK)


@triton.jit
def overtakes(x, y):
    """The second message of each pair goes one hop and is short, the first goes seven."""
    lanes = tl.arange(0, 16)
    me = tl.program_id(0)
    if me == 0:
        for turn in range(3):
            tl.send(to=7, src=tl.zeros((4096,), "f32"), network="noc0")
            tl.send(to=7, src=tl.load(x + lanes), network="noc1")
    if me == 7:
        for turn in range(3):
            long = tl.recv(source=0, shape=(4096,), dtype="f32")
            short = tl.recv(source=0, shape=(16,), dtype="f32")
            tl.store(y + lanes, short + tl.sum(long))
