"""The check of a program: each operation reads what is there, and is as its kind has to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from symgrad.errors import SymgradError
from symgrad.mathematics.equations import shapes_of
from symgrad.mathematics.sizes import Size, same
from symgrad.program.kinds import KINDS
from symgrad.program.program import Axes, Op, Program, labels, shown, size_of


class ProgramError(SymgradError):
    """A program that is not well formed: a defect of a pass, not of a spec."""


def verified(program: Program) -> Program:
    """The program itself, after a look at every operation."""
    shapes = shapes_of(program.inputs)
    for op in program.ops:
        for problem in _problems(op, shapes):
            meant = f"{op.kind}: {KINDS[op.kind].meaning}"
            raise ProgramError(f"{problem}\n  in {op}\n  {meant}\n{_around(program, op)}")
        shapes[op.name] = op.shape
    for name in program.outputs:
        if name not in shapes:
            raise ProgramError(f"the output {name} is never computed")
    return program


def _around(program: Program, op: Op, lines: int = 5) -> str:
    at = program.ops.index(op)
    return "\n".join(f"    {o}" for o in program.ops[max(0, at - lines) : at + lines])


def _problems(op: Op, shapes: Mapping[str, tuple[Size, ...]]) -> Iterator[str]:
    if op.name in shapes:
        yield f"{op.name} is computed twice"
    for ref in op.reads:
        if ref.name not in shapes:
            yield f"{ref.name} is read before it is computed"
        elif not _have_shape(ref.axes, shapes[ref.name]):
            yield f"{shown(ref)} has the shape {shapes[ref.name]}"
    if problem := _problem(op):
        yield problem


@lru_cache(maxsize=1 << 14)  # most operations are the same before and after a pass
def _problem(op: Op) -> str:
    """What is wrong with an operation, whatever it reads."""
    if len(set(labels(op.axes))) != len(labels(op.axes)):
        return "a label stands twice in the result"
    return KINDS[op.kind].check(op)


def _have_shape(axes: Axes, shape: Sequence[Size]) -> bool:
    sizes = tuple(map(size_of, axes))
    if sizes == shape:
        return True
    return len(sizes) == len(shape) and all(map(same, sizes, shape))
