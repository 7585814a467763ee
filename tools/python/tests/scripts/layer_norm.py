# SPDX-License-Identifier: Apache-2.0
"""Layer norm of rows in three passes, in an autograd.Function."""

import torch
import triton
import triton.language as tl

try:
    import apex  # noqa: F401

    HAS_APEX = True
except ModuleNotFoundError:
    HAS_APEX = False


@triton.jit
def _forward(X, Y, W, B, Mean, Rstd, stride, N, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    Y += row * stride
    X += row * stride
    mean = 0
    _mean = tl.zeros([BLOCK], dtype=tl.float32)
    for off in range(0, N, BLOCK):
        cols = off + tl.arange(0, BLOCK)
        _mean += tl.load(X + cols, mask=cols < N, other=0.0).to(tl.float32)
    mean = tl.sum(_mean, axis=0) / N
    _var = tl.zeros([BLOCK], dtype=tl.float32)
    for off in range(0, N, BLOCK):
        cols = off + tl.arange(0, BLOCK)
        x = tl.load(X + cols, mask=cols < N, other=0.0).to(tl.float32)
        x = tl.where(cols < N, x - mean, 0.0)
        _var += x * x
    rstd = 1 / tl.sqrt(tl.sum(_var, axis=0) / N + eps)
    tl.store(Mean + row, mean)
    tl.store(Rstd + row, rstd)
    for off in range(0, N, BLOCK):
        cols = off + tl.arange(0, BLOCK)
        mask = cols < N
        w, b = tl.load(W + cols, mask=mask), tl.load(B + cols, mask=mask)
        x = tl.load(X + cols, mask=mask, other=0.0).to(tl.float32)
        tl.store(Y + cols, (x - mean) * rstd * w + b, mask=mask)


class LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, normalized_shape, weight, bias, eps):
        y = torch.empty_like(x)
        rows = x.reshape(-1, x.shape[-1])
        M, N = rows.shape
        mean = torch.empty((M,), dtype=torch.float32, device=x.device)
        rstd = torch.empty((M,), dtype=torch.float32, device=x.device)
        BLOCK = min(65536 // x.element_size(), triton.next_power_of_2(N))
        if N > BLOCK:
            raise RuntimeError("This layer norm doesn't support feature dim >= 64KB.")
        num_warps = min(max(BLOCK // 256, 1), 8)
        _forward[(M,)](rows, y, weight, bias, mean, rstd, rows.stride(0), N, eps, BLOCK=BLOCK, num_warps=num_warps, num_ctas=1)
        ctx.save_for_backward(x, weight, bias, mean, rstd)
        ctx.BLOCK, ctx.num_warps, ctx.eps = BLOCK, num_warps, eps
        return y


layer_norm = LayerNorm.apply
M, N, dtype = 37, 500, torch.float16
weight = torch.rand((N,), dtype=dtype, device="cuda", requires_grad=True)
bias = torch.rand((N,), dtype=dtype, device="cuda", requires_grad=True)
x = -2.3 + 0.5 * torch.randn((M, N), dtype=dtype, device="cuda")
x.requires_grad_(True)
y = layer_norm(x, (N,), weight, bias, 1e-5)
reference = torch.nn.functional.layer_norm(x.float(), (N,), weight.float(), bias.float(), 1e-5).to(dtype)
assert torch.allclose(y, reference, atol=1e-2, rtol=0)
print(f"right, {type(y).__name__} {tuple(y.shape)}, apex: {HAS_APEX}")
