"""Recurrences in segments of steps: what each segment gives, and its derivatives out of its start.

The steps of a segment are the recurrence itself, from the carry that the segment before has left.
What the rest of the loss reads of them is their last carry, sums over all steps, and the values of
all steps that stand in anything else.  By the chain rule, the derivatives through a segment are
those of a sum of what it gives, each times the derivative of the loss by it: a loss of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import starmap
from typing import Literal

import sympy as sp

from symgrad.calculus.derivation import Derivation
from symgrad.calculus.region import Region
from symgrad.calculus.reverse_mode import derive
from symgrad.errors import SpecError
from symgrad.mathematics.algebra import BINDERS, bound_of, limits, summed
from symgrad.mathematics.equations import Equation, System, Variable
from symgrad.mathematics.indices import (
    Index,
    entries,
    entry,
    fresh,
    indices_of,
    is_entry,
    name_of,
    replaced,
)
from symgrad.mathematics.recurrences import (
    Final,
    Recurrence,
    Recurrent,
    all_reads,
    depending_on,
    in_groups,
    leading_to,
)
from symgrad.mathematics.sizes import Size, as_size, fixed, is_size


@dataclass(frozen=True)
class Part:
    """Equations that give the values ``names``, and the derivatives through them.

    ``slopes`` is the derivation of Σ weight·value, by what the values are made of; ``weights``: the
    names of the weights, by the values.  None where no value has a derivative.
    """

    system: System
    names: tuple[str, ...]
    weights: Mapping[str, str]
    slopes: Derivation | None


@dataclass(frozen=True)
class Carry:
    """``first`` is its start, of the equations before; a segment makes ``end`` of ``start``."""

    first: str
    start: str
    end: str


@dataclass(frozen=True)
class Checkpoints:
    """A loss whose recurrences are computed in segments of ``every`` steps.

    ``size``: how many steps there are; ``turned``: whether they count down; ``counts``: inputs
    that are numbers of entries, by the named sizes that they are; ``clock``: an input that is as
    long as a segment, where no other is.
    ``before`` gives what no step has a part in, the starts among it; ``segment`` what the steps
    give: the ``ends`` of the carries, ``totals``, which are added up, and the values of all steps
    ``kept``.  ``sliced``: of which inputs a segment sees a part, along which axis, as well as where
    the steps of what is kept lie.  ``finish``: the loss out of these, under these names; it is in
    segments itself where ``rest`` is one.
    """

    size: Size
    every: int
    turned: bool
    counts: Mapping[str, str]
    clock: str
    carries: tuple[Carry, ...]
    totals: tuple[str, ...]
    kept: Mapping[str, str]
    sliced: Mapping[str, int]
    before: Part
    segment: Part
    finish: Derivation
    rest: Checkpoints | None


def checkpointed(derivation: Derivation, every: int) -> Checkpoints:
    """The loss in segments of so many steps; SpecError where it has none, or is no scalar."""
    if derivation.system.shapes[derivation.system.output] or derivation.tangents:
        raise SpecError("checkpoint knows a scalar and its gradients alone")
    if not derivation.wrt:
        raise SpecError("checkpoint is for derivatives, and none is asked for")
    inputs = {v.name for v in derivation.system.variables}
    if others := [name for name in derivation.wrt if name not in inputs]:
        raise SpecError(
            f"{others[0]} is no input: checkpoint does not keep the values of all steps",
            hint="differentiate by inputs, or leave checkpoint out",
        )
    if not _has_steps(derivation.system):
        raise SpecError("checkpoint is for recurrences, and there is none")
    return _Segments(derivation, every).found()


def _has_steps(system: System) -> bool:
    """Whether a step reads what comes of the one before it."""
    return any(isinstance(g, Recurrence) for g in in_groups(system.equations))


class _Segments:
    """The search for the steps that one segment has."""

    def __init__(self, derivation: Derivation, every: int) -> None:
        self.whole, self.system, self.every = derivation, derivation.system, every
        self.inputs = {v.name: v for v in self.system.variables}
        self.region = Region(self.system)
        self.places, self.sliced = self.region.places, self.region.sliced
        self.steps = self.region.equations
        self.moving = depending_on(self.system.equations, derivation.wrt)
        self.taken = {*self.system.shapes}

    def found(self) -> Checkpoints:
        """What is computed in segments, and the rest of the loss."""
        self.length = as_size(self._name("K"))
        self.counts: dict[str, str] = {}
        self.clock = self._name("clock")
        self.carries = {e.name: self._carry(e) for e in self.steps if self.region.is_carried(e)}
        self.totals: dict[str, Equation] = {}
        self.kept: dict[str, str] = {}
        finish = self._finish()
        before, segment = self._before(), self._segment()
        more = _has_steps(finish.system)
        read = {v.name for v in segment.system.variables}
        return Checkpoints(
            self.region.size,
            self.every,
            self.region.step < 0,
            self.counts,
            self.clock if self.clock in read else "",
            tuple(self.carries.values()),
            tuple(self.totals),
            self.kept,
            {**self.sliced, **{v: self.places[n] for n, v in self.kept.items()}},
            before,
            segment,
            finish,
            checkpointed(finish, self.every) if more else None,
        )

    def _name(self, base: str) -> str:
        base = base if base.isidentifier() else "value"
        name, number = base, 1
        while name in self.taken:
            number += 1
            name = f"{base}_{number}"
        self.taken.add(name)
        return name

    # -- the three systems ------------------------------------------------------------------------

    def _carry(self, equation: Equation) -> Carry:
        source = equation.rhs.source.lstrip("%")
        return Carry(*(self._name(f"{source}_{end}") for end in ("first", "start", "end")))

    def _before(self) -> Part:
        """What no step has a part in: the starts of carries, and values that steps read."""
        starts = [self._first(e) for e in self.steps if e.name in self.carries]
        out, read = self.region.after | self.places.keys(), self._read() | self._in_totals()
        first = {e.name for e in starts} | read - out
        out -= leading_to([*self.system.equations, *starts], first, all_reads)
        equations = [e for e in self.system.equations if e.name not in out]
        names = [e.name for e in (*starts, *equations) if e in starts or e.name in read]
        moving = depending_on([*equations, *starts], self.whole.wrt)
        return self._part([*equations, *starts], names, moving, self.system.variables)

    def _first(self, equation: Equation) -> Equation:
        """What a carry is before the first step."""
        rhs, first = equation.rhs, self.carries[equation.name].first
        indices = (*rhs.indices[: rhs.place], *rhs.indices[rhs.place + 1 :])
        return Equation(first, indices, rhs.start, where=equation.where)

    def _read(self) -> set[str]:
        """What the equations of the steps read of others."""
        steps = [e for e in self.steps if e.name not in self.carries]
        both = (x for e in steps for x in (e.rhs, e.differentiated))
        found = {name_of(a) for x in both for a in entries(x)}
        return found - self.places.keys()

    def _segment(self) -> Part:
        """What the steps give out of the carries before them."""
        equations = [*map(self._of_segment, self.steps)]
        ends = [self._end(e) for e in equations if e.name in self.carries]
        totals = [self._total_of_segment(e) for e in self.totals.values()]
        names = [*(e.name for e in ends), *self.totals, *self.kept]
        source = {c.end: self.system[n].rhs.source for n, c in self.carries.items()}
        moving = {n for n, s in source.items() if s in self.moving}
        moving |= {*self.kept} & self.moving
        moving |= {n for n, e in self.totals.items()
                   if not self.moving.isdisjoint(map(name_of, entries(e.rhs)))}  # fmt: skip
        return self._part([*equations, *ends, *totals], names, moving, self._given())

    def _given(self) -> Iterator[Variable]:
        """What a segment is given."""
        for name, carry in self.carries.items():
            whole, place = self.system.shapes[name], self.places[name]
            yield Variable(carry.start, (*whole[:place], *whole[place + 1 :]), "param")
        for name in (*self.inputs, *(e.name for e in self.system.equations)):
            if name in self._read() or name in self._in_totals():
                shape = list(self.system.shapes[name])
                known = self.inputs.get(name) or Variable(name, (), "param")
                if name in self.sliced:
                    shape[self.sliced[name]] = self.length
                yield replace(known, shape=tuple(shape))
        yield Variable(self.clock, (self.length,), "data")

    def _in_totals(self) -> set[str]:
        found = {name_of(a) for e in self.totals.values() for a in entries(e.rhs)}
        return found - self.places.keys()

    def _of_segment(self, equation: Equation) -> Equation:
        """The equation over the steps of a segment."""
        place = self.places[equation.name]
        time = equation.indices[place]
        if equation.name in self.carries:
            at = (*equation.rhs.indices[:place], *equation.rhs.indices[place + 1 :])
            start = entry(self.carries[equation.name].start, at)
            equation = replace(equation, rhs=equation.rhs.changed(equation.rhs.source, start))
        moved = {time: fresh(self.length)}
        indices = tuple(moved.get(i, i) for i in equation.indices)
        backward = equation.backward and replaced(equation.backward, moved)
        rhs = replaced(equation.rhs, moved)
        return replace(equation, indices=indices, rhs=rhs, backward=backward)

    def _end(self, equation: Equation) -> Equation:
        """The carry after the last step of a segment."""
        carry, rhs = self.carries[equation.name], equation.rhs
        indices = (*rhs.indices[: rhs.place], *rhs.indices[rhs.place + 1 :])
        new = tuple(fresh(i.size) if isinstance(i, Index) else i for i in indices)
        final = Final.of(rhs.source, rhs.step, rhs.place, entry(carry.start, new), self.length, new)
        return Equation(carry.end, new, final)

    def _total_of_segment(self, equation: Equation) -> Equation:
        binder = equation.rhs
        (time,) = (k for k in bound_of(binder) if k in self.time_of[equation.name])
        moved = fresh(self.length)
        body = replaced(binder.function, {time: moved})
        bound = [moved if k == time else k for k in bound_of(binder)]
        return replace(equation, rhs=sp.Sum(body, *limits(bound)))

    # -- the rest of the loss ---------------------------------------------------------------------

    def _finish(self) -> Derivation:
        """The loss out of what the steps give."""
        self.time_of: dict[str, set[Index]] = {}
        self.last: dict[str, Variable] = {}
        rest = [e for e in self.system.equations if e.name not in self.places]
        others = [e for e in rest if e.name not in self.region.finals]  # these read what steps do
        needed = leading_to(others, [self.system.output], all_reads)
        equations = [self._of_the_rest(e) for e in rest if e.name in needed]
        for name, total in self.totals.items():
            moves = not self.moving.isdisjoint(map(name_of, entries(total.rhs)))
            self.last[name] = Variable(name, total.shape, "param" if moves else "data")
        both = (x for e in equations for x in (e.rhs, e.differentiated))
        read = {name_of(a) for x in both for a in entries(x)}
        kept = (e.name for e in self.system if e.name in self.places and e.name in read)
        self.kept = {name: self._name(f"{name}_all") for name in kept}
        equations = [*starmap(self._copy, self.kept.items()), *equations]
        variables = [*self.last.values(), *self.system.variables]
        system = self._of(equations, self.system.output, variables)
        there = {v.name for v in system.variables}
        wrt = [v.name for v in self.last.values() if v.role == "param"]
        return derive(system, [n for n in (*wrt, *self.whole.wrt) if n in there])

    def _of_the_rest(self, equation: Equation) -> Equation:
        """An equation of the loss, out of totals and of last carries."""
        if equation.name in self.region.finals:
            source = equation.rhs.source
            carries = (c for n, c in self.carries.items() if self.system[n].rhs.source == source)
            end = next(carries).end
            self.last[end] = Variable(end, equation.shape, self._role(equation.name))
            return replace(equation, rhs=entry(end, equation.indices))
        backward = equation.backward
        if backward is not None:
            backward = self._in_totals_of(backward)
        return replace(equation, rhs=self._in_totals_of(equation.rhs), backward=backward)

    def _copy(self, name: str, kept: str) -> Equation:
        """A value of all steps, which is an input of the rest."""
        made = self.system[name]
        self.last[kept] = Variable(kept, made.shape, self._role(name))
        return replace(made, rhs=entry(kept, made.indices), backward=None, decimals=None)

    def _role(self, name: str) -> Literal["param", "data"]:
        return "param" if name in self.moving else "data"

    def _in_totals_of(self, expr: sp.Expr) -> sp.Expr:
        """An expression with each sum over the steps as a total."""
        if isinstance(expr, sp.Sum) and (time := self._time_in(expr)) is not None:
            free = sorted(
                {s for s in expr.free_symbols if isinstance(s, Index)}, key=lambda i: i.name
            )
            name = self._name("total")
            self.totals[name] = Equation(name, tuple(free), expr)
            self.time_of[name] = {time}
            return entry(name, free)
        if not expr.args or is_entry(expr) or isinstance(expr, Recurrent):
            return expr
        return expr.func(*map(self._in_totals_of, expr.args))

    def _time_in(self, expr: sp.Sum) -> Index | None:
        """The index of the steps of a sum over values of steps; None if it is none."""
        bound = bound_of(expr)
        atoms = [a for a in entries(expr.function) if name_of(a) in self.places]
        times = {indices_of(a)[self.places[name_of(a)]] for a in atoms}
        if len(times) != 1 or not times <= {*bound}:
            return None
        time: Index = times.pop()
        inner = expr.function.atoms(*BINDERS)
        reads = {name_of(a) for a in entries(expr.function)}
        whole = any(isinstance(i, Index) and i in b.free_symbols for b in inner for i in bound
                    if i in bound_of(b))  # fmt: skip
        if whole or not self.region.after.isdisjoint(reads):
            return None
        if not self.region.is_at(expr.function, time, self.places):
            return None
        for atom in entries(expr.function):
            name, indices = name_of(atom), indices_of(atom)
            if name in self.places:
                continue
            place = indices.index(time) if time in indices else None
            if place is not None and self.sliced.setdefault(name, place) != place:
                return None
        return time

    # -- one system -------------------------------------------------------------------------------

    def _part(
        self,
        equations: Sequence[Equation],
        names: Sequence[str],
        moving: Iterable[str],
        variables: Iterable[Variable],
    ) -> Part:
        """Equations that give some values, and the loss of their weighted sum."""
        given, moving = [*variables], set(moving)
        weights = {n: self._name(f"d{n}") for n in names if n in moving}
        system = self._of(equations, names, given)
        if not weights:
            return Part(system, tuple(names), {}, None)
        values = {e.name: e for e in equations}
        output = self._name("weighted")
        terms = sp.Add(*(_weighted(values[n], weight) for n, weight in weights.items()))
        more = [Variable(weight, values[n].shape, "data") for n, weight in weights.items()]
        whole = self._of([*equations, Equation(output, (), terms)], output, [*given, *more])
        read = {v.name for v in whole.variables}
        moved = self.moving | {*self.whole.wrt} | {c.start for c in self.carries.values()}
        wrt = [v.name for v in given if v.name in read & moved]
        return Part(system, tuple(names), weights, derive(whole, wrt) if wrt else None)

    def _of(
        self, equations: Sequence[Equation], outputs: str | Sequence[str],
        variables: Iterable[Variable],
    ) -> System:  # fmt: skip
        """The system of what some values need."""
        wanted = [outputs] if isinstance(outputs, str) else [*outputs]
        needed = leading_to(equations, wanted, all_reads)
        kept = [e for e in equations if e.name in needed]
        both = {name_of(a) for e in kept for x in (e.rhs, e.differentiated) for a in entries(x)}
        given = [*variables]
        mine = tuple(v for v in given if v.name in both)
        if not any(self.length in v.shape for v in mine):
            mine += tuple(v for v in given if v.name == self.clock)
        mine += tuple(_as_long(kept, mine, given))
        kept, more = self._with_counts(kept, {s for v in mine for s in v.shape})
        mine += more
        there = {e.name for e in kept} | {v.name for v in mine}
        return replace(
            self.system,
            variables=mine,
            equations=tuple(kept),
            output=wanted[0] if wanted else "",
            invented=self.system.invented & there,
            nameless=self.system.nameless & there,
            slopes=(),
            domain=tuple(
                c for c in self.system.domain if {name_of(a) for a in entries(c.of)} <= there
            ),
        )

    def _with_counts(
        self, equations: Sequence[Equation], lengths: set[Size]
    ) -> tuple[list[Equation], tuple[Variable, ...]]:
        """The equations with an input for each number of entries that no input is as long as."""
        made, read = [], dict[str, None]()
        for equation in equations:
            sizes = [s for s in equation.rhs.free_symbols if is_size(s) and fixed(s) is None]
            moved = {}
            for size in sorted({*sizes} - lengths, key=str):
                if size.name not in self.counts:
                    self.counts[size.name] = self._name(f"count_{size.name}")
                moved[size] = entry(self.counts[size.name], ())
            backward = equation.backward and _numbered(equation.backward, moved)
            rhs = _numbered(equation.rhs, moved)
            made.append(replace(equation, rhs=rhs, backward=backward))
            both = entries(rhs) | entries(made[-1].differentiated)
            names = {name_of(a) for a in both}
            read |= dict.fromkeys(n for n in self.counts.values() if n in names)
        return made, tuple(Variable(n, (), "data") for n in read)


def _as_long(
    equations: Iterable[Equation], known: Sequence[Variable], given: Sequence[Variable]
) -> Iterator[Variable]:
    """An input for each named size of a value that no known input is as long as."""
    lengths = {s for v in known for s in v.shape}
    for size in dict.fromkeys(s for e in equations for i in e.shape for s in i.free_symbols):
        if size not in lengths and (longer := [v for v in given if size in v.shape]):
            yield longer[0]
            lengths |= {*longer[0].shape}


def _weighted(value: Equation, weight: str) -> sp.Expr:
    """Σ weight·value over all entries."""
    at = tuple(fresh(i.size) if isinstance(i, Index) else i for i in value.indices)
    return summed(entry(weight, at) * entry(value.name, at), at)


def _numbered(expr: sp.Expr, moved: Mapping[sp.Expr, sp.Expr]) -> sp.Expr:
    """An expression with entries in place of sizes, where these are numbers."""
    if expr in moved:
        return moved[expr]
    if not expr.args or is_entry(expr):
        return expr
    if isinstance(expr, BINDERS):
        return expr.func(_numbered(expr.function, moved), *expr.args[1:])
    if isinstance(expr, Recurrent):
        return expr.changed(expr.source, _numbered(expr.start, moved))
    return expr.func(*(_numbered(a, moved) for a in expr.args))
