"""The terms of an equation, summed in other ways than over their indices."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.diagnosis.graph import Backward
from symgrad.audit.diagnosis.parts import Term, everywhere, free_indices
from symgrad.audit.diagnosis.slots import MOST_ENTRIES, Other
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index

Numbers = np.ndarray[Any, Any]

SAME = 1e-9
"""What entries may differ by, beside their size, to be a count times one number."""


def turned_sums(
    backward: Backward, equation: Equation, term: Term, point: int
) -> dict[Other, Numbers]:
    """The whole of a term, summed in other ways than over its indices."""
    bound = [limit[0] for limit in term.limits]
    own = [i for i in equation.indices if isinstance(i, Index)]
    whole = backward.array(sp.Mul(*term.factors), (*own, *bound), point) if bound else np.zeros(0)
    if not whole.size or whole.size > MOST_ENTRIES:
        return {}
    found = dict(_inner_sums(backward, equation, term, point))
    cover = backward.cover(sp.Mul(*term.factors), (*own, *bound), point)
    found |= dict(_turned(whole, len(own), cover))
    whole_term = everywhere(term, own)
    if whole_term is not None:
        found[Other("everywhere", "", 0.2)] = backward.array(whole_term, own, point)
    shape = [1 if not isinstance(i, Index) else -1 for i in equation.indices]
    return {o: _laid(a, shape) for o, a in found.items()}


def _laid(array: Numbers, shape: Sequence[int]) -> Numbers:
    """An array with axes of length 1 where an equation has them."""
    lengths = iter(array.shape)
    return array.reshape([1 if n == 1 else next(lengths) for n in shape])


def _turned(whole: Numbers, free: int, cover: Numbers) -> Iterator[tuple[Other, Numbers]]:
    shape, last = whole.shape[:free], tuple(range(free, whole.ndim))
    yield Other("over all", "", 0.2), np.broadcast_to(whole.sum(), shape)
    yield Other("over all, a mean", "", 0.4), np.broadcast_to(whole.mean(), shape)
    for axis, other in itertools.product(range(free), last):
        if whole.shape[axis] == whole.shape[other]:
            yield from _swapped(whole, axis, other, last)
    for axis in last:
        rest = tuple(a - 1 if a > axis else a for a in last if a != axis)
        for name, place in (("only the last", -1), ("only the first", 0)):
            yield Other(name, f"{axis}", 0.4), whole.take(place, axis=axis).sum(axis=rest)
    count = _one(whole)
    yield from (
        (replace(o, change=count or o.change), a) for o, a in _last_written(whole, cover, last)
    )
    flat = whole.reshape(*shape, -1)
    yield Other("only the last", "of all", 0.4), flat[..., -1]
    yield Other("only the first", "of all", 0.4), flat[..., 0]


def _swapped(
    whole: Numbers, axis: int, other: int, last: tuple[int, ...]
) -> Iterator[tuple[Other, Numbers]]:
    """Over another axis of the same length; and without a sum, its own entries alone."""
    laid = np.swapaxes(whole, axis, other)
    yield Other("over another axis", f"{axis} {other}", 0.2), laid.sum(axis=last)
    if len(last) == 1:
        same = np.diagonal(whole, axis1=axis, axis2=other)
        yield Other("only its own", f"{axis}", 0.2), np.moveaxis(same, -1, axis)


def _last_written(
    whole: Numbers, cover: Numbers, last: Sequence[int]
) -> Iterator[tuple[Other, Numbers]]:
    """What is left where each entry is written again, along one axis or all."""
    for axis in last if len(last) > 1 else ():
        rest = tuple(a - 1 if a > axis else a for a in last if a != axis)
        left = _final(whole, cover, axis).sum(axis=rest)
        yield Other("only the last", f"along {axis}", 0.4), left
    for order in itertools.permutations(last) if len(last) < 4 else ():
        axes, shape = (*range(last[0]), *order), whole.shape[: last[0]]
        laid, written = (a.transpose(axes).reshape(*shape, -1) for a in (whole, cover))
        yield Other("only the last", f"in turn {order}", 0.4), _final(laid, written, laid.ndim - 1)


def _one(whole: Numbers) -> str:
    """What is left of a sum of which one entry is left: of a count that is a number."""
    entries = whole[whole != 0]
    return "one of a count" if entries.size and np.ptp(entries) < SAME * abs(entries[0]) else ""


def _final(array: Numbers, cover: Numbers, axis: int) -> Numbers:
    """The last entry along an axis that is written."""
    laid, written = np.moveaxis(array, axis, -1), np.moveaxis(cover, axis, -1)
    at = np.where(written, np.arange(1, laid.shape[-1] + 1), 0).argmax(axis=-1)
    return np.take_along_axis(laid, at[..., None], -1)[..., 0]


def _inner_sums(
    backward: Backward, equation: Equation, term: Term, point: int
) -> Iterator[tuple[Other, Numbers]]:
    """A term whose sum is one of few factors, over another axis of these."""
    own = [i for i in equation.indices if isinstance(i, Index)]
    reading = [f for f in term.factors if set(free_indices(f)) & term.bound]
    inner, outer = sp.Mul(*reading), sp.Mul(*(f for f in term.factors if f not in reading))
    free, bound = [i for i in free_indices(inner) if i in own], [x[0] for x in term.limits]
    if not free:
        return
    array = backward.array(inner, (*free, *bound), point)
    beside = backward.array(outer, own, point)
    yield from _over_more(array, beside, [own.index(i) for i in free])
    if len(bound) == len(free) == 1:
        axes = [k for k, i in enumerate(own) if i not in free]
        yield from _over_other_axes(array, beside, axes)


def _over_more(
    array: Numbers, beside: Numbers, axes: Sequence[int]
) -> Iterator[tuple[Other, Numbers]]:
    """What is multiplied by sums over some more axes, or by means of these."""
    last = tuple(range(len(axes), array.ndim))
    for count in range(1, len(axes) + 1):
        for more in itertools.combinations(range(len(axes)), count):
            total = array.sum(axis=(*more, *last))
            shape = [1] * beside.ndim
            for k in (k for k in range(len(axes)) if k not in more):
                shape[axes[k]] = array.shape[k]
            other = beside * total.reshape(shape)
            length = int(np.prod([array.shape[k] for k in more]))
            yield Other("over more", f"{more}", 0.3), other
            yield Other("over more", f"{more}, a mean", 0.3), other / length


def _over_other_axes(
    array: Numbers, beside: Numbers, axes: Sequence[int]
) -> Iterator[tuple[Other, Numbers]]:
    """What is multiplied by the sums of rows, by those of columns, or by that of all."""
    rows, columns = array.shape
    for axis in (k for k in axes if beside.shape[k] == columns):
        shape = [-1 if k == axis else 1 for k in range(beside.ndim)]
        other = beside * array.sum(axis=0).reshape(shape)
        yield Other("over another axis", "inside", 0.3), other
        yield Other("over another axis", "inside, a mean", 0.3), other * columns / rows
