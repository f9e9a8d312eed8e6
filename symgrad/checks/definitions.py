"""The functions of a derivation: whether each has the values that its definition in SymPy has."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import mpmath
import sympy as sp

from symgrad.calculus import Derivation, forward_and_adjoints
from symgrad.checks.check import Check
from symgrad.mathematics.reductions import LEAVES, Leaf

DIGITS = 20
PARTS = (sp.Rational(3, 16), sp.Rational(11, 16))
"""Where in their domains functions are compared."""


def used(derivation: Derivation, table: Mapping[type[sp.Expr], Any]) -> list[type[sp.Expr]]:
    """The functions of a table that there are in a derivation."""
    equations = (*derivation.typed, *forward_and_adjoints(derivation))
    found = {type(f) for e in equations for f in e.rhs.atoms(*table)}
    return sorted(found & table.keys(), key=str)


def definitions(derivation: Derivation) -> Iterator[Check]:
    """A row for each function that has other values than its definition, which is what is read."""
    for cls in used(derivation, LEAVES):
        error = _error(LEAVES[cls])
        if not error < 10.0 ** (3 - DIGITS):
            yield Check(cls.__name__, "function = its definition", False, error)


@functools.lru_cache(maxsize=1 << 10)
def _error(leaf: Leaf) -> float:
    """The largest difference at some points of the domain."""
    if leaf.definition is None:
        return 0.0
    return max(_difference(leaf, part) for part in PARTS)


def _difference(leaf: Leaf, part: sp.Rational) -> float:
    ends = [(sp.Rational(str(low)), sp.Rational(str(high))) for low, high in leaf.domain]
    at = [low + (high - low) * part / (k + 1) for k, (low, high) in enumerate(ends)]
    assert leaf.definition is not None
    with mpmath.workdps(DIGITS):
        found = leaf.mpmath(*(mpmath.mpf(a.p) / a.q for a in at))
        defined = mpmath.mpmathify(leaf.definition(*at).evalf(DIGITS))
        return float(abs(found - defined) / max(1, abs(found)))
