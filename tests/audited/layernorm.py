"""Layer normalisation along the last axis, in the short form."""

SPEC = """
import numpy as np
import symgrad as sg

x = sg.param("x", ("N", 5)); g = sg.param("g", (5,)); b = sg.param("b", (5,)); dy = sg.data("dy", ("N", 5))
mu = np.mean(x, axis=-1, keepdims=True)
var = np.mean((x - mu) ** 2, axis=-1, keepdims=True)
xhat = (x - mu) / np.sqrt(var + 1e-5)
y = xhat * g + b
loss = np.sum(dy * y)
"""

CODE = """
import numpy as np


def layernorm_backward(dy, x, g, b):
    mean = x.mean(-1, keepdims=True)
    rstd = 1 / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    norm = (x - mean) * rstd
    db = dy.sum(0)
    dg = (dy * norm).sum(0)
    dnorm = dy * g
    dx = dnorm - dnorm.mean(-1, keepdims=True) - norm * (dnorm * norm).mean(-1, keepdims=True)
    dx *= rstd
    return dx, dg, db
"""

OPTIONS = {"function": "layernorm_backward"}

FAULTS = [
    (" - dnorm.mean(-1, keepdims=True)", "", "jacobian path term", "x"),
    (" - norm * (dnorm * norm).mean(-1, keepdims=True)", "", "jacobian path term", "x"),
    (
        "norm * (dnorm * norm).mean(-1",
        "norm * (dnorm * norm).sum(-1",
        "sum factor term jacobian",
        "x",
    ),
    ("dnorm.mean(-1, keepdims=True) - norm", "dnorm.mean(0, keepdims=True) - norm", "sum", "x"),
    ("    dx *= rstd\n", "", "factor operation", "x"),
    ("    dg = (dy * norm).sum(0)", "    dg = (dy * norm).mean(0)", "factor sum", "g"),
    ("    db = dy.sum(0)", "    db = dy.sum(-1)", "sum", "b"),
]

SAME = [
    ("    db = dy.sum(0)", "    db = np.add.reduce(dy, 0)"),
    ("    dx *= rstd", "    dx = dx / np.sqrt(x.var(-1, keepdims=True) + 1e-5)"),
]

NOT_YET = [
    ("    dnorm = dy * g", "    dnorm = dy", "factor operation term", "x"),
]
