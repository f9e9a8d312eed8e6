"""What chunks of rows give, put together, against the same module of all rows."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.calculus import Derivation
from symgrad.checks.check import Check
from symgrad.checks.generated import CLOSE, FREE_SIZES, arguments, float_difference, float_point

CUTS = ((0.5,), (0.2, 0.2, 0.9), (0.0, 1.0))
"""Where the rows are cut, as parts of them all: one chunk of several is empty."""


def chunk_checks(
    derivation: Derivation, module: Any, size: str, dtype: str = "float64", seed: int = 0
) -> Iterator[Check]:
    """The loss and its derivatives out of chunks, however the rows are cut."""
    system = derivation.system
    largest = [3 * n for n in FREE_SIZES[0]]
    start = float_point(system, dtype, largest, [seed])
    given = arguments(system.variables, start)
    axes = {v.name: [str(s) for s in v.shape].index(size)
            for v in system.variables if size in map(str, v.shape)}  # fmt: skip
    value, gradients = module.loss_and_gradients(**given)
    wanted = {system.output: value} | gradients._asdict()
    errors = dict.fromkeys(wanted, 0.0)
    for cuts in CUTS:
        value, gradients = of_chunks(module, given, axes, cuts)
        found = {system.output: value} | gradients._asdict()
        for name, array in wanted.items():
            noise = float_difference(np.asarray(found[name]), np.asarray(array), dtype, 0.0)
            errors[name] = max(errors[name], noise)
    for name, error in errors.items():
        what = f"chunks of rows of {size} = all rows"
        detail = "" if error < CLOSE[dtype] else f"differs in {dtype} by {error:.3g}"
        yield Check(name, what, error < CLOSE[dtype], error, detail)


def of_chunks(
    module: Any, given: Mapping[str, Any], axes: Mapping[str, int], cuts: Sequence[float]
) -> tuple[Any, Any]:
    """The loss and its derivatives out of the rows between cuts, which are parts of all of them."""
    name, axis = next(iter(axes.items()))
    rows = np.shape(given[name])[axis]
    places = [0, *(round(c * rows) for c in cuts), rows]
    taken = [n for n in inspect.signature(module.partial).parameters if n in given]
    parts = []
    for start, stop in itertools.pairwise(places):
        chunk = {n: np.take(given[n], range(start, stop), a) for n, a in axes.items()}
        parts.append(module.partial(**{n: chunk.get(n, given[n]) for n in taken}))
    whole = functools.reduce(module.combine, parts)
    last = [n for n in inspect.signature(module.finish).parameters if n in given]
    found: tuple[Any, Any] = module.finish(whole, **{n: given[n] for n in last})
    return found
