"""What statements assign to, as records call it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symgrad.audit.walks import typed


def flat(target: ast.expr) -> Iterator[ast.expr]:
    """The names, entries and attributes in a target."""
    if isinstance(target, (ast.Tuple, ast.List)):
        for part in target.elts:
            yield from flat(part)
    else:
        yield target.value if isinstance(target, ast.Starred) else target


CHANGING = ("at", "fill_diagonal", "copyto", "shuffle")
"""Functions that change their first argument."""


LONGER = {"append": 1, "appendleft": 1, "insert": 2}
"""Methods that make a list longer by their last argument, of so many."""


def changed_by(value: ast.expr) -> Iterator[ast.expr]:
    """What a call changes: its ``out``, the first argument of np.add.at, a list of its own."""
    if not isinstance(value, ast.Call):
        return
    for keyword in value.keywords:
        if keyword.arg == "out":
            yield keyword.value
    function = value.func
    if isinstance(function, ast.Attribute) and function.attr in CHANGING:
        yield from value.args[:1]
    if isinstance(function, ast.Attribute) and function.attr in ("fill", "sort"):
        yield from [] if typed(function.value) in ("np", "numpy") else [function.value]
    if is_append(value):
        yield function.value  # type: ignore[attr-defined]


def is_append(value: ast.expr | None) -> bool:
    """Whether a call makes a list longer by something: append, or insert at a place."""
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    return LONGER.get(value.func.attr) == len(value.args)


def holder(target: ast.expr) -> ast.expr | None:
    """What is told of a target: of an entry the whole array, but of a dictionary the entry."""
    while isinstance(target, ast.Subscript):
        key = target.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            break
        target = target.value
    return target if _is_plain(target) else None


def _is_plain(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        return _is_plain(node.value)
    if isinstance(node, ast.Attribute):
        return _is_plain(node.value)
    return isinstance(node, ast.Name)
