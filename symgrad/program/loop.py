"""Loops: the program of one step, and how the values of all steps go in and come out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from symgrad.mathematics.positions import Inside
from symgrad.mathematics.sizes import Size, as_size
from symgrad.program.program import Op, Program, Ref


@dataclass(frozen=True)
class Carry:
    """A value that a step reads of the one before, and makes for the next."""

    before: str
    after: str


@dataclass(frozen=True, eq=False, repr=False)
class Loop(Inside):
    """A program that is run for each of ``size`` steps, from the last one if ``step`` is -1.

    An operation that has it as its detail is one of its results: ``function`` is the name of a
    value of each step, or of a value of the step before, which stands for those of all steps and
    one more.  Its arguments are first ``sliced``, of which each step sees a part, then ``whole``,
    then the starts of ``carries``.  ``places``: which axis the steps run along, of all of these by
    their names in the program.
    """

    name: str
    program: Program
    step: int
    size: Size
    sliced: tuple[str, ...]
    whole: tuple[str, ...]
    carries: tuple[Carry, ...]
    places: tuple[tuple[str, int], ...]

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def place(self, name: str) -> int:
        """Which axis the steps run along, of what has this name in the program."""
        return dict(self.places)[name]

    @property
    def befores(self) -> dict[str, Carry]:
        """What is carried, by what a step calls it."""
        return {c.before: c for c in self.carries}

    def length(self, function: str) -> Size:
        """How long the axis of the steps is, of a result."""
        return as_size(self.size + 1) if function in self.befores else self.size

    def sorted_args(
        self, op: Op
    ) -> tuple[list[tuple[str, Ref]], list[tuple[str, Ref]], list[tuple[str, Ref]]]:
        """The arguments by their names in the program: sliced, whole, and the starts."""
        refs = list(op.reads)
        first, second = len(self.sliced), len(self.sliced) + len(self.whole)
        names = [c.before for c in self.carries]
        return (
            list(zip(self.sliced, refs[:first], strict=True)),
            list(zip(self.whole, refs[first:second], strict=True)),
            list(zip(names, refs[second:], strict=True)),
        )


def plain(name: str) -> str:
    """The name of a value of a step as it may stand in the name of another."""
    return name.lstrip("%").partition("@")[0]


def loop_of(op: Op) -> Loop | None:
    """The loop that an operation is a result of."""
    inside = op.detail[0] if op.detail else None
    return inside if isinstance(inside, Loop) else None


def has_loops(program: Program) -> bool:
    """Whether anything is computed step by step."""
    return any(loop_of(op) is not None for op in program.ops)


def loops(program: Program) -> list[Loop]:
    """Each loop of a program, once."""
    found = {mine.name: mine for op in program.ops if (mine := loop_of(op)) is not None}
    return list(found.values())


def inside(program: Program, change: Callable[[Program], Program]) -> Program:
    """The program with the programs inside of it changed."""
    if not has_loops(program):
        return program
    made: dict[str, Loop] = {}
    ops = []
    for op in program.ops:
        loop = loop_of(op)
        if loop is not None:
            if loop.name not in made:
                made[loop.name] = replace(loop, program=change(loop.program))
            op = replace(op, detail=(made[loop.name],))
        ops.append(op)
    return replace(program, ops=tuple(ops))


def results(program: Program, loop: Loop) -> list[Op]:
    """The results of a loop that a program has."""
    found = ((op, loop_of(op)) for op in program.ops)
    return [op for op, mine in found if mine is not None and mine.name == loop.name]


def pruned(program: Program, alive: Callable[[Program], Program]) -> Program:
    """The program without what its loops compute for nobody."""
    if not has_loops(program):
        return program
    asked: dict[str, list[str]] = {}
    for op in program.ops:
        loop = loop_of(op)
        if loop is not None:
            asked.setdefault(loop.name, []).append(op.function)
    made: dict[str, Loop] = {}
    ops: list[Op] = []
    for op in program.ops:
        loop = loop_of(op)
        if loop is not None:
            if loop.name not in made:
                made[loop.name] = _narrowed(loop, asked[loop.name], alive)
            op = _of_fewer(op, loop, made[loop.name])
        ops.append(op)
    return replace(program, ops=tuple(ops))


def _narrowed(loop: Loop, asked: Collection[str], alive: Callable[[Program], Program]) -> Loop:
    """The loop with the results that are asked for; a value carried for itself alone is gone."""
    befores = loop.befores
    kept = [n for n in asked if n in befores]
    while True:
        after = [befores[n].after for n in kept]
        outputs = dict.fromkeys([*after, *(n for n in asked if n not in befores)])
        program = alive(replace(loop.program, outputs=tuple(outputs)))
        read = {r.name for op in program.ops for r in op.reads} | set(program.outputs)
        more = [n for n in befores if n in read and n not in kept]
        if not more:
            break
        kept += more
    names = {v.name for v in program.inputs if v.name in read}
    names |= set(kept)
    program = replace(program, inputs=tuple(v for v in program.inputs if v.name in names))
    if program == loop.program:
        return loop
    return replace(
        loop,
        program=program,
        sliced=tuple(n for n in loop.sliced if n in read),
        whole=tuple(n for n in loop.whole if n in read),
        carries=tuple(c for c in loop.carries if c.before in kept),
    )


def _of_fewer(op: Op, before: Loop, after: Loop) -> Op:
    """A result with the arguments that are left."""
    kept = {*after.sliced, *after.whole, *after.befores}
    args: Iterable[Ref] = (r for part in before.sorted_args(op) for n, r in part if n in kept)
    return replace(op, args=tuple(args), detail=(after,))
