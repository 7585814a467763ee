# SPDX-License-Identifier: Apache-2.0
"""Gradients of references, as scripts compare those of kernels with: attention with a mask, and layer norm."""

import torch


def numbers(*shape):
    return (torch.arange(int(torch.ones(shape).sum())).reshape(shape) % 7 / 4 - 0.75).half()


def show(*tensors):
    for tensor in tensors:
        print(tensor.grad.dtype, [round(float(n), 2) for n in tensor.grad.float().flatten()[:9]])


q, k, v = (numbers(1, 2, 8, 4).requires_grad_() for _ in range(3))
p = torch.matmul(q, k.transpose(2, 3)) * 0.5
p[:, :, torch.tril(torch.ones((8, 8))) == 0] = float("-inf")
p = torch.softmax(p.float(), dim=-1).half()
torch.matmul(p, v).backward(numbers(1, 2, 8, 4))
show(q, k, v)

x, weight, bias = (numbers(*shape).float().requires_grad_() for shape in ((6, 5), (5,), (5,)))
y = torch.nn.functional.layer_norm(x, (5,), weight, bias, 1e-5)
y.backward(numbers(6, 5).float(), retain_graph=True)
show(x, weight, bias)
