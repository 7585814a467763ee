# SPDX-License-Identifier: Apache-2.0
"""Flash attention, forward, with block pointers and with descriptors: made in the kernel, or by the host and sized by a hook
of the tuned configuration."""

import sys

import torch
import triton
import triton.language as tl
from triton.tools.tensor_descriptor import TensorDescriptor

DEVICE = triton.runtime.driver.active.get_active_torch_device()


def supports_host_descriptor():
    return triton.runtime.driver.active.get_current_target().backend == "cuda" and torch.cuda.get_device_capability()[0] >= 9


@triton.jit
def _inner_blocks(acc, l_i, m_i, q, K_block, V_block, start_m, scale, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, STAGE: tl.constexpr,
                  offs_m: tl.constexpr, offs_n: tl.constexpr, N_CTX: tl.constexpr):  # fmt: skip
    if STAGE == 1:
        lo, hi = 0, start_m * BLOCK_M
    elif STAGE == 2:
        lo, hi = start_m * BLOCK_M, (start_m + 1) * BLOCK_M
        lo = tl.multiple_of(lo, BLOCK_M)
    else:
        lo, hi = 0, N_CTX
    K_block = tl.advance(K_block, (0, lo))
    V_block = tl.advance(V_block, (lo, 0))
    for start_n in range(lo, hi, BLOCK_N):
        start_n = tl.multiple_of(start_n, BLOCK_N)
        k = tl.load(K_block)
        qk = tl.dot(q, k)
        if STAGE == 2:
            mask = offs_m[:, None] >= (start_n + offs_n[None, :])
            qk = qk * scale + tl.where(mask, 0, -1.0e6)
            m_ij = tl.maximum(m_i, tl.max(qk, 1))
            qk -= m_ij[:, None]
        else:
            m_ij = tl.maximum(m_i, tl.max(qk, 1) * scale)
            qk = qk * scale - m_ij[:, None]
        p = tl.math.exp2(qk)
        l_ij = tl.sum(p, 1)
        alpha = tl.math.exp2(m_i - m_ij)
        l_i = l_i * alpha + l_ij
        acc = acc * alpha[:, None]
        acc = tl.dot(p.to(tl.float16), tl.load(V_block), acc)
        m_i = m_ij
        V_block = tl.advance(V_block, (BLOCK_N, 0))
        K_block = tl.advance(K_block, (0, BLOCK_N))
    return acc, l_i, m_i


def keep(conf):
    return not (conf.kwargs["BLOCK_M"] * conf.kwargs["BLOCK_N"] < 32 * 32 and conf.num_warps == 8)


@triton.autotune(list(filter(keep, [triton.Config({"BLOCK_M": BM, "BLOCK_N": BN}, num_stages=s, num_warps=w)
                                    for BM in [32, 64] for BN in [16, 32] for s in [3, 4] for w in [4, 8]])), key=["N_CTX", "HEAD_DIM"])  # fmt: skip
@triton.jit
def _forward_blocks(Q, K, V, sm_scale, M, Out, stride_qz, stride_qh, stride_qm, stride_qk, stride_kz, stride_kh, stride_kn, stride_kk, stride_vz,
                    stride_vh, stride_vk, stride_vn, stride_oz, stride_oh, stride_om, stride_on, Z, H, N_CTX, HEAD_DIM: tl.constexpr,
                    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, STAGE: tl.constexpr):  # fmt: skip
    tl.static_assert(BLOCK_N <= HEAD_DIM)
    start_m, off_hz = tl.program_id(0), tl.program_id(1)
    off_z, off_h = off_hz // H, off_hz % H
    qvk_offset = off_z.to(tl.int64) * stride_qz + off_h.to(tl.int64) * stride_qh
    Q_block = tl.make_block_ptr(base=Q + qvk_offset, shape=(N_CTX, HEAD_DIM), strides=(stride_qm, stride_qk), offsets=(start_m * BLOCK_M, 0),
                                block_shape=(BLOCK_M, HEAD_DIM), order=(1, 0))  # fmt: skip
    v_order: tl.constexpr = (0, 1) if V.dtype.element_ty == tl.float8e5 else (1, 0)
    V_block = tl.make_block_ptr(base=V + qvk_offset, shape=(N_CTX, HEAD_DIM), strides=(stride_vk, stride_vn), offsets=(0, 0),
                                block_shape=(BLOCK_N, HEAD_DIM), order=v_order)  # fmt: skip
    K_block = tl.make_block_ptr(base=K + qvk_offset, shape=(HEAD_DIM, N_CTX), strides=(stride_kk, stride_kn), offsets=(0, 0),
                                block_shape=(HEAD_DIM, BLOCK_N), order=(0, 1))  # fmt: skip
    O_block = tl.make_block_ptr(base=Out + qvk_offset, shape=(N_CTX, HEAD_DIM), strides=(stride_om, stride_on), offsets=(start_m * BLOCK_M, 0),
                                block_shape=(BLOCK_M, HEAD_DIM), order=(1, 0))  # fmt: skip
    offs_m = start_m * BLOCK_M + tl.arange(0, BLOCK_M)
    offs_n = tl.arange(0, BLOCK_N)
    m_i = tl.zeros([BLOCK_M], dtype=tl.float32) - float("inf")
    l_i = tl.zeros([BLOCK_M], dtype=tl.float32) + 1.0
    acc = tl.zeros([BLOCK_M, HEAD_DIM], dtype=tl.float32)
    scale = sm_scale
    scale *= 1.44269504
    q = tl.load(Q_block)
    if STAGE & 1:
        acc, l_i, m_i = _inner_blocks(acc, l_i, m_i, q, K_block, V_block, start_m, scale, BLOCK_M, BLOCK_N, 4 - STAGE, offs_m, offs_n, N_CTX)
    if STAGE & 2:
        acc, l_i, m_i = _inner_blocks(acc, l_i, m_i, q, K_block, V_block, start_m, scale, BLOCK_M, BLOCK_N, 2, offs_m, offs_n, N_CTX)
    m_i += tl.math.log2(l_i)
    acc = acc / l_i[:, None]
    tl.store(M + off_hz * N_CTX + offs_m, m_i)
    tl.store(O_block, acc.to(Out.type.element_ty))


@triton.jit
def _as_descriptor(given, shape, strides, block_shape):
    if isinstance(given, tl.tensor_descriptor):
        return given
    else:
        return tl.make_tensor_descriptor(given, shape, strides, block_shape)


@triton.jit
def _inner_descriptors(acc, l_i, m_i, q, desc_k, desc_v, offset_y, dtype: tl.constexpr, start_m, scale, BLOCK_M: tl.constexpr,
                       BLOCK_N: tl.constexpr, STAGE: tl.constexpr, offs_m: tl.constexpr, offs_n: tl.constexpr, N_CTX: tl.constexpr,
                       warp_specialize: tl.constexpr):  # fmt: skip
    if STAGE == 1:
        lo, hi = 0, start_m * BLOCK_M
    elif STAGE == 2:
        lo, hi = start_m * BLOCK_M, (start_m + 1) * BLOCK_M
        lo = tl.multiple_of(lo, BLOCK_M)
    else:
        lo, hi = 0, N_CTX
    offset_kv = offset_y + lo
    for start_n in tl.range(lo, hi, BLOCK_N, warp_specialize=warp_specialize):
        k = desc_k.load([offset_kv, 0]).T
        qk = tl.dot(q, k)
        if STAGE == 2:
            qk = qk * scale + tl.where(offs_m[:, None] >= (start_n + offs_n[None, :]), 0, -1.0e6)
            m_ij = tl.maximum(m_i, tl.max(qk, 1))
            qk -= m_ij[:, None]
        else:
            m_ij = tl.maximum(m_i, tl.max(qk, 1) * scale)
            qk = qk * scale - m_ij[:, None]
        p = tl.math.exp2(qk)
        alpha = tl.math.exp2(m_i - m_ij)
        l_ij = tl.sum(p, 1)
        acc = acc * alpha[:, None]
        v = desc_v.load([offset_kv, 0])
        acc = tl.dot(p.to(dtype), v, acc)
        l_i = l_i * alpha + l_ij
        m_i = m_ij
        offset_kv += BLOCK_N
    return acc, l_i, m_i


def _size_descriptors(nargs):
    if not isinstance(nargs["desc_q"], TensorDescriptor):
        return
    nargs["desc_q"].block_shape = [nargs["BLOCK_M"], nargs["HEAD_DIM"]]
    nargs["desc_k"].block_shape = nargs["desc_v"].block_shape = [nargs["BLOCK_N"], nargs["HEAD_DIM"]]
    nargs["desc_o"].block_shape = [nargs["BLOCK_M"], nargs["HEAD_DIM"]]


def _no_longer_than_context(configs, named_args, **kwargs):
    return [conf for conf in configs if conf.kwargs["BLOCK_M"] <= kwargs["N_CTX"]]


@triton.autotune([triton.Config({"BLOCK_M": BM, "BLOCK_N": BN}, num_stages=3, num_warps=4, pre_hook=_size_descriptors)
                  for BM in [32, 64, 512] for BN in [16, 32]], key=["N_CTX", "HEAD_DIM"],
                 prune_configs_by={"early_config_prune": _no_longer_than_context})  # fmt: skip
@triton.jit
def _forward_descriptors(sm_scale, M, Z, H, desc_q, desc_k, desc_v, desc_o, N_CTX, HEAD_DIM: tl.constexpr, BLOCK_M: tl.constexpr,
                         BLOCK_N: tl.constexpr, STAGE: tl.constexpr, warp_specialize: tl.constexpr):  # fmt: skip
    dtype = tl.float16
    start_m, off_hz = tl.program_id(0), tl.program_id(1)
    off_z, off_h = off_hz // H, off_hz % H
    y_dim = Z * H * N_CTX
    desc_q = _as_descriptor(desc_q, shape=[y_dim, HEAD_DIM], strides=[HEAD_DIM, 1], block_shape=[BLOCK_M, HEAD_DIM])
    desc_k = _as_descriptor(desc_k, shape=[y_dim, HEAD_DIM], strides=[HEAD_DIM, 1], block_shape=[BLOCK_N, HEAD_DIM])
    desc_v = _as_descriptor(desc_v, shape=[y_dim, HEAD_DIM], strides=[HEAD_DIM, 1], block_shape=[BLOCK_N, HEAD_DIM])
    desc_o = _as_descriptor(desc_o, shape=[y_dim, HEAD_DIM], strides=[HEAD_DIM, 1], block_shape=[BLOCK_M, HEAD_DIM])
    offset_y = off_z * (N_CTX * H) + off_h * N_CTX
    qo_offset_y = offset_y + start_m * BLOCK_M
    offs_m = start_m * BLOCK_M + tl.arange(0, BLOCK_M)
    offs_n = tl.arange(0, BLOCK_N)
    m_i = tl.zeros([BLOCK_M], dtype=tl.float32) - float("inf")
    l_i = tl.zeros([BLOCK_M], dtype=tl.float32) + 1.0
    acc = tl.zeros([BLOCK_M, HEAD_DIM], dtype=tl.float32)
    scale = sm_scale
    scale *= 1.44269504
    q = desc_q.load([qo_offset_y, 0])
    if STAGE & 1:
        acc, l_i, m_i = _inner_descriptors(acc, l_i, m_i, q, desc_k, desc_v, offset_y, dtype, start_m, scale, BLOCK_M, BLOCK_N, 4 - STAGE,
                                           offs_m, offs_n, N_CTX, warp_specialize)  # fmt: skip
    if STAGE & 2:
        acc, l_i, m_i = _inner_descriptors(acc, l_i, m_i, q, desc_k, desc_v, offset_y, dtype, start_m, scale, BLOCK_M, BLOCK_N, 2, offs_m,
                                           offs_n, N_CTX, warp_specialize)  # fmt: skip
    m_i += tl.math.log2(l_i)
    acc = acc / l_i[:, None]
    tl.store(M + off_hz * N_CTX + offs_m, m_i)
    desc_o.store([qo_offset_y, 0], acc.to(dtype))


class Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v, causal, sm_scale, way):
        HEAD_DIM = q.shape[-1]
        assert HEAD_DIM == k.shape[-1] == v.shape[-1] and HEAD_DIM in {16, 32, 64, 128, 256}
        o = torch.empty_like(q)
        Z, H, N_CTX = q.shape[0], q.shape[1], q.shape[2]
        M = torch.empty((Z, H, N_CTX), device=q.device, dtype=torch.float32)
        grid = lambda META: (triton.cdiv(N_CTX, META["BLOCK_M"]), Z * H, 1)  # noqa: E731
        stage = 3 if causal else 1
        if way == "blocks":
            _forward_blocks[grid](q, k, v, sm_scale, M, o, *q.stride(), *k.stride(), *v.stride(), *o.stride(), Z, H, N_CTX=N_CTX,
                                  HEAD_DIM=HEAD_DIM, STAGE=stage)  # fmt: skip
        else:
            descriptors = [q, k, v, o]
            if way == "host" and supports_host_descriptor():
                rows = Z * H * N_CTX
                descriptors = [TensorDescriptor(t, shape=[rows, HEAD_DIM], strides=[HEAD_DIM, 1], block_shape=[1, 1]) for t in descriptors]

            def alloc_fn(size: int, align: int, _):
                return torch.empty(size, dtype=torch.int8, device="cuda")

            triton.set_allocator(alloc_fn)
            _forward_descriptors[grid](sm_scale, M, Z, H, *descriptors, N_CTX=N_CTX, HEAD_DIM=HEAD_DIM, STAGE=stage, warp_specialize=False)
        ctx.save_for_backward(q, k, v, o, M)
        ctx.sm_scale, ctx.HEAD_DIM, ctx.causal = sm_scale, HEAD_DIM, causal
        return o


attention = Attention.apply


def test_op(Z, H, N_CTX, HEAD_DIM, causal, way, dtype=torch.float16):
    torch.manual_seed(20)
    q, k, v = (torch.empty((Z, H, N_CTX, HEAD_DIM), dtype=dtype, device=DEVICE).normal_(mean=0.0, std=0.5).requires_grad_() for _ in range(3))
    sm_scale = 0.5
    mask = torch.tril(torch.ones((N_CTX, N_CTX), device=DEVICE))
    p = torch.matmul(q.float(), k.float().transpose(2, 3)) * sm_scale
    if causal:
        p[:, :, mask == 0] = float("-inf")
    reference = torch.matmul(torch.softmax(p, dim=-1), v.float()).to(dtype)
    result = attention(q, k, v, causal, sm_scale, way).half()
    assert torch.allclose(reference, result, atol=1e-2, rtol=0), (reference - result).abs().max()


for way in sys.argv[1:] or ["blocks", "kernel", "host"]:
    for causal in (True, False):
        test_op(1, 2, 128, 32, causal, way)
    print(f"{way}: right")
