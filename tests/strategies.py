"""Random losses: NumPy code that is well typed, in its domain, and away from kinks."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from tests.drawing import ASSUMED, Draw, Spec, Writer
from tests.parts import in_parts

__all__ = ["Spec", "specs"]

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
    "np.cbrt({x} ** 2 + 1)", "special.ndtr({x})", "special.erfc({x})", "special.psi({x} ** 2 + 1)",
    "special.logit(0.5 + 0.4 * np.sin({x}))", "special.entr({x} ** 2 + 0.5)", "sg.softplus({x})",
    "special.log_expit({x})", "np.arccosh({x} ** 2 + 1.5)", "np.deg2rad(40 * {x})",
    "np.rad2deg(0.02 * {x})", "np.float_power({x} ** 2 + 1, 0.3)", "sg.sigmoid({x})",
    "sg.log_sigmoid({x})", "np.full_like({x}, 0.5) * {x}", "np.ones_like({x}) - {x}",
    "np.negative({x})", "np.copy({x}) * 0.9", "({x} - 0.3) ** 4 / {x}.size",
    "np.where(np.ones_like({x}) > 0, {x}, 0)", "sg.rounded({x}, 9)", "sg.stop_gradient({x})",
    "sg.straight_through({x} ** 2, {x})", "sg.stop_gradient({x}) * {x}",
    "np.arccos(0.9 * np.sin({x}))", "np.arctanh(0.9 * np.tanh({x}))", "np.tanh({x}) / 2 + {x} / 3",
    "np.log(1 + np.exp(30 * {x}))", "1 / (1 + np.exp(-40 * {x}))", "np.sinc(6 * {x})",
    "np.tanh(20 * {x})", "sg.log_sigmoid(50 * {x})", "np.expm1(5 * {x})", "np.log(1e6 + {x})",
    "np.sum({x} ** 4) ** 0.25 * {x}", "np.sum(np.abs({x}) ** 3) ** (1 / 3) - {x}",
    "np.log(np.where(np.ones_like({x}) > 0, 1 / (1 + np.exp(-{x})), 0.5))",
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
    ("np.log(np.where({x} > 0, 1 / (1 + np.exp(-{x})), np.exp(-{x} ** 2)))", "{x}"),
    ("np.maximum({x}, 0) + np.minimum(0, np.exp({x}) - 1)", "{x}"),
    ("sg.relu({x})", "{x}"), ("np.fabs({x})", "{x}"), ("np.heaviside({x}, 0.5) * {x}", "{x}"),
    ("np.select([{x} > 0.5, {x} > -0.5], [{x} ** 2, 2 * {x}], 0.5)", "{x} ** 2 - 0.25"),
    ("np.where(~({x} > 0) | ({x} > 1), 0.1 * {x}, {x} ** 2)", "{x} * ({x} - 1)"),
    ("sg.straight_through(np.sign({x}), np.tanh({x}))", "{x}"),
    ("sg.straight_through(({x} > 0).astype(float), np.clip({x}, -1, 1))", "{x} ** 3 - {x}"),
    ("np.maximum(np.minimum({x}, 0.7), -0.7)", "{x} ** 2 - 0.49"),
    ("np.clip({x}, 0, None)", "{x}"), ("{x} * np.logical_not({x} < 0)", "{x}"),
    ("np.where(np.logical_xor({x} > 0, {x} > 1), {x}, 2 * {x})", "{x} * ({x} - 1)"),
    ("{x} * (({x} > 0) ^ ({x} > 1))", "{x} * ({x} - 1)"), ("np.clip({x}, None, 0.5)", "{x} - 0.5"),
)  # fmt: skip
BINARY = (
    "{x} + {y}", "{x} * {y}", "{x} - {y}", "{x} / ({y} ** 2 + 1)", "{x} * {y} + {x}",
    "({x} - {y}) ** 2", "np.logaddexp({x}, {y})", "np.power({x} ** 2 + 0.5, {y})",
    "np.arctan2({x}, {y} ** 2 + 0.5)", "np.exp({x}) * {y}", "({x} + {y}) / (np.exp({x}) + 1)",
    "np.sqrt({x} ** 2 + {y} ** 2 + 0.1)", "{x} * np.tanh({y}) - 0.5 * {x}",
    "np.logaddexp(30 * {x}, {y})", "np.logaddexp({x} + np.log(0.5), -np.inf) * {y}",
    "np.hypot({x}, {y} + 2)", "np.logaddexp2({x}, {y})", "special.xlogy({x}, {y} ** 2 + 0.5)",
    "special.xlog1py({x}, {y} ** 2)", "special.rel_entr({x} ** 2 + 0.5, {y} ** 2 + 0.5)",
    "special.kl_div({x} ** 2 + 0.5, {y} ** 2 + 0.5)", "special.betaln({x} ** 2 + 1, {y} ** 2 + 1)",
    "{x} * sg.stop_gradient({y}) + {y}", "sg.sigmoid({x}) * {y}", "{x} ** 2 * {y} ** 3",
    "(1 + {x} ** 2) ** np.tanh({y})", "np.exp({x} - {y}) / (1 + np.exp({x} - {y}))",
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
    "{x}.mean({b})", "sg.logsumexp({x}{a})", "np.log(np.mean(np.exp({x}){a}))",
    "np.sum({x} * {x}{a}) / {x}.size",
)  # fmt: skip

TERMS = (
    "np.sum({x})", "np.sum({x} ** 2)", "np.sum(np.sin({x}) * {x})", "np.mean(1.5 * np.tanh({x}))",
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
    function = w.one_of(["max", "min", "ptp"])
    margins = [f"np.diff(np.sort({x}, axis={axis}), axis={axis})"]
    return w.line(
        f"np.{function}({x}, axis={axis}{keep})",
        *(margins if w.values[x].shape[axis] > 1 else []),
    )


def extremum_of_several(w: Writer) -> str | None:
    """A maximum or a minimum over more than one axis, or a norm that is one."""
    x = w.value(1)
    text = w.one_of([
        "np.max({x})", "np.min({x})", "np.amax({x}, axis=(0, -1))", "np.amin({x}, keepdims=True)",
        "np.maximum.reduce({x}, axis=None)", "np.linalg.norm(np.ravel({x}), np.inf)",
        "np.linalg.norm({x}, 1, axis=0)", "np.max(np.abs({x}), axis=(0, 1))",
    ])  # fmt: skip
    margins = [x, f"np.diff(np.sort(np.ravel(np.abs({x}))))"][: w.values[x].size]
    return w.line(text.format(x=x), *margins)


def spread(w: Writer) -> str | None:
    """Norms and standard deviations: not where they are 0."""
    x = w.value(1)
    text = w.one_of(["np.std({x}{a})", "np.linalg.norm({x}{a})", "np.var({x}{a}, ddof=1)"])
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
        "{x} / np.sqrt(np.mean({x} ** 2, {k}) + 0.1)", "sg.softmax({x}, axis={a})",
        "sg.log_softmax({x}, axis={a})", "{x} - np.log(np.mean(np.exp({x}), {k}))",
        "np.log(np.exp({x}) / np.sum(np.exp({x}), {k}))", "{x} / np.sum(np.abs({x}) + 1, {k})",
        "np.exp({x}) / (1 + np.sum(np.exp({x}), {k}))",
    ])  # fmt: skip
    return w.line(text.format(x=x, k=keep, a=axis))


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
        f"np.cumprod({{x}}, axis={axis})", f"np.trapezoid({{x}}, axis={axis})",
        "np.zeros_like({x}) + {x}",
        "np.atleast_2d({x})", "np.atleast_1d({x}) * 2", "{x}.flatten()", "np.cumsum({x})",
        f"np.roll({{x}}, {w.number(-2, 3)})", f"np.diff({{x}}, axis={axis})", "np.flip({x})",
        "np.repeat({x}, 2)", "np.tile({x}, (2, 1))", "np.trace({x})", "np.tril({x}, -1)",
        f"np.take({{x}}, [0, -1], axis={axis})", "np.take({x}, [0, 0])",
        f"windows({{x}}, {w.number(1, 3)}, {axis})", f"windows({{x}}, 2, {axis})[..., ::-1]",
        f"np.sum(windows({{x}}, 2, {axis}) * np.array([0.5, -1.5]), axis=-1)",
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
    text = w.one_of([
        "np.stack([{x}, {y}], axis={axis})", "np.vstack([{x}, {y}])", "np.hstack([{x}, {y}, {x}])",
        "np.concatenate([{x}, {y}, {x}], axis={axis})", "np.vdot({x}, {y})",
        "np.column_stack([{x}, {y}])", "np.dstack([{x}, {y}])",
        "np.block([[{x}, {y}], [{y}, {x}]])",
        "np.cross({x}, {y})", "np.cross({x}, {y}, axis={axis})", "np.block([{x}, {x}])",
        "np.average({x}, axis={axis}, weights={y} ** 2 + 0.5)",
    ])  # fmt: skip
    return w.line(text.format(x=x, y=second, axis=axis))


def cut(w: Writer) -> str | None:
    """Pieces of a value, put together otherwise."""
    x = w.value(1)
    axis, parts = w.axis(x), w.fresh("s")
    n = w.values[x].shape[axis]
    split = w.one_of([f"np.split({x}, [{w.number(1, max(1, n - 1))}], axis={axis})",
                      f"np.array_split({x}, 2, axis={axis})",
                      f"np.hsplit({x}, 2)", f"np.vsplit({x}, 2)"])  # fmt: skip
    text = w.one_of([
        "np.sum({p}[0], axis={k}) * np.mean({p}[1], axis={k})", "{p}[0] * np.tanh({p}[-1])",
        "np.concatenate({p}[::-1], axis={k})", "np.sum({p}[-1], axis={k}) - np.max({x}, axis={k})",
    ])  # fmt: skip
    margin = f"np.diff(np.sort({x}, axis={axis}), axis={axis})"
    margins = [margin] if n > 1 and "max" in text else []
    return w.line(text.format(p=parts, x=x, k=axis), *margins, before=f"{parts} = {split}")


def loop(w: Writer) -> str | None:
    """A state that goes through steps, in a variable or in a list."""
    x, h = w.value(1), w.fresh("h")
    steps = w.number(1, 4)
    rows = w.values[x].shape[0]
    step = w.one_of([
        "np.tanh({h} + {x}[{k}])", "0.5 * {h} + {x}[{k}] * {h}", "np.sin({h}) + {x}[{k}] ** 2",
        "np.maximum({h}, 0.1 * {h}) + {x}[{k}]", "{h} / (1 + {h} ** 2) + {x}[{k}]",
        "{x}[{k}] - 0.1 * np.sum({h} ** 2)", "sg.softmax({h} + {x}[{k}])",
        "{h} - 0.2 * np.mean({x} * {h}, axis=0)",
    ])  # fmt: skip
    kind = w.number(0, 2)
    if kind == 0:
        body = step.format(h=h, x=x, k="k")
        before = f"{h} = {x}[0]\nfor k in range({min(steps, rows)}):\n    {h} = {body}"
        return w.line(w.one_of([f"np.tanh({h})", f"{h} * {x}"]), before=before)
    start = w.input([]) if kind == 1 else f"{x}[-1]"
    body = step.format(h=f"{h}[-1]", x=x, k="k")
    before = f"{h} = [{start}]\nfor k in range({min(steps, rows)}):\n    {h}.append({body})"
    return w.line(w.one_of([f"{h}[-1] ** 2", f"{h}[-1] * {h}[1]", f"np.stack({h}[1:])",
                            f"sum({h}[1:], 0.0)", f"np.stack([np.sum(a) for a in {h}])"]),
                  before=before)  # fmt: skip


def in_place(w: Writer) -> str | None:
    x = w.value()
    y, t = w.beside(x), w.fresh("t")
    change = w.one_of(["+= {y}", "*= {y}", "-= np.tanh({y})", "/= 2 + {y} ** 2", "**= 2"])
    return w.line(f"np.sin({t})", before=f"{t} = {x} * 0.5\n{t} {change.format(y=y)}")


def chosen(w: Writer) -> str | None:
    """By conditions that are data, that have a name, or that compare integers."""
    x = w.value()
    shape = w.values[x].shape
    m, c, y = w.conditions(shape[w.number(0, len(shape)) :]), w.fresh("c"), w.like(x)
    kind = w.number(0, 3)
    if kind == 0:
        return w.line(w.one_of([f"np.where({m}, {x}, {y})", f"{x} * {m}", f"{x} * ~{m} + {y}",
                                f"np.where({m}, {x}, 0) / (1 + np.sum({m}))"]))  # fmt: skip
    if kind == 1:
        text = w.one_of(["np.where({c}, {x}, {y} ** 2)", "{x} * {c} - {y} * (1 - {c})",
                         "np.where({c} & {m}, {x}, {y})", "np.mean({c} * {x})"])  # fmt: skip
        return w.line(text.format(c=c, x=x, y=y, m=m), x, before=f"{c} = {x} > 0")
    n = w.labels(shape[w.number(0, len(shape)) :], 3)
    if kind == 2:
        return w.line(w.one_of([f"np.where({n} == 1, {x}, {y})", f"{x} * {n} + {y}",
                                f"{x} * ({n} != 0)", f"{x} ** 2 / (1 + {n})",
                                f"np.where({n} <= 1, {x}, {n})"]))  # fmt: skip
    return w.line(f"{x} * ({c} - 1.5)", before=f"{c} = 2 * {n} + 1")


def constants(w: Writer) -> str | None:
    """Arrays of numbers that are written in the spec."""
    x = w.value(1)
    shape = w.values[x].shape
    n = shape[-1]
    text = w.one_of([
        "{x} * np.arange({n})", "{x} + np.linspace(-1, 1, {n})", "{x} * np.arange(1.0, {n} + 1)",
        "{x} @ np.arange({n} * 2.0).reshape({n}, 2)", "{x} * (np.arange({n}) > 0)",
        "np.where(np.arange({n}) % 2 == 0, {x}, 0.5)", "{x} @ (np.eye({n}) - 0.5)",
        "{x}[..., np.arange({n}) >= 0]", "{x}[..., [0, -1]]", "sg.arange({x}.shape[-1]) * {x}",
        "{x} @ np.eye({n})", "{x} / np.sqrt({x}.shape[-1])", "{x} @ np.tri({n})",
        "{x}[..., np.arange({n})[::-1]]", "np.einsum('...i,ij->...j', {x}, np.ones(({n}, 2)))",
    ])  # fmt: skip
    return w.line(text.format(x=x, n=n))


def assumed(w: Writer) -> str | None:
    """An input that keeps something, where that can be used."""
    kind = w.one_of([*ASSUMED])
    n, m = w.size(), w.size()
    x = w.input([n, n] if kind in ("symmetric", "orthogonal") else [n, m], kind)
    y = w.like(x)
    text = w.one_of([
        "-np.sum({x} * (np.log(np.exp({y}) / np.sum(np.exp({y}), axis=1, keepdims=True))), axis=1)",
        "{y} - np.sum({x} * {y}, axis=0)", "np.sum({x}, axis=1) * np.sum({y}, axis=1)",
        "np.sum({x} * sg.log_softmax({y}, axis=-1))", "{x} ** 2 * {y}", "{x}.T @ {x} @ {y}.T",
        "{x} @ {x}.T @ {y}", "{y} @ {x} @ {y}.T", "np.abs({x}) * {y}", "np.sum({x} ** 2 * {y})",
        "np.einsum('ij,ij,kj->k', {x}, {x}, {y})", "np.sqrt({x} ** 2 + 0.1) + {x}.T[:, :1].T",
        "np.sum({x} * {x}, axis=0) * {y}", "{y}.T @ {x}.T + {x}", "np.log(np.abs({x}) + 0.5) * {y}",
        "np.sum(np.exp({x}), axis=0)", "np.trace({y} @ {x} @ {y}.T)", "{x} @ {y} + {y} @ {x}.T",
    ])  # fmt: skip
    if w.flag():
        y = w.line(f"np.tanh({y}) + {y}") or y
    return w.line(text.format(x=x, y=y), x if "abs" in text else "1")


def picked(w: Writer) -> str | None:
    """Entries by integer labels."""
    x = w.value(1)
    shape = w.values[x].shape
    if len(shape) > 1 and w.flag():
        y = w.labels([shape[0]], shape[1])
        return w.line(f"{x}[np.arange({shape[0]}), {y}]")
    k = w.number(0, len(shape) - 1)
    y = w.labels([w.size() for _ in range(w.draw(st.integers(1, 2)))], shape[k])
    return w.line(f"{x}[{':, ' * k}{y}]")


def picked_in_several(w: Writer) -> str | None:
    """Entries by labels for more than one axis, or one for each row."""
    x = w.value(2)
    shape = w.values[x].shape
    n = w.size()
    y, z = w.labels([n], shape[0]), w.labels([n], shape[1])
    both = w.labels([n], min(shape))
    short = w.labels([*shape[:-1], 1], shape[-1])
    text = w.one_of([
        "{x}[{y}, {z}]", "{x}[{y}[:, None], {z}]", "{x}[{y}[:, None], {z}[None, :]]",
        "{x}[{y}][:, {z}]", "{x}[{b}, {b}]", "{x}[{y}, 0]", "{x}[-1, {z}]", "{x}[{y}, :1]",
        "{x}[{y}, ..., {z0}]", "np.take({x}, {z}, axis=1)", "np.take_along_axis({x}, {s}, axis=-1)",
        "{x}[{y}] * {x}[{y}]", "{x}[::-1][{y}]", "{x}[{y}, None]", "{x}.T[..., {b}]",
        "{x}[[0, -1, 0], {z0}]", "sg.straight_through({x}[{y}], 2 * {x}[{b}])",
        "{x}[1 * {y}]", "{x}[np.arange({n}) * 0, {z}]", "np.sum({x}[{y}] ** 2, axis=0)",
    ])  # fmt: skip
    return w.line(text.format(x=x, y=y, z=z, b=both, s=short, n=n, z0=f"{both}[0]"))


def shifted(w: Writer) -> str | None:
    """Entries by labels that count from 1, or to which 1 is added, also in what is put together."""
    x = w.value(1)
    *before, n = w.values[x].shape
    rows = before[-1:]
    make, length, shift = w.one_of([
        ("{x}", n, -1), ("np.pad({x}, {p})", n + 1, 1),
        ("np.concatenate([{x}, {x} ** 2], axis=-1)", n, 1),
        ("{x}[..., 1:]", n - 1, -1), ("{x}[..., ::-1]", n, -1), ("np.tanh({x})", n - 1, 1),
        ("np.stack([{x}, np.sin({x})], axis=-1).reshape(({s}))", 2 * n, -1),
        ("np.concatenate([np.zeros({z}), {x}, np.ones({z})], axis=-1)", n + 1, 1),
    ])  # fmt: skip
    if length < 1:
        return None
    y = w.labels(rows or [w.size()], length, first=max(0, -shift))
    sizes = {
        "p": (*((0, 0) for _ in before), (1, 1)),
        "z": (*before, 1),
        "s": ", ".join(map(str, (*before, 2 * n))) + ",",
    }
    made = make.format(x=x, **sizes)
    label = f"{y} {'-+'[shift > 0]} 1"
    where = f"np.arange({rows[0]}), {label}" if rows else label
    difference = f" - ({made})[..., {where}] ** 2" if w.seldom(3) else ""
    return w.line(f"({made})[..., {where}]{difference}")


def masked(w: Writer) -> str | None:
    """Minus infinity where a condition holds not, or above a diagonal, which is then no more."""
    x = w.value(1)
    *_, n = shape = w.values[x].shape
    axis, c = w.axis(x), w.fresh("c")
    m = w.conditions(shape[w.number(0, len(shape)) :])
    bias = [f"np.where({m}, {x}, -np.inf)", f"np.where({m}, -np.inf, {x})"]
    if len(shape) > 1:
        bias += [f"{x} + np.triu(np.full({shape[-2:]}, -np.inf), 1)",
                 f"{x} + np.where(np.tri({shape[-2]}, {n}) > 0, 0.0, -np.inf)",
                 f"np.where(np.tri({shape[-2]}, {n}, dtype=bool), {x}, -np.inf)"]  # fmt: skip
    text = w.one_of([
        "sg.softmax({c}, axis={a})", "np.exp({c}) / np.sum(np.exp({c}), axis={a}, keepdims=True)",
        "sg.logsumexp({c}, axis={a})", "np.log(np.sum(np.exp({c}), axis={a}))", "np.exp({c})",
        "np.exp({c} - np.max({c}, axis={a}, keepdims=True))", "np.tanh({c})",
        "np.maximum({c}, {x})", "np.log(1 + np.exp({c}))",
        "np.max(np.maximum({c}, -1.5), axis={a})", "1 / (1 + np.exp(-{c}))",
        "np.logaddexp({c}, {x})",
    ])  # fmt: skip
    if len(shape) > 1 and not any(word in text for word in ("sum", "soft", "log", "np.max(")):
        bias += [f"{x} + np.where(np.tri({shape[-2]}, {n}, -1) > 0, 0.0, -np.inf)"]
    margins = [x, f"np.diff(np.sort(np.ravel({x})))"] if "max" in text else []
    before = f"{c} = {w.one_of(bias)}"
    return w.line(text.format(c=c, x=x, a=axis), *margins[: w.values[x].size], before=before)


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


def stacked_linear_algebra(w: Writer) -> str | None:
    """The same of a matrix for each entry of the leading axis."""
    x = w.value(3)
    n = w.values[x].shape[-1]
    definite = w.line(f"0.3 * np.swapaxes({x}, -1, -2) @ {x} + 2 * np.eye({n})")
    if definite is None:
        return None
    right = w.input([*w.values[definite].shape[:-1], w.size()])
    text = w.one_of([
        "np.linalg.inv({s})", "np.linalg.det({s})", "np.linalg.slogdet({s})[1]",
        "np.linalg.cholesky({s})", "np.linalg.solve({s}, {r})", "np.linalg.solve({s}, {r}[0, :, 0])"
,
        "np.linalg.multi_dot([{s}[0], {r}[-1], {r}[0].T])", "np.linalg.matrix_power({s}[0], -2)",
        "np.linalg.slogdet({s})[0] * np.linalg.det({s}) ** 0.5", "np.linalg.inv({s}) @ {r}",
        "np.linalg.inv({s}) @ np.linalg.cholesky({s})", "np.linalg.det({s}) * {r}[:, 0, 0]",
    ])  # fmt: skip
    return w.line(text.format(s=definite, r=right))


OPERATIONS: tuple[Callable[[Writer], str | None], ...] = (
    smooth, binary, reduction, product, kinked, kinked_binary, softmax, matmul, einsum, extremum,
    spread, moved, sliced, reshaped, joined, picked, linear_algebra, binary, smooth, reduction,
    moved, picked_in_several, cut, loop, in_place, chosen, constants, assumed, assumed,
    extremum_of_several, stacked_linear_algebra, in_parts, in_parts, in_parts, in_parts, in_parts,
    shifted, shifted, masked, masked,
)  # fmt: skip
ALGEBRA = (
    einsum, binary, reduction, product, smooth, matmul, einsum, assumed, softmax, moved, kinked,
    linear_algebra, in_parts, in_parts, in_parts,
)  # fmt: skip
"""Those in which one value is easily taken for another."""


@st.composite
def specs(draw: Draw, most: int = 7, whole: bool = False) -> Spec:
    """A spec of a few lines; the last one is its loss, the sum of what it computed.

    ``whole``: more often than not the sum of all that nothing else reads.
    """
    w = Writer(draw)
    w.spec.at_kinks, w.alike = w.seldom(8), w.seldom(4)
    w.input([w.size() for _ in range(w.number(0, 3))])
    for _ in range(w.number(1, most)):
        w.one_of(ALGEBRA if w.alike else OPERATIONS)(w)
    written = "\n".join(w.spec.lines)
    last = [n for n in w.values if not re.search(rf"\b{n}\b(?! = )", written)][::-1]
    last = last or list(w.values)[::-1]
    many = len(last) if whole and not w.seldom(3) else w.number(1, 4)
    terms = [w.one_of(TERMS).format(x=n) for n in last[:many]]
    w.spec.lines.append(f"loss = {' + '.join(terms)}")
    _differentiable(w.spec)
    _asked(w)
    return w.spec


def _differentiable(spec: Spec) -> None:
    """There is a parameter that the loss depends on, if it depends on any floats."""
    reached = [n for n in spec.reached() if n in spec.inputs]
    floats = [n for n in reached if n not in spec.assumed and spec.inputs[n].dtype == float]
    if not set(reached) & set(spec.params):
        spec.params += floats[:1]


def _asked(w: Writer) -> None:
    """By what to differentiate, how often, and whether sizes have names."""
    spec = w.spec
    if w.seldom(4):
        spec.named = frozenset(n for n in (2, 3, 4) if w.flag())
    reached = [n for n in spec.reached() if n in w.values and n not in spec.assumed]
    parts = [n for n in w.parts if n in reached]
    if parts and w.number(0, 2):
        params = [n for n in reached if n in spec.params]
        spec.wrt = _some(w, parts) + (_some(w, params) if params and w.flag() else ())
    elif reached and w.seldom(4):
        spec.wrt = _some(w, reached)
    small = [n for n in reached if n in {*spec.params, *parts} and w.values[n].size <= 12]
    if spec.holds or spec.at_kinks or not small or not w.seldom(8):
        return
    of_arrays = [] if spec.last_value in spec.inputs else ["jacobian", "jvp"]
    spec.asked = w.one_of(["hvp", "hessian", *of_arrays])
    spec.wrt = _some(w, small)
    spec.wrt = spec.wrt[:1] if spec.asked == "hessian" else spec.wrt


def _some(w: Writer, names: list[str]) -> tuple[str, ...]:
    """One of the names, or two."""
    return tuple(dict.fromkeys(w.one_of(names) for _ in range(w.number(1, 2))))
