"""Norms of vectors and of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, axes_of, describe
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise
from symgrad.language.linalg import svdvals
from symgrad.language.reductions import max_, min_, sum_
from symgrad.language.registry import function, unsupported
from symgrad.language.shapes import moveaxis, ravel, reshape


@function("linalg.norm")
def norm(x: Any, ord: Any = None, axis: Any = None, *, keepdims: bool = False) -> Array:
    """Frobenius and Euclidean norms; of any order of vectors, by rows or columns of matrices."""
    array = as_array(x)
    axes = axes_of(array, axis)
    if len(axes) == 1:
        return _of_vectors(array, 2 if ord is None else ord, axes, keepdims)
    if ord in (None, "fro"):
        return elementwise("sqrt", sum_(array**2, axes, keepdims=keepdims))
    if len(axes) != 2:
        raise SpecError(
            f"np.linalg.norm with ord={ord!r} of {describe(array)}",
            where=caller(),
            hint="an order is for the norm of a vector or of a matrix: name them with axis=",
        )
    return _of_matrices(array, ord, axes, keepdims)


def _of_vectors(array: Array, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    size = elementwise("absolute", array)
    if ord == 2:
        return elementwise("sqrt", sum_(array**2, axes, keepdims=keepdims))
    if ord in (math.inf, -math.inf):
        return (max_ if ord > 0 else min_)(size, axes, keepdims=keepdims)
    if not isinstance(ord, (int, float)):
        raise unsupported(f"np.linalg.norm with ord={ord!r} of vectors", "numbers and inf are")
    if ord == 0:
        return sum_(elementwise("not_equal", array, 0).astype(float), axes, keepdims=keepdims)
    if ord == 1:
        return sum_(size, axes, keepdims=keepdims)
    # of an even order without the bars: it is smooth
    powers = array**ord if ord == int(ord) and int(ord) % 2 == 0 and ord > 0 else size**ord
    return elementwise("power", sum_(powers, axes, keepdims=keepdims), 1 / as_number(ord))


def as_number(ord: Any) -> Any:
    """The order as an exact number."""
    value = as_array(ord).rhs
    assert value is not None
    return value


_SUMS: dict[Any, tuple[Callable[..., Array], int]] = {
    1: (max_, 0), -1: (min_, 0), math.inf: (max_, 1), -math.inf: (min_, 1),
}  # fmt: skip
"""Which of the sums along columns (0) or rows (1) a norm is."""


_OF_SINGULAR_VALUES: dict[Any, Callable[[Array], Array]] = {
    2: lambda s: s[..., 0], -2: lambda s: s[..., -1], "nuc": lambda s: sum_(s, -1),
}  # fmt: skip
"""What a norm is of the singular values."""


def _of_matrices(array: Array, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Array:
    if ord in _OF_SINGULAR_VALUES:
        found = _OF_SINGULAR_VALUES[ord](svdvals(moveaxis(array, axes, (-2, -1))))
        with_ones = [1 if k in axes else d for k, d in enumerate(array.shape)]
        return reshape(found, with_ones) if keepdims else found
    if ord not in _SUMS:
        raise unsupported(
            f"np.linalg.norm with ord={ord!r} of matrices",
            "fro, nuc, 1, -1, 2, -2, inf and -inf are",
        )
    pick, along = _SUMS[ord]
    sums = sum_(elementwise("absolute", array), axes[along], keepdims=True)
    found = pick(sums, axes[1 - along], keepdims=True)
    if keepdims:
        return found
    return reshape(found, [d for k, d in enumerate(array.shape) if k not in axes])


@function("linalg.vector_norm")
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    """The norm of vectors; of all entries where no axis is named."""
    array = as_array(x)
    if axis is not None and len(axes_of(array, axis)) == 1:
        return norm(array, ord, axes_of(array, axis)[0], keepdims=keepdims)
    if axis is not None or keepdims:
        raise unsupported("np.linalg.vector_norm over several axes", "reshape before it")
    return norm(ravel(array), ord)


@function("linalg.matrix_norm")
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    """The norm of the matrices of the last two axes."""
    return norm(x, ord, (-2, -1), keepdims=keepdims)
