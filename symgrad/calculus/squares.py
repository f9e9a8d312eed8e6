"""Sums of squares: norms at 0, variances typed as a difference."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from symgrad.calculus.definitions import Known, is_a, is_same, is_scale, resolved, split_scale
from symgrad.mathematics.algebra import bound_of, freshen
from symgrad.mathematics.indices import entries
from symgrad.mathematics.reductions import Norm, root


def norm(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """The square root of a sum of squares over an axis: a norm, of numbers of any size."""
    power = 2 * expr.exp
    if not (power.is_Integer and power.is_odd) or not is_a(expr.base, sp.Sum, known):
        return None
    body = freshen(resolved(expr.base, known))
    bound: list[sp.Tuple] = []
    while isinstance(body, sp.Sum):
        body, bound = body.function, [*bound, *body.limits]
    if entries(body) and isinstance(body, sp.Pow) and body.exp == 2:
        return Norm(body.base, *bound) ** power
    return None


def root_of_squares(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """The square root of any sum of squares, with derivative 0 where it is 0."""
    if expr.exp == sp.S.Half and entries(expr) and _is_sum_of_squares(expr.base, known):
        return root(expr.base)
    return None


def _is_sum_of_squares(expr: sp.Expr, known: Known) -> bool:
    """Whether it is 0 only where the squares in it are, so that its derivative is 0 there too."""
    value = resolved(expr, known)
    if isinstance(value, sp.Sum):
        return _is_sum_of_squares(value.function, known)
    if isinstance(value, sp.Add):
        return all(_is_sum_of_squares(a, known) for a in value.args)
    if isinstance(value, sp.Mul):
        rest = [f for f in value.args if not is_scale(f)]
        return bool(rest) and all(_is_sum_of_squares(f, known) for f in rest)
    return (
        isinstance(value, sp.Pow) and value.exp.is_Integer and value.exp.is_even and value.exp > 0
    )


def variance(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """mean(x²) - mean(x)² = mean((x - mean(x))²)."""
    if not any(_is_minus_square(a) for a in expr.args):
        return None
    for addend in expr.args:
        for scale, squares in _sums(addend, known):
            if not (isinstance(squares.function, sp.Pow) and squares.function.exp == 2):
                continue
            for other in expr.args:
                mean = other is not addend and _mean(other, squares, scale, known)
                if mean:
                    rest = sp.Add(*(a for a in expr.args if a not in (addend, other)))
                    body = (squares.function.base - mean) ** 2
                    return rest + scale * sp.Sum(body, *squares.limits)
    return None


def _is_minus_square(addend: sp.Expr) -> bool:
    coefficient, rest = addend.as_coeff_Mul()
    return bool(coefficient.is_negative) and any(
        isinstance(f, sp.Pow) and f.exp == 2 for f in sp.Mul.make_args(rest)
    )


def _sums(addend: sp.Expr, known: Known) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """(c, Σ …) where an addend is c Σ …, under any name, with c a positive number."""
    if not is_a(addend, (sp.Mul, sp.Sum), known):
        return
    scale, total = split_scale(resolved(addend, known))
    if isinstance(total, sp.Sum):
        yield scale, freshen(total)
    elif scale != 1 or total != addend:
        yield from ((scale * more, inner) for more, inner in _sums(total, known))


def _mean(other: sp.Expr, squares: sp.Expr, scale: sp.Expr, known: Known) -> sp.Expr | None:
    """The mean of what is squared, where ``other`` is minus its square times ``scale`` times n."""
    bound = bound_of(squares)
    count = sp.Mul(*(k.size for k in bound))
    weight, square = split_scale(-other)
    if not (isinstance(square, sp.Pow) and square.exp == 2):
        return None
    base = square.base
    for times, total in _sums(base, known):
        if len(total.limits) != len(bound):
            continue
        renamed = dict(zip(bound_of(total), bound, strict=True))
        same_sizes = all(one.size == two.size for one, two in renamed.items())
        if same_sizes and is_same(total.function.xreplace(renamed), squares.function.base):
            fits = weight * times**2 * count / scale
            return base / (times * count) if fits == 1 else None
    return None
