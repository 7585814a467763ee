# SPDX-License-Identifier: Apache-2.0
"""triton.backends.compiler.GPUTarget; the one there is."""

import sys
import types
from dataclasses import dataclass


@dataclass(frozen=True)
class GPUTarget:
    backend: str
    arch: object
    warp_size: int


__path__ = []
compiler = types.ModuleType(f"{__name__}.compiler")
compiler.GPUTarget = GPUTarget
sys.modules[compiler.__name__] = compiler
