"""Spec files: run one, find its loss, its example point and the numbers that it expects."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from symgrad.errors import SpecError, visible
from symgrad.language.array import Array
from symgrad.language.sizes import Shape, dim_of, shape_text
from symgrad.language.spec_names import (
    aliases_of,
    constants_of,
    is_input,
    names_of,
    sources_of,
)
from symgrad.language.spec_source import Source, read, reading, run
from symgrad.language.spec_tables import Numbers, Tables
from symgrad.language.tracing import trace
from symgrad.mathematics.expected import Expected


@dataclass(frozen=True)
class Spec:
    """A spec that has been run; ``title`` is the first line of its docstring, ``about`` the rest.

    ``names`` are its arrays by the names that they have; ``expected`` has to be met within
    ``tolerance`` (0: bit for bit), ``compared`` is only reported.  ``latex``: symbols for names.
    """

    source: Source
    title: str
    loss: Array
    names: Mapping[str, Array]
    example: Mapping[str, Numbers]
    expected: tuple[Expected, ...]
    compared: tuple[Expected, ...]
    tolerance: float
    aliases: Mapping[str, str]
    about: str = ""
    latex: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Its file."""
        return self.source.path


def load(path: Path, is_possible: Callable[[str], bool] = str.isidentifier) -> Spec:
    """Run a spec file and read what it says; SpecError where something is wrong with it.

    ``is_possible``: whether an input may be called so, where it is to be an argument of a target's
    functions.
    """
    linecache.checkcache(str(path))
    source = Source(path, read(path))
    linecache.getlines(str(path))  # before the spec can go to another folder
    namespace = run(source)
    with reading(source):
        return _spec(source, namespace, is_possible)


def _spec(source: Source, namespace: Mapping[str, Any], is_possible: Callable[[str], bool]) -> Spec:
    """What the namespace of a spec says."""
    names = names_of(namespace, is_possible)
    loss = _loss(source, namespace, names)
    used = frozenset(array.identity for array in sources_of([loss]))
    aliases = aliases_of(namespace, names)
    tables = Tables(source, namespace, names, used, aliases, partial(_shapes, loss, names))
    example = tables.example()
    expected, compared = tables.expectations("expected"), tables.expectations("compared")
    if not example and (expected or compared):
        raise SpecError(
            "the spec says what numbers to expect, but not at which point",
            where=source.binding("expected") or source.binding("compared"),
            hint='add example = {"X": ..., ...} with numbers for every input',
        )
    names = {**names, **constants_of(namespace, loss, names, is_possible)}
    return Spec(
        source,
        _title(namespace),
        loss,
        names,
        example,
        expected,
        compared,
        tables.tolerance(),
        aliases,
        _about(namespace),
        tables.symbols(),
    )


def _shapes(loss: Array, names: Mapping[str, Array]) -> dict[str, Shape]:
    """The shape of every value that a loss is made of, by its name."""
    return {e.name: tuple(map(dim_of, e.shape)) for e in trace(loss, names).equations}


def _title(namespace: Mapping[str, Any]) -> str:
    """The first line of the docstring that says something."""
    lines = [line.strip() for line in str(namespace.get("__doc__") or "").splitlines()]
    return visible(next(filter(None, lines), "The loss and its gradients."))


def _about(namespace: Mapping[str, Any]) -> str:
    """The docstring without the line that is the title."""
    said = inspect.cleandoc(str(namespace.get("__doc__") or ""))
    return visible(said.partition("\n")[2].strip())


def _loss(source: Source, namespace: Mapping[str, Any], names: Mapping[str, Array]) -> Array:
    if "loss" not in namespace:
        scalars = [n for n, a in names.items() if not (a.ndim or is_input(a))]
        raise SpecError(
            "the spec has no `loss`",
            where=source.end(),
            hint=f"end the spec with loss = {scalars[-1] if scalars else 'the scalar to derive'}",
        )
    loss = namespace["loss"]
    where = source.binding("loss") or source.end()
    if not isinstance(loss, Array):
        raise SpecError(
            f"`loss` is of type {type(loss).__name__}, not an array of symgrad",
            where=where,
            hint="compute it from sg.param(...) and sg.data(...)",
        )
    if loss.ndim:
        raise SpecError(
            f"`loss` has the shape {shape_text(loss.shape)}; it has to be a scalar",
            where=where,
            hint="perhaps loss = np.sum(...) or np.mean(...)",
        )
    return loss
