"""Networks of layers, by functions: relu, softmax, one-hot targets in columns or rows."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", (4, "m")); Y = sg.data("Y", (3, "m"), assume=sg.one_hot(axis=0))
W1 = sg.param("W1", (5, 4)); b1 = sg.param("b1", (5, 1)); W2 = sg.param("W2", (3, 5)); b2 = sg.param("b2", (3, 1))
Z1 = W1 @ X + b1
A1 = np.maximum(Z1, 0)
Z2 = W2 @ A1 + b2
E = np.exp(Z2 - np.max(Z2, axis=0, keepdims=True))
A2 = E / np.sum(E, axis=0, keepdims=True)
loss = -np.sum(Y * np.log(A2)) / X.shape[1]
"""

CODE = """
import numpy as np


def ReLU(Z):
    return np.maximum(Z, 0)


def ReLU_deriv(Z):
    return Z > 0


def softmax(Z):
    e = np.exp(Z - Z.max(axis=0))
    return e / sum(e)


def backward_prop(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1.dot(X) + b1
    A1 = ReLU(Z1)
    Z2 = W2.dot(A1) + b2
    A2 = softmax(Z2)
    dZ2 = A2 - Y
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = W2.T.dot(dZ2) * ReLU_deriv(Z1)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2
"""

OPTIONS = {"function": "backward_prop"}

FAULTS = [
    ("db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)", "db2 = 1 / m * np.sum(dZ2)", "sum", "b2"),
    (
        "db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)",
        "db1 = 1 / m * np.sum(dZ1, axis=0)",
        "sum",
        "b1",
    ),
    ("dW2 = 1 / m * dZ2.dot(A1.T)", "dW2 = dZ2.dot(A1.T)", "factor", "W2"),
    ("    return Z > 0", "    return Z < 0", "mask", "W1 b1"),
    ("ReLU_deriv(Z1)", "ReLU_deriv(A1 >= 0)", "mask value", "W1 b1"),
    ("W2.T.dot(dZ2) * ReLU_deriv(Z1)", "W2.T.dot(dZ2)", "mask", "W1 b1"),
    ("dZ2 = A2 - Y", "dZ2 = Y - A2", "sign", "W2 b2 W1 b1"),
    ("dZ2 = A2 - Y", "dZ2 = 2 * (A2 - Y)", "factor", "W2 b2 W1 b1"),
    (
        "dZ2 = A2 - Y",
        "dZ2 = (A2 - Y) * A2 * (1 - A2)",
        "loss activation jacobian factor",
        "W2 b2 W1 b1",
    ),
    ("dW1 = 1 / m * dZ1.dot(X.T)", "dW1 = 1 / m * dZ1.dot(X.T) / m", "factor", "W1"),
    ("    Z2 = W2.dot(A1) + b2", "    Z2 = np.round(W2.dot(A1) + b2, 1)", "rounded", "W2 b2 W1 b1"),
    ("dZ2.dot(A1.T)", "dZ2.dot(ReLU(A1 - 0.1).T)", "value term", "W2"),
]

SAME = [
    ("1 / m * np.sum(dZ1, axis=1, keepdims=True)", "dZ1.mean(axis=1).reshape(-1, 1)"),
    ("W2.T.dot(dZ2) * ReLU_deriv(Z1)", "np.where(A1 > 0, W2.T @ dZ2, 0)"),
    ("dW2 = 1 / m * dZ2.dot(A1.T)", "dW2 = np.einsum('im,jm->ij', dZ2, A1) / m"),
    (
        "return dW1, db1, dW2, db2",
        "return {'dW1': dW1, 'db1': db1.ravel(), 'dW2': dW2, 'db2': db2}",
    ),
    ("return Z > 0", "return (np.sign(Z) + 1) / 2"),
    ("dZ2 = A2 - Y", "dZ2 = A2.astype(np.float32) - Y"),
]
