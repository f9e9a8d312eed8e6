"""Products whose axes are several laid out as one, or the diagonal of a matrix."""

from __future__ import annotations

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.indices import Index, fresh
from symgrad.mathematics.positions import Affine, Cut, affine, in_row_major_order
from symgrad.mathematics.sizes import product as product_of_sizes
from symgrad.program.lower.lowering import Lowering, in_order
from symgrad.program.program import Axes, Ref, labels
from symgrad.program.sums_of_products import Product, all_labels, free_labels


def laid_out(lowering: Lowering, product: Product, at: Axes) -> Product:
    """A product without those of its places that are another shape, or a diagonal."""
    for axis, where in product.places.items():
        position = affine(where)
        ordered = None if position is None else in_row_major_order(position)
        if ordered is not None and len(ordered.steps) > 1 and product.owns(axis):
            return laid_out(lowering, _merged(lowering, product, axis, ordered, at), at)
    return _on_diagonal(lowering, product, at)


def _merged(
    lowering: Lowering, product: Product, axis: Index, position: Affine, at: Axes
) -> Product:
    """The axes of some indices laid out as one: Σ_ij x[i, j] δ(m, i d + j)."""
    run = position.labels
    mine = [f for f in product.factors if free_labels(f) & set(run)]
    rest = [f for f in product.factors if f not in mine]
    places = {a: where for a, where in product.places.items() if a != axis}
    private = set(product.bound) - all_labels((*rest, *places.values())) - set(run)
    value = _in_run(lowering, mine, private if len(mine) > 1 else set(), run, axis, at)
    found = Cut(position.start, position.steps[-1][1], product_of_sizes(i.size for i in run))
    whole = found.is_whole(axis.size)
    label = axis if whole else fresh(found.count)
    start = value.axes.index(run[0])
    axes = (*value.axes[:start], label, *value.axes[start + len(run) :])
    flat = lowering.builder.add("reshape", (value,), axes)
    gone = set(run) | (private if len(mine) > 1 else set())
    bound = [k for k in product.bound if k not in gone]
    if not whole:
        places[axis] = found.start + found.step * label
        bound.append(label)
    return Product(product.scale, [*rest, lowering.as_entry(flat)], bound, places)


def _in_run(
    lowering: Lowering, factors: list[sp.Expr], summed: set[Index], run: Axes, axis: Index, at: Axes
) -> Ref:
    """A product with the axes ``run`` side by side, where ``axis`` is to be."""
    if len(factors) == 1:
        natural = lowering.factor(factors[0], at).axes
        first = next(a for a in natural if a in run)
        axes = [a for a in natural if a not in run or a == first]
    else:
        free = all_labels(factors) - summed - set(run)
        known = [a for a in at if a in free]
        axes = [a for a in at if a in free or a == axis]
        first = axis
        axes = [*in_order(free - set(known)), *axes]
    axes = [b for a in axes for b in (run if a == first else (a,))]
    value = lowering.value(Product(sp.S.One, factors, list(summed)), tuple(axes))
    return lowering.full(value, tuple(axes))


def _on_diagonal(lowering: Lowering, product: Product, at: Axes) -> Product:
    """A product without its place where that is the diagonal of a matrix."""
    ((axis, where), *others) = product.places.items() or ((None, None),)
    mine = all_labels(product.factors) - set(product.bound)
    if others or not (isinstance(axis, Index) and isinstance(where, Index)):
        return product
    whole = set(labels(at)) == {axis, where} and axis.size == where.size
    if not whole or where in product.bound:
        return product
    if not mine:
        return Product(product.scale, [*product.factors, Delta(axis, where)], product.bound)
    vector = lowering.value(Product(sp.S.One, product.factors, product.bound), (where,))
    value = lowering.builder.add("diagonal", (lowering.full(vector, (where,)),), (where, axis))
    return Product(product.scale, [lowering.as_entry(value)])
