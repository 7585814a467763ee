#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what Triton itself gives for small expressions: dtype and values, or that it refuses. Needs a GPU, PyTorch and
Triton; writes the JSON that tests/interpreter/triton_test.cpp holds the interpreter against.

  tools/triton_semantics/record.py OUT.json
"""

import importlib.util
import json
import multiprocessing
import os
import sys
import tempfile

INTEGERS = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
FLOATS = ["f16", "bf16", "f32"]
NAMES = {"i1": "int1", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16",
         "u32": "uint32", "u64": "uint64", "f16": "float16", "bf16": "bfloat16", "f32": "float32"}
X = {"i": [-7, 5, 7, 100], "u": [7, 5, 250, 100], "f": [-2.75, 0.5, 1.5, 1000.25]}
Y = {"i": [2, -3, 3, 7], "u": [2, 3, 200, 7], "f": [2.0, -0.375, 3.0, 0.1]}
BINARY = {"add": "x + y", "sub": "x - y", "mul": "x * y", "truediv": "x / y", "floordiv": "x // y", "mod": "x % y",
          "lt": "x < y", "eq": "x == y", "and": "x & y", "maximum": "tl.maximum(x, y)", "where": "tl.where(x < x, x, y)"}
CONSTANTS = ["2", "-3", "300", "0.5", "3.0", "100000"]
LARGE = ["2147483648", "4294967289", "11400714819323198485"]  # constants of u32 and u64
UNARY = {"neg": "-x", "abs": "tl.abs(x)", "exp": "tl.exp(x)", "sqrt": "tl.sqrt(x)", "floor": "tl.floor(x)",
         "sum": "tl.sum(x, 0)", "max": "tl.max(x, 0)", "min": "tl.min(x, 0)", "argmax": "tl.argmax(x, 0)",
         "cumsum": "tl.cumsum(x, 0)", "sigmoid": "tl.sigmoid(x)"}
# Arguments that are scalars, one launch each.
SCALAR_X = {"i": [-7, 100], "u": [250, 5], "f": [-2.75, 0.1], "u64": [2**63 + 5, 7]}
SCALAR_Y = {"i": [3, 2], "u": [2, 5], "f": [2.0, 0.1]}
SCALARS = {"sub": "x - y", "truediv": "x / y", "floordiv": "x // y", "mod": "x % y", "lt": "x < y", "eq": "x == y",
           "minimum": "tl.minimum(x, y)", "shr": "x >> y", "cdiv": "tl.cdiv(x, y)"}
SCALAR_CONSTANTS = ["2", "-3", "300", "0.1", "3.0"] + LARGE

KERNEL = '''import triton
import triton.language as tl


@triton.jit
def k(xp, yp, out, s, N: tl.constexpr):
    i = tl.arange(0, N)
    x = tl.load(xp + i)
    y = tl.load(yp + i)
    r = {expression}
    tl.static_print("DTYPE", r.dtype)
    tl.store(out + i, r.to(tl.float64) + tl.zeros([N], tl.float64))
'''

OF_SCALARS = '''import triton
import triton.language as tl


@triton.jit(do_not_specialize=["x", "y"])
def k(out, x: tl.{x}, y: tl.{y}):
    r = {expression}
    tl.static_print("DTYPE", r.dtype)
    tl.store(out, r.to(tl.float64))
'''


def kind(dtype):
    return "u" if dtype[0] == "u" else "i" if dtype[0] == "i" else "f"


def cases():
    everything = INTEGERS + FLOATS
    for op, text in BINARY.items():
        for a in everything:
            for b in everything:
                yield {"op": op, "x": a, "y": b, "expression": text}
            for constant in CONSTANTS:
                if op in ("where", "maximum"):
                    continue
                yield {"op": op, "x": a, "constant": constant, "expression": text.replace("y", constant)}
                yield {"op": op, "x": a, "constant": constant, "left": True,
                       "expression": text.replace("x", "Q").replace("y", "x").replace("Q", constant)}
            yield {"op": op, "x": a, "scalar": "i32", "expression": text.replace("y", "s")}
            yield {"op": op, "x": a, "scalar": "f32", "expression": text.replace("y", "s")}
    for op, text in UNARY.items():
        for a in everything:
            yield {"op": op, "x": a, "expression": text}
    for a in everything:
        for b in everything + ["i1"]:
            yield {"op": "cast", "x": a, "y": b, "expression": f"x.to(tl.{NAMES[b]})"}
        for op in ("mul", "lt", "eq"):
            for constant in LARGE:
                yield {"op": op, "x": a, "constant": constant, "expression": BINARY[op].replace("y", constant)}
    for op, text in SCALARS.items():
        for a in everything:
            for b in everything:
                yield {"op": op, "scalars": True, "x": a, "y": b, "expression": text}
            for constant in SCALAR_CONSTANTS if op != "shr" else ["2"]:
                yield {"op": op, "scalars": True, "x": a, "constant": constant,
                       "expression": text.replace("y", constant)}


def run(case):
    import torch
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "kernel.py")
    other = case["y"] if case.get("y") in NAMES and case["y"] != "i1" else case["x"]
    with open(path, "w") as file:
        file.write((OF_SCALARS if "scalars" in case else KERNEL).format(
            expression=case["expression"], x=NAMES[case["x"]], y=NAMES[other]))
    spec = importlib.util.spec_from_file_location("kernel", path)
    module = importlib.util.module_from_spec(spec)
    torches = {name: getattr(torch, NAMES[name]) for name in INTEGERS + FLOATS}
    x = torch.tensor(X[kind(case["x"])], dtype=torch.float64).to(torches[case["x"]]).cuda()
    y = torch.tensor(Y[kind(other)], dtype=torch.float64).to(torches[other]).cuda()
    out = torch.zeros(4, dtype=torch.float64).cuda()
    scalar = 2.5 if case.get("scalar") == "f32" else 3
    log = os.path.join(folder, "log")
    saved = os.dup(1)
    file = os.open(log, os.O_CREAT | os.O_WRONLY)
    os.dup2(file, 1)
    try:
        spec.loader.exec_module(module)
        if "scalars" in case:
            xs = SCALAR_X.get(case["x"], SCALAR_X[kind(case["x"])])
            out = out[:len(xs)]
            for i, pair in enumerate(zip(xs, SCALAR_Y[kind(other)])):
                module.k[(1,)](out[i:], *pair)
        else:
            module.k[(1,)](x, y, out, scalar, N=4)
        torch.cuda.synchronize()
        error = None
    except Exception as problem:  # whatever Triton refuses with
        error = str(problem).strip().splitlines()[-1][:200] if str(problem).strip() else type(problem).__name__
    finally:
        sys.stdout.flush()
        os.dup2(saved, 1)
        os.close(saved)
        os.close(file)
    result = {key: value for key, value in case.items()}
    if error:
        result["refused"] = error
        return result
    with open(log) as text:
        dtype = [line.split()[-1] for line in text if "DTYPE" in line]
    result["dtype"] = dtype[0] if dtype else "?"
    result["values"] = [str(v) for v in out.cpu().tolist()]
    return result


def main():
    import torch
    import triton
    multiprocessing.set_start_method("spawn")
    everything = list(cases())
    with multiprocessing.Pool(16) as pool:
        results = pool.map(run, everything, chunksize=8)
    about = {"how": "tools/triton_semantics/record.py", "triton": triton.__version__, "torch": torch.__version__,
             "device": torch.cuda.get_device_name(), "x": X, "y": Y, "scalars": {"i32": 3, "f32": 2.5}, "scalar_x": SCALAR_X,
             "scalar_y": SCALAR_Y}
    with open(sys.argv[1], "w") as file:
        file.write('{"about": ' + json.dumps(about) + ',\n "cases": [\n')
        file.write(",\n".join(json.dumps(r) for r in results))
        file.write("\n]}\n")
    print(len(results), "cases", sum("refused" in r for r in results), "refused")


if __name__ == "__main__":
    main()
