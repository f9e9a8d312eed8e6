"""What a loop, or Python's own ``sum``, adds up: one sum over an axis, as of ``np.sum``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from symgrad.language.array import Array
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise
from symgrad.language.memory import Addends
from symgrad.language.reductions import sum_
from symgrad.language.registry import UFUNCS
from symgrad.mathematics.algebra import BINDERS
from symgrad.mathematics.indices import Index, entries, entry, fresh, indices_of, name_of
from symgrad.mathematics.sizes import Size, fixed

FEWEST = 3
"""Sums of so many addends are looked at: two are a sum as it stands."""
DEEPEST = 8
"""How far from an addend the entry may be that it is made of."""
MOST = 64
"""Of how many values an addend may be made, for that entry to be looked for."""


def add(x: Any, y: Any) -> Array:
    """The sum; where it completes one over all entries along an axis, that sum."""
    total = elementwise("add", x, y)
    left, right = as_array(x), as_array(y)
    zero = left.rhs == 0 and not left.ndim, right.rhs == 0 and not right.ndim
    if any(zero):
        left, right = (right, left) if zero[0] else (left, right)
        total.addends = left.addends or Addends(None, left.apart(), 1)
        return total
    if left.sizes != right.sizes:
        return total
    before = left.addends or Addends(None, left.apart(), 1)
    count = before.number + 1
    total.addends = Addends(before, right.apart(), count)
    if count < FEWEST or (size := _completed(right, count)) is None:
        return total
    rows = _Rows(size).of(total.addends.all())
    if rows is None:
        return total
    whole = sum_(rows, 0)
    whole.addends = None
    return whole


UFUNCS["add"] = add


def _completed(last: Array, count: int) -> Size | None:
    """The size of the axis of which an addend is the last, where there are as many of them."""
    for array in _below(last):
        if array.picked_from is None:
            continue
        for position, size in zip(array.source, array.picked_from.sizes, strict=True):
            if position == count - 1 and fixed(size) == count:
                return size
    return None


def _below(array: Array) -> Iterator[Array]:
    """What an array is made of, the nearest first."""
    found = {array.key: array}
    for nearest in (found.values() for _ in range(DEEPEST)):
        more = {i.key: i for a in nearest for i in a.inputs if i.key not in found}
        if not more or len(found) > MOST:
            break
        found |= more
    yield from found.values()


class _Rows:
    """Arrays that are built alike, of the entries along one axis, as one array."""

    def __init__(self, size: Size) -> None:
        self.row, self.size = fresh(size), size
        self.done: dict[tuple[str, ...], Array | None] = {}

    def of(self, arrays: Sequence[Array]) -> Array | None:
        """The arrays as rows; None where they are not alike."""
        keys = tuple(a.key for a in arrays)
        if keys not in self.done:
            found = self._picked(arrays)
            self.done[keys] = self._built(arrays) if found is None else found
        return self.done[keys]

    def _picked(self, arrays: Sequence[Array]) -> Array | None:
        """Where they are the entries of one array at 0, 1, …"""
        first = arrays[0]
        base = first.picked_from
        if base is None or any(
            a.picked_from is None or a.picked_from.key != base.key for a in arrays
        ):
            return None
        sources = [_in_letters_of(a.source, a.indices, first.indices) for a in arrays]
        for axis, size in enumerate(base.sizes):
            at = [s[axis] for s in sources]
            if size == self.size and at == list(range(len(arrays))):
                rest = [s[:axis] + s[axis + 1 :] for s in sources]
                if all(r == rest[0] for r in rest):
                    source = [*first.source[:axis], self.row, *first.source[axis + 1 :]]
                    labels = first.inputs[1:]
                    return self._made(first, base.at(source), [base, *labels])
        return None

    def _built(self, arrays: Sequence[Array]) -> Array | None:
        """Where all are the same function of arrays that are rows themselves, or the same."""
        first = arrays[0]
        if any(_kind(a) != _kind(first) for a in arrays) or first.rhs is None or not first.inputs:
            return None
        parts: list[Array] = []
        names: dict[str, Array] = {}
        for column in zip(*(a.inputs for a in arrays), strict=True):
            same = all(_is_same(a, column[0]) for a in column)
            part = column[0] if same else self.of(column)
            if part is None:
                return None
            parts.append(part)
            if not same:
                names[column[0].key] = part
        if not names or any(not _alike(first, a) for a in arrays[1:]):
            return None
        return self._made(first, self._read(first.rhs, names), parts, names)

    def _made(
        self, like: Array, rhs: sp.Expr, inputs: Sequence[Array], names: Mapping[str, Array] = {}
    ) -> Array:
        found = Array([self.row, *like.indices], rhs, inputs, dtype=like.kind, op=like.op)
        found.domain = tuple(replace(c, of=self._read(c.of, names)) for c in like.domain)
        found.pointing = tuple((self._read(p, names), size) for p, size in like.pointing)
        return found

    def _read(self, expr: sp.Expr, names: Mapping[str, Array]) -> sp.Expr:
        """An expression over the rows in the place of the first of them."""
        found: dict[sp.Expr, sp.Expr] = {}
        for atom in sorted(entries(expr), key=lambda a: len(str(a))):
            at = [i.xreplace(found) for i in indices_of(atom)]
            if name_of(atom) in names:
                rows = names[name_of(atom)]
                found[atom] = entry(rows.key, [self.row, *at], integer=rows.kind == "int")
            elif at != list(indices_of(atom)):
                found[atom] = atom.func(atom.base, *at)
        return expr.xreplace(found)


def _is_same(one: Array, other: Array) -> bool:
    """Whether two arrays are one, or the same number everywhere."""
    if one.key == other.key:
        return True
    numbers = one.rhs is not None and not (one.inputs or other.inputs)
    return numbers and one.rhs == other.rhs and one.sizes == other.sizes


def _kind(array: Array) -> tuple[Any, ...]:
    """What arrays that are built alike have in common; nothing where one is held."""
    held = array.backward is not None or array.decimals is not None or array.variable is not None
    return (array.sizes, array.kind, array.op, len(array.inputs), id(array) if held else None)


def _alike(one: Array, other: Array) -> bool:
    """Whether the equations are the same but for the names of indices and of what is read."""
    if one.rhs is None or other.rhs is None:
        return False
    change: dict[sp.Expr, sp.Expr] = dict(zip(other.indices, one.indices, strict=True))
    change |= dict(zip(_bound(other.rhs), _bound(one.rhs), strict=False))
    names = {b.key: a.key for a, b in zip(one.inputs, other.inputs, strict=True)}
    for atom in sorted(entries(other.rhs), key=lambda a: len(str(a))):
        at = [i.xreplace(change) for i in indices_of(atom)]
        integer = bool(atom.is_integer)
        change[atom] = entry(names.get(name_of(atom), name_of(atom)), at, integer=integer)
    return bool(other.rhs.xreplace(change) == one.rhs)


def _bound(expr: sp.Expr) -> list[Index]:
    """The indices that run, in the order in which they stand there."""
    return [limit[0] for b in sp.preorder_traversal(expr) if isinstance(b, BINDERS)
            for limit in b.limits]  # fmt: skip


def _in_letters_of(
    source: Sequence[sp.Expr], mine: Sequence[sp.Expr], theirs: Sequence[sp.Expr]
) -> tuple[sp.Expr, ...]:
    change = {i: j for i, j in zip(mine, theirs, strict=True) if isinstance(i, Index)}
    return tuple(s.xreplace(change) for s in source)
