# SPDX-License-Identifier: Apache-2.0
"""What kernels' packages keep for their kernels; nothing of it is run."""

import importlib


def compare_version(package, comparison, target):
    return comparison(importlib.import_module(package).__version__, target)


def infer_device():
    return "cuda"
