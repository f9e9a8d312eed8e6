"""A classifier for batches of any size: rows are samples, labels are integers."""

import numpy as np

import symgrad as sg


def relu(x):
    return np.maximum(x, 0)


def log_softmax(z):
    shifted = z - np.max(z, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


X = sg.data("X", ("N", 64))
y = sg.data("y", ("N",), dtype=int)
W1 = sg.param("W1", (64, 128))
b1 = sg.param("b1", (128,))
W2 = sg.param("W2", (128, 64))
b2 = sg.param("b2", (64,))
W3 = sg.param("W3", (64, 10))
b3 = sg.param("b3", (10,))

z1 = X @ W1 + b1
a1 = relu(z1)
z2 = a1 @ W2 + b2
a2 = relu(z2)
z3 = a2 @ W3 + b3
logp = log_softmax(z3)
loss = -np.mean(logp[sg.arange("N"), y])
