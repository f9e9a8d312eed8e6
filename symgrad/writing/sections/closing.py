"""All gradients, remarks, and the numbers at an example point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from symgrad.calculus.derivation import Adjoint
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.infinity import as_constant
from symgrad.mathematics.multiples import ROUNDED, decimal_near, is_computed
from symgrad.writing.bounded import bounded
from symgrad.writing.choice import Numbers
from symgrad.writing.document import (
    Equations,
    Items,
    Math,
    Matrices,
    Matrix,
    Section,
)
from symgrad.writing.formula import Formula, Number, number, related
from symgrad.writing.parts import divisor, recognised
from symgrad.writing.sections.author import Author
from symgrad.writing.sections.sentences import listed

SHOWN_ENTRIES = 64
"""An array with more entries than this is not shown at the example point."""


def summary(author: Author) -> Section:
    """The gradients that were asked for, each on a line."""
    found = {d.value: d for d in author.derivation.derivatives}
    along = author.derivation.tangents[-1:]
    names = author.choice.only or tuple(d.value for d in along) or tuple(author.wrt)
    rows = tuple(author.line(found[name]) for name in names)
    return Section(("All gradients",), (Equations(rows),), key="gradients")


def remarks(author: Author) -> Section | None:
    """What a reader should know beside the equations."""
    about = author.derivation.remarks if author.way is None else author.way.remarks
    remarks = [author.sentence(r) for r in about]
    remarks += [
        (Math(related(*_short(author, a.equation))), "; not used on the way.")
        for a in author.derivation.adjoints
        if _is_aside(author, a) and not author.choice.closed
    ]
    remarks += [(BOUNDED,)] if any(map(_is_bounded, _shown(author))) else []
    numbers = [Math(related(*pair)) for pair in _recognised(author)]
    remarks += (
        [("Floating-point numbers are read as what they stand for: ", *listed(numbers), ".")]
        if numbers
        else []
    )
    return Section(("Remarks",), (Items(tuple(remarks)),), key="remarks") if remarks else None


BOUNDED = (
    "A condition in square brackets is 1 where it holds; elsewhere the term is 0, also where an "
    "index in it is beyond its axis."
)


def _shown(author: Author) -> Iterator[Equation]:
    """The equations of values, and of their derivatives, that a reader sees."""
    yield from (e for e in author.derivation.system if author.is_mentioned(e.name))
    yield from (e for a in author.derivation.adjoints if not a.inlined for e in a.equations)


def _is_bounded(equation: Equation) -> bool:
    return bool(bounded(equation.rhs) != equation.rhs)


def _recognised(author: Author) -> Iterator[tuple[Formula, Formula]]:
    """The numbers of the spec that are written as roots, logarithms and their like."""
    shown = [e for e in author.derivation.typed.equations if author.is_mentioned(e.name)]
    numbers = {abs(n) for e in shown for n in e.rhs.atoms(sp.Rational)}
    read = sorted(n for n in numbers if recognised(n) is not None or _is_decimal(n))
    for n in read:
        yield author.written(n, ()), Number(repr(float(n)))


def _is_decimal(number: sp.Rational) -> bool:
    """Whether a number that is as somebody typed it is written by a shorter one."""
    if is_computed(number) or number.q <= ROUNDED:
        return False
    return decimal_near(number) is not None or divisor(number) is not None


def _is_aside(author: Author, adjoint: Adjoint) -> bool:
    """Whether a derivative by a value that the spec names has no section, being on no way."""
    named = adjoint.value not in author.derivation.system.invented
    asked = adjoint.value in (*author.choice.only, *author.wrt)
    aside = adjoint.past and adjoint.inlined and named and not asked and not author.choice.only
    if author.way is None or not aside:
        return aside
    return adjoint.value in author.way.typed and adjoint.equation.name not in author.way.names


def _short(author: Author, equation: Equation) -> tuple[Formula, Formula]:
    """The two sides in matrix form, where there is one, else in index form."""
    sides = (author.written(side, equation.indices) for side in (equation.lhs, equation.rhs))
    left, right = author.whole(equation) or sides
    return left, right


def example(author: Author, numbers: Numbers) -> Section:
    """The values at one point: exact numbers, and decimals, by name."""
    exact, decimals = numbers.exact, numbers.decimals
    names = [name for name in dict.fromkeys([*exact, *decimals]) if _has_numbers(author, name)]
    arrays = [_numbers(author, name, exact.get(name), decimals.get(name)) for name in names]
    shown = tuple(a for a in arrays if a is not None)
    return Section(("At the example point",), (Matrices(shown),), key="example")


def _has_numbers(author: Author, name: str) -> bool:
    if author.notation.is_of_another_step(name):
        return False
    value = author.notation.names.adjoint_of.get(name)
    if value is None:
        return author.is_mentioned(name)
    if author.choice.only:
        return value in author.choice.only
    on_way = author.way is None or name in author.way.names
    return on_way and value != author.derivation.system.output


def _numbers(author: Author, name: str, exact: Any, decimals: Any) -> Matrix | None:
    rows = _rows(decimals if exact is None else exact)
    if rows and author.notation.transposes and name in author.notation.names.adjoint_of:
        rows = [list(row) for row in zip(*rows, strict=True)]
    if rows is None or sum(map(len, rows)) > SHOWN_ENTRIES:
        return None
    inexact = tuple(tuple(_decimal(n) for n in row) for row in rows)
    if exact is None:
        return Matrix(author.symbol(name), (), inexact)
    printed = tuple(tuple(author.written(_number(n), ()) for n in row) for row in rows)
    return Matrix(author.symbol(name), printed, inexact if inexact != printed else ())


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


def _number(value: Any) -> sp.Expr:
    """A number as SymPy has it; a condition is 0 or 1."""
    return sp.Integer(value) if isinstance(value, bool) else as_constant(sp.sympify(value))


def _decimal(value: Any) -> Formula:
    return number(f"{float(value):.6g}".replace("inf", "∞"))
