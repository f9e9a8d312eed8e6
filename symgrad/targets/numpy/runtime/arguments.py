"""What a generated file asks of its arguments, as far as it is the same for all files."""

# ruff: noqa: B905
# Generated files have few keywords, and these functions go into them as they stand.

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.targets.numpy.runtime.given import _ARGUMENTS, _DTYPE


def _dtype(names: Sequence[str], given: Sequence[Any]) -> Any:
    """float64 where an argument is an array of it, else float32 where one is of that."""
    kinds = [
        _ARGUMENTS[n][0] == "float" and getattr(v, "dtype", None) for n, v in zip(names, given)
    ]
    floats = {d for d in kinds if isinstance(d, np.dtype) and d.kind == "f"}
    for found in floats - {np.dtype("float32"), np.dtype("float64")}:
        raise ValueError(
            f"{names[kinds.index(found)]}: expected dtype float32 or float64, got {found}"
        )
    return np.result_type(*floats) if floats else _DTYPE


def _array(name: str, value: Any, kind: str, dtype: Any) -> Any:
    """An argument as an array of its kind; floats are of this dtype."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name}: expected an array, got a masked one")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected an array, got {error}") from None
    if array.dtype.kind not in {"float": "fiub", "int": "iu", "bool": "b"}[kind]:
        raise ValueError(f"{name}: expected dtype {kind}, got {array.dtype}")
    if kind == "int" and array.dtype == np.uint64 and array.max(initial=0) >= 2**63:
        raise ValueError(f"{name}: expected dtype int64, got {array.max()}")
    return array.astype({"float": dtype, "int": np.int64, "bool": np.bool_}[kind], copy=False)


def _check_shape(name: str, found: Any, shape: Any, sizes: dict[str, tuple[int, str]]) -> None:
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
