"""Softmax and its logarithm, recognised as exp(z - logsumexp(z)) and z - logsumexp(z)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from symgrad.mathematics.algebra import instance
from symgrad.mathematics.indices import Index, entry, indices_of, is_entry, name_of
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.reductions import LogSum, LogSumExp, equal, select
from symgrad.program.lower.lowering import Lowering
from symgrad.program.lower.reductions import over, share_of
from symgrad.program.program import Axes, Operand, size_of
from symgrad.program.sums_of_products import bound_by, structure_key


def exponential(lowering: Lowering, expr: sp.Expr, at: Axes) -> Operand:
    """An exponential; of ``z - logsumexp(z)`` it is softmax."""
    (exponent,) = expr.args
    total, power = _over_sum(lowering, exponent)
    if total is not None:
        return lowering.expr(share_of(total, power), at)
    for found in _normalisations(lowering, exponent):
        if not found.rest and found.scale == 1:
            return lowering.expr(_normal(lowering, "softmax", found), at)
    return lowering.leaf(expr, at)


def weighted(lowering: Lowering, expr: sp.Expr, at: Axes) -> Operand:
    """w exp(y), where y may be less the logarithm of a sum of such terms."""
    weight, exponent = expr.args
    total, power = _over_sum(lowering, exponent)
    if total is None:
        return lowering.leaf(expr, at)
    shown = select(equal(weight, 0), -INFINITY, power)
    return lowering.expr(weight * share_of(total, shown), at)


def _over_sum(lowering: Lowering, exponent: sp.Expr) -> tuple[sp.Expr | None, sp.Expr]:
    """log Σ w exp(u) where that is taken off an exponent, under any name, and what is left."""
    terms = [_spelled_out(lowering, t) for t in sp.Add.make_args(exponent)]
    total = next((-t for t in terms if isinstance(-t, LogSum)), None)
    return total, sp.Add(*(t for t in terms if -t != total))


def normalised(lowering: Lowering, expr: sp.Expr) -> sp.Expr:
    """A sum of terms with each ``z - logsumexp(z)`` in it as one value."""
    for found in _normalisations(lowering, expr):
        value = found.scale * _normal(lowering, "log_softmax", found)
        return normalised(lowering, sp.Add(value, *found.rest))
    return expr


def _normalisations(lowering: Lowering, expr: sp.Expr) -> Iterator[_Normalisation]:
    """Where a sum of terms holds a log-sum-exp and what it belongs to."""
    terms = [_spelled_out(lowering, t) for t in sp.Add.make_args(expr)]
    for term in terms:
        for lse in (f for f in sp.Mul.make_args(term) if isinstance(f, LogSumExp)):
            found = _normalisation(lse, -term / lse, [t for t in terms if t != term])
            if found is not None:
                yield found


def _spelled_out(lowering: Lowering, term: sp.Expr) -> sp.Expr:
    """A term of a sum with the log-sum-exp itself in the place of its name."""
    if not lowering.log_sums:
        return term
    named = [f for f in sp.Mul.make_args(term) if is_entry(f) and name_of(f) in lowering.log_sums]
    change = {}
    for factor in named:
        equation = lowering.log_sums[name_of(factor)]
        change[factor] = instance(equation, indices_of(factor))
    return term.xreplace(change)


def _normal(lowering: Lowering, kind: str, found: _Normalisation) -> sp.Expr:
    """An entry of softmax or log-softmax, computed along the axes of the log-sum-exp."""
    source = over(lowering, found.body, list(found.at), ())
    detail = tuple(k for k, a in enumerate(source.axes) if a in found.at)
    value = lowering.builder.add(kind, (source,), source.axes, detail=detail)
    lowering.shapes[value.name] = tuple(map(size_of, value.axes))
    places = (found.at.get(a, a) if isinstance(a, Index) else sp.S.Zero for a in value.axes)
    return entry(value.name, tuple(places))


@dataclass(frozen=True)
class _Normalisation:
    """``scale * (body[at] - logsumexp(body))`` in a sum of terms, and the other terms."""

    scale: sp.Expr
    body: sp.Expr
    at: Mapping[Index, sp.Expr]
    rest: Sequence[sp.Expr]


def _normalisation(lse: sp.Expr, scale: sp.Expr, terms: Sequence[sp.Expr]) -> _Normalisation | None:
    """Whether ``scale`` times the body of a log-sum-exp, at some index, is among the terms."""
    bound, body = bound_by(lse), lse.function
    inside = [a for a in body.atoms(sp.Indexed) if set(bound) <= set(a.indices)]
    for atom in sorted(inside, key=structure_key)[:1]:
        others = (a for t in terms for a in t.atoms(sp.Indexed) if a.base == atom.base)
        for other in sorted(set(others), key=structure_key):
            at = {k: other.indices[atom.indices.index(k)] for k in bound}
            for parts in (sp.Add.make_args(body), (body,)):
                needed = [(scale * part).xreplace(at) for part in parts]
                if len(set(needed)) == len(needed) and all(n in terms for n in needed):
                    rest = [t for t in terms if t not in needed]
                    return _Normalisation(scale, body, at, rest)
    return None
