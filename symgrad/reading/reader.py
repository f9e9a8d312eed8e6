"""What reads an expression of SymPy: its inputs, what its letters run over, and two tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import sympy as sp

from symgrad.errors import SpecError, caller, visible
from symgrad.language.array import Array
from symgrad.language.inputs import data, param
from symgrad.mathematics.assumptions import positive
from symgrad.reading.entries import Entries, Span

LISTED = "the how-to 'SymPy in and out' of the documentation lists what is read"

NUMBERS: dict[str, Callable[[Reader, Any], Entries]] = {}
"""What expressions of numbers are, by the names of their classes."""

ARRAYS: dict[str, Callable[[Reader, Any], Array]] = {}
"""What matrices and arrays are, by the names of their classes.

By the names, so that the classes are not imported: SymPy itself does so only where they are used.
"""


class Reader:
    """Reads one expression; what it has met of inputs is in ``inputs``."""

    def __init__(self, params: Collection[str], sizes: Collection[sp.Symbol]) -> None:
        self.params = params
        self.sizes = sizes
        self.inputs: dict[str, Array] = {}
        self.symbols: dict[str, Any] = {}
        self.spans: dict[sp.Symbol, Span] = {}
        self.meant: dict[sp.Symbol, Entries] = {}
        self.known: dict[Any, Array] = {}

    def number(self, expr: Any) -> Entries:
        """A number, or one for each value of the letters in it."""
        if (read := _record(NUMBERS, expr)) is not None:
            found: Entries = read(self, expr)
            return found
        if _record(ARRAYS, expr) is None:
            raise unread(expr)
        array = self.array(expr)
        if any(size != 1 for size in array.sizes):
            raise SpecError(
                f"{shown(expr)} stands for a number and has the shape {expr.shape}",
                where=caller(),
                hint="an entry of it is A[i, j], the sum of its diagonal Trace(A)",
            )
        return Entries((), array[(0,) * array.ndim])

    def array(self, expr: Any) -> Array:
        """A matrix or an array, with an axis for each that it has in SymPy.

        What stands in an expression twice is one value, transposed or not.
        """
        if self.spans or self.meant:
            return self._array(expr)
        if expr not in self.known:
            self.known[expr] = self._array(expr)
        return self.known[expr]

    def _array(self, expr: Any) -> Array:
        read = _record(ARRAYS, expr)
        if read is None:
            raise unread(expr)
        if isinstance(expr, (sp.MatAdd, sp.MatMul)):  # SymPy has made Bᵀ Aᵀ of (A B)ᵀ
            turned = sp.Transpose(expr).doit()
            if turned.count(sp.Transpose) < expr.count(sp.Transpose):
                return cast(Array, self.array(turned).T)
        found: Array = read(self, expr)
        return found

    def scalar(self, expr: Any) -> Array:
        """A number that has no letters in it."""
        value = self.number(expr)
        if value.letters:
            raise SpecError(f"{shown(expr)} has the letter {value.letters[0]}, which nothing sums",
                            where=caller(), hint="Sum(…, (i, 0, n - 1)) sums it")  # fmt: skip
        return value.array

    def input(self, name: str, shape: Sequence[Any], symbol: Any) -> Array:
        """An input, the same one each time that it is met; SpecError where its shape is another."""
        known = self.symbols.setdefault(name, symbol)
        if known != symbol and isinstance(known, sp.Symbol) and isinstance(symbol, sp.Symbol):
            raise SpecError(
                f"two symbols have the name {name}, and other assumptions",
                where=caller(),
                hint="make it once, as in x = Symbol('x', positive=True), and use that",
            )
        sizes = tuple(int(s) if s.is_Integer else s for s in map(sp.sympify, shape))
        if name not in self.inputs:
            kind = param if name in self.params else data
            assume = positive if symbol.is_positive and symbol.is_real else None
            self.inputs[name] = kind(name, sizes, assume=assume)
        shape = self.inputs[name].shape
        if [str(s) for s in shape] != [str(s) for s in sizes]:
            raise SpecError(
                f"{name} is used with the shape {sizes} and with {shape}",
                where=caller(),
                hint="say what it is, as in IndexedBase('x', shape=(n,)), and sum over all of it",
            )
        return self.inputs[name]

    @contextmanager
    def running(self, spans: Mapping[sp.Symbol, Span]) -> Iterator[None]:
        """Letters run over numbers inside."""
        before, self.spans = self.spans, {**self.spans, **spans}
        try:
            yield
        finally:
            self.spans = before

    @contextmanager
    def meaning(self, values: Mapping[sp.Symbol, Entries]) -> Iterator[None]:
        """Symbols stand for values inside."""
        before, self.meant = self.meant, {**self.meant, **values}
        try:
            yield
        finally:
            self.meant = before


def _record(table: Mapping[str, Any], expr: Any) -> Any:
    """The entry for the class of an expression, or for the nearest that it is derived from."""
    names = (cls.__name__ for cls in type(expr).__mro__)
    return next((table[name] for name in names if name in table), None)


def read_by(table: dict[str, Any], *names: str) -> Callable[[Any], Any]:
    """Enter a function into a table under the names of classes."""

    def register(function: Any) -> Any:
        table.update(dict.fromkeys(names, function))
        return function

    return register


def unread(expr: Any) -> SpecError:
    """The error for what has no meaning here: it names the class and the expression."""
    return SpecError(
        f"SymPy's {type(expr).__name__} is not supported: {shown(expr)}",
        where=caller(),
        hint=LISTED,
    )


def shown(expr: Any) -> str:
    """An expression in a message."""
    return visible(str(expr), 60)
