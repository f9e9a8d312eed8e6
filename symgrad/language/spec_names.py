"""What the arrays of a spec are called, and which of them are its inputs."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from symgrad.errors import SpecError
from symgrad.language.array import Array
from symgrad.language.tracing import names_in


def names_of(
    namespace: Mapping[str, Any], is_possible: Callable[[str], bool] = str.isidentifier
) -> dict[str, Array]:
    """The arrays of a module by name: inputs by their own, values by that of their variable.

    The first variable that holds a value names it; the entries of a list ``h`` are ``h0``,
    ``h1``, …  A value whose variable is called as an input is, or begins with ``_``, has no name.
    """
    found = names_in(namespace).items()
    names: dict[str, Array] = {}
    for array in inputs_of(array for _, array in found):
        _add_input(names, array, is_possible)
    seen = {a.identity for a in names.values()}
    for name, array in found:
        if name not in names and array.identity not in seen and array.variable is None:
            names[name] = array
            seen.add(array.identity)
    return names


def aliases_of(namespace: Mapping[str, Any], names: Mapping[str, Array]) -> dict[str, str]:
    """The variables that hold a value which has the name of another one: p after ``p = v``."""
    by_identity = {a.identity: name for name, a in names.items() if a.variable is None}
    held = {n: v.identity for n, v in namespace.items() if isinstance(v, Array) and n not in names}
    return {n: by_identity[v] for n, v in held.items() if v in by_identity}


def constants_of(
    namespace: Mapping[str, Any],
    loss: Array,
    names: Container[str],
    is_possible: Callable[[str], bool] = str.isidentifier,
) -> dict[str, Array]:
    """NumPy's arrays of a module that stand in a loss as they are, by name."""
    possible = {
        n: v
        for n, v in namespace.items()
        if isinstance(v, np.ndarray) and not n.startswith("_") and n not in names and is_possible(n)
    }
    found: dict[str, Array] = {}
    for array in sources_of([loss]):
        values = array.variable.values if array.variable else None
        if isinstance(values, np.ndarray):
            name = next((n for n, v in possible.items() if _are_the_same(v, values)), None)
            if name is not None:
                found.setdefault(name, array)
    return found


def _are_the_same(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other)


def is_input(array: Array) -> bool:
    """Whether an array is a parameter or data; constants are a part of the mathematics."""
    return array.variable is not None and array.variable.role != "constant"


def inputs_of(arrays: Iterable[Array]) -> Iterator[Array]:
    """Every input that the arrays are made of, themselves included."""
    return filter(is_input, sources_of(arrays))


def sources_of(arrays: Iterable[Array]) -> Iterator[Array]:
    """Everything that the arrays are made of, themselves included, first operands first."""
    seen: set[Hashable] = set()
    todo = list(arrays)[::-1]
    while todo:
        array = todo.pop()
        if array.identity not in seen:
            seen.add(array.identity)
            todo.extend(reversed(array.needs))
            yield array


def _add_input(names: dict[str, Array], array: Array, is_possible: Callable[[str], bool]) -> None:
    assert array.variable is not None
    name, where = array.variable.name, array.variable.where
    if name in names:
        first, second = sorted((names[name].where, where), key=lambda at: at.line if at else 0)
        raise SpecError(
            f"two arrays are called {name!r}",
            where=second,
            hint=f"the first is at {first}; give one of them another name",
        )
    if not is_possible(name):
        raise SpecError(
            f"an input can't be called {name!r}",
            where=where,
            hint="the generated file needs this name itself, or Python does",
        )
    names[name] = array
