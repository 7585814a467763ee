# SPDX-License-Identifier: Apache-2.0
from . import functional
from .._tensor import Tensor


class Parameter(Tensor):
    def __init__(self, tensor, requires_grad=True):
        super().__init__(tensor._array, tensor.dtype)
        self.requires_grad = requires_grad


class Module:
    training = True

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)

    def to(self, *args, **kwargs):
        """Makes its parameters, and those of its parts, floats of another dtype."""
        for value in vars(self).values():
            if isinstance(value, Module):
                value.to(*args, **kwargs)
            elif isinstance(value, Parameter) and value.dtype.is_floating_point:
                value.data = value.detach().to(*args, **kwargs)
        return self

    def cuda(self, device=None):
        del device
        return self

    def train(self, mode=True):
        self.training = mode
        for value in vars(self).values():
            if isinstance(value, Module):
                value.train(mode)
        return self

    def eval(self):
        return self.train(False)


__all__ = ["Module", "Parameter", "functional"]
