# SPDX-License-Identifier: Apache-2.0
"""Sums that instances add up under a lock, as gradients of weights are; and what the other atomic operations find and leave."""

import torch
import triton
import triton.language as tl


@triton.jit
def add_under_lock(x_ptr, sum_ptr, lock_ptr, GROUPS: tl.constexpr, N: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, N)
    lock = lock_ptr + row % GROUPS
    is_filled = lock + GROUPS
    mine = sum_ptr + row % GROUPS * N + at
    x = tl.load(x_ptr + row * N + at)
    while tl.atomic_cas(lock, 0, 1) == 1:
        pass
    if tl.load(is_filled) == 0:
        tl.atomic_xchg(is_filled, 1)
    else:
        x += tl.load(mine)
    tl.store(mine, x)
    tl.debug_barrier()
    tl.atomic_xchg(lock, 0)


@triton.jit
def change(x_ptr, found_ptr):
    at = tl.arange(0, 4)
    tl.store(found_ptr + at, tl.atomic_max(x_ptr + at, at * 2))
    tl.store(found_ptr + 4 + at, tl.atomic_min(x_ptr + at, 3, mask=at > 1))
    tl.store(found_ptr + 8, tl.atomic_or(x_ptr, 8))
    tl.store(found_ptr + 9, tl.atomic_and(x_ptr, 12))
    tl.store(found_ptr + 10, tl.atomic_xor(x_ptr, 5))
    tl.store(found_ptr + 11, tl.atomic_cas(x_ptr + 1, 7, 9))


torch.manual_seed(0)
x = torch.randn(37, 64, device="cuda")
locks = torch.zeros(2 * 3, dtype=torch.int32, device="cuda")
sums = torch.full((3, 64), float("nan"), device="cuda")
add_under_lock[(37,)](x, sums, locks, GROUPS=3, N=64)
for group in range(3):
    torch.testing.assert_close(sums[group], x[group::3].sum(0), atol=1e-4, rtol=0)
print(locks.tolist())

x = torch.tensor([3, 1, 1, 9], dtype=torch.int32, device="cuda")
found = torch.zeros(12, dtype=torch.int32, device="cuda")
change[(1,)](x, found)
print(found.tolist(), x.tolist())
