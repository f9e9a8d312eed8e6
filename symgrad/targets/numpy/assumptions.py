"""Assumptions, as generated files check them: what of an input has to be how large."""

# mypy: allow-untyped-defs, allow-untyped-calls
# Generated files have no types, and these functions go into them as they stand.

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from symgrad.mathematics.assumptions import Assumption
from symgrad.mathematics.equations import Variable


def _one_hot(x, axis, tolerance):
    """Entries, and their sums."""
    yield "{name}[{at}]", x, np.minimum(np.abs(x), np.abs(x - 1)) <= tolerance
    yield from _sums_to_one(x, axis, tolerance)


def _sums_to_one(x, axis, tolerance):
    """Sums, which are as exact as their largest terms."""
    total, size = x.sum(axis, keepdims=True), np.abs(x).sum(axis, keepdims=True)
    yield "the sum of {name}[{at}]", total, np.abs(total - 1) <= tolerance * size


def _unit_norm(x, axis, tolerance):
    """Sums of squares."""
    total = np.square(x).sum(axis, keepdims=True)
    yield "the sum of the squares of {name}[{at}]", total, np.abs(total - 1) <= tolerance


def _orthogonal(x, axis, tolerance):
    """Products of columns."""
    product = np.swapaxes(x, -1, -2) @ x
    fits = np.abs(product - np.eye(x.shape[-1])) <= tolerance
    yield "transpose times {name}, at [{at}],", product, fits


def _symmetric(x, axis, tolerance):
    """Entries and their mirror images, as exact as the largest entry of the matrix."""
    change = x - np.swapaxes(x, -1, -2)
    size = np.abs(x).max((-1, -2), keepdims=True, initial=0)
    yield "{name}[{at}] less its mirror image", change, np.abs(change) <= tolerance * size


def _positive(x, axis, tolerance):
    """Entries."""
    yield "{name}[{at}]", x, x > 0


CHECKS: dict[str, Callable[..., Any]] = {
    f.__name__.removeprefix("_"): f
    for f in (_one_hot, _sums_to_one, _unit_norm, _orthogonal, _symmetric, _positive)
}
"""For each assumption the text, the values, and whether they are right up to rounding.

``tolerance`` is for sums over ``axis``; sums and entries that are not finite are never right.
"""

_CALLS = {"one_hot": "sums_to_one"}


def assumed(variables: Iterable[Variable]) -> list[tuple[str, Assumption]]:
    """Every assumption, with the input that it is made of."""
    return [(v.name, a) for v in variables if v.role != "constant" for a in v.assumptions]


def sources(kinds: Iterable[str]) -> list[str]:
    """The texts of the functions that check assumptions of these kinds."""
    wanted = set(kinds)
    wanted |= {_CALLS[kind] for kind in wanted & _CALLS.keys()}
    return [inspect.getsource(f).strip() for kind, f in CHECKS.items() if kind in wanted]
