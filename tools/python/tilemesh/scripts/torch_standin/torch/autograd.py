# SPDX-License-Identifier: Apache-2.0
"""autograd.Function: forward when applied, backward of what it gave. _gradients.py has the few operations that have gradients."""

from ._tensor import Tensor


class Context:
    def __init__(self, inputs):
        self.saved_tensors, self.needs_input_grad = (), tuple(getattr(value, "requires_grad", False) for value in inputs)

    def save_for_backward(self, *tensors):
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *_):
        pass

    mark_dirty = set_materialize_grads = mark_non_differentiable


class Function:
    @classmethod
    def apply(cls, *inputs):
        context = Context(inputs)
        result = cls.forward(context, *inputs)
        outputs = result if isinstance(result, tuple) else (result,)
        for number, output in enumerate(outputs):
            if isinstance(output, Tensor) and any(context.needs_input_grad):
                output.requires_grad, output._made_by = True, (cls, context, inputs, number, len(outputs))
        return result


def backward(tensor, gradient):
    if tensor._made_by is None:
        raise NotImplementedError("the stand-in for torch has no gradients of what made this tensor; install python3-torch")
    function, context, inputs, number, count = tensor._made_by
    gradients = [None] * count
    gradients[number] = gradient if gradient is not None else Tensor(tensor._array * 0 + 1, tensor.dtype)
    result = function.backward(context, *gradients)
    for value, found in zip(inputs, result if isinstance(result, tuple) else (result,)):
        if found is None or not getattr(value, "requires_grad", False):
            continue
        if value._made_by is not None:
            backward(value, found)
        else:
            value.grad = found if value.grad is None else value.grad + found
