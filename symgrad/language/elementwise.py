"""Scalar functions on every entry: arithmetic, comparisons, and the leaves."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import sympy as sp

from symgrad import leaves
from symgrad.arrays import (
    UFUNCS,
    Array,
    as_array,
    broadcast_index,
    broadcast_sizes,
    describe,
    function,
    unsupported,
)
from symgrad.equations import DType
from symgrad.errors import SpecError, caller
from symgrad.indices import axis_index
from symgrad.leaves import LEAVES

_VERBS = {"add": "add", "subtract": "subtract", "multiply": "multiply", "true_divide": "divide"}


def elementwise(name: str, *args: Any) -> Array:
    """A scalar function on each entry of the arguments broadcast together."""
    arrays = [as_array(a) for a in args]
    sizes = broadcast_sizes(_VERBS.get(name, f"take the {name} of"), arrays)
    indices = [axis_index(s) for s in sizes]
    values = [
        broadcast_index(indices, a) if a.rhs is None or a.inputs or a.ndim else a.rhs
        for a in arrays
    ]
    boolean = name in BOOLEAN or (name in BITWISE and all(a.kind == "bool" for a in arrays))
    if name in BITWISE and not boolean:
        raise unsupported(f"np.{name} of numbers", "it is supported for conditions")
    integer = name in INTEGER and all(a.kind == "int" for a in arrays)
    kind: DType = "bool" if boolean else "int" if integer else "float"
    return Array(indices, ELEMENTWISE[name](*values), arrays, dtype=kind)


def _maximum(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    if y == 0 or x == 0:
        return leaves.relu(x if y == 0 else y)
    return leaves.maximum(x, y)


def _less(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    return leaves.step(y) if x == 0 else leaves.less(x, y)


def _power(x: sp.Expr, y: sp.Expr) -> sp.Expr:
    return sp.Pow(x, y)


def _not(x: sp.Expr) -> sp.Expr:
    return 1 - x


ELEMENTWISE: dict[str, Callable[..., sp.Expr]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "true_divide": operator.truediv,
    "negative": operator.neg,
    "positive": operator.pos,
    "power": _power,
    "float_power": _power,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "sqrt": sp.sqrt,
    "absolute": leaves.absolute,
    "fabs": leaves.absolute,
    "maximum": _maximum,
    "less": _less,
    "greater": lambda x, y: _less(y, x),
    "less_equal": leaves.less_equal,
    "greater_equal": lambda x, y: leaves.less_equal(y, x),
    "equal": leaves.equal,
    "not_equal": lambda x, y: 1 - leaves.equal(x, y),
    "logical_and": operator.mul,
    "logical_or": lambda x, y: x + y - x * y,
    "logical_not": _not,
    "bitwise_and": operator.mul,
    "bitwise_or": lambda x, y: x + y - x * y,
    "invert": _not,
}
ELEMENTWISE |= {
    leaf.ufunc: cls for cls, leaf in LEAVES.items() if leaf.ufunc and leaf.ufunc not in ELEMENTWISE
}
BITWISE = {"bitwise_and", "bitwise_or", "invert"}
BOOLEAN = {
    "less",
    "greater",
    "less_equal",
    "greater_equal",
    "equal",
    "not_equal",
    "logical_and",
    "logical_or",
    "logical_not",
}
INTEGER = {"add", "subtract", "multiply", "negative", "positive", "square"}


def _ufunc(name: str) -> Callable[..., Array]:
    return functools.partial(elementwise, name)


UFUNCS |= {name: _ufunc(name) for name in ELEMENTWISE}


@function("where")
def where(condition: Any, x: Any, y: Any) -> Array:
    """``x`` where the condition holds, ``y`` elsewhere."""
    arrays = [as_array(condition), as_array(x), as_array(y)]
    if arrays[0].kind != "bool":
        raise SpecError(
            "np.where needs a condition, such as z > 0",
            where=caller(),
            hint=f"{describe(arrays[0])} holds numbers",
        )
    sizes = broadcast_sizes("choose between", arrays)
    indices = [axis_index(s) for s in sizes]
    return Array(indices, leaves.select(*(broadcast_index(indices, a) for a in arrays)), arrays)
