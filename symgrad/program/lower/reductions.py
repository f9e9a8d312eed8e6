"""Maxima, minima, products and logarithms of sums of exponentials, along axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from symgrad.mathematics.indices import Index, entry, fresh
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.ordering import STANDINGS, Standing
from symgrad.mathematics.reductions import (
    REDUCTIONS,
    AxisProduct,
    LogSum,
    LogSumExp,
    equal,
    select,
)
from symgrad.mathematics.sizes import product
from symgrad.program.lower.lowering import Lowering, in_order
from symgrad.program.program import UNIT, Axes, Operand, Ref, broadcasts, labels, size_of
from symgrad.program.sums_of_products import bound_by, free_labels


def reduction(lowering: Lowering, expr: sp.Expr, at: Axes) -> Operand:
    """The largest, the smallest or the product of the entries along axes."""
    if isinstance(expr, AxisProduct) and expr.others is not None:
        return _products_of_others(lowering, *expr.others, at)
    bound = bound_by(expr)
    source = over(lowering, expr.function, bound, at)
    function = REDUCTIONS[type(expr)].name
    return _reduced(lowering, "reduce", function, source, bound, at)


def _products_of_others(
    lowering: Lowering, body: sp.Expr, left_out: Mapping[Index, Index], at: Axes
) -> Operand:
    """The product of all entries along axes but one, for each of them at once."""
    bound, outer = tuple(left_out), tuple(left_out.values())
    source = over(lowering, body, bound, at)
    kept = tuple(a for a in source.axes if a not in bound)
    source = lowering.builder.view(source, (*kept, *bound))
    joined = bound[0] if len(bound) == 1 else fresh(product(a.size for a in bound))
    if len(bound) > 1:
        source = lowering.builder.add("reshape", (source,), (*kept, joined))
    axis = len(kept)
    value = lowering.builder.add("products_of_others", (source,), source.axes, detail=(axis,))
    if len(bound) > 1:
        value = lowering.builder.add("reshape", (value,), (*kept, *bound))
    return lowering.aligned(Ref(value.name, (*kept, *outer)), at)


def over(lowering: Lowering, body: sp.Expr, bound: Sequence[Index], at: Axes) -> Ref:
    """The body of a reduction with all axes that it runs over."""
    axes = lowering.layout(body, at)
    axes = (*axes, *(k for k in bound if k not in axes))
    value = lowering.expr(body, axes)
    whole = isinstance(value, Ref) and set(bound) <= set(labels(value.axes))
    return value if whole and isinstance(value, Ref) else lowering.full(value, axes)


def standing(lowering: Lowering, expr: Standing, at: Axes) -> Operand:
    """Where entries stand along an axis."""
    (along,) = bound_by(expr)
    outside = in_order(free_labels(expr.function) - {along})
    axes = (*(a for a in at if a in outside), *(a for a in outside if a not in at), along)
    source = lowering.full(lowering.expr(expr.function, axes), axes)
    own = (fresh(along.size),) if expr.at else ()
    value = lowering.builder.add(
        "standing", (source,), (*axes[:-1], *own), function=STANDINGS[type(expr)], hint="order"
    )
    lowering.shapes[value.name] = tuple(map(size_of, value.axes))
    return lowering.expr(entry(value.name, (*axes[:-1], *expr.at), integer=True), at)


def _reduced(
    lowering: Lowering, kind: str, function: str, source: Ref, bound: Sequence[Index], at: Axes
) -> Operand:
    kept = tuple(UNIT if a in bound else a for a in source.axes)
    dropped = tuple(a for a in source.axes if a not in bound)
    if kind == "logsumexp" or kept == at:
        axes = kept
    else:
        axes = dropped if broadcasts(dropped, at) or not broadcasts(kept, at) else kept
    if not labels(axes) and axes != at:
        axes = ()
    value = lowering.builder.add(kind, (source,), axes, function=function)
    return lowering.aligned(value, at)


def log_sum_exp(lowering: Lowering, expr: sp.Expr, at: Axes) -> Operand:
    """The logarithm of a sum of exponentials."""
    bound = bound_by(expr)
    return _reduced(lowering, "logsumexp", "", over(lowering, expr.function, bound, at), bound, at)


def log_sum(lowering: Lowering, expr: sp.Expr, at: Axes) -> Operand:
    """log Σ w exp(u), with u shifted by the log-sum-exp of what has a weight other than 0."""
    shift, total = _shifted(expr)
    return lowering.expr(shift + sp.log(total), at)


def share_of(total: sp.Expr, power: sp.Expr) -> sp.Expr:
    """exp(power) / Σ w exp(u), both shifted, which keeps the digits that their logarithms lose."""
    shift, shifted = _shifted(total)
    return sp.exp(power - shift) / shifted


def _shifted(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    weight, power = LogSum.parts(expr.function)
    shift = LogSumExp(select(equal(weight, 0), -INFINITY, power), *expr.limits)
    taken = select(equal(weight, 0), -INFINITY, power - shift)
    return shift, sp.Sum(weight * sp.exp(taken), *expr.limits)
