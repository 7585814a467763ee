# SPDX-License-Identifier: Apache-2.0
"""Loops: `while`, `for` over ranges and over tuples. A range's numbers are constants in a static_range and in mesh kernels,
whose integers are Python's."""

from .calls import Calls
from .constants import assigned_names
from .errors import nearest
from .values import Intrinsic, Var, is_constant, items_of

IGNORED_OF_RANGE = ("num_stages", "loop_unroll_factor", "disallow_acc_multi_buffer", "flatten", "warp_specialize", "disable_licm")


class Loops(Calls):
    loops = 0  # around the statement

    def do_Break(self, node):
        if not self.loops:
            raise self.error(node, "break stands in a loop")
        self.writer.write(None, "break", self.written_place(node))

    def do_Continue(self, node):
        if not self.loops:
            raise self.error(node, "continue stands in a loop")
        self.writer.write(None, "continue", self.written_place(node))

    def _body(self, node):
        if node.orelse:
            raise self.not_supported(node.orelse[0], "else of a loop is not supported")
        self.loops += 1
        self.block(node.body)
        self.loops -= 1

    def do_While(self, node):
        self.writer.open("loop", self.written_place(node))
        kept = self.writer.keep_temporaries()
        condition = self.value(node.test)
        if not is_constant(condition):
            # Not "unless": an `if` decides, so that a tile as the condition is an error of this place.
            self.writer.open(f"if {self.text(condition, node.test)}", self.written_place(node.test))
            self.writer.otherwise()
            self.writer.write(None, "break", self.written_place(node.test))
            self.writer.close()
        elif not condition:
            self.writer.write(None, "break", self.written_place(node.test))
        self.writer.drop_temporaries(kept)
        self.writer.next_statement()
        self._body(node)
        self.writer.close()

    def do_For(self, node):
        bounds = self._range(node.iter)
        if bounds is None:
            self._for_each(node)
            return
        start, stop, step, is_const = bounds
        if type(node.target).__name__ != "Name":
            raise self.error(node.target, "a range gives one number")
        name = self.variable(node.target.id)
        self._must_be_local(node.target)
        own = node.target.id in assigned_names(node.body)
        counter = self.writer.new_temporary() if own else name
        texts = ", ".join(self.text(bound, node.iter) for bound in (start, stop, step))
        self.writer.open(f"for {counter} = {texts}{' const' if is_const else ''}", self.written_place(node))
        kept = self.writer.keep_temporaries()
        if own:
            self.writer.write([name], counter, self.written_place(node.target))
        self._body(node)
        self.writer.drop_temporaries(kept)
        self.writer.close()

    def _range(self, node):
        """Start, stop, step and whether its numbers are constants, if this is a range."""
        if type(node).__name__ != "Call":
            return None
        function = self.value(node.func)
        if not isinstance(function, Intrinsic) or function.name not in ("range", "static_range"):
            return None
        positional, keywords = self.arguments(node)
        names = ("arg1", "arg2", "step")
        values = dict(zip(names, positional))
        if len(positional) > 3:
            raise self.error(node, f"{function} takes 1 to 3 numbers; here are {len(positional)}")
        for name, value in keywords.items():
            if name in names and name not in values:
                values[name] = value
            elif name not in IGNORED_OF_RANGE or function.home == "builtins":
                raise self.not_supported(node, f"{function} has no argument {name}{nearest(name, [*names, *IGNORED_OF_RANGE])}")
        if "arg1" not in values:
            raise self.error(node, f"{function} takes 1 to 3 numbers; here are none")
        step = values.get("step", 1)
        if is_constant(step) and step == 0:
            raise self.error(node, "the step of a range is 0")
        start, stop = (values["arg1"], values["arg2"]) if "arg2" in values else (0, values["arg1"])
        is_const = self.is_mesh or function.name == "static_range"
        return start, stop, step, is_const

    def _for_each(self, node):
        """A loop over a tuple."""
        value = self.value(node.iter)
        items = items_of(value)
        is_kept = getattr(node.iter, "id", "") not in assigned_names([node.target, *node.body])
        held = value if isinstance(value, Var) and is_kept else self.temporary(value, node.iter)
        count = len(items) if items is not None else self.emit("length", [held], node.iter)
        counter = self.writer.new_temporary()
        self.writer.open(f"for {counter} = 0, {self.text(count, node)}, 1 const", self.written_place(node))
        kept = self.writer.keep_temporaries()
        self.assign(node.target, self.emit("item", [held, Var(counter)], node.target), node.target)
        self._body(node)
        self.writer.drop_temporaries(kept)
        self.writer.close()
