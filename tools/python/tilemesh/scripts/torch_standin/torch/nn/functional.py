# SPDX-License-Identifier: Apache-2.0
"""torch.nn.functional, of which references are made."""

import math

import numpy

from .._elementwise import erf, relu, rsqrt, sigmoid, tanh, where
from .._functions import matmul, tril
from .._making import ones
from .._reductions import mean, softmax, var
from .. import _dtypes as dtypes

__all__ = ["relu", "sigmoid", "softmax", "tanh", "layer_norm", "rms_norm", "leaky_relu", "gelu", "silu", "linear", "scaled_dot_product_attention",
           "pad"]  # fmt: skip


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims = tuple(range(-len(tuple(normalized_shape)), 0))
    wide = x.float()
    result = (wide - mean(wide, dims, True)) * rsqrt(var(wide, dims, unbiased=False, keepdim=True) + eps)
    result = result if weight is None else result * weight.float()
    return (result if bias is None else result + bias.float()).to(x.dtype)


def rms_norm(x, normalized_shape, weight=None, eps=1e-6):
    dims = tuple(range(-len(tuple(normalized_shape)), 0))
    wide = x.float()
    result = wide * rsqrt(mean(wide * wide, dims, True) + (eps or 1e-6))
    return (result if weight is None else result * weight.float()).to(x.dtype)


def leaky_relu(x, negative_slope=0.01):
    return where(x >= 0, x, x * negative_slope)


def gelu(x, approximate="none"):
    if approximate == "tanh":
        return (x.float() * 0.5 * (1 + tanh((x.float() + x.float() ** 3 * 0.044715) * math.sqrt(2 / math.pi)))).to(x.dtype)
    return (x.float() * 0.5 * (1 + erf(x.float() * math.sqrt(0.5)))).to(x.dtype)


def silu(x):
    return x * sigmoid(x)


def linear(x, weight, bias=None):
    result = matmul(x, weight.T)
    return result if bias is None else result + bias


def pad(x, sizes, value=0.0, **_):
    pairs = [(sizes[i], sizes[i + 1]) for i in range(0, len(sizes), 2)]
    pairs = [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]
    return type(x)(numpy.pad(x._array, pairs, constant_values=value), x.dtype)


def scaled_dot_product_attention(q, k, v, attn_mask=None, is_causal=False, scale=None, **_):
    scores = matmul(q.float(), k.float().transpose(-1, -2)) * (scale or 1 / math.sqrt(q.shape[-1]))
    if is_causal:
        scores = scores.masked_fill(tril(ones(*scores.shape[-2:], dtype=dtypes.bool)) == 0, float("-inf"))
    if attn_mask is not None:
        scores = scores + attn_mask
    return matmul(softmax(scores, -1), v.float()).to(q.dtype)
