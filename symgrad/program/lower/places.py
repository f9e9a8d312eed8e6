"""Products that stand at places of an array: joined, set in slices and windows, scattered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp

from symgrad.mathematics.indices import indices_of, is_entry, name_of
from symgrad.mathematics.positions import Cut, Detail, Window, affine, are_apart, cut, tiles, window
from symgrad.mathematics.sizes import normal_form
from symgrad.program.lower.lowering import Lowering, in_order
from symgrad.program.program import UNIT, Axes, Literal, Operand, Ref, labels, positions_axes
from symgrad.program.sums_of_products import Product, all_labels


def _parts(axes: Axes, product: Product) -> tuple[tuple[Detail, ...], Axes] | None:
    """The slices or windows that the places of a product are, and the axes of its values."""
    detail: list[Detail] = []
    layout: list[sp.Expr] = []
    inside: list[sp.Expr] = []
    for axis in axes:
        if axis not in product.places:
            detail.append(None)
            layout.append(axis)
            continue
        position = affine(product.places[axis])
        if position is None or not product.owns(axis):
            return None
        found = window(position, axis.size)
        if len(position.steps) > 1 and found is None:
            return None
        detail.append(found[0] if found else cut(position))
        layout += [found[1]] if found else position.labels
        inside += [found[2]] if found else []
    return tuple(detail), (*layout, *inside)


def side_by_side(lowering: Lowering, products: Sequence[Product], at: Axes) -> Ref | None:
    """Products whose places fill an axis, one after the other."""
    (axis, *others) = dict.fromkeys(a for p in products for a in p.places)
    if others or len(products) < 2:
        return None
    place = at.index(axis)
    pieces = [_parts(at, p) for p in products]
    cuts = [(k, p[0][place]) for k, p in enumerate(pieces) if p is not None]
    if len(cuts) < len(pieces) or not all(isinstance(c, Cut) for _, c in cuts):
        return None
    order = tiles([(k, c) for k, c in cuts if isinstance(c, Cut)], axis.size)
    if order is None:
        return None
    single = all(isinstance(c, Cut) and c.count is None for _, c in cuts)
    args = [_piece(lowering, products[k], pieces[k], place, single) for k in order]
    function = "stack" if single else "concatenate"
    return lowering.builder.add("join", tuple(args), at, function=function, detail=(place,))


def _piece(lowering: Lowering, product: Product, part: Any, place: int, single: bool) -> Ref:
    """One of the arrays that fill an axis."""
    detail, layout = part
    dropped = detail[place].count is None
    if dropped and not single:
        layout = (*layout[:place], UNIT, *layout[place:])
    moving = set() if dropped else {layout[place]}
    bound = [k for k in product.bound if k not in moving]
    return lowering.full(
        lowering.signed(Product(product.scale, product.factors, bound), layout), layout
    )


def put_in_place(
    lowering: Lowering, base: Ref, product: Product, done: list[tuple[Detail, ...]] | None
) -> Ref:
    """``base`` with the product's values at the places where its deltas are 1.

    ``done``: what was placed before, where all else is 0.
    """
    found = _parts(base.axes, product)
    if found is None or (any(isinstance(p, Window) for p in found[0]) and not labels(found[1])):
        if done is not None:
            done.append((None,) * len(base.axes))
        return _scatter(lowering, base, product)
    detail, layout = found
    apart = done is not None and all(are_apart(detail, other) for other in done)
    new = apart and not any(isinstance(part, Window) for part in detail)
    if done is not None:
        done.append(detail)
    moving = set(layout) - set(base.axes)
    bound = [k for k in product.bound if k not in moving]
    rest = Product(product.scale if new else product.size, product.factors, bound)
    values = lowering.aligned(lowering.signed(rest, layout), layout)
    if any(isinstance(part, Window) for part in detail):
        values = lowering.full(values, layout)
    function = "set" if new else "subtract" if product.negative else "add"
    return lowering.builder.add(
        "place",
        (_with_room(lowering, base, values), values),
        base.axes,
        function=function,
        detail=detail,
    )


def _with_room(lowering: Lowering, base: Ref, values: Operand) -> Ref:
    """``base`` as an array of floats, where such are added to integers."""
    dtypes = lowering.builder.dtypes
    floats = isinstance(values, Literal) or dtypes[values.name] == "float"
    if dtypes[base.name] == "float" or not floats:
        return base
    if isinstance(values, Literal) and values.value.is_integer and dtypes[base.name] == "int":
        return base
    return lowering.full(lowering.builder.map("cast", base), base.axes)


def _once_each(lowering: Lowering, wheres: Iterable[sp.Expr]) -> set[sp.Expr]:
    """The labels along which places differ, for they say where entries stand in order."""
    orders = (w for w in wheres if is_entry(w) and name_of(w) in lowering.orders)
    return {indices_of(w)[lowering.orders[name_of(w)]] for w in orders}


def _scatter(lowering: Lowering, base: Ref, product: Product) -> Ref:
    """As :func:`put_in_place`, with the places as arrays of positions."""
    wheres = product.places.values()
    moving = all_labels(wheres)
    advanced = (
        *(a for a in base.axes if a in moving),
        *in_order(moving & set(product.bound)),
    )
    positions: list[Operand] = []
    detail: list[int | None] = []
    for axis in base.axes:
        where = product.places.get(axis, axis if axis in moving else None)
        detail.append(None if where is None else len(positions) + 2)
        if where is not None:
            where = normal_form(where)
            positions.append(lowering.aligned(lowering.expr(where, advanced), advanced))
    layout = positions_axes(base.axes, positions, detail)
    rest = Product(product.size, product.factors, [k for k in product.bound if k not in moving])
    values = lowering.aligned(lowering.value(rest, layout), layout)
    function = "subtract" if product.negative else "add"
    several = moving & set(product.bound) - _once_each(lowering, wheres)
    repeats = "_repeatedly" if several else ""
    return lowering.builder.add(
        "scatter",
        (_with_room(lowering, base, values), values, *positions),
        base.axes,
        function=function + repeats,
        detail=tuple(detail),
    )
