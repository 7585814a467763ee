# SPDX-License-Identifier: Apache-2.0
"""torch.device: there is one, whatever it is called."""


class device:
    def __init__(self, name="cpu", index=None):
        self.type, _, number = str(name.type if isinstance(name, device) else name).partition(":")
        self.index = int(number) if number else index

    def __eq__(self, other):  # there is one
        return isinstance(other, (device, str))

    def __hash__(self):
        return 0

    def __str__(self):
        return self.type

    def __repr__(self):
        return f"device(type='{self.type}')"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


HERE = device("cpu")
