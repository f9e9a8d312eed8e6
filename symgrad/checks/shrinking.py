"""Sizes as small as the positions in a derivation allow: what fills an axis goes on filling it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from symgrad.checks.offsets import Units, units_of
from symgrad.mathematics.equations import Equation, Shapes, System, shapes_of
from symgrad.mathematics.indices import Index, entries, indices_of, name_of
from symgrad.mathematics.ranges import bounds, labels_in
from symgrad.mathematics.sizes import LARGE, fixed, is_size, with_numbers

Numbers = dict[sp.Expr, int]
"""What stands for sizes, and for large numbers in positions."""

Kept: TypeAlias = sp.Expr | frozenset[sp.Symbol]
"""An expression over sizes that keeps its sign, or sizes that stay as they are."""

TRIES = 20_000
"""How many numbers are tried for sizes before they are left as they are."""

LARGER = 9
"""Where no numbers are found from a smaller one on, they are sought from here on: positions that
are small numbers need room."""

NEAR = 64
"""So many numbers are tried one by one; then each is a quarter larger than the one before."""


def shrunk(
    system: System,
    equations: Iterable[Equation],
    symbols: Iterable[sp.Symbol],
    least: int = 2,
    *,
    offsets: bool = True,
) -> Numbers | None:
    """A number from ``least`` on for each size; None where none are found.

    No two sizes are the same, unless they have to be, so that a swap is seen.  Between each
    position and its axis, the order is that at the true sizes: what is left of an axis goes on
    being left, and what fills it fills it.  ``offsets``: numbers in positions shrink too, where
    all of them are made of a few.
    """
    equations = tuple(equations)
    units = units_of(system.variables, equations) if offsets else None
    symbols = {*symbols, *(units.sizes if units else [])}
    true = {s: _true(s, k) for k, s in enumerate(sorted(symbols, key=lambda s: s.name))}
    found = _Relations(true, units)
    for what in _kept(system, equations, shapes_of(system.variables, equations)):
        found.keep(what)
    starts = (found.solved(start) for start in sorted({least, max(least, LARGER)}))
    return next(filter(None, starts), None)


def _true(symbol: sp.Symbol, number: int) -> int:
    """What a size is; a named one is larger than any number in the spec."""
    known = fixed(symbol)
    return LARGE + 7 * number if known is None else known


# -- what is kept of the sizes --------------------------------------------------------------------


def _kept(system: System, equations: Sequence[Equation], shapes: Shapes) -> Iterator[Kept]:
    """What has to be as it is at the true sizes."""
    for variable in system.variables:
        yield from variable.shape
        pairs = itertools.product(variable.bounds, repeat=2)
        yield from (one.stop - other.low for one, other in pairs)
        yield from (end for b in variable.bounds for end in _ends(b.part, variable.shape))
    last = {
        v.name: int(np.max(np.asarray(v.values), initial=0))
        for v in system.variables
        if v.role == "constant" and v.dtype == "int"
    }
    for equation in equations:
        yield from equation.shape
        for side in filter(None, (equation.rhs, equation.backward)):
            yield from _kept_in(side, shapes, last)


def _ends(part: Sequence[Any], shape: Sequence[sp.Expr]) -> Iterator[sp.Expr]:
    """Where the labels in a part of an array begin and end."""
    for ends, size in zip(part, shape, strict=True):
        if ends is not None:
            yield from (ends[0], ends[1] - ends[0], size - 1 - ends[1])


def _kept_in(expr: sp.Expr, shapes: Shapes, last: Mapping[str, int]) -> Iterator[Kept]:
    yield from (i.size for i in expr.atoms(Index))
    yield from (p.base for p in expr.atoms(sp.Pow) if p.exp.is_negative and _is_size(p.base))
    for atom in entries(expr):
        for index, size in zip(indices_of(atom), shapes[name_of(atom)], strict=True):
            if isinstance(index, sp.Indexed) and name_of(index) in last:
                yield size - last[name_of(index)]
            elif getattr(index, "size", None) != size:
                yield from _compared(index, sp.S.Zero, size - 1)
    for delta in expr.atoms(sp.KroneckerDelta):
        one, other = sorted(delta.args[:2], key=lambda e: not isinstance(e, Index))
        if _is_affine(one) and not labels_in(one):
            yield from _compared(other, *bounds(one))


def _compared(position: sp.Expr, first: sp.Expr, end: sp.Expr) -> Iterator[Kept]:
    """How a position's range lies to another; where it is not known, its sizes stay."""
    if labels_in(position):  # what is promised of labels is kept
        return
    if _is_affine(position):
        low, high = bounds(position)
        yield from (low - first, end - high)
    else:
        sizes = {s for i in position.atoms(Index) for s in i.size.free_symbols}
        others = {s for s in position.free_symbols if is_size(s)}
        yield frozenset(sizes | others | first.free_symbols | end.free_symbols)


def _is_size(expr: sp.Expr) -> bool:
    return bool(expr.free_symbols) and all(map(is_size, expr.free_symbols))


def _is_affine(position: sp.Expr) -> bool:
    """Whether a position is a sum of indices, each times sizes and numbers."""
    found = position.atoms(Index)
    return not position.has(sp.Mod, sp.floor) and not any(
        position.diff(i).atoms(Index) for i in found
    )


# -- numbers that keep it -------------------------------------------------------------------------


class _Polynomial:
    """A polynomial over sizes, quick to evaluate; ``last`` is the last of the sizes in it."""

    def __init__(self, expr: sp.Expr, free: Sequence[sp.Symbol]) -> None:
        self.terms = sp.Poly(expr, *free).terms() if free else [((), expr)]
        used = (k for exponents, _ in self.terms for k, e in enumerate(exponents) if e)
        self.last = max(used, default=0)

    def __call__(self, numbers: Sequence[int]) -> int:
        return sum(
            int(factor) * math.prod(n**e for n, e in zip(numbers, exponents, strict=False) if e)
            for exponents, factor in self.terms
        )


class _Relations:
    """Polynomials over sizes that keep the signs that they have at the true sizes."""

    def __init__(self, true: Numbers, units: Units | None) -> None:
        self.true = true
        self.units = units
        self.exprs: dict[sp.Expr, None] = {}
        self.still: set[sp.Symbol] = set()

    def keep(self, what: Kept) -> None:
        """The sign of an expression, or the numbers of sizes."""
        if isinstance(what, frozenset):
            self.still |= what
        elif what.free_symbols:
            self.exprs[what] = None

    def solved(self, least: int) -> Numbers | None:
        """Small numbers for all sizes; those that others give are worked out."""
        exprs = list(dict.fromkeys(self._written(e) for e in self.exprs))
        signs = {e: self._sign(e) for e in exprs}
        given = self._equal([e for e, sign in signs.items() if sign == 0])
        free = [s for s in sorted(self.true, key=self._order) if s not in given]
        kept = {sp.expand(e.xreplace(given)): sign for e, sign in signs.items()}
        relations = [(_Polynomial(e, free), sign) for e, sign in kept.items() if e.free_symbols]
        made = [_Polynomial(value, free) for value in given.values()]
        search = _Search([self._candidates(s, least) for s in free], relations)
        for apart in (made, None):
            numbers = search.run(apart)
            if numbers is not None:
                worked_out = {s: m(numbers) for s, m in zip(given, made, strict=True)}
                return self._with_offsets({**dict(zip(free, numbers, strict=True)), **worked_out})
        return None

    def _written(self, expr: sp.Expr) -> sp.Expr:
        expanded = sp.expand(expr)
        return self.units.written(expanded) if self.units else expanded

    def _with_offsets(self, numbers: Numbers) -> Numbers:
        return self.units.lengths(numbers) | numbers if self.units else numbers

    def _sign(self, expr: sp.Expr) -> int:
        return _sign_of(int(with_numbers(expr).xreplace(self.true)))

    def _order(self, symbol: sp.Symbol) -> tuple[int, str]:
        return self.true[symbol], symbol.name

    def _equal(self, zeros: list[sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
        """Each equation solved for the largest size that is a term of its own in it."""
        given: dict[sp.Symbol, sp.Expr] = {}
        while zeros:
            zero = zeros.pop()
            symbols = sorted(zero.free_symbols - self.still, key=self._order, reverse=True)
            found = next((s for s in symbols if _is_a_term(s, zero)), None)
            if found is None:
                self.still |= zero.free_symbols
                continue
            value = {found: sp.expand(found - zero / zero.coeff(found, 1))}
            zeros = [z for zero in zeros if (z := sp.expand(zero.xreplace(value))) != 0]
            given = {s: sp.expand(v.xreplace(value)) for s, v in given.items()} | value
        return given

    def _candidates(self, symbol: sp.Symbol, least: int) -> Sequence[int]:
        true = self.true[symbol]
        return [true] if symbol in self.still or true <= least else list(_growing(least, true))


def _is_a_term(symbol: sp.Symbol, expr: sp.Expr) -> bool:
    """Whether an expression is ± a symbol and what has nothing of it."""
    factor = expr.coeff(symbol, 1)
    return abs(factor) == 1 and not sp.expand(expr - factor * symbol).has(symbol)


def _growing(least: int, most: int) -> Iterator[int]:
    number = least
    while number < most:
        yield number
        number += 1 if number < least + NEAR else number // 4
    yield most


class _Search:
    """The first numbers among candidates that keep all signs, the candidates tried in order."""

    def __init__(
        self, candidates: Sequence[Sequence[int]], relations: Sequence[tuple[_Polynomial, int]]
    ) -> None:
        self.candidates = candidates
        self.due: dict[int, list[tuple[_Polynomial, int]]] = {}
        for relation in relations:
            self.due.setdefault(relation[0].last, []).append(relation)

    def run(self, apart: Sequence[_Polynomial] | None) -> list[int] | None:
        """With ``apart``, no two are the same, nor the same as one of what is worked out."""
        self.left = TRIES
        return self._after([], apart)

    def _after(self, start: list[int], apart: Sequence[_Polynomial] | None) -> list[int] | None:
        if len(start) == len(self.candidates):
            return start
        for number in self.candidates[len(start)]:
            self.left -= 1
            if self.left < 0:
                return None
            more = [*start, number]
            fits = self._keeps(more) and (apart is None or _are_different(more, apart))
            if fits and (found := self._after(more, apart)) is not None:
                return found
        return None

    def _keeps(self, numbers: list[int]) -> bool:
        here = self.due.get(len(numbers) - 1, ())
        return all(_sign_of(p(numbers)) == sign for p, sign in here)


def _are_different(numbers: list[int], made: Sequence[_Polynomial]) -> bool:
    known = [*numbers, *(p(numbers) for p in made if p.last < len(numbers))]
    return len(set(known)) == len(known)


def _sign_of(number: int) -> int:
    return (number > 0) - (number < 0)
