"""Arrays laid otherwise: parts of them, turned round, moved along, transposed, added up in turn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symgrad.audit.deduced.terms import Numbers, Shape, Term

MOST_PARTS = 64
"""How many parts of one array are looked at."""

MOST_AXES = 4


def laid(term: Term, shape: Shape) -> Iterator[Term]:
    """What has a shape of an array, laid otherwise."""
    array = term.arrays[0]
    if array.ndim == len(shape) <= MOST_AXES:
        yield from _parts(term, shape)
    if array.shape == shape:
        yield from _turned_round(term)
        yield from _moved_along(term)
        yield from _added_up(term)
    if array.size == math.prod(shape) and 1 < max(array.ndim, len(shape)) <= MOST_AXES:
        yield from _transposed(term, shape)


def _made(term: Term, text: str, how: Any, cost: float) -> Term:
    arrays = tuple(np.ascontiguousarray(how(a)) for a in term.arrays)
    return Term(text, arrays, term.cost + cost, term.gradient)


def _parts(term: Term, shape: Shape) -> Iterator[Term]:
    """Slices of an array, and of every second entry."""
    sizes = list(zip(term.shape, shape, strict=True))
    if term.shape == shape or any(whole < part or not part for whole, part in sizes):
        return
    ways = [list(_slices(whole, part)) for whole, part in sizes]
    if math.prod(len(w) for w in ways) > MOST_PARTS:
        return
    for slices in itertools.product(*ways):
        last = max(k for k, s in enumerate(slices) if s != slice(None))
        text = ", ".join(_typed(s) for s in slices[: last + 1])
        yield _made(term, f"{term.text}[{text}]", lambda a, s=slices: a[s], 0.3)


def _slices(whole: int, part: int) -> Iterator[slice]:
    """The slices of so many entries that have a part of them."""
    if whole == part:
        yield slice(None)
        return
    for start in range(whole - part + 1):
        end = start + part - whole
        yield slice(start or None, end or None)
    for step in range(2, whole // part + 1):
        yield from (slice(o or None, None, step) for o in range(step) if step * part == whole)


def _typed(part: slice) -> str:
    ends = [part.start, part.stop, *([part.step] if part.step else [])]
    return ":".join("" if e is None else str(e) for e in ends)


def _turned_round(term: Term) -> Iterator[Term]:
    """An array with the order of its entries turned round."""
    dim = len(term.shape)
    for axes in _some_axes(dim):
        slices = tuple(slice(None, None, -1 if k in axes else None) for k in range(max(axes) + 1))
        text = ", ".join(_typed(s) if s.step else ":" for s in slices)
        text = text.replace(":-1", "::-1").replace(":::", "::")
        yield _made(term, f"{term.text}[{text}]", lambda a, s=slices: a[s], 0.3)


def _some_axes(dim: int) -> Iterator[tuple[int, ...]]:
    for count in range(1, min(dim, 3) + 1):
        yield from itertools.combinations(range(dim), count)


def _moved_along(term: Term) -> Iterator[Term]:
    """An array whose entries are one or two further."""
    for axis, step in itertools.product(range(len(term.shape)), (1, -1, 2, -2)):
        text = f"np.roll({term.text}, {step}, axis={axis})"
        yield _made(term, text, lambda a, s=step, x=axis: np.roll(a, s, axis=x), 0.5)


def _added_up(term: Term) -> Iterator[Term]:
    """The sums up to each entry, and from each entry on."""
    for axis in range(len(term.shape)):
        text = f"np.cumsum({term.text}, axis={axis})"
        yield _made(term, text, lambda a, x=axis: np.cumsum(a, axis=x), 0.4)
        index = ", ".join([":"] * axis + ["::-1"])
        text = f"np.cumsum({term.text}[{index}], axis={axis})[{index}]"
        yield _made(term, text, lambda a, x=axis: _from_each(a, x), 0.45)


def _from_each(array: Numbers, axis: int) -> Numbers:
    return np.flip(np.cumsum(np.flip(array, axis), axis=axis), axis)


def _transposed(term: Term, shape: Shape) -> Iterator[Term]:
    """Axes in another order, once they are apart; or put together after that."""
    for order in itertools.permutations(range(len(shape))):
        before = [0] * len(shape)
        for place, axis in enumerate(order):
            before[axis] = shape[place]
        yield from _in_order(term, tuple(before), order, shape)
    for order in itertools.permutations(range(len(term.shape))):
        if order != tuple(sorted(order)) and term.shape != shape:
            text = f"{term.text}.transpose{order}.reshape{_sizes(shape)}"
            yield _made(term, text, lambda a, o=order: a.transpose(o).reshape(shape), 0.45)


def _in_order(term: Term, before: Shape, order: Sequence[int], shape: Shape) -> Iterator[Term]:
    order = tuple(order)
    if order == tuple(sorted(order)) or (len(shape) == 2 and term.shape == before):
        return
    apart = "" if term.shape == before else f".reshape{_sizes(before)}"
    text = f"{term.text}{apart}.transpose{order}"
    yield _made(term, text, lambda a: a.reshape(before).transpose(order), 0.4)


def _sizes(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"
