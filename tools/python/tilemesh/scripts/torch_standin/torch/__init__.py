# SPDX-License-Identifier: Apache-2.0
"""A small stand-in for torch on numpy, for scripts that make tensors, launch kernels and compare. It has what Triton's tutorials
call, gradients of most of it, and one device. python3-torch is used instead where it is installed."""

try:
    import numpy as _numpy
except ImportError:
    raise ImportError("neither torch nor numpy is installed; install python3-torch, or python3-numpy for tilemesh's small stand-in for torch "
                      "(apt-get install python3-numpy)") from None  # fmt: skip

from tilemesh.scripts.torch_here import cuda_names as _cuda_names

from ._dtypes import *  # noqa: F403
from ._dtypes import dtype, finfo, iinfo
from ._device import device
from ._tensor import Size, Tensor
from . import _arithmetic  # isort: skip  operators of tensors
from ._making import *  # noqa: F403
from ._elementwise import *  # noqa: F403
from ._forms import *  # noqa: F403
from ._reductions import *  # noqa: F403
from ._functions import *  # noqa: F403
from . import autograd, nn, testing  # isort: skip
from ._modules import backends, cpu, cuda, enable_grad, inference_mode, jit, no_grad, version  # isort: skip
from ._operation import is_noting as is_grad_enabled  # isort: skip

__version__ = "2.0.0+tilemesh"
inf, nan, pi, e = _numpy.inf, _numpy.nan, _numpy.pi, _numpy.e
for _name, _value in _cuda_names().items():
    setattr(cuda, _name, _value)
    setattr(cpu, _name, _value)
strided = "strided"


def compile(function=None, **_):  # of a compiler's options no result depends
    return function if function is not None else (lambda inner: inner)


def is_tensor(value):
    return isinstance(value, Tensor)


def __getattr__(name):
    raise AttributeError(f"the stand-in for torch has no {name}; install python3-torch")


__all__ = ["Size", "Tensor", "autograd", "backends", "cpu", "cuda", "device", "dtype", "finfo", "iinfo", "jit", "nn", "testing", "version"]
