"""The derivation as JSON: every equation and every step, as text and as LaTeX."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sympy as sp

from symgrad.calculus.derivation import Adjoint
from symgrad.formats.sheet import Sheet
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import proper_indices
from symgrad.mathematics.sizes import Size, fixed
from symgrad.mathematics.steps import Step
from symgrad.templating import path_of
from symgrad.writing.display import Display
from symgrad.writing.line import Line
from symgrad.writing.printings.latex import latex
from symgrad.writing.printings.text import text
from symgrad.writing.way import Way

VERSION = 1

Json = Mapping[str, Any]


def schema() -> Any:
    """The JSON schema of what :func:`write` gives."""
    return json.loads(path_of("derivation.schema.json").read_text(encoding="utf-8"))


def write(sheet: Sheet) -> str:
    """The derivation."""
    return json.dumps(Record(sheet).whole(), indent=2, ensure_ascii=False) + "\n"


class Record:
    """The parts of a sheet as data."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.notation = sheet.notation
        self.derivation = sheet.derivation
        self.matrix = sheet.matrix_form(Display)
        self.choice = sheet.choice.checked(sheet.derivation)
        explained = self.choice.explain
        self.way = Way(sheet.derivation, explained) if explained else None

    def whole(self) -> Json:
        """The whole."""
        system = self.derivation.system
        return {
            "generator": "symgrad",
            "version": VERSION,
            "title": self.sheet.title,
            "output": system.output,
            "wrt": list(self.derivation.wrt),
            "inputs": [self.variable(v) for v in system.variables if self._is_mentioned(v.name)],
            "equations": [
                self.forward(e) for e in system if all(map(self._is_mentioned, (e.name, *e.reads)))
            ],
            "derivatives": [self.adjoint(a) for a in self._adjoints()],
            "remarks": list(self.way.remarks if self.way else self.derivation.remarks),
            "example": self.example(),
            "checks": [
                {"what": c.what, "of": list(c.names), "error": c.error, "passed": c.passed}
                for c in self.sheet.checks
            ],
        }

    def _is_mentioned(self, name: str) -> bool:
        return self.way is None or name in self.way.mentioned

    def _adjoints(self) -> Iterable[Adjoint]:
        if self.way is not None:
            return (a for a in self.derivation.adjoints if self._is_on_way(a))
        only = self.choice.only
        return (a for a in self.derivation.adjoints if not only or a.value in only)

    def _is_on_way(self, adjoint: Adjoint) -> bool:
        """Whether it is on the way that is explained, or its part is, or its value as typed."""
        way, part = self.way, adjoint.part
        names = {adjoint.equation.name, *([part.equation.name] if part else [])}
        return way is not None and (adjoint.value in way.typed or not names.isdisjoint(way.names))

    def variable(self, variable: Variable) -> Json:
        """An input."""
        return {
            "name": variable.name,
            "latex": self.notation.symbol(variable.name),
            "shape": shape(variable.shape),
            "role": variable.role,
            "dtype": variable.dtype,
            "assumptions": [{"kind": a.kind, "axis": a.axis} for a in variable.assumptions],
        }

    def forward(self, equation: Equation) -> Json:
        """An equation of the forward pass, with the rewrites that keep its numbers finite."""
        steps = [s for name, s in self.derivation.forward_steps if name == equation.name]
        return {
            **self.equation(equation),
            "decimals": equation.decimals,
            "steps": [self.step(s, equation.indices) for s in steps],
        }

    def adjoint(self, adjoint: Adjoint) -> Json:
        """The derivative with respect to one value."""
        beyond = [self.sides(self.notation.as_read(e)) for e in adjoint.before]
        return {
            **self.equation(adjoint.equation),
            "value": adjoint.value,
            "chain": list(adjoint.chain),
            "written_out": adjoint.inlined,
            "past": adjoint.past,
            "part": None if adjoint.part is None else self.adjoint(adjoint.part),
            "steps": [self.step(s, adjoint.equation.indices) for s in adjoint.steps],
            **({"beyond": beyond} if beyond else {}),
        }

    def equation(self, equation: Equation) -> dict[str, Any]:
        """An equation in index form, and in matrix form where it has one."""
        letters = self.notation.letters.assign(equation.rhs, equation.indices)
        matrix = self.matrix(equation.name)
        left, right = map(latex, matrix) if matrix else (None, None)
        read = self.notation.as_read(equation)
        return {
            "name": equation.name,
            "latex_name": self.notation.symbol(equation.name),
            "shape": shape(equation.shape),
            "indices": [letters[i] for i in proper_indices(equation.indices)],
            **self.sides(read),
            "matrix_left": left,
            "matrix": right,
        }

    def sides(self, equation: Equation) -> dict[str, Any]:
        """The two sides in index form."""
        return {
            "left": self.expression(equation.lhs, equation.indices),
            "right": self.expression(equation.rhs, equation.indices),
        }

    def step(self, step: Step, free: Sequence[sp.Expr]) -> Json:
        """A rewrite."""
        return {
            "rule": step.rule,
            "before": self.expression(step.before, free),
            "after": self.expression(step.after, free),
            "because": step.because,
        }

    def expression(self, expr: sp.Expr, free: Sequence[sp.Expr]) -> Json:
        """An expression, printed."""
        return {
            "text": text(self.notation.formula(Line, expr, free)),
            "code": self.notation.text(expr, free),
            "latex": self.notation.latex(expr, free),
        }

    def example(self) -> Json | None:
        """The values at the example point: exact ones as text."""
        numbers = self.sheet.numbers
        if numbers is None:
            return None
        return {
            "exact": {n: _texts(v) for n, v in numbers.exact.items() if self._is_told(n)},
            "decimals": {n: _floats(v) for n, v in numbers.decimals.items() if self._is_told(n)},
        }

    def _is_told(self, name: str) -> bool:
        """Whether the numbers of a value or a derivative are on the way that is explained."""
        if self.notation.is_of_another_step(name):
            return False
        value = self.notation.names.adjoint_of.get(name, name)
        return (
            self._is_mentioned(value)
            if value == name
            else any(a.value == value for a in self._adjoints())
        )


def shape(sizes: Iterable[Size]) -> list[int | str]:
    """Sizes: numbers, or names where they are free."""
    return [str(size) if (known := fixed(size)) is None else known for size in sizes]


def _texts(values: Any) -> Any:
    return [_texts(v) for v in values] if isinstance(values, list) else str(values)


def _floats(values: Any) -> Any:
    return [_floats(v) for v in values] if isinstance(values, list) else float(values)
