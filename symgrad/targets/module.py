"""What a target is given: the programs of a module to generate, and all that is said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt
import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.errors import SpecError
from symgrad.mathematics.equations import Equation, Shapes, Variable, copied_from, shapes_of
from symgrad.mathematics.expected import Expected
from symgrad.mathematics.indices import Index, entries, is_entry, name_of
from symgrad.mathematics.sizes import Size, fixed, named
from symgrad.program.passes import compiled, for_outputs
from symgrad.program.program import Program
from symgrad.program.sums_of_products import IndexedAxes, indexed_axes, pointed, points_into


@dataclass(frozen=True)
class Module:
    """All that a generated module holds, as data.

    ``gradients``: for each parameter the value that is its gradient.  ``formulas``: what each
    named value is, as a line of text.  ``index_limits``: for each array of integers the sizes of
    the axes that it points into.  ``not_differentiable`` says why central differences of the loss
    are no test of the gradients, where they are not.  ``may_be_infinite``: derivatives that may be
    so, or undefined, at a point where all else is finite.  ``plain``: without buffers, to be read.
    ``least``: how large named sizes have to be, where positions or cuts ask for more than none.
    ``preparation``: where inputs are worked out of data by a function of the module.
    ``along``: the directions of inputs, where the gradient is the output's derivative along them.
    """

    program: Program
    output: str
    gradients: Mapping[str, str]
    formulas: Mapping[str, str] = field(default_factory=dict)
    index_limits: Mapping[str, tuple[Size, ...]] = field(default_factory=dict)
    title: str = "A loss and its gradients."
    remarks: Sequence[str] = ()
    dtype: str = "float64"
    example: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    expected: Sequence[Expected] = ()
    tolerance: float = 1e-9
    not_differentiable: str = ""
    may_be_infinite: frozenset[str] = frozenset()
    least: Mapping[str, int] = field(default_factory=dict)
    plain: bool = False
    preparation: Prepared | None = None
    along: Mapping[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The inputs."""
        return self.program.inputs

    @property
    def arguments(self) -> tuple[Variable, ...]:
        """The inputs that are not part of the file."""
        return arguments_among(self.variables)

    def computing(self, outputs: Iterable[str]) -> Program:
        """The part of the program that some values need."""
        return for_outputs(self.program, outputs)


@dataclass(frozen=True)
class Prepared:
    """``first`` gives the inputs that are worked out of data; ``loss`` reads the data itself."""

    first: Module
    loss: Module


def assembled(
    variables: Iterable[Variable],
    equations: Sequence[Equation],
    output: str,
    gradients: Mapping[str, str],
    **more: Any,
) -> Module:
    """The module of some equations, lowered; ``more``: the other fields of :class:`Module`."""
    variables = tuple(variables)
    expected = [e.value for e in more.get("expected", ())]
    outputs = dict.fromkeys([output, *gradients.values(), *expected])
    equations = needed(equations, outputs)
    program = compiled(variables, equations, outputs)
    limits = index_limits(equations, shapes_of(variables, equations))
    return Module(program, output, gradients, index_limits=limits, **more)


def needed(equations: Iterable[Equation], outputs: Iterable[str]) -> tuple[Equation, ...]:
    """The equations that some values need."""
    wanted = set(outputs)
    kept = []
    for equation in reversed(tuple(equations)):
        if equation.name in wanted:
            kept.append(equation)
            wanted |= {name_of(a) for a in entries(equation.rhs)}
    return tuple(reversed(kept))


def index_limits(equations: Sequence[Equation], shapes: Shapes) -> dict[str, tuple[Size, ...]]:
    """For each array that is used as an index, the sizes of the axes that it points into."""
    found: dict[str, dict[Size, None]] = {}
    table = {e.name: e for e in equations}
    axes = indexed_axes(equations, shapes)
    indexed = [(e, *pair) for e in equations for pair in _indexed(e.rhs, shapes, axes)]
    for equation, index, size in indexed:
        if fixed(size) is None and not size.is_Symbol:
            raise SpecError(
                f"labels that point into an axis of the size {size} are not supported",
                where=equation.where,
                hint="give the axis a fixed size, or pick the entries before you cut or join",
            )
        for name in _copied(name_of(index), table, equation):
            found.setdefault(name, {})[size] = None
    return {name: tuple(sizes) for name, sizes in found.items()}


def _copied(name: str, equations: Mapping[str, Equation], where: Equation) -> list[str]:
    """The inputs that labels are taken from: there it is checked that they are within the axis."""
    try:
        return list(copied_from(name, equations))
    except ValueError:
        raise SpecError(
            f"an index that is computed ({name}) is not supported",
            where=where.where,
            hint="compute it outside of the spec and pass it with sg.data(name, shape, dtype=int)",
        ) from None


def _indexed(expr: sp.Expr, shapes: Shapes, axes: IndexedAxes) -> Iterable[tuple[sp.Expr, Size]]:
    """Entries that are used as an index, each with the size of its axis."""
    yield from pointed(expr, shapes)
    for delta in sorted(expr.atoms(Delta), key=str):
        for index, entry in (delta.args, delta.args[::-1]):
            is_position = isinstance(index, Index) and is_entry(entry)
            if is_position and points_into(entry, index.size, axes):
                yield entry, index.size


def arguments_among(variables: Iterable[Variable]) -> tuple[Variable, ...]:
    """The inputs that are not part of the file."""
    return tuple(v for v in variables if v.role != "constant")


def size_names(variables: Iterable[Variable]) -> list[str]:
    """The named sizes, in the order in which the inputs have them."""
    return named(s for v in variables for s in v.shape)


def where_size_is(size: str, variables: Iterable[Variable]) -> tuple[str, int]:
    """The first argument that has an axis of a named size, and which axis that is."""
    for variable in arguments_among(variables):
        for axis, found in enumerate(variable.shape):
            if found.is_Symbol and found.name == size:
                return variable.name, axis
    raise SpecError(f"the size {size} is the length of no input's axis")
