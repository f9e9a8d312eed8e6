"""Values as equations in index notation: ``name[i, j] = a SymPy scalar``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import sympy as sp

from symgrad.errors import Location
from symgrad.mathematics.assumptions import Assumption
from symgrad.mathematics.conditions import Condition
from symgrad.mathematics.indices import Index, entries, entry, name_of, replaced
from symgrad.mathematics.sizes import Size

DType = Literal["float", "int", "bool"]


@dataclass(frozen=True)
class Variable:
    """An input: a parameter, data, or an array of constants (``values``)."""

    name: str
    shape: tuple[Size, ...]
    role: Literal["param", "data", "constant"]
    dtype: DType = "float"
    assumptions: tuple[Assumption, ...] = ()
    where: Location | None = None
    values: object = None


@dataclass(frozen=True)
class Equation:
    """``name[indices] = rhs``.

    ``indices`` has one entry for each axis: an :class:`Index`, or the integer 0 where the axis
    has size 1.  ``rhs`` is a SymPy scalar over entries of earlier values.  No symbol of
    ``indices`` is bound inside ``rhs``.

    ``decimals``: the value is held rounded to so many decimals (the mathematics is that of
    ``rhs``).  ``backward``: what is differentiated in place of ``rhs``, where they differ.
    """

    name: str
    indices: tuple[sp.Expr, ...]
    rhs: sp.Expr
    decimals: int | None = None
    backward: sp.Expr | None = None
    where: Location | None = None

    @property
    def shape(self) -> tuple[Size, ...]:
        """The size along each axis."""
        return tuple(i.size if isinstance(i, Index) else sp.Integer(1) for i in self.indices)

    @property
    def differentiated(self) -> sp.Expr:
        """What the backward pass differentiates."""
        return self.rhs if self.backward is None else self.backward

    @property
    def reads(self) -> frozenset[str]:
        """The names of the values that its derivative goes to."""
        return frozenset(name_of(a) for a in entries(self.differentiated))

    @property
    def lhs(self) -> sp.Expr:
        """The entry that the equation defines."""
        return entry(self.name, self.indices)

    def at(self, indices: tuple[sp.Expr, ...], rhs: sp.Expr | None = None) -> sp.Expr:
        """The right-hand side at other indices."""
        return replaced(self.rhs if rhs is None else rhs, self.moved(indices))

    def moved(self, indices: Sequence[sp.Expr]) -> dict[Index, sp.Expr]:
        """What each of its own indices is at other indices."""
        pairs = zip(self.indices, indices, strict=True)
        return {mine: theirs for mine, theirs in pairs if isinstance(mine, Index)}


Shapes = Mapping[str, tuple[Size, ...]]
"""The sizes along the axes of values, by the names of these."""


class Shaped(Protocol):
    """What has a name and a shape: an input, an equation, an operation."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def shape(self) -> tuple[Size, ...]:
        """The size along each axis."""


def shapes_of(*values: Iterable[Shaped]) -> dict[str, tuple[Size, ...]]:
    """The shape of each input and each value."""
    return {v.name: v.shape for some in values for v in some}


@dataclass(frozen=True)
class System:
    """Inputs, and named equations in an order in which each reads only earlier values.

    ``pinned`` lists the fixed sizes that an equation depends on; ``invented`` the values that
    have no name in the spec, ``nameless`` those of them that no line of a function names either.
    ``slopes`` are the values that are derivatives, each with what it is the derivative of and by.
    ``domain`` is what has to hold for each operation of the spec, as typed, to have a value.
    """

    variables: tuple[Variable, ...]
    equations: tuple[Equation, ...]
    output: str
    pinned: frozenset[Size] = frozenset()
    invented: frozenset[str] = frozenset()
    nameless: frozenset[str] = frozenset()
    slopes: tuple[tuple[str, str, str], ...] = ()
    domain: tuple[Condition, ...] = ()

    def __iter__(self) -> Iterator[Equation]:
        return iter(self.equations)

    @cached_property
    def shapes(self) -> Shapes:
        """The shape of every input and every value."""
        return shapes_of(self.variables, self.equations)

    def __getitem__(self, name: str) -> Equation:
        return next(e for e in self.equations if e.name == name)

    def variable(self, name: str) -> Variable:
        """The input of this name."""
        return next(v for v in self.variables if v.name == name)


def copied_from(name: str, equations: Mapping[str, Equation]) -> Iterator[str]:
    """The inputs whose entries a value holds in other places; ValueError where it is computed."""
    if name not in equations:
        yield name
        return
    rhs = equations[name].rhs
    for term in sp.Add.make_args(rhs.function if isinstance(rhs, sp.Sum) else rhs):
        inside = term.function if isinstance(term, sp.Sum) else term
        factors = [f for f in sp.Mul.make_args(inside) if not isinstance(f, sp.KroneckerDelta)]
        if len(factors) != 1 or factors[0] not in entries(factors[0]):
            raise ValueError(f"{name} is computed")
        yield from copied_from(name_of(factors[0]), equations)
