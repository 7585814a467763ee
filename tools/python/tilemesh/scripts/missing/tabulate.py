# SPDX-License-Identifier: Apache-2.0
"""Where tabulate is not installed: its simple table of rows."""


def tabulate(rows, headers=(), floatfmt="g", **_):
    """Rows as lines between two rules; numbers to the right, texts to the left."""
    rows = [list(row) for row in rows]
    texts = [[format(cell, floatfmt) if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    head = [[str(name) for name in headers]] if headers else []
    widths = [max(map(len, column)) for column in zip(*head, *texts)]
    numbers = [all(isinstance(cell, (int, float)) for cell in column) for column in zip(*rows)]
    rule = "  ".join("-" * width for width in widths)

    def line(cells):
        return "  ".join(cell.rjust(width) if is_number else cell.ljust(width) for cell, width, is_number in zip(cells, widths, numbers)).rstrip()

    return "\n".join([*map(line, head), rule, *map(line, texts), *([] if headers else [rule])])
