"""The adjoint recurrence: what goes from step to step goes back from step to step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.algebra import axis_name, fresh_indices, freshen, summed
from symgrad.mathematics.equations import Equation, Shapes, System
from symgrad.mathematics.indices import entries, entry, name_of
from symgrad.mathematics.recurrences import Carried, Final, source_of


class Through:
    """The values that go from one step to the next, and what their derivatives are called.

    With v[t] = f(b[t], …), b[t] = v[t - 1], b[0] = s and l = v[T - 1], the derivatives go the other
    way: ∂L/∂v[t] = n[t] + …, n[t] = ∂L/∂b[t + 1], n[T - 1] = ∂L/∂l and ∂L/∂s = ∂L/∂b[0].  Where
    there is no step, l is s, and ∂L/∂s is ∂L/∂l.

    ``wanted``: the values by which there are derivatives.
    """

    def __init__(
        self, system: System, adjoint_name: Mapping[str, str], taken: Collection[str]
    ) -> None:
        self.adjoint_name = adjoint_name
        self.carried: dict[str, Equation] = {}
        for equation in (e for e in system if isinstance(e.rhs, Carried)):
            if (source := equation.rhs.source) in self.carried:
                raise SpecError(f"{source} is carried by two recurrences", where=equation.where)
            self.carried[source] = equation
        self.finals = {e.rhs.source: e for e in system if isinstance(e.rhs, Final)}
        used = set(taken)
        self.next_name = {v: _free(f"d{v}_next", used) for v in {**self.carried, **self.finals}}
        self.start_name = {v: _free(f"d{v}_start", used) for v in self.carried}
        self.wanted: frozenset[str] = frozenset()

    def befores(self, wanted: Collection[str]) -> set[str]:
        """The values of the step before that the derivatives by ``wanted`` go through."""
        found = set()
        for value, final in self.finals.items():
            if final.name not in wanted or value not in wanted:
                continue
            if value not in self.carried:
                raise SpecError(
                    f"the last value of {value} is used, and no step reads the one before",
                    where=final.where,
                    hint="return it as y, and use the last of the ys",
                )
            found.add(self.carried[value].name)
        return found

    def _read(self, value: str) -> list[Equation]:
        """The equations that read a value of another step, and have derivatives."""
        found = (self.carried.get(value), self.finals.get(value))
        return [e for e in found if e is not None and e.name in self.wanted]

    def steps(self, value: str) -> Iterator[str]:
        """The values through which the derivative goes to another step."""
        yield from (e.name for e in self._read(value))

    def names(self, value: str, chain: Iterable[Equation]) -> list[str]:
        """What the derivative by a value reads of other steps."""
        found = [self.next_name[value]] if self._read(value) else []
        return found + [self.start_name[s] for s in map(source_of, chain) if s in self.start_name]

    # -- what is added to derivatives ---------------------------------------------------------

    def next(self, value: str, indices: Sequence[sp.Expr]) -> sp.Expr:
        """What comes from the step that reads the value."""
        return entry(self.next_name[value], indices) if self._read(value) else sp.S.Zero

    def start(self, consumer: Equation, atom: sp.Expr, outer: Sequence[sp.Expr]) -> sp.Expr:
        """Σ ∂L/∂s ∂s/∂v for the start s of a recurrence, once for all that read it."""
        if not isinstance(consumer.rhs, Carried):
            return sp.S.Zero
        rhs = consumer.rhs
        inner = _without(consumer.indices, rhs.place)
        fresh = fresh_indices(_without(consumer.shape, rhs.place))
        moved = {a: b for a, b in zip(inner, fresh, strict=True) if a != b}
        slope = freshen(rhs.start, moved).diff(atom)
        return summed(entry(self.start_name[rhs.source], (*outer, *fresh)) * slope, fresh)

    # -- the equations of the other steps -------------------------------------------------------

    def around(
        self, value: str, output: Sequence[sp.Expr], shapes: Shapes
    ) -> tuple[tuple[Equation, ...], tuple[Equation, ...]]:
        """The equations that come before the derivative by a value, and those that come after."""
        before = (self._next(value, output, shapes),) if self._read(value) else ()
        own = next((e for e in self.carried.values() if e.name == value), None)
        after = () if own is None or not self._has_start(own) else (self._start(own, output),)
        return before, after

    def _has_start(self, carried: Equation) -> bool:
        return any(name_of(a) in self.wanted for a in entries(carried.rhs.start))

    def _next(self, value: str, output: Sequence[sp.Expr], shapes: Shapes) -> Equation:
        """n[t] = ∂L/∂b[t + 1], and ∂L/∂l at the last step."""
        rhs = self.carried[value].rhs
        shape = (*output, *shapes[value])
        own = tuple(axis_name(k, s) for k, s in enumerate(shape))
        place = len(output) + rhs.place
        end = self._of_last(value, _without(own, place))
        carried = self.adjoint_name[self.carried[value].name]
        return Equation(self.next_name[value], own, Carried.of(carried, -rhs.step, place, end, own))

    def _start(self, carried: Equation, output: Sequence[sp.Expr]) -> Equation:
        """∂L/∂s = ∂L/∂b[0], and ∂L/∂l where there is no step."""
        rhs = carried.rhs
        shape = (*output, *_without(carried.shape, rhs.place))
        own = tuple(axis_name(k, s) for k, s in enumerate(shape))
        place = len(output) + rhs.place
        end = self._of_last(rhs.source, own)
        name = self.adjoint_name[carried.name]
        size = carried.shape[rhs.place]
        return Equation(
            self.start_name[rhs.source], own, Final.of(name, -rhs.step, place, end, size, own)
        )

    def _of_last(self, value: str, at: Sequence[sp.Expr]) -> sp.Expr:
        final = self.finals.get(value)
        if final is None or final.name not in self.wanted:
            return sp.S.Zero
        return entry(self.adjoint_name[final.name], at)


def _without(items: Sequence[sp.Expr], place: int) -> tuple[sp.Expr, ...]:
    return (*items[:place], *items[place + 1 :])


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
