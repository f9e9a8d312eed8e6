"""What is zero but where an entry is the largest or smallest of its row."""

from __future__ import annotations

import sympy as sp

from symgrad.program.program import Literal, Op, Ref, stored
from symgrad.targets.c.kept import Kept, size

ROW = 8
"""Of so many entries one is rare."""

_ZERO = Literal(sp.S.Zero)
_KEPT = frozenset({"view", "expand", "slice", "copy", "reshape"})


def is_rare(kept: Kept, ref: Ref) -> bool:
    """Whether most entries of a value are zero, because few are the extreme of a row."""
    op = kept.ops.get(ref.name)
    if op is None:
        return False
    if op.kind in _KEPT:
        return is_rare(kept, op.reads[0])
    return (op.kind == "map" and any(is_rare(kept, r) for r in _zeros(op))) or _is_place(kept, op)


def _zeros(op: Op) -> tuple[Ref, ...]:
    """What makes a value zero where it is zero itself."""
    if op.function == "multiply":
        return op.reads
    if op.function == "where" and op.args[2] == _ZERO:
        return op.reads[:1]
    return op.reads[:1] if op.function in ("cast", "negative", "divide") else ()


def _is_place(kept: Kept, op: Op) -> bool:
    """Whether entries are compared with the largest or smallest of their row."""
    if op.function != "equal" or len(op.reads) != 2:
        return False
    shown = [kept.ops.get(stored(kept.ops, r).name) for r in op.reads]
    return any(
        found is not None
        and found.kind == "reduce"
        and found.function in ("max", "min")
        and stored(kept.ops, found.reads[0]).name == stored(kept.ops, other).name
        and size(found.reads[0].axes) >= ROW * size(found.axes)
        for found, other in zip(shown, reversed(op.reads), strict=True)
    )
