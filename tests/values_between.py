"""Derivatives by values in between, by moving them: the loss is run again in NumPy alone.

Every assignment of a loss function is followed by a call that may move what was assigned.  So the
value is moved as the function has it, whatever symgrad makes of the equations.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import warnings
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np

import symgrad as sg
from symgrad.language.tracing import trace

Numbers = Mapping[str, np.ndarray]
Hook = Callable[[str, Any], Any]
HOOK = "_assigned"


class Hooked(ast.NodeTransformer):
    """After ``a, b = ...`` follow ``a = _assigned("a", a)`` and the same for b."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        return self._followed(node, node.targets)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        return self._followed(node, [node.target])

    def _followed(self, node: ast.stmt, targets: list[Any]) -> list[ast.stmt]:
        names = [n.id for t in targets for n in ast.walk(t)
                 if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]  # fmt: skip
        calls = [ast.parse(f"{name} = {HOOK}({name!r}, {name})").body[0] for name in names]
        return [node, *calls]


def hooked(source: str, space: dict[str, Any]) -> dict[str, Any]:
    """The functions of a source, every assignment in them seen by ``space[HOOK]``."""
    tree = ast.parse(textwrap.dedent(source))
    changed = [Hooked().visit(n) if isinstance(n, ast.FunctionDef) else n for n in tree.body]
    tree.body = [n for n in changed if isinstance(n, ast.FunctionDef)]
    exec(compile(ast.fix_missing_locations(tree), "<hooked>", "exec"), space)
    return space


class Between:
    """A loss function of inputs, and the values in between as it assigns them.

    ``function(np, **inputs)``; others that it calls stand in the same module.
    """

    def __init__(self, function: Callable[..., Any], *, helpers: ModuleType | None = None) -> None:
        source = inspect.getsource(helpers if helpers is not None else function)
        outside = dict(function.__globals__)
        self._space = hooked(source, {**outside, HOOK: self._assigned})
        self._function = self._space[function.__name__]
        self._hook: Hook = lambda _, value: value
        self._count = 0

    def _assigned(self, name: str, value: Any) -> Any:
        self._count += 1
        return self._hook(f"{name}_{self._count}", value)

    def run(self, hook: Hook, inputs: Mapping[str, Any]) -> Any:
        """The loss, where ``hook`` sees each value by a name of its own, and may replace it."""
        self._hook, self._count = hook, 0
        return self._function(np, **inputs)

    def named(self, inputs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The loss of symbolic inputs, and its values of floats in between."""
        found: dict[str, Any] = {}

        def hook(name: str, value: Any) -> Any:
            known = any(value is other for other in (*found.values(), *inputs.values()))
            if isinstance(value, sg.Array) and value.kind == "float" and not known:
                found[name] = value
            return value

        loss = self.run(hook, inputs)
        return loss, {n: v for n, v in found.items() if v is not loss}

    def moved(self, name: str, by: np.ndarray, inputs: Numbers) -> float:
        """The loss where one value was moved when it was assigned."""

        def hook(mine: str, value: Any) -> Any:
            return value + by if mine == name else value

        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            return float(self.run(hook, inputs))

    def values(self, inputs: Numbers) -> dict[str, Any]:
        """All that is assigned, as numbers."""
        found: dict[str, Any] = {}

        def hook(name: str, value: Any) -> Any:
            found[name] = value
            return value

        self.run(hook, inputs)
        return found

    def slope(self, name: str, direction: np.ndarray, inputs: Numbers) -> float:
        """The derivative along a direction, extrapolated to a step of 0; NaN at a kink."""

        def difference(h: float) -> float:
            ends = [self.moved(name, sign * h * direction, inputs) for sign in (1, -1)]
            return (ends[0] - ends[1]) / (2 * h)

        far, near = difference(2e-5), difference(1e-5)
        slope = (4 * near - far) / 3
        return slope if abs(near - far) <= 1e-5 * max(1.0, abs(slope)) else float("nan")

    def gradient(self, name: str, inputs: Numbers) -> np.ndarray:
        """The derivative by every entry."""
        shape = np.shape(self.values(inputs)[name])
        found = np.zeros(shape)
        for place in np.ndindex(shape):
            unit = np.zeros(shape)
            unit[place] = 1.0
            found[place] = self.slope(name, unit, inputs)
        return found


def by_symgrad(between: Between, symbols: Mapping[str, Any], at: Numbers) -> dict[str, np.ndarray]:
    """The compiled derivatives by all values in between, each by its name."""
    loss, values = between.named(symbols)
    used = {e.name for e in trace(loss, {**symbols, **values})}
    values = {n: v for n, v in values.items() if n in used}
    if not values:
        return {}
    derivation = sg.derive(loss, wrt=list(values), names={**symbols, **values})
    inputs = {v.name for v in derivation.system.variables}
    module = derivation.compile()
    found = module.gradients(**{n: x for n, x in at.items() if n in inputs})
    names = list(derivation.results)
    return {n: np.array(g) for n, g in zip(names, found, strict=True)}


def apart(found: np.ndarray, right: np.ndarray) -> float:
    """The largest difference relative to the largest number, where it is known."""
    known = np.isfinite(right)
    if not known.any():
        return 0.0
    scale = max(1.0, float(np.abs(right[known]).max()))
    difference = np.abs(np.where(np.isfinite(found), found, np.inf) - right)[known]
    return float(difference.max()) / scale
