# SPDX-License-Identifier: Apache-2.0
"""What is launched only to be timed: whether its values may be missed."""

import functools
import gc
import sys

from .arrays import Memories, is_array, is_float
from .stores import Stores


class Timing:
    """needs_values: is there a launch that stores to a tensor that was there before, so that somebody may look at it afterwards, or
    stores integers or truths, which may steer other launches? Tensors that are made meanwhile are results that are thrown away."""

    def __init__(self):
        self.needs_values = False
        self._before = {_address(tensor) for tensor in _tensors()}

    def see(self, results, args):
        stores = _stores(results.program, results.kernel)
        for name, value in args.items():
            for array in _arrays(value):
                is_old = _address(array) is None or _address(array) in self._before
                if name in stores.names and is_old or name in stores.plainly and not is_float(_dtype(array)):
                    self.needs_values = True


@functools.lru_cache(maxsize=None)
def _stores(program, kernel):
    return Stores(program, kernel)


def _arrays(value):
    if is_array(value):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _arrays(item)
    elif hasattr(value, "base") and hasattr(value, "block_shape"):
        yield from _arrays(value.base)


def _dtype(array):
    memory, _, other = Memories().of(array, "")
    return other or memory.dtype


def _tensors():
    torch = sys.modules.get("torch")
    kind = getattr(torch, "Tensor", None)
    return [item for item in gc.get_objects() if issubclass(type(item), kind)] if kind else []


def _address(array):
    """Of the memory that a tensor of torch lies in; None where that cannot be told."""
    if hasattr(array, "memory_of_standin"):
        return array.memory_of_standin()[0].ctypes.data
    if hasattr(array, "bytes_of_float8"):
        array = array.bytes_of_float8()
    try:
        return array.storage().data_ptr()
    except (AttributeError, NotImplementedError, RuntimeError):  # no tensor, or one without memory
        return None
