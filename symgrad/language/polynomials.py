"""Polynomials by their coefficients, that of the highest power first."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from symgrad.language.array import Array
from symgrad.language.constants import as_array
from symgrad.language.contractions import matmul
from symgrad.language.elementwise import elementwise
from symgrad.language.joining import concatenate, stack
from symgrad.language.padding import pad
from symgrad.language.registry import function, unsupported
from symgrad.language.sequences import convolve
from symgrad.language.shapes import atleast_1d, reshape
from symgrad.language.sizes import known_size


@function("polyval")
def polyval(p: Any, x: Any) -> Array:
    """A polynomial by its coefficients, that of the highest power first."""
    coefficients: Sequence[Any] = p if isinstance(p, (list, tuple)) else list(as_array(p))
    return as_array(functools.reduce(lambda value, c: value * x + c, coefficients))


@function("vander")
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Array:
    """The powers of each entry beside each other, the highest first."""
    array = as_array(x)
    count = known_size(array.shape[0], "np.vander of an axis") if N is None else int(N)
    powers = [array**k if k else np.ones_like(array) for k in range(count)]
    return reshape(stack(powers if increasing else powers[::-1], -1), (*array.shape, count))


def _count(p: Array) -> int:
    return known_size(p.shape[0], "the degree of a polynomial")


@function("polyadd")
def polyadd(a1: Any, a2: Any) -> Array:
    """The sum of two polynomials."""
    parts = [atleast_1d(a1), atleast_1d(a2)]
    longest = max(map(_count, parts))
    return elementwise("add", *(pad(p, ((longest - _count(p), 0),)) for p in parts))


@function("polysub")
def polysub(a1: Any, a2: Any) -> Array:
    """The difference of two polynomials."""
    return polyadd(a1, elementwise("negative", a2))


@function("polymul")
def polymul(a1: Any, a2: Any) -> Array:
    """The product of two polynomials."""
    return convolve(atleast_1d(a1), atleast_1d(a2))


@function("polyder")
def polyder(p: Any, m: int = 1) -> Array:
    """The coefficients of the derivative, or of the m-th one."""
    array = as_array(p)
    if m >= _count(array):
        raise unsupported(f"np.polyder of degree {_count(array) - 1}, {m} times,", "it is 0")
    powers = np.arange(_count(array) - 1, m - 1, -1)
    factors = np.array([math.perm(int(k), m) for k in powers])
    return elementwise("multiply", array[: len(factors)], factors)


@function("polyint")
def polyint(p: Any, m: int = 1, k: Any = None) -> Array:
    """The coefficients of an integral, that of the constant being ``k``."""
    array, constants = as_array(p), iter(atleast_1d([0.0] * m if k is None else k))
    for _ in range(m):
        powers = np.arange(_count(array), 0, -1)
        array = concatenate([array / powers, atleast_1d(next(constants))])
    return array


@function("polyfit")
def polyfit(x: Any, y: Any, deg: int) -> Array:
    """The polynomial nearest to values y at points x that are numbers, by least squares."""
    if isinstance(x, Array):
        raise unsupported(
            "np.polyfit at points that are values",
            "with a = np.vander(x, deg + 1), np.linalg.solve(a.T @ a, a.T @ y) is it",
        )
    points = np.asarray(x, dtype=float)
    return matmul(np.linalg.pinv(np.vander(points, deg + 1)), as_array(y))
