# SPDX-License-Identifier: Apache-2.0
"""Random functions of integers give as tile programs what Python gives: control flow, short circuits, scopes, calls."""

import os
import random
import unittest

from evaluator import Evaluator, Stop
from support import lowered

SEED, COUNT = int(os.environ.get("TILEMESH_SEED", "1")), int(os.environ.get("TILEMESH_PROGRAMS", "150"))


class Writer:
    """Writes functions that end, and whose variables are assigned before they are read."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.functions = []  # (name, number of parameters, number of results)

    def file(self):
        texts = [self.function(f"f{index}", self.dice.randint(1, 3), self.dice.choice([1, 1, 2, 3])) for index in range(self.dice.randint(0, 3))]
        return "\n".join([*texts, self.function("k", 2, self.dice.choice([1, 2]))])

    def function(self, name, parameters, results):
        self.results, self.names, self.loops, self.room, self.counter = results, [f"p{i}" for i in range(parameters)], 0, 25, 0
        defaults = [f"{p} = {self.dice.randint(-3, 3)}" if i and name != "k" else p for i, p in enumerate(self.names)]
        body = self.block(1, 5) + ["    " + self.result()]
        self.functions.append((name, parameters, results))
        return f"def {name}({', '.join(defaults)}):\n" + "\n".join(body) + "\n"

    def result(self):
        return "return " + ", ".join(self.expression(2) for _ in range(self.results))

    def block(self, depth, most):
        lines = []
        for _ in range(self.dice.randint(1, most)):
            lines += self.statement(depth)
        return lines

    def inside(self, depth):
        """A block whose new names are forgotten after it, because it may not be reached."""
        before = list(self.names)
        lines = self.block(depth, 3)
        self.names = before
        return lines

    def name(self):
        return self.dice.choice([*self.names, f"v{self.dice.randint(0, 5)}"])

    def statement(self, depth):
        pad, dice = "    " * depth, self.dice
        self.room -= 1
        blocks = ["if", "if", "for", "while", "each", "leave"] if depth < 4 and self.room > 0 else []
        kind = dice.choice(["assign"] * 5 + ["augment", "unpack", "exchange", "calls", *blocks])
        if kind == "augment":
            return [f"{pad}{dice.choice(self.names)} {dice.choice(['+', '-', '*', '^', '&', '|'])}= {self.expression(2)}"]
        if kind == "exchange" and len(self.names) > 1:
            a, b = dice.sample(self.names, 2)
            return [f"{pad}{a}, {b} = {b}, {a}"]
        if kind == "unpack":
            a, b = f"v{dice.randint(0, 2)}", f"v{dice.randint(3, 5)}"
            line = f"{pad}({a}, {b}), w = ({self.expression(2)}, {self.expression(1)}), {self.expression(1)}"
            self.names = list(dict.fromkeys([*self.names, a, b, "w"]))
            return [line]
        if kind == "calls" and self.functions:
            name, parameters, results = dice.choice(self.functions)
            targets = [f"v{i}" for i in range(results)]
            line = f"{pad}{', '.join(targets)} = {self.called(name, parameters)}"
            self.names = list(dict.fromkeys([*self.names, *targets]))
            return [line]
        if kind == "if":
            lines = [f"{pad}if {self.condition(2)}:", *self.inside(depth + 1)]
            if dice.random() < 0.3:
                lines += [f"{pad}elif {self.condition(2)}:", *self.inside(depth + 1)]
            return lines + ([f"{pad}else:", *self.inside(depth + 1)] if dice.random() < 0.5 else [])
        if kind in ("for", "while", "each"):
            return self.loop(kind, depth, pad)
        if kind == "leave":
            inner = self.result() if dice.random() < 0.5 or not self.loops else dice.choice(["break", "continue"])
            return [f"{pad}if {self.condition(2)}:", f"{pad}    {inner}"]
        target = self.name()
        line = f"{pad}{target} = {self.expression(3)}"
        if target not in self.names:
            self.names.append(target)
        return [line]

    def loop(self, kind, depth, pad):
        self.counter += 1
        before, counter = list(self.names), f"i{self.counter}"
        self.loops += 1
        if kind == "for":
            head = [f"{pad}for {counter} in range({self.dice.randint(-2, 2)}, {self.expression(1)} % 7, {self.dice.choice([1, 2, 3])}):"]
            self.names.append(counter)
            body = self.block(depth + 1, 3)
        elif kind == "each":
            head = [f"{pad}for {counter}, j in (({self.expression(1)}, 1), (2, {self.expression(1)})):"]
            self.names += [counter, "j"]
            body = self.block(depth + 1, 3)
        else:  # counts first, so that continue cannot keep it from ending
            head = [f"{pad}{counter} = 0", f"{pad}while {counter} < {self.dice.randint(0, 5)} and {self.condition(1)}:", f"{pad}    {counter} += 1"]
            body = self.block(depth + 1, 3)
        self.loops -= 1
        self.names = before
        return head + body

    def called(self, name, parameters):
        given = self.dice.randint(1, parameters)
        arguments = [self.expression(1) for _ in range(given)]
        if given < parameters and self.dice.random() < 0.5:
            arguments.append(f"p{parameters - 1}={self.expression(1)}")
        return f"{name}({', '.join(arguments)})"

    def condition(self, depth):
        dice = self.dice
        kind = dice.choice(["compare", "chain", "and", "not", "in"]) if depth else "compare"
        if kind == "chain":
            return f"{self.expression(1)} < {self.expression(1)} <= {self.expression(1)}"
        if kind == "and":
            return f"({self.condition(depth - 1)} {dice.choice(['and', 'or'])} {self.condition(depth - 1)})"
        if kind == "not":
            return f"(not {self.condition(depth - 1)})"
        if kind == "in":
            return f"({self.expression(1)} {dice.choice(['in', 'not in'])} (0, 1, {self.expression(1)}))"
        return f"{self.expression(1)} {dice.choice(['<', '<=', '>', '>=', '==', '!='])} {self.expression(1)}"

    def expression(self, depth):
        dice = self.dice
        if depth <= 0 or dice.random() < 0.25:
            return dice.choice([*self.names, str(dice.randint(-9, 9))])
        kind = dice.choice(["binary"] * 4 + ["divide", "unary", "ternary", "and", "min", "item"] + (["call"] if self.functions else []))
        a, b = self.expression(depth - 1), self.expression(depth - 1)
        if kind == "divide":
            return f"(({a}) {dice.choice(['//', '%'])} {dice.choice([2, 3, -4])})"
        if kind == "unary":
            return f"({dice.choice(['-', '~', '+'])}({a}))"
        if kind == "ternary":
            return f"({a} if {self.condition(1)} else {b})"
        if kind == "and":
            return f"({a} {dice.choice(['and', 'or'])} {b} {dice.choice(['and', 'or'])} {self.expression(depth - 1)})"
        if kind == "min":
            return f"{dice.choice(['min', 'max'])}({a}, {b}, {dice.randint(-5, 5)})"
        if kind == "item":
            return f"({a}, {b})[{dice.choice([0, 1, -1])}]"
        if kind == "call":
            single = [(name, parameters) for name, parameters, results in self.functions if results == 1]
            return self.called(*dice.choice(single)) if single else a
        return f"(({a}) {dice.choice(['+', '-', '*', '&', '|', '^'])} ({b}))"


class Semantics(unittest.TestCase):
    def test_random_functions_give_what_python_gives(self):
        compared = 0
        for seed in range(SEED, SEED + COUNT):
            text = Writer(seed).file()
            program, space = lowered(text), {}
            exec(compile(text, f"seed {seed}", "exec"), space)  # made here, not a kernel's file
            for arguments in ((0, 1), (5, -3), (-7, 12)):
                try:
                    expected = space["k"](*arguments)
                    if abs(max(expected if isinstance(expected, tuple) else (expected,), key=abs)) > 2**62:
                        continue
                except (UnboundLocalError, OverflowError, MemoryError):
                    continue
                with self.subTest(seed=seed, arguments=arguments):
                    self.assertEqual(Evaluator(program).call("k", arguments), expected, f"TILEMESH_SEED={seed}\n{text}\n{program}")
                compared += 1
        self.assertGreater(compared, COUNT)

    def test_a_branch_that_is_not_supported_stops_only_where_it_comes_by(self):
        program = lowered("import triton.language as tl\ndef k(x):\n    y = 1\n    if x > 0:\n        y = tl.norm3d(1, 2)\n    return y\n")
        self.assertEqual(Evaluator(program).call("k", (0,)), 1)
        with self.assertRaisesRegex(Stop, "tl.norm3d is not supported"):
            Evaluator(program).call("k", (1,))

    def test_function_of_librarys(self):
        head = "import triton\nimport triton.language as tl\n"
        call = Evaluator(lowered(head + "def k(n):\n    return triton.next_power_of_2(n)\n")).call
        self.assertEqual([call("k", (n,)) for n in (1, 2, 3, 8, 9)], [1, 2, 4, 8, 16])
        call = Evaluator(lowered(head + "def k(a, b, m, n, g):\n    return tl.swizzle2d(a, b, m, n, g)\n")).call
        places = {call("k", (i, j, 5, 3, 2)) for i in range(5) for j in range(3)}
        self.assertEqual(places, {(i, j) for i in range(5) for j in range(3)})
        self.assertEqual([call("k", (0, j, 4, 4, 2)) for j in range(4)], [(0, 0), (1, 0), (0, 1), (1, 1)])


if __name__ == "__main__":
    unittest.main()
