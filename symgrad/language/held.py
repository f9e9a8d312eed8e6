"""Values that are held, or differentiated, other than as their equation says."""

from __future__ import annotations

import numbers
from typing import Any

import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, describe
from symgrad.language.constants import as_array
from symgrad.mathematics.indices import axis_index


def rounded(value: Any, decimals: int = 0) -> Array:
    """``value`` held rounded: the mathematics is its own, every use reads the rounded number.

    ``decimals`` counts as in ``np.round``: half to even, and negative ones are places before the
    point.  The shape is that of ``value``.  The gradients are not the slopes of the rounded loss,
    which are 0 almost everywhere.  SpecError where ``decimals`` is no integer.
    """
    array = as_array(value)
    if not isinstance(decimals, numbers.Integral):
        raise SpecError(
            f"decimals={decimals!r} is not an integer",
            where=caller(),
            hint="sg.rounded(value, decimals=1) keeps one decimal",
        )
    inner = [axis_index(s) for s in array.sizes]
    return Array(inner, array.at(inner), [array], decimals=int(decimals))


def straight_through(value: Any, backward_as: Any) -> Array:
    """Forward ``value``; backward as if it were ``backward_as``.

    SpecError where the two differ in shape, which is that of the result.  The straight-through
    estimator of Bengio, Léonard and Courville (2013) is that of a rounded or binary value.
    """
    forward, backward = as_array(value), as_array(backward_as)
    if forward.sizes != backward.sizes:
        raise SpecError(
            f"sg.straight_through: {describe(forward)} and {describe(backward)} differ in shape",
            where=caller(),
            hint="both must have one shape",
        )
    inner = [axis_index(s) for s in forward.sizes]
    return Array(inner, forward.at(inner), [forward, backward], backward=backward.at(inner))


def stop_gradient(value: Any) -> Array:
    """``value``, of the same shape, taken as a constant in the backward pass."""
    array = as_array(value)
    inner = [axis_index(s) for s in array.sizes]
    # differentiated as the number 0 would be: any constant has the derivative 0
    return Array(inner, array.at(inner), [array], backward=sp.Integer(0))
