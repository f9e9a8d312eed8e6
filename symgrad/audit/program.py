"""A program under audit: its text as it is or repaired, run at points."""

from __future__ import annotations

import ast
import marshal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from symgrad.audit.form import Form
from symgrad.audit.instrument import Plan, bindings, compiled, units
from symgrad.audit.reference import Truth
from symgrad.audit.runner import Asked, Run, Runner
from symgrad.audit.source import Source
from symgrad.audit.wording import Change, changed, tidied

HOLE = "__audit__.pick(globals(), locals())"
LOOKS = ("__audit__.look(globals(), locals()); ", "if not __audit__.look(globals(), locals()): ")


class Edit(Protocol):
    """What is tried: changes of the text; one that replaces an expression is quicker."""

    @property
    def changes(self) -> Sequence[Change]:
        """The parts of the text that are replaced."""

    @property
    def is_expression(self) -> bool:
        """Whether it is an expression, of the names of a function, that is replaced."""


@dataclass
class Program:
    """A source with its form, in a child process that has it loaded."""

    source: Source
    form: Form
    runner: Runner
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of a script, the shape in which it holds each input."""
    seeds: Mapping[str, Any] = field(default_factory=dict)
    limit: float = 10.0
    wanted: frozenset[str] = frozenset()
    """What is read of the runs of variants, beside what calls give back."""
    stops: tuple[str, int] | None = None
    """Of a script, the error with which it ends, and the line of that."""
    holes: dict[Any, dict[int, bytes] | None] = field(default_factory=dict)

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the text."""
        return self.source.tree

    def loading(self, outputs: Sequence[str] = ()) -> dict[str, Any]:
        """What the child has to know."""
        parts = units(self.tree)
        return {
            "units": [
                compiled(_fresh(u, self.source), self.source.file, self.form.plan) for u in parts
            ],
            "imports": [bindings(u) for u in parts],
            "name": self.form.name,
            "calls": list(self.form.calls),
            "outputs": list(outputs),
            "seeds": dict(self.seeds),
            "file": self.source.file,
            "folder": str(self.source.folder or ""),
            "started": str(Path.cwd()),
        }

    def load(self, outputs: Sequence[str] = ()) -> None:
        """Have it run by the child from now on; of variants, ``outputs`` are read."""
        self.wanted = frozenset(outputs)
        self.runner.load(**self.loading(outputs))

    def repaired(self, changes: Iterable[Change]) -> Program:
        """The program with parts of its text replaced; no line moves."""
        text = self.source.text
        text = changed(text, tidied(text, [*changes]))
        made = replace(self.source, text=text)
        return replace(self, source=made, holes={})

    def run(self, truths: Sequence[Truth], *, keep: bool = True, seed: int = 0) -> list[Run]:
        """Runs at points, with what is assigned on the way."""
        runs: list[Asked] = [({}, self.given(t), seed, b"") for t in truths]
        return self._whole(self.runner.run(runs, keep=keep, limit=self.limit))

    def _whole(self, runs: Sequence[Run]) -> list[Run]:
        """Runs that end where the program as it is does are as good as whole."""
        return [
            replace(r, error=None) if r.error and (r.error[0], r.error[2]) == self.stops else r
            for r in runs
        ]

    def tried(self, edits: Sequence[Edit], truth: Truth, limit: float) -> list[Run | None]:
        """Runs of the program at a point, each with another edit made."""
        plan = replace(self.form.plan, wanted=self.wanted)
        made = [
            self._picked(e, plan) if e.is_expression else (self._variant(e.changes, plan), b"")
            for e in edits
        ]
        given = self.given(truth)
        runs = [(m, given, 0, picked) for m, picked in made if m is not None]
        found = iter(self._whole(self.runner.run(runs, keep=False, limit=limit)) if runs else [])
        return [None if m is None else next(found) for m, _ in made]

    def _picked(self, edit: Edit, plan: Plan) -> tuple[dict[int, bytes] | None, bytes]:
        """The program with a hole for an expression, and the expression: quicker to compile."""
        (start, end, new) = edit.changes[0]
        key = (start, end, plan.wanted)
        if key not in self.holes:
            lines = "\n" * self.source.text.count("\n", start, end)
            hole = f"({HOLE}{lines})" if lines else HOLE
            self.holes[key] = self._variant([(start, end, hole)], plan)
        try:
            tree = ast.parse(new.strip(), mode="eval")
            return self.holes[key], marshal.dumps(compile(tree, self.source.file, "eval"))
        except (SyntaxError, ValueError, RecursionError):
            return None, b""

    def seen(self, statement: ast.stmt, texts: Sequence[str], truth: Truth) -> list[list[Any]]:
        """What expressions give before a statement, at each time that it is run."""
        place = self.source.span(statement)[0]
        plan = replace(self.form.plan, wanted=frozenset())
        variants = (self._variant([(place, place, look)], plan) for look in LOOKS)
        variant = next((v for v in variants if v is not None), None)
        codes = [compile(f"({text})", self.source.file, "eval") for text in texts]
        if variant is None:
            return []
        asked: Asked = (variant, self.given(truth), 0, marshal.dumps(codes))
        (run,) = self._whole(self.runner.run([asked], keep=False, limit=self.limit))
        return [list(frame) for frame in run.seen] if run.error is None else []

    def _variant(self, changes: Sequence[Change], plan: Plan) -> dict[int, bytes] | None:
        """The units that changes touch, compiled; None where they don't make a program."""
        found: dict[int, list[Change]] = {}
        for change in changes:
            found.setdefault(self._unit_at(change[0]), []).append(change)
        variant = {}
        for number, own in found.items():
            start, end, line = self._spans[number]
            moved = [(a - start, b - start, new) for a, b, new in own]
            text = changed(self.source.text[start:end], moved)
            try:
                (unit,) = ast.parse("\n" * (line - 1) + text).body
                variant[number] = compiled(unit, self.source.file, plan)
            except (SyntaxError, ValueError, RecursionError):
                return None
        return variant

    def _unit_at(self, place: int) -> int:
        spans = enumerate(self._spans)
        return next(k for k, (start, end, _) in spans if start <= place <= end)

    @cached_property
    def _spans(self) -> list[tuple[int, int, int]]:
        """Where each unit begins and ends, and its first line."""
        found = []
        for unit in units(self.tree):
            start, line = _start(unit, self.source)
            found.append((start, self.source.span(unit)[1], line))
        return found

    def given(self, truth: Truth) -> dict[str, np.ndarray]:
        """The inputs at a point as the program is given them."""
        if not self.form.script:
            own = {code: truth.given[n] for n, code in self.form.inputs.items()}
            return {n: np.asarray(v) for n, v in {**own, **truth.given}.items()}
        given = {code: truth.given[name] for name, code in self.form.inputs.items()}
        for code, (name, axis) in self.form.labels.items():
            held = laid(truth.given[name], self.shapes.get(self.form.inputs[name]))
            given[code] = held.argmax(axis)
        return {code: laid(value, self.shapes.get(code)) for code, value in given.items()}


def _fresh(unit: ast.stmt, source: Source) -> ast.stmt:
    """The unit again: what instruments a tree changes it."""
    start, line = _start(unit, source)
    try:
        (made,) = ast.parse(source.text[start : source.span(unit)[1]]).body
    except SyntaxError:
        return unit
    ast.increment_lineno(made, line - 1)
    return made


def _start(unit: ast.stmt, source: Source) -> tuple[int, int]:
    """Where a unit begins in the text, and its first line: that of its first decorator."""
    first = min([unit, *getattr(unit, "decorator_list", [])], key=lambda n: n.lineno)
    return source.span(first)[0] - (1 if first is not unit else 0), first.lineno


def laid(value: np.ndarray, shape: tuple[int, ...] | None) -> np.ndarray:
    """An input in the shape in which a script holds it."""
    array = np.asarray(value)
    if shape is None or array.shape == shape:
        return array
    if array.ndim == 2 and array.shape[::-1] == shape:
        return array.T
    if array.size == int(np.prod(shape)):
        return array.reshape(shape)
    return array
