"""Statements of programs: what they assign, what they are made of, and what they give back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Set
from functools import lru_cache
from typing import Any

from symgrad.audit.batches import base
from symgrad.audit.form import assigned, reads
from symgrad.audit.targets import changed_by, flat, holder, is_append
from symgrad.audit.walks import MOST, typed, walked


def parts(statement: ast.stmt) -> list[tuple[Any, ast.expr]]:
    """The expressions that a statement assigns or gives back, by the key or place in the whole."""
    if isinstance(statement, (ast.For, ast.If)):
        return [(None, head_of(statement))]
    if isinstance(statement, ast.FunctionDef):
        kept = (d for d in statement.args.kw_defaults if d is not None)
        defaults = (*statement.args.defaults, *kept)
        return [(None, d) for d in defaults if not _is_flag(d)]
    value = getattr(statement, "value", None)
    value = value.args[-1] if isinstance(value, ast.Call) and is_append(value) else value
    if isinstance(value, ast.Dict):
        pairs = zip(value.keys, value.values, strict=True)
        return [(k.value if isinstance(k, ast.Constant) else None, v) for k, v in pairs]
    if isinstance(value, (ast.Tuple, ast.List)):
        return [p for k, part in enumerate(value.elts) for p in _inner(k, part)]
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and not value.args:
        return [(k.arg, k.value) for k in value.keywords]
    return [] if value is None else [(None, value)]


def head_of(statement: ast.For | ast.If) -> ast.expr:
    """What a loop goes through, or a condition."""
    return statement.iter if isinstance(statement, ast.For) else statement.test


def conditions(statements: Iterable[ast.stmt]) -> dict[int, list[ast.stmt]]:
    """The conditions around each statement."""
    found: dict[int, list[ast.stmt]] = {}
    for node in (n for n in statements if isinstance(n, ast.If)):
        for inner in walked(node):
            found.setdefault(id(inner), []).extend([node] if inner is not node else [])
    return found


def _is_flag(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) not in (float, int)


def _inner(place: int, part: ast.expr) -> Iterator[tuple[Any, ast.expr]]:
    if isinstance(part, ast.Dict):
        pairs = zip(part.keys, part.values, strict=True)
        yield from ((k.value if isinstance(k, ast.Constant) else None, v) for k, v in pairs)
    else:
        yield place, part


@lru_cache(MOST)
def all_assigned(statement: ast.stmt) -> frozenset[str]:
    """What a statement assigns or changes, as records call it."""
    if isinstance(statement, ast.For):
        return frozenset(typed(t) for t in flat(statement.target))
    if isinstance(statement, ast.Expr):
        held = (holder(t) for t in changed_by(statement.value))
        return frozenset(typed(h) for h in held if h is not None)
    return assigned(statement)


def gives(statement: ast.stmt, code: str) -> bool:
    """Whether a statement assigns a value, or has it in what it gives back."""
    if code in all_assigned(statement):
        return True
    whole = isinstance(statement, (ast.FunctionDef, ast.For, ast.If))
    for node in walked(statement) if not whole else ():
        if isinstance(node, ast.Dict):
            if any(isinstance(k, ast.Constant) and k.value == code for k in node.keys):
                return True
        elif isinstance(node, ast.keyword) and node.arg == code:
            return True
    targets = {t for t in all_assigned(statement) if "[" in t}
    return any(ast.parse(t, mode="eval").body.slice.value == code for t in targets)  # type: ignore[attr-defined]


def keys_in(tree: ast.AST) -> Iterator[str]:
    """The words by which dictionaries are read, and made."""
    for node in walked(tree):
        keys = [node.slice] if isinstance(node, ast.Subscript) else getattr(node, "keys", [])
        for key in keys if isinstance(keys, list) else ():
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


def is_shared(statement: ast.stmt, name: str = "") -> bool:
    """Whether a statement gives an array, or that of a name, another name without a copy."""
    value = getattr(statement, "value", None)
    plain = isinstance(value, (ast.Name, ast.Attribute, ast.Subscript))
    return isinstance(statement, ast.Assign) and plain and name in ("", typed(statement.value))


def is_changed(statement: ast.stmt, around: ast.AST) -> bool:
    """Whether what a statement assigns is changed in place somewhere in its function."""
    names = {typed(t) for t in targets_of(statement)}
    return any(changes_in_place(s, names) for s in walked(around))


def changes_in_place(node: ast.AST, names: set[str]) -> bool:
    """Whether a statement changes the entries of an array of some name."""
    if isinstance(node, ast.AugAssign):
        held = holder(node.target)
        return held is not None and typed(held) in names
    if isinstance(node, ast.Assign):
        entries = [t for t in node.targets if isinstance(t, ast.Subscript)]
        return any((held := holder(t)) is not None and typed(held) in names for t in entries)
    return False


def passed(statement: ast.stmt, name: str) -> list[tuple[str, int]]:
    """The functions that a statement hands an array or a dictionary to, and in which place."""
    return [(function, k) for function, k, handed in _handed(statement) if handed == name]


@lru_cache(MOST)
def _handed(statement: ast.stmt) -> tuple[tuple[str, int, str], ...]:
    """The functions that a statement calls, with the names that it hands to them, by place."""
    simple = isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return))
    found = [n for n in walked(statement) if isinstance(n, ast.Call)] if simple else []
    return tuple(
        (n.func.id, k, a.id)
        for n in found
        if isinstance(n.func, ast.Name)
        for k, a in enumerate(n.args)
        if isinstance(a, ast.Name)
    )


def needed(statement: ast.stmt, code: str, depth: int) -> Set[str]:
    """The names that a statement needs for a value."""
    if isinstance(statement, ast.FunctionDef):
        return {
            n
            for d in (*statement.args.defaults, *statement.args.kw_defaults)
            if d is not None
            for n in reads(d)
        }
    if isinstance(statement, (ast.For, ast.If)):
        head = reads(head_of(statement))
        return {n.split("[")[0] for n in head} | head
    found = reads(statement)
    if depth == 0 and isinstance(statement, ast.Return) and isinstance(statement.value, ast.Dict):
        for key, value in zip(statement.value.keys, statement.value.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == code:
                found = reads(value)
    base = {n.split("[")[0] for n in found}
    return found | base | all_assigned(statement)


def operators(statement: ast.stmt) -> set[str]:
    """The methods that the operators of a statement call."""
    return {OPERATORS.get(type(node), "") for node in ast.walk(statement)}


OPERATORS = {
    ast.Add: "__add__",
    ast.Sub: "__sub__",
    ast.Mult: "__mul__",
    ast.Div: "__truediv__",
    ast.Pow: "__pow__",
    ast.MatMult: "__matmul__",
    ast.USub: "__neg__",
}
"""What a class calls an operator."""


def calls(statement: ast.stmt, function: str) -> bool:
    """Whether a statement calls a function by its name, or a method of some object."""
    simple = isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return))
    called = [n.func for n in walked(statement) if isinstance(n, ast.Call)] if simple else []
    names = (f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in called)
    return function in names


def origin(tree: ast.AST, code: str) -> str:
    """The variable that something is handed out of: in ``{"W1": dW1}`` dW1, else its own name."""
    for node in walked(tree):
        if isinstance(node, (ast.Return, ast.Assign)):
            for key, value in parts(node):
                if key == code and isinstance(value, (ast.Name, ast.Attribute)):
                    return typed(value)
    return code


def line_of_what_fills(tree: ast.AST, code: str) -> int | None:
    """The line that has an object compute what it holds, or assigns what a gradient is in.

    Of ``net.layers[0].dW`` the line with ``net.backward(d)``; of ``grads["W"]`` the last that
    assigns ``grads``.  None where there is neither.
    """
    held = base(code)
    nodes = [n for n in walked(tree) if isinstance(n, ast.stmt) and held != code]
    called = [n.lineno for n in nodes for c in _called(n) if re.fullmatch(rf"{held}\..*", c)]
    passes = [n.lineno for n in nodes for c in _called(n) if re.match(rf"{held}\..*{_PASS}", c)]
    made = [n.lineno for n in nodes if held in map(typed, targets_of(n))]
    return next((lines[-1] for lines in (passes, called, made) if lines), None)


_PASS = r"(back|grad|bprop|deriv)"
"""What methods are called that compute gradients."""


def _called(statement: ast.stmt) -> Iterator[str]:
    """The functions that a statement calls, those in its body left out."""
    value = getattr(statement, "value", None)
    calls = (n for n in ast.walk(value) if isinstance(n, ast.Call)) if value is not None else ()
    yield from (typed(call.func) for call in calls)


def targets_of(statement: ast.stmt) -> list[ast.expr]:
    """What a statement assigns to, as it is typed."""
    if isinstance(statement, ast.Assign):
        return [t for target in statement.targets for t in flat(target)]
    if isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        return [statement.target]
    return []


def is_known_in(inner: ast.FunctionDef | None, outer: ast.FunctionDef | None, line: int) -> bool:
    """Whether a function knows what a line of another assigns: it is made in that, or is it."""
    if inner is None or outer is None:
        return False
    return line == inner.lineno or outer.lineno < inner.lineno <= (outer.end_lineno or 0)


def number_of(node: ast.expr) -> float | None:
    """The number that an expression is as it is typed; None where it is none."""
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return float(value) if isinstance(value, (int, float)) else None
