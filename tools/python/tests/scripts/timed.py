# SPDX-License-Identifier: Apache-2.0
"""What do_bench computes: values of results that are thrown away are not, those of tensors that the script has already are."""

import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor


@triton.jit
def double(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + at, tl.load(x_ptr + at, mask=at < n) * 2, mask=at < n)


@triton.jit
def count(x_ptr, many_ptr, N: tl.constexpr):
    tl.store(many_ptr, tl.sum((tl.load(x_ptr + tl.arange(0, N)) > 0).to(tl.int32)))


@triton.jit
def repeat(y_ptr, many_ptr):
    for i in range(tl.load(many_ptr)):
        tl.store(y_ptr + i, 1.0)


@triton.jit
def transposed(y_ptr, N: tl.constexpr):
    places = y_ptr + tl.arange(0, N)[:, None] * N + tl.arange(0, N)[None, :]
    tl.store(places.T, tl.zeros((N, N), tl.float32) + 1)


@triton.jit
def scattered(y_desc, N: tl.constexpr):
    y_desc.scatter(tl.zeros((N, N), tl.float32) + 2, tl.arange(0, N), 0)


@triton.jit
def positive(x_ptr, are_ptr, N: tl.constexpr):
    at = tl.arange(0, N)
    tl.store(are_ptr + at, tl.load(x_ptr + at) > 0)


@triton.jit
def for_each(y_ptr, are_ptr, N: tl.constexpr):
    for i in range(N):
        if tl.load(are_ptr + i):
            tl.store(y_ptr + i, 1.0)


x = torch.arange(64, device="cuda", dtype=torch.float32)
kept, made = torch.zeros_like(x), []


def into_a_new_tensor():
    made.append(torch.zeros_like(x))
    double[(1,)](x, made[-1], 64, BLOCK=64)


def by_numbers_of_another_kernel():
    many, y = torch.zeros(1, dtype=torch.int32, device="cuda"), torch.zeros_like(x)
    count[(1,)](x, many, N=64)
    repeat[(1,)](y, many)
    made.append(y)


def by_truths_of_another_kernel():
    are, y = torch.zeros(64, dtype=torch.bool, device="cuda"), torch.zeros_like(x)
    positive[(1,)](x, are, N=64)
    for_each[(1,)](y, are, N=64)
    made.append(y)


ms, least, most = triton.testing.do_bench(into_a_new_tensor)
print(len(made), float(made[0].sum()), ms == least == most > 0)
again = triton.testing.do_bench(lambda: double[(1,)](x, kept, 64, BLOCK=64), quantiles=[0.5, 0.2, 0.8])
print(float(kept.sum()), again == [ms] * 3)
triton.testing.do_bench(by_numbers_of_another_kernel)
print(len(made), float(made[-1].sum()))
triton.testing.do_bench(by_truths_of_another_kernel)
print(len(made), float(made[-1].sum()))
square = torch.zeros(8, 8, device="cuda")
triton.testing.do_bench(lambda: transposed[(1,)](square, 8))
once = float(square.sum())
triton.testing.do_bench(lambda: scattered[(1,)](TensorDescriptor(square, [8, 8], [8, 1], [1, 8]), 8))
print(once, float(square.sum()))
