"""What all terms of a sum of products begin or end with, once: Xᵀ (u - y) for Xᵀ u - Xᵀ y."""

from __future__ import annotations

from collections.abc import Sequence

from symgrad.program.program import UNIT, Axes
from symgrad.writing.matrix_formula import MatrixFormula, product, total

FIRST, LAST = 0, -1


def factored(matrix: MatrixFormula) -> MatrixFormula:
    """The sum as a product, where all of its terms have a matrix in common at one side."""
    for side in (FIRST, LAST):
        common = _common(matrix.terms, side)
        if common is not None:
            return _taken_out(matrix, common, side)
    return matrix


def _matrices(term: MatrixFormula) -> Sequence[MatrixFormula]:
    return [p for p in term.parts if p.axes]


def _common(terms: Sequence[MatrixFormula], side: int) -> MatrixFormula | None:
    """The first, or last, matrix of all terms, if each has another one and nothing is a column."""
    if not terms or any(len(_matrices(t)) < 2 for t in terms):
        return None
    first, *others = (_matrices(t)[side] for t in terms)
    is_inside = side == LAST or len(first.axes) == 2
    same = all(m.formula == first.formula for m in others)
    return first if is_inside and same and not first.has_ones else None


def _taken_out(matrix: MatrixFormula, common: MatrixFormula, side: int) -> MatrixFormula:
    inner = [a for a in (common.axes[0 if side == LAST else 1],) if a != UNIT]
    axes = (*matrix.axes[:1], *inner) if side == LAST else (*inner, *matrix.axes[1:])
    rest = total((_without(t, side, axes) for t in matrix.terms), axes)
    factors = [common, rest] if side == FIRST else [rest, common]
    return product(factors, matrix.axes)


def _without(term: MatrixFormula, side: int, axes: Axes) -> MatrixFormula:
    scalars = [p for p in term.parts if not p.axes]
    matrices = list(_matrices(term))
    del matrices[side]
    return product([*scalars, *matrices], axes)
