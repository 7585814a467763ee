# SPDX-License-Identifier: Apache-2.0
"""Runs tile programs of constants and tuples, for tests: what a lowered function gives must be what Python gives."""

import operator

from program_text import DTYPES, Line

BINARY = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "floordiv": operator.floordiv, "mod": operator.mod, "truediv": operator.truediv,
    "and": operator.and_, "or": operator.or_, "xor": operator.xor, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "eq": operator.eq, "ne": operator.ne, "minimum": min, "maximum": max, "pow": operator.pow, "shl": operator.lshift, "shr": operator.rshift,
    "is": lambda a, b: a is b or a == b and type(a) is type(b), "contains": lambda a, b: b in a, "item": operator.getitem,
    "and_then": lambda a, b: b, "or_else": lambda a, b: b,
}  # fmt: skip
UNARY = {"neg": operator.neg, "invert": operator.invert, "not": operator.not_, "abs": abs, "int": int, "float": float, "bool": bool,
         "length": len, "const": lambda a: a, "is_known": lambda a: True, "decides_and": lambda a: not a, "decides_or": bool}  # fmt: skip
WORDS = {"none": None, "true": True, "false": False, "inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}


def _until_place(tokens):
    return tokens[: tokens.index("@")] if "@" in tokens else tokens


class Stop(Exception):
    """A static_assert that does not hold."""


class Leave(Exception):
    def __init__(self, kind, value=None):
        super().__init__(kind)
        self.kind, self.value = kind, value


class Evaluator:
    def __init__(self, text, most_steps=100000):
        self._functions, self._steps = {}, most_steps
        self._lines = [Line(line, number + 1) for number, line in enumerate(text.splitlines())][1:]
        self._next = 0
        while self._next < len(self._lines):
            line = self._take()
            line.at = 1
            name, parameters = line.take(), []
            line.take("(")
            while not line.accept(")"):
                parameter, default = line.take(), ()
                if line.accept(":"):
                    line.take("const")
                if line.accept("="):
                    default = (self._operand(line, {}),)
                parameters.append((parameter, default))
                line.accept(",")
            self._functions[name] = parameters, self._block()[0]

    def _take(self):
        self._next += 1
        return self._lines[self._next - 1]

    def _block(self):
        """Statements, as [line, inner block or None, else or None], and the line that ends them."""
        statements = []
        while True:
            line = self._take()
            if line.peek() == "}":
                return statements, line
            if line.tokens[-1] != "{":
                statements.append((line, None, None))
                continue
            body, end = self._block()
            other = self._block()[0] if len(end.tokens) > 1 else []
            statements.append((line, body, other))

    def call(self, name, positional, keywords=()):
        parameters, body = self._functions[name]
        variables = {parameter: default[0] for parameter, default in parameters if default}
        variables.update(zip((parameter for parameter, _ in parameters), positional))
        variables.update({"%" + keyword: value for keyword, value in dict(keywords).items()})
        try:
            self._run(body, variables)
        except Leave as leave:
            return leave.value
        return None

    def _run(self, statements, variables):
        for line, body, other in statements:
            self._steps -= 1
            if self._steps < 0:
                raise Stop("too many steps")
            line.at = 0
            self._statement(line, body, other, variables)

    def _statement(self, line, body, other, variables):
        first = line.peek()
        if first == "if":
            line.take()
            self._run(body if self._operand(line, variables) else other, variables)
        elif first == "for":
            line.take()
            counter = line.take()
            line.take("=")
            bounds = []
            for _ in range(3):
                bounds.append(self._operand(line, variables))
                line.accept(",")
            for variables[counter] in range(*bounds):
                if self._once(body, variables):
                    break
        elif first == "loop":
            while not self._once(body, variables):
                pass
        elif first in ("break", "continue"):
            raise Leave(first)
        elif first == "return":
            line.take()
            values = []
            while line.peek() not in ("@", ""):
                values.append(self._operand(line, variables))
                line.accept(",")
            raise Leave("return", tuple(values) if len(values) > 1 else values[0] if values else None)
        else:
            self._assignment(line, variables)

    def _once(self, body, variables):
        """Has the loop been broken?"""
        try:
            self._run(body, variables)
        except Leave as leave:
            if leave.kind == "return":
                raise
            return leave.kind == "break"
        return False

    def _assignment(self, line, variables):
        targets = []
        if "=" in _until_place(line.tokens) and line.peek()[0] == "%":
            while not line.accept("="):
                targets.append(line.take())
                line.accept(",")
        name = line.peek()
        if name[0] in '%"(-&' or name[0].isdigit() or name in WORDS or name in DTYPES:
            value = self._operand(line, variables)
        else:
            value = self._operation(line, variables)
        if len(targets) == 1:
            variables[targets[0]] = value
        elif targets:
            assert len(value) == len(targets)
            variables.update(zip(targets, value))

    def _operation(self, line, variables):
        name, positional, keywords = line.take(), [], {}
        while line.peek() not in ("@", ""):
            if line.peek(1) == "=" and line.peek()[0] != "%":
                keyword = line.take()
                line.take()
                keywords[keyword] = self._operand(line, variables)
            else:
                positional.append(self._operand(line, variables))
            line.accept(",")
        if name == "call":
            return self.call(positional[0], positional[1:], keywords)
        if name in ("static_assert", "device_assert"):
            if not positional[0]:
                message = keywords.get("message")
                raise Stop("".join(map(str, message)) if isinstance(message, tuple) else message)
            return None
        return (BINARY.get(name) or UNARY[name])(*positional)

    def _operand(self, line, variables):
        token = line.take()
        if token == "(":
            items = []
            while not line.accept(")"):
                items.append(self._operand(line, variables))
                line.accept(",")
            return tuple(items)
        if token[0] == "%":
            return variables[token]
        if token[0] == "&":
            return token[1:]
        if token[0] == '"':
            return token[1:-1]
        if token in WORDS:
            return WORDS[token]
        return float(token) if "." in token or "e" in token else int(token)
