"""A language model of ADBench, from its own data, against its own numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgrad as sg

DATA = Path(__file__).parent / "data"
LAYERS, BITS = 2, 14


def _cell(weight: Any, bias: Any, hidden: Any, cell: Any, x: Any) -> tuple[Any, Any]:
    forget, enter, leave, change = (slice(k * BITS, (k + 1) * BITS) for k in range(4))
    f = sg.sigmoid(x * weight[forget] + bias[forget])
    i = sg.sigmoid(hidden * weight[enter] + bias[enter])
    o = sg.sigmoid(x * weight[leave] + bias[leave])
    cell = f * cell + i * np.tanh(hidden * weight[change] + bias[change])
    return o * np.tanh(cell), cell


def loss() -> sg.Array:
    """What it costs to tell each character from those before it."""
    main, extra = sg.param("main", (2 * LAYERS, 4 * BITS)), sg.param("extra", (3, BITS))
    state = sg.data("state", (2 * LAYERS, BITS))
    x, y = sg.data("x", ("T", BITS)), sg.data("y", ("T", BITS))

    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        h1, c1, h2, c2 = carry
        h1, c1 = _cell(main[0], main[1], h1, c1, x * extra[0])
        h2, c2 = _cell(main[2], main[3], h2, c2, h1)
        return (h1, c1, h2, c2), h2

    _, hidden = sg.scan(step, (state[0], state[1], state[2], state[3]), x)
    return _cost(hidden, extra, y)


def _cost(hidden: Any, extra: Any, y: Any) -> Any:
    out = hidden * extra[1] + extra[2]
    norm = np.log(np.sum(np.exp(out), axis=1, keepdims=True) + 2)
    return -np.mean(y * (out - norm))


def loss_by_layers() -> sg.Array:
    """The same, each step a recurrence over its layers."""
    main = sg.param("main", (LAYERS, 2, 4, BITS))
    extra, state = sg.param("extra", (3, BITS)), sg.data("state", (LAYERS, 2, BITS))
    x, y = sg.data("x", ("T", BITS)), sg.data("y", ("T", BITS))

    def layer(x: Any, of_layer: Any) -> tuple[Any, Any]:
        weight, bias, hidden, cell = of_layer
        gates = (weight.reshape(-1), bias.reshape(-1))
        hidden, cell = _cell(*gates, hidden, cell, x)
        return hidden, (hidden, cell)

    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        top, carry = sg.scan(layer, x * extra[0], (main[:, 0], main[:, 1], *carry))
        return carry, top

    _, hidden = sg.scan(step, (state[:, 0], state[:, 1]), x)
    return _cost(hidden, extra, y)


@pytest.mark.long
@pytest.mark.parametrize("written", [loss, loss_by_layers])
def test_the_loss_and_all_gradients_are_those_of_adbench(written: Any) -> None:
    text = (DATA / "lstm_l2_c1024.txt").read_text(encoding="utf-8").splitlines()
    rows = [np.array(line.split(), float) for line in text[1:] if line.strip()]
    characters = np.array(rows[4 * LAYERS + 3 :])
    found = sg.derive(written(), names={})
    sizes = found.system.shapes
    main, state = ([int(str(s)) for s in sizes[name]] for name in ("main", "state"))
    value, gradients = found.compile().loss_and_gradients(
        main=np.array(rows[: 2 * LAYERS]).reshape(main),
        extra=np.array(rows[2 * LAYERS : 2 * LAYERS + 3]),
        state=np.array(rows[2 * LAYERS + 3 : 4 * LAYERS + 3]).reshape(state),
        x=characters[:-1],
        y=characters[1:],
    )
    golden = json.loads((DATA / "lstm_l2_c1024.json").read_text(encoding="utf-8"))
    mine = np.concatenate([gradients.main.ravel(), gradients.extra.ravel()])
    np.testing.assert_allclose(value, golden["objective"], rtol=1e-8)  # of which 8 digits are told
    scale = np.abs(golden["gradient"]).max()
    np.testing.assert_allclose(mine, golden["gradient"], rtol=1e-12, atol=1e-12 * scale)
