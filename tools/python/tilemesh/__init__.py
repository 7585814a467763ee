# SPDX-License-Identifier: Apache-2.0
"""tilemesh from Python: `import tilemesh as tm; tm.run("panel.json")`.

It calls the `tilemesh` command (command.py says where it is looked for) and reads what that writes; there is no second
simulator here. Kernels in Python become tile programs in lower.py. Names are imported when they are first used, because the
command starts lower.py for every kernel and should not wait for the rest."""

_HOMES = {
    "run": "running", "launch": "launching", "Result": "results", "Results": "results", "Tensor": "tensors", "read_safetensors": "tensors",
    "TilemeshError": "command", "InputError": "command", "InternalError": "command", "KernelFailed": "command",
    "CommandNotFound": "command",
}  # fmt: skip
__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module tilemesh has no attribute {name}")
    from importlib import import_module

    return getattr(import_module(f"tilemesh.{_HOMES[name]}"), name)


def __dir__():
    return sorted([*globals(), *_HOMES])
