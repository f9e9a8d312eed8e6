"""Inputs that a program does not take: whatever they are, what it hands out is the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symgrad.audit.compare import numbers
from symgrad.audit.form import Form, handed_in
from symgrad.audit.outcome import Blamed
from symgrad.audit.printing import listed
from symgrad.audit.reference import Reference, Truth
from symgrad.audit.roles import Roles, is_right_role
from symgrad.audit.runner import NotRun, Run
from symgrad.audit.search import State
from symgrad.checks.sampling import Point
from symgrad.errors import SymgradError

Numbers = np.ndarray[Any, Any]

MOST = 3
"""How many other numbers are tried for an input."""


def not_taken(state: State, reference: Reference, *, alone: bool) -> NotRun | None:
    """The error of a program that does not take an input; None where it takes all.

    ``alone``: of parameters only, where something that it computes is right.
    """
    names = [*_deaf(state, reference, alone=alone)]
    form, source = state.program.form, state.program.source
    if not names:
        return None
    held = {n: form.inputs[n] for n in names if form.inputs.get(n, n) != n}
    taken = "".join(f"; {code} was taken for {name}" for name, code in held.items())
    what = "variable" if form.script else "argument"
    return NotRun(
        f"{source.file}: {listed(names)} {'is' if len(names) == 1 else 'are'} not taken: with "
        f"other numbers the gradients are the same{taken}",
        hint=f"say which {what} the program reads: --inputs {names[0]}=NAME",
    )


def drawn_from(state: State, blamed: Sequence[Blamed]) -> NotRun | None:
    """The error of a program that draws the rows that it computes with where that isn't seen.

    Its gradients are others with each draw; it is for programs of which nothing was right.
    """
    drawn = any(b.evidence.trace == "random" for b in blamed)
    if not drawn or not state.program.form.script:
        return None
    return NotRun(
        f"{state.program.source.file}: what it computes with is drawn at random from its data, and "
        "was not found",
        hint="say which variables hold what is drawn: --inputs X=BATCH",
    )


def _deaf(state: State, reference: Reference, *, alone: bool) -> Iterator[str]:
    """The inputs, or parameters ``alone``, on which gradients depend, but not those handed out."""
    handed = {*_handed_over(state.program.form)}
    truth, wrt = state.truths[0], reference.derivation.wrt
    for name, variable in reference.inputs.items():
        others = _others(state, name) if variable.dtype == "float" and name not in handed else []
        if not others or (alone and name not in wrt):
            continue
        same = all(_is_deaf(state, name, o, alone=alone) for o in others)
        if same and any(_depends(reference, truth, name, o) for o in others):
            yield name


def _is_deaf(state: State, name: str, other: Numbers, *, alone: bool) -> bool:
    """Whether other numbers for an input change nothing."""
    truth = state.truths[0]
    (run,) = state.program.run([replace(truth, given={**truth.given, name: other})])
    if run.error is not None:
        return False
    return _is_same(run, state.runs[0], other) or (not alone and _gives_same(state, run))


def _handed_over(form: Form) -> Iterator[str]:
    """The inputs that are arguments of what is called: it may do with them what it likes."""
    for kind, call in form.calls:
        for held in call[1].values() if kind in ("function", "method") else ():
            yield from handed_in(held)
        yield from call.values() if kind == "variables" else ()


def _others(state: State, name: str) -> list[Numbers]:
    """Other numbers for an input: those of other points, which keep what is assumed.

    Several: two masks may have as many ones.
    """
    own = state.truths[0].given[name]
    others = (t.given[name] for t in state.truths[1:])
    fine = (o for o in others if o.shape == own.shape and not np.array_equal(o, own))
    return [*itertools.islice(fine, MOST)]


def _is_same(run: Run, before: Run, other: Numbers) -> bool:
    """Whether all that is computed is what it was, but for the input itself.

    Gradients alone don't tell it: they are zero where what is rounded is saturated.
    """
    pairs = [
        (numbers(b), numbers(a))
        for (*_, was), (*_, now) in zip(before.records, run.records, strict=False)
        for b, a in zip(_parts(was), _parts(now), strict=False)
    ]
    known = [(b, a) for b, a in pairs if a is not None and b is not None]
    return bool(known) and all(
        np.array_equal(b, a) or (a.size == other.size and np.array_equal(a.ravel(), other.ravel()))
        for b, a in known
    )


def _parts(value: Any) -> Iterator[Any]:
    """A value, or what a dictionary or a list holds."""
    inner = value.values() if isinstance(value, dict) else value
    for part in inner if isinstance(value, (dict, list, tuple)) else ():
        yield from _parts(part)
    if not isinstance(value, (dict, list, tuple)):
        yield value


def _gives_same(state: State, run: Run) -> bool:
    """Whether all gradients that are handed out are what they were, and not 0."""
    before, now = state.handed(state.runs[0]), state.handed(run)
    pairs = [(numbers(before[c]), numbers(now.get(c))) for c in state.matching.codes if c in before]
    known = [(b, a) for b, a in pairs if a is not None and b is not None]
    return bool(known) and all(np.any(b) and np.array_equal(b, a) for b, a in known)


def has_right(state: State) -> bool:
    """Whether something that a program computes is a value or a gradient of the spec."""
    roles = Roles(state.truths[0])
    values = (part for _, _, v in state.runs[0].records for part in _parts(v))
    arrays = (numbers(v) for v in values if not isinstance(v, bool))
    found = [roles.of(a) for a in arrays if a is not None]
    return any(is_right_role(r) and r is not None and r.kind != "input" for r in found)


def _depends(reference: Reference, truth: Truth, name: str, other: Numbers) -> bool:
    """Whether gradients depend on an input."""
    variables = {v.name for v in reference.system.variables}
    env = {n: a for n, a in truth.everything.items() if n in variables}
    try:
        moved = reference.truth(Point(dict(truth.lengths), {**env, name: other}))
    except SymgradError:
        return False
    wrt = reference.derivation.wrt
    return any(not np.allclose(moved.gradients[n], truth.gradients[n]) for n in wrt)
