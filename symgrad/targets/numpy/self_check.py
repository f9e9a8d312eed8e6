"""What a generated module needs to check itself: a point, and numbers to compare with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.mathematics.assumptions import strongest
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.expected import Expected
from symgrad.mathematics.sizes import fixed
from symgrad.targets.module import Module
from symgrad.targets.numpy.constants import TYPED, array
from symgrad.targets.numpy.layout import in_braces, quoted


def needs(module: Module, variables: Sequence[Variable]) -> dict[str, Any]:
    """For the template; ``variables``: the arguments, and the data of which some are made."""
    names = [v.name for v in module.arguments]
    return {
        "sizes": in_braces(_sizes(variables, module.least)),
        "samples": _samples(variables),
        "example": [(n, array(module.example[n], TYPED)) for n in names if module.example],
        "expected": [(e.key, e.value, e.transposed, _numbers(e)) for e in module.expected],
        "tolerance": repr(module.tolerance),
        "known": _known(module),
        "along": module.along and in_braces({n: f'point["{v}"]' for n, v in module.along.items()}),
        "not_differentiable": quoted(module.not_differentiable),
    }


def _numbers(expected: Expected) -> str:
    """Conditions as 0 and 1, of which there are differences."""
    numbers = np.asarray(expected.numbers)
    return array(numbers.astype(int) if numbers.dtype == bool else numbers, TYPED)


def on_the_way(module: Module) -> list[str]:
    """Values with expected numbers that no function returns."""
    known = {module.output, *module.gradients.values()}
    return list(dict.fromkeys(e.value for e in module.expected if e.value not in known))


def _known(module: Module) -> list[tuple[str, str]]:
    """Where the self-check finds each value."""
    found = [(g, f"found.{p}") for p, g in module.gradients.items()]
    others = [(name, f'_values(**point)["{name}"]') for name in on_the_way(module)]
    return [(module.output, "value"), *found, *others]


def _sizes(variables: Iterable[Variable], least: Mapping[str, int]) -> dict[str, int]:
    """Small sizes for the named dimensions, no two the same."""
    most = max([5, *least.values()])
    sizes = (s.name for v in variables for s in v.shape if s.is_Symbol and fixed(s) is None)
    return {name: most + k for k, name in enumerate(dict.fromkeys(sizes))}


def _samples(variables: Iterable[Variable]) -> list[tuple[str, str]]:
    """What a random point has to keep."""
    kept = [(v.name, strongest(v.assumptions)) for v in variables if v.assumptions]
    return [(name, f'("{a.kind}", {a.axis or 0})') for name, a in kept]
