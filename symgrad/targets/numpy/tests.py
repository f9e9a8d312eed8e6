"""A file of tests for pytest beside a generated module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from symgrad.files import mark
from symgrad.mathematics.assumptions import strongest
from symgrad.mathematics.expected import Expected
from symgrad.targets.module import Module
from symgrad.targets.numpy.constants import TYPED, array
from symgrad.targets.numpy.functions import Mathematics
from symgrad.targets.numpy.layout import in_brackets, quoted
from symgrad.targets.numpy.offered import Face
from symgrad.targets.numpy.self_check import definite_among
from symgrad.targets.numpy.words import spelled
from symgrad.templating import render

CLOSE = 1e-12
"""How far numbers may be from those that are expected exactly, which another machine rounds."""


def pytest_file(
    module: Module, name: str, expected: Sequence[Expected] = (), tolerance: float = 0.0
) -> str:
    """The tests of the module in the file of that name; ``expected``: numbers at its example."""
    taken = {v.name: v for v in module.arguments}
    parameters = [n for n in module.gradients if n in taken]
    free = [n for n in parameters if not taken[n].assumptions]
    assumed = [n for n in parameters if n not in free]
    kinds = {n: strongest(taken[n].assumptions).record.about.name for n in assumed}
    rows = [*_rows(module, expected)]
    values = any(code.startswith("values.") for _, code, _ in rows)
    return render(
        "numpy/tests.py.jinja",
        origin=mark(module.origin),
        name=name,
        example=bool(module.example),
        prepare=module.preparation is not None,
        moved=_names(free),
        parameters=_names(parameters),
        symmetric=_names(
            n for n in parameters if kinds.get(n) == "MATRICES" or n in definite_among(module)
        ),
        differences=not module.not_differentiable,
        expected=rows,
        forward_arguments=values and _names(Face(Mathematics(module)).forward_inputs()),
        tolerance=max(tolerance, CLOSE),
        others={v.name: f'"{v.dtype}"' for v in module.arguments if v.dtype != "float"},
    )


def _names(names: Iterable[str]) -> str:
    found = [f'"{n}"' for n in names]
    return in_brackets(found) if found else ""


def _rows(module: Module, expected: Iterable[Expected]) -> Iterator[tuple[str, str, str]]:
    """What is expected of what the module gives: its key, its expression, its numbers."""
    for stated in expected:
        code = ""
        if stated.adjoint:
            code = f"found.{stated.value}" if stated.value in module.gradients else ""
        elif stated.value == module.output:
            code = "value"
        elif stated.value in module.values:
            code = f"values.{spelled(module.values)[stated.value]}"
        if code:
            turned = ".T" if stated.transposed else ""
            yield quoted(stated.key), f"{code}{turned}", array(np.asarray(stated.numbers), TYPED)
