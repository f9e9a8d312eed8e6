"""Forward rewrites that keep numbers finite: each is an equation, shown as a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from symgrad.algebra import BINDERS, bound_of, canonical, canonical_equation, freshen, instance
from symgrad.equations import Equation, System
from symgrad.indices import Index, entries, indices_of, name_of
from symgrad.leaves import AxisMax, LogSumExp, xlogy
from symgrad.steps import Step


@dataclass(frozen=True)
class Known:
    """The equations of before, and the inputs whose entries are probabilities."""

    equations: Mapping[str, Equation]
    probabilities: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rewrite:
    """A law ``before = after``, and the function that applies it at the root of an expression.

    ``apply`` answers None where the law does not fit.  It may look up what a named value is.
    """

    name: str
    law: tuple[sp.Expr, sp.Expr]
    apply: Callable[[sp.Expr, Known], sp.Expr | None]
    because: str = ""


def definition(atom: sp.Expr, known: Known) -> sp.Expr | None:
    """The right-hand side of a named value at the indices of ``atom``; None for an input."""
    is_entry = isinstance(atom, (sp.Indexed, sp.Symbol))
    equation = known.equations.get(name_of(atom)) if is_entry else None
    if equation is None or equation.decimals is not None or equation.backward is not None:
        return None
    return instance(equation, indices_of(atom))


def resolved(expr: sp.Expr, known: Known) -> sp.Expr:
    """``expr``, or what it stands for where it is the name of a value."""
    found = definition(expr, known)
    return expr if found is None else resolved(found, known)


def _exponent(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """u where ``expr`` is exp(u), under any name."""
    value = resolved(expr, known)
    return _unshifted(value.args[0], known) if isinstance(value, sp.exp) else None


def _unshifted(exponent: sp.Expr, known: Known) -> sp.Expr:
    """The sum, written out where a name hides a shift by a maximum, or a log-sum-exp."""
    return sp.Add(*(_without_shift(t, known) for t in sp.Add.make_args(exponent)))


def _without_shift(addend: sp.Expr, known: Known) -> sp.Expr:
    coefficient, value = addend.as_coeff_Mul()
    written = resolved(value, known)
    if isinstance(written, (AxisMax, LogSumExp)):
        return coefficient * written
    if _is_shifted(written, known):
        return coefficient * sp.Add(*(_without_shift(t, known) for t in sp.Add.make_args(written)))
    return addend


def _is_shifted(expr: sp.Expr, known: Known) -> bool:
    addends = [resolved(t.as_coeff_Mul()[1], known) for t in sp.Add.make_args(expr)]
    return len(addends) > 1 and any(isinstance(t, AxisMax) for t in addends)


def _sum_of_exps(expr: sp.Expr, known: Known) -> tuple[sp.Expr, sp.Expr] | None:
    """(c, log Σ exp) where ``expr`` is c Σ exp(u), under any name, with c a number or a size."""
    coefficient, total = _scale(resolved(expr, known))
    total = resolved(total, known)
    if not isinstance(total, sp.Sum):
        return None
    bound = bound_of(total)
    scale, body = _scale(total.function)
    exponents = [_exponent(f, known) for f in sp.Mul.make_args(body)]
    if any(u is None for u in exponents) or scale != 1:
        return None
    return coefficient, log_sum_exp(sp.Add(*exponents), bound)


def _scale(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The positive numbers and sizes among the factors, and the rest."""
    positive = [f for f in sp.Mul.make_args(expr) if f.is_positive and not entries(f)]
    rest = [f for f in sp.Mul.make_args(expr) if f not in positive]
    return sp.Mul(*positive), sp.Mul(*rest)


def log_sum_exp(exponent: sp.Expr, bound: tuple[Index, ...]) -> sp.Expr:
    """log Σ exp(u + c) = c + log Σ exp(u), where c is free of the sum."""
    free = [t for t in sp.Add.make_args(exponent) if not t.free_symbols & set(bound)]
    rest = [t for t in sp.Add.make_args(exponent) if t.free_symbols & set(bound)]
    return sp.Add(*free, LogSumExp(sp.Add(*rest), *(k.limits for k in bound)))


def _log(expr: sp.Expr, known: Known) -> sp.Expr | None:
    if isinstance(expr, sp.Add):
        parts = [_scaled_log(t, known) for t in expr.args]
        return None if parts == list(expr.args) else _unshifted(sp.Add(*parts), known)
    found = _scaled_log(expr, known)
    return None if found == expr else found


def _scaled_log(expr: sp.Expr, known: Known) -> sp.Expr:
    """A number times the logarithm of a sum of exponentials, rewritten; else the same."""
    coefficient, log = expr.as_coeff_Mul()
    if not isinstance(log, sp.log):
        return expr
    found = _sum_of_exps(log.args[0], known)
    return expr if found is None else coefficient * (sp.log(found[0]) + found[1])


def _log_of_exp(expr: sp.Expr, known: Known) -> sp.Expr | None:
    if not isinstance(expr, sp.log):
        return None
    exponents = [_exponent(f, known) for f in sp.Mul.make_args(expr.args[0])]
    return None if any(u is None for u in exponents) else sp.Add(*exponents)


def _quotient(expr: sp.Expr, known: Known) -> sp.Expr | None:
    factors = list(sp.Mul.make_args(expr))
    for factor in factors:
        if not (isinstance(factor, sp.Pow) and factor.exp.is_number and factor.exp.is_negative):
            continue
        found = _sum_of_exps(factor.base, known)
        if found is None:
            continue
        coefficient, total = found
        rest = [f for f in factors if f is not factor]
        exponents = [(f, _exponent(f, known)) for f in rest]
        plain = [f for f, u in exponents if u is None]
        power = sp.Add(factor.exp * total, *(u for _, u in exponents if u is not None))
        return _weighted(plain, power, coefficient**factor.exp)
    return None


def _weighted(plain: list[sp.Expr], power: sp.Expr, coefficient: sp.Expr) -> sp.Expr:
    """exp(power) · plain; inside of a sum of exponentials, so that no part of it overflows."""
    for n, factor in enumerate(plain):
        if isinstance(factor, sp.Sum) and factor.function.has(sp.exp):
            inside = freshen(factor)
            body = sp.Sum(inside.function * sp.exp(power), *inside.limits)
            return sp.Mul(coefficient, *plain[:n], body, *plain[n + 1 :])
    return sp.Mul(coefficient, *plain, sp.exp(power))


def _probability_log(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """x log(y) → xlogy(x, y) where x is a probability that may be 0."""
    if not isinstance(expr, sp.Mul):
        return None
    for log in expr.args:
        if isinstance(log, sp.log):
            for x in expr.args:
                if x == log.args[0] or _is_probability(x, known):
                    rest = [f for f in expr.args if f not in (log, x)]
                    return sp.Mul(*rest, xlogy(x, log.args[0]))
    return None


def _is_probability(x: sp.Expr, known: Known) -> bool:
    return isinstance(x, sp.Indexed) and name_of(x) in known.probabilities


def _index(name: str) -> Index:
    return Index(name, sp.Symbol("d", integer=True, positive=True))


def _laws() -> dict[str, tuple[sp.Expr, sp.Expr]]:
    i, k = _index("i"), _index("k")
    x, y = sp.IndexedBase("x", real=True), sp.IndexedBase("y", real=True)
    total = sp.Sum(sp.exp(x[k]), k.limits)
    log_total = LogSumExp(x[k], k.limits)
    return {
        "softmax": (sp.exp(x[i]) / total, sp.exp(x[i] - log_total)),
        "log-sum-exp": (sp.log(total), log_total),
        "log of exp": (sp.log(sp.exp(x[i]), evaluate=False), x[i]),
        "x log y": (x[i] * sp.log(y[i]), xlogy(x[i], y[i])),
    }


_LAW = _laws()
REWRITES = (
    Rewrite("softmax", _LAW["softmax"], _quotient),
    Rewrite("log-sum-exp", _LAW["log-sum-exp"], _log),
    Rewrite("log of exp", _LAW["log of exp"], _log_of_exp),
    Rewrite("x log y", _LAW["x log y"], _probability_log, "x log y is taken as 0 where x is 0"),
)


def stabilised(system: System) -> tuple[System, tuple[tuple[str, Step], ...]]:
    """The system with each law applied wherever it fits, and the steps that did it."""
    done: dict[str, Equation] = {}
    known = Known(done, _probabilities(system))
    steps: list[tuple[str, Step]] = []
    for equation in system.equations:
        for rewrite in REWRITES:
            after = _everywhere(equation.rhs, rewrite, known)
            after = after if after == equation.rhs else canonical(after)
            if after != equation.rhs:
                steps.append(
                    (equation.name, Step(rewrite.name, equation.rhs, after, rewrite.because))
                )
                equation = canonical_equation(replace(equation, rhs=after))
        done[equation.name] = equation
    live = _live(system, done)
    names = {e.name for e in live}
    gone = {e.name: e for e in system.equations if e.name not in names}
    shown = ((n, replace(s, before=_written_out(s.before, gone))) for n, s in steps if n in names)
    return replace(system, equations=live), tuple(shown)


def _written_out(expr: sp.Expr, gone: Mapping[str, Equation]) -> sp.Expr:
    """``expr`` without the names of equations that are no longer there."""
    while found := {
        atom: instance(gone[name_of(atom)], indices_of(atom))
        for atom in entries(expr)
        if name_of(atom) in gone
    }:
        expr = canonical(expr.xreplace(found))
    return expr


def _probabilities(system: System) -> frozenset[str]:
    kinds = {"one_hot", "sums_to_one"}
    return frozenset(v.name for v in system.variables if kinds & {a.kind for a in v.assumptions})


def _everywhere(expr: sp.Expr, rewrite: Rewrite, known: Known) -> sp.Expr:
    """The law applied at every place, outermost first, so that a quotient is seen whole."""
    found = rewrite.apply(expr, known)
    expr = expr if found is None else found
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    if isinstance(expr, BINDERS):
        return expr.func(_everywhere(expr.function, rewrite, known), *expr.args[1:])
    parts = [_everywhere(a, rewrite, known) for a in expr.args]
    return expr if parts == list(expr.args) else expr.func(*parts)


def _live(system: System, equations: Mapping[str, Equation]) -> tuple[Equation, ...]:
    """The equations without those that only the compiler named and that nothing reads any more."""
    live = {system.output, *(n for n in equations if n not in system.invented)}
    for equation in reversed(equations.values()):
        if equation.name in live:
            live |= equation.reads | {name_of(a) for a in entries(equation.rhs)}
    return tuple(e for e in equations.values() if e.name in live)
