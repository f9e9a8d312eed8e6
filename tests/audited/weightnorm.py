"""A layer of normalised weights, fitted by Gaussian likelihood with a learnt scale."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 4)); t = sg.data("t", ("N",)); v = sg.param("v", (4,)); gain = sg.param("gain", ()); c = sg.param("c", ()); logs = sg.param("logs", ())
norm = np.sqrt(np.sum(v**2))
w = gain * v / norm
mu = X @ w + c
r = t - mu
loss = np.sum(0.5 * r**2 * np.exp(-2 * logs) + logs)
"""

CODE = """
import numpy as np


def nll_grads(X, t, v, gain, c, logs):
    norm = np.sqrt(np.sum(v ** 2))
    w = gain * v / norm
    r = t - (X @ w + c)
    var = np.exp(2 * logs)
    dmu = -r / var
    dc = np.sum(dmu)
    dlogs = np.sum(1 - r ** 2 / var)
    dw = X.T @ dmu
    dgain = dw @ v / norm
    dv = gain / norm * (dw - v * (dw @ v) / norm ** 2)
    return {"mu": dmu, "c": dc, "logs": dlogs, "w": dw, "gain": dgain, "v": dv}
"""

OPTIONS = {"function": "nll_grads"}

FAULTS = [
    (
        "dv = gain / norm * (dw - v * (dw @ v) / norm ** 2)",
        "dv = gain / norm * dw",
        "jacobian path term",
        "v",
    ),
    ("(dw @ v) / norm ** 2", "(dw @ v) / norm", "factor term jacobian", "v"),
    ("dv = gain / norm * ", "dv = 1 / norm * ", "factor operation value", "v"),
    (
        "dlogs = np.sum(1 - r ** 2 / var)",
        "dlogs = 1 - np.sum(r ** 2 / var)",
        "sum term factor",
        "logs",
    ),
    (
        "dlogs = np.sum(1 - r ** 2 / var)",
        "dlogs = np.sum(1 - 2 * r ** 2 / var)",
        "factor term",
        "logs",
    ),
    ("dmu = -r / var", "dmu = r / var", "sign", "mu"),
    ("dmu = -r / var", "dmu = -r", "factor operation", "mu"),
    ("dc = np.sum(dmu)", "dc = np.mean(dmu)", "factor sum", "c"),
    ("dgain = dw @ v / norm", "dgain = dw @ v", "factor", "gain"),
    ("dgain = dw @ v / norm", "dgain = dw @ w / norm", "value factor", "gain"),
]
SAME = [("dgain = dw @ v / norm", "dgain = dmu @ (X @ (v / norm))")]
