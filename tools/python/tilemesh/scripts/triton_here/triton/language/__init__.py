# SPDX-License-Identifier: Apache-2.0
"""Names of triton.language. Kernels are lowered from their source, so on the host these are names only: dtypes and constexpr
are what they are in Triton, everything else cannot be called."""

import importlib.abc
import importlib.machinery
import operator
import sys

from tilemesh import operations
from tilemesh.arrays import BYTES

_WORDS = {"f16": "fp16", "bf16": "bf16", "f32": "fp32", "f8e5m2": "fp8e5", "f8e4m3": "fp8e4nv"}


class dtype:
    """A dtype of tl: name, itemsize, primitive_bitwidth and what it is."""

    def __init__(self, ours, long_name):
        self.__tilemesh_dtype__ = ours
        self.name = _WORDS.get(ours, ours.replace("u", "uint") if ours[0] == "u" else ours.replace("i", "int"))
        self._long_name = long_name
        self.itemsize = BYTES[ours]
        self.primitive_bitwidth = 1 if ours == "i1" else 8 * self.itemsize
        self.int_bitwidth = self.primitive_bitwidth

    @property
    def scalar(self):
        return self

    def is_floating(self):
        return self.__tilemesh_dtype__ in _WORDS

    def is_int(self):
        return not self.is_floating()

    def is_fp8(self):
        return self.__tilemesh_dtype__.startswith("f8")

    def is_fp16(self):
        return self is float16

    def is_bf16(self):
        return self is bfloat16

    def is_fp32(self):
        return self is float32

    def is_fp64(self):
        return False

    def is_ptr(self):
        return False

    def __eq__(self, other):
        return isinstance(other, dtype) and self.name == other.name

    def __hash__(self):
        return hash(self.name)

    def __str__(self):
        return self.name

    def __repr__(self):
        return f"triton.language.{self._long_name}"


for _long_name, _ours in operations.DTYPES.items():
    globals()[_long_name] = dtype(_ours, _long_name)


class constexpr:
    """A value that kernels know when they are lowered."""

    __triton_constexpr__ = True

    def __init__(self, value):
        self.value = value.value if isinstance(value, constexpr) else value

    def __repr__(self):
        return f"constexpr[{self.value}]"

    def __bool__(self):
        return bool(self.value)

    def __index__(self):
        return self.value

    def __int__(self):
        return int(self.value)

    def __float__(self):
        return float(self.value)

    def __hash__(self):
        return hash(self.value)

    def __call__(self, *args, **kwargs):
        return self.value(*args, **kwargs)


def _binary(function, is_swapped=False):
    def method(self, other):
        other = other.value if isinstance(other, constexpr) else other
        return constexpr(function(other, self.value) if is_swapped else function(self.value, other))

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"):
    _function = getattr(operator, f"__{_name}__")
    setattr(constexpr, f"__{_name}__", _binary(_function))
    setattr(constexpr, f"__r{_name}__", _binary(_function, True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(constexpr, f"__{_name}__", _binary(getattr(operator, f"__{_name}__")))
constexpr.__neg__ = lambda self: constexpr(-self.value)
constexpr.__hash__ = lambda self: hash(self.value)


class _Name:
    """A name that means something in kernels only."""

    def __init__(self, path):
        self.__name__ = self.__qualname__ = self._path = path
        self.__module__ = __name__

    def __call__(self, *_, **__):
        raise RuntimeError(f"{self._path} is for kernels; on the host it cannot be called")

    def __getattr__(self, name):
        if name.startswith("_") or name in ("fn", "value", "item", "data_ptr"):
            raise AttributeError(name)
        return _Name(f"{self._path}.{name}")

    def __getitem__(self, index):
        return self

    def __repr__(self):
        return f"<{self._path}>"


class tensor:  # so that isinstance and annotations have it
    pass


class tensor_descriptor(tensor):
    pass


tensor_descriptor_base = tensor_descriptor


def _inert(module):
    def attribute(name):
        if name.startswith("__") or name == "_Name":
            raise AttributeError(name)
        known = globals().get(name)
        return known if known is not None and module != __name__ else _Name(f"{module.replace('triton.language', 'tl', 1)}.{name}")

    return attribute


__getattr__ = _inert(__name__)


class _Parts(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """triton.language.math, .extra.libdevice, .extra.cuda.libdevice and so on: names like all others."""

    def find_spec(self, fullname, path=None, target=None):
        del path, target
        if fullname.startswith(__name__ + "."):
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec):
        del spec

    def exec_module(self, module):
        module.__getattr__ = _inert(module.__name__)


sys.meta_path.append(_Parts())
from . import core, extra, math, standard  # noqa: E402,F401
