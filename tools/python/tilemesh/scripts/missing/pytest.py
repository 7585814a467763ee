# SPDX-License-Identifier: Apache-2.0
"""Where pytest is not installed: what scripts say with it about their tests means nothing when they are run as scripts."""


class _Mark:
    def __getattr__(self, name):
        return lambda *_, **__: lambda function: function


mark = _Mark()


def fixture(function=None, **_):
    return function if function is not None else (lambda inner: inner)


def param(*values, **_):
    return values


def skip(reason="", **_):
    raise SystemExit(f"skipped: {reason}")


def main(*_):
    raise SystemExit("pytest is not installed; apt-get install python3-pytest")
