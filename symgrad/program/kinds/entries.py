"""Kinds that compute entry by entry, or count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import mpmath
import numpy as np

from symgrad.mathematics.calls import parsed
from symgrad.mathematics.equations import DType
from symgrad.mathematics.reductions import LEAVES
from symgrad.program.kinds.kind import EVERY, Kind, always, nothing, same_axes
from symgrad.program.kinds.run import Array, Run, whole
from symgrad.program.program import Literal, Op, broadcast, broadcasts, labels, size_of

BOOLEAN = {
    *("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"),
    *("logical_and", "logical_or", "logical_not"),
} | {leaf.cls.__name__ for leaf in LEAVES.values() if leaf.boolean}
"""Functions whose values are true or false."""

WHOLE = {"add", "subtract", "multiply", "negative", "maximum", "minimum", "absolute", "relu"}
"""Functions whose values are integers where their arguments are."""

_LEAVES = {leaf.cls.__name__: leaf.mpmath for leaf in LEAVES.values()}

_PARTS: dict[str, Callable[..., Any]] = {"erfcx": lambda x: mpmath.exp(x * x) * mpmath.erfc(x)}
"""Functions that NumPy lacks and that are no leaf: texts of leaves are written with them."""


@cache
def _leaf(function: str) -> Callable[..., Any] | None:
    """The mpmath function of a leaf, also by the name of what a target brings for it."""
    if function in _LEAVES or function in _PARTS or hasattr(np, function):
        return _LEAVES.get(function) or _PARTS.get(function)
    calls = ((parsed(leaf.stable), leaf.mpmath) for leaf in LEAVES.values())
    return next((f for call, f in calls if getattr(call, "function", "") == function), None)


# -- map --------------------------------------------------------------------------------------


def _check_map(op: Op) -> str:
    shapes = [r.axes for r in op.reads]
    if not all(broadcasts(axes, op.axes) for axes in shapes):
        return "an argument does not line up with the result"
    return "" if broadcast(shapes) == op.axes else "the result has other axes than its arguments"


def _dtype_of_map(function: str, types: Sequence[str]) -> DType:
    if function in BOOLEAN or (function == "multiply" and set(types) == {"bool"}):
        return "bool"
    integers = "int" in types and set(types) <= {"int", "whole"}
    return "int" if integers and function in WHOLE else "float"


def _run_map(run: Run, op: Op) -> Array:
    """Truth values are the numbers 0 and 1 here."""
    onto = labels(op.axes)
    args = [run.placed(a, onto) for a in op.args]
    if op.function == "where":
        args[0] = args[0] != 0
    if op.function == "cast":
        value = args[0].astype(run.dtype)
    elif op.function == "round":
        (decimals,) = whole(op)
        value = np.round(args[0], decimals)
    elif (leaf := _leaf(op.function)) is not None:
        value = np.vectorize(leaf, otypes=[run.dtype])(*args)
    else:
        literal = [isinstance(a, Literal) for a in op.args]
        numbers = (
            a.item() if is_literal else a for a, is_literal in zip(args, literal, strict=True)
        )
        value = getattr(np, op.function)(*numbers)
    value = np.asarray(value)
    value = value.astype(run.dtype) if value.dtype == bool else value
    return np.asarray(value.reshape(run.shape(op.axes)))


MAP = Kind(
    "map",
    "one function of entries, its arguments broadcast; detail: more arguments, as numbers",
    _check_map,
    _run_map,
    dtype=_dtype_of_map,
    computes_with=EVERY,
    by_label=True,
)


def _check_powers(op: Op) -> str:
    base = op.reads[0].axes
    fits = len(op.reads) == 1 and base == op.axes[1:] and len(whole(op)) == 1
    return "" if fits else "powers go along a new first axis, from a number on"


def _run_powers(run: Run, op: Op) -> Array:
    (first,), (count, *rest) = whole(op), run.shape(op.axes)
    exponents = first + np.arange(count)
    return np.asarray(run.values[op.reads[0].name] ** exponents.reshape(-1, *(1 for _ in rest)))


POWERS = Kind(
    "powers",
    "the powers of an argument along a new first axis: that in detail, the next one, ...",
    _check_powers,
    _run_powers,
    dtype=always("float"),
    own_labels=True,
    computes_with=EVERY,
)


# -- copies, numbers, counting ----------------------------------------------------------------


COPY = Kind(
    "copy",
    "the same entries in an array of their own",
    same_axes,
    lambda run, op: run.values[op.reads[0].name].copy(),
    by_label=True,
)


def _check_fill(op: Op) -> str:
    fits = len(op.args) == 1 and isinstance(op.args[0], Literal)
    return "" if fits else "an array is filled with one number"


FILL = Kind(
    "fill",
    "one number everywhere",
    _check_fill,
    lambda run, op: np.full(run.shape(op.axes), run.operand(op.args[0]), run.dtype),
    cost=nothing,
    dtype=always("float"),
    own_labels=True,
    of_sizes=True,
)


def _check_iota(op: Op) -> str:
    return "" if len(op.axes) == 1 and not op.args else "counting goes along one axis"


IOTA = Kind(
    "iota",
    "0, 1, 2, ... along one axis",
    _check_iota,
    lambda run, op: np.arange(run.number(size_of(op.axes[0]))),
    cost=nothing,
    dtype=always("int"),
    own_labels=True,
    of_sizes=True,
)

ENTRIES = (MAP, POWERS, COPY, FILL, IOTA)
