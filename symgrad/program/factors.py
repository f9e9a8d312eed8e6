"""Factors of a sum of products with functions of their own: solving, running sums, triangles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.indices import Index, indices_of, is_entry
from symgrad.mathematics.matrices import InverseEntry
from symgrad.mathematics.positions import Affine, Cut, affine, in_row_major_order
from symgrad.mathematics.reductions import less_equal
from symgrad.mathematics.sizes import Size
from symgrad.program.sums_of_products import all_labels, free_labels

Factors = Sequence[sp.Expr]


@dataclass(frozen=True)
class Inner:
    """``Σ_inner factor(outer, inner) * Π right``, where only these factors know ``inner``.

    ``summed``: indices that only ``right`` has; ``rest``: the other factors.
    """

    factor: sp.Expr
    inner: Index
    outer: Index
    right: Factors
    summed: frozenset[Index]
    rest: Factors


def _inner(
    factor: sp.Expr, inner: Index, outer: Index, factors: Factors, bound: frozenset[Index]
) -> Inner | None:
    """The factors that are summed with one of them over ``inner``."""
    others = [f for f in factors if f is not factor]
    right = [f for f in others if inner in free_labels(f)]
    if inner not in bound or not right or outer in all_labels(right):
        return None
    grown = _connected(right, others, bound - free_labels(factor))
    right = right if outer in all_labels(grown) else grown
    rest = [f for f in others if f not in right]
    private = bound & all_labels(right) - free_labels(factor) - all_labels(rest)
    return Inner(factor, inner, outer, right, private, rest)


def _connected(start: Factors, factors: Factors, bound: frozenset[Index]) -> list[sp.Expr]:
    """The factors that share bound indices with those of ``start``, directly or not."""
    found = list(start)
    for factor in found:
        linked = free_labels(factor) & bound
        found += [f for f in factors if f not in found and free_labels(f) & linked]
    return [f for f in factors if f in found]


def systems(factors: Factors, bound: frozenset[Index]) -> Iterator[Inner]:
    """Products of an inverse with what it is summed with."""
    for factor in factors:
        if not isinstance(factor, InverseEntry):
            continue
        row, column = factor.at
        if row == column or not (isinstance(row, Index) and isinstance(column, Index)):
            continue
        if {row, column} & free_labels(factor.function):
            continue
        for inner, outer in ((column, row), (row, column)):
            found = _inner(factor, inner, outer, factors, bound)
            if found is not None:
                yield found


def running_sums(factors: Factors, bound: frozenset[Index]) -> Iterator[Inner]:
    """Sums of all up to an index, or of all from it on."""
    for factor in factors:
        if isinstance(factor, less_equal) and all(isinstance(a, Index) for a in factor.args):
            first, second = factor.args
            if first.size == second.size:
                for inner, outer in ((first, second), (second, first)):
                    found = _inner(factor, inner, outer, factors, bound)
                    if found is not None:
                        yield found


@dataclass(frozen=True)
class Triangle:
    """The mask ``low <= high + offset`` on entries that have both indices."""

    mask: sp.Expr
    low: Index
    high: Index
    offset: sp.Expr
    masked: sp.Expr


def triangles(factors: Factors) -> Iterator[Triangle]:
    """Masks along a diagonal, each with a factor that they apply to."""
    for mask in factors:
        if not isinstance(mask, less_equal) or len(free_labels(mask)) != 2:
            continue
        room = affine(mask.args[1] - mask.args[0])
        if room is None or sorted(step for _, step in room.steps) != [-1, 1]:
            continue
        ((high, _), (low, _)) = sorted(room.steps, key=lambda s: -s[1])
        for factor in factors:
            other = factor is not mask and not isinstance(factor, less_equal)
            if other and room.start.is_Integer and {low, high} <= free_labels(factor):
                yield Triangle(mask, low, high, room.start, factor)


def taken_apart(
    factor: sp.Expr, shape: Sequence[Size], taken: frozenset[Index]
) -> tuple[int, Affine] | None:
    """The place of a whole axis that an entry takes apart, by indices that nothing else uses."""
    if not is_entry(factor):
        return None
    indices = indices_of(factor)
    for place, (index, size) in enumerate(zip(indices, shape, strict=True)):
        position = affine(index)
        ordered = None if position is None else in_row_major_order(position)
        if ordered is None or len(ordered.steps) < 2 or set(ordered.labels) & taken:
            continue
        others = all_labels(i for k, i in enumerate(indices) if k != place)
        count = sp.Mul(*(i.size for i in ordered.labels))
        whole = Cut(ordered.start, ordered.steps[-1][1], count).is_whole(size)
        if whole and not others & set(ordered.labels):
            return place, ordered
    return None
