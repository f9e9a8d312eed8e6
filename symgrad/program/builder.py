"""Building programs: one operation at a time, none of them twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sympy as sp

from symgrad.mathematics.equations import DType, Variable
from symgrad.mathematics.indices import Index
from symgrad.mathematics.positions import Cut, Detail
from symgrad.mathematics.sizes import Size
from symgrad.program.kinds import KINDS
from symgrad.program.program import (
    UNIT,
    Axes,
    Op,
    Operand,
    Program,
    Ref,
    broadcast,
    is_temporary,
    labels,
    read_by,
)
from symgrad.program.verification import verified


class Builder:
    """Makes operations; one that is there already, up to the names of labels, is reused."""

    def __init__(self, inputs: Iterable[Variable]) -> None:
        self.inputs = tuple(inputs)
        self.ops: dict[str, Op] = {}
        self.dtypes: dict[str, DType] = {v.name: v.dtype for v in self.inputs}
        self._known: dict[object, str] = {}
        self._renamed: dict[str, str] = {}
        self._count = 0

    def add(
        self,
        kind: str,
        args: tuple[Operand, ...],
        axes: Axes,
        *,
        function: str = "",
        detail: tuple[Detail, ...] = (),
        hint: str = "",
    ) -> Ref:
        """The value of an operation: a new one, or one that is there, seen with these labels."""
        key = _key(kind, args, axes, function, detail)
        if key in self._known and kind != "copy" and not (kind == "fill" and axes):
            return self._again(self.ops[self._known[key]], args, axes)
        dtype = KINDS[kind].dtype(function, [self._type(a) for a in args])
        self._count += 1
        op = Op(f"%{self._count}", kind, args, axes, function, detail, dtype, hint)
        self.ops[op.name] = op
        self.dtypes[op.name] = dtype
        self._known[key] = op.name
        return op.ref

    def _again(self, op: Op, args: tuple[Operand, ...], axes: Axes) -> Ref:
        theirs = [a for r in op.reads for a in r.axes]
        mine = [a for r in args if isinstance(r, Ref) for a in r.axes]
        renamed = dict(zip(theirs, mine, strict=True)) | dict(
            zip(op.axes, axes, strict=True) if KINDS[op.kind].own_labels else ()
        )
        found = Ref(op.name, tuple(renamed.get(a, a) for a in op.axes))
        return self.view(found, axes)

    def knows(self, kind: str, args: tuple[Operand, ...], axes: Axes, function: str) -> bool:
        """Whether an operation is there already."""
        return _key(kind, args, axes, function, ()) in self._known

    def map(self, function: str, *args: Operand) -> Ref:
        """One elementwise function of values that are lined up with each other."""
        axes = broadcast(a.axes for a in args if isinstance(a, Ref))
        return self.add("map", args, axes, function=function)

    def view(self, source: Ref, axes: Axes) -> Ref:
        """The same entries with these axes."""
        if source.axes == axes:
            return source
        op = self.ops.get(source.name)
        if op is not None and op.kind == "slice" and is_temporary(op.name):
            kept = _with_units(op, source.axes, axes)
            if kept is not None:
                return self.add("slice", tuple(read_by(op, source.axes)), axes, detail=kept)
        if op is not None and op.kind == "view" and is_temporary(op.name):
            (inner,) = read_by(op, source.axes)
            return self.view(inner, axes)
        return self.add("view", (source,), axes)

    def _type(self, operand: Operand) -> str:
        """What an argument is, as the records of kinds ask for it."""
        if isinstance(operand, Ref):
            return self.dtypes[operand.name]
        return "whole" if operand.value.is_integer else "number"

    def name(self, ref: Ref, name: str) -> Ref:
        """Give a value its name; where it has one already, a second value is a view of it."""
        op = self.ops.get(ref.name)
        if op is None or op.name in self._renamed:
            op = self._alias(ref)
        self._renamed[op.name] = name
        return Ref(op.name, ref.axes)

    def _alias(self, ref: Ref) -> Op:
        self._count += 1
        op = Op(f"%{self._count}", "view", (ref,), ref.axes, dtype=self.dtypes[ref.name])
        self.ops[op.name] = op
        self.dtypes[op.name] = op.dtype
        return op

    def program(self, outputs: Iterable[str]) -> Program:
        """What was built, under its final names."""
        ops = tuple(self._final(op) for op in self.ops.values())
        return verified(Program(self.inputs, ops, tuple(outputs)))

    def _final(self, op: Op) -> Op:
        if op.name not in self._renamed and all(r.name not in self._renamed for r in op.reads):
            return op
        args = tuple(
            Ref(self._renamed.get(a.name, a.name), a.axes) if isinstance(a, Ref) else a
            for a in op.args
        )
        return replace(op, name=self._renamed.get(op.name, op.name), args=args)


def _with_units(op: Op, mine: Axes, wanted: Axes) -> tuple[Detail, ...] | None:
    """The parts of a slice that keeps axes of length 1 in place of those that it drops."""
    detail: list[Detail] = []
    left, new = list(mine), list(wanted)
    for part in op.detail:
        dropped = isinstance(part, Cut) and part.count is None
        if dropped and new and isinstance(part, Cut) and not _is(left, new):
            if new.pop(0) is not UNIT:
                return None
            part = Cut(part.start, part.step, UNIT)
        elif not dropped:
            if not _is(left, new):
                return None
            left.pop(0)
            new.pop(0)
        detail.append(part)
    return None if left or new else tuple(detail)


def _is(left: list[sp.Expr], new: list[sp.Expr]) -> bool:
    return bool(left) and bool(new) and left[0] == new[0]


def _key(
    kind: str,
    args: tuple[Operand, ...],
    axes: Axes,
    function: str,
    detail: tuple[Detail, ...],
) -> object:
    numbers: dict[sp.Expr, tuple[int, Size]] = {}

    def numbered(label: sp.Expr) -> object:
        if not isinstance(label, Index):
            return 1
        found = numbers.get(label)
        if found is None:
            found = numbers[label] = len(numbers), label.size
        return found

    parts = tuple(
        (a.name, tuple(map(numbered, a.axes))) if isinstance(a, Ref) else a.value for a in args
    )
    shape = tuple(map(numbered, axes))
    result = (
        frozenset(labels(axes) and {numbered(a) for a in labels(axes)})
        if KINDS[kind].any_layout
        else shape
    )
    return kind, function, detail, parts, result
