"""Forward rewrites that keep numbers finite: each is an equation, shown as a step."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from symgrad.calculus import exponentials, logarithms, pieces, squares
from symgrad.calculus.definitions import Known, resolved
from symgrad.calculus.derivation import positive_inputs
from symgrad.calculus.rewrite import Rewrite
from symgrad.mathematics import reductions as leaves
from symgrad.mathematics.algebra import BINDERS, canonical, canonical_equation, freshen, instance
from symgrad.mathematics.assumptions import Fact, giving, positive, sums_to_one
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import Index, entries, indices_of, name_of
from symgrad.mathematics.matrices import DeterminantValue, LogAbsDeterminant
from symgrad.mathematics.recurrences import Recurrent, all_reads, leading_to
from symgrad.mathematics.reductions import LogSumExp, xlogy
from symgrad.mathematics.sampled import is_one_function
from symgrad.mathematics.steps import Step


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


# -- the laws -------------------------------------------------------------------------------------

_size = sp.Symbol("d", integer=True, positive=True)
i, k = Index("i", _size), Index("k", _size)
_x, _y = sp.IndexedBase("x", real=True), sp.IndexedBase("y", real=True)
x, y = _x[i], _y[i]


def _over_k(body: sp.Expr) -> sp.Expr:
    return sp.Sum(body, k.limits)


def _matrix(cls: type[sp.Expr]) -> sp.Expr:
    return cls(x * _y[k] + sp.KroneckerDelta(i, k), i.limits, k.limits)


_PRODUCTS, _SUMS = frozenset({sp.Mul, sp.Pow}), frozenset({sp.Add})
_EXP, _COSH, _POW = frozenset({sp.exp}), frozenset({sp.cosh}), frozenset({sp.Pow})
_LOG, _SIGMOID = frozenset({sp.log, leaves.log1p}), frozenset({leaves.sigmoid})
_SOFTPLUS, _SELECT = frozenset({leaves.softplus}), frozenset({leaves.select})
_ADDENDS = _LOG | {sp.Add, sp.Mul}
_LOGISTIC = _SIGMOID | {sp.tanh}
_KINKS = frozenset({leaves.absolute, leaves.clip_above})
_DET = frozenset({DeterminantValue})
_OTHER_LOGS = frozenset({leaves.log2, leaves.log10})
_MUL, _PLAIN_LOG = frozenset({sp.Mul}), frozenset({sp.log})

_NORM = "where a norm is 0, its derivative is taken as 0"
_TANH, _BOUNDS = frozenset({sp.cosh, sp.tanh}), frozenset({leaves.clip_above})
SOFTPLUS = Rewrite(
    "softplus",
    logarithms.log_of_addends,
    lambda: (sp.log(1 + sp.exp(x)), leaves.softplus(x)),
    _ADDENDS,
    _LOG,
)
LOG_COSH = Rewrite(
    "log cosh",
    logarithms.log_of_cosh,
    lambda: (sp.log(1 - sp.tanh(x) ** 2), -2 * leaves.log_cosh(x)),
    _ADDENDS,
    _TANH,
)
REWRITES = (
    Rewrite(
        "log-determinant",
        _log_determinant,
        lambda: (sp.log(leaves.absolute(_matrix(DeterminantValue))), _matrix(LogAbsDeterminant)),
        _PLAIN_LOG,
        _DET,
    ),
    Rewrite(
        "relu",
        exponentials.relu_of_parts,
        lambda: (x + leaves.absolute(x), 2 * leaves.relu(x)),
        _SUMS,
        _KINKS,
    ),
    LOG_COSH,
    Rewrite(
        "bound",
        exponentials.bounded_exp,
        lambda: (
            leaves.clip_above(sp.exp(x), sp.Integer(3)),
            sp.exp(leaves.clip_above(x, sp.log(3))),
        ),
        _BOUNDS,
        _EXP,
    ),
    Rewrite(
        "tanh",
        exponentials.tanh_quotient,
        lambda: ((sp.exp(x) - sp.exp(y)) / (sp.exp(x) + sp.exp(y)), sp.tanh((x - y) / 2)),
        _PRODUCTS,
        _EXP,
    ),
    Rewrite(
        "tanh",
        exponentials.tanh_of_cosh,
        lambda: (sp.sinh(x) / sp.cosh(x), sp.tanh(x)),
        _PRODUCTS,
        _COSH,
    ),
    Rewrite(
        "softmax",
        exponentials.softmax,
        lambda: (sp.exp(x) / _over_k(sp.exp(_x[k])), sp.exp(x - LogSumExp(_x[k], k.limits))),
        _PRODUCTS,
        _EXP,
    ),
    Rewrite(
        "sigmoid",
        exponentials.sigmoid_quotient,
        lambda: (sp.exp(x) / (sp.exp(x) + sp.exp(y)), leaves.sigmoid(x - y)),
        _PRODUCTS,
        _EXP,
    ),
    SOFTPLUS,
    Rewrite(
        "sigmoid",
        exponentials.sigmoid_of_softplus,
        lambda: (sp.exp(-leaves.softplus(x)), leaves.sigmoid(-x)),
        _EXP,
        _SOFTPLUS,
    ),
    Rewrite(
        "sigmoid",
        exponentials.one_minus_sigmoid,
        lambda: (1 - leaves.sigmoid(x), leaves.sigmoid(-x)),
        _SUMS,
        _SIGMOID,
        spares=exponentials.mixed,
    ),
    Rewrite(
        "tanh",
        exponentials.tanh_of_sigmoid,
        lambda: (2 * leaves.sigmoid(2 * x) - 1, sp.tanh(x)),
        _SUMS,
        _SIGMOID,
    ),
    Rewrite(
        "base of a logarithm",
        logarithms.log_to_base,
        lambda: (leaves.log2(leaves.sigmoid(x)), sp.log(leaves.sigmoid(x)) / sp.log(2)),
        _OTHER_LOGS,
        _OTHER_LOGS,
    ),
    LOG_COSH,
    Rewrite(
        "log of a choice",
        logarithms.log_of_choice,
        lambda: (
            sp.log(leaves.select(leaves.less(x, y), sp.exp(x), sp.exp(y))),
            leaves.select(leaves.less(x, y), sp.log(sp.exp(x)), sp.log(sp.exp(y))),
        ),
        _PLAIN_LOG,
        _SELECT,
    ),
    Rewrite(
        "log of a product",
        logarithms.split_log,
        lambda: (sp.log(sp.exp(x) / (1 + y**2)), x + sp.log(1 / (1 + y**2))),
        _ADDENDS,
        _LOG,
    ),
    Rewrite(
        "log-sum-exp",
        logarithms.log_of_sums,
        lambda: (sp.log(_over_k(sp.exp(_x[k]))), LogSumExp(_x[k], k.limits)),
        _ADDENDS,
        _LOG,
    ),
    Rewrite(
        "log-sum-exp",
        logarithms.log_of_weighted_sums,
        lambda: (
            sp.log(_over_k(_y[k] ** 2 * sp.exp(_x[k]))),
            leaves.LogSum(_y[k] ** 2 * sp.exp(_x[k]), k.limits),
        ),
        _ADDENDS,
        _LOG,
    ),
    SOFTPLUS,
    Rewrite(
        "log-sigmoid",
        logarithms.log_of_sigmoid,
        lambda: (sp.log(leaves.sigmoid(x)), -leaves.softplus(-x)),
        _ADDENDS,
        _LOGISTIC,
    ),
    Rewrite(
        "softplus",
        exponentials.softplus_of_parts,
        lambda: (leaves.relu(x) + leaves.softplus(-leaves.absolute(x)), leaves.softplus(x)),
        _SUMS,
        _SOFTPLUS,
    ),
    Rewrite(
        "where",
        _same_branches,
        lambda: (leaves.select(1 - leaves.equal(x, y), x, x), x),
        _SELECT,
        _SELECT,
    ),
    Rewrite(
        "variance",
        squares.variance,
        lambda: (
            _over_k(_x[k] ** 2) / _size - (_over_k(_x[k]) / _size) ** 2,
            _over_k((_x[k] - sp.Sum(x, i.limits) / _size) ** 2) / _size,
        ),
        _SUMS,
        _POW,
    ),
    Rewrite(
        "norm",
        squares.norm,
        lambda: (sp.sqrt(_over_k(_x[k] ** 2)), leaves.Norm(_x[k], k.limits)),
        _POW,
        _POW,
        _NORM,
    ),
    Rewrite(
        "norm",
        squares.root_of_squares,
        lambda: (sp.sqrt(x**2 + y**2), leaves.root(x**2 + y**2)),
        _POW,
        _POW,
        _NORM,
    ),
    Rewrite(
        "norm",
        squares.root_of_powers,
        lambda: (
            (x**4 + y**4) ** sp.Rational(1, 4),
            leaves.root_of(x**4 + y**4, sp.Rational(1, 4)),
        ),
        _POW | {leaves.cbrt},
        _POW | {leaves.absolute},
        _NORM,
    ),
    Rewrite(
        "cosine",
        squares.cosine,
        lambda: (
            _over_k(_x[k] * _y[k]) / (leaves.Norm(_x[k], k.limits) * leaves.Norm(_y[k], k.limits)),
            _over_k(
                leaves.normed(_x[k], leaves.Norm(_x[k], k.limits))
                * leaves.normed(_y[k], leaves.Norm(_y[k], k.limits))
            ),
        ),
        frozenset({sp.Mul}),
        _POW,
        "what is divided by its norm is taken as 0 where it is 0",
    ),
    Rewrite(
        "expm1", exponentials.exp_minus_one, lambda: (sp.exp(x) - 1, leaves.expm1(x)), _SUMS, _EXP
    ),
    Rewrite(
        "elu",
        pieces.elu,
        lambda: (
            leaves.relu(x) + leaves.clip_above(leaves.expm1(x), 0),
            leaves.select(leaves.step(x), x, leaves.expm1(x)),
        ),
        _SUMS,
        frozenset({leaves.clip_above}),
    ),
    Rewrite(
        "log1p",
        logarithms.log_of_one_plus,
        lambda: (sp.log(1 + x**2), leaves.log1p(x**2)),
        _PLAIN_LOG,
        _LOG,
    ),
    Rewrite(
        "x log y",
        logarithms.probability_log,
        lambda: (x * sp.log(y), xlogy(x, y)),
        _MUL,
        _LOG,
        "x log y is taken as 0 where x is 0",
        {"x": sums_to_one(axis=0), "y": positive},
    ),
)


@dataclass(frozen=True)
class Stable:
    """A system with each law applied wherever it fits, and the steps that did it.

    ``past`` are the values that a law went past: with their equations' help it made an expression
    that reads what they are made of.  As a function of such a value alone, the output of ``system``
    is not that of the spec.  ``local`` is the spec's own system, rewritten only where a law needs
    no equation of another value: there every value is used as it was typed.
    """

    system: System
    steps: tuple[tuple[str, Step], ...]
    past: frozenset[str]
    local: System


def stabilised(system: System, closed: Collection[str] = ()) -> Stable:
    """The system with each law applied wherever it fits; none goes past the values ``closed``."""
    equations, steps, opened = _rewritten(system, closed)
    live = _live(system, equations)
    names = {e.name for e in live}
    gone = {e.name: e for e in system.equations if e.name not in names}
    shown = ((n, _without(gone, s)) for n, s in steps if n in names)
    stable = replace(system, equations=live)
    return Stable(
        stable,
        tuple((n, s) for n, s in shown if s.before != s.after),
        opened & names,
        _as_typed(system, gone) if opened else stable,
    )


def _as_typed(system: System, gone: Mapping[str, Equation]) -> System:
    """The system without the equations ``gone``, its laws applied one equation at a time."""
    kept = (
        canonical_equation(replace(e, rhs=_written_out(e.rhs, gone)))
        for e in system.equations
        if e.name not in gone
    )
    system = replace(system, equations=tuple(kept))
    equations, _, _ = _rewritten(system, [e.name for e in system.equations])
    return replace(system, equations=tuple(equations.values()))


def _rewritten(
    system: System, closed: Collection[str]
) -> tuple[dict[str, Equation], list[tuple[str, Step]], frozenset[str]]:
    """The equations after all laws, the steps, and the values that these went past."""
    done: dict[str, Equation] = {}
    positive = positive_inputs(system)
    known = Known(done, _promised(system, Fact.SUM_IS_ONE), positive, frozenset(closed))
    steps: list[tuple[str, Step]] = []
    seen: set[type] = set()
    for equation in system.equations:
        seen |= _classes(equation.rhs)
        for step in _steps(equation.rhs, known, seen):
            steps.append((equation.name, step))
            equation = canonical_equation(replace(equation, rhs=step.after))
        done[equation.name] = equation
    return done, steps, frozenset(known.opened)


def _steps(rhs: sp.Expr, known: Known, seen: set[type]) -> Iterator[Step]:
    """Every law applied to a right-hand side in turn; ``seen`` gets the classes that it has."""
    if isinstance(rhs, Recurrent):
        return
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


def _promised(system: System, fact: Fact) -> frozenset[str]:
    """The inputs of which the spec promises a fact."""
    return frozenset(v.name for v in system.variables if giving(fact, v.assumptions))


def _everywhere(expr: sp.Expr, rewrite: Rewrite, known: Known) -> sp.Expr:
    """The law applied at every place, outermost first, so that a quotient is seen whole."""
    while type(expr) in rewrite.heads:
        found, past = _applied(rewrite, expr, known)
        if found is None or found == expr:
            break
        known.opened.update(past)
        expr = found
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    if isinstance(expr, BINDERS):
        body = _everywhere(expr.function, rewrite, known)
        return expr if body is expr.function else expr.func(body, *expr.args[1:])
    spared = rewrite.spares(expr)
    parts = [a if a in spared else _everywhere(a, rewrite, known) for a in expr.args]
    return expr if parts == list(expr.args) else expr.func(*parts)


def _applied(rewrite: Rewrite, expr: sp.Expr, known: Known) -> tuple[sp.Expr | None, set[str]]:
    """What a law makes of an expression, and the values that it goes past in doing so."""
    looking = replace(known, opened=set())
    found = rewrite.apply(expr, looking)
    if found is None:
        return None, set()
    return found, {name for name in looking.opened if _goes_past(name, expr, found, looking)}


def _goes_past(name: str, before: sp.Expr, after: sp.Expr, known: Known) -> bool:
    """Whether the two are one function only where a value is what its equation says."""
    others = {n: known.equations[n] for n in known.opened if n != name}
    return not is_one_function(_written_out(before, others), _written_out(after, others))


def _live(system: System, equations: Mapping[str, Equation]) -> tuple[Equation, ...]:
    """The equations without those that only the compiler named and that nothing reads any more."""
    kept = {system.output, *(n for n in equations if n not in system.invented)}
    live = leading_to(equations.values(), kept, lambda e: {*e.reads} | all_reads(e))
    return tuple(e for e in equations.values() if e.name in live)
