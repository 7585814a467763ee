# SPDX-License-Identifier: Apache-2.0
"""triton.runtime.driver: the simulated machine, asked as a device. A multiprocessor is a PE, its shared memory the PE's SRAM."""

from types import SimpleNamespace

from tilemesh import session

from ..backends import GPUTarget
from ..compiler import REGISTERS, WARP


def _properties(device=0):
    del device
    machine = session.current().device
    return {"max_shared_mem": machine.sram_bytes, "max_num_regs": REGISTERS, "multiprocessor_count": machine.pes, "warpSize": WARP,
            "sm_clock_rate": int(machine.clock_ghz * 1e6), "mem_clock_rate": int(machine.hbm_gbytes_per_s * 1e3 / 2),  # kHz
            "mem_bus_width": 8 * 1000, "name": machine.name}  # fmt: skip


class _Driver:
    utils = SimpleNamespace(get_device_properties=_properties)

    def get_current_device(self):
        return 0

    def set_current_device(self, device):
        del device

    def get_device_capability(self, device=0):
        del device
        return (9, 0)

    def get_current_stream(self, device=0):
        del device
        return 0

    def get_active_torch_device(self):
        import torch

        return torch.device("cpu")

    def get_device_interface(self):
        import torch

        return torch.cuda

    def get_current_target(self):
        return GPUTarget("cuda", 90, WARP)  # descriptors, and no more than scripts ask of this one

    def get_benchmarker(self):
        from ..testing import do_bench

        return do_bench

    def is_active(self):
        return True


active = default = _Driver()


def set_active(driver):
    del driver


def reset_active():
    pass
