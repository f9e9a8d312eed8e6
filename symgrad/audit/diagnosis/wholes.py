"""What a whole derivative may be instead: times an array, with a term more, or turned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.compare import broadcasts
from symgrad.audit.diagnosis.graph import BATCH, Backward
from symgrad.audit.diagnosis.parts import terms_of
from symgrad.audit.diagnosis.slots import FUNCTIONS, OF_GRADIENTS, Other
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, entry, name_of

Numbers = np.ndarray[Any, Any]

MOST = 24
"""How many arrays a derivative may be multiplied by, or have as a term more."""

MOST_WRITTEN = 80
"""Of how many terms the last at each entry is looked for."""

SCALES = ("{0}", "1 / {0}", "{0}**2", "sqrt({0})", "1 / sqrt({0})", "1 / {0}**2")
"""What people forget, or have too often, of an array that is broadcast."""

RESIDUALS: Mapping[str, Callable[[Numbers, Numbers], Numbers]] = {
    "{0} - {1}": lambda c, t: c - t,
    "the sign of {0} - {1}": lambda c, t: np.sign(c - t),
    "the size of {0} - {1}": lambda c, t: np.abs(c - t),
    "({0} - {1}) {0} (1 - {0})": lambda c, t: (c - t) * c * (1 - c),
    "({0} - {1}) (1 - {0}**2)": lambda c, t: (c - t) * (1 - c * c),
    "-{1} / {0}": lambda c, t: -t / c,
    "({0} - {1})**2": lambda c, t: (c - t) ** 2,
    "({0} - {1})**3": lambda c, t: (c - t) ** 3,
}
"""Derivatives of usual losses by what a network gives, or by what that is the function of."""


@dataclass(frozen=True)
class Whole:
    """A change of whole derivatives: its role, and whether it may be by any number."""

    role: str
    free: bool = False

    def changed(self, equation: Equation, name: str) -> sp.Expr:
        """The new right-hand side, which reads an array of that name."""
        put = entry(name, (BATCH, *equation.indices))
        rhs: sp.Expr = equation.rhs
        return {"times": rhs * put, "added": rhs + put}.get(self.role, put)

    def others(self, look: Look) -> dict[Other, Numbers]:
        """What may be put there."""
        makers = {"times": look.times, "added": look.added, "whole": look.turned}
        with np.errstate(all="ignore"):
            return dict(makers.get(self.role, look.losses)())


WHOLES = (Whole("whole"), Whole("times"), Whole("added", free=True), Whole("loss", free=True))


@dataclass(frozen=True)
class Look:
    """What is known of one derivative at a point."""

    backward: Backward
    equation: Equation
    point: int
    names: Sequence[str]

    @property
    def own(self) -> Numbers:
        """The derivative."""
        return np.asarray(self._numbers[self.equation.name])

    @property
    def _numbers(self) -> Mapping[str, Numbers]:
        return self.backward.numbers(self.point)

    def _arrays(self, *, slopes: bool) -> Iterator[tuple[str, Numbers]]:
        """Arrays that broadcast to the shape of the derivative, the largest first."""
        known = [(n, np.asarray(self._numbers[n])) for n in self.names if n in self._numbers]
        fine = [
            (n, a.astype(float))
            for n, a in known
            if a.dtype.kind in "fib"
            and n != self.equation.name
            and (slopes or n not in self.backward.equations)
            and broadcasts(a.shape, self.own.shape)
        ]
        yield from sorted(fine, key=lambda pair: -pair[1].size)[:MOST]

    def turned(self) -> Iterator[tuple[Other, Numbers]]:
        """The derivative transposed, cut off, or rounded."""
        own = self.own
        if own.ndim == 2 and own.shape[0] == own.shape[1] > 1:
            yield Other("transposed", "", 0.4), own.T
        yield from ((Other(n, "", 0.9), f(own)) for n, f in OF_GRADIENTS.items())
        yield from self._last_of_terms()
        yield from ((Other("rounded", f"{k}", 0.4), np.round(own, k)) for k in range(5))

    def _last_of_terms(self) -> Iterator[tuple[Other, Numbers]]:
        """At each entry the last of the terms that are not 0 there, the terms in some order."""
        terms = terms_of(self.equation.rhs, self.backward.slopes)
        if 1 < len(terms) <= MOST_WRITTEN:
            look, free = self.backward, self.equation.indices
            pairs = [
                (look.array(t.expr, free, self.point), look.cover(t.expr, free, self.point))
                for t in terms
            ]
            for detail, several in (("", pairs), ("backwards", pairs[::-1])):
                left = np.zeros_like(self.own)
                for array, cover in several:
                    left = np.where(cover, array, left)
                yield Other("the last of its terms", detail, 0.6), left

    def times(self) -> Iterator[tuple[Other, Numbers]]:
        """The derivative times an array, or a slope of one; or without one of its factors."""
        for number, factor in enumerate(sp.Mul.make_args(self.equation.rhs)):
            names = {name_of(a) for a in entries(factor)}
            if names and not names & self.backward.slopes:
                array = self.backward.array(factor, self.equation.indices, self.point)
                change = "left out" if array.size > 1 else "a number"
                yield Other(change, f"factor {number}", 0.3), 1 / array
        for name, array in self._arrays(slopes=False):
            same = array.shape == self.own.shape
            texts = FUNCTIONS if same and array.ndim else SCALES
            for text in texts:
                change = "a function" if same and text not in SCALES else _change(text, array)
                laid = np.broadcast_to(FUNCTIONS_AND_SCALES[text](array), self.own.shape)
                yield Other(change, text.format(name), 0.8), laid

    def added(self) -> Iterator[tuple[Other, Numbers]]:
        """A term more."""
        if self.own.size > 1:
            yield Other("a number", "", 0.7), np.ones(self.own.shape)
        for name, array in self._arrays(slopes=True):
            yield Other("an array", name, 0.9), np.broadcast_to(array, self.own.shape).astype(float)

    def losses(self) -> Iterator[tuple[Other, Numbers]]:
        """The derivative of another loss, of a value and of what is given."""
        if self.own.size < 2 or self.backward.reads[self.equation.name] - {self._output}:
            return
        given = {v.name for v in self.backward.derivation.typed.variables}
        arrays = [(n, a) for n, a in self._arrays(slopes=False) if a.shape == self.own.shape]
        for name, array in [(n, a) for n, a in arrays if n not in given]:
            for target, t in [(n, a) for n, a in arrays if n in given]:
                for text, f in RESIDUALS.items():
                    yield Other("another loss", text.format(name, target), 0.5), f(array, t)

    @property
    def _output(self) -> str:
        derivation = self.backward.derivation
        return self.backward.name_of.get(derivation.system.output, "")


def _change(text: str, array: Numbers) -> str:
    """How a derivative is changed that is multiplied by a scale."""
    if array.size == 1:
        return "a number"
    return "left out" if text.startswith("1 /") else "an array"


FUNCTIONS_AND_SCALES: Mapping[str, Callable[[Numbers], Numbers]] = {
    **FUNCTIONS,
    "1 / sqrt({0})": lambda v: 1 / np.sqrt(np.abs(v)),
    "1 / {0}**2": lambda v: 1 / (v * v),
}
