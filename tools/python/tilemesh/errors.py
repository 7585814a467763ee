# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a kernel, as one line that names its place: FILE:LINE:COLUMN: message."""


class Place:
    """A line and a column of a file, both from 1."""

    __slots__ = ("file", "line", "column")

    def __init__(self, file, line=1, column=1):
        self.file, self.line, self.column = file, line, column

    def __str__(self):
        return f"{self.file}:{self.line}:{self.column}"

    def text(self):
        """As a tile program has it; the file stands with the function."""
        return f"@ {self.line}:{self.column}"


class LoweringError(Exception):
    """The kernel is not what the language allows. Always an error."""

    def __init__(self, place, message):
        super().__init__(message)
        self.place, self.message = place, message

    def __str__(self):
        return one_line(f"{self.place}: {self.message}")


class NotSupported(LoweringError):
    """Something that may be right but cannot be lowered: an error where it is always reached; under an `if`, the program
    stops there with this message if it comes by."""


def one_line(text):
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\r", "\\r").replace("\n", "\\n")


def nearest(word, words):
    """", did you mean ...?" with the word of `words` that is most like it, or nothing."""
    from difflib import get_close_matches  # takes long to import, and only errors need it

    found = get_close_matches(word[:100], sorted(words), 1, 0.7)
    return f"; did you mean {found[0]}?" if found else ""
