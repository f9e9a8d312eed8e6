"""The workspace of a generated module, as its templates need it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from symgrad.mathematics.sizes import fixed
from symgrad.program.program import count
from symgrad.targets.about import WIDTH
from symgrad.targets.numpy.arguments import Fit
from symgrad.targets.numpy.buffers import BufferedWriter
from symgrad.targets.numpy.functions import Mathematics, printed
from symgrad.targets.numpy.layout import call, in_brackets
from symgrad.targets.numpy.operations import called
from symgrad.targets.statements import Statement

LARGE = 512
"""Entries from which on it matters that an array begins at a cache line."""


@dataclass(frozen=True)
class Room:
    """The lines that make a workspace, and what calls of the file's functions have to fit to.

    ``aligned``: whether some array is large; ``new``: whether any is made; ``called``: what takes
    memory in each call.
    """

    head: Sequence[str]
    sizes: str
    made: str
    lines: Sequence[str]
    fit: Fit
    aligned: bool
    new: bool
    called: Sequence[str]

    def __init__(self, made: Mathematics) -> None:
        writer, plan = made.writer, made.plan
        assert isinstance(writer, BufferedWriter)
        assert plan is not None
        sizes = list(made.locals.values())
        dtype = f"dtype: Any = np.{made.module.dtype}"
        aligned = any(not _is_small(o.shape) for o in plan.buffers)
        more = ["aligned: bool = True"] if aligned else []
        named = [f"{s}: int" for s in sizes]
        arguments = ["self", *named, dtype, "*", "keep: bool = False", *more]
        head = call("    def __init__", arguments, " -> None:", WIDTH)
        rooms = [*writer.rooms()]
        own = [s for s in rooms if s.kind == "room"]
        others = [s for s in rooms if s.kind != "room"]
        lines = [*map(printed, _constants(made, writer)), *_together(own), *map(printed, others)]
        found = {
            "head": [head[0], *("    " + x for x in head[1:])],
            "sizes": in_brackets(sizes),
            "made": "".join(f"sizes[{k}], " for k in range(len(sizes))),
            "lines": [x for line in lines for x in line.removesuffix("\n").split("\n")],
            "fit": Fit.of(made.module, made.locals),
            "aligned": aligned,
            "new": any(" new(" in line for line in lines),
            "called": list(dict.fromkeys(called(op) for op in plan.allocating)),
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)


def _together(statements: Iterable[Statement]) -> Iterator[str]:
    """Arrays that are made, several in a line."""
    left, right = "", ""
    for statement in statements:
        name, made = printed(statement).split(" = ", 1)
        if left and len(left) + len(right) + len(name) + len(made) + 15 <= WIDTH:
            left, right = f"{left}, {name}", f"{right}, {made}"
            continue
        if left:
            yield f"{left} = {right}"
        left, right = name, made
    if left:
        yield f"{left} = {right}"


def _is_small(shape: Sequence[object]) -> bool:
    entries = count(tuple(shape))
    known = fixed(entries)
    return known is not None and known < LARGE


def _constants(made: Mathematics, writer: BufferedWriter) -> Iterator[Statement]:
    """The arrays of numbers that are part of the file."""
    for v in made.module.variables:
        if v.role == "constant" and v.name in writer.read:
            dtype = ["dtype"] if v.dtype == "float" else []
            yield Statement("array", f"self.{v.name}", (f"_{v.name}", *dtype))
