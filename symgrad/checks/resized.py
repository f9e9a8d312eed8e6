"""A derivation at other sizes: what is generated of it can be run where the true one is large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, SupportsIndex, TypeVar

import numpy as np
import sympy as sp

from symgrad.calculus import Derivation, forward_and_adjoints
from symgrad.checks.evaluate import Sizes
from symgrad.checks.points import multiplications
from symgrad.checks.sampling import least_sizes, size_symbols, true_sizes
from symgrad.checks.shrinking import shrunk
from symgrad.checks.tables import MOST_ENTRIES
from symgrad.errors import SpecError, perhaps
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.indices import Index, name_of
from symgrad.mathematics.ranges import Label
from symgrad.mathematics.sizes import as_size, fixed, named

MOST = MOST_ENTRIES
"""A module that takes more multiplications at its sizes is run at others: this is 0.1 s."""

LEAST = 9
"""As small as its sizes may be then: fewer numbers than that may be computed one by one."""

Single = Mapping[str, set[int]]

D = TypeVar("D", bound=Derivation)


def to_run(derivation: D) -> Iterator[D]:
    """The derivation at smaller sizes, where a run at those of the spec would be a long one."""
    system = derivation.system
    equations = [*derivation.typed, *forward_and_adjoints(derivation)]
    if (made := derivation.preparation) is not None:
        system = replace(made.before, equations=(*made.before, *made.equations, *system))
        equations = [*system, *equations]
    true = true_sizes(system, [LEAST] * len(size_symbols(system)))
    if multiplications(system, true) < MOST:
        return
    for offsets in (True, False):
        sizes = shrunk(system, equations, true, LEAST, offsets=offsets)
        if sizes and any(sizes[s] < n for s, n in true.items()):
            yield resized(derivation, sizes)


def resized(derivation: D, sizes: Sizes) -> D:
    """The derivation with these fixed sizes in place of its own; without its steps."""
    change = {s: as_size(n) for s, n in sizes.items() if s.is_Symbol and fixed(s) is not None}
    change |= {s: sp.Integer(n) for s, n in sizes.items() if s.is_Integer}
    return _changed(derivation, change)


def bound(derivation: D, sizes: Mapping[str, int]) -> D:
    """The derivation with numbers for named sizes; SpecError where it has no such size."""
    if not sizes:
        return derivation
    least = least_sizes(derivation.system)
    known = named(s for v in derivation.system.variables for s in v.shape)
    for name, number in sizes.items():
        if name not in known:
            hint = perhaps(name, known) or "no size has a name here: leave it out"
            raise SpecError(f"there is no size {name!r}", hint=hint)
        if isinstance(number, bool) or not isinstance(number, SupportsIndex):
            raise SpecError(
                f"the size {name} has to be a whole number, not {number!r}",
                hint=f"give one: sizes={{{name!r}: 32}}",
            )
        if number < max(least.get(name, 1), 1):
            least_one = max(least.get(name, 1), 1)
            raise SpecError(
                f"the size {name} has to be {least_one} or more, not {number}",
                hint=f"give another: --size {name}={least_one}",
            )
    found = _changed(derivation, {as_size(name): as_size(n) for name, n in sizes.items()})
    for equation in found.system.equations:
        if any(fixed(i.size) == 0 for i in equation.rhs.atoms(Index)):
            told = ", ".join(f"{name} = {n}" for name, n in sizes.items())
            raise SpecError(
                f"with {told} a part of an array has no entries",
                where=equation.where,
                hint="give a larger size, or leave the size a name",
            )
    return found


def _changed(derivation: D, sizes: Mapping[sp.Expr, sp.Expr]) -> D:
    changed = _Change(sizes, _single(derivation, sizes))
    return replace(
        derivation,
        system=changed(derivation.system),
        typed=changed(derivation.typed),
        local=changed(derivation.local),
        forward_steps=(),
        adjoints=tuple(
            changed(replace(a, steps=(), part=a.part and replace(a.part, steps=())))
            for a in derivation.adjoints
        ),
        tangents=tuple(changed(replace(t, steps=())) for t in derivation.tangents),
        preparation=changed(derivation.preparation),
    )


def _single(derivation: Derivation, sizes: Mapping[sp.Expr, sp.Expr]) -> Single:
    """Of values those axes that have one entry then, and had a name."""
    named_ = {s for s, n in sizes.items() if n == 1}
    equations = [*derivation.typed, *forward_and_adjoints(derivation)]
    known = {v.name: v.shape for v in derivation.system.variables}
    known |= {e.name: e.shape for e in equations}
    found = {n: {k for k, s in enumerate(shape) if s in named_} for n, shape in known.items()}
    return {name: places for name, places in found.items() if places}


class _Change:
    """Sizes replaced in whatever holds expressions.

    ``single``: axes with one entry, of which a label can only be 0.
    """

    def __init__(self, sizes: Mapping[sp.Expr, sp.Expr], single: Single) -> None:
        self.sizes, self.single = sizes, single
        self.offsets = {n: to for n, to in sizes.items() if n.is_Integer}
        self._known: dict[sp.Basic, sp.Basic] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, sp.Basic):
            return self._expression(value)
        if isinstance(value, Variable) and value.values is not None:
            return self._constant(value)
        if is_dataclass(value) and not isinstance(value, type):
            own = {f.name: self(getattr(value, f.name)) for f in fields(value) if f.init}
            return replace(value, **own)
        if isinstance(value, tuple):
            parts = [self(v) for v in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        return frozenset(map(self, value)) if isinstance(value, frozenset) else value

    def _constant(self, variable: Variable) -> Variable:
        """The numbers that are left of an array of them."""
        shape = tuple(self(s) for s in variable.shape)
        kept = tuple(slice(fixed(s)) for s in shape)
        return replace(variable, shape=shape, values=np.asarray(variable.values)[kept])

    def _expression(self, expr: sp.Basic) -> sp.Basic:
        if expr not in self._known:
            symbols = {s: self._symbol(s) for s in expr.atoms(sp.Symbol)}
            changed = expr.xreplace({s: t for s, t in symbols.items() if s is not t})
            changed = self._at_one(changed) if self.single else changed
            self._known[expr] = self._moved(changed) if self.offsets else changed
        return self._known[expr]

    def _at_one(self, expr: sp.Basic) -> sp.Basic:
        """The expression without labels where they can only be 0."""
        if not expr.args or not expr.has(sp.Indexed):
            return expr
        args = [self._at_one(a) for a in expr.args]
        if isinstance(expr, sp.Indexed):
            places = self.single.get(name_of(expr), ())
            args[1:] = [
                sp.S.Zero if k in places and a.has(sp.Indexed) else a
                for k, a in enumerate(args[1:])
            ]
        return expr if args == list(expr.args) else expr.func(*args)

    def _moved(self, expr: sp.Basic) -> sp.Basic:
        """The expression with the numbers in its positions replaced, innermost first."""
        if not expr.args or not expr.has(sp.Indexed, sp.KroneckerDelta):
            return expr
        args = [self._moved(a) for a in expr.args]
        if isinstance(expr, (sp.Indexed, sp.KroneckerDelta)):
            args = [a.xreplace(self.offsets) for a in args]
        return expr if args == list(expr.args) else expr.func(*args)

    def _symbol(self, symbol: sp.Symbol) -> sp.Expr:
        if isinstance(symbol, Index):
            return Index(symbol.name, symbol.size.xreplace(self.sizes))
        if isinstance(symbol, Label):
            return Label(symbol.name, self(symbol.bounds))
        return self.sizes.get(symbol, symbol)
