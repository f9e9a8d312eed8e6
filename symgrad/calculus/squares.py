"""Sums of squares: norms at 0, variances typed as a difference."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from symgrad.calculus.definitions import Known, is_a, is_same, resolved, split_scale
from symgrad.mathematics.algebra import bound_of, freshen
from symgrad.mathematics.indices import Index, entries
from symgrad.mathematics.reductions import Norm, absolute, cbrt, normed, relu, root, root_of


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
    """The square root of a quadratic form, with derivative 0 where it is 0.

    So it is of a maximum with 0, or an absolute value: what is inside has derivative 0 there.  It
    is the root of the same value, under its name: equations may be looked up that are closed.
    """
    if expr.exp != sp.S.Half or not entries(expr):
        return None
    known = replace(known, closed=(), opened=set())
    bounded = is_a(expr.base, (relu, absolute), known)
    return root(expr.base) if bounded or is_quadratic(expr.base, known) else None


def root_of_powers(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """Another root than the square root of a sum of even powers, or of powers of |x|."""
    base, power = (expr.args[0], sp.Rational(1, 3)) if isinstance(expr, cbrt) else expr.args
    if not (power.is_number and 0 < power < 1 and power != sp.S.Half and entries(base)):
        return None
    known = replace(known, closed=(), opened=set())
    return root_of(base, power) if is_quadratic(base, known) else None


def is_quadratic(expr: sp.Expr, known: Known) -> bool:
    """Whether every term is a square, or holds one factor twice, at two indices that are summed.

    So that a form xᵀA x whose matrix has no negative eigenvalue is 0 only where its derivative by x
    is 0 as well.  Whatever else stands in a term is a weight.  Of x² + y² - 2xy the last term is
    no square, and goes with the others.
    """
    terms = list(_terms(expr, known))
    others = [term for term in terms if not _is_square(*term)]
    return not others or all(_is_between(term, dict(_squares(terms, known))) for term in others)


Term = tuple[list[sp.Expr], set[Index]]
"""The factors of a term, and the indices that it is summed over."""


def _terms(expr: sp.Expr, known: Known) -> Iterator[Term]:
    """The terms of a sum, names of sums and products written out."""
    value = resolved(expr, known)
    if isinstance(value, sp.Sum):
        value = freshen(value)
        mine = set(bound_of(value))
        yield from ((factors, bound | mine) for factors, bound in _terms(value.function, known))
    elif isinstance(value, sp.Add):
        for addend in value.args:
            yield from _terms(addend, known)
    else:
        yield _together(_product(f, known) for f in sp.Mul.make_args(value))


def _product(factor: sp.Expr, known: Known) -> Term:
    """What a factor is the product of, or the sum of products over further indices."""
    value = resolved(factor, known)
    if isinstance(value, sp.Sum) and not isinstance(value.function, sp.Add):
        value = freshen(value)
        factors, bound = _together(_product(f, known) for f in sp.Mul.make_args(value.function))
        return factors, bound | set(bound_of(value))
    return [value], set()


def _together(products: Iterable[Term]) -> Term:
    factors: list[sp.Expr] = []
    bound: set[Index] = set()
    for mine, theirs in products:
        factors += mine
        bound |= theirs
    return factors, bound


def _is_square(factors: Sequence[sp.Expr], bound: set[Index]) -> bool:
    if any(_is_even_power(f) for f in factors):
        return True
    inside = [f for f in factors if entries(f)]
    return any(_is_twice(one, other, bound) for one, other in itertools.combinations(inside, 2))


def _is_even_power(factor: sp.Expr) -> bool:
    """Also a power of an absolute value, and of what is 0 where it would be negative."""
    base, power = factor.as_base_exp()
    if isinstance(base, (absolute, relu)):
        return bool(power.is_number and power >= 1)
    return bool(entries(factor) and power.is_Integer and power.is_even and power > 0)


def _squares(terms: Iterable[Term], known: Known) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """What terms that are a number times one square are the square of, and the number."""
    for factors, bound in terms:
        number, inside = _split(factors)
        root = next((f.base for f in inside if isinstance(f, sp.Pow) and f.exp == 2), None)
        if len(inside) == 1 and root is not None:
            yield _summed_over(resolved(root, known), bound), number
        elif len(inside) == 2 and _is_twice(inside[0], inside[1], bound):
            yield _summed_over(inside[0], bound), number


def _is_between(term: Term, squares: Mapping[sp.Expr, sp.Expr]) -> bool:
    """Whether a term is a multiple of xy that a x² + b y² is never less than."""
    factors, bound = term
    number, inside = _split(factors)
    ends = [squares.get(_summed_over(f, bound), sp.S.Zero) for f in inside]
    return len(ends) == 2 and bool(all(ends) and number**2 <= 4 * sp.Mul(*ends))


def _split(factors: Sequence[sp.Expr]) -> tuple[sp.Expr, list[sp.Expr]]:
    """The number in a product, and the other factors."""
    number = sp.Mul(*(f for f in factors if f.is_number))
    return number, [f for f in factors if not f.is_number]


def _summed_over(expr: sp.Expr, bound: Iterable[Index]) -> sp.Expr:
    """The expression with one name for each index that is summed over."""
    mine = sorted(expr.free_symbols & set(bound), key=str)
    return expr.xreplace({i: Index(f"summed{k}", i.size) for k, i in enumerate(mine)})


def _is_twice(one: sp.Expr, other: sp.Expr, bound: set[Index]) -> bool:
    """Whether two factors are one, or become one where their summed indices are the same."""
    if is_same(one, other):
        return True
    mine, theirs = (bound & f.free_symbols for f in (one, other))
    pairs = itertools.product(mine - theirs, theirs - mine)
    return any(i.size == j.size and is_same(one, other.xreplace({j: i})) for i, j in pairs)


def cosine(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """Σ x y / (‖x‖ ‖y‖) = Σ (x / ‖x‖) (y / ‖y‖): no product of norms is too small for a number."""
    parts = [p for f in sp.Mul.make_args(expr) for p in _by_norms(f, known)]
    total = next((freshen(f) for f in parts if isinstance(f, sp.Sum)), None)
    if total is None:
        return None
    inside, left = list(sp.Mul.make_args(total.function)), []
    for part in parts:
        base, power = part.as_base_exp()
        length = resolved(base, known) if power == -1 and is_a(base, Norm, known) else None
        place = None if length is None else _is_of(length, inside, bound_of(total))
        if place is None:
            left.append(part)
        else:
            inside[place] = normed(inside[place], base)
    if len(left) > len(parts) - 2:
        return None  # with one norm alone there is no product of norms
    others = (f for f in left if not isinstance(f, sp.Sum))
    return sp.Mul(*others, sp.Sum(sp.Mul(*inside), *total.limits))


def _by_norms(factor: sp.Expr, known: Known) -> list[sp.Expr]:
    """1 / √(Σ x² Σ y²) as inverse norms; any other factor as it is."""
    base, power = factor.as_base_exp()
    if power != -sp.S.Half or not is_a(base, sp.Mul, known):
        return [factor]
    roots = [sp.sqrt(f) for f in sp.Mul.make_args(resolved(base, known))]
    found = [norm(r, known) if isinstance(r, sp.Pow) else None for r in roots]
    return [factor] if None in found else [sp.Pow(n, -1) for n in found]


def _is_of(length: sp.Expr, parts: Sequence[sp.Expr], bound: Sequence[Index]) -> int | None:
    """Which factor of a sum a norm is that of, over the axes that the sum runs over."""
    mine = bound_of(length)
    for axes in itertools.permutations(bound, len(mine)):
        renamed = dict(zip(mine, axes, strict=True))
        for place, part in enumerate(parts):
            if part in (found := length.function.xreplace(renamed), -found):
                return place
    return None


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
