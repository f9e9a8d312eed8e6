"""Values that a spec types more than once without naming them: each is one value."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

import sympy as sp

from symgrad.language.array import Array
from symgrad.mathematics.algebra import canonical_equation
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries
from symgrad.mathematics.ranges import like
from symgrad.mathematics.recurrences import Recurrent


def repeated(nameless: Iterable[Array], equations: Mapping[str, Equation]) -> dict[str, str]:
    """The key of the value that was typed first, by that of each later one that equals it.

    One that the spec has a name for is left apart: the derivative by it is that by what was typed
    under this name, and not by all that equals it.
    """
    first: dict[Hashable, str] = {}
    same: dict[str, str] = {}
    for array in nameless:
        equation = equations[array.key]
        if not _can_be_shared(array, equation):
            continue
        canonical = canonical_equation(equation)
        told = (canonical.shape, _read_from(canonical.rhs, same))
        if (key := first.setdefault(told, array.key)) != array.key:
            same[array.key] = key
    return same


def _can_be_shared(array: Array, equation: Equation) -> bool:
    """Whether a value is all that its equation says: no label, nothing held, no carry."""
    held = equation.decimals is not None or equation.backward is not None or array.carried
    return array.kind == "float" and not held and not isinstance(equation.rhs, Recurrent)


def _read_from(expr: sp.Expr, same: Mapping[str, str]) -> sp.Expr:
    """The expression with the entries of the values that were typed first."""
    read = {a.base.label if isinstance(a, sp.Indexed) else a for a in entries(expr)}
    found = {symbol: like(symbol, same[symbol.name]) for symbol in read if symbol.name in same}
    return expr.xreplace(found) if found else expr
