"""Deviations from a mean, which sum to 0."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from symgrad.mathematics.algebra import canonical, weight
from symgrad.mathematics.indices import Index
from symgrad.mathematics.named_values import NamedValues
from symgrad.mathematics.sums import Term


def around_means(term: Term, names: NamedValues) -> Term:
    """The term with the sum of deviations from a named mean left out of a factor."""
    for factor in term.factors:
        inside = [k for k in term.bound if k in factor.free_symbols]
        others = [f for f in term.factors if f is not factor]
        if not (factor.is_Add and inside) or any(f.has(*inside) for f in others):
            continue
        total = sp.Add(*(_summed_up(a, inside, names) for a in factor.args))
        if weight(total) < weight(factor):
            kept = tuple(k for k in term.bound if k not in inside)
            return Term((*others, *sp.Mul.make_args(total)), kept)
    return term


def _summed_up(addend: sp.Expr, over: Sequence[Index], names: NamedValues) -> sp.Expr:
    """Its sum: by the value of which it is a multiple, where there is one."""
    scale, rest = addend.as_independent(*over, as_Add=False)
    if rest == 1:
        return sp.Mul(scale, *(k.size for k in over))
    total = canonical(sp.Sum(rest, *(k.limits for k in over)))
    named = names.total(total)
    return scale * (total if named is None else named)
