"""Numbers to test the generated code with: a point, and what comes out there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from symgrad.mathematics.assumptions import drawn
from symgrad.mathematics.equations import Variable
from symgrad.program.costs import flops
from symgrad.program.interpreter import interpret
from symgrad.targets.c.entries import exactly
from symgrad.targets.c.mathematics import Mathematics
from symgrad.targets.c.numbers import suffixed
from symgrad.targets.c.written import array_lines, literal
from symgrad.targets.module import Module

Array = npt.NDArray[Any]

TOLERANCE = {"float64": "1e-11", "float32": "2e-4"}
"""How far results may be off, of the largest entry."""

LISTED = 64
"""Arrays with more numbers are drawn by the program: nobody would read them."""

SHOWN = 32
"""So many entries of a larger array are compared."""

MOST = 2**31
"""A point that takes more operations is left out: computing it would take seconds."""

STEP, START = 1664525, 1013904223
"""The generator of numbers of W. Press and others: x becomes STEP x + START, modulo 2 to the 32."""

_TYPES = {"int": np.int64, "bool": np.bool_}

Way = Callable[[Array], tuple[Array, float, float]]


class Golden:
    """What the test program of a module compares."""

    def __init__(self, module: Module, made: Mathematics) -> None:
        self.module, self.made = module, made
        self.shapes = made.entries.shapes
        self.inputs: list[dict[str, Any]] = []

    def values(self) -> dict[str, Any]:
        """For the template."""
        found, module = self._point(), self.module
        return {
            "inputs": self.inputs,
            "output": self._expected(module.output, found),
            "expected": [
                {"field": self.made.fields[n], **self._expected(v, found)}
                for n, v in module.gradients.items()
            ],
            "compared": bool(found),
            "tolerance": TOLERANCE[module.dtype],
            "drawn": any(i["drawn"] for i in self.inputs),
            "step": STEP,
            "start": START,
        }

    def _expected(self, name: str, found: Mapping[str, Array]) -> dict[str, Any]:
        values = np.asarray(found[name] if found else 0.0).reshape(-1)
        step = 1 if values.size <= LISTED else values.size // SHOWN
        kept = [literal(x, "float") for x in values[::step]]
        return {
            "count": math.prod(self.shapes[name]),
            "is_array": bool(self.shapes[name]),
            "step": step,
            "kept": len(kept),
            "largest": literal(np.abs(values).max(initial=0.0), "float"),
            "lines": [*array_lines(kept)],
        }

    # The point

    def _point(self) -> Mapping[str, Array]:
        """The values at the example of the spec, or at the first of some points that has any."""
        constants = {v.name: np.asarray(v.values) for v in self.module.variables
                     if v.role == "constant"}  # fmt: skip
        found: Mapping[str, Array] = {}
        for way in [None] if self.module.example else _WAYS:
            self.inputs = []
            given = {v.name: self._given(k, v, way) for k, v in enumerate(self.module.arguments)}
            found = self._found({**given, **constants})
            if found and all(np.isfinite(a).all() for a in found.values()):
                break
        return found

    def _found(self, given: Mapping[str, Array]) -> Mapping[str, Array]:
        if exactly(flops(self.made.program)) > MOST:
            return {}
        try:
            with np.errstate(all="ignore"):
                found = interpret(self.made.program, given)
        except np.linalg.LinAlgError:
            return {}
        return {name: found[name] for name in self.module.results}

    def _given(self, place: int, variable: Variable, way: Way | None) -> Array:
        """An input, which is told to the template too."""
        shape = self.shapes[variable.name]
        scale, shift, made_there = 0.0, 0.0, False
        if way is None:
            value = np.asarray(self.module.example[variable.name])
            value = value.astype(_TYPES.get(variable.dtype, self.module.dtype))
        elif variable.dtype == "int":
            value = self._labels(variable, place)
        else:
            value, scale, shift, made_there = self._numbers(variable, place, way)
        texts = [] if made_there else [literal(x, variable.dtype) for x in value.reshape(-1)]
        told = [suffixed(x, self.module.dtype) for x in texts]
        self.inputs.append({
            "field": self.made.fields[variable.name],
            "type": self.made.entries.type(variable.dtype),
            "is_array": bool(shape),
            "count": math.prod(shape),
            "drawn": made_there, "seed": place + 1,
            "scale": literal(scale, "float"), "shift": literal(shift, "float"),
            "lines": [*array_lines(told)] if told else [],
        })  # fmt: skip
        return value.reshape(shape)

    def _numbers(
        self, variable: Variable, place: int, way: Way
    ) -> tuple[Array, float, float, bool]:
        """Numbers, by what they are made, and whether the program draws them too."""
        shape = self.shapes[variable.name]
        numbers = draws(place + 1, math.prod(shape)).reshape(shape)
        if variable.dtype == "bool":
            return numbers > 0, 0.0, 0.0, False
        if variable.assumptions:
            limits = (-1.0, 1.0)
            rng = np.random.default_rng(place)
            value = drawn(variable.assumptions, shape, rng, limits).astype(float)
            return value.astype(self.module.dtype), 0.0, 0.0, False
        value, scale, shift = way(numbers)
        return value.astype(self.module.dtype), scale, shift, scale > 0 and value.size > LISTED

    def _labels(self, variable: Variable, place: int) -> Array:
        shape = self.shapes[variable.name]
        value = np.zeros(shape, np.int64)
        spread = ((draws(place + 1, math.prod(shape)) + 1) * 512).astype(np.int64).reshape(shape)
        if not variable.bounds:
            return spread % 3
        for bounds in variable.bounds:
            low, stop = exactly(bounds.low), exactly(bounds.stop)
            part = tuple(
                slice(None) if p is None else slice(exactly(p[0]), exactly(p[1]) + 1)
                for p in bounds.part
            )
            value[part] = low + spread[part] % max(stop - low, 1)
        return value


def draws(seed: int, count: int) -> Array:
    """Numbers in [-1, 1) that have few digits, as the test program draws them."""
    states, made = np.empty(max(count, 1), np.uint64), 1
    step, start = STEP, START  # of as many states at once as there are
    states[0] = (seed * STEP + START) % 2**32
    while made < count:
        more = states[made : 2 * made]
        more[:] = (states[: len(more)] * np.uint64(step) + np.uint64(start)) % np.uint64(2**32)
        made += len(more)
        step, start = step * step % 2**32, (step * start + start) % 2**32
    return ((states[:count] >> np.uint64(16)) % np.uint64(1024)).astype(float) / 512 - 1


def _signed(numbers: Array) -> tuple[Array, float, float]:
    """Smaller ones in larger matrices, by a power of two."""
    longest = max(numbers.shape) if numbers.ndim > 1 else 1
    scale = 2.0 ** -math.floor(math.log2(max(longest, 1)) / 2)
    return numbers * scale, scale, 0.0


def _positive(numbers: Array) -> tuple[Array, float, float]:
    return numbers * 0.5 + 1.0, 0.5, 1.0


def _fractions(numbers: Array) -> tuple[Array, float, float]:
    return numbers * 0.25 + 0.5, 0.25, 0.5


def _definite(numbers: Array) -> tuple[Array, float, float]:
    """Squares are symmetric and positive definite."""
    *_, rows, columns = (0, 1, *numbers.shape)
    if numbers.ndim < 2 or rows != columns:
        return _positive(numbers)
    return numbers @ np.swapaxes(numbers, -1, -2) + rows * np.eye(rows), 0.0, 0.0


_WAYS: Sequence[Way] = (_signed, _positive, _fractions, _definite)
"""How numbers are drawn; the first is taken at which all values are finite."""
