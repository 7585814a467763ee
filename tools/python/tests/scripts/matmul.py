# SPDX-License-Identifier: Apache-2.0
"""A product with an activation, its blocks tuned."""

import torch
import triton
import triton.language as tl

DEVICE = triton.runtime.driver.active.get_active_torch_device()


def is_cuda():
    return triton.runtime.driver.active.get_current_target().backend == "cuda"


def configurations():
    sizes = [(128, 256, 64, 3, 8), (64, 256, 32, 4, 4), (128, 128, 32, 4, 4), (32, 64, 32, 5, 2), (32, 64, 32, 3, 4), (64, 64, 64, 2, 4)]
    return [triton.Config({"BLOCK_M": m, "BLOCK_N": n, "BLOCK_K": k, "GROUP_M": 8}, num_stages=stages, num_warps=warps)
            for m, n, k, stages, warps in sizes]  # fmt: skip


@triton.autotune(configs=configurations() if is_cuda() else [], key=["M", "N", "K"])
@triton.jit
def matmul_kernel(a_ptr, b_ptr, c_ptr, M, N, K, stride_am, stride_ak, stride_bk, stride_bn, stride_cm, stride_cn, BLOCK_M: tl.constexpr,
                  BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, GROUP_M: tl.constexpr, ACTIVATION: tl.constexpr):  # fmt: skip
    pid = tl.program_id(axis=0)
    blocks_m, blocks_n = tl.cdiv(M, BLOCK_M), tl.cdiv(N, BLOCK_N)
    in_group = GROUP_M * blocks_n
    first_m = (pid // in_group) * GROUP_M
    group_m = min(blocks_m - first_m, GROUP_M)
    pid_m = first_m + ((pid % in_group) % group_m)
    pid_n = (pid % in_group) // group_m
    rows = (pid_m * BLOCK_M + tl.arange(0, BLOCK_M)) % M
    columns = (pid_n * BLOCK_N + tl.arange(0, BLOCK_N)) % N
    inner = tl.arange(0, BLOCK_K)
    a_ptrs = a_ptr + (rows[:, None] * stride_am + inner[None, :] * stride_ak)
    b_ptrs = b_ptr + (inner[:, None] * stride_bk + columns[None, :] * stride_bn)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for k in range(0, tl.cdiv(K, BLOCK_K)):
        a = tl.load(a_ptrs, mask=inner[None, :] < K - k * BLOCK_K, other=0.0)
        b = tl.load(b_ptrs, mask=inner[:, None] < K - k * BLOCK_K, other=0.0)
        total = tl.dot(a, b, total)
        a_ptrs += BLOCK_K * stride_ak
        b_ptrs += BLOCK_K * stride_bk
    if ACTIVATION == "leaky_relu":
        total = leaky_relu(total)
    c = total.to(tl.float16)
    out_m, out_n = pid_m * BLOCK_M + tl.arange(0, BLOCK_M), pid_n * BLOCK_N + tl.arange(0, BLOCK_N)
    c_ptrs = c_ptr + stride_cm * out_m[:, None] + stride_cn * out_n[None, :]
    tl.store(c_ptrs, c, mask=(out_m[:, None] < M) & (out_n[None, :] < N))


@triton.jit
def leaky_relu(x):
    return tl.where(x >= 0, x, 0.01 * x)


def matmul(a, b, activation=""):
    assert a.shape[1] == b.shape[0] and a.is_contiguous()
    (M, K), (K, N) = a.shape, b.shape
    c = torch.empty((M, N), device=a.device, dtype=torch.float16)
    grid = lambda META: (triton.cdiv(M, META["BLOCK_M"]) * triton.cdiv(N, META["BLOCK_N"]),)  # noqa: E731
    matmul_kernel[grid](a, b, c, M, N, K, a.stride(0), a.stride(1), b.stride(0), b.stride(1), c.stride(0), c.stride(1), ACTIVATION=activation)
    return c


torch.manual_seed(0)
a = torch.rand((256, 192), device=DEVICE, dtype=torch.float16) - 0.5
b = torch.rand((192, 320), device=DEVICE, dtype=torch.float16) - 0.5
expected = torch.matmul(a.to(torch.float32), b.to(torch.float32)).to(torch.float16)
assert torch.allclose(matmul(a, b), expected, atol=1e-2, rtol=0)
transposed = b.T.contiguous().T  # the same values, strides of a column
assert tuple(transposed.stride()) == (1, 192) and torch.allclose(matmul(a, transposed), expected, atol=1e-2, rtol=0)
leaky = torch.where(expected >= 0, expected, expected * 0.01)
assert torch.allclose(matmul(a, b, activation="leaky_relu"), leaky, atol=1e-2, rtol=0)

best, timings = matmul_kernel.best_config, matmul_kernel.configs_timings
assert len(timings) == 6 and timings[best] == min(timings.values())
ms = triton.testing.do_bench(lambda: matmul(a, b))
assert abs(ms - timings[best]) < 1e-12, (ms, timings[best])
print(f"right; best of {len(timings)}: {best.kwargs}, {2 * 256 * 192 * 320 * 1e-12 / (ms * 1e-3):.3f} TFLOP/s")
