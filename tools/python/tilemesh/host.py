# SPDX-License-Identifier: Apache-2.0
"""What files say at module level about the world: versions, limits of floats, Python's math, which device this is.

The answers are those of Triton 3.4 on a device that is no AMD one, whatever is installed here. Nothing is imported or run."""

import math

from . import operations
from .values import DType, Intrinsic, Namespace, Opaque, Record

TRITON_VERSION = "3.4.0"
FACTS = {"is_hip": False, "is_rocm": False, "is_cuda": True, "is_cuda_alike": True, "is_npu": False, "is_xpu": False, "is_cpu": False,
         "is_musa": False, "is_amd": False, "is_fp8_fnuz": False, "fp8_dtype": DType("f8e4m3")}  # fmt: skip
METHODS_OF_STRINGS = ("split", "lower", "upper", "strip", "startswith", "endswith", "replace", "partition")
FUNCTIONS = {
    "math": ("exp", "log", "log2", "sqrt", "sin", "cos", "tanh", "erf", "floor", "ceil", "pow", "fabs", "log10", "prod"),
    "torch": ("finfo", "iinfo"),
    "numpy": ("finfo", "iinfo", "log2", "log", "sqrt", "exp", "float32", "int32"),
    "triton": ("cdiv", "next_power_of_2"),
    "packaging.version": ("parse", "Version"),
    "os": ("getenv",),
}
NUMBERS = {name: getattr(math, name) for name in ("pi", "e", "inf", "nan")}
# largest, smallest normal number, distance of 1 from its successor
_FLOATS = {"f16": (65504.0, 2.0**-14, 2.0**-10), "bf16": (float.fromhex("0x1.fep127"), 2.0**-126, 2.0**-7),
           "f32": (float.fromhex("0x1.fffffep127"), 2.0**-126, 2.0**-23), "f8e4m3": (448.0, 2.0**-6, 2.0**-3),
           "f8e5m2": (57344.0, 2.0**-14, 2.0**-2)}  # fmt: skip


def finfo(dtype):
    largest, tiny, eps = _FLOATS[dtype.name]
    return Record(max=largest, min=-largest, tiny=tiny, smallest_normal=tiny, eps=eps)


def iinfo(dtype):
    bits = int(dtype.name[1:])
    if dtype.name[0] == "u":
        return Record(max=2**bits - 1, min=0)
    return Record(max=2 ** (bits - 1) - 1, min=-(2 ** (bits - 1)))


def version(text):
    """As a tuple that compares as versions do."""
    numbers = []
    for part in text.split("+")[0].split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def next_power_of_2(n):
    return 1 << (n - 1).bit_length() if n > 0 else 0


def call(function, positional, keywords):
    """A function of FUNCTIONS of constants; raises what Python would."""
    name = function.name
    if name in ("finfo", "iinfo"):
        return (finfo if name == "finfo" else iinfo)(*positional, **keywords)
    if function.home == "packaging.version":
        return version(*positional, **keywords)
    if name == "cdiv":
        a, b = positional
        return -(-a // b)
    if name == "next_power_of_2":
        return next_power_of_2(*positional)
    if name == "getenv":  # nothing is set
        return positional[1] if len(positional) > 1 else None
    if name in ("float32", "int32"):
        return (float if name == "float32" else int)(*positional)
    return getattr(math, name)(*positional, **keywords)


def attribute(path, name):
    """An attribute of a module that is not triton.language, or None."""
    if name == "__version__" and path == "triton":
        return TRITON_VERSION
    root = path.split(".")[0]
    if path == "packaging" and name == "version":
        return Namespace("packaging.version")
    if path == "torch" and name == "version":
        return Namespace("torch.version")
    if path == "torch.version" and name in ("hip", "xpu", "musa"):
        return None
    if name in FUNCTIONS.get(path, ()):
        return Intrinsic(path, name)
    if path in ("math", "numpy") and name in NUMBERS:
        return NUMBERS[name]
    if root == "triton" and name in ("jit", "autotune", "heuristics", "Config"):
        return Intrinsic("triton", name)
    if path == "torch._inductor.runtime" and name == "triton_helpers":
        return Namespace(f"{path}.{name}")
    if path.endswith(".triton_helpers"):
        if name in ("libdevice", "math"):
            return Namespace("triton.language.extra.libdevice" if name == "libdevice" else "triton.language.math")
        if operations.has_name("inductor_" + name):
            return Intrinsic("tl", "inductor_" + name)
    if path == "operator":
        return Intrinsic("operator", name)
    return Opaque(f"{path}.{name} is not known without running the file", f"{path}.{name}")


# Modules that exist where these kernels run; what they hold is not read.
INSTALLED = ("triton", "torch", "numpy", "math", "packaging", "os", "sys", "typing", "functools", "itertools", "operator", "dataclasses", "enum",
             "collections", "__future__", "abc", "contextlib", "json", "time", "warnings", "logging", "importlib", "inspect", "random", "re",
             "copy", "pathlib", "argparse", "builtins", "typing_extensions", "kernbench", "string", "types", "subprocess", "struct")  # fmt: skip
# Names that packages give Triton's own modules when they import them for their files.
HABITS = {
    "tl": "triton.language", "triton": "triton", "libdevice": "triton.language.extra.libdevice", "tldevice": "triton.language.extra.libdevice",
    "tl_extra_shim": "triton.language.extra.libdevice", "triton_lang_extension": "triton.language.program64", "tle": "triton.language.program64",
    "tl_math": "triton.language.math", "tl_extra_module": "triton.language.extra.libdevice",
}  # fmt: skip
# Functions that packages wrap, by the names that they are imported under: those of tl that they are.
WRAPPERS = {name: name for name in ("exp", "exp2", "log", "log2", "sqrt", "rsqrt", "sin", "cos", "tanh", "erf", "sigmoid", "fast_erf", "fast_tanh")}
WRAPPERS.update(triton_tanh="tanh", triton_cast="cast", tl_exp="exp", fast_exp="exp")
