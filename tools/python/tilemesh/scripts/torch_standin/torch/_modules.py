# SPDX-License-Identifier: Apache-2.0
"""Modules of torch that scripts ask something, and contexts that do nothing here."""

import sys
import types


class no_grad:
    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def __call__(self, function):
        return function


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
