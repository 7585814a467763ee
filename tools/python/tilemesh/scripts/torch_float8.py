# SPDX-License-Identifier: Apache-2.0
"""8-bit floats for versions of torch that lack them: tensors of bytes that know what they are. As in torch they can be made from
other dtypes and made into them, seen in other shapes and given to kernels; for all else they are made float32 first."""

from .. import float8

# What is done to their bytes.
_SHAPES = frozenset("""__get__ size stride dim numel nelement element_size data_ptr storage storage_offset is_contiguous contiguous clone detach view
reshape permute transpose t unsqueeze squeeze expand as_strided flatten __getitem__ empty_like zeros_like new_empty new_zeros unbind split
chunk __len__ cat stack zero_ get_device type_as requires_grad_ register_hook is_complex""".split())


class dtype:
    itemsize, is_floating_point, is_complex = 1, True, False

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return f"torch.{self.name}"


def install(torch):
    class Float8Tensor(torch.Tensor):
        """Of torch's uint8 as the machine has it; `dtype` says which float."""

        @property
        def dtype(self):
            return self.float8

        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            del types
            name = getattr(function, "__name__", "")
            mine = next(item for item in _flattened([args, kwargs or {}]) if isinstance(item, cls))
            if name in ("__repr__", "__format__", "tolist", "item"):
                return function(decoded(mine), *args[1:], **(kwargs or {}))
            if name not in _SHAPES:
                raise RuntimeError(f'"{name}" not implemented for {mine.float8}; use .to(torch.float32)')
            with torch._C.DisableTorchFunction():
                return wrapped(function(*args, **(kwargs or {})), mine.float8)

        def bytes_of_float8(self):
            with torch._C.DisableTorchFunction():
                return self.detach().as_subclass(torch.Tensor)

    def wrapped(value, kind):
        if isinstance(value, torch.Tensor) and torch.Tensor.dtype.__get__(value) == torch.uint8:
            value = value.as_subclass(Float8Tensor)
            value.float8 = kind
        elif isinstance(value, (tuple, list)) and not isinstance(value, torch.Size):
            value = type(value)(wrapped(item, kind) for item in value)
        return value

    def decoded(tensor):
        return torch.from_numpy(float8.of_bits(tensor.bytes_of_float8().numpy(), tensor.float8.name))

    def encoded(tensor, kind):
        """Keeps the order of strides, as torch does."""
        with torch._C.DisableTorchFunction():
            like = torch.empty_like(tensor.detach(), dtype=torch.uint8)
            like.copy_(torch.from_numpy(float8.bits(tensor.detach().float().numpy(), kind.name)))
            return wrapped(like, kind)

    def with_float8(original):
        def method(self, *args, **kwargs):
            kinds = [value for value in [*args, *kwargs.values()] if isinstance(value, dtype)]
            if isinstance(self, Float8Tensor):
                if kinds == [self.float8]:
                    return self
                if not kinds and not [value for value in [*args, *kwargs.values()] if isinstance(value, torch.dtype)]:
                    return self  # to a device
                self = decoded(self)
            return encoded(self, kinds[0]) if kinds else original(self, *args, **kwargs)

        return method

    def made(original):
        def make(*args, **kwargs):
            kind = kwargs.get("dtype")
            if not isinstance(kind, dtype):
                return original(*args, **kwargs)
            return wrapped(original(*args, **{**kwargs, "dtype": torch.uint8}), kind)

        return make

    torch.Tensor.to = with_float8(torch.Tensor.to)
    for name, kind in (("half", torch.float16), ("float", torch.float32), ("bfloat16", torch.bfloat16)):
        setattr(Float8Tensor, name, lambda self, _kind=kind: decoded(self).to(_kind))
    for name in ("empty", "zeros", "empty_like", "zeros_like"):
        setattr(torch, name, made(getattr(torch, name)))
    for name in float8.NAMES:
        setattr(torch, name, dtype(name))


def _flattened(value):
    if isinstance(value, dict):
        value = value.values()
    for item in value:
        if isinstance(item, (list, tuple, dict)):
            yield from _flattened(item)
        else:
            yield item
