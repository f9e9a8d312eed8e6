"""Numbers and functions of numbers as expressions of C."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import sympy as sp

from symgrad.errors import SpecError
from symgrad.mathematics.infinity import as_number
from symgrad.mathematics.sizes import with_numbers
from symgrad.targets.expressions import INVERSES, OPERATORS, Precedence, Text, listed, negated

TYPES = {"float64": "double", "float32": "float"}
"""The type of C for a dtype."""

_SAME = (
    *("cbrt", "ceil", "cos", "cosh", "erf", "erfc", "exp", "expm1", "floor", "fmod", "hypot"),
    *("log", "log10", "log1p", "log2", "rint", "sin", "sinh", "sqrt", "tan", "tanh", "trunc"),
)
_LIBRARY = {
    **{name: name for name in _SAME},
    "abs": "fabs",
    **INVERSES,
    "power": "pow",
}
"""What functions of mathematics are called in math.h."""

_OWN = {
    "digamma": "digamma",
    "erfcinv": "inverse_erfc",
    "erfcx": "scaled_erfc",
    "erfinv": "inverse_erf",
    "gammaln": "log_gamma",
    "heaviside": "step_at",
    "logaddexp": "log_add_exp",
    "logaddexp2": "log2_add_exp2",
    "maximum": "larger",
    "minimum": "smaller",
    "remainder": "modulo",
    "sign": "sign_of",
    "trigamma": "trigamma",
}
"""What they are called that a file defines for itself."""

FUNCTIONS = frozenset({*_LIBRARY, *_OWN})
_IN_C = frozenset({*_LIBRARY.values(), "floor", "fmod", "copysign"})
_CALL = re.compile(rf"\b({'|'.join(sorted(_IN_C, key=len, reverse=True))})\(")
_NUMBER = re.compile(r"(?<![\w.])(\d+\.\d*(?:e[+-]?\d+)?)(?![\w.])")


def in_type(text: str, dtype: str) -> str:
    """Code that is written over ``real``, in double precision, in the type of a dtype.

    What is not written over it stays in double precision.
    """
    if not re.search(r"\breal\b", text):
        return text
    return re.sub(r"\breal\b", TYPES[dtype], suffixed(text, dtype))


def suffixed(text: str, dtype: str) -> str:
    """The numbers and functions of the library in it, as they are written for a dtype."""
    return _NUMBER.sub(r"\1f", _CALL.sub(r"\1f(", text)) if dtype == "float32" else text


def whole_number(value: int) -> Text:
    """An integer among integers."""
    return Text(str(value), Precedence.UNARY if value < 0 else Precedence.ATOM)


def number(value: sp.Expr) -> Text:
    """A number among floats, to its last digit."""
    value = with_numbers(as_number(value))
    if value is sp.nan:
        return Text("NAN")
    found = float(value)
    if math.isinf(found):
        return Text("INFINITY" if found > 0 else "-INFINITY", Precedence.UNARY)
    text = repr(found)
    text = text if "." in text or "e" not in text else text.replace("e", ".0e")
    return Text(text, Precedence.UNARY if found < 0 else Precedence.ATOM)


def called(function: str, args: Sequence[Text]) -> Text:
    """A function of floats."""
    if function in OPERATORS:
        return OPERATORS[function](*args)
    if function == "negative":
        return negated(args[0])
    if function == "power" and args[1].code == "2.0" and _is_short(args[0]):
        return OPERATORS["multiply"](args[0], args[0])
    name = _LIBRARY.get(function) or _OWN.get(function)
    if name is None:
        raise SpecError(f"the target c has no function {function}", hint="use the target numpy")
    return Text(f"{name}({listed(args)})")


def _is_short(text: Text) -> bool:
    return re.fullmatch(r"\w+(\[[^\[\]]*\])?", text.code) is not None


def rounded(x: Text, decimals: int) -> Text:
    """To a number of decimals, as NumPy does."""
    scale = Text(repr(float(10 ** abs(decimals))))
    there, back = ("multiply", "divide") if decimals > 0 else ("divide", "multiply")
    if decimals == 0:
        return called("rint", [x])
    return OPERATORS[back](called("rint", [OPERATORS[there](x, scale)]), scale)


def chosen(condition: Text, x: Text, y: Text) -> Text:
    """One of two values."""
    return Text(f"({condition.at_least(Precedence.ATOM)} ? {x.code} : {y.code})")


def both(x: Text, y: Text) -> Text:
    """Whether two conditions hold."""
    return Text(f"({x.at_least(Precedence.ATOM)} && {y.at_least(Precedence.ATOM)})")


def either(x: Text, y: Text) -> Text:
    """Whether one of two conditions holds."""
    return Text(f"({x.at_least(Precedence.ATOM)} || {y.at_least(Precedence.ATOM)})")


def opposite(x: Text) -> Text:
    """Whether a condition does not hold."""
    return Text(f"!{x.at_least(Precedence.ATOM)}", Precedence.UNARY)


def cast(x: Text, type_: str) -> Text:
    """A value in another type."""
    return Text(f"({type_}){x.at_least(Precedence.ATOM)}", Precedence.UNARY)
