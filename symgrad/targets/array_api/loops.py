"""Loops over the steps of a recurrence, each result a list of parts that is stacked at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symgrad.program.loop import Loop, results
from symgrad.program.program import Op, Ref
from symgrad.targets.expressions import Precedence
from symgrad.targets.statements import Assignment, Statement

MARK = "%loop of "
"""What the lines of a loop are called as a value: with the name of its first result."""


class Loops:
    """Writes the loops of one function, of which ``writer`` writes the rest."""

    def __init__(self, writer: Any) -> None:
        self.writer = writer

    def assign(self, op: Op, loop: Loop) -> None:
        """Write down all that a loop computes, where that is not done yet."""
        writer = self.writer
        if op.name in writer.written:
            return
        made = results(writer.program, loop)
        writer.written |= {o.name for o in made}
        lists = {o.function: self._new(f"{_plain(o.function)}_steps") for o in made}
        self._loop(op, loop, made[0], lists)
        for one in made:
            self._stack(one, loop, lists[one.function])

    def _loop(self, op: Op, loop: Loop, first: Op, lists: Mapping[str, str]) -> None:
        writer = self.writer
        before, parts, local = self._given(first, loop)
        befores = loop.befores
        for name, found in lists.items():
            start = f"[{local[name]}]" if name in befores else "[]"
            before.append(Statement("assign", found, (start,)))
        step = writer.inner(loop, local)
        names, arrays = ", ".join(parts), ", ".join(parts.values())
        head = f"zip({arrays})" if len(parts) > 1 else arrays
        if not parts:
            names, head = "_", f"range({writer.code(loop.size)})"
        inner = [*step.assignments, *self._end(loop, lists, local, step)]
        uses = frozenset(writer._in_use).union(*(a.uses for a in inner))
        statements = (*before, Statement("loop", names, (names, head)))
        writer.assignments.append(
            Assignment(
                f"{MARK}{op.name}",
                ", ".join(lists.values()),
                (),
                statements,
                (),
                uses,
                tuple(inner),
            )
        )

    def _given(self, op: Op, loop: Loop) -> tuple[list[Statement], dict[str, str], dict[str, str]]:
        """The lines before the loop, what each step sees a part of, and what it is given."""
        writer = self.writer
        writer._in_use = set()
        before: list[Statement] = []
        parts, local = dict[str, str](), dict[str, str]()
        sliced, whole, starts = loop.sorted_args(op)
        for name, ref in sliced:
            local[name] = self._new(f"{self._stem(ref)}_t")
            array = writer.operand(ref).code
            parts[local[name]] = f"_steps(xp, {array}, {loop.place(name)}, {loop.step})"
        for name, ref in whole:
            code = writer.operand(ref).code
            local[name] = code if code.isidentifier() else self._new(self._stem(ref))
            if local[name] != code:
                before.append(Statement("assign", local[name], (code,)))
        for name, ref in starts:
            local[name] = self._new(f"{_plain(name)}_t")
            before.append(Statement("assign", local[name], (writer.operand(ref).code,)))
        return before, parts, local

    def _end(
        self, loop: Loop, lists: Mapping[str, str], local: Mapping[str, str], step: Any
    ) -> Sequence[Assignment]:
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
        return [Assignment("%end", "", (), tuple(statements))] if statements else []

    def _stack(self, op: Op, loop: Loop, parts: str) -> None:
        """The parts as one array."""
        writer, place = self.writer, loop.place(op.function)
        writer._in_use = {parts}
        shape = writer.shape((*op.axes[:place], *op.axes[place + 1 :]))
        like = f"({shape}, {writer.dtype()}, device({writer.home()}))"
        code = f"_stacked(xp, {parts}, {place}, {loop.step}, {like})"
        writer.assign(op, [Statement("assign", writer.name(op), (code,))])

    def _stem(self, ref: Ref) -> str:
        code = self.writer.operand(ref).at_least(Precedence.ATOM)
        return code if code.isidentifier() else "part"

    def _new(self, wish: str) -> str:
        return self.writer.names.new(wish)  # type: ignore[no-any-return]


def _plain(name: str) -> str:
    """A name as it may stand in a name."""
    return name.lstrip("%").partition("@")[0]
