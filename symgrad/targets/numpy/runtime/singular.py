"""What a generated file says of a matrix that has no inverse."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from symgrad.targets.numpy.runtime.given import _SHAPES

P = ParamSpec("P")
R = TypeVar("R")


def _naming(function: Callable[P, R]) -> Callable[P, R]:
    """The function; where NumPy finds no inverse or no factor, it says of what."""

    @functools.wraps(function)
    def named(*args: P.args, **options: P.kwargs) -> R:
        try:
            return function(*args, **options)
        except np.linalg.LinAlgError as error:
            given: dict[str, Any] = {**dict(zip(_SHAPES, args, strict=False)), **options}
            arrays = {name: np.asarray(given[name]) for name in _SHAPES if name in given}
            square = {n: a for n, a in arrays.items() if a.ndim > 1 and a.shape[-1] == a.shape[-2]}
            names = [n for n, a in square.items() if (np.linalg.matrix_rank(a) < len(a.T)).any()]
            of = ", ".join(names) or f"a value made of {', '.join(arrays)}"
            why = "its inverse is needed, as for a derivative of log|det| or a second one of det; "
            why = f": {why}a little added to the diagonal gives it one" * ("ngular" in str(error))
            raise np.linalg.LinAlgError(f"{of}: {error}{why}") from error

    return named
