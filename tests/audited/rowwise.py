"""The norm of layers, row by row and entry by entry."""

SPEC = """
import numpy as np
import symgrad as sg

x = sg.param("x", (4, 5)); g = sg.param("g", (5,)); b = sg.param("b", (5,)); D = sg.data("D", (4, 5))
mu = np.mean(x, axis=1, keepdims=True); v = np.mean((x - mu)**2, axis=1, keepdims=True)
n = (x - mu) / np.sqrt(v + 1e-5)
loss = np.sum(D * (g * n + b))
"""

CODE = """
import numpy as np

def backward(x, g, b, D):
    T, C = x.shape
    dx = np.zeros((T, C))
    dg = np.zeros(C)
    db = np.zeros(C)
    for t in range(T):
        m = x[t].sum() / C
        xs = x[t] - m
        var = (xs ** 2).sum() / C
        rstd = (var + 1e-5) ** -0.5
        norm = xs * rstd
        dmean = 0.0
        dnorm_mean = 0.0
        for i in range(C):
            dnorm_i = g[i] * D[t, i]
            dmean += dnorm_i
            dnorm_mean += dnorm_i * norm[i]
        dmean /= C
        dnorm_mean /= C
        for i in range(C):
            dnorm_i = g[i] * D[t, i]
            db[i] += D[t, i]
            dg[i] += norm[i] * D[t, i]
            dx[t, i] += (dnorm_i - dmean - norm[i] * dnorm_mean) * rstd
    return {"x": dx, "g": dg, "b": db}
"""

OPTIONS = {"function": "backward"}

FAULTS = [
    ("norm[i] * dnorm_mean", "dnorm_mean", "jacobian factor term", "x"),
    (
        "(dnorm_i - dmean - norm[i] * dnorm_mean) * rstd",
        "(dnorm_i - norm[i] * dnorm_mean) * rstd",
        "jacobian term",
        "x",
    ),
    ("dg[i] += norm[i] * D[t, i]", "dg[i] += xs[i] * D[t, i]", "value factor", "g"),
]
SAME = [("        dmean /= C\n", "        dmean = dmean / C\n")]
