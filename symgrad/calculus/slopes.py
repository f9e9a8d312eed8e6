"""The slope along a direction, of what second derivatives compute anyhow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import sympy as sp

from symgrad.calculus.derivation import Derivation
from symgrad.mathematics.algebra import canonical_equation, freshen, summed
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import entries, entry, is_entry, name_of
from symgrad.mathematics.recurrences import Recurrent
from symgrad.mathematics.reductions import select


def slope_of_tangents(derivation: Derivation) -> Equation | None:
    """The slope Σ dW v as Σ b λ: a backward pass u = A u + b, and λ, the derivatives by u.

    The first pass back need not come to its end then: b is what it starts with, and what is added
    on its way.  None where the output is no such slope, where some λ is not there, or where the
    second derivatives are told by the slope itself, such as that of exp(2 s), which is 2 dL/ds.
    """
    system = derivation.system
    output, names = system[system.output], {name for name, _, _ in system.slopes}
    known = {a.value: a.equation.name for a in derivation.adjoints if not a.past}
    backward = {name: known[name] for name in names if name in known}
    if not backward or output.indices or _is_read(output.name, derivation):
        return None
    parts = [*_started(system, backward)]
    return None if None in parts else canonical_equation(Equation(output.name, (), sp.Add(*parts)))


def _is_read(name: str, derivation: Derivation) -> bool:
    """Whether derivatives are written by a value."""
    found = (e for adjoint in derivation.adjoints for e in adjoint.equations)
    return any(name_of(a) == name for e in found for a in entries(e.rhs))


def _started(system: System, backward: Mapping[str, str]) -> Iterator[sp.Expr | None]:
    """What each part of the pass adds to the slope; None where it is not known.

    ``backward``: the derivatives by each part, by its name.
    """
    unknown, wanted = _unknown(system, backward), {system.output}
    for equation in reversed(system.equations):
        if equation.name not in wanted or equation.name not in {system.output, *backward}:
            continue
        wanted |= _reads(equation)
        known = equation.backward is None and unknown.isdisjoint(_reads(equation))
        start = _start(equation.rhs, backward) if known else None
        if equation.name == system.output or start is None:
            yield start
        elif start != 0:
            yield _total(equation, start, backward[equation.name])


def _unknown(system: System, backward: Collection[str]) -> set[str]:
    """The values that depend on parts of the pass and are none, such as those of other steps."""
    others = [e for e in system.equations if e.name not in {*backward, system.output}]
    found: set[str] = set()
    while more := {e.name for e in others if not _reads(e).isdisjoint({*backward, *found})} - found:
        found |= more
    return found


def _reads(equation: Equation) -> set[str]:
    """What an equation reads, of this step or of another."""
    sources = {r.source for r in equation.rhs.atoms(Recurrent)}
    return {name_of(a) for a in entries(equation.rhs)} | sources


def _total(equation: Equation, start: sp.Expr, derivative: str) -> sp.Expr:
    """Σ b λ over all entries."""
    factor = equation.lhs if start == equation.rhs else freshen(start)
    return summed(factor * entry(derivative, equation.indices), equation.indices)


def _start(expr: sp.Expr, backward: Collection[str]) -> sp.Expr | None:
    """What is left where all values of the backward pass are 0; None where they are no terms."""
    if not any(name_of(a) in backward for a in entries(expr)):
        return expr
    if is_entry(expr):
        return sp.S.Zero
    kind = next((k for k in _STARTS if isinstance(expr, k)), None)
    return None if kind is None else _STARTS[kind](expr, backward)


def _of_sum(expr: sp.Add, backward: Collection[str]) -> sp.Expr | None:
    parts = [_start(a, backward) for a in expr.args]
    return None if None in parts else sp.Add(*parts)


def _of_product(expr: sp.Mul, backward: Collection[str]) -> sp.Expr | None:
    inside = [a for a in expr.args if _start(a, backward) != a]
    start = _start(inside[0], backward) if len(inside) == 1 else None
    rest = sp.Mul(*(a for a in expr.args if a not in inside))
    return None if start is None else rest * start


def _of_total(expr: sp.Sum, backward: Collection[str]) -> sp.Expr | None:
    start = _start(expr.function, backward)
    return start if start in (None, 0) else sp.Sum(start, *expr.limits)


def _of_choice(expr: select, backward: Collection[str]) -> sp.Expr | None:
    """Where the choice itself does not depend on them, and both branches begin with 0."""
    condition, *branches = expr.args
    known = _start(condition, backward) == condition
    return sp.S.Zero if known and {_start(b, backward) for b in branches} == {0} else None


_STARTS: Mapping[type[sp.Expr], Callable[..., sp.Expr | None]] = {
    sp.Add: _of_sum, sp.Mul: _of_product, sp.Sum: _of_total, select: _of_choice,
}  # fmt: skip
