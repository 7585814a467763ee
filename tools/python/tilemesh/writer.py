# SPDX-License-Identifier: Apache-2.0
"""Writes the statements of one function: blocks, places, temporaries.

Temporaries are %1, %2, ...; a statement of the source begins again at the first that no surrounding loop needs, so that what
they hold lives no longer than that."""

from .errors import LoweringError

MOST_BLOCKS = 64


class Writer:
    def __init__(self):
        self.statements = []  # [depth, targets or None, text, place]
        self.depth = 1
        self.temporaries = 0
        self._kept = 0  # temporaries below this are needed by statements around

    def new_temporary(self):
        self.temporaries += 1
        return f"%{self.temporaries}"

    def next_statement(self):
        self.temporaries = self._kept

    def keep_temporaries(self):
        """What has been made so far is needed until `drop_temporaries` is called with the result."""
        before, self._kept = self._kept, self.temporaries
        return before

    def drop_temporaries(self, before):
        self._kept = before

    def state(self):
        return len(self.statements), self.depth, self.temporaries, self._kept

    def go_back(self, state):
        count, self.depth, self.temporaries, self._kept = state
        del self.statements[count:]

    def write(self, targets, text, place):
        self.statements.append([self.depth, targets, text, place])

    def has_just_made(self, text):
        """Is this the newest temporary, and nothing was written since?"""
        last = self.statements[-1] if self.statements else None
        return last is not None and last[0] == self.depth and last[1] == [text] and text == f"%{self.temporaries}"

    def copy(self, target, text, place):
        """target = text; where text is the temporary just made, that statement writes to the target instead."""
        if self.has_just_made(text):
            self.statements[-1][1] = [target]
            self.temporaries -= 1
        else:
            self.write([target], text, place)

    def open(self, text, place):
        if self.depth > MOST_BLOCKS:
            raise LoweringError(place, f"more than {MOST_BLOCKS} blocks in one another")
        self.statements.append([self.depth, None, f"{text}{' ' + place.text() if place else ''} {{", None])
        self.depth += 1

    def otherwise(self):
        self.statements.append([self.depth - 1, None, "} else {", None])

    def close(self):
        self.depth -= 1
        self.statements.append([self.depth, None, "}", None])

    def lines(self):
        for depth, targets, text, place in self.statements:
            assigned = f"{', '.join(targets)} = " if targets else ""
            yield f"{'  ' * depth}{assigned}{text}{' ' + place.text() if place else ''}"
