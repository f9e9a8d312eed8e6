"""The two losses of a discriminator, with a leaky relu."""

SPEC = """
import numpy as np
import symgrad as sg

real = sg.data("real", ("N", 3)); fake = sg.data("fake", ("N", 3))
W1 = sg.param("W1", (3, 4)); W2 = sg.param("W2", (4, 1))
def lrelu(v): return np.where(v > 0, v, 0.1 * v)
z_real = real @ W1
z_fake = fake @ W1
s_real = lrelu(z_real) @ W2
s_fake = lrelu(z_fake) @ W2
loss = np.mean(np.log(1 + np.exp(-s_real))) + np.mean(np.log(1 + np.exp(s_fake)))
"""

CODE = """
import numpy as np


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def lrelu(v, alpha=0.1):
    return np.where(v > 0, v, alpha * v)


def dlrelu(v, alpha=0.1):
    return np.where(v > 0, 1, alpha)


def d_grads(real, fake, W1, W2):
    n = len(real)
    zr, zf = real @ W1, fake @ W1
    hr, hf = lrelu(zr), lrelu(zf)
    sr, sf = hr @ W2, hf @ W2
    dsr = (sigmoid(sr) - 1) / n
    dsf = sigmoid(sf) / n
    dW2 = hr.T @ dsr + hf.T @ dsf
    dzr = dsr @ W2.T * dlrelu(zr)
    dzf = dsf @ W2.T * dlrelu(zf)
    dW1 = real.T @ dzr + fake.T @ dzf
    return {"W1": dW1, "W2": dW2}
"""

OPTIONS = {"function": "d_grads"}

FAULTS = [
    ("    return np.where(v > 0, 1, alpha)", "    return (v > 0) * 1.0", "mask activation", "W1"),
    (
        "    return np.where(v > 0, 1, alpha)",
        "    return np.where(v > 0, alpha, 1)",
        "mask activation value",
        "W1",
    ),
    ("    dsf = sigmoid(sf) / n", "    dsf = (sigmoid(sf) - 1) / n", "term", "W2 W1"),
    ("    dW2 = hr.T @ dsr + hf.T @ dsf", "    dW2 = hr.T @ dsr", "path term", "W2"),
    (
        "    dsr = (sigmoid(sr) - 1) / n",
        "    dsr = sigmoid(sr) - 1 / n",
        "factor term operation value",
        "W2 W1",
    ),
    (
        "    dzf = dsf @ W2.T * dlrelu(zf)",
        "    dzf = dsf @ W2.T * dlrelu(zr)",
        "value mask activation",
        "W1",
    ),
    (
        "    dW1 = real.T @ dzr + fake.T @ dzf",
        "    dW1 = real.T @ dzr - fake.T @ dzf",
        "sign",
        "W1",
    ),
    ("    dsr = (sigmoid(sr) - 1) / n", "    dsr = -(sigmoid(sr) - 1) / n", "sign", "W2 W1"),
]

SAME = [
    ("    dsr = (sigmoid(sr) - 1) / n", "    dsr = -sigmoid(-sr) / n"),
    (
        "    dW1 = real.T @ dzr + fake.T @ dzf",
        "    dW1 = np.vstack([real, fake]).T @ np.vstack([dzr, dzf])",
    ),
]
