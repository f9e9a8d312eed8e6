"""How aligned equations are set: in which lines, and where their remarks stand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from symgrad.formats.lines import begins_with_sign, lines_of
from symgrad.formats.width import width
from symgrad.writing.document import Equations, Math, Prose, Result, Row
from symgrad.writing.formula import Formula, Gap, Sign, Words, beside, bracketed, related


@dataclass(frozen=True)
class Measure:
    """How wide what is printed may be, in units of the font size.

    ``line``: an equation; ``page``: an equation with the remark at its right; ``box``: a line in a
    box, ``boxed`` with the shape beside it; ``further``: how far a line that goes on is set in.
    """

    line: float
    page: float
    box: float
    boxed: float
    further: float


PAPER = Measure(line=29.0, page=35.0, box=27.0, boxed=34.0, further=2.0)
"""A page of 345 pt."""

COLUMN = Measure(line=23.9, page=23.9, box=23.1, boxed=20.5, further=1.0)
"""A column of 240 pt at 10 pt: one of the two of a paper."""

GAP = 1.5
"""The least space before a remark at the right."""

RELATION = 1.34
"""A sign of equality with its space."""

BRACKETS = 0.8

INDENT, FURTHER = 3.0, 4.0
"""How far a remark under its equation is set in, and where it goes on."""

ROOM = 12.0
"""Where an equation has less room behind its left side, that stands in a line of its own."""

SIGNS = {c: Sign(c) for c in "×δΣ∂≈≤≥≠∞√"} | {"−": Sign("-"), "<": Sign("<"), ">": Sign(">")}
"""Signs of mathematics that may stand between words."""


def note(prose: Prose) -> Formula | None:
    """A remark inside an equation: its words are upright text there."""
    parts = [q for p in prose for q in ([p.formula] if isinstance(p, Math) else _words(p))]
    return beside(parts) if parts else None


def _words(words: str) -> list[Formula]:
    runs = itertools.groupby(words, key=SIGNS.get)
    return [sign or Words("".join(run)) for sign, run in runs]


def size(formula: Formula | None) -> float:
    """The width of a formula, or of nothing."""
    return 0.0 if formula is None else width(formula)


def note_lines(
    says: Formula, room: float = PAPER.line, *, in_brackets: bool = True
) -> list[Formula]:
    """A remark as it stands under its equation: a long one in several lines."""
    if not in_brackets:
        return lines_of([says], room, further=FURTHER - INDENT)
    if width(says) + BRACKETS <= room:
        return [bracketed(says)]
    first, *rest = lines_of([says], room - BRACKETS, further=FURTHER - INDENT)
    if not rest:
        return [bracketed(first)]
    *middle, last = rest
    opening, closing = Sign("("), Sign(")")
    return [beside([opening, first], Gap.NONE), *middle, beside([last, closing], Gap.NONE)]


@dataclass(frozen=True)
class Line:
    """A line: what stands before the place where lines are lined up, and what behind it.

    ``indent``: how far it is set in there; ``under``: it is part of a remark under an equation.
    """

    body: Formula
    left: Formula | None = None
    relation: str = ""
    indent: float = 0.0
    remark: Formula | None = None
    shape: Formula | None = None
    under: bool = False

    @property
    def width(self) -> float:
        """Without what is at the right."""
        return self.indent + (RELATION if self.relation else 0.0) + width(self.body)


class Layout:
    """Equations in lines; remarks of at most the width ``beside`` stand beside them.

    ``sized``: shapes have a column of their own.  ``hanging``: what goes on is set in a little,
    instead of lined up behind the left sides.
    """

    def __init__(
        self, block: Equations, measure: Measure, beside: float,
        *, opening: bool, lapping: bool, sized: bool = True, hanging: bool = False,
    ) -> None:  # fmt: skip
        self.rows = block.rows
        self.measure = measure
        self.beside = beside
        self.lapping = lapping
        self.sized = sized and any(row.shape for row in block.rows)
        self.hanging = hanging
        self.left = max(self._lead(row) for row in block.rows)
        self.apart = frozenset(id(row) for row in block.rows if self._is_apart(row, opening))
        self.broken = [self._lines(row, opening) for row in block.rows]
        self.fits = all(map(self._row_fits, self.rows, self.broken))
        self.cost = self._cost()

    @cached_property
    def room(self) -> float:
        """For an equation, beside what stands at its right."""
        shapes = max(size(row.shape) for row in self.rows) + GAP if self.sized else 0.0
        remarks = self.beside + (GAP if self.beside else 0.0) + shapes
        return min(self.measure.line, self.measure.page - remarks)

    def _lead(self, row: Row) -> float:
        """What stands before the sign of equality; nothing where lines are only set in."""
        return 0.0 if self.hanging else size(row.left)

    def is_apart(self, row: Row) -> bool:
        """Whether the left side of a row takes a line of its own."""
        return id(row) in self.apart

    def _is_apart(self, row: Row, opening: bool) -> bool:
        room = self.room - size(row.left) - RELATION
        if not self.hanging or room + RELATION < ROOM:
            return self.hanging
        return width(lines_of(row.terms, room, opening=opening)[0]) > room

    def _lines(self, row: Row, opening: bool) -> list[Formula]:
        first = self.room - self.left - RELATION
        if self.hanging:
            own = row.left is None or self.is_apart(row)
            first -= self.measure.further if own else size(row.left)
        others = self.room - self.left - self.set_in
        return lines_of(row.terms, first, opening=opening, further=first - others)

    def _row_fits(self, row: Row, broken: Sequence[Formula]) -> bool:
        room = self.room - self.left
        lines = [*self._of_row(row, broken), *(() if self.lapping else self._under(row))]
        return all(line.width <= room for line in lines)

    def _cost(self) -> float:
        under = [row.note for row in self.rows if row.note and self.is_below(row)]
        words = sum(isinstance(says[0], str) for says in under)
        apart = sum(self.is_apart(row) for row in self.rows) + 2 * self.hanging
        torn = sum(not begins_with_sign(x) for lines in self.broken for x in lines[1:])
        lines = sum(1.5 * len(lines) for lines in self.broken)
        return len(under) + words + apart + torn + lines

    def is_below(self, row: Row) -> bool:
        """Whether the remark of a row has no room beside it."""
        return size(note(row.note)) > self.beside or (bool(row.shape) and not self.sized)

    def below(self, row: Row) -> list[Formula]:
        """The lines under a row: its remark, and its shape where that has no column."""
        if not self.is_below(row):
            return []
        says = note(row.note)
        if row.shape and not self.sized:
            says = beside([says, row.shape], Gap.LIST) if says else row.shape
        page = self.measure.page if self.lapping else self.room
        room = min(self.measure.line, page - self.left - INDENT)
        in_brackets = not row.note or isinstance(row.note[0], str)
        return note_lines(says, room, in_brackets=in_brackets) if says else []

    @property
    def width(self) -> float:
        """Of the widest line."""
        return self.left + max(line.width for lines in self for line in lines)

    @property
    def is_short(self) -> bool:
        """Whether each equation is one line."""
        return all(len(lines) == 1 for lines in self.broken) and not self.hanging

    def __iter__(self) -> Iterator[list[Line]]:
        """The lines of each row."""
        for row, broken in zip(self.rows, self.broken, strict=True):
            yield [*self._of_row(row, broken), *self._under(row)]

    def _of_row(self, row: Row, broken: Sequence[Formula]) -> Iterator[Line]:
        first, *others = broken
        apart = row.left if self.is_apart(row) else None
        lead = row.left if not self.is_apart(row) else None
        indent = self.measure.further if self.hanging and lead is None else 0.0
        if self.hanging and lead:
            first, lead = related(lead, first, row.relation), None
            relation = ""
        else:
            relation = row.relation
        found = [Line(apart)] if apart else []
        found.append(Line(first, lead, relation, indent))
        found += [Line(o, None, "", self.set_in) for o in others]
        says = None if self.is_below(row) else note(row.note)
        *before, last = found
        yield from before
        yield replace(last, remark=says, shape=row.shape if self.sized else None)

    @property
    def set_in(self) -> float:
        """How far a line that goes on is set in."""
        return self.measure.further * (2 if self.hanging else 1)

    def _under(self, row: Row) -> Iterator[Line]:
        for place, line in enumerate(self.below(row)):
            yield Line(line, indent=FURTHER if place else INDENT, under=True)


def laid_out(block: Equations, measure: Measure = PAPER, *, lapping: bool = True) -> Layout:
    """Equations broken where they would get too long.

    Remarks stand in a column at the right, or, where they have no room there, each under its
    equation: in whichever way takes the fewest lines.  ``lapping``: what is under an equation may
    reach into that column.
    """
    widths = {0.0, *(size(note(row.note)) for row in block.rows)}
    layouts = [
        Layout(block, measure, beside, opening=opening, lapping=lapping, **ways)
        for ways in _WAYS
        for opening in (False, True)
        for beside in sorted(widths, reverse=True)
    ]
    return min([w for w in layouts if w.fits] or layouts[-1:], key=lambda w: w.cost)


def in_a_box(block: Result, measure: Measure = PAPER) -> Layout:
    """The lines of a final formula."""
    rows = tuple(replace(row, note=(), shape=None) for row in block.rows)
    return laid_out(Equations(rows), replace(measure, line=measure.box, page=measure.box))


_WAYS: tuple[dict[str, bool], ...] = (
    {}, {"hanging": True}, {"sized": False}, {"sized": False, "hanging": True},
)  # fmt: skip
