# SPDX-License-Identifier: Apache-2.0
"""Which torch a script gets: the one that is installed, told that the simulated machine is its cuda device; else the stand-in,
which needs numpy; else an error that says what to install. TILEMESH_TORCH=standin takes the stand-in anyway."""

import functools
import importlib.abc
import importlib.util
import os
import sys
from types import SimpleNamespace

from .. import session

FACTORIES = """empty zeros ones full rand randn randint arange linspace eye tensor empty_like zeros_like ones_like full_like rand_like randn_like
randint_like randperm empty_strided as_tensor logspace normal tril_indices triu_indices""".split()


def install(standin):
    """Before the script: makes `import torch` do so."""
    if os.environ.get("TILEMESH_TORCH") != "standin" and importlib.util.find_spec("torch"):
        sys.meta_path.insert(0, _WhenImported())
        return
    sys.path.insert(0, standin)


class _WhenImported(importlib.abc.MetaPathFinder):
    """Torch takes long to import: it is changed when a script imports it."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("torch")
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            accept_cuda(module)

        spec.loader.exec_module = exec_module
        return spec


def cuda_names(is_standin=False):
    """What torch.cuda says of the simulated machine."""
    current = session.current
    stream = SimpleNamespace(cuda_stream=0, synchronize=lambda: None, wait_stream=lambda other: None)

    class Event:
        def __init__(self, *_, **__):
            self.ms = 0.0

        def record(self, *_):
            self.ms = current().elapsed_ms

        def synchronize(self):
            pass

        def elapsed_time(self, other):
            return other.ms - self.ms

    class Nothing:
        """A context that does nothing: a device, a stream."""

        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

    def properties(*_):
        device = current().device
        return SimpleNamespace(name=device.name, multi_processor_count=device.pes, total_memory=device.hbm_bytes, major=9, minor=0,
                               shared_memory_per_block_optin=device.sram_bytes, warp_size=32)  # fmt: skip

    return {
        "is_available": lambda: True, "device_count": lambda: 1, "current_device": lambda: 0, "synchronize": lambda *_: None,
        "get_device_capability": lambda *_: (9, 0), "get_device_name": lambda *_: current().device.name, "get_device_properties": properties,
        "empty_cache": lambda: None, "manual_seed": lambda seed: None, "manual_seed_all": lambda seed: None, "current_stream": lambda *_: stream,
        "default_stream": lambda *_: stream, "set_device": lambda device: None, "set_stream": lambda stream: None, "device": Nothing, "stream": Nothing, "Event": Event,
        "Stream": Nothing, "is_bf16_supported": lambda *_: True, "max_memory_allocated": lambda *_: 0, "memory_allocated": lambda *_: 0,
        "reset_peak_memory_stats": lambda *_: None, "init": lambda: None, "is_initialized": lambda: True,
    }  # fmt: skip


def accept_cuda(torch):
    """Tensors asked for on cuda are made where torch can: in this machine's own memory."""

    def here(device):
        word = device if isinstance(device, str) else getattr(device, "type", "")
        return "cpu" if isinstance(word, str) and word.split(":")[0] in ("cuda", "xpu", "npu", "hip") or isinstance(device, int) else device

    def on_cpu(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            if kwargs.get("device") is not None:
                kwargs["device"] = here(kwargs["device"])
            kwargs.pop("pin_memory", None)
            return function(*args, **kwargs)

        return wrapped

    for name in FACTORIES:
        if hasattr(torch, name):
            setattr(torch, name, on_cpu(getattr(torch, name)))
    for name in ("new_empty", "new_zeros", "new_ones", "new_full", "new_tensor"):
        setattr(torch.Tensor, name, on_cpu(getattr(torch.Tensor, name)))
    to, module_to = torch.Tensor.to, torch.nn.Module.to

    def moved(original):
        def method(self, *args, **kwargs):
            if kwargs.get("device") is not None:
                kwargs["device"] = here(kwargs["device"])
            return original(self, *(here(arg) if isinstance(arg, (str, torch.device)) else arg for arg in args), **kwargs)

        return method

    torch.Tensor.to, torch.nn.Module.to = moved(to), moved(module_to)
    torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_, **__: self
    torch.Tensor.is_cuda = property(lambda self: True)
    for name, value in cuda_names().items():
        setattr(torch.cuda, name, value)
        if not hasattr(torch.cpu, name):  # the device's module by its type, as scripts look for it
            setattr(torch.cpu, name, value)
    if not hasattr(torch, "float8_e5m2"):
        from . import torch_float8  # needs numpy

        torch_float8.install(torch)
    _half_where_torch_has_none(torch)
    if not hasattr(torch, "compile"):
        torch.compile = lambda function=None, **_: function if function is not None else (lambda inner: inner)


def _half_where_torch_has_none(torch):
    """Older versions of torch have few operations of 16-bit floats that are not on a cuda device; those are done in float32."""
    if not hasattr(torch.overrides, "TorchFunctionMode"):
        return

    def changed(value, before, after):
        if isinstance(value, torch.Tensor):
            return value.to(after) if value.dtype == before else value
        if isinstance(value, (tuple, list)) and not isinstance(value, torch.Size):
            items = [changed(item, before, after) for item in value]
            return type(value)(items) if type(value) in (tuple, list) else type(value)(tuple(items))
        return value

    class HalfToo(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            del types
            kwargs = kwargs or {}
            try:
                return function(*args, **kwargs)
            except RuntimeError as error:
                if "not implemented for 'Half'" not in str(error):
                    raise
            wide = [changed(arg, torch.float16, torch.float32) for arg in args]
            result = function(*wide, **{name: changed(value, torch.float16, torch.float32) for name, value in kwargs.items() if name != "out"})
            name = getattr(function, "__name__", "")
            target = kwargs.get("out", args[0] if name.endswith("_") and not name.endswith("__") or name.startswith("__i") else None)
            if target is not None:
                return target.copy_(result)
            return result if kwargs.get("dtype") is not None else changed(result, torch.float32, torch.float16)

    HalfToo().__enter__()
