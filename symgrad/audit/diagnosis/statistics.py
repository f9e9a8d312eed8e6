"""Which values of a forward pass are means, variances, norms of what is read beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import sympy as sp

from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import Index, entries, indices_of, name_of

FAR = 4
"""How many equations lie at most between an array and its mean, its variance, or its norm."""


def read_by(system: System) -> dict[str, list[str]]:
    """The values that read each array."""
    found: dict[str, list[str]] = defaultdict(list)
    for e in system:
        for name in e.reads:
            found[name].append(e.name)
    return found


def statistics(system: System, sizes: Mapping[str, int]) -> Iterator[str]:
    """The values that are made of one larger array alone, and are read entry by entry beside it."""
    readers, table = read_by(system), {e.name: e for e in system}
    for name in table:
        near = [r for r in readers[name] if _is_each(table[r], name)]
        near += [r for other in near for r in readers[other] if _is_each(table[r], other)]
        beside = {n for r in near for n in table[r].reads}
        before = _before(table, name)
        larger = [n for n in before & beside if sizes.get(n, 0) > sizes.get(name, 0) > 0]
        if any(_is_of_alone(table, name, n, sizes) for n in larger):
            yield name


def _is_each(equation: Equation, name: str) -> bool:
    """Whether an equation reads an array entry by entry, or broadcasts it to a larger one."""
    picked = {i for d in equation.rhs.atoms(sp.KroneckerDelta) for i in d.free_symbols}
    own = {*equation.indices, *picked}
    pairs = [(name_of(a), _along(a)) for a in entries(equation.rhs)]
    other = [axes for n, axes in pairs if n != name]
    mine = [axes for n, axes in pairs if n == name]
    return all(axes <= own or any(axes < more for more in other) for axes in mine)


def _along(atom: sp.Expr) -> set[sp.Expr]:
    return {i for i in indices_of(atom) if isinstance(i, Index)}


def _before(
    table: Mapping[str, Equation], name: str, without: str = "", far: int = FAR
) -> frozenset[str]:
    """What a value is made of, in so many equations; ``without`` an array is looked no further."""
    found: frozenset[str] = frozenset()
    last = frozenset({name})
    for _ in range(far):
        last = frozenset(
            n
            for m in last - {without}
            if m in table
            for n in (name_of(a) for a in entries(table[m].rhs))
        )
        found |= last
    return found


def _is_of_alone(
    table: Mapping[str, Equation], name: str, larger: str, sizes: Mapping[str, int]
) -> bool:
    """Whether a value is made of an array and of nothing beside it but numbers."""
    inputs = {n for n in _before(table, name, larger) - {larger} if n not in table}
    return all(sizes.get(n, 1) == 1 for n in inputs)
