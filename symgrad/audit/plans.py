"""Where the inputs of a script are replaced."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence

from symgrad.audit.batches import base, stored_in, stored_outside, turned_in
from symgrad.audit.form import assigned, changed_in_place, reads
from symgrad.audit.instrument import Plan
from symgrad.audit.names import is_called_gradient
from symgrad.audit.runner import Run
from symgrad.audit.source import bodies
from symgrad.audit.targets import flat
from symgrad.audit.turns import only_fills, only_sets, training_loops, watched_loops
from symgrad.audit.walks import typed, walked


class Places:
    """The names of a script by where they are assigned."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.stored = stored_in(tree)
        self.outer = stored_outside(tree)
        self.turned = turned_in(tree)
        """Those that loops go through: what they hold has a name of its own."""

    def has(self, code: str) -> bool:
        """Whether there is a statement after which something, or what holds it, is replaced."""
        names = dict.fromkeys((code, base(code)))
        return any(_given_at(self.tree, name, (), {}) is not None for name in names)


def script_plan(
    tree: ast.Module,
    names: Collection[str],
    containers: Collection[str] = (),
    data: Collection[str] = (),
    lines: Mapping[str, Sequence[int]] | None = None,
) -> Plan:
    """Where inputs are replaced: after the last of their assignments before something reads them.

    ``names``: the variables that hold inputs; ``containers``: dictionaries and lists of them.  The
    loops that assign one again are training loops, but for loops in functions that assign ``data``:
    these go through layers.
    """
    gives: dict[int, list[tuple[str, bool]]] = {}
    done: set[str] = set()
    for name in names:
        line = _given_at(tree, name, names, lines or {})
        if line is not None:
            done.add(name)
            gives.setdefault(line, []).append((name, False))
    parts = [n for n in names if is_part(n)]
    held = {n: base(n) for n in names if base(n) != n and n not in done}
    holders = {of for n, of in held.items() if n not in parts}
    for name in sorted(holders):
        line = _given_at(tree, name, names, lines or {})
        if line is not None:
            gives.setdefault(line, []).append((name, True))
    own = {*names, *holders, *containers}
    found = training_loops(tree, own, gives, data, containers)
    inside = {h: [n for n, of in held.items() if of == h] for h in holders}
    params = tuple(n for n in names if n not in data)
    watched = watched_loops(tree, found, gives, params)
    loops = [line for line, direct in found.items() if direct]
    return Plan(gives, loops, watched, params, parts=parts, held=inside)


def _given_at(
    tree: ast.Module, name: str, names: Collection[str], lines: Mapping[str, Sequence[int]]
) -> int | None:
    """The line after which a name is replaced; ``lines``: those that assign it, as they are run."""
    told = lines.get(name, ())
    found = [(body, _placed_in(body, name, names)) for body in bodies(tree)]
    known = [(body, line) for body, line in found if line is not None]
    first = (line for body, line in known if any(s.lineno in told[:1] for s in body))
    early = (line for line in told if line in [at for _, at in known])
    return next(first, next(early, next((line for _, line in known), None)))


def _placed_in(body: list[ast.stmt], name: str, inputs: Collection[str]) -> int | None:
    """The line of some statements after which a name is replaced."""
    last = _last_assignment(body, name, inputs)
    return _loop_over(body, name) if last is None else last


def is_part(code: str) -> bool:
    """Whether something is a part that has no name of its own: ``X[batch]``."""
    node = ast.parse(code, mode="eval").body
    return isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant)


def _last_assignment(body: list[ast.stmt], name: str, inputs: Collection[str]) -> int | None:
    """The line after which a variable is an input: it is prepared by then, and not yet read.

    What is read for its own sake prepares it: ``mu = X.mean(0)`` before ``X = X - mu``.
    """
    new = (k for k, s in enumerate(body) if name in assigned(s) and name not in reads(s))
    first = next(new, None)
    if first is None:
        return None
    last, whole = first, name.split("[")[0]
    others, prepared = {*inputs} - {name}, set[str]()
    for k in range(first + 1, len(body)):
        statement = body[k]
        changed = name in assigned(statement) | changed_in_place(statement)
        changed = changed or only_fills(statement, name) or only_sets(statement, name)
        if changed and (not prepared or prepared & reads(statement)):
            last, prepared = k, set()
        elif _only_shows(statement):
            continue
        elif name in reads(statement) or (whole != name and whole in reads(statement)):
            own = _prepares(statement, others)
            if not own:
                break
            prepared |= own - others  # what is an input itself is replaced anyway
        elif not isinstance(statement, _PLAIN):
            break
    return body[last].lineno


def _prepares(statement: ast.stmt, others: Collection[str]) -> frozenset[str]:
    """What a statement computes from an input alone, to prepare it; no gradients."""
    own = assigned(statement) if isinstance(statement, ast.Assign) else frozenset()
    return frozenset() if {*others} & reads(statement) or any(map(is_called_gradient, own)) else own


def _loop_over(body: list[ast.stmt], name: str) -> int | None:
    """The loop that assigns a variable in each turn: ``for xb, yb in batches:``."""
    loops = (s for s in body if isinstance(s, ast.For))
    return next((s.lineno for s in loops if name in map(ast.unparse, flat(s.target))), None)


def _only_shows(statement: ast.stmt) -> bool:
    """Whether a statement prints, plots, or asks whether something holds."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    called = ast.unparse(value.func).split(".")[0] if isinstance(value, ast.Call) else ""
    return isinstance(statement, ast.Assert) or called in ("print", "display", "plt")


_PLAIN = (
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr),
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef),
)
"""Statements that are run once, or none that runs."""


def made_late(tree: ast.Module, codes: Mapping[str, str], run: Run) -> dict[str, str]:
    """The inputs that objects of a script make later than themselves, as they call them there.

    Of ``model.fit(X, y)``, which begins with ``self.w = np.zeros(n)``, that is ``self.w``.
    """
    first = {target: line for line, target, _ in reversed(run.records)}
    late = {
        line
        for method in _late(tree)
        for line in range(method.lineno, (method.end_lineno or 0) + 1)
    }
    own = {n: f"self.{c.partition('.')[2]}" for n, c in codes.items() if "." in c}
    return {n: c for n, c in own.items() if first.get(c) in late}


def _late(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """The methods that are not run when an object is made."""
    for kind in (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)):
        methods = {m.name: m for m in kind.body if isinstance(m, ast.FunctionDef)}
        early, left = {"__init__"}, ["__init__"]
        while left:
            method = methods.get(left.pop())
            nodes = (n for n in walked(method) if isinstance(n, ast.Call)) if method else ()
            called = {c.removeprefix("self.") for n in nodes if (c := typed(n.func))}
            left += called - early
            early |= called
        yield from (m for name, m in methods.items() if name not in early)
