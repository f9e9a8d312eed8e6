"""A derivation: the adjoint equation of every value, latest first, and the steps to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import sympy as sp

from symgrad.calculus.hoisting import Preparation
from symgrad.calculus.masks import MASKED, masked_rows
from symgrad.errors import SpecError
from symgrad.mathematics.algebra import BINDERS, canonical_equation
from symgrad.mathematics.assumptions import Assumption, Fact, giving
from symgrad.mathematics.conditions import conditions
from symgrad.mathematics.domains import lost
from symgrad.mathematics.equations import Equation, System, Variable
from symgrad.mathematics.indices import (
    Index,
    entries,
    entry,
    name_of,
)
from symgrad.mathematics.matrices import (
    CholeskyEntry,
    DeterminantValue,
    EigenvalueEntry,
    EigenvectorEntry,
    InverseEntry,
    LogAbsDeterminant,
    SingularValueEntry,
)
from symgrad.mathematics.ordering import Standing
from symgrad.mathematics.records import Constant
from symgrad.mathematics.reductions import LEAVES, REDUCTIONS
from symgrad.mathematics.steps import Step
from symgrad.mathematics.told import Told, told


@dataclass(frozen=True)
class Adjoint:
    """The derivative of the output with respect to every entry of one value.

    ``equation`` has the output's free indices first, then the value's.  ``chain`` names the
    values through which the chain rule goes.  ``inlined``: no other equation reads it.

    ``past``: a rewriting of the forward pass goes past the value, so that the derivative by it, of
    the loss as it was typed, is not on the way of the backward pass; on the way is ``part``, the
    derivative of the loss as it is computed, where that reads the value at all.
    """

    value: str
    equation: Equation
    chain: tuple[str, ...]
    steps: Sequence[Step]
    inlined: bool = False
    past: bool = False
    part: Adjoint | None = None
    before: tuple[Equation, ...] = ()
    """What comes to it from another step of a recurrence."""
    after: tuple[Equation, ...] = ()
    """What of it goes on where the steps of a recurrence end."""

    @property
    def on_the_way(self) -> Adjoint | None:
        """What the chain rule goes on with: its part, where the forward pass goes past it."""
        return self.part if self.past else self

    @property
    def equations(self) -> tuple[Equation, ...]:
        """Its own, after that of its part where other equations read that."""
        return (*self.before, *self.needed_part, self.equation, *self.after)

    @property
    def needed_part(self) -> tuple[Equation, ...]:
        """That of its part, where other equations read it."""
        return () if self.part is None or self.part.inlined else (self.part.equation,)


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

    ``typed`` is the system as the spec has it, before the rewrites; ``local`` the same without the
    equations that these have made superfluous, and without what they went past in any other.
    Or the ``tangents`` of its values along ``directions``: then there are no adjoints, and the
    tangents are equations of the system.  ``preparation``: how inputs of the system are worked out
    of the data, where they are.
    """

    system: System
    typed: System
    local: System
    forward_steps: tuple[tuple[str, Step], ...]
    adjoints: tuple[Adjoint, ...]
    wrt: tuple[str, ...]
    remarks: tuple[str, ...]
    adjoint_name: Mapping[str, str]
    tangents: tuple[Tangent, ...] = ()
    directions: Mapping[str, str] = field(default_factory=dict)
    preparation: Preparation | None = None

    @cached_property
    def parts(self) -> dict[str, Adjoint]:
        """What the backward pass goes on with by values that the forward pass goes past."""
        return {a.value: a.part for a in self.adjoints if a.past and a.part is not None}

    @cached_property
    def rewritten(self) -> frozenset[str]:
        """The values that are computed in another way than typed, past what they were typed of."""
        typed = {e.name: e.rhs for e in self.local}
        return frozenset(e.name for e in self.system if typed.get(e.name, e.rhs) != e.rhs)

    def forward(self, past: bool) -> System:
        """The system that adjoints are derived from: for a value gone past, as it was typed."""
        return self.local if past else self.system

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
        return self._adjoint_of[value]

    @cached_property
    def _adjoint_of(self) -> Mapping[str, Adjoint]:
        return {a.value: a for a in self.adjoints}


def with_adjoints(derivation: Derivation, output: str, more: Sequence[Equation] = ()) -> System:
    """The forward pass, the backward pass and ``more`` as one system with another output."""
    backward = [a for a in derivation.adjoints if not a.inlined]
    system = derivation.system
    gone = {a.equation.name for a in derivation.adjoints if a.inlined}
    made = (e for a in derivation.adjoints for e in a.equations if e.name not in gone)
    equations = (*system.equations, *made, *more)
    slopes = tuple((a.equation.name, system.output, a.value) for a in backward)
    computed = as_computed(system.output)
    parts = tuple((e.name, computed, a.value) for a in derivation.adjoints for e in a.needed_part)
    return replace(system, equations=equations, output=output, slopes=(*slopes, *parts))


def as_computed(name: str) -> str:
    """What a value is called as a function of what the forward pass computes it from."""
    return f"{name} as it is computed"


def slope(derivation: Derivation, directions: Mapping[str, str], name: str) -> Equation:
    """The derivative of a scalar along directions, each the name of an input: Σ dW v_W."""
    found = sp.S.Zero
    for value, direction in directions.items():
        equation = derivation.adjoint(value).equation
        bound = [i.limits for i in equation.indices if isinstance(i, Index)]
        product = equation.lhs * entry(direction, equation.indices)
        found += sp.Sum(product, *bound) if bound else product
    return canonical_equation(Equation(name, (), found))


def remarks_about(derivation: Derivation, names: Collection[str]) -> tuple[str, ...]:
    """The remarks that concern these inputs and values."""
    system = derivation.system
    kinks = set(_conventions(system))
    kinks -= set(_conventions(system, lambda e: {e.name, *e.reads} <= set(names)))
    kept = (r for r in derivation.remarks if r not in kinks)
    return tuple(r for r in kept if not isinstance(r, Told) or set(r.names) <= set(names))


def remarks_on(system: System, differentiated: Container[str] | None = None) -> Iterator[str]:
    """How values are held, what is differentiated in their place, and what holds at kinks.

    ``differentiated``: the values whose own derivatives are used; None for all.
    """
    for equation in system.equations:
        if equation.decimals is not None:
            places = "1 decimal" if equation.decimals == 1 else f"{equation.decimals} decimals"
            yield told(
                f"{{}} is held rounded to {places}: the mathematics is that of the unrounded "
                f"value; every use, forward and backward, reads the rounded number",
                equation.name,
            )
        if equation.backward is not None:
            yield _held_backward(equation)
    used = differentiated
    yield from _conventions(system, lambda e: used is None or e.name in used)
    if any(isinstance(e.rhs, Standing) for e in system):
        yield IN_ORDER
    if masked_rows(system):
        yield MASKED
    if _has_cofactors(system):
        yield TWICE


def taken_for_granted(system: System, shown: System) -> Iterator[str]:
    """What SymPy's simplification of a spec takes for granted; the laws of stability nothing.

    ``shown``: the system after these laws, which has no longer every value that may be named.
    """
    kept = (c for e in system.equations for c in conditions(e.rhs))
    positive = positive_inputs(system)
    known = [
        c for c in system.domain if {name_of(a) for a in entries(c.of)} <= system.shapes.keys()
    ]
    for condition in lost(known, kept, {e.name: e for e in system.equations}, positive):
        named = {name_of(a) for a in entries(condition.of)} <= shown.shapes.keys()
        yield told("it is assumed that {}: elsewhere the spec as typed may be nan in NumPy, and "
                   "what it is simplified to has a value",
                   condition.told if named else condition.in_words)  # fmt: skip


def positive_inputs(system: System) -> frozenset[str]:
    """The inputs all of whose entries are known to be positive."""
    return frozenset(v.name for v in system.variables if is_positive_input(v))


def is_positive_input(variable: Variable) -> bool:
    """Whether all entries are known to be positive: by what is assumed, or as constants."""
    if isinstance(variable.values, np.ndarray):
        return bool((variable.values > 0).all())
    return bool(giving(Fact.IS_POSITIVE, variable.assumptions))


def _held_backward(equation: Equation) -> str:
    """That something else is differentiated in place of a value."""
    if not entries(equation.differentiated):
        return told("in derivatives, {} is taken as a constant", equation.name)
    return told("{} is differentiated as if it were another expression", equation.name)


def _conventions(system: System, counts: Callable[[Equation], bool] = lambda _: True) -> list[str]:
    """The conventions at kinks of the functions in the equations that count."""
    found: dict[str, None] = {}
    moving = {v.name for v in system.variables if v.role == "param"}
    for equation in system.equations:
        if any(name_of(a) in moving for a in entries(equation.rhs)):
            moving.add(equation.name)
        if not counts(equation):
            continue
        for part in sorted(equation.rhs.atoms(sp.Function, *BINDERS), key=str):
            record = LEAVES.get(part.func) or REDUCTIONS.get(part.func)
            if record is not None and record.convention:
                found[record.convention] = None
            elif isinstance(part, Constant) and any(name_of(a) in moving for a in entries(part)):
                found[CONSTANT] = None
            elif type(part) in OF_MATRICES:
                found[OF_MATRICES[type(part)]] = None
    return list(found)


CONSTANT = "comparisons and signs are taken as constants: the derivative is that of what holds"
IN_ORDER = (
    "the order of entries is taken as a constant; equal ones stay in theirs, and of several "
    "largest or smallest ones the first is found"
)
OF_MATRICES: Mapping[type[sp.Expr], str] = {
    DeterminantValue: "det(A) A⁻¹ is computed as the adjugate, also where A is singular",
    LogAbsDeterminant: "of a singular matrix A, log |det A| is −∞ and has no derivative",
    CholeskyEntry: "the matrix that a Cholesky factor is of is taken as symmetric: so is the "
    "derivative by it",
    EigenvalueEntry: "the matrix that eigenvalues are of is taken as symmetric, and so is the "
    "derivative by it; an eigenvalue has one where no other is equal to it",
    EigenvectorEntry: "eigenvectors have a derivative where no two eigenvalues are equal: an error "
    "elsewhere; the sign of each is not known, and a loss must not depend on it",
    SingularValueEntry: "a singular value has a derivative where it is not 0, and no other is "
    "equal to it",
}
"""What holds where a matrix has no inverse, or of which matrices."""


def _has_cofactors(system: System) -> bool:
    """Whether det(A) A⁻¹ is differentiated: once the derivative of a determinant is a value."""
    determinants = {e.name for e in system if e.rhs.has(DeterminantValue)}
    inverses = (e for e in system if determinants and e.rhs.has(InverseEntry))
    return any(determinants & ({e.name} | set(map(name_of, entries(e.rhs)))) for e in inverses)


TWICE = (
    "the second derivatives of det(A) are those where A has an inverse: a singular A is an error"
)


def supported(rhs: sp.Expr, value: str) -> None:
    """Refuse what SymPy could not differentiate: never a silent leftover."""
    what = f"the derivative with respect to {value}"
    if left := sorted(map(str, rhs.atoms(sp.Derivative, sp.Subs))):
        raise SpecError(f"{what} can't be worked out: {', '.join(left)}")
    if rhs.has(sp.nan, sp.zoo, sp.oo):
        raise SpecError(
            f"{what} is undefined whatever the numbers are",
            hint="it divides by 0, or takes the logarithm of 0",
        )


def promises(system: System) -> dict[str, tuple[Assumption, ...]]:
    """What the spec assumes of each input."""
    return {v.name: v.assumptions for v in system.variables if v.assumptions}


def forward_and_adjoints(derivation: Derivation) -> list[Equation]:
    """Every equation in the order in which it can be computed."""
    given = any(a.value == derivation.system.output for a in derivation.adjoints)
    start = [] if given else [output_adjoint(derivation)]
    return [*derivation.system, *start, *(e for a in derivation.adjoints for e in a.equations)]


def output_adjoint(derivation: Derivation) -> Equation:
    """The derivative of the output by itself: 1 where the indices are equal, else 0."""
    output = derivation.system[derivation.system.output]
    mine = [
        Index(f"_seed{k}", i.size) if isinstance(i, Index) else i
        for k, i in enumerate(output.indices)
    ]
    pairs = zip(mine, output.indices, strict=True)
    deltas = [sp.KroneckerDelta(a, b) for a, b in pairs if isinstance(b, Index)]
    name = derivation.adjoint_name.get(output.name, f"d{output.name}")
    return Equation(name, (*mine, *output.indices), sp.Mul(*deltas))
