# SPDX-License-Identifier: Apache-2.0
"""A file's statements outside of functions: constants that can be computed without running anything, imports, and the
branches of `if` and `try` that Triton 3.4 would take (host.py)."""

import os

from . import files, host, operations
from .calls import Calls
from .errors import LoweringError, Place
from .values import Function, Intrinsic, Namespace, Opaque, Record, is_constant, items_of

IMPORT_ERRORS = ("ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException")
DECORATORS = ("jit", "autotune", "heuristics")
INNER = ("FunctionDef", "AsyncFunctionDef", "ClassDef", "ListComp", "SetComp", "DictComp", "GeneratorExp", "Lambda")


class MissingImport(Exception):
    pass


def last_name(node):
    """jit of jit, triton.jit, triton.jit(...) and so on."""
    while type(node).__name__ == "Call":
        node = node.func
    kind = type(node).__name__
    return node.attr if kind == "Attribute" else node.id if kind == "Name" else ""


class Constants(Calls):
    def __init__(self, module):
        super().__init__(module, None)
        self._guarded = 0  # by a try that handles a failed import

    def emit(self, operation, values, node, keywords=(), has_result=True):
        raise self.not_supported(node, "this is not known without running the file")

    temporary = emit

    def of_IfExp(self, node):
        condition = self.value(node.test)
        if not is_constant(condition):
            raise self.not_supported(node, "this is not known without running the file")
        return self.value(node.body if condition else node.orelse)

    def run(self, statements):
        for statement in statements:
            method = getattr(self, "do_" + type(statement).__name__, None)
            if method is not None:
                method(statement)
            else:
                self._forget(statement)

    def _set(self, name, value):
        if name in self.module.globals:
            self.module.replaced.append((name, self.module.globals[name]))
        self.module.globals[name] = value

    def _forget(self, statement):
        """Whatever this assigns is not known, nor what it may change."""
        for name in [*assigned_names([statement]), *self._changed_names(statement)]:
            self._set(name, Opaque(f"{name} is not known without running line {statement.lineno} of {self.module.file}", name))

    def do_FunctionDef(self, node):
        is_jit = any("jit" in last_name(decorator) for decorator in node.decorator_list)
        self.module.written[node] = len(self.module.replaced)
        self._set(node.name, Function(self.module, node, is_jit))

    def do_ClassDef(self, node):
        self._set(node.name, Opaque(f"class {node.name} is not known in kernels", node.name))

    def do_Assign(self, node):
        try:
            value = self.value(node.value)
            if not isinstance(value, (Function, Namespace, Intrinsic, Opaque, Record)) and not is_constant(value) and items_of(value) is None:
                raise self.not_supported(node, "this is not known without running the file")
            for target in node.targets:
                self._assign(target, value)
        except (LoweringError, RecursionError):
            self._forget(node)

    def _assign(self, target, value):
        items = items_of(value)
        if type(target).__name__ == "Name":
            self._set(target.id, value)
        elif type(target).__name__ == "Tuple" and items is not None and len(items) == len(target.elts):
            for part, item in zip(target.elts, items):
                self._assign(part, item)
        elif type(target).__name__ in ("Tuple", "List", "Subscript"):
            raise self.not_supported(target, "this is not known without running the file")

    def do_AnnAssign(self, node):
        try:
            if node.value is not None:
                self._assign(node.target, self.value(node.value))
        except (LoweringError, RecursionError):
            self._forget(node)

    def _changed_names(self, statement):
        """Lists that a method, an item that is assigned or a function that is given them may change; and what functions that are
        called assign as global."""
        known, lists, names = self.module.globals, [], []
        for node in parts_of([statement]):
            kind = type(node).__name__
            if kind == "Subscript" and type(node.ctx).__name__ != "Load":
                lists.append(_root_name(node))
            if kind != "Call":
                continue
            if type(node.func).__name__ == "Attribute":
                lists.append(_root_name(node.func))
            function = known.get(getattr(node.func, "id", ""))
            if isinstance(function, Function):
                lists += [getattr(argument, "id", "") for argument in node.args]
                names += [name for part in parts_of(function.node.body) if type(part).__name__ == "Global" for name in part.names]
        lists = [name for name in lists if isinstance(known.get(name), Record) or items_of(known.get(name, 0)) is not None]
        return lists + [name for name in names if name in known]

    do_Expr = _forget

    def do_Pass(self, node):
        pass

    def do_Import(self, node):
        for name in node.names:
            first = name.name.split(".")[0]
            self._set(name.asname or first, self._imported(node, name.name if name.asname else first))

    def _imported(self, node, dotted):
        path = files.found_module(os.path.dirname(self.module.path), dotted, 0)
        if path:
            return files.Imported(path, None)
        if dotted.split(".")[0] in host.INSTALLED:
            return Namespace(dotted)
        if self._guarded:
            raise MissingImport()
        return Opaque(f"module {dotted} is not beside the file", dotted)

    def do_ImportFrom(self, node):
        dotted = node.module or ""
        path = files.found_module(os.path.dirname(self.module.path), dotted, node.level)
        for name in node.names:
            if name.name != "*":
                self._set(name.asname or name.name, self._imported_from(node, path, dotted, name.name))
            elif dotted.startswith(files.TL):
                for each in operations.names():
                    if each not in files.NOT_SUPPORTED:
                        self._set(each, files.tl_attribute(Place(self.module.file, node.lineno), Namespace(files.TL), each))

    def _imported_from(self, node, path, dotted, name):
        if path and (os.path.isfile(path) or os.path.isfile(os.path.join(os.path.dirname(path), name + ".py"))):
            if not os.path.isfile(path):
                return files.Imported(os.path.join(os.path.dirname(path), name + ".py"), None)
            return files.Imported(path, name)
        if node.level == 0 and dotted.split(".")[0] in host.INSTALLED:
            try:
                return self.module.attribute(self.place(node), Namespace(dotted), name)
            except LoweringError as error:
                return Opaque(error.message, name)
        if self._guarded:
            raise MissingImport()
        if name in host.HABITS:
            return Namespace(host.HABITS[name])
        if name in host.WRAPPERS:
            return Intrinsic("tl", host.WRAPPERS[name])
        return Opaque(f"{name} is imported from {'.' * node.level}{dotted}, which is not beside the file", name)

    def _known_condition(self, node):
        """True, False, or None."""
        try:
            value = self.value(node)
            return bool(value) if is_constant(value) else None
        except (LoweringError, RecursionError):
            return None

    def do_If(self, node):
        condition = self._known_condition(node.test)
        if condition is not None:
            self.run(node.body if condition else node.orelse)
            return
        before = dict(self.module.globals)
        self.run(node.body)
        one = self.module.globals
        self.module.globals = dict(before)
        self.run(node.orelse)
        other = self.module.globals
        self.module.globals = {**one, **other}
        for name in {**one, **other}:
            if name in one and name in other and not _same(one[name], other[name]):
                reason = f"{name} depends on the condition in line {node.lineno} of {self.module.file}, which is not known without running it"
                self.module.globals[name] = Opaque(reason, name)

    def do_Try(self, node):
        handlers = [handler for handler in node.handlers if self._handles_imports(handler)]
        before = dict(self.module.globals)
        self._guarded += bool(handlers)
        try:
            self.run(node.body)
            failed = False
        except MissingImport:
            failed = True
            self.module.globals = before
        self._guarded -= bool(handlers)
        if handlers or not failed:
            self.run(handlers[0].body if failed else node.orelse)
        self.run(node.finalbody)
        if failed and not handlers:
            raise MissingImport()

    def _handles_imports(self, handler):
        kinds = [handler.type] if handler.type is None or type(handler.type).__name__ != "Tuple" else handler.type.elts
        return any(kind is None or last_name(kind) in IMPORT_ERRORS for kind in kinds)

    def do_With(self, node):
        self.run(node.body)

    # Calls that make a kernel of a function.

    def of_Call(self, node):
        if last_name(node.func) in DECORATORS and len(node.args) == 1:
            function = self.value(node.args[0])
            if isinstance(function, Function):
                return Function(function.module, function.node, function.is_jit or "jit" in last_name(node.func))
        if last_name(node.func) == "compare_version" and len(node.args) == 3:
            return self._compared_version(node)
        return super().of_Call(node)

    def _compared_version(self, node):
        package, comparison, version = map(self.value, node.args)
        names = {"ge": "__ge__", "gt": "__gt__", "le": "__le__", "lt": "__lt__", "eq": "__eq__", "ne": "__ne__"}
        if package != "triton" or not isinstance(comparison, Intrinsic) or comparison.name not in names or not isinstance(version, str):
            raise self.not_supported(node, "this is not known without running the file")
        return getattr(host.version(host.TRITON_VERSION), names[comparison.name])(host.version(version))

    def os_getenv(self, node):
        positional, _ = self.arguments(node)
        return host.call(Intrinsic("os", "getenv"), positional, {})

    def opaque_call(self, node, function):
        if function.path == "os.environ.get":
            return self.os_getenv(node)
        return super().opaque_call(node, function)


def _same(a, b):
    return type(a) is type(b) and a == b


def _root_name(node):
    """x of x.y[0].z"""
    while type(node).__name__ in ("Attribute", "Subscript"):
        node = node.value
    return getattr(node, "id", "")


def parts_of(statements):
    """What these consist of, in order; not what functions, classes and comprehensions in them do."""
    waiting = list(reversed(statements))
    while waiting:
        node = waiting.pop()
        yield node
        if type(node).__name__ in INNER:
            continue
        for field in reversed(node._fields):
            inside = getattr(node, field, None)
            waiting += [part for part in reversed(inside if isinstance(inside, list) else [inside]) if hasattr(part, "_fields")]


def assigned_names(statements):
    """Names that statements assign, in order."""
    names = {}
    for node in parts_of(statements):
        kind = type(node).__name__
        if kind == "Name" and type(node.ctx).__name__ == "Store":
            names[node.id] = node
        if kind in ("FunctionDef", "AsyncFunctionDef", "ClassDef"):
            names[node.name] = node
        if kind in ("Import", "ImportFrom"):
            for name in node.names:
                names[(name.asname or name.name).split(".")[0]] = node
    return list(names)
