"""Reverse mode: the adjoint equation of every value, latest first, and the steps to it."""

from __future__ import annotations

from collections.abc import Collection, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.calculus.derivation import (
    Adjoint,
    Derivation,
    positive_inputs,
    promises,
    remarks_on,
    supported,
    taken_for_granted,
)
from symgrad.calculus.numbering import numbered
from symgrad.calculus.recurrences import Through
from symgrad.calculus.rules import QUOTIENT, Context, explained, simplified
from symgrad.calculus.stability import Stable, stabilised
from symgrad.mathematics.algebra import (
    BINDERS,
    axis_name,
    fresh_indices,
    instance,
    summed,
    weight,
    written_in,
)
from symgrad.mathematics.domains import Signs
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import Index, entries, entry, fresh_from_start, name_of, replaced
from symgrad.mathematics.named_values import NamedValues
from symgrad.mathematics.partials import exact, partial_derivative
from symgrad.mathematics.proved import proved
from symgrad.mathematics.recurrences import (
    Recurrent,
    all_reads,
    depending_on,
    leading_to,
)
from symgrad.mathematics.reductions import ratio
from symgrad.mathematics.renaming import Problem, renamed
from symgrad.mathematics.steps import Step, Steps
from symgrad.mathematics.sums import has_delta
from symgrad.mathematics.told import told
from symgrad.progress import tell

LONGEST = 100
"""The weight beyond which an adjoint with entries at fixed places is not written in."""

GAIN = 0.8
"""Totals are put in where what comes out is so much shorter than what is put in.

Layer norm and division by a norm come to 0.72 to 0.79, layer after layer to 0.93 and more.
"""


At = tuple[sp.Expr, ...]


# -- the walk ---------------------------------------------------------------------------------


def derive(
    system: System,
    wrt: Sequence[str],
    *,
    also: Iterable[str] = (),
    to_derive: Collection[str] = (),
    final: bool = False,
) -> Derivation:
    """The adjoint equation of every value between ``wrt`` and the system's output.

    ``also``: values whose adjoints are worked out too, and are no results.  ``to_derive``: those by
    which the adjoints are to be derived again: no rewriting goes past them, and no part of an
    adjoint that has their value is written by their name.  ``final``: nothing else is derived of
    these values, so that those without a name may be numbered as they are read.
    """
    stable = stabilised(system, to_derive)
    if final and system.nameless.isdisjoint({*wrt, *also}):
        stable, system = numbered(stable, system)
    walk = _Walk(stable, wrt, also, to_derive)
    adjoints = walk.run()
    return Derivation(
        stable.system,
        system,
        stable.local,
        stable.steps,
        adjoints,
        tuple(wrt),
        (*walk.remarks(), *taken_for_granted(system, stable.system)),
        walk.adjoint_name,
    )


@dataclass(frozen=True)
class _Task:
    """An adjoint that is wanted: the derivative by ``value``, through the values of ``chain``.

    ``adjoints`` are those of the chain; ``past``: those of the loss as it was typed, for a value
    that the forward pass goes past.
    """

    value: str
    name: str
    chain: tuple[Equation, ...]
    adjoints: Mapping[str, Adjoint]
    past: bool = False


class _Walk:
    """One pass over the equations, backwards."""

    def __init__(
        self,
        stable: Stable,
        wrt: Sequence[str],
        also: Iterable[str] = (),
        to_derive: Collection[str] = (),
    ) -> None:
        system = self.system = stable.system
        self.past = stable.past
        self.local = stable.local
        self.wrt = tuple(wrt)
        self.asked = dict.fromkeys((*wrt, *also))
        self.shapes = system.shapes
        self.integer = {v.name for v in system.variables if v.dtype != "float"}
        self.consumers = _consumers(system)
        self.typed = _consumers(stable.local) if self.past else self.consumers
        named = [e for e in exact(system) if e.name not in to_derive]
        promised = promises(system)
        known = promised | proved(named, promised)
        signs = Signs({e.name: e for e in system}.get, positive_inputs(system))
        self.context = Context(known, NamedValues(named), signs)
        self.adjoint_name = _adjoint_names(self.shapes, self.shapes)
        taken = (*self.shapes, *self.adjoint_name.values())
        self.part_name = _adjoint_names(sorted(self.past), taken, "_part")
        both = (*self.adjoint_name.items(), *self.part_name.items())
        self.value_of = {adjoint: value for value, adjoint in both}
        self.done: dict[str, Adjoint] = {}
        """The derivatives by values, of the loss as it was typed."""
        self.way: dict[str, Adjoint] = {}
        """What the backward pass goes on with: their parts along the way of the forward pass."""
        self.solved: dict[Hashable, tuple[list[str], Equation, Sequence[Step]]] = {}
        """What came of each problem so far: of one layer among many that are alike."""
        self.output_shape = self.shapes[system.output]
        self.through = Through(system, self.adjoint_name, (*taken, *self.part_name.values()))

    def run(self) -> tuple[Adjoint, ...]:
        """All adjoints, latest value first."""
        for value in self._order():
            tell(f"differentiating by {value}")
            self._differentiate(value)
        read = self._read()
        return tuple(self._as_read(a, read) for a in self.done.values())

    def _read(self) -> set[str]:
        """The adjoints that others read: not those that nobody reads, and that are on no way."""
        read: set[str] = set()
        count = -1
        while count < len(read):  # again for what goes from step to step
            count = len(read)
            for adjoint in reversed(self.done.values()):
                read |= self._reads(adjoint, read)
        return read

    def _reads(self, adjoint: Adjoint, read: Container[str]) -> set[str]:
        """What a derivative reads, if others read it or somebody asks for it, and its part."""
        aside = adjoint.equation.name not in read and adjoint.value not in self.asked
        part = () if adjoint.part is None else (adjoint.part.equation,)
        own = () if aside else (adjoint.equation,)
        equations = (*adjoint.before, *adjoint.after, *part, *own)
        return {name for e in equations for name in all_reads(e)}

    def _as_read(self, adjoint: Adjoint, read: Container[str]) -> Adjoint:
        """Inlined where nobody asks for it or reads it; the same of its part."""
        part = adjoint.part
        if part is not None:
            part = replace(part, inlined=part.equation.name not in read)
        inlined = adjoint.value not in self.wrt and adjoint.equation.name not in read
        return replace(adjoint, inlined=inlined, part=part)

    def _differentiate(self, value: str) -> None:
        """The adjoint of a value; apart from it its part, where the forward pass goes past it."""
        name, part = self.adjoint_name[value], None
        chain = self._chain(value, self.consumers, self.way)
        if value not in self.past:
            self.done[value] = self.way[value] = self._adjoint(_Task(value, name, chain, self.way))
            self._prove(self.done[value].equation)
            return
        if chain or any(self.through.steps(value)):
            part = self._adjoint(_Task(value, self.part_name[value], chain, self.way))
            self.way[value] = part
        chain = self._chain(value, self.typed, self.done)
        whole = self._adjoint(_Task(value, name, chain, self.done, past=True))
        if part is not None and part.equation.rhs == whole.equation.rhs:
            self.done[value] = self.way[value] = whole
        else:
            self.done[value] = replace(whole, past=True, part=part)

    def _prove(self, adjoint: Equation) -> None:
        """What is known of a derivative by its equation: whether it is symmetric."""
        promises = self.context.promises
        found = proved([adjoint], {**promises}) if len(adjoint.indices) == 2 else {}
        if found:
            self.context = replace(self.context, promises={**promises, **found})

    def _chain(
        self, value: str, consumers: Mapping[str, Sequence[Equation]], done: Container[str]
    ) -> tuple[Equation, ...]:
        """The values through which the chain rule goes, latest first."""
        return tuple(e for e in reversed(consumers.get(value, ())) if e.name in done)

    def _order(self) -> list[str]:
        """The values from the output to ``wrt``, latest first; then what else is asked for."""
        both, output = (self.system, self.local), {self.system.output}
        reached = set().union(*(depending_on(s, self.asked) for s in both))
        needed, typed = (leading_to(s, output) for s in both)
        wanted = {*(reached & needed), *self.asked} | reached & typed & self.past
        firsts: dict[str, list[str]] = {}
        for variable in self.system.variables:
            if variable.name in self.consumers:
                firsts.setdefault(self.consumers[variable.name][0].name, []).append(variable.name)
        wanted |= self.through.befores(wanted)
        self.through.wanted = frozenset(wanted)
        order: list[str] = []
        for equation in reversed(self.system.equations):
            order += [equation.name, *firsts.get(equation.name, ())]
        order += [n for n in self.asked if n not in order]
        return [n for n in order if n in wanted]

    def _adjoint(self, task: _Task) -> Adjoint:
        problem = self._problem(task)
        key = problem.key
        steps: Sequence[Step]
        if key in self.solved:
            names, like, taken = self.solved[key]
            change = dict(zip(names, problem.names, strict=True))
            result = replace(like, name=change[like.name], rhs=renamed(like.rhs, change))
            steps = Steps(partial(self._renamed, taken, change), taken)
        else:
            result, found = self._solution(task)
            steps = tuple(found)
            self.solved[key] = problem.names, result, steps
        chain = (*(e.name for e in task.chain), *self.through.steps(task.value))
        before, after = self.through.around(task.value, self.output_shape, self.shapes)
        return Adjoint(task.value, result, chain, steps, before=before, after=after)

    def _problem(self, task: _Task) -> Problem:
        """All that the adjoint of a value depends on."""
        problem = Problem(self.context.promises)
        problem.add(task.value, task.name, self.shapes[task.value])
        problem.add(task.value == self.system.output, len(task.chain), task.past)
        for consumer in task.chain:
            problem.add(consumer.name, *consumer.indices, consumer.differentiated)
            adjoint = task.adjoints[consumer.name].equation
            problem.add(adjoint.name, *adjoint.indices, adjoint.rhs, consumer.name in self.past)
        for total in self._totals(task).values():
            problem.add(total.name, *total.indices, total.rhs)
        problem.add(*self.through.names(task.value, task.chain))
        for equation in self.context.names.among(problem.names):
            problem.add(equation.name, *equation.indices, equation.rhs)
        if task.past:
            problem.add(*map(self.context.signs.is_never_zero, problem.names))
        return problem

    def _solution(self, task: _Task) -> tuple[Equation, list[Step]]:
        """The adjoint equation, and the steps to it."""
        always = frozenset(e.name for e in task.chain if self._is_alias(e, task))
        sometimes = frozenset(e.name for e in task.chain if self._may_cancel(e, task)) - always
        with fresh_from_start():
            result, steps = self._candidate(task, always)
            if sometimes:
                other, other_steps = self._candidate(task, always | sometimes)
                shorter = weight(other.rhs) <= weight(result.rhs)
                if shorter or (_is_sparse(other.rhs) and not _is_sparse(result.rhs)):
                    result, steps = other, other_steps
            return self._with_totals(task, always, (result, steps))

    def _with_totals(
        self, task: _Task, inline: frozenset[str], found: tuple[Equation, list[Step]]
    ) -> tuple[Equation, list[Step]]:
        """The same with totals put in, where that is so much shorter."""
        if totals := self._totals(task):
            other = self._candidate(task, inline, totals)
            dense = _is_sparse(found[0].rhs) and not _is_sparse(other[0].rhs)
            if not dense and _is_gain(other[0].rhs, written_in(found[0].rhs, totals)):
                return other
        return found

    def _renamed(self, steps: Iterable[Step], names: Mapping[str, str]) -> Iterator[Step]:
        """The same steps with other names."""
        done: dict[sp.Basic, sp.Basic] = {}
        for step in steps:
            before, after = (renamed(e, names, done) for e in (step.before, step.after))
            yield explained(step.rule, before, after, self.context)

    def _candidate(
        self, task: _Task, inline: frozenset[str], totals: Mapping[str, Equation] | None = None
    ) -> tuple[Equation, list[Step]]:
        """The adjoint equation in which the adjoints of ``inline``, and ``totals``, are put in."""
        outer = fresh_indices(self.output_shape)
        inner = fresh_indices(self.shapes[task.value])
        terms = [self._seed(outer, inner)] if task.value == self.system.output else []
        atom = entry(task.value, inner)
        for consumer in task.chain:
            adjoint = task.adjoints[consumer.name].equation
            inlined = consumer.name in inline
            terms.append(self._contribution(consumer, adjoint, atom, outer, inline=inlined))
        terms.append(self.through.next(task.value, (*outer, *inner)))
        return self._finish(task, written_in(sp.Add(*terms), totals or {}), outer, inner)

    def _finish(
        self, task: _Task, raw: sp.Expr, outer: At, inner: At
    ) -> tuple[Equation, list[Step]]:
        shape = (*self.output_shape, *self.shapes[task.value])
        own = tuple(axis_name(k, s) for k, s in enumerate(shape))
        named = dict(zip((*outer, *inner), own, strict=True))
        raw = replaced(raw, {a: b for a, b in named.items() if a != b})
        rhs, steps = simplified(raw, self.context, past=task.past)
        supported(rhs, task.value)
        return Equation(task.name, own, rhs), steps

    def _seed(self, outer: At, inner: At) -> sp.Expr:
        return sp.Mul(*(Delta(a, b) for a, b in zip(outer, inner, strict=True)))

    def _contribution(
        self, consumer: Equation, adjoint: Equation, atom: sp.Expr, outer: At, *, inline: bool
    ) -> sp.Expr:
        """Σ ∂L/∂c ∂c/∂v for one consumer c of the value v."""
        if isinstance(consumer.rhs, Recurrent):
            return self.through.start(consumer, atom, outer)
        indices = fresh_indices(consumer.shape)
        at = (*outer, *indices)
        cotangent = instance(adjoint, at) if inline else entry(adjoint.name, at)
        local = self.context.names.with_totals(partial_derivative(consumer, indices, atom))
        return summed(cotangent * local, indices)

    def _is_alias(self, consumer: Equation, task: _Task) -> bool:
        """Whether the adjoint is a number, or one entry times a number: a name for what there is.

        A part of a derivative is written in too, where it is no sum: it would need a name that
        tells it from the whole.
        """
        rhs = task.adjoints[consumer.name].equation.rhs
        bare = sp.Mul(*(f for f in sp.Mul.make_args(rhs) if entries(f) or f.has(Index)))
        is_part = consumer.name in self.past and not task.past
        short = is_part and not rhs.has(sp.Sum)
        return bool(short or bare == 1 or isinstance(bare, sp.Indexed) or bare.is_Symbol)

    def _totals(self, task: _Task) -> dict[str, Equation]:
        """The adjoints of fewer axes than the value, as sums are: those of the chain, and so on.

        None where they are too long to be put in.
        """
        found: dict[str, Equation] = {}
        waiting = [e.name for e in task.chain]
        while waiting:
            adjoint = task.adjoints[waiting.pop()]
            equation = adjoint.equation
            alone = not (adjoint.before or adjoint.after) and equation.rhs.has(sp.Sum, sp.Indexed)
            fewer = _axes(self.shapes[adjoint.value]) < _axes(self.shapes[task.value])
            if alone and fewer and equation.name not in found:
                found[equation.name] = equation
                if sum(weight(e.rhs) for e in found.values()) > LONGEST:
                    return {}
                waiting += self._differentiated_by(equation, task)
        return found

    def _differentiated_by(self, equation: Equation, task: _Task) -> Iterator[str]:
        """The values whose adjoints an equation reads."""
        for name in sorted(set(map(name_of, entries(equation.rhs)))):
            value = self.value_of.get(name, "")
            if value in task.adjoints and task.adjoints[value].equation.name == name:
                yield value

    def _may_cancel(self, consumer: Equation, task: _Task) -> bool:
        """Whether to try the adjoint written in: it has no sum, and a delta or what may cancel."""
        rhs = task.adjoints[consumer.name].equation.rhs
        names = set(map(name_of, entries(rhs)))
        shared = consumer.name in names or names & consumer.reads or not consumer.indices
        return not rhs.has(*BINDERS) and bool(shared or _is_mostly_zero(rhs))

    def remarks(self) -> tuple[str, ...]:
        """What a reader should know beside the equations."""
        return tuple(self._remarks())

    def _remarks(self) -> Iterator[str]:
        output = self.system.output
        for name in self.wrt:
            if self.done[name].equation.rhs == 0:
                yield told("{} does not depend on {}: its gradient is zero", output, name)
            elif self.done[name].equation.rhs.has(ratio):
                yield told(f"in the derivative by {{}}, {QUOTIENT}", name)
        yield from remarks_on(self.system, self._differentiated())

    def _differentiated(self) -> set[str]:
        """The values that the chain rule goes through, and the output."""
        found = {n for a in self.done.values() for p in (a, a.part) if p for n in p.chain}
        return found | {self.system.output}


def _axes(shape: Sequence[sp.Expr]) -> int:
    """How many axes an array has beside those of size 1."""
    return sum(size != 1 for size in shape)


def _is_sparse(rhs: sp.Expr) -> bool:
    """Whether an expression has a delta; where all are at fixed places, a short expression."""
    between = any(all(a.has(Index) for a in d.args) for d in rhs.atoms(Delta))
    return has_delta(rhs) and (between or weight(rhs) <= LONGEST)


def _is_gain(one: sp.Expr, other: sp.Expr) -> bool:
    return weight(one) <= GAIN * weight(other)


def _is_mostly_zero(rhs: sp.Expr) -> bool:
    """Whether every term has a delta: of p - δ nothing is gained by writing it in."""
    if rhs.is_Add:
        return all(map(_is_mostly_zero, rhs.args))
    return any(map(_is_mostly_zero, rhs.args)) if rhs.is_Mul else has_delta(rhs)


def _consumers(system: System) -> dict[str, list[Equation]]:
    result: dict[str, list[Equation]] = {}
    for equation in system.equations:
        for name in sorted(equation.reads):
            result.setdefault(name, []).append(equation)
    return result


def _adjoint_names(values: Iterable[str], others: Iterable[str], end: str = "") -> dict[str, str]:
    """A name of its own for the derivative by each value, which is none of the ``others``."""
    taken = set(others)
    names = {}
    for value in values:
        name = f"d{value}{end}"
        while name in taken:
            name += "_"
        names[value] = name
        taken.add(name)
    return names
