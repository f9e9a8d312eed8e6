"""What is given: symbols with their shapes, and how indices are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from symgrad.calculus.hoisting import Preparation
from symgrad.mathematics.equations import Equation, Variable, shapes_of
from symgrad.mathematics.indices import axis_index, entry
from symgrad.mathematics.sizes import Size, fixed, normal_form
from symgrad.writing.cuts import has_cuts
from symgrad.writing.document import (
    Block,
    Math,
    Matrices,
    Matrix,
    Paragraph,
    Prose,
    Section,
    Table,
)
from symgrad.writing.formula import Formula, number
from symgrad.writing.notation import Notation
from symgrad.writing.occurring import letters_in
from symgrad.writing.sections.author import Author
from symgrad.writing.sections.sentences import listed


def given(author: Author, others: Sequence[Section] = ()) -> Section:
    """Symbols with shapes and roles, and how entries are written, here and in other sections."""
    system = author.derivation.system
    rows = [_input(author, v) for v in system.variables if v.role != "constant"]
    rows += [_constant(author, v) for v in system.variables if v.role == "constant"]
    rows += [_value(author, e) for e in system.equations]
    shown = tuple(cells for name, cells in rows if author.is_mentioned(name))
    kept = [0, 1, 3] if _without_entries(author, others) else [0, 1, 2, 3]
    cells = tuple(tuple(row[k] for k in kept) for row in shown)
    table = Table(tuple(HEADINGS[k] for k in kept), cells)
    symbols = Section(("What is given",), (table, *_constants(author)), key="given")
    reading = _reading(author, letters_in([symbols, *others]))
    return replace(symbols, blocks=(*symbols.blocks, *reading))


HEADINGS = ("Symbol", "Shape", "Entry", "What it is")


def _without_entries(author: Author, others: Sequence[Section]) -> bool:
    """Whether only matrix forms are asked for, and no other section has an index."""
    alone = author.choice.form == "matrix" and bool(others)
    return alone and not any(_ranges(author, letters_in(others)))


def _input(author: Author, variable: Variable) -> tuple[str, tuple[Prose, ...]]:
    role = {"param": "parameter", "data": "data"}[variable.role]
    kind = {"float": "", "int": ", integers", "bool": ", truth values"}[variable.dtype]
    promises = ", ".join(map(str, variable.assumptions))
    text = f"{role}{kind}" + (f"; {promises}" if promises else "")
    made = author.derivation.preparation
    if made is not None and variable.name in made.names:
        formula = Math(_made(author, made, variable.name))
        cells = _shape_cells(author, variable.name, variable.shape)
        of_data = (
            "worked out of the data once: ",
            formula,
            f"; {promises}" if promises else "",
        )
        return variable.name, (*cells, of_data)
    of = {v: name for name, v in author.derivation.directions.items()}
    if variable.name in of:
        cells = _shape_cells(author, variable.name, variable.shape)
        return variable.name, (*cells, ("direction of ", Math(author.symbol(of[variable.name]))))
    return variable.name, (*_shape_cells(author, variable.name, variable.shape), (text,))


def _made(author: Author, made: Preparation, name: str) -> Formula:
    """The equation of an input that is worked out of the data."""
    equation = next(e for e in made.equations if e.name == name)
    system = replace(made.before, equations=made.equations)
    notation = Notation(system, style=author.notation.names.style)
    return notation.equation(author.layout, equation)


def _constant(author: Author, variable: Variable) -> tuple[str, tuple[Prose, ...]]:
    cells = _shape_cells(author, variable.name, variable.shape)
    if _is_printed(variable):
        return variable.name, (*cells, ("constant",))
    different = np.unique(np.asarray(variable.values)).tolist()
    few = len(different) <= FEW
    shown = [Math(author.number(x)) for x in (different if few else (different[0], different[-1]))]
    told: Prose = ("the entries ", *listed(shown))
    if not few:
        told = ("entries from ", shown[0], " to ", shown[1])
    return variable.name, (*cells, ("constant, with ", *told))


FEW = 3
"""So many different entries of a large constant are told."""

LARGEST = 36
"""A constant of more entries is not printed as a matrix."""


def _is_printed(variable: Variable) -> bool:
    values = np.asarray(variable.values)
    return variable.role == "constant" and values.size <= LARGEST and values.ndim <= 2


def _constants(author: Author) -> Iterator[Matrices]:
    """Small constants, entry by entry."""
    variables = (v for v in author.derivation.system.variables if _is_printed(v))
    shown = [v for v in variables if author.is_mentioned(v.name)]
    if shown:
        yield Matrices(tuple(_matrix(author, v) for v in shown))


def _matrix(author: Author, variable: Variable) -> Matrix:
    rows = np.atleast_2d(np.asarray(variable.values)).tolist()
    short = [[float(f"{x:.6g}") for x in row] for row in rows]
    shown = tuple(tuple(map(author.number, row)) for row in short)
    symbol = author.symbol(variable.name)
    return Matrix(symbol, shown) if short == rows else Matrix(symbol, (), shown)


def _value(author: Author, equation: Equation) -> tuple[str, tuple[Prose, ...]]:
    output = equation.name == author.derivation.system.output
    named = "the loss" if equation.name == "loss" else "the output"
    text = named if output else "computed"
    return equation.name, (*_shape_cells(author, equation.name, equation.shape), (text,))


def _shape_cells(author: Author, name: str, shape: Sequence[Size]) -> tuple[Prose, Prose, Prose]:
    at = tuple(axis_index(s) for s in shape)
    shown = author.written(entry(name, at), at)
    return ((Math(author.symbol(name)),), (Math(author.shape(shape)),), (Math(shown),))


def _reading(author: Author, shown: frozenset[str]) -> Iterator[Block]:
    ranges = list(_ranges(author, shown))
    if not ranges:
        return
    parts: list[str | Math] = ["Indices count from 0, as in NumPy: "]
    for place, (letters, size) in enumerate(ranges):
        parts += ["; " if place else "", Math(_range(author, letters, size))]
    yield Paragraph((*parts, ". An axis of size 1 has no index.", *_slices(author)))


_SIGNS = {"l": "ℓ"}
"""What the letter of an index looks like on paper, where it is not itself."""


def _ranges(author: Author, shown: frozenset[str]) -> Iterator[tuple[Sequence[str], Size]]:
    """The letters of indices that are shown, and their sizes; a letter with a number always."""
    for letters_of_size, size in author.notation.letters.ranges():
        found = [c for c in letters_of_size if len(c) > 1 or {c, _SIGNS.get(c, c)} & shown]
        if found:
            yield found, size


def _slices(author: Author) -> Prose:
    """What arrays with only some of their indices are, where there are any."""
    derivation = author.derivation
    equations = [*derivation.system, *(a.equation for a in derivation.adjoints)]
    shapes = shapes_of(derivation.system.variables, equations)
    forms = [] if author.choice.form == "index" else [(e, author.matrix(e.name)) for e in equations]
    written = [(e, whole[0] == author.symbol(e.name)) for e, whole in forms if whole is not None]
    if all(is_whole and not has_cuts(e.rhs, shapes) for e, is_whole in written):
        return ()
    return (
        " In matrix forms, an array with only its first indices is what is left of it there: "
        "a matrix, or a vector as a column.",
    )


def _range(author: Author, letters: Sequence[str], size: Size) -> Formula:
    writer = author.layout(author.notation.names, {})
    known = fixed(size)
    last = writer.formula(normal_form(size - 1)) if known is None else number(str(known - 1))
    return writer.range(letters, known, last)
