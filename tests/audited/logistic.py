"""Logistic and linear regression: a function that gives a dictionary, with a penalty."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", (3, "m")); Y = sg.data("Y", (1, "m"))
w = sg.param("w", (3, 1)); b = sg.param("b", ())
lam = 0.5
Z = w.T @ X + b
A = 1 / (1 + np.exp(-Z))
loss = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / X.shape[1] + lam / (2 * X.shape[1]) * np.sum(w ** 2)
"""

CODE = """
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def propagate(w, b, X, Y, lam=0.5):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) + lam / (2 * m) * np.sum(w ** 2)
    dw = 1 / m * np.dot(X, (A - Y).T) + lam / m * w
    db = 1 / m * np.sum(A - Y)
    grads = {"dw": dw, "db": db}
    return grads, cost
"""

OPTIONS = {"function": "propagate"}

FAULTS = [
    ("lam / m * w", "lam * w", "term factor", "w"),
    (" + lam / m * w", "", "term", "w"),
    ("lam / m * w", "lam / (2 * m) * w", "term factor", "w"),
    ("db = 1 / m * np.sum(A - Y)", "db = 1 / m * np.sum(A - Y) + lam / m * np.sum(w)", "term", "b"),
    ("db = 1 / m * np.sum(A - Y)", "db = np.sum(A - Y)", "factor", "b"),
    ("np.dot(X, (A - Y).T)", "np.dot(X, (Y - A).T)", "sign term", "w"),
    (
        "np.dot(X, (A - Y).T)",
        "np.dot(X, ((A - Y) * A * (1 - A)).T)",
        "loss activation factor term jacobian",
        "w",
    ),
    ("lam / m * w", "lam / m * np.abs(w)", "term activation", "w"),
    ("db = 1 / m * np.sum(A - Y)", "db = 1 / m * np.sum(Y)", "term value", "b"),
]

SAME = [
    ("db = 1 / m * np.sum(A - Y)", "db = np.average(A - Y)"),
    ("    return grads, cost", "    return dw.ravel(), db"),
    ("dw = 1 / m * np.dot(X, (A - Y).T) + lam / m * w", "dw = (X @ (A - Y).T + lam * w) / m"),
]
