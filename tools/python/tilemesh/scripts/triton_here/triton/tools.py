# SPDX-License-Identifier: Apache-2.0
"""triton.tools.tensor_descriptor.TensorDescriptor, and experimental_descriptor as it was before."""

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
experimental_descriptor = types.ModuleType(f"{__name__}.experimental_descriptor")


def _described(tensor, *sizes):
    """Sizes of the tensor, of a block, and of an element in bytes, as create_1d_tma_descriptor and create_2d_tma_descriptor take them."""
    rank = (len(sizes) - 1) // 2
    shape = list(sizes[:rank])
    return TensorDescriptor(tensor, shape, [*shape[1:], 1], list(sizes[rank : 2 * rank]))


experimental_descriptor.TensorDescriptor = TensorDescriptor
experimental_descriptor.create_1d_tma_descriptor = experimental_descriptor.create_2d_tma_descriptor = _described
sys.modules[experimental_descriptor.__name__] = experimental_descriptor
