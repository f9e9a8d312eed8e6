"""Formulas in named parts that a rewriting of the forward pass may go past, and what uses them."""

from __future__ import annotations

import re

from tests.drawing import Writer

PARTS: tuple[tuple[str, ...], ...] = (
    # softmax
    ("e = np.exp({x})", "s = np.sum({e}, {k})", "p = {e} / {s}"),
    ("m = np.max({x}, {k})", "d = {x} - {m}", "e = np.exp({d})", "s = np.sum({e}, {k})",
     "p = {e} / {s}"),
    ("e = np.exp({x})", "p = {e} / np.sum({e}, {k})", "l = np.log({p})"),
    ("p = sg.softmax({x}, axis={a})", "l = np.log({p})", "t = {p} * {l}"),
    ("l = sg.log_softmax({x}, axis={a})", "p = np.exp({l})", "t = {p} * {l}"),
    ("s = np.log(np.sum(np.exp({x}), {k}))", "l = {x} - {s}", "p = np.exp({l})"),
    # sigmoid, tanh, softplus
    ("e = np.exp(-{x})", "q = 1 + {e}", "p = 1 / {q}", "o = 1 - {p}"),
    ("e = np.exp({x})", "p = {e} / (1 + {e})", "o = {p} / (1 - {p})"),
    ("p = sg.sigmoid({x})", "o = 1 - {p}", "l = np.log({p})", "r = np.log({o})"),
    ("p = 1 / (1 + np.exp(-{x}))", "l = np.log({p})", "r = {p} * {l}"),
    ("e = np.exp({x})", "t = 1 + {e}", "l = np.log({t})"),
    ("e = np.exp({x})", "l = np.log1p({e})", "p = np.exp(-{l})"),
    ("t = np.abs({x})", "r = np.maximum({x}, 0)", "l = {r} + np.log1p(np.exp(-{t}))"),
    ("u = np.exp({x})", "v = np.exp(-{x})", "t = ({u} - {v}) / ({u} + {v})", "d = 1 - {t} ** 2"),
    ("e = np.exp(2 * {x})", "t = ({e} - 1) / ({e} + 1)"),
    ("s = np.sinh({x})", "c = np.cosh({x})", "t = {s} / {c}"),
    ("p = sg.sigmoid(2 * {x})", "t = 2 * {p} - 1"),
    ("h = (np.exp({x}) + np.exp(-{x})) / 2", "l = np.log({h})"),
    # logarithms, exponentials and roots
    ("e = np.exp({x})", "s = np.sum({e}, {k})", "l = np.log({s})"),
    ("e = np.exp({x})", "s = np.mean({e}, {k})", "l = np.log({s})", "d = {x} - {l}"),
    ("m = np.max({x}, {k})", "s = np.sum(np.exp({x} - {m}), {k})", "l = {m} + np.log({s})"),
    ("d = -0.5 * {x} ** 2", "e = np.exp({d})", "s = np.sum({e} * ({y} ** 2 + 0.1), {k})",
     "l = np.log({s})"),
    ("e = np.exp({x})", "d = {e} - 1"), ("e = np.exp({x})", "l = np.log({e})"),
    ("q = {x} ** 2", "l = np.log(1 + {q})"),
    ("q = {x} ** 2 + 0.3", "r = np.sqrt({q})", "b = {r} ** 2"),
    ("q = {x} ** 2 + 0.3", "l = np.log({q})", "e = np.exp({l})"),
    ("s = np.exp({x})", "v = {s} ** 2", "l = np.log({v})"),
    ("s = np.exp({x})", "q = {y} ** 2 / {s}", "l = 0.5 * ({q} + np.log({s}))"),
    ("q = {x} ** 2 + 0.3", "s = np.sum({q}, {k})", "p = {q} / {s}", "t = {p} * np.log({p})"),
    ("q = {x} ** 2 + 0.3", "w = {q} * np.exp({y})", "l = np.log({w})"),
    # norms and variances
    ("q = np.sum({x} ** 2, {k})", "n = np.sqrt({q})", "u = {x} / {n}"),
    ("q = {x} ** 2", "s = np.sum({q}, {k})", "n = np.sqrt({s})"),
    ("q = {x} ** 2 + {y} ** 2", "n = np.sqrt({q})", "i = 1 / {n}"),
    ("m = np.mean({x}, {k})", "c = {x} - {m}", "v = np.mean({c} ** 2, {k})",
     "s = np.sqrt({v} + 0.01)", "n = {c} / {s}"),
    ("m = np.mean({x}, {k})", "q = np.mean({x} ** 2, {k})", "v = {q} - {m} ** 2"),
    ("t = np.sum({x}, {k})", "q = {x} ** 2", "v = np.mean({q}, {k}) - ({t} / {x}.shape[{a}]) ** 2"),
    ("m = np.mean({x}, {k})", "v = np.var({x}, {k})", "n = ({x} - {m}) / np.sqrt({v} + 0.01)"),
    # matrices
    ("s = 0.3 * {x} @ np.swapaxes({x}, -1, -2) + 2 * np.eye({x}.shape[-2])",
     "d = np.linalg.det({s})", "l = np.log({d})"),
)  # fmt: skip
"""Lines that are written one after the other, each with the names of those before it.

x and y are values of one shape, k says along which axis, a is its number.
"""
USES: tuple[tuple[str, ...], ...] = (
    ("{v} * np.log({v})", "{v}"), ("{y} * np.log({v})", "{v}"), ("{v} ** 2 + {v}",),
    ("{y} * np.log({v}) + (1 - {y}) * np.log(1 - {v})", "{v} * (1 - {v})"),
    ("{v} * (1 - {v})",), ("{v} / np.sum({v})", "np.sum({v})"), ("{u} * {v}",),
    ("np.log({v}) - np.log({u})", "{v}", "{u}"), ("np.log({v} / {u})", "{v}", "{u}"),
    ("{v} * (np.log({v}) - np.log({u}))", "{v}", "{u}"), ("np.log({v} + 0.01)", "{v} + 0.01"),
    ("np.exp({v}) / np.sum(np.exp({v}))",), ("np.log(1 + {v})", "1 + {v}"), ("1 - {v}",),
    ("np.exp(-{v}) + {v}",), ("np.log(1 + np.exp({v}))",), ("np.sqrt({v} ** 2 + {u} ** 2)", "{v}"),
    ("np.sqrt({v})", "{v}"), ("np.sum({v} * {u}) + np.log(np.sum({v}))", "np.sum({v})"),
    ("{v} + np.exp({u})",), ("-np.mean(np.log({v})) * {u}", "{v}"), ("np.exp({v}) - 1",),
    ("{v} - {u} ** 2",), ("({v} - np.mean({v})) ** 2",), ("np.log(np.exp({v}) / {u})", "{u}"),
)  # fmt: skip
"""What reads parts u and v, beside a value y of the first one's shape; what may not be near 0."""


def in_parts(w: Writer) -> str | None:
    """A formula in parts, and lines that use some of them, also twice."""
    x = w.value(1)
    axis = w.axis(x)
    known = {"x": x, "y": w.like(x), "k": f"axis={axis}, keepdims=True", "a": str(axis)}
    made: list[str] = []
    for line in w.one_of(PARTS):
        letter, _, text = line.partition(" = ")
        name = w.line(text.format(**known), *_margins(w, text.format(**known)))
        if name is None:
            break
        made.append(name)
        known[letter] = name
    w.parts += made
    for _ in range(w.number(0, 2) if made else 0):
        text, *margins = w.one_of(USES)
        v, u = w.one_of(made[::-1]), w.one_of(made)
        names = {"v": v, "u": u, "y": w.like(v)}
        w.line(text.format(**names), *(m.format(**names) for m in margins))
    return made[-1] if made else None


def _margins(w: Writer, text: str) -> list[str]:
    """What may not be near 0 in a line of parts: where it has a kink, or grows without bound."""
    margins = [f"{m[1]} - 0" for m in re.finditer(r"np\.(?:abs|maximum|sqrt|log)\((\w+)[,)]", text)]
    for x, axis in re.findall(r"np\.max\((\w+), axis=(-?\d+)", text):
        if w.values[x].shape[int(axis)] > 1:
            margins.append(f"np.diff(np.sort({x}, axis={axis}), axis={axis})")
    return margins
