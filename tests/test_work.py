"""No work that a person would not do: no value is computed twice, in whatever layout or sign."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.program.interpreter import interpret
from symgrad.program.kinds import KINDS
from symgrad.program.program import Op, Program, Ref, stored
from symgrad.targets.numpy import functions
from tests.losses import LOSSES, Loss

EQUAL_HERE = frozenset((
    "box_overlap", "bundle_adjustment", "clipped_policy", "conv2d_slices", "cross_attention",
    "gpt_block", "gradient_penalty", "graph_attention", "multi_head_attention", "norms",
    "squared_hinge",
))  # fmt: skip
"""Losses with two values that are equal at these numbers: nothing is masked, clipped, or padded."""

TWICE = frozenset(("gaussian_process", "kalman", "reshaped"))
"""Losses with two equal values that no pass finds: L of L Lᵀ, P - K H P by its transpose, and
squares of what is reshaped.
"""

GUARDS = frozenset(("where", "minimum", "maximum", "abs", "negative"))
"""Functions that leave the numbers of some points as they are, or turn their signs."""


def tuned(loss: Loss, monkeypatch: pytest.MonkeyPatch) -> tuple[Program, Mapping[str, Any]]:
    """The program that a file of NumPy is written from, and random numbers for it."""
    found: list[Program] = []

    def seen(program: Program, *, plain: bool = False) -> Program:
        found.append(after(program, plain=plain))
        return found[-1]

    after = functions.tuned
    monkeypatch.setattr(functions, "tuned", seen)
    arrays = {n: sg.param(n, s) for n, s in loss.params.items()}
    arrays |= {n: sg.data(n, s) for n, s in loss.data.items()}
    arrays |= {n: sg.data(n, s, dtype=int) for n, (s, _) in loss.labels.items()}
    module = sg.derive(loss.function(np, **arrays), names=arrays).compile()
    constants = {v.name: v.values for v in found[0].inputs if v.role == "constant"}
    return found[0], {**module._point(3), **constants}


def named(program: Program) -> Program:
    """The same with a name for each value, so that the interpreter tells of all of them."""
    ops = tuple(
        replace(o, name=_named(o.name), args=tuple(
            Ref(_named(a.name), a.axes) if isinstance(a, Ref) else a for a in o.args
        )) for o in program
    )  # fmt: skip
    return Program(program.inputs, ops, program.outputs)


def _named(name: str) -> str:
    return name.replace("%", "_")


def computed_twice(program: Program, point: Mapping[str, Any]) -> Iterator[tuple[Op, Op]]:
    """Operations of which one gives the numbers of the other, up to their order and sign."""
    program = named(program)
    made = [o for o in program if o.kind not in ("loop", "copy") and not KINDS[o.kind].is_free]
    values = interpret(program, point)
    first: dict[bytes, Op] = {}
    for op in made:
        value = np.asarray(values[op.name])
        if op.kind == "map" and op.function in GUARDS:
            continue
        if value.dtype.kind == "f" and len(np.unique(value)) > 2 and value.size > 3:
            key = np.sort(np.abs(value).ravel()).round(10).tobytes()
            if key in first:
                yield first[key], op
            first.setdefault(key, op)


QUICK = frozenset((
    "attention", "bilinear", "conv2d_slices", "focal", "gaussian_nll", "layer_norm",
    "logistic_regression", "negative_sampling", "preference", "softmax_regression", "vae",
))  # fmt: skip


def cases() -> Iterator[Any]:
    """All losses, most of them in the long tests."""
    for loss in LOSSES:
        marks = () if loss.name in QUICK else pytest.mark.long
        yield pytest.param(loss, marks=marks, id=loss.name)


PASSES = {
    "attention": 2, "batch_norm": 5, "focal": 4, "gaussian_nll": 2, "gelu_mlp": 5, "layer_norm": 4,
    "logistic_regression": 4, "softmax_regression": 3, "vae": 3,
}  # fmt: skip
"""How often one value is read beside products: scores for their maximum and to be shifted."""


def passes(program: Program) -> Counter[str]:
    """How many operations go over the memory of each array, beside products of matrices."""
    ops = {o.name: o for o in program}
    beside = (o for o in program if o.kind not in ("loop", "matmul", "contract"))
    made = (o for o in beside if not KINDS[o.kind].is_free)
    return Counter(n for o in made for n in {stored(ops, r).name for r in o.reads if r.axes})


@pytest.mark.parametrize("loss", [*cases()])
def test_no_value_is_computed_twice(loss: Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    program, point = tuned(loss, monkeypatch)
    found = [f"{a}\n{b}" for a, b in computed_twice(program, point)]
    assert bool(found) == (loss.name in EQUAL_HERE | TWICE), found
    most = max(passes(program).values(), default=0)
    assert most <= PASSES.get(loss.name, most), passes(program)
