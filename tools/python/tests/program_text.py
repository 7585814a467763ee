# SPDX-License-Identifier: Apache-2.0
"""Reads a tile program as sim/program/README.md has it, for tests: its grammar, its operations with their arguments, and that
whatever is read has been assigned."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[3] / "sim" / "program" / "README.md"
DTYPES = "f8e4m3 f8e5m2 f16 bf16 f32 i1 i8 i16 i32 i64 u8 u16 u32 u64".split()
TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|%[\w.]+|&[A-Za-z_][\w.]*|-inf\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[A-Za-z_][\w.]*|@|[(){},:=])', re.ASCII)
WORDS = ("none", "true", "false", "inf", "nan", *DTYPES)


class ProgramError(Exception):
    pass


def operations_of_readme():
    """{name: [(argument, can be left out)]} as the README lists them."""
    text = README.read_text().split("## Operations")[1]
    found = {}
    for name, arguments in re.findall(r"`([a-z_0-9]+)((?: [^`]*)?)`", text):
        words = [word.strip() for word in re.split(r",(?![^(]*\))", arguments.replace("\n", " ")) if word.strip()]
        if re.fullmatch(r"[a-z_0-9]+", name) and all(re.fullmatch(r"\w+(=.*)?", word) for word in words):
            found.setdefault(name, [(word.split("=")[0], "=" in word) for word in words])
    for same, as_ in (("device_assert", "static_assert"), ("argmin", "argmax"), ("min", "max")):
        found[same] = found[as_]
    for name in "le gt ge eq ne lt".split():
        found[name] = [("a", False), ("b", False)]
    for name in "exp exp2 log log2 sqrt rsqrt sin cos erf floor ceil tanh sigmoid".split():
        found[name] = [("x", False)]
    found.update({"not": [("x", False)], "is": [("a", False), ("b", False)]})
    return found


class Line:
    def __init__(self, text, number):
        self.number, self.text, self.tokens, at = number, text, [], 0
        while text[at:].strip():
            match = TOKEN.match(text, at)
            if not match:
                raise ProgramError(f"line {number}: not a token: {text[at:]}")
            self.tokens.append(match.group(1))
            at = match.end()
        self.at = 0

    def peek(self, ahead=0):
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def take(self, expected=None):
        token = self.peek()
        if not token or expected and token != expected:
            raise ProgramError(f"line {self.number}: {expected or 'more'} expected: {self.text}")
        self.at += 1
        return token

    def accept(self, token):
        if self.peek() == token:
            self.at += 1
            return True
        return False


class Function:
    def __init__(self, kind, name):
        self.kind, self.name = kind, name
        self.parameters = {}  # name: is it const
        self.operations = []  # (operation, positional texts, {keyword: text})
        self.assigned, self.read, self.called = set(), [], set()


class Program:
    def __init__(self, text):
        self._operations = operations_of_readme()
        self.functions = {}
        lines = [Line(line, number + 1) for number, line in enumerate(text.splitlines())]
        if not lines or lines[0].text != "tile_program 1":
            raise ProgramError("no tile_program 1")
        self._lines, self._next = lines, 1
        while self._next < len(lines):
            self._function()
        for function in self.functions.values():
            for name, number in function.read:
                if name not in function.assigned:
                    raise ProgramError(f"line {number}: {name} is never assigned in {function.name}")
            missing = function.called - set(self.functions)
            if missing:
                raise ProgramError(f"{function.name} needs {missing}")

    def _function(self):
        line = self._lines[self._next]
        self._next += 1
        kind = line.take()
        if kind not in ("kernel", "function"):
            raise ProgramError(f"line {line.number}: no function: {line.text}")
        self._current = function = Function(kind, line.take())
        line.take("(")
        while not line.accept(")"):
            variable = line.take()
            function.parameters[variable[1:]] = line.accept(":") and bool(line.take("const"))
            function.assigned.add(variable)
            if line.accept("="):
                self._operand(line)
            line.accept(",")
        if line.accept("in"):
            line.take()
        line.take("{")
        if function.name in self.functions:
            raise ProgramError(f"two functions {function.name}")
        self.functions[function.name] = function
        self._block(1, 0)

    def _block(self, depth, loops):
        if depth > 64:
            raise ProgramError("too many blocks")
        while True:
            line = self._lines[self._next]
            self._next += 1
            first = line.peek()
            if first == "}":
                return line
            if first == "if":
                line.take()
                self._operand(line)
                self._place(line)
                line.take("{")
                end = self._block(depth + 1, loops)
                if end.tokens == ["}", "else", "{"]:
                    end = self._block(depth + 1, loops)
                if end.tokens != ["}"]:
                    raise ProgramError(f"line {end.number}: a block's end: {end.text}")
            elif first in ("for", "loop"):
                line.take()
                if first == "for":
                    self._current.assigned.add(line.take())
                    line.take("=")
                    for index in range(3):
                        self._operand(line)
                        if index < 2:
                            line.take(",")
                    line.accept("const")
                self._place(line)
                line.take("{")
                self._block(depth + 1, loops + 1)
            elif first in ("break", "continue"):
                line.take()
                if not loops:
                    raise ProgramError(f"line {line.number}: outside of a loop")
                self._end(line)
            elif first == "return":
                line.take()
                while line.peek() not in ("@", ""):
                    self._operand(line)
                    line.accept(",")
                self._end(line)
            else:
                self._statement(line)

    def _statement(self, line):
        targets = []
        while line.peek()[0] == "%":
            targets.append(line.take())
            if line.accept("="):
                break
            line.take(",")
        if line.peek() not in WORDS and re.fullmatch(r"[a-z]\w*", line.peek()):
            self._operation(line)
        else:
            self._operand(line)
        self._end(line)
        self._current.assigned.update(targets)

    def _operation(self, line):
        name, positional, keywords = line.take(), [], {}
        while line.peek() not in ("@", ""):
            if line.peek(1) == "=" and line.peek()[0] != "%":
                keyword = line.take()
                line.take()
                keywords[keyword] = self._operand(line)
            else:
                if keywords:
                    raise ProgramError(f"line {line.number}: by position after by name: {line.text}")
                positional.append(self._operand(line))
            if line.peek() not in ("@", ""):
                line.take(",")
        self._current.operations.append((name, positional, keywords))
        if name in ("static_print", "device_print", "call"):
            return
        if name not in self._operations:
            raise ProgramError(f"line {line.number}: no operation {name}")
        known = self._operations[name]
        given = [argument for argument, _ in known[: len(positional)]] + list(keywords)
        wrong = [argument for argument in given if argument not in dict(known)] + [a for a in set(given) if given.count(a) > 1]
        missing = [argument for argument, optional in known if not optional and argument not in given]
        if len(positional) > len(known) or wrong or missing:
            raise ProgramError(f"line {line.number}: arguments {wrong or missing}: {line.text}")

    def _operand(self, line):
        token = line.take()
        if token == "(":
            inside = []
            while not line.accept(")"):
                inside.append(self._operand(line))
                line.accept(",")
            return "(" + ", ".join(inside) + ("," if len(inside) == 1 else "") + ")"
        if token[0] == "%":
            self._current.read.append((token, line.number))
        elif token[0] == "&":
            self._current.called.add(token[1:])
        elif not (token[0] in '"-' or token[0].isdigit() or token in WORDS):
            raise ProgramError(f"line {line.number}: no operand {token}: {line.text}")
        return token

    def _place(self, line):
        if line.peek() != "@":
            return  # it is where its function is called
        line.take("@")
        line.take()
        if line.accept(":"):
            line.take()

    def _end(self, line):
        self._place(line)
        if line.peek():
            raise ProgramError(f"line {line.number}: more than a statement: {line.text}")
