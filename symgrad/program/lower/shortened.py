"""Steps of recurrences made short: multiples of a value of the step are written into their uses."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import sympy as sp

from symgrad.mathematics.algebra import instance
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, indices_of, is_entry, name_of
from symgrad.mathematics.recurrences import Recurrence, Recurrent, source_of


def shortened(recurrence: Recurrence) -> list[Equation]:
    """The equations of a recurrence, of which some are then in no step.

    d = a c, of a value c of the step and a that is known before, is written into its uses, where
    a b c + e f c becomes (a b + e f) c: what stands in brackets is worked out for all steps before
    the first, and d itself after the last.
    """
    table = {e.name: e for e in recurrence.equations}
    inside = frozenset(table)
    kept = {source_of(e) for e in table.values()}
    for name in [*table]:
        equation = table[name]
        if name in kept or not _is_multiple(equation, inside):
            continue
        readers = [e for e in table.values() if name in _reads(e)]
        if all(_reads_plainly(e, name) for e in readers):
            for reader in readers:
                rhs = _collected(_written_in(reader.rhs, equation), inside)
                table[reader.name] = replace(reader, rhs=rhs)
    return [*table.values()]


def _reads(equation: Equation) -> set[str]:
    return {name_of(a) for a in entries(equation.rhs)}


def _is_multiple(equation: Equation, inside: Collection[str]) -> bool:
    """Whether a value is another of the step, entry by entry, times what is known before."""
    if isinstance(equation.rhs, Recurrent) or equation.decimals is not None:
        return False
    mine = [f for f in sp.Mul.make_args(equation.rhs) if _has(f, inside)]
    return len(mine) == 1 and is_entry(mine[0]) and indices_of(mine[0]) == equation.indices


def _has(expr: sp.Expr, inside: Collection[str]) -> bool:
    return any(name_of(a) in inside for a in entries(expr))


def _reads_plainly(equation: Equation, name: str) -> bool:
    """Whether it is read as a factor of terms of the step, entry by entry."""
    if isinstance(equation.rhs, Recurrent) or equation.decimals is not None:
        return False
    for term in sp.Add.make_args(equation.rhs):
        for factor in sp.Mul.make_args(term):
            mine = [a for a in entries(factor) if name_of(a) == name]
            if mine and (not is_entry(factor) or indices_of(factor) != equation.indices):
                return False
    return True


def _written_in(expr: sp.Expr, equation: Equation) -> sp.Expr:
    atoms = (a for a in entries(expr) if name_of(a) == equation.name)
    return expr.xreplace({a: instance(equation, indices_of(a)) for a in atoms})


def _collected(expr: sp.Expr, inside: Collection[str]) -> sp.Expr:
    """A sum with one term for each product of values of the step."""
    found: dict[sp.Expr, list[sp.Expr]] = {}
    for term in sp.Add.make_args(expr):
        mine, rest = _split(term, inside)
        found.setdefault(mine, []).append(rest)
    return sp.Add(*(mine * sp.Add(*rest) for mine, rest in found.items()))


def _split(term: sp.Expr, inside: Collection[str]) -> tuple[sp.Expr, sp.Expr]:
    factors = sp.Mul.make_args(term)
    mine = [f for f in factors if _has(f, inside)]
    return sp.Mul(*mine), sp.Mul(*(f for f in factors if f not in mine))
