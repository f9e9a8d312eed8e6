"""The functions of a derivation over all of their domains: their texts beside mpmath and NumPy."""

from __future__ import annotations

import functools
import itertools
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symgrad.calculus import Derivation
from symgrad.checks.check import Check
from symgrad.checks.definitions import used
from symgrad.checks.numbers import numpy_value
from symgrad.mathematics.reductions import LEAVES, Leaf, select

DIGITS = 50

NUMBERS = (0.0, 1e-300, 1e-8, 1e-4, 0.1, 0.3, 0.7, 1.0, 1.4, 2.5, 5.0, 20.0, 40.0, 750.0, 1e4, 1e10)
"""Functions of one number are looked at here, and at the same below 0."""

FEWER = (0.0, 1e-8, 0.1, 0.7, 1.0, 2.5, 20.0, 750.0)
"""Those of two, at all pairs of these."""

FEWEST = (0.0, 0.7, 1.0, 750.0)

CELLS = (
    *((k / 50, (k + 1) / 50) for k in range(-50, 50)),
    *((side * k / 10, side * (k + 1) / 10) for k in range(10, 80) for side in (1, -1)),
    *((side * 8 * 1.3**k, side * 8 * 1.3 ** (k + 1)) for k in range(20) for side in (1, -1)),
)
"""In each of these a number is drawn for each argument, so that a fault that is as wide as two of
them is met: 0.04 between -1 and 1, 0.2 up to 8, two thirds of the number up to 1500."""

ROUNDING = 16
"""So many units in the last place a text may be off, beside what rounding its arguments makes."""

LOWEST = -3.0
"""Functions of positive numbers are hard to compute far below 0."""

LARGEST, SMALLEST = 1e250, 1e-300
"""Between these the values of a function are floats of full precision."""

APART, NOISE = 1e-12, 1e-16
"""NumPy's functions may be further off than texts are: sin(πx) is where it is 0."""


def _product(x: Any, y: Any) -> Any:
    """The product, 0 where x is 0."""
    return x * y() if x else x


OTHERS: dict[str, Callable[..., Any]] = {
    "clip": lambda x, y, z: min(max(x, y), z),
    "clip_above": min,
    "clip_below": max,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "erfcinv": lambda x: mpmath.erfinv(1 - x),
    "erfinv": mpmath.erfinv,
    "expit": lambda x: 1 / (1 + mpmath.exp(-x)),
    "gamma": mpmath.gamma,
    "gammasgn": lambda x: mpmath.sign(mpmath.gamma(x)),
    "gammaln": lambda x: mpmath.re(mpmath.loggamma(x)),
    "hazard": lambda x: mpmath.npdf(x) / mpmath.ncdf(x),
    "inverse": lambda x: 1 / x if x else x,
    "log_ndtr": lambda x: mpmath.log(mpmath.ncdf(x)),
    "logit": lambda x: mpmath.log(x) - mpmath.log1p(-x),
    "normed": lambda x, y: x / y if y else x,
    "power_slope": lambda x, y: _product(y, lambda: x ** (y - 1)),
    "psi": mpmath.digamma,
    "ratio": lambda x, y: _product(x, lambda: 1 / y),
    "rel_entr": lambda x, y: _product(x, lambda: mpmath.log(x / y)),
    "relu": lambda x: x if x > 0 else mpmath.mpf(0),
    "root": mpmath.sqrt,
    "select": lambda c, y, z: z if c == 0 else y,
    "share": lambda x, y: (1 + mpmath.tanh((x - y) / 2)) / 2 if x > -math.inf else mpmath.mpf(0),
    "sinc_slope": lambda x: (mpmath.cospi(x) - mpmath.sincpi(x)) / x if x else x,
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "step": lambda x: mpmath.mpf(bool(x > 0)),
    "tie_half": lambda x, y: mpmath.mpf((x > y) + (x >= y)) / 2,
    "trigamma": lambda x: mpmath.zeta(2, x),
    "xlog1py": lambda x, y: _product(x, lambda: mpmath.log1p(y)),
    "xlogy": lambda x, y: _product(x, lambda: mpmath.log(y)),
}
"""Functions that NumPy does not have, by the names that a spec calls them, or their own."""


def functions(derivation: Derivation, seed: int = 0) -> Iterator[Check]:
    """A row for each function that is not computed as it should be somewhere in its domain."""
    for cls in used(derivation, LEAVES):
        for what, find in (("text = function", of_text), (f"function = {_named(cls)}", of_name)):
            error, place = find(LEAVES[cls], seed)
            if error:
                yield Check(cls.__name__, what, False, error, f"not so at {place}")


def _named(cls: type[sp.Function]) -> str:
    return f"what is called {LEAVES[cls].called or cls.__name__}"


Fault = tuple[float, str]
"""How far off a function is, and where; 0 and nothing where it is not."""


@functools.lru_cache(maxsize=1 << 10)
def of_text(leaf: Leaf, seed: int = 0) -> Fault:
    """The text of a record against its mpmath function."""
    rows = [*grid(leaf), *drawn(leaf, seed)]
    with np.errstate(all="ignore"):
        values = numpy_value(leaf.stable, *(np.array(column) for column in zip(*rows, strict=True)))
    found = np.broadcast_to(np.asarray(values, dtype=float), len(rows)).tolist()
    return _worst(leaf, rows, found, ROUNDING * float(np.finfo(float).eps), SMALLEST)


@functools.lru_cache(maxsize=1 << 10)
def of_name(leaf: Leaf, seed: int = 0) -> Fault:
    """The mpmath function of a record against what has its name: in NumPy, or written above."""
    rows, name = [*grid(leaf), *drawn(leaf, seed)], leaf.called or leaf.cls.__name__
    if name in OTHERS:
        with mpmath.workdps(DIGITS):
            return _worst(leaf, rows, [value(OTHERS[name], row) for row in rows], APART, NOISE)
    function = getattr(np, name, None)
    if function is None or not (leaf.called or isinstance(function, np.ufunc)):
        return 0.0, ""
    with np.errstate(all="ignore"):
        found = [float(function(*row)) for row in rows]
    return _worst(leaf, rows, found, APART, NOISE)


def _worst(
    leaf: Leaf,
    rows: Sequence[Sequence[float]],
    found: Sequence[Any],
    tolerance: float,
    noise: float,
) -> Fault:
    """The largest difference beyond what rounding makes."""
    worst = (0.0, "")
    with mpmath.workdps(DIGITS):
        for row, number in zip(rows, found, strict=True):
            true = value(leaf.mpmath, row)
            if number is None or true is None or abs(true) > LARGEST:
                continue
            if not _is_close(leaf, row, true, number, tolerance, noise):
                error = _apart(true, number) / max(abs(true), SMALLEST)
                worst = max(worst, (float(error), ", ".join(f"{x:g}" for x in row)))
    return worst


def _apart(true: Any, found: Any) -> Any:
    return abs(true - found) if mpmath.isfinite(found) else mpmath.inf


def _is_close(
    leaf: Leaf, row: Sequence[float], true: Any, found: Any, tolerance: float, noise: float
) -> bool:
    """Whether the difference is rounding of the value, or of the arguments."""
    apart = _apart(true, found)
    if apart <= tolerance * abs(true) + noise:
        return True
    return bool(apart <= tolerance * (abs(true) + _sensitivity(leaf, row, true)) + noise)


def _sensitivity(leaf: Leaf, row: Sequence[float], true: Any) -> Any:
    """How much the value changes with a relative change of its arguments."""
    little = mpmath.mpf(10) ** -10
    total = mpmath.mpf(0)
    for place, side in itertools.product(range(len(row)), (1, -1)):
        moved = [x * (1 + side * little * (k == place)) for k, x in enumerate(map(mpmath.mpf, row))]
        there = value(leaf.mpmath, moved)
        total += 0 if there is None else abs(there - true) / little
    return total


def value(function: Callable[..., Any], row: Sequence[Any]) -> Any:
    """The value as a number of many digits; None where there is none."""
    try:
        found = function(*map(mpmath.mpf, row))
    except (ValueError, ZeroDivisionError, OverflowError, mpmath.libmp.NoConvergence):
        return None
    return None if isinstance(found, mpmath.mpc) or not mpmath.isfinite(found) else found


def grid(leaf: Leaf) -> list[tuple[float, ...]]:
    """Where a function is looked at: one of a single number to both sides of those in its text."""
    if leaf.cls is select:
        return list(itertools.product((0.0, 1.0), *[_both_signs((*FEWEST, math.inf))] * 2))
    if len(leaf.domain) == 1:
        ((low, _),) = leaf.domain
        line = _both_signs((*NUMBERS, *_beside(leaf.stable)))
        return [(x,) for x in line if low <= 0 or x > LOWEST]
    numbers = FEWER if len(leaf.domain) == 2 else FEWEST
    infinite = (math.inf,) if all(low < 0 for low, _ in leaf.domain) else ()
    return list(itertools.product(_both_signs((*numbers, *infinite)), repeat=len(leaf.domain)))


def drawn(leaf: Leaf, seed: int) -> list[tuple[float, ...]]:
    """Where it is looked at besides: at random, each cell of each argument once.

    Where there are values for some positive arguments only, the others are positive.
    """
    source = random.Random(seed)
    ends = leaf.domain
    mixed = len(ends) > 1 and any(low > 0 for low, _ in ends)
    return [
        row for place in range(len(ends) if mixed else 1) for row in _cells(leaf, place, source)
    ]


def _cells(leaf: Leaf, place: int, source: random.Random) -> Iterator[tuple[float, ...]]:
    columns = []
    for k, (low, _) in enumerate(leaf.domain):
        column = [source.uniform(*cell) for cell in CELLS]
        source.shuffle(column)
        columns.append([abs(x) for x in column] if low > 0 and k != place else column)
    if leaf.cls is select:
        columns[0] = [float(x > 0) for x in columns[0]]
    yield from zip(*columns, strict=True)


def _both_signs(numbers: Sequence[float]) -> list[float]:
    return [*numbers, *(-x for x in numbers if x)]


def _beside(text: str) -> Iterator[float]:
    for number in {float(found) for found in re.findall(r"\d+\.\d+", text)}:
        yield from (number * (1 + apart) for apart in (-1e-2, -1e-6, 0, 1e-6, 1e-2))
