"""Products above and below a bar as products of quotients: (x/y)² for x²/y², as x² may overflow."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.indices import entries, is_entry
from symgrad.mathematics.records import Indicator
from symgrad.program.lower.lowering import Lowering
from symgrad.program.lower.roots import as_hypotenuse
from symgrad.program.program import Axes, Ref
from symgrad.program.sums_of_products import Product, free_labels

_MOST = 3
"""The highest power that divides a factor step by step: a division takes four products' time."""


def balanced(lowering: Lowering, product: Product, at: Axes) -> Product:
    """The product with quotients in the place of what stands above and below a bar.

    (x/y)² for x²/y², and (a/c) (b/c) for a b / c²; quotients that are there, or small, come first.
    What is summed over is divided only by what is summed over itself, but for powers: what is
    below a whole sum divides it once.
    """
    factors, bound = _with_radii(product.factors), set(product.bound)
    divided: set[sp.Expr] = set()
    while pairs := [p for p in _pairs(factors, bound) if not bound or p[0] not in divided]:
        above, below = min(pairs, key=lambda pair: _preference(lowering, divided, *pair))
        factors = [f for f in factors if f not in (above, below)]
        (x, p), (y, q) = above.as_base_exp(), (1 / below).as_base_exp()
        if q > 1:
            lowering.quotients.add((x, y))
        quotient = lowering.expr(x / y, lowering.layout(x, at))
        if not isinstance(quotient, Ref):
            return product
        times = min(p, q)
        found = lowering.as_entry(quotient)
        divided.add(found)
        factors += [found**times]
        factors += [f for f in (x ** (p - times), y ** (times - q)) if f != 1]
    return Product(product.scale, factors, product.bound)


def _with_radii(factors: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Powers of r for those of x² + y² below, where x or y stands above."""
    above = {f.as_base_exp()[0] for f in factors if not _is_below(f)}
    above |= {x for f in above if f.is_Add for x in entries(f)}
    return [_radius(f, above) if _is_below(f) else f for f in factors]


def _radius(below: sp.Expr, above: Container[sp.Expr]) -> sp.Expr:
    squares, exponent = below.as_base_exp()
    terms = squares.args if squares.is_Add else ()
    sides = [f.as_base_exp()[0] for t in terms for f in sp.Mul.make_args(t)]
    if not (2 * exponent).is_Integer or not any(x in above for x in sides):
        return below
    radius = as_hypotenuse(squares)
    return below if radius is None else radius ** (2 * exponent)


def _preference(
    lowering: Lowering, divided: Container[sp.Expr], above: sp.Expr, below: sp.Expr
) -> tuple[bool, bool, bool, int]:
    """Quotients that are there, powers, what has not been divided yet, what is small."""
    x, y = above.as_base_exp()[0], below.as_base_exp()[0]
    is_there = (x, y) in lowering.quotients
    return not is_there, not _are_powers(above, below), x in divided, len(free_labels(x))


def _pairs(factors: Sequence[sp.Expr], bound: set[sp.Expr]) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """What is divided by what: not a single factor by a single one, which is a quotient already."""
    over = [f for f in factors if not _is_below(f) and not isinstance(f, (Indicator, Delta))]
    for below in sorted(factors, key=lambda f: not is_entry(f.as_base_exp()[0])):
        y, q = (1 / below).as_base_exp()
        if not q.is_Integer or q < 1 or y.is_number:
            continue
        for above in over:
            x, p = above.as_base_exp()
            powers = p.is_Integer and not x.is_number and (p > 1 or q <= _MOST)
            if powers and (p, q, len(over)) != (1, 1, 1) and _fits(above, below, bound):
                yield above, below


def _fits(above: sp.Expr, below: sp.Expr, bound: set[sp.Expr]) -> bool:
    """Whether what is below is no larger, and both are summed over, or neither is."""
    mine, theirs = free_labels(below), free_labels(above)
    if not mine & bound:
        return mine <= theirs and (not theirs & bound or _are_powers(above, below))
    return mine == theirs or (mine <= theirs and below.as_base_exp()[1] < -1)


def _are_powers(above: sp.Expr, below: sp.Expr) -> bool:
    return bool(above.as_base_exp()[1] > 1 and below.as_base_exp()[1] < -1)


def one_by_one(factors: Iterable[sp.Expr]) -> Iterator[sp.Expr]:
    """What is divided by, low powers as what they are powers of, that often."""
    for factor in factors:
        x, p = factor.as_base_exp()
        low = p.is_Integer and 1 < p <= _MOST
        yield from [x] * int(p) if low else [factor]


def _is_below(factor: sp.Expr) -> bool:
    exponent = factor.as_base_exp()[1]
    return bool(exponent.is_Rational and exponent.is_negative)
