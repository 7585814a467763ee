# SPDX-License-Identifier: Apache-2.0
"""A function of autograd whose backward launches kernels too; the file has a kernel that cannot be lowered, which nobody launches."""

import torch
import triton
import triton.language as tl


@triton.jit
def _forward(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at, mask=at < n)
    tl.store(y_ptr + at, x * tl.sigmoid(x), mask=at < n)


@triton.jit
def _backward(gradient_ptr, x_ptr, dx_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + at, mask=at < n)
    s = tl.sigmoid(x)
    tl.store(dx_ptr + at, tl.load(gradient_ptr + at, mask=at < n) * s * (1 + x * (1 - s)), mask=at < n)


@triton.jit
def _scaled(x_ptr, y_ptr):
    y = tl.norm3d(tl.load(x_ptr))
    tl.store(y_ptr, y)


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.empty_like(x)
        _forward[(triton.cdiv(x.numel(), 64),)](x, y, x.numel(), BLOCK=64)
        ctx.save_for_backward(x)
        return y

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        dx = torch.empty_like(x)
        _backward[(triton.cdiv(x.numel(), 64),)](gradient.contiguous(), x, dx, x.numel(), BLOCK=64)
        return dx


torch.manual_seed(0)
x = torch.randn(7, 30, device="cuda", requires_grad=True)
gradient = torch.randn_like(x)
y = Swish.apply(x)
y.backward(gradient)
s = torch.sigmoid(x.detach())
triton.testing.assert_close(y, x.detach() * s, atol=1e-5, rtol=0)
torch.testing.assert_close(x.grad, gradient * s * (1 + x.detach() * (1 - s)), atol=1e-5, rtol=0)
first, x.grad = x.grad.clone(), None
Swish.apply(x).backward(gradient)
assert torch.equal(first, x.grad)
try:
    _scaled[(1,)](x, x)
except Exception as error:
    print(type(error).__name__, str(error).rpartition("/")[2])
