"""How NumPy lays entries out in memory: whether a result is a view of its argument or a copy."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import sympy as sp

from symgrad.mathematics.sizes import Size, with_numbers

Strides = tuple[sp.Expr, ...] | None
"""How many entries apart neighbours along each axis lie; None where it is not known."""


class Layout(NamedTuple):
    """Where entries lie, and whether in the memory of what they were taken from (None: unknown)."""

    is_view: bool | None
    strides: Strides


def is_view_of(array: Any, base: Any) -> bool | None:
    """Whether NumPy's result would share the memory of a base; None where it can't be told."""
    while array is not base:
        if array.lies is None:
            return False
        if (found := layout_of(array).is_view) is not True:
            return found
        array = array.lies[0]
    return True


def layout_of(array: Any) -> Layout:
    """Where the entries of an array lie: worked out where it is asked for, inputs first."""
    stack = [array]
    while stack:
        one = stack[-1]
        needed = one.laid_like or () if one.lies is None else one.lies[:1]
        if missing := [a for a in needed if a.layout is None]:
            stack += missing
            continue
        one.layout = _of_its_own(one) if one.lies is None else one.lies[1](one.lies[0].layout)
        stack.pop()
    found: Layout = array.layout
    return found


def _of_its_own(array: Any) -> Layout:
    """New memory: in the order of the axes, unless those of an input are turned (order="K")."""
    like = array.laid_like
    known = like is not None and all(in_order(a.layout.strides, a.sizes) for a in like)
    return Layout(False, contiguous(array.sizes) if known or array.ndim < 2 else None)


def contiguous(sizes: Sequence[Size], last: sp.Expr = sp.S.One) -> tuple[sp.Expr, ...]:
    """The strides of entries without gaps, the last axis fastest."""
    found = itertools.accumulate(reversed([with_numbers(s) for s in sizes[1:]]), sp.Mul,
                                 initial=last)  # fmt: skip
    return tuple(found)[::-1][: len(sizes)]


def in_order(strides: Strides, sizes: Sequence[Size]) -> bool:
    """Whether the axes lie in their order, those that tell nothing apart."""
    if strides is None:
        return False
    steps = [k for k, n in zip(strides, sizes, strict=True) if n != 1]
    if 0 in steps:  # repeated entries: NumPy sorts them among the others by more than their order
        return not any(steps)
    return all(_is_longer(*pair) for pair in itertools.pairwise(steps))


def _is_longer(one: sp.Expr, other: sp.Expr) -> bool:
    ratio = one / other
    at = ratio.xreplace(dict.fromkeys(ratio.free_symbols, sp.Integer(10**6)))
    return bool(abs(at) >= 1)


def without_gaps(strides: Sequence[sp.Expr], sizes: Sequence[Size]) -> bool | None:
    """Whether several axes lie as one would; None where that depends on sizes that are names."""
    numbers = [with_numbers(n) for n in sizes]
    apart = [a - n * b for (a, b), n in zip(itertools.pairwise(strides), numbers[1:], strict=True)]
    if all(sp.expand(gap) == 0 for gap in apart):
        return True
    named = any(x.free_symbols for x in (*strides, *numbers))  # of which some may be 1
    return None if named else False


def raveled(sizes: Sequence[Size], base: Layout) -> Layout:
    """Of all entries along one axis, without gaps: a copy where they don't lie like that."""
    total = (sp.Mul(*sizes),)
    if base.strides is None:
        return Layout(None, contiguous(total))
    proper = [(k, n) for k, n in zip(base.strides, sizes, strict=True) if n != 1]
    is_view = without_gaps([*(k for k, _ in proper), sp.S.One], [*(n for _, n in proper), sp.S.One])
    return Layout(is_view, contiguous(total))


def at_key(items: Sequence[Any], base: Layout) -> Layout:
    """Of what ints, slices and new axes pick from an array."""
    if base.strides is None:
        return Layout(True, None)
    left = iter(base.strides)
    found: list[sp.Expr] = []
    for item in items:
        if item is None:
            found.append(sp.S.Zero)
        elif isinstance(item, slice):
            found.append(next(left) * (1 if item.step is None else int(item.step)))
        elif item is not Ellipsis:
            next(left)
    return Layout(True, tuple(found))


def along(indices: Sequence[sp.Expr], source: Sequence[sp.Expr], base: Layout) -> Layout:
    """Of the entries at ``indices`` that stand at ``source``, which are sums of them."""
    if base.strides is None:
        return Layout(True, None)
    pairs = [*zip(source, base.strides, strict=True)]
    steps = (sp.Add(*(sp.diff(s, i) * k for s, k in pairs)) if i.is_Symbol else sp.S.Zero
             for i in indices)  # fmt: skip
    return Layout(True, tuple(steps))
