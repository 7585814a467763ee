# SPDX-License-Identifier: Apache-2.0
from . import cache, driver
from .autotuner import Autotuner, Config, Heuristics, autotune, heuristics
from .jit import JITFunction, KernelInterface, MockTensor, TensorWrapper, reinterpret
from ..compiler import OutOfResources

__all__ = ["Autotuner", "Config", "Heuristics", "JITFunction", "KernelInterface", "MockTensor", "OutOfResources", "TensorWrapper", "autotune", "cache",
           "driver", "heuristics", "reinterpret"]  # fmt: skip
