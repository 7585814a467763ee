# SPDX-License-Identifier: Apache-2.0
"""Reductions and scans by functions of the program's own, functions of every element, and running sums: calls.py has the others."""

from .combining import choosing, combined
from .values import Function, Var


class Reductions:
    def tl_reduce(self, node):
        positional, keywords = self.arguments(node)
        return self.reduced(node, positional, keywords)

    def reduced(self, node, positional, keywords):
        """With a function that adds or picks, a reduction of the vector engine; with any other, its calls pair by pair."""
        names = ("input", "axis", "combine_fn", "keep_dims")
        given = {**dict(zip(names, positional)), **keywords}
        combine = given.get("combine_fn")
        if len(positional) > len(names) or not set(given) <= set(names) or not isinstance(combine, (Function, Var)):
            raise self.not_supported(node, "reduce is supported as reduce(input, axis, combine_fn, keep_dims=False)")
        own = combined(combine) if isinstance(combine, Function) else None
        if own and isinstance(given["input"], Var):
            keep = {"keep_dims": given.get("keep_dims", False)}
            result = self.operation(node, own, {"x": given["input"], "axis": given.get("axis"), **keep}, "reduce")
            # tl.sum and its kin widen small elements, reduce does not.
            return self.emit("cast", [result, self.emit("attribute", [given["input"], "dtype"], node)], node)
        return self._by_pairs(node, "reduce", given)

    def _by_pairs(self, node, name, given):
        """A reduction or scan by a function that is called with two tiles."""
        if isinstance(given["combine_fn"], Function):
            given["combine_fn"] = choosing(given["combine_fn"])
            self.require(node, given["combine_fn"])
        return self.call_with(node, self.module.function_of_library(name), [], given)

    def tl_associative_scan(self, node):
        positional, keywords = self.arguments(node)
        return self.scanned(node, positional, keywords)

    def scanned(self, node, positional, keywords):
        names = ("input", "axis", "combine_fn", "reverse")
        given = {**dict(zip(names, positional)), **keywords}
        if len(positional) > len(names) or not set(given) <= set(names) or not isinstance(given.get("combine_fn"), (Function, Var)):
            raise self.not_supported(node, "associative_scan is supported as associative_scan(input, axis, combine_fn, reverse=False)")
        return self._by_pairs(node, "associative_scan", given)

    def tl_map_elementwise(self, node):
        """A function of numbers, called with tiles: what it returns by a condition is of each element its own."""
        positional, keywords = self.arguments(node)
        if keywords.pop("pack", 1) != 1:
            raise self.not_supported(node, "map_elementwise with pack: functions take one element of each tile")
        if len(positional) < 2 or keywords or not isinstance(positional[0], (Function, Var)):
            raise self.not_supported(node, "map_elementwise is supported as map_elementwise(function, tile, ...)")
        function, *tiles = positional
        if isinstance(function, Var):
            return self.emit("call", [function, *tiles], node)
        return self.call_with(node, choosing(function), tiles, {})

    def tl_cumsum(self, node):
        positional, keywords = self.arguments(node)
        return self.summed(node, positional, keywords)

    def summed(self, node, positional, keywords):
        """A running sum from the end goes in steps, as scans by other functions do."""
        given = {**dict(zip(("input", "axis", "reverse", "dtype"), positional)), **keywords}
        dtype = given.pop("dtype", None)
        if dtype is not None and "input" in given:
            given["input"] = self.emit("cast", [given["input"], self.dtype(node, dtype)], node)
        if given.get("reverse", False) is not False:
            return self.call_with(node, self.module.function_of_library("cumsum_either"), [], given)
        return self.tl_call(node, "tl.cumsum", "cumsum", [], given)
