"""What a spec calls of symgrad, over NumPy or a module that answers like it."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np


class StandIn:
    """Stands for ``symgrad`` where a spec runs with numbers.

    Values that are held are recorded in order by the first run.  A run over ``held`` ones takes
    them as they were: so its slopes are those of the backward pass that was asked for.
    """

    def __init__(
        self, np_like: ModuleType, special: ModuleType, held: Iterable[Any] | None = None
    ) -> None:
        self.np, self.special = np_like, special
        self.held: list[Any] = []
        self._known = None if held is None else iter(held)

    def _kept(self, value: Any) -> Any:
        if self._known is not None:
            return next(self._known)
        self.held.append(value)
        return value

    def stop_gradient(self, value: Any) -> Any:
        return self._kept(value)

    def straight_through(self, value: Any, backward_as: Any) -> Any:
        return self._kept(value) + (backward_as - self._kept(backward_as))

    def rounded(self, value: Any, decimals: int = 0) -> Any:
        now = self.np.asarray(0.0) + value
        return self.straight_through(np.round(getattr(now, "_value", now), decimals), value)

    @staticmethod
    def arange(size: Any) -> Any:
        return np.arange(size)

    @staticmethod
    def constant(values: Any) -> Any:
        return np.array(values)

    @staticmethod
    def zeros(shape: Any, dtype: Any = float) -> Any:
        return np.zeros(shape, dtype)

    @staticmethod
    def ones(shape: Any, dtype: Any = float) -> Any:
        return np.ones(shape, dtype)

    @staticmethod
    def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
        return np.full(shape, fill_value, dtype)

    @staticmethod
    def eye(rows: Any, columns: Any = None, k: int = 0) -> Any:
        return np.eye(rows, columns, k)

    def array(self, values: Any) -> Any:
        return self.np.array(values)

    def sigmoid(self, x: Any) -> Any:
        return self.special.expit(x)

    def log_sigmoid(self, x: Any) -> Any:
        return -self.np.log1p(self.np.exp(-x))

    def softplus(self, x: Any) -> Any:
        return self.np.log1p(self.np.exp(x))

    def relu(self, x: Any) -> Any:
        return self.np.maximum(x, 0)

    def logsumexp(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.np.log(self.np.sum(self.np.exp(x), axis=axis, keepdims=keepdims))

    def log_softmax(self, x: Any, axis: Any = None) -> Any:
        return x - self.logsumexp(x, axis, keepdims=True)

    def softmax(self, x: Any, axis: Any = None) -> Any:
        return self.np.exp(self.log_softmax(x, axis))


def windows(np_like: Any, x: Any, length: int, axis: int) -> Any:
    """Windows along an axis, in autograd by stacking slices: it has no sliding_window_view."""
    if hasattr(np_like, "lib"):
        return np_like.lib.stride_tricks.sliding_window_view(x, length, axis=axis)
    n = x.shape[axis] - length + 1
    before = (slice(None),) * (axis % len(x.shape))
    return np_like.stack([x[(*before, slice(k, k + n))] for k in range(length)], axis=-1)
