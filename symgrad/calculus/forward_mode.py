"""The derivative along a direction: a tangent equation for every value, values in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import sympy as sp

from symgrad.calculus.derivation import (
    Derivation,
    Tangent,
    promises,
    remarks_on,
    supported,
    taken_for_granted,
)
from symgrad.calculus.rules import Context, simplified
from symgrad.calculus.stability import stabilised
from symgrad.errors import SpecError
from symgrad.mathematics.algebra import axis_name, fresh_indices, limits
from symgrad.mathematics.equations import Equation, System, Variable
from symgrad.mathematics.indices import entry, fresh_from_start
from symgrad.mathematics.named_values import NamedValues
from symgrad.mathematics.partials import exact, partial_derivative
from symgrad.mathematics.recurrences import Recurrent, depending_on
from symgrad.mathematics.steps import Step
from symgrad.progress import tell


def derive_along(system: System, directions: Mapping[str, str]) -> Derivation:
    """The derivative of the output along a direction, whose part for each value is an input.

    ``directions``: what that input is called.  The tangent of a value is the sum over what it
    reads of the local derivative times the tangent of that.
    """
    stable = stabilised(typed := system, directions)
    system = stable.system
    tangents = tuple(_Walk(system, directions).run())
    inputs = (Variable(v, system.shapes[name], "data") for name, v in directions.items())
    system = replace(
        system,
        variables=(*system.variables, *inputs),
        equations=(*system.equations, *(t.equation for t in tangents)),
    )
    return Derivation(
        system,
        typed,
        stable.local,
        stable.steps,
        (),
        (),
        (*_remarks(system, tangents, directions), *taken_for_granted(typed, stable.system)),
        {},
        tangents,
        directions,
    )


class _Walk:
    """One pass over the equations, forwards."""

    def __init__(self, system: System, directions: Mapping[str, str]) -> None:
        self.system = system
        self.directions = directions
        self.shapes = system.shapes
        self.context = Context(promises(system), NamedValues(exact(system)))
        self.tangent_of = {
            v.name: directions[v.name] for v in system.variables if v.name in directions
        }
        self.taken = {*self.shapes, *directions.values()}
        moving = depending_on(system, {*self.tangent_of, *directions}) | {system.output}
        self.tangent_of |= {e.name: self._free(e) for e in system if e.name in moving}

    def _free(self, equation: Equation) -> str:
        name = f"{equation.name}_dot"
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def run(self) -> Iterator[Tangent]:
        """The tangents of all values that move, and of the output."""
        for equation in self.system.equations:
            if equation.name in self.tangent_of:
                tell(f"differentiating {equation.name}")
                yield self._tangent(equation)

    def _tangent(self, equation: Equation) -> Tangent:
        order = [n for n in self.shapes if n in equation.reads & self.tangent_of.keys()]
        with fresh_from_start():
            if isinstance(equation.rhs, Recurrent):
                rhs, own, steps = self._recurrent(equation, order)
            else:
                rhs, own, steps = self._equation(equation, order)
        at_what = {n: self.tangent_of[n] for n in order}
        name = self.tangent_of[equation.name]
        return Tangent(equation.name, Equation(name, own, rhs), at_what, tuple(steps))

    def _recurrent(
        self, equation: Equation, order: list[str]
    ) -> tuple[sp.Expr, tuple[sp.Expr, ...], list[Step]]:
        """What is read of another step moves as that does, and its start as itself."""
        rhs = equation.rhs
        if rhs.source not in self.tangent_of or equation.name in self.directions:
            raise SpecError(
                f"a derivative along a direction goes through {equation.name} alone, which is read"
                " of another step",
                where=equation.where,
            )
        first, own, steps = self._equation(replace(equation, rhs=rhs.start), order)
        return rhs.changed(self.tangent_of[rhs.source], first), own, steps

    def _equation(
        self, equation: Equation, order: list[str]
    ) -> tuple[sp.Expr, tuple[sp.Expr, ...], list[Step]]:
        own = tuple(axis_name(k, size) for k, size in enumerate(equation.shape))
        outer = fresh_indices(equation.shape)
        raw = sp.Add(*(self._part(equation, outer, name) for name in order))
        if equation.name in self.directions:
            raw += entry(self.directions[equation.name], outer)
        raw = raw.xreplace({a: b for a, b in zip(outer, own, strict=True) if a != b})
        rhs, steps = simplified(raw, self.context)
        supported(rhs, equation.name)
        return rhs, own, steps

    def _part(self, equation: Equation, outer: tuple[sp.Expr, ...], name: str) -> sp.Expr:
        """Σ ∂z/∂x times the tangent of x, over the entries of x."""
        inner = fresh_indices(self.shapes[name])
        product = partial_derivative(equation, outer, entry(name, inner))
        product *= entry(self.tangent_of[name], inner)
        bound = limits(inner)
        return sp.Sum(product, *bound) if bound and product != 0 else product


def _remarks(
    system: System, tangents: tuple[Tangent, ...], directions: Mapping[str, str]
) -> Iterator[str]:
    if tangents[-1].equation.rhs == 0:
        yield f"{system.output} does not depend on {', '.join(directions)}: its derivative is zero"
    yield from remarks_on(system)
