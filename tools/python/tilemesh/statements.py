# SPDX-License-Identifier: Apache-2.0
"""Statements of one function.

What is not supported is an error. But under an `if` that is decided when the kernel runs, kernels keep variants that many
launches never reach; there the program stops with the error's message if it comes by, and only then."""

from .constants import assigned_names, last_name
from .errors import LoweringError, NotSupported
from .loops import Loops
from .values import DType, Function, Namespace, Var, is_constant, items_of, operand
from .writer import Writer

_NO_STATEMENTS = {"FunctionDef": "a function in a function", "AsyncFunctionDef": "async", "ClassDef": "a class in a function", "With": "with",
                  "Try": "try", "TryStar": "try", "Global": "global", "Nonlocal": "nonlocal", "Match": "match", "Import": "import in a function",
                  "ImportFrom": "import in a function", "AsyncFor": "async", "AsyncWith": "async"}  # fmt: skip


class FunctionBody(Loops):
    """Lowers one function. `program` gives names of functions and hears which ones are called."""

    def __init__(self, program, function, is_entry, is_conditional):
        super().__init__(function.module, Writer())
        self.program, self.function = program, function
        self.chooses = function.chooses
        self.is_mesh = not function.is_jit
        self._conditional = 1 if is_conditional else 0
        node = function.node
        if node.args.vararg or node.args.kwarg:
            raise self.error(node, f"{node.name}: * and ** parameters are not supported; name them")
        self._parameters = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        self._assigned = dict.fromkeys([parameter.arg for parameter in self._parameters] + assigned_names(node.body))
        self._prepare_defaults()
        if is_entry and function.is_jit:
            self._cast_annotated()
        self.statements(node.body)

    def local(self, name):
        if name not in self._assigned:
            return None
        if name == "tl" and any(parameter.arg == "tl" for parameter in self._parameters):
            return Namespace("triton.language")
        return Var(self.variable(name))

    def local_names(self):
        return list(self._assigned)

    def name_of(self, function):
        return self.program.name_of(function)

    def require(self, node, function):
        return self.program.require(self, self.place(node), function, self._conditional > 0)

    # The head.

    def head(self, kind):
        defaults = self.program.defaults(self.function)
        texts = []
        for parameter in self._parameters:
            if parameter.arg == "tl":
                continue
            text = self.variable(parameter.arg)
            if self.is_mesh or is_constexpr(parameter.annotation):
                text += ": const"
            if parameter.arg in defaults:
                default = defaults[parameter.arg]
                text += " = " + ("none" if isinstance(default, tuple) else operand(default, self.name_of) or "none")
            texts.append(text)
        return f"{kind} {self.program.name_of(self.function)}({', '.join(texts)})"

    def constants_of_launch(self):
        """Names of parameters that are constants: to keep them costs no memory of the PE."""
        return {parameter.arg for parameter in self._parameters if self.is_mesh or is_constexpr(parameter.annotation)}

    def _prepare_defaults(self):
        """A function as a default comes along. A tuple is no literal: the head says none, which becomes the tuple here."""
        defaults = self.program.defaults(self.function)
        for default in defaults.values():
            if isinstance(default, Function):
                self.require(self.function.node, default)
        for parameter in self._parameters:
            if isinstance(defaults.get(parameter.arg), tuple):
                name = Var(self.variable(parameter.arg))
                is_left_out = self.emit("is", [name, None], parameter)
                self.writer.open(f"if {is_left_out.name}", self.written_place(parameter))
                self.writer.write([name.name], self.text(defaults[parameter.arg], parameter), self.written_place(parameter))
                self.writer.close()

    def _cast_annotated(self):
        """`n: tl.int64` makes a launch pass an i64; pointers and None with such an annotation stay what they are, and i32 is anyway."""
        for parameter in self._parameters:
            if type(parameter.annotation).__name__ == "Attribute":
                try:
                    kind = self.value(parameter.annotation)
                except LoweringError:
                    continue
                if isinstance(kind, DType) and kind.name != "i32":
                    name = self.variable(parameter.arg)
                    for operation, what in (("is_a", "pointer"), ("is", None)):
                        stays = self.emit(operation, [Var(name), what], parameter)
                        self.writer.open(f"if {stays.name}", self.written_place(parameter))
                        self.writer.otherwise()
                    self.writer.write([name], f"cast {name}, {kind.name}", self.written_place(parameter))
                    self.writer.close()
                    self.writer.close()
                    self.writer.next_statement()

    # Statements.

    def statements(self, statements):
        for statement in statements:
            self.writer.next_statement()
            state, loops = self.writer.state(), self.loops
            try:
                self.statement(statement)
            except NotSupported as error:
                if not self._conditional:
                    raise
                self.writer.go_back(state)
                self.loops = loops
                self.stop_here(error)
                for name in assigned_names([statement]):
                    self.writer.write([self.variable(name)], "none", self.written_place(statement))

    def statement(self, node):
        kind = type(node).__name__
        method = getattr(self, "do_" + kind, None)
        if method is None:
            raise self.not_supported(node, f"{_NO_STATEMENTS.get(kind, kind)} in a kernel is not supported")
        method(node)

    def block(self, statements, is_conditional=False):
        kept = self.writer.keep_temporaries()
        self._conditional += is_conditional
        try:
            self.statements(statements)
        finally:
            self._conditional -= is_conditional
        self.writer.drop_temporaries(kept)

    def do_Pass(self, node):
        pass

    do_Delete = do_Pass

    def do_Expr(self, node):
        if type(node.value).__name__ in ("Constant", "Name"):
            return
        value = self.value(node.value)
        if isinstance(value, Var) and self.writer.has_just_made(value.name):
            last = self.writer.statements[-1]
            if last[2].startswith("call "):
                last[1] = None

    def do_Assign(self, node):
        value = self.value(node.value)
        for target in node.targets:
            value = self.assign(target, value, node)

    def assign(self, target, value, node):
        """Returns where the value is now."""
        kind = type(target).__name__
        if kind == "Name":
            name = self.variable(target.id)
            if isinstance(self.local(target.id), Namespace):
                raise self.error(target, f"{target.id} names the language and cannot be assigned")
            self.writer.copy(name, self.text(value, node), self.written_place(node))
            return Var(name)
        if kind not in ("Tuple", "List"):
            raise self.not_supported(target, "only names can be assigned; use tl.store for memory, tl.where for elements")
        self.without_stars(target)
        items = items_of(value)
        if items is not None and len(items) != len(target.elts):
            raise self.error(target, f"{len(items)} values for {len(target.elts)} names")
        names, inner = [], []
        for part in target.elts:
            if type(part).__name__ == "Name":
                names.append(self.variable(part.id))
            else:
                names.append(self.writer.new_temporary())
                inner.append((part, Var(names[-1])))
        if names:
            self._take_apart(names, value, node)
        for part, item in inner:
            self.assign(part, item, node)
        return value

    def _take_apart(self, names, value, node):
        text = self.text(value, node)
        last = self.writer.statements[-1] if self.writer.statements else None
        if len(names) == 1:
            self.writer.write(names, f"item {text}, 0", self.written_place(node))
        elif last and self.writer.has_just_made(text):
            last[1] = names
        else:
            self.writer.write(names, text, self.written_place(node))

    def do_AugAssign(self, node):
        if type(node.target).__name__ != "Name":
            raise self.not_supported(node.target, "only names can be assigned; use tl.store for memory, tl.where for elements")
        self._must_be_local(node.target)
        before = Var(self.variable(node.target.id))
        self.assign(node.target, self.binary(node, node.op, before, self.value(node.value)), node)

    def _must_be_local(self, target):
        if isinstance(self.local(target.id), Namespace):
            raise self.error(target, f"{target.id} names the language and cannot be assigned")

    def do_AnnAssign(self, node):
        if node.value is None:
            return
        value = self.value(node.value)
        if is_constexpr(node.annotation):
            if isinstance(value, Var):
                value = self.emit("const", [value], node)
        elif type(node.annotation).__name__ in ("Attribute", "Name"):
            try:
                kind = self.value(node.annotation)
            except LoweringError:
                kind = None
            if isinstance(kind, DType):
                value = self.emit("cast", [value, kind], node)
        self.assign(node.target, value, node)

    def do_Return(self, node):
        value = None if node.value is None else self.value(node.value)
        items = items_of(value)
        if items is not None and len(items) > 1:
            text = ", ".join(self.text(item, node) for item in items)
        else:
            text = "" if value is None else self.text(value, node)
        self.writer.write(None, f"return {text}".rstrip(), self.written_place(node))

    def do_Assert(self, node):
        condition = self.value(node.test)
        if is_constant(condition) and condition:
            return
        message = self.filled(self.value, node.msg) if node.msg is not None else "assertion failed"
        self.operation(node, "device_assert", {"condition": condition, "message": message})

    def do_Raise(self, node):
        message = "raised here"
        if type(node.exc).__name__ == "Call":
            message = last_name(node.exc)
            if node.exc.args and type(node.exc.args[0]).__name__ in ("Constant", "JoinedStr"):
                message += f": {self.told(self.value, node.exc.args[0])}"
        self.operation(node, "static_assert", {"condition": False, "message": message})

    def do_If(self, node):
        condition = self.value(node.test)
        items = items_of(condition)
        if is_constant(condition) or items is not None:
            self.statements(node.body if (items if items is not None else condition) else node.orelse)
            return
        self.writer.open(f"if {self.text(condition, node.test)}", self.written_place(node))
        self.block(node.body, True)
        if node.orelse:
            self.writer.otherwise()
            self.block(node.orelse, True)
        self.writer.close()


def is_constexpr(annotation):
    """tl.constexpr, "tl.constexpr", Optional[tl.constexpr] and the like."""
    waiting = [annotation]
    while waiting:
        node = waiting.pop()
        kind = type(node).__name__
        if kind == "Name" and node.id == "constexpr" or kind == "Attribute" and node.attr == "constexpr":
            return True
        if kind == "Constant" and isinstance(node.value, str) and node.value.split(".")[-1].strip() == "constexpr":
            return True
        if kind == "BinOp":
            waiting += [node.left, node.right]
        if kind == "Subscript":
            waiting.append(node.slice)
        if kind == "Tuple":
            waiting += node.elts
    return False
