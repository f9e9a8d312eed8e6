"""The entries where a condition holds: of a value, to compute with, to sum, and to write back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.errors import SpecError, caller
from symgrad.language.array import Array, describe
from symgrad.language.elementwise import ELEMENTWISE, where
from symgrad.language.registry import FUNCTIONS, call_ufunc, function_name, unsupported
from symgrad.language.sizes import Dim
from symgrad.mathematics.reductions import LEAVES


class Selected(np.lib.mixins.NDArrayOperatorsMixin):
    """``x[condition]``: how many entries it has is known when the generated code runs.

    ``whole`` has a value for every entry; those where the condition does not hold count nothing.
    """

    __hash__ = object.__hash__

    def __init__(self, whole: Array, condition: Array) -> None:
        self.whole, self.condition = whole, condition

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **more: Any) -> Any:
        more.pop("out", None)  # x[c] += y is written back where it was read
        if ufunc.signature is not None:
            raise _unknown(f"the function {ufunc.__name__}")
        selected = [a for a in args if isinstance(a, Selected)]
        other = [a for a in args if not isinstance(a, Selected) and np.ndim(a)]
        if other or method != "__call__" or not all(self.goes_with(a.condition) for a in selected):
            raise _unknown(f"the function {ufunc.__name__} of them and of other arrays")
        safe = _safe(ufunc.__name__)
        parts = [self._guarded(a, safe.get(k)) for k, a in enumerate(args)]
        return Selected(call_ufunc(ufunc, method, parts, more), self.condition)

    def _guarded(self, argument: Any, safe: Any) -> Any:
        """An argument; where it has no say, a number at which the function has a value."""
        if not isinstance(argument, Selected):
            return argument
        return argument.whole if safe is None else where(self._held, argument.whole, safe)

    @property
    def _held(self) -> Array:
        """The condition, for all entries behind the axes that it is about."""
        apart = self.whole.ndim - self.condition.ndim
        held: Array = self.condition[(..., *(None,) * apart)]
        return held

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = function_name(func)
        if name not in REDUCTIONS or args[0] is not self:
            raise _unknown(f"np.{name}")
        return self.reduced(name, *args[1:], **kwargs)

    def goes_with(self, condition: Array) -> bool:
        """Whether it is the entries where another condition holds, which is written alike."""
        mine = self.condition
        if mine is condition or mine.key == condition.key:
            return True
        if mine.sizes != condition.sizes or mine.rhs is None or condition.rhs is None:
            return False
        letters = dict(zip(mine.indices, condition.indices, strict=True))
        return bool(mine.rhs.xreplace(letters) == condition.rhs)

    def reduced(self, name: str, axis: Any = None, **options: Any) -> Any:
        """A reduction over all of them, or over what they are picked along (axis 0)."""
        picked = self.condition.ndim
        if axis is not None and axis not in (0, picked - self.whole.ndim - 1):
            raise _unknown(f"np.{name} along axis {axis}")
        axes = None if axis is None else tuple(range(picked))
        extreme = {"initial": REDUCTIONS[name]} if name in ("max", "min", "amax", "amin") else {}
        return FUNCTIONS[name](self.whole, axes, where=self._held, **{**extreme, **options})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in REDUCTIONS:
            return lambda *args, **options: self.reduced(name, *args, **options)
        raise AttributeError(f"the entries where a condition holds have no {name!r}", name=name)

    @property
    def size(self) -> Dim:
        """How many there are, which no size tells."""
        raise _unknown("the number of them")

    shape = size

    def __len__(self) -> int:
        raise _unknown("the number of them")

    def __getitem__(self, key: Any) -> Any:
        raise _unknown("one of them, or a part")

    def __iter__(self) -> Any:
        raise _unknown("a loop over them")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise _unknown("what is asked of them")


REDUCTIONS = {"sum": 0, "mean": 0, "prod": 1, "var": 0, "std": 0, "max": -math.inf,
              "amax": -math.inf, "min": math.inf, "amin": math.inf}  # fmt: skip


def _unknown(what: str) -> SpecError:
    return unsupported(
        f"{what}, of the entries where a condition holds,",
        "np.sum, np.mean, np.max and functions of numbers are; or choose with np.where",
    )


def _safe(name: str) -> dict[int, float]:
    """For each argument of a function that not all numbers can be, one that it can."""
    leaf = LEAVES.get(ELEMENTWISE.get(name, object))  # type: ignore[call-overload]
    if leaf is None:
        return OF_QUOTIENTS.get(name, {})
    return {
        k: round((low + high) / 2, 3) for k, (low, high) in enumerate(leaf.domain) if low != -high
    }


OF_QUOTIENTS: dict[str, dict[int, float]] = {
    "divide": {1: 1.0}, "reciprocal": {0: 1.0}, "sqrt": {0: 1.0}, "power": {0: 1.0},
    "float_power": {0: 1.0},
}  # fmt: skip


def selected(array: Array, condition: Array) -> Selected:
    """The entries where a condition on all axes, or on the first ones, holds."""
    if condition.sizes != array.sizes[: condition.ndim]:
        raise SpecError(
            f"{describe(condition)} can't pick from {describe(array)}",
            where=caller(),
            hint="a condition has the shape of the array, or of its first axes",
        )
    return Selected(array.snapshot(), condition.snapshot())
