"""A long short-term memory of two steps, its gates stacked in one matrix."""

SPEC = """
import numpy as np
import symgrad as sg

T, D, H = 3, 2, 3
x = sg.data("x", (T, D)); G = sg.data("G", (H,))
Wx = sg.param("Wx", (D, 4 * H)); Wh = sg.param("Wh", (H, 4 * H)); b = sg.param("b", (4 * H,))
def sigmoid(v): return 1 / (1 + np.exp(-v))
h = np.zeros(H); c = np.zeros(H)
for t in range(T):
    a = x[t] @ Wx + h @ Wh + b
    i = sigmoid(a[:H]); f = sigmoid(a[H:2 * H]); o = sigmoid(a[2 * H:3 * H]); g = np.tanh(a[3 * H:])
    c = f * c + i * g
    h = o * np.tanh(c)
loss = np.sum(G * h)
"""

CODE = """
import numpy as np


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def lstm_backward(x, G, Wx, Wh, b):
    T, D = x.shape
    H = Wh.shape[0]
    h, c, cache = np.zeros(H), np.zeros(H), []
    for t in range(T):
        prev_h, prev_c = h, c
        a = x[t] @ Wx + prev_h @ Wh + b
        i, f, o, g = sigmoid(a[:H]), sigmoid(a[H:2 * H]), sigmoid(a[2 * H:3 * H]), np.tanh(a[3 * H:])
        c = f * prev_c + i * g
        h = o * np.tanh(c)
        cache.append((x[t], prev_h, prev_c, i, f, o, g, c))
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    dh, dc = G.copy(), np.zeros(H)
    for t in reversed(range(T)):
        xt, prev_h, prev_c, i, f, o, g, c = cache[t]
        tanh_c = np.tanh(c)
        do = dh * tanh_c
        dc = dc + dh * o * (1 - tanh_c ** 2)
        di = dc * g
        df = dc * prev_c
        dg = dc * i
        da = np.concatenate([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g ** 2)])
        dWx += np.outer(xt, da)
        dWh += np.outer(prev_h, da)
        db += da
        dh = Wh @ da
        dc = dc * f
    return {"Wx": dWx, "Wh": dWh, "b": db}
"""

OPTIONS = {"function": "lstm_backward"}

FAULTS = [
    ("dg * (1 - g ** 2)", "dg * g * (1 - g)", "activation", "Wx Wh b"),
    (
        "        dc = dc + dh * o * (1 - tanh_c ** 2)",
        "        dc = dh * o * (1 - tanh_c ** 2)",
        "path overwritten",
        "Wx Wh b",
    ),
    (
        "        dc = dc + dh * o * (1 - tanh_c ** 2)",
        "        dc = dc + dh * o * (1 - c ** 2)",
        "activation value",
        "Wx Wh b",
    ),
    ("        dc = dc * f", "        dc = dc * i", "value", "Wx Wh b"),
    ("df * f * (1 - f)", "df * (1 - f)", "activation factor term", "Wx Wh b"),
    ("        dWh += np.outer(prev_h, da)", "        dWh += np.outer(h, da)", "value", "Wh"),
    ("        do = dh * tanh_c", "        do = dh * c", "value activation", "Wx Wh b"),
    ("        db += da", "        db += da.mean()", "sum factor", "b"),
    (
        "        dc = dc + dh * o * (1 - tanh_c ** 2)",
        "        dc = dc - dh * o * (1 - tanh_c ** 2)",
        "sign",
        "Wx Wh b",
    ),
    ("        dc = dc * f", "        dc = dc", "factor operation path value", "Wx Wh b"),
]

SAME = [
    ("        dh = Wh @ da", "        dh = np.einsum('ij,j->i', Wh, da)"),
    ("        do = dh * tanh_c", "        do = np.tanh(c) * dh"),
    ("dg * (1 - g ** 2)", "dg * (1 - g) * (1 + g)"),
]
