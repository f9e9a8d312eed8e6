"""A derivation as a document: sections of paragraphs, equations and tables, in no format yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sympy as sp

from symgrad.derivation import Adjoint, Derivation
from symgrad.equations import Equation, Variable
from symgrad.indices import Index, Size, axis_index, entries, entry, fixed, name_of
from symgrad.notation import Notation
from symgrad.steps import Step
from symgrad.writing.printer import Partial, Printer

Detail = Literal["brief", "normal", "full"]
MatrixForm = Callable[[str], str | None]
"""The right-hand side of a named equation in matrix form, or None where it has none."""

SHOWN_ENTRIES = 64
"""An array with more entries than this is not shown at the example point."""


@dataclass(frozen=True)
class Math:
    """A formula inside a sentence, in the language of the printer that wrote it."""

    text: str


Prose = tuple[str | Math, ...]


@dataclass(frozen=True)
class Paragraph:
    """Sentences."""

    prose: Prose


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Prose, ...]


@dataclass(frozen=True)
class Row:
    """``left = terms``; an empty ``left`` goes on with the row before.

    ``terms`` are the places where a format may break the line.  ``note`` names the rule, or says
    the same once more in matrix form.
    """

    left: str
    terms: tuple[str, ...]
    note: Prose = ()
    relation: str = "="


@dataclass(frozen=True)
class Equations:
    """Aligned equations."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Result:
    """A final formula, with the shape of what it gives."""

    left: str
    terms: tuple[str, ...]
    shape: str


@dataclass(frozen=True)
class Table:
    """Cells under their heads."""

    head: tuple[str, ...]
    rows: tuple[tuple[Prose, ...], ...]


@dataclass(frozen=True)
class Matrix:
    """``symbol = exact ≈ decimals``; arrays as rows of printed numbers."""

    symbol: str
    exact: tuple[tuple[str, ...], ...]
    decimals: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Matrices:
    """Arrays of numbers."""

    arrays: tuple[Matrix, ...]


Block = Paragraph | Items | Equations | Result | Table | Matrices


@dataclass(frozen=True)
class Section:
    """A heading and what is under it; ``value`` is what it is about, where it is about one."""

    title: Prose
    blocks: tuple[Block, ...]
    parts: tuple[Section, ...] = ()
    value: str = ""


@dataclass(frozen=True)
class Document:
    """The whole, in reading order."""

    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Author:
    """Writes sections about one derivation; ``kind`` prints its formulas."""

    derivation: Derivation
    notation: Notation
    kind: type[Printer]
    matrix: MatrixForm = field(default=lambda name: None)
    detail: Detail = "normal"

    # -- what is given --------------------------------------------------------------------

    def given(self) -> Section:
        """Symbols with shapes and roles, and how entries are written."""
        system = self.derivation.system
        rows = [self._input(v) for v in system.variables if v.role != "constant"]
        rows += [self._constant(v) for v in system.variables if v.role == "constant"]
        rows += [self._value(e) for e in system.equations]
        table = Table(("Symbol", "Shape", "Entry", ""), tuple(rows))
        return Section(("What is given",), (table, *self._reading()))

    def _input(self, variable: Variable) -> tuple[Prose, ...]:
        role = {"param": "parameter", "data": "data"}[variable.role]
        kind = {"float": "", "int": ", integers", "bool": ", truth values"}[variable.dtype]
        promises = ", ".join(_promise(a.kind, a.axis) for a in variable.assumptions)
        text = f"{role}{kind}" + (f"; {promises}" if promises else "")
        return (*self._shape_cells(variable.name, variable.shape), (text,))

    def _constant(self, variable: Variable) -> tuple[Prose, ...]:
        return (*self._shape_cells(variable.name, variable.shape), ("constant",))

    def _value(self, equation: Equation) -> tuple[Prose, ...]:
        output = equation.name == self.derivation.system.output
        return (
            *self._shape_cells(equation.name, equation.shape),
            ("the loss",) if output and not equation.shape else ("computed",),
        )

    def _shape_cells(self, name: str, shape: Sequence[Size]) -> tuple[Prose, Prose, Prose]:
        at = tuple(axis_index(s) for s in shape)
        shown = self._entry(name, at)
        return ((Math(self.symbol(name)),), (Math(self.shape(shape)),), (Math(shown),))

    def _entry(self, name: str, at: tuple[sp.Expr, ...]) -> str:
        return self._written(entry(name, at), at)

    def _reading(self) -> Iterator[Block]:
        ranges = self.notation.letters.ranges()
        if not ranges:
            return
        parts: list[str | Math] = ["Indices count from 0, as in NumPy: "]
        for place, (letters, size) in enumerate(ranges):
            parts += [", " if place else "", Math(self._range(letters, size))]
        yield Paragraph((*parts, ". An axis of size 1 has no index."))

    def _range(self, letters: Sequence[str], size: Size) -> str:
        printer = self.kind(self.notation.names, {})
        known = fixed(size)
        last = str(known - 1) if known is not None else f"{printer.text(size)} - 1"
        names = ", ".join(printer.letter(c) for c in letters)
        return printer.range(names, known, last)

    # -- forward --------------------------------------------------------------------------

    def forward(self) -> Section:
        """Every equation in order, with the rewrites that keep its numbers finite."""
        rows = [row for e in self.derivation.system.equations for row in self._forward_rows(e)]
        notes = self._becauses(step for _, step in self.derivation.forward_steps)
        return Section(("The forward pass",), (Equations(tuple(rows)), *_paragraph(notes)))

    def _forward_rows(self, equation: Equation) -> list[Row]:
        steps = [s for name, s in self.derivation.forward_steps if name == equation.name]
        steps = [] if self.detail == "brief" else [s for s in steps if self._is_known(s.before)]
        left = self._written(equation.lhs, equation.indices)
        matrix = self.matrix(equation.name)
        says: Prose = () if matrix is None else (Math(f"{self.symbol(equation.name)} = {matrix}"),)
        rows = [
            Row("", self._terms(s.before, equation), () if k else says) for k, s in enumerate(steps)
        ]
        last = self.prose(steps[-1].rule) if steps else says
        rows += [Row("", self._terms(equation.rhs, equation), last + _held(equation))]
        return _chained(left, rows)

    def _is_known(self, expr: sp.Expr) -> bool:
        """Whether every value that an expression reads is in the table of symbols."""
        return all(name_of(e) in self.notation.names.symbols for e in entries(expr))

    # -- backward -------------------------------------------------------------------------

    def backward(self) -> Section:
        """The derivative with respect to each value, latest first."""
        output = self.derivation.system.output
        intro: Prose = (
            "The derivative of ", Math(self.symbol(output)),
            " with respect to a value has the shape of that value. Values are taken latest first, "
            "so that each derivative is made of those before it.",
        )  # fmt: skip
        parts = [self._adjoint(a) for a in self.derivation.adjoints if self._is_shown(a)]
        return Section(("The backward pass",), (Paragraph(intro),), tuple(parts))

    def _is_shown(self, adjoint: Adjoint) -> bool:
        if adjoint.value == self.derivation.system.output:
            return False
        return self.detail == "full" or not adjoint.inlined

    def _adjoint(self, adjoint: Adjoint) -> Section:
        title: Prose = ("The derivative with respect to ", Math(self.symbol(adjoint.value)))
        blocks: list[Block] = []
        if self.detail != "brief":
            blocks.append(Equations(tuple(self._adjoint_rows(adjoint))))
            blocks += _paragraph([*self._put_in(adjoint), *self._becauses(adjoint.steps)])
        blocks.append(self._result(adjoint))
        return Section(title, tuple(blocks), value=adjoint.value)

    def _adjoint_rows(self, adjoint: Adjoint) -> list[Row]:
        equation = adjoint.equation
        rows = self._chain_rule(adjoint)
        first = adjoint.steps[0].before if adjoint.steps else equation.rhs
        rows.append(Row("", self._terms(first, equation), self._differentiated(adjoint)))
        rows += [Row("", self._terms(s.after, equation), self._rule(s)) for s in adjoint.steps]
        return _chained(self._written(equation.lhs, equation.indices), rows)

    def _chain_rule(self, adjoint: Adjoint) -> list[Row]:
        """Σ ∂L/∂c ∂c/∂v over the values c that read v; none where L alone reads it."""
        system = self.derivation.system
        if not adjoint.chain or system.output in adjoint.chain:
            return []
        count = len(system[system.output].indices)
        outer, inner = adjoint.equation.indices[:count], adjoint.equation.indices[count:]
        total = sp.Add(*(self._link(name, adjoint.value, outer, inner) for name in adjoint.chain))
        return [Row("", self._terms(total, adjoint.equation), ("chain rule",))]

    def _link(
        self, consumer: str, value: str, outer: tuple[sp.Expr, ...], inner: tuple[sp.Expr, ...]
    ) -> sp.Expr:
        at = tuple(axis_index(s) for s in self.derivation.system[consumer].shape)
        adjoint = entry(self.derivation.adjoint_name[consumer], (*outer, *at))
        product = adjoint * Partial(entry(consumer, at), entry(value, inner))
        bound = [i.limits for i in at if isinstance(i, Index)]
        return sp.Sum(product, *bound) if bound else product

    def _differentiated(self, adjoint: Adjoint) -> Prose:
        if not adjoint.chain:
            return ("not used",)
        return ("derivative of ", *_listed([Math(self.symbol(name)) for name in adjoint.chain]))

    def _put_in(self, adjoint: Adjoint) -> Iterator[Prose]:
        """The derivatives that are written out where they are used, and have no section."""
        for name in adjoint.chain:
            written_out = self.derivation.adjoint(name)
            if not self._is_shown(written_out) and name != self.derivation.system.output:
                yield (Math(self._equation(written_out.equation)), " is written out here.")

    def _rule(self, step: Step) -> Prose:
        """The rule; a step that brings in a name says which."""
        before, after = ({name_of(e) for e in entries(x)} for x in (step.before, step.after))
        introduced = sorted(after - before, key=lambda name: self.notation.names.order.get(name, 0))
        if introduced:
            return ("definition of ", *_listed([Math(self.symbol(name)) for name in introduced]))
        return self.prose(step.rule)

    def _becauses(self, steps: Iterable[Step]) -> list[Prose]:
        return [self.prose(_sentence(f"Here {s.because}")) for s in steps if s.because]

    def _result(self, adjoint: Adjoint) -> Result:
        """The derivative in matrix form, or in index form where it has no other."""
        equation = adjoint.equation
        shape = self.shape(equation.shape)
        matrix = self.matrix(equation.name)
        if matrix is not None:
            return Result(self.symbol(equation.name), (matrix,), shape)
        left = self._written(equation.lhs, equation.indices)
        return Result(left, self._terms(equation.rhs, equation), shape)

    # -- all gradients, remarks, numbers --------------------------------------------------

    def summary(self) -> Section:
        """The gradients that were asked for, each on a line."""
        rows = []
        for name in self.derivation.wrt:
            result = self._result(self.derivation.adjoint(name))
            rows.append(Row(result.left, result.terms, (Math(result.shape),)))
        return Section(("All gradients",), (Equations(tuple(rows)),))

    def remarks(self) -> Section | None:
        """What a reader should know beside the equations."""
        remarks = self.derivation.remarks
        if not remarks:
            return None
        return Section(("Remarks",), (Items(tuple(self.prose(_sentence(r)) for r in remarks)),))

    def example(self, exact: Mapping[str, Any], decimals: Mapping[str, Any]) -> Section:
        """The values at one point: exact numbers, and decimals, by name."""
        seed = self.derivation.adjoint_name.get(self.derivation.system.output)
        names = [name for name in dict.fromkeys([*exact, *decimals]) if name != seed]
        arrays = [self._numbers(name, exact.get(name), decimals.get(name)) for name in names]
        shown = tuple(a for a in arrays if a is not None)
        return Section(("At the example point",), (Matrices(shown),))

    def _numbers(self, name: str, exact: Any, decimals: Any) -> Matrix | None:
        rows = _rows(decimals if exact is None else exact)
        if rows is None or sum(map(len, rows)) > SHOWN_ENTRIES:
            return None
        inexact = tuple(tuple(_decimal(n) for n in row) for row in rows)
        if exact is None:
            return Matrix(self.symbol(name), (), inexact)
        printed = tuple(tuple(self._written(sp.sympify(n), ()) for n in row) for row in rows)
        return Matrix(self.symbol(name), printed, inexact if inexact != printed else ())

    # -- formulas and sentences -----------------------------------------------------------

    def symbol(self, name: str) -> str:
        """A whole value."""
        return self.kind(self.notation.names, {}).symbol(name)

    def shape(self, shape: Sequence[Size]) -> str:
        """Sizes with a × between them."""
        printer = self.kind(self.notation.names, {})
        return printer.shape([printer.text(s) for s in shape])

    def prose(self, text: str) -> Prose:
        """A sentence in which the names of values are formulas."""
        known = self.notation.names.symbols.keys() | self.notation.names.adjoint_of.keys()
        named = known - {"a", "I", "as"}
        parts: list[str | Math] = [""]
        for word in re.split(r"(\w+)", text):
            if word in named:
                parts += [Math(self.symbol(word)), ""]
            else:
                parts[-1] = f"{parts[-1]}{word}"
        return tuple(p for p in parts if p)

    def _written(self, expr: sp.Expr, free: Iterable[sp.Expr]) -> str:
        return self.notation.write(self.kind, expr, free)

    def _equation(self, equation: Equation) -> str:
        left = self._written(equation.lhs, equation.indices)
        return f"{left} = {self._written(equation.rhs, equation.indices)}"

    def _terms(self, expr: sp.Expr, equation: Equation) -> tuple[str, ...]:
        return self.notation.write_terms(self.kind, expr, equation.indices)


def document(
    derivation: Derivation,
    notation: Notation,
    kind: type[Printer],
    *,
    matrix: MatrixForm | None = None,
    example: Mapping[str, Any] | None = None,
    decimals: Mapping[str, Any] | None = None,
    detail: Detail = "normal",
    title: str = "",
) -> Document:
    """The derivation as a document whose formulas ``kind`` prints."""
    author = Author(derivation, notation, kind, matrix or (lambda name: None), detail)
    later = [author.forward(), author.backward(), author.summary()]
    later += [s for s in (author.remarks(),) if s is not None]
    later += [author.example(example or {}, decimals or {})] if example or decimals else []
    return Document(title or "Derivation", (author.given(), *later))


def _chained(left: str, rows: Iterable[Row]) -> list[Row]:
    """Rows under one left-hand side; a row that says the same as the one before is left out."""
    chained: list[Row] = []
    for row in rows:
        if not chained or row.terms != chained[-1].terms:
            chained.append(Row("" if chained else left, row.terms, row.note))
    return chained


def _paragraph(sentences: Sequence[Prose]) -> list[Paragraph]:
    """One paragraph of sentences, each of them once."""
    different = list(dict.fromkeys(sentences))
    joined = [part for k, s in enumerate(different) for part in ((" ",) if k else ()) + s]
    return [Paragraph(tuple(joined))] if joined else []


def _listed(parts: Sequence[Math]) -> Prose:
    """a, b and c."""
    result: list[str | Math] = []
    for place, part in enumerate(parts):
        if place:
            result.append(" and " if place == len(parts) - 1 else ", ")
        result.append(part)
    return tuple(result)


def _held(equation: Equation) -> Prose:
    """How a value is held, where it is rounded."""
    if equation.decimals is None:
        return ()
    return (f", rounded to {equation.decimals} decimal{'s' if equation.decimals != 1 else ''}",)


def _promise(kind: str, axis: int | None) -> str:
    words = kind.replace("_", " ")
    return words if axis is None else f"{words} along axis {axis}"


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _rows(numbers: Any) -> list[list[Any]] | None:
    """Numbers as rows: a vector is one row; None for what has more than two axes."""
    nested = numbers.tolist() if hasattr(numbers, "tolist") else numbers
    if not isinstance(nested, (list, tuple)):
        return [[nested]]
    if not any(isinstance(n, (list, tuple)) for n in nested):
        return [list(nested)]
    if any(isinstance(n, (list, tuple)) for row in nested for n in row):
        return None
    return [list(row) for row in nested]


def _decimal(number: Any) -> str:
    return f"{float(number):.6g}"
