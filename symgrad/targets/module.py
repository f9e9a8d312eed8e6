"""What a target is given: the programs of a module to generate, and all that is said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from symgrad.errors import SpecError
from symgrad.mathematics.equations import (
    Equation,
    Shapes,
    Variable,
    bounds_of_inputs,
    shapes_of,
)
from symgrad.mathematics.ranges import Label, computed_index
from symgrad.mathematics.recurrences import all_reads, leading_to
from symgrad.mathematics.sizes import Size, named
from symgrad.program.passes import compiled, everywhere, for_outputs
from symgrad.program.program import Program
from symgrad.program.quotients import quotients_of_quotients
from symgrad.program.saturated import powers_of_saturated


@dataclass(frozen=True)
class Module:
    """All that a generated module holds, as data.

    ``gradients``: for each parameter the value that is its gradient.  ``formulas``: what each
    named value is, as a line of text.  ``not_differentiable`` says why central differences of the
    loss are no test of the gradients, where they are not.  ``may_be_infinite``: derivatives that
    may be so, or undefined, at a point where all else is finite.  ``plain``: without buffers, to be
    read.
    ``least``: how large named sizes have to be, where positions or cuts ask for more than none.
    ``origin``: the name of the spec's file, if it has one; ``name``: what the module is called.
    ``sizes``: the numbers that named sizes were given.
    ``preparation``: where inputs are worked out of data by a function of the module.
    ``splitting``: how chunks of rows are put together, where functions of the module do so.
    ``segments``: where recurrences are computed in segments, of which the carries are kept.
    ``along``: the directions of inputs, where the gradient is the output's derivative along them.
    ``values``: the values on the way that the module offers, and ``way`` a program of them where
    ``program`` has not all of them; ``unroll``: whether small ones are
    computed in single numbers too.  ``everywhere``: whether all has a value for any numbers.
    ``wrap``: the frameworks that functions beside it are written for.  ``second``: the second
    derivatives among the gradients, each with its parameter, and the direction where it is a
    product with one.
    """

    program: Program
    output: str
    gradients: Mapping[str, str]
    values: Sequence[str] = ()
    way: Program | None = None
    formulas: Mapping[str, str] = field(default_factory=dict)
    title: str = "A loss and its gradients."
    remarks: Sequence[str] = ()
    dtype: str = "float64"
    example: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    not_differentiable: str = ""
    may_be_infinite: frozenset[str] = frozenset()
    least: Mapping[str, int] = field(default_factory=dict)
    plain: bool = False
    origin: str = ""
    name: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    preparation: Prepared | None = None
    splitting: Chunks | None = None
    segments: Segments | None = None
    along: Mapping[str, str] = field(default_factory=dict)
    unroll: bool = False
    everywhere: bool = False
    wrap: Sequence[str] = ()
    second: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def shapes(self) -> Shapes:
        """The shape of each input, and of each value that is computed."""
        return {**(self.way.shapes if self.way else {}), **self.program.shapes}

    @property
    def results(self) -> list[str]:
        """The output and its derivatives."""
        return list(dict.fromkeys([self.output, *self.gradients.values()]))

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


@dataclass(frozen=True)
class Chunks:
    """``totals``: of each by its name, the module of it and of its derivatives over the rows of a
    chunk; ``logarithms``: those that are logarithms of what is added up.

    ``finish``: the loss and its derivatives out of the totals, the ``count`` of rows (named so)
    and of what has no rows, which ``size`` numbers.
    """

    size: str
    count: str
    totals: Mapping[str, Module]
    logarithms: frozenset[str]
    finish: Module


@dataclass(frozen=True)
class Through:
    """``values`` gives some values; ``slopes`` the derivatives of Σ weight·value by inputs.

    ``weights``: the names of the weights, by the values.
    """

    values: Module
    weights: Mapping[str, str]
    slopes: Module | None


@dataclass(frozen=True)
class Segments:
    """A loss in segments of ``every`` steps, from the last one if it is ``turned``.

    ``before`` gives the first of each of the ``carries``, which are three names each: before all
    steps, and before and after those of a segment.  ``segment`` gives the last of these, what is
    added up, ``totals``, and the values of all steps ``kept``, by the names that ``finish`` has
    for them.  ``sliced``: which axis of an array has the steps; ``size``: how many there are;
    ``counts``: inputs that are named
    sizes, by these; ``clock``: an input that is as long as a segment.
    ``rest``: where ``finish`` is in segments itself.
    """

    size: Size
    every: int
    turned: bool
    counts: Mapping[str, str]
    clock: str
    carries: Sequence[tuple[str, str, str]]
    totals: Sequence[str]
    kept: Mapping[str, str]
    sliced: Mapping[str, int]
    before: Through
    segment: Through
    finish: Module
    rest: Segments | None


def modules_of(segments: Segments | None) -> tuple[Module, ...]:
    """All modules that segments are made of."""
    if segments is None:
        return ()
    both = (segments.before, segments.segment)
    parts = (m for through in both for m in (through.values, through.slopes) if m is not None)
    return (*parts, segments.finish, *modules_of(segments.rest))


def assembled(
    variables: Iterable[Variable],
    equations: Sequence[Equation],
    output: str,
    gradients: Mapping[str, str],
    **more: Any,
) -> Module:
    """The module of some equations, lowered; ``more``: the other fields of :class:`Module`."""
    variables = tuple(variables)
    values = more.get("values", ())
    results = dict.fromkeys([output, *gradients.values(), *(() if gradients else values)])
    used = needed(equations, results)
    program = compiled(variables, used, results)
    for transform in (powers_of_saturated, quotients_of_quotients):
        program = everywhere(transform, program)
    _check_labels(used, shapes_of(variables, used))
    if set(values) - {o.name for o in program}:
        more["way"] = compiled(variables, needed(equations, values), values)
    return Module(program, output, gradients, **more)


def needed(equations: Iterable[Equation], outputs: Iterable[str]) -> tuple[Equation, ...]:
    """The equations that some values need."""
    equations = tuple(equations)
    wanted = leading_to(equations, outputs, all_reads)
    return tuple(e for e in equations if e.name in wanted)


def _check_labels(equations: Sequence[Equation], shapes: Shapes) -> None:
    """SpecError where labels are computed: their inputs could not be checked."""
    table = {e.name: e for e in equations}
    for equation in equations:
        for symbol in sorted(equation.rhs.atoms(Label), key=str):
            for bounds in symbol.bounds:
                try:
                    list(bounds_of_inputs(symbol.name, bounds, table, shapes))
                except ValueError:
                    raise computed_index(symbol.name, equation.where) from None


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
