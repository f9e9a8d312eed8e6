"""Small numbers that are added so that nothing is divided by 0, in a spec or in a program alone."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

import sympy as sp

from symgrad import calculus
from symgrad.audit.reference import Reference
from symgrad.audit.source import Source
from symgrad.audit.wording import Change
from symgrad.face import public_face
from symgrad.mathematics.equations import System

IN_LOGARITHMS, ELSEWHERE = sp.Rational(1, 10**5), sp.Rational(1, 10**6)
"""How large they may be.  People write `log(p + 1e-5)` and take p - y for its gradient; a variance
has 1e-5 added too, and a pass that leaves that out is off by as much as central differences show.
"""


def settled(reference: Reference, right: Callable[[Reference], float]) -> Reference:
    """The reference with which most gradients are right, with or without them."""
    numbers = sorted({n for e in reference.system for _, n in _guards(e.rhs)})
    derivation = reference.derivation
    most = right(reference) if numbers else len(derivation.wrt)
    if most == len(derivation.wrt):
        return reference
    also = [name for name in derivation.gradients if name not in derivation.wrt]
    system = _without(reference.system)
    derived = calculus.derive(system, derivation.wrt, also=also, final=True)
    told = " and ".join(f"{float(n):g}" for n in numbers)
    remark = f"these are the gradients of the loss without the {told} that the spec adds"
    without = Reference(public_face(derived), [remark])
    without.two_valued = reference.two_valued
    return without if right(without) > most else reference


def _without(system: System) -> System:
    equations = [replace(e, rhs=_bare(e.rhs)) for e in system]
    return replace(system, equations=tuple(equations))


def _bare(formula: sp.Expr) -> sp.Expr:
    """A formula without them; those in what is left of it too."""
    while found := {total: total - number for total, number in _guards(formula)}:
        formula = formula.xreplace(found)
    return formula


def _guards(formula: sp.Expr) -> Iterator[tuple[sp.Expr, sp.Rational]]:
    """The sums with such a number, and the number."""
    in_logarithms = {log.args[0] for log in formula.atoms(sp.log)}
    for total in formula.atoms(sp.Add):
        number, _ = total.as_coeff_Add()
        if 0 < abs(number) <= (IN_LOGARITHMS if total in in_logarithms else ELSEWHERE):
            yield total, number


def of_program(source: Source) -> tuple[list[Change], str]:
    """The changes that put 0 for such numbers of a program, and the remark if it is right then."""
    constants = (n for n in ast.walk(source.tree) if isinstance(n, ast.Constant))
    numbers = [(n, n.value) for n in constants if isinstance(n.value, float)]
    small = sorted((p for p in numbers if 0 < p[1] <= ELSEWHERE), key=lambda p: p[0].lineno)
    told = dict.fromkeys(f"{value:g} in {source.named(n.lineno)}" for n, value in small)
    changes = [(*source.span(n), "0.0") for n, _ in small]
    return changes, f"right but for numbers that the spec does not add: {', '.join(told)}"
