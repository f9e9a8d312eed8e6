"""The rules of the backward pass: each an equation, applied as a step that is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.calculus.means import around_means
from symgrad.mathematics.algebra import (
    axis_name,
    canonical,
    collect,
    freshen,
    merge_selects,
    weight,
)
from symgrad.mathematics.assumptions import (
    Assumption,
    Fact,
    giving,
    one_hot,
    orthogonal,
    positive,
    symmetric,
    unit_norm,
)
from symgrad.mathematics.deltas import contract_deltas
from symgrad.mathematics.domains import Signs
from symgrad.mathematics.indices import Index, entries, entry, indices_of, name_of
from symgrad.mathematics.named_values import NamedValues
from symgrad.mathematics.proved import mirrored
from symgrad.mathematics.reductions import absolute, ratio, select, sigmoid, sign, step
from symgrad.mathematics.steps import Step
from symgrad.mathematics.sums import Term, from_terms, has_delta, terms
from symgrad.mathematics.told import all_told

Promises = Mapping[str, tuple[Assumption, ...]]
"""What is assumed of each input."""

Law = tuple[sp.Expr, sp.Expr]


@dataclass(frozen=True)
class Context:
    """What rules may look up: promises about inputs, and the values that have names."""

    promises: Promises
    names: NamedValues
    signs: Signs = field(default_factory=lambda: Signs(lambda name: None, frozenset()))


QUOTIENT = "a quotient is taken as 0 where its numerator is 0"


@dataclass(frozen=True)
class Rule:
    """A rule of the backward pass, with all that the tests need to hold it to its word.

    ``law`` makes an instance of it (only the tests ask: SymPy takes a millisecond for some), which
    is proved, and broken by planted faults; ``example`` a loss
    whose derivation uses it.  ``fact``: what it rests on, if on an assumption.  ``given``: what is
    assumed of the arrays of law and example.  In an example those are 3×3 with two indices in the
    law, else vectors of 3; x is 3×3, and a parameter.
    """

    name: str
    apply: Callable[[sp.Expr, Context], sp.Expr]
    law: Callable[[], Law]
    example: str
    fact: Fact | None = None
    given: Mapping[str, Assumption] = field(default_factory=dict, hash=False)
    says: str = ""
    """What a reader of the step has to know of it, where it rests on no assumption."""
    past: bool = False
    """Whether it is for derivatives by values that the forward pass goes past, which may be 0."""

    def __call__(self, expr: sp.Expr, context: Context) -> sp.Expr:
        """The expression as the rule leaves it."""
        rests = self.fact is None or self._used(expr, context)
        return self.apply(expr, context) if rests else expr

    def because(self, before: sp.Expr, context: Context) -> str:
        """What it rests on, of the arrays that ``before`` reads."""
        return all_told([a.sentence(name) for name, a in self._used(before, context)]) or self.says

    def _used(self, expr: sp.Expr, context: Context) -> list[tuple[str, Assumption]]:
        """The assumptions that give its fact, of the arrays that an expression reads."""
        if self.fact is None:
            return []
        names = sorted(set(map(name_of, entries(expr))))
        return [(n, a) for n in names for a in _promised(n, self.fact, context.promises)]


# -- what holds always ------------------------------------------------------------------------


def _contract(expr: sp.Expr, _: Context) -> sp.Expr:
    if not has_delta(expr):
        return expr
    return from_terms(contract_deltas(t) for t in terms(freshen(expr)))


def _rearrange(expr: sp.Expr, _: Context) -> sp.Expr:
    nested = any(_has_sums(total.function) for total in expr.atoms(sp.Sum))
    return from_terms(terms(freshen(expr))) if nested else expr


def _has_sums(product: sp.Expr) -> bool:
    return any(isinstance(f, sp.Sum) for f in sp.Mul.make_args(product))


def _fold(expr: sp.Expr, context: Context) -> sp.Expr:
    folded = context.names.fold(expr)
    found = expr if folded == expr else from_terms(terms(freshen(folded)))
    if not context.names.has_products(found):
        return found
    return _each_term(found, lambda t: Term(tuple(context.names.with_products(t.factors)), t.bound))


def _mean(expr: sp.Expr, context: Context) -> sp.Expr:
    """Σ_i (x_i - m) = 0, where m is the mean of x; what else is in the brackets stays."""
    if not context.names.has_means(expr):
        return expr
    return _each_term(expr, lambda t: around_means(t, context.names))


def _each_term(expr: sp.Expr, change: Callable[[Term], Term]) -> sp.Expr:
    """The sum of the terms as they are changed; the very same expression where none is."""
    before = terms(freshen(expr))
    after = [change(t) for t in before]
    return expr if after == before else from_terms(after)


def _merge(expr: sp.Expr, _: Context) -> sp.Expr:
    return merge_selects(expr) if expr.has(select) else expr


def _collect(expr: sp.Expr, _: Context) -> sp.Expr:
    return collect(expr)


MOST_PAIRS = 24
"""Where more sigmoids have complements in one sum, none is tried: each is a rewrite of it all."""


def _complement(expr: sp.Expr, context: Context) -> sp.Expr:
    """sigmoid(-x) = 1 - sigmoid(x) in a sum that holds both, where that makes it shorter."""
    if not expr.args or isinstance(expr, sp.Indexed) or not expr.has(sigmoid):
        return expr
    parts = [_complement(a, context) for a in expr.args]
    expr = expr if parts == list(expr.args) else expr.func(*parts)
    if not isinstance(expr, sp.Add):
        return expr
    inside = {s.args[0] for s in expr.atoms(sigmoid)}
    pairs = [x for x in inside if -x in inside]
    if len(pairs) > MOST_PAIRS:
        return expr
    found = [_with_one(expr, x) for x in pairs]
    return min([expr, *found], key=lambda e: (weight(e), sp.default_sort_key(e)))


def _with_one(expr: sp.Add, x: sp.Expr) -> sp.Expr:
    """The sum with 1 - sigmoid(x) in place of sigmoid(-x), multiplied out."""
    changed = expr.xreplace({sigmoid(-x): 1 - sigmoid(x)})
    return sp.Add(*(sp.expand_mul(a, deep=False) for a in sp.Add.make_args(changed)))


def _quotients(expr: sp.Expr, context: Context) -> sp.Expr:
    """x / y, and 0 where x is 0: of entries, and not where numbers alone stand above."""
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    expr = expr.func(*(_quotients(a, context) for a in expr.args))
    if not isinstance(expr, sp.Mul):
        return expr
    below = [f for f in expr.args if _is_divisor(f) and not context.signs.is_away_from_zero(1 / f)]
    above = [f for f in expr.args if not _is_divisor(f) and entries(f)]
    if not below or not above:
        return expr
    rest = sp.Mul(*(f for f in expr.args if f not in (*below, *above)))
    return rest * ratio(sp.Mul(*above), 1 / sp.Mul(*below))


def _is_divisor(factor: sp.Expr) -> bool:
    return isinstance(factor, sp.Pow) and factor.exp.is_negative is True and bool(entries(factor))


# -- what is assumed --------------------------------------------------------------------------


def _promised(name: str, fact: Fact, promises: Promises) -> list[Assumption]:
    return giving(fact, promises.get(name, ()))


def _sums_to_one(term: Term, promises: Promises) -> Term:
    """Σ_i y[n, i] = 1, where nothing else depends on i."""
    return _summed(term, 1, Fact.SUM_IS_ONE, promises)


def _unit_norm(term: Term, promises: Promises) -> Term:
    """Σ_i x[n, i]² = 1, where nothing else depends on i."""
    return _summed(term, 2, Fact.SQUARES_SUM_TO_ONE, promises)


def _summed(term: Term, power: int, fact: Fact, promises: Promises) -> Term:
    for index in term.bound:
        mine = [f for f in term.factors if index in f.free_symbols]
        if len(mine) != 1:
            continue
        base, exponent = mine[0].as_base_exp()
        axes = {a.axis for a in _promised(_array(base), fact, promises)}
        if exponent == power and _places(base, index) in [(axis,) for axis in axes]:
            rest = tuple(f for f in term.factors if f is not mine[0])
            kept = tuple(k for k in term.bound if k != index)
            return _summed(Term(rest, kept), power, fact, promises)
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
        promised = _promised(_array(one), Fact.IS_ORTHOGONAL, promises)
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
    found = (n for n, known in context.promises.items() if giving(Fact.IS_SYMMETRIC, known))
    return mirrored(expr, frozenset(found))


def _positive(expr: sp.Expr, context: Context) -> sp.Expr:
    """|x| = x and sign(x) = 1."""
    known: dict[sp.Expr, sp.Expr] = {}
    for atom in entries(expr):
        if _promised(name_of(atom), Fact.IS_POSITIVE, context.promises):
            known |= {absolute(atom): atom, sign(atom): sp.S.One, step(atom): sp.S.One}
    return expr.xreplace(known)


def _signs(expr: sp.Expr, _: Context) -> sp.Expr:
    """sign(x) / |x| = 1 / x."""
    known = {a.args[0] for a in expr.atoms(sign)}
    return expr.subs({sign(x) / absolute(x): 1 / x for x in known}) if known else expr


def _idempotent(expr: sp.Expr, context: Context) -> sp.Expr:
    """y² = y, where y is 0 or 1."""
    known = {
        power: power.base
        for power in expr.atoms(sp.Pow)
        if power.exp.is_Integer
        and power.exp.is_positive
        and _promised(_array(power.base), Fact.ZEROS_AND_ONES, context.promises)
    }
    return expr.xreplace(known)


# -- the rules ------------------------------------------------------------------------------------


def _named(name: str) -> Callable[..., sp.Expr]:
    return lambda *at: entry(name, at)


_d = sp.Symbol("d", integer=True, positive=True)
i, j, q = (axis_name(k, _d) for k in range(3))
f, g, m, p, y, u, o, s, r = map(_named, "fgmpyuosr")

CONTRACT, REARRANGE = "contract δ", "rearrange"

SUMS_TO_ONE = Rule(
    "sums to one",
    _over_terms(_sums_to_one),
    law=lambda: (p(q) * sp.Sum(y(i, j), j.limits), p(q)),
    example="-np.sum(y * (x - sg.logsumexp(x, axis=1, keepdims=True)))",
    fact=Fact.SUM_IS_ONE,
    given={"y": one_hot(axis=1)},
)
RULES = (
    Rule(
        CONTRACT,
        _contract,
        law=lambda: (sp.Sum(f(i, j) * Delta(j, q), j.limits), f(i, q)),
        example="np.sum(x * f)",
    ),
    Rule(
        REARRANGE,
        _rearrange,
        law=lambda: (
            sp.Sum(p(i) * sp.Sum(f(i, j), j.limits), i.limits),
            sp.Sum(p(i) * f(i, j), i.limits, j.limits),
        ),
        example="np.sum(np.exp(np.sum(x**2)) * p * (f @ p))",
    ),
    Rule(
        "positive",
        _positive,
        law=lambda: (absolute(r(i)) * sign(r(j)), r(i)),
        example="np.sum(np.abs(r) * x)",
        fact=Fact.IS_POSITIVE,
        given={"r": positive},
    ),
    Rule(
        "x = sign(x) |x|",
        _signs,
        law=lambda: (p(q) * sign(f(i, j)) / absolute(f(i, j)), p(q) / f(i, j)),
        example="np.sum(np.log(np.abs(x)) * f)",
    ),
    Rule(
        "symmetric",
        _symmetric,
        law=lambda: (s(j, i) * f(j, q), s(i, j) * f(j, q)),
        example="np.sum(x @ s * x)",
        fact=Fact.IS_SYMMETRIC,
        given={"s": symmetric},
    ),
    SUMS_TO_ONE,
    Rule(
        "sigmoid",
        _complement,
        law=lambda: (
            (1 - f(i, j)) * sigmoid(g(i, j)) - f(i, j) * sigmoid(-g(i, j)),
            sigmoid(g(i, j)) - f(i, j),
        ),
        example="-np.sum(f * np.log(sg.sigmoid(x)) + (1 - f) * np.log(1 - sg.sigmoid(x)))",
    ),
    Rule(
        "definition",
        _fold,
        law=lambda: (1 - sp.tanh(f(i, j)) ** 2, 1 - g(i, j) ** 2),
        example="np.sum(f * (g := np.tanh(x)) + g**2)",
    ),
    SUMS_TO_ONE,
    Rule(
        "mean",
        _mean,
        law=lambda: (p(q) * sp.Sum(f(i, j) - m(i), j.limits) + p(q), p(q)),
        example="p[0] * np.sum((x - (m := np.mean(x, 1, keepdims=True))) ** 2) + np.sum(m**3)",
        says="deviations from a mean sum to 0",
    ),
    Rule(
        "zeros and ones",
        _idempotent,
        law=lambda: (y(i, j) ** 2 * p(q), y(i, j) * p(q)),
        example="np.sum((y * x) ** 2)",
        fact=Fact.ZEROS_AND_ONES,
        given={"y": one_hot(axis=1)},
    ),
    Rule(
        "unit norm",
        _over_terms(_unit_norm),
        law=lambda: (p(q) * sp.Sum(u(i, j) ** 2, j.limits), p(q)),
        example="np.sum((p[:, None, None] * u * x[0, 0]) ** 2)",
        fact=Fact.SQUARES_SUM_TO_ONE,
        given={"u": unit_norm(axis=1)},
    ),
    Rule(
        "orthogonal",
        _over_terms(_orthogonal),
        law=lambda: (sp.Sum(o(q, i) * o(q, j), q.limits), Delta(i, j)),
        example="np.sum(o @ o.T * x)",
        fact=Fact.IS_ORTHOGONAL,
        given={"o": orthogonal},
    ),
    Rule(
        "where",
        _merge,
        law=lambda: (
            select(step(p(i)), f(i, j), 0) * select(step(p(i)), g(i, j), 1)
            + select(step(p(i)), 0, g(i, j)),
            select(step(p(i)), f(i, j) * g(i, j), g(i, j)),
        ),
        example="np.sum(np.where(f > 0, x * f, x**2))",
    ),
    Rule(
        "x / y",
        _quotients,
        law=lambda: (-f(i, j) / g(i, j), -ratio(f(i, j), g(i, j))),
        example="np.sum((g := sg.softmax(x)) ** 2 - f * np.log(g))",
        says=QUOTIENT,
        past=True,
    ),
    Rule(
        "common factor",
        _collect,
        law=lambda: (f(i, j) * g(i, j) + f(i, j) * p(q), f(i, j) * (g(i, j) + p(q))),
        example="np.sum(np.exp(x * f) * np.sin(x))",
    ),
)


def simplified(
    expr: sp.Expr, context: Context, *, past: bool = False
) -> tuple[sp.Expr, list[Step]]:
    """``expr`` with every rule applied in order, and the steps that changed it.

    ``past``: it is the derivative by a value that the forward pass goes past.
    """
    steps = []
    before = canonical(expr)
    for rule in (r for r in RULES if past or not r.past):
        after = rule(before, context)
        if after != before and (after := canonical(after)) != before:
            steps.append(explained(rule.name, before, after, context))
        before = after
    return before, steps


def explained(rule: str, before: sp.Expr, after: sp.Expr, context: Context) -> Step:
    """The step that a rule took, with what it rests on."""
    return Step(rule, before, after, _BY_NAME[rule].because(before, context))


_BY_NAME = {rule.name: rule for rule in RULES}
