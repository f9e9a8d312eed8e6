"""Forward rewrites that keep numbers finite: each is an equation, shown as a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from symgrad.calculus import exponentials, logarithms, squares
from symgrad.calculus.definitions import Known, resolved
from symgrad.mathematics import reductions as leaves
from symgrad.mathematics.algebra import BINDERS, canonical, canonical_equation, freshen, instance
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import Index, entries, indices_of, name_of
from symgrad.mathematics.matrices import DeterminantValue, LogAbsDeterminant
from symgrad.mathematics.reductions import LogSumExp, xlogy
from symgrad.mathematics.steps import Step


@dataclass(frozen=True)
class Rewrite:
    """A law ``before = after``, and the function that applies it at the root of an expression.

    ``apply`` answers None where the law does not fit.  It may look up what a named value is.
    ``heads`` are the classes of the expressions that it may fit, where there is one of ``needs``
    in them or in what they name.
    """

    name: str
    law: tuple[sp.Expr, sp.Expr]
    apply: Callable[[sp.Expr, Known], sp.Expr | None]
    heads: frozenset[type[sp.Expr]]
    needs: frozenset[type[sp.Expr]]
    because: str = ""


def _probability_log(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """x log(y) = xlogy(x, y) where x may be 0: a probability, or a factor of y."""
    for factor in expr.args:
        for addend in sp.Add.make_args(factor):
            coefficient, log = addend.as_coeff_Mul()
            x = _zero_of(expr, log, known) if isinstance(log, sp.log) else None
            if x is not None:
                others = sp.Mul(*(f for f in expr.args if f not in (factor, x)))
                return others * (coefficient * _x_log(x, log.args[0]) + x * (factor - addend))
    return None


def _x_log(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    """x log(y), 0 where x is 0, even where y is a quotient 0 / 0 there."""
    if y != x and x in sp.Mul.make_args(y):
        return leaves.rel_entr(x, x / y)
    return xlogy(x, y)


def _zero_of(expr: sp.Expr, log: sp.Expr, known: Known) -> sp.Expr | None:
    """The factor of x log(y) where the product is 0 though the logarithm may be infinite."""
    for x in expr.args:
        promised = isinstance(x, sp.Indexed) and name_of(x) in known.probabilities
        if promised or (entries(x) and x in sp.Mul.make_args(log.args[0])):
            return x
    return None


def _log_determinant(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log |det A|, which is finite where the determinant itself is too large or too small."""
    inside = resolved(expr.args[0], known)
    if not isinstance(inside, leaves.absolute):
        return None
    det = resolved(inside.args[0], known)
    return det.elsewhere(LogAbsDeterminant) if isinstance(det, DeterminantValue) else None


def _same_branches(expr: sp.Expr, _: Known) -> sp.Expr | None:
    """where(c, x, x) = x."""
    return expr.args[1] if expr.args[1] == expr.args[2] else None


def _laws() -> dict[str, tuple[sp.Expr, sp.Expr]]:
    size = sp.Symbol("d", integer=True, positive=True)
    i, k = Index("i", size), Index("k", size)
    array, other = sp.IndexedBase("x", real=True), sp.IndexedBase("y", real=True)
    x, y, c = array[i], other[i], 1 - leaves.equal(array[i], other[i])
    total, mean = sp.Sum(sp.exp(array[k]), k.limits), sp.Sum(array[k], k.limits) / size
    log_total = LogSumExp(array[k], k.limits)
    squares = sp.Sum(array[k] ** 2, k.limits)
    matrix = (array[i] * other[k] + sp.KroneckerDelta(i, k), i.limits, k.limits)
    deviations = sp.Sum((array[k] - sp.Sum(array[i], i.limits) / size) ** 2, k.limits)
    return {
        "softmax": (sp.exp(x) / total, sp.exp(x - log_total)),
        "tanh of exponentials": ((sp.exp(x) - sp.exp(y)) / (sp.exp(x) + sp.exp(y)),
                                 sp.tanh((x - y) / 2)),
        "tanh of cosh": (sp.sinh(x) / sp.cosh(x), sp.tanh(x)),
        "sigmoid": (sp.exp(x) / (sp.exp(x) + sp.exp(y)), leaves.sigmoid(x - y)),
        "sigmoid of softplus": (sp.exp(-leaves.softplus(x)), leaves.sigmoid(-x)),
        "one minus sigmoid": (1 - leaves.sigmoid(x), leaves.sigmoid(-x)),
        "tanh of sigmoid": (2 * leaves.sigmoid(2 * x) - 1, sp.tanh(x)),
        "log of a product": (sp.log(sp.exp(x) / (1 + y**2)), x + sp.log(1 / (1 + y**2))),
        "log-sum-exp": (sp.log(total), log_total),
        "softplus": (sp.log(1 + sp.exp(x)), leaves.softplus(x)),
        "softplus of parts": (leaves.relu(x) + leaves.softplus(-leaves.absolute(x)),
                              leaves.softplus(x)),
        "log-sigmoid": (sp.log(leaves.sigmoid(x)), -leaves.softplus(-x)),
        "log-determinant": (sp.log(leaves.absolute(DeterminantValue(*matrix))),
                            LogAbsDeterminant(*matrix)),
        "variance": (squares / size - mean**2, deviations / size),
        "norm": (sp.sqrt(squares), leaves.Norm(array[k], k.limits)),
        "root of squares": (sp.sqrt(x**2 + y**2), leaves.root(x**2 + y**2)),
        "expm1": (sp.exp(x) - 1, leaves.expm1(x)),
        "log1p": (sp.log(1 + x**2), leaves.log1p(x**2)),
        "x log y": (x**2 * sp.log(y**2), xlogy(x**2, y**2)),
        "equal branches": (leaves.select(c, x, x), x),
    }  # fmt: skip


LAW = _laws()
_PRODUCTS, _SUMS = frozenset({sp.Mul, sp.Pow}), frozenset({sp.Add})
_EXP, _COSH, _POW = frozenset({sp.exp}), frozenset({sp.cosh}), frozenset({sp.Pow})
_LOG, _SIGMOID = frozenset({sp.log, leaves.log1p}), frozenset({leaves.sigmoid})
_SOFTPLUS, _SELECT = frozenset({leaves.softplus}), frozenset({leaves.select})
_ADDENDS = _LOG | {sp.Add, sp.Mul}
_LOGISTIC = _SIGMOID | {sp.tanh}
_DET = frozenset({DeterminantValue})
_MUL, _PLAIN_LOG = frozenset({sp.Mul}), frozenset({sp.log})
REWRITES = (
    Rewrite("log-determinant", LAW["log-determinant"], _log_determinant, _PLAIN_LOG, _DET),
    Rewrite("tanh", LAW["tanh of exponentials"], exponentials.tanh_quotient, _PRODUCTS, _EXP),
    Rewrite("tanh", LAW["tanh of cosh"], exponentials.tanh_of_cosh, _PRODUCTS, _COSH),
    Rewrite("softmax", LAW["softmax"], exponentials.softmax, _PRODUCTS, _EXP),
    Rewrite("sigmoid", LAW["sigmoid"], exponentials.sigmoid_quotient, _PRODUCTS, _EXP),
    Rewrite("softplus", LAW["softplus"], logarithms.log_of_addends, _ADDENDS, _LOG),
    Rewrite("sigmoid", LAW["sigmoid of softplus"], exponentials.sigmoid_of_softplus,
            _EXP, _SOFTPLUS),
    Rewrite("sigmoid", LAW["one minus sigmoid"], exponentials.one_minus_sigmoid, _SUMS, _SIGMOID),
    Rewrite("tanh", LAW["tanh of sigmoid"], exponentials.tanh_of_sigmoid, _SUMS, _SIGMOID),
    Rewrite("log of a product", LAW["log of a product"], logarithms.split_log, _ADDENDS, _LOG),
    Rewrite("log-sum-exp", LAW["log-sum-exp"], logarithms.log_of_sums, _ADDENDS, _LOG),
    Rewrite("softplus", LAW["softplus"], logarithms.log_of_addends, _ADDENDS, _LOG),
    Rewrite("log-sigmoid", LAW["log-sigmoid"], logarithms.log_of_sigmoid, _ADDENDS, _LOGISTIC),
    Rewrite("softplus", LAW["softplus of parts"], exponentials.softplus_of_parts, _SUMS, _SOFTPLUS),
    Rewrite("where", LAW["equal branches"], _same_branches, _SELECT, _SELECT),
    Rewrite("variance", LAW["variance"], squares.variance, _SUMS, _POW),
    Rewrite("norm", LAW["norm"], squares.norm, _POW, _POW,
            "where a norm is 0, its derivative is taken as 0"),
    Rewrite("norm", LAW["root of squares"], squares.root_of_squares, _POW, _POW,
            "where a norm is 0, its derivative is taken as 0"),
    Rewrite("expm1", LAW["expm1"], exponentials.exp_minus_one, _SUMS, _EXP),
    Rewrite("log1p", LAW["log1p"], logarithms.log_of_one_plus, _PLAIN_LOG, _LOG),
    Rewrite("x log y", LAW["x log y"], _probability_log, _MUL, _LOG,
            "x log y is taken as 0 where x is 0"),
)  # fmt: skip


def stabilised(system: System) -> tuple[System, tuple[tuple[str, Step], ...]]:
    """The system with each law applied wherever it fits, and the steps that did it."""
    done: dict[str, Equation] = {}
    positive = _promised(system, "positive") | _positive_constants(system)
    known = Known(done, _promised(system, "one_hot", "sums_to_one"), positive)
    steps: list[tuple[str, Step]] = []
    seen: set[type] = set()
    for equation in system.equations:
        seen |= _classes(equation.rhs)
        for step in _steps(equation.rhs, known, seen):
            steps.append((equation.name, step))
            equation = canonical_equation(replace(equation, rhs=step.after))
        done[equation.name] = equation
    live = _live(system, done)
    names = {e.name for e in live}
    gone = {e.name: e for e in system.equations if e.name not in names}
    shown = ((n, _without(gone, s)) for n, s in steps if n in names)
    return replace(system, equations=live), tuple((n, s) for n, s in shown if s.before != s.after)


def _steps(rhs: sp.Expr, known: Known, seen: set[type]) -> Iterator[Step]:
    """Every law applied to a right-hand side in turn; ``seen`` gets the classes that it has."""
    before = freshen(rhs)  # so that no bound index can be captured
    for rewrite in REWRITES:
        if seen.isdisjoint(rewrite.needs):
            continue
        after = _everywhere(before, rewrite, known)
        if after != before and (plain := canonical(after)) != rhs:
            yield Step(rewrite.name, rhs, plain, rewrite.because)
            rhs, before = plain, freshen(plain)
            seen |= _classes(plain)


def _classes(expr: sp.Expr) -> set[type]:
    return set(map(type, sp.preorder_traversal(expr)))


def _without(gone: Mapping[str, Equation], step: Step) -> Step:
    """A step without the names of equations that are no longer there."""
    before, after = _written_out(step.before, gone), _written_out(step.after, gone)
    return replace(step, before=before, after=after)


def _written_out(expr: sp.Expr, gone: Mapping[str, Equation]) -> sp.Expr:
    """``expr`` without the names of equations that are no longer there."""
    while found := {
        atom: instance(gone[name_of(atom)], indices_of(atom))
        for atom in entries(expr)
        if name_of(atom) in gone
    }:
        expr = canonical(expr.xreplace(found))
    return expr


def _promised(system: System, *kinds: str) -> frozenset[str]:
    """The inputs that an assumption of one of these kinds is made of."""
    promises = ((v.name, {a.kind for a in v.assumptions}) for v in system.variables)
    return frozenset(name for name, made in promises if made & set(kinds))


def _positive_constants(system: System) -> frozenset[str]:
    constants = (v for v in system.variables if isinstance(v.values, np.ndarray))
    return frozenset(v.name for v in constants if (np.asarray(v.values) > 0).all())


def _everywhere(expr: sp.Expr, rewrite: Rewrite, known: Known) -> sp.Expr:
    """The law applied at every place, outermost first, so that a quotient is seen whole."""
    while type(expr) in rewrite.heads:
        found = rewrite.apply(expr, known)
        if found is None or found == expr:
            break
        expr = found
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    if isinstance(expr, BINDERS):
        body = _everywhere(expr.function, rewrite, known)
        return expr if body is expr.function else expr.func(body, *expr.args[1:])
    parts = [_everywhere(a, rewrite, known) for a in expr.args]
    return expr if parts == list(expr.args) else expr.func(*parts)


def _live(system: System, equations: Mapping[str, Equation]) -> tuple[Equation, ...]:
    """The equations without those that only the compiler named and that nothing reads any more."""
    live = {system.output, *(n for n in equations if n not in system.invented)}
    for equation in reversed(tuple(equations.values())):
        if equation.name in live:
            live |= equation.reads | {name_of(a) for a in entries(equation.rhs)}
    return tuple(e for e in equations.values() if e.name in live)
