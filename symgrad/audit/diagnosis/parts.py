"""Parts of the equations of a backward pass: its terms, their factors, and what they read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, entries, indices_of, is_entry, name_of, replaced


@dataclass(frozen=True)
class Term:
    """A term of an equation: a product, under sums over some indices."""

    factors: tuple[sp.Expr, ...]
    limits: tuple[tuple[sp.Expr, ...], ...]

    @property
    def expr(self) -> sp.Expr:
        """The term as an expression."""
        return self.with_factors(self.factors)

    def with_factors(self, factors: Sequence[sp.Expr]) -> sp.Expr:
        """Other factors under the same sums."""
        product = sp.Mul(*factors)
        return sp.Sum(product, *self.limits) if self.limits else product

    @property
    def bound(self) -> frozenset[sp.Expr]:
        """The indices that it is summed over."""
        return frozenset(limit[0] for limit in self.limits)

    def reads(self) -> frozenset[str]:
        """The arrays that it reads."""
        return frozenset(name_of(a) for a in entries(self.expr))


def terms_of(expr: sp.Expr, slopes: Collection[str], depth: int = 0) -> list[Term]:
    """The terms of an expression; products with sums that read derivatives are multiplied out.

    ``depth``: 1, products with sums of products too; 2, with any sums.
    """
    return list(_terms(expr, (), slopes, depth))


def _terms(
    expr: sp.Expr,
    limits: tuple[tuple[sp.Expr, ...], ...],
    slopes: Collection[str],
    depth: int,
) -> Iterator[Term]:
    if isinstance(expr, sp.Add):
        for part in expr.args:
            yield from _terms(part, limits, slopes, depth)
    elif isinstance(expr, sp.Sum):
        inner = (*limits, *(tuple(limit) for limit in expr.limits))
        yield from _terms(expr.function, inner, slopes, depth)
    elif (chosen := _to_multiply_out(expr, slopes, depth)) is not None:
        rest = [f for f in sp.Mul.make_args(expr) if f is not chosen]
        for part in chosen.args:
            yield from _terms(sp.Mul(*rest, part), limits, slopes, depth)
    else:
        yield from _product(expr, limits, slopes, depth)


def _product(
    expr: sp.Expr,
    limits: tuple[tuple[sp.Expr, ...], ...],
    slopes: Collection[str],
    depth: int,
) -> Iterator[Term]:
    """A product; one sum in it is that of the whole, where the rest does not know its indices."""
    factors = sp.Mul.make_args(expr)
    inner = [f for f in factors if isinstance(f, sp.Sum) and _reads(f) & set(slopes)]
    free = {s for f in factors if f not in inner for s in f.free_symbols}
    if len(inner) == 1 and not free & {limit[0] for limit in inner[0].limits}:
        rest = sp.Mul(*(f for f in factors if f is not inner[0]))
        more = (*limits, *(tuple(limit) for limit in inner[0].limits))
        product = rest * inner[0].function
        yield from _terms(product, more, slopes, depth)
    else:
        yield Term(tuple(factors), limits)


def _to_multiply_out(expr: sp.Expr, slopes: Collection[str], depth: int) -> sp.Expr | None:
    """A sum in a product that is to be multiplied out."""
    sums = [f for f in sp.Mul.make_args(expr) if isinstance(f, sp.Add)]
    reading = any(_reads(f) & set(slopes) for f in sp.Mul.make_args(expr))
    deep = (f for f in sums if depth > 1 or (depth == 1 and not _is_short(f)))
    near = (f for f in sums if _reads(f) & set(slopes) or not reading)
    return next((f for f in (*near, *deep) if not f.is_number), None)


def _is_short(expr: sp.Expr) -> bool:
    """Whether a sum is one of numbers, entries and their powers: 1 - a²."""
    parts = (abs_of(a) for a in expr.args)
    return all(p.is_number or is_entry(p.as_base_exp()[0]) for p in parts)


def abs_of(expr: sp.Expr) -> sp.Expr:
    """A term without a number that it is multiplied by."""
    return expr.as_coeff_Mul()[1]


def _reads(expr: sp.Expr) -> set[str]:
    return {name_of(a) for a in entries(expr)}


def free_indices(expr: sp.Expr) -> tuple[Index, ...]:
    """The indices that an expression depends on."""
    found = {s for s in expr.free_symbols if isinstance(s, Index)}
    return tuple(sorted(found, key=lambda i: i.name))


def is_each(term: Term, equation: Equation, slope: sp.Expr) -> bool:
    """Whether a term has a derivative at the entry itself, times something there."""
    return not term.limits and indices_of(slope) == equation.indices


def everywhere(term: Term, own: Collection[sp.Expr]) -> sp.Expr | None:
    """A term that is of a part of the entries alone, as it is of all; None for another."""
    picked = [f for f in term.factors if isinstance(f, sp.KroneckerDelta)]
    pairs = [(e, i) for d in picked for i, e in (d.args, d.args[::-1]) if i in own and e not in own]
    rest = [replaced(f, dict(pairs)) for f in term.factors if f not in picked]
    left = {s for f in rest for s in f.free_symbols} & term.bound
    return sp.Mul(*rest) if picked and len(pairs) == len(picked) and not left else None


def sums_in(term: Term) -> Iterator[sp.Sum]:
    """The sums in a term: those that are parts of factors."""
    for factor in term.factors:
        for part in sp.preorder_traversal(factor):
            if isinstance(part, sp.Sum):
                yield part


def with_names(expr: sp.Expr, change: Mapping[sp.Expr, sp.Expr]) -> sp.Expr:
    """An expression that reads other entries."""
    return replaced(expr, change)
