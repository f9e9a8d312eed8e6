"""Sums of terms: in the order of a person, those with places written where they belong."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symgrad.mathematics.indices import is_entry, name_of
from symgrad.mathematics.positions import Detail
from symgrad.program.lower.layouts import laid_out
from symgrad.program.lower.lowering import Lowering
from symgrad.program.lower.places import put_in_place, side_by_side
from symgrad.program.lower.scales import scaled
from symgrad.program.lower.softmax import normalised
from symgrad.program.program import Axes, Literal, Operand, wanted
from symgrad.program.sums_of_products import (
    Product,
    free_labels,
    is_literal,
    product_of,
    structure_key,
)


def addition(lowering: Lowering, expr: sp.Expr, at: Axes) -> Operand:
    """A sum of terms."""
    expr = normalised(lowering, expr)
    if not isinstance(expr, sp.Add):
        return lowering.expr(expr, at)
    at = wanted(free_labels(expr), at)
    number = sp.Add(*filter(is_literal, expr.args))
    products = [product_of(a) for a in expr.args if not is_literal(a)]
    return sum_of(lowering, products + [Product(number)] * (number != 0), at)


def sum_of(lowering: Lowering, products: Sequence[Product], at: Axes) -> Operand:
    """The sum of products that have all axes together."""
    products = [laid_out(lowering, p, at) for p in products]
    placed = sorted((p for p in products if p.places), key=lambda p: _term_key(lowering, p))
    plain = sorted((p for p in products if not p.places), key=lambda p: _term_key(lowering, p))
    if not placed:
        return _added(lowering, plain, at)
    joined = None if plain else side_by_side(lowering, placed, at)
    if joined is not None:
        return joined
    base = lowering.full(_added(lowering, plain, at), at)
    done: list[tuple[Detail, ...]] | None = None if plain else []
    for product in placed:
        base = put_in_place(lowering, base, product, done)
    return base


def _term_key(lowering: Lowering, product: Product) -> tuple[object, ...]:
    """Contractions first, biases last, what is subtracted after what is added."""
    late = len(product.factors) == 1 and _is_late(lowering, product.factors[0])
    structure = sorted(map(structure_key, product.factors))
    return (product.negative, late, not product.factors, not product.bound, structure)


def _is_late(lowering: Lowering, factor: sp.Expr) -> bool:
    return is_entry(factor) and name_of(factor) in lowering.late


def _added(lowering: Lowering, products: Sequence[Product], at: Axes) -> Operand:
    """The sum of terms that are in order; their common scale is taken out."""
    if not products:
        return Literal(sp.S.Zero)
    kin = _with_their_number(products)
    if kin and len(kin) < len(products):
        rest = _added(lowering, [p for p in products if p not in kin], at)
        return lowering.builder.map("add", rest, _added(lowering, kin, at))
    sizes = {p.size for p in products}
    common = sizes.pop() if len(sizes) == 1 else sp.S.One
    flip = all(p.negative for p in products)
    total: Operand | None = None
    for product in products:
        bare = Product(product.size / common, product.factors, product.bound)
        value = lowering.value(bare, at)
        if total is None:
            total = value
        else:
            total = lowering.builder.map(
                "add" if flip or not product.negative else "subtract", total, value
            )
    assert total is not None
    return scaled(lowering.builder, -common if flip else common, total)


def _with_their_number(products: Sequence[Product]) -> list[Product]:
    """A number and the terms of its size: 1e9 m - 1e9 is 0 where m is 1, also beside others."""
    numbers = [abs(p.size) for p in products if not p.factors and abs(p.size) != 1]
    kin = [p for p in products if numbers and abs(p.size) == numbers[0]]
    return kin if len(kin) > 1 else []


def multiplication(lowering: Lowering, expr: sp.Expr, at: Axes) -> Operand:
    """A product, or the sum of one over indices."""
    product = product_of(expr)
    if not product.places:
        return lowering.signed(product, at)
    return sum_of(lowering, [product], wanted(product.free, at))
