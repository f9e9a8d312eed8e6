"""Loops over the steps of a recurrence, each result a list of parts that is stacked at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symgrad.program.loop import Loop, plain
from symgrad.program.program import Op
from symgrad.targets.numpy import loops
from symgrad.targets.numpy.loops import Frame
from symgrad.targets.statements import Assignment, Statement

MARK = "%loop of "
"""What the lines of a loop are called as a value: with the name of its first result."""


class Loops(loops.Loops):
    """Writes the loops of one function, of which ``writer`` writes the rest."""

    writer: Any

    def write(self, op: Op, made: Sequence[Op], loop: Loop) -> None:
        lists = {o.function: self._new(f"{plain(o.function)}_steps") for o in made}
        self._loop(op, loop, made, lists)
        for one in made:
            self._stack(one, loop, lists[one.function])

    def _loop(self, op: Op, loop: Loop, made: Sequence[Op], lists: Mapping[str, str]) -> None:
        writer, frame = self.writer, Frame()
        writer._in_use = set()
        self._given(frame, made[0], loop)
        self._starts(frame, made, loop)
        for name, found in lists.items():
            start = f"[{frame.local[name]}]" if name in loop.befores else "[]"
            frame.before.append(Statement("assign", found, (start,)))
        step = writer.inner(loop, frame.local)
        statements = (*frame.before, frame.head if frame.parts else self._without_parts(loop))
        inner = (*step.assignments, *self._ending(loop, lists, frame.local, step))
        uses = frozenset(writer._in_use).union(*(a.uses for a in inner))
        names = ", ".join(lists.values())
        writer.assignments.append(
            Assignment(f"{MARK}{op.name}", names, (), statements, (), uses, inner)
        )

    def _without_parts(self, loop: Loop) -> Statement:
        return Statement("loop", "_", ("_", f"range({self.writer.code(loop.size)})"))

    def _steps(self, array: str, place: int, loop: Loop, cut: str = "") -> str:
        return f"_steps(xp, {array}, {place}, {loop.step})"

    def _starts(self, frame: Frame, given: Sequence[Op], loop: Loop) -> None:
        _, _, starts = loop.sorted_args(given[0])
        for name, ref in starts:
            local = frame.local[name] = self._new(f"{plain(name)}_t")
            frame.before.append(Statement("assign", local, (self.writer.operand(ref).code,)))

    def _ending(
        self, loop: Loop, lists: Mapping[str, str], local: Mapping[str, str], step: Any
    ) -> Iterator[Assignment]:
        """What ends a step: what the next one reads, and its parts of the results."""
        befores = loop.befores
        outputs = ((found, step.text_of(n)) for n, found in lists.items() if n not in befores)
        carried = ((found, local[n]) for n, found in lists.items() if n in befores)
        statements = [Statement("append", found, (part,)) for found, part in outputs]
        if loop.carries:
            names = ", ".join(local[c.before] for c in loop.carries)
            values = ", ".join(step.text_of(c.after) for c in loop.carries)
            statements.append(Statement("assign", names, (values,)))
        statements += [Statement("append", found, (part,)) for found, part in carried]
        if statements:
            yield Assignment("%end", "", (), tuple(statements))

    def _stack(self, op: Op, loop: Loop, parts: str) -> None:
        """The parts as one array."""
        writer, place = self.writer, loop.place(op.function)
        writer._in_use = {parts}
        shape = writer.shape((*op.axes[:place], *op.axes[place + 1 :]))
        like = f"({shape}, {writer.dtype()}, device({writer.home()}))"
        code = f"_stacked(xp, {parts}, {place}, {loop.step}, {like})"
        writer.assign(op, [Statement("assign", writer.name(op), (code,))])
