"""The names that the lines of a spec assign values to, in functions and loops too."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache

from symgrad.language.array import Array
from symgrad.mathematics.indices import is_entry, name_of


def targets_of(order: Iterable[Array]) -> dict[str, str]:
    """What the lines of functions and loops assign to, for the values that they compute."""
    order = tuple(order)
    partial = {i.key for a in order for i in a.inputs if _is_part_of(i, a)}
    found = {a.key: _target(a) for a in order if a.key not in partial}
    named = {key: name for key, name in found.items() if name}
    return named | {a.key: a.called for a in order if a.called}


def turns_of(order: Iterable[Array], named: Container[str], targets: Mapping[str, str]) -> set[str]:
    """The values that a line computes, where a later turn of it gave one of them a name.

    What is cut from an input is none, nor is a total, to which each turn adds something.
    """
    order = list(order)
    values = [a for a in order if a.key in targets and not _is_given(a)]
    found = {turn_of(a, targets) for a in values if a.key in named}
    found -= {turn_of(a, targets) for a in order if _is_total(a, targets)}
    return {a.key for a in values if turn_of(a, targets) in found}


def _is_given(array: Array) -> bool:
    """Whether a value is an input, or is cut from one."""
    if array.rhs is None or not array.inputs:
        return True
    cut = is_entry(array.rhs)
    return cut and (not array.indices or array.inputs[0].variable is not None)


def _is_total(array: Array, targets: Mapping[str, str]) -> bool:
    """Whether a value is what the turn before has, and a term."""
    mine = turn_of(array, targets)
    terms = array.rhs.args if array.rhs is not None and array.rhs.is_Add else ()
    added = {name_of(term) for term in terms if is_entry(term)}
    return any(i.key in added and turn_of(i, targets) == mine for i in array.inputs)


Turn = tuple[Hashable, str]
"""A line and the name that each turn of it gives a value."""


def turn_of(array: Array, targets: Mapping[str, str]) -> Turn | None:
    """The line that a value has its name from, in each of its turns; None where it has none."""
    return (array.lines[-1], targets[array.key]) if array.key in targets else None


def _target(array: Array) -> str:
    """The name that a value is assigned to which is computed in a line, or nothing."""
    line = array.lines[-1]
    match = _TARGET.match(line.text)
    if match and ";" not in line.text:
        return match[1]
    if array.piece is not None:
        return dict(enumerate(_unpacked(line.text))).get(array.piece, "")
    elements = _elements(line.text)
    return elements.get(line.span, "") if elements else ""


@lru_cache(maxsize=256)
def _unpacked(text: str) -> Sequence[str]:
    """For the line ``i, f = np.split(a, 2)`` the names."""
    with suppress(SyntaxError):
        match ast.parse(text).body:
            case [ast.Assign([ast.Tuple(names)], value)] if not isinstance(value, ast.Tuple):
                found = [n.id for n in names if isinstance(n, ast.Name)]
                return found if len(found) == len(names) else ()
    return ()


@lru_cache(maxsize=256)
def _elements(text: str) -> Mapping[tuple[int, int] | None, str]:
    """For the line ``i, f = sigmoid(x), tanh(y)`` the names, by where their values stand."""
    with suppress(SyntaxError):
        return {
            (value.col_offset, value.end_col_offset or 0): name.id
            for statement in ast.parse(text).body
            for name, value in _assigned(statement)
            if isinstance(name, ast.Name)
        }
    return {}


def _assigned(statement: ast.stmt) -> Iterable[tuple[ast.expr, ast.expr]]:
    """What a statement assigns to, and the values."""
    match statement:
        case ast.Assign([ast.Tuple(names)], ast.Tuple(values)) if len(names) == len(values):
            return zip(names, values, strict=True)
        case ast.Assign([ast.Name() as name], value):
            return [(name, value)]
    return []


def _is_part_of(array: Array, consumer: Array) -> bool:
    """Whether both are computed by one run of one line, the array on the way to the consumer."""
    last = array.lines[-1]
    if array.call == consumer.call or last not in consumer.lines:
        return array.call == consumer.call
    theirs = consumer.lines[: consumer.lines.index(last) + 1]
    if last.span in _elements(last.text) and theirs[-1].span != last.span:
        return False  # it is one of several values of the line, and no part of another
    return [x.offset for x in array.lines[::-1]] < [x.offset for x in theirs[::-1]]


_TARGET = re.compile(r"([^\W\d]\w*)\s*=[^=]")
