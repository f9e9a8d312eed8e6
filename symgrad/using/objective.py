"""Generated modules as what SciPy's optimisers take."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from symgrad.errors import SpecError, caller, perhaps

Vector = npt.NDArray[np.float64]


class Objective:
    """What an optimiser calls, over one vector of all parameters.

    ``fun(v)`` gives the loss and its gradient, for ``minimize(fun, x0, jac=True)``; of a module of
    a Jacobian, the residuals alone, with their derivatives in ``jac(v)``, for
    ``least_squares(fun, x0, jac=jac)``.  ``hessp(v, p)`` is the Hessian's product with p, where
    the module of ``sg.hvp`` was given.  ``unpack(v)`` gives the parameters by name.  It can be
    taken apart: ``fun, x0, unpack = objective``.
    """

    def __init__(self, module: Any, point: Mapping[str, Any], hvp: Any) -> None:
        self._module, self._hvp = module, hvp
        self._names: tuple[str, ...] = module.Gradients._fields
        self._data = {n: v for n, v in point.items() if n not in self._names}
        params = {n: np.asarray(point[n], dtype=np.float64) for n in self._names}
        self._shapes = {n: a.shape for n, a in params.items()}
        self.x0 = self.pack(params)

    def __iter__(self) -> Iterator[Any]:
        yield from (self.fun, self.x0, self.unpack)

    def pack(self, values: Mapping[str, Any]) -> Vector:
        """Parameters, or derivatives by them, one after the other."""
        return np.concatenate([np.asarray(values[n], np.float64).ravel() for n in self._names])

    def unpack(self, vector: Any) -> dict[str, Vector]:
        """The parameters in a vector, by name."""
        if np.size(vector) != self.x0.size:
            told = ", ".join(f"{n} {'×'.join(map(str, s)) or 1}" for n, s in self._shapes.items())
            raise SpecError(f"{np.size(vector)} numbers for {self.x0.size} of the parameters",
                            where=caller(), hint=f"they are {told}")  # fmt: skip
        found, start = {}, 0
        for name, shape in self._shapes.items():
            stop = start + int(np.prod(shape, dtype=int))
            found[name] = np.asarray(vector, np.float64)[start:stop].reshape(shape)
            start = stop
        return found

    def fun(self, vector: Any) -> Any:
        """The loss and its gradient; of a Jacobian's module, the residuals."""
        value, gradients = self._both(vector)
        if np.ndim(value):
            return np.asarray(value, np.float64).ravel()
        return float(value), self.pack(gradients._asdict())

    def jac(self, vector: Any) -> Any:
        """The gradient; of a Jacobian's module, a row for each residual."""
        value, gradients = self._both(vector)
        if not np.ndim(value):
            return self.pack(gradients._asdict())
        rows = np.size(value)
        parts = [np.reshape(getattr(gradients, n), (rows, -1)) for n in self._names]
        return np.concatenate(parts, axis=1, dtype=np.float64)

    @property
    def hessp(self) -> Callable[[Any, Any], Vector]:
        """The product of the Hessian with a direction; SpecError where no ``hvp`` was given."""
        if self._hvp is None:
            raise SpecError(
                "there are no second derivatives",
                where=caller(),
                hint="scipy_objective(m, point, hvp=sg.hvp(loss).compile())",
            )
        return self._product

    def _product(self, vector: Any, direction: Any) -> Vector:
        along = {f"v_{n}": v for n, v in self.unpack(direction).items()}
        found = self._hvp.gradients(**self._data, **self.unpack(vector), **along)
        return self.pack(found._asdict())

    def _both(self, vector: Any) -> Any:
        return self._module.loss_and_gradients(**self._data, **self.unpack(vector))


def scipy_objective(module: Any, point: Mapping[str, Any], *, hvp: Any = None) -> Objective:
    """A generated module as ``fun``, ``x0`` and ``unpack`` for ``scipy.optimize``.

    ``point``: the data, and where the parameters start.  ``hvp``: the module of ``sg.hvp`` of the
    same loss, for ``hessp``.  SpecError where an argument of the module is missing.

    >>> import numpy as np
    >>> import symgrad as sg
    >>> X, w = sg.data("X", ("N", 2)), sg.param("w", (2,))
    >>> m = sg.derive(np.sum((X @ w - 1) ** 2)).compile()
    >>> fun, x0, unpack = sg.scipy_objective(m, {"X": np.eye(2), "w": np.zeros(2)})
    >>> fun(x0)
    (2.0, array([-2., -2.]))
    """
    if not hasattr(module, "Gradients"):
        raise SpecError(f"{getattr(module, '__name__', module)} has no gradients", where=caller(),
                        hint="it is what sg.derive(loss).compile() gives")  # fmt: skip
    taken = inspect.signature(module.loss_and_gradients).parameters
    wanted = getattr(module, "arguments", [n for n in taken if n != "workspace"])
    for name in wanted:
        if name not in point:
            raise SpecError(f"the point has no {name}", where=caller(),
                            hint=f"it takes {', '.join(wanted)}")  # fmt: skip
    for name in point:
        if name not in wanted:
            raise SpecError(f"the point has {name!r}, which the module does not take",
                            where=caller(), hint=perhaps(name, wanted))  # fmt: skip
    return Objective(module, point, hvp)
