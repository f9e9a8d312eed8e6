"""Which values of a program have memory, and which are computed where they are read."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import sympy as sp

from symgrad.mathematics.sizes import fixed
from symgrad.program.kinds import KINDS
from symgrad.program.program import Axes, Op, Program, is_temporary, labels, size_of

_SEEN = frozenset({"view", "expand", "slice", "windows", "fill", "iota", "eye"})
"""Kinds that are read in place: what they show costs nothing to find."""

_SUMMED = frozenset({"contract", "matmul", "trace", "reduce"})
"""Kinds that are combined in a loop where they are read, if there are few numbers in it."""

FEW = 4096
"""So many at most: larger ones go along memory by rows, or to a library."""

AGAIN, BROAD = 4, 8
"""What has so many times the entries that it is computed from is computed so often again."""

_ONCE = frozenset({"map", "gather", "take", "diagonal", "triangle"})
"""Kinds that are computed where they are read, if that is once for each entry."""


def length(axis: sp.Expr) -> int:
    """How many entries there are along an axis."""
    found = fixed(size_of(axis))
    assert found is not None, "sizes are bound before"
    return found


def shape_of(axes: Axes) -> tuple[int, ...]:
    """The lengths of axes."""
    return tuple(map(length, axes))


def size(axes: Iterable[sp.Expr]) -> int:
    """How many entries there are along axes together."""
    return math.prod(map(length, axes))


class Kept:
    """The values that have memory, and in whose memory those lie that change others.

    ``root``: the value that had the memory first.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ops = {o.name: o for o in program.ops}
        self.changed = {o.reads[0].name for o in program.ops if KINDS[o.kind].changes}
        self.flattened = {o.reads[0].name for o in program.ops if o.kind == "reshape"}
        self.readers: dict[str, list[Op]] = defaultdict(list)
        for op in program.ops:
            for name in dict.fromkeys(r.name for r in op.reads):
                self.readers[name].append(op)
        self.lazy: set[str] = set()
        self.times: dict[str, int] = {}
        for op in reversed(program.ops):
            if self._is_lazy(op):
                self.lazy.add(op.name)
                self.times[op.name] = points(op) if op.kind in _SUMMED else self._reads(op.name)
            else:
                self.times[op.name] = points(op)
        self.root: dict[str, str] = {v.name: v.name for v in program.inputs}
        for op in program.ops:
            if op.name not in self.lazy:
                shares = KINDS[op.kind].changes or self.is_alias(op)
                self.root[op.name] = self.root[op.reads[0].name] if shares else op.name

    def is_alias(self, op: Op) -> bool:
        """Whether a value is the same entries in the same order as one that is stored."""
        return op.kind == "reshape" and op.name not in self.program.outputs

    def _is_lazy(self, op: Op) -> bool:
        if op.name in self.program.outputs or op.name in self.changed | self.flattened:
            return False
        if op.kind in _SEEN or _is_subscript(op):
            return True
        if not is_temporary(op.name):
            return False
        often = _is_outer(op) or op.function == "equal"  # where an extreme is: no mask in memory
        again = AGAIN if often else 1 if self._is_read_once(op) else 0
        return self._reads(op.name) <= again * size(op.axes)

    def _is_read_once(self, op: Op) -> bool:
        """Whether one value reads another, which is not worth memory therefore."""
        if self.program.uses[op.name] > 1:
            return False
        if op.kind not in _ONCE and not self._is_summed_there(op):
            return False
        return op.kind != "take" or op.reads[0].name not in self.changed

    def _is_summed_there(self, op: Op) -> bool:
        """Whether a sum is computed inside the loops of its reader."""
        small = op.kind in _SUMMED and op.function != "norm" and points(op) <= FEW
        return small and all(r.kind in ("map", "view", "expand") for r in self.readers[op.name])

    def _reads(self, name: str) -> int:
        """How many entries are computed of a value that is computed where it is read."""
        return max((self.times[o.name] for o in self.readers[name]), default=0)


def _is_outer(op: Op) -> bool:
    """Whether each entry is a number more or less, or so many times, than another in few places.

    Such as all differences of two arrays: they are computed again sooner than read.
    """
    quick = op.kind == "map" and op.function in ("add", "subtract", "multiply", "negative")
    return quick and size(op.axes) >= BROAD * sum(size(r.axes) for r in op.reads)


def _is_subscript(op: Op) -> bool:
    return op.kind == "gather" and len(op.reads) == 1


def points(op: Op) -> int:
    """How often the body of an operation's loops is run."""
    if op.kind in ("place", "scatter"):
        return size(labels(_values(op)))
    together = (op.axes, *(r.axes for r in op.reads))
    known = dict.fromkeys(a for axes in together for a in labels(axes))
    return size(known) if op.kind in ("contract", "matmul", "reduce", "trace") else size(op.axes)


def _values(op: Op) -> Axes:
    return op.reads[1].axes if len(op.reads) > 1 else ()
