"""The names that the lines of a spec assign values to, in functions and loops too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache

from symgrad.errors import Location
from symgrad.language.array import Array


def targets_of(order: Iterable[Array]) -> dict[str, str]:
    """What the lines of functions and loops assign to, for the values that they compute."""
    order = tuple(order)
    partial = {i.key for a in order for i in a.inputs if _is_part_of(i, a)}
    found = {a.key: _target(a.lines[-1]) for a in order if a.key not in partial}
    named = {key: name for key, name in found.items() if name}
    return named | {a.key: a.called for a in order if a.called}


def _target(line: Location) -> str:
    """The name that a value is assigned to which is computed in a line, or nothing."""
    match = _TARGET.match(line.text)
    if match and ";" not in line.text:
        return match[1]
    elements = _elements(line.text)
    return elements.get(line.span, "") if elements else ""


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
