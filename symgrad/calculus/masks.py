"""Which sums of exponentials may be of nothing but -∞: rows that are masked as a whole."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import sympy as sp

from symgrad.mathematics.equations import System
from symgrad.mathematics.indices import entries, is_entry, name_of
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.reductions import LogSumExp, select

MASKED = (
    "a row that is masked as a whole has the softmax 0 and no influence; NumPy, as typed, has nan"
)


def masked_rows(system: System) -> frozenset[str]:
    """The values in which there is a softmax whose row may be -∞ throughout."""
    constants = {v.name: v.values for v in system.variables if isinstance(v.values, np.ndarray)}
    masked: set[str] = set()
    found = set()
    for equation in system.equations:
        sums = equation.rhs.atoms(LogSumExp)
        if any(_is_masked(s.function, constants, masked) for s in sums):
            found.add(equation.name)
        if not sums and _is_masked(equation.rhs, constants, masked):
            masked.add(equation.name)
    return frozenset(found)


def _is_masked(
    expr: sp.Expr, constants: Mapping[str, np.ndarray], masked: set[str] | frozenset[str]
) -> bool:
    """Whether an expression may be -∞ all along its last axis: by a choice, a constant, a value."""
    if any(name_of(a) in masked for a in entries(expr)):
        return True
    if any(_all_of(constants.get(name_of(a)), -np.inf) for a in entries(expr)):
        return True
    if expr.is_Add and {INFINITY, -INFINITY} & set(expr.args):
        return True
    return any(_leaves_nothing(choice, constants) for choice in expr.atoms(select))


def _leaves_nothing(choice: select, constants: Mapping[str, np.ndarray]) -> bool:
    """Whether -∞ is one of the branches, and may be chosen all along."""
    condition, *branches = choice.args
    known = constants.get(name_of(condition)) if is_entry(condition) else None
    for branch, chosen in zip(branches, (True, False), strict=True):
        if branch.has(INFINITY) and (known is None or _all_of(known, chosen)):
            return True
    return False


def _all_of(values: np.ndarray | None, number: float) -> bool:
    """Whether there is a row that has nothing but this number."""
    return values is not None and values.ndim > 0 and bool((values == number).all(axis=-1).any())
