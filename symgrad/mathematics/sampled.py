"""Numbers for expressions, entry by entry: whether two are one function of their entries."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import mpmath
import sympy as sp

from symgrad.mathematics.algebra import bound_of
from symgrad.mathematics.indices import Index, indices_of, name_of
from symgrad.mathematics.reductions import LEAVES, REDUCTIONS, Reduction
from symgrad.mathematics.sizes import is_size

POINTS = (
    # how long axes are, between which bounds numbers lie, and how far indices are apart
    (2, (0.2, 0.8), 1),
    (3, (0.2, 0.8), 0),
    (3, (-0.9, 0.9), 1),
    (2, (-0.9, 0.9), 0),
    (3, (-0.9, 0.9), -1),
)
"""Where two expressions are compared.

Between 0.2 and 0.8 logarithms and roots have values; numbers of both signs, indices that are equal
and in either order, and two lengths are there for what is 0 elsewhere: of relu, of a triangle, of
a number less a size.
"""


def is_one_function(one: sp.Expr, other: sp.Expr) -> bool:
    """Whether two expressions agree at random numbers, a number of its own for every entry.

    That both are 0 is no evidence.  False too where one of them has no number at every point, or
    holds what has none entry by entry.
    """
    found = [_difference(one, other, *point, seed) for seed, point in enumerate(POINTS)]
    known = [pair for pair in found if pair is not None]
    agree = all(apart <= 1e-9 * (1 + size) for apart, size in known)
    return agree and any(size > 1e-6 for _, size in known)


def _difference(
    one: sp.Expr, other: sp.Expr, length: int, bounds: tuple[float, float], step: int, seed: int
) -> tuple[Any, Any] | None:
    """How far two expressions are apart at a point, and how large they are; None if undefined."""
    free = sorted((one.free_symbols | other.free_symbols), key=str)
    at = {i: (k * step) % length for k, i in enumerate(i for i in free if isinstance(i, Index))}
    numbers = _Numbers(random.Random(seed), length, bounds)
    try:
        mine, theirs = numbers.of(one, at), numbers.of(other, at)
        apart, size = abs(mine - theirs), abs(mine) + abs(theirs)
    except (NotImplementedError, ArithmeticError, ValueError, TypeError):
        return None
    return (apart, size) if mpmath.isfinite(apart) and mpmath.isfinite(size) else None


@dataclass
class _Numbers:
    """A number between two bounds for every entry, on axes of one length."""

    source: random.Random
    length: int
    bounds: tuple[float, float]
    known: dict[tuple[str, tuple[Any, ...]], Any] = field(default_factory=dict)

    def of(self, expr: sp.Expr, at: Mapping[sp.Expr, int]) -> Any:
        """The number that an expression is at some indices."""
        if expr in at:
            return at[expr]
        if expr.is_number:
            return mpmath.mpf(sp.N(expr, 20))
        if isinstance(expr, (sp.Indexed, sp.Symbol)):
            return self._entry(expr, at)
        if isinstance(expr, (sp.Sum, Reduction)):
            return self._over(expr, at)
        return _function(expr)(*(self.of(a, at) for a in expr.args))

    def _entry(self, atom: sp.Expr, at: Mapping[sp.Expr, int]) -> Any:
        if isinstance(atom, sp.Symbol) and is_size(atom):
            return self.length
        place = name_of(atom), tuple(self.of(i, at) for i in indices_of(atom))
        if place not in self.known:
            self.known[place] = mpmath.mpf(self.source.uniform(*self.bounds))
        return self.known[place]

    def _over(self, expr: sp.Expr, at: Mapping[sp.Expr, int]) -> Any:
        record = REDUCTIONS.get(type(expr))
        if record is None or getattr(expr, "at", None):
            raise NotImplementedError(type(expr))
        bound = bound_of(expr)
        places = itertools.product(range(self.length), repeat=len(bound))
        inside = (dict(zip(bound, place, strict=True)) for place in places)
        return record.mpmath([self.of(expr.function, {**at, **more}) for more in inside])


def _function(expr: sp.Expr) -> Callable[..., Any]:
    if isinstance(expr, sp.Add):
        return lambda *args: mpmath.fsum(args)
    if isinstance(expr, sp.Mul):
        return lambda *args: mpmath.fprod(args)
    if isinstance(expr, sp.Pow):
        return lambda x, y: mpmath.mpf(x) ** y
    if isinstance(expr, sp.KroneckerDelta):
        return lambda i, j: int(i == j)
    record = LEAVES.get(expr.func)
    if record is None:
        raise NotImplementedError(expr.func)
    return record.mpmath
