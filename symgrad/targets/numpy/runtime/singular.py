"""What a generated file says of a matrix that has no inverse."""

# mypy: allow-untyped-defs, allow-untyped-calls
# Generated files have no types, and this function goes into them as it stands.

from __future__ import annotations

import functools

import numpy as np

_ARGUMENTS: dict[str, object] = {}


def _naming(function):
    """The function; where NumPy finds no inverse or no factor, it says of what."""

    @functools.wraps(function)
    def named(*args, **options):
        try:
            return function(*args, **options)
        except np.linalg.LinAlgError as error:
            given = {**dict(zip(_ARGUMENTS, args, strict=False)), **options}
            arrays = {name: np.asarray(given[name]) for name in _ARGUMENTS}
            square = {n: a for n, a in arrays.items() if a.ndim > 1 and a.shape[-1] == a.shape[-2]}
            names = [n for n, a in square.items() if (np.linalg.matrix_rank(a) < len(a.T)).any()]
            of = ", ".join(names) or f"a value made of {', '.join(arrays)}"
            raise np.linalg.LinAlgError(f"{of}: {error}") from error

    return named
