# SPDX-License-Identifier: Apache-2.0
"""triton.autotune and heuristics. All configurations are tried, by simulated time, which is exact: no repetitions, no model that
guesses which ones deserve a try. Trials compute no values, so they change no tensor."""

import os
import sys

from tilemesh.command import TilemeshError
from tilemesh.launching import HINTS

from .jit import KernelInterface


class Config:
    """Values of a kernel's meta-parameters. num_warps, num_stages and the like mean nothing to the simulated machine unless the
    kernel has parameters of these names."""

    def __init__(self, kwargs, num_warps=4, num_stages=3, num_ctas=1, maxnreg=None, pre_hook=None, ir_override=None, **others):
        self.kwargs = dict(kwargs)
        self.num_warps, self.num_stages, self.num_ctas, self.maxnreg = num_warps, num_stages, num_ctas, maxnreg
        self.pre_hook, self.ir_override, self.others = pre_hook, ir_override, others

    def hints(self):
        return {"num_warps": self.num_warps, "num_stages": self.num_stages, "num_ctas": self.num_ctas, "maxnreg": self.maxnreg, **self.others}

    def all_kwargs(self):
        return {**self.kwargs, **{name: value for name, value in self.hints().items() if value is not None}}

    def _identity(self):
        return tuple(sorted(self.all_kwargs().items(), key=lambda item: item[0]))

    def __eq__(self, other):
        return isinstance(other, Config) and self._identity() == other._identity() and self.pre_hook is other.pre_hook

    def __hash__(self):
        return hash((repr(self._identity()), self.pre_hook))

    def __str__(self):
        return ", ".join(f"{name}: {value}" for name, value in [*self.kwargs.items(), *self.hints().items()])

    __repr__ = __str__


class Autotuner(KernelInterface):
    def __init__(self, fn, configs, key, prune_configs_by=None, reset_to_zero=None, restore_value=None, pre_hook=None, post_hook=None, **_):
        del restore_value  # trials store nothing
        self.fn, self.__wrapped__, self.__name__ = fn, fn, fn.__name__
        self.base_fn = fn
        while hasattr(self.base_fn, "fn") and not hasattr(self.base_fn, "signature"):
            self.base_fn = self.base_fn.fn
        self.arg_names = fn.arg_names
        self.configs, self.keys = list(configs) or [Config({})], list(key or ())
        self.early_prune = (prune_configs_by or {}).get("early_config_prune")
        self.reset_to_zero, self.pre_hook, self.post_hook = list(reset_to_zero or ()), pre_hook, post_hook
        self.cache = {}  # best configuration by the values of the keys and the dtypes of tensors
        self.configs_timings = {}  # ms, of the last tuning
        self.best_config = None

    def run(self, *args, grid=(1,), warmup=False, is_trial=False, **kwargs):
        named = {**dict(zip(self.arg_names, args)), **kwargs}
        key = tuple(_hashable(named[name]) for name in self.keys if name in named)
        key += tuple(str(value.dtype) for value in named.values() if hasattr(value, "dtype"))
        if key not in self.cache:
            self.cache[key] = self._tuned(args, named, grid, kwargs, warmup)
        config = self.best_config = self.cache[key]
        if config.pre_hook is not None:
            config.pre_hook({**named, **config.all_kwargs()})
        return self.fn.run(*args, grid=grid, warmup=warmup, is_trial=is_trial, **{**kwargs, **config.all_kwargs()})

    def warmup(self, *args, grid=(1,), **kwargs):
        return self.run(*args, grid=grid, warmup=True, **kwargs)

    def prune_configs(self, named, kwargs):
        if not self.early_prune:
            return self.configs
        return list(self.early_prune(self.configs, named, **kwargs))

    def _tuned(self, args, named, grid, kwargs, warmup):
        configs = self.prune_configs(named, kwargs)
        if not configs:
            raise ValueError(f"{self.__name__}: early_config_prune has left no configuration")
        for config in configs:
            both = [name for name in config.kwargs if name in kwargs]
            if both:
                raise ValueError(f"{self.__name__}: {both[0]} is given by the launch and by a configuration")
        if len(configs) == 1 or warmup:
            return configs[0]
        timings, known, failure = {}, {}, None
        for config in configs:
            same = repr(sorted((name, value) for name, value in config.all_kwargs().items() if name in self.arg_names or name not in HINTS))
            if same not in known:
                known[same], problem = self._trial(args, named, grid, kwargs, config)
                failure = failure or problem
            timings[config] = known[same]
        self.configs_timings = timings
        best = min(timings, key=timings.get)
        if timings[best] == float("inf"):
            raise failure
        for name in self.reset_to_zero:
            named[name].zero_()
        if os.environ.get("TRITON_PRINT_AUTOTUNING") == "1":
            print(f"tilemesh: {self.__name__}: best of {len(configs)} configurations: {best} ({timings[best]:.6f} ms)", file=sys.stderr)
        return best

    def _trial(self, args, named, grid, kwargs, config):
        """ms, and what went wrong, if it cannot run."""
        full = {**named, **config.all_kwargs()}
        for hook in (self.pre_hook, config.pre_hook):
            if hook is not None:
                hook(full)
        try:
            compiled = self.fn.run(*args, grid=grid, is_trial=True, **{**kwargs, **config.all_kwargs()})
        except TilemeshError as error:
            return float("inf"), error
        if self.post_hook is not None:
            self.post_hook(full, exception=None)
        return (compiled.results.time_us / 1e3 if compiled is not None else 0.0), None


def _hashable(value):
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def autotune(configs, key=(), **options):
    return lambda fn: Autotuner(fn, configs, key, **options)


class Heuristics(KernelInterface):
    def __init__(self, fn, values):
        self.fn, self.__wrapped__, self.__name__, self.values, self.arg_names = fn, fn, fn.__name__, values, fn.arg_names

    def run(self, *args, **kwargs):
        for name, heuristic in self.values.items():
            known = {**dict(zip(self.arg_names, args)), **kwargs}
            kwargs[name] = heuristic({key: value for key, value in known.items() if key not in ("grid", "warmup", "is_trial")})
        return self.fn.run(*args, **kwargs)


def heuristics(values):
    return lambda fn: Heuristics(fn, values)
