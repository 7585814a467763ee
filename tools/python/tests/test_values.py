# SPDX-License-Identifier: Apache-2.0
"""Kernels from their text to their answers: kernels/ run by the command on a line of 8 PEs, held against plain Python in f64."""

import json
import math
import random
import struct
import unittest

from support import HERE, PACKAGE
from tilemesh.command import CommandNotFound, TilemeshError
from tilemesh.running import run

MACHINE = str(PACKAGE.parents[1] / "configs" / "machines" / "cube_line8.json")
KERNELS = HERE / "kernels"


def tensor(shape, values="normal", dtype="f32", **more):
    return {"shape": shape, "dtype": dtype, "values": values, **more}


def launch(file, kernel, grid, arguments, constants):
    return {"file": str(KERNELS / file), "kernel": kernel, "grid": grid, "arguments": arguments, "constants": constants}


def answer(tensors, launches, check):
    panel = {"machine": MACHINE, "tensors": tensors, "kernels": [{"program": launches}], "check": check, "values": {"mode": "full", "seed": 1}}
    return next(iter(run(panel, outputs=True).values()))


def programs_run():
    try:
        return answer({"x": tensor([4]), "y": tensor([4], "zeros")},
                      launch("layers.py", "softmax", [1], {"out_ptr": "y", "in_ptr": "x", "in_stride": 4, "out_stride": 4, "n_rows": 1, "n_cols": 4},
                             {"BLOCK": 4, "num_stages": 1}), {"y": {"reference": "softmax", "x": "x"}}).verdict == "pass"  # fmt: skip
    except (CommandNotFound, TilemeshError, json.JSONDecodeError):
        return False


def flat(values):
    return [number for value in values for number in (flat(value) if isinstance(value, list) else [value])]


@unittest.skipUnless(programs_run(), "the command does not run programs")
class Values(unittest.TestCase):
    def setUp(self):
        self.dice = random.Random(3)

    def normal(self, count):
        return [round(self.dice.gauss(0, 1), 3) for _ in range(count)]

    def halves(self, count):
        return [struct.unpack("e", struct.pack("e", x))[0] for x in self.normal(count)]

    def check(self, tensors, launches, expected, tolerance=1e-5):
        name = next(iter(expected))
        result = answer(tensors, launches, {name: {"reference": "copy", "x": name}})
        self.assertIsNone(result.error)
        for name, values in expected.items():
            found = flat(result.outputs[name].tolist())
            self.assertEqual(len(found), len(values))
            self.assertLess(max(abs(a - b) / (1 + abs(b)) for a, b in zip(found, values)), tolerance, name)

    def reference(self, tensors, launches, check):
        result = answer(tensors, launches, check)
        self.assertEqual((result.error, result.verdict), (None, "pass"))

    def test_rows(self):
        x, y, w = tensor([24, 100]), tensor([24, 100], "zeros"), tensor([100])
        rows = {"in_stride": "x.stride(0)", "out_stride": "y.stride(0)", "n_rows": 24, "n_cols": 100}
        softmax = launch("layers.py", "softmax", [8], {"out_ptr": "y", "in_ptr": "x", **rows}, {"BLOCK": 128, "num_stages": 2})
        self.reference({"x": x, "y": y}, softmax, {"y": {"reference": "softmax", "x": "x"}})
        tensors = {"x": x, "y": y, "w": w, "b": w, "mean": tensor([24], "zeros"), "rstd": tensor([24], "zeros")}
        self.reference(tensors, launch("layers.py", "layer_norm", [24], {"X": "x", "Y": "y", "W": "w", "B": "b", "Mean": "mean", "Rstd": "rstd",
                                                                         "stride": 100, "N": 100, "eps": 1e-5}, {"BLOCK": 32}),
                       {"y": {"reference": "layer_norm", "x": "x", "weight": "w", "bias": "b", "eps": 1e-5}})  # fmt: skip
        arguments = {"Y": "y", "Y_stride": 100, "X": "x", "X_stride": 100, "W": "w", "W_stride": 1, "RSTD": "rstd", "n_cols": 100,
                     "eps": 1e-5, "offset": 0.0}  # fmt: skip
        self.reference(tensors, launch("layers.py", "rms_norm", [24], arguments, {"casting_mode": 0, "elementwise_affine": True, "BLOCK_SIZE": 128}),
                       {"y": {"reference": "rms_norm", "x": "x", "weight": "w", "eps": 1e-5}})  # fmt: skip

    def test_matmul(self):
        arguments = {"a_ptr": "a", "b_ptr": "b", "c_ptr": "c", "M": 70, "N": 90, "K": 50, "s_am": 50, "s_ak": 1,
                     "s_bk": 90, "s_bn": 1, "s_cm": 90, "s_cn": 1}  # fmt: skip
        tensors = {"a": tensor([70, 50], dtype="f16"), "b": tensor([50, 90], dtype="f16"), "c": tensor([70, 90], "zeros", "f16")}
        constants = {"BM": 16, "BN": 32, "BK": 16, "GROUP": 2, "ACTIVATION": ""}
        self.reference(tensors, launch("layers.py", "matmul", [15], arguments, constants), {"c": {"reference": "matmul", "a": "a", "b": "b"}})

    def test_attention_by_block_pointers_and_by_descriptors(self):
        heads, length, width = 3, 128, 32
        shape = [1, heads, length, width]
        tensors = {name: tensor(shape, "zeros" if name == "o" else "normal", "f16") for name in "qkvo"}
        tensors["m"] = tensor(shape[:3], "zeros")
        axes = {"q": "zhmk", "k": "zhnk", "v": "zhkn", "o": "zhmn"}
        strides = {f"{t}_{axes[t][i]}": f"{t}.stride({i})" for t in axes for i in range(4)}
        scale = width**-0.5
        for causal in (False, True):
            check = {"o": {"reference": "attention", "q": "q", "k": "k", "v": "v", "scale": scale, "causal": causal}}
            arguments = {"Q": "q", "K": "k", "V": "v", "scale": scale, "M": "m", "Out": "o", **strides, "Z": 1, "H": heads, "length": length}
            constants = {"WIDTH": width, "ROWS": 32, "COLS": 16, "STAGE": 3 if causal else 1}
            self.reference(tensors, launch("attention.py", "by_block_pointers", [4, heads], arguments, constants), check)
        check["o"]["causal"] = False
        described = {"scale": scale * math.log2(math.e), "M": "m", "Z": 1, "H": heads, "length": length, **{f"{name}_desc": name for name in "qkvo"}}
        for rows in (32, 128):  # 128 takes the way through permute, split and join
            constants = {"WIDTH": width, "ROWS": rows, "COLS": 16, "STAGE": 1, "warp_specialize": True}
            self.reference(tensors, launch("attention.py", "by_descriptors", [length // rows, heads], described, constants), check)

    def test_gradients_of_keys_and_values(self):
        heads, length, width, scale = 2, 64, 16, 0.25
        q, k, v, do = (self.halves(heads * length * width) for _ in range(4))
        k = [struct.unpack("e", struct.pack("e", x * scale * math.log2(math.e)))[0] for x in k]  # as exp2 wants it
        dk, dv, m, delta = [0.0] * len(k), [0.0] * len(v), [], []
        for h in range(heads):
            row = lambda tensor, i, h=h: tensor[(h * length + i) * width :][:width]  # noqa: E731
            for i in range(length):
                scores = [sum(a * b for a, b in zip(row(q, i), row(k, j))) for j in range(i + 1)]
                m.append(math.log2(sum(2**s for s in scores)))
                p = [2 ** (s - m[-1]) for s in scores]
                out = [sum(p[j] * row(v, j)[d] for j in range(i + 1)) for d in range(width)]
                delta.append(sum(a * b for a, b in zip(out, row(do, i))))
                for j in range(i + 1):
                    ds = p[j] * (sum(a * b for a, b in zip(row(v, j), row(do, i))) - delta[-1])
                    for d in range(width):
                        dv[(h * length + j) * width + d] += p[j] * row(do, i)[d]
                        dk[(h * length + j) * width + d] += ds * row(q, i)[d] * scale
        shape = [1, heads, length, width]
        tensors = {"q": tensor(shape, q, "f16"), "k": tensor(shape, k, "f16"), "v": tensor(shape, v, "f16"), "do": tensor(shape, do, "f16"),
                   "dk": tensor(shape, "zeros"), "dv": tensor(shape, "zeros"), "m": tensor(shape[:3], m),
                   "delta": tensor(shape[:3], delta)}  # fmt: skip
        arguments = {"Q": "q", "K": "k", "V": "v", "scale": scale, "dO": "do", "dK": "dk", "dV": "dv", "M": "m", "D": "delta",
                     "s_z": "q.stride(0)", "s_h": "q.stride(1)", "s_tok": width, "s_d": 1, "H": heads, "length": length}  # fmt: skip
        constants = {"R": 16, "C": 32, "WIDTH": width}
        self.check(tensors, launch("attention.py", "backward", [2, 1, heads], arguments, constants), {"dk": dk, "dv": dv}, 2e-3)

    def test_swiglu_and_rotary(self):
        a, b = self.normal(480), self.normal(480)
        self.check({"a": tensor([8, 60], a), "b": tensor([8, 60], b), "c": tensor([8, 60], "zeros")},
                   launch("layers.py", "swiglu", [8], {"a_ptr": "a", "b_ptr": "b", "c_ptr": "c", "stride": 60}, {"n_cols": 60, "BLOCK_SIZE": 64}),
                   {"c": [x / (1 + math.exp(-x)) * y for x, y in zip(a, b)]})  # fmt: skip
        q, c, s = self.normal(512), self.normal(64), self.normal(64)
        turned = list(q)
        for row in range(8):
            for head in range(4):
                for i in range(8):
                    at, angle = row * 64 + head * 16 + i, row * 8 + i
                    turned[at] = q[at] * c[angle] - q[at + 8] * s[angle]
                    turned[at + 8] = q[at + 8] * c[angle] + q[at] * s[angle]
        arguments = {"q_ptr": "q", "q_s": 64, "k_ptr": "k", "k_s": 32, "cos": "c", "cos_s": 8, "sin": "s", "sin_s": 8, "length": 8}
        constants = {"bs": 1, "cos_bs": 1, "n_qh": 4, "n_kh": 2, "hd": 16, "pad_qh": 4, "pad_hd": 16}
        tensors = {"q": tensor([8, 4, 16], q), "k": tensor([8, 2, 16]), "c": tensor([8, 8], c), "s": tensor([8, 8], s)}
        self.check(tensors, launch("layers.py", "rotary", [8], arguments, constants), {"q": turned})

    def test_cross_entropy_with_a_row_that_is_ignored(self):
        x, weight = self.normal(480), [abs(v) + 0.1 for v in self.normal(60)]
        labels = [self.dice.randrange(60) for _ in range(8)]
        labels[2] = -100
        losses, gradients = [], []
        for i, label in enumerate(labels):
            row = x[i * 60 :][:60]
            total, smoothed = sum(map(math.exp, row)), 0.1 / 60
            losses.append(weight[label] * (math.log(total) - 30 * math.tanh(row[label] / 30)) if label >= 0 else 0.0)
            gradients += [(math.exp(v) / total - smoothed - (0.9 if j == label else 0)) / 60 if label >= 0 else 0.0 for j, v in enumerate(row)]
        tensors = {"x": tensor([8, 60], x), "y": tensor([8], labels, "i32"), "w": tensor([60], weight), "loss": tensor([8], "zeros")}
        arguments = {"X": "x", "X_stride": 60, "Y": "y", "Y_stride": 1, "weight": "w", "loss": "loss", "loss_stride": 1, "n_cols": 60,
                     "ignore_index": -100, "softcap": 30.0}  # fmt: skip
        constants = {"smoothing": 0.1, "reduction": "mean", "BLOCK": 32, "HAS_WEIGHT": True, "HAS_CAP": True}
        self.check(tensors, launch("layers.py", "cross_entropy", [8], arguments, constants), {"loss": losses, "x": gradients})

    def test_a_ring_of_mesh_kernels(self):
        x, place = self.normal(256), {"shard": 0}
        self.check({"x": tensor([8, 32], x, place=place), "y": tensor([8, 32], "zeros", place=place)},
                   launch("mesh.py", "all_reduce_ring", [8], {"x_ptr": {"local": "x"}, "y_ptr": {"local": "y"}}, {"n": 32}),
                   {"y": [sum(x[i::32]) for _ in range(8) for i in range(32)]})  # fmt: skip

    def test_the_origin_gives_what_its_operations_give(self):
        ranks, rows, width = 8, 16, 64
        q, k, v = (self.halves(ranks * rows * width) for _ in range(3))
        expected = []
        for rank in range(ranks):
            chunks = [rank]
            for step in range(1, ranks):
                chunks += [chunk for chunk in (rank - step, rank + step) if 0 <= chunk < ranks]
            for row in range(rows):
                one = q[(rank * rows + row) * width :][:width]
                merged = None
                for chunk in chunks:
                    keys = k[chunk * rows * width :][: rows * width]  # as a [width, rows] matrix, which is no transpose
                    scores = [sum(one[d] * keys[d * rows + j] for d in range(width)) for j in range(rows)]
                    peak, total = max(scores), sum(math.exp(s - max(scores)) for s in scores)
                    part = [sum(math.exp(s - peak) / total * v[(chunk * rows + j) * width + d] for j, s in enumerate(scores)) for d in range(width)]
                    if merged:
                        higher = max(merged[0], peak)
                        old, new = math.exp(merged[0] - higher), math.exp(peak - higher)
                        part = [a * old + b * new for a, b in zip(merged[2], part)]
                        peak, total = higher, merged[1] * old + total * new
                    merged = peak, total, part
                expected += [value / merged[1] for value in merged[2]]
        tensors = {name: tensor(shape, values, "f16", place={"shard": 0}) for name, shape, values in (
            ("q", [128, 64], q), ("k", [128, 1, 64], k), ("v", [128, 1, 64], v), ("o", [128, 64], "zeros"))}  # fmt: skip
        constants = {"S_q": rows, "S_kv_per_rank": rows, "h_q": 1, "h_kv": 1, "d_head": width, "n_ranks": ranks}
        origin = launch("mesh.py", "attention_mesh_kv_kernel", [ranks], {f"{name}_ptr": {"local": name} for name in "qkvo"}, constants)
        origin["file"] = str(PACKAGE.parents[1] / "kernels" / "programs" / "origin_mesh_kv.py")
        result = answer(tensors, origin, {"o": {"reference": "copy", "x": "o"}})
        if result.error and "must have one dtype" in result.error:
            self.skipTest("dot does not yet take p in f32 beside v in f16")
        self.check(tensors, origin, {"o": expected}, 2e-3)

    def attention_over(self, q, keys, values, scale, cap, biases):
        scores = [cap * math.tanh(scale * sum(a * b for a, b in zip(q, key)) / cap) + bias for key, bias in zip(keys, biases)]
        weights = [math.exp(score - max(scores)) for score in scores]
        return [sum(w * value[d] for w, value in zip(weights, values)) / sum(weights) for d in range(len(values[0]))]

    def test_paged_decode_in_splits_and_their_merge(self):
        heads, kv_heads, width, lengths, splits = 4, 2, 16, [37, 5, 70], 4
        total, starts = sum(lengths), [0, 37, 42, 112]
        slots = self.dice.sample(range(total), total)
        q, k, v = self.normal(3 * heads * width), self.normal(total * kv_heads * width), self.normal(total * kv_heads * width)
        row = lambda cache, slot, head: cache[(slot * kv_heads + head) * width :][:width]  # noqa: E731
        out = []
        for batch, length in enumerate(lengths):
            mine = slots[starts[batch] :][:length]
            for head in range(heads):
                keys, values = ([row(cache, slot, head // 2) for slot in mine] for cache in (k, v))
                out += self.attention_over(q[(batch * heads + head) * width :][:width], keys, values, 0.25, 5, [0] * length)
        tensors = {"q": tensor([3, heads, width], q), "k": tensor([total, kv_heads, width], k), "v": tensor([total, kv_heads, width], v),
                   "starts": tensor([4], starts, "i32"), "slots": tensor([total], slots, "i32"), "splits": tensor([3], [4, 2, 3], "i32"),
                   "part": tensor([3, heads, splits, width], "zeros"), "lse": tensor([3, heads, splits], "zeros"),
                   "o": tensor([3, heads, width], "zeros")}  # fmt: skip
        common = {"Part": "part", "Lse": "lse", "kv_indptr": "starts", "num_splits": "splits", "s_ob": "part.stride(0)", "s_oh": "part.stride(1)"}
        first = {**common, "Q": "q", "K_Buffer": "k", "V_Buffer": "v", "scale": 0.25, "kv_indices": "slots", "s_qb": "q.stride(0)", "s_qh": width,
                 "s_kb": "k.stride(0)", "s_kh": width, "s_vb": "v.stride(0)", "s_vh": width, "s_os": width}  # fmt: skip
        second = {**common, "O": "o", "sinks": "lse", "s_b": "part.stride(0)", "s_h": "part.stride(1)", "s_s": width,
                  "s_ob": "o.stride(0)", "s_oh": width}  # fmt: skip
        constants = {"GROUP": 2, "HEADS": heads, "DK": 16, "DV": 16, "N": 16, "BLOCK_H": 16, "LEAST": 8, "CAP": 5.0, "Lk": 16, "Lv": 16}
        launches = [launch("serving.py", "grouped_stage1", [3, kv_heads, splits], first, constants),
                    launch("serving.py", "stage2", [3, heads], second,
                           {"MAX": splits, "LEAST": 8, "DV": 16, "Lv": 16, "HAS_SINK": False})]  # fmt: skip
        self.check(tensors, launches, {"o": out})

    def test_unified_attention_over_pages_with_a_window_and_slopes(self):
        heads, kv_heads, width, page = 4, 2, 16, 8
        q_lengths, lengths, starts, pages = [5, 1], [21, 9], [0, 5, 6], [[3, 1, 4], [0, 2, 0]]
        q, k, v = self.normal(6 * heads * width), self.normal(5 * page * kv_heads * width), self.normal(5 * page * kv_heads * width)
        slopes = [abs(x) for x in self.normal(heads)]
        row = lambda cache, slot, head: cache[(slot * kv_heads + head) * width :][:width]  # noqa: E731
        out = []
        for one, (count, length) in enumerate(zip(q_lengths, lengths)):
            for position in range(length - count, length):
                token, seen = starts[one] + position - (length - count), range(max(0, position - 11), position + 1)
                mine = [pages[one][t // page] * page + t % page for t in seen]
                for head in range(heads):
                    keys, values = ([row(cache, slot, head // 2) for slot in mine] for cache in (k, v))
                    biases = [slopes[head] * (t - (length - count)) for t in seen]
                    out += self.attention_over(q[(token * heads + head) * width :][:width], keys, values, 0.25, 5, biases)
        cache = [5, page, kv_heads, width]
        tensors = {"o": tensor([6, heads, width], "zeros"), "q": tensor([6, heads, width], q), "k": tensor(cache, k), "v": tensor(cache, v),
                   "tables": tensor([2, 3], pages[0] + pages[1], "i32"), "lengths": tensor([2], lengths, "i32"), "slopes": tensor([heads], slopes),
                   "bias": tensor([64, 64], "zeros"), "starts": tensor([3], starts, "i32"), "one": tensor([1], "ones")}  # fmt: skip
        arguments = {"out_ptr": "o", "q_ptr": "q", "k_cache": "k", "v_cache": "v", "tables": "tables", "seq_lens": "lengths", "alibi": "slopes",
                     "qq_bias": "bias", "scale": 0.25, "k_scale": "one", "v_scale": "one", "out_scale": "one", "cap": 5.0, "table_stride": 3,
                     "q_s0": "q.stride(0)", "q_s1": width, "o_s0": "o.stride(0)", "o_s1": width, "k_s0": "k.stride(0)", "k_s1": "k.stride(1)",
                     "k_s2": width, "starts": "starts", "num_seqs": 2}  # fmt: skip
        constants = {"q_heads": heads, "per_kv": 2, "BLOCK": page, "TILE": 16, "D": 16, "DP": 16, "USE_ALIBI": True, "USE_CAP": True, "WINDOW": 12,
                     "k_s3": 1, "BLOCK_Q": 8, "BLOCK_M": 16, "USE_FP8": False}  # fmt: skip
        self.check(tensors, launch("serving.py", "unified", [2, kv_heads], arguments, constants), {"o": out})


if __name__ == "__main__":
    unittest.main()
