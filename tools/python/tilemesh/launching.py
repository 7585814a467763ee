# SPDX-License-Identifier: Apache-2.0
"""One launch of a kernel on arrays, as a panel of its own: the arrays go in as a safetensors file, what the kernel stored
comes back into them."""

import hashlib
import inspect
import json
import math
import tempfile
from pathlib import Path

from . import arrays, machines
from .command import KernelFailed
from .kernels import kernel_of
from .running import run
from .tensors import write_safetensors

# What compilers for other machines are told; nothing on this one.
HINTS = ("num_warps", "num_stages", "num_ctas", "maxnreg", "waves_per_eu", "matrix_instr_nonkdim", "kpack", "enable_fp_fusion", "cluster_dims",
         "launch_cooperative_grid", "launch_pdl", "ir_override", "num_buffers_warp_spec", "num_consumer_groups", "reg_dec_producer",
         "reg_inc_consumer", "allow_flush_denorm", "debug", "sanitize_overflow", "instrumentation_mode", "minRegAutoWS", "maxRegAutoWS",
         "extern_libs")  # fmt: skip


def launch(kernel, grid, args, *, machine="cube_2x4", place=None, dispatch=None, constants=None, programs_per_pe=None, check=None, values=None,
           settings=None, label=None, known=None):  # fmt: skip
    """Runs a kernel over a grid and returns the Results of that one kernel: .cycles, .time_us, .verdict, .outputs, ...

    kernel: a function (its file is parsed, the function is not called) or (file, name); grid: a number or up to three. args: by
    name, or by position: numpy arrays, torch tensors, anything with a buffer, which become pointers to their first element
    with the dtype they have; numbers, None, texts, dtypes, tuples, functions, triton's TensorDescriptor. Arrays hold afterwards what
    the kernel stored to them. constants: more of the same, for tl.constexpr parameters.

    machine: a name, a path or a dictionary; settings: {"machine.pe.clock_ghz": 2.0, ...}. place: where tensors live, by the
    parameter's name, or for all of them; dispatch, programs_per_pe, values ("full", "none") as panels have them. check:
    {parameter: array that is expected, or {"reference": ...}}; .verdict says what came of it. known: a dictionary that keeps results
    without values, for launches that depend on the same.

    Raises InputError with the command's line when something is wrong, KernelFailed when the kernel cannot end."""
    kernel = kernel_of(kernel)
    given = _by_name(kernel, args)
    for name, value in (constants or {}).items():
        if name in given:
            raise TypeError(f"{kernel.name} is given {name} in args and in constants")
        given[name] = value
    functions = {name: value for name, value in given.items() if inspect.isfunction(value) or type(value).__name__ == "JITFunction"}
    if functions:
        kernel = kernel_of(kernel, tuple(functions.items()))
        given = {name: value for name, value in given.items() if name not in functions}
    memories, held, arguments, texts = arrays.Memories(), {}, {}, {}
    for name, value in given.items():
        if name not in kernel.parameters and name in HINTS:
            continue
        argument, is_text = _argument(value, name, memories, held)
        (texts if is_text or name in (constants or {}) and not _names_memory(argument) else arguments)[name] = argument
    names = {name: memories.of(value, name)[0].name for name, value in held.items()}
    label = label or kernel.name
    with tempfile.TemporaryDirectory(prefix="tilemesh-") as folder:
        program, inputs = Path(folder) / f"{kernel.name}.tile", Path(folder) / "inputs.safetensors"
        program.write_text(kernel.text)
        # Without values only integers matter, which steer.
        given_values = [memory for memory in memories if values != "none" or not arrays.is_float(memory.dtype)]
        stored = {memory.name: (memory.stored, memory.shape, memory.content()) for memory in given_values}
        tensors = {memory.name: {"shape": memory.shape, "dtype": memory.dtype} for memory in memories}
        for memory in given_values:
            tensors[memory.name]["values"] = {"file": str(inputs)}
        for name, where in _places(place, names, tensors).items():
            tensors[name]["place"] = where
        element = {"program": {"file": str(program), "kernel": kernel.name, "grid": _grid(grid), "arguments": arguments, "constants": texts},
                   "label": label}  # fmt: skip
        if dispatch is not None:
            element["dispatch"] = dispatch
        if programs_per_pe is not None:
            element["programs_per_pe"] = programs_per_pe
        panel = {"name": label, "machine": machine if isinstance(machine, dict) else machines.path_of(machine), "tensors": tensors,
                 "kernels": [element]}  # fmt: skip
        if check:
            panel["check"] = {names.get(name, name): _expected(name, value, inputs, stored, names) for name, value in check.items()}
        key = _key(kernel.text, panel, settings, stored, folder) if known is not None and values == "none" and not check else None
        if key is not None and key in known:
            return known[key]
        write_safetensors(inputs, stored)
        results = run(panel, values=values or "full", settings=settings, outputs=values != "none")
    if results.status != "ok":
        raise KernelFailed(f"tilemesh: {label}: {results.error or results.status}")
    results.program = kernel.text
    if key is not None:
        known[key] = results
    for memory in memories:
        if memory.name in results.outputs:
            memory.fill(results.outputs[memory.name])
    outputs = {name: held[name] for name, memory in names.items() if memory in results.outputs}
    results.outputs.clear()
    results.outputs.update(outputs)
    return results


def _key(program, panel, settings, stored, folder):
    """What the time of a launch depends on."""
    numbers = [(name, hashlib.blake2b(content).hexdigest()) for name, (_, _, content) in sorted(stored.items())]
    return program, json.dumps(panel, sort_keys=True).replace(folder, ""), json.dumps(settings, sort_keys=True), repr(numbers)


def _by_name(kernel, args):
    if hasattr(args, "keys"):
        return dict(args)
    if len(args) > len(kernel.parameters):
        raise TypeError(f"{kernel.name} takes {len(kernel.parameters)} arguments; here are {len(args)}")
    return dict(zip(kernel.parameters, args))


def _grid(grid):
    sizes = [grid] if not isinstance(grid, (tuple, list)) else list(grid)
    sizes = [int(size) for size in sizes] or [1]
    while len(sizes) > 1 and sizes[-1] == 1:
        sizes.pop()
    return sizes


def _argument(value, name, memories, held):
    """An argument as panels have it, and whether it is a text, which is a constant always. `held` gets the arrays, by name."""
    if hasattr(value, "__triton_constexpr__"):
        value = value.value
    if value is None:
        return "None", False
    if arrays.is_array(value):
        memory, first, dtype = memories.of(value, name)
        held[name] = value
        return {"tensor": memory.name, "offset": first, **({"dtype": dtype} if dtype else {})}, False
    if all(hasattr(value, part) for part in ("base", "shape", "strides", "block_shape")):  # a TensorDescriptor
        memory, first, dtype = memories.of(value.base, name)
        held[name] = value.base
        return {"descriptor": memory.name, "offset": first, "shape": [int(size) for size in value.shape],
                "strides": [int(stride) for stride in value.strides], "block_shape": [int(_plain(size)) for size in value.block_shape],
                "padding": getattr(value, "padding", None) or "zero", **({"dtype": dtype} if dtype else {})}, False  # fmt: skip
    dtype = dtype_of(value)
    if dtype:
        return {"dtype": dtype}, True
    if isinstance(value, (tuple, list)):
        items = [_argument(item, f"{name}_{index}", memories, held) for index, item in enumerate(value)]
        return [item for item, _ in items], any(is_text for _, is_text in items)
    value = _plain(value)
    if isinstance(value, str):
        return value, True
    if isinstance(value, bool):
        return value, False
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise TypeError(f"{name}: {value} has more than 64 bits")
        return ({"value": value, "dtype": "u64"} if value >= 2**63 else value), False
    if isinstance(value, float):
        return (value if math.isfinite(value) else "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"), False
    raise TypeError(f"{name}: a kernel can be given arrays, numbers, texts, dtypes, None and tuples of these; this is {type(value).__name__}")


def _plain(value):
    """Python's number of a constexpr or of one of numpy's."""
    if hasattr(value, "__triton_constexpr__"):
        return value.value
    if hasattr(value, "item") and not isinstance(value, (int, float, str)):
        return value.item()
    return value


def dtype_of(value):
    """The dtype in programs of one of triton's, torch's or numpy's, or None."""
    if hasattr(value, "__tilemesh_dtype__"):
        return value.__tilemesh_dtype__
    if type(value).__name__ == "dtype" or isinstance(value, type) and value.__module__ == "numpy":
        return arrays.DTYPES.get(getattr(value, "__name__", None) or getattr(value, "name", None) or str(value).removeprefix("torch."), (None,))[0]
    return None


def _names_memory(argument):
    return isinstance(argument, dict) and ("tensor" in argument or "descriptor" in argument)


def is_for_all(place):
    """Is this one place, not places by the names of tensors?"""
    return not isinstance(place, dict) or bool(set(place) & {"shard", "replicate", "owner"})


def _places(place, names, tensors):
    if place is None:
        return {}
    if is_for_all(place):
        return {name: place for name in tensors if isinstance(place, str) or place.get("shard", 0) < len(tensors[name]["shape"])}
    unknown = [name for name in place if name not in names and name not in tensors]
    if unknown:
        raise TypeError(f"place: there is no array {unknown[0]}; there are {', '.join(names)}")
    return {names.get(name, name): where for name, where in place.items()}


def _expected(name, value, inputs, stored, names):
    if isinstance(value, dict):
        return {key: names.get(item, item) if key not in ("reference", "file", "tensor") and isinstance(item, str) else item
                for key, item in value.items()}  # fmt: skip
    memories = arrays.Memories()
    memory, first, _ = memories.of(value, name)
    if first or memory.elements != math.prod(getattr(value, "shape", None) or [len(value)]):
        raise TypeError(f"check: {name} is part of a larger array; give a copy")
    stored[f"expected.{name}"] = (memory.stored, memory.shape, memory.content())
    return {"file": str(inputs), "tensor": f"expected.{name}"}


def settings_of(texts):
    """{"a.b": value} of ["a.b=value", ...], as --set has them."""
    settings = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set {text}: expected key=value")
        try:
            settings[key] = json.loads(value)
        except ValueError:
            settings[key] = value
    return settings
