"""Arguments, checked: a ValueError that names the one that does not fit."""

# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: B905
# Generated files have no types and few keywords, and these functions go into them as they stand.

from __future__ import annotations

import numpy as np

from symgrad.targets.numpy.runtime.given import _ARGUMENTS, _DTYPE


def _array(name, value):
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name}: expected an array, got a masked one")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected an array, got {error}") from None


def _dtype(given):
    """float64 where an argument is an array of it, else float32 where one is of that."""
    floats = {}
    for (name, (kind, _)), value in zip(_ARGUMENTS.items(), given):
        found = getattr(value, "dtype", None)
        if kind == "float" and isinstance(found, np.dtype) and found.kind == "f":
            floats[name] = found
    for name, found in floats.items():
        if found not in (np.float32, np.float64):
            raise ValueError(f"{name}: expected dtype float32 or float64, got {found}")
    return np.result_type(*floats.values()) if floats else np.dtype(_DTYPE)


def _check_kind(name, found, kind):
    if found.kind not in {"float": "fiub", "int": "iu", "bool": "b"}[kind]:
        raise ValueError(f"{name}: expected dtype {kind}, got {found}")


def _check_shape(name, found, shape, sizes):
    """Compare a shape with the expected one; a named size is what its first array has."""
    told = f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
    if len(found) != len(shape):
        raise ValueError(f"{name}: expected shape {told}, got {found}")
    for size, expected in zip(found, shape):
        number, why = expected, ""
        if isinstance(expected, str):
            number, first = sizes.setdefault(expected, (size, name))
            why = f" with {expected} = {number} as in {first}"
        if size != number:
            raise ValueError(f"{name}: expected shape {told}{why}, got {found}")
