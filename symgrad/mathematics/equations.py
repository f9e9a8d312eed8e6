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
from symgrad.mathematics.indices import Index, entries, entry, indices_of, name_of, replaced
from symgrad.mathematics.ordering import Standing
from symgrad.mathematics.ranges import Bounds, part_at, solved
from symgrad.mathematics.sizes import Size, normal_form

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
    bounds: tuple[Bounds, ...] = ()
    """Of labels: where they lie, if each points into its axis."""


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
        if isinstance(self.differentiated, Standing):
            return frozenset()
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

    @cached_property
    def _table(self) -> Mapping[str, Equation]:
        return {e.name: e for e in self.equations}

    def __getitem__(self, name: str) -> Equation:
        return self._table[name]

    def variable(self, name: str) -> Variable:
        """The input of this name."""
        return next(v for v in self.variables if v.name == name)


def bounds_of_inputs(
    name: str, bounds: Bounds, equations: Mapping[str, Equation], shapes: Shapes
) -> Iterator[tuple[str, Bounds]]:
    """Where the labels of inputs lie, if those in a value lie within ``bounds``.

    ValueError where the value is neither made of such labels nor of these and a number.
    """
    if name not in equations:
        yield name, bounds
        return
    equation = equations[name]
    for piece in _pieces(equation):
        if isinstance(piece, Standing) and _has_room(bounds, piece.limits[0][0].size):
            continue
        found = solved(piece, bounds.low, bounds.stop)
        if found is None:
            raise ValueError(f"{name} is computed")
        label, low, stop = found
        origin, indices = name_of(label), indices_of(label)
        known = dict(zip(equation.indices, bounds.part, strict=True))
        whole = part_at(indices, shapes[origin])
        part = tuple(known.get(i, p) for i, p in zip(indices, whole, strict=True))
        yield from bounds_of_inputs(origin, Bounds(low, stop, part), equations, shapes)


def _has_room(bounds: Bounds, size: Size) -> bool:
    """Whether all positions along an axis of this size lie within bounds."""
    rooms = (-bounds.low, bounds.stop - size)
    return all(bool(normal_form(room).is_nonnegative) for room in rooms)


def _pieces(equation: Equation) -> Iterator[sp.Expr]:
    """The expression that a value of integers is, or those that stand side by side in it."""
    terms = sp.Add.make_args(equation.rhs)
    if not equation.rhs.has(sp.KroneckerDelta):
        yield equation.rhs
        return
    filled = sp.S.Zero
    for term in terms:
        bound = {limit[0] for limit in term.limits} if isinstance(term, sp.Sum) else set()
        factors = sp.Mul.make_args(term.function if bound else term)
        deltas = [f for f in factors if isinstance(f, sp.KroneckerDelta)]
        piece = sp.Mul(*(f for f in factors if f not in deltas))
        if not deltas or piece.is_number or not bound <= sp.Tuple(*deltas).free_symbols:
            raise ValueError(f"{equation.name} is computed")
        filled += sp.Mul(*(k.size for k in bound))
        yield piece
    moved = {i for d in equation.rhs.atoms(sp.KroneckerDelta) for i in d.free_symbols}
    sizes = [i.size for i in equation.indices if i in moved]
    if normal_form(sp.Mul(*sizes) - filled) != 0:
        raise ValueError(f"{equation.name} has zeros in it")
