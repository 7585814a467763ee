# SPDX-License-Identifier: Apache-2.0
"""Softmax of rows by as many instances as fit the device, which the host asks for what it has and a warm-up for what it needs."""

import torch
import triton
import triton.language as tl
from triton.runtime import driver

DEVICE = triton.runtime.driver.active.get_active_torch_device()


def is_hip():
    return triton.runtime.driver.active.get_current_target().backend == "hip"


@triton.jit
def softmax_kernel(y_ptr, x_ptr, x_row_stride, y_row_stride, n_rows, n_cols, BLOCK: tl.constexpr, num_stages: tl.constexpr):
    first, step = tl.program_id(0), tl.num_programs(0)
    for row in tl.range(first, n_rows, step, num_stages=num_stages):
        columns = tl.arange(0, BLOCK)
        inside = columns < n_cols
        x = tl.load(x_ptr + row * x_row_stride + columns, mask=inside, other=-float("inf"))
        numerator = tl.exp(x - tl.max(x, axis=0))
        tl.store(y_ptr + row * y_row_stride + columns, numerator / tl.sum(numerator, axis=0), mask=inside)


properties = driver.active.utils.get_device_properties(DEVICE.index)
NUM_SM, NUM_REGS = properties["multiprocessor_count"], properties["max_num_regs"]
SIZE_SMEM, WARP_SIZE = properties["max_shared_mem"], properties["warpSize"]
target = triton.runtime.driver.active.get_current_target()


def softmax(x):
    n_rows, n_cols = x.shape
    BLOCK = triton.next_power_of_2(n_cols)
    num_warps = 8
    num_stages = 4 if SIZE_SMEM > 200000 else 2
    y = torch.empty_like(x)
    kernel = softmax_kernel.warmup(y, x, x.stride(0), y.stride(0), n_rows, n_cols, BLOCK=BLOCK, num_stages=num_stages, num_warps=num_warps,
                                   grid=(1,))  # fmt: skip
    kernel._init_handles()
    n_regs, size_smem = kernel.n_regs, kernel.metadata.shared
    assert not is_hip()
    occupancy = min(NUM_REGS // (n_regs * WARP_SIZE * num_warps), SIZE_SMEM // size_smem)
    num_programs = min(NUM_SM * occupancy, n_rows)
    kernel[(num_programs, 1, 1)](y, x, x.stride(0), y.stride(0), n_rows, n_cols, BLOCK, num_stages)
    kernel[(num_programs, 1, 1)](y, x, x.stride(0), y.stride(0), n_rows, n_cols)
    return y, num_programs


torch.manual_seed(0)
x = torch.randn(183, 781, device=DEVICE)
y, programs = softmax(x)
assert torch.allclose(y, torch.softmax(x, axis=1)), (y, torch.softmax(x, axis=1))
print(f"right, with {programs} programs on {target.backend}")
stream = getattr(torch, DEVICE.type).Stream()
getattr(torch, DEVICE.type).set_stream(stream)
