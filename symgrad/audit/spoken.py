"""Numbers in a repair, said by the names that the program has for them, and none by chance."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symgrad.audit.compare import numbers
from symgrad.audit.grammar import Edit
from symgrad.audit.grammar.edit import function_of
from symgrad.audit.search import State

USUAL = (0.0, 1.0, 2.0, 0.5)
"""Numbers that are themselves: those of squares, means of two, and complements."""

Values = tuple[float, ...]
"""What a number is at each point."""


def spoken(edit: Edit, state: State) -> Edit:
    """A repair whose new numbers have the names that stand in the lines around.

    A number has the name of the one variable that is the same at all points; a size that the
    lines around don't speak of, and that is the same everywhere, may be so by chance.
    """
    rooms = [room for _, _, room in edit.changes]
    new = list(dict.fromkeys(t for room in rooms for t in _numbers(room)))
    asked = [t for t in new if t not in set(_numbers(edit.old))]
    if not asked:
        return edit
    around = list(dict.fromkeys(_spoken_of(edit.site.around)))
    outside = [t for t in dict.fromkeys(_constants(state.program.tree)) if t not in around]
    known = _values(edit, state, [*asked, *around, *outside])
    near, far = ({t: known[t] for t in several if t in known} for several in (around, outside))
    names = {t: name for t in asked if t in known and (name := _name(t, known[t], near, far))}
    said = _renamed(edit, names) if names else edit
    runs = state.program.tried([said], state.truths[0], state.program.limit) if names else []
    return said if all(r is not None and r.error is None for r in runs) else edit


def _name(text: str, value: Values, near: Mapping[str, Values], far: Mapping[str, Values]) -> str:
    """How a number is said: by a name, or as a number; '' as it is."""
    still = len(set(value)) == 1
    for table in (near, far):
        same = [t for t, v in table.items() if v == value]
        if text in same or (len(same) > 1 and not _is_size(text)):
            return ""
        if len(same) == 1:
            return same[0]
    return f"{value[0]:g}" if _is_size(text) and still else ""


def _is_size(text: str) -> bool:
    return ".shape[" in text


def _values(edit: Edit, state: State, texts: Sequence[str]) -> dict[str, Values]:
    """What texts are at each point where a statement stands, where they are numbers."""
    seen = [state.program.seen(edit.site.statement, texts, truth) for truth in state.truths]
    found: dict[str, Values] = {}
    for k, text in enumerate(texts):
        several = [{_number(frame[k]) for frame in frames} for frames in seen]
        if all(len(s) == 1 for s in several):
            found[text] = tuple(v for s in several for v in s)
    return {t: v for t, v in found.items() if np.isfinite(v).all()}


def _number(value: Any) -> float:
    """A value as a number; what is none is no number."""
    array = None if isinstance(value, (bool, np.bool_)) else numbers(value)
    return float(array) if array is not None and not array.ndim else math.nan


def _numbers(text: str) -> Iterator[str]:
    """The numbers and sizes in a text that may be those of a variable."""
    tree = _parsed(text)
    parents = {id(c): n for n in ast.walk(tree) for c in ast.iter_child_nodes(n)} if tree else {}
    for node in ast.walk(tree) if tree is not None else ():
        if _is_number(node, parents):
            yield ast.unparse(node)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text.strip().lstrip("; "))
    except (SyntaxError, ValueError):
        return None


def _is_number(node: ast.AST, parents: Mapping[int, ast.AST]) -> bool:
    """Whether something is a number that is no exponent, no index and no argument with a name."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
    if not isinstance(node, ast.Constant) or type(node.value) not in (int, float):
        return False
    outer = parents.get(id(node))
    if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Pow) and outer.right is node:
        return False
    if isinstance(outer, (ast.Subscript, ast.Slice, ast.Tuple, ast.keyword, ast.UnaryOp)):
        return False
    return float(node.value) not in USUAL and not _is_of_a_power(node, outer)  # type: ignore[arg-type]


def _is_of_a_power(node: ast.Constant, outer: ast.AST | None) -> bool:
    """Whether a number is what a power leaves as it is differentiated: ``3 * x**2``."""
    powers = (n for n in ast.walk(outer) if isinstance(n, ast.BinOp)) if outer else ()
    exponents = (n.right for n in powers if isinstance(n.op, ast.Pow))
    return any(
        isinstance(e, ast.Constant) and e.value == node.value - 1  # type: ignore[operator]
        for e in exponents
    )


def _spoken_of(around: ast.AST) -> Iterator[str]:
    """What the lines around read that may be a number: names, attributes, sizes, lengths."""
    for node in ast.walk(around):
        read = isinstance(getattr(node, "ctx", None), ast.Load)
        sized = isinstance(node, ast.Subscript) and _is_number(node, {})
        sized |= isinstance(node, ast.Call) and function_of(node) == "len"
        if sized or (isinstance(node, (ast.Name, ast.Attribute)) and read):
            yield ast.unparse(node)


def _constants(tree: ast.Module) -> Iterator[str]:
    """The names of the file that are numbers."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            names = (n for t in statement.targets for n in ast.walk(t))
            yield from (n.id for n in names if isinstance(n, ast.Name))


def _renamed(edit: Edit, names: Mapping[str, str]) -> Edit:
    changes = tuple((a, b, _said(room, names)) for a, b, room in edit.changes)
    return replace(edit, changes=changes, new=_said(edit.new, names), word=_said(edit.word, names))


def _said(text: str, names: Mapping[str, str]) -> str:
    """A text with names for some of its numbers."""
    tree, start = _parsed(text), len(text) - len(text.lstrip("; \n"))
    if tree is None:
        return text
    parents = {id(c): n for n in ast.walk(tree) for c in ast.iter_child_nodes(n)}
    found = [n for n in ast.walk(tree) if _is_number(n, parents) and ast.unparse(n) in names]
    for node in sorted(found, key=_place, reverse=True):
        first, last = (start + k for k in _span(text[start:], node))
        text = f"{text[:first]}{names[ast.unparse(node)]}{text[last:]}"
    return text


def _place(node: Any) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _span(text: str, node: Any) -> tuple[int, int]:
    """From where to where a node stands in a text."""
    lines = text.split("\n")
    ends = ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))
    one, other = (
        sum(len(line) + 1 for line in lines[: row - 1])
        + len(lines[row - 1].encode()[:column].decode())
        for row, column in ends
    )
    return one, other


__all__ = ["spoken"]
