"""How aligned equations are set: in which lines, and where their remarks stand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from symgrad.formats.lines import lines_of, terms_of
from symgrad.formats.width import width
from symgrad.writing.document import Equations, Math, Prose, Row
from symgrad.writing.formula import Formula, Gap, Sign, Words, beside, bracketed

LINE = 27.0
"""The longest equation, in units of the font size: about 95 mm at 10 points."""

PAGE = 34.0
"""The longest line with the remark at its right."""

GAP = 1.5
"""The least space before that remark."""

BOX = 25.0
"""The longest line in a box with a shape beside it."""

INDENT, FURTHER = 3.0, 4.0
"""How far a remark under its equation is set in, and where it goes on."""

SIGNS = {c: Sign(c) for c in "×δΣ∂≈≤≥"} | {"−": Sign("-"), "<": Sign("<"), ">": Sign(">")}
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


def note_lines(says: Formula) -> list[Formula]:
    """A remark in brackets, as it stands under its equation: a long one in several lines."""
    first, *rest = lines_of(terms_of(says), LINE)
    if not rest:
        return [bracketed(says)]
    *middle, last = rest
    opening, closing = Sign("("), Sign(")")
    return [beside([opening, first], Gap.NONE), *middle, beside([last, closing], Gap.NONE)]


class Layout:
    """Equations in lines; remarks of at most the width ``beside`` stand beside them."""

    def __init__(self, block: Equations, beside: float, *, opening: bool, lapping: bool) -> None:
        self.rows = block.rows
        self.beside = beside
        self.lapping = lapping
        sized = any(row.shape for row in block.rows)
        shapes = max(size(row.shape) for row in block.rows)
        remarks = beside + (GAP if beside else 0.0) + (shapes + GAP if sized else 0.0)
        left = max(size(row.left) for row in block.rows)
        room = min(LINE, PAGE - remarks) - left
        self.broken = [lines_of(row.terms, room, opening=opening) for row in block.rows]
        self.fits = all(width(line) <= room for lines in self.broken for line in lines)
        under = [row.note for row in self.rows if self.is_below(row)]
        if under and not lapping:
            self.fits &= max(map(_under_width, under)) <= PAGE - remarks - left
        words = sum(isinstance(says[0], str) for says in under)
        self.cost = len(under) + words + sum(1.5 * len(lines) for lines in self.broken)

    def is_below(self, row: Row) -> bool:
        """Whether the remark of a row has no room beside it."""
        return size(note(row.note)) > self.beside

    def __iter__(self) -> Iterator[tuple[Row, list[Formula]]]:
        """Each row with its lines."""
        return zip(self.rows, self.broken, strict=True)


def _under_width(says: Prose) -> float:
    shown = note(says)
    if shown is None:
        return 0.0
    first, *rest = map(width, note_lines(shown))
    return max(INDENT + first, *(FURTHER + w for w in rest), 0.0)


def laid_out(block: Equations, *, lapping: bool = True) -> Layout:
    """Equations broken where they would get too long.

    Remarks stand in a column at the right, or, where they have no room there, each under its
    equation: in whichever way takes the fewest lines.  ``lapping``: what is under an equation may
    reach into that column.
    """
    widths = {0.0, *(size(note(row.note)) for row in block.rows)}
    layouts = [
        Layout(block, beside, opening=opening, lapping=lapping)
        for opening in (False, True)
        for beside in sorted(widths, reverse=True)
    ]
    return min([w for w in layouts if w.fits] or layouts[-1:], key=lambda w: w.cost)
