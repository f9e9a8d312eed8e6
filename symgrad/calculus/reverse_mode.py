"""Reverse mode: the adjoint equation of every value, latest first, and the steps to it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.calculus.derivation import Adjoint, Derivation, promises, remarks_on, supported
from symgrad.calculus.rules import Context, explained, simplified
from symgrad.calculus.stability import stabilised
from symgrad.mathematics.algebra import BINDERS, axis_name, fresh_indices, instance, limits, weight
from symgrad.mathematics.equations import Equation, System
from symgrad.mathematics.indices import Index, entries, entry, fresh_from_start, name_of, replaced
from symgrad.mathematics.named_values import NamedValues
from symgrad.mathematics.renaming import Problem, renamed
from symgrad.mathematics.steps import Step, Steps
from symgrad.mathematics.sums import has_delta
from symgrad.progress import tell

LONGEST = 100
"""The weight beyond which an adjoint with entries at fixed places is not written in."""


# -- the walk ---------------------------------------------------------------------------------


def derive(system: System, wrt: Sequence[str]) -> Derivation:
    """The adjoint equation of every value between ``wrt`` and the system's output."""
    system, forward_steps = stabilised(system)
    walk = _Walk(system, wrt)
    adjoints = walk.run()
    return Derivation(
        system, forward_steps, adjoints, tuple(wrt), walk.remarks(), walk.adjoint_name
    )


class _Walk:
    """One pass over the equations, backwards."""

    def __init__(self, system: System, wrt: Sequence[str]) -> None:
        self.system = system
        self.wrt = tuple(wrt)
        self.shapes = system.shapes
        self.integer = {v.name for v in system.variables if v.dtype != "float"}
        self.consumers = _consumers(system)
        self.context = Context(promises(system), NamedValues(system.equations))
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


def _is_sparse(rhs: sp.Expr) -> bool:
    """Whether an expression has a delta; where all are at fixed places, a short expression."""
    between = any(all(a.has(Index) for a in d.args) for d in rhs.atoms(Delta))
    return has_delta(rhs) and (between or weight(rhs) <= LONGEST)


def _inlined(adjoint: Adjoint) -> Adjoint:
    return Adjoint(adjoint.value, adjoint.equation, adjoint.chain, adjoint.steps, inlined=True)


def _consumers(system: System) -> dict[str, list[Equation]]:
    result: dict[str, list[Equation]] = {}
    for equation in system.equations:
        for name in sorted(equation.reads):
            result.setdefault(name, []).append(equation)
    return result


def _adjoint_names(values: Iterable[str]) -> dict[str, str]:
    taken = set(values)
    names = {}
    for value in taken:
        name = f"d{value}"
        while name in taken:
            name += "_"
        names[value] = name
    return names
