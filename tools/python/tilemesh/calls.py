# SPDX-License-Identifier: Apache-2.0
"""Calls: names of tl by the table in operations.py, methods of tiles and descriptors, Python's own functions, casts, and
functions of the file."""

from . import folding, host, operations
from .errors import nearest
from .python_functions import PythonFunctions
from .reductions import Reductions
from .values import DType, Function, Intrinsic, Items, Namespace, Opaque, PointerTo, Spread, Var, described, is_constant, items_of, tuple_of

DTYPE_PARAMETERS = ("dtype", "out_dtype")
# Methods of tiles whose name or parameters differ from those of tl's functions.
METHODS = {"to": "cast"}
WITHOUT_RESULT = ("store", "descriptor_store", "send", "multicast", "wait", "barrier", "static_assert", "device_assert", "assume", "debug_barrier", "phase",
                  "static_print", "device_print")  # fmt: skip
KEEPS_DIMENSIONS = ("sum", "max", "min")  # reductions of mesh kernels do


class Calls(Reductions, PythonFunctions):
    is_mesh = False  # are integers Python's and do reductions keep their dimension?

    def of_Call(self, node):
        callee = node.func
        if type(callee).__name__ == "Attribute":
            if callee.attr in ("is_ptr", "is_block") and getattr(callee.value, "attr", "") in ("dtype", "type") and not node.args:
                return self._is_of_type(node, self.value(callee.value.value), callee.value.attr, callee.attr)
            base = self.value(callee.value)
            if isinstance(base, (str, Items, Var, int, float, tuple, DType)) and not isinstance(base, bool):
                return self.method(node, base, callee.attr)
            function = self.attribute(callee, base, callee.attr)
        elif type(callee).__name__ == "Name" and callee.id == "TensorHandle" and self.is_mesh:
            return self._reshaped_handle(node)
        else:
            function = self.value(callee)
        if isinstance(function, Function):
            name = function.node.name
            if not function.is_jit and not node.args and name in host.FACTS:
                return host.FACTS[name]
            return self.call(node, function)
        if isinstance(function, DType):
            (value,) = self.plain(node, 1)
            return self.emit("cast", [value, function], node)
        if isinstance(function, Intrinsic):
            return self.intrinsic(node, function)
        if isinstance(function, Opaque):
            return self.opaque_call(node, function)
        if isinstance(function, Var):
            positional, keywords = self.arguments(node, spreads=True)
            return self._called(node, function, positional, keywords)
        raise self.error(node, f"{described(function)} cannot be called")

    def _is_of_type(self, node, value, attribute, question):
        """x.dtype.is_ptr(), x.type.is_block(): asked of x, as a dtype does not say whose it is."""
        if not isinstance(value, Var):
            return False
        if question == "is_ptr":
            return self.emit("is_a", [value, "pointer"], node)
        if attribute == "dtype":
            return False
        return self.emit("gt", [self.emit("length", [self.emit("attribute", [value, "shape"], node)], node), 0], node)

    def opaque_call(self, node, function):
        fact = function.path.rpartition(".")[2]
        if fact in host.FACTS and not node.args:
            return host.FACTS[fact]
        raise self.not_supported(node, function.reason)

    # Arguments.

    def bind(self, node, name, parameters, positional, keywords):
        """Values by our names of the parameters."""
        values, known = {}, [parameter.name for parameter in parameters]
        rest = list(positional)
        for parameter in parameters:
            if not rest:
                break
            if parameter.gathers:
                one = rest[0] if len(rest) == 1 else tuple_of(rest)
                values[parameter.target], rest = one if items_of(one) is not None else tuple_of([one]), []
                if isinstance(one, Var) and len(positional) <= 2:
                    values[parameter.target] = one  # a variable that holds the tuple, or one length: the interpreter knows
            else:
                values[parameter.target] = rest.pop(0)
        if rest:
            raise self.error(node, f"{name} takes at most {len(parameters)} arguments; here are {len(positional)}")
        bound = {parameter.name for parameter in parameters[: len(positional)]}
        for keyword, value in keywords.items():
            if keyword not in known:
                raise self.not_supported(node, f"{name} has no argument {keyword}{nearest(keyword, known)}")
            if keyword in bound:
                raise self.error(node, f"{name} is given {keyword} twice")
            values[next(p.target for p in parameters if p.name == keyword)] = value
        values.pop(None, None)
        return values

    def operation(self, node, operation, values, name=None):
        """Writes an operation: what must be there by position, the rest by name."""
        positional, keywords = [], []
        for parameter in operations.parameters(operation):
            if parameter.default is None:
                if parameter.name not in values:
                    raise self.error(node, f"{name or operation} lacks its argument {parameter.name}")
                positional.append(values[parameter.name])
            elif parameter.name in values and self.text(values[parameter.name], node) != parameter.default:
                keywords.append((parameter.name, values[parameter.name]))
        return self.emit(operation, positional, node, keywords, operation not in WITHOUT_RESULT)

    def dtype(self, node, value):
        if isinstance(value, str):
            if value not in operations.DTYPE_WORDS:
                raise self.not_supported(node, f'"{value}" is no dtype{nearest(value, operations.DTYPE_WORDS)}')
            return DType(operations.DTYPE_WORDS[value])
        if isinstance(value, Intrinsic):
            raise self.not_supported(node, f"{value} is not supported as a dtype")
        return value

    # tl, Python and what else has a name.

    def intrinsic(self, node, function):
        own = getattr(self, f"{function.home}_{function.name}", None)
        if own is not None:
            return own(node)
        if function.home in host.FUNCTIONS:
            positional, keywords = self.arguments(node)
            if all(map(is_constant, positional)) and all(map(is_constant, keywords.values())):
                return self.fold(node, folding.call, lambda: host.call(function, positional, keywords))
            return self._of_constants(node, function, positional)
        if function.home == "tl" and function.name in operations.IN_LIBRARY:
            return self.call(node, self.module.function_of_library(function.name))
        if function.home == "tl" and operations.is_in_table(function.name):
            positional, keywords = self.arguments(node)
            return self.tl_call(node, str(function), function.name, positional, keywords)
        raise self.not_supported(node, f"{function} is not supported in a kernel")

    def _of_constants(self, node, function, positional):
        """Python's math of something that is known when the kernel runs."""
        if function.home == "triton" and function.name in operations.IN_LIBRARY:
            return self.call(node, self.module.function_of_library(function.name))
        if function.home not in ("math", "triton") or not operations.is_in_table(function.name) or len(positional) > 3:
            raise self.not_supported(node, f"{function} of what is known only when the kernel runs is not supported")
        result = self.tl_call(node, str(function), function.name, positional, {})
        return self.emit("int", [result], node) if function.name in ("floor", "ceil") else result

    def tl_call(self, node, name, key, positional, keywords):
        operation, parameters = operations.meaning(key)
        if key == "dot":
            positional, keywords = self._transposed(node, positional, keywords)
        if self.is_mesh:
            if key == "load" and len(positional) > 1 and items_of(positional[1]) is not None:
                keywords = {**dict(zip(("shape", "dtype"), positional[1:])), **keywords}
                positional = positional[:1]
            if key == "softmax" and "axis" in keywords:
                keywords = {("dim" if name == "axis" else name): value for name, value in keywords.items()}
        values = self.bind(node, name, parameters, positional, keywords)
        if key == "cast" and isinstance(values.get("dtype"), PointerTo):
            return self.emit("as_pointer", [values["x"], values["dtype"].dtype], node)
        for parameter in DTYPE_PARAMETERS:
            if parameter in values:
                values[parameter] = self.dtype(node, values[parameter])
        if values.pop("propagate_nan", "NONE") != "NONE":
            return self.call_with(node, self.module.function_of_library(f"{key}_nan"), list(values.values()), {})
        if values.pop("fp_downcast_rounding", None) not in (None, "rtne"):
            raise self.not_supported(node, "fp_downcast_rounding: only rtne is supported")
        if key in ("join", "cat", "interleave") and "dim" in values:
            raise self.not_supported(node, f"{name} with dim is not supported")
        if key == "softmax" and "x" in values and not self.is_mesh:  # in f32, along the first dimension unless told
            values["x"] = self.emit("cast", [values["x"], DType("f32")], node)
            values["dim"] = 0 if values.get("dim") is None else values["dim"]
        if self.is_mesh and operation in KEEPS_DIMENSIONS and "keep_dims" not in values:
            values["keep_dims"] = True
        result = self.operation(node, operation, values, name)
        if self.is_mesh and operation in ("program_id", "num_programs"):
            return self.emit("const", [result], node)  # integers of mesh kernels are Python's
        return result

    def _transposed(self, node, positional, keywords):
        """dot(a, b, trans_b=True), as Triton once had it."""
        keywords = dict(keywords)
        for index, name in enumerate(("trans_a", "trans_b")):
            if keywords.pop(name, False):
                positional = [*positional]
                positional[index] = self.emit("trans", [positional[index]], node)
        return positional, keywords

    def tl_constexpr(self, node):
        (value,) = self.plain(node, 1)
        return value if is_constant(value) or isinstance(value, Items) else self.emit("const", [value], node)

    def tl_program_id_64(self, node):
        positional, keywords = self.arguments(node)
        return self.emit("cast", [self.tl_call(node, "program_id", "program_id", positional, keywords), DType("i64")], node)

    def tl_num_programs_64(self, node):
        positional, keywords = self.arguments(node)
        return self.emit("cast", [self.tl_call(node, "num_programs", "num_programs", positional, keywords), DType("i64")], node)

    def tl_dtype(self, node):
        """Of a text; f"uint{bits}" where the bits are known when the kernel runs."""
        parts = node.args[0].values if node.args and type(node.args[0]).__name__ == "JoinedStr" else ()
        if len(parts) == 2 and getattr(parts[0], "value", "") in ("int", "uint"):
            bits = self.value(parts[1].value)
            return self.call_with(node, self.module.function_of_library("get_int_dtype"), [bits, parts[0].value == "int"], {})
        (name,) = self.plain(node, 1)
        return self.dtype(node, name)

    def tl_pointer_type(self, node):
        positional, keywords = self.arguments(node)
        values = {**dict(zip(("element_ty", "address_space", "const"), positional)), **keywords}
        if "element_ty" not in values:
            raise self.error(node, "pointer_type lacks its argument element_ty")
        return PointerTo(self.dtype(node, values["element_ty"]))

    def tl_to_tensor(self, node):
        return self.plain(node, 1)[0]

    def tl_range(self, node):
        raise self.not_supported(node, "a range stands in a for only")

    tl_static_range = tl_range

    def tl_static_print(self, node):
        self._print(node, "static_print")

    def tl_device_print(self, node):
        self._print(node, "device_print")

    builtins_print = tl_device_print

    def _print(self, node, operation):
        values = [self.told(self.value, argument) for argument in node.args]
        self.emit(operation, values, node, has_result=False)

    def tl_static_assert(self, node):
        positional, keywords = self.filled(self.arguments, node)
        condition = positional[0] if positional else keywords.get("cond")
        if not is_constant(condition) or not condition:
            self.tl_call(node, "tl.static_assert", "static_assert", positional, keywords)

    def tl_device_assert(self, node):
        positional, keywords = self.filled(self.arguments, node)
        if "mask" not in keywords and len(positional) < 3:
            self.tl_call(node, "tl.device_assert", "device_assert", positional, keywords)

    # Methods and functions.

    def method(self, node, base, name):
        positional, keywords = self.arguments(node)
        if isinstance(base, str):
            if name not in host.METHODS_OF_STRINGS or not all(map(is_constant, positional)) or keywords:
                raise self.not_supported(node, f"method {name} of a string is not supported")
            found = self.fold(node, folding.call, lambda: getattr(base, name)(*positional))
            return tuple(found) if isinstance(found, list) else found
        if name in operations.QUESTIONS:
            return self.emit("method", [base, name], node)
        if name == "reduce":
            return self.reduced(node, [base, *positional], keywords)
        if name == "associative_scan":
            return self.scanned(node, [base, *positional], keywords)
        if name == "cumsum":
            return self.summed(node, [base, *positional], keywords)
        if name == "gather" and isinstance(base, Var):
            return self._gathered(node, base, positional, keywords)
        if f"descriptor_{name}" in operations.IN_LIBRARY and (name == "scatter" or positional and items_of(positional[0]) is not None):
            return self.call_with(node, self.module.function_of_library(f"descriptor_{name}"), [base, *positional], keywords)
        if name in operations.IN_LIBRARY:
            return self.call_with(node, self.module.function_of_library(name), [base, *positional], keywords)
        if name == "load" and len(positional) == 1 and set(keywords) <= {"network"}:
            return self.tl_call(node, "a descriptor's load", "load_tensor_descriptor", [base, *positional], keywords)
        if name == "store" and len(positional) == 2 and set(keywords) <= {"network"}:
            return self.tl_call(node, "a descriptor's store", "store_tensor_descriptor", [base, *positional], keywords)
        key = METHODS.get(name, name)
        if not operations.is_in_table(key):
            raise self.not_supported(node, f"method {name} is not supported{nearest(name, operations.names())}")
        return self.tl_call(node, name, key, [base, *positional], keywords)

    def _gathered(self, node, base, positional, keywords):
        """Tiles and descriptors have a gather each."""
        result = Var(self.writer.new_temporary())
        asked = self.emit("is_a", [base, "tensor_descriptor"], node)
        self.writer.open(f"if {asked.name}", self.written_place(node))
        for name in ("descriptor_gather", "gather"):
            function = self.module.function_of_library(name)
            parameters = [parameter.arg for parameter in function.node.args.args]
            if len(positional) + len(keywords) == len(parameters) - 1 and set(keywords) <= set(parameters):
                made = self.call_with(node, function, [base, *positional], keywords)
                self.writer.copy(result.name, self.text(made, node), self.written_place(node))
            if name == "descriptor_gather":
                self.writer.otherwise()
        self.writer.close()
        return result

    def _called(self, node, function, positional, keywords):
        spread = [positional.pop().tuple] if positional and isinstance(positional[-1], Spread) else []
        return self.emit("call", [function, *positional], node, [*(("items.of", items) for items in spread), *keywords.items()])

    def call(self, node, function):
        positional, keywords = self.arguments(node, spreads=True)
        if positional and isinstance(positional[-1], Spread):
            self.require(node, function)
            return self._called(node, function, positional, {self.variable(name)[1:]: value for name, value in keywords.items()})
        return self.call_with(node, function, positional, keywords)

    def call_with(self, node, function, positional, keywords):
        names = [p.arg for p in function.node.args.posonlyargs + function.node.args.args]
        everything = names + [p.arg for p in function.node.args.kwonlyargs]
        name = function.node.name
        if len(positional) > len(names):
            raise self.error(node, f"{name} takes {len(names)} arguments by position; here are {len(positional)}")
        for keyword in keywords:
            if keyword not in everything:
                raise self.error(node, f"{name} has no parameter {keyword}{nearest(keyword, everything)}")
            if keyword in names[: len(positional)]:
                raise self.error(node, f"{name} is given {keyword} twice")
        given = {**dict(zip(names, positional)), **keywords}
        defaults = self.require(node, function)
        by_position, by_name, is_gap = [function], [], False
        for parameter in everything:
            if parameter == "tl" or isinstance(given.get(parameter), Namespace):
                if parameter != "tl":
                    raise self.not_supported(node, f"{parameter} is given a module; only a parameter named tl can be")
                continue
            if parameter in given and not is_gap and parameter in names:
                by_position.append(given[parameter])
            elif parameter in given:
                by_name.append((self.variable(parameter)[1:], given[parameter]))
            elif parameter not in defaults:
                raise self.error(node, f"{name} lacks its argument {parameter}")
            else:
                is_gap = True  # what follows goes by name
        return self.emit("call", by_position, node, by_name)

    def require(self, node, function):
        """Have the function lowered; its defaults."""
        raise self.not_supported(node, f"function {function.node.name} is called before a kernel runs")

    @staticmethod
    def variable(name):
        """The variable of a Python name; letters beyond ASCII as their code."""
        return "%" + "".join(c if c.isascii() else f".{ord(c):x}" for c in name)

    def _reshaped_handle(self, node):
        """The origin's TensorHandle(id=h.id, ..., shape=S, ...): h in another shape."""
        fields = {keyword.arg: keyword.value for keyword in node.keywords}
        is_own = {name: type(value).__name__ == "Attribute" and value.attr == name for name, value in fields.items()}
        named = [name for name in ("id", "addr", "data") if is_own.get(name)]
        if node.args or not named or "shape" not in fields:
            raise self.not_supported(node, "TensorHandle is supported as TensorHandle(id=h.id, shape=..., ...), a view of h in another shape")
        return self.emit("reshape", [self.value(fields[named[0]].value), self.value(fields["shape"])], node)
