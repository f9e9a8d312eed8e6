"""Values that go from one step of a recurrence to the next, and which equations hang together."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sympy as sp
from sympy.core.symbol import Str

from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import Index, entries, entry, indices_of, name_of
from symgrad.mathematics.sizes import Size


class Recurrent(sp.Expr):
    """What is read of another step of ``source``, a value that comes later in the equations.

    ``source`` is no entry, so that each equation still reads what comes before it alone.
    """

    is_commutative = True
    is_extended_real = True
    is_finite = True

    @property
    def source(self) -> str:
        """The name of the value that is carried."""
        return str(self.args[0].name)

    @property
    def step(self) -> int:
        """1 where the steps count up, -1 where they count down."""
        return int(self.args[1])

    @property
    def place(self) -> int:
        """Which axis of the source the steps run along."""
        return int(self.args[2])

    @property
    def start(self) -> sp.Expr:
        """What is read where there is no step before."""
        return self.args[3]

    def changed(self, source: str, start: sp.Expr) -> sp.Expr:
        """The same of another value."""
        return self.func(Str(source), *self.args[1:3], start, *self.args[4:])

    def slope(self, atom: sp.Expr) -> sp.Expr:
        """The derivative by an entry of the source, or of the start."""
        raise NotImplementedError

    def diff(self, *symbols: sp.Expr, **_: Any) -> sp.Expr:
        """The derivative by an entry."""
        (atom,) = symbols
        return self.slope(atom)

    def _sympystr(self, printer: Any) -> str:
        parts = ", ".join(map(printer.doprint, self.args[3:]))
        return f"{type(self).__name__}({self.source}, {self.step}, {parts})"


class Carried(Recurrent):
    """``source[..., t - step, ...]``, and ``start`` at the first step; ``indices`` are those here.

    Its arguments are the source, the step, the place of t among the indices, the start, and these.
    """

    @property
    def indices(self) -> tuple[sp.Expr, ...]:
        """Where it is read: t and the others."""
        return tuple(self.args[4:])

    @property
    def time(self) -> sp.Expr:
        """The step at which it is read."""
        return self.indices[self.place]

    @property
    def read(self) -> sp.Expr:
        """The entry that it is, but at the first step."""
        at = list(self.indices)
        at[self.place] = self.time - self.step
        return entry(self.source, at)

    @property
    def outside(self) -> tuple[sp.Expr, ...]:
        """Where the source is read at the first step: before all its entries, or behind them."""
        at = list(self.indices)
        at[self.place] = sp.Integer(-1) if self.step > 0 else self.time.size
        return tuple(at)

    def slope(self, atom: sp.Expr) -> sp.Expr:
        """δs of all indices, or of the first step."""
        if name_of(atom) == self.source:
            return _equal(indices_of(self.read), indices_of(atom))
        first = sp.S.Zero if self.step > 0 else self.time.size - 1
        return sp.KroneckerDelta(self.time, first) * self.start.diff(atom)

    @classmethod
    def of(cls, source: str, step: int, place: int, start: sp.Expr, indices: Any) -> Carried:
        """The value of the step before."""
        return cls(Str(source), sp.Integer(step), sp.Integer(place), start, *indices)


class Final(Recurrent):
    """``source`` after the last of ``size`` steps, and ``start`` where there is none."""

    @property
    def size(self) -> Size:
        """How many steps there are."""
        return self.args[4]

    @property
    def indices(self) -> tuple[sp.Expr, ...]:
        """Where it is read, without t."""
        return tuple(self.args[5:])

    @property
    def read(self) -> sp.Expr:
        """The entry that it is, where there is a step."""
        last = self.size - 1 if self.step > 0 else sp.S.Zero
        at = self.indices
        return entry(self.source, (*at[: self.place], last, *at[self.place :]))

    def slope(self, atom: sp.Expr) -> sp.Expr:
        """δs of all indices; of the start nothing, where there is a step."""
        if name_of(atom) == self.source:
            return _equal(indices_of(self.read), indices_of(atom))
        return sp.S.Zero

    @classmethod
    def of(
        cls, source: str, step: int, place: int, start: sp.Expr, size: Size, indices: Any
    ) -> Final:
        """The value of the last step."""
        return cls(Str(source), sp.Integer(step), sp.Integer(place), start, size, *indices)


def _equal(ones: Sequence[sp.Expr], others: Sequence[sp.Expr]) -> sp.Expr:
    pairs = zip(ones, others, strict=True)
    return sp.Mul(*(sp.KroneckerDelta(a, b) for a, b in pairs))


def source_of(equation: Equation) -> str | None:
    """The value that an equation reads of another step, if it does."""
    return equation.rhs.source if isinstance(equation.rhs, Recurrent) else None


def sources(equations: Iterable[Equation]) -> dict[str, list[Equation]]:
    """The equations that read each value of another step."""
    found: dict[str, list[Equation]] = {}
    for equation in equations:
        if isinstance(equation.rhs, Recurrent):
            found.setdefault(equation.rhs.source, []).append(equation)
    return found


def all_reads(equation: Equation) -> set[str]:
    """The names of all values that an equation needs, those of other steps among them."""
    found = {name_of(a) for a in entries(equation.rhs)}
    source = source_of(equation)
    return found if source is None else found | {source}


def goes_to(equation: Equation) -> set[str]:
    """The names of the values that its derivative goes to, those of other steps among them."""
    source = source_of(equation)
    return {*equation.reads} if source is None else {*equation.reads, source}


def depending_on(equations: Iterable[Equation], names: Iterable[str]) -> set[str]:
    """These, and the values whose derivatives go to them."""
    equations, found, count = tuple(equations), set(names), -1
    while count < len(found):  # again for what goes from step to step
        count = len(found)
        for equation in equations:
            if not found.isdisjoint(goes_to(equation)):
                found.add(equation.name)
    return found


def leading_to(
    equations: Iterable[Equation],
    names: Iterable[str],
    reads: Callable[[Equation], set[str]] = goes_to,
) -> set[str]:
    """These, and what they are made of; ``reads``: what one equation is made of."""
    equations, found, count = tuple(equations)[::-1], set(names), -1
    while count < len(found):  # again for what goes from step to step
        count = len(found)
        for equation in equations:
            if equation.name in found:
                found |= reads(equation)
    return found


# -- what hangs together --------------------------------------------------------------------------

N = TypeVar("N", bound=Hashable)


def components(reads: Mapping[N, Iterable[N]]) -> list[list[N]]:
    """Groups of what needs each other, each after what it needs, else in the order given.

    ``reads``: what each needs, of which what is not a key counts nothing.
    """
    found = _strong(reads)
    at = {name: k for k, group in enumerate(found) for name in group}
    rank = {name: k for k, name in enumerate(reads)}
    before = [{at[r] for n in group for r in reads[n] if r in at} - {k}
              for k, group in enumerate(found)]  # fmt: skip
    after: dict[int, list[int]] = {}
    for k, needed in enumerate(before):
        for other in needed:
            after.setdefault(other, []).append(k)
    left = [len(needed) for needed in before]
    first = [min(rank[name] for name in group) for group in found]
    ready = [(first[k], k) for k, count in enumerate(left) if not count]
    heapq.heapify(ready)
    order: list[list[N]] = []
    while ready:
        _, k = heapq.heappop(ready)
        order.append(sorted(found[k], key=rank.__getitem__))
        for other in after.get(k, ()):
            left[other] -= 1
            if not left[other]:
                heapq.heappush(ready, (first[other], other))
    return order


def _strong(reads: Mapping[N, Iterable[N]]) -> list[list[N]]:
    """The strongly connected components of a graph (Tarjan, 1972), without recursion."""
    number: dict[N, int] = {}
    low: dict[N, int] = {}
    open_: dict[N, None] = {}
    found: list[list[N]] = []
    for root in reads:
        work = [(root, iter(reads[root]))] if root not in number else []
        while work:
            node, rest = work[-1]
            if node not in number:
                number[node] = low[node] = len(number)
                open_[node] = None
            into = next((r for r in rest if r in reads and (r not in number or r in open_)), None)
            if into is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    found.append(_closed(open_, node))
            elif into in number:
                low[node] = min(low[node], number[into])
            else:
                work.append((into, iter(reads[into])))
    return found


def _closed(open_: dict[N, None], root: N) -> list[N]:
    group = []
    while True:
        node, _ = open_.popitem()
        group.append(node)
        if node == root:
            return group


class Recurrence:
    """Equations that need each other's values of other steps, and where each has its steps.

    ``places``: which axis the steps run along, by name; ``step``: 1 or -1; ``size``: how many.
    ``cut``: the equations whose step before is there, of recurrences that this one is inside of.
    """

    def __init__(self, equations: Sequence[Equation], cut: frozenset[str] = frozenset()) -> None:
        self.equations = tuple(equations)
        self.around = cut
        carried = [e for e in equations if isinstance(e.rhs, Carried) and e.name not in cut]
        outer = min(carried, key=lambda e: e.rhs.place)
        self.step: int = outer.rhs.step
        self.size: Size = outer.rhs.time.size
        self.places = {outer.name: outer.rhs.place}
        while len(self.places) < len(self.equations):
            known = len(self.places)
            for equation in equations:
                self._place(equation)
            if len(self.places) == known:
                left = ", ".join(e.name for e in equations if e.name not in self.places)
                raise ValueError(f"{left} can't be computed step by step")
        mine = (e.name for e in carried if e.rhs.place == self.places[e.name])
        self.cut = cut.union(mine)

    def _place(self, equation: Equation) -> None:
        """Find the axis of the steps by what an equation reads, or is read of it."""
        places, name = self.places, equation.name
        if isinstance(equation.rhs, Carried):
            for one, other in ((name, equation.rhs.source), (equation.rhs.source, name)):
                if one in places:
                    places.setdefault(other, places[one])
        elif isinstance(equation.rhs, Final):
            self._place_of_last(name, equation.rhs)
        for atom in entries(equation.rhs) if name not in places else ():
            if name_of(atom) in places:
                time = atom.indices[places[name_of(atom)]]
                if time in equation.indices:
                    places[name] = equation.indices.index(time)

    def _place_of_last(self, name: str, rhs: Final) -> None:
        """The axis of the steps where those of a recurrence inside of this one are gone."""
        places, source, gone = self.places, rhs.source, rhs.place
        if source in places:
            places.setdefault(name, places[source] - (gone < places[source]))
        elif name in places:
            places.setdefault(source, places[name] + (gone <= places[name]))

    def time(self, equation: Equation) -> Index:
        """The index of the steps in an equation."""
        found: Index = equation.indices[self.places[equation.name]]
        return found

    def parts(self) -> Iterator[Equation | Recurrence]:
        """What is computed in each step, in order."""
        return in_groups(self.equations, self.cut)


def in_groups(
    equations: Iterable[Equation], cut: frozenset[str] = frozenset()
) -> Iterator[Equation | Recurrence]:
    """The equations, each after what it needs: those of a recurrence together."""
    table = {e.name: e for e in equations}
    if not any(isinstance(e.rhs, Recurrent) for e in table.values()):
        yield from table.values()
        return
    reads = {name: all_reads(e) for name, e in table.items()}
    for name in cut & reads.keys():
        reads[name] -= {source_of(table[name])}
    for group in components(reads):
        if len(group) > 1 or group[0] in reads[group[0]]:
            yield Recurrence([table[name] for name in group], cut)
        else:
            yield table[group[0]]
