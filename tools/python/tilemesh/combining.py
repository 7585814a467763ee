# SPDX-License-Identifier: Apache-2.0
"""Functions that reductions and scans combine two values with. Triton calls them with numbers, tile programs with tiles."""

import _ast

from .values import Function


def combined(function):
    """The reduction that a function of two values makes when it does nothing but return their sum, maximum or minimum."""
    names = [parameter.arg for parameter in function.args.args]
    body = [statement for statement in function.body if type(statement).__name__ != "Expr"]
    if len(names) != 2 or len(body) != 1 or type(body[0]).__name__ != "Return":
        return None
    value = body[0].value
    kind = type(value).__name__
    if kind == "BinOp" and type(value.op).__name__ == "Add":
        operands, reduction = [value.left, value.right], "sum"
    elif kind == "Call" and not value.keywords:
        callee = getattr(value.func, "attr", None) or getattr(value.func, "id", None)
        operands, reduction = value.args, {"maximum": "max", "max": "max", "minimum": "min", "min": "min"}.get(callee)
    else:
        return None
    return reduction if sorted(getattr(operand, "id", "") for operand in operands) == sorted(names) else None


_choosing = {}


def choosing(function):
    """The function as tiles can be given to it: where it returns one of two values by a condition, of each element its own."""
    if function not in _choosing:
        body = list(function.node.body)
        while body and type(body[0]).__name__ == "Expr":
            body.pop(0)
        first = next((i for i, statement in enumerate(body) if type(statement).__name__ in ("If", "Return")), len(body))
        value = _choice(body[first:])
        node = function.node
        if value is not None:
            node = type(node)(**{field: getattr(node, field) for field in node._fields + node._attributes if hasattr(node, field)})
            node.body = body[:first] + [_like(value, _ast.Return(value=value))]
        _choosing[function] = Function(function.module, node, function.is_jit, chooses=True)
    return _choosing[function]


def _choice(statements):
    """What these return as one expression, or None."""
    if not statements:
        return None
    first = statements[0]
    if type(first).__name__ == "Return":
        return first.value
    if type(first).__name__ != "If":
        return None
    body, orelse = _choice(first.body), _choice(first.orelse + statements[1:])
    if body is None or orelse is None:
        return None
    return _like(first, _ast.IfExp(test=first.test, body=body, orelse=orelse))


def _like(other, node):
    for attribute in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
        setattr(node, attribute, getattr(other, attribute))
    return node
