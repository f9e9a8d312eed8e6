"""Letters for indices: one letter means one axis size throughout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, fresh, name_of, proper_indices
from symgrad.mathematics.sizes import Size, fixed

_POOL = "ijklmpqrsuvhtnabcfgwxyz"
_AVOIDED = frozenset("deoL")
_COMPANIONS = {"n": "m", "t": "s", "b": "c"}


class Letters:
    """Gives letters to sizes, in the order in which they are asked for, and none of ``taken``."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken) | _AVOIDED
        self._of: dict[Size, list[str]] = {}
        self._kept: dict[str, str] = {}

    def of(self, size: Size, rank: int = 0) -> str:
        """The letter of the ``rank``-th index of this size that is in use at once."""
        letters = self._of.setdefault(size, [])
        while len(letters) <= rank:
            letters.append(self._next(size, letters))
        return letters[rank]

    def _next(self, size: Size, mine: Sequence[str]) -> str:
        if mine and mine[0] in self._kept:
            return self._kept.pop(mine[0])
        letter = next(c for c in self._candidates(size, mine) if c not in self._taken)
        self._taken.add(letter)
        self._keep(letter)
        return letter

    def _keep(self, letter: str) -> None:
        """Keep the letter that usually goes with this one: m with n, s with t."""
        companion = _COMPANIONS.get(letter)
        if companion is not None and companion not in self._taken:
            self._taken.add(companion)
            self._kept[letter] = companion

    def _candidates(self, size: Size, mine: Sequence[str]) -> Iterator[str]:
        initial = str(size)[0].lower()
        if not mine and fixed(size) is None and initial.isascii() and initial.isalpha():
            yield initial
        yield from _POOL
        number = 1
        while True:
            yield f"i{number}"
            number += 1

    def ranges(self) -> list[tuple[tuple[str, ...], Size]]:
        """The letters given out so far, with the size that they run over."""
        return [(tuple(letters), size) for size, letters in self._of.items() if letters]

    def reserve(self, equations: Iterable[Equation]) -> None:
        """Give letters to all that these equations need, every size its first letter first."""
        equations = tuple(equations)
        for equation in equations:
            for index in (*proper_indices(equation.indices), *_scopes(equation.rhs, self._of)):
                self.of(index.size)
        for equation in equations:
            self.assign(equation.rhs, equation.indices)

    def assign(self, expr: sp.Expr, free: Iterable[sp.Expr] = ()) -> dict[Index, str]:
        """A letter for each index: ``free`` first, then what else is free, then what is bound.

        No two indices that can be seen in one place get the same letter.
        """
        bound = _scopes(expr, self._of)
        outside = [*proper_indices(free), *free_indices(expr, bound)]
        letters: dict[Index, str] = {}
        for index in dict.fromkeys(outside):
            letters[index] = self._first(index, set(letters.values()))
        used = set(letters.values())
        for index, seen in bound.items():
            if index not in letters:
                nearby = {letters[other] for other in seen if other in letters}
                letters[index] = self._first(index, used | nearby)
        return letters

    def _first(self, index: Index, used: set[str]) -> str:
        rank = 0
        while self.of(index.size, rank) in used:
            rank += 1
        return self.of(index.size, rank)


def free_indices(expr: sp.Expr, bound: Iterable[Index]) -> list[Index]:
    """The indices that nothing binds, in an order that does not depend on their names."""
    found: dict[Index, None] = {}
    for node in _preorder(expr):
        if isinstance(node, Index):
            found.setdefault(node)
    return [index for index in found if index not in set(bound)]


def unshadowed(expr: sp.Expr, around: frozenset[Index] = frozenset()) -> sp.Expr:
    """The same expression, in which no index is bound again inside its own scope."""
    if not expr.has(ExprWithLimits):
        return expr
    if not isinstance(expr, ExprWithLimits):
        return expr.func(*(unshadowed(a, around) for a in expr.args))
    mine = [limit[0] for limit in expr.limits]
    new = {i: fresh(i.size) for i in mine if i in around}
    body = unshadowed(expr.function.xreplace(new), around | set(mine) | set(new.values()))
    at = (unshadowed(a, around) for a in expr.args[1 + len(mine) :])
    return expr.func(body, *(limit.xreplace(new) for limit in expr.limits), *at)


@lru_cache(maxsize=4096)
def skeleton(expr: sp.Basic) -> str:
    """An expression without the names of its indices: what it is sorted by."""
    if isinstance(expr, Index):
        return "#"
    if not expr.args:
        return str(expr)
    parts = [skeleton(a) for a in expr.args]
    if isinstance(expr, sp.Indexed):
        return f"{name_of(expr)}[{','.join(parts[1:])}]"
    if isinstance(expr, (sp.Add, sp.Mul)):
        parts.sort()
    return f"{type(expr).__name__}({','.join(parts)})"


def children(expr: sp.Basic) -> tuple[sp.Basic, ...]:
    """The parts of an expression, in an order that does not depend on the names of indices."""
    if isinstance(expr, (sp.Add, sp.Mul)):
        return tuple(sorted(expr.args, key=skeleton))
    if isinstance(expr, sp.Indexed):
        return tuple(expr.indices)
    return tuple(expr.args)


def _preorder(expr: sp.Basic) -> Iterator[sp.Basic]:
    yield expr
    for child in children(expr):
        yield from _preorder(child)


def _scopes(expr: sp.Expr, sizes: Iterable[Size]) -> dict[Index, set[Index]]:
    """For each bound index, outermost first, the bound indices that it must differ from."""
    seen: dict[Index, set[Index]] = {}
    _collect(expr, (), seen, {size: rank for rank, size in enumerate(sizes)})
    return seen


def _collect(
    expr: sp.Basic,
    around: tuple[Index, ...],
    seen: dict[Index, set[Index]],
    ranks: Mapping[Size, int],
) -> None:
    if isinstance(expr, ExprWithLimits):
        mine = _in_order([limit[0] for limit in expr.limits], expr.function, ranks)
        for index in mine:
            seen.setdefault(index, set())
        around = (*around, *mine)
        for index in mine:
            seen[index].update(other for other in around if other != index)
            for other in set(around) - {index}:
                seen[other].add(index)
        _collect(expr.function, around, seen, ranks)
        for outside in expr.args[1 + len(mine) :]:
            _collect(outside, around, seen, ranks)
        return
    for child in children(expr):
        if child.args:
            _collect(child, around, seen, ranks)


def _in_order(indices: Sequence[Index], body: sp.Expr, ranks: Mapping[Size, int]) -> list[Index]:
    """Indices bound together: in the order of their sizes, then of the axes that they run along."""
    if len(indices) == 1:
        return list(indices)
    atoms = body.atoms(sp.Indexed)

    def places(index: Index) -> list[tuple[int, str]]:
        return sorted((a.indices.index(index), name_of(a)) for a in atoms if index in a.indices)

    def key(index: Index) -> tuple[object, ...]:
        return (ranks.get(index.size, len(ranks)), places(index), str(index.size))

    return sorted(indices, key=key)
