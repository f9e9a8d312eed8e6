"""Which inputs of a spec the arguments of a function get."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from symgrad.audit.names import inputs_called
from symgrad.audit.source import Source
from symgrad.errors import SpecError

Held = dict[str, Any] | list[Any]
"""What an argument holds: inputs by words, or in tuples."""


def arguments_of(node: ast.FunctionDef) -> list[str]:
    """The names of the arguments of a function; of a class method without the class."""
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    decorators = {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
    return names[1:] if "classmethod" in decorators else names


def bound(
    node: ast.FunctionDef,
    source: Source,
    inputs: Collection[str],
    given: Mapping[str, str],
    *,
    results: Mapping[str, tuple[str, int]] | None = None,
    used: Collection[str] | None = None,
) -> dict[str, Any]:
    """The inputs that each argument of a function gets.

    An argument that no input is called like gets what is left: one, in order, or a dictionary or
    tuple of all; one with a default keeps it.  ``used``: of a method, what the forward pass took.
    """
    method = used is not None
    asked = arguments_of(node)[1:] if method else arguments_of(node)
    late = node.args.args[len(node.args.args) - len(node.args.defaults) :]
    keyed = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    default = {a.arg for a in late} | {a.arg for a, d in keyed if d is not None}
    found: dict[str, Any] = {}
    left = list(inputs)
    for value, code in given.items():
        if code in asked and value in left:
            found[code] = value
            left.remove(value)
    for value in list(left):
        free = [a for a in asked if a not in found]
        known = next(inputs_called(value, free), None)
        if known is not None:
            found[known] = value
            left.remove(value)
    if node.args.kwarg is not None and not method:
        return found | {name: name for name in left}
    rest = [a for a in asked if a not in found and a not in default]
    left = [n for n in left if n not in (used or ())]
    if node.args.vararg is not None and not method and len(rest) <= len(left):
        some, others = left[: len(rest)], left[len(rest) :]
        star = _unpacked_star(node, node.args.vararg.arg, others) or others
        return found | dict(zip(rest, some, strict=True)) | {node.args.vararg.arg: star}
    return found | _left_over(node, source, rest, left, results or {})


def _unpacked_star(node: ast.FunctionDef, name: str, inputs: Sequence[str]) -> list[Any]:
    """The inputs in the order in which they are unpacked from ``*args``."""
    return next((f for part in ast.walk(node) if (f := _unpacked(part, name, inputs))), [])


def _left_over(
    node: ast.FunctionDef,
    source: Source,
    rest: list[str],
    left: list[str],
    results: Mapping[str, tuple[str, int]],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in list(rest):
        held = _held(node, name, left)
        if held:
            found[name] = held
            rest.remove(name)
            left = [n for n in left if n not in names_in(held)]
    if len(rest) == 1 < len(left) and not results and _is_sliced(node, rest[0]):
        return found | {rest[0]: ("flat", tuple(left))}
    if len(rest) == len(left) and not results:
        return found | dict(zip(rest, left, strict=True))
    for name in rest:
        if name in (results or {}) or (results and not left):
            found[name] = results.get(name, next(iter(results.values())))
        elif left:
            found[name] = left.pop(0)
        else:
            raise SpecError(
                f"{source.file}: no input of the spec is known for the argument {name!r} of "
                f"{node.name}",
                hint=f"say which: --inputs NAME={name}",
            )
    return found


def _held(node: ast.FunctionDef, name: str, inputs: Iterable[str]) -> Held:
    """The inputs that an argument holds: by keys that are read of it, or unpacked from it."""
    left = list(inputs)
    for part in ast.walk(node):
        unpacked = _unpacked(part, name, left)
        if unpacked:
            return unpacked
    layers = _layers(node, name, left)
    if layers:
        return layers
    spoken = {key: _called_so(key, left) for key in _keys(node, name)}
    if not spoken and _has_computed_keys(node, name):
        return {value: value for value in left}
    return {key: value for key, value in spoken.items() if value is not None}


def _called_so(name: str, inputs: Iterable[str]) -> str | None:
    """The input that is called by a name."""
    return next((v for v in inputs if name in set(inputs_called(v, [name]))), None)


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_sliced(node: ast.AST, name: str) -> bool:
    """Whether an argument is one vector of all that is left: its parts are taken by slices."""
    read = (p for p in ast.walk(node) if isinstance(p, ast.Subscript) and _is(p.value, name))
    return any(isinstance(p.slice, ast.Slice) for p in read)


def _keys(node: ast.AST, name: str) -> Iterator[str]:
    """The words by which entries of an argument are read."""
    for part in ast.walk(node):
        place: ast.AST | None = None
        if isinstance(part, ast.Subscript) and _is(part.value, name):
            place = part.slice
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.args:
            place = part.args[0] if part.func.attr == "get" and _is(part.func.value, name) else None
        if isinstance(place, ast.Constant) and isinstance(place.value, str):
            yield place.value


def _has_computed_keys(node: ast.AST, name: str) -> bool:
    """Whether words are made to read an argument: ``p["W" + str(i)]``, ``p[k] for k in ...``."""
    words = (ast.JoinedStr, ast.BinOp, ast.Name)
    read = [p for p in ast.walk(node) if isinstance(p, ast.Subscript) and _is(p.value, name)]
    made = any(isinstance(p.slice, words) and _is_word(p.slice, node) for p in read)
    whole = (p for p in ast.walk(node) if isinstance(p, ast.Attribute) and _is(p.value, name))
    return made or any(p.attr in ("items", "keys", "values") for p in whole)


def _is_word(place: ast.AST, node: ast.AST) -> bool:
    """Whether an index is a word: it is made of one, or goes through some."""
    parts = list(ast.walk(place))
    names = {p.id for p in parts if isinstance(p, ast.Name)}
    loops = [p for p in ast.walk(node) if isinstance(p, (ast.For, ast.comprehension))]
    through = [q for p in loops if ast.unparse(p.target) in names for q in ast.walk(p.iter)]
    constants = (p.value for p in (*parts, *through) if isinstance(p, ast.Constant))
    return "str" in names or any(isinstance(c, str) for c in constants)


def _unpacked(part: ast.AST, name: str, inputs: Sequence[str]) -> list[Any]:
    """The inputs that are unpacked from an argument, in tuples as they are there."""
    if not isinstance(part, ast.Assign) or not _is(part.value, name):
        return []
    target = part.targets[0]
    return _matching(target, inputs) or [] if isinstance(target, (ast.Tuple, ast.List)) else []


def _matching(target: ast.Tuple | ast.List, inputs: Sequence[str]) -> list[Any] | None:
    """The inputs that the names in a tuple are called like; None where one is called otherwise."""
    found = [
        _matching(t, inputs)
        if isinstance(t, (ast.Tuple, ast.List))
        else _called_so(ast.unparse(t), inputs)
        for t in target.elts
    ]
    return None if any(f is None for f in found) else found


def _layers(node: ast.AST, name: str, inputs: Sequence[str]) -> list[Any]:
    """The inputs in a list of layers: ``for W, b in layers``, or ``layers[k]["W"]``."""
    for part in ast.walk(node):
        if isinstance(part, (ast.For, ast.comprehension)) and isinstance(part.target, ast.Tuple):
            names = [ast.unparse(t) for t in part.target.elts]
            if _is(part.iter, name) and (rows := _rows(names, inputs)):
                return [list(row.values()) for row in rows]
    keyed = [p for p in ast.walk(node) if isinstance(p, ast.Subscript)]
    inner = (
        p.slice for p in keyed if isinstance(p.value, ast.Subscript) and _is(p.value.value, name)
    )
    words = dict.fromkeys(str(s.value) for s in inner if isinstance(s, ast.Constant))
    return _rows([w for w in words if w.isidentifier()], inputs)


def _rows(names: Sequence[str], inputs: Sequence[str]) -> list[dict[str, str]]:
    """For each number that inputs end with, those of some names: W and b of W1, b1, W2, b2."""
    numbered = [m for v in inputs if (m := re.fullmatch(r"(\w*?)_?(\d+)", v))]
    rows: dict[str, dict[str, str]] = {}
    for found in numbered:
        key = next((n for n in names if n.lower() == found[1].lower()), None)
        if key is not None:
            rows.setdefault(found[2], {})[key] = found[0]
    ordered = [rows[number] for number in sorted(rows, key=int)]
    whole = len(names) > 0 and all(len(row) == len(names) for row in ordered)
    return [{n: row[n] for n in names} for row in ordered] if whole else []


def names_in(held: Any) -> list[str]:
    """The inputs in what an argument holds."""
    if isinstance(held, str):
        return [held]
    inner = held.values() if isinstance(held, dict) else held
    return [name for part in inner for name in names_in(part)]


def placed(node: ast.FunctionDef, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments of which those that have no names of their own stand under a star, in order."""
    first = [a.arg for a in node.args.posonlyargs]
    star = node.args.vararg.arg if node.args.vararg is not None else None
    first += [a.arg for a in node.args.args] if star in arguments else []
    if not first and star not in arguments:
        return arguments
    before = [arguments[name] for name in first if name in arguments]
    rest = {k: v for k, v in arguments.items() if k not in (*first, star)}
    return {**rest, "*": [*before, *arguments.get(star or "", [])]}


def bound_some(
    node: ast.FunctionDef, source: Source, data: Collection[str], given: Mapping[str, str]
) -> dict[str, Any]:
    """The inputs that a forward pass takes, which need not be all."""
    asked = [a.arg for a in node.args.args[1:]]
    default = {a.arg for a in node.args.args[len(node.args.args) - len(node.args.defaults) :]}
    back = {code: value for value, code in given.items()}
    found: dict[str, Any] = {}
    for code in asked:
        fitting = (v for v in data if v not in found.values() and list(inputs_called(v, [code])))
        value = back.get(code) or next(fitting, None)
        if value is None and code not in default:
            value = next((v for v in data if v not in found.values()), None)
        if value is not None:
            found[code] = value
    return found
