"""The smallest character model: a recurrent network with integer labels, unrolled by a loop."""

SPEC = """
import numpy as np
import symgrad as sg

T, H, V = 3, 4, 5
inputs = sg.data("inputs", (T,), dtype=int); targets = sg.data("targets", (T,), dtype=int)
hprev = sg.data("hprev", (H, 1))
Wxh = sg.param("Wxh", (H, V)); Whh = sg.param("Whh", (H, H)); Why = sg.param("Why", (V, H))
bh = sg.param("bh", (H, 1)); by = sg.param("by", (V, 1))
h = hprev
loss = 0
for t in range(T):
    h = np.tanh(Wxh[:, inputs[t]].reshape(H, 1) + Whh @ h + bh)
    y = Why @ h + by
    p = np.exp(y) / np.sum(np.exp(y))
    loss = loss - np.log(p[targets[t], 0])
"""

CODE = """
import numpy as np

vocab_size = 5


def lossFun(inputs, targets, hprev, Wxh, Whh, Why, bh, by):
    xs, hs, ys, ps = {}, {}, {}, {}
    hs[-1] = np.copy(hprev)
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((vocab_size, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
        ys[t] = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += np.dot(dy, hs[t].T)
        dby += dy
        dh = np.dot(Why.T, dy) + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh += np.dot(dhraw, xs[t].T)
        dWhh += np.dot(dhraw, hs[t - 1].T)
        dhnext = np.dot(Whh.T, dhraw)
    for dparam in [dWxh, dWhh, dWhy, dbh, dby]:
        np.clip(dparam, -5, 5, out=dparam)
    return loss, dWxh, dWhh, dWhy, dbh, dby, hs[len(inputs) - 1]
"""

OPTIONS = {"function": "lossFun"}

BACK = CODE[CODE.index("    dhnext = np.zeros") : CODE.index("    for dparam")]
NOTHING_BACK = (
    BACK.replace("    dhnext = np.zeros_like(hs[0])\n", "")
    .replace(" + dhnext", "")
    .replace("        dhnext = np.dot(Whh.T, dhraw)\n", "")
)

FAULTS = [
    ("dh = np.dot(Why.T, dy) + dhnext", "dh = np.dot(Why.T, dy)", "path", "Wxh Whh bh"),
    (
        "        dhnext = np.dot(Whh.T, dhraw)",
        "        dhnext = np.dot(Whh, dhraw)",
        "transpose",
        "Wxh Whh bh",
    ),
    (
        "        dhnext = np.dot(Whh.T, dhraw)",
        "        dhnext = np.dot(Whh.T, dh)",
        "value",
        "Wxh Whh bh",
    ),
    ("dWhh += np.dot(dhraw, hs[t - 1].T)", "dWhh += np.dot(dhraw, hs[t].T)", "value", "Whh"),
    (
        "dWhh += np.dot(dhraw, hs[t - 1].T)",
        "dWhh = np.dot(dhraw, hs[t - 1].T)",
        "overwritten",
        "Whh",
    ),
    ("        dbh += dhraw", "        dbh += dh", "value activation", "bh"),
    (
        "dhraw = (1 - hs[t] * hs[t]) * dh",
        "dhraw = hs[t] * (1 - hs[t]) * dh",
        "activation",
        "Wxh Whh bh",
    ),
    ("dhraw = (1 - hs[t] * hs[t]) * dh", "dhraw = (1 - hs[t]) * dh", "activation", "Wxh Whh bh"),
    (
        "        dhraw = (1 - hs[t] * hs[t]) * dh",
        "        dhraw = np.clip((1 - hs[t] * hs[t]) * dh, -0.1, 0.1)",
        "clipped",
        "Wxh Whh bh",
    ),
    ("        dby += dy\n", "        dby = dy\n", "overwritten", "by"),
    (
        "        dhnext = np.dot(Whh.T, dhraw)",
        "        dhnext = np.zeros_like(dhraw)",
        "path",
        "Wxh Whh bh",
    ),
    ("dy[targets[t]] -= 1", "dy[inputs[t]] -= 1", "value", "Wxh Whh Why bh by"),
    ("        dhnext = np.dot(", "        dhprev = np.dot(", "path", "Wxh Whh bh"),
    (BACK, NOTHING_BACK, "path", "Wxh Whh bh"),
]

SAME = [
    ("dhraw = (1 - hs[t] * hs[t]) * dh", "dhraw = dh - dh * hs[t] ** 2"),
    ("dWxh += np.dot(dhraw, xs[t].T)", "dWxh[:, inputs[t]] += dhraw.ravel()"),
    ("        dhnext = np.dot(Whh.T, dhraw)", "        dhnext = (dhraw.T @ Whh).T"),
]
