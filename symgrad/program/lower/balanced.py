"""Powers above and below a bar as powers of quotients: (x/y)² for x²/y², where x² may overflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp

from symgrad.mathematics.indices import is_entry
from symgrad.program.lower.lowering import Lowering
from symgrad.program.program import Axes, Ref
from symgrad.program.sums_of_products import Product, free_labels


def balanced(lowering: Lowering, product: Product, at: Axes) -> Product:
    """The product with quotients in the place of powers above and below; they are what is typed.

    What is summed over is divided only by what is summed over itself: what is below a whole sum
    divides it once.
    """
    factors, bound = list(product.factors), set(product.bound)
    while pairs := [*_pairs(factors, bound)]:
        above, below = min(pairs, key=lambda pair: _bases(*pair) not in lowering.quotients)
        factors = [f for f in factors if f not in (above, below)]
        (x, p), (y, q) = above.as_base_exp(), (1 / below).as_base_exp()
        if q > 1:
            lowering.quotients.add((x, y))
        quotient = lowering.expr(x / y, lowering.layout(x, at))
        if not isinstance(quotient, Ref):
            return product
        times = min(p, q)
        factors += [lowering.as_entry(quotient) ** times]
        factors += [f for f in (x ** (p - times), y ** (times - q)) if f != 1]
    return Product(product.scale, factors, product.bound)


def _bases(above: sp.Expr, below: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    return above.as_base_exp()[0], below.as_base_exp()[0]


def _pairs(factors: Sequence[sp.Expr], bound: set[sp.Expr]) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """What is divided by a square, and powers divided by anything, of as many axes in a sum."""
    for below in sorted(factors, key=lambda f: not is_entry(f.as_base_exp()[0])):
        y, q = (1 / below).as_base_exp()
        mine = free_labels(below)
        if not q.is_Integer or q < 1 or y.is_number or (bound and not mine & bound):
            continue
        for above in factors:
            x, p = above.as_base_exp()
            fits = p.is_Integer and (p > 1 or (p == 1 and q == 2)) and not x.is_number
            theirs = free_labels(above)
            if fits and (mine <= theirs if q > 1 or not bound else mine == theirs):
                yield above, below
