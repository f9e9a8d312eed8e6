"""What a script computes with in place of its data: minibatches, rows to train on, scaled ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.audit.form import assigned, changed_in_place
from symgrad.audit.instrument import bindings
from symgrad.audit.targets import flat

Numbers = np.ndarray[Any, Any]

_SIZES = ("shape", "size", "ndim", "dtype")
"""Attributes by which no entry of an array is read."""


@dataclass(frozen=True)
class Parts:
    """Inputs of which a part is computed with, each with the variable that holds it.

    ``alone``: whether they are rows of the data, of which nothing else is read.
    """

    codes: Mapping[str, str]
    alone: bool


def parts_of(
    tree: ast.Module,
    arrays: Mapping[str, Numbers],
    data: Mapping[str, str],
    texts: Collection[str],
    is_wanted: Callable[[str], bool],
    *,
    in_objects: bool = False,
) -> Parts:
    """What is made of the data alone, and parameters and gradients are computed from.

    ``data``: the variables of inputs; ``texts``: their entries as they are read, ``X[batch]``;
    ``is_wanted``: whether a name is that of a parameter or of a gradient; ``in_objects``: whether
    objects hold them, so that what is told to objects may be computed with.
    """
    found: dict[str, str] = {}
    alone = True
    statements = (n for n in ast.walk(tree) if isinstance(n, ast.stmt))
    stored = stored_in(tree)
    modules = {name for statement in statements for name, _ in bindings(statement)}
    for scope in _scopes(tree):
        edges = {n: read for n, read in _edges(scope, texts).items() if n not in modules}
        local = _as_arguments(scope, data, arrays)
        known = {t: a for t, a in arrays.items() if t not in local.values()}
        known = {t: a for t, a in known.items() if t in texts or t in edges.keys() & stored}
        told = {name for node in _own(scope) for name, _ in _told(node)} if in_objects else set()
        wanted = {n for n in edges if n in told or is_wanted(n)}
        rows = {n: _parts(c, arrays, known, edges, wanted) for n, c in local.items()}
        rows = {n: several for n, several in rows.items() if several}
        stops = {t for several in rows.values() for t in several}
        whole = {base(c) for c in local.values()}
        start = wanted - stops - whole
        reached = _reached(start, edges, stops)
        for name, several in rows.items():
            used = [t for t in several if t in reached]
            if used and name not in found:
                found[name] = used[0]
                alone = alone and base(local[name]) not in reached
                alone = alone and _has_rows(arrays[used[0]], arrays[local[name]])
    return Parts(found, alone)


def _as_arguments(
    scope: ast.Module | ast.FunctionDef, data: Mapping[str, str], arrays: Mapping[str, Numbers]
) -> dict[str, str]:
    """The data as a function that is handed them calls them."""
    given = scope.args.args if isinstance(scope, ast.FunctionDef) else []
    names = [a.arg for a in given if a.arg in arrays and a.arg not in data.values()]
    return {
        n: next((a for a in names if _is_same(arrays[a], arrays.get(code))), code)
        for n, code in data.items()
    }


def _is_same(one: Numbers, other: Numbers | None) -> bool:
    """Whether two arrays have the same numbers, and more than one."""
    return other is not None and one.size > 1 and np.array_equal(one, other)


def base(code: str) -> str:
    """The variable in which something is held."""
    return re.split(r"[.\[]", code)[0]


def entries_of(tree: ast.AST, names: Collection[str]) -> set[str]:
    """The entries of arrays that are read, as they stand there: ``X[batch]``, ``y[i:j]``."""
    nodes = (n for n in ast.walk(tree) if isinstance(n, ast.Subscript))
    read = (n for n in nodes if isinstance(n.ctx, ast.Load) and ast.unparse(n.value) in names)
    return {ast.unparse(n) for n in read if not isinstance(n.slice, ast.Constant)}


def _parts(
    code: str,
    arrays: Mapping[str, Numbers],
    others: Mapping[str, Numbers],
    edges: Mapping[str, set[str]],
    wanted: Collection[str],
) -> list[str]:
    """What there is, among others, that has rows of an array alone, or is computed from it.

    It is made of that array, and of no parameter or gradient: of zeros there are rows by chance.
    """
    whole = arrays.get(code)
    if whole is None or not whole.ndim:
        return []
    made = {t for t, read in edges.items() if base(code) in read and arrays.get(t) is not None}
    made = {t for t in made if arrays[t].shape == whole.shape}
    rows = [t for t, array in others.items() if t in made or _has_rows(array, whole)]
    return [t for t in rows if base(code) in {base(n) for n in _reached({t}, edges, wanted)}]


def _has_rows(array: Numbers, whole: Numbers) -> bool:
    """Whether an array has rows of another alone, or columns."""
    turned = array.ndim == whole.ndim == 2 and _are_rows(array.T, whole.T)
    return turned or _are_rows(array, whole)


def _are_rows(array: Numbers, whole: Numbers) -> bool:
    same = array.ndim > 0 and array.shape[1:] == whole.shape[1:] and 0 < len(array) <= len(whole)
    if not same or array.dtype.kind != whole.dtype.kind:
        return False
    rows = {row.tobytes() for row in np.asarray(whole, dtype=float)}
    return all(row.tobytes() in rows for row in np.asarray(array, dtype=float))


def _reached(
    start: Collection[str], edges: Mapping[str, set[str]], stops: Collection[str]
) -> set[str]:
    """All that some names are computed from; what stops it is not looked behind."""
    found, left = set(start), list(start)
    while left:
        name = left.pop()
        more = set() if name in stops else edges.get(name, set()) - found
        found |= more
        left += more
    return found


def _scopes(tree: ast.Module) -> Iterator[ast.Module | ast.FunctionDef]:
    """Each function of a program, and the program: that also reads what its functions read."""
    yield from (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))
    yield tree


def _edges(scope: ast.Module | ast.FunctionDef, texts: Collection[str]) -> dict[str, set[str]]:
    """What each name is computed from in a scope; of a function, what it reads of the scope."""
    found: dict[str, set[str]] = {}
    for node in _own(scope):
        for name, read in (*_bound(node), *_told(node)):
            names = {n for part in read for n in _read(part, texts)}
            own = _stored(node) if isinstance(node, ast.FunctionDef) else set()
            found.setdefault(name, set()).update(names - own)
    return found


def _told(node: ast.AST) -> Iterator[tuple[str, list[ast.expr]]]:
    """An object of which a method is called, with the arguments of the call."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield base(ast.unparse(node.func)), [*node.args, *(k.value for k in node.keywords)]


def _bound(node: ast.AST) -> Iterator[tuple[str, Sequence[ast.AST]]]:
    """The names that a statement gives something, each with what that is made of."""
    if isinstance(node, ast.FunctionDef):
        yield node.name, node.body
    elif isinstance(node, ast.For):
        yield from ((base(ast.unparse(t)), [node.iter]) for t in flat(node.target))
    elif isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and node.value is not None:
        pairs = _pairs(node) or [(n, node.value) for n in assigned(node)]
        at = [n.slice for n in ast.walk(node) if isinstance(n, ast.Subscript) and _is_store(n)]
        yield from ((base(name), [value, *at]) for name, value in pairs)
    elif isinstance(node, ast.Expr):
        yield from ((base(name), [node]) for name in changed_in_place(node))


def _pairs(node: ast.stmt) -> list[tuple[str, ast.expr]]:
    """Of ``a, b = x, y``, each name with its own."""
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    value = node.value if isinstance(node, ast.Assign) else None
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return []
    if len(target.elts) != len(value.elts):
        return []
    pairs = zip(target.elts, value.elts, strict=True)
    return [(ast.unparse(t), v) for part, v in pairs for t in flat(part)]


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """The statements of a scope, without those inside functions that it defines."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            yield from _own(node)


def _read(node: ast.AST, texts: Collection[str]) -> set[str]:
    """The names whose entries are read, and the parts: not those of which only a size is."""
    if isinstance(node, ast.Attribute) and node.attr in _SIZES:
        return set()
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "len":
        return set()
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    if isinstance(node, ast.Subscript) and (text := ast.unparse(node)) in texts:
        return {text}
    return {name for part in ast.iter_child_nodes(node) for name in _read(part, texts)}


def stored_in(tree: ast.AST) -> set[str]:
    """The names that are assigned somewhere in a program."""
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and _is_store(n)}


def stored_outside(tree: ast.Module) -> set[str]:
    """The names that are assigned outside functions."""
    names = (n for n in _own(tree) if isinstance(n, ast.Name) and _is_store(n))
    return {n.id for n in names}


def turned_in(tree: ast.AST) -> set[str]:
    """The names of what loops go through."""
    loops = (n for n in ast.walk(tree) if isinstance(n, ast.For))
    return {ast.unparse(t) for loop in loops for t in flat(loop.target)}


def _stored(node: ast.FunctionDef) -> set[str]:
    return stored_in(node) | {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}


def _is_store(node: ast.Name | ast.Subscript) -> bool:
    return isinstance(node.ctx, ast.Store)
