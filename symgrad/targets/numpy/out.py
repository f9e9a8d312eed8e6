"""What NumPy can write into an array that is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symgrad.program.contraction_order import cost
from symgrad.program.memory import Abilities
from symgrad.program.program import Literal, Op, Operand, Ref
from symgrad.program.scales import MANY, SMALL
from symgrad.targets.numpy.runtime.special import name_of


def has_out(op: Op) -> bool:
    """Whether NumPy can write the result of an operation into an array that is there."""
    if not op.axes:
        return False
    if op.kind == "map":
        return is_ufunc(op) or op.function in ("cast", "round", "where")
    if op.kind == "reduce":
        return op.dtype == "float" and op.function in ("sum", "max", "min", "prod", "norm")
    if op.kind == "gather":
        return len(op.reads) == 2 and sum(k is not None for k in op.detail) == 1
    if op.kind == "contract":
        return tensordot_axes(op) is None
    return op.kind in _WITH_OUT or op.function in _FUNCTIONS_WITH_OUT


_WITH_OUT = frozenset(
    (
        "matmul",
        "copy",
        "fill",
        "take",
        "join",
        "cumsum",
        "products_of_others",
        "powers",
        "loop",
        "half_inverse",
    )
)


_FUNCTIONS_WITH_OUT = frozenset(("argmax", "argmin", "inverse_by_half"))


def tensordot_axes(op: Op) -> tuple[list[int], list[int]] | None:
    """The axes over which ``np.tensordot`` contracts; None for what only ``np.einsum`` can."""
    x, y = (r.axes for r in op.reads)
    gone = [a for a in x if a in y and a not in op.axes]
    if op.axes != tuple(a for a in (*x, *y) if a not in gone):
        return None
    return [x.index(a) for a in gone], [y.index(a) for a in gone]


LONG = 32
"""Entries of a row from which on ``np.vecdot`` is quicker than ``np.einsum``.

In µs, by the one and by the other: of 1000×25 12 and 6.7, of 4096×32 20 and 23, of 256×128 2.6 and
4.7, of 256×1024 9.8 and 27 (float32, one thread).
"""


def is_of_rows(op: Op) -> bool:
    """Whether an operation multiplies two arrays row by row, and sums along the rows."""
    x, y = (r.axes for r in op.reads)
    rows = op.axes == x[:-1] and x == y and len(x) > 1
    return op.kind == "contract" and rows and cost(x[-1:]) >= LONG


def is_ufunc(op: Op) -> bool:
    """Whether an operation is a universal function of NumPy."""
    name = name_of(op.function).removeprefix("np.")
    return op.kind == "map" and isinstance(getattr(np, name, None), np.ufunc)


def written_over(op: Op) -> Sequence[Operand]:
    """The arguments over which NumPy can write the result: of ``where``, what is chosen last.

    Or what is chosen first, where the other is a number and to turn the condition costs less than
    to write that number everywhere: in µs, 8 masks of 128 by 128 for one 51, the other way 113.
    """
    if is_over_first(op):
        return op.args[1:2]
    if op.function == "where":
        return op.args[2:]
    return op.args if is_ufunc(op) else ()


def is_over_first(op: Op) -> bool:
    """Whether a number is chosen where a condition with few entries does not hold."""
    if op.function != "where" or not isinstance(op.args[2], Literal) or cost(op.axes) < MANY:
        return False
    holds, first, _ = op.args
    arrays = isinstance(holds, Ref) and isinstance(first, Ref)
    return arrays and SMALL * cost(op.reads[0].axes) <= cost(op.axes)


ABILITIES = Abilities(has_out, written_over)
"""NumPy's."""
