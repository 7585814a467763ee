# SPDX-License-Identifier: Apache-2.0
"""Arguments of calls, and calls of Python's own functions: min, max, len, int, isinstance, ..."""

from . import folding, operations
from .expressions import TYPES, Expressions
from .values import Intrinsic, Items, Namespace, Spread, Var, described, is_constant, items_of


class PythonFunctions(Expressions):
    def arguments(self, node, spreads=False):
        """By position and by name. `spreads`: the last one by position may be the items of a tuple that is not known yet."""
        positional = []
        for argument in node.args:
            if type(argument).__name__ == "Starred":
                value = self.value(argument.value)
                items = items_of(value)
                if items is None and spreads and isinstance(value, Var) and argument is node.args[-1]:
                    items = [Spread(value)]
                if items is None:
                    raise self.not_supported(argument, "* of a tuple whose length is not known while lowering")
                positional += items
            else:
                positional.append(self.value(argument))
        keywords = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.not_supported(keyword.value, "** in a call is not supported; name the arguments")
            keywords[keyword.arg] = self.value(keyword.value)
        return positional, keywords

    def plain(self, node, least, most=None):
        """Positional arguments, so many of them."""
        positional, keywords = self.arguments(node)
        most = least if most is None else most
        if keywords or not least <= len(positional) <= most:
            count = str(least) if least == most else f"{least} to {most}"
            raise self.error(node, f"this takes {count} argument{'s' if most != 1 else ''} by position")
        return positional

    def builtins_isinstance(self, node):
        if len(node.args) != 2:
            raise self.error(node, "isinstance takes a value and a type")
        value, kinds = self.value(node.args[0]), self._types(node.args[1])
        answers = [self._is_a(node, value, kind) for kind in kinds]
        return self.decide(node, False, len(answers), answers.__getitem__)

    def _types(self, node):
        if type(node).__name__ == "Tuple":
            return [kind for item in node.elts for kind in self._types(item)]
        return [self.value(node)]

    def _is_a(self, node, value, kind):
        if isinstance(kind, Intrinsic) and kind.home == "builtins" and kind.name in TYPES:
            if is_constant(value) or isinstance(value, Items):
                return type(value).__name__ == kind.name or isinstance(value, Items) and kind.name == "tuple"
            if kind.name == "tuple":
                return self.emit("is_a", [value, "tuple"], node)
        if isinstance(kind, Intrinsic) and kind.home == "tl" and kind.name in operations.KINDS:
            return self.emit("is_a", [value, operations.KINDS[kind.name]], node)
        raise self.not_supported(node, f"isinstance with {described(kind)} is not supported")

    def _smallest(self, node, operation, choose):
        positional, keywords = self.arguments(node)
        if len(positional) == 1 and items_of(positional[0]):
            positional = items_of(positional[0])
        if keywords or len(positional) < 2:
            raise self.not_supported(node, f"{choose.__name__} takes two values or more; tl.{choose.__name__} reduces a tile")
        if all(map(is_constant, positional)):
            return self.fold(node, folding.call, choose, positional)
        result = positional[0]
        for value in positional[1:]:
            result = self.emit(operation, [result, value], node)
        return result

    def builtins_min(self, node):
        return self._smallest(node, "minimum", min)

    def builtins_max(self, node):
        return self._smallest(node, "maximum", max)

    def builtins_len(self, node):
        (value,) = self.plain(node, 1)
        items = items_of(value)
        if items is not None or isinstance(value, str):
            return len(value if items is None else items)
        return self.emit("length", [value], node)

    def _converted(self, node, function, operation):
        (value,) = self.plain(node, 1)
        if is_constant(value):
            return self.fold(node, folding.call, function, value)
        return self.emit(operation, [value], node)

    def builtins_int(self, node):
        return self._converted(node, int, "int")

    def builtins_float(self, node):
        return self._converted(node, float, "float")

    def builtins_bool(self, node):
        return self._converted(node, bool, "bool")

    def builtins_abs(self, node):
        return self._converted(node, abs, "abs")

    def builtins_pow(self, node):
        a, b = self.plain(node, 2)
        if is_constant(a) and is_constant(b):
            return self.fold(node, folding.operate, "Pow", a, b)
        return self.emit("pow", [a, b], node)

    def builtins_str(self, node):
        (value,) = self.plain(node, 1)
        if not is_constant(value):
            raise self.not_supported(node, "str of what is known only when the kernel runs is not supported")
        return self.fold(node, folding.call, str, value)

    def builtins_tuple(self, node):
        value = self.plain(node, 0, 1)
        return value[0] if value else ()

    builtins_list = tl_tuple = builtins_tuple

    def builtins_range(self, node):
        bounds = self.plain(node, 1, 3)
        if not all(map(is_constant, bounds)):
            raise self.not_supported(node, "a range stands in a for only, unless its ends are known while lowering")
        numbers = self.fold(node, folding.call, range, *bounds)
        if len(numbers) > folding.MOST_ITEMS:
            raise self.not_supported(node, f"a range of more than {folding.MOST_ITEMS} numbers outside of a for")
        return tuple(numbers)

    def builtins_map(self, node):
        if len(node.args) != 2:
            raise self.not_supported(node, "map takes a function and a tuple here")
        function, items = self.value(node.args[0]), self.known_items(node.args[1])
        convert = {"int": int, "float": float, "str": str}.get(function.name if isinstance(function, Intrinsic) else "")
        if convert is None or not all(map(is_constant, items)):
            raise self.not_supported(node, "map is supported of int, float and str and of known values")
        return tuple(self.fold(node, folding.call, convert, item) for item in items)

    def builtins_hasattr(self, node):
        value, name = self.plain(node, 2)
        if not isinstance(value, Namespace) or not isinstance(name, str):
            raise self.not_supported(node, "hasattr is supported of modules only")
        return value.path.startswith("triton") and operations.has_name(name)
