"""Three kinds of numbers to evaluate with: floats, numbers of many digits, exact numbers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import mpmath
import numpy as np
import sympy as sp

from symgrad.checks.lengths import degree, terms_below, weight
from symgrad.errors import SymgradError
from symgrad.mathematics.calls import evaluated, parsed
from symgrad.mathematics.matrices import MatrixLeaf
from symgrad.mathematics.reductions import LEAVES, Leaf, ReductionLeaf
from symgrad.targets.numpy.runtime.special import function_of

LONGEST = 60
"""The degree beyond which an exact number is neither readable nor quick to simplify."""

Numbers = Any
"""A NumPy array, or a single number, of the kind that the field works with."""


class Field(Protocol):
    """How numbers are made, and functions of them computed."""

    dtype: Any

    def precision(self) -> AbstractContextManager[Any]:
        """The setting in which the numbers are to be used."""

    def number(self, value: sp.Expr) -> Any:
        """The number for a SymPy constant."""

    def array(self, values: Any) -> np.ndarray:
        """An array of the field's numbers, from ints, floats, fractions or SymPy numbers."""

    def apply(self, leaf: Leaf, arguments: list[Numbers]) -> Numbers:
        """A leaf function of arrays that broadcast."""

    def reduce(self, leaf: ReductionLeaf, values: np.ndarray) -> Numbers:
        """A reduction over the last axis."""

    def matrix(self, leaf: MatrixLeaf, values: np.ndarray) -> np.ndarray:
        """A function of the matrices in the last two axes: numbers, or matrices."""

    def power(self, base: Numbers, exponent: Numbers) -> Numbers:
        """``base ** exponent``."""

    def settle(self, values: np.ndarray) -> np.ndarray:
        """A finished value in its simplest form; an error if it is no real number or infinity."""

    def rounded(self, values: np.ndarray, decimals: int) -> np.ndarray:
        """Rounded to so many decimals, a tie to the even digit, as ``np.round``."""


class OutsideDomain(SymgradError):
    """A value is not a real number at the point where it was evaluated."""


def numpy_value(text: str, *arguments: Numbers) -> Numbers:
    """What a leaf's text gives where NumPy, or the file that NumPy runs, computes its functions."""
    return evaluated(
        parsed(text),
        dict(zip("xyz", arguments, strict=False)),
        call=lambda name, args: function_of(name)(*args),
        number=lambda value: value,
    )


_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "logsum": lambda terms, axis: np.log(np.sum(terms, axis)),
    "logsumexp": np.logaddexp.reduce,
}
"""Reductions that NumPy has under another name."""


def numpy_reduction(name: str) -> Callable[..., Any]:
    """A reduction of an array along an axis."""
    return _REDUCTIONS.get(name) or function_of(name)


_MATRICES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sign": lambda a: np.linalg.slogdet(a)[0],
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    **dict.fromkeys(("eigenbasis", "eigenvectors"), lambda a: np.linalg.eigh(a)[1]),
    "svdvals": lambda a: np.linalg.svd(a, compute_uv=False),
    "left": lambda a: np.linalg.svd(a, full_matrices=False)[0],
    "right": lambda a: np.linalg.svd(a, full_matrices=False)[2],
}
"""Functions of matrices that NumPy has under another name."""


def _numpy_matrix(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """A function of the matrices in the last two axes."""
    return _MATRICES.get(name) or getattr(np.linalg, name)


@functools.cache
def _elementwise(function: Callable[..., Any], count: int) -> Any:
    return np.frompyfunc(function, count, 1)


@functools.cache
def _or_nan(function: Callable[..., Any], nan: Any = mpmath.nan) -> Callable[..., Any]:
    """The function, with NaN where it has no value: a branch that is not selected may have none."""

    def guarded(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (ZeroDivisionError, ValueError, TypeError):
            return nan

    return guarded


def _rows(function: Callable[[list[Any]], Any], values: np.ndarray) -> Numbers:
    """A function of lists along the last axis of an array of objects."""
    result = np.empty(values.shape[:-1], dtype=object)
    for place in np.ndindex(result.shape):
        result[place] = function(list(values[place]))
    return result


def _matrices(function: Callable[[list[list[Any]]], Any], values: np.ndarray) -> np.ndarray:
    """A function of lists of rows on the last two axes of an array of objects."""
    flat = [function(m.tolist()) for m in values.reshape(-1, *values.shape[-2:])]
    found = [m.tolist() if hasattr(m, "tolist") else m for m in flat]
    whole = np.array(found, dtype=object)
    return whole.reshape(values.shape[:-2] + whole.shape[1:])


def _regular(leaf: MatrixLeaf, values: np.ndarray, found: np.ndarray, digits: int) -> np.ndarray:
    """What was found, unless it is the inverse of what is singular but for rounding."""
    if leaf.name == "inv" and np.abs(values).max() * np.abs(found).max() > 10.0 ** (digits - 2):
        raise OutsideDomain("a matrix at this point has no inverse")
    return found


class Floats:
    """NumPy floats; a leaf is its text, computed by NumPy.  With ``gaps`` a value may be NaN."""

    def __init__(self, dtype: Any = np.float64, *, gaps: bool = False) -> None:
        self.dtype = np.dtype(dtype)
        self.gaps = gaps

    def precision(self) -> AbstractContextManager[Any]:
        return np.errstate(all="ignore")

    def number(self, value: sp.Expr) -> Any:
        if isinstance(value, sp.Rational):
            try:
                return self.dtype.type(value.p) / self.dtype.type(value.q)
            except OverflowError:  # of one of the two, or of the quotient
                return self.dtype.type(_quotient(value.p, value.q))
        return self.dtype.type(float(value))

    def array(self, values: Any) -> np.ndarray:
        given = np.asarray(values)
        return given.astype(float if given.dtype == object else self.dtype).astype(self.dtype)

    def apply(self, leaf: Leaf, arguments: list[Numbers]) -> Numbers:
        return np.asarray(numpy_value(leaf.stable, *arguments), dtype=self.dtype)

    def reduce(self, leaf: ReductionLeaf, values: np.ndarray) -> Numbers:
        return numpy_reduction(leaf.name)(values, -1)

    def matrix(self, leaf: MatrixLeaf, values: np.ndarray) -> np.ndarray:
        double = np.asarray(values, dtype=np.float64)  # LAPACK has no longer floats
        if leaf.symmetric and not np.allclose(double, double.swapaxes(-1, -2), 1e-5):
            raise OutsideDomain("a matrix at this point is not symmetric")
        try:
            return _regular(
                leaf, double, np.asarray(_numpy_matrix(leaf.name)(double), self.dtype), 15
            )
        except np.linalg.LinAlgError as error:
            raise OutsideDomain(f"a matrix at this point: {error}") from None

    def power(self, base: Numbers, exponent: Numbers) -> Numbers:
        return np.sqrt(base) if np.ndim(exponent) == 0 and exponent == 0.5 else base**exponent

    def settle(self, values: np.ndarray) -> np.ndarray:
        if not self.gaps and np.isnan(values).any():
            raise OutsideDomain("a value is not a real number at this point")
        return values

    def rounded(self, values: np.ndarray, decimals: int) -> np.ndarray:
        return np.round(values, decimals)


def _quotient(p: int, q: int) -> float:
    try:
        return p / q
    except OverflowError:
        return math.copysign(math.inf, p)


class Digits:
    """Numbers of many digits (mpmath) in arrays of objects; a leaf is its mpmath function.

    With ``gaps`` a value may be NaN.
    """

    dtype = np.dtype(object)

    def __init__(self, digits: int = 50, *, gaps: bool = False) -> None:
        self.digits = digits
        self.gaps = gaps

    def precision(self) -> AbstractContextManager[Any]:
        context: AbstractContextManager[Any] = mpmath.workdps(self.digits)
        return context

    def number(self, value: sp.Expr) -> Any:
        if isinstance(value, sp.Integer):
            return mpmath.mpf(value.p)
        if isinstance(value, sp.Rational):
            return mpmath.mpf(value.p) / value.q
        return mpmath.mpmathify(value.evalf(self.digits + 5))

    def array(self, values: Any) -> np.ndarray:
        given = np.asarray(values, dtype=object)
        return np.asarray(_elementwise(self._convert, 1)(given), dtype=object)

    def _convert(self, value: Any) -> Any:
        if isinstance(value, sp.Expr):
            return self.number(value)
        if hasattr(value, "denominator") and not isinstance(value, np.generic):
            return mpmath.mpf(value.numerator) / value.denominator
        if isinstance(value, np.longdouble):  # of more digits than Python's own
            return mpmath.mpf(str(value))
        return mpmath.mpf(value.item() if isinstance(value, np.generic) else value)

    def apply(self, leaf: Leaf, arguments: list[Numbers]) -> Numbers:
        return _elementwise(_or_nan(leaf.mpmath), len(arguments))(*arguments)

    def reduce(self, leaf: ReductionLeaf, values: np.ndarray) -> Numbers:
        return _rows(leaf.mpmath, values)

    def matrix(self, leaf: MatrixLeaf, values: np.ndarray) -> np.ndarray:
        try:
            found = _matrices(lambda rows: leaf.mpmath(mpmath.matrix(rows)), values)
            return _regular(leaf, values, found, self.digits)
        except (ValueError, ZeroDivisionError) as error:  # not definite; singular
            raise OutsideDomain(f"a matrix at this point: {error}") from None

    def power(self, base: Numbers, exponent: Numbers) -> Numbers:
        return _elementwise(_or_nan(pow), 2)(base, exponent)

    def settle(self, values: np.ndarray) -> np.ndarray:
        for value in values.flat:
            if isinstance(value, mpmath.mpc) or (mpmath.isnan(value) and not self.gaps):
                raise OutsideDomain("a value is not a real number at this point")
        return values

    def rounded(self, values: np.ndarray, decimals: int) -> np.ndarray:
        scale = mpmath.mpf(10) ** decimals
        return np.asarray(_elementwise(lambda v: mpmath.nint(v * scale) / scale, 1)(values))


class Exact:
    """Exact SymPy numbers in arrays of objects; a leaf is its definition, or its own class.

    ``budget`` is how many nodes of irrational numbers it simplifies before it gives up: numbers
    that cost more are too long to read.
    """

    dtype = np.dtype(object)

    def __init__(self, budget: int = 2_000) -> None:
        self.budget = budget
        self._settled: dict[sp.Expr, sp.Expr] = {}

    def precision(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def number(self, value: sp.Expr) -> Any:
        return value

    def array(self, values: Any) -> np.ndarray:
        given = np.asarray(values, dtype=object)
        return np.asarray(_elementwise(exact_number, 1)(given), dtype=object)

    def apply(self, leaf: Leaf, arguments: list[Numbers]) -> Numbers:
        return _elementwise(_or_nan(_exactly(leaf), sp.nan), len(arguments))(*arguments)

    def reduce(self, leaf: ReductionLeaf, values: np.ndarray) -> Numbers:
        return _rows(lambda row: simplest(leaf.definition(row)), values)

    def matrix(self, leaf: MatrixLeaf, values: np.ndarray) -> np.ndarray:
        if leaf.exact is None:
            raise OutsideDomain("the exact numbers are roots, and too long")
        exact = leaf.exact
        return _matrices(lambda rows: exact(sp.Matrix(rows)), values)

    def power(self, base: Numbers, exponent: Numbers) -> Numbers:
        return np.power(np.asarray(base, dtype=object), exponent)

    def settle(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(_elementwise(self._settle, 1)(values), dtype=object)

    def _settle(self, written: Any) -> sp.Expr:
        value = exact_number(written)  # where nothing is added to it, an entry is a plain 0
        if value.is_Rational:
            return value
        if value not in self._settled:
            self.budget -= weight(value)
            longest = max(degree(value), terms_below(value))
            if self.budget < 0 or longest > LONGEST or not _is_written(value):
                raise OutsideDomain("the exact number is too long, or has no sign")
            self._settled[value] = _settled(value)
        return self._settled[value]

    def rounded(self, values: np.ndarray, decimals: int) -> np.ndarray:
        return np.asarray(_elementwise(lambda v: round_exactly(v, decimals), 1)(values))


def exact_number(value: Any) -> sp.Expr:
    """A number as it is printed: 0.1 is one tenth."""
    if isinstance(value, sp.Basic):
        return value
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        return sp.Rational(str(plain)) if math.isfinite(plain) else sp.sympify(plain)
    return sp.Rational(plain)


def _is_written(value: sp.Expr) -> bool:
    """Whether there are signs for all that is in a real number: none for γ, log Γ, i."""
    functions = {f.func for f in value.atoms(sp.Function)}
    constants = value.atoms(sp.NumberSymbol, sp.core.numbers.ImaginaryUnit)
    return functions <= LEAVES.keys() and constants <= {sp.pi, sp.E} and value.is_real is not False


@functools.cache
def _exactly(leaf: Leaf) -> Callable[..., sp.Expr]:
    """A leaf as a function of exact numbers.

    Where it has no definition in stock SymPy, its values are its arguments or simple fractions,
    which the mpmath function picks rightly once equal arguments have equal forms.
    """
    if leaf.definition is not None:
        return leaf.definition
    if leaf.cls.__module__.startswith("sympy"):
        return leaf.cls

    def picked(*arguments: sp.Expr) -> sp.Expr:
        return exact_number(_plain(leaf.mpmath(*(_Compared(a) for a in arguments))))

    return picked


class _Compared:
    """An exact number that can be compared and tested, and nothing else."""

    def __init__(self, value: sp.Expr) -> None:
        self.value = simplest(value)

    def _order(self, other: Any) -> int:
        return sign_of(self.value - (other.value if isinstance(other, _Compared) else other))

    def __lt__(self, other: Any) -> bool:
        return self._order(other) < 0

    def __le__(self, other: Any) -> bool:
        return self._order(other) <= 0

    def __gt__(self, other: Any) -> bool:
        return self._order(other) > 0

    def __ge__(self, other: Any) -> bool:
        return self._order(other) >= 0

    def __eq__(self, other: object) -> bool:
        return self._order(other) == 0

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return self != 0


def _plain(value: Any) -> Any:
    if isinstance(value, _Compared):
        return value.value
    if isinstance(value, mpmath.mpf):
        return sp.Rational(*float(value).as_integer_ratio())
    return value


def sign_of(value: sp.Expr) -> int:
    """-1, 0 or 1, proved; an error where SymPy can't tell."""
    reduced = simplest(value)
    for answer, holds in (
        (0, reduced.is_zero),
        (1, reduced.is_positive),
        (-1, reduced.is_negative),
    ):
        if holds:
            return answer
    raise OutsideDomain(f"cannot tell the sign of {reduced} exactly")


def simplest(value: sp.Expr) -> sp.Expr:
    """A quotient of polynomials (in e, say) without a common factor or a negative exponent."""
    if value.is_Rational:
        return value
    return sp.factor_terms(sp.cancel(sp.together(value)), sign=True)


def _simple_log(argument: sp.Expr) -> sp.Expr:
    """A logarithm with the powers of e taken out."""
    return sp.expand_log(sp.log(simplest(argument)))


def _settled(value: sp.Expr) -> sp.Expr:
    reduced = simplest(value.replace(sp.log, _simple_log))
    if reduced.has(sp.nan, sp.zoo, sp.I) or not reduced.is_number:
        raise OutsideDomain("a value is not a real number at this point")
    return reduced


def round_exactly(value: sp.Expr, decimals: int) -> sp.Expr:
    """An exact number rounded, a tie to the even digit."""
    scaled = value * sp.Integer(10) ** decimals
    if scaled.is_Rational:
        return sp.Rational(round(sp.Rational(scaled))) / sp.Integer(10) ** decimals
    return sp.Integer(round(scaled.evalf(50))) / sp.Integer(10) ** decimals
