"""Arrays of numbers that a spec makes: of sizes that may be names, and that it may write into."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import sympy as sp

from symgrad.errors import caller
from symgrad.language.array import Array
from symgrad.language.constants import as_array, constant
from symgrad.language.inputs import checked_size
from symgrad.language.registry import unsupported
from symgrad.language.shapes import broadcast_to
from symgrad.language.sizes import as_tuple
from symgrad.mathematics.equations import DType
from symgrad.mathematics.indices import axis_index
from symgrad.mathematics.piecewise import equal, less_equal
from symgrad.mathematics.sizes import Size, as_size, fixed

_KINDS: dict[str, DType] = {"f": "float", "i": "int", "u": "int", "b": "bool"}


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Array:
    """One number everywhere, where ``np.full`` can't be used: sizes may be names.

    Values of the spec can be written into it.  SpecError where a size is none.
    """
    sizes = [_size(d, "full") for d in as_tuple(shape)]
    value = as_array(fill_value)
    if value.rhs is None or value.inputs or value.ndim:
        return broadcast_to(value, sizes).twin()
    kind = value.kind if dtype is None else _KINDS[np.dtype(dtype).kind]
    return Array([axis_index(s) for s in sizes], value.rhs, dtype=kind)


def zeros(shape: Any, dtype: Any = float) -> Array:
    """Zeros, where ``np.zeros`` can't be used: sizes may be names, and it can be written into.

    ``dtype``: float, int or bool.  SpecError where a size is neither a positive int nor a name.
    """
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = float) -> Array:
    """Ones, where ``np.ones`` can't be used: sizes may be names, and it can be written into.

    ``dtype``: float, int or bool.  SpecError where a size is neither a positive int nor a name.
    """
    return full(shape, 1, dtype)


def counted(start: Any, stop: Any = None, step: int = 1, dtype: Any = None) -> Array:
    """What ``np.arange`` answers with, for bounds that are named sizes, in steps of 1."""
    if step != 1:
        raise unsupported(f"np.arange in steps of {step} of a named size", "multiply: 2 * arange")
    if stop is None:
        start, stop = 0, start
    index = axis_index(_size(as_size(stop) - as_size(start) if start != 0 else stop, "arange"))
    first = as_size(start) if start != 0 else sp.Integer(0)
    kind = "int" if dtype is None else _KINDS[np.dtype(dtype).kind]
    return Array([index], index + first, dtype=kind)


def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = float) -> Array:
    """Ones on a diagonal, where ``np.eye`` can't be used: sizes may be names.

    ``sg.eye("V")[y]`` has a row for each label.  ``k`` is how far right of the main one the
    diagonal is.  SpecError where a size is neither a positive int nor a name.
    """
    rows, columns = _size(N, "eye"), _size(N if M is None else M, "eye")
    kind = _KINDS[np.dtype(dtype).kind]
    height, width = fixed(rows), fixed(columns)
    if height is not None and width is not None and (k or rows != columns):
        return constant(np.eye(height, width, k, dtype))
    row, column = axis_index(rows), axis_index(columns)
    if k or rows != columns or kind == "bool":
        return Array([row, column], equal(row + k, column), dtype=kind)
    return Array([row, column], sp.KroneckerDelta(row, column), dtype=kind)


def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = float) -> Array:
    """Ones on and below a diagonal, of sizes that may be names, as ``np.tri`` has them."""
    row, column = axis_index(_size(N, "tri")), axis_index(_size(N if M is None else M, "tri"))
    kind = _KINDS[np.dtype(dtype).kind]
    return Array([row, column], less_equal(column, row + k), dtype=kind)


def array(values: Any) -> Array:
    """Nested lists of values of the spec and of numbers as one value.

    SpecError where they are not of one shape.
    """
    return as_array(values).twin() if isinstance(values, Array) else as_array(values)


def _size(dimension: Any, what: str) -> Size:
    if isinstance(dimension, sp.Expr) and not dimension.is_Symbol:
        return as_size(dimension)
    if isinstance(dimension, numbers.Integral):
        return checked_size(int(dimension), what, caller())
    return checked_size(dimension, what, caller())
