"""The shapes of matrix forms, worked out from their formulas alone: products have to conform."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import sympy as sp

from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Shapes
from symgrad.mathematics.sizes import same
from symgrad.writing import formula as f
from symgrad.writing.formula import Formula, Gap
from symgrad.writing.own_signs import BOLD_IDENTITY, IDENTITY
from symgrad.writing.piece import Piece
from symgrad.writing.printings.text import text
from symgrad.writing.writer import Writer

Matrix = tuple[sp.Expr, sp.Expr]
"""Rows and columns; what has to be found out is a dummy."""

NUMBER: Matrix = (sp.S.One, sp.S.One)
TO_A_NUMBER = {"tr", "det", "logsumexp"}
ENTRYWISE = {"⊙", "⊘"}


class NotConforming(SymgradError):
    """Two shapes in a formula do not fit together."""


def recording(layout: type[Writer], arrays: Shapes) -> tuple[type[Writer], dict[Formula, Matrix]]:
    """A layout that notes the shape of whatever it has a symbol for, and the notes."""
    found: dict[Formula, Matrix] = {}

    def note(formula: Formula, name: str, fixed: int) -> None:
        axes = arrays[name][fixed:] if name in arrays else (sp.Dummy(),) * 2
        if len(axes) < 3:
            rows, columns, *_ = (*axes, sp.S.One, sp.S.One)
            same = found.setdefault(formula, (rows, columns)) == (rows, columns)
            found[formula] = (rows, columns) if same else (sp.Dummy(), sp.Dummy())

    class Recording(layout):  # type: ignore[misc, valid-type]
        def symbol(self, name: str) -> Formula:
            formula: Formula = super().symbol(name)
            note(formula, name, 0)
            return formula

        def size(self, name: str) -> Formula:
            formula: Formula = super().size(name)
            found.setdefault(formula, NUMBER)  # one called I is no identity
            return formula

        def entry(self, name: str, indices: Sequence[Any]) -> Piece:
            piece: Piece = super().entry(name, indices)
            note(piece.formula, name, len(indices))
            return piece

    return Recording, found


def wrong_shape(sides: tuple[Formula, Formula], shapes: Mapping[Formula, Matrix]) -> str:
    """What does not fit in an equation between matrices; empty where all does."""
    try:
        _Reading(shapes).same(sides)
    except NotConforming as error:
        return str(error)
    return ""


class _Reading:
    """Works the shape of every part of a formula out."""

    def __init__(self, shapes: Mapping[Formula, Matrix]) -> None:
        self.shapes = shapes
        self.known: dict[sp.Expr, sp.Expr] = {}

    def __call__(self, formula: Formula) -> Matrix:
        """Its rows and columns."""
        if formula in self.shapes:
            return self.shapes[formula]
        read: Callable[..., Matrix] = self.KINDS.get(type(formula), _Reading.each)
        return read(self, formula)

    # Laws

    def resolved(self, size: sp.Expr) -> sp.Expr:
        while size in self.known:
            size = self.known[size]
        return size

    def is_number(self, shape: Matrix) -> bool:
        return all(self.resolved(size) == 1 for size in shape)

    def equal(self, one: sp.Expr, other: sp.Expr, where: Formula) -> None:
        """Two sizes are one, or the formula does not conform."""
        one, other = self.resolved(one), self.resolved(other)
        if isinstance(one, sp.Dummy):
            self.known |= {one: other} if one != other else {}
        elif isinstance(other, sp.Dummy):
            self.known[other] = one
        elif not same(one, other):
            raise NotConforming(f"{text(where)}: the sizes {one} and {other} do not fit together")

    def same(self, formulas: Iterable[Formula]) -> Matrix:
        """The shape that they all have."""
        return self._one_shape([(f, self(f)) for f in formulas])

    def _one_shape(self, found: Sequence[tuple[Formula, Matrix]]) -> Matrix:
        (_, shape), *others = found
        for formula, other in others:
            for one, size in zip(shape, other, strict=True):
                self.equal(one, size, formula)
        return shape

    def broadcast(self, formulas: Iterable[Formula]) -> Matrix:
        """The shape of all that are no numbers."""
        shapes = [(f, self(f)) for f in formulas]  # once each, as formulas are nested
        found = [(f, s) for f, s in shapes if not self.is_number(s)]
        return self._one_shape(found) if found else NUMBER

    def product(self, factors: Sequence[Formula]) -> Matrix:
        """Numbers stand anywhere; of two matrices beside each other the inner sizes are one."""
        found = [(f, s) for f, s in ((f, self(f)) for f in factors) if not self.is_number(s)]
        for (_, left), (factor, right) in itertools.pairwise(found):
            self.equal(left[1], right[0], factor)
        return (found[0][1][0], found[-1][1][1]) if found else NUMBER

    # Kinds of formulas

    def each(self, formula: Formula) -> Matrix:
        """Whatever is done to each entry of what is inside."""
        return self.broadcast(f.parts(formula))

    def ones(self, _: Formula) -> Matrix:
        return sp.Dummy(), sp.S.One

    def letter(self, formula: Formula) -> Matrix:
        size = sp.Dummy()
        return (size, size) if formula in (IDENTITY, BOLD_IDENTITY) else NUMBER

    def digits(self, formula: Formula) -> Matrix:
        return (sp.Dummy(), sp.Dummy()) if formula == f.Number("0") else NUMBER

    def number(self, formula: Formula) -> Matrix:
        for part in f.parts(formula):
            self(part)
        return NUMBER

    def sum(self, formula: f.Sum) -> Matrix:
        return self.same(formula.terms)

    def body(self, formula: f.Term | f.Negative) -> Matrix:
        return self(formula.body)

    def fraction(self, formula: f.Fraction) -> Matrix:
        if not self.is_number(self(formula.below)):
            raise NotConforming(f"{text(formula)}: a matrix is no divisor")
        return self(formula.above)

    def scripted(self, formula: f.Scripted) -> Matrix:
        base, sup = formula.base, formula.sup
        rows, columns = self(base)
        if sup == f.Sign("⊤"):
            return columns, rows
        entrywise = isinstance(sup, f.Row) and f.Sign("∘") in sup.items
        if sup is not None and not entrywise:
            self.equal(rows, columns, formula)
            inverse = sup in (f.number("-1"), f.Negative(f.Sign("⊤")))
            if not inverse and not self.is_number((rows, columns)):
                raise NotConforming(f"{text(formula)}: a power of a matrix")
        return rows, columns

    def apply(self, formula: f.Apply) -> Matrix:
        inside = self(formula.argument)
        if not isinstance(formula.function, f.Function):
            return inside
        name = formula.function.name
        if name == "diag":
            self.equal(inside[1], sp.S.One, formula)
            return inside[0], inside[0]
        if name in {"tr", "det"}:
            self.equal(*inside, formula)
        return NUMBER if name in TO_A_NUMBER else inside

    def grid(self, formula: f.Grid) -> Matrix:
        """Blocks one above the other."""
        return self.joined([row.items[0] for row in formula.rows], 0)

    def joined(self, blocks: Sequence[Formula], axis: int) -> Matrix:
        """Matrices one after the other along an axis."""
        shapes = [self(b) for b in blocks]
        for block, shape in zip(blocks, shapes, strict=True):
            self.equal(shapes[0][1 - axis], shape[1 - axis], block)
        sizes = [self.resolved(s[axis]) for s in shapes]
        unknown = any(isinstance(s, sp.Dummy) for s in sizes)
        along = sp.Dummy() if unknown else sp.Add(*sizes)
        other = shapes[0][1 - axis]
        return (other, along) if axis else (along, other)

    def fenced(self, formula: f.Fenced) -> Matrix:
        match formula:
            case f.Fenced("[", f.Row(blocks, Gap.LIST)):
                return self.joined(blocks, 1)
        return self.each(formula)

    def row(self, formula: f.Row) -> Matrix:
        if formula.gap in (Gap.LIST, Gap.COMMA):
            return self.broadcast(formula.items)
        parts: list[list[Formula]] = [[]]
        signs = set()
        for item in formula.items:
            if isinstance(item, f.Sign) and item.char not in ("·", f.THIN.char):
                parts.append([])
                signs.add(item.char)
            elif not isinstance(item, (f.Sign, f.Function, f.Over)):
                parts[-1].append(item)
        if len(parts) == 1:
            return self.product(parts[0])
        rows = [f.beside(part) for part in parts if part]
        return self.same(rows) if signs <= ENTRYWISE else self.broadcast(rows)

    KINDS: ClassVar[Mapping[type[Formula], Callable[..., Matrix]]] = {
        f.Ones: ones,
        f.Letter: letter,
        f.Number: digits,
        f.Norm: number,
        f.Sum: sum,
        f.Term: body,
        f.Negative: body,
        f.Fraction: fraction,
        f.Scripted: scripted,
        f.Apply: apply,
        f.Row: row,
        f.Grid: grid,
        f.Fenced: fenced,
    }
