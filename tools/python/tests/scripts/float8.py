# SPDX-License-Identifier: Apache-2.0
"""Tensors of 8-bit floats, which this torch may lack: made, seen in other shapes, read and stored by a kernel, made into others."""

import torch
import triton
import triton.language as tl


@triton.jit
def double(x_ptr, y_ptr, stride, N: tl.constexpr):
    row = tl.program_id(0)
    x = tl.load(x_ptr + row + tl.arange(0, N) * stride)
    tl.store(y_ptr + row * N + tl.arange(0, N), (x.to(tl.float32) * 2).to(y_ptr.dtype.element_ty))


values = torch.tensor([[1.0, 3.1415926, -1000.0, 0.0001], [17.0, 19.0, -0.75, 2.0**-9]], device="cuda").half()
for kind in (torch.float8_e5m2, torch.float8_e4m3fn):
    x = values.to(kind)
    y = torch.empty((4, 2), dtype=kind, device="cuda")
    double[(4,)](x, y, x.stride(0), N=2)
    assert triton.testing.do_bench(lambda: double[(4,)](x, torch.empty_like(y), x.stride(0), N=2)) > 0
    print(x.dtype, x.element_size(), tuple(x.T.shape), x.float().tolist())
    print(y.dtype == kind, values.dtype == kind, y.permute(1, 0).contiguous().to(torch.float16).tolist(), torch.empty_like(y).dtype)
