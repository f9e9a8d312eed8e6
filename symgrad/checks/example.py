"""An example point held against the inputs that it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import sympy as sp

from symgrad.calculus import Derivation
from symgrad.checks.sampling import least_sizes, small_sizes
from symgrad.errors import Location, SpecError, perhaps
from symgrad.language.constants import not_plain
from symgrad.language.sizes import shape_text
from symgrad.mathematics.assumptions import Assumption, drawn
from symgrad.mathematics.equations import System, Variable
from symgrad.mathematics.ranges import by_part
from symgrad.mathematics.sizes import Size, fixed, with_numbers
from symgrad.targets.numpy.assumptions import unmet

Fault = tuple[str, str, str]
"""Of which input, what is wrong with its numbers, and what to do."""


def check_example(
    derivation: Derivation, example: Mapping[str, Any], where: Callable[[str], Location | None]
) -> None:
    """SpecError where numbers are not what their input is, or is assumed to be.

    ``where`` is the line that has the numbers of an input.
    """
    made = derivation.preparation
    system = made.before if made is not None else derivation.typed
    for name, wrong, hint in _faults(system, example):
        raise SpecError(f"the example can't be used: {wrong}", where=where(name), hint=hint)


def check_assumptions(system: System) -> None:
    """SpecError where no numbers are known that keep all that is assumed of an input."""
    sizes = small_sizes(system)
    for variable in system.variables:
        shape = tuple(int(size.xreplace(sizes)) for size in variable.shape)
        if not _may_hold(variable, shape):
            *others, last = (a.sentence(variable.name) for a in variable.assumptions)
            raise SpecError(
                f"{variable.name} can't be as it is assumed: {'; '.join(others)}; and {last}",
                where=variable.where,
                hint="no numbers are known of which all of that is true: leave one out",
            )


def _may_hold(variable: Variable, shape: tuple[int, ...]) -> bool:
    """Whether numbers that keep the strongest assumption keep the others too."""
    several = variable.assumptions if len(variable.assumptions) > 1 else ()
    for number, limits in enumerate(((-1.0, 1.0), (0.2, 1.2)) if several else ()):
        rng = np.random.default_rng(number)
        found = drawn(several, shape, rng, limits).astype(np.float64)
        if not any(_broken(variable.name, found, a) for a in several):
            return True
    return not several


def _faults(system: System, example: Mapping[str, Any]) -> Iterator[Fault]:
    inputs = {v.name: v for v in system.variables if v.role != "constant"}
    for name in example:
        if name not in inputs:
            yield name, f"{name} is no input", perhaps(name, inputs)
    arrays: dict[str, np.ndarray] = {}
    sizes: dict[Size, sp.Integer] = {}
    for name, variable in inputs.items():
        if name not in example:
            yield name, f"there are no numbers for {name}", "a point has numbers for every input"
        yield from _no_numbers(variable, example[name])
        arrays[name] = np.asarray(example[name])
        yield from _wrong_shape(variable, arrays[name], sizes)
        for assumption in variable.assumptions:
            if told := _broken(name, arrays[name], assumption):
                yield name, told, "keep to what is assumed, or leave the assumption out"
    yield from _too_small(system, inputs, sizes)
    yield from _wrong_labels(system, arrays, sizes)


def _too_small(
    system: System, inputs: Mapping[str, Variable], sizes: Mapping[Size, sp.Integer]
) -> Iterator[Fault]:
    """Named sizes at which a position lies outside, or something is divided by 0."""
    least = least_sizes(system)
    for size, length in sizes.items():
        if length < least.get(size.name, 0):
            name = next(n for n, v in inputs.items() if size in v.shape)
            told = f"{size.name} is {length}, and the spec needs {least[size.name]} or more"
            yield name, told, f"give {name} more entries along that axis"


def _no_numbers(variable: Variable, values: Any) -> Iterator[Fault]:
    """What NumPy can't take as an array of the dtype."""
    name = variable.name
    if reason := not_plain(values):
        yield name, f"{name} {reason[0]}", reason[1]
    kinds = {"float": "fiubO", "int": "iuO", "bool": "b"}[variable.dtype]
    found = np.asarray(values)
    if found.dtype.kind not in kinds:
        yield name, f"{name} has the dtype {found.dtype}, not {variable.dtype}", "mend its numbers"
    if found.dtype.kind == "f" and np.isnan(found).any():
        yield name, f"{name} holds NaN, which is no number", "give a number for every entry"


def _wrong_shape(
    variable: Variable, given: np.ndarray, sizes: dict[Size, sp.Integer]
) -> Iterator[Fault]:
    """What is wrong with a shape; a named size is what its first array has."""
    if given.ndim == len(variable.shape):
        for size, length in zip(variable.shape, given.shape, strict=True):
            if size.is_Symbol and fixed(size) is None:
                sizes.setdefault(size, sp.Integer(length))
    wanted = shape_text(tuple(_length(size, sizes) for size in variable.shape))
    if shape_text(given.shape) != wanted:
        told = f"{variable.name} has the shape {shape_text(given.shape)}; it is {wanted}"
        yield variable.name, told, "columns are written [[1], [2]], rows [[1, 2]], vectors [1, 2]"


def _length(size: Size, sizes: Mapping[Size, sp.Integer]) -> int | sp.Expr:
    """A size as a number, where it is known."""
    found = with_numbers(size.xreplace(sizes))
    return int(found) if found.is_Integer else found


def _broken(name: str, given: np.ndarray, assumption: Assumption) -> str:
    """Where an assumption does not hold, up to the rounding of floats."""
    for what, number in unmet(given.astype(np.float64), assumption, name):
        return f"{what} is {number:g}, and {assumption.sentence(name)}"
    return ""


def _wrong_labels(
    system: System, arrays: Mapping[str, np.ndarray], sizes: Mapping[Size, sp.Integer]
) -> Iterator[Fault]:
    """Labels that point past the axes that they are used on."""
    for variable in system.variables:
        for part, (lows, stops) in by_part(variable.bounds).items():
            first = max(_number(low, sizes) for low in lows)
            last = min(_number(stop, sizes) for stop in stops) - 1
            places = tuple(slice(*_ends(p, sizes)) if p else slice(None) for p in part)
            labels = np.asarray(arrays.get(variable.name, variable.values))[places]
            for bad in labels[(labels < first) | (labels > last)].tolist():
                told = f"{variable.name} has the label {bad}, and labels are from {first} to {last}"
                yield variable.name, told, "" if first else "labels count from 0, as NumPy does"


def _number(value: sp.Expr, sizes: Mapping[Size, sp.Integer]) -> int:
    return int(with_numbers(value.xreplace(sizes)))


def _ends(part: tuple[Size, Size], sizes: Mapping[Size, sp.Integer]) -> tuple[int, int]:
    first, last = part
    return _number(first, sizes), _number(last, sizes) + 1
