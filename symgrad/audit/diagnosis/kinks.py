"""Equations whose functions with kinks are others wherever they stand: a mask, a sign, a case."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

import sympy as sp

from symgrad.audit.diagnosis.graph import BATCH, Backward
from symgrad.audit.diagnosis.slots import Other
from symgrad.audit.diagnosis.trial import Trial
from symgrad.mathematics.indices import entry, replaced
from symgrad.mathematics.piecewise import absolute, relu, select, sign, step

Change = Callable[..., sp.Expr]

CHANGES: Mapping[type[sp.Function], Mapping[str, Change]] = {
    step: {
        "the function itself": relu,
        "everywhere": lambda u: sp.S.One,
        "the other side": lambda u: step(-u),
    },
    sign: {
        "one sign": lambda u: sp.S.One,
        "what it is of": lambda u: u,
        "its size": absolute,
    },
    select: {
        "the other way round": lambda c, a, b: select(c, b, a),
        "one case": lambda c, a, b: a,
        "the other case": lambda c, a, b: b,
    },
}
"""What people write in place of a function with a kink, wherever an equation has it."""

PUT = entry("_put0", (BATCH,))

TIMES: Mapping[str, Change] = {
    "one case times a number": lambda c, a, b: select(c, a * PUT, b),
    "the other case times a number": lambda c, a, b: select(c, a, b * PUT),
}
"""Cases of which one is multiplied by a number."""


def other_kinks(backward: Backward, names: Collection[str]) -> Iterator[Trial]:
    """Equations with another function in the place of all of one kind."""
    for name in sorted(names):
        rhs, value = backward.equations[name].rhs, backward.value_of.get(name, "")
        for kind, changes in CHANGES.items():
            for how, change in changes.items() if rhs.has(kind) else ():
                new = replaced(rhs, {f: change(*f.args) for f in rhs.atoms(kind)})
                yield Trial.of_equations(value, "kink", {name: new}, Other(how, "", 0.6))
        for how, change in TIMES.items() if rhs.has(select) else ():
            new = replaced(rhs, {f: change(*f.args) for f in rhs.atoms(select)})
            trial = Trial.of_equations(value, "kink", {name: new}, Other(how, "", 0.7))
            yield replace(trial, changed={name: new}, free=True)
