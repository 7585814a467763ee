# SPDX-License-Identifier: Apache-2.0
"""What is computed row by row: softmax, layer norm, RMS norm.

Idea: `softmax` is persistent: as many instances as PEs, each walking over rows that are whole in SRAM. `layer_norm` and
`rms_norm` have an instance per row and walk over its columns in blocks, so rows may be longer than SRAM.

Source: fused softmax, Milakov and Gimelshein 2018; layer norm, Ba, Kiros and Hinton 2016; RMS norm, Zhang and Sennrich 2019.

Cost: softmax reads and writes each element once. layer_norm reads three times (mean, variance, result), rms_norm twice; the
vector engine has about 5, 6 and 4 operations an element, softmax one of them an exponential.

Wins against operations one by one, which read and write every element for each of them.
"""

import triton
import triton.language as tl


@triton.jit
def softmax(X, Y, x_row, y_row, rows, columns, BLOCK: tl.constexpr):
    col = tl.arange(0, BLOCK)
    for row in tl.range(tl.program_id(0), rows, tl.num_programs(0), num_stages=2):
        x = tl.load(X + row * x_row + col, mask=col < columns, other=-float("inf")).to(tl.float32)
        p = tl.exp(x - tl.max(x, axis=0))
        y = p / tl.sum(p, axis=0)
        tl.store(Y + row * y_row + col, y.to(Y.dtype.element_ty), mask=col < columns)


@triton.jit
def layer_norm(X, Y, W, B, columns, eps, BLOCK: tl.constexpr):
    X += tl.program_id(0) * columns
    Y += tl.program_id(0) * columns
    total = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, columns, BLOCK):
        col = start + tl.arange(0, BLOCK)
        total += tl.load(X + col, mask=col < columns, other=0.0).to(tl.float32)
    mean = tl.sum(total, axis=0) / columns
    total = tl.zeros([BLOCK], dtype=tl.float32)
    for start in range(0, columns, BLOCK):
        col = start + tl.arange(0, BLOCK)
        x = tl.load(X + col, mask=col < columns, other=0.0).to(tl.float32)
        x = tl.where(col < columns, x - mean, 0.0)
        total += x * x
    scale = 1 / tl.sqrt(tl.sum(total, axis=0) / columns + eps)
    for start in range(0, columns, BLOCK):
        col = start + tl.arange(0, BLOCK)
        inside = col < columns
        x = tl.load(X + col, mask=inside, other=0.0).to(tl.float32)
        y = (x - mean) * scale * tl.load(W + col, mask=inside) + tl.load(B + col, mask=inside)
        tl.store(Y + col, y.to(Y.dtype.element_ty), mask=inside)


@triton.jit
def rms_norm(X, Y, W, columns, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0) * columns
    squares = tl.zeros([BLOCK], tl.float32)
    for start in range(0, columns, BLOCK):
        col = start + tl.arange(0, BLOCK)
        x = tl.load(X + row + col, mask=col < columns, other=0.0).to(tl.float32)
        squares += x * x
    scale = tl.rsqrt(tl.sum(squares, 0) / columns + eps)
    for start in range(0, columns, BLOCK):
        col = start + tl.arange(0, BLOCK)
        x = tl.load(X + row + col, mask=col < columns, other=0.0).to(tl.float32)
        w = tl.load(W + col, mask=col < columns, other=0.0)
        tl.store(Y + row + col, (x * scale * w).to(Y.dtype.element_ty), mask=col < columns)
