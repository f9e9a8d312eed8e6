"""The matrix form of an equation: the operations that are run, as matrices."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import entries, name_of
from symgrad.mathematics.renaming import Problem
from symgrad.program.lower import lower
from symgrad.program.passes import alive, planned
from symgrad.program.program import Program
from symgrad.writing.common import factored
from symgrad.writing.formula import Formula
from symgrad.writing.matrix_formula import MatrixFormula
from symgrad.writing.matrix_reader import NoMatrixForm, Reader

SHORT = 60
"""A formula with more signs keeps the names of values that the spec gave none."""

OFTEN = 8
"""A formula with more signs is not written in in several places."""

NAMELESS = 14
"""The same of a value that the spec has no name for: X W + 𝟏 bᵀ is, a variance is not."""

Symbol = Callable[[str], Formula]
"""How a value is written as a whole."""

Form = Callable[[str], Formula | None]
"""For the name of an equation its right-hand side as matrices; None where it has no such form."""


def matrix_forms(
    variables: Iterable[Variable],
    equations: Iterable[Equation],
    symbol: Symbol,
    unnamed: Collection[str] = (),
    longest: int = 0,
    often: Mapping[str, int] = MappingProxyType({}),
) -> Form:
    """The matrix form of each equation by its name.

    ``variables``: inputs, and values of which something is known.  The ``unnamed`` values are
    written in where the whole stays short.  ``longest``: they have to be, and what has more signs
    has no form; only what is read ``often`` keeps its name where it has more signs than it says.
    """
    table = {e.name: e for e in equations}
    known = {e.name: Variable(e.name, e.shape, "data") for e in table.values()}
    known |= {v.name: v for v in variables}

    @functools.cache
    def matrix(name: str) -> MatrixFormula | None:
        plain = as_matrix(table[name], known, symbol)
        if plain is None or not unnamed:
            return plain
        whole = as_matrix(table[name], known, symbol, written_in)
        short = whole is not None and whole.length <= (longest or SHORT)
        return whole if short else None if longest else plain

    def written_in(name: str) -> MatrixFormula | None:
        found = None
        with contextlib.suppress(SymgradError):
            found = matrix(name) if name in unnamed else None
        return None if found and found.length > often.get(name, found.length) else found

    def form(name: str) -> Formula | None:
        found = matrix(name) if name in table else None
        if found is None:
            return None
        return factored(found).formula if longest else found.formula

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
    task = _Task.of(equation, variables)
    try:
        first, program = _program(task)
        mine = dict(zip(first.names, task.names, strict=True))
        return Reader(program, lambda n: symbol(mine[n]), lambda n: written_in(mine[n])).result
    except NoMatrixForm:
        return None


def program_of(equation: Equation, variables: Mapping[str, Variable]) -> Program:
    """The operations of one equation on matrices, with the names that it has."""
    read = {name_of(atom) for atom in entries(equation.rhs)} - {equation.name}
    inputs = [replace(variables[n], values=None) for n in sorted(read & variables.keys())]
    plain = replace(equation, decimals=None)
    return alive(planned(lower(inputs, [plain], [equation.name], as_written=True)))


@dataclass(frozen=True)
class _Task:
    """An equation to lower; equal to others that are alike but for the names of values."""

    key: Hashable
    equation: Equation = field(compare=False)
    inputs: tuple[Variable, ...] = field(compare=False)
    names: Sequence[str] = field(compare=False)

    @classmethod
    def of(cls, equation: Equation, variables: Mapping[str, Variable]) -> _Task:
        """Its key has all that the program depends on."""
        read = {name_of(atom) for atom in entries(equation.rhs)} - {equation.name}
        inputs = tuple(replace(variables[n], values=None) for n in sorted(read & variables.keys()))
        facts = {v.name: (v.shape, v.role, v.dtype, v.assumptions, v.bounds) for v in inputs}
        problem = Problem(facts)
        problem.add(equation.name, *equation.indices, equation.rhs)
        return cls(problem.key, replace(equation, decimals=None), inputs, problem.names)


@functools.lru_cache(maxsize=1 << 10)  # forms are made for the checks, and again in each layout
def _program(task: _Task) -> tuple[_Task, Program]:
    """The program of the first equation that is like this one, and that equation."""
    name = task.equation.name
    return task, alive(planned(lower(task.inputs, [task.equation], [name], as_written=True)))
