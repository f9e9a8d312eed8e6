"""Distillation: soft targets at a temperature, beside the labels."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", ("N", 4)); q = sg.data("q", ("N", 3), assume=sg.sums_to_one(axis=1)); Y = sg.data("Y", ("N", 3), assume=sg.one_hot(axis=1)); W = sg.param("W", (4, 3)); b = sg.param("b", (3,))
T = 4.0; alpha = 0.7
z = X @ W + b
e = np.exp(z - np.max(z, axis=1, keepdims=True))
p = e / np.sum(e, axis=1, keepdims=True)
s = z / T
f = np.exp(s - np.max(s, axis=1, keepdims=True))
pt = f / np.sum(f, axis=1, keepdims=True)
loss = -(alpha * T**2 * np.sum(q * np.log(pt)) + (1 - alpha) * np.sum(Y * np.log(p))) / X.shape[0]
"""

CODE = """
import numpy as np


def softmax(v):
    e = np.exp(v - np.max(v, axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softened(z, q, T):
    return T * (softmax(z / T) - q) / len(z)


def grads(X, q, Y, W, b):
    T, alpha = 4.0, 0.7
    N = len(X)
    z = X @ W + b
    hard = (1 - alpha) * (softmax(z) - Y) / N
    soft = alpha * softened(z, q, T)
    dz = hard + soft
    return {"z": dz, "W": X.T @ dz, "b": dz.sum(0)}
"""

OPTIONS = {"function": "grads"}

FAULTS = [
    ("T * (softmax(z / T) - q)", "(softmax(z / T) - q)", "factor term", "z"),
    ("T * (softmax(z / T) - q)", "T ** 2 * (softmax(z / T) - q)", "factor term", "z"),
    ("softmax(z / T) - q", "softmax(z) - q", "value factor activation term", "z"),
    ("    dz = hard + soft", "    dz = hard", "path term", "z"),
    ("(1 - alpha) * (softmax(z) - Y)", "alpha * (softmax(z) - Y)", "factor term value", "z"),
    (
        "hard = (1 - alpha) * (softmax(z) - Y) / N",
        "hard = (1 - alpha) * (softmax(z) - Y)",
        "factor term",
        "z",
    ),
    ('"b": dz.sum(0)', '"b": dz.mean(0)', "factor sum", "b"),
]
SAME = [("dz = hard + soft", "dz = np.add(soft, hard)")]
