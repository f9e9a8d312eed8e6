"""Named values recognised inside other expressions."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.algebra import canonical, freshen
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, entries, indices_of, name_of
from symgrad.mathematics.ranges import in_range
from symgrad.mathematics.reductions import Reduction, normed

FOLDED = (sp.Function, Reduction, sp.Sum, sp.Pow)
"""What is recognised as the right-hand side of a named value."""


class NamedValues:
    """Values whose right-hand side may be recognised inside another expression."""

    def __init__(self, equations: Iterable[Equation]) -> None:
        self._by_kind: dict[tuple[type, frozenset[str]], list[Equation]] = {}
        self._reading: dict[str, list[tuple[frozenset[str], Equation]]] = {}
        self._products: list[tuple[frozenset[str], Equation]] = []
        self._totals: list[tuple[frozenset[str], Equation]] = []
        self._scaled: dict[frozenset[str], list[Equation]] = {}
        for e in equations:
            if e.backward is None and not isinstance(e.rhs, Delta):
                self._add(e)

    def _add(self, equation: Equation) -> None:
        _, read = kind = _kind(equation.rhs)
        rest = equation.rhs.as_independent(*entries(equation.rhs), as_Add=False)[1]
        if isinstance(equation.rhs, FOLDED):
            flat = replace(equation, rhs=_flat(equation.rhs))
            same = [equation] if flat == equation else [equation, flat]
            self._by_kind.setdefault(kind, []).extend(same)
        elif isinstance(rest, sp.Sum):
            self._scaled.setdefault(read, []).append(equation)
        elif isinstance(rest, sp.Mul):
            has_sum = any(isinstance(f, sp.Sum) for f in rest.args)
            (self._totals if has_sum else self._products).append((read, equation))
        else:
            return
        self._reading.setdefault(min(read, default=""), []).append((read, equation))

    def among(self, names: Iterable[str]) -> list[Equation]:
        """The values that may be recognised in an expression with these names."""
        known = frozenset(names)
        return [e for n in ("", *names) for read, e in self._reading.get(n, ()) if read <= known]

    def fold(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with every part that is a named value replaced by its entry."""
        if not expr.args or isinstance(expr, sp.Indexed):
            return expr
        if (found := self._named(expr)) is not None:
            return found
        parts = [self.fold(a) for a in expr.args]
        if parts == list(expr.args):
            return expr
        inside = expr.func(*parts)
        return inside if (found := self._named(inside)) is None else found

    def _named(self, expr: sp.Expr) -> sp.Expr | None:
        """The entry of the named value that an expression is as a whole."""
        known = self._by_kind.get(_kind(expr), ()) if isinstance(expr, FOLDED) else ()
        matches = (_match(equation, expr) for equation in known)
        found = next((m for m in matches if m is not None), None)
        return self._opposite(expr) if found is None and isinstance(expr, sp.Sum) else found

    def _opposite(self, expr: sp.Sum) -> sp.Expr | None:
        """A sum whose negative is a named value, such as an entropy, by that value's name."""
        for equation in self._scaled.get(frozenset(map(name_of, entries(expr))), ()):
            scale, rest = equation.rhs.as_independent(sp.Sum, as_Add=False)
            for total, sign in ((expr, -1), (_negative(expr), 1)) if scale == -1 else ():
                found = _match(replace(equation, rhs=rest), total)
                if found is not None:
                    return sign * found
        return None

    def with_totals(self, expr: sp.Expr) -> sp.Expr:
        """``expr`` with named values in the place of products with a sum that they are."""
        if not expr.args or isinstance(expr, sp.Indexed) or not self._totals:
            return expr
        parts = [self.with_totals(a) for a in expr.args]
        expr = expr if parts == list(expr.args) else expr.func(*parts)
        if not isinstance(expr, sp.Mul):
            return expr
        found = _with_products(expr.args, self._totals)
        return expr if found == list(expr.args) else sp.Mul(*found)

    def total(self, expr: sp.Sum) -> sp.Expr | None:
        """A sum of which a named value is a multiple, such as its mean, by that value's name."""
        for equation in self._scaled.get(frozenset(map(name_of, entries(expr))), ()):
            scale, rest = equation.rhs.as_independent(sp.Sum, as_Add=False)
            found = _match(replace(equation, rhs=rest), expr)
            if found is not None:
                return found / scale
        return None

    def has_means(self, expr: sp.Expr) -> bool:
        """Whether a value that is a multiple of a sum stands in an expression with its addends."""
        names = {name_of(a) for a in entries(expr)} if self._scaled else set()
        return any(
            e.name in names and read <= names for read, found in self._scaled.items() for e in found
        )

    def has_products(self, expr: sp.Expr) -> bool:
        """Whether all that a named product is made of stands in an expression."""
        names = {name_of(a) for a in entries(expr)} if self._products else set()
        return any(read <= names for read, _ in self._products)

    def with_products(self, factors: Sequence[sp.Expr]) -> list[sp.Expr]:
        """Factors, with a named value in the place of those that it is the product of.

        So in each term of a factor that is a sum.
        """
        return [self._in_terms(f) for f in _with_products(factors, self._products)]

    def _in_terms(self, factor: sp.Expr) -> sp.Expr:
        if not factor.is_Add:
            return factor
        parts = [list(sp.Mul.make_args(a)) for a in factor.args]
        found = [_with_products(p, self._products) for p in parts]
        return factor if found == parts else sp.Add(*(sp.Mul(*p) for p in found))


def _flat(expr: sp.Expr) -> sp.Expr:
    """A sum of products with sums as one sum over all that they run over."""
    if not isinstance(expr, sp.Sum) or not expr.function.has(sp.Sum):
        return expr
    inside = freshen(expr)
    factors, limits = [], list(inside.limits)
    for factor in sp.Mul.make_args(inside.function):
        is_sum = isinstance(factor, sp.Sum)
        factors.append(factor.function if is_sum else factor)
        limits += factor.limits if is_sum else ()
    return sp.Sum(sp.Mul(*factors), *limits)


def _negative(total: sp.Sum) -> sp.Sum:
    """The negative of a sum, x - y as y - x in it."""
    factors = list(sp.Mul.make_args(total.function))
    place = next((k for k, f in enumerate(factors) if f.is_Add), 0)
    factors[place] = -factors[place]
    return sp.Sum(sp.Mul(*factors), *total.limits)


def _with_products(
    factors: Sequence[sp.Expr], products: Iterable[tuple[frozenset[str], Equation]]
) -> list[sp.Expr]:
    found = list(factors)
    names = {name_of(a) for f in factors for a in entries(f)}
    for read, equation in products:
        while read <= names and (left := _divided(found, equation)) is not None:
            found = left
    return found


def _divided(factors: Sequence[sp.Expr], equation: Equation) -> list[sp.Expr] | None:
    """The entry of the equation's value, and what of the factors it is not the product of."""
    have = _powers(factors)
    for indices in _candidates(equation, sp.Mul(*factors)):
        wanted = _powers(sp.Mul.make_args(canonical(equation.at(indices))))
        scale = sp.Mul(*(b**e for b, e in wanted.items() if not entries(b)))
        parts = {b: e for b, e in wanted.items() if entries(b)}
        if not parts or not scale.is_nonzero:  # of |x[i] - x[j]| w[j], at i = j, it is |0|
            continue
        mine = replace(equation, indices=indices).lhs / scale
        read = any(name_of(a) == equation.name for f in factors for a in entries(f))
        if all(b in have and _contains(have[b], e, read=read) for b, e in parts.items()):
            rest = [b ** (e - parts.get(b, 0)) for b, e in have.items()]
            return [f for f in (*sp.Mul.make_args(mine), *rest) if f != 1]
        for factor in (f for f in factors if isinstance(f, normed)):  # x / ‖x‖, or 0 where ‖x‖ is
            above, below = factor.args
            divides = have.get(canonical(below), sp.S.Zero) < 0  # by ‖x‖, which is not 0 then
            if divides and _powers([above, 1 / below]) == parts:
                return [*sp.Mul.make_args(mine), *(f for f in factors if f is not factor)]
    return None


def _contains(whole: sp.Expr, part: sp.Expr, *, read: bool) -> bool:
    """Whether x^whole is x^part times a power of x, and has no value where x^part has none.

    ``read``: what has x^part in it is read in any case.
    """
    if not 0 < part / whole <= 1:
        return False
    return bool(read or part.is_Integer or not whole.is_Integer)


def _powers(factors: Iterable[sp.Expr]) -> dict[sp.Expr, sp.Expr]:
    """The exponents of factors, by their bases."""
    found: dict[sp.Expr, sp.Expr] = {}
    for factor in factors:
        fixed = isinstance(factor, sp.Pow) and factor.exp.is_Rational
        base, exponent = factor.as_base_exp() if fixed else (factor, sp.S.One)
        base = canonical(base)
        found[base] = found.get(base, sp.S.Zero) + exponent
    return found


def _kind(expr: sp.Expr) -> tuple[type, frozenset[str]]:
    return expr.func, frozenset(map(name_of, entries(expr)))


def _match(equation: Equation, expr: sp.Expr) -> sp.Expr | None:
    """The entry of the equation's value that equals ``expr``, or a power of it."""
    pattern, power = equation.rhs, sp.S.One
    if isinstance(expr, sp.Pow) and expr.exp != pattern.exp:
        power = expr.exp / pattern.exp
        if not power.is_Integer:
            return None
        expr = sp.Pow(expr.base, pattern.exp)
    wanted = canonical(expr)
    for indices in _candidates(equation, expr):
        if canonical(equation.at(indices)) == wanted:
            return Equation(equation.name, indices, pattern).lhs ** power
    return None


def _candidates(equation: Equation, expr: sp.Expr) -> Iterator[tuple[sp.Expr, ...]]:
    """Indices at which ``equation`` might read like ``expr``: places in it laid on others.

    What a sum in ``expr`` runs over has no meaning outside of it.
    """
    proper = {i for i in equation.indices if isinstance(i, Index)}
    if not proper:
        yield equation.indices
        return
    theirs = _places(expr)
    mine = _covering(_places(equation.rhs), proper)
    choices = ([at for other, at in sorted(theirs, key=str) if other == name] for name, _ in mine)
    for chosen in itertools.islice(itertools.product(*choices), MOST_CHOICES):
        pairs = zip(mine, chosen, strict=True)
        laid = (zip(place, at, strict=True) for (_, place), at in pairs)
        found = dict(_laid_on(p, t) for pair in laid for p, t in pair)
        indices = tuple(found.get(i, i) for i in equation.indices)
        outside = sp.Tuple(*indices).atoms(Index) <= expr.free_symbols
        if proper <= found.keys() and outside and _reaches(equation, indices):
            yield indices


MOST_CHOICES = 64
"""So many ways to lay several places on others are tried.

In the test losses, each of 59 values that were recognised was by the first way.
"""


def _covering(
    places: Iterable[tuple[str, tuple[sp.Expr, ...]]], wanted: Set[Index]
) -> list[tuple[str, tuple[sp.Expr, ...]]]:
    """A few places in which all the indices stand: those with most of them first."""
    left, found = set(wanted), []
    inside = {place: sp.Tuple(*place[1]).atoms(Index) for place in places}
    while any(left & atoms for atoms in inside.values()):
        ranks = {p: (len(left & set(p[1])), len(left & inside[p]), str(p)) for p in inside}
        best = max(inside, key=ranks.__getitem__)
        found.append(best)
        left -= inside[best]
    return found


def _laid_on(pattern: sp.Expr, index: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """What the index in ``pattern`` is where ``pattern`` (i, or i + a number) equals ``index``."""
    inside = list(pattern.atoms(Index))
    if len(inside) != 1 or pattern.diff(inside[0]) not in (1, -1):
        return pattern, index
    slope = pattern.diff(inside[0])
    return inside[0], sp.expand((index - pattern) * slope + inside[0])


def _reaches(equation: Equation, indices: Sequence[sp.Expr]) -> bool:
    """Whether the value has entries wherever ``indices`` run."""
    pairs = zip(equation.indices, indices, strict=True)
    return all(in_range(mine, i) for mine, i in pairs if isinstance(mine, Index))


def _places(expr: sp.Expr) -> set[tuple[str, tuple[sp.Expr, ...]]]:
    """Where indices stand in an expression: at entries, and at functions that have entries."""
    found = {(name_of(a), indices_of(a)) for a in entries(expr)}
    functions = (e for e in expr.atoms(Reduction) if getattr(e, "at", ()))
    return found | {(type(e).__name__, e.at) for e in functions}
