"""Arrays under two names: views, and the parts that a loop goes through."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from symgrad.audit.targets import changed_by, flat, holder
from symgrad.audit.walks import typed, walked

VIEWS = ("reshape", "ravel", "asarray", "view", "transpose", "swapaxes", "squeeze")
"""Functions and methods that may give the same entries under another name."""


def views(around: ast.AST, name: str) -> set[str]:
    """The other names that an array, or parts of it, have in a function."""
    pairs = [pair for node in walked(around) for pair in _bound(node)]
    found, more = {name}, {name}
    while more:
        more = {own for own, base in pairs if base in found} - found
        found |= more
    return found - {name}


def _bound(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The names that a loop or an assignment makes, each with that of the array it is of."""
    if isinstance(node, ast.For):
        for target, iterated in _in_turn(node.target, node.iter):
            yield from ((typed(t), base_of(iterated)) for t in flat(target))
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        yield from [(target.id, base_of(node.value))] if isinstance(target, ast.Name) else []


def _in_turn(target: ast.expr, iterated: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What a loop assigns in each turn, beside what it goes through: zip and enumerate opened."""
    called = typed(iterated.func) if isinstance(iterated, ast.Call) else ""
    parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
    if called == "zip" and isinstance(iterated, ast.Call) and len(parts) == len(iterated.args):
        for part, inner in zip(parts, iterated.args, strict=True):
            yield from _in_turn(part, inner)
    elif called == "enumerate" and isinstance(iterated, ast.Call) and len(parts) == 2:
        yield from _in_turn(parts[1], iterated.args[0])
    elif called in ("reversed", "list") and isinstance(iterated, ast.Call) and iterated.args:
        yield from _in_turn(target, iterated.args[0])
    elif rows := _rows(iterated, len(parts)):
        for k, part in enumerate(parts):
            yield from _in_turn(part, ast.Tuple([row[k] for row in rows], ast.Load()))
    else:
        yield target, iterated


def _rows(iterated: ast.expr, length: int) -> list[list[ast.expr]]:
    """The tuples of which a list is written, where they are so long: ``[(W, dW), (b, db)]``."""
    elements = iterated.elts if isinstance(iterated, (ast.Tuple, ast.List)) else []
    rows = [e.elts for e in elements if isinstance(e, (ast.Tuple, ast.List))]
    same = len(rows) == len(elements) and all(len(row) == length for row in rows)
    return rows if same and length else []


def base_of(node: ast.expr) -> str:
    """The array that an expression is a view of; '' where it is an array of its own."""
    while (whole := _viewed(node)) is not None:
        node = whole
    plain = isinstance(node, (ast.Name, ast.Attribute, ast.Subscript))
    return typed(node) if plain else ""


def _viewed(node: ast.expr) -> ast.expr | None:
    """What an expression takes a part of, or lays otherwise."""
    if isinstance(node, ast.Subscript) and not _is_key(node.slice):
        return node.value
    if isinstance(node, ast.Attribute) and node.attr in ("T", "flat"):
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.value if node.func.attr in VIEWS else None
    return None


def _is_key(index: ast.expr) -> bool:
    return isinstance(index, ast.Constant) and isinstance(index.value, str)


def filled_in_turn(loop: ast.For) -> Iterator[ast.expr]:
    """The arrays that a loop goes through and fills: ``for a in A: a[...] = 0``."""
    yield from gone_through(loop, {name for node in walked(loop) for name in _filled(node)})


def added_to_in_turn(loop: ast.For) -> Iterator[ast.expr]:
    """The arrays that a loop goes through and changes in place: ``for a in A: a += b``."""
    again = (node.target for node in walked(loop) if isinstance(node, ast.AugAssign))
    yield from gone_through(loop, {t.id for t in again if isinstance(t, ast.Name)})


def gone_through(loop: ast.For, changed: set[str]) -> Iterator[ast.expr]:
    """The arrays that a loop goes through under the names of what it changes."""
    for target, iterated in _in_turn(loop.target, loop.iter):
        several = iterated.elts if isinstance(iterated, (ast.Tuple, ast.List)) else [iterated]
        bases = [base for part in several if (base := base_of(part))]
        if changed & {typed(t) for t in flat(target)}:
            yield from (ast.parse(base, mode="eval").body for base in bases)


def _filled(node: ast.AST) -> Iterator[str]:
    """What a statement fills the entries of, or a call its ``out``."""
    targets: list[ast.expr] = list(node.targets) if isinstance(node, ast.Assign) else []
    targets += [node.target] if isinstance(node, ast.AugAssign) else []
    entries = (t for t in targets if isinstance(t, ast.Subscript))
    held = [h for t in entries if (h := holder(t)) is not None]
    held += list(changed_by(node.value)) if isinstance(node, ast.Expr) else []
    yield from (typed(h) for h in held)
