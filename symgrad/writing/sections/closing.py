"""All gradients, remarks, and the numbers at an example point."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symgrad.writing.choice import Numbers
from symgrad.writing.document import (
    Equations,
    Items,
    Matrices,
    Matrix,
    Section,
)
from symgrad.writing.formula import Formula, number
from symgrad.writing.sections.author import Author
from symgrad.writing.sections.sentences import sentence

SHOWN_ENTRIES = 64
"""An array with more entries than this is not shown at the example point."""


def summary(author: Author) -> Section:
    """The gradients that were asked for, each on a line."""
    names = author.choice.only or tuple(author.wrt)
    rows = tuple(author.line(author.derivation.adjoint(name)) for name in names)
    return Section(("All gradients",), (Equations(rows),), key="gradients")


def remarks(author: Author) -> Section | None:
    """What a reader should know beside the equations."""
    remarks = author.derivation.remarks
    if not remarks:
        return None
    items = Items(tuple(author.prose(sentence(r)) for r in remarks))
    return Section(("Remarks",), (items,), key="remarks")


def example(author: Author, numbers: Numbers) -> Section:
    """The values at one point: exact numbers, and decimals, by name."""
    exact, decimals = numbers.exact, numbers.decimals
    names = [name for name in dict.fromkeys([*exact, *decimals]) if _has_numbers(author, name)]
    arrays = [_numbers(author, name, exact.get(name), decimals.get(name)) for name in names]
    shown = tuple(a for a in arrays if a is not None)
    return Section(("At the example point",), (Matrices(shown),), key="example")


def _has_numbers(author: Author, name: str) -> bool:
    value = author.notation.names.adjoint_of.get(name)
    if value is None:
        return author.is_mentioned(name)
    if author.choice.only:
        return value in author.choice.only
    return value != author.derivation.system.output and (not author.way or value in author.way)


def _numbers(author: Author, name: str, exact: Any, decimals: Any) -> Matrix | None:
    rows = _rows(decimals if exact is None else exact)
    if rows and author.notation.transposes and name in author.notation.names.adjoint_of:
        rows = [list(row) for row in zip(*rows, strict=True)]
    if rows is None or sum(map(len, rows)) > SHOWN_ENTRIES:
        return None
    inexact = tuple(tuple(_decimal(n) for n in row) for row in rows)
    if exact is None:
        return Matrix(author.symbol(name), (), inexact)
    printed = tuple(tuple(author.written(sp.sympify(n), ()) for n in row) for row in rows)
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


def _decimal(value: Any) -> Formula:
    return number(f"{float(value):.6g}")
