"""Matrices that equal their transposes, by the operations that make them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import sympy as sp

from symgrad.mathematics.assumptions import Fact, giving
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.sizes import same
from symgrad.program.kinds import KINDS
from symgrad.program.program import (
    Axes,
    Literal,
    Op,
    Operand,
    Ref,
    arguments_by,
    labels,
    stored,
)

COMMUTATIVE = frozenset({"add", "multiply", "maximum", "minimum"})


class Symmetry:
    """Tells whether two views of values of a program are the same array."""

    def __init__(self, inputs: Iterable[Variable], ops: Mapping[str, Op]) -> None:
        self._ops = ops
        self._promised = {v.name for v in inputs if _is_given(v)}
        self._known: dict[tuple[Operand, Operand], bool] = {}

    def holds(self, matrix: Ref) -> bool:
        """Whether the matrices in the last two axes are symmetric."""
        *lead, row, column = matrix.axes
        return self._same(matrix, Ref(matrix.name, (*lead, column, row)))

    def is_square(self, array: Ref) -> bool:
        """Whether the last two axes can be changed one for the other."""
        pair = labels(array.axes)[-2:]
        alike = len(pair) == 2 and tuple(pair) == array.axes[-2:] and pair[0] != pair[1]
        return alike and same(pair[0].size, pair[1].size) and self.holds(array)

    def _same(self, x: Operand, y: Operand) -> bool:
        if isinstance(x, Literal) or isinstance(y, Literal):
            return x == y
        x, y = stored(self._ops, x), stored(self._ops, y)
        if x == y or {*labels(x.axes)} != {*labels(y.axes)}:
            return x == y
        if (x, y) not in self._known:
            self._known[x, y] = self._made_alike(x, y)
        return self._known[x, y]

    def _made_alike(self, x: Ref, y: Ref) -> bool:
        if x.name == y.name in self._promised:
            return x.axes[:-2] == y.axes[:-2]
        mine, theirs = self._ops.get(x.name), self._ops.get(y.name)
        if mine is None or theirs is None or _what(mine) != _what(theirs):
            return False
        if x.name == y.name and len(x.axes) == 2 and self._is_turned(mine):
            return True
        if mine.kind == "eye" or not KINDS[mine.kind].by_label or mine.detail:
            return mine.kind == "eye"
        return self._alike(mine, theirs, x.axes, y.axes)

    def _is_turned(self, op: Op) -> bool:
        """Whether a matrix is diagonal, or the inverse of a symmetric one."""
        if op.kind == "linalg":
            return op.function == "inv" and self.holds(op.reads[0])
        return op.kind == "diagonal"

    def _alike(self, mine: Op, theirs: Op, here: Axes, there: Axes) -> bool:
        """Whether the arguments are the same, up to their order or their sign where it is one."""
        first, second = arguments_by(mine, here), arguments_by(theirs, there)
        commutes = KINDS[mine.kind].product or mine.function in COMMUTATIVE
        if commutes and self._each(first, second[::-1]):
            return True
        if KINDS[mine.kind].product and self._factors(first) == self._factors(second):
            return True
        even = mine.function in _EVEN or (mine.function == "power" and second[1:] == (_TWO,))
        if mine.kind == "map" and even and self._opposite(first[0], second[0]):
            return True
        return self._each(first, second)

    def _each(self, first: tuple[Operand, ...], second: tuple[Operand, ...]) -> bool:
        return all(self._same(x, y) for x, y in zip(first, second, strict=True))

    def _factors(self, product: Iterable[Operand]) -> Counter[Operand]:
        """What is multiplied, and what that is divided by, each with its power."""
        found: Counter[Operand] = Counter()
        for operand in product:
            seen = stored(self._ops, operand) if isinstance(operand, Ref) else operand
            made = self._ops.get(seen.name) if isinstance(seen, Ref) else None
            sign = {"multiply": 1, "divide": -1}.get(made.function if made else "")
            if made is None or sign is None or made.kind != "map" or not isinstance(seen, Ref):
                found[seen] += 1
                continue
            x, y = arguments_by(made, seen.axes)
            found.update(self._factors([x]))
            found.update({f: sign * n for f, n in self._factors([y]).items()})
        return found

    def _opposite(self, x: Operand, y: Operand) -> bool:
        """Whether one is a difference, and the other the same the other way round."""
        if isinstance(x, Literal) or isinstance(y, Literal):
            return False
        x, y = stored(self._ops, x), stored(self._ops, y)
        mine, theirs = self._ops.get(x.name), self._ops.get(y.name)
        if mine is None or theirs is None or not mine.function == theirs.function == "subtract":
            return False
        first, second = arguments_by(mine, x.axes), arguments_by(theirs, y.axes)
        return self._each(first, second[::-1])


def _is_given(variable: Variable) -> bool:
    """Whether an input is symmetric as it is promised, or as its numbers are."""
    if variable.role != "constant" or len(set(variable.shape[-2:])) != 1:
        return bool(giving(Fact.IS_SYMMETRIC, variable.assumptions))
    values = np.asarray(variable.values)
    return values.ndim > 1 and np.array_equal(values, np.swapaxes(values, -1, -2))


def _what(op: Op) -> object:
    return op.kind, op.function, op.detail, len(op.args)


_EVEN = frozenset(("square", "abs", "cos", "cosh"))

_TWO = Literal(sp.Integer(2))
