# SPDX-License-Identifier: Apache-2.0
"""The first half of a gated MLP in one kernel: silu(x gate) times (x up). The second half is a matmul (matmul.py).

Idea: both products of a block share the block of x; the gate is applied while both are still in SRAM, so that neither is
ever written.

Source: SwiGLU, Shazeer 2020.

Cost: 4 M N K operations, as two matmuls; HBM reads M N K (1/ROWS + 2/COLS) elements, and writes M N instead of three times
that and reading two.

Wins always against two matmuls and an elementwise kernel; needs SRAM for two accumulators.
"""

import triton
import triton.language as tl


@triton.jit
def silu(x):
    return x * tl.sigmoid(x)


@triton.jit
def gated(X, gate, up, H, M, N, K, ROWS: tl.constexpr, COLS: tl.constexpr, DEEP: tl.constexpr):
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    cols = tl.program_id(1) * COLS + tl.arange(0, COLS)
    gate_acc = tl.zeros((ROWS, COLS), tl.float32)
    up_acc = tl.zeros((ROWS, COLS), tl.float32)
    for start in range(0, K, DEEP):
        deep = start + tl.arange(0, DEEP)
        x = tl.load(X + rows[:, None] * K + deep[None, :], mask=(rows[:, None] < M) & (deep[None, :] < K), other=0.0)
        inside = (deep[:, None] < K) & (cols[None, :] < N)
        places = deep[:, None] * N + cols[None, :]
        gate_acc = tl.dot(x, tl.load(gate + places, mask=inside, other=0.0), gate_acc)
        up_acc = tl.dot(x, tl.load(up + places, mask=inside, other=0.0), up_acc)
    h = silu(gate_acc) * up_acc
    tl.store(H + rows[:, None] * N + cols[None, :], h.to(H.dtype.element_ty), mask=(rows[:, None] < M) & (cols[None, :] < N))
