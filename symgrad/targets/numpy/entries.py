"""The function of a generated module that computes entry by entry, as its templates need it."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from symgrad.program.program import Program
from symgrad.targets.about import WIDTH, shape_text
from symgrad.targets.emitted import Passage, lines_of, passages
from symgrad.targets.module import Module
from symgrad.targets.numpy.by_entries import written_out
from symgrad.targets.numpy.functions import printed
from symgrad.targets.numpy.layout import definition, unpacked, wrapped
from symgrad.targets.statements import Assignment
from symgrad.templating import macros


@dataclass(frozen=True)
class Entries:
    """``count`` entries of all gradients in one row, of which ``parts`` are the views.

    ``reads``: a name for each entry of the arguments; ``functions``: what is called, by the names
    that the file has for it.
    """

    assignments: Sequence[Assignment]
    functions: Sequence[tuple[str, str]]
    head: Sequence[str]
    reads: Sequence[str]
    count: int
    parts: Sequence[str]
    entries: Sequence[str]
    value: str

    @classmethod
    def of(cls, module: Module, program: Program) -> Entries | None:
        """None where arrays do as well, or more is asked of numbers than Python has."""
        found = written_out(program)
        if found is None or module.dtype != "float64" or module.program.shapes[module.output]:
            return None
        gradients = list(module.gradients.values())
        entries = [e for g in gradients for e in found.outputs[g]]
        reads = [x for name, names in found.inputs.items() for x in unpacked(name, names)]
        return cls(
            found.assignments,
            [(f"_{f}", f if f in dir(builtins) else f"math.{f}") for f in found.functions],
            definition("_entries", ["_row: Any", *(f"{n}: Any" for n in found.inputs)], "Any"),
            reads,
            len(entries),
            list(_views({g: len(found.outputs[g]) for g in gradients}, module)),
            wrapped(entries),
            found.outputs[module.output][0],
        )

    def passages(self, formulas: Mapping[str, str]) -> Iterator[Passage]:
        """The lines, with the equations that they compute."""
        name, frame = "_entries", macros("numpy/entries_function.py.jinja")
        yield Passage(name, tuple(lines_of(frame("opened", self))))
        yield from passages(name, self.assignments, formulas, printed, "#", WIDTH - 8)
        yield Passage(name, tuple(lines_of(frame("closed", self))))


def _views(lengths: Mapping[str, int], module: Module) -> Iterator[str]:
    """Each gradient as a part of the row."""
    start = 0
    for gradient, length in lengths.items():
        shape = shape_text(module.program.shapes[gradient]) or "()"
        yield f"row[{start}:{start + length}].reshape({shape})"
        start += length
