"""Which values are the same in another turn of a loop, or in another layer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping

import sympy as sp

from symgrad.audit.diagnosis.graph import Backward
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import entries, entry, indices_of, name_of, replaced

_STEM = re.compile(r"_?\d*_*$")
"""What the name of a value in another turn ends with."""

MOST_ALIKE = 12
"""How many equations are taken for the same."""


def marks(system: System, names: Mapping[str, str]) -> dict[str, Hashable]:
    """What each array has in common with those of other turns: its place in the spec.

    ``names``: the values that derivatives are by; they have the marks of these.
    """
    found: dict[str, Hashable] = {}
    hidden = system.nameless
    readers: dict[str, list[str]] = defaultdict(list)
    for e in system:
        for name in e.reads:
            readers[name].append(e.name)
    for e in reversed(system.equations):
        place = (e.where.line, e.where.offset) if e.where is not None else (e.name,)
        own: tuple[str, ...] = (_STEM.sub("", e.name),)
        if e.name in hidden:
            own = tuple(sorted({str(found.get(n, n)) for n in readers[e.name]})[:1])
        found[e.name] = (*place, *own)
    for adjoint, value in names.items():
        found[adjoint] = ("d", found.get(value, value))
    return found


def groups(
    backward: Backward, names: Iterable[str], mark: Mapping[str, Hashable]
) -> Iterator[list[str]]:
    """Derivatives that may be wrong in the same way: in all turns, alone, in all layers."""
    order = list(backward.equations)
    turns: dict[Hashable, list[str]] = defaultdict(list)
    layers: dict[Hashable, list[str]] = defaultdict(list)
    for name in sorted(names, key=order.index):
        turns[mark.get(name, name)].append(name)
        layers[form(backward.equations[name], backward.slopes)].append(name)
    several = [*turns.values()]
    several += [[n] for members in turns.values() if len(members) > 1 for n in members]
    several += [m for m in layers.values() if 1 < len(m) <= MOST_ALIKE]
    yield from (list(m) for m in dict.fromkeys(map(tuple, several)))


def form(equation: Equation, slopes: Collection[str]) -> Hashable:
    """An equation without its names and sizes: that of another layer has the same."""
    change: dict[sp.Expr, sp.Expr] = {}
    for atom in entries(equation.rhs):
        kind = "d" if name_of(atom) in slopes else "x"
        change[atom] = entry(f"_{kind}", indices_of(atom))
    rhs = replaced(equation.rhs, change)
    return re.sub(r"\d+ - 1|\w+ - 1", "n", str(rhs))
