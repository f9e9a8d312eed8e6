"""A generated module at the example of a spec, where it has to be right too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.calculus import Derivation
from symgrad.checks.check import Check
from symgrad.checks.generated import CLOSE, float_difference
from symgrad.checks.points import Arrays, values_at
from symgrad.checks.spots import SpotChecked, as_floats
from symgrad.mathematics.equations import System

MOVED = 4
"""So many units in the last place numbers are moved, to see what rounding them makes."""

SENSITIVE = 100
"""So many times as far as its truth moves then, a value may be off."""


def at_example(
    derivation: Derivation,
    module: Any,
    given: Mapping[str, Any],
    example: Mapping[str, Any],
    decimals: Arrays,
    dtype: str = "float64",
) -> Iterator[Check]:
    """A row for each value that is not what many digits, or floats, make of the same numbers.

    ``given`` is the example as the module takes it; ``decimals`` are its values in many digits.
    """
    value, gradients = module.loss_and_gradients(**_in(dtype, derivation.system, given))
    adjoint = derivation.adjoint_name
    found = {derivation.system.output: value}
    found |= {adjoint[name]: getattr(gradients, name) for name in derivation.wrt}
    exact = {name: as_floats(decimals[name]) for name in found if name in decimals}
    exact = {name: values for name, values in exact.items() if not _overflows(values, dtype)}
    found = {n: a for n, a in found.items() if n in exact and not _is_close(a, exact[n], dtype)}
    if not found:
        return
    floats = SpotChecked(gaps=True)
    near = [values_at(derivation, e, floats) for e in _near(derivation, example, dtype)]
    for name, array in found.items():
        if not _is_rounded(array, [values.get(name) for values in near], dtype):
            error = float_difference(array, exact[name], dtype, 0.0)
            what = "generated code = equations, at the example"
            yield Check(name, what, False, error, f"differs in {dtype} by {error:.3g}")


def _overflows(values: np.ndarray, dtype: str) -> bool:
    """Whether numbers are too large for a dtype: of them nothing is asked."""
    finite = np.abs(values[np.isfinite(values)])
    return bool(np.any(finite > np.finfo(dtype).max))


def _is_close(found: Any, true: np.ndarray, dtype: str) -> bool:
    noise = float(np.finfo(dtype).tiny)
    return float_difference(found, true, dtype, noise) < CLOSE[dtype]


def _is_rounded(found: Any, near: Sequence[np.ndarray | None], dtype: str) -> bool:
    """Whether a value is what floats make of the example, or of those that are next to it."""
    true, *moved = near
    if true is None:
        return False
    reach = max(float_difference(true, m, "float64", 0.0) for m in moved)
    return float_difference(found, true.astype(dtype), dtype, 0.0) < max(
        CLOSE[dtype], SENSITIVE * reach
    )


def _in(dtype: str, system: System, given: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers with those that are floats in a dtype."""
    floats = {v.name for v in system.variables if v.dtype == "float"}
    return {n: np.asarray(x, dtype) if n in floats else x for n, x in given.items()}


def _near(
    derivation: Derivation, example: Mapping[str, Any], dtype: str
) -> Iterator[Mapping[str, Any]]:
    """The example, and with its floats moved a little: all up, all down, up and down in turn."""
    made = derivation.preparation
    system = made.before if made is not None else derivation.system
    floats = {v.name for v in system.variables if v.dtype == "float"}
    little = MOVED * float(np.finfo(dtype).eps)
    for signs in ((0, 0), (1, 1), (-1, -1), (1, -1)):
        yield {n: _moved(x, little, signs) if n in floats else x for n, x in example.items()}


def _moved(values: Any, little: float, signs: tuple[int, int]) -> np.ndarray:
    numbers = np.asarray(values, dtype=float)
    return numbers * (1 + little * np.resize(signs, numbers.shape))
