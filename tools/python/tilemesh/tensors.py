# SPDX-License-Identifier: Apache-2.0
"""Tensors of safetensors files: numpy arrays where numpy is installed, else a small stand-in. bf16 is widened to f32, of which
it is the upper half, because numpy has none."""

import json
import math
import struct
from array import array
from pathlib import Path

_FORMATS = {"F64": "d", "F32": "f", "I64": "q", "I32": "i", "I16": "h", "I8": "b", "U8": "B", "U16": "H", "U32": "I", "U64": "Q", "BOOL": "?"}
_BYTES = {"F16": 2, "BF16": 2}


class Tensor:
    """Without numpy: a shape, a dtype as in the file, and numbers in row-major order."""

    def __init__(self, shape, dtype, numbers):
        self.shape, self.dtype, self.numbers = tuple(shape), dtype, numbers

    def tolist(self):
        """Nested lists, as numpy's."""
        rows = list(self.numbers)
        for length in reversed(self.shape[1:]):
            rows = [rows[at : at + length] for at in range(0, len(rows), length)] if length else [[] for _ in range(self.shape[0])]
        return rows if self.shape else rows[0]

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return f"<Tensor {self.dtype} {'x'.join(map(str, self.shape))}>"


def read_safetensors(path):
    """{name: tensor}; ValueError if the file is none."""
    data = Path(path).read_bytes()
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        return {name: _tensor(entry, data[8 + length + entry["data_offsets"][0] : 8 + length + entry["data_offsets"][1]])
                for name, entry in entries.items()}  # fmt: skip
    except (struct.error, KeyError, TypeError, IndexError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is no safetensors file: {error}") from None


def write_safetensors(path, tensors):
    """tensors: {name: (dtype as files have it, shape, bytes)}."""
    header, end = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            file.write(data)


def _tensor(entry, data):
    dtype, shape = entry["dtype"], entry["shape"]
    size = _BYTES.get(dtype) or struct.calcsize(_FORMATS[dtype])
    if len(data) != size * math.prod(shape):
        raise ValueError(f"a tensor of {dtype} {shape} has {len(data)} bytes")
    try:
        import numpy
    except ImportError:
        return Tensor(shape, dtype, _numbers(dtype, data))
    if dtype == "BF16":
        return (numpy.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    kind = "<f2" if dtype == "F16" else "<" + _FORMATS[dtype]
    return numpy.frombuffer(data, kind).reshape(shape)


def _numbers(dtype, data):
    if dtype == "BF16":
        return array("f", b"".join(b"\0\0" + data[at : at + 2] for at in range(0, len(data), 2)))
    if dtype == "F16":
        return array("f", struct.unpack(f"<{len(data) // 2}e", data))
    if dtype == "BOOL":
        return [bool(byte) for byte in data]
    return array(_FORMATS[dtype], data)
