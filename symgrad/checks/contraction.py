"""Sums of products as numbers: no δ is multiplied out, and no product that is too large held."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import sympy as sp

from symgrad.checks.numbers import Field
from symgrad.checks.tables import Table, aligned, lengths_of, ordered, put, require_room, taken
from symgrad.mathematics.indices import Index, replaced

LARGE = 10_000
"""From so many terms on, the order in which a product is contracted is worth finding."""


class Evaluating(Protocol):
    """Gives the numbers of expressions and positions, and how long an index runs."""

    field: Field

    def __call__(self, expr: sp.Expr) -> Table: ...

    def integers(self, index: sp.Expr) -> Table: ...

    def length(self, index: Index) -> int: ...

    def size(self, size: sp.Expr) -> int: ...


@dataclass(frozen=True)
class Product:
    """A product that is summed over ``bound``: its factors, and its δ apart from these."""

    factors: tuple[sp.Expr, ...]
    deltas: tuple[sp.KroneckerDelta, ...]
    bound: tuple[Index, ...]

    @classmethod
    def of(cls, term: sp.Expr, bound: Sequence[Index]) -> Product:
        """Sums that are factors are part of the whole sum."""
        factors: list[sp.Expr] = []
        inner = list(bound)
        for factor in sp.Mul.make_args(term):
            for part, more in _parts(factor, inner):
                factors.append(part)
                inner += more
        deltas = [f for f in factors if isinstance(f, sp.KroneckerDelta)]
        rest = [f for f in factors if not isinstance(f, sp.KroneckerDelta)]
        return cls(tuple(rest), tuple(deltas), tuple(inner))


def _parts(factor: sp.Expr, bound: Sequence[Index]) -> Iterator[tuple[sp.Expr, list[Index]]]:
    """The factors of a factor that is a sum of one product, its indices renamed; or itself."""
    if not isinstance(factor, sp.Sum) or isinstance(factor.function, sp.Add):
        yield factor, []
        return
    mine = {i: Index(f"{i.name}'{len(bound)}", i.size) for i, *_ in factor.limits}
    inner = Product.of(replaced(factor.function, mine), (*bound, *mine.values()))
    more = list(inner.bound[len(bound) :])  # no name twice, in whatever sum it is
    for part in (*inner.factors, *inner.deltas):
        yield part, more
        more = []


def contracted(term: sp.Expr, summed: Sequence[Index], at: Evaluating) -> Table:
    """Σ over ``summed`` of a product that may hold δ, also in sums that are factors of it."""
    found = [_contracted(product, summed, at) for product in _multiplied_out(term)]
    axes, numbers = aligned(found)
    return Table(axes, functools.reduce(operator.add, numbers))


def _multiplied_out(term: sp.Expr) -> Iterator[sp.Expr]:
    """The products that a product is the sum of, where a factor adds δ to something else."""
    factors = sp.Mul.make_args(term)
    for number, factor in enumerate(factors):
        limits = factor.limits if isinstance(factor, sp.Sum) else ()
        added = factor.function if limits else factor
        if isinstance(added, sp.Add) and added.has(sp.KroneckerDelta):
            others = (*factors[:number], *factors[number + 1 :])
            for part in added.args:
                yield from _multiplied_out(
                    sp.Mul(*others, sp.Sum(part, *limits) if limits else part)
                )
            return
    yield term


def _contracted(term: sp.Expr, summed: Sequence[Index], at: Evaluating) -> Table:
    product = Product.of(term, summed)
    tables, bound = [at(factor) for factor in product.factors], set(product.bound)
    deltas, puts = list(product.deltas), dict[Index, sp.Expr]()
    while deltas:
        axis, position = _solved(deltas, bound, at)
        delta = deltas.pop(0)
        if axis is None:
            tables.append(at(delta))
            continue
        places, length = at.integers(position), at.length(axis)
        tables = [*_there(tables, axis, places, length, at)]
        moved = [replaced(d, {axis: position}) for d in deltas]
        deltas = [d for d in moved if isinstance(d, sp.KroneckerDelta)]
        tables += [at(d) for d in moved if not isinstance(d, sp.KroneckerDelta)]
        puts = {free: replaced(where, {axis: position}) for free, where in puts.items()}
        puts |= {} if axis in bound else {axis: position}
        bound.discard(axis)
    return _put_all(tables, bound, puts, at)


def _solved(
    deltas: list[sp.KroneckerDelta], bound: set[Index], at: Evaluating
) -> tuple[Index, sp.Expr] | tuple[None, None]:
    """The index that a δ says the value of: best one that is summed over.  Its δ comes first.

    What says it has to lie on the axis where labels are read at the index.
    """
    read = {i for d in deltas for label in d.atoms(sp.Indexed) for i in label.atoms(Index)}
    found = []
    for number, delta in enumerate(deltas):
        for index, position in (delta.args[:2], delta.args[1::-1]):
            if isinstance(index, Index) and not position.has(index):
                inside = index not in read or _lies_on(position, index, at)
                found += [(index not in bound, number, index, position)] if inside else []
    if not found:
        return None, None
    _, number, index, position = min(found, key=lambda one: one[:2])
    deltas.insert(0, deltas.pop(number))
    return index, position


def _lies_on(position: sp.Expr, axis: Index, at: Evaluating) -> bool:
    places = np.asarray(at.integers(position).values)
    return bool((places >= 0).all() and (places < at.size(axis.size)).all())


def _there(
    tables: Sequence[Table], axis: Index, places: Table, length: int, at: Evaluating
) -> Iterator[Table]:
    """The tables at the places along an axis; 0 for at least one where these are outside of it."""
    mine = [t for t in tables if axis in t.axes]
    yield from (t for t in tables if axis not in t.axes)
    yield from (taken(t, axis, places, length) for t in mine)
    if not mine:
        yield taken(Table((), at.field.array(1)[()]), axis, places, length)


def _put_all(
    tables: list[Table], bound: set[Index], puts: Mapping[Index, sp.Expr], at: Evaluating
) -> Table:
    """The product summed up, then put where the δ with free indices say."""
    places = {axis: at.integers(position) for axis, position in puts.items()}
    placed = {a for table in places.values() for a in table.axes}
    spread = [Table((a,), at.field.array(np.ones(at.length(a), dtype=int))) for a in placed]
    total = summed_up([*tables, *spread], bound - placed, at)
    for axis in list(places):
        where = places.pop(axis)
        later = {a for table in places.values() for a in table.axes}
        total = put(total, axis, where, at.length(axis), [a for a in bound if a not in later])
    return total


def summed_up(tables: Sequence[Table], bound: Collection[Index], at: Evaluating) -> Table:
    """Σ over ``bound`` of a product; an index that no factor has multiplies by its size."""
    lengths = lengths_of(tables)
    axes = ordered(lengths)
    absent = [at(index.size) for index in ordered(bound) if index not in lengths]
    kept = tuple(a for a in axes if a not in bound)
    require_room(lengths[a] for a in kept)
    one = len(axes)  # an axis of length 1 in all: NumPy makes a lone object of a 0-d array
    operands: list[Any] = []
    for table in (*tables, *absent):
        values = np.asarray(table.values, at.field.dtype)[..., None]
        operands += [values, [*(axes.index(a) for a in table.axes), one]]
    operands.append([*(axes.index(a) for a in kept), one])
    large = math.prod(lengths.values()) > LARGE
    return Table(kept, np.einsum(*operands, optimize=large and _path(operands))[..., 0])


def _path(operands: Sequence[Any]) -> list[Any]:
    """The order in which a product is contracted; TooLarge where something in between is."""
    path: list[Any] = np.einsum_path(*operands, optimize="greedy")[0]
    *labelled, out = operands
    lengths = {a: n for x, axes in zip(labelled[::2], labelled[1::2], strict=True)
               for a, n in zip(axes, x.shape, strict=True)}  # fmt: skip
    left = [set(axes) for axes in labelled[1::2]]
    for pair in path[1:]:
        both = set().union(*(left.pop(k) for k in sorted(pair, reverse=True)))
        left.append(both & set(out).union(*left))
        require_room(lengths[a] for a in left[-1])
    return path
