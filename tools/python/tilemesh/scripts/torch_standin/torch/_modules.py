# SPDX-License-Identifier: Apache-2.0
"""Modules of torch that scripts ask something, and contexts in which gradients are noted or are not."""

import sys
import types

from ._operation import noting


def no_grad(function=None):
    return noting(False) if function is None else noting(False)(function)


def enable_grad(function=None):
    return noting(True) if function is None else noting(True)(function)


def inference_mode(mode=True):
    return noting(not mode) if isinstance(mode, bool) else noting(False)(mode)


def _module(name, **names):
    module = types.ModuleType(f"torch.{name}")
    vars(module).update(names)
    sys.modules[module.__name__] = module
    return module


cuda, cpu = _module("cuda"), _module("cpu")
version = _module("version", cuda=None, hip=None)
jit = _module("jit", script=lambda function: function, ignore=lambda function: function)
_matmul = types.SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=False)
backends = _module("backends", cuda=types.SimpleNamespace(matmul=_matmul), cudnn=types.SimpleNamespace(allow_tf32=False))
