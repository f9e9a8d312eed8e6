"""Factors of a contraction that have a function of their own, each made a value of its own."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symgrad.mathematics.indices import Index, fresh
from symgrad.mathematics.matrices import InverseEntry
from symgrad.mathematics.positions import Cut
from symgrad.mathematics.sizes import normal_form
from symgrad.mathematics.sizes import product as product_of_sizes
from symgrad.program.factors import Inner, running_sums, systems, triangles
from symgrad.program.lower.linalg import has_inverse, matrix_of
from symgrad.program.lower.lowering import Lowering, in_order
from symgrad.program.program import UNIT, Axes, Operand, Ref, drop_leading_units, labels, size_of
from symgrad.program.sums_of_products import Product, all_labels


def simpler(
    lowering: Lowering, factors: list[sp.Expr], bound: frozenset[Index]
) -> tuple[list[sp.Expr], frozenset[Index]]:
    """Factors with systems solved and running sums taken, each a value of its own."""
    for found in (*systems(factors, bound), *running_sums(factors, bound)):
        value = _inner(lowering, found)
        if value is not None:
            left = bound - found.summed - {found.inner}
            return simpler(lowering, [*found.rest, value], left)
    return in_triangles(lowering, factors), bound


def _inner(lowering: Lowering, found: Inner) -> sp.Expr | None:
    if isinstance(found.factor, InverseEntry):
        matrix = matrix_of(lowering, found.factor)
        return None if has_inverse(lowering, matrix) else _solved(lowering, found, matrix)
    return _running_sum(lowering, found)


def _right(lowering: Lowering, found: Inner) -> Ref | None:
    """The factors that a factor is summed with, as one value."""
    axes = in_order(all_labels(found.right) - found.summed)
    if len(found.right) == 1 and not found.summed:
        value: Operand = lowering.factor(found.right[0], ())
    else:
        value = lowering.value(Product(sp.S.One, list(found.right), list(found.summed)), axes)
    return value if isinstance(value, Ref) and found.inner in value.axes else None


def _solved(lowering: Lowering, found: Inner, matrix: Ref) -> sp.Expr | None:
    """The solution of a system, in place of the inverse times the right-hand side."""
    right = _right(lowering, found)
    if right is None:
        return None
    *batch, _, _ = matrix.axes
    turned = found.factor.at == (found.inner, found.outer)
    pair = (found.outer, found.inner) if turned else (found.inner, found.outer)
    square = (*batch, found.inner, found.outer)
    left = lowering.builder.view(Ref(matrix.name, (*batch, *pair)), square)
    columns = [a for a in labels(right.axes) if a not in (*batch, found.inner)]
    if not batch and not columns:
        right = lowering.builder.view(right, (found.inner,))
        axes: Axes = (found.outer,)
        return lowering.as_entry(
            lowering.builder.add("linalg", (left, right), axes, function="solve")
        )
    return _solved_columns(lowering, left, right, columns, found)


def _solved_columns(
    lowering: Lowering, left: Ref, right: Ref, columns: Sequence[Index], found: Inner
) -> sp.Expr:
    """The solution for several right-hand sides, which are the columns of a matrix."""
    lead = drop_leading_units(tuple(a if a in right.axes else UNIT for a in left.axes[:-2]))
    right = lowering.builder.view(right, (*lead, found.inner, *(columns or (UNIT,))))
    last: sp.Expr = columns[0] if columns else UNIT
    if len(columns) > 1:
        last = fresh(product_of_sizes(a.size for a in columns))
        right = lowering.builder.add("reshape", (right,), (*lead, found.inner, last))
    axes = (*left.axes[:-2], found.outer, last)
    value = lowering.builder.add("linalg", (left, right), axes, function="solve")
    if len(columns) > 1:
        value = lowering.builder.add("reshape", (value,), (*axes[:-1], *columns))
    return lowering.as_entry(value)


def in_triangles(lowering: Lowering, factors: list[sp.Expr]) -> list[sp.Expr]:
    """Factors with masks along a diagonal applied."""
    for found in triangles(factors):
        source = lowering.factor(found.masked, ())
        if source.axes[-2:] in ((found.high, found.low), (found.low, found.high)):
            lower = source.axes[-2:] == (found.high, found.low)
            function, sign = ("lower", 1) if lower else ("upper", -1)
            detail = (int(sign * found.offset),)
            value = lowering.builder.add(
                "triangle", (source,), source.axes, function=function, detail=detail
            )
            rest = [f for f in factors if f is not found.mask and f is not found.masked]
            return in_triangles(lowering, [*rest, lowering.as_entry(value)])
    return factors


def _running_sum(lowering: Lowering, found: Inner) -> sp.Expr | None:
    source = _right(lowering, found)
    if source is None:
        return None
    axis = source.axes.index(found.inner)
    backwards = found.factor.args[0] == found.outer
    if backwards:
        source = _reversed(lowering, source, axis)
    value = lowering.builder.add("cumsum", (source,), source.axes, detail=(axis,))
    value = _reversed(lowering, value, axis) if backwards else value
    axes = tuple(found.outer if k == axis else a for k, a in enumerate(value.axes))
    return lowering.as_entry(Ref(value.name, axes))


def _reversed(lowering: Lowering, source: Ref, axis: int) -> Ref:
    """The entries in reverse along an axis, under a label of its own."""
    size = size_of(source.axes[axis])
    label = fresh(size)
    axes = tuple(label if k == axis else a for k, a in enumerate(source.axes))
    part = Cut(normal_form(size - 1), sp.S.NegativeOne, size)
    detail = tuple(part if k == axis else None for k in range(len(axes)))
    return lowering.builder.add("slice", (source,), axes, detail=detail)
