# SPDX-License-Identifier: Apache-2.0
"""What names mean in a script that runs, for kernels that use what their file alone does not tell: a constant that was computed,
a kernel that was imported from elsewhere or handed in by a closure."""

import os

from .values import DType, Function, Namespace, is_constant

_MODULES = {"triton": "triton", "triton.language": "triton.language", "torch": "torch", "numpy": "numpy", "math": "math"}


def value_of(value, name, files):
    """Ours for Python's value, or None where a kernel can make nothing of it."""
    if hasattr(value, "__triton_constexpr__"):
        value = value.value
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    if isinstance(value, (tuple, list)):
        items = [value_of(item, name, files) for item in value]
        return tuple(items) if all(map(is_constant, items)) and None not in items else None
    if hasattr(value, "__tilemesh_dtype__"):
        return DType(value.__tilemesh_dtype__)
    module = getattr(value, "__name__", "") if type(value).__name__ == "module" else ""
    if module in _MODULES or module.startswith("triton.language"):
        return Namespace(module)
    return _function(value, files)


def _function(value, files):
    from .kernels import function_of
    from .lower import function_at

    function = function_of(value)
    if function is None or function.__module__.startswith("triton.language"):
        return None
    code = function.__code__
    if not os.path.isfile(code.co_filename):
        return None
    found = function_at(files.module(code.co_filename, code.co_filename), function.__name__, code.co_firstlineno)
    if found is None:
        return None
    is_jit = found.is_jit or value is not function
    return found if found.is_jit == is_jit else Function(found.module, found.node, is_jit)
