"""The three-layer ReLU network with softmax cross-entropy, by hand, for Numba."""

import numpy as np
from numba import njit


@njit(cache=True)
def _bias_relu(a, b):
    for n in range(a.shape[0]):
        for i in range(a.shape[1]):
            x = a[n, i] + b[i]
            a[n, i] = max(x, 0)


@njit(cache=True)
def _back(a, d, db):
    db[:] = 0
    for n in range(a.shape[0]):
        for i in range(a.shape[1]):
            if a[n, i] <= 0:
                d[n, i] = 0
            db[i] += d[n, i]


@njit(cache=True)
def three_layers(
    X, y, W1, b1, W2, b2, W3, b3, a1, a2, z3, d1, d2, d3, dW1, db1, dW2, db2, dW3, db3
):
    """Gradients into the last six arguments; returns the loss."""
    batch, classes = z3.shape
    np.dot(X, W1, a1)
    _bias_relu(a1, b1)
    np.dot(a1, W2, a2)
    _bias_relu(a2, b2)
    np.dot(a2, W3, z3)
    value = 0.0
    db3[:] = 0
    for n in range(batch):
        m = z3[n, 0] + b3[0]
        for k in range(classes):
            z3[n, k] += b3[k]
            m = max(m, z3[n, k])
        s = z3[n, 0] - z3[n, 0]
        for k in range(classes):
            d3[n, k] = np.exp(z3[n, k] - m)
            s += d3[n, k]
        value += np.log(s) + m - z3[n, y[n]]
        for k in range(classes):
            d3[n, k] = (d3[n, k] / s - (k == y[n])) / batch
            db3[k] += d3[n, k]
    np.dot(a2.T, d3, dW3)
    np.dot(d3, W3.T, d2)
    _back(a2, d2, db2)
    np.dot(a1.T, d2, dW2)
    np.dot(d2, W2.T, d1)
    _back(a1, d1, db1)
    np.dot(X.T, d1, dW1)
    return value / batch
