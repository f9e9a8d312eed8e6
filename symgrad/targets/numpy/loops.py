"""Loops over the steps of a recurrence: what stands before them, their heads, and one step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Protocol

from symgrad.program.kinds import KINDS
from symgrad.program.loop import Loop, plain, results
from symgrad.program.memory import Plan
from symgrad.program.program import Axes, Op, Program, Ref, is_temporary
from symgrad.targets.about import WIDTH
from symgrad.targets.expressions import Precedence, Text
from symgrad.targets.identifiers import Locals
from symgrad.targets.statements import Assignment, Statement
from symgrad.targets.writer import Writer


class Step(Protocol):
    """The writer of one step."""

    program: Program
    local: dict[str, str]
    assignments: list[Assignment]

    def text_of(self, name: str) -> str:
        """A value of the step as an expression."""

    def handed_on(self, before: str, name: str) -> Statement:
        """What makes a value what the next step reads, by the name that it has there."""

    def bound(self) -> Mapping[str, str]:
        """Names for the memory of the step, each with where it is."""


class Outside(Protocol):
    """The writer of the function that a loop stands in."""

    program: Program
    names: Locals
    written: set[str]

    def assign(
        self, op: Op, statements: Sequence[Statement], *others: str, inner: Sequence[Assignment]
    ) -> None:
        """The statements are what computes a value."""

    def operand(self, operand: Ref) -> Text:
        """An argument as an expression."""

    def name(self, op: Op) -> str:
        """What the lines call a value."""

    def printed(self, op: Op, args: Sequence[Text]) -> Text:
        """An operation as an expression of its operands."""

    def memory(self, op: Op) -> str:
        """An array for a value."""

    def started(self, name: str, start: str, axes: Axes) -> list[Statement]:
        """What gives the first step the start of what is carried."""

    def step(self, frame: Frame, loop: Loop) -> Step:
        """One step, written inside of this function."""


@dataclass
class Frame:
    """What a loop is written with, as far as it is known.

    ``before``: the statements before it; ``parts``: what each step sees a part of, by the name of
    the part; ``local``: what a step calls what it is given; ``into``: the names of the parts that
    its results go to; ``apart``: those that don't lie in one piece there;
    ``made``: the operations of a step that are done before the loop.
    """

    before: list[Statement] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)
    into: dict[str, str] = field(default_factory=dict)
    apart: set[str] = field(default_factory=set)
    made: set[str] = field(default_factory=set)

    @property
    def head(self) -> Statement:
        """The line that begins the loop."""
        names, arrays = ", ".join(self.parts), ", ".join(self.parts.values())
        several = len(self.parts) > 1
        return Statement("loop", names, (names, f"zip({arrays})" if several else arrays))


class Loops:
    """Writes the loops of one function, of which ``writer`` writes the rest."""

    def __init__(self, writer: Outside) -> None:
        self.writer = writer

    def assign(self, op: Op, loop: Loop) -> None:
        """Write down all that a loop computes, where that is not done yet."""
        writer = self.writer
        if op.name in writer.written:
            return
        made = results(writer.program, loop)
        writer.written |= {o.name for o in made}
        self.write(op, made, loop)

    def write(self, op: Op, made: Sequence[Op], loop: Loop) -> None:
        """Write down a loop; ``made``: its results."""
        statements, inner = self._statements(made, loop)
        names = (o.name for o in made if o is not op)
        self.writer.assign(op, statements, *names, inner=inner)

    def _statements(
        self, made: Sequence[Op], loop: Loop
    ) -> tuple[list[Statement], list[Assignment]]:
        """The statements of a loop, and what it does in each step."""
        frame = Frame()
        self._given(frame, made[0], loop)
        self._views(frame, loop)
        self._starts(frame, made, loop)
        self._results(frame, made, loop)
        step = self.writer.step(frame, loop)
        bound = [Statement("assign", n, (stored,)) for n, stored in step.bound().items()]
        inner = [*step.assignments, *self._end(frame, step, loop)]
        return [*_in_few_lines([*frame.before, *bound]), frame.head], inner

    # -- what goes in ---------------------------------------------------------------------------

    def _given(self, frame: Frame, op: Op, loop: Loop) -> None:
        sliced, whole, _ = loop.sorted_args(op)
        for name, ref in sliced:
            part = frame.local[name] = self._new(f"{self._stem(ref)}_t")
            frame.parts[part] = self._steps(self._atom(ref), loop.place(name), loop)
        for name, ref in whole:
            code = self.writer.operand(ref).code
            if not code.isidentifier():
                local = self._new(self._stem(ref))
                frame.before.append(Statement("assign", local, (code,)))
                code = local
            frame.local[name] = code

    def _views(self, frame: Frame, loop: Loop) -> None:
        """What sees an array that is the same in all steps in another way: made once."""
        for op in loop.program.ops:
            source = op.reads[0].name if op.kind == "view" else ""
            if source in loop.whole and is_temporary(op.name):
                text = self.writer.printed(op, [Text(frame.local[source])])
                local = self._new(
                    f"{frame.local[source]}_T" if text.code.endswith(".T") else "part"
                )
                frame.before.append(Statement("assign", local, (text.code,)))
                frame.local[op.name] = local
                frame.made.add(op.name)

    def _stem(self, ref: Ref) -> str:
        code = self.writer.operand(ref).code
        return code if code.isidentifier() else "part"

    def _atom(self, ref: Ref) -> str:
        return self.writer.operand(ref).at_least(Precedence.ATOM)

    def _new(self, wish: str) -> str:
        return self.writer.names.new(wish)

    def _steps(self, array: str, place: int, loop: Loop, cut: str = "") -> str:
        """The parts of an array in the order of the steps."""
        array = f"np.moveaxis({array}, {place}, 0)" if place else array
        if cut:
            return f"{array}[{cut}]"
        return array if loop.step > 0 else f"{array}[::-1]"

    # -- what is carried ------------------------------------------------------------------------

    def _starts(self, frame: Frame, given: Sequence[Op], loop: Loop) -> None:
        """The arrays of all states, and what the first step reads."""
        made = {op.function: op for op in given}
        _, _, starts = loop.sorted_args(given[0])
        for name, ref in starts:
            code, carry = self.writer.operand(ref).code, loop.befores[name]
            local = frame.local[name] = self._new(f"{plain(name)}_t")
            if name not in made:
                frame.before += self.writer.started(local, code, ref.axes)
                continue
            states = self._array(frame, made[name])
            place = loop.place(name)
            first = self._steps(states, place, loop, "0" if loop.step > 0 else "-1")
            frame.before.append(Statement("assign", first, (code,)))
            frame.before.append(Statement("assign", local, (first if ref.axes else code,)))
            cut = "1:" if loop.step > 0 else "-2::-1"
            self._part(
                frame, carry.after, self._steps(states, place, loop, cut), scalar=not ref.axes
            )

    def _array(self, frame: Frame, op: Op) -> str:
        """The array that a result is, made before the loop."""
        name = self.writer.name(op)
        if (memory := self.writer.memory(op)) != name:
            frame.before.append(Statement("assign", name, (memory,)))
        return name

    def _part(self, frame: Frame, value: str, parts: str, *, scalar: bool) -> None:
        """Where a value of a step goes: numbers into arrays of one entry."""
        local = self._new(f"{plain(value)}_t")
        frame.into[value] = local
        if parts.startswith("np.moveaxis("):
            frame.apart.add(value)
        if scalar:
            cut = parts.endswith((":]", "-1]"))
            parts = f"{parts[:-1]}, None]" if cut else f"{parts}[:, None]"
        frame.parts[local] = parts

    # -- what comes out -------------------------------------------------------------------------

    def _results(self, frame: Frame, made: Sequence[Op], loop: Loop) -> None:
        for op in made:
            if op.function not in loop.befores:
                parts = self._steps(self._array(frame, op), loop.place(op.function), loop)
                self._part(frame, op.function, parts, scalar=len(op.axes) == 1)

    def _end(self, frame: Frame, step: Step, loop: Loop) -> Iterator[Assignment]:
        """What ends a step: its results in their places, and what the next one reads."""
        statements = []
        for name, part in frame.into.items():
            if step.local.get(name) != part:
                statements.append(Statement("copy", part, (step.text_of(name),)))
        for carry in loop.carries:
            before, axes = frame.local[carry.before], step.program.shapes[carry.after]
            part = frame.into.get(carry.after, "") if axes else ""
            if axes and not part:
                statements.append(step.handed_on(before, carry.after))
            else:
                after = part or step.text_of(carry.after)
                statements.append(Statement("assign", before, (after,)))
        if statements:
            yield Assignment("%end", "", (), tuple(statements))


def _in_few_lines(statements: Sequence[Statement]) -> Iterator[Statement]:
    """Names for arrays of the workspace beside each other, as many as a line takes."""
    for is_name, group in groupby(statements, _is_name_of_room):
        if not is_name:
            yield from group
            continue
        line: list[Statement] = []
        for statement in group:
            if line and len(_of_all([*line, statement])) > WIDTH:
                yield Statement("assign", *_sides(line))
                line = []
            line.append(statement)
        yield Statement("assign", *_sides(line))


def _sides(line: Sequence[Statement]) -> tuple[str, tuple[str]]:
    return ", ".join(s.name for s in line), (", ".join(s.operands[0] for s in line),)


def _of_all(line: Sequence[Statement]) -> str:
    names, (arrays,) = _sides(line)
    return f"        {names} = {arrays}"


def _is_name_of_room(statement: Statement) -> bool:
    of_room = re.fullmatch(r"ws\.\w+", statement.operands[0]) if statement.operands else None
    return statement.kind == "assign" and statement.name.isidentifier() and of_room is not None


class PlainLoops(Writer):
    """What loops are where every array is new."""

    def started(self, name: str, start: str, axes: Axes) -> list[Statement]:
        """What gives the first step the start of what is carried."""
        return [Statement("assign", name, (start,))]

    def handed_on(self, before: str, name: str) -> Statement:
        """What makes a value of a step what the next one reads."""
        return Statement("assign", before, (self.text_of(name),))

    def bound(self) -> Mapping[str, str]:
        """Names for the memory of a step, of which this one needs none."""
        return {}


def lands(program: Program, plan: Plan, name: str) -> bool:
    """Whether a result can be computed where it belongs: no part of it lies in other memory."""
    ops = {o.name: o for o in program.ops}
    if name not in plan.rooms or not ops[name].axes:
        return False
    last = name
    while True:
        op = ops[last]
        before = op.reads[0].name if KINDS[op.kind].changes else plan.places.get(last)
        if before is None:
            return True
        if not is_temporary(before) or before not in plan.rooms or program.uses[before] != 1:
            return last == name and not KINDS[op.kind].changes
        last = before
