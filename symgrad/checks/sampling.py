"""Random points for checks: small sizes, and rational numbers that keep what is assumed of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from symgrad.checks.numbers import Field
from symgrad.errors import SpecError, SymgradError
from symgrad.mathematics.assumptions import Range, drawn, symmetric, uniform
from symgrad.mathematics.equations import System, Variable
from symgrad.mathematics.indices import Index, indices_of, name_of
from symgrad.mathematics.infinity import INFINITY, Infinity
from symgrad.mathematics.ordering import OfLargest, OfSmallest
from symgrad.mathematics.ranges import sizes_of
from symgrad.mathematics.reductions import AxisMax, LogSum, LogSumExp
from symgrad.mathematics.sizes import Size, fixed, is_size, with_numbers

RANGES: tuple[Mapping[str, Range], ...] = (
    {"param": (-1.0, 1.0), "data": (-1.0, 1.0)},
    {"param": (-1.0, 1.0), "data": (-1.0, 1.0), "bool": (-0.03, 0.97)},
    {"param": (-1.0, 1.0), "data": (-1.0, 1.0), "bool": (-0.97, 0.03)},
    {"param": (-1.0, 1.0), "data": (0.2, 1.2)},
    {"param": (0.2, 1.2), "data": (0.2, 1.2)},
    {"param": (0.1, 0.4), "data": (0.1, 0.4)},
    {"param": (1.1, 2.1), "data": (1.1, 2.1)},
    {"param": (-0.3, 0.3), "data": (-0.3, 0.3), "diagonal": (1.0, 2.0)},
)
"""Where to draw numbers from: the next where a value was outside the domain of a function.

``bool``: a condition holds where a number from there is above 0: of a mask that is drawn at
random, often nothing is left in a row.  ``diagonal``: square matrices are symmetric, and diagonally
dominant by so much: a Cholesky factor needs that they are definite.
"""

SIGNS: tuple[Mapping[str, Range], ...] = tuple(
    {"param": param, "data": data}
    for param in ((-1.2, -0.2), (0.2, 1.2))
    for data in ((-1.2, -0.2), (0.2, 1.2))
)
"""Numbers of one sign: two that are negative have a product of which there is a logarithm."""

MORE = (0, 1, 4)
"""How much larger free sizes are made where there is no point of those of before."""

SMALL = (2, 3, 4, 5, 6, 7)
"""The sizes that free and shrunk axes get, in turn: different ones, so that a swap is seen."""


STAND_INS: Range = (1.5, 2.5)
"""The numbers that are put in the place of infinities."""

SMALL_DIVISORS = range(1, 9)
"""The sizes at which it is tried whether a divisor is 0."""


@dataclass(frozen=True)
class Point:
    """Sizes, and the arrays of all inputs."""

    sizes: dict[sp.Symbol, int]
    env: dict[str, np.ndarray]


def size_symbols(system: System) -> set[sp.Symbol]:
    """Every symbol that occurs in a size, or as a size in an equation."""
    sizes = {s for shape in system.shapes.values() for size in shape for s in size.free_symbols}
    sizes |= {s for v in system.variables for b in v.bounds for s in sizes_of(b)}
    for equation in system.equations:
        for side in filter(None, (equation.rhs, equation.backward)):
            symbols = side.atoms(sp.Symbol)
            sizes |= {s for s in symbols if is_size(s)}
            sizes |= {f for s in symbols if isinstance(s, Index) for f in s.size.free_symbols}
    return sizes


def small_sizes(system: System) -> dict[sp.Symbol, int]:
    """A small number for each size; a pinned one keeps its own, none grows beyond its own."""
    kept = {s for size in system.pinned for s in size.free_symbols if fixed(s) is not None}
    symbols = sorted(size_symbols(system), key=_by_number)
    numbers = itertools.cycle(SMALL)
    sizes = {s: _own(s) if s in kept else min(next(numbers), _own(s)) for s in symbols}
    return _grown(_enough(sizes, system), _axis_sizes(system))


def _enough(sizes: dict[sp.Symbol, int], system: System) -> dict[sp.Symbol, int]:
    """The named sizes at least as large as the spec needs them."""
    least = least_sizes(system)
    return {s: max(n, least.get(s.name, n)) for s, n in sizes.items()}


def _axis_sizes(system: System) -> set[Size]:
    """The size of every axis, and of the range of every index."""
    sizes = {size for v in system.variables for size in v.shape}
    for equation in system.equations:
        sides = filter(None, (equation.rhs, equation.backward))
        sizes |= {*equation.shape, *(i.size for side in sides for i in side.atoms(Index))}
    return sizes | set(_sides_of_positions(system)) | set(_rooms_for_labels(system))


def _rooms_for_labels(system: System) -> Iterator[Size]:
    """How many labels an array may hold that points into several axes."""
    for variable in system.variables:
        pairs = itertools.permutations(variable.bounds, 2)
        yield from (one.stop - other.low for one, other in pairs)


def _sides_of_positions(system: System) -> Iterator[Size]:
    """What an axis of a free size has up to, and from, a position that the spec gives."""
    constants = [v for v in system.variables if v.role == "constant" and v.dtype == "int"]
    last = {v.name: int(np.asarray(v.values).max()) for v in constants}
    for atom in {a for e in system.equations for a in e.rhs.atoms(sp.Indexed)}:
        for index, size in zip(indices_of(atom), system.shapes[name_of(atom)], strict=True):
            if fixed(size) is not None:
                continue
            if all(map(is_size, index.free_symbols)):
                yield from (index + 1, size - index)
            elif isinstance(index, sp.Indexed) and name_of(index) in last:
                yield size - last[name_of(index)]


def _grown(sizes: dict[sp.Symbol, int], axes: Iterable[Size]) -> dict[sp.Symbol, int]:
    """The free sizes so much larger that something is left of every axis that is cut."""
    shortest = min((int(a.xreplace(sizes)) for a in axes), default=1)
    more = max(0, 1 - shortest)
    return {s: n if fixed(s) is not None else n + more for s, n in sizes.items()}


def least_sizes(system: System) -> dict[str, int]:
    """How large each named size has to be.

    Positions lie inside, no axis is less than empty, nothing is divided by 0, and there is a
    largest of what is asked for its largest.  What depends on several named sizes at once is left
    out.
    """
    powers = {p for e in system.equations for p in e.rhs.atoms(sp.Pow)}
    divisors = (p.base for p in powers if p.exp.is_negative and p.base.free_symbols)
    asked = [(d, 1) for d in divisors if all(map(is_size, d.free_symbols))]
    asked += [(size, 1) for size in _sides_of_positions(system)]
    asked += [(size, 1) for size in _sizes_with_a_largest(system)]
    asked += [(size, 0) for size in _axis_sizes(system)]
    found: dict[str, int] = {}
    for size, least in asked:
        value = with_numbers(size)
        (name, *others) = value.free_symbols or (None,)
        if name is None or others:
            continue
        if not value.is_polynomial(name):
            if zeros := [n for n in SMALL_DIVISORS if value.xreplace({name: sp.Integer(n)}) == 0]:
                found[name.name] = max(found.get(name.name, 0), zeros[-1] + 1)
            continue
        slope, start = value.coeff(name, 1), value.coeff(name, 0)
        if slope.is_positive and value == slope * name + start and start < least:
            found[name.name] = max(
                found.get(name.name, 0), int(sp.ceiling((least - start) / slope))
            )
    return found


def _sizes_with_a_largest(system: System) -> Iterator[Size]:
    """The axes along which the largest or least entry is sought, if only for what is stable."""
    for equation in system.equations:
        for reduction in equation.rhs.atoms(AxisMax, LogSum, LogSumExp, OfLargest, OfSmallest):
            yield from (limit[0].size for limit in reduction.limits)


def true_sizes(system: System, free: Iterable[int]) -> dict[sp.Symbol, int]:
    """Each fixed size as it is, the free ones as ``free`` says, or larger where they are cut."""
    numbers = iter(free)
    symbols = sorted(size_symbols(system), key=_by_number)
    sizes = {s: fixed(s) or next(numbers) for s in symbols}
    return _grown(_enough(sizes, system), _axis_sizes(system))


def no_point(system: System) -> SpecError:
    """The error where nothing can be checked."""
    return SpecError(
        f"{system.output}: no random point was found at which every value is a real number",
        hint="perhaps a logarithm, a root or an inverse is undefined there, or a value is infinite",
    )


def given_point(system: System, arrays: Mapping[str, Any], field: Field) -> Point:
    """The point at which the inputs are ``arrays``; the free sizes are theirs."""
    sizes = {s: n for s in size_symbols(system) if (n := fixed(s)) is not None}
    env: dict[str, np.ndarray] = {}
    with field.precision():
        for variable in system.variables:
            given = np.asarray(arrays.get(variable.name, variable.values))
            for size, length in zip(variable.shape, given.shape, strict=True):
                sizes |= {size: length} if size.is_Symbol else {}
            plain = variable.dtype != "float"
            whole = given.astype(np.int64) if variable.dtype == "bool" else given  # for 1 - b
            env[variable.name] = whole if plain else field.array(given)
    return Point(sizes, env)


def _own(symbol: sp.Symbol) -> int:
    number = fixed(symbol)
    return SMALL[-1] if number is None else number


def _by_number(symbol: sp.Symbol) -> tuple[bool, int, str]:
    """The fixed sizes first, from the smallest."""
    number = fixed(symbol)
    return (number is None, number or 0, symbol.name)


def random_point(
    system: System,
    rng: np.random.Generator,
    field: Field,
    *,
    sizes: Mapping[sp.Symbol, int] | None = None,
    ranges: Mapping[str, Range] = RANGES[0],
) -> Point:
    """A random array for each input, as its assumptions and its use as an index allow."""
    numbers = dict(sizes) if sizes is not None else small_sizes(system)
    with field.precision():
        env = {v.name: _array(v, numbers, rng, field, ranges) for v in system.variables}
    return Point(numbers, env)


def _array(
    variable: Variable,
    sizes: Mapping[sp.Symbol, int],
    rng: np.random.Generator,
    field: Field,
    ranges: Mapping[str, Range],
) -> np.ndarray:
    shape = tuple(int(s.xreplace(sizes)) for s in variable.shape)
    if variable.role == "constant":
        return _constant(variable, shape, field)
    if variable.dtype == "bool" and "bool" in ranges:
        return np.asarray(rng.uniform(*ranges["bool"], size=shape) > 0, dtype=int)
    if variable.dtype != "float":
        return _labels(variable, shape, sizes, rng)
    low, high = ranges[variable.role]
    scale = _moderate(shape) if variable.role == "param" else 1.0
    between = (low * scale, high * scale)
    may_be = set(variable.assumptions) <= {symmetric} and symmetric.record.fits(variable.shape)
    if "diagonal" in ranges and may_be:
        return field.array(_definite(shape, rng, between, ranges["diagonal"]))
    if not variable.assumptions:
        return numbers_between(shape, rng, between, field)
    return field.array(drawn(variable.assumptions, shape, rng, between))


def _labels(
    variable: Variable,
    shape: tuple[int, ...],
    sizes: Mapping[sp.Symbol, int],
    rng: np.random.Generator,
) -> np.ndarray:
    """Labels that point into their axes; integers that point nowhere are small."""
    least, most = np.iinfo(int).min, np.iinfo(int).max
    low, stop = np.full(shape, least), np.full(shape, most)
    for bounds in variable.bounds:
        part = tuple(_slice(p, sizes) for p in bounds.part)
        low[part] = np.maximum(low[part], int(bounds.low.xreplace(sizes)))
        stop[part] = np.minimum(stop[part], int(bounds.stop.xreplace(sizes)))
    low[low == least] = 0
    stop[stop == most] = 2 if variable.dtype == "bool" else 4
    if low.size and (low == low.flat[0]).all() and (stop == stop.flat[0]).all():
        return rng.integers(low.flat[0], stop.flat[0], size=shape)
    return np.asarray(rng.integers(low, stop))


def _slice(part: tuple[Size, Size] | None, sizes: Mapping[sp.Symbol, int]) -> slice:
    if part is None:
        return slice(None)
    first, last = (int(position.xreplace(sizes)) for position in part)
    return slice(first, last + 1)


def _definite(
    shape: tuple[int, ...], rng: np.random.Generator, limits: Range, diagonal: Range
) -> np.ndarray:
    """Symmetric matrices whose diagonals are larger than the rest of their rows."""
    values = drawn([symmetric], shape, rng, limits)
    places = np.arange(shape[-1])
    rest = np.abs(values).sum(axis=-1)
    values[..., places, places] += rest + uniform(rest.shape, rng, diagonal)
    return values


def _moderate(shape: tuple[int, ...]) -> float:
    """A scale for weights, so that sums over a long axis don't saturate what reads them."""
    return min(1.0, 2.0 / float(max(shape)) ** 0.5) if len(shape) > 1 else 1.0


def _constant(variable: Variable, shape: tuple[int, ...], field: Field) -> np.ndarray:
    """The given numbers; of axes that were shrunk, the first of them."""
    values = np.asarray(variable.values)
    if values.ndim != len(shape) or any(a > b for a, b in zip(shape, values.shape, strict=True)):
        raise SymgradError(f"the constant {variable.name} has shape {values.shape}, not {shape}")
    values = values[tuple(slice(length) for length in shape)]
    return values if values.dtype.kind in "iub" else field.array(_fractions(values))


def _fractions(values: np.ndarray) -> np.ndarray:
    """Floats as the decimal numbers that they print as; an infinity stays one."""
    return np.asarray(np.frompyfunc(_fraction, 1, 1)(values), dtype=object)


def _fraction(value: Any) -> Fraction | float:
    return Fraction(repr(float(value))) if np.isfinite(value) else float(value)


def is_infinite(system: System) -> bool:
    """Whether infinities are among the constants of a spec."""
    arrays = (np.asarray(v.values) for v in system.variables if v.role == "constant")
    return any(e.rhs.has(Infinity) for e in system.equations) or any(
        a.dtype.kind == "f" and not np.isfinite(a).all() for a in arrays
    )


def finite_point(system: System, start: Point, rng: np.random.Generator, field: Field) -> Point:
    """The point with numbers in the place of infinities: what is equal is so for any numbers."""
    env = {**start.env, str(INFINITY): numbers_between((), rng, STAND_INS, field)}
    with field.precision():
        for variable in system.variables:
            values = start.env[variable.name]
            if variable.role == "constant" and values.dtype.kind in "fO":
                numbers = numbers_between(values.shape, rng, STAND_INS, field)
                large = np.asarray(np.abs(values) == math.inf, dtype=bool)
                env[variable.name] = np.where(
                    large, np.where(values > 0, numbers, -numbers), values
                )
    return Point(start.sizes, env)


def numbers_between(
    shape: tuple[int, ...], rng: np.random.Generator, limits: Range, field: Field
) -> np.ndarray:
    """Random numbers; for floats, drawn as such."""
    if field.dtype == object:
        return field.array(uniform(shape, rng, limits))
    return field.array(rng.uniform(*limits, size=shape))
