# SPDX-License-Identifier: Apache-2.0
"""What all lowering needs: errors with their place, the text of values, statements with a result."""

from . import folding
from .errors import LoweringError, NotSupported, Place
from .values import Opaque, Var, described, operand


class Lowering:
    def __init__(self, module, writer):
        self.module, self.writer = module, writer
        self.bound = {}  # names of comprehensions, known while they are unrolled
        self.is_message = False  # where text for people may leave values out
        self.is_filled = False  # and the program fills constants of the launch in

    def filled(self, read, node):
        """What is read of the message of an assertion: a text, or a tuple of texts and what is known when the kernel runs."""
        before, self.is_filled = self.is_filled, True
        try:
            return self.told(read, node)
        finally:
            self.is_filled = before

    def told(self, read, node):
        """What is read as text for people."""
        before, self.is_message = self.is_message, True
        try:
            return read(node)
        finally:
            self.is_message = before

    # What the function or the file provides.

    def local(self, name):
        """The value of a local variable, or None if the function has none of this name."""
        return None

    def local_names(self):
        return ()

    def name_of(self, function):
        raise NotImplementedError

    # Errors and operands.

    def place(self, node):
        return Place(self.module.file, getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)

    def error(self, node, message):
        return LoweringError(self.place(node), message)

    def not_supported(self, node, message):
        return NotSupported(self.place(node), message)

    def written_place(self, node):
        """Where a statement comes from; those of our own functions have no place: messages name the line that calls them."""
        return None if self.module.is_own else self.place(node)

    def text(self, value, node):
        text = operand(value, self.name_of)
        if text is None:
            if isinstance(value, Opaque):
                raise self.not_supported(node, value.reason)
            raise self.not_supported(node, f"{described(value)} cannot be a value in a kernel")
        return text

    def fold(self, node, function, *arguments):
        try:
            return function(*arguments)
        except folding.FoldingError as error:
            raise self.not_supported(node, str(error)) from None

    def emit(self, operation, values, node, keywords=(), has_result=True):
        texts = [self.text(value, node) for value in values]
        texts += [f"{name}={self.text(value, node)}" for name, value in keywords]
        result = Var(self.writer.new_temporary()) if has_result else None
        self.writer.write([result.name] if result else None, f"{operation} {', '.join(texts)}".rstrip(), self.written_place(node))
        return result

    def temporary(self, value, node):
        """A fresh variable that can be assigned again."""
        text = self.text(value, node)
        fresh = Var(self.writer.new_temporary())
        self.writer.write([fresh.name], text, self.written_place(node))
        return fresh

    # Expressions by their kind.

    def value(self, node):
        method = getattr(self, "of_" + type(node).__name__, None)
        if method is None:
            raise self.not_supported(node, f"{_KINDS.get(type(node).__name__, type(node).__name__)} in a kernel is not supported")
        return method(node)

    def stop_here(self, error):
        """The program stops with this message if it comes here."""
        self.emit("static_assert", [False], _At(error.place), [("message", error.message)], has_result=False)


class _At:
    """A place where a node is asked for."""

    def __init__(self, place):
        self.lineno, self.col_offset = place.line, place.column - 1


_KINDS = {
    "Lambda": "lambda", "NamedExpr": ":=", "Dict": "a dictionary", "Set": "a set", "DictComp": "a dictionary", "SetComp": "a set",
    "Await": "await", "Yield": "yield", "YieldFrom": "yield", "Starred": "*", "Slice": "a slice",
}  # fmt: skip
