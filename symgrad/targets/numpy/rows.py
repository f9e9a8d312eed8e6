"""Long rows along which NumPy broadcasts: by default it copies what it repeats into a buffer."""

from __future__ import annotations

from collections.abc import Iterable

from symgrad.mathematics.sizes import fixed
from symgrad.program.contraction_order import cost
from symgrad.program.program import Op, Program, labels, size_of

BUFFER = 512
"""The entries of NumPy's buffers while a file computes.

A function of two arrays of which one is repeated is run over pieces of the buffer's size, not over
rows, and what is repeated is copied out entry by entry; rows that are longer are left alone.

In µs, with 8,192 entries, which is what NumPy has by itself, and with 512: of 256×1024 in place, by
one number a row 75 and 29, by a row of numbers 58 and 38; of 100×1000 29 and 12, 19 and 12; but of
256×256 17 and 21, 12 and 14 (float64, one thread; NumPy 2.0 and 2.4 are alike).
"""

MANY = 32_768
"""Entries of such functions from which on it pays: to change the buffer and back takes 1.4 µs."""


def has_long_rows(program: Program) -> bool:
    """Whether arrays are repeated along rows that are longer than the buffer, and along few others.

    An axis of a named size that lies last is one of many entries.
    """
    repeating = [op for op in program if _repeats(op)]
    long = _entries(o for o in repeating if _is_long(o))
    return long >= MANY and long > _entries(o for o in repeating if not _is_long(o))


def _repeats(op: Op) -> bool:
    """Whether a function reads an array along axes that it does not have."""
    axes = labels(op.axes)
    if op.kind != "map" or len(axes) < 2:
        return False
    return any(0 < len(labels(r.axes)) < len(axes) for r in op.reads)


def _is_long(op: Op) -> bool:
    length = fixed(size_of(op.axes[-1]))
    return length is None or length > BUFFER


def _entries(ops: Iterable[Op]) -> int:
    return sum(cost(op.axes) for op in ops)


def in_a_small_buffer(lines: Iterable[str], name: str) -> list[str]:
    """Lines that compute, and those around them that change NumPy's buffer and back."""
    return [
        f"{name} = np.setbufsize({BUFFER})  # longer rows are not copied where they are repeated",
        "try:",
        *("    " + line.replace("\n", "\n    ") for line in lines),
        "finally:",
        f"    np.setbufsize({name})",
    ]
