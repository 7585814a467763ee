# SPDX-License-Identifier: Apache-2.0
"""What all operations of tensors have in common: they refuse what they do not know, fill `out`, and are noted as steps, through
which gradients come back (autograd.py). An operation that nobody has given a gradient refuses to let one through."""

import functools
import inspect
import itertools

from ._promotion import category

BY_PARTS = "by parts"  # the gradient of what is made of other operations
_UNKNOWN = "unknown"
_ALIASES = {"input": "x", "other": "y", "exponent": "y", "axis": "dim", "keepdims": "keepdim", "mat2": "b"}
_numbers = itertools.count()
_is_noting = [True]


class noting:
    """A context, or a decorator, in which operations are noted or are not."""

    def __init__(self, is_noting):
        self._is_noting, self._before = is_noting, []

    def __enter__(self):
        self._before.append(_is_noting[0])
        _is_noting[0] = self._is_noting
        return self

    def __exit__(self, *_):
        _is_noting[0] = self._before.pop()
        return False

    def __call__(self, function):
        @functools.wraps(function)
        def apply(*args, **kwargs):
            with self:
                return function(*args, **kwargs)

        return apply


def is_noting():
    return _is_noting[0]


class Step:
    """gradients: of those of its results, None where nothing came back, to pairs of a tensor it was given and its gradient."""

    def __init__(self, given, gradients, results):
        self.number, self.gradients, self.count = next(_numbers), gradients, len(results)
        self._sources = {id(tensor): tensor._made_by for tensor in given if tensor.requires_grad}
        for number, result in enumerate(results):
            if is_tensor(result) and result.dtype.is_floating_point:
                result.requires_grad, result._made_by = True, (self, number)

    def needs(self, tensor):
        return id(tensor) in self._sources

    def source(self, tensor):
        """What had made it when the step was taken."""
        return self._sources[id(tensor)]


def is_tensor(value):
    return hasattr(value, "_made_by")


def tensors_in(values):
    for value in values:
        if is_tensor(value):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)


def operation(function=None, *, gradient=_UNKNOWN):
    """gradient(of the result, the result, arguments): those of the arguments, in their order; a list for a list; None: none."""
    if function is None:
        return functools.partial(operation, gradient=gradient)
    signature, name = inspect.signature(function), function.__name__

    @functools.wraps(function)
    def apply(*args, out=None, **kwargs):
        known = signature.parameters
        named = {key if key in known else _ALIASES.get(key, key): value for key, value in kwargs.items()}
        try:
            bound = signature.bind(*args, **named)
        except TypeError as error:
            raise TypeError(f"{name} of the stand-in for torch: {error}; install python3-torch") from None
        result = function(*bound.args, **bound.kwargs)
        if gradient is not BY_PARTS and gradient is not None and _is_noting[0]:
            _note(name, gradient, result, bound)
        return result if out is None else filled(out, result)

    return apply


def _note(name, gradient, result, bound):
    given = list(tensors_in(bound.args))
    results = result if isinstance(result, tuple) else (result,)
    if not any(tensor.requires_grad for tensor in given) or any(result is tensor for tensor in given):
        return
    versions = {id(tensor): tensor._version for tensor in [*given, *tensors_in(results)]}

    def gradients(found):
        if gradient is _UNKNOWN:
            raise NotImplementedError(f"the stand-in for torch has no gradient of {name}; install python3-torch")
        was, *args = _as_they_were([result, *bound.args], versions)
        return _pairs(bound.args, gradient(found[0], was, *args, **bound.kwargs))

    Step(given, gradients, results)


def _as_they_were(values, versions):
    """With what has been changed since as a tensor whose numbers are not known."""
    from .autograd import Changed

    for value in values:
        if is_tensor(value):
            yield value if versions.get(id(value)) == value._version else Changed(value)
        else:
            yield [*_as_they_were(value, versions)] if isinstance(value, list) else value


def _pairs(args, gradients):
    for arg, found in zip(args, gradients):
        if is_tensor(arg):
            yield arg, found
        elif isinstance(arg, (list, tuple)) and found is not None:
            yield from zip(arg, found)


def filled(target, result):
    """`target`, a tensor or a tuple of them, with the numbers of a result in it."""
    if isinstance(target, (tuple, list)):
        return type(result)(filled(one, part) for one, part in zip(target, result, strict=True))
    if target.shape != result.shape:
        raise RuntimeError(f"a result of shape {list(result.shape)} does not fit into a tensor of {list(target.shape)}")
    if category(result.dtype) > category(target.dtype):
        raise RuntimeError(f"result type {result.dtype} can't be cast to the desired output type {target.dtype}")
    return target.copy_(result)


def in_place(function):
    """The method that keeps the result of a function in the tensor itself."""

    def apply(x, *args, **kwargs):
        before = x
        args = list(args)
        if is_noting() and any(tensor.requires_grad for tensor in tensors_in([x, *args])):
            before = x.detach().clone()  # what its gradient may ask for
            before.requires_grad, before._made_by = x.requires_grad, x._made_by
            args = [before if arg is x else arg for arg in args]
        return filled(x, function(before, *args, **kwargs))

    return apply
