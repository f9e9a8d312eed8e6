"""Random specs that cut, join and reshape, with sizes that are numbers or names."""

from __future__ import annotations

import collections
import dataclasses
import functools
import random
import re
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

import symgrad as sg
from symgrad import outputs
from symgrad.errors import SpecError
from symgrad.program.interpreter import interpret
from symgrad.targets import TARGETS

Choose = Callable[[int], int]
"""A whole number from 0 to below a bound."""
Shape = tuple[int, ...]


def windows(np: Any, x: Any, length: int, axis: int) -> Any:
    """Windows along an axis, in autograd by stacking slices: it has no sliding_window_view."""
    if hasattr(np, "lib"):
        return np.lib.stride_tricks.sliding_window_view(x, length, axis=axis)
    n = x.shape[axis] - length + 1
    before = (slice(None),) * axis
    return np.stack([x[(*before, slice(k, k + n))] for k in range(length)], axis=-1)


def tile(np: Any, x: Any, times: int) -> Any:
    """np.tile, whose gradient autograd gets wrong."""
    return np.tile(x, times) if hasattr(np, "lib") else np.concatenate([x] * times, axis=-1)


def helpers(np: Any) -> dict[str, Any]:
    """What the code of a spec may call."""
    return {f.__name__: functools.partial(f, np) for f in (windows, tile)} | {"np": np}


@dataclass
class Spec:
    """Lines of NumPy over inputs; every value has a name, and its shape is known.

    ``named``: whether sizes have names, the same for equal sizes, and are free until run time.
    ``between``: values that it is differentiated by, beside its parameters.
    """

    params: dict[str, Shape]
    labels: dict[str, tuple[Shape, int]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    named: bool = False
    between: tuple[str, ...] = ()

    def __str__(self) -> str:
        heads = [f"# {n}: param {s}" for n, s in self.params.items()]
        heads += [f"# {n}: labels {s} below {k}" for n, (s, k) in self.labels.items()]
        heads += ["# sizes have names"] if self.named else []
        heads += [f"# by {', '.join(self.between)} too"] if self.between else []
        return "\n".join([*heads, *self.lines])

    def run(self, np: Any, values: dict[str, Any], moved: dict[str, Any] | None = None) -> Any:
        """All values, with another module in NumPy's place; ``moved`` is added to some of them."""
        scope = {**values, **helpers(np)}
        for line in self.lines:
            name = line.partition(" = ")[0]
            exec(line, scope)
            if moved and name in moved:
                scope[name] = scope[name] + moved[name]
        return scope

    def reached(self) -> set[str]:
        """What the loss depends on."""
        found = {"loss"}
        for line in self.lines[::-1]:
            name, _, code = line.partition(" = ")
            found |= {*re.findall(r"\w+", code)} if name in found else set()
        return found

    def add(self, code: str) -> str:
        """A new value; its shape is found out with numbers."""
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {code}")
        given = {n: np.full(s, 0.5) for n, s in self.shapes.items()}
        given |= {n: np.zeros(s, int) for n, (s, _) in self.labels.items()}
        found: dict[str, Any] = {}
        exec(self.lines[-1], helpers(np) | given, found)
        self.shapes[name] = np.shape(found[name])
        return name


def random_spec(choose: Choose) -> Spec:
    """A well-typed spec of a few lines; every value goes into its loss."""
    params = {f"p{k}": tuple(1 + choose(4) for _ in range(choose(4))) for k in range(2 + choose(2))}
    labels = {"y": (tuple(1 + choose(3) for _ in range(1 + choose(2))), 2 + choose(3))}
    spec = Spec(params, labels, [], dict(params), named=choose(5) == 0)
    for _ in range(2 + choose(6)):
        add_line(spec, choose)
    used = {n for line in spec.lines for n in re.findall(r"\w+", line.partition(" = ")[2])}
    unused = [n for n in spec.shapes if n not in used]
    parts = [f"np.sum(np.tanh({n}) * {k + 1.5})" for k, n in enumerate(unused)]
    last = list(spec.shapes)[-1]
    parts.append(f"np.sum(np.sin({last}) * {last})" if choose(2) else f"np.sum({last} ** 2)")
    values = [line.partition(" = ")[0] for line in spec.lines]
    logged = [n for line in spec.lines for n in _positive(line)]
    for names in (logged, values) if choose(3) else ():
        if names:
            spec.between = tuple(dict.fromkeys((*spec.between, names[choose(len(names))])))
    spec.lines.append("loss = " + " + ".join(parts))
    return spec


def add_line(spec: Spec, choose: Choose) -> None:
    """One operation that fits the values that there are."""
    for _ in range(20):
        operation = OPERATIONS[choose(len(OPERATIONS))]
        name = pick(spec, choose)
        code = operation(spec, name, spec.shapes[name], choose)
        if code is None:
            continue
        before = list(spec.lines)
        try:
            made = spec.add(code)
        except (ValueError, IndexError):
            spec.lines = before
            continue
        if np.prod(spec.shapes[made]) <= 300 and len(spec.shapes[made]) <= 4:
            return
        del spec.shapes[made]
        spec.lines = before


def pick(spec: Spec, choose: Choose) -> str:
    """A value; late ones more often."""
    names = list(spec.shapes)
    return names[max(choose(len(names)), choose(len(names)))]


# Operations: code over a value, or None where it does not fit


def elementwise(spec: Spec, x: str, shape: Shape, choose: Choose) -> str:
    forms = (
        "np.tanh({x})", "np.sin({x})", "{x} ** 2", "np.maximum({x}, 0.1234)", "-{x} / 2",
        "np.exp(-({x} ** 2))", "np.where({x} > 0.3217, {x}, 0.5 * {x} ** 2)", "np.abs({x} + 0.7)",
        "1 / (2 + {x} ** 2)", "np.log(1.5 + {x} ** 2)", "np.sqrt(1 + {x} ** 2)",
        "1 / (1 + np.exp(-{x}))", "np.log(1 + np.exp({x}))", "np.log(np.exp({x}) + 0.1)",
    )  # fmt: skip
    return forms[choose(len(forms))].format(x=x)


def gone_past(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    """What the forward pass goes past: of values that are above 0 where that is needed."""
    positive = [n for line in spec.lines for n in _positive(line) if n in spec.shapes]
    if not positive or not choose(3):
        forms = (
            "np.exp(np.tanh({x}))", "{x} ** 2 + 0.3", "1 / (1 + np.exp(-np.tanh({x})))",
            "np.exp(np.sin({x})) / np.sum(np.exp(np.sin({x})))",
        )  # fmt: skip
        return forms[choose(len(forms))].format(x=x)
    y = positive[choose(len(positive))]
    forms = (
        "np.log({y})", "{y} * np.log({y})", "{y} / (1 + {y})", "{y} / np.sum({y})", "1 / (1 + {y})",
        "np.log(np.sum({y}))", "np.sqrt({y})", "np.sqrt(np.sum({y} ** 2))", "np.log(1 + {y})",
        "np.log({y} / np.sum({y}))", "np.log({y}) * {y} - np.log(1 + {y})",
        "{y} - np.log({y})", "np.mean({y} ** 2) - np.mean({y}) ** 2",
    )  # fmt: skip
    return forms[choose(len(forms))].format(y=y)


def _positive(line: str) -> list[str]:
    """The name of a value that is above 0 by the look of its line."""
    name, _, code = line.partition(" = ")
    starts = ("np.exp(np.", "1 / (1 + ")
    sure = code.startswith(starts) or code.endswith("** 2 + 0.3")
    shares = re.fullmatch(r"(v\d+) / (\(1 \+ \1\)|np\.sum\(\1\))", code)
    return [name] if sure or shares else []


def binary(spec: Spec, x: str, shape: Shape, choose: Choose) -> str:
    forms = (
        "{x} + {y}",
        "{x} * {y}",
        "{x} - 0.5 * {y}",
        "np.tanh({x}) * {y}",
        "{x} / (2 + {y}**2)",
    )
    return forms[choose(len(forms))].format(x=x, y=pick(spec, choose))


def sliced(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    if not shape:
        return None
    parts = [a_slice(n, choose) for n in shape]
    if choose(6) == 0:
        parts.insert(choose(len(parts) + 1), "None")
    return f"{x}[{', '.join(parts)}]"


def a_slice(n: int, choose: Choose) -> str:
    """A subscript that leaves an entry, where there is one."""
    if n == 0:
        return ":"
    start = choose(n)
    forms = (
        str(start),
        str(-1 - start),
        "::-1",
        f"{start}::{1 + choose(3)}",
        f"{start}:{start + 1 + choose(n - start)}",
        f":{-1 - choose(n - 1)}" if n > 1 else ":",
        f"{-1 - start}::-{1 + choose(2)}",
        ":",
    )
    return forms[choose(len(forms))]


def reshaped(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    size = int(np.prod(shape))
    kind = choose(4)
    if kind == 0 or size == 1:
        return f"np.reshape({x}, (-1,))"
    if kind == 1 and len(shape) > 1:
        k = choose(len(shape) - 1)
        dims = [f"{x}.shape[{j}]" for j in range(len(shape))]
        dims[k : k + 2] = [f"{x}.shape[{k}] * {x}.shape[{k + 1}]"]
        return f"np.reshape({x}, ({', '.join(dims)},))"
    first = divisor(size, choose)
    return f"np.reshape({x}, ({first}, {divisor(size // first, choose)}, -1))"


def divisor(n: int, choose: Choose) -> int:
    found = [d for d in range(1, n + 1) if n % d == 0]
    return found[choose(len(found))]


def turned(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    order = list(range(len(shape)))
    for k in range(len(order) - 1):
        j = k + choose(len(order) - k)
        order[k], order[j] = order[j], order[k]
    return f"np.transpose({x}, {tuple(order)})" if len(shape) > 1 else None


def joined(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    others = [n for n, s in spec.shapes.items() if len(s) == len(shape)]
    y = others[choose(len(others))]
    if choose(2) and spec.shapes[y] == shape:
        return f"np.stack([{x}, {y}, np.tanh({x})], axis={choose(len(shape) + 1)})"
    return f"np.concatenate([{x}, {y}, {x}], axis={choose(len(shape))})" if shape else None


def moved(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    if not shape:
        return None
    axis = choose(len(shape))
    before, after = choose(3), choose(3)
    widths = ", ".join(str((before, after) if k == axis else (0, 0)) for k in range(len(shape)))
    length = 1 + choose(shape[axis])
    forms = (
        f"np.roll({x}, {choose(4) - 1}, axis={axis})",
        f"np.cumsum({x}, axis={axis})",
        f"np.pad({x}, ({widths},), 'constant')",
        f"np.repeat({x}, {1 + choose(3)}, axis={axis})",
        f"np.expand_dims({x}, {axis})",
        f"windows({x}, {length}, {axis})",
        f"windows({x}, {length}, {axis})[..., ::2]",
        f"tile({x}, {1 + choose(3)})",
    )
    return forms[choose(len(forms))]


def reduced(spec: Spec, x: str, shape: Shape, choose: Choose) -> str:
    axis = f", axis={choose(len(shape))}" if shape and choose(4) else ""
    keep = ", keepdims=True" if axis and choose(2) else ""
    function = ("sum", "mean", "prod", "var", "max")[choose(5)]
    return f"np.{function}({x}{axis}{keep})"


def contracted(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    fitting = [n for n, s in spec.shapes.items() if 0 < len(s) < 4]
    if x not in fitting:
        return None
    y = fitting[choose(len(fitting))]
    mine, theirs = "ijkl"[: len(shape)], ""
    sizes = dict(zip(mine, shape, strict=True))
    for n in spec.shapes[y]:
        free = [c for c in "ijklmnp" if sizes.get(c, n) == n and (c not in theirs or not choose(3))]
        theirs += free[choose(len(free))]
        sizes.setdefault(theirs[-1], n)
    if len(set(theirs)) < len(theirs):
        return None  # autograd has no derivative of a repeated letter
    result = "".join(c for c in dict.fromkeys(mine + theirs) if choose(2))
    return f'np.einsum("{mine},{theirs}->{result}", {x}, {y})'


def matrix_product(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    rows = {n: s[-2 if len(s) > 1 else 0] for n, s in spec.shapes.items() if s}
    fitting = [n for n, size in rows.items() if shape and size == shape[-1]]
    return f"{x} @ {fitting[choose(len(fitting))]}" if fitting else None


def picked(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    if not shape:
        return None
    axis = choose(len(shape))
    if spec.labels["y"][1] > shape[axis]:
        return None
    fixed = ("[1, 0, 1]", "[0, 0]", "[-1, 0]")[choose(3)]
    return f"{x}[{':, ' * axis}{'y' if choose(2) else fixed}]"


def indexed(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    """Positions and labels among slices, new axes and dots, which may keep them apart."""
    if len(shape) < 2 or 0 in shape:
        return None
    _, bound = spec.labels["y"]
    parts = []
    for n in shape[: len(shape) - choose(2)]:
        label = ("y", "y[::-1]", f"y + {n - bound}", "1 * y")[choose(4)]
        some = f"[{choose(n)}, {choose(n)}]"
        kinds = (some, some, label if n >= bound else some, a_slice(n, choose))
        parts.append(kinds[choose(len(kinds))])
    if choose(3) == 0:
        parts.insert(choose(len(parts) + 1), "None")
    if choose(2) == 0:
        parts.insert(choose(len(parts) + 1), "...")
    return f"{x}[{', '.join(parts)}]"


def linear(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    """Functions of well-conditioned matrices."""
    if len(shape) < 2:
        return None
    *_, m, n = shape
    definite = f"(np.tanh({x}) @ np.swapaxes(np.tanh({x}), -1, -2) + 2 * np.eye({m}))"
    matrix = f"(np.tanh({x}) + {n + 1.0} * np.eye({n}))" if m == n else definite
    forms = [
        f"np.linalg.inv({matrix})",
        f"np.linalg.det({matrix})",
        f"np.linalg.slogdet({matrix})[1]",
        f"np.linalg.inv(np.swapaxes({matrix}, -1, -2))",
        f"np.linalg.slogdet({matrix})[0] * {x}[..., 0, 0]",
        f"np.linalg.cholesky({definite})",
    ]
    vectors = [k for k, s in spec.shapes.items() if s == (m,) and len(shape) == 2]
    stacks = [k for k, s in spec.shapes.items() if len(s) > 1 and s[:-1] == shape[:-1]]
    for right in (vectors, stacks):
        if right:
            forms += [f"np.linalg.solve({matrix}, {right[choose(len(right))]})"] * 3
    return forms[choose(len(forms))]


def triangular(spec: Spec, x: str, shape: Shape, choose: Choose) -> str | None:
    if len(shape) < 2:
        return None
    forms = [f"np.tril({x}, {choose(3) - 1})", f"np.triu({x}, {choose(3) - 1})"]
    if len(shape) == 2 and shape[0] == shape[1]:
        forms += [f"np.diag({x})", f"np.trace({x})", f"{x} * np.eye({shape[0]})"]
    forms.append(f"np.swapaxes({x}, 0, 1)")
    return forms[choose(len(forms))]


OPERATIONS = (
    elementwise, binary, binary, sliced, sliced, reshaped, reshaped, turned, joined, moved, moved,
    reduced, contracted, contracted, matrix_product, picked, picked, indexed, indexed, linear,
    linear, triangular, gone_past, gone_past, gone_past, gone_past, gone_past, gone_past, gone_past,
)  # fmt: skip


IN_ORDER = ("which is not there", "is empty")
"""How errors end about a value that is another one, such as a sum over one entry, and about a slice
past an end: these are in order where all sizes are numbers, too."""


# The comparison


def inputs(spec: Spec, seed: int) -> dict[str, Any]:
    """Random numbers for a spec."""
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {n: rng.normal(size=s) for n, s in spec.params.items()}
    return values | {n: rng.integers(0, k, size=s) for n, (s, k) in spec.labels.items()}


def derived(spec: Spec) -> sg.Derivation:
    """The derivation of a spec."""

    def shape(sizes: Sequence[int]) -> tuple[int | str, ...]:
        return tuple(f"N{n}" if spec.named and n > 1 else n for n in sizes)

    arrays = {n: sg.param(n, shape(s)) for n, s in spec.params.items()}
    arrays |= {n: sg.data(n, shape(s), dtype=int) for n, (s, _) in spec.labels.items()}
    values = spec.run(np, arrays)
    known = {n: v for n, v in values.items() if isinstance(v, sg.Array) and n != "loss"}
    reached = spec.reached()
    wrt = [n for n in (*spec.params, *spec.between) if n in reached]
    return sg.derive(values["loss"], wrt=wrt, names=known)


def reference(spec: Spec, point: dict[str, Any]) -> tuple[Any, dict[str, Any]] | None:
    """The value and the gradients of HIPS autograd; None where it has a defect of its own.

    A value in between is moved when it was assigned, so that all that reads it moves.
    """

    def value(numbers: dict[str, Any]) -> Any:
        moved = {n: numbers[n] for n in spec.between}
        return spec.run(anp, point | {n: numbers[n] for n in spec.params}, moved)["loss"]

    numbers = {n: point[n] for n in spec.params} | {
        n: np.zeros(spec.shapes[n]) for n in spec.between
    }
    with warnings.catch_warnings(action="ignore"):
        try:
            slopes = autograd.grad(value)(numbers)
        except (ValueError, NotImplementedError, TypeError, IndexError):
            return None
        return value(numbers), slopes


def check(spec: Spec, seed: int = 0) -> bool:
    """Whether a spec could be compared; AssertionError where something differs."""
    point = inputs(spec, seed)
    found = reference(spec, point)
    derivation = derived(spec)
    if found is None or not all(
        np.isfinite(x).all() and np.abs(x).max(initial=0) < 1e6
        for x in (found[0], *found[1].values())
    ):
        return False
    compare(derivation, point, found[0], {n: found[1][n] for n in derivation.wrt})
    if any(a.past for a in derivation.adjoints):
        asking_changes_nothing(spec, derivation, point)
    return True


def asking_changes_nothing(spec: Spec, derivation: sg.Derivation, point: dict[str, Any]) -> None:
    """The gradients by parameters are the same to the bit without those by values in between.

    Of plain modules: whether few numbers are computed one by one hangs on how many there are.
    """

    def gradients(d: sg.Derivation) -> Any:
        module = TARGETS["numpy"].load(d.source(plain=True), d.system.output)
        return module.gradients(**_read(d, point))

    alone = derived(dataclasses.replace(spec, between=()))
    one, other = gradients(alone), gradients(derivation)
    for name in alone.wrt:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def _read(derivation: sg.Derivation, point: dict[str, Any]) -> dict[str, Any]:
    variables = derivation.system.variables
    return {v.name: point[v.name] for v in variables if v.role != "constant"}


def compare(
    derivation: sg.Derivation, point: dict[str, Any], expected: Any, slopes: dict[str, Any]
) -> None:
    """The module in both precisions and the interpreter against the right numbers."""
    variables = derivation.system.variables
    point = _read(derivation, point)
    constants = {v.name: v.values for v in variables if v.role == "constant"}
    module = derivation.compile()
    program = outputs.module(derivation, derivation.notation).program
    total, gradients = module.loss_and_gradients(**point)
    interpreted = interpret(program, point | constants)
    single = {n: np.float32(v) if np.asarray(v).dtype.kind == "f" else v for n, v in point.items()}
    _, singles = module.loss_and_gradients(**single)
    close(total, expected, 1e-9)
    close(interpreted[derivation.system.output], expected, 1e-9)
    for name, slope in slopes.items():
        close(getattr(gradients, name), slope, 1e-7)
        close(interpreted[derivation.adjoint_name[name]], slope, 1e-7)
        close(getattr(singles, name), slope, 5e-3)
        assert np.asarray(getattr(singles, name)).dtype == np.float32, f"{name} is not float32"
    assert module.loss(**point) == total
    for one, other in zip(module.gradients(**point), gradients, strict=True):
        np.testing.assert_array_equal(one, other)


def close(found: Any, expected: Any, tolerance: float) -> None:
    """Whether numbers are equal, in proportion to the largest."""
    assert np.shape(found) == np.shape(expected)
    scale = 1 + np.abs(expected).max(initial=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


# By the hundred


def summary(numbers: Iterable[int], seed: int) -> tuple[collections.Counter[str], list[str]]:
    """How often there was what among the specs of these numbers, and what failed as text."""
    results: collections.Counter[str] = collections.Counter()
    failures = []
    for k in numbers:
        spec = random_spec(random.Random(seed * 1_000_003 + k).randrange)
        result, why = outcome(spec, k)
        results[result] += 1
        refused = result.startswith("refused") and not result.endswith(IN_ORDER)
        if result == "FAILED" or (refused and not spec.named):
            failures.append(f"{seed}/{k}: {result}: {why}\n{spec}")
    return results, failures


def outcome(spec: Spec, seed: int) -> tuple[str, str]:
    """What came of a spec, and why: equal, skipped, refused with the reason, or FAILED."""
    try:
        return ("equal" if check(spec, seed) else "skipped"), ""
    except SpecError as error:
        return f"refused: {error.what}", ""
    except Exception:  # every defect is to be seen, of whatever kind
        return "FAILED", traceback.format_exc()
