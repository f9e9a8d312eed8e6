"""Values without names numbered from 1 again, where laws have made some of them superfluous."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import sympy as sp

from symgrad.calculus.stability import Stable
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import entries
from symgrad.mathematics.ranges import like
from symgrad.mathematics.recurrences import Recurrent

NUMBERED = re.compile(r"t(\d+)")


def numbered(stable: Stable, typed: System) -> tuple[Stable, System]:
    """A system and what it was typed as, in both of which the values that are left come first."""
    names = _numbers(typed, (e.name for e in stable.system))
    if all(old == new for old, new in names.items()):
        return stable, typed
    steps = (
        (
            names.get(n, n),
            replace(s, before=_renamed(s.before, names), after=_renamed(s.after, names)),
        )
        for n, s in stable.steps
    )
    past = frozenset(names.get(n, n) for n in stable.past)
    system, local = (_with_names(s, names) for s in (stable.system, stable.local))
    return Stable(system, tuple(steps), past, local), _with_names(typed, names)


def _numbers(typed: System, left: Iterable[str]) -> dict[str, str]:
    """The new name of each value that has a number for a name: those that are left come first."""
    place = {e.name: k for k, e in enumerate(typed.equations)}
    ours = sorted((n for n in typed.nameless if NUMBERED.fullmatch(n)), key=place.__getitem__)
    kept = set(left)
    order = [*(n for n in ours if n in kept), *(n for n in ours if n not in kept)]
    free = sorted(ours, key=lambda n: int(n[1:]))
    return dict(zip(order, free, strict=True))


def _with_names(system: System, names: Mapping[str, str]) -> System:
    equations = (_equation(e, names) for e in system.equations)
    domain = (replace(c, of=_renamed(c.of, names)) for c in system.domain)
    return replace(system, equations=tuple(equations), domain=tuple(domain))


def _equation(equation: Equation, names: Mapping[str, str]) -> Equation:
    rhs = _renamed(equation.rhs, names)
    if isinstance(rhs, Recurrent):
        rhs = rhs.changed(names.get(rhs.source, rhs.source), rhs.start)
    backward = None if equation.backward is None else _renamed(equation.backward, names)
    return replace(
        equation, name=names.get(equation.name, equation.name), rhs=rhs, backward=backward
    )


def _renamed(expr: sp.Expr, names: Mapping[str, str]) -> sp.Expr:
    symbols = {a.base.label if isinstance(a, sp.Indexed) else a for a in entries(expr)}
    found = {s: like(s, names[s.name]) for s in symbols if names.get(s.name, s.name) != s.name}
    return expr.xreplace(found) if found else expr
