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

LENGTH = 2
"""How long every axis is: that an expression is the same for two entries tells it from others."""


def is_one_function(one: sp.Expr, other: sp.Expr) -> bool:
    """Whether two expressions agree at random numbers, a number of its own for every entry.

    False too where one of them has no number there, or holds what has none entry by entry.
    """
    indices = sorted((one.free_symbols | other.free_symbols), key=str)
    at = {i: k % LENGTH for k, i in enumerate(i for i in indices if isinstance(i, Index))}
    try:
        return all(_agree(one, other, at, seed) for seed in range(2))
    except (NotImplementedError, ArithmeticError, ValueError, TypeError):
        return False


def _agree(one: sp.Expr, other: sp.Expr, at: Mapping[sp.Expr, int], seed: int) -> bool:
    numbers = _Numbers(random.Random(seed))
    mine, theirs = numbers.of(one, at), numbers.of(other, at)
    return bool(abs(mine - theirs) <= 1e-9 * (1 + abs(mine) + abs(theirs)))


@dataclass
class _Numbers:
    """Numbers between 0.2 and 0.8: there logarithms, roots and their like have values."""

    source: random.Random
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
            return LENGTH
        place = name_of(atom), tuple(self.of(i, at) for i in indices_of(atom))
        if place not in self.known:
            self.known[place] = mpmath.mpf(self.source.uniform(0.2, 0.8))
        return self.known[place]

    def _over(self, expr: sp.Expr, at: Mapping[sp.Expr, int]) -> Any:
        record = REDUCTIONS.get(type(expr))
        if record is None or getattr(expr, "at", None):
            raise NotImplementedError(type(expr))
        bound = bound_of(expr)
        places = itertools.product(range(LENGTH), repeat=len(bound))
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
