# SPDX-License-Identifier: Apache-2.0
"""Gradients go back through the steps by which a tensor was made; autograd.Function is a step that a script writes."""

import heapq

import numpy

from ._dtypes import rounded
from ._operation import Step, is_noting, noting, tensors_in
from ._tensor import Tensor


class Changed(Tensor):
    """A tensor that has been changed since a step was taken: its shape and dtype are what the step still may ask for."""

    def __init__(self, tensor):
        self._shape, self.dtype = tensor.shape, tensor.dtype
        self.requires_grad, self._made_by = tensor.requires_grad, None

    shape = property(lambda self: self._shape)
    ndim = property(lambda self: len(self._shape))

    def numel(self):
        return self._shape.numel()

    @property
    def _array(self):
        raise RuntimeError("a variable needed for gradient computation has been modified by an inplace operation")


class Context:
    def __init__(self, inputs):
        self.saved_tensors, self.needs_input_grad = (), tuple(getattr(value, "requires_grad", False) for value in inputs)
        self._has_none, self._is_filled = [], True

    def save_for_backward(self, *tensors):
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *tensors):
        self._has_none += tensors

    def mark_dirty(self, *tensors):
        """Forward may change what it is given anyway."""

    def set_materialize_grads(self, value):
        self._is_filled = value


class Function:
    @classmethod
    def apply(cls, *inputs):
        context = Context(inputs)
        with noting(False):
            result = cls.forward(context, *inputs)
        if not is_noting() or not any(context.needs_input_grad):
            return result
        outputs = result if isinstance(result, tuple) else (result,)

        def gradients(found):
            if context._is_filled:
                found = [zeros if one is None else one for one, zeros in zip(found, map(_zeros, outputs))]
            given = cls.backward(context, *found)
            return zip(inputs, given if isinstance(given, tuple) else (given,))

        without = {id(output) for output in context._has_none}
        Step(tensors_in(inputs), gradients, [None if id(output) in without else output for output in outputs])
        return result


def _zeros(output):
    return Tensor(numpy.zeros_like(output._array), output.dtype) if isinstance(output, Tensor) else None


def backward(tensor, gradient):
    if not tensor.requires_grad:
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
    if gradient is None:
        if tensor.numel() != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        gradient = Tensor(numpy.ones_like(tensor._array), tensor.dtype)
    waiting, order = {}, []  # of each step the gradients of its results; the latest step first

    def give(value, made_by, found):
        if made_by is None:
            value.grad = found if value.grad is None else value.grad + found
            return
        step, number = made_by
        if step not in waiting:
            waiting[step] = [None] * step.count
            heapq.heappush(order, (-step.number, step))
        before = waiting[step][number]
        waiting[step][number] = found if before is None else before + found

    with noting(False):
        give(tensor, tensor._made_by, gradient)
        while order:
            _, step = heapq.heappop(order)
            for value, found in step.gradients(waiting.pop(step)):
                if found is not None and isinstance(value, Tensor) and step.needs(value):
                    give(value, step.source(value), _summed(found, value))


def _summed(gradient, to):
    """Over the dimensions along which `to` was broadcast, in its dtype."""
    if gradient.shape == to.shape and gradient.dtype is to.dtype:
        return gradient
    values = gradient._array
    values = values.sum(tuple(range(values.ndim - to.ndim)))
    wide = tuple(axis for axis, size in enumerate(to.shape) if size == 1 and values.shape[axis] != 1)
    return Tensor(numpy.asarray(rounded(values.sum(wide, keepdims=True), to.dtype)), to.dtype)
