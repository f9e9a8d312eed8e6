"""Numbers and NumPy's arrays as constants of a spec; whatever stands in it as an array."""

from __future__ import annotations

import math
import numbers
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, caller, visible
from symgrad.language.array import Array
from symgrad.language.nested import overflowing, unreadable
from symgrad.language.registry import FUNCTIONS, unsupported
from symgrad.language.sizes import shape_text
from symgrad.mathematics.equations import DType, Variable
from symgrad.mathematics.indices import axis_index
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.sizes import as_size


def constant(values: Any) -> Array:
    """An ordinary NumPy array, or a number, as a constant of the spec.

    It is made where one meets a symbolic array; call it to index a constant by symbolic labels:
    ``sg.constant(np.eye(3))[y]``.
    """
    array = _checked(values)
    # numbers that are all the same, and the identity, are known to the algebra: ones, zeros, eye
    if (array == array.flat[0]).all():
        first = array.flat[0]
        value = number(first.item() if isinstance(first, np.generic) else first)
        return Array([axis_index(as_size(d)) for d in array.shape], value, dtype=_kind_of(array))
    if array.ndim == 2 and array.dtype.kind == "f" and _is_identity(array):
        row, column = (axis_index(as_size(d)) for d in array.shape)
        return Array([row, column], sp.KroneckerDelta(row, column))
    kind = _kind_of(array)
    sizes = tuple(as_size(d) for d in array.shape)
    name = f"constant_{_digest(array)}"
    variable = Variable(name, sizes, "constant", kind, (), caller(), array)
    return Array([axis_index(s) for s in sizes], None, dtype=kind, variable=variable)


def _checked(values: Any) -> np.ndarray[Any, Any]:
    if reason := not_plain(values):
        raise SpecError(f"a constant {reason[0]}", where=caller(), hint=reason[1])
    array = np.array(values)  # a copy: what the spec writes into it later is not meant here
    if _is_exact(array):
        _check_exact(array)
        array = array if len({*array.flat}) == 1 else array.astype(np.float64)
    elif array.dtype.kind not in "fiub":
        first = next(iter(array.flat), None)
        kind = "an integer beyond int64" if isinstance(first, int) else f"a {type(first).__name__}"
        raise SpecError(
            f"{kind} can't stand in an equation: {visible(repr(first), 40)}",
            where=caller(),
            hint="real numbers, integers and booleans are",
        )
    if not array.size:
        raise SpecError(
            f"a constant of the shape {shape_text(array.shape)} has no entries",
            where=caller(),
            hint="every axis needs an entry",
        )
    if array.dtype.kind == "f" and np.isnan(array).any():
        place = ", ".join(str(k) for k in np.argwhere(np.isnan(array))[0])
        raise _nan(f"a constant with NaN at [{place}]" if array.ndim else "the number nan")
    if array.dtype == np.longdouble and (large := overflowing(array, _as_float64(array))):
        raise _too_large(large)
    # differences of unsigned ones would wrap around
    return array.astype(np.int64) if array.dtype.kind == "u" else array


def _check_exact(array: np.ndarray[Any, Any]) -> None:
    """SpecError where a number of Python's library is none, or has more digits than any float."""
    for value in array.flat:
        if isinstance(value, Decimal) and value.is_nan():
            raise _nan("the number nan")
        if _digits(value) > MOST_DIGITS:
            raise _too_large(f"of about {_digits(value):.0f} digits")


MOST_DIGITS = 1000
"""More have no number whose float is neither 0 nor an infinity, and that somebody wrote."""


def _digits(value: Fraction | Decimal) -> float:
    """About how many digits a number has, as a fraction of integers."""
    if isinstance(value, Decimal):
        return abs(value.adjusted()) + len(value.as_tuple().digits) if value.is_finite() else 0
    return 0.3 * max(value.numerator.bit_length(), value.denominator.bit_length())


def _too_large(number: str) -> SpecError:
    return SpecError(
        f"the number {number} can't stand in an equation: no float64 is so large, or so small",
        where=caller(),
        hint="numbers from 1e-307 to 1e307 can be used: scale it; an infinity is np.inf",
    )


def _as_float64(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with np.errstate(over="ignore"):
        return array.astype(np.float64)


def readable(values: Any) -> Any:
    """Something that NumPy comes to an end with; SpecError where it would not."""
    if reason := unreadable(values):
        raise SpecError(f"a constant {reason[0]}", where=caller(), hint=reason[1])
    return values


def not_plain(values: Any) -> tuple[str, str] | None:
    """Why something is no array that NumPy computes with as it stands, and what to do."""
    if reason := unreadable(values):
        return reason
    if _is_masked(values):
        return "is a masked array", "its mask would be lost: fill it, as in m.filled(0)"
    array = values if isinstance(values, np.ndarray) else _as_numbers(values)
    if array is None or array.dtype.kind not in "cu":
        return None
    if array.dtype.kind == "c":
        return f"is complex ({array.dtype})", "real numbers are supported: take .real or abs()"
    if array.size and array.max() > np.iinfo(np.int64).max:
        return (
            f"holds {array.max()}, which int64 does not",
            "integers up to 2**63 - 1 are supported",
        )
    return None


def _is_masked(values: Any) -> bool:
    if isinstance(values, (list, tuple)):
        return any(map(_is_masked, values))
    return isinstance(values, np.ma.MaskedArray)


def _as_numbers(values: Any) -> np.ndarray[Any, Any] | None:
    """Lists as NumPy reads them; None where it can't."""
    try:
        return np.asarray(values)
    except (ValueError, TypeError):
        return None


def _kind_of(array: np.ndarray[Any, Any]) -> DType:
    kinds: dict[str, DType] = {"f": "float", "i": "int", "u": "int", "b": "bool", "O": "float"}
    return kinds[array.dtype.kind]


def _is_exact(array: np.ndarray[Any, Any]) -> bool:
    """Whether it holds numbers of Python's library that NumPy has no dtype for."""
    return array.dtype == object and all(isinstance(v, (Fraction, Decimal)) for v in array.flat)


def _is_identity(array: np.ndarray[Any, Any]) -> bool:
    return array.shape[0] == array.shape[1] and np.array_equal(array, np.eye(len(array)))


def _digest(array: np.ndarray[Any, Any]) -> str:
    import hashlib  # only specs with constant arrays need it

    # what is made anew in each run of a loop is one constant, because it is called the same
    return hashlib.sha256(
        str((array.shape, array.dtype.kind)).encode() + array.tobytes()
    ).hexdigest()[:8]


def number(value: Any) -> sp.Expr:
    """A number of the spec as an exact SymPy number: 0.1 is 1/10."""
    if isinstance(value, sp.Expr):
        return value.xreplace({f: number(float(f)) for f in value.atoms(sp.Float)})
    if isinstance(value, (bool, np.bool_)):
        return sp.Integer(int(value))
    if isinstance(value, numbers.Integral):
        return sp.Integer(int(value))
    if isinstance(value, Fraction) or (isinstance(value, Decimal) and value.is_finite()):
        return sp.Rational(*value.as_integer_ratio())
    if isinstance(value, (numbers.Real, Decimal)):
        real = float(value)
        if not math.isnan(real):
            return _KNOWN[real] if real in _KNOWN else _fraction(real)
        raise _nan("the number nan")
    raise SpecError(
        f"the number {value!r} can't stand in an equation", where=caller(), hint="use a real number"
    )


_KNOWN = {
    math.e: sp.E,
    math.inf: INFINITY,
    -math.inf: -INFINITY,
    **{k * math.pi: sp.nsimplify(k) * sp.pi for k in (0.25, 0.5, 1, 2, 4)},
}
"""Floats that are read as what they are called; π times a power of 2 is rounded as π is."""


def _nan(what: str) -> SpecError:
    """The error for what is no number: a derivative says nothing of it."""
    return SpecError(
        f"{what} can't stand in an equation", where=caller(), hint="an equation has no NaN"
    )


def _fraction(real: float) -> sp.Rational:
    """The decimal number that a float prints as; a third, where it is the float of a third."""
    simple = Fraction(real).limit_denominator(1000)
    if len(repr(real)) > LONG and float(simple) == real:
        return sp.Rational(simple.numerator, simple.denominator)
    return sp.Rational(repr(real))


LONG = 16
"""So many characters has no number that somebody typed: a third prints as 18 of them."""


def as_array(value: Any) -> Array:
    """Whatever stands in a spec's expression, as an array."""
    if isinstance(value, Array):
        value.refresh()
        return value
    if isinstance(value, sp.Expr):
        return Array((), _size_expression(value))
    if holds_values(value):
        return FUNCTIONS["stack"]([as_array(v) for v in value])  # type: ignore[no-any-return]
    if isinstance(value, np.ndarray) and value.dtype == object and not _is_exact(value):
        return joined(value)
    return constant(value)


def holds_values(value: Any) -> bool:
    """Whether something is a list of values of the spec, or of such lists."""
    return isinstance(value, (list, tuple)) and any(
        isinstance(v, Array) or holds_values(v) for v in value
    )


def joined(values: np.ndarray[Any, Any]) -> Array:
    """NumPy's array of symbolic scalars as one symbolic array, the same one each time."""
    first = next((v for v in values.flat if isinstance(v, Array)), None)
    if first is None:
        return _join(values)
    key = (values.shape, *(id(v) if isinstance(v, Array) else repr(v) for v in values.flat))
    if key not in first.joins:  # with the entries, so that their ids stay theirs
        first.joins.setdefault(key, (tuple(values.flat), _join(values)))
    return first.joins[key][1]


def _join(values: np.ndarray[Any, Any]) -> Array:
    """The array that all entries come from, or else the scalars stacked."""
    origins = [getattr(v, "origin", None) for v in values.flat]
    whole = origins[0][0] if origins[0] else None
    if whole is not None and whole.shape == values.shape:
        places = zip(origins, np.ndindex(values.shape), strict=True)
        if all(o and o[0] is whole and o[1] == place for o, place in places):
            return cast(Array, whole)
    if not values.ndim:
        return as_array(values.item())
    parts = [joined(v) if isinstance(v, np.ndarray) else as_array(v) for v in values]
    return FUNCTIONS["stack"](parts)  # type: ignore[no-any-return]


def _size_expression(value: sp.Expr) -> sp.Expr:
    exact = number(value)
    if rounded := exact.atoms(sp.floor, sp.ceiling, sp.Mod):
        raise unsupported(
            f"the value {min(map(str, rounded))} of a named size", "give it a fixed size"
        )
    return exact.xreplace({s: as_size(s) for s in exact.free_symbols})
