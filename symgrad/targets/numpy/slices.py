"""Parts of arrays as subscripts of NumPy."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Window
from symgrad.mathematics.sizes import Size, is_at_least_zero, normal_form
from symgrad.program.program import UNIT, Axes

Number = Callable[[sp.Expr], str]
"""How a number or an expression over sizes is written."""


def cut_text(part: Cut | None, size: Size, number: Number) -> str:
    """The subscript for one axis: ``:``, ``3:6``, ``::-1``, ``-1``."""
    if part is None:
        return ":"
    if part.count is None:
        return counted(part.start, size, number)
    low, high = part.ends
    backwards = bool(part.step.is_negative)
    room = normal_form(size) - 1 - high
    step = "" if part.step == 1 else ":" + number(part.step)
    if backwards:
        start = "" if room == 0 else counted(high, size, number)
        more = is_at_least_zero(sp.expand(low + part.step))
        return f"{start}:{counted(sp.expand(low - 1), size, number) if more else ''}{step}"
    start = "" if low == 0 else counted(low, size, number)
    more = is_at_least_zero(sp.expand(room - part.step))
    return f"{start}:{counted(sp.expand(high + 1), size, number) if more else ''}{step}"


def counted(position: sp.Expr, size: Size, number: Number) -> str:
    """A position; counted from the end where that needs no name of a size."""
    from_end = sp.expand(position - normal_form(size))
    if from_end.is_Integer and from_end < 0 and not position.is_Integer:
        return str(from_end)
    return number(position)


def window_text(part: Window, inside: str, number: Number) -> str:
    """The positions of all windows for one place in them: ``k:k + 4``."""
    start = inside if part.stride == 1 else f"{number(part.stride)} * {inside}"
    if part.start != 0:
        start = f"{number(part.start)} + {start}"
    reach = part.step * (normal_form(part.count) - 1) + 1
    step = "" if part.step == 1 else f":{number(part.step)}"
    return f"{start}:{start} + {number(sp.expand(reach))}{step}"


def joined(places: list[str]) -> str:
    """A subscript without what it need not say."""
    while len(places) > 1 and places[-1] == ":":
        places.pop()
    return ", ".join(places)


def unit_axes(source: Axes, target: Axes) -> str:
    """The subscript that puts unit axes in and takes them out; the labels are in order."""
    texts: list[str] = []
    left = list(source)
    for axis in target:
        if isinstance(axis, Index):
            while left[0] is UNIT:
                texts.append("0")
                left.pop(0)
        if left and left[0] == axis:
            left.pop(0)
            texts.append(":")
        else:
            texts.append("None")
    texts += ["0"] * len(left)
    while texts and texts[-1] == ":":
        texts.pop()
    return f"[{', '.join(texts)}]" if texts else ""
