# SPDX-License-Identifier: Apache-2.0
"""triton.tools.tensor_descriptor.TensorDescriptor."""

import sys
import types
from dataclasses import dataclass
from typing import Any


@dataclass
class TensorDescriptor:
    """A box of a tensor, made by the host; the kernel gets it as a tensor descriptor."""

    base: Any
    shape: list
    strides: list
    block_shape: list
    padding: str = "zero"

    def __post_init__(self):
        if not len(self.shape) == len(self.strides) == len(self.block_shape):
            raise ValueError(f"{len(self.shape)} sizes, {len(self.strides)} strides and {len(self.block_shape)} sizes of a block")

    @staticmethod
    def from_tensor(tensor, block_shape, padding="zero"):
        return TensorDescriptor(tensor, list(tensor.shape), list(tensor.stride()), block_shape, padding)


__path__ = []
tensor_descriptor = types.ModuleType(f"{__name__}.tensor_descriptor")
tensor_descriptor.TensorDescriptor = TensorDescriptor
sys.modules[tensor_descriptor.__name__] = tensor_descriptor
