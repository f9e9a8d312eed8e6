"""Kinds that combine the entries along axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from symgrad.mathematics.equations import DType
from symgrad.program.kinds.kind import (
    EVERY,
    Kind,
    always,
    entries_of_argument,
    of_axes,
    same_axes,
)
from symgrad.program.kinds.run import Array, Run, whole
from symgrad.program.program import UNIT, Op, labels, size_of

# -- axes that are reduced ----------------------------------------------------------------------


def _check_reduced(op: Op) -> str:
    (source,) = op.reads
    gone = set(labels(source.axes)) - set(labels(op.axes))
    kept = tuple(UNIT if a in gone else a for a in source.axes)
    dropped = tuple(a for a in source.axes if a not in gone)
    fits = op.axes in ((), kept, dropped)
    return "" if fits else "axes are reduced, and others changed"


def _dtype_of_reduction(function: str, types: Sequence[str]) -> DType:
    return "bool" if set(types) == {"bool"} and function != "sum" else "float"


def _reduced(run: Run, op: Op, function: Callable[..., Array]) -> Array:
    (source,) = op.reads
    gone = tuple(k for k, a in enumerate(source.axes) if a not in op.axes)
    return function(run.values[source.name], axis=gone).reshape(run.shape(op.axes))


def _run_reduce(run: Run, op: Op) -> Array:
    return _reduced(run, op, _norm if op.function == "norm" else getattr(np, op.function))


def _norm(x: Array, axis: tuple[int, ...]) -> Array:
    """√Σ x², entry after entry as in hypot: no square is too large or too small."""
    return np.asarray(np.hypot.reduce(_flattened(x, axis), axis=-1, initial=0))


def _flattened(z: Array, axis: tuple[int, ...]) -> Array:
    others = [k for k in range(z.ndim) if k not in axis]
    return z.transpose([*others, *axis]).reshape([z.shape[k] for k in others] + [-1])


REDUCE = Kind(
    "reduce",
    "sum, max, min, prod or norm along axes, which are dropped or kept with size 1",
    _check_reduced,
    _run_reduce,
    cost=entries_of_argument,
    dtype=_dtype_of_reduction,
    any_layout=True,
    computes_with=EVERY,
    by_label=True,
)


def _check_trace(op: Op) -> str:
    axes = op.reads[0].axes
    square = len(labels(axes)) == 2 == len(axes) and size_of(axes[0]) == size_of(axes[1])
    return "" if square and not op.axes else "a trace is a number of a square matrix"


TRACE = Kind(
    "trace",
    "the sum of the entries on the diagonal of a matrix",
    _check_trace,
    lambda run, op: np.asarray(np.trace(run.values[op.reads[0].name])),
    cost=lambda op: of_axes(op.reads[0].axes[:1]),
    dtype=always("float"),
    computes_with=EVERY,
    read=lambda ref: ref.axes[:1],
    sums=True,
)


# -- sums of exponentials -----------------------------------------------------------------------


def _log_sum_exp(z: Array, axis: tuple[int, ...], *, keepdims: bool = False) -> Array:
    """Smaller terms first, each added in the logarithm."""
    total = np.logaddexp.reduce(np.sort(_flattened(z, axis), axis=-1), axis=-1)
    if not keepdims:
        return np.asarray(total)
    shape = tuple(1 if k in axis else n for k, n in enumerate(z.shape))
    return np.asarray(total).reshape(shape)


def _run_log_softmax(run: Run, op: Op) -> Array:
    """Of nothing but -∞ it is -∞, and softmax is 0."""
    z = run.values[op.reads[0].name]
    total = _log_sum_exp(z, whole(op), keepdims=True)
    return np.asarray(z - np.where(np.isneginf(total), 0, total).astype(total.dtype))


LOGSUMEXP = Kind(
    "logsumexp",
    "the logarithm of the sum of exponentials along axes, which are dropped or kept with size 1",
    _check_reduced,
    lambda run, op: _reduced(run, op, _log_sum_exp),
    cost=entries_of_argument,
    any_layout=True,
)
SOFTMAX = Kind(
    "softmax",
    "exponentials over their sum along the axes in detail",
    same_axes,
    lambda run, op: np.exp(_run_log_softmax(run, op)),
)
LOG_SOFTMAX = Kind("log_softmax", "the logarithm of softmax", same_axes, _run_log_softmax)


# -- along one axis -----------------------------------------------------------------------------


def _run_cumsum(run: Run, op: Op) -> Array:
    (axis,), value = whole(op), run.operand(op.args[0])
    lower = np.tri(value.shape[axis], dtype=value.dtype)
    return np.asarray(np.moveaxis(np.tensordot(lower, value, (1, axis)), 0, axis))


CUMSUM = Kind(
    "cumsum",
    "along the axis in detail, for each entry the sum of all up to it",
    same_axes,
    _run_cumsum,
    computes_with=EVERY,
)


def _run_products_of_others(run: Run, op: Op) -> Array:
    (axis,), value = whole(op), run.operand(op.args[0])
    others = [np.delete(value, k, axis).prod(axis) for k in range(value.shape[axis])]
    return np.stack(others, axis)


PRODUCTS_OF_OTHERS = Kind(
    "products_of_others",
    "along the axis in detail, for each entry the product of all others",
    same_axes,
    _run_products_of_others,
    computes_with=EVERY,
)


def _check_standing(op: Op) -> str:
    *outer, along = op.reads[0].axes
    left = op.axes if op.function != "argsort" else op.axes[:-1]
    fits = left == tuple(outer) and (left == op.axes or size_of(op.axes[-1]) == size_of(along))
    return "" if fits else "there is no position for each row, or for each entry of it"


def _run_standing(run: Run, op: Op) -> Array:
    value = run.operand(op.args[0])
    if op.function == "argsort":
        return np.argsort(value, axis=-1, kind="stable")
    return np.asarray(getattr(np, op.function)(value, axis=-1))


STANDING = Kind(
    "standing",
    "argmax, argmin: where the largest or smallest entry stands along the last axis; argsort: "
    "where each stands that comes next",
    _check_standing,
    _run_standing,
    cost=entries_of_argument,
    dtype=always("int"),
    own_labels=True,
)

REDUCTIONS = (REDUCE, TRACE, LOGSUMEXP, SOFTMAX, LOG_SOFTMAX, CUMSUM, PRODUCTS_OF_OTHERS,
              STANDING)  # fmt: skip
