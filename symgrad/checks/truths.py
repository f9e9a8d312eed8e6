"""What generated code is judged by: many digits, and floats that trust no function's text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symgrad.checks.numbers import Digits, Field
from symgrad.checks.points import Arrays, evaluated_where_possible, multiplications
from symgrad.checks.sampling import Point
from symgrad.checks.spots import DIGITS, SpotChecked, as_floats
from symgrad.mathematics.equations import Equation

FEW_TERMS = 10_000
"""Up to so many multiplications in one forward pass, many digits take some hundredths of a
second: one of them takes about a microsecond."""


def truths(equations: Sequence[Equation], start: Point) -> Iterator[Arrays]:
    """The values at a point as floats: first from many digits, unless they take too long.

    Then from floats, which round as generated code does where much is lost in a difference.  What
    the infinities of a spec leave undefined is NaN.
    """
    if multiplications(equations, start.sizes) <= FEW_TERMS:
        yield _values(equations, start, Digits(DIGITS, gaps=True))
    yield _values(equations, start, SpotChecked(gaps=True))


def _values(equations: Sequence[Equation], start: Point, field: Field) -> Arrays:
    with field.precision():
        env = {n: field.array(x) if x.dtype.kind == "f" else x for n, x in start.env.items()}
        found = evaluated_where_possible(equations, Point(start.sizes, env), field)
        return {e.name: as_floats(found[e.name]) for e in equations if e.name in found}
