"""The matrix form of an equation: the operations that are run, as matrices."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import entries, name_of
from symgrad.program.lower import lower
from symgrad.program.passes import alive, planned
from symgrad.program.program import Program
from symgrad.writing.formula import Formula
from symgrad.writing.matrix_formula import MatrixFormula
from symgrad.writing.matrix_reader import NoMatrixForm, Reader

SHORT = 60
"""A formula with more signs keeps the names of values that the spec gave none."""

Symbol = Callable[[str], Formula]
"""How a value is written as a whole."""

Form = Callable[[str], Formula | None]
"""For the name of an equation its right-hand side as matrices; None where it has no such form."""


def matrix_forms(
    variables: Iterable[Variable],
    equations: Iterable[Equation],
    symbol: Symbol,
    unnamed: Collection[str] = (),
) -> Form:
    """The matrix form of each equation by its name.

    The ``unnamed`` values are written in where the whole stays short.
    """
    table = {e.name: e for e in equations}
    known = {v.name: v for v in variables}
    known |= {e.name: Variable(e.name, e.shape, "data") for e in table.values()}

    @functools.cache
    def matrix(name: str) -> MatrixFormula | None:
        plain = as_matrix(table[name], known, symbol)
        if not unnamed:
            return plain
        whole = as_matrix(table[name], known, symbol, written_in)
        return whole if whole is not None and whole.length <= SHORT else plain

    def written_in(name: str) -> MatrixFormula | None:
        with contextlib.suppress(SymgradError):
            return matrix(name) if name in unnamed else None
        return None

    def form(name: str) -> Formula | None:
        found = matrix(name) if name in table else None
        return None if found is None else found.formula

    return form


def matrix_form(
    equation: Equation, variables: Iterable[Variable], symbol: Symbol
) -> Formula | None:
    """The right-hand side of an equation as products of matrices; None where it has none."""
    found = as_matrix(equation, {v.name: v for v in variables}, symbol)
    return None if found is None else found.formula


def as_matrix(
    equation: Equation,
    variables: Mapping[str, Variable],
    symbol: Symbol,
    written_in: Callable[[str], MatrixFormula | None] = lambda _: None,
) -> MatrixFormula | None:
    """As :func:`matrix_form`, with how it is made; some values are written in."""
    read = {name_of(atom) for atom in entries(equation.rhs)} - {equation.name}
    inputs = tuple(replace(variables[n], values=None) for n in sorted(read & variables.keys()))
    try:
        program = _program(replace(equation, decimals=None), inputs)
        return Reader(program, symbol, written_in).result
    except NoMatrixForm:
        return None


@functools.lru_cache(maxsize=1 << 10)  # forms are made for the checks, and again in each layout
def _program(equation: Equation, inputs: tuple[Variable, ...]) -> Program:
    return alive(planned(lower(inputs, [equation], [equation.name])))
