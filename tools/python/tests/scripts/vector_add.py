# SPDX-License-Identifier: Apache-2.0
"""A sum of vectors, as the simplest of Triton's scripts are written."""

import torch
import triton
import triton.language as tl

DEVICE = triton.runtime.driver.active.get_active_torch_device()


@triton.jit
def add_kernel(x_ptr, y_ptr, sum_ptr, n, BLOCK: tl.constexpr):
    at = tl.program_id(axis=0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    total = tl.load(x_ptr + at, mask=inside) + tl.load(y_ptr + at, mask=inside)
    tl.store(sum_ptr + at, total, mask=inside)


def add(x: torch.Tensor, y: torch.Tensor):
    result = torch.empty_like(x)
    assert x.device == DEVICE and y.device == DEVICE and result.device == DEVICE
    n = result.numel()
    add_kernel[lambda meta: (triton.cdiv(n, meta["BLOCK"]),)](x, y, result, n, BLOCK=1024)
    return result


torch.manual_seed(0)
a, b = torch.rand(98432, device=DEVICE), torch.rand(98432, device=DEVICE)
print(f"largest difference: {torch.max(torch.abs(add(a, b) - (a + b)))}")


@triton.testing.perf_report(
    triton.testing.Benchmark(
        x_names=["size"], x_vals=[2**i for i in range(12, 18)], x_log=True, line_arg="provider", line_vals=["triton", "torch"],
        line_names=["Triton", "Torch"], styles=[("blue", "-"), ("green", "-")], ylabel="GB/s", plot_name="sums", args={},
    )
)  # fmt: skip
def benchmark(size, provider):
    x, y = torch.rand(size, device=DEVICE, dtype=torch.float32), torch.rand(size, device=DEVICE, dtype=torch.float32)
    quantiles = [0.5, 0.2, 0.8]
    if provider == "torch":
        ms, least, most = triton.testing.do_bench(lambda: x + y, quantiles=quantiles)
    if provider == "triton":
        ms, least, most = triton.testing.do_bench(lambda: add(x, y), quantiles=quantiles)
    rate = lambda ms: 3 * x.numel() * x.element_size() * 1e-9 / (ms * 1e-3)  # noqa: E731
    return rate(ms), rate(most), rate(least)


benchmark.run(print_data=True, show_plots=True)
