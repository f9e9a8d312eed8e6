"""The derivation: the adjoint equation of every value, latest first, and the steps to it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.algebra import (
    BINDERS,
    Names,
    axis_name,
    fresh_indices,
    has_delta,
    instance,
    limits,
    weight,
)
from symgrad.equations import Assumption, Equation, System
from symgrad.errors import SpecError
from symgrad.indices import Index, Size, entries, entry, fresh_from_start, name_of, replaced
from symgrad.leaves import LEAVES, REDUCTIONS
from symgrad.likeness import Problem, renamed
from symgrad.preparation import Preparation
from symgrad.progress import tell
from symgrad.rules import Context, explained, simplified
from symgrad.stability import stabilised
from symgrad.steps import Step, Steps

LONGEST = 100
"""The weight beyond which an adjoint with entries at fixed places is not written in."""


@dataclass(frozen=True)
class Adjoint:
    """The derivative of the output with respect to every entry of one value.

    ``equation`` has the output's free indices first, then the value's.  ``chain`` names the
    values through which the chain rule goes.  ``inlined``: no other equation reads it.
    """

    value: str
    equation: Equation
    chain: tuple[str, ...]
    steps: Sequence[Step]
    inlined: bool = False


@dataclass(frozen=True)
class Tangent:
    """The derivative of a value along a direction; ``along`` has the tangents of what it reads."""

    value: str
    equation: Equation
    along: Mapping[str, str]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Derivation:
    """A system, its stability rewrites, and the adjoint of each value on the way to ``wrt``.

    Or the ``tangents`` of its values along ``directions``: then there are no adjoints, and the
    tangents are equations of the system.  ``preparation``: how inputs of the system are worked out
    of the data, where they are.
    """

    system: System
    forward_steps: tuple[tuple[str, Step], ...]
    adjoints: tuple[Adjoint, ...]
    wrt: tuple[str, ...]
    remarks: tuple[str, ...]
    adjoint_name: Mapping[str, str]
    tangents: tuple[Tangent, ...] = ()
    directions: Mapping[str, str] = field(default_factory=dict)
    preparation: Preparation | None = None

    @property
    def derivatives(self) -> tuple[Adjoint | Tangent, ...]:
        """The derivatives of all values, or by them, in the order in which they are worked out."""
        return self.tangents or self.adjoints

    @property
    def results(self) -> dict[str, str]:
        """What the derivatives that were asked for are called, by what they are derivatives by.

        The derivative along a direction is that of the output itself.
        """
        output = self.system.output
        found = {name: self.adjoint_name[name] for name in self.wrt}
        return found | {t.value: t.equation.name for t in self.tangents if t.value == output}

    def adjoint(self, value: str) -> Adjoint:
        """The adjoint of a value, by the value's name."""
        return next(a for a in self.adjoints if a.value == value)


# -- the walk ---------------------------------------------------------------------------------


def derive(system: System, wrt: Sequence[str]) -> Derivation:
    """The adjoint equation of every value between ``wrt`` and the system's output."""
    system, forward_steps = stabilised(system)
    walk = _Walk(system, wrt)
    adjoints = walk.run()
    return Derivation(
        system, forward_steps, adjoints, tuple(wrt), walk.remarks(), walk.adjoint_name
    )


def with_adjoints(derivation: Derivation, output: str, more: Sequence[Equation] = ()) -> System:
    """The forward pass, the backward pass and ``more`` as one system with another output."""
    backward = tuple(a for a in derivation.adjoints if not a.inlined)
    system = derivation.system
    equations = (*system.equations, *(a.equation for a in backward), *more)
    slopes = tuple((a.equation.name, system.output, a.value) for a in backward)
    return replace(system, equations=equations, output=output, slopes=slopes)


class _Walk:
    """One pass over the equations, backwards."""

    def __init__(self, system: System, wrt: Sequence[str]) -> None:
        self.system = system
        self.wrt = tuple(wrt)
        self.shapes: dict[str, tuple[Size, ...]] = {v.name: v.shape for v in system.variables}
        self.shapes |= {e.name: e.shape for e in system.equations}
        self.integer = {v.name for v in system.variables if v.dtype != "float"}
        self.consumers = _consumers(system)
        self.context = Context(promises(system), Names(system.equations))
        self.adjoint_name = _adjoint_names(self.shapes)
        self.done: dict[str, Adjoint] = {}
        self.solved: dict[Hashable, tuple[list[str], Equation, list[Step]]] = {}
        """What came of each problem so far: of one layer among many that are alike."""
        self.output_shape = self.shapes[system.output]

    def run(self) -> tuple[Adjoint, ...]:
        """All adjoints, latest value first."""
        for value in self._order():
            tell(f"differentiating by {value}")
            self.done[value] = self._adjoint(value)
        read = {n for a in self.done.values() for n in map(name_of, entries(a.equation.rhs))}
        return tuple(
            a if a.value in self.wrt or a.equation.name in read else _inlined(a)
            for a in self.done.values()
        )

    def _order(self) -> list[str]:
        """The values from the output to ``wrt``, latest first; then what else is asked for."""
        reached = set(self.wrt)
        for equation in self.system.equations:
            if equation.reads & reached:
                reached.add(equation.name)
        needed = {self.system.output}
        for equation in reversed(self.system.equations):
            if equation.name in needed:
                needed |= equation.reads
        order: list[str] = []
        for equation in reversed(self.system.equations):
            first = [v for v, readers in self.consumers.items() if readers[0] is equation]
            order += [equation.name, *(v.name for v in self.system.variables if v.name in first)]
        order += [n for n in self.wrt if n not in order]
        return [n for n in order if n in reached & needed or n in self.wrt]

    def _adjoint(self, value: str) -> Adjoint:
        chain = [e for e in reversed(self.consumers.get(value, ())) if e.name in self.done]
        problem = self._problem(value, chain)
        key = problem.key
        steps: Sequence[Step]
        if key in self.solved:
            names, like, taken = self.solved[key]
            change = dict(zip(names, problem.names, strict=True))
            result = replace(like, name=change[like.name], rhs=renamed(like.rhs, change))
            steps = Steps(partial(self._renamed, taken, change))
        else:
            result, taken = self._solution(value, chain)
            self.solved[key] = problem.names, result, taken
            steps = tuple(taken)
        return Adjoint(value, result, tuple(e.name for e in chain), steps)

    def _problem(self, value: str, chain: Sequence[Equation]) -> Problem:
        """All that the adjoint of a value depends on."""
        problem = Problem(self.context.promises)
        problem.add(value, self.adjoint_name[value], self.shapes[value])
        problem.add(value == self.system.output, len(chain))
        for consumer in chain:
            problem.add(consumer.name, *consumer.indices, consumer.differentiated)
            adjoint = self.done[consumer.name].equation
            problem.add(adjoint.name, *adjoint.indices, adjoint.rhs)
        for equation in self.context.names.among(problem.names):
            problem.add(equation.name, *equation.indices, equation.rhs)
        return problem

    def _solution(self, value: str, chain: Sequence[Equation]) -> tuple[Equation, list[Step]]:
        """The adjoint equation, and the steps to it."""
        always = frozenset(e.name for e in chain if self._is_alias(e))
        sometimes = frozenset(e.name for e in chain if self._may_cancel(e)) - always
        with fresh_from_start():
            result, steps = self._candidate(value, chain, always)
            if sometimes:
                other, other_steps = self._candidate(value, chain, always | sometimes)
                if weight(other.rhs) <= weight(result.rhs) or _is_sparse(other.rhs):
                    result, steps = other, other_steps
        return result, steps

    def _renamed(self, steps: Iterable[Step], names: Mapping[str, str]) -> Iterator[Step]:
        """The same steps with other names."""
        done: dict[sp.Basic, sp.Basic] = {}
        for step in steps:
            before, after = (renamed(e, names, done) for e in (step.before, step.after))
            yield explained(step.rule, before, after, self.context)

    def _candidate(
        self, value: str, chain: Sequence[Equation], inline: frozenset[str]
    ) -> tuple[Equation, list[Step]]:
        """The adjoint equation in which the adjoints of ``inline`` are written in."""
        outer = fresh_indices(self.output_shape)
        inner = fresh_indices(self.shapes[value])
        raw = self._seed(outer, inner) if value == self.system.output else sp.S.Zero
        atom = entry(value, inner)
        raw += sp.Add(*(self._contribution(e, atom, outer, inline=e.name in inline) for e in chain))
        return self._finish(value, raw, outer, inner)

    def _finish(
        self, value: str, raw: sp.Expr, outer: tuple[sp.Expr, ...], inner: tuple[sp.Expr, ...]
    ) -> tuple[Equation, list[Step]]:
        own = tuple(
            axis_name(k, s) for k, s in enumerate((*self.output_shape, *self.shapes[value]))
        )
        named = dict(zip((*outer, *inner), own, strict=True))
        raw = replaced(raw, {a: b for a, b in named.items() if a != b})
        rhs, steps = simplified(raw, self.context)
        supported(rhs, value)
        return Equation(self.adjoint_name[value], own, rhs), steps

    def _seed(self, outer: tuple[sp.Expr, ...], inner: tuple[sp.Expr, ...]) -> sp.Expr:
        return sp.Mul(*(Delta(a, b) for a, b in zip(outer, inner, strict=True)))

    def _contribution(
        self, consumer: Equation, atom: sp.Expr, outer: tuple[sp.Expr, ...], *, inline: bool
    ) -> sp.Expr:
        """Σ ∂L/∂c ∂c/∂v for one consumer c of the value v."""
        indices = fresh_indices(consumer.shape)
        partial = instance(consumer, indices, consumer.differentiated).diff(atom)
        adjoint = self.done[consumer.name].equation
        at = (*outer, *indices)
        cotangent = instance(adjoint, at) if inline else entry(adjoint.name, at)
        product = cotangent * partial
        bound = limits(indices)
        return sp.Sum(product, *bound) if bound and product != 0 else product

    def _is_alias(self, consumer: Equation) -> bool:
        """Whether the adjoint is a number or one entry: another name for what there is."""
        rhs = self.done[consumer.name].equation.rhs.as_coeff_Mul()[1]
        return rhs.is_number or isinstance(rhs, sp.Indexed) or rhs.is_Symbol

    def _may_cancel(self, consumer: Equation) -> bool:
        """Whether to try the adjoint written in: it has no sum, and a delta or what may cancel."""
        rhs = self.done[consumer.name].equation.rhs
        names = set(map(name_of, entries(rhs)))
        shared = consumer.name in names or names & consumer.reads or not consumer.indices
        return not rhs.has(*BINDERS) and bool(shared or has_delta(rhs))

    def remarks(self) -> tuple[str, ...]:
        """What a reader should know beside the equations."""
        return tuple(self._remarks())

    def _remarks(self) -> Iterator[str]:
        output = self.system.output
        for name in self.wrt:
            if self.done[name].equation.rhs == 0:
                yield f"{output} does not depend on {name}: its gradient is zero"
        yield from remarks_on(self.system)


def remarks_on(system: System) -> Iterator[str]:
    """How values are held, what is differentiated in their place, and what holds at kinks."""
    for equation in system.equations:
        if equation.decimals is not None:
            places = "1 decimal" if equation.decimals == 1 else f"{equation.decimals} decimals"
            yield (
                f"{equation.name} is held rounded to {places}: the mathematics is that of the "
                f"unrounded value; every use, forward and backward, reads the rounded number"
            )
        if equation.backward is not None:
            yield _held_backward(equation)
    yield from _conventions(system)


def _held_backward(equation: Equation) -> str:
    """That something else is differentiated in place of a value."""
    if not entries(equation.differentiated):
        return f"in derivatives, {equation.name} is taken as a constant"
    return f"{equation.name} is differentiated as if it were another expression"


def _conventions(system: System) -> list[str]:
    """The conventions at kinks of the functions that the equations use."""
    found: dict[str, None] = {}
    for equation in system.equations:
        for part in sorted(equation.rhs.atoms(sp.Function, *BINDERS), key=str):
            record = LEAVES.get(part.func) or REDUCTIONS.get(part.func)
            if record is not None and record.convention:
                found[record.convention] = None
    return list(found)


def _is_sparse(rhs: sp.Expr) -> bool:
    """Whether an expression has a delta; where all are at fixed places, a short expression."""
    between = any(all(a.has(Index) for a in d.args) for d in rhs.atoms(Delta))
    return has_delta(rhs) and (between or weight(rhs) <= LONGEST)


def _inlined(adjoint: Adjoint) -> Adjoint:
    return Adjoint(adjoint.value, adjoint.equation, adjoint.chain, adjoint.steps, inlined=True)


def supported(rhs: sp.Expr, value: str) -> None:
    """Refuse what SymPy could not differentiate: never a silent leftover."""
    left = rhs.atoms(sp.Derivative, sp.Subs) or rhs.has(sp.nan, sp.zoo, sp.oo)
    if left:
        raise SpecError(f"the derivative with respect to {value} can't be worked out: {left}")


def _consumers(system: System) -> dict[str, list[Equation]]:
    result: dict[str, list[Equation]] = {}
    for equation in system.equations:
        for name in sorted(equation.reads):
            result.setdefault(name, []).append(equation)
    return result


def promises(system: System) -> dict[str, tuple[Assumption, ...]]:
    """What the spec assumes of each input."""
    return {v.name: v.assumptions for v in system.variables if v.assumptions}


def _adjoint_names(values: Iterable[str]) -> dict[str, str]:
    taken = set(values)
    names = {}
    for value in taken:
        name = f"d{value}"
        while name in taken:
            name += "_"
        names[value] = name
    return names
