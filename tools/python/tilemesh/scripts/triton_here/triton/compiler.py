# SPDX-License-Identifier: Apache-2.0
"""What a launch or a warm-up gives back, and triton's exceptions."""

import sys
from types import SimpleNamespace

from tilemesh.command import InputError, KernelFailed

CompilationError, OutOfResources = InputError, KernelFailed
WARP = 32
REGISTERS = 65536  # of a multiprocessor, as scripts ask for them


class CompiledKernel:
    """A kernel with its arguments. What it says of registers and shared memory makes scripts that compute how many instances fit
    a multiprocessor come to as many as are in flight on a PE. results: of the launch, None after a warm-up."""

    def __init__(self, function, arguments, num_warps, session, results=None):
        self.function, self.arguments, self.results = function, arguments, results
        self.name = function.__name__
        in_flight = session.programs_per_pe or 1
        self.n_regs = max(REGISTERS // (WARP * num_warps * in_flight), 1)
        self.n_spills, self.n_max_threads = 0, 1024
        shared = session.device.sram_bytes // in_flight
        self.shared = shared
        self.metadata = SimpleNamespace(shared=shared, num_warps=num_warps, num_ctas=1, num_stages=1, name=self.name, warp_size=WARP,
                                        target=None, cluster_dims=(1, 1, 1))  # fmt: skip
        self.asm = {}

    def _init_handles(self):
        pass

    def run(self, *args, **kwargs):
        return self[kwargs.pop("grid", (1,))](*args, **kwargs)

    def __getitem__(self, grid):
        """Takes all arguments, or those that are no constants."""

        def launch(*args, **kwargs):
            names = self.function.arg_names
            if len(args) != len(names):
                names = [name for name in names if name not in self.function.constexprs]
            return self.function.run(grid=grid, **{**self.arguments, **dict(zip(names, args)), **kwargs})

        return launch


__path__ = []
for _name in (f"{__name__}.compiler", f"{__name__}.errors", "triton.runtime.errors"):
    sys.modules[_name] = sys.modules[__name__]
