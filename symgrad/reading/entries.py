"""Entries of arrays under the letters of a formula: A[i, j] is a matrix whose axes are i and j."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symgrad.language.array import Array
from symgrad.language.constants import as_array
from symgrad.language.contractions import contract
from symgrad.language.registry import FUNCTIONS
from symgrad.language.shapes import expand_dims, transpose


@dataclass(frozen=True)
class Span:
    """What a letter runs over: ``size`` numbers from ``start`` on."""

    start: sp.Expr
    size: sp.Expr

    @property
    def stop(self) -> sp.Expr:
        """The first number after the last one."""
        return self.start + self.size


@dataclass(frozen=True, eq=False)
class Entries:
    """An array with a letter for each of its axes."""

    letters: tuple[sp.Symbol, ...]
    array: Array

    def at(self, letters: Sequence[sp.Symbol]) -> Array:
        """The array with these axes, in this order; one that it lacks has the size 1."""
        there = [x for x in letters if x in self.letters]
        array = self.array
        if list(self.letters) != there:
            array = transpose(array, tuple(map(self.letters.index, there)))
        missing = tuple(k for k, x in enumerate(letters) if x not in self.letters)
        return expand_dims(array, missing) if missing and there else array


def of_numpy(name: str, *args: Any) -> Array:
    """One of NumPy's functions by its name."""
    return as_array(FUNCTIONS[name](*args))


def together(values: Sequence[Entries]) -> tuple[sp.Symbol, ...]:
    """The letters of several values, in the order in which they occur."""
    return tuple(dict.fromkeys(x for v in values for x in v.letters))


def applied(function: Any, *values: Entries) -> Entries:
    """A function of numbers, of entries that stand at the same letters."""
    letters = together(values)
    return Entries(letters, as_array(function(*(v.at(letters) for v in values))))


def summed(factors: Sequence[Entries], gone: Sequence[sp.Symbol]) -> Entries:
    """The sum of products along some letters."""
    letters = tuple(x for x in together(factors) if x not in gone)
    if len(factors) == 1:
        return reduced("sum", factors[0], gone)
    return Entries(letters, contract([(f.array, f.letters) for f in factors], letters, "multiply"))


def reduced(name: str, value: Entries, gone: Sequence[sp.Symbol]) -> Entries:
    """One of NumPy's functions along some letters."""
    axes = tuple(k for k, x in enumerate(value.letters) if x in gone)
    letters = tuple(x for x in value.letters if x not in gone)
    return Entries(letters, of_numpy(name, value.array, axes) if axes else value.array)
