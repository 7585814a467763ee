# SPDX-License-Identifier: Apache-2.0
"""Which of its parameters a kernel may store through, read from its tile program: every branch is taken, every loop twice. It
is never too little; too much where one name has pointers to several tensors."""

import re

_HEAD = re.compile(r"^(?:kernel|function) (\S+?)\((.*)\) in ")
_LINE = re.compile(r"^(?:(%[^=(]*?) = )?([a-z_]\w*(?![\w.]))?(.*?)(?: @ [\d:]+)?$")
_VARIABLE = re.compile(r"%[\w.]+")
# What these give is no pointer, whatever they are given; nor is an attribute but these.
_NUMBERS = frozenset("load descriptor_load dot lt le gt ge eq ne sum max min cdiv program_id length is decides_and decides_or".split())
_POINTERS = re.compile(r'.*, "(?:T|base|value)"$')


class Stores:
    """names: parameters that may be stored through; plainly: those by `store`, whose numbers a run without values may not have."""

    def __init__(self, text, kernel):
        self._functions = {}
        for part in re.split(r"^(?=kernel |function )", text, flags=re.MULTILINE):
            head = _HEAD.match(part)
            if head:
                parameters = [found[1] for found in re.finditer(r"(?:^|, )(%[\w.]+)", head[2])]
                self._functions[head[1]] = (parameters, [line.strip() for line in part.splitlines()[1:]])
        self._under_way, self._known = set(), {}
        stored, _ = self._of(kernel)
        self.names = {name[1:] for name, _ in stored}
        self.plainly = {name[1:] for name, is_plain in stored if is_plain}

    def _of(self, name):
        """Of a function: (parameter, by store?) that are stored through, and the parameters that its results may come from."""
        parameters, lines = self._functions[name]
        if name not in self._known:
            if name in self._under_way:
                return set(), set(parameters)
            self._under_way.add(name)
            walk = _Walk(self._of, lines)
            walk.block({parameter: {parameter} for parameter in parameters}, 0)
            self._known[name] = (walk.stored, walk.returned)
            self._under_way.discard(name)
        return self._known[name]

    def parameters(self, name):
        return self._functions[name][0]


class _Walk:
    def __init__(self, of, lines):
        self.of, self.lines = of, lines
        self.parameters = of.__self__.parameters
        self.stored, self.returned, self.exits = set(), set(), []

    def block(self, state, at):
        """Goes through the lines up to the brace that closes; the number of that line. `state`: where each variable comes from."""
        while at < len(self.lines):
            line = self.lines[at]
            if line.startswith("}"):
                return at
            if line.endswith("{"):
                at = self._nested(state, line, at)
            else:
                self._plain(state, line)
            at += 1
        return at

    def _nested(self, state, line, at):
        if line.startswith("if "):
            other = {name: set(sources) for name, sources in state.items()}
            at = self.block(state, at + 1)
            if "else" in self.lines[at]:
                at = self.block(other, at + 1)
            _join(state, other)
            return at
        outer, self.exits = self.exits, []
        for _ in range(2):
            body = {name: set(sources) for name, sources in state.items()}
            end = self.block(body, at + 1)
            for left in [body, *self.exits]:
                _join(state, left)
        self.exits = outer
        return end

    def _plain(self, state, line):
        results, operation, rest = _LINE.match(line).groups()
        if operation in ("break", "continue"):
            self.exits.append({name: set(sources) for name, sources in state.items()})
            return
        operands = [state.get(name, set()) for name in _VARIABLE.findall(rest)]
        sources = set().union(*operands)
        is_atomic = (operation or "").startswith("atomic_")
        if operation in ("store", "descriptor_store") or is_atomic:
            self.stored |= {(name, not is_atomic) for name in (operands[0] if operands else ())}
        elif operation == "return":
            self.returned |= sources
        elif operation == "call":
            sources = self._call(state, rest, sources)
        if operation in _NUMBERS or is_atomic or operation == "attribute" and not _POINTERS.match(rest):
            sources = set()
        for name in _VARIABLE.findall(results or ""):
            state[name] = set(sources)

    def _call(self, state, rest, sources):
        callee = re.match(r" &(\S+?)(?:, (.*))?$", rest)
        if callee is None:  # of a function that is a value: it may do anything
            self.stored |= {(name, True) for name in sources}
            return sources
        parameters, given = self.parameters(callee[1]), {}
        for number, argument in enumerate(re.split(r", (?![^()]*\))", callee[2] or "")):
            sources_here = set().union(*(state.get(found, set()) for found in _VARIABLE.findall(argument)))
            if argument.startswith("items.of="):
                given.update((name, given.get(name, set()) | sources_here) for name in parameters[number:])
                continue
            keyword = re.match(r"(\w+)=(?!=)(.*)", argument)
            name = f"%{keyword[1]}" if keyword else parameters[number] if number < len(parameters) else None
            given[name] = given.get(name, set()) | sources_here
        stored, returned = self.of(callee[1])
        self.stored |= {(source, is_plain) for name, is_plain in stored for source in given.get(name, ())}
        return set().union(*(given.get(name, set()) for name in returned))


def _join(state, other):
    for name, sources in other.items():
        state.setdefault(name, set()).update(sources)
