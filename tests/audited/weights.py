"""A class that trains itself: weights1 and weights2, updated in the backward pass."""

SPEC = """
import numpy as np
import symgrad as sg

x = sg.data("x", (4, 3)); y = sg.data("y", (4, 1))
weights1 = sg.param("weights1", (3, 5)); weights2 = sg.param("weights2", (5, 1))
layer1 = 1 / (1 + np.exp(-(x @ weights1)))
output = 1 / (1 + np.exp(-(layer1 @ weights2)))
loss = np.sum((y - output) ** 2)
"""

CODE = """
import numpy as np


def sigmoid(x):
    return 1.0 / (1 + np.exp(-x))


def sigmoid_derivative(x):
    return x * (1.0 - x)


class NeuralNetwork:
    def __init__(self, x, y):
        self.input = x
        self.weights1 = np.random.rand(self.input.shape[1], 5)
        self.weights2 = np.random.rand(5, 1)
        self.y = y
        self.output = np.zeros(self.y.shape)

    def feedforward(self):
        self.layer1 = sigmoid(np.dot(self.input, self.weights1))
        self.output = sigmoid(np.dot(self.layer1, self.weights2))

    def backprop(self):
        d_weights2 = np.dot(self.layer1.T, (-2 * (self.y - self.output) * sigmoid_derivative(self.output)))
        d_weights1 = np.dot(self.input.T, (np.dot(-2 * (self.y - self.output) * sigmoid_derivative(self.output), self.weights2.T) * sigmoid_derivative(self.layer1)))
        self.weights1 -= d_weights1
        self.weights2 -= d_weights2


x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([[0], [1], [1], [0]])
nn = NeuralNetwork(x, y)
for i in range(1500):
    nn.feedforward()
    nn.backprop()
print(nn.output)
"""

OPTIONS = {"inputs": {"weights1": "self.weights1", "weights2": "self.weights2"}}

FAULTS = [
    (
        "self.weights2.T) * sigmoid_derivative(self.layer1)",
        "self.weights2.T) * sigmoid_derivative(self.input @ self.weights1)",
        "activation value",
        "weights1",
    ),
    (
        "d_weights2 = np.dot(self.layer1.T, (-2",
        "d_weights2 = np.dot(self.layer1.T, (2",
        "sign",
        "weights2",
    ),
    (
        "d_weights2 = np.dot(self.layer1.T, (-2 * (self.y - self.output) * sigmoid_derivative(self.output)))",
        "d_weights2 = np.dot(self.layer1.T, (-2 * (self.y - self.output)))",
        "activation operation",
        "weights2",
    ),
]

SAME = []
