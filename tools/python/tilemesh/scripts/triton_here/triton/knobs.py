# SPDX-License-Identifier: Apache-2.0
"""triton.knobs: what may be set and means nothing here."""

from types import SimpleNamespace


class Knobs(SimpleNamespace):
    """Any name that was not set is None."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return None


autotuning, build, cache, compilation, redis, runtime, language, nvidia, amd, proton = (Knobs() for _ in range(10))
