"""Whether a spec's generated module agrees with every other way to compute the same."""

from __future__ import annotations

import warnings
from typing import Any

import autograd
import autograd.numpy as anp
import autograd.scipy.special as aspecial
import numpy as np
import scipy.special

import symgrad as sg
from symgrad.equations import Variable
from symgrad.evaluate import evaluate_equations
from symgrad.fields import Floats
from symgrad.interpreter import interpret
from symgrad.lower import lower
from symgrad.sampling import given_point
from symgrad.scenes import forward_and_adjoints
from tests.strategies import Spec

Gradients = dict[str, np.ndarray]


class Disagreement(AssertionError):
    """Two ways to compute one number differ; the message is the spec and what was found."""


def derived(spec: Spec) -> sg.Derivation:
    """The derivation of a spec; SpecError where something in it is not supported."""
    arrays: dict[str, Any] = {}
    for name, value in spec.inputs.items():
        if name in spec.params:
            arrays[name] = sg.param(name, value.shape)
        else:
            arrays[name] = sg.data(name, value.shape, dtype=value.dtype)
    space = spec.run(np, scipy.special, **arrays)
    values = {n: v for n, v in space.items() if isinstance(v, sg.Array)}
    return sg.derive(space["loss"], names=values)


def used(derivation: sg.Derivation, spec: Spec) -> dict[str, np.ndarray]:
    """The inputs that the loss depends on."""
    return {v.name: spec.inputs[v.name] for v in derivation.system.variables
            if v.role != "constant"}  # fmt: skip


def by_autograd(spec: Spec, names: list[str]) -> Gradients | None:
    """The gradients that HIPS autograd computes; None where it can't."""

    def loss(values: dict[str, Any]) -> Any:
        return spec.run(anp, aspecial, **values)["loss"]

    try:
        with warnings.catch_warnings(action="ignore"):
            slopes: Gradients = autograd.grad(loss)({n: spec.inputs[n] for n in names})
            return slopes
    except (NotImplementedError, AttributeError, TypeError, ValueError, AssertionError):
        return None


def by_differences(spec: Spec, names: list[str]) -> Gradients:
    """Central differences of the loss in NumPy, extrapolated to a step of zero."""

    def loss(name: str, place: tuple[int, ...], h: float) -> float:
        moved = spec.inputs[name].copy()
        moved[place] += h
        return float(spec.run(np, scipy.special, **{name: moved})["loss"])

    def slope(name: str, place: tuple[int, ...]) -> float:
        wide, narrow = (
            (loss(name, place, h) - loss(name, place, -h)) / (2 * h) for h in (2e-4, 1e-4)
        )
        return (4 * narrow - wide) / 3

    return {
        name: np.array(
            [slope(name, place) for place in np.ndindex(spec.inputs[name].shape)]
        ).reshape(spec.inputs[name].shape)
        for name in names
    }


def _close(found: Any, expected: Any, tolerance: float) -> bool:
    one, other = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    if one.shape != other.shape:
        return False
    scale = max(1.0, float(np.abs(other).max(initial=0.0)))
    return bool(np.all(np.abs(one - other) <= tolerance * scale))


def by_interpreter(derivation: sg.Derivation, at: dict[str, np.ndarray]) -> dict[str, Any]:
    """The loss and the gradients as the reference interpreter computes the program."""
    names = [derivation.system.output, *(derivation.adjoint_name[n] for n in derivation.wrt)]
    constants = {v.name: v.values for v in derivation.system.variables if v.role == "constant"}
    variables: list[Variable] = list(derivation.system.variables)
    program = lower(variables, forward_and_adjoints(derivation), names)
    found: dict[str, Any] = interpret(program, {**constants, **at})
    return found


def check_equations(spec: Spec) -> None:
    """The same of the equations alone, without a program."""
    derivation = derived(spec)
    start = given_point(derivation.system, used(derivation, spec), Floats())
    equations = forward_and_adjoints(derivation)
    values = evaluate_equations(equations, start.env, start.sizes, Floats())
    _compare(spec, "NumPy", {"loss": values[derivation.system.output]}, _loss(spec), 1e-11)
    _compare_slopes(spec, {n: values[derivation.adjoint_name[n]] for n in derivation.wrt})


def check(spec: Spec, single: bool = True) -> None:
    """Raise Disagreement where any two ways differ; ``single``: float32 and workspaces too."""
    derivation = derived(spec)
    at = used(derivation, spec)
    with np.errstate(all="raise", under="ignore"):
        module = derivation.compile()
        value, gradients = module.loss_and_gradients(**at)
    found = {n: getattr(gradients, n) for n in derivation.wrt}
    _compare(spec, "the loss in NumPy", {"loss": value}, _loss(spec), 1e-11)
    _compare_slopes(spec, found)
    interpreted = by_interpreter(derivation, at)
    mine = {derivation.adjoint_name[n]: g for n, g in found.items()}
    _compare(spec, "the interpreter", mine, interpreted, 1e-11)
    alone = module.gradients(**at)
    _compare(spec, "gradients()", found, {n: getattr(alone, n) for n in found}, 1e-12)
    if single:
        _in_place(spec, module, at, found)
        _single(spec, derivation, at, found)


def _loss(spec: Spec) -> dict[str, Any]:
    return {"loss": spec.run(np, scipy.special)["loss"]}


def _compare(spec: Spec, what: str, found: Any, expected: Any, tolerance: float) -> None:
    for name, value in found.items():
        if not _close(value, expected[name], tolerance):
            raise Disagreement(
                f"\n{spec.code}\n{name} differs from {what}: {value!r}, not {expected[name]!r}"
            )


def _compare_slopes(spec: Spec, found: Gradients) -> None:
    """With autograd; where that differs or can't, differences decide."""
    theirs = by_autograd(spec, list(found))
    if theirs and all(_close(found[n], theirs[n], 1e-8) for n in found):
        return
    _compare(spec, "differences", found, by_differences(spec, list(found)), 1e-5)


def _in_place(spec: Spec, module: Any, at: Any, found: Gradients) -> None:
    """With a workspace, twice: nothing of the first call is left for the second."""
    if not hasattr(module, "Workspace"):
        return
    workspace = module.Workspace()
    for _ in range(2):
        value, gradients = module.loss_and_gradients(**at, workspace=workspace)
        held = {n: np.array(getattr(gradients, n)) for n in found}
        _compare(spec, "the same in a workspace", {"loss": value, **held},
                 {**_loss(spec), **found}, 1e-11)  # fmt: skip


def _single(spec: Spec, derivation: sg.Derivation, at: Any, found: Gradients) -> None:
    """float32 in, float32 throughout, and the same numbers but for rounding."""
    single = {n: v.astype(np.float32) if v.dtype == float else v for n, v in at.items()}
    value, gradients = derivation.compile(dtype="float32").loss_and_gradients(**single)
    for name in ("loss", *found):
        result = value if name == "loss" else getattr(gradients, name)
        if np.asarray(result).dtype != np.float32:
            raise Disagreement(f"\n{spec.code}\n{name} is {np.asarray(result).dtype} of float32")
    _compare(spec, "float32", {n: getattr(gradients, n) for n in found}, found, 2e-2)
