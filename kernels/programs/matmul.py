# SPDX-License-Identifier: Apache-2.0
"""Matrix multiplication on one device: c = a b, blocks in grouped order.

Idea: an instance has a block of c and walks along the inner dimension. Instances follow each other in groups of GROUP rows of
blocks, so that what runs at the same time shares rows of a and columns of b. Any sizes; borders are masked.

Source: blocking, Goto and van de Geijn 2008; the grouped order is what Triton kernels have for shared caches.

Cost: 2 M N K operations; HBM reads M N K (1/ROWS + 1/COLS) elements, and writes M N.

Wins as the plain case. PEs here share no cache: the order decides only which slices are busy at the same time.
"""

import triton
import triton.language as tl


@triton.jit
def matmul(A, B, C, M, N, K, a_m, a_k, b_k, b_n, c_m, c_n, ROWS: tl.constexpr, COLS: tl.constexpr, DEEP: tl.constexpr,
           GROUP: tl.constexpr):  # fmt: skip
    pid = tl.program_id(axis=0)
    blocks_m = tl.cdiv(M, ROWS)
    blocks_n = tl.cdiv(N, COLS)
    in_group = GROUP * blocks_n
    first_row = pid // in_group * GROUP
    height = min(blocks_m - first_row, GROUP)
    block_m = first_row + pid % in_group % height
    block_n = pid % in_group // height
    rows = block_m * ROWS + tl.arange(0, ROWS)
    cols = block_n * COLS + tl.arange(0, COLS)
    deep = tl.arange(0, DEEP)
    a_ptrs = A + rows[:, None] * a_m + deep[None, :] * a_k
    b_ptrs = B + deep[:, None] * b_k + cols[None, :] * b_n
    acc = tl.zeros((ROWS, COLS), dtype=tl.float32)
    for step in range(0, tl.cdiv(K, DEEP)):
        left = K - step * DEEP
        a = tl.load(a_ptrs, mask=(rows[:, None] < M) & (deep[None, :] < left), other=0.0)
        b = tl.load(b_ptrs, mask=(deep[:, None] < left) & (cols[None, :] < N), other=0.0)
        acc = tl.dot(a, b, acc)
        a_ptrs += DEEP * a_k
        b_ptrs += DEEP * b_k
    c = acc.to(C.dtype.element_ty)
    tl.store(C + rows[:, None] * c_m + cols[None, :] * c_n, c, mask=(rows[:, None] < M) & (cols[None, :] < N))
