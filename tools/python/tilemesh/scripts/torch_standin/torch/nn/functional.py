# SPDX-License-Identifier: Apache-2.0
"""torch.nn.functional, of which references are made."""

import math

import numpy

from .._elementwise import _widened, erf, relu, rsqrt, sigmoid, tanh, where
from .._functions import matmul, tril
from .._making import ones
from .._operation import BY_PARTS, operation
from .._reductions import mean, softmax, var
from .._tensor import Tensor
from .. import _dtypes as dtypes

__all__ = ["relu", "sigmoid", "softmax", "tanh", "layer_norm", "rms_norm", "leaky_relu", "gelu", "silu", "linear", "scaled_dot_product_attention",
           "pad"]  # fmt: skip


def _dims(normalized_shape):
    return tuple(range(-len(tuple(normalized_shape)), 0))


def _of_layer_norm(gradient, _, x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims, wide, dy = _dims(normalized_shape), _widened(x), _widened(gradient)
    rstd = rsqrt(var(wide, dims, False, True) + eps)
    hat = (wide - mean(wide, dims, True)) * rstd
    scaled = dy if weight is None else dy * _widened(weight)
    dx = (scaled - mean(scaled, dims, True) - hat * mean(scaled * hat, dims, True)) * rstd
    return dx, None, dy * hat, dy


@operation(gradient=_of_layer_norm)
def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    dims, wide = _dims(normalized_shape), _widened(x.detach())
    result = (wide - mean(wide, dims, True)) * rsqrt(var(wide, dims, False, True) + eps)
    result = result if weight is None else result * _widened(weight.detach())
    return (result if bias is None else result + _widened(bias.detach())).to(x.dtype)


@operation(gradient=BY_PARTS)
def rms_norm(x, normalized_shape, weight=None, eps=None):
    wide = _widened(x)
    eps = dtypes.finfo(x.dtype).eps if eps is None else eps
    result = wide * rsqrt(mean(wide * wide, _dims(normalized_shape), True) + eps)
    return (result if weight is None else result * _widened(weight)).to(x.dtype)


@operation(gradient=BY_PARTS)
def leaky_relu(x, negative_slope=0.01):
    return where(x > 0, x, x * negative_slope)


@operation(gradient=BY_PARTS)
def gelu(x, approximate="none"):
    wide = _widened(x)
    if approximate == "tanh":
        return (wide * 0.5 * (1 + tanh((wide + wide * wide * wide * 0.044715) * math.sqrt(2 / math.pi)))).to(x.dtype)
    if approximate != "none":
        raise RuntimeError("approximate argument must be either none or tanh.")
    return (wide * 0.5 * (1 + erf(wide * math.sqrt(0.5)))).to(x.dtype)


@operation(gradient=BY_PARTS)
def silu(x):
    return x * sigmoid(x)


@operation(gradient=BY_PARTS)
def linear(x, weight, bias=None):
    result = matmul(x, weight.T)
    return result if bias is None else result + bias


_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _pairs(x, sizes):
    pairs = [(sizes[i], sizes[i + 1]) for i in range(0, len(sizes), 2)]
    return [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]


def _of_pad(gradient, _, x, sizes, mode="constant", value=None):
    if mode != "constant":
        raise NotImplementedError(f"the stand-in for torch has no gradient of pad by {mode}; install python3-torch")
    return (gradient[tuple(slice(before, before + size) for (before, _), size in zip(_pairs(x, sizes), x.shape))],)


@operation(gradient=_of_pad)
def pad(x, sizes, mode="constant", value=None):
    pairs = _pairs(x, sizes)
    if mode not in _MODES or min(map(min, pairs)) < 0:
        raise NotImplementedError(f"the stand-in for torch has no pad of {list(sizes)} by {mode}; install python3-torch")
    if mode == "constant":
        return Tensor(numpy.pad(x._array, pairs, constant_values=value or 0), x.dtype)
    if value is not None:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    most = {"reflect": -1, "circular": 0, "replicate": math.inf}[mode]
    if any(max(pair) > size + most for pair, size in zip(pairs, x.shape)):
        raise RuntimeError("Padding size should be less than the corresponding input dimension")
    return Tensor(numpy.pad(x._array, pairs, _MODES[mode]), x.dtype)


@operation(gradient=BY_PARTS)
def scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None,
                                 enable_gqa=False):  # fmt: skip
    if dropout_p:
        raise NotImplementedError("the stand-in for torch has no dropout; install python3-torch")
    if is_causal and attn_mask is not None:
        raise RuntimeError("Explicit attn_mask should not be set when is_causal=True")
    if enable_gqa:
        k, v = (one.repeat_interleave(q.shape[-3] // one.shape[-3], -3) for one in (k, v))
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = matmul(_widened(q), _widened(k).transpose(-1, -2)) * scale
    if is_causal:
        attn_mask = tril(ones(*scores.shape[-2:], dtype=dtypes.bool))
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype is dtypes.bool else scores + attn_mask
    return matmul(softmax(scores, -1), _widened(v)).to(q.dtype)


def __getattr__(name):
    raise AttributeError(f"the stand-in for torch has no nn.functional.{name}; install python3-torch")
