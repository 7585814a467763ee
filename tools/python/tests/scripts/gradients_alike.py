# SPDX-License-Identifier: Apache-2.0
"""Gradients of what the stand-in for torch has: torch and the stand-in print the same."""

import math

import torch
import torch.nn.functional as F


def show(name, function, *inputs):
    leaves = [value.clone().requires_grad_() for value in inputs]
    try:
        y = function(*leaves)
        y.backward((torch.cos(torch.arange(y.numel(), dtype=torch.float32)) + 0.1).reshape(y.shape).to(y.dtype))
    except RuntimeError:
        print(name, "refused")
        return
    for leaf in leaves:
        print(name, leaf.grad.dtype, list(leaf.grad.shape), [round(n, 3) + 0.0 for n in leaf.grad.double().reshape(-1).tolist()])


x = torch.sin(torch.arange(24, dtype=torch.float32)).reshape(4, 6)
p, w, at = x.abs() + 0.3, torch.cos(torch.arange(6, dtype=torch.float32)), torch.tensor([[1, 0, 2], [3, 3, 1]])
square, mask, batch = torch.sin(torch.arange(36.0)).reshape(6, 6), torch.arange(24).reshape(4, 6) % 3 == 0, x.reshape(2, 2, 6)
for name in "exp exp2 expm1 sin cos tan sinh cosh tanh atan sigmoid relu square abs reciprocal erf floor ceil neg round".split():
    show(name, getattr(torch, name), x)
for name in "log log2 log1p sqrt rsqrt".split():
    show(name, getattr(torch, name), p)
show("asin", torch.asin, x / 4)
show("acos", torch.acos, x / 4)
show("sums", lambda a, b: 2 - (a - b) + 3 * a, x, w)
show("products", lambda a, b: a * b * a / (b + 2) + 2 / a, p, w)
show("powers", lambda a, b: a**3 + a**b + 2.0**a, p, w)
show("x (x + 1)", lambda a: a * (a + 1), x)
show("diamonds", lambda a: (a * a + a) * (a * a) + torch.add(a, a, alpha=2), x)
show("larger", torch.maximum, x, -x)
show("smaller", torch.minimum, x, w)
show("equal", torch.maximum, x, x.clone())
show("clamp", lambda a: a.clamp(-0.5, 0.7) * torch.clamp(a, min=0.1), x)
show("where", lambda a, b: torch.where(mask, a, b) + torch.where(mask, a, 0.0), x, w)
show("masked", lambda a: a.masked_fill(mask, -math.inf).exp(), x)
for how in ({"dim": 0}, {"dim": -1, "keepdim": True}, {"dim": (0, 1)}):
    for name in "sum mean var amax amin".split():
        show(f"{name} {how}", lambda a: getattr(a, name)(**how) * 2, x)
for how in ({"dim": 0}, {"dim": 1, "keepdim": True}):
    show(f"extremes {how}", lambda a: a.max(**how)[0] * a.min(**how).values, x)
    show(f"logsumexp {how}", lambda a: a.logsumexp(**how), x)
show("of all", lambda a: a.sum() * a.mean() * a.max() + a.var(), x)
show("spreads", lambda a: a.std(1) + a.var(1, unbiased=False) + a.var(False), x)
show("norms", lambda a: a.norm(dim=1) + a.norm(1) + a.norm(p=3, dim=1) + a.norm(math.inf, 1), x)
show("cumsum", lambda a: a.cumsum(1), x)
show("softmax", lambda a: torch.softmax(a, 1) + F.softmax(a, dim=0, dtype=torch.float32), x)
show("forms", lambda a: a.reshape(3, 8).view(-1).reshape(4, 6).t().T.flatten().unsqueeze(1).squeeze(), x)
show("permute", lambda a: a.permute(-1, 0, 1), batch)
show("transpose", lambda a: a.transpose(0, 2).mT, batch)
show("expand", lambda a: a.expand(4, 6) * a[None, :1].expand(4, -1), w)
show("parts", lambda a: a.chunk(2, 1)[1] * a.chunk(2, 1)[0] + a.split([1, 3, 2], 1)[1] * a.unbind(1)[2][:, None], x)
show("indices", lambda a: a[1] + a[1:3, ::2].sum() + a[at[0]].sum(0) + a[mask].sum() + a[..., 1].sum() + a[2, 3], x)
show("rows", lambda a: sum(row * 2 for row in a), x)
show("joined", lambda a, b: torch.cat([a, torch.stack([b, b * 2])], 0).flip(0), x, w)
show("gather", lambda a: torch.gather(a, 1, at) * a.gather(0, at), x)
show("order", lambda a: torch.sort(a, descending=True)[0][:, :2] * a.topk(2)[0], x)
show("matrices", torch.matmul, x, square)
show("by a vector", torch.matmul, x, w)
show("a vector by", torch.matmul, w, square)
show("vectors", torch.dot, w, w * 2)
show("batches", torch.matmul, batch, x.reshape(2, 6, 2))
show("a batch by one", torch.matmul, batch, square)
show("a batch by a vector", torch.matmul, batch, w)
show("a vector by a batch", torch.matmul, w[:2], batch)
show("outer", torch.outer, w, w[:4] * 2)
show("addmm", lambda c, a, b: torch.addmm(c, a, b, beta=0.5, alpha=2), x, x, square)
show("einsum", lambda a, b: torch.einsum("bij,jk->bik", a, b), batch, square)
show("triangles", lambda a: torch.tril(a) + torch.triu(a, 1) * 2, square)
show("layer norm", lambda a, b, c: F.layer_norm(a, (6,), b, c, 1e-5) * F.layer_norm(a, (6,)), x, w, w + 1)
show("activations", lambda a: F.gelu(a) + F.silu(a) + F.leaky_relu(a, 0.1), x)
show("linear", F.linear, x, square, w)
show("pad", lambda a: F.pad(a, (1, 2, 0, 1), value=3.0), x)
show("dtypes", lambda a: (a.half().float() * 3).double() * a.bfloat16().double(), x)
show("copies", lambda a: a.clone() * a.contiguous() * a.detach(), x)


def in_place(a):
    b = a * 2
    b += a
    b *= a
    b.mul_(3).add_(a, alpha=2)
    b[1:3] = 0
    b[0] = a[3] * a[2]
    b[0, 1] += a[0, 0]
    c = torch.zeros(4, 6)
    c.copy_(a * 2)
    return b * c


def of_a_leaf(a):
    a += 1
    return a


def without(a):
    with torch.no_grad():
        b = a * 2
    print(b.requires_grad, b.is_leaf, a.is_leaf, (a * 2).is_leaf)
    return a * b


class Two(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b, a + b

    @staticmethod
    def backward(ctx, g, h):
        a, b = ctx.saved_tensors
        return g * b + h, g * a + h


show("in place", in_place, x)
show("of a leaf", of_a_leaf, x)
show("without", without, x)
show("one result of two", lambda a, b: Two.apply(a * 2, b)[0] * 2, x, w)
show("two results", lambda a, b: torch.mul(*Two.apply(a * 2, b)), x, x * 2)
leaf = torch.nn.Parameter(w.clone())
for _ in range(2):
    (leaf * leaf).sum().backward()
with torch.no_grad():
    leaf -= 0.25 * leaf.grad
print([round(n, 3) + 0.0 for n in [*leaf.tolist(), *leaf.grad.tolist()]])
