# SPDX-License-Identifier: Apache-2.0
"""Functions that reductions and scans combine two values with. Triton calls them with numbers, tile programs with tiles."""

import _ast

from .values import Function, Intrinsic, Namespace


PICKS = {"maximum": "max", "max": "max", "minimum": "min", "min": "min"}


def combined(function):
    """The reduction that a function of two values makes when it does nothing but return their sum, maximum or minimum."""
    names = [parameter.arg for parameter in function.node.args.args]
    body = [statement for statement in function.node.body if type(statement).__name__ != "Expr"]
    if len(names) != 2 or len(body) != 1 or type(body[0]).__name__ != "Return":
        return None
    value = body[0].value
    kind = type(value).__name__
    if kind == "BinOp" and type(value.op).__name__ == "Add":
        operands, reduction = [value.left, value.right], "sum"
    elif kind == "Call" and not value.keywords:
        operands, reduction = value.args, PICKS.get(_name_in_tl(function.module, value.func))
    else:
        return None
    return reduction if sorted(getattr(operand, "id", "") for operand in operands) == sorted(names) else None


def _name_in_tl(module, node):
    """What a function is called there, or among Python's own; None for others, whatever they are called."""
    name = getattr(node, "id", "")
    if type(node).__name__ == "Attribute" and type(node.value).__name__ == "Name":
        base = module.lookup(node.value.id)
        is_module = base is not None and isinstance(base[0], Namespace)
        found = (module.attribute(None, base[0], node.attr),) if is_module else None
    else:
        found = module.lookup(name)
    if found is None:
        return name if type(node).__name__ == "Name" else None
    return found[0].name if isinstance(found[0], Intrinsic) else None


_choosing = {}


def choosing(function):
    """The function as tiles can be given to it: where it returns or assigns one of two values by a condition, of each element its own."""
    if function not in _choosing:
        body = list(function.node.body)
        while body and type(body[0]).__name__ == "Expr":
            body.pop(0)
        numbers = {p.arg for p in function.node.args.args if "constexpr" not in (getattr(p.annotation, "attr", ""), getattr(p.annotation, "id", ""))}
        body = _without_branches(body, numbers | {name for part in body for name in _names_in(part, "Store")})
        first = next((i for i, statement in enumerate(body) if type(statement).__name__ in ("If", "Return")), len(body))
        value = _choice(body[first:])
        node = function.node
        if value is not None or body != node.body:
            node = type(node)(**{field: getattr(node, field) for field in node._fields + node._attributes if hasattr(node, field)})
            node.body = body if value is None else body[:first] + [_like(value, _ast.Return(value=value))]
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


def _without_branches(statements, numbers):
    """Branches that do nothing but assign, by a condition of numbers, as choices: each assigns names of its own."""
    result = []
    for statement in statements:
        if type(statement).__name__ != "If" or not _only_assigns(statement) or not numbers.intersection(_names_in(statement.test)):
            result.append(statement)
            continue
        suffix = f"{statement.lineno}.{statement.col_offset}"
        asked = f"asked.{suffix}"
        result.append(_assignment(statement, asked, statement.test))
        renamed = []
        for which, branch in (("then", statement.body), ("else", statement.orelse)):
            branch = [part for part in _without_branches(branch, numbers) if type(part).__name__ != "Pass"]
            names = {}
            for part in branch:  # what a branch reads is its own from where it has assigned it
                if type(part).__name__ == "AugAssign":
                    value = _ast.BinOp(left=_name(part, part.target.id), op=part.op, right=part.value)
                    part = _assignment(part, part.target.id, _like(part, value))
                value = _with_names(part.value, names)
                targets = getattr(part, "targets", None) or [part.target]
                assigned = [name for target in targets for name in _names_in(target, "Store") if "." not in name]
                names = {**names, **{name: f"{name}.{which}.{suffix}" for name in assigned}}
                copy = _ast.Assign(targets=_with_names(targets, names), value=value)
                result.append(_like(part, copy))
            renamed.append(names)
        for name in {**renamed[0], **renamed[1]}:
            then, orelse = (_name(statement, names.get(name, name)) for names in renamed)
            result.append(_assignment(statement, name, _like(statement, _ast.IfExp(test=_name(statement, asked), body=then, orelse=orelse))))
    return result


def _only_assigns(node):
    """An `if` whose branches, and those in them, only assign."""
    kind = type(node).__name__
    if kind == "If":
        return all(map(_only_assigns, node.body + node.orelse))
    return kind in ("Assign", "Pass") or kind in ("AugAssign", "AnnAssign") and type(node.target).__name__ == "Name" and node.value is not None


def _names_in(node, context=None):
    """Those that are stored to, or all."""
    names, waiting = {}, [node]
    while waiting:
        part = waiting.pop()
        if type(part).__name__ == "Name" and context in (None, type(part.ctx).__name__):
            names[part.id] = part
        for field in part._fields:
            inside = getattr(part, field, None)
            waiting += [item for item in (inside if isinstance(inside, list) else [inside]) if hasattr(item, "_fields")]
    return names


def _name(other, name, context=None):
    return _like(other, _ast.Name(id=name, ctx=context or _ast.Load()))


def _assignment(other, name, value):
    return _like(other, _ast.Assign(targets=[_name(other, name, _ast.Store())], value=value))


def _with_names(node, names):
    """A copy in which names are others."""
    if isinstance(node, list):
        return [_with_names(item, names) for item in node]
    if not hasattr(node, "_fields"):
        return node
    copy = type(node)(**{field: _with_names(getattr(node, field), names) for field in node._fields if hasattr(node, field)})
    for attribute in node._attributes:
        setattr(copy, attribute, getattr(node, attribute, None))
    if type(copy).__name__ == "Name":
        copy.id = names.get(copy.id, copy.id)
    return copy


def _like(other, node):
    for attribute in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
        setattr(node, attribute, getattr(other, attribute))
    return node
