"""Random losses: NumPy code that is well typed, in its domain, and away from kinks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import scipy.special
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]
SIZES = (1, 2, 3, 4)
MOST_ENTRIES = 96
LARGEST = 30.0
AWAY = 1e-3
"""How far from a kink a value is, at least."""


@dataclass(repr=False)
class Spec:
    """The lines of a spec, and the numbers of its inputs at one point."""

    params: list[str]
    inputs: dict[str, np.ndarray]
    lines: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        """The spec, with a comment for each input."""
        heads = [
            f"# {name}: {'param' if name in self.params else 'data'} {value.shape} {value.dtype}"
            for name, value in self.inputs.items()
        ]
        return "\n".join([*heads, *self.lines])

    def __repr__(self) -> str:
        return f"\n{self.code}\n"

    def run(self, np_like: ModuleType, special: ModuleType, **values: Any) -> dict[str, Any]:
        """The values that the lines compute, over a module that answers like NumPy."""
        space = {"np": np_like, "special": special, **self.inputs, **values}
        exec(compile(self.code, "<spec>", "exec"), space)
        return space


class Writer:
    """Writes line after line, and knows what each value is at the point."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.spec = Spec([], {})
        self.values: dict[str, np.ndarray] = {}
        self.point = np.random.default_rng(draw(st.integers(0, 50)))

    # -- what is drawn ------------------------------------------------------------------------

    def one_of(self, items: Sequence[Any]) -> Any:
        return items[self.draw(st.integers(0, len(items) - 1))]

    def size(self) -> int:
        return int(self.one_of(SIZES[::-1]))

    def flag(self) -> bool:
        return bool(self.draw(st.booleans()))

    def value(self, least: int = 0, most: int = 3) -> str:
        """A value with so many axes, the latest first; an input is made where there is none."""
        fitting = [n for n, v in self.values.items() if least <= v.ndim <= most]
        if not fitting or self.draw(st.integers(0, 9)) == 0:
            return self.input([self.size() for _ in range(self.draw(st.integers(least, most)))])
        return str(self.one_of(fitting[::-1]))

    def beside(self, name: str) -> str:
        """A value that broadcasts with another one."""
        shape = self.values[name].shape
        fitting = [n for n, v in self.values.items() if _broadcast(v.shape, shape)]
        if len(fitting) > 1 and self.flag():
            return str(self.one_of(fitting))
        mine = [1 if self.draw(st.integers(0, 3)) == 0 else n for n in shape]
        return self.input(mine[self.draw(st.integers(0, len(mine))) :])

    def axis(self, name: str) -> int:
        ndim = self.values[name].ndim
        return int(self.draw(st.integers(-ndim, ndim - 1)))

    def axes(self, name: str) -> str:
        """An argument that says which axes to reduce, and whether to keep them."""
        ndim = self.values[name].ndim
        kind = self.draw(st.integers(0, 3)) if ndim else 0
        keep = ", keepdims=True" if self.flag() else ""
        if kind == 0:
            return keep
        if kind == 1 and ndim > 1:
            pair = self.draw(st.permutations(range(ndim)))[: self.draw(st.integers(2, ndim))]
            return f", axis={tuple(pair)}{keep}"
        return f", axis={self.axis(name)}{keep}"

    # -- what is written ----------------------------------------------------------------------

    def input(self, shape: Sequence[int]) -> str:
        """A new input of this shape."""
        name = f"x{len(self.spec.inputs)}"
        array = np.asarray(self.point.uniform(-1.5, 1.5, size=tuple(shape)))
        if not self.spec.params or self.draw(st.integers(0, 3)):
            self.spec.params.append(name)
        self.spec.inputs[name] = self.values[name] = array
        return name

    def labels(self, shape: Sequence[int], bound: int) -> str:
        """A new input of integers below a bound."""
        name = f"y{len(self.spec.inputs)}"
        self.spec.inputs[name] = self.point.integers(0, bound, size=tuple(shape))
        return name

    def evaluate(self, expression: str) -> np.ndarray | None:
        """Its value at the point; None where it has none that is good to go on with."""
        space = {"np": np, "special": scipy.special, **self.spec.inputs, **self.values}
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(eval(expression, space))
        except (ValueError, IndexError, np.linalg.LinAlgError):
            return None
        good = value.dtype == float and value.ndim <= 3 and 0 < value.size <= MOST_ENTRIES
        return value if good and np.abs(value).max() < LARGEST else None

    def line(self, expression: str, *margins: str) -> str | None:
        """A new value; None where it is not good, or a margin (what must not be 0) is small."""
        for margin in margins:
            distance = self.evaluate(margin)
            if distance is None or np.abs(distance).min() < AWAY:
                return None
        value = self.evaluate(expression)
        if value is None:
            return None
        name = f"v{len(self.spec.lines)}"
        self.spec.lines.append(f"{name} = {expression}")
        self.values[name] = value
        return name


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    try:
        return int(np.prod(np.broadcast_shapes(one, other))) <= MOST_ENTRIES
    except ValueError:
        return False


# -- operations -----------------------------------------------------------------------------------

SMOOTH = (
    "np.tanh({x})", "{x} ** 2", "np.exp({x})", "np.sin({x})", "0.5 * {x} - 1", "-{x}",
    "1 / (1 + np.exp(-{x}))", "np.log(1 + np.exp({x}))", "np.log({x} ** 2 + 1)",
    "np.sqrt({x} ** 2 + 0.5)", "1 / ({x} ** 2 + 1)", "{x} ** 3", "np.cos({x})", "np.square({x})",
    "np.arctan({x})", "np.cosh({x})", "np.sinh({x})", "np.expm1({x})", "np.log1p({x} ** 2)",
    "np.reciprocal({x} ** 2 + 0.5)", "np.exp(-({x} ** 2))", "np.arcsinh({x})",
    "np.log(np.exp({x}) + 0.1)", "np.log2({x} ** 2 + 1)", "np.log10(np.exp({x}))", "np.exp2({x})",
    "(1 + {x} ** 2) ** -1.5", "special.expit({x})", "special.erf({x})",
    "special.gammaln({x} ** 2 + 1)", "np.tan(np.tanh({x}))", "np.arcsin(0.9 * np.sin({x}))",
    "np.arccos(0.9 * np.sin({x}))", "np.arctanh(0.9 * np.tanh({x}))", "np.tanh({x}) / 2 + {x} / 3",
)  # fmt: skip
KINKED = (
    ("np.abs({x})", "{x}"), ("np.maximum({x}, 0)", "{x}"), ("np.maximum(0, {x})", "{x}"),
    ("np.minimum({x}, 0.25)", "{x} - 0.25"), ("{x} * ({x} > 0)", "{x}"),
    ("np.where({x} > 0, {x} ** 2, -{x})", "{x}"),
    ("np.where({x} < 0.5, np.sin({x}), 1.0)", "{x} - 0.5"),
    ("np.clip({x}, -0.5, 0.75)", "({x} + 0.5) * ({x} - 0.75)"),
    ("np.where(np.abs({x}) <= 1, {x} ** 2 / 2, np.abs({x}) - 0.5)", "{x} ** 3 - {x}"),
    ("np.sign({x}) * {x} ** 2", "{x}"), ("np.sqrt(np.abs({x}))", "{x}"),
    ("np.log(np.abs({x}))", "{x}"), ("1 / {x}", "{x}"), ("np.abs({x}) ** 1.5", "{x}"),
)  # fmt: skip
BINARY = (
    "{x} + {y}", "{x} * {y}", "{x} - {y}", "{x} / ({y} ** 2 + 1)", "{x} * {y} + {x}",
    "({x} - {y}) ** 2", "np.logaddexp({x}, {y})", "np.power({x} ** 2 + 0.5, {y})",
    "np.arctan2({x}, {y} ** 2 + 0.5)", "np.exp({x}) * {y}", "({x} + {y}) / (np.exp({x}) + 1)",
    "np.sqrt({x} ** 2 + {y} ** 2 + 0.1)", "{x} * np.tanh({y}) - 0.5 * {x}",
)  # fmt: skip
KINKED_BINARY = (
    ("np.maximum({x}, {y})", "{x} - {y}"), ("np.minimum({x}, {y})", "{x} - {y}"),
    ("np.where({x} > {y}, {x}, {y} ** 2)", "{x} - {y}"),
    ("np.where({x} <= {y}, {x} * {y}, {x})", "{x} - {y}"), ("np.abs({x} - {y})", "{x} - {y}"),
    ("{x} / {y}", "{y}"), ("np.maximum(0, 1 - {x} * {y})", "1 - {x} * {y}"),
    ("np.where(({x} > 0) & ({y} < 0.5), {x}, {y})", "{x} * ({y} - 0.5)"),
)  # fmt: skip
REDUCTIONS = (
    "np.sum({x}{a})", "np.mean({x}{a})", "np.var({x}{a})", "np.prod({x}{a})",
    "np.log(np.sum(np.exp({x}){a}))", "np.sqrt(np.sum({x} ** 2{a}) + 0.1)", "{x}.sum({b})",
    "{x}.mean({b})",
)  # fmt: skip


def smooth(w: Writer) -> str | None:
    return w.line(w.one_of(SMOOTH).format(x=w.value()))


def kinked(w: Writer) -> str | None:
    expression, margin = w.one_of(KINKED)
    x = w.value()
    return w.line(expression.format(x=x), margin.format(x=x))


def binary(w: Writer) -> str | None:
    x = w.value()
    return w.line(w.one_of(BINARY).format(x=x, y=w.beside(x)))


def kinked_binary(w: Writer) -> str | None:
    expression, margin = w.one_of(KINKED_BINARY)
    x = w.value()
    y = w.beside(x)
    return w.line(expression.format(x=x, y=y), margin.format(x=x, y=y))


def reduction(w: Writer) -> str | None:
    x = w.value(1)
    axes = w.axes(x)
    text = w.one_of(REDUCTIONS)
    return w.line(text.format(x=x, a=axes, b=axes.removeprefix(", ")))


def extremum(w: Writer) -> str | None:
    """A maximum or a minimum along an axis, where no two entries are close."""
    x = w.value(1)
    axis, keep = w.axis(x), ", keepdims=True" if w.flag() else ""
    function = w.one_of(["max", "min"])
    margins = [f"np.diff(np.sort({x}, axis={axis}), axis={axis})"]
    return w.line(
        f"np.{function}({x}, axis={axis}{keep})",
        *(margins if w.values[x].shape[axis] > 1 else []),
    )


def spread(w: Writer) -> str | None:
    """Norms and standard deviations: not where they are 0."""
    x = w.value(1)
    text = w.one_of(["np.std({x}{a})", "np.linalg.norm({x}{a})"])
    axes = w.axes(x)
    if "norm" in text and "axis=(" in axes and axes.count(",") > 3:
        axes = ""
    expression = text.format(x=x, a=axes)
    return w.line(expression, expression)


def softmax(w: Writer) -> str | None:
    x = w.value(1)
    axis = w.axis(x)
    keep = f"axis={axis}, keepdims=True"
    text = w.one_of([
        "np.exp({x}) / np.sum(np.exp({x}), {k})",
        "np.exp({x} - np.max({x}, {k})) / np.sum(np.exp({x} - np.max({x}, {k})), {k})",
        "{x} - np.log(np.sum(np.exp({x}), {k}))",
        "({x} - np.mean({x}, {k})) / np.sqrt(np.var({x}, {k}) + 0.1)",
        "{x} / np.sqrt(np.mean({x} ** 2, {k}) + 0.1)",
    ])  # fmt: skip
    return w.line(text.format(x=x, k=keep))


def product(w: Writer) -> str | None:
    x = w.value(1)
    shape = w.values[x].shape
    kind = w.one_of(["@", "np.dot", "np.inner", "np.outer", "np.tensordot", "np.kron"])
    if kind == "np.outer":
        return w.line(f"np.outer({x}, {w.value()})")
    if kind == "np.kron":
        return w.line(f"np.kron({w.value(2, 2)}, {w.value(2, 2)})")
    if kind == "np.tensordot":
        y = w.input([shape[-1], w.size()])
        return w.line(f"np.tensordot({x}, {y}, axes=1)")
    columns = [] if w.flag() else [w.size()]
    y = w.input([*columns, shape[-1]] if kind == "np.inner" else [shape[-1], *columns])
    return w.line(f"{x} @ {y}" if kind == "@" else f"{kind}({x}, {y})")


def matmul(w: Writer) -> str | None:
    """The product of two values that fit, transposed where that is needed."""
    x, y = w.value(2), w.value(2)
    return w.line(f"{x} @ {y}") or w.line(f"{x} @ np.swapaxes({y}, -1, -2)")


def einsum(w: Writer) -> str | None:
    names = [w.value(1) for _ in range(w.draw(st.integers(1, 3)))]
    letters: dict[str, int] = {}
    terms = [_labels(w, w.values[n].shape, letters) for n in names]
    used = sorted(set("".join(terms)))
    out = w.draw(st.permutations(used))[: w.draw(st.integers(0, min(3, len(used))))]
    return w.line(f"np.einsum('{','.join(terms)}->{''.join(out)}', {', '.join(names)})")


def _labels(w: Writer, shape: tuple[int, ...], letters: dict[str, int]) -> str:
    text = ""
    for n in shape:
        fitting = [k for k, size in letters.items() if size == n]
        if fitting and w.flag():
            text += w.one_of(fitting)
        else:
            text += "ijklmnopq"[len(letters)]
            letters[text[-1]] = n
    return text


def reshaped(w: Writer) -> str | None:
    x = w.value()
    size = w.values[x].size
    shapes = [
        s for s in [(size,), (1, size), (size, 1), (2, size // 2), (size // 2, 2), (3, size // 3),
                    (2, 2, size // 4), (size // 4, 2, 2), (size // 6, 2, 3), (-1,)]
        if int(np.prod(s)) == size or s == (-1,)
    ]  # fmt: skip
    return w.line(f"np.reshape({x}, {w.one_of(shapes)})")


def moved(w: Writer) -> str | None:
    x = w.value(1)
    ndim, axis = w.values[x].ndim, w.axis(x)
    order = tuple(w.draw(st.permutations(range(ndim))))
    text = w.one_of([
        "{x}.T", f"np.transpose({{x}}, {order})", "{x}[None]", "{x}[..., None]",
        f"np.expand_dims({{x}}, {axis})", "np.squeeze({x})", f"np.swapaxes({{x}}, 0, {axis})",
        f"np.moveaxis({{x}}, 0, {axis})", f"np.flip({{x}}, {axis})",
        f"np.roll({{x}}, {w.draw(st.integers(-2, 3))}, axis={axis})",
        f"np.repeat({{x}}, 2, axis={axis})", "np.tile({x}, 2)", f"np.cumsum({{x}}, axis={axis})",
        "np.ravel({x})", "np.broadcast_to({x}, (2, *{x}.shape))", "np.tril({x})", "np.triu({x}, 1)",
        "np.diagonal({x})", "np.diag({x})", "np.pad({x}, 1)", f"np.stack([{{x}}, {{x}}], {axis})",
    ])  # fmt: skip
    return w.line(text.format(x=x))


def sliced(w: Writer) -> str | None:
    x = w.value(1)
    parts = []
    for n in w.values[x].shape:
        start, stop = sorted((w.draw(st.integers(0, n)), w.draw(st.integers(0, n))))
        parts.append(
            w.one_of([":", "::-1", "1:", ":-1", "::2", f"{start}:{stop}", str(start % n), "-1"])
        )
    keep = parts[: w.draw(st.integers(1, len(parts)))]
    keep = [*keep, "..."] if w.flag() and len(keep) < len(parts) else keep
    return w.line(f"{x}[{', '.join(keep)}]")


def joined(w: Writer) -> str | None:
    x = w.value(1)
    axis = w.axis(x)
    shape = list(w.values[x].shape)
    others = [n for n, v in w.values.items() if v.shape == tuple(shape)]
    second = w.one_of(others)
    if w.flag():
        shape[axis] = w.size()
        second = w.input(shape)
        return w.line(f"np.concatenate([{x}, {second}], axis={axis})")
    return w.line(f"np.stack([{x}, {second}], axis={axis})")


def picked(w: Writer) -> str | None:
    """Entries by integer labels."""
    x = w.value(1)
    shape = w.values[x].shape
    if len(shape) > 1 and w.flag():
        y = w.labels([shape[0]], shape[1])
        return w.line(f"{x}[np.arange({shape[0]}), {y}]")
    y = w.labels([w.size() for _ in range(w.draw(st.integers(1, 2)))], shape[0])
    return w.line(f"{x}[{y}]")


def linear_algebra(w: Writer) -> str | None:
    """Functions of a matrix that is symmetric and positive definite, or close to the identity."""
    x = w.value(2, 2)
    n, m = w.values[x].shape
    square = w.line(f"0.3 * {x} @ {x}.T + 2 * np.eye({n})")
    if square is None:
        return None
    if n == m and w.flag():
        square = w.line(f"0.2 * {x} + 2 * np.eye({n})") or square
        text = w.one_of(["np.linalg.inv({s})", "np.linalg.det({s})", "np.linalg.slogdet({s})[1]"])
        return w.line(text.format(s=square))
    right = w.input([n] if w.flag() else [n, w.size()])
    text = w.one_of([
        "np.linalg.inv({s})", "np.linalg.slogdet({s})[1]", "np.linalg.solve({s}, {r})",
        "np.linalg.cholesky({s})", "np.trace({s})", "{r}.T @ np.linalg.inv({s}) @ {r}",
        "np.log(np.linalg.det({s}))", "np.linalg.matrix_power({s}, 2)",
    ])  # fmt: skip
    return w.line(text.format(s=square, r=right))


OPERATIONS: tuple[Callable[[Writer], str | None], ...] = (
    smooth, binary, reduction, product, kinked, kinked_binary, softmax, matmul, einsum, extremum,
    spread, moved, sliced, reshaped, joined, picked, linear_algebra, binary, smooth, reduction,
)  # fmt: skip


@st.composite
def specs(draw: Draw, most: int = 7) -> Spec:
    """A spec of a few lines; the last one is its loss, the sum of what it computed."""
    w = Writer(draw)
    w.input([w.size() for _ in range(draw(st.integers(0, 3)))])
    for _ in range(draw(st.integers(1, most))):
        w.one_of(OPERATIONS)(w)
    last = list(w.values)[::-1]
    terms = [f"np.sum({last[0]})"]
    if len(last) > 2 and w.flag():
        terms.append(w.one_of(["np.mean({x})", "np.sum({x} ** 2)"]).format(x=w.one_of(last[1:])))
    w.spec.lines.append(f"loss = {' + '.join(terms)}")
    return w.spec
