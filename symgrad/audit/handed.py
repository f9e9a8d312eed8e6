"""What a program hands out, by what it is called there."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symgrad.audit.compare import numbers
from symgrad.audit.form import Form, definitions
from symgrad.audit.instrument import STEP
from symgrad.audit.names import is_called_gradient
from symgrad.audit.reference import Truth
from symgrad.audit.roles import Roles
from symgrad.audit.runner import Run
from symgrad.audit.source import Source

MOST_UNKNOWN = 8
"""So many things that match no gradient are told of."""


def handed_out(run: Run, form: Form, returned: Sequence[str]) -> dict[str, Any]:
    """What a run hands out, by what it is called in the program; vectors in their parts too."""
    found = _whole(run, form, returned)
    for code, parts in form.packed.items():
        vector = numbers(found.get(code))
        if vector is not None and vector.size == parts[-1].end:
            found |= {f"{code}[{p.start}:{p.end}]": p.of(vector) for p in parts}
    return found


def _whole(run: Run, form: Form, returned: Sequence[str]) -> dict[str, Any]:
    kinds = [kind for kind, _ in form.calls]
    steps = {c: run.last[c] / by for c, by in form.steps.items() if c in run.last}
    if form.script or (form.plan.steps and "held" not in kinds):
        return dict(_entries(run.last if form.script else {})) | steps
    if "held" not in kinds:
        return dict(_named(run.out, returned))
    results = run.out or []
    found = _given_back(results, returned)
    held = {f"self.{n}": v for n, v in (results[-1] or {}).items()} if results else {}
    local = {n: v for n, v in _entries(run.last) if n != "return" and n not in held}
    local = {n: v for n, v in local.items() if not n.startswith(STEP)} | steps
    return {**found, **{k: v for k, v in _entries(held) if k not in found}, **local}


def _given_back(results: Sequence[Any], returned: Sequence[str]) -> dict[str, Any]:
    """What the methods of an object gave back, that of the last first."""
    found: dict[str, Any] = {}
    for result in results[:-1][::-1]:
        found |= {n: v for n, v in _named(result, returned) if n not in found}
    return found


def keyed(run: Run, form: Form, given: Truth) -> set[str]:
    """The words under which a method gave back what is no parameter: gradients, perhaps."""
    held = "held" in [kind for kind, _ in form.calls] and not form.plan.steps
    last = (run.out or [])[:-1][-1:] if held else []
    words = last[0] if last and isinstance(last[0], dict) else {}
    arrays = {k: np.asarray(v) for k, v in words.items() if numbers(v) is not None}
    inputs = given.given.items()
    same = {n for n, own in inputs if n in arrays and np.array_equal(own, arrays[n])}
    return {k for k in arrays if isinstance(k, str)} - same


def _entries(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values and those in dictionaries, under the names of their entries, and in objects."""
    for name, value in values.items():
        if value is not None and name != "return":
            yield from _inside(name, value)


def _inside(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What something holds, called as the program would; a list of arrays is a value itself."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _inside(_entry(name, key), entry)
    elif isinstance(value, list) and (_holds_others(value) or numbers(value) is None):
        for number, entry in enumerate(value):
            yield from _inside(f"{name}[{number}]", entry)
    else:
        yield name, value


def _holds_others(value: Sequence[Any]) -> bool:
    return any(isinstance(v, (dict, list)) for v in value)


def _entry(name: str, key: Any) -> str:
    """What an entry of a dictionary is called, or an attribute of an object: its key has a dot."""
    dotted = isinstance(key, str) and key.startswith(".")
    return f"{name}{key}" if dotted else f"{name}[{key!r}]"


def _named(out: Any, returned: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """What a function returned: by its keys, or as its return statement calls it."""
    found = list(_paths(out, returned))
    short = Counter(name for name, _, _ in found)
    for name, path, value in found:
        yield (name if short[name] == 1 else path), value


def _paths(out: Any, returned: Sequence[str], path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Each value with a short name, the key that it has, and one that tells where it stands."""
    if isinstance(out, dict):
        for key, value in out.items():
            name = str(key).lstrip(".")
            whole = _entry(path, key) if path else name
            if isinstance(value, dict):
                yield from _paths(value, (), whole)
            else:
                of_a_value = path.isidentifier() and str(key).startswith(".")
                yield (whole if of_a_value else name), whole, value
    elif isinstance(out, list):
        known = returned if len(returned) > 1 or len(out) == 1 else ()
        more = range(len(known), len(out))
        names = [*known, *(f"{path or 'result'}[{k}]" for k in more)]
        for name, value in zip(names, out, strict=False):
            several = not _is_of_numbers(value) or _is_written_out(name)
            if isinstance(value, (dict, list)) and several:
                inner = () if isinstance(value, dict) else _inner_names(name, len(value))
                yield from _paths(value, inner, name)
            else:
                yield name, name, value
    elif out is not None:
        name = returned[0] if returned else "result"
        yield name, name, out


def _is_of_numbers(value: Any) -> bool:
    """Whether something is a list of numbers, or of rows of them: it is an array itself."""
    rows = value if isinstance(value, list) and value else [None]
    return all(_is_of_numbers(v) if isinstance(v, list) else _is_number(v) for v in rows)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or getattr(value, "shape", None) == ()


def _is_written_out(name: str) -> bool:
    """Whether what a function gives back is a tuple there, of things that have names."""
    try:
        node = ast.parse(name, mode="eval").body
    except SyntaxError:
        return False
    return isinstance(node, ast.Tuple) and all(isinstance(p, ast.Name) for p in node.elts)


def _inner_names(name: str, count: int) -> list[str]:
    """What the parts of a tuple are called that is given back with others."""
    try:
        node = ast.parse(name, mode="eval").body
    except SyntaxError:
        node = ast.Constant(None)
    parts = node.elts if isinstance(node, (ast.Tuple, ast.List)) else []
    return [*map(ast.unparse, parts), *(f"{name}[{k}]" for k in range(len(parts), count))]


def returned_names(tree: ast.AST, form: Form) -> list[str]:
    """What the function that is called calls what it returns."""
    found = definitions(tree)
    for name in reversed(form.scope):
        node = found.get(name)
        returns = [n for n in ast.walk(node) if isinstance(n, ast.Return)] if node else []
        gives = [n.value for n in ast.walk(node) if isinstance(n, ast.Yield)] if node else []
        if gives and all(gives):
            return [ast.unparse(value) for value in gives if value is not None]
        if returns and returns[-1].value is not None:
            value = returns[-1].value
            parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value]
            return [p.id if isinstance(p, ast.Name) else ast.unparse(p) for p in parts]
    return []


def unknown(
    found: Mapping[str, Any], form: Form, known: Collection[str], truth: Truth
) -> list[str]:
    """What may be a gradient that is called otherwise: no value of the spec, and not known."""
    explicit = not form.script and "held" not in [kind for kind, _ in form.calls]
    roles = Roles(truth)
    left = [c for c in found if c not in known and (explicit or is_called_gradient(c))]
    arrays = {c: a for c in left if (a := numbers(found[c])) is not None and a.ndim}
    of = {c: roles.of(a) for c, a in arrays.items()}
    return [c for c, role in of.items() if role is None or role.kind == "gradient"][:MOST_UNKNOWN]


def once(codes: Mapping[str, str], found: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Gradients, each under one name of objects that hold it: ``fc1.dW``, ``layers[0].dW``."""
    first: dict[tuple[object, ...], str] = {}
    for code, name in codes.items():
        arrays = [numbers(f.get(code)) for f in found]
        known = "." in code and all(a is not None for a in arrays)
        key = (name, *(a.tobytes() for a in arrays if a is not None)) if known else (code,)
        first.setdefault(key, code)
    return {c: codes[c] for c in first.values()}


def numbers_of(run: Run) -> dict[str, Any]:
    """All arrays that a run assigned, or gave back."""
    found = {k: numbers(v) for k, v in run.last.items() if k != "return"}
    out = run.out if isinstance(run.out, dict) else dict(enumerate(run.out or []))
    found |= {str(k): numbers(v) for k, v in out.items()}
    return {k: v for k, v in found.items() if v is not None}


def least_exact(runs: Sequence[Run], source: Source) -> str:
    """The least exact floats that the program computes with."""
    kinds = {
        np.asarray(value).dtype.str[1:]
        for run in runs
        for _, _, value in run.records
        if isinstance(value, np.ndarray)
    }
    least = [k for k in ("f2", "f4") if k in kinds]
    if least:
        return least[0]
    return "f4" if "float32" in source.text else "f8"
