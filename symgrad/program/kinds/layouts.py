"""Kinds that show the same entries along other axes, or join arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy as sp

from symgrad.mathematics.equations import DType
from symgrad.mathematics.sizes import same
from symgrad.program.kinds.kind import EVERY, Kind, Result, nothing
from symgrad.program.kinds.run import Array, Run, whole
from symgrad.program.program import Op, Ref, broadcasts, labels, reshaped, size_of


def _check_view(op: Op) -> str:
    (source,) = op.reads
    mine, theirs = labels(op.axes), labels(source.axes)
    same = len(mine) == len(theirs) and set(mine) == set(theirs)
    return "" if same else "a view has the labels of its source"


VIEW = Kind(
    "view",
    "the same entries, axes reordered, unit axes put in or taken out",
    _check_view,
    lambda run, op: run.placed(op.reads[0], labels(op.axes)).reshape(run.shape(op.axes)),
    cost=nothing,
    result=Result.VIEW,
)


def _check_expand(op: Op) -> str:
    (source,) = op.reads
    return "" if broadcasts(source.axes, op.axes) else "the source does not line up"


def _run_expand(run: Run, op: Op) -> Array:
    onto = labels(op.axes)
    value = np.broadcast_to(run.placed(op.args[0], onto), run.shape(tuple(onto)))
    return value.reshape(run.shape(op.axes)).copy()


EXPAND = Kind(
    "expand",
    "the same entries, repeated along new axes",
    _check_expand,
    _run_expand,
    cost=nothing,
    result=Result.VIEW,
    own_labels=True,
)


def _check_reshape(op: Op) -> str:
    (source,) = op.reads
    pairs = reshaped(source.axes, op.axes)
    return "" if pairs is not None else "the result has not the entries of its argument in order"


RESHAPE = Kind(
    "reshape",
    "the same entries in the same order, some axes taken apart or laid out as one",
    _check_reshape,
    lambda run, op: run.values[op.reads[0].name].reshape(run.shape(op.axes)),
    cost=nothing,
    result=Result.SAME_ORDER,
    own_labels=True,
)


def _check_join(op: Op) -> str:
    (axis,) = whole(op)
    others = op.axes[:axis] + op.axes[axis + 1 :]
    stacked = op.function == "stack"
    total: sp.Expr = sp.S.Zero
    for ref in op.args:
        if not isinstance(ref, Ref):
            return "arrays are joined, not numbers"
        rest = ref.axes if stacked else ref.axes[:axis] + ref.axes[axis + 1 :]
        if rest != others or len(ref.axes) != len(op.axes) - stacked:
            return "the arrays have other axes than the result"
        total += 1 if stacked else size_of(ref.axes[axis])
    return "" if same(total, size_of(op.axes[axis])) else "the arrays do not fill the axis"


def _run_join(run: Run, op: Op) -> Array:
    (axis,) = whole(op)
    arrays = [run.operand(a) for a in op.args]
    if op.function == "stack":
        arrays = [np.expand_dims(a, axis) for a in arrays]
    return np.concatenate(arrays, axis)


def _dtype_of_join(function: str, types: Sequence[str]) -> DType:
    """What all arrays fit into."""
    if set(types) == {"bool"}:
        return "bool"
    return "int" if {*types} <= {"int", "bool"} else "float"


JOIN = Kind(
    "join",
    "arrays one after the other along the axis in detail: concatenate, or stack along a new one",
    _check_join,
    _run_join,
    own_labels=True,
    computes_with=EVERY,
    dtype=_dtype_of_join,
)

LAYOUTS = (VIEW, EXPAND, RESHAPE, JOIN)
