"""Records of functions: what is known about each, and how their derivatives are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import mpmath
import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.written import Written

Interval = tuple[float, float]
REALS: Interval = (-3.0, 3.0)
POSITIVE: Interval = (0.1, 3.0)


@dataclass(frozen=True)
class Leaf:
    """All that the project knows about one function of scalars.

    ``stable`` is its text over arguments ``x, y, z``, accurate and finite over its whole domain, in
    arithmetic and in functions that a target has or brings, by their names in mathematics;
    ``written`` says how mathematics writes it, None: as it is defined; ``mpmath`` computes it to
    any precision.  ``definition`` writes it with stock
    SymPy functions: derivatives are proved against it.  ``domain`` is where tests sample each
    argument; ``kinks`` are the arguments at which it has no derivative, and ``convention`` says
    what is taken there.
    """

    cls: type[sp.Function]
    stable: str
    written: Written | None
    mpmath: Callable[..., Any]
    definition: Callable[..., sp.Expr] | None = None
    domain: tuple[Interval, ...] = (REALS,)
    kinks: tuple[float, ...] = ()
    convention: str = ""
    boolean: bool = False
    called: str = ""
    """What a spec calls to get this leaf: the function's name in NumPy or SciPy."""


LEAVES: dict[type[sp.Function], Leaf] = {}


def record(
    cls: type[sp.Function],
    stable: str,
    written: Written | None,
    mp: Callable[..., Any],
    **more: Any,
) -> Leaf:
    """Enter a function into the table."""
    LEAVES[cls] = Leaf(cls, stable, written, mp, **more)
    return LEAVES[cls]


def as_defined(expr: sp.Expr) -> sp.Expr:
    """A function that has no sign of its own, as it is defined."""
    definition = LEAVES[type(expr)].definition
    assert definition is not None
    found: sp.Expr = definition(*expr.args)
    if found.has(sp.Abs):  # SymPy's own, of the root of a square
        with sp.evaluate(False):
            found = definition(*expr.args)
    return found


class LeafFunction(sp.Function):
    """A real function; ``partials`` are its derivatives, over its result and its arguments."""

    partials: ClassVar[tuple[Callable[..., sp.Expr], ...]] = ()
    is_real = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        if not self.partials:
            raise SpecError(f"the derivative of {type(self).__name__} is not supported")
        return self.partials[argindex - 1](self, *self.args)


class Constant(LeafFunction):
    """A function that is constant wherever it has a derivative, such as the sign."""

    def _eval_derivative(self, s: sp.Expr) -> sp.Expr:
        return sp.S.Zero


class Indicator(Constant):
    """A function with values 0 and 1."""


def real_only(function: Callable[..., Any]) -> Callable[..., Any]:
    """An mpmath function with NaN where its value is not a real number."""

    def restricted(*args: Any) -> Any:
        try:
            value = function(*args)
        except (ValueError, ZeroDivisionError, OverflowError):
            return mpmath.nan
        return mpmath.nan if isinstance(value, mpmath.mpc) else value

    return restricted
