"""The 3-4-2-3 network as it is worked by hand: the softmax rounded to one decimal."""

import numpy as np

import symgrad as sg


def relu(x):
    return np.maximum(0, x)


def softmax(z):
    return np.exp(z) / np.sum(np.exp(z))


X = sg.data("X", (3, 1))
Y = sg.data("Y", (3, 1), assume=sg.one_hot(axis=0))
W1 = sg.param("W1", (4, 3))
b1 = sg.param("b1", (4, 1))
W2 = sg.param("W2", (2, 4))
b2 = sg.param("b2", (2, 1))
W3 = sg.param("W3", (3, 2))
b3 = sg.param("b3", (3, 1))

z1 = W1 @ X + b1
a1 = relu(z1)
z2 = W2 @ a1 + b2
a2 = relu(z2)
z3 = W3 @ a2 + b3
a3 = sg.rounded(softmax(z3), decimals=1)
loss = -np.sum(Y * np.log(a3))

example = {
    "X": [[2], [1], [3]],
    "Y": [[0], [1], [0]],
    "W1": [[1, -1, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]],
    "b1": [[-5], [0], [1], [-2]],
    "W2": [[1, -1, 1, 0], [0, 1, -1, 1]],
    "b2": [[0], [3]],
    "W3": [[2, 0], [0, 2], [1, 1]],
    "b3": [[-1], [-5], [-7]],
}

# At the example point every value has to be exactly this in float64.
expected = {
    "z1": [[-1], [3], [5], [3]],
    "a1": [[0], [3], [5], [3]],
    "z2": [[2], [4]],
    "a2": [[2], [4]],
    "a3": [[0.5], [0.5], [0.0]],
    "dL_dz3": [[0.5], [-0.5], [0.0]],
    "dL_dW3.T": [[1.0, -1.0, 0.0], [2.0, -2.0, 0.0]],
    "dL_db3.T": [[0.5, -0.5, 0.0]],
    "dL_da2": [[1.0], [-1.0]],
    "dL_db2": [[1.0], [-1.0]],
    "dL_dW2.T": [[0.0, 0.0], [3.0, -3.0], [5.0, -5.0], [3.0, -3.0]],
    "dL_da1": [[1.0], [-2.0], [2.0], [-1.0]],
    "dL_dz1.T": [[0.0, -2.0, 2.0, -1.0]],
    "dL_db1.T": [[0.0, -2.0, 2.0, -1.0]],
    "dL_dW1.T": [[0.0, -4.0, 4.0, -2.0], [0.0, -2.0, 2.0, -1.0], [0.0, -6.0, 6.0, -3.0]],
}
