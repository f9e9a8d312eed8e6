"""The rules of the backward pass: each an equation, applied as a step that is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.mathematics.algebra import (
    axis_name,
    canonical,
    collect,
    freshen,
    merge_selects,
    weight,
)
from symgrad.mathematics.deltas import contract_deltas
from symgrad.mathematics.equations import Assumption
from symgrad.mathematics.indices import Index, entries, entry, indices_of, name_of
from symgrad.mathematics.names import Names
from symgrad.mathematics.reductions import absolute, select, sigmoid, sign, step
from symgrad.mathematics.steps import Step
from symgrad.mathematics.sums import Term, from_terms, terms

Promises = Mapping[str, tuple[Assumption, ...]]
"""What is assumed of each input."""

Law = tuple[sp.Expr, sp.Expr]


@dataclass(frozen=True)
class Context:
    """What rules may look up: promises about inputs, and the values that have names."""

    promises: Promises
    names: Names


@dataclass(frozen=True)
class Rule:
    """A rule of the backward pass; ``law`` is an instance of it, which the tests prove.

    ``assumes`` is the kind of assumption that it rests on, where it rests on one.
    """

    name: str
    apply: Callable[[sp.Expr, Context], sp.Expr]
    law: Law
    because: Callable[[sp.Expr, Context], str] = lambda before, context: ""
    assumes: tuple[str, ...] = ()


# -- what holds always ------------------------------------------------------------------------


def _contract(expr: sp.Expr, _: Context) -> sp.Expr:
    return from_terms(contract_deltas(t) for t in terms(freshen(expr)))


def _fold(expr: sp.Expr, context: Context) -> sp.Expr:
    folded = context.names.fold(expr)
    return expr if folded == expr else from_terms(terms(freshen(folded)))


def _merge(expr: sp.Expr, _: Context) -> sp.Expr:
    return merge_selects(expr) if expr.has(select) else expr


def _collect(expr: sp.Expr, _: Context) -> sp.Expr:
    return collect(expr)


def _complement(expr: sp.Expr, context: Context) -> sp.Expr:
    """sigmoid(-x) = 1 - sigmoid(x) in a sum that holds both, where that makes it shorter."""
    if not expr.args or isinstance(expr, sp.Indexed) or not expr.has(sigmoid):
        return expr
    parts = [_complement(a, context) for a in expr.args]
    expr = expr if parts == list(expr.args) else expr.func(*parts)
    if not isinstance(expr, sp.Add):
        return expr
    inside = {s.args[0] for s in expr.atoms(sigmoid)}
    found = [_with_one(expr, x) for x in inside if -x in inside]
    return min([expr, *found], key=lambda e: (weight(e), sp.default_sort_key(e)))


def _with_one(expr: sp.Add, x: sp.Expr) -> sp.Expr:
    """The sum with 1 - sigmoid(x) in place of sigmoid(-x), multiplied out."""
    changed = expr.xreplace({sigmoid(-x): 1 - sigmoid(x)})
    return sp.Add(*(sp.expand_mul(a, deep=False) for a in sp.Add.make_args(changed)))


# -- what is assumed --------------------------------------------------------------------------


def _promised(name: str, kinds: tuple[str, ...], promises: Promises) -> list[Assumption]:
    return [a for a in promises.get(name, ()) if a.kind in kinds]


def _sums_to_one(term: Term, promises: Promises) -> Term:
    """Σ_i y[n, i] = 1, where nothing else depends on i."""
    return _summed(term, 1, ("one_hot", "sums_to_one"), promises)


def _unit_norm(term: Term, promises: Promises) -> Term:
    """Σ_i x[n, i]² = 1, where nothing else depends on i."""
    return _summed(term, 2, ("unit_norm",), promises)


def _summed(term: Term, power: int, kinds: tuple[str, ...], promises: Promises) -> Term:
    for index in term.bound:
        mine = [f for f in term.factors if index in f.free_symbols]
        if len(mine) != 1:
            continue
        base, exponent = mine[0].as_base_exp()
        axes = {a.axis for a in _promised(_array(base), kinds, promises)}
        if exponent == power and _places(base, index) in [(axis,) for axis in axes]:
            rest = tuple(f for f in term.factors if f is not mine[0])
            kept = tuple(k for k in term.bound if k != index)
            return _summed(Term(rest, kept), power, kinds, promises)
    return term


def _orthogonal(term: Term, promises: Promises) -> Term:
    """Σ_k q[k, i] q[k, j] = Σ_k q[i, k] q[j, k] = δ(i, j), where nothing else depends on k."""
    for index in term.bound:
        mine = [f for f in term.factors if index in f.free_symbols]
        factors = [b for f in mine for b, e in [f.as_base_exp()] for _ in range(int(e))]
        if len(factors) != 2 or len({_array(f) for f in factors}) != 1:
            continue
        one, other = factors
        places = _places(one, index)
        promised = _promised(_array(one), ("orthogonal",), promises)
        if promised and places == _places(other, index) and len(places) == 1:
            left, right = ([i for i in f.indices if i != index] for f in (one, other))
            if left[:-1] == right[:-1] and places[0] >= len(one.indices) - 2:
                rest = tuple(f for f in term.factors if f not in mine)
                kept = tuple(k for k in term.bound if k != index)
                delta = Delta(left[-1], right[-1])
                return _orthogonal(Term((*rest, delta), kept), promises)
    return term


def _array(factor: sp.Expr) -> str:
    return name_of(factor) if isinstance(factor, sp.Indexed) else ""


def _places(factor: sp.Expr, index: Index) -> tuple[int, ...]:
    return tuple(k for k, i in enumerate(indices_of(factor)) if i == index)


def _over_terms(
    rewrite: Callable[[Term, Promises], Term],
) -> Callable[[sp.Expr, Context], sp.Expr]:
    def apply(expr: sp.Expr, context: Context) -> sp.Expr:
        return from_terms(rewrite(t, context.promises) for t in terms(freshen(expr)))

    return apply


def _symmetric(expr: sp.Expr, context: Context) -> sp.Expr:
    """a[i, j] = a[j, i]: the indices in one order."""
    turned = {}
    for atom in expr.atoms(sp.Indexed):
        if _promised(name_of(atom), ("symmetric",), context.promises):
            *lead, i, j = atom.indices
            if str(j) < str(i):
                turned[atom] = entry(name_of(atom), (*lead, j, i))
    return expr.xreplace(turned)


def _positive(expr: sp.Expr, context: Context) -> sp.Expr:
    """|x| = x and sign(x) = 1."""
    known: dict[sp.Expr, sp.Expr] = {}
    for atom in entries(expr):
        if _promised(name_of(atom), ("positive",), context.promises):
            known |= {absolute(atom): atom, sign(atom): sp.S.One, step(atom): sp.S.One}
    return expr.xreplace(known)


def _idempotent(expr: sp.Expr, context: Context) -> sp.Expr:
    """y² = y, where y is 0 or 1."""
    known = {
        power: power.base
        for power in expr.atoms(sp.Pow)
        if power.exp.is_Integer
        and power.exp.is_positive
        and _promised(_array(power.base), ("one_hot",), context.promises)
    }
    return expr.xreplace(known)


SENTENCES = {
    "one_hot": "{name} is one-hot along axis {axis}: its entries there are 0 and 1 and sum to 1",
    "sums_to_one": "the entries of {name} sum to 1 along axis {axis}",
    "unit_norm": "the squares of the entries of {name} sum to 1 along axis {axis}",
    "orthogonal": "{name} is orthogonal: its transpose is its inverse",
    "symmetric": "{name} is symmetric",
    "positive": "the entries of {name} are positive",
}
"""What each assumption says, for the reader of a step that rests on it."""


def _assuming(
    name: str, kinds: tuple[str, ...], apply: Callable[[sp.Expr, Context], sp.Expr], law: Law
) -> Rule:
    """A rule that applies where inputs of these kinds occur, and says what it rests on."""

    def used(expr: sp.Expr, context: Context) -> dict[str, list[Assumption]]:
        names = sorted(set(map(name_of, entries(expr))))
        found = {n: _promised(n, kinds, context.promises) for n in names}
        return {n: promised for n, promised in found.items() if promised}

    def guarded(expr: sp.Expr, context: Context) -> sp.Expr:
        return apply(expr, context) if used(expr, context) else expr

    def because(before: sp.Expr, context: Context) -> str:
        sentences = (
            SENTENCES[a.kind].format(name=n, axis=a.axis)
            for n, promised in used(before, context).items()
            for a in promised
        )
        return "; ".join(sentences)

    return Rule(name, guarded, law, because, kinds)


def _named(name: str) -> Callable[..., sp.Expr]:
    return lambda *at: entry(name, at)


def _laws() -> dict[str, Law]:
    size = sp.Symbol("d", integer=True, positive=True)
    i, j, q = (axis_name(k, size) for k in range(3))
    f, g, p, y, u, o, s, r = map(_named, "fgpyuosr")
    return {
        "contract": (sp.Sum(f(i, j) * Delta(j, q), j.limits), f(i, q)),
        "fold": (1 - sp.tanh(f(i, j)) ** 2, 1 - g(i, j) ** 2),
        "merge": (
            select(step(p(i)), f(i, j), 0) + select(step(p(i)), 0, g(i, j)),
            select(step(p(i)), f(i, j), g(i, j)),
        ),
        "complement": (
            (1 - f(i, j)) * sigmoid(g(i, j)) - f(i, j) * sigmoid(-g(i, j)),
            sigmoid(g(i, j)) - f(i, j),
        ),
        "collect": (f(i, j) * g(i, j) + f(i, j) * p(q), f(i, j) * (g(i, j) + p(q))),
        "sums_to_one": (p(q) * sp.Sum(y(i, j), j.limits), p(q)),
        "unit_norm": (p(q) * sp.Sum(u(i, j) ** 2, j.limits), p(q)),
        "orthogonal": (sp.Sum(o(q, i) * o(q, j), q.limits), Delta(i, j)),
        "symmetric": (s(j, i) * f(j, q), s(i, j) * f(j, q)),
        "positive": (absolute(r(i)) * sign(r(j)), r(i)),
        "idempotent": (y(i, j) ** 2 * p(q), y(i, j) * p(q)),
    }


LAW = _laws()
_SUMS = _assuming(
    "sums to one", ("one_hot", "sums_to_one"), _over_terms(_sums_to_one), LAW["sums_to_one"]
)
RULES = (
    Rule("contract δ", _contract, LAW["contract"]),
    _assuming("positive", ("positive",), _positive, LAW["positive"]),
    _assuming("symmetric", ("symmetric",), _symmetric, LAW["symmetric"]),
    _SUMS,
    Rule("sigmoid", _complement, LAW["complement"]),
    Rule("definition", _fold, LAW["fold"]),
    _SUMS,
    _assuming("zeros and ones", ("one_hot",), _idempotent, LAW["idempotent"]),
    _assuming("unit norm", ("unit_norm",), _over_terms(_unit_norm), LAW["unit_norm"]),
    _assuming("orthogonal", ("orthogonal",), _over_terms(_orthogonal), LAW["orthogonal"]),
    Rule("where", _merge, LAW["merge"]),
    Rule("common factor", _collect, LAW["collect"]),
)


def simplified(expr: sp.Expr, context: Context) -> tuple[sp.Expr, list[Step]]:
    """``expr`` with every rule applied in order, and the steps that changed it."""
    steps = []
    before = canonical(expr)
    for rule in RULES:
        after = rule.apply(before, context)
        if after != before and (after := canonical(after)) != before:
            steps.append(explained(rule.name, before, after, context))
        before = after
    return before, steps


def explained(rule: str, before: sp.Expr, after: sp.Expr, context: Context) -> Step:
    """The step that a rule took, with what it rests on."""
    return Step(rule, before, after, _BECAUSE[rule](before, context))


_BECAUSE = {rule.name: rule.because for rule in RULES}
