"""Whole numbers, and what is asked of numbers that could be complex or NaN: here all are real."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array
from symgrad.language.constants import as_array
from symgrad.language.elementwise import elementwise, where
from symgrad.language.reductions import sum_
from symgrad.language.registry import METHODS, UFUNCS, function, unsupported
from symgrad.mathematics.conditions import Condition
from symgrad.mathematics.indices import axis_index


@function("round", "around", method=True)
def round_(a: Any, decimals: int = 0) -> Array:
    """The nearest number with so many decimals; its derivative is 0, where ``sg.rounded`` has 1."""
    if not decimals:
        return elementwise("rint", a)
    scale = 10 ** abs(int(decimals))
    up, down = ("multiply", "divide") if decimals > 0 else ("divide", "multiply")
    return elementwise(down, elementwise("rint", elementwise(up, a, scale)), scale)


@function("fix")
def fix(x: Any) -> Array:
    """The whole number towards 0."""
    return elementwise("trunc", x)


def divmod_(x: Any, y: Any) -> tuple[Array, Array]:
    """The whole quotient, and what is left."""
    return elementwise("floor_divide", x, y), elementwise("remainder", x, y)


def modf(x: Any) -> tuple[Array, Array]:
    """What stands behind the point, and the whole number."""
    whole = elementwise("trunc", x)
    return as_array(x) - whole, whole


UFUNCS["divmod"] = divmod_
UFUNCS["modf"] = modf


def _taken_as_finite(a: Any) -> Array:
    """The array, of which nothing is NaN, whatever a spec does about it."""
    array = as_array(a)
    inner = [axis_index(s) for s in array.sizes]
    value = array.at(inner)
    return Array(inner, value, [array], dtype=array.kind, domain=[Condition("finite", value)])


@function("nan_to_num")
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None,
               neginf: Any = None) -> Array:  # fmt: skip
    """The numbers themselves: values are taken to be finite."""
    return _taken_as_finite(x)


@function("real", "real_if_close")
def real(val: Any) -> Array:
    """The numbers themselves: all are real."""
    return as_array(val)


@function("imag")
def imag(val: Any) -> Array:
    """Zeros: all numbers are real."""
    return elementwise("multiply", val, 0)


@function("angle")
def angle(z: Any, deg: bool = False) -> Array:
    """0 of what is not negative, π of what is."""
    return where(elementwise("less", z, 0), 180 if deg else math.pi, 0)


METHODS["conj"] = METHODS["conjugate"] = as_array


@function("count_nonzero")
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """How many entries are not 0, or hold."""
    array = as_array(a)
    held = array if array.kind == "bool" else elementwise("not_equal", array, 0)
    return sum_(held, axis, keepdims=keepdims)


@function("any", method=True)
def any_(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """Whether some entry is not 0, or holds."""
    return elementwise("greater", count_nonzero(a, axis, keepdims=keepdims), 0)


@function("all", method=True)
def all_(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    """Whether no entry is 0, or all hold."""
    broken = elementwise("equal", a, 0)
    return elementwise("equal", count_nonzero(broken, axis, keepdims=keepdims), 0)


@function("piecewise")
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **more: Any) -> Array:
    """Of each entry the function (or the number) whose condition holds, the last of several."""
    alone = isinstance(condlist, Array)
    conditions = [condlist] if alone else [as_array(c) for c in condlist]
    if len(funclist) not in (len(conditions), len(conditions) + 1):
        raise SpecError(
            f"np.piecewise has {len(conditions)} conditions and {len(funclist)} functions",
            where=caller(),
            hint="one function for each condition, and one more for where none holds",
        )
    array = as_array(x)
    if array.kind != "float":
        raise unsupported("np.piecewise of integers, to which NumPy cuts the values", "use 1.0 * x")
    values = [f(array, *args, **more) if callable(f) else f for f in funclist]
    chosen = values.pop() if len(values) > len(conditions) else 0.0
    for condition, value in zip(conditions, values, strict=True):
        chosen = where(condition, value, chosen)
    return as_array(chosen)


@function("isclose")
def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08) -> Array:
    """Whether two numbers differ by less than a part of the second, and a little."""
    apart = elementwise("absolute", elementwise("subtract", a, b))
    return elementwise("less_equal", apart, rtol * elementwise("absolute", b) + atol)
