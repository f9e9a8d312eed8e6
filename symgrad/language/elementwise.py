"""Scalar functions on every entry: arithmetic, comparisons, and the leaves."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, broadcast_index, broadcast_sizes, describe
from symgrad.language.constants import as_array, holds_values, readable
from symgrad.language.itself import with_itself
from symgrad.language.registry import FUNCTIONS, UFUNCS, function, unsupported
from symgrad.mathematics import reductions as leaves
from symgrad.mathematics.conditions import Condition
from symgrad.mathematics.equations import DType
from symgrad.mathematics.indices import axis_index, is_entry, name_of
from symgrad.mathematics.infinity import INFINITY
from symgrad.mathematics.reductions import LEAVES

_VERBS = {"add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide"}


def elementwise(name: str, *args: Any) -> Array:
    """A scalar function on each entry of the arguments broadcast together."""
    args = tuple(as_array(a) if holds_values(a) else a for a in args)
    conditions = [_is_condition(a) for a in args]
    name = _on_conditions(name) if all(conditions) else name
    if name in BITWISE:
        power = "x**2 is a power; ^ " if name == "bitwise_xor" else "it "
        raise unsupported(f"np.{name} of numbers", f"{power}is supported for conditions")
    arrays = [as_array(a) for a in args]
    if name == "reciprocal" and arrays[0].kind != "float":
        raise unsupported("np.reciprocal of integers, which NumPy rounds", "write 1 / x")
    indices, values = _aligned(_VERBS.get(name, f"take the {name} of"), arrays)
    if name in BOUNDED:
        values = _with_bounds(arrays, values)
    if name in OF_FINITE and {INFINITY, -INFINITY} & set(_with_bounds(arrays, values)):
        _check_infinite(name, arrays, values)
    if name in LOGICAL:
        values = [v if c else _truth(v) for v, c in zip(values, conditions, strict=True)]
    integer = name in INTEGER and _are_integers(arrays)
    truths = name in BOOLEAN or (name in KEEPING and all(conditions))
    kind: DType = "bool" if truths else "int" if integer else "float"
    # x / x is 1 at once, and what it was divided by is not to be seen any more
    assumed = [Condition("≠", values[1])] if name in DIVIDES else []
    assumed += [Condition("finite", values[0])] if name in FINITE else []
    found = with_itself(name, arrays, values)
    known = _compared(name, arrays, values) if name in COMPARED else None
    found = known if found is None else found
    value = ELEMENTWISE[name](*values) if found is None else found
    return Array(indices, value, arrays, dtype=kind, domain=assumed)


def _are_integers(arrays: Sequence[Array]) -> bool:
    """Whether NumPy would compute with integers."""
    kinds = {a.kind for a in arrays}
    return "int" in kinds and "float" not in kinds


def kind_of_all(arrays: Sequence[Array]) -> DType:
    """What NumPy computes with where it chooses between entries of arrays."""
    if _are_integers(arrays):
        return "int"
    return "bool" if all(a.kind == "bool" for a in arrays) else "float"


def _aligned(verb: str, arrays: Sequence[Array]) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """The indices of arrays broadcast together, and the entry of each; numbers as they are."""
    indices = [axis_index(s) for s in broadcast_sizes(verb, arrays)]
    values = [
        broadcast_index(indices, a) if a.rhs is None or a.inputs or a.ndim else a.rhs
        for a in arrays
    ]
    return indices, values


def _with_bounds(arrays: Sequence[Array], values: Sequence[sp.Expr]) -> list[sp.Expr]:
    """The entries; where all those of an array are one number, that number."""
    numbers = map(number_everywhere, arrays)
    return [v if n is None else n for n, v in zip(numbers, values, strict=True)]


def number_everywhere(array: Array) -> sp.Expr | None:
    """The number that all entries are, if they are one: np.zeros(3), np.zeros_like(x)."""
    rhs = array.rhs
    if rhs is None or rhs.is_number:
        return rhs
    repeats = is_entry(rhs) and [a.key for a in array.inputs] == [name_of(rhs)]
    return number_everywhere(array.inputs[0]) if repeats else None


def _check_infinite(name: str, arrays: Sequence[Array], values: Sequence[sp.Expr]) -> None:
    """SpecError where values that may be 0 are multiplied by an infinity, or raised to it."""
    pairs = zip(arrays, values, strict=True)
    finite = [array for array, value in pairs if value not in (INFINITY, -INFINITY)]
    if any(number_everywhere(array) is None for array in finite):
        raise unsupported(
            f"np.{name} of values by an infinity", "np.where(condition, x, -np.inf) is a mask"
        )


def _compared(name: str, arrays: Sequence[Array], values: Sequence[sp.Expr]) -> sp.Expr | None:
    """What a comparison is where both sides are numbers; None where one is not."""
    numbers = _with_bounds(arrays, values)
    if not all(isinstance(n, (sp.Integer, sp.Rational)) for n in numbers):
        return None
    return sp.Integer(bool(getattr(operator, COMPARED[name])(*numbers)))


def _is_condition(value: Any) -> bool:
    """Whether NumPy would compute with truth values."""
    return (value.kind if isinstance(value, Array) else np.asarray(readable(value)).dtype.kind) in (
        "bool",
        "b",
    )


def _on_conditions(name: str) -> str:
    """What a function of numbers is to NumPy where all arguments are truth values."""
    if name in NOT_OF_CONDITIONS:
        raise unsupported(
            f"np.{name} of conditions, which NumPy refuses", "use ~, &, |, or .astype(float)"
        )
    return OF_CONDITIONS.get(name, name)


def _truth(x: sp.Expr) -> sp.Expr:
    """1 where a number counts as true."""
    return 1 - leaves.equal(x, 0)


# -- the table --------------------------------------------------------------------------------


def _maximum(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    if x.is_number or y.is_number:  # a bound: no derivative at it, as in relu and in clip
        return _clip_below(x, y) if y.is_number else _clip_below(y, x)
    return leaves.maximum(x, y)


def _minimum(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    if x.is_number or y.is_number:
        return leaves.clip_above(x, y) if y.is_number else leaves.clip_above(y, x)
    return leaves.minimum(x, y)


def _clip_below(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    return leaves.relu(x) if y == 0 else leaves.clip_below(x, y)


def _less(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    return leaves.step(y) if x == 0 else leaves.less(x, y)


def _logaddexp(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    if y == 0 or x == 0:
        return leaves.softplus(x if y == 0 else y)
    return leaves.logaddexp(x, y)


def _heaviside(x: sp.Expr, at_zero: sp.Expr) -> sp.Expr:
    return (
        leaves.step(x)
        if at_zero == 0
        else leaves.select(leaves.equal(x, 0), at_zero, leaves.step(x))
    )


def _betaln(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    return leaves.gammaln(x) + leaves.gammaln(y) - leaves.gammaln(x + y)


def _sign_of_beta(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    return leaves.gammasgn(x) * leaves.gammasgn(y) * leaves.gammasgn(x + y)


def _huber(delta: sp.Expr, x: sp.Expr) -> sp.Expr:
    size = leaves.absolute(x)
    return leaves.select(leaves.less_equal(size, delta), x**2 / 2, delta * (size - delta / 2))


ELEMENTWISE: dict[str, Callable[..., sp.Expr]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "negative": operator.neg,
    "positive": operator.pos,
    "power": leaves.power,
    "float_power": leaves.power,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "sqrt": sp.sqrt,
    "exp2": lambda x: sp.Integer(2) ** x,
    "fabs": leaves.absolute,
    "deg2rad": lambda x: x * sp.pi / 180,
    "radians": lambda x: x * sp.pi / 180,
    "rad2deg": lambda x: x * 180 / sp.pi,
    "degrees": lambda x: x * 180 / sp.pi,
    "maximum": _maximum,
    "minimum": _minimum,
    "fmax": _maximum,
    "fmin": _minimum,
    "floor_divide": lambda x, y: leaves.floor(x / y),
    "copysign": lambda x, y: leaves.select(_less(y, 0), -leaves.absolute(x), leaves.absolute(x)),
    "signbit": lambda x: leaves.less(x, 0),
    "conjugate": lambda x: x,
    "isfinite": lambda x: sp.S.One,
    "isnan": lambda x: sp.S.Zero,
    "isinf": lambda x: sp.S.Zero,
    "logaddexp": _logaddexp,
    "heaviside": _heaviside,
    "less": _less,
    "greater": lambda x, y: _less(y, x),
    "greater_equal": lambda x, y: leaves.less_equal(y, x),
    "not_equal": lambda x, y: 1 - leaves.equal(x, y),
    "logical_and": operator.mul,
    "logical_or": lambda x, y: x + y - x * y,
    "logical_xor": lambda x, y: x + y - 2 * x * y,
    "logical_not": lambda x: 1 - x,
    # scipy.special
    "log_expit": lambda x: -leaves.softplus(-x),
    "entr": lambda x: -leaves.xlogy(x, x),
    "kl_div": lambda x, y: leaves.rel_entr(x, y) - x + y,
    "ndtr": lambda x: leaves.erfc(-x / sp.sqrt(2)) / 2,
    "betaln": _betaln,
    "beta": lambda x, y: _sign_of_beta(x, y) * sp.exp(_betaln(x, y)),
    "rgamma": lambda x: 1 / leaves.gamma(x),
    "ndtri": lambda x: -sp.sqrt(2) * leaves.erfcinv(2 * x),
    "huber": _huber,
    "pseudo_huber": lambda x, y: x**2 * (sp.sqrt(1 + (y / x) ** 2) - 1),
    "boxcox": lambda x, y: sp.log(x) if y == 0 else (leaves.power(x, y) - 1) / y,
    "boxcox1p": lambda x, y: leaves.log1p(x) if y == 0 else (leaves.power(1 + x, y) - 1) / y,
    "inv_boxcox": lambda x, y: sp.exp(x) if y == 0 else leaves.power(1 + y * x, 1 / y),
    "exp10": lambda x: sp.Integer(10) ** x,
    "cosm1": lambda x: -2 * sp.sin(x / 2) ** 2,
}
"""What a function of numbers writes down; those that are leaves follow from their records."""
ELEMENTWISE |= {
    leaf.called: cls
    for cls, leaf in LEAVES.items()
    if leaf.called and leaf.called not in ELEMENTWISE
}
LOGICAL = {"logical_and", "logical_or", "logical_xor", "logical_not"}
FINITE = {"isfinite", "isnan", "isinf"}
"""What is asked of numbers that are taken to be finite."""
BOOLEAN = LOGICAL | {"less", "greater", "less_equal", "greater_equal", "equal", "not_equal"}
BOOLEAN |= {"signbit", *FINITE}
COMPARED = {"less": "lt", "greater": "gt", "less_equal": "le", "greater_equal": "ge",
            "equal": "eq", "not_equal": "ne"}  # fmt: skip
"""What Python's module of operators calls the comparisons."""
OF_FINITE = {"multiply", "power", "float_power"}
"""What has no number where one is an infinity and the other any value."""
DIVIDES = {"divide", "floor_divide", "remainder", "fmod"}
BITWISE = {"bitwise_and", "bitwise_or", "bitwise_xor", "invert"}
BOUNDED = {"maximum", "minimum", "fmax", "fmin"}
INTEGER = {"add", "subtract", "multiply", "negative", "positive", "square", *BOUNDED, "absolute",
           "conjugate", "floor", "ceil", "trunc"}  # fmt: skip
OF_CONDITIONS = {
    "bitwise_and": "logical_and",
    "bitwise_or": "logical_or",
    "bitwise_xor": "logical_xor",
    "invert": "logical_not",
    "add": "logical_or",
    "multiply": "logical_and",
    "maximum": "logical_or",
    "minimum": "logical_and",
    "fmax": "logical_or",
    "fmin": "logical_and",
}
"""What arithmetic is to NumPy where all arguments are truth values: True + True is True."""
NOT_OF_CONDITIONS = {"subtract", "negative", "positive", "sign"}
KEEPING = {"absolute", "floor", "ceil", "trunc"}
"""What gives truth values of truth values."""

for _name in (*ELEMENTWISE, *sorted(BITWISE)):
    _plain = hasattr(np, _name) and not isinstance(getattr(np, _name), np.ufunc)  # np.sinc is
    (FUNCTIONS if _plain else UFUNCS)[_name] = functools.partial(elementwise, _name)


# -- choices and bounds -----------------------------------------------------------------------


@function("where")
def where(condition: Any, x: Any, y: Any) -> Array:
    """``x`` where the condition holds, ``y`` elsewhere."""
    if isinstance(condition, Array) and condition.kind == "int":
        condition = elementwise("not_equal", condition, 0)
    if not _is_condition(condition):
        raise SpecError(
            "np.where needs a condition, such as z > 0",
            where=caller(),
            hint=f"{describe(as_array(condition))} holds numbers",
        )
    arrays = [as_array(condition), as_array(x), as_array(y)]
    indices, values = _aligned("choose between", arrays)
    everywhere = number_everywhere(arrays[0])
    held = {sp.S.One: values[1], sp.S.Zero: values[2]}.get(everywhere)
    value = leaves.select(*values) if held is None else held
    return Array(indices, value, arrays, dtype=kind_of_all(arrays[1:]))


@function("select")
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Array:
    """From the first of ``choicelist`` whose condition holds."""
    if len(condlist) != len(choicelist):
        raise SpecError(
            f"np.select has {len(condlist)} conditions and {len(choicelist)} choices",
            where=caller(),
            hint="one choice for each condition",
        )
    chosen = as_array(default)
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        chosen = where(condition, choice, chosen)
    return chosen


@function("clip", method=True)
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Array:
    """``a`` with what lies below ``a_min`` or above ``a_max`` replaced by that bound.

    Its derivative at a bound is 0, whether there is one bound or two.
    """
    low, high = (min if a_min is None else a_min), (max if a_max is None else a_max)
    if low is None and high is None:
        return as_array(a)
    leaf = _clip_below if high is None else leaves.clip_above if low is None else leaves.clip
    arrays = [as_array(x) for x in (a, low, high) if x is not None]
    indices, values = _aligned("clip", arrays)
    value = leaf(*_with_bounds(arrays, values))
    return Array(indices, value, arrays, dtype=kind_of_all(arrays))


UFUNCS["clip"] = clip


# -- functions that NumPy and SciPy lack as ufuncs --------------------------------------------


def sigmoid(x: Any) -> Array:
    """1 / (1 + exp(-x)), for every x: what scipy.special.expit computes."""
    return elementwise("expit", x)


def log_sigmoid(x: Any) -> Array:
    """log(1 / (1 + exp(-x))), for every x: what scipy.special.log_expit computes."""
    return elementwise("log_expit", x)


def softplus(x: Any) -> Array:
    """log(1 + exp(x)), for every x."""
    return elementwise("logaddexp", x, 0)


def relu(x: Any) -> Array:
    """max(x, 0), with derivative 0 at 0."""
    return elementwise("maximum", x, 0)
