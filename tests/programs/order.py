# SPDX-License-Identifier: Apache-2.0
"""Kernels whose instances wait for each other, for constructs_test.cpp: what is done before what."""

import triton
import triton.language as tl


@triton.jit
def reads_before_it_says_so(much, x, y, flag, ROWS: tl.constexpr = 64):
    i = tl.arange(0, 1024)
    if tl.program_id(0) == 0:
        rows = tl.load(much + tl.arange(0, ROWS)[:, None] * 1024 + i[None, :])  # keeps the engine at work
        old = tl.load(x + i)
        tl.debug_barrier()
        tl.atomic_add(flag, 1, sem="release")
        tl.store(y + i, old + 0.0 * tl.sum(rows, 0))
    else:
        while tl.atomic_add(flag, 0, sem="acquire") == 0:
            pass
        tl.store(x + i, tl.full((1024,), 999.0, tl.float32))
