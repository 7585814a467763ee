# SPDX-License-Identifier: Apache-2.0
"""Small kernels for constructs_test.cpp, mistakes_test.cpp and reductions_test.cpp. Line numbers count there: what fails
says so in a comment."""

import triton
import triton.language as tl


@triton.jit
def copy_all(x, y, n, BLOCK: tl.constexpr = 16):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + i, tl.load(x + i, mask=i < n), mask=i < n)


@triton.jit
def three_dimensions(x, y):
    b, r, c = tl.arange(0, 3)[:, None, None], tl.arange(0, 20)[None, :, None], tl.arange(0, 4)[None, None, :]
    places = b * 80 + r * 4 + c
    tl.store(y + places, tl.load(x + places) * 2.0)


@triton.jit
def hidden_everywhere(x, y, n):
    i = tl.arange(0, 16)
    tl.store(y + i, tl.load(x + i + 1000, mask=i < n, other=3.0))
    tl.store(y + i + 5000, 1.0, mask=i < n)


@triton.jit
def strides(x, y, stride):
    rows, cols = tl.arange(0, 5), tl.arange(0, 7)
    tile = tl.load(x + rows[:, None] * 2 * stride + cols[None, :] * 3)
    tl.store(y + cols[:, None] * 5 + rows[None, :], tl.trans(tile))


@triton.jit
def backwards_and_round(x, y, n):
    i = tl.arange(0, 16)
    tl.store(y + i, tl.load(x + n - 1 - i % n))
    tl.store(y + 16 + i, tl.load(x + (i + 5) % n))


@triton.jit
def loaded_bounds(bounds, x, y):
    begin, end = tl.load(bounds), tl.load(bounds + 1)
    total = tl.zeros([8], tl.float32)
    for row in range(begin, end, 2):
        total += tl.load(x + row * 8 + tl.arange(0, 8))
    while begin < end:
        begin += 3
        if begin == 6:
            continue
        if begin > 9:
            break
        total += 1.0
    tl.store(y + tl.arange(0, 8), total)


@triton.jit
def first_not_below(x, y, n):
    low, high = 0, n
    wanted = tl.program_id(0) * 10
    while low < high:
        middle = (low + high) // 2
        if tl.load(x + middle) < wanted:
            low = middle + 1
        else:
            high = middle
    tl.store(y + tl.program_id(0), low)


@triton.jit
def doubled_if(x, n):
    if n > 3:
        return x * 2.0
    elif n == 2:
        return x
    return x * 0.0


@triton.jit
def returns_early(x, y):
    p = tl.program_id(0)
    if p == 5:
        return
    value = tl.load(x + p)
    for i in range(10):
        if i == p:
            tl.store(y + p, doubled_if(value, p))
            return
    tl.store(y + p, -1.0)


@triton.jit
def wide_integers(y, n):
    tl.store(y, n * n)  # wraps
    tl.store(y + 1, (n.to(tl.int64) * n) // 1000)
    tl.store(y + 2, -n // 7)
    tl.store(y + 3, -n % 7)


@triton.jit
def product(a, b, y, N: tl.constexpr):
    i = tl.arange(0, N)
    places = i[:, None] * N + i[None, :]
    tl.store(y + places, tl.dot(tl.load(a + places), tl.load(b + places)))


@triton.jit
def instance_number(y):
    p = tl.program_id(0) + tl.program_id(1) * 2 + tl.program_id(2) * 6
    tl.store(y + p, p)


@triton.jit
def adds_up(x, y):
    i = tl.arange(0, 16)
    tl.atomic_add(y + i, tl.load(x + i))


@triton.jit
def times(a, b):
    return a * b


@triton.jit
def plus(a, b):
    return a + b


@triton.jit
def keeps_left(a, b):
    return a


@triton.jit
def larger(value, index, other, other_index):
    wins = (value > other) | ((value == other) & (index < other_index))
    return tl.where(wins, value, other), tl.where(wins, index, other_index)


@triton.jit
def own_reductions(x, y):
    i = tl.arange(0, 8)
    tile = tl.load(x + i[:, None] * 8 + i[None, :])
    tl.store(y + i, tl.reduce(tile, 1, plus))
    tl.store(y + 8 + i, tl.reduce(tile, 0, times))
    value, index = tl.reduce((tile, tl.broadcast_to(i[None, :], [8, 8])), axis=1, combine_fn=larger)
    tl.store(y + 16 + i, value)
    tl.store(y + 24 + i, index)
    tl.store(y + 32 + i[:, None], tile.reduce(1, times, keep_dims=True))
    tl.store(y + 40 + i, tl.reduce(tile, 1, keeps_left))
    tl.store(y + 48, tl.reduce(i + 1, 0, times))
    tl.store(y + 49, tl.reduce(tile, None, plus))


@triton.jit
def odd_reduction(x, y):
    tile = tl.load(x + tl.arange(0, 6))
    tl.store(y, tl.reduce(tile, 0, times))


@triton.jit
def reads_beyond(x, y):
    i = tl.arange(0, 16)
    tile = tl.load(x + i)
    tl.store(y + i, tl.load(x + i + 1))  # beyond the last


@triton.jit
def writes_before(x, y):
    tl.store(y + tl.arange(0, 16) - 1, 0.0)  # before the first


@triton.jit
def float_decides(x, y):
    value = tl.load(x)
    if value > 0:  # a tile
        tl.store(y, value)


@triton.jit
def float_addresses(x, y):
    value = tl.load(x)
    tl.store(y + value.to(tl.int32), value)  # a tile


@triton.jit
def never_ends(x, y):
    i = 0
    while i < 1:  # always
        i = i * 1


@triton.jit
def reads_nothing(x, y):
    tl.store(y, tl.load(x))  # never stored


@triton.jit
def divides(x, y, n):
    tl.store(y + 5 // n, 0.0)  # by 0


def sends_alone(y, tl):
    if tl.program_id(0) == 0:
        tl.send(dir="E", src=tl.zeros((4,), "f32"))  # nobody receives
    else:
        tl.store(y, tl.zeros((4,), "f32"))


def both_receive(y, tl):
    other = 1 - tl.program_id(0)
    tl.store(y, tl.recv(source=other, shape=(4,), dtype="f32"))  # nobody sends


def meets_alone(y, tl):
    if tl.program_id(0) == 0:
        tl.barrier()  # nobody else comes
    tl.store(y, tl.zeros((4,), "f32"))


def counts_who_came(x, y, tl):
    p = tl.program_id(0)
    tl.atomic_add(x, 1)
    tl.barrier()  # all in flight
    tl.store(y + p, tl.load(x))
    tl.barrier()
    tl.atomic_add(x, 1)
    tl.barrier()
    tl.store(y + p, tl.load(y + p) + 100 * tl.load(x))


def all_but_one_meet(x, y, tl):
    if tl.program_id(0) != 1:
        tl.barrier()  # one has ended


def asserts_of_tiles(x, ones, y, n, which, tl):
    i = tl.arange(0, 16)
    places = i[:, None] * 2 + tl.arange(0, 2)[None, :]
    tl.device_assert(i < 16, "all hold")
    assert (places >= 0) & (places < 32), "all hold"
    tl.device_assert(tl.load(x + i) < 0.0, "not known")
    if which == 0:
        tl.device_assert(i < n, "too small")  # the last of 16
    if which == 1:
        assert places != n, "the place"  # one of two dimensions
    if which == 2:
        tl.device_assert(i, "an index of 0")
    if which == 3:
        tl.device_assert(tl.load(ones + i), "a loaded 1")
    if which == 4:
        tl.device_assert(tl.load(ones + i) - (i == n).to(tl.int32), "a loaded 0")
    tl.store(y + i, 1.0)


def holds_a_number(y, n, tl):
    tl.store(y + tl.arange(0, 4), tl.load(y + tl.arange(0, 4)))
    tl.device_assert(n == n)


def holds_just_that(y, n, tl):
    tl.device_assert(tl.load(y + tl.arange(0, 4)) == n, "another number")
    tl.store(y + tl.arange(0, 4), tl.load(y + tl.arange(0, 4)))


def says_constants(y, C, D, which, tl):
    if which == 0:
        tl.static_assert(C == 4, f"C is {C}, D {D}, not {C + 1}")  # filled in
    assert which != 1, f"D is {D}"
    tl.store(y + tl.arange(0, 16), 1.0)


def unlike_ends(y, tl):
    if tl.program_id(0) == 0:
        tl.send(to=1, src=tl.zeros((4,), "f32"))
    else:
        tl.store(y, tl.recv(source=0, shape=(2, 2), dtype="f32"))  # sent as [4]


def sends_into_nothing(y, tl):
    tl.send(dir="W", src=tl.zeros((4,), "f32"))  # PE 0 has no neighbour there


def too_large(y, tl):
    tile = tl.zeros((2048, 2048), "f32")  # 16 MiB
    tl.store(y, tl.sum(tile))


def holds_too_much(y, tl):
    a = tl.zeros((1024, 768), "f32")
    b = a + 1.0
    c = a + b  # the third of 3 MiB
    tl.store(y, tl.sum(tl.sum(a + b + c, axis=0)))


@triton.jit
def four_dimensional_blocks(x, y):
    source = tl.make_block_ptr(x, (2, 3, 4, 5), (60, 20, 5, 1), (0, 1, -1, 2), (2, 2, 2, 4), (3, 2, 1, 0))
    target = tl.make_block_ptr(y, (4, 2, 2, 2), (8, 4, 2, 1), (0, 0, 0, 0), (4, 2, 2, 2), (3, 2, 1, 0))
    for _ in range(2):
        source = tl.advance(source, (0, 0, 1, 0))  # rows 0 and 1, then 1 and 2
    tile = tl.load(source, boundary_check=(0, 1, 2, 3), padding_option="zero")  # the last column is outside
    tl.store(target, tl.permute(tile, (3, 0, 1, 2)) + 1.0)


@triton.jit
def five_dimensional_descriptors(x, y):
    source = tl.make_tensor_descriptor(x, [2, 2, 3, 4, 5], [120, 60, 20, 5, 1], [1, 2, 2, 2, 4])
    target = tl.make_tensor_descriptor(y, [2, 2, 2, 2, 4], [32, 16, 8, 4, 1], [1, 2, 2, 2, 4])
    for user in range(2):
        target.store([user, 0, 0, 0, 0], source.load([user, 0, 2, 1, 1]) + 1.0)


@triton.jit
def block_of_other_dimensions(x, y):
    block = tl.make_block_ptr(x, (2, 3, 4, 5), (60, 20, 5, 1), (0, 0, 0, 0), (2, 1, 2, 4), (3, 2, 1, 0))
    tile = tl.load(block)
    tl.store(tl.make_block_ptr(y, (2, 2, 2, 2), (8, 4, 2, 1), (0, 0, 0, 0), (2, 2, 2, 2), (3, 2, 1, 0)), tile)  # [2, 1, 2, 4]


@triton.jit
def extremes(x, y):
    rows, cols = tl.arange(0, 4), tl.arange(0, 4)
    tile = tl.load(x + rows[:, None] * 4 + cols[None, :])
    tile = tl.where(tile == 99.0, float("nan"), tile)
    for axis in tl.static_range(2):
        most, most_at = tl.max(tile, axis, return_indices=True)
        least, least_at = tl.min(tile, axis, return_indices=True)
        tl.store(y + axis * 16 + rows, most)
        tl.store(y + axis * 16 + 4 + rows, most_at.to(tl.float32))
        tl.store(y + axis * 16 + 8 + rows, least)
        tl.store(y + axis * 16 + 12 + rows, least_at.to(tl.float32))


@triton.jit
def unsigned_and_large(x, y, n, u, f):
    i = tl.arange(0, 4)
    tl.store(y, (u > 7) + (u % 7) * 2 + (u * 0x9E3779B97F4A7C15 >> 60) * 16 + (f == 0.1) * 256 + (f > 0.1) * 512)
    tl.store(y + 1, (not n > 3) + (n < 10))  # wraps: booleans
    loaded, computed = tl.load(x + i), (tl.load(x + i) * 1.0).to(tl.int32)
    tl.store(y + 4 + i, (loaded == 0xFFFFFFFF) + (computed < 0x80000000) * 2)
    tl.store(y + 8 + i, (computed == 0xFFFFFFFF) + (loaded < 0x80000000) * 2)
    tl.store(y + 12 + i, (u + i) % 5 + (i.to(tl.uint64) + 0x7FFFFFFFFFFFFFFE >= 0x8000000000000000) * 8)


def multiplies_unlike(x, w, y, tl):
    places = tl.arange(0, 16)[:, None] * 16 + tl.arange(0, 16)[None, :]
    tl.store(y + places, tl.dot(tl.load(x + places), tl.load(w + places)))  # unlike operands
