# SPDX-License-Identifier: Apache-2.0
"""Dtypes of results, and arguments that few scripts use: torch and the stand-in print the same."""

import math

import torch
import torch.nn.functional as F


def flat(value):
    if not isinstance(value, (list, tuple)) or isinstance(value, torch.Size):
        return [value]
    return [item for part in value for item in flat(part)]


def show(name, function):
    try:
        found = function()
    except (RuntimeError, TypeError, ValueError):
        print(name, "refused")
        return
    for value in flat(found):
        if isinstance(value, torch.Tensor):
            value = f"{value.dtype} {list(value.shape)} {[f'{n:.3g}' for n in value.detach().double().reshape(-1).tolist()]} {value.requires_grad}"
        print(name, value)


T, nan = torch.tensor, math.nan
KINDS = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64]
for a in KINDS:
    for is_tile in (True, False):
        x = torch.ones(2, dtype=a) if is_tile else T(1, dtype=a)
        for b in KINDS:
            for y in (torch.ones(2, dtype=b), T(1, dtype=b)):
                show(f"{a} {is_tile} {b} {y.ndim}", lambda: [x + y, (x * y).dtype, x == y, x / y, torch.where(T(True), x, y), torch.maximum(x, y).dtype])
        for number in (True, 2, 2.5):
            show(f"{a} {is_tile} {number}", lambda: [x + number, number * x, x / number, number / x, x < number])
            show(f"{a} {is_tile} {number} in place", lambda: x.clone().mul_(number))
            show(f"{a} {is_tile} {number} quotient in place", lambda: x.clone().div_(number))
# Version 1 has few of these for f16 outside of cuda.
for a in KINDS[1:6] + KINDS[8:]:
    x = T([[100, 3, 100], [3, 90, 7]]).to(a)
    for name in "sum prod amax amin argmax argmin all any mean var std".split():
        for how in ({}, {"dim": 1}, {"dim": 0, "keepdim": True}):
            show(f"{name} {a} {how}", lambda: getattr(x, name)(**how))
    for name in "relu abs neg square floor ceil round".split():
        show(f"{name} {a}", lambda: getattr(torch, name)(x))
    for name in "exp sqrt rsqrt sigmoid tanh erf log1p reciprocal".split():
        show(f"{name} {a}", lambda: getattr(torch, name)((x % 6).to(a)))
    for name, function in {
        "dtype": lambda: [x.sum(dtype=torch.float32), x.sum(0, dtype=torch.int8), x.mean(dtype=torch.float32), x.cumsum(1), x.cumsum(0, dtype=torch.float32)],
        "sort": lambda: [x.sort(descending=True, stable=True), x.sort(dim=0, stable=True), x.argsort(dim=0)],
        "topk": lambda: [x.topk(2)[0], x.topk(2, largest=False)[0], x.topk(1, dim=0)[0]],
        "clamp": lambda: [x.clamp(5, 50), x.clamp(max=2.5), x.clamp(min=T(5)), torch.clamp(x, min=T([1, 2, 3]), max=T([1.5, 2, 3]))],
        "softmax": lambda: x.softmax(0), "softmax to": lambda: F.softmax(x, 1, dtype=torch.float32), "quotient": lambda: torch.div(x, 4),
        "rounded quotient": lambda: [torch.div(-x.to(torch.int64), 7, rounding_mode=how) for how in ("trunc", "floor")],
        "norms": lambda: [x.norm(), x.norm(1), x.norm(dim=1), x.norm(2, 1, True), torch.norm(x, p=math.inf), torch.norm(x, p="fro")],
        "products": lambda: [x @ x.t(), torch.mm(x, x.t()), torch.einsum("ij,kj->ik", [x, x]), torch.outer(x[0], x[1])],
        "joined": lambda: [torch.cat([x, T([[1.5, 2, 3]])]), torch.stack([x, x.float()], -1)],
        "made": lambda: [torch.full((2,), 7, dtype=a), torch.full_like(x, 3), torch.zeros_like(x, dtype=torch.int8), torch.arange(3, dtype=a)],
        "triangles": lambda: [x.tril(), torch.triu(x, 1)],
    }.items():  # fmt: skip
        show(f"{name} {a}", function)
x, z = torch.arange(24.0).reshape(4, 6), T([[1.0, nan, 3.0], [nan, 2, -math.inf]])
kept, wide, few, places = torch.zeros(4, 6), torch.zeros(4, 6, dtype=torch.float64), torch.zeros(4), torch.zeros(4, dtype=torch.int64)
row, grown = T([[[1.0, 2, 3], [4, 5, 6]]]), {"requires_grad": True}


def changed():
    a, b, c = T([1, 2]), T([1.0, 2]), T([True, False])
    a += 1
    a *= 3
    a //= 2
    b /= 4
    b **= 2
    c &= True
    return [a, b, c]


for name, function in {
    "nan": lambda: [z.max(), z.min(1), z.max(1), z.argmax(1), z.amax(0), z.sort(1), z.sort(1, descending=True), z.topk(2), z.clamp(0, 2), torch.maximum(z, T(2.0))],
    "infinite": lambda: [z.logsumexp(0), T([[-math.inf] * 2]).logsumexp(1), T([math.inf, 1]).logsumexp(0)],
    "reduced": lambda: [x.sum(axis=0), x.sum(axis=1, keepdims=True), torch.sum(x, (0, 1)), torch.sum(x, dim=[]), torch.sum(input=x, dim=1), torch.any(x > 3, 1),
                        torch.mean(x, [0, 1], True)],
    "spread": lambda: [x.var(0, unbiased=False), torch.var(x, 1, False), x.var(False), x.std(1, False, True), T([1.0]).var(), torch.std(x, dim=0, correction=0)],
    "gathered": lambda: [torch.gather(T([[1, 2], [3, 4], [5, 6]]), 1, T([[1, 0]])), torch.gather(x, 0, T([[1, 3, 0]])), torch.gather(x, -1, T([[1], [3]]))],
    "beyond": lambda: torch.gather(x, 1, T([[6]])), "before": lambda: torch.gather(x, 1, T([[-1]])),
    "more rows": lambda: torch.gather(x, 1, torch.zeros(5, 2, dtype=torch.int64)), "chosen": lambda: torch.index_select(x, 1, T([1, 1, 0])),
    "rounded": lambda: [torch.round(T([1.26, -2.55, 2.5])), torch.round(T([1.26, -2.54]), decimals=1), T([123.0, 155.0]).round(decimals=-1)],
    "kept": lambda: [torch.exp(x / 9, out=kept), kept.clone(), torch.add(x, 1, out=kept) is kept, kept, torch.add(x, 1, out=wide), wide],
    "kept twice": lambda: [torch.max(x, 1, out=(few, places)), few, places], "no room": lambda: torch.exp(x, out=torch.zeros(4, 6, dtype=torch.int32)),
    "grown": lambda: [T([1.0], **grown), torch.full((2,), 1.0, **grown), torch.zeros(2, **grown), torch.arange(2.0, **grown), torch.eye(1, **grown),
                      torch.ones_like(few, **grown), few.new_zeros(2, **grown), few.new_tensor([1, 2])],
    "no gradients": lambda: torch.full((2,), 1, **grown), "mixed": lambda: torch.ones(2, 2) @ torch.ones(2, 2).double(),
    "padded": lambda: [F.pad(row, (1, 1), mode="reflect"), F.pad(row, (2, 0), mode="replicate"), F.pad(row, (1, 2), mode="circular"), F.pad(row, (1, 0, 0, 1)),
                       F.pad(row, (1, 0), "constant", 7), F.pad(T([1, 2]), (0, 1), value=9)],
    "too much": lambda: F.pad(row, (3, 0), mode="reflect"), "no mode": lambda: F.pad(row, (1, 0), mode="nothing"),
    "activations": lambda: [F.gelu(x, approximate="tanh"), F.silu(x), F.relu(x - 5)], "no such": lambda: F.gelu(x, approximate="no"),
    "views": lambda: [x[1, 2], x[0].fill_(7), x[1, 1].fill_(9), x[-1][-1].zero_(), x, x[1:].as_strided((2, 2), (6, 1)), x.as_strided((2, 2), (1, 2), 3)],
    "no view": lambda: x.t().view(-1), "reshaped": lambda: [x.t().reshape(-1), x[:, :2].view(4, 2, 1), x.view(2, 2, 6).view(-1, 6)],
    "strides": lambda: [torch.empty_strided((2, 3), (1, 2)).stride(), x[None].squeeze(1).shape, x[None].squeeze().shape, x.flip(0, 1)],
    "older": lambda: [torch.Tensor([1, 2]), torch.Tensor(2, 3).shape, torch.LongTensor([1, 2]), isinstance(x, torch.FloatTensor), isinstance(x, torch.LongTensor)],
    "ranges": lambda: [torch.arange(1, 5), torch.arange(0, 1, 0.3), torch.arange(start=1, end=4), torch.arange(2, 10, step=3), torch.arange(end=3)],
    "numbers": lambda: [torch.full((2,), True), torch.full((2,), T(3)), T([]), T([T(1), T(2)]), torch.ones(size=(2,)), torch.zeros(()), torch.zeros((2, 1))],
    "random": lambda: [torch.randint(5, (2,)).dtype, torch.randint(5, size=(2,)).max() < 5, torch.randint(0, 5, (2,), dtype=torch.int8).dtype, torch.randperm(4).sort()[0]],
    "casts": lambda: [T([1.7, -1.7]).int(), T([0, 2]).bool(), T([7e4]).half(), x.to("cpu", torch.half).dtype, x.to(T(1)).dtype, x.to(torch.float32, copy=True) is x],
    "operators": lambda: [~T([1]), abs(T([-1])), T([-7]) // 2, T([-7]) % 3, T([1, 2]) << 1, 2 ** T([1, 2]), 5 - T([1]), T([6]) / T([4]), 7 % T([4]), T([3]) ^ 1],
    "scaled": lambda: [torch.add(T([1]), T([2]), alpha=3), torch.sub(T([1.0]), 1, alpha=2), T([1]).add_(2, alpha=3), torch.mul(T([2]), 1.5), T([4.0]).pow_(2)],
    "changed": changed, "too large": lambda: T([1.0, 2]).add_(torch.ones(2, 2)), "half in": lambda: T([1]).add_(0.5),
}.items():  # fmt: skip
    show(name, function)
