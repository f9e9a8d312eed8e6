"""Recurrences become loops: what depends on no step before is computed for all steps at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.algebra import BINDERS, freshen
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import Index, entries, entry, fresh, indices_of, is_entry, name_of
from symgrad.mathematics.positions import Cut
from symgrad.mathematics.recurrences import Carried, Final, Recurrence, Recurrent
from symgrad.mathematics.sizes import Size, as_size, normal_form
from symgrad.program.loop import Carry, Loop
from symgrad.program.lower.lowering import Lowering
from symgrad.program.program import UNIT, Axes, Program, Ref, size_of

Body = Callable[[Sequence[Variable], Sequence[Equation], Sequence[str]], Program]
"""How the equations of one step become a program."""


# -- what is computed for all steps at once --------------------------------------------------------


class Hoisting:
    """Takes what reads nothing of the recurrence out of equations, under names of its own."""

    def __init__(self, recurrence: Recurrence) -> None:
        self.inside = {e.name for e in recurrence.equations}
        self.recurrence = recurrence
        self.made: list[Equation] = []
        self.read = {name_of(a) for e in recurrence.equations for a in entries(e.rhs)}
        """Among it what was taken out of a recurrence that this one is inside of."""
        self.equations = tuple(map(self._equation, recurrence.equations))

    def _equation(self, equation: Equation) -> Equation:
        if isinstance(equation.rhs, Recurrent):
            return equation
        self.name, self.own = equation.name, equation.indices
        self.time = self.recurrence.time(equation)
        return replace(equation, rhs=self._without(freshen(equation.rhs)))

    def _without(self, expr: sp.Expr) -> sp.Expr:
        """An expression with its parts that are the same whatever the carry is taken out."""
        if self._is_free(expr):
            return self._taken(expr)
        if isinstance(expr, (sp.Add, sp.Mul)):
            places = isinstance(expr, sp.Mul)
            free = [a for a in expr.args
                    if self._is_free(a) and not (places and self._is_place(a))]  # fmt: skip
            rest = [self._without(a) for a in expr.args if a not in free]
            return expr.func(*self._together(expr.func, free), *rest)
        if is_entry(expr) or not expr.args:
            return expr
        if isinstance(expr, BINDERS):
            return expr.func(self._without(expr.function), *expr.args[1:])
        return expr.func(*map(self._without, expr.args))

    def _together(self, func: type[sp.Expr], free: list[sp.Expr]) -> list[sp.Expr]:
        """Free terms or factors as one, where that is no larger array than one of them is."""
        numbers = [a for a in free if not self._names_something(a)]
        if func is sp.Add and len(numbers) < len(free):  # a unit matrix goes with an array
            numbers = [a for a in numbers if not _axes(a)]
        free = [a for a in free if a not in numbers]
        if not free:
            return numbers
        whole = func(*free)
        axes = [_axes(a) for a in free]
        if len(free) > 1 and not (func is sp.Add or max(axes, key=len) == _axes(whole)):
            return [*numbers, *map(self._taken, free)]
        return [self._taken(func(*numbers, whole) if not is_entry(whole) else whole),
                *(numbers if is_entry(whole) else [])]  # fmt: skip

    def _names_something(self, expr: sp.Expr) -> bool:
        return bool(entries(expr)) or expr.has(self.time)

    def _is_place(self, expr: sp.Expr) -> bool:
        """Whether it says where something stands in a step: an array of it would be of zeros."""
        return isinstance(expr, sp.KroneckerDelta) and not self._names_something(expr)

    def _is_free(self, expr: sp.Expr) -> bool:
        return self.inside.isdisjoint(map(name_of, entries(expr)))

    def _taken(self, expr: sp.Expr) -> sp.Expr:
        """A part that is free, as an entry of a value of its own where it is no entry already."""
        if not self._names_something(expr) or self._is_plain(expr):
            return expr
        axes = sorted(_axes(expr), key=self._order)
        for known in self.made:
            if known.indices == tuple(axes) and known.rhs == expr:
                return known.lhs
        name = f"%{self.name}_{len(self.made)}"
        while name in self.read:
            name += "_"
        self.made.append(Equation(name, tuple(axes), expr))
        return self.made[-1].lhs

    def _is_plain(self, expr: sp.Expr) -> bool:
        """Whether it is an entry of an array as it is, or as each step sees a part of it."""
        indices = [i for i in indices_of(expr) if i != 0]
        return is_entry(expr) and len(set(indices)) == len(indices) and all(
            isinstance(i, Index) for i in indices
        )  # fmt: skip

    def _order(self, index: Index) -> tuple[int, str]:
        return (self.own.index(index) if index in self.own else len(self.own), index.name)


def _axes(expr: sp.Expr) -> frozenset[Index]:
    return frozenset(s for s in expr.free_symbols if isinstance(s, Index))


# -- one step -------------------------------------------------------------------------------------


@dataclass
class _Step:
    """The equations of one step, and what they read that is computed outside."""

    recurrence: Recurrence
    shapes: Mapping[str, tuple[Size, ...]]
    dtypes: Mapping[str, str]
    sliced: dict[tuple[str, int], str] = field(default_factory=dict)
    whole: dict[str, None] = field(default_factory=dict)

    def equations(self, equations: Iterable[Equation]) -> Iterator[Equation]:
        for equation in equations:
            if equation.name not in self.cut:
                yield self._one(equation)

    @property
    def cut(self) -> frozenset[str]:
        return self.recurrence.cut

    def _one(self, equation: Equation) -> Equation:
        time = self.recurrence.time(equation)
        place = self.recurrence.places[equation.name]
        rhs = self._within(equation.rhs, time)
        if rhs.has(time):
            raise SpecError(f"{equation.name} can't be computed step by step", where=equation.where)
        return replace(equation, indices=_but(equation.indices, place), rhs=rhs, backward=None)

    def _within(self, expr: sp.Expr, time: Index) -> sp.Expr:
        """An expression at one step."""
        if is_entry(expr):
            return self._entry(expr, time)
        if isinstance(expr, Recurrent):
            return self._inner(expr, time)
        if not expr.args:
            return expr
        return expr.func(*(self._within(a, time) for a in expr.args))

    def _inner(self, expr: Recurrent, time: Index) -> sp.Expr:
        """What a recurrence inside of this one carries."""
        mine = self.recurrence.places[expr.source]
        where = expr.indices.index(time)
        start = self._within(expr.start, time)
        indices = _but(expr.indices, where)
        place = expr.place - (mine < expr.place)
        if isinstance(expr, Carried):
            return Carried.of(expr.source, expr.step, place, start, indices)
        assert isinstance(expr, Final)
        return Final.of(expr.source, expr.step, place, start, expr.size, indices)

    def _entry(self, atom: sp.Expr, time: Index) -> sp.Expr:
        name = name_of(atom)
        indices = [self._within(i, time) if not isinstance(i, Index) else i
                   for i in indices_of(atom)]  # fmt: skip
        integer = bool(atom.is_integer)
        if name in self.recurrence.places:
            place = self.recurrence.places[name]
            if indices[place] != time:
                raise SpecError(f"{name} is read at another step")
            return entry(name, _but(indices, place), integer=integer)
        if time not in indices:
            self.whole[name] = None
            return atom.xreplace(dict(zip(indices_of(atom), indices, strict=True)))
        place = indices.index(time)
        mine = self.sliced.setdefault((name, place), f"{name}@{place}")
        return entry(mine, _but(indices, place), integer=integer)

    def variables(self) -> Iterator[Variable]:
        """What a step is given, besides what is carried."""
        for (name, place), mine in self.sliced.items():
            yield self._variable(mine, name, _but(self.shapes[name], place))
        for name in self.whole:
            yield self._variable(name, name, self.shapes[name])

    def _variable(self, mine: str, name: str, shape: Sequence[Size]) -> Variable:
        return Variable(mine, tuple(shape), "data", self.dtypes.get(name, "float"))  # type: ignore[arg-type]


def _but(items: Sequence[sp.Expr], place: int) -> tuple[sp.Expr, ...]:
    return (*items[:place], *items[place + 1 :])


# -- all steps ------------------------------------------------------------------------------------


class Recurrences:
    """Lowers what goes from step to step.

    The values of all steps of what is carried, with its start before the first or behind the last,
    are one array: what a step makes and what it reads are parts of it.
    """

    def __init__(self, lowering: Lowering, body: Body) -> None:
        self.lowering = lowering
        self.body = body
        self.states: dict[tuple[str, int], Ref] = {}
        """By the name of what is carried, and the axis that the steps run along."""

    def recurrence(self, recurrence: Recurrence) -> None:
        """A loop, and what it gives."""
        hoisting = Hoisting(recurrence)
        for equation in hoisting.made:
            self.lowering.equation(equation)
        carried = [e for e in recurrence.equations if e.name in recurrence.cut]
        carried = [e for e in carried if e.rhs.source in recurrence.places]
        loop, args = self._loop(recurrence, hoisting.equations, carried)
        sources = {e.rhs.source for e in carried}
        for equation in carried:
            self._states(loop, args, equation)
        for equation in recurrence.equations:
            if equation.name in sources or equation in carried:
                continue
            self.lowering.named(equation, self._result(loop, args, equation.name, equation.shape))

    def _loop(
        self, recurrence: Recurrence, equations: Sequence[Equation], carried: Sequence[Equation]
    ) -> tuple[Loop, tuple[Ref, ...]]:
        builder = self.lowering.builder
        dtypes = {n: builder.dtypes.get(self._built(n), "float") for n in self.lowering.shapes}
        step = _Step(recurrence, self.lowering.shapes, dtypes)
        inside = [*step.equations(equations)]
        places = recurrence.places
        given = [*step.variables()]
        starts = [Variable(e.name, _but(e.shape, places[e.name]), "data") for e in carried]
        outputs = [e.name for e in inside]
        program = self.body([*given, *starts], inside, outputs)
        time = fresh(recurrence.size)
        args = [
            *(self._arg(n, self._axes(self.lowering.shapes[n], k, time)) for n, k in step.sliced),
            *(self._arg(n, self._axes(self.lowering.shapes[n])) for n in step.whole),
            *(self._start(e) for e in carried),
        ]
        loop = Loop(
            recurrence.equations[0].name,
            program,
            recurrence.step,
            recurrence.size,
            tuple(step.sliced.values()),
            tuple(step.whole),
            tuple(Carry(e.name, e.rhs.source) for e in carried),
            (*((mine, place) for (_, place), mine in step.sliced.items()), *places.items()),
        )
        return loop, tuple(args)

    def _built(self, name: str) -> str:
        return self.lowering.values.get(name, name)

    def _arg(self, name: str, axes: Axes) -> Ref:
        return Ref(self._built(name), axes)

    def _axes(self, shape: Sequence[Size], place: int = -1, time: Index | None = None) -> Axes:
        found = [UNIT if s == 1 else fresh(s) for s in shape]
        if time is not None:
            found[place] = time
        return tuple(found)

    def _start(self, equation: Equation) -> Ref:
        """The start of what is carried, as an array of its own."""
        rhs = equation.rhs
        at = tuple(i if isinstance(i, Index) else UNIT for i in _but(equation.indices, rhs.place))
        return self.lowering.full(self.lowering.expr(freshen(rhs.start), at), at)

    def _result(
        self, loop: Loop, args: tuple[Ref, ...], function: str, shape: Sequence[Size]
    ) -> Ref:
        axes = [UNIT if s == 1 else fresh(s) for s in shape]
        place = loop.place(function)
        axes[place] = fresh(loop.length(function))
        hint = f"{loop.befores[function].after}_states" if function in loop.befores else ""
        return self.lowering.builder.add(
            "loop", args, tuple(axes), function=function, detail=(loop,), hint=hint
        )

    def _states(self, loop: Loop, args: tuple[Ref, ...], equation: Equation) -> None:
        """The states of all steps; of these the value itself, and that of the step before."""
        source = equation.rhs.source
        states = self.states[source, equation.rhs.place] = self._result(
            loop, args, equation.name, equation.shape
        )
        self._parts(states, source, equation)

    def _parts(self, states: Ref, source: str, equation: Equation) -> None:
        place, forward = equation.rhs.place, equation.rhs.step > 0
        for name, first in ((equation.name, not forward), (source, forward)):
            if name in self.lowering.shapes:
                continue
            value = self._part(states, place, sp.Integer(int(first)), equation.shape[place])
            self.lowering.named(replace(equation, name=name), value)

    def _part(self, states: Ref, place: int, start: sp.Expr, count: Size | None) -> Ref:
        axes: list[sp.Expr] = list(states.axes)
        axes[place : place + 1] = [] if count is None else [fresh(count)]
        detail = [None] * len(states.axes)
        detail[place] = Cut(start, sp.S.One, count)  # type: ignore[call-overload]
        return self.lowering.builder.add("slice", (states,), tuple(axes), detail=tuple(detail))

    # -- what is in no loop ----------------------------------------------------------------------

    def apart(self, equation: Equation) -> None:
        """What a value was at the step before, or after the last one, where it is all there."""
        rhs = equation.rhs
        key = rhs.source, rhs.place
        if key not in self.states:
            self.states[key] = self._joined(equation)
        states = self.states[key]
        if isinstance(rhs, Final):
            end = sp.S.Zero if rhs.step < 0 else normal_form(rhs.size)
            self.lowering.named(equation, self._part(states, rhs.place, end, None))
        else:
            first = sp.Integer(int(rhs.step < 0))
            count = equation.shape[rhs.place]
            self.lowering.named(equation, self._part(states, rhs.place, first, count))

    def _joined(self, equation: Equation) -> Ref:
        """The start and the values, one after the other."""
        rhs = equation.rhs
        if rhs.source not in self.lowering.shapes:
            raise SpecError(f"{rhs.source} is used before it is defined", where=equation.where)
        value = self._arg(rhs.source, self._axes(self.lowering.shapes[rhs.source]))
        size = size_of(value.axes[rhs.place])
        rest = _but(value.axes, rhs.place)
        own = rhs.indices if isinstance(rhs, Final) else _but(rhs.indices, rhs.place)
        moved = {a: sp.S.Zero if b == UNIT else b for a, b in zip(own, rest, strict=True)}
        start = freshen(rhs.start, {a: b for a, b in moved.items() if isinstance(a, Index)})
        first = self.lowering.full(self.lowering.expr(start, rest), rest)
        at = (*rest[: rhs.place], UNIT, *rest[rhs.place :])
        ends = [self.lowering.builder.view(first, at), value]
        along = fresh(as_size(size + 1))
        axes = (*rest[: rhs.place], along, *rest[rhs.place :])
        function, detail = "concatenate", (rhs.place,)
        ordered = tuple(ends[:: rhs.step])
        return self.lowering.builder.add("join", ordered, axes, function=function, detail=detail)
