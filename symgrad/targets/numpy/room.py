"""The workspace of a generated module, as its templates need it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symgrad.mathematics.sizes import fixed
from symgrad.program.program import count
from symgrad.targets.about import WIDTH
from symgrad.targets.emitted import lines_of
from symgrad.targets.numpy.arguments import Fit
from symgrad.targets.numpy.buffers import BufferedWriter
from symgrad.targets.numpy.functions import Mathematics, arrays_of_the_file, printed
from symgrad.targets.numpy.layout import call, in_brackets
from symgrad.targets.numpy.operations import called
from symgrad.targets.statements import Statement

LARGE = 512
"""Entries from which on it matters that an array begins at a cache line."""


class Room:
    """The lines that make a workspace, and what calls of the file's functions have to fit to.

    ``aligned``: whether some array is large; ``new``: whether any is made; ``called``: what takes
    memory in each call.
    """

    def __init__(self, made: Mathematics) -> None:
        writer, plan = made.writer, made.plan
        assert isinstance(writer, BufferedWriter)
        assert plan is not None
        sizes = list(made.locals.values())
        self.sizes = in_brackets(sizes)
        self.made = "".join(f"sizes[{k}], " for k in range(len(sizes)))
        self.aligned = any(not _is_small(o.shape) for o in plan.buffers)
        self.head = self._head(sizes, made.module.dtype)
        self.lines = list(_lines(made, writer))
        self.new = any(" new(" in line for line in self.lines)
        self.fit = Fit.of(made.module, made.locals)
        self.called = list(dict.fromkeys(called(op) for op in plan.allocating))

    def _head(self, sizes: Sequence[str], dtype: str) -> list[str]:
        more = ["aligned: bool = True"] if self.aligned else []
        given = [*(f"{s}: int" for s in sizes), f"dtype: Any = np.{dtype}"]
        arguments = ["self", *given, "*", "keep: bool = False", *more]
        head = call("    def __init__", arguments, " -> None:", WIDTH)
        return [head[0], *("    " + x for x in head[1:])]


def _lines(made: Mathematics, writer: BufferedWriter) -> Iterator[str]:
    """The arrays of the file, those that are made, and those that share their memory."""
    rooms = [*writer.rooms()]
    own = [s for s in rooms if s.kind == "room"]
    others = [s for s in rooms if s.kind != "room"]
    arrays = arrays_of_the_file(made.module, writer.read, "dtype", "self.")
    for text in (*map(printed, arrays), *_together(own), *map(printed, others)):
        yield from lines_of(text)


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
