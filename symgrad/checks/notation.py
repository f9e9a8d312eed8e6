"""How the functions of a derivation are written: whether it reads as what they are."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy as sp

from symgrad.calculus import Derivation
from symgrad.checks.check import Check
from symgrad.checks.definitions import used
from symgrad.checks.functions import value
from symgrad.checks.reading import Reader
from symgrad.errors import SymgradError
from symgrad.mathematics.indices import Index, entry, proper_indices
from symgrad.mathematics.matrices import MATRIX_FUNCTIONS, MatrixLeaf, matrix_function
from symgrad.mathematics.reductions import LEAVES, REDUCTIONS, Leaf, ReductionLeaf
from symgrad.writing.display import Display
from symgrad.writing.formula import Formula, Letter
from symgrad.writing.line import Line
from symgrad.writing.names import Name
from symgrad.writing.naming import Names
from symgrad.writing.printings.text import text

DIGITS = 30
CLOSE = 1e-9
LENGTH = 3
"""How long the axes are along which functions are read."""

LETTERS = {Index(c, LENGTH): c for c in "ijkl"}
I, J, ROW, COLUMN = LETTERS
LAYOUTS = ((Display, True), (Line, False))
"""Two dimensions and one line; whether functions have their letters there."""

Record = Leaf | ReductionLeaf | MatrixLeaf


@dataclass(frozen=True)
class Sample:
    """A function as it may stand in a formula, with numbers for its letters, and its value."""

    expr: sp.Expr
    values: Mapping[str, Any]
    value: Any


def notation(derivation: Derivation) -> Iterator[Check]:
    """A row for each function that is written as something else."""
    for table in (LEAVES, REDUCTIONS, MATRIX_FUNCTIONS):
        for cls in used(derivation, table):
            told = misread(table[cls])
            if told:
                yield Check(cls.__name__, "as written = function", False, None, told)


@functools.lru_cache(maxsize=1 << 10)
def misread(record: Record) -> str:
    """What is written that does not read as the function; nothing where all does."""
    with mpmath.workdps(DIGITS):
        for sample in samples(record):
            for formula, letters in formulas(sample.expr):
                read = Reader(sample.values, letters, _own(record), LENGTH)
                if not _is_close(read, formula, sample.value):
                    return f"it is written {text(formula)}"
    return ""


def formulas(expr: sp.Expr) -> Iterator[tuple[Formula, bool]]:
    """The expression in each layout, and whether functions have their letters there."""
    for layout, letters in LAYOUTS:
        yield layout(_names(expr), LETTERS).formula(expr), letters


def _own(record: Record) -> Mapping[str, Callable[..., Any]]:
    """The names that only this function has."""
    if not isinstance(record, Leaf):
        return {}
    return dict.fromkeys((record.cls.__name__, record.called), record.mpmath)


def _names(expr: sp.Expr) -> Names:
    axes = {"A": (True, True), "x": (True,) if expr.atoms(sp.Indexed) else ()}
    return Names({c: Name(Letter(c), plain=c) for c in "xyzA"}, axes=axes)


def _is_close(read: Reader, formula: Formula, true: Any) -> bool:
    """Whether what is read has the value; so too where it has none."""
    try:
        found = read(formula)
    except (ArithmeticError, ValueError):
        return True  # 0/0, where a function has a value by convention
    except (LookupError, TypeError, SymgradError):
        return False
    return bool(abs(found - true) <= CLOSE * (1 + abs(true)))


# -- where functions are read ---------------------------------------------------------------------


def samples(record: Record) -> Iterator[Sample]:
    """A function at some points."""
    source = random.Random(0)
    if isinstance(record, Leaf):
        yield from _of_numbers(record, source)
    elif isinstance(record, ReductionLeaf):
        values = [mpmath.mpf(source.uniform(0.2, 3)) for _ in range(LENGTH)]
        expr = record.cls(entry("x", (I,)), I.limits)
        yield Sample(expr, {"x": values}, record.mpmath(values))
    else:
        yield from _of_matrices(record, source)


def _of_numbers(leaf: Leaf, source: random.Random) -> Iterator[Sample]:
    """Within the domain and beside it, in both orders; where arguments are equal; at kinks."""
    letters = "xyz"[: len(leaf.domain)]
    expr = leaf.cls(*(entry(c, ()) for c in letters))
    points = [[source.uniform(*ends) for ends in leaf.domain] for _ in range(4)]
    points += [[source.uniform(-3, 3) for _ in letters] for _ in range(4)]
    points += [point[::-1] for point in points[-2:]]
    points += [[point[0]] * len(letters) for point in points[:2]]
    points += [[kink] * len(letters) for kink in leaf.kinks]
    for point in points:
        numbers = [mpmath.mpf(x) for x in point]
        found = value(leaf.mpmath, numbers)
        if found is not None:
            yield Sample(expr, dict(zip(letters, numbers, strict=True)), found)


def _of_matrices(leaf: MatrixLeaf, source: random.Random) -> Iterator[Sample]:
    """At a matrix that has all that a matrix may have."""
    half = mpmath.matrix(LENGTH, LENGTH)
    for place in itertools.product(range(LENGTH), repeat=2):
        half[place] = source.uniform(-1, 1)
    matrix = half * half.T + mpmath.eye(LENGTH)
    found = leaf.mpmath(matrix)
    count = {list: 1, mpmath.matrix: 2}.get(type(found), 0)
    at: Sequence[sp.Expr] = (I, J)[:count]
    expr = matrix_function(leaf.cls, entry("A", (ROW, COLUMN)), proper_indices((ROW, COLUMN)), *at)
    for i, j in ((0, 0), (2, 1)) if at else ((0, 0),):
        yield Sample(
            expr,
            {"A": matrix, "i": i, "j": j},
            (found if count == 0 else found[i] if count == 1 else found[i, j]),
        )
