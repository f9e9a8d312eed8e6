"""Attention whose backward pass makes the probabilities again."""

SPEC = """
import numpy as np
import symgrad as sg

Q = sg.param("Q", (4, 3)); K = sg.param("K", (4, 3)); V = sg.param("V", (4, 3)); G = sg.data("G", (4, 3))
S = Q @ K.T / np.sqrt(3)
M = np.where(np.tril(np.ones((4, 4))) > 0, S, -1e9)
P = np.exp(M) / np.sum(np.exp(M), axis=1, keepdims=True)
loss = np.sum(P @ V * G)
"""

CODE = """
import numpy as np


def forward(Q, K, V, causal, scale):
    s = Q @ K.T * scale
    if causal:
        s = np.where(np.tril(np.ones_like(s)) > 0, s, -1e9)
    p = np.exp(s - s.max(axis=1, keepdims=True))
    return p @ V / p.sum(axis=1, keepdims=True)


def backward(Q, K, V, G, causal=True):
    scale = 1 / np.sqrt(Q.shape[1])
    s = Q @ K.T * scale
    if causal:
        s = np.where(np.tril(np.ones_like(s)) > 0, s, -1e9)
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p = p / p.sum(axis=1, keepdims=True)
    dp = G @ V.T
    ds = p * (dp - np.sum(p * dp, axis=1, keepdims=True)) * scale
    return {"V": p.T @ G, "Q": ds @ K, "K": ds.T @ Q}
"""

OPTIONS = {"function": "backward"}

CONDITION = """    if causal:
        s = np.where(np.tril(np.ones_like(s)) > 0, s, -1e9)
"""
MADE = CODE[CODE.index("    scale = ") : CODE.index("    p = p /")]

FAULTS = [
    (MADE, MADE.replace(CONDITION, ""), "mask value", "V"),
    ('"V": p.T @ G', '"V": p @ G', "transpose", "V"),
]
SAME = [("ds.T @ Q", "(Q.T @ ds).T")]
