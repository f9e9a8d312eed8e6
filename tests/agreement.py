"""Whether a spec's generated module agrees with every other way to compute the same."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import autograd
import autograd.numpy as anp
import autograd.scipy.special as aspecial
import numpy as np
import scipy.special

import symgrad as sg
from symgrad.calculus.derivation import forward_and_adjoints
from symgrad.checks.derived import run
from symgrad.checks.numbers import Floats
from symgrad.checks.sampling import given_point
from symgrad.checks.stepwise import evaluate_equations
from symgrad.language.tracing import names_in
from symgrad.mathematics.equations import Variable
from symgrad.program.interpreter import interpret
from symgrad.program.lower import lower
from symgrad.targets import TARGETS
from tests.drawing import LARGEST, OTHER_SIZE, Spec
from tests.spoiling import spoilt_workspace
from tests.stand_ins import StandIn

Numbers = Mapping[str, np.ndarray]
ASKED: dict[str, Callable[..., sg.Derivation]] = {
    "hessian": sg.hessian,
    "hvp": sg.hvp,
    "jacobian": sg.jacobian,
    "jvp": sg.jvp,
}
OF_ARRAYS = ("jacobian", "jvp")
"""What is asked of a value of any shape."""


class Disagreement(AssertionError):
    """Two ways to compute one number differ; the message is the spec and what was found."""


def derived(spec: Spec) -> sg.Derivation:
    """The derivation of a spec; SpecError where something in it is not supported."""
    arrays: dict[str, Any] = {}
    for name, value in spec.inputs.items():
        shape, assume = spec.shape(name), spec.assumed.get(name)
        if name in spec.params:
            arrays[name] = sg.param(name, shape, assume=assume)
        else:
            arrays[name] = sg.data(name, shape, dtype=value.dtype, assume=assume)
    space = spec.run(np, scipy.special, sg, **arrays)
    names = names_in({n: v for n, v in space.items() if n not in arrays})
    output = names[spec.last_value] if spec.asked in OF_ARRAYS else space["loss"]
    return ASKED.get(spec.asked, sg.derive)(output, wrt=_wrt(spec), names=names)


def _wrt(spec: Spec) -> Any:
    return (spec.wrt[0] if spec.asked == "hessian" else spec.wrt) or None


def used(derivation: sg.Derivation, spec: Spec) -> dict[str, np.ndarray]:
    """The inputs that the output depends on; directions for products with a Hessian."""
    rng = np.random.default_rng(len(spec.code))
    given = [v.name for v in derivation.system.variables if v.role != "constant"]
    along = [n for n in given if n not in spec.inputs]
    values = spec.run(np, scipy.special) if along else {}
    return {
        n: rng.uniform(-1, 1, np.shape(values[n.removeprefix("v_")]))
        if n in along
        else spec.inputs[n]
        for n in given
    }


# The same numbers otherwise ----------------------------------------------------------------------


class Reference:
    """The output of a spec as a function of what it is differentiated by, without symgrad."""

    def __init__(self, spec: Spec, wrt: Iterable[str]) -> None:
        self.spec, self.output = spec, "loss"
        record = StandIn(np, scipy.special)
        self.values = spec.run(np, scipy.special, record)
        self.held = record.held
        if spec.asked in OF_ARRAYS:
            self.output = spec.last_value
        self.at = {n: np.asarray(self.values[n], dtype=float) for n in wrt}

    def __call__(self, values: Mapping[str, Any], np_like: Any = np) -> Any:
        special = scipy.special if np_like is np else aspecial
        moved = {n: v - self.at[n] for n, v in values.items() if n not in self.spec.inputs}
        given = {n: v for n, v in values.items() if n in self.spec.inputs}
        own = StandIn(np_like, special, self.held)
        return self.spec.run(np_like, special, own, moved, **given)[self.output]

    def value(self) -> np.ndarray:
        return np.asarray(self.values[self.output])

    def by_autograd(self, at: Numbers | None = None) -> Numbers | None:
        """The gradients that HIPS autograd computes; None where it can't."""
        try:
            with warnings.catch_warnings(action="ignore"):
                slopes = autograd.grad(lambda v: self(v, anp))(at or self.at)
                # NumPy's own functions of lists leave its boxes in the numbers.
                return {name: np.asarray(slope, dtype=float) for name, slope in slopes.items()}
        except (NotImplementedError, AttributeError, TypeError, ValueError, AssertionError):
            return None

    def by_differences(self, step: float) -> Numbers:
        """Central differences of the output in NumPy, extrapolated to a step of zero."""
        return differences(self, self.at, step)


def differences(function: Callable[[Any], Any], at: Numbers, step: float) -> Numbers:
    """The derivatives of every entry of an array by every entry of others."""

    def slope(name: str, place: tuple[int, ...], h: float) -> np.ndarray:
        ends = []
        for sign in (1, -1):
            moved = at[name].copy()
            moved[place] += sign * h
            ends.append(np.asarray(function({**at, name: moved}), dtype=float))
        return np.asarray((ends[0] - ends[1]) / (2 * h))

    found = {}
    for name, value in at.items():
        columns = [
            (4 * slope(name, place, step) - slope(name, place, 2 * step)) / 3
            for place in np.ndindex(value.shape)
        ]
        array = np.stack(columns, axis=-1)
        found[name] = array.reshape((*array.shape[:-1], *value.shape))
    return found


def along(
    function: Callable[[Numbers], Numbers], start: Numbers, directions: Numbers, step: float
) -> Numbers:
    """The derivatives of arrays along a direction, whose part for W is called v_W."""

    def slopes(h: float) -> Numbers:
        ahead, behind = (
            function({n: x + sign * h * directions[f"v_{n}"] for n, x in start.items()})
            for sign in (1, -1)
        )
        return {n: (ahead[n] - behind[n]) / (2 * h) for n in ahead}

    near, far = slopes(step), slopes(2 * step)
    return {n: (4 * near[n] - far[n]) / 3 for n in near}


def by_interpreter(derivation: sg.Derivation, at: Numbers) -> dict[str, Any]:
    """The loss, the gradients and all on their way as the reference interpreter computes them."""
    names = [derivation.system.output, *derivation.results.values()]
    names += [a.equation.name for a in derivation.adjoints if a.equation.name not in names]
    constants = {v.name: v.values for v in derivation.system.variables if v.role == "constant"}
    variables: list[Variable] = list(derivation.system.variables)
    program = lower(variables, forward_and_adjoints(derivation), names)
    found: dict[str, Any] = interpret(program, {**constants, **at})
    return found


def _close(found: Any, expected: Any, tolerance: float) -> bool:
    one, other = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    if one.shape != other.shape:
        return False
    finite = np.isfinite(other)
    scale = max(1.0, float(np.abs(other[finite]).max(initial=0.0)))
    near = np.abs(one[finite] - other[finite]) <= tolerance * scale
    return bool(near.all() and np.array_equal(one[~finite], other[~finite], equal_nan=True))


def _compare(spec: Spec, what: str, found: Any, expected: Any, tolerance: float) -> None:
    for name, value in found.items():
        if not _close(value, expected[name], tolerance):
            raise Disagreement(
                f"\n{spec.code}\n{name} differs from {what}: {value!r}, not {expected[name]!r}"
            )


# The comparison ----------------------------------------------------------------------------------


def check_equations(spec: Spec) -> None:
    """The same of the equations alone, without a program."""
    derivation = derived(spec)
    start = given_point(derivation.system, used(derivation, spec), Floats())
    equations = forward_and_adjoints(derivation)
    values = evaluate_equations(equations, start.env, start.sizes, Floats())
    reference = Reference(spec, derivation.wrt)
    output = values[derivation.system.output]
    _compare(spec, "NumPy", {"loss": output}, {"loss": reference.value()}, 1e-11)
    found = {n: values[derivation.adjoint_name[n]] for n in derivation.wrt}
    _compare_slopes(spec, reference, found)


def check(spec: Spec, single: bool = True) -> None:
    """Raise Disagreement where any two ways differ; ``single``: float32 and workspaces too."""
    derivation = derived(spec)
    module = derivation.compile()
    at = used(derivation, spec)
    found = _at_one_point(spec, derivation, module, at)
    if spec.named:
        _other_sizes(spec, derivation, module)
    if not spec.asked and any(a.past for a in derivation.adjoints):
        _asking_changes_nothing(spec, derivation)
    if single:
        _own_checks(spec, derivation)
        _plain(spec, derivation, at, found)
        _in_place(spec, derivation, module, at)
        _in_place(spec, derivation, derivation.compile(unroll=True), at)
        _single(spec, derivation, at, found)


def _at_one_point(spec: Spec, derivation: sg.Derivation, module: Any, at: Numbers) -> Numbers:
    """What the module computes, after comparison with what NumPy and differences say."""
    calm: Any = {"all": "ignore"} if spec.at_kinks else {"all": "raise", "under": "ignore"}
    with np.errstate(**calm):
        value, gradients = module.loss_and_gradients(**at)
    found = _by_name(derivation, value, gradients)
    _against_reference(spec, derivation, at, found)
    with np.errstate(**calm):
        interpreted = by_interpreter(derivation, at)
    if not spec.asked and not spec.at_kinks:
        _values_on_the_way(spec, derivation, interpreted)
    mine = {result: found[n] for n, result in derivation.results.items()}
    mine[derivation.system.output] = value
    _compare(spec, "the interpreter", mine, interpreted, 1e-10)
    alone = {**_by_name(derivation, module.loss(**at), module.gradients(**at))}
    _compare(spec, "loss() and gradients()", found, alone, 1e-12)
    return found


def _values_on_the_way(spec: Spec, derivation: sg.Derivation, interpreted: Numbers) -> None:
    """The derivatives by all named values, those that nobody asked for too, are those as typed."""
    names = {a.value: a.equation.name for a in derivation.adjoints}
    reached = [n for n in spec.reached() if n in names and n not in derivation.wrt]
    if reached:
        reference = Reference(spec, reached)
        _compare_slopes(spec, reference, {n: interpreted[names[n]] for n in reached})


def _asking_changes_nothing(spec: Spec, derivation: sg.Derivation) -> None:
    """The gradients by inputs are the same to the bit without those by values in between.

    Of plain modules: whether few numbers are computed one by one hangs on how many there are.
    """
    names = tuple(n for n in derivation.wrt if n in spec.inputs)
    if not names:
        return
    alone = derived(dataclasses.replace(spec, wrt=names))
    one, other = (
        _by_name(d, *_plain_module(d).loss_and_gradients(**used(d, spec)))
        for d in (alone, derivation)
    )
    for name, slope in one.items():
        if not np.array_equal(slope, other[name], equal_nan=True):
            what = f"{name or 'the loss'} is {slope!r} alone, {other[name]!r} beside others"
            raise Disagreement(f"\n{spec.code}\n{what}")


def _by_name(derivation: sg.Derivation, value: Any, gradients: Any) -> Numbers:
    """The value under no name, and copies of the gradients under theirs."""
    pairs = zip(derivation.results, gradients, strict=True)
    return {"": np.array(value), **{n: np.array(g) for n, g in pairs}}


def _against_reference(spec: Spec, derivation: sg.Derivation, at: Numbers, found: Numbers) -> None:
    reference = Reference(spec, derivation.wrt or spec.wrt)
    slopes = {n: found[n] for n in derivation.results}
    if spec.asked in ("hessian", "hvp"):
        _second(spec, reference, at, found)
        return
    _compare(spec, "the value in NumPy", {"": found[""]}, {"": reference.value()}, 1e-11)
    if spec.asked == "jvp":
        ahead = functools.partial(
            along, lambda v: {spec.last_value: reference(v)}, reference.at, at
        )
        _compare_differences(spec, ahead, slopes)
    elif not spec.at_kinks:
        _compare_slopes(spec, reference, slopes)


def _compare_slopes(spec: Spec, reference: Reference, found: Numbers) -> None:
    """With autograd; where that differs or can't, differences decide."""
    theirs = None if spec.asked else reference.by_autograd()
    if theirs and all(_close(found[n], theirs[n], 1e-8) for n in found):
        return
    mirrored = functools.partial(_mirrored, spec)
    _compare_differences(spec, lambda h: mirrored(reference.by_differences(h)), mirrored(found))


def _mirrored(spec: Spec, slopes: Numbers) -> Numbers:
    """What is taken as symmetric is moved with its mirror image: only so is the slope defined."""
    symmetric = re.findall(r"cholesky\((\w+)\)", "" if spec.asked else spec.code)
    return {n: s + np.swapaxes(s, -1, -2) if n in symmetric else s for n, s in slopes.items()}


def _compare_differences(spec: Spec, slopes: Callable[[float], Numbers], found: Numbers) -> None:
    """Where there are differences to both sides: none at the end of a domain, as of √ at 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        wide = slopes(1e-4)
    found = {
        n: np.where(np.isfinite(wide[n]), f, wide[n]) if np.shape(f) == wide[n].shape else f
        for n, f in found.items()
    }
    if not all(_close(found[n], wide[n], 1e-5) for n in found):  # a kink may be near
        _compare(spec, "differences", found, slopes(1e-7), 1e-4)


def _second(spec: Spec, reference: Reference, at: Numbers, found: Numbers) -> None:
    """Differences of the gradients, which are compared with others when they are asked for."""
    gradients = _first(spec, reference, at)
    names = list(reference.at)
    if gradients is None:
        return
    if spec.asked == "hessian":
        _compare(spec, "the gradient", {"": found[""]}, {"": gradients({})[names[0]]}, 1e-10)
        by_gradient = functools.partial(differences, lambda v: gradients(v)[names[0]], reference.at)
        _compare_differences(spec, by_gradient, {names[0]: found[names[0]]})
        return
    start = gradients({})
    slope = sum(np.sum(start[n] * at[f"v_{n}"]) for n in names)
    _compare(spec, "the slope", {"": found[""]}, {"": slope}, 1e-10)
    ahead = functools.partial(along, gradients, reference.at, at)
    _compare_differences(spec, ahead, {n: found[n] for n in names})


def _first(spec: Spec, reference: Reference, at: Numbers) -> Callable[[Numbers], Numbers] | None:
    """The gradients as a function; by values in between those of autograd, None where it can't."""
    if {*reference.at} - {*spec.inputs}:
        if reference.by_autograd() is None:
            return None
        return lambda values: reference.by_autograd({**reference.at, **values}) or {}
    first = derived(dataclasses.replace(spec, asked="")).compile()
    inputs = {n: v for n, v in at.items() if n in spec.inputs}
    return lambda values: first.gradients(**{**inputs, **values})._asdict()


def _other_sizes(spec: Spec, derivation: sg.Derivation, module: Any) -> None:
    """The same module where the sizes that have names are others."""
    rng = np.random.default_rng(len(spec.code))
    inputs = {}
    for name, value in spec.inputs.items():
        shape = [OTHER_SIZE[n] if n in spec.named else n for n in value.shape]
        if name in spec.assumed:
            return
        if value.dtype == float:
            inputs[name] = rng.uniform(-1.5, 1.5, shape)
        else:
            least = int(value.dtype == int and value.min(initial=9) > 0)
            most = 2 if value.dtype == int and value.any() else 1
            inputs[name] = rng.integers(least, max(most, least + 1), shape)
            inputs[name] = inputs[name].astype(value.dtype)
    other = dataclasses.replace(spec, inputs=inputs)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            space = other.run(np, scipy.special)
    except (ValueError, IndexError, np.linalg.LinAlgError):
        return
    values = [np.asarray(v) for n, v in space.items() if n[0] in "vl" and n != "windows"]
    if all(np.isfinite(v).all() and np.abs(v).max(initial=0) < LARGEST for v in values
           if v.dtype == float):  # fmt: skip
        _at_one_point(other, derivation, module, used(derivation, other))


def _own_checks(spec: Spec, derivation: sg.Derivation) -> None:
    """What the derivation says of itself: every step is right at a random point, and the like."""
    for result in run(derivation):
        if not result.passed:
            raise Disagreement(f"\n{spec.code}\nits own check fails: {result}")


def _plain(spec: Spec, derivation: sg.Derivation, at: Numbers, found: Numbers) -> None:
    """The module without buffers, from arguments that lie in memory in other ways."""
    module = _plain_module(derivation)
    value, gradients = module.loss_and_gradients(**{n: _strided(v) for n, v in at.items()})
    _compare(spec, "the plain module", found, _by_name(derivation, value, gradients), 1e-11)


def _plain_module(derivation: sg.Derivation) -> Any:
    return TARGETS["numpy"].load(derivation.source(plain=True), derivation.system.output)


def _strided(x: np.ndarray) -> np.ndarray:
    """The same numbers backwards in memory, with others between them."""
    between: Any = {"f": np.nan, "i": -7, "b": True}[x.dtype.kind]
    room = np.full([2 * n for n in x.shape], between, x.dtype)
    view: np.ndarray = room[(..., *(slice(None, None, -2),) * x.ndim)]
    view[...] = x
    view.flags.writeable = False
    return view


def _turned(x: np.ndarray) -> np.ndarray:
    """Another point: every entry is the first of its row, and lies in memory once."""
    return np.broadcast_to(x[..., :1], x.shape) if x.ndim else np.asarray(x * 0.5, x.dtype)


def _in_place(spec: Spec, derivation: sg.Derivation, module: Any, at: Numbers) -> None:
    """Nothing depends on what a workspace held: neither at first nor after another point."""
    if not hasattr(module, "Workspace"):
        return
    other = at if spec.assumed or spec.asked else {n: _turned(v) for n, v in at.items()}
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        fresh = [_by_name(derivation, *module.loss_and_gradients(**p)) for p in (at, other)]
        workspace = spoilt_workspace(module, *_sizes(module, derivation, at))
        points = [(at, fresh[0]), (other, fresh[1]), (_laid_out(at), fresh[0]), (at, fresh[0])]
        for point, right in points:
            loss = np.array(module.loss(**point, workspace=workspace))
            slopes = module.gradients(**point, workspace=workspace)
            apart = _by_name(derivation, loss, slopes)
            _compare(spec, "loss() and gradients() in a workspace", apart, right, 1e-11)
            both = module.loss_and_gradients(**point, workspace=workspace)
            _compare(spec, "the same in a workspace", _by_name(derivation, *both), right, 1e-11)
        _bound(spec, derivation, module, at, [(other, fresh[1]), (at, fresh[0])])


def _bound(spec: Spec, derivation: sg.Derivation, module: Any, at: Numbers, points: Any) -> None:
    """A bound function reads what is in its arrays when it is called."""
    if not hasattr(module, "bind"):
        return
    for order in "CF":
        held: Numbers = {n: np.array(v, order=order) for n, v in at.items()}
        bound = module.bind(**held)
        for point, right in points:
            for name, array in held.items():
                array[...] = point[name]
            _compare(spec, "bound arrays", _by_name(derivation, *bound()), right, 1e-11)


def _sizes(module: Any, derivation: sg.Derivation, at: Numbers) -> list[int]:
    known = {
        str(size): length
        for v in derivation.system.variables
        if v.name in at
        for size, length in zip(v.shape, at[v.name].shape, strict=True)
    }
    return [known[n] for n in inspect.signature(module.Workspace).parameters if n in known]


def _laid_out(at: Numbers) -> Numbers:
    """The same numbers, with the first axis fastest in memory."""
    return {n: np.array(v, order="F") for n, v in at.items()}


def _single(spec: Spec, derivation: sg.Derivation, at: Numbers, found: Numbers) -> None:
    """float32 in, float32 throughout, and the same numbers but for rounding; labels in bytes."""
    few = {"f": np.float32, "i": np.uint8, "b": np.bool_}
    single = {n: v.astype(few[v.dtype.kind]) for n, v in at.items()}
    calm: Any = {"all": "ignore"} if spec.at_kinks else {"all": "warn", "under": "ignore"}
    with np.errstate(**calm):
        results = derivation.compile(dtype="float32").loss_and_gradients(**single)
    names = ("loss", *derivation.results)
    for name, result in zip(names, (results[0], *results[1]), strict=True):
        if np.asarray(result).dtype != np.float32:
            raise Disagreement(f"\n{spec.code}\n{name} is {np.asarray(result).dtype} of float32")
    mine = _by_name(derivation, *results)
    _compare(spec, "float32", {n: mine[n] for n in derivation.results}, found, 2e-2)
