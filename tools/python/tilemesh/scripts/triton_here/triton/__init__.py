# SPDX-License-Identifier: Apache-2.0
"""What scripts import as triton when `python3 -m tilemesh` runs them: the host's half of Triton's interface, on a simulated
machine. Kernels never run as Python; tilemesh lowers their source."""

from . import language
from .runtime.autotuner import Autotuner, Config, Heuristics, autotune, heuristics
from .runtime.jit import JITFunction, MockTensor, TensorWrapper, jit, reinterpret
from . import backends, compiler, knobs, runtime, testing, tools  # isort: skip
from .compiler import CompilationError, OutOfResources

__version__ = "3.4.0"  # as kernels are lowered for it


class TritonError(Exception):
    pass


def cdiv(x, y):
    return -(-x // y)


def next_power_of_2(n):
    return 1 << max(n - 1, 0).bit_length()


def constexpr_function(function):
    """A function of constants: Python's, on the host; kernels call it as it is written."""
    return function


def set_allocator(allocator):
    """Descriptors need no memory of their own here."""
    del allocator


__all__ = ["Autotuner", "CompilationError", "Config", "Heuristics", "JITFunction", "MockTensor", "OutOfResources", "TensorWrapper", "TritonError",
           "autotune", "backends", "cdiv", "compiler", "constexpr_function", "heuristics", "jit", "knobs", "language", "next_power_of_2", "reinterpret", "runtime",
           "set_allocator", "testing", "tools"]  # fmt: skip
