"""The sections of a derivation, as a person would write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, get_args

import sympy as sp

from symgrad.calculus.derivation import Adjoint, Derivation, Tangent
from symgrad.calculus.hoisting import Preparation
from symgrad.errors import SpecError, perhaps
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import Index, axis_index, entries, entry, name_of
from symgrad.mathematics.sizes import Size, fixed
from symgrad.mathematics.steps import Step
from symgrad.writing.document import (
    Block,
    Document,
    Equations,
    Items,
    Math,
    Matrices,
    Matrix,
    Paragraph,
    Prose,
    Result,
    Row,
    Section,
    Table,
)
from symgrad.writing.equation_forms import MatrixForm
from symgrad.writing.formula import Formula, Number, number, related, terms_of, whole
from symgrad.writing.naming import Partial
from symgrad.writing.notation import Notation, transposed_axes
from symgrad.writing.worth_showing import local_derivative, mentioned, tidy, way_to
from symgrad.writing.writer import Writer

Detail = Literal["brief", "normal", "full"]
Form = Literal["matrix", "index", "both"]
DETAILS: tuple[Detail, ...] = get_args(Detail)
FORMS: tuple[Form, ...] = get_args(Form)

SHOWN_ENTRIES = 64
"""An array with more entries than this is not shown at the example point."""

SHORT = 48
"""A reason of so many characters stands beside its step, a longer one under the equations."""


@dataclass(frozen=True)
class Choice:
    """What to show.

    ``detail``: final formulas; the steps worth seeing; every rewrite.  ``only``: the derivatives
    by these values, by default all.  ``explain``: only the way from the output to this value.
    """

    detail: Detail = "normal"
    form: Form = "both"
    only: tuple[str, ...] = ()
    explain: str = ""

    def checked(self, derivation: Derivation) -> Choice:
        """The same; SpecError where it names what there is no derivative by."""
        known = [a.value for a in derivation.derivatives]
        for name in (*self.only, *([self.explain] if self.explain else ())):
            if name not in known:
                raise SpecError(
                    f"there is no derivative with respect to {name!r}", hint=perhaps(name, known)
                )
        return self


@dataclass(frozen=True)
class Numbers:
    """The values at one point as nested lists by name: exact, and in decimals."""

    exact: Mapping[str, Any] = field(default_factory=dict)
    decimals: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Author:
    """Writes sections about one derivation; its formulas are set as in ``layout``."""

    derivation: Derivation
    notation: Notation
    layout: type[Writer]
    matrix: MatrixForm = field(default=lambda name: None)
    choice: Choice = field(default_factory=Choice)

    @cached_property
    def _way(self) -> tuple[str, ...]:
        """The values that are explained; () where all are shown."""
        return way_to(self.derivation, self.choice.explain) if self.choice.explain else ()

    @cached_property
    def _mentioned(self) -> frozenset[str]:
        return mentioned(self.derivation, self._way)

    def _is_mentioned(self, name: str) -> bool:
        return not self._way or name in self._mentioned

    # -- what is given --------------------------------------------------------------------

    def given(self) -> Section:
        """Symbols with shapes and roles, and how entries are written."""
        system = self.derivation.system
        rows = [self._input(v) for v in system.variables if v.role != "constant"]
        rows += [self._constant(v) for v in system.variables if v.role == "constant"]
        rows += [self._value(e) for e in system.equations]
        shown = tuple(cells for name, cells in rows if self._is_mentioned(name))
        table = Table(("Symbol", "Shape", "Entry", "What it is"), shown)
        return Section(("What is given",), (table, *self._reading()), key="given")

    def _input(self, variable: Variable) -> tuple[str, tuple[Prose, ...]]:
        role = {"param": "parameter", "data": "data"}[variable.role]
        kind = {"float": "", "int": ", integers", "bool": ", truth values"}[variable.dtype]
        promises = ", ".join(map(str, variable.assumptions))
        text = f"{role}{kind}" + (f"; {promises}" if promises else "")
        made = self.derivation.preparation
        if made is not None and variable.name in made.names:
            formula = Math(self._made(made, variable.name))
            cells = self._shape_cells(variable.name, variable.shape)
            of_data = (
                "worked out of the data once: ",
                formula,
                f"; {promises}" if promises else "",
            )
            return variable.name, (*cells, of_data)
        of = {v: name for name, v in self.derivation.directions.items()}
        if variable.name in of:
            cells = self._shape_cells(variable.name, variable.shape)
            return variable.name, (*cells, ("direction of ", Math(self.symbol(of[variable.name]))))
        return variable.name, (*self._shape_cells(variable.name, variable.shape), (text,))

    def _made(self, made: Preparation, name: str) -> Formula:
        """The equation of an input that is worked out of the data."""
        equation = next(e for e in made.equations if e.name == name)
        system = replace(made.before, equations=made.equations)
        notation = Notation(system, style=self.notation.names.style)
        return notation.equation(self.layout, equation)

    def _constant(self, variable: Variable) -> tuple[str, tuple[Prose, ...]]:
        return variable.name, (*self._shape_cells(variable.name, variable.shape), ("constant",))

    def _value(self, equation: Equation) -> tuple[str, tuple[Prose, ...]]:
        output = equation.name == self.derivation.system.output
        named = "the loss" if equation.name == "loss" else "the output"
        text = named if output else "computed"
        return equation.name, (*self._shape_cells(equation.name, equation.shape), (text,))

    def _shape_cells(self, name: str, shape: Sequence[Size]) -> tuple[Prose, Prose, Prose]:
        at = tuple(axis_index(s) for s in shape)
        shown = self._written(entry(name, at), at)
        return ((Math(self.symbol(name)),), (Math(self.shape(shape)),), (Math(shown),))

    def _reading(self) -> Iterator[Block]:
        ranges = self.notation.letters.ranges()
        if not ranges:
            return
        parts: list[str | Math] = ["Indices count from 0, as in NumPy: "]
        for place, (letters, size) in enumerate(ranges):
            parts += ["; " if place else "", Math(self._range(letters, size))]
        yield Paragraph((*parts, ". An axis of size 1 has no index.", *self._slices()))

    def _slices(self) -> Prose:
        """What arrays with only some of their indices are, where there are any."""
        derivation = self.derivation
        names = [e.name for e in derivation.system]
        names += [a.equation.name for a in derivation.adjoints]
        wholes = [] if self.choice.form == "index" else [(n, self.matrix(n)) for n in names]
        if all(whole is None or whole[0] == self.symbol(name) for name, whole in wholes):
            return ()
        return (
            " In matrix forms, an array with only its first indices is what is left of it there: "
            "a matrix, or a vector as a column.",
        )

    def _range(self, letters: Sequence[str], size: Size) -> Formula:
        writer = self.layout(self.notation.names, {})
        known = fixed(size)
        if known is None:
            last = related(writer.formula(size), Number("1"), "-")
        else:
            last = number(str(known - 1))
        return writer.range(letters, known, last)

    # -- the way --------------------------------------------------------------------------

    def way(self) -> Section:
        """How the output depends on the value that is explained."""
        value, output = self.choice.explain, self.derivation.system.output
        title: Prose = ("How ", Math(self.symbol(output)), " depends on ", Math(self.symbol(value)))
        items = tuple(
            (Math(self.symbol(name)), " is used in ", *self._symbols(self._chain(name)))
            for name in reversed(self._way)
            if self._chain(name)
        )
        return Section(title, (Items(items),), key="way")

    def _chain(self, value: str) -> tuple[str, ...]:
        return tuple(reversed(self.derivation.adjoint(value).chain))

    def _symbols(self, names: Iterable[str]) -> Prose:
        return _listed([Math(self.symbol(name)) for name in names])

    # -- forward --------------------------------------------------------------------------

    def forward(self) -> Section:
        """Every equation in order, with the rewrites that keep its numbers finite."""
        tangents = {t.equation.name for t in self.derivation.tangents}
        forward = (e for e in self.derivation.system.equations if e.name not in tangents)
        shown = [e for e in forward if all(map(self._is_mentioned, (e.name, *e.reads)))]
        rows = [row for e in shown for row in self._forward_rows(e)]
        steps = [s for name, s in self.derivation.forward_steps if self._is_mentioned(name)]
        notes = self._becauses(steps) if self.choice.detail != "brief" else []
        blocks: tuple[Block, ...] = (Equations(tuple(rows)), *_paragraph(notes))
        return Section(("The forward pass",), blocks, key="forward")

    def _forward_rows(self, equation: Equation) -> list[Row]:
        steps = [s for name, s in self.derivation.forward_steps if name == equation.name]
        steps = [] if self.choice.detail == "brief" else steps
        left = self._written(equation.lhs, equation.indices)
        says = self._matrix_note(equation)
        rows = [
            Row(None, self._terms(s.before, equation), self._rule(steps[k - 1]) if k else ())
            for k, s in enumerate(steps)
        ]
        last = self._rule(steps[-1]) if steps else says
        rows.append(Row(None, self._terms(equation.rhs, equation), last + _held(equation)))
        if steps and says:
            rows[0] = Row(None, rows[0].terms, says)
        return _chained(left, rows, equation.name)

    def _matrix_note(self, equation: Equation) -> Prose:
        matrix = self._whole(equation)
        return () if matrix is None else (Math(related(*matrix)),)

    def _whole(self, equation: Equation) -> tuple[Formula, Formula] | None:
        """The equation in matrix form, where it has one that says more and it is asked for."""
        between_numbers = not equation.indices and not equation.rhs.atoms(Index)
        if self.choice.form == "index" or between_numbers:
            return None
        return self.matrix(equation.name)

    # -- backward -------------------------------------------------------------------------

    def backward(self) -> Section:
        """The derivative with respect to each value, latest first."""
        title: Prose = ("The backward pass",)
        shown = [a for a in self.derivation.adjoints if self._is_shown(a)]
        if self.choice.detail == "brief":
            rows = tuple(self._line(a) for a in shown)
            return Section(title, (Equations(rows),), key="backward")
        parts = tuple(self._adjoint(a) for a in shown)
        return Section(title, (Paragraph(self._intro()),), parts, key="backward")

    # -- along a direction ----------------------------------------------------------------

    def along(self) -> Section:
        """The derivative of each value along the direction, in the order of the values."""
        title: Prose = ("The derivative along the direction",)
        shown = [
            t
            for t in self.derivation.tangents
            if not self.choice.only or t.value in self.choice.only
        ]
        if self.choice.detail == "brief":
            rows = tuple(self._line(t) for t in shown)
            return Section(title, (Equations(rows),), key="along")
        parts = tuple(self._tangent(t) for t in shown)
        return Section(title, (Paragraph(self._directions()),), parts, key="along")

    def _directions(self) -> Prose:
        pairs = self.derivation.directions.items()
        moves: list[str | Math] = []
        for place, (name, direction) in enumerate(pairs):
            joint = "" if not place else " and " if place == len(pairs) - 1 else ", "
            along = " along " if place else " moves along "
            moves += [joint, Math(self.symbol(name)), along, Math(self.symbol(direction))]
        last = self.derivation.tangents[-1]
        return (
            "When ", *moves, ", ",
            Math(self.symbol(last.value)), " changes at the rate ",
            Math(self.symbol(last.equation.name)), ". Values are taken in their order, so that "
            "each rate is made of those before it.",
        )  # fmt: skip

    def _tangent(self, tangent: Tangent) -> Section:
        title: Prose = ("The derivative of ", Math(self.symbol(tangent.value)))
        blocks: list[Block] = [Equations(tuple(self._tangent_rows(tangent)))]
        blocks += _paragraph(self._becauses(tangent.steps))
        blocks.append(self._result(tangent))
        return Section(title, tuple(blocks), value=tangent.value, key=tangent.equation.name)

    def _tangent_rows(self, tangent: Tangent) -> list[Row]:
        equation = tangent.equation
        chain = sp.Add(*(self._moved(tangent, name) for name in tangent.along))
        first = tangent.steps[0].before if tangent.steps else equation.rhs
        first = first if self.choice.detail == "full" else tidy(first)
        rows = [Row(None, self._terms(chain, equation), ("chain rule",))] if tangent.along else []
        rows.append(Row(None, self._terms(first, equation), ("local derivatives",)))
        rows += [Row(None, self._terms(s.after, equation), self._rule(s)) for s in tangent.steps]
        return _chained(self._written(equation.lhs, equation.indices), rows)

    def _moved(self, tangent: Tangent, name: str) -> sp.Expr:
        """Σ ∂z/∂x times the rate of x, for one x that the value z reads."""
        inner = tuple(axis_index(s) for s in self.derivation.system.shapes[name])
        above = entry(tangent.value, tangent.equation.indices)
        product = Partial(above, entry(name, inner)) * entry(tangent.along[name], inner)
        bound = [i.limits for i in inner if isinstance(i, Index)]
        return sp.Sum(product, *bound) if bound else product

    # -- parts of sections about derivatives ----------------------------------------------

    def _intro(self) -> Prose:
        output = Math(self.symbol(self.derivation.system.output))
        shape: Prose = (
            "The derivative of ", output, " with respect to a value has the shape of that value. ",
        )  # fmt: skip
        if self.notation.transposes:
            shape = (
                "In numerator layout the derivative of ", output, " by an m × n value is n × m: "
                "its row j, column i is the derivative by the entry at row i, column j. ",
            )  # fmt: skip
        if self.notation.names.axes.get(self.derivation.system.output):
            shape = (
                "The derivative of ", output, " with respect to a value has the shape of ", output,
                " followed by that of the value. ",
            )  # fmt: skip
        return (*shape, "Values are taken latest first, so that each derivative is made of those "
                "before it.")  # fmt: skip

    def _is_shown(self, adjoint: Adjoint) -> bool:
        if self.choice.only:
            return adjoint.value in self.choice.only
        if self._way and adjoint.value not in self._way:
            return False
        if adjoint.value == self.derivation.system.output:
            return False
        return (
            self.choice.detail == "full" or not adjoint.inlined or bool(adjoint.value in self._wrt)
        )

    @property
    def _wrt(self) -> Sequence[str]:
        return [self.choice.explain] if self.choice.explain else self.derivation.wrt

    def _adjoint(self, adjoint: Adjoint) -> Section:
        title: Prose = ("The derivative with respect to ", Math(self.symbol(adjoint.value)))
        links = self._links(adjoint)
        local = [self._local(name, adjoint, at) for name, at in links]
        blocks: list[Block] = [Equations((*local, *self._adjoint_rows(adjoint, links)))]
        blocks += _paragraph([*self._put_in(adjoint), *self._becauses(adjoint.steps)])
        blocks.append(self._result(adjoint))
        return Section(title, tuple(blocks), value=adjoint.value, key=adjoint.equation.name)

    def _links(self, adjoint: Adjoint) -> list[tuple[str, tuple[sp.Expr, ...]]]:
        """The values that read this one, with indices; none where the output alone reads it."""
        system = self.derivation.system
        others = [c for c in adjoint.chain if c != system.output]
        return [(c, tuple(axis_index(s) for s in system[c].shape)) for c in others]

    def _adjoint_rows(
        self, adjoint: Adjoint, links: Sequence[tuple[str, tuple[sp.Expr, ...]]]
    ) -> list[Row]:
        equation = adjoint.equation
        rows = []
        if links:
            total = sp.Add(*(self._link(name, adjoint, at) for name, at in links))
            total += self._direct(adjoint)
            rows.append(Row(None, self._terms(total, equation), ("chain rule",)))
        first = adjoint.steps[0].before if adjoint.steps else equation.rhs
        first = first if self.choice.detail == "full" else tidy(first)
        rows.append(Row(None, self._terms(first, equation), self._differentiated(adjoint)))
        rows += [Row(None, self._terms(s.after, equation), self._rule(s)) for s in adjoint.steps]
        return _chained(self._written(equation.lhs, equation.indices), rows)

    def _split(self, adjoint: Adjoint) -> tuple[tuple[sp.Expr, ...], tuple[sp.Expr, ...]]:
        """The indices of the output, and those of the value."""
        count = len(self.derivation.system[self.derivation.system.output].indices)
        indices = adjoint.equation.indices
        return indices[:count], indices[count:]

    def _link(self, consumer: str, adjoint: Adjoint, at: tuple[sp.Expr, ...]) -> sp.Expr:
        """Σ ∂L/∂c ∂c/∂v for one value c that reads v."""
        outer, inner = self._split(adjoint)
        above = entry(self.derivation.adjoint_name[consumer], (*outer, *at))
        product = above * Partial(entry(consumer, at), entry(adjoint.value, inner))
        bound = [i.limits for i in at if isinstance(i, Index)]
        return sp.Sum(product, *bound) if bound else product

    def _direct(self, adjoint: Adjoint) -> sp.Expr:
        """What the output's own use of the value adds; 0 where it does not use it."""
        output = self.derivation.system[self.derivation.system.output]
        if output.name not in adjoint.chain:
            return sp.S.Zero
        outer, inner = self._split(adjoint)
        return local_derivative(output, outer, adjoint.value, inner)

    def _local(self, consumer: str, adjoint: Adjoint, at: tuple[sp.Expr, ...]) -> Row:
        """The derivative of one value that reads this one."""
        inner = self._split(adjoint)[1]
        value = adjoint.value
        free = (*adjoint.equation.indices, *at)
        equation = self.derivation.system[consumer]
        left = self._written(Partial(entry(consumer, at), entry(value, inner)), free)
        expr = local_derivative(equation, at, value, inner)
        return Row(left, self._write_terms(expr, free), ("local derivative",))

    def _differentiated(self, adjoint: Adjoint) -> Prose:
        if not adjoint.chain:
            return ("not used",)
        return ("derivative of ", *self._symbols(adjoint.chain))

    def _put_in(self, adjoint: Adjoint) -> Iterator[Prose]:
        """The derivatives that are written out where they are used, and have no section."""
        for name in adjoint.chain:
            written_out = self.derivation.adjoint(name)
            if written_out.inlined and name != self.derivation.system.output:
                yield (Math(self._equation(written_out.equation)), " has been put in.")

    def _rule(self, step: Step) -> Prose:
        """The rule, and what it rests on; a step that brings in a name says which."""
        before, after = ({name_of(e) for e in entries(x)} for x in (step.before, step.after))
        introduced = sorted(after - before, key=lambda name: self.notation.names.order.get(name, 0))
        if introduced and step.rule == "definition":
            return ("definition of ", *self._symbols(introduced))
        reason = f": {step.because}" if 0 < len(step.because) <= SHORT else ""
        return self.prose(step.rule + reason)

    def _becauses(self, steps: Iterable[Step]) -> list[Prose]:
        """The reasons that are too long to stand beside their steps."""
        return [
            (f"{step.rule}, because ".capitalize(), *self.prose(_sentence(step.because)))
            for step in steps
            if len(step.because) > SHORT
        ]

    def _line(self, adjoint: Adjoint | Tangent) -> Row:
        """The derivative on one line: in index form, and in matrix form at the right."""
        first, *others = self._forms(adjoint)
        says = tuple(Math(related(row.left, whole(row.terms))) for row in others if row.left)
        name, shape = adjoint.equation.name, self._shape_of(adjoint)
        return Row(first.left, first.terms, says, name=name, shape=shape)

    def _result(self, adjoint: Adjoint | Tangent) -> Result:
        shape = self._shape_of(adjoint)
        return Result(self._forms(adjoint), shape, adjoint.equation.name)

    def _shape_of(self, adjoint: Adjoint | Tangent) -> Formula:
        """The shape of a derivative as it is laid out in matrix form."""
        sizes: Sequence[Size] = adjoint.equation.shape
        if self.notation.transposes:
            sizes = transposed_axes(sizes, unit=sp.S.One)
        return self.shape(sizes)

    def _forms(self, adjoint: Adjoint | Tangent) -> tuple[Row, ...]:
        """The derivative in index form and in matrix form, as far as asked for and known."""
        equation = adjoint.equation
        matrix = self._whole(equation)
        left = self._written(equation.lhs, equation.indices)
        index = Row(left, self._terms(equation.rhs, equation))
        whole = [] if matrix is None else [Row(matrix[0], terms_of(matrix[1]))]
        return tuple(whole) if self.choice.form == "matrix" and whole else (index, *whole)

    # -- all gradients, remarks, numbers --------------------------------------------------

    def summary(self) -> Section:
        """The gradients that were asked for, each on a line."""
        names = self.choice.only or tuple(self._wrt)
        rows = tuple(self._line(self.derivation.adjoint(name)) for name in names)
        return Section(("All gradients",), (Equations(rows),), key="gradients")

    def remarks(self) -> Section | None:
        """What a reader should know beside the equations."""
        remarks = self.derivation.remarks
        if not remarks:
            return None
        items = Items(tuple(self.prose(_sentence(r)) for r in remarks))
        return Section(("Remarks",), (items,), key="remarks")

    def example(self, numbers: Numbers) -> Section:
        """The values at one point: exact numbers, and decimals, by name."""
        exact, decimals = numbers.exact, numbers.decimals
        names = [name for name in dict.fromkeys([*exact, *decimals]) if self._has_numbers(name)]
        arrays = [self._numbers(name, exact.get(name), decimals.get(name)) for name in names]
        shown = tuple(a for a in arrays if a is not None)
        return Section(("At the example point",), (Matrices(shown),), key="example")

    def _has_numbers(self, name: str) -> bool:
        value = self.notation.names.adjoint_of.get(name)
        if value is None:
            return self._is_mentioned(name)
        if self.choice.only:
            return value in self.choice.only
        return value != self.derivation.system.output and (not self._way or value in self._way)

    def _numbers(self, name: str, exact: Any, decimals: Any) -> Matrix | None:
        rows = _rows(decimals if exact is None else exact)
        if rows and self.notation.transposes and name in self.notation.names.adjoint_of:
            rows = [list(row) for row in zip(*rows, strict=True)]
        if rows is None or sum(map(len, rows)) > SHOWN_ENTRIES:
            return None
        inexact = tuple(tuple(_decimal(n) for n in row) for row in rows)
        if exact is None:
            return Matrix(self.symbol(name), (), inexact)
        printed = tuple(tuple(self._written(sp.sympify(n), ()) for n in row) for row in rows)
        return Matrix(self.symbol(name), printed, inexact if inexact != printed else ())

    # -- formulas and sentences -----------------------------------------------------------

    def symbol(self, name: str) -> Formula:
        """A whole value."""
        return self.layout(self.notation.names, {}).symbol(name)

    def shape(self, shape: Sequence[Size]) -> Formula:
        """Sizes with a × between them."""
        writer = self.layout(self.notation.names, {})
        return writer.shape(writer.formulas(shape))

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

    def _written(self, expr: sp.Expr, free: Iterable[sp.Expr]) -> Formula:
        return self.notation.formula(self.layout, expr, free)

    def _equation(self, equation: Equation) -> Formula:
        return self.notation.equation(self.layout, equation)

    def _terms(self, expr: sp.Expr, equation: Equation) -> tuple[Formula, ...]:
        return self._write_terms(expr, equation.indices)

    def _write_terms(self, expr: sp.Expr, free: Iterable[sp.Expr]) -> tuple[Formula, ...]:
        return self.notation.terms(self.layout, expr, free)


def document(
    derivation: Derivation,
    notation: Notation,
    layout: type[Writer],
    *,
    matrix: MatrixForm | None = None,
    numbers: Numbers | None = None,
    choice: Choice | None = None,
    title: str = "",
) -> Document:
    """The derivation as a document whose formulas are set as in ``layout``."""
    choice = (choice or Choice()).checked(derivation)
    author = Author(derivation, notation, layout, matrix or (lambda name: None), choice)
    sections = [author.way()] if choice.explain else []
    sections += [author.forward(), author.along() if derivation.tangents else author.backward()]
    short = choice.explain or choice.detail == "brief" or derivation.tangents
    sections += [] if short else [author.summary()]
    sections += [s for s in (author.remarks(),) if s is not None]
    sections += [author.example(numbers)] if numbers else []
    given = author.given()  # last, when all letters have been given out
    return Document(title or "Derivation", (given, *sections))


def _chained(left: Formula, rows: Iterable[Row], name: str = "") -> list[Row]:
    """Rows under one left-hand side; a row that says the same as the one before is left out."""
    chained: list[Row] = []
    for row in rows:
        if not chained or row.terms != chained[-1].terms:
            chained.append(Row(None if chained else left, row.terms, row.note, name=name))
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


def _decimal(value: Any) -> Formula:
    return number(f"{float(value):.6g}")
