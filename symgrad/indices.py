"""Sizes of axes, the indices that run over them, and entries of arrays."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import sympy as sp

Size: TypeAlias = sp.Expr
"""A number of entries along an axis: the integer 1, or a symbol.

A fixed size such as 784 is a symbol *named* ``784``: it prints as the number, and a check may
give it a smaller value, because nothing in an equation depends on it being 784.  A size that an
equation does depend on (an axis that is cut, or indexed by a number) is listed in
:attr:`symgrad.equations.System.pinned`.
"""

_fresh = itertools.count()
_indices: dict[tuple[str, Size], Index] = {}


def size_of(dimension: int | str | sp.Expr) -> Size:
    """The size that a user wrote: an int, the name of a dimension, or an expression over them.

    Two expressions for one size have one form: numbers are numbers in it, and it is expanded.
    """
    if dimension == 1:
        return sp.Integer(1)
    if not isinstance(dimension, sp.Expr) or dimension.is_Integer or dimension.is_Symbol:
        return sp.Symbol(str(dimension), integer=True, positive=True)
    known = {
        s: sp.Integer(s.name) if s.name.isdigit() else size_of(s.name)
        for s in dimension.free_symbols
    }
    value = sp.expand(dimension.xreplace(known))
    return size_of(int(value)) if value.is_Integer else value


@functools.lru_cache(maxsize=4096)
def fixed(size: Size) -> int | None:
    """The number that a size stands for, or None where it is free until run time."""
    if size.is_Integer:
        return int(size)
    numbers = {s: sp.Integer(s.name) for s in size.free_symbols if s.name.isdigit()}
    value = size.xreplace(numbers)
    return int(value) if value.is_Integer else None


class Index(sp.Symbol):
    """An index: an integer symbol that runs from 0 to ``size - 1``."""

    __slots__ = ("size",)
    size: Size

    def __new__(cls, name: str, size: Size) -> Index:
        self = _indices.get((name, size))
        if self is None:  # one object for each, because SymPy works out what it may assume of it
            self = sp.Symbol.__xnew__(cls, name, integer=True, nonnegative=True)
            self.size = size
            _indices[name, size] = self
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str, Size], dict[str, object]]:
        return (self.name, self.size), {}

    def _hashable_content(self) -> tuple[str, Size]:
        return (self.name, self.size)

    @property
    def limits(self) -> tuple[Index, sp.Integer, sp.Expr]:
        """The limits of a sum over the whole axis, as ``sympy.Sum`` takes them."""
        return (self, sp.Integer(0), self.size - 1)


def fresh(size: Size) -> Index:
    """An index that occurs nowhere else."""
    return Index(f"_{next(_fresh)}", size)


@contextmanager
def fresh_from_start() -> Iterator[None]:
    """Hand out the same fresh indices each time: for work whose results hold none of them."""
    global _fresh  # noqa: PLW0603 (the counter that the block replaces)
    before, _fresh = _fresh, itertools.count()
    try:
        yield
    finally:
        _fresh = before


def axis_index(size: Size) -> sp.Expr:
    """A fresh index for an axis; the integer 0 on an axis of size 1, which needs none."""
    return sp.Integer(0) if size == 1 else fresh(size)


def entry(name: str, indices: Sequence[sp.Expr], *, integer: bool = False) -> sp.Expr:
    """The entry ``name[indices]``; a scalar (no indices) is a symbol."""
    if not indices:
        return sp.Symbol(name, real=True) if not integer else sp.Symbol(name, integer=True)
    kind = {"integer": True} if integer else {"real": True}
    return sp.Indexed(sp.IndexedBase(name, **kind), *indices)


def name_of(atom: sp.Expr) -> str:
    """The array that an entry (an ``Indexed``, or the symbol of a scalar) belongs to."""
    return str(atom.base.label) if isinstance(atom, sp.Indexed) else str(atom.name)


def indices_of(atom: sp.Expr) -> tuple[sp.Expr, ...]:
    """The indices of an entry; () for a scalar."""
    return tuple(atom.indices) if isinstance(atom, sp.Indexed) else ()


def entries(expr: sp.Expr) -> set[sp.Expr]:
    """Every entry that an expression reads: its ``Indexed`` atoms and its scalars.

    Indices, sizes and the labels of the arrays themselves are symbols too, and are left out.
    """
    found: set[sp.Expr] = expr.atoms(sp.Indexed)
    labels = {e.base.label for e in found}
    scalars = {
        s
        for s in expr.atoms(sp.Symbol)
        if not isinstance(s, Index) and s not in labels and not is_size(s)
    }
    return found | scalars


def is_size(symbol: sp.Symbol) -> bool:
    """Whether a symbol is a size: sizes are the only positive integers among the symbols."""
    return not isinstance(symbol, Index) and bool(symbol.is_integer and symbol.is_positive)


def proper_indices(indices: Iterable[sp.Expr]) -> list[Index]:
    """The proper indices among ``indices``: what is left without the zeros of unit axes."""
    return [i for i in indices if isinstance(i, Index)]
