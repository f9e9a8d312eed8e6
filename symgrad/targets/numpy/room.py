"""The workspace of a generated module, as its templates need it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from symgrad.mathematics.sizes import Size, fixed
from symgrad.program.kinds import KINDS
from symgrad.program.memory import Plan, item, plan_of, total
from symgrad.program.program import count
from symgrad.targets.module import Module, size_names
from symgrad.targets.numpy.buffers import BufferedWriter
from symgrad.targets.numpy.functions import arrays_of_the_file, printed
from symgrad.targets.numpy.layout import LINE, call, in_brackets
from symgrad.targets.numpy.operations import NumPyWriter, called
from symgrad.targets.numpy.out import ABILITIES
from symgrad.targets.numpy.tuning import tuned
from symgrad.targets.statements import Statement

LARGE = 512
"""Entries from which on it matters that an array begins at a cache line."""


class Computed(Protocol):
    """What is computed in the memory."""

    @property
    def module(self) -> Module: ...
    @property
    def writer(self) -> NumPyWriter: ...
    @property
    def plan(self) -> Plan | None: ...
    @property
    def locals(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Buffered:
    """A function of its own that computes in memory which it is given."""

    module: Module
    writer: BufferedWriter
    plan: Plan
    locals: Mapping[str, str]

    @classmethod
    def of(cls, module: Module, outputs: Sequence[str]) -> Buffered:
        """The function that gives some values."""
        program = tuned(module.computing(outputs), plain=False)
        plan = plan_of(program, ABILITIES)
        writer = BufferedWriter(program, plan)
        sizes = size_names(program.inputs)
        return cls(module, writer, plan, {s: writer.size_locals[s] for s in sizes})


class Room:
    """The lines that make a workspace.

    ``keeps``: whether it can give each value memory of its own; ``aligned``: whether some array is
    large; ``new``: whether any is made; ``called``: what takes memory in each call; ``constants``:
    bytes of what is made once, in float64.
    """

    def __init__(self, made: Computed) -> None:
        writer, plan = made.writer, made.plan
        assert isinstance(writer, BufferedWriter)
        assert plan is not None
        sizes = list(made.locals.values())
        self.keeps = bool(made.module.values)
        self.made = in_brackets([*sizes, "np.dtype(dtype)"])
        self.aligned = any(not _is_small(o.shape) for o in plan.buffers)
        self.head = self._head(sizes, made.module.dtype)
        constants = _constants(made, writer)
        self.lines = list(_lines(made, writer))
        self.new = any("new(" in line for line in self.lines)
        self.constants = total(constants)
        self.called = list(dict.fromkeys(called(op) for op in plan.allocating))

    def _head(self, sizes: Sequence[str], dtype: str) -> list[str]:
        more = ["keep: bool = False"] if self.keeps else []
        more += ["aligned: bool = True"] if self.aligned else []
        given = [*(f"{s}: int" for s in sizes), f"dtype: Any = np.{dtype}"]
        arguments = ["self", *given, *(["*", *more] if more else [])]
        return ["    " + x for x in call("def __init__", arguments, " -> None:")]


def _constants(made: Computed, writer: BufferedWriter) -> dict[Size, int]:
    """How often each number of entries is made once, times their bytes."""
    found: Counter[Size] = Counter()
    for op in (writer.ops[name] for name in writer.placed):
        if op.name in writer.plan.constant and not KINDS[op.kind].is_view:
            found[count(op.shape)] += item(op.dtype, 8)
    for v in made.module.variables:
        if v.role == "constant" and v.name in writer.read:
            found[count(v.shape)] += item(v.dtype, 8)
    return found


def _lines(made: Computed, writer: BufferedWriter) -> Iterator[str]:
    """The arrays of the file, those that are made, and those that share memory of others.

    Last what has memory of its own where all values are kept.
    """
    rooms = [*writer.rooms()]
    arrays = arrays_of_the_file(made.module, writer.read, "dtype", "self.")
    own: list[Statement] = []
    shared: list[Statement] = []
    for statement in rooms:
        (own if statement.kind == "room" else shared).append(statement)
    kept = [s.detail["own"] for s in shared if "own" in s.detail] if made.module.values else []
    yield from map(printed, arrays)
    yield from _together(map(printed, own))
    yield from _together(map(printed, shared))
    if kept:
        yield "if keep:"
        yield from ("    " + line for line in _together(map(printed, kept)))


def _together(texts: Iterable[str]) -> Iterator[str]:
    """Names that are given values, several in a line where none is made of another there."""
    lines: list[dict[str, str]] = []
    line_of: dict[str, int] = {}
    for text in texts:
        name, value = text.split(" = ", 1)
        made = (line_of[n] + 1 for n in _NAME.findall(value) if n in line_of)
        first = max([len(lines) - LOOKED_AT, *made])
        room = (k for k in range(max(first, 0), len(lines)) if _fits(lines[k], text))
        place = next(room, len(lines))
        lines[place:] = lines[place:] or [{}]
        lines[place][name], line_of[name] = value, place
    yield from (_assigned([*line], [*line.values()]) for line in lines)


_NAME = re.compile(r"self\.\w+")

LOOKED_AT = 4
"""Lines that may have room for another name."""


def _fits(line: Mapping[str, str], text: str) -> bool:
    return sum(len(n) + len(v) + 4 for n, v in line.items()) + len(text) < LINE - 8


def _assigned(names: Sequence[str], values: Sequence[str]) -> str:
    return f"{', '.join(names)} = {', '.join(values)}"


def _is_small(shape: Sequence[object]) -> bool:
    entries = count(tuple(shape))
    known = fixed(entries)
    return known is not None and known < LARGE
