# SPDX-License-Identifier: Apache-2.0
"""Computes what a check of a panel expects: {"python": "reference.py:function"}. Runs the file, as python3 would run it.

    reference.py FILE FUNCTION TENSOR ARGUMENTS INPUTS EXPECTED

Each parameter of the function gets what ARGUMENTS names for it, a number or a tensor of INPUTS, else the tensor of its own
name, else its default. Tensors are numpy arrays of float64 or int64 (u64 as two's complement), and so is what the function
returns, or of uint64, or something that numpy makes one of; it may also return a dictionary of tensors, of which TENSOR is
taken."""

import inspect
import json
import os
import runpy
import sys
import traceback


LACKS_SOMETHING = 3  # elsewhere the same function may run


class Complaint(Exception):
    pass


def _function(file, name):
    sys.path.insert(0, os.path.dirname(os.path.abspath(file)))
    found = runpy.run_path(file, run_name="reference").get(name)
    if not callable(found):
        raise Complaint(f"{file} has no function {name}")
    return found


def _arguments(function, file, choices, tensors):
    given = {}
    parameters = inspect.signature(function).parameters
    for name in [*choices["tensors"], *choices["numbers"]]:
        if name not in parameters:
            raise Complaint(f"{file}: {function.__name__} has no parameter {name}")
    for name, parameter in parameters.items():
        if name in choices["numbers"]:
            given[name] = choices["numbers"][name]
            continue
        tensor = choices["tensors"].get(name, name)
        if tensor in tensors:
            given[name] = tensors[tensor]
        elif name in choices["tensors"]:
            raise Complaint(f"{tensor} has no values before the program runs")
        elif parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise Complaint(f"{file}: {function.__name__}: nothing is given for {name}: no tensor that has values, no number")
    return given


def _array(numpy, answer, tensor, what):
    if isinstance(answer, dict):
        if tensor not in answer:
            raise Complaint(f"{what} has nothing for {tensor}")
        answer = answer[tensor]
    if hasattr(answer, "detach"):  # torch's
        answer = answer.detach().cpu().numpy()
    array = numpy.asarray(answer)
    if array.dtype.kind not in "biuf":
        raise Complaint(f"{what} is no array of numbers")
    if array.dtype == numpy.uint64:
        return array
    return array.astype(numpy.int64 if array.dtype.kind in "biu" else numpy.float64)


def compute(file, name, tensor, choices, inputs, expected):
    try:
        import numpy
    except ImportError:
        raise ImportError("checks in Python need numpy: apt install python3-numpy") from None
    from tilemesh.tensors import read_safetensors, write_safetensors

    tensors = read_safetensors(inputs)
    tensors = {key: held.astype(numpy.float64 if held.dtype.kind == "f" else numpy.int64) for key, held in tensors.items()}
    function = _function(file, name)
    array = _array(numpy, function(**_arguments(function, file, choices, tensors)), tensor, f"{file}: what {name} returns")
    kind = {"f": "F64", "i": "I64", "u": "U64"}[array.dtype.kind]
    write_safetensors(expected, {tensor: (kind, list(array.shape), array.tobytes())})


def main(file, name, tensor, choices, inputs, expected):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        compute(file, name, tensor, json.loads(choices), inputs, expected)
    except Complaint as complaint:
        print(complaint, file=sys.stderr)
        return 2
    except BaseException as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        place = f"{file}:{frames[-1].lineno}" if frames else file
        print(f"{place}: {type(error).__name__}: {error}".replace("\n", " "), file=sys.stderr)
        return LACKS_SOMETHING if isinstance(error, (ImportError, MemoryError)) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
