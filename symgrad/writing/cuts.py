"""What is left of arrays at fixed first places, such as x[0], as matrices and vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from symgrad.mathematics.assumptions import Fact, giving
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import entries, entry, indices_of, name_of
from symgrad.mathematics.sizes import Size

At = tuple[sp.Expr, ...]


def places(atom: sp.Expr, shape: Sequence[Size]) -> At:
    """The fixed places at which an entry's first axes are read; none of an axis of size 1."""
    found: list[sp.Expr] = []
    for index, size in zip(indices_of(atom), shape, strict=True):
        if not index.is_Integer or size == 1:
            break
        found.append(index)
    return tuple(found)


def has_cuts(rhs: sp.Expr, shapes: Mapping[str, Sequence[Size]]) -> bool:
    """Whether an expression reads an array at a fixed first place."""
    return any(places(a, shapes[name_of(a)]) for a in entries(rhs) if name_of(a) in shapes)


@dataclass
class Cuts:
    """Names for what is left of ``arrays`` at fixed first places."""

    arrays: Mapping[str, Variable]
    variables: dict[str, Variable] = field(default_factory=dict)
    """What is left, by the names that it gets."""
    origin: dict[str, tuple[str, At]] = field(default_factory=dict)
    """Of which array, and where."""

    def __call__(self, equations: Iterable[Equation]) -> list[Equation]:
        """The equations with these names in them."""
        return [replace(e, rhs=self._cut(e.rhs)) for e in equations]

    def _cut(self, rhs: sp.Expr) -> sp.Expr:
        found = {}
        for atom in sorted(entries(rhs), key=str):
            array = self.arrays.get(name_of(atom))
            at = places(atom, array.shape) if array is not None else ()
            if array is not None and at:
                left = self._left(array, at)
                found[atom] = entry(left, indices_of(atom)[len(at) :], integer=array.dtype == "int")
        return rhs.xreplace(found) if found else rhs

    def _left(self, array: Variable, at: At) -> str:
        """The name of what is left of an array."""
        name = f"{array.name}_at_{'_'.join(map(str, at))}"
        while name in self.arrays:
            name += "_"
        if name not in self.variables:
            shape = array.shape[len(at) :]
            promises = array.assumptions if len(shape) == 2 else ()
            kept = tuple(giving(Fact.IS_SYMMETRIC, promises))
            self.variables[name] = replace(array, name=name, shape=shape, assumptions=kept)
            self.origin[name] = array.name, at
        return name
