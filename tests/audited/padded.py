"""Words of sentences of different lengths, averaged without the padding."""

SPEC = """
import numpy as np
import symgrad as sg

words = sg.data("words", (3, 5), dtype=int); kept = sg.data("kept", (3, 5)); T = sg.data("T", (3, 4)); E = sg.param("E", (7, 4))
count = 1 + np.sum(kept ** 2, axis=1, keepdims=True)
h = np.sum(E[words] * kept[:, :, None], axis=1) / count
loss = np.sum((h - T) ** 2) / 2
"""

CODE = """
import numpy as np


def backward(words, kept, T, E):
    length = words.shape[1]
    count = 1 + (kept ** 2).sum(axis=1, keepdims=True)
    h = (E[words] * kept[:, :, None]).sum(axis=1) / count
    dh = h - T
    drows = np.repeat(dh[:, None, :] / count[:, None], length, axis=1) * kept[..., None]
    dE = np.zeros_like(E)
    np.add.at(dE, words, drows)
    return {"h": dh, "E": dE}
"""

OPTIONS = {"function": "backward"}

FAULTS = [
    ("/ count[:, None]", "/ length", "factor value", "E"),
    ("np.add.at(dE, words, drows)", "dE[words] += drows", "overwritten", "E"),
]
SAME = [("np.add.at(dE, words, drows)", "dE += np.eye(7)[words.ravel()].T @ drows.reshape(-1, 4)")]
