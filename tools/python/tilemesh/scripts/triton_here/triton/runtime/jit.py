# SPDX-License-Identifier: Apache-2.0
"""triton.jit: kernel[grid](arguments) launches on the simulated machine."""

import inspect

from tilemesh import arrays, session
from tilemesh.kernels import kernel_of
from tilemesh.launching import HINTS, dtype_of

from ..compiler import CompiledKernel


class KernelInterface:
    def __getitem__(self, grid):
        return lambda *args, **kwargs: self.run(*args, grid=grid, warmup=False, **kwargs)

    def warmup(self, *args, grid=(1,), **kwargs):
        return self.run(*args, grid=grid, warmup=True, **kwargs)


class JITFunction(KernelInterface):
    """A kernel, or a function that kernels call."""

    def __init__(self, fn, **options):
        del options  # what compilers for other machines are told
        self.fn, self.__wrapped__ = fn, fn
        self.__name__, self.__qualname__, self.__module__, self.__doc__ = fn.__name__, fn.__qualname__, fn.__module__, fn.__doc__
        self.signature = inspect.signature(fn)
        self.arg_names = list(self.signature.parameters)
        self.constexprs = {name for name, parameter in self.signature.parameters.items() if "constexpr" in str(_word(parameter.annotation))}
        self.params = list(self.signature.parameters.values())

    @property
    def src(self):
        return inspect.getsource(self.fn)

    def __call__(self, *_, **__):
        raise RuntimeError(f"{self.__name__} is a kernel; launch it: {self.__name__}[grid](...)")

    def __repr__(self):
        return f"JITFunction({self.__module__}:{self.__qualname__})"

    def bound(self, args, kwargs):
        """Arguments by name, defaults included; and the hints among them that are no parameters."""
        kwargs = dict(kwargs)
        hints = {name: kwargs.pop(name) for name in list(kwargs) if name not in self.signature.parameters and name in HINTS}
        arguments = self.signature.bind(*args, **kwargs)
        arguments.apply_defaults()
        return dict(arguments.arguments), hints

    def run(self, *args, grid, warmup=False, is_trial=False, **kwargs):
        try:
            arguments, hints = self.bound(args, kwargs)
        except TypeError as error:
            raise TypeError(f"{self.__name__}: {error}") from None
        current = session.current()
        num_warps = hints.get("num_warps") or 4
        if warmup:
            return CompiledKernel(self, arguments, num_warps, current)
        sizes = grid(arguments) if callable(grid) else grid
        sizes = tuple(sizes) if isinstance(sizes, (tuple, list)) else (sizes,)
        if any(int(size) == 0 for size in sizes):
            return None
        results = current.launch(kernel_of(self.fn), sizes, arguments, is_trial)
        return CompiledKernel(self, arguments, num_warps, current, results)

    def add_pre_run_hook(self, hook):
        raise NotImplementedError("hooks before a run are not supported; use pre_hook of a Config")


def _word(annotation):
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", annotation)


def jit(fn=None, **options):
    return JITFunction(fn, **options) if fn is not None else lambda function: JITFunction(function, **options)


class MockTensor:
    """Stands for a tensor of a dtype in a warm-up."""

    def __init__(self, dtype, shape=None):
        self.dtype, self.shape = dtype, shape or [1]

    @staticmethod
    def wrap_dtype(value):
        return MockTensor(value) if type(value).__name__ == "dtype" else value

    def data_ptr(self):
        return 0


class TensorWrapper(arrays.Reinterpreted):
    pass


def reinterpret(tensor, dtype):
    """A tensor whose bytes are taken for another dtype."""
    if isinstance(tensor, arrays.Reinterpreted):
        tensor = tensor.base
    return TensorWrapper(tensor, dtype_of(dtype))
