"""Gradients that stand only in the change of a parameter: ``W -= lr * X.T @ d``."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

import numpy as np

from symgrad.audit.compare import TOLERANCE, compared, is_turned
from symgrad.audit.form import Form, assigned, definitions, reads
from symgrad.audit.handed import returned_names
from symgrad.audit.instrument import STEP, Plan
from symgrad.audit.names import inputs_called, is_held_as_gradient
from symgrad.audit.plans import script_plan
from symgrad.audit.reference import Truth
from symgrad.audit.runner import Run
from symgrad.audit.source import Source
from symgrad.audit.turns import training_loops
from symgrad.audit.walks import typed, walked

RATE = re.compile(
    r"(^|_)(lr|l_r|eta|alpha|rate|lrate|learning_?rate|step_?size|learn_?rate|eps(ilon)?)(_?\w?|0)$",
    re.IGNORECASE,
)
"""How people call what a gradient is multiplied by before it is subtracted."""


def with_steps(form: Form, source: Source, wrt: Collection[str]) -> Form:
    """The form of a function that gives back its parameters changed: the first turn counts."""
    name, arguments = dict(form.calls)["function"]
    codes = {v: code for code, v in _held(arguments) if v in wrt}
    node = definitions(source.tree).get(name)
    if node is None:
        return form
    own = _made_inside(node, [v for v in wrt if v not in codes])
    codes |= own
    steps = stepping(node, codes.values(), ())
    changed = {code.split("[")[0] for several in steps.values() for code in several}
    if changed.isdisjoint(returned_names(source.tree, form)):
        return form
    gives = script_plan(ast.Module(node.body, []), own.values()).gives if own else {}
    loops = [*training_loops(node, codes.values(), gives)]
    steps = stepping(node, codes.values(), gives)
    return replace(form, plan=Plan(gives, loops=loops, steps=steps), inputs=codes)


def _made_inside(node: ast.AST, names: Collection[str]) -> dict[str, str]:
    """The variables in which a function that trains makes the parameters that it is not given."""
    statements = [n for n in ast.walk(node) if isinstance(n, ast.stmt)]
    stored = sorted({code for s in statements for code in assigned(s)})
    found = ((n, next(inputs_called(n, stored), None)) for n in names)
    return {n: code for n, code in found if code is not None}


def with_changes(form: Form, source: Source, wrt: Collection[str], cls: str) -> Form:
    """The form of a class that changes its own parameters in its backward pass."""
    node = definitions(source.tree)[cls]
    statements = [n for n in walked(node) if isinstance(n, ast.stmt)]
    keyed = {code for s in statements for code in assigned(s) if code.endswith("']")}
    params = (code for code in sorted(keyed) if not is_held_as_gradient(code))
    keys = {code.split("['")[-1][:-2]: code for code in params}
    codes = {v: keys.get(v, f"self.{v}") for v in wrt}
    steps = stepping(node, codes.values(), ())
    return replace(form, plan=Plan(steps=steps), inputs=codes) if steps else form


def _held(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Arguments, and entries of them, with the inputs that they hold."""
    for name, value in arguments.items():
        if isinstance(value, dict):
            yield from ((f"{name}[{key!r}]", inner) for key, inner in value.items())
        elif isinstance(value, str):
            yield name, value


def stepping(
    tree: ast.AST, parameters: Collection[str], given: Collection[int]
) -> dict[int, Sequence[str]]:
    """The lines that change parameters by what they read of them: each with the parameters."""
    found: dict[int, Sequence[str]] = {}
    own = _locals(tree)
    for node in walked(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign)) and node.lineno not in given:
            again = isinstance(node, ast.AugAssign) or (
                assigned(node) & reads(node.value) and not _is_wrapping(node.value, parameters, own)
            )
            changed = sorted(_of(assigned(node), parameters)) if again else []
            found |= {node.lineno: changed} if changed else {}
    return found


def _of(names: Collection[str], parameters: Collection[str]) -> set[str]:
    """The parameters among names; what an object calls its own may be any that is called so."""
    found = {*names} & {*parameters}
    ends = {n.rpartition(".")[2] for n in names if "." in n}
    held = (p for p in parameters if "." in p and not p.startswith("self."))
    return found or {p for p in held if p.rpartition(".")[2] in ends}


def downhill(
    tree: ast.AST,
    form: Form,
    codes: Mapping[str, str],
    runs: Sequence[Run],
    truths: Sequence[Truth],
) -> dict[str, float]:
    """What is called as gradients are, and is the way downhill: it is added to the parameters.

    ``codes``: the parameters whose gradients they are.  With -1, as sizes of steps are given.
    """
    places = {form.inputs.get(name, name) for name in codes.values()} | {*codes.values()}
    ends = {place.rpartition(".")[2] for place in places}
    added: set[str] = set()
    for node in walked(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            own = {name.rpartition(".")[2] for name in assigned(node)} & ends
            added |= {typed(part) for part in _factors(node.value)} if own else set()
    mine = {c: n for c, n in codes.items() if c in added}
    arrays = {c for r in runs for c in mine if isinstance(r.last.get(c), (np.ndarray, float))}
    mine = {c: n for c, n in mine.items() if c in arrays}
    turned = [c for c, n in mine.items() if _right({c: n}, -1.0, runs, truths)]
    kept = [c for c, n in mine.items() if _right({c: n}, 1.0, runs, truths)]
    return dict.fromkeys(mine, -1.0) if turned and not kept else {}


def _factors(node: ast.expr) -> Iterator[ast.expr]:
    """The factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from _factors(node.left)
        yield from _factors(node.right)
    else:
        yield node


def _locals(tree: ast.AST) -> set[str]:
    """The names that are assigned somewhere in a program, and the arguments of functions."""
    nodes = list(walked(tree))
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return stored | {n.arg for n in nodes if isinstance(n, ast.arg)}


def _is_wrapping(value: ast.expr, parameters: Collection[str], own: Collection[str]) -> bool:
    """Whether parameters are given another form, with nothing that could be a step."""
    parts = list(walked(value))
    names = {n.id for n in parts if isinstance(n, ast.Name)} - {p.split("[")[0] for p in parameters}
    return any(isinstance(n, ast.Call) for n in parts) and names.isdisjoint(own)


def steps_of(
    tree: ast.Module,
    lines: Mapping[int, Sequence[str]],
    names: Mapping[str, str],
    runs: Sequence[Run],
    truths: Sequence[Truth],
    *,
    only_right: bool = False,
) -> dict[str, float]:
    """The steps that stand for gradients, and what the gradients are multiplied by in them.

    ``names``: the value whose gradient each parameter lacks.  The size of the steps is what is
    called so, or a number that they are multiplied by, with which most of them are right.
    ``only_right``: without those that are wrong, and with what is called a rate alone.
    """
    codes = {STEP + code: name for code, name in names.items() if _is_once(code, runs[0])}
    codes = {c: n for c, n in codes.items() if all(c in r.last for r in runs)}
    statements = _statements(
        tree, [k for k, of in lines.items() if any(STEP + n in codes for n in of)]
    )
    if not codes or any("sqrt" in typed(s) for s in statements):
        return {}  # what is divided by its own size is no gradient
    rates = list(dict.fromkeys(_rates(statements, rates_called(tree), runs[0])))
    rates = rates[: rates.index(1.0) + 1] if only_right else rates
    best = max(rates, key=lambda rate: _right(codes, rate, runs, truths))
    right = {c: n for c, n in codes.items() if _right({c: n}, best, runs, truths)}
    return dict.fromkeys(right if only_right else codes, best)


def rates_called(tree: ast.AST) -> set[str]:
    """The names in a program that are those of a size of steps."""
    names = (n for n in walked(tree) if isinstance(n, (ast.Name, ast.Attribute)))
    return {typed(n) for n in names if RATE.search(typed(n).split(".")[-1])}


def _is_once(code: str, run: Run) -> bool:
    """Whether each line that changes a parameter does so once in a turn."""
    times = Counter(line for line, target, _ in run.records if target == STEP + code)
    return bool(times) and max(times.values()) == 1


def _statements(tree: ast.Module, lines: Collection[int]) -> list[ast.stmt]:
    """The statements of lines, and those that assign what these read."""
    simple = [n for n in walked(tree) if isinstance(n, (ast.Assign, ast.AugAssign))]
    own: list[ast.stmt] = [s for s in simple if s.lineno in lines]
    wanted = {name for s in own for name in reads(s) - assigned(s)}
    again = [s for s in simple if s not in own and assigned(s) & wanted & reads(s)]
    return [*own, *again]


def _rates(
    statements: Sequence[ast.stmt], everywhere: Collection[str], run: Run
) -> Iterator[float]:
    """What a gradient may be multiplied by: what is called a rate, then numbers, then nothing."""
    names = [n for s in statements for n in sorted(reads(s))]
    held = {**run.last, **_before_steps(run)}
    scalars = {n: float(v) for n in names if _is_scalar(v := held.get(n))}
    called = [v for n, v in scalars.items() if n in everywhere]
    yield from called
    yield from (float(v) for n in sorted(everywhere) if _is_scalar(v := held.get(n)))
    parts = (n for s in statements for n in walked(s) if isinstance(n, ast.Constant))
    small = [n.value for n in parts if isinstance(n.value, float) and 0 < n.value < 1]
    yield from small if not called else ()
    yield 1.0
    rest = [v for v in scalars.values() if 0 < v < 1]
    yield from rest
    yield from (a * (1 - b) for a in [*called, 1.0] for b in (*rest, *small) if a != b)


def _before_steps(run: Run) -> dict[str, Any]:
    """What was assigned last before the first parameter is changed: rates decay afterwards."""
    found: dict[str, Any] = {}
    for _, target, value in run.records:
        if target.startswith(STEP):
            return found
        found[target] = value
    return {}


def _is_scalar(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def _right(
    codes: Mapping[str, str], rate: float, runs: Sequence[Run], truths: Sequence[Truth]
) -> int:
    """How many of the gradients are right, if the steps are so many times them."""
    pairs = list(zip(runs, truths, strict=True))
    return sum(
        all(_is_right(r.last[c] / rate, t, name) for r, t in pairs) for c, name in codes.items()
    )


def _is_right(got: np.ndarray[Any, Any], truth: Truth, name: str) -> bool:
    match = compared(got, truth.gradients[name], truth.typical)
    return match.error <= TOLERANCE["f8"] and not is_turned(match.way, np.shape(got))
