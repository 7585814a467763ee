# SPDX-License-Identifier: Apache-2.0
"""Expressions: what is known is computed here, everything else becomes operations of the tile program.

Calls are in calls.py, which builds on this. Names, attributes of modules and the place of functions come from the file
(files.py)."""

from . import folding
from .errors import LoweringError, NotSupported, nearest
from .lowering import Lowering
from .operations import ATTRIBUTES
from .values import DType, Function, Intrinsic, Items, Namespace, Opaque, Record, Var, is_constant, items_of, tuple_of

BUILTINS = ("min", "max", "abs", "len", "int", "float", "bool", "isinstance", "range", "tuple", "list", "print", "str", "pow", "round",
            "hasattr", "getattr", "enumerate", "zip", "map", "sum", "all", "any", "type", "sorted", "reversed")  # fmt: skip
TYPES = ("int", "float", "bool", "tuple", "list", "str")


class Expressions(Lowering):
    def of_Constant(self, node):
        if isinstance(node.value, (bytes, complex)) or node.value is Ellipsis:
            raise self.not_supported(node, f"{type(node.value).__name__} in a kernel is not supported")
        return node.value

    def of_Name(self, node):
        if node.id in self.bound:
            return self.bound[node.id]
        value = self.local(node.id)
        if value is None:
            value = self.module.lookup(node.id)
            if value is not None:
                return value[0]
        if value is not None:
            return value
        if node.id in BUILTINS:
            return Intrinsic("builtins", node.id)
        known = [*self.local_names(), *self.module.names(), *BUILTINS]
        raise self.error(node, f"name {node.id} is not defined{nearest(node.id, known)}")

    def of_Tuple(self, node):
        return tuple_of([self.value(item) for item in self.without_stars(node)])

    of_List = of_Tuple

    def without_stars(self, node):
        for item in node.elts:
            if type(item).__name__ == "Starred":
                raise self.not_supported(item, "* in a tuple is not supported; name its items")
        return node.elts

    def of_ListComp(self, node):
        return tuple_of(self._unrolled(node, 0))

    of_GeneratorExp = of_ListComp

    def _unrolled(self, node, depth):
        if depth == len(node.generators):
            return [self.value(node.elt)]
        generator, results = node.generators[depth], []
        for value in self.known_items(generator.iter):
            before = self.bound
            try:
                self._bind(generator.target, value)
                conditions = [self.value(condition) for condition in generator.ifs]
                if not all(map(is_constant, conditions)):
                    raise self.not_supported(node, "a comprehension's condition must be known while lowering")
                if all(conditions):
                    results += self._unrolled(node, depth + 1)
            finally:
                self.bound = before
            if len(results) > folding.MOST_ITEMS:
                raise self.error(node, f"a comprehension of more than {folding.MOST_ITEMS} items")
        return results

    def _bind(self, target, value):
        items = items_of(value)
        if type(target).__name__ == "Name":
            self.bound = {**self.bound, target.id: value}
        elif type(target).__name__ == "Tuple" and items is not None and len(items) == len(target.elts):
            for name, item in zip(target.elts, items):
                self._bind(name, item)
        else:
            raise self.not_supported(target, "a comprehension gives each item one name")

    def known_items(self, node):
        """The items of a tuple, or of a range whose ends are known."""
        items = items_of(self.value(node))
        if items is None:
            raise self.not_supported(node, "a comprehension runs over a tuple or a range whose ends are known while lowering; use a loop")
        return items

    def of_JoinedStr(self, node):
        parts = [self._part(part) for part in node.values]
        joined = [""]
        for part in parts:
            if isinstance(part, Var):
                joined += [part, ""]
            else:
                joined[-1] += str(part)
        return joined[0] if len(joined) == 1 else tuple_of([part for part in joined if part != ""])

    def _part(self, node):
        if type(node).__name__ == "Constant":
            return node.value
        if not self.is_message:
            value = self.value(node.value)
            if isinstance(value, (int, float, str)) and node.format_spec is None and node.conversion == -1:
                return value
            raise self.not_supported(node, "an f-string of values that are known only when the kernel runs")
        try:
            value = self.value(node.value) if type(node.value).__name__ in ("Name", "Constant") else None
        except LoweringError:
            value = None
        if self.is_filled and isinstance(value, Var) and node.value.id in self.constants_of_launch():
            return value
        return value if isinstance(value, (int, float, str)) else "{" + self.module.text_of(node.value) + "}"

    def of_UnaryOp(self, node):
        name, value = type(node.op).__name__, self.value(node.operand)
        if is_constant(value):
            return self.fold(node, folding.operate, name, value)
        if name == "Not" and isinstance(value, Items):
            return not value.items
        operation = folding.OPERATORS[name][0]
        return self.emit(operation, [value], node) if operation else value

    def of_BinOp(self, node):
        return self.binary(node, node.op, self.value(node.left), self.value(node.right))

    def binary(self, node, kind, left, right):
        name = type(kind).__name__
        if name == "MatMult":
            raise self.not_supported(node, "@ is not supported; use tl.dot")
        if is_constant(left) and is_constant(right):
            return self.fold(node, folding.operate, name, left, right)
        left_items, right_items = items_of(left), items_of(right)
        if name == "Add" and left_items is not None and right_items is not None:
            return tuple_of(left_items + right_items)
        return self.emit(folding.OPERATORS[name][0], [left, right], node)

    def of_Compare(self, node):
        left = self.value(node.left)

        def compared(index):
            nonlocal left
            right = self.value(node.comparators[index])
            result = self._comparison(node, type(node.ops[index]).__name__, left, right)
            left = right
            return result

        return self.decide(node, True, len(node.ops), compared)

    def _comparison(self, node, name, left, right):
        known = is_constant(left) and is_constant(right)
        if name in ("Is", "IsNot"):
            result = self._is(node, left, right)
            if name == "Is":
                return result
            return not result if isinstance(result, bool) else self.emit("not", [result], node)
        if name in ("In", "NotIn"):
            if known and isinstance(right, (tuple, str)):
                found = self.fold(node, folding.call, lambda: left in right)
                return found if name == "In" else not found
            result = self.emit("contains", [right, left], node)
            return result if name == "In" else self.emit("not", [result], node)
        if known:
            return self.fold(node, folding.operate, name, left, right)
        if isinstance(left, Intrinsic) and isinstance(right, Intrinsic) and name in ("Eq", "NotEq"):
            return (left == right) == (name == "Eq")
        return self.emit(folding.OPERATORS[name][0], [left, right], node)

    def _is(self, node, left, right):
        if is_constant(left) and is_constant(right):
            return left is right or isinstance(left, (int, str, DType, Function)) and type(left) is type(right) and left == right
        for one, other in ((left, right), (right, left)):
            if one is None and not isinstance(other, (Var, Opaque)):
                return False
        return self.emit("is", [left, right], node)

    def of_BoolOp(self, node):
        return self.decide(node, type(node.op).__name__ == "And", len(node.values), lambda index: self.value(node.values[index]))

    def decide(self, node, is_and, count, value_at):
        """`and` (or `or`) of values that are made only if the ones before do not decide."""
        decides, joined = ("decides_and", "and_then") if is_and else ("decides_or", "or_else")
        result, is_own = value_at(0), False
        for index in range(1, count):
            items = items_of(result)
            if items is not None or is_constant(result):
                truth = bool(items) if items is not None else bool(result)
                if truth != is_and:
                    return result
                result = value_at(index)
                continue
            if not is_own and not self.writer.has_just_made(self.text(result, node)):
                result = self.temporary(result, node)
            is_own = True
            decided = self.emit(decides, [result], node)
            self.writer.open(f"if {decided.name}", self.written_place(node))
            self.writer.otherwise()
            following = value_at(index)
            self.writer.write([result.name], f"{joined} {result.name}, {self.text(following, node)}", self.written_place(node))
            self.writer.close()
        return result

    def of_IfExp(self, node):
        condition = self.value(node.test)
        if is_constant(condition):
            return self.value(node.body if condition else node.orelse)
        if self.chooses:
            return self._chosen(node, condition, self.value(node.body), self.value(node.orelse))
        asked = self.text(condition, node.test)
        result = Var(self.writer.new_temporary())
        chooses = may_be_computed(node.test) and is_plain(node.body) and is_plain(node.orelse)
        if chooses:
            self.writer.open(f"if {self.emit('is_known', [condition], node).name}", self.written_place(node))
        self.writer.open(f"if {asked}", self.written_place(node))
        self._branch(node.body, result)
        self.writer.otherwise()
        self._branch(node.orelse, result)
        self.writer.close()
        if chooses:  # by a command, as both are numbers
            self.writer.otherwise()
            self.writer.copy(result.name, self.text(self._chosen(node, condition, *map(self.value, (node.body, node.orelse))), node), None)
            self.writer.close()
        return result

    def _chosen(self, node, condition, x, y):
        xs, ys = items_of(x), items_of(y)
        if xs is not None and ys is not None and len(xs) == len(ys):
            return tuple_of([self._chosen(node, condition, *pair) for pair in zip(xs, ys)])
        return self.emit("where", [condition, x, y], node)

    def _branch(self, node, result):
        state = self.writer.state()
        try:
            self.writer.copy(result.name, self.text(self.value(node), node), self.written_place(node))
        except NotSupported as error:
            self.writer.go_back(state)
            self.stop_here(error)
            self.writer.write([result.name], "none", self.written_place(node))

    def of_Attribute(self, node):
        return self.attribute(node, self.value(node.value), node.attr)

    def attribute(self, node, base, name):
        if isinstance(base, Namespace):
            return self.module.attribute(self.place(node), base, name)
        if isinstance(base, Opaque):
            return Opaque(base.reason, f"{base.path}.{name}")
        if isinstance(base, Intrinsic):
            if base.name == "PropagateNan":
                return name
            raise self.not_supported(node, f"{base}.{name} is not supported")
        if isinstance(base, Record):
            if name not in base.fields:
                raise self.not_supported(node, f"attribute {name} is not supported{nearest(name, base.fields)}")
            return base.fields[name]
        if name == "value" and is_constant(base):
            return base
        if isinstance(base, DType) and name in ("element_ty", "scalar"):
            return base
        if isinstance(base, Var) and name == "scalar":
            return base
        if (isinstance(base, Var) or isinstance(base, DType)) and name in ATTRIBUTES:
            return self.emit("attribute", [base, name], node)
        raise self.not_supported(node, f"attribute {name} is not supported{nearest(name, ATTRIBUTES)}")

    def of_Subscript(self, node):
        base = self.value(node.value)
        if isinstance(base, Opaque):
            return Opaque(base.reason, base.path + "[]")
        axes = self._new_axes(node.slice)
        if axes is not None:
            if not axes:
                return base
            return self.emit("expand_dims", [base, axes[0] if len(axes) == 1 else tuple(axes)], node)
        items = items_of(base)
        if type(node.slice).__name__ == "Slice":
            bounds = [part and self.value(part) for part in (node.slice.lower, node.slice.upper, node.slice.step)]
            if isinstance(base, Var):
                return self.call_with(node, self.module.function_of_library("part_of"), [base, *bounds], {})
            if items is None and not isinstance(base, str):
                raise self.not_supported(node, "slices are supported of tuples and texts")
            if not all(map(is_constant, bounds)):
                raise self.not_supported(node, "the bounds of a slice must be known while lowering")
            found = self.fold(node, folding.item, base if isinstance(base, str) else items, slice(*bounds))
            return found if isinstance(found, str) else tuple_of(found)
        index = self.value(node.slice)
        if isinstance(index, int) and (items is not None or isinstance(base, str)):
            return self.fold(node, folding.item, base if items is None else items, index)
        if items_of(index) is not None:
            raise self.not_supported(node, "tiles are indexed by : and None only; use pointers and tl.load for elements")
        return self.emit("item", [base, index], node)

    def _new_axes(self, index):
        """Where [:, None] puts its new axes; None if it is another kind of index."""
        parts = index.elts if type(index).__name__ == "Tuple" else [index]
        axes = []
        for axis, part in enumerate(parts):
            if type(part).__name__ == "Constant" and part.value is None:
                axes.append(axis)
            elif type(part).__name__ == "Constant" and part.value is Ellipsis and axis == 0 and len(parts) == 2:
                continue
            elif type(part).__name__ != "Slice" or part.lower or part.upper or part.step:
                return None
        return [-1] if axes == [1] and type(parts[0]).__name__ == "Constant" else axes


def may_be_computed(test):
    """Can commands compute whether this holds? Comparisons of numbers can be such."""
    kind = type(test).__name__
    if kind == "BoolOp":
        return all(map(may_be_computed, test.values))
    if kind == "UnaryOp":
        return may_be_computed(test.operand)
    if kind != "Compare" or any(type(op).__name__ in ("Is", "IsNot", "In", "NotIn") for op in test.ops):
        return False
    return not any(isinstance(getattr(part, "value", 0), (str, bool, type(None))) for part in (test.left, *test.comparators))


def is_plain(node):
    """Arithmetic that may be done whether or not it is asked for."""
    kind = type(node).__name__
    if kind == "Constant":
        return isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    if kind == "UnaryOp":
        return is_plain(node.operand)
    if kind == "BinOp":
        return is_plain(node.left) and is_plain(node.right)
    if kind == "Call":
        return getattr(node.func, "id", "") == "float" and len(node.args) == 1 and type(node.args[0]).__name__ == "Constant"
    return kind == "Name"
