"""A value less itself, or divided by itself, where it may be masked: 0 in place of NumPy's NaN."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy as sp

from symgrad.language.array import Array, made_of
from symgrad.mathematics.indices import Index, indices_of, is_entry, name_of
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.reductions import equal, less, select


def with_itself(name: str, arrays: Sequence[Array], values: Sequence[sp.Expr]) -> sp.Expr | None:
    """The difference or quotient of a value and itself where it may be masked; else None.

    A row of one entry that is masked has the softmax 0, as longer ones have, however it is typed.
    """
    if name not in ("subtract", "divide"):
        return None
    repeats = values[0] == values[1] or is_entry(arrays[1].rhs)
    if not repeats or not may_be_masked(arrays[0]):
        return None
    one, other = map(_seen_through, arrays, values)
    if one != other or one.is_number:
        return None
    if name == "subtract":
        return unless_masked(values[0], *LOG_SOFTMAX)
    if isinstance(one, sp.exp):  # it may be so small that it is 0, and is not masked
        return unless_masked(one.args[0], *SOFTMAX)
    return select(equal(values[0], 0), 0, 1)


SOFTMAX, LOG_SOFTMAX = (sp.S.One, sp.S.Zero), (sp.S.Zero, -INFINITY)
"""What they are of one entry, and of one that is masked."""


def unless_masked(x: sp.Expr, value: sp.Expr, otherwise: sp.Expr) -> sp.Expr:
    """A value, and another where ``x`` is masked."""
    return select(less(-INFINITY, x), value, otherwise)


def may_be_masked(array: Array) -> bool:
    """Whether an infinity that the spec has typed is among what an array is made of."""
    return any(_has_infinity(a) for a in made_of(array))


def _has_infinity(array: Array) -> bool:
    values = array.variable.values if array.variable is not None else None
    if isinstance(values, np.ndarray):
        return bool(np.isinf(values).any())
    return array.rhs is not None and array.rhs.has(INFINITY)


def _seen_through(array: Array, value: sp.Expr) -> sp.Expr:
    """What an entry stands for: of a sum or a maximum over one entry, what that entry is."""
    made = {a.key: a for a in made_of(array)}
    while is_entry(value) and (rhs := made[name_of(value)].rhs) is not None:
        pairs = zip(made[name_of(value)].indices, indices_of(value), strict=True)
        value = rhs.xreplace({i: at for i, at in pairs if isinstance(i, Index)})
    return value
