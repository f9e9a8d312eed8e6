"""A policy gradient with a bonus for entropy."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 4)); adv = sg.data("adv", ("N",)); Y = sg.data("Y", ("N", 3), assume=sg.one_hot(axis=1)); W1 = sg.param("W1", (4, 5)); W2 = sg.param("W2", (5, 3))
beta = 0.3
h = np.tanh(X @ W1)
z = h @ W2
e = np.exp(z - np.max(z, axis=1, keepdims=True))
p = e / np.sum(e, axis=1, keepdims=True)
loss = np.mean(-adv * np.sum(Y * np.log(p), axis=1) + beta * np.sum(p * np.log(p), axis=1))
"""

CODE = """
import numpy as np


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def policy_gradient(X, adv, Y, W1, W2, beta=0.3):
    N = X.shape[0]
    h = np.tanh(X @ W1)
    p = softmax(h @ W2)
    logp = np.log(p)
    entropy = -np.sum(p * logp, axis=1, keepdims=True)
    dz = adv[:, None] * (p - Y)
    dz = dz + beta * p * (logp + entropy)
    dz = dz / N
    dW2 = h.T @ dz
    dh = dz @ W2.T
    da = dh * (1 - h ** 2)
    dW1 = X.T @ da
    return dW1, dW2
"""

OPTIONS = {"function": "policy_gradient"}

FAULTS = [
    ("adv[:, None] * (p - Y)", "adv[:, None] * (Y - p)", "sign term", "W1 W2"),
    ("beta * p * (logp + entropy)", "beta * p * (logp + 1)", "term jacobian value", "W1 W2"),
    ("dz + beta * p", "dz - beta * p", "sign term", "W1 W2"),
    ("    dz = dz / N\n", "    dz = dz / 1\n", "factor", "W1 W2"),
    ("(1 - h ** 2)", "(1 - h)", "activation", "W1"),
    ("dz = adv[:, None] * (p - Y)", "dz = (p - Y)", "factor operation", "W1 W2"),
    (
        "beta * p * (logp + entropy)",
        "beta * (logp + entropy)",
        "factor term operation jacobian",
        "W1 W2",
    ),
]
SAME = [("dz = adv[:, None] * (p - Y)", "dz = p * adv.reshape(-1, 1) - Y * adv.reshape(-1, 1)")]

NOT_YET = [
    ("    dz = dz + beta * p * (logp + entropy)\n", "    dz = dz + 0\n", "term path", "W1 W2"),
]
"""Faults that are seen, and not named."""
