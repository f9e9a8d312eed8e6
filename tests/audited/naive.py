"""The loss of a support vector machine, example by example and class by class."""

SPEC = """
import numpy as np
import symgrad as sg

X = sg.data("X", (5, 4)); y = sg.data("y", (5,), dtype=int); W = sg.param("W", (4, 3))
s = X @ W
m = np.maximum(0, s - s[sg.arange(5), y][:, None] + 1)
loss = (np.sum(m) - 5) / 5 + 0.05 * np.sum(W * W)
"""

CODE = """
import numpy as np

def svm_loss_naive(W, X, y):
    reg = 0.05
    dW = np.zeros(W.shape)
    num_classes = W.shape[1]
    num_train = X.shape[0]
    loss = 0.0
    for i in range(num_train):
        scores = X[i].dot(W)
        correct = scores[y[i]]
        for j in range(num_classes):
            if j == y[i]:
                continue
            margin = scores[j] - correct + 1
            if margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss /= num_train
    dW /= num_train
    dW += 2 * reg * W
    return {"W": dW}
"""

OPTIONS = {"function": "svm_loss_naive"}

FAULTS = [
    ("                dW[:, y[i]] -= X[i]\n", "", "path term", "W"),
    (
        "    dW /= num_train\n    dW += 2 * reg * W",
        "    dW += 2 * reg * W\n    dW /= num_train",
        "factor term path",
        "W",
    ),
    ("dW[:, y[i]] -= X[i]", "dW[:, y[j]] -= X[i]", "value", "W"),
    ("if margin > 0:", "if margin > 1:", "mask", "W"),
    ("                dW[:, y[i]] -= X[i]", "            dW[:, y[i]] -= X[i]", "path mask", "W"),
]
SAME = [("    dW /= num_train\n", "    dW = dW / num_train\n")]
