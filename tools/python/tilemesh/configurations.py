# SPDX-License-Identifier: Apache-2.0
"""What triton.autotune above a kernel would try, as far as the file says it without being run: a list of triton.Config that is
written out, made by comprehensions and loops, behind a name, or returned by a function without parameters."""

from . import host
from .constants import Constants, assigned_names, last_name
from .values import DType, Function, Opaque, Record, is_constant, items_of, tuple_of


class Configurations(Constants):
    def of_Call(self, node):
        if last_name(node.func) == "Config":
            return self._configuration(node)
        function = self.value(node.func) if type(node.func).__name__ == "Name" else None
        if isinstance(function, Function) and not function.is_jit:
            if node.args or node.keywords:
                raise self.not_supported(node, f"what {function.node.name} returns is not known without running the file")
            if function.node.name in host.FACTS:
                return host.FACTS[function.node.name]
            return Configurations(function.module).returned(function.node.body)
        return super().of_Call(node)

    def _configuration(self, node):
        given = node.args[0] if node.args else next((word.value for word in node.keywords if word.arg == "kwargs"), None)
        if type(given).__name__ != "Dict" or None in given.keys:
            raise self.not_supported(node, "this configuration is not known without running the file")
        return Record(**{self.value(key): self.value(value) for key, value in zip(given.keys, given.values)})

    def written(self, node, name, value):
        """A constant as panels have it."""
        if isinstance(value, float) and value - value != 0:
            raise self.not_supported(node, f"the constant {name} of a configuration is {value}, which no panel can have")
        return value.name if isinstance(value, DType) else value

    def of_Name(self, node):
        if node.id not in self.bound:
            known = self.module.lookup(node.id)
            more = [s for s in self.module.tree.body if node.id in _appended_to([s])]
            if known and (more or isinstance(known[0], Opaque)):
                self._follow([s for s in self.module.tree.body if s in more or node.id in assigned_names([s])])
        return super().of_Name(node)

    def of_BinOp(self, node):
        if type(node.op).__name__ == "Add":
            left, right = items_of(self.value(node.left)), items_of(self.value(node.right))
            if left is not None and right is not None:
                return tuple_of(left + right)
        return super().of_BinOp(node)

    def returned(self, statements):
        """What a function with this body returns."""
        result = self._follow(statements)
        return result[0] if result else None

    def _follow(self, statements):
        """A list of what is returned, empty if nothing is."""
        for statement in statements:
            kind, result = type(statement).__name__, []
            if kind == "Return":
                return [self.value(statement.value) if statement.value else None]
            if kind == "Assign":
                value = self.value(statement.value)
                for target in statement.targets:
                    self._bind(target, value)
            elif kind == "If":
                condition = self.value(statement.test)
                if not is_constant(condition) and items_of(condition) is None:
                    raise self.not_supported(statement.test, "this is not known without running the file")
                result = self._follow(statement.body if condition else statement.orelse)
            elif kind == "For":
                for value in self.known_items(statement.iter):
                    self._bind(statement.target, value)
                    result = self._follow(statement.body)
                    if result:
                        break
            elif _appends_to(statement):
                more = [self.value(argument) for argument in statement.value.args]
                more = more if statement.value.func.attr == "append" else [item for one in more for item in items_of(one)]
                name = _appends_to(statement)
                self.bound = {**self.bound, name: tuple_of(items_of(self.bound.get(name, ())) + more)}
            elif kind not in ("Expr", "Pass", "FunctionDef", "Import", "ImportFrom"):
                raise self.not_supported(statement, "this is not known without running the file")
            if result:
                return result
        return []


def _appends_to(statement):
    """x of x.append(...) and x.extend(...)."""
    call = getattr(statement, "value", None)
    function = getattr(call, "func", None)
    if type(call).__name__ == "Call" and getattr(function, "attr", "") in ("append", "extend"):
        return getattr(function.value, "id", None)
    return None


def _appended_to(statements):
    statements = [statement for statement in statements if type(statement).__name__ not in ("FunctionDef", "ClassDef")]
    names = [_appends_to(statement) for statement in statements]
    return [name for name in names if name] + [
        name for statement in statements for name in _appended_to([*getattr(statement, "body", ()), *getattr(statement, "orelse", ())])
    ]


def configurations_of(function):
    """Constants by name, for each configuration, every one once; None where nothing above the kernel tunes it."""
    for decorator in function.node.decorator_list:
        if last_name(decorator) != "autotune" or type(decorator).__name__ != "Call":
            continue
        given = [word.value for word in decorator.keywords if word.arg == "configs"] or decorator.args[:1]
        configurations = Configurations(function.module)
        items = items_of(configurations.value(given[0])) if given else None
        if items is None or not all(isinstance(item, Record) and all(map(is_constant, item.fields.values())) for item in items):
            raise configurations.not_supported(decorator, "the configurations are not known without running the file")
        distinct = {}  # 2, 2.0 and True are three constants
        for item in items:
            fields = {name: configurations.written(decorator, name, value) for name, value in item.fields.items()}
            distinct.setdefault(repr(fields), fields)
        return list(distinct.values())
    return None
