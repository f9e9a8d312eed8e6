"""A batch-normalised character model, taken back one operation after another in a script."""

SPEC = """
import numpy as np
import symgrad as sg

n = 6
Xb = sg.data("Xb", (6, 2), dtype=int); Yb = sg.data("Yb", (6, 5), assume=sg.one_hot(axis=1))
C = sg.param("C", (5, 3)); W1 = sg.param("W1", (6, 4)); b1 = sg.param("b1", (4,)); bngain = sg.param("bngain", (1, 4)); bnbias = sg.param("bnbias", (1, 4)); W2 = sg.param("W2", (4, 5)); b2 = sg.param("b2", (5,))
emb = C[Xb]
embcat = emb.reshape(6, 6)
hprebn = embcat @ W1 + b1
bnmean = np.sum(hprebn, axis=0, keepdims=True) / n
bndiff = hprebn - bnmean
bnvar = np.sum(bndiff**2, axis=0, keepdims=True) / (n - 1)
bnvar_inv = (bnvar + 1e-5) ** -0.5
bnraw = bndiff * bnvar_inv
hpreact = bngain * bnraw + bnbias
h = np.tanh(hpreact)
logits = h @ W2 + b2
e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
probs = e / np.sum(e, axis=1, keepdims=True)
loss = -np.sum(Yb * np.log(probs)) / n
"""

CODE = """
import numpy as np

rng = np.random.default_rng(0)
n = 6
Xb = rng.integers(0, 5, (n, 2))
Yb = np.eye(5)[rng.integers(0, 5, n)]
C = rng.normal(size=(5, 3))
W1 = rng.normal(size=(6, 4)) * 0.5
b1 = rng.normal(size=4) * 0.1
W2 = rng.normal(size=(4, 5)) * 0.1
b2 = rng.normal(size=5) * 0.1
bngain = np.ones((1, 4)) * 0.9
bnbias = np.zeros((1, 4)) + 0.1

emb = C[Xb]
embcat = emb.reshape(n, -1)
hprebn = embcat @ W1 + b1
bnmeani = 1 / n * hprebn.sum(0, keepdims=True)
bndiff = hprebn - bnmeani
bndiff2 = bndiff ** 2
bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdims=True)
bnvar_inv = (bnvar + 1e-5) ** -0.5
bnraw = bndiff * bnvar_inv
hpreact = bngain * bnraw + bnbias
h = np.tanh(hpreact)
logits = h @ W2 + b2
counts = np.exp(logits - logits.max(1, keepdims=True))
counts_sum = counts.sum(1, keepdims=True)
counts_sum_inv = counts_sum ** -1
probs = counts * counts_sum_inv
logprobs = np.log(probs)
loss = -(Yb * logprobs).sum() / n

dlogprobs = -Yb / n
dprobs = dlogprobs / probs
dcounts_sum_inv = (counts * dprobs).sum(1, keepdims=True)
dcounts = counts_sum_inv * dprobs
dcounts_sum = -counts_sum ** -2 * dcounts_sum_inv
dcounts = dcounts + np.ones_like(counts) * dcounts_sum
dlogits = counts * dcounts
dh = dlogits @ W2.T
dW2 = h.T @ dlogits
db2 = dlogits.sum(0)
dhpreact = (1 - h ** 2) * dh
dbngain = (bnraw * dhpreact).sum(0, keepdims=True)
dbnbias = dhpreact.sum(0, keepdims=True)
dbnraw = bngain * dhpreact
dbndiff = bnvar_inv * dbnraw
dbnvar_inv = (bndiff * dbnraw).sum(0, keepdims=True)
dbnvar = -0.5 * (bnvar + 1e-5) ** -1.5 * dbnvar_inv
dbndiff2 = 1 / (n - 1) * np.ones_like(bndiff2) * dbnvar
dbndiff = dbndiff + 2 * bndiff * dbndiff2
dhprebn = dbndiff.copy()
dbnmeani = (-dbndiff).sum(0, keepdims=True)
dhprebn = dhprebn + 1 / n * np.ones_like(hprebn) * dbnmeani
dembcat = dhprebn @ W1.T
dW1 = embcat.T @ dhprebn
db1 = dhprebn.sum(0)
demb = dembcat.reshape(emb.shape)
dC = np.zeros_like(C)
for k in range(Xb.shape[0]):
    for j in range(Xb.shape[1]):
        ix = Xb[k, j]
        dC[ix] += demb[k, j]
"""

OPTIONS: dict[str, object] = {}

FAULTS = [
    (
        "dcounts = dcounts + np.ones_like(counts) * dcounts_sum",
        "dcounts = dcounts",
        "path term jacobian",
        "logits",
    ),
    ("dcounts_sum = -counts_sum ** -2", "dcounts_sum = counts_sum ** -2", "sign", "logits"),
    (
        "dbndiff = dbndiff + 2 * bndiff * dbndiff2",
        "dbndiff = 2 * bndiff * dbndiff2",
        "path term overwritten",
        "bndiff",
    ),
    (
        "dbndiff = dbndiff + 2 * bndiff * dbndiff2",
        "dbndiff = dbndiff",
        "path term jacobian",
        "bndiff",
    ),
    (
        "dbnvar = -0.5 * (bnvar + 1e-5) ** -1.5",
        "dbnvar = -0.5 * (bnvar + 1e-5) ** -0.5",
        "factor value activation operation term jacobian",
        "bnvar bndiff",
    ),
    ("dbndiff2 = 1 / (n - 1)", "dbndiff2 = 1 / n", "factor", "bndiff"),
    (
        "dhprebn = dhprebn + 1 / n * np.ones_like(hprebn) * dbnmeani",
        "dhprebn = dhprebn",
        "path term jacobian",
        "hprebn",
    ),
    ("dC[ix] += demb[k, j]", "dC[ix] = demb[k, j]", "overwritten", "C"),
    (
        "dbngain = (bnraw * dhpreact).sum(0, keepdims=True)",
        "dbngain = (bnraw * dhpreact).sum(1, keepdims=True)",
        "sum",
        "bngain",
    ),
    ("db2 = dlogits.sum(0)", "db2 = dlogits.mean(0)", "factor sum", "b2"),
]
SAME = [("dhpreact = (1 - h ** 2) * dh", "dhpreact = dh - h * h * dh")]
