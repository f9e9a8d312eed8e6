"""Which values are the same in another turn of a loop, or in another layer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping

import sympy as sp

from symgrad.audit.diagnosis.graph import Backward
from symgrad.audit.diagnosis.statistics import read_by
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
    readers = read_by(system)
    for e in reversed(system.equations):
        place = (e.where.line, e.where.offset) if e.where is not None else (e.name,)
        own: tuple[str, ...] = (_STEM.sub("", e.name),)
        if e.name in system.nameless:
            own = tuple(sorted({str(found.get(n, n)) for n in readers[e.name]})[:1])
        found[e.name] = (*place, *own)
    found |= dict(_starts(system, found))
    return found | {adjoint: ("d", found.get(v, v)) for adjoint, v in names.items()}


def _starts(system: System, mark: Mapping[str, Hashable]) -> Iterator[tuple[str, Hashable]]:
    """The inputs that the first turn reads where the second reads what comes of the first."""
    several: dict[Hashable, list[Equation]] = defaultdict(list)
    for e in system:
        several[mark[e.name]].append(e)
    inputs = {v.name for v in system.variables}
    for first, second in (e[:2] for e in several.values() if len(e) > 1):
        start, then = first.reads - second.reads, second.reads - first.reads
        if len(start) == len(then) == 1 and start <= inputs and not then & inputs:
            yield min(start), mark[min(then)]


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


class Turns:
    """Which turn of a loop each array belongs to."""

    def __init__(self, backward: Backward, mark: Mapping[str, Hashable]) -> None:
        order = {e.name: k for k, e in enumerate(backward.derivation.typed)}
        several: dict[Hashable, list[str]] = defaultdict(list)
        values = {**{n: n for n in order}, **backward.value_of}
        for name in sorted(values, key=lambda n: order.get(values[n], -1)):
            several[mark.get(name, name)].append(name)
        self.place = {n: (m, k) for m, names in several.items() for k, n in enumerate(names)}
        inputs = [v.name for v in backward.derivation.typed.variables]
        self.place |= {n: (mark[n], -1) for n in inputs if mark.get(n, n) in several}
        self.stem = {m: _STEM.sub("", names[0]) for m, names in several.items()}
        self.several = {m for m, names in several.items() if len(names) > 1}

    def label(self, name: str, member: str) -> str:
        """What an array is called beside a derivative: the same in all turns."""
        mark, turn = self.place.get(name, (name, 0))
        if mark not in self.several:
            return name
        other = self.place.get(member, (member, 0))[1]
        later = {0: "", 1: " of the next turn", -1: " of the turn before"}
        return f"{self.stem[mark]}{later.get(turn - other, f' of turn {turn - other:+d}')}"
