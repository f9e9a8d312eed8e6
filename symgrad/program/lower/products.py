"""Products, quotients and contractions, without places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.indices import Index, fresh, indices_of, is_entry, name_of
from symgrad.program.factors import taken_apart
from symgrad.program.lower.balanced import balanced, one_by_one
from symgrad.program.lower.lowering import Lowering
from symgrad.program.lower.patterns import in_triangles, simpler
from symgrad.program.lower.roots import as_hypotenuse
from symgrad.program.lower.scales import scaled
from symgrad.program.program import Axes, Literal, Operand, Ref, labels, wanted
from symgrad.program.sums_of_products import Product, all_labels, free_labels


def product_value(lowering: Lowering, product: Product, at: Axes) -> Operand:
    """The sum of products, without places."""
    product = product if lowering.as_written else balanced(lowering, product, at)
    over, under = _fraction(lowering, product)
    over = over if product.bound else in_triangles(lowering, over)
    if not over:
        return _quotient(lowering, product.scale, under, at)
    bound = frozenset(product.bound)
    sets = [free_labels(f) for f in over]
    if bound or not all(a <= b or b <= a for a in sets for b in sets):
        result: Operand = _contraction(lowering, over, bound, at)
    else:
        result = _elementwise(lowering, "multiply", over, at)
    for factor in under if lowering.as_written else one_by_one(under):
        result = lowering.builder.map("divide", result, lowering.expr(factor, at))
    return scaled(lowering.builder, product.scale, result)


def _fraction(lowering: Lowering, product: Product) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """The factors above and below; what is summed over stays above."""
    below = [
        f for f in product.factors if _is_reciprocal(f) and not free_labels(f) & set(product.bound)
    ]
    return [f for f in product.factors if f not in below], [1 / f for f in below]


def _quotient(lowering: Lowering, scale: sp.Expr, under: Sequence[sp.Expr], at: Axes) -> Operand:
    if not under:
        return Literal(scale)
    common = sp.gcd_list([f.as_base_exp()[1] for f in under])
    whole = common if common.is_Integer and common > 1 else sp.S.One
    bases = [f.as_base_exp()[0] ** (f.as_base_exp()[1] / whole) for f in under]
    below: Operand = _elementwise(lowering, "multiply", bases, at)
    if whole != 1:
        below = lowering.builder.map("power", below, Literal(whole))
    return lowering.builder.map("divide", Literal(scale), below)


def _elementwise(lowering: Lowering, function: str, factors: Sequence[sp.Expr], at: Axes) -> Ref:
    small_first = sorted(factors, key=lambda f: len(free_labels(f)) > 0)
    total = lowering.ref(small_first[0], at)
    for factor in small_first[1:]:
        total = lowering.builder.map(function, total, lowering.expr(factor, at))
    return total


def _contraction(
    lowering: Lowering, factors: Sequence[sp.Expr], bound: frozenset[Index], at: Axes
) -> Ref:
    """The sum over ``bound`` of the product of the factors."""
    factors, bound = simpler(lowering, list(factors), bound)
    factors, split = _in_one(lowering, factors, bound)
    args = tuple(lowering.factor(f, at) for f in factors)
    free = {a for r in args for a in labels(r.axes)} - bound
    merged = _with_merged(at, split)
    value = lowering.builder.add("contract", args, wanted(free, merged))
    if not split:
        return value
    axes = tuple(a for label in value.axes for a in split.get(label, (label,)))
    apart = lowering.aligned(lowering.builder.add("reshape", (value,), axes), at)
    assert isinstance(apart, Ref)
    return apart


def _in_one(
    lowering: Lowering, factors: list[sp.Expr], bound: frozenset[Index]
) -> tuple[list[sp.Expr], dict[sp.Expr, tuple[Index, ...]]]:
    """Axes that are only taken apart left in one; what they are to be taken apart into."""
    split: dict[sp.Expr, tuple[Index, ...]] = {}
    for k, factor in enumerate(factors):
        taken = bound | all_labels(f for f in factors if f is not factor)
        shape = lowering.shapes.get(name_of(factor), ()) if is_entry(factor) else ()
        found = taken_apart(factor, shape, taken)
        if found is not None and len(factors) > 1:
            place, position = found
            whole = fresh(shape[place])
            split[whole] = position.labels
            indices = list(indices_of(factor))
            indices[place] = whole
            factors = [*factors[:k], factor.func(factor.base, *indices), *factors[k + 1 :]]
    return factors, split


def power(lowering: Lowering, expr: sp.Expr, at: Axes) -> Operand:
    """A power, in the form that has a function of its own where there is one."""
    base, exponent = expr.base, expr.exp
    if isinstance(base, Delta) and exponent.is_positive:
        return lowering.expr(base, at)
    if _is_reciprocal(expr):
        return lowering.builder.map("divide", Literal(sp.S.One), lowering.expr(1 / expr, at))
    if exponent == sp.S.Half:
        radius = None if lowering.as_written else as_hypotenuse(base)
        if radius is not None:
            return lowering.expr(radius, at)
        return lowering.builder.map("sqrt", lowering.expr(base, at))
    return lowering.builder.map("power", lowering.expr(base, at), lowering.expr(exponent, at))


def _with_merged(at: Axes, split: Mapping[sp.Expr, tuple[Index, ...]]) -> Axes:
    """Axes in which runs of labels are still one."""
    first = {run[0]: whole for whole, run in split.items()}
    later = {a for run in split.values() for a in run[1:]}
    return tuple(first.get(a, a) for a in at if a not in later)


def _is_reciprocal(expr: sp.Expr) -> bool:
    return bool(expr.is_Pow and expr.exp.is_Rational and expr.exp.is_negative)
