# SPDX-License-Identifier: Apache-2.0
"""What the stand-in for torch has, without chance: torch and the stand-in print the same."""

import math

import torch
import torch.nn.functional as F


def show(name, value):
    if isinstance(value, torch.Tensor):
        numbers = value.detach().double().reshape(-1).tolist()
        print(name, value.dtype, list(value.shape), [f"{number:.4g}" for number in numbers])
    else:
        print(name, value)


x = (torch.arange(24, dtype=torch.float32).reshape(4, 6) - 11.3) / 3
h, b, n = x.half(), x.to(torch.bfloat16), torch.arange(1, 7, dtype=torch.int32)
for name, value in {
    "bf16": b, "f16": h, "int": x.to(torch.int64), "bool": (x > 0), "add": h + b, "mixed": h + x, "number": h * 2.5, "int number": n * 2.5,
    "int div": n / 2, "floor": n // 2, "mod": -n % 4, "pow": x**2, "neg": -b, "right": 1.0 - x, "and": (x > 0) & (x < 2), "not": ~(x > 0),
    "exp": h.exp(), "sigmoid": torch.sigmoid(x), "tanh": torch.tanh(x), "rsqrt": torch.rsqrt(x.abs()), "relu": torch.relu(x),
    "sum": x.sum(), "sum0": h.sum(0), "sumk": x.sum(dim=1, keepdim=True), "isum": n.sum(), "mean": x.mean(-1), "var": x.var(1),
    "varb": x.var(1, unbiased=False), "max": x.max(), "max0": x.max(dim=0)[0], "max0i": x.max(dim=0).indices, "amax": x.amax(1), "argmax": x.argmax(1),
    "maximum": torch.maximum(x, -x), "clamp": x.clamp(min=-1, max=1), "where": torch.where(x > 0, x, x * 0.5), "where number": torch.where(x > 0, x, 0.0),
    "softmax": torch.softmax(x, dim=-1), "softmax16": torch.softmax(h, dim=-1), "lse": torch.logsumexp(x, 1), "cumsum": x.cumsum(1),
    "matmul": x @ x.t(), "matmul16": h @ h.t(), "bmm": torch.bmm(x[None], x.t()[None]), "einsum": torch.einsum("ij,kj->ik", x, x),
    "tril": torch.tril(x), "cat": torch.cat([x, x], 1), "stack": torch.stack([n, n]), "sort": x.sort(descending=True)[0], "topk": x.topk(2)[1],
    "full": torch.full((2, 2), 3.0), "ifull": torch.full((2,), 3), "eye": torch.eye(2), "linspace": torch.linspace(0, 1, 5), "arange": torch.arange(0, 1, 0.25),
    "tensor": torch.tensor([[1, 2], [3, 4]]), "ftensor": torch.tensor([0.5]), "like": torch.ones_like(h), "zeros": torch.zeros(2, 3, dtype=torch.int8),
    "layer norm": F.layer_norm(x, (6,), torch.ones(6), torch.zeros(6), 1e-5), "gelu": F.gelu(x[2:]), "silu": F.silu(x), "leaky": F.leaky_relu(x, 0.1),
    "expand": n.expand(2, 6), "unsqueeze": n[:, None], "permute": x.reshape(2, 2, 6).permute(2, 0, 1), "flatten": x.reshape(2, 2, 6).flatten(1),
    "repeat": n.repeat(2, 1), "interleave": n.repeat_interleave(2), "index": x[n.long() % 4], "mask": x[x > 1], "chunk": x.chunk(2, 1)[1],
    "masked": x.masked_fill(x > 0, -math.inf), "inf": torch.isinf(x.masked_fill(x > 0, -math.inf)), "row": x[1], "scalar": x[1, 2], "view": x.view(-1),
}.items():  # fmt: skip
    show(name, value)
show("strides", [x.stride(), x.t().stride(), x[1:, ::2].stride(), x.t().contiguous().stride(), x[None].stride(0), torch.empty_like(x.t()).stride()])
show("facts", [x.numel(), x.dim(), x.ndim, x.shape, x.size(0), x.size(), h.element_size(), b.element_size(), x.is_contiguous(), x.t().is_contiguous()])
show("more facts", [x.is_cuda, x.dtype == torch.float32, x.dtype is h.dtype, torch.float16.itemsize if hasattr(torch.float16, "itemsize") else 2, len(x)])
show("info", [torch.finfo(torch.float16).max, torch.finfo(torch.bfloat16).eps, torch.finfo(torch.float32).min, torch.iinfo(torch.int32).max])
y = torch.zeros(4, 6)
y[1:3, :2] = 1.5
y[0] += 2
y.copy_(y + 1).mul_(2)
show("in place", y)
shared = y.t()
shared[0, 0] = 77
show("views share", y[0, 0].item())
show("close", [torch.allclose(x, x + 1e-9), torch.allclose(x, x + 1), torch.equal(n, n)])
torch.testing.assert_close(x, x + 1e-9)
try:
    torch.testing.assert_close(x, x + 1)
except AssertionError:
    print("not close")


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * x * factor

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * 2 * x * ctx.factor, None


leaf = torch.ones(3, requires_grad=True)
Square.apply(leaf, 3.0).backward(torch.full((3,), 0.5))
show("gradient", leaf.grad)
with torch.no_grad():
    show("device", [torch.cuda.is_available(), torch.cuda.get_device_capability(), torch.zeros(2, device="cuda").cuda().cpu().tolist()])
