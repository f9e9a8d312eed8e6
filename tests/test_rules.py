"""The rules: each law is true, is what its rule does, and the order of rules does not matter."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.calculus.rules import RULES, Context, Rule, simplified
from symgrad.calculus.stability import REWRITES, Known, Rewrite
from symgrad.checks.evaluate import evaluate
from symgrad.checks.numbers import Digits
from symgrad.mathematics.algebra import canonical, freshen
from symgrad.mathematics.assumptions import Fact, drawn, giving, one_hot
from symgrad.mathematics.deltas import contract_deltas
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, entries, entry, indices_of, name_of
from symgrad.mathematics.named_values import NamedValues
from symgrad.mathematics.sums import from_terms, terms

D = sp.Symbol("d", integer=True, positive=True)
SIZES = {D: 3}
I, J, Q = (Index(name, D) for name in ("@0", "@1", "@2"))
TANH = Equation("g", (I, J), sp.tanh(entry("f", (I, J))))
MEAN = Equation("m", (I,), sp.Sum(entry("f", (I, J)), J.limits) / D)


def context(rule: Rule) -> Context:
    return Context(
        {name: (promise,) for name, promise in rule.given.items()}, NamedValues([TANH, MEAN])
    )


def environment(rule: Rule | Rewrite, sides: tuple[sp.Expr, ...]) -> dict[str, np.ndarray]:
    """Random positive numbers for every entry, those of which something is assumed by that."""
    rng = np.random.default_rng(3)
    shapes = {name_of(a): (3,) * len(indices_of(a)) for e in sides for a in entries(e)}
    env = {n: Digits().array(rng.uniform(0.5, 1.5, size=s)) for n, s in sorted(shapes.items())}
    with Digits().precision():
        env |= {
            name: Digits().array(drawn([promise], shapes[name], rng, (0.5, 1.5)))
            for name, promise in rule.given.items()
            if name in shapes
        }
    for equation in (TANH, MEAN):
        if equation.name in env and "f" in env:
            env[equation.name] = evaluate(equation.rhs, env, SIZES, Digits(), equation.indices)
    return env


def apart(rule: Rule | Rewrite, one: sp.Expr, other: sp.Expr) -> float:
    """The largest difference of two expressions at a random point."""
    free = sorted(extra(one, other), key=str)
    env = environment(rule, (one, other))
    values = [evaluate(e, env, SIZES, Digits(), free) for e in (one, other)]
    with Digits().precision():
        return float(np.max(np.abs(np.asarray(values[0] - values[1], dtype=object))))


def extra(*sides: sp.Expr) -> set[sp.Symbol]:
    return {s for e in sides for s in e.free_symbols if isinstance(s, Index)}


def proved(rule: Rule | Rewrite, before: sp.Expr, after: sp.Expr) -> bool:
    return apart(rule, before, after) < 1e-30


FACTS = (Fact.SUM_IS_ONE, Fact.IS_POSITIVE)
"""What a rewrite may know of an input."""

ALL = [*RULES, *REWRITES]


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_the_law_is_true(rule: Rule | Rewrite) -> None:
    assert proved(rule, *rule.law())


def faults(expr: sp.Expr) -> list[sp.Expr]:
    """The expression with a wrong factor, sign, index or function, or without a sum."""
    wrong = [2 * expr, -expr, expr + 1]
    free = sorted(extra(expr), key=str)
    wrong += [expr.xreplace({a: b, b: a}) for a, b in itertools.combinations(free, 2)]
    wrong += [expr.xreplace({s: s.function}) for s in expr.atoms(sp.Sum)]
    return [w for w in wrong if canonical(w) != canonical(expr) and not w.has(sp.nan)]


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_a_wrong_law_is_caught(rule: Rule | Rewrite) -> None:
    before, after = rule.law()
    planted = faults(after)
    assert planted
    for wrong in planted:
        assert not proved(rule, before, wrong), wrong


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_of_the_backward_pass_does_what_its_law_says(rule: Rule) -> None:
    before, after = rule.law()
    assert canonical(rule(before, context(rule))) == canonical(after)


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda rewrite: rewrite.name)
def test_a_rewrite_of_the_forward_pass_does_what_its_law_says(rewrite: Rewrite) -> None:
    before, after = rewrite.law()
    known = Known(
        {}, *(frozenset(n for n, a in rewrite.given.items() if giving(fact, [a])) for fact in FACTS)
    )
    found = rewrite.apply(before, known)
    assert found is not None
    assert canonical(found) == canonical(after)


ANY = Rule("any", lambda expr, _: expr, (sp.S.One, sp.S.One), "", given={"y": one_hot(axis=1)})
"""What is given where no rule in particular is looked at."""


def random_expression(rng: random.Random, depth: int = 3) -> sp.Expr:
    """A sum of products of entries, deltas and sums over a few indices."""
    indices = [Index(f"_{k}", D) for k in range(3)]
    atoms = [
        lambda: entry("a", (rng.choice([I, *indices]),)),
        lambda: entry("f", (rng.choice([I, *indices]), rng.choice([J, *indices]))),
        lambda: entry("y", (rng.choice([I, *indices]), rng.choice([J, *indices]))),
        lambda: Delta(rng.choice([I, J, *indices]), rng.choice([I, J, *indices])),
        lambda: sp.Integer(rng.choice([-2, -1, 1, 3])),
        lambda: sp.tanh(entry("f", (rng.choice([I, *indices]), J))),
    ]

    def build(level: int) -> sp.Expr:
        if not level:
            return rng.choice(atoms)()
        kind = rng.choice([sp.Add, sp.Mul, sp.Mul, sp.Sum])
        if kind is sp.Sum:
            return sp.Sum(build(level - 1), rng.choice(indices).limits)
        return kind(build(level - 1), build(level - 1))

    bound = [k.limits for k in indices]
    return freshen(sp.Sum(build(depth), *bound))


@pytest.mark.parametrize("seed", range(60))
def test_the_order_of_rules_does_not_change_the_value_and_rewriting_ends(seed: int) -> None:
    rng = random.Random(seed)
    expr = random_expression(rng)
    *rules, form = RULES  # the last one puts a result into form, and others may undo it
    orders = [rules, rules[::-1], rng.sample(rules, len(rules))]
    results = []
    for order in orders:
        result = canonical(expr)
        for _ in range(10):
            before = result
            for rule in order:
                result = canonical(rule(result, context(ANY)))
            if result == before:
                break
        else:
            pytest.fail(f"rewriting does not end: {expr}")
        assert apart(ANY, expr, result) < 1e-28
        results.append(canonical(form(result, context(ANY))))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("seed", range(20))
def test_every_step_keeps_the_value(seed: int) -> None:
    result, steps = simplified(random_expression(random.Random(100 + seed)), context(ANY))
    for step in steps:
        assert apart(ANY, step.before, step.after) < 1e-28
    assert not steps or steps[-1].after == result


def test_deltas_of_bound_indices_are_contracted() -> None:
    k, m = Index("_k", D), Index("_m", D)
    expr = sp.Sum(entry("f", (k, m)) * Delta(k, I) * Delta(m, k), k.limits, m.limits)
    result = from_terms(contract_deltas(t) for t in terms(expr))
    assert result == entry("f", (I, I))


def test_a_delta_that_may_be_out_of_range_stays() -> None:
    k = Index("_k", sp.Symbol("2", integer=True, positive=True))
    expr = sp.Sum(entry("f", (k, J)) * Delta(k + 1, I), k.limits)
    assert from_terms(contract_deltas(t) for t in terms(expr)).has(Delta)
