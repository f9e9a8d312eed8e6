"""A gated recurrent unit, one step after the other, gradients in a dictionary."""

SPEC = """
import numpy as np
import symgrad as sg

T, D, H = 3, 2, 3
x = sg.data("x", (T, D)); G = sg.data("G", (H,))
Wz = sg.param("Wz", (H, D)); Uz = sg.param("Uz", (H, H)); Wr = sg.param("Wr", (H, D)); Ur = sg.param("Ur", (H, H)); Wh = sg.param("Wh", (H, D)); Uh = sg.param("Uh", (H, H))
def sigmoid(v): return 1 / (1 + np.exp(-v))
h = np.zeros(H)
for t in range(T):
    z = sigmoid(Wz @ x[t] + Uz @ h)
    r = sigmoid(Wr @ x[t] + Ur @ h)
    n = np.tanh(Wh @ x[t] + Uh @ (r * h))
    h = (1 - z) * h + z * n
loss = np.sum(G * h)
"""

CODE = """
import numpy as np


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def gru_grads(x, G, Wz, Uz, Wr, Ur, Wh, Uh):
    h = np.zeros(len(G))
    steps = []
    for xt in x:
        z = sigmoid(Wz @ xt + Uz @ h)
        r = sigmoid(Wr @ xt + Ur @ h)
        n = np.tanh(Wh @ xt + Uh @ (r * h))
        steps.append((xt, h, z, r, n))
        h = (1 - z) * h + z * n
    g = {k: 0.0 for k in ("Wz", "Uz", "Wr", "Ur", "Wh", "Uh")}
    dh = G
    for xt, hp, z, r, n in reversed(steps):
        dz = dh * (n - hp)
        dn = dh * z
        dan = dn * (1 - n ** 2)
        drh = Uh.T @ dan
        dr = drh * hp
        daz = dz * z * (1 - z)
        dar = dr * r * (1 - r)
        g["Wz"] = g["Wz"] + np.outer(daz, xt)
        g["Uz"] = g["Uz"] + np.outer(daz, hp)
        g["Wr"] = g["Wr"] + np.outer(dar, xt)
        g["Ur"] = g["Ur"] + np.outer(dar, hp)
        g["Wh"] = g["Wh"] + np.outer(dan, xt)
        g["Uh"] = g["Uh"] + np.outer(dan, r * hp)
        dh = dh * (1 - z) + drh * r + Uz.T @ daz + Ur.T @ dar
    return g
"""

OPTIONS = {"function": "gru_grads"}

FAULTS = [
    ("        dz = dh * (n - hp)", "        dz = dh * (hp - n)", "sign", "Wz Uz Wr Ur Wh Uh"),
    (
        "        dar = dr * r * (1 - r)",
        "        dar = dr * (1 - r ** 2)",
        "activation",
        "Wz Uz Wr Ur Wh Uh",
    ),
    (
        'g["Ur"] = g["Ur"] + np.outer(dar, hp)',
        'g["Ur"] = g["Ur"] + np.outer(daz, hp)',
        "value",
        "Ur",
    ),
    ("np.outer(dan, r * hp)", "np.outer(dan, hp)", "value factor operation", "Uh"),
    (
        "        dh = dh * (1 - z) + drh * r + Uz.T @ daz + Ur.T @ dar",
        "        dh = dh * (1 - z) + drh * r + Uz.T @ daz",
        "path term",
        "Wz Uz Wr Ur Wh Uh",
    ),
    (
        "        dh = dh * (1 - z) + drh * r + Uz.T @ daz + Ur.T @ dar",
        "        dh = drh * r + Uz.T @ daz + Ur.T @ dar",
        "path term",
        "Wz Uz Wr Ur Wh Uh",
    ),
    (
        "        dh = dh * (1 - z) + drh * r",
        "        dh = dh * z + drh * r",
        "value term",
        "Wz Uz Wr Ur Wh Uh",
    ),
    ("        dz = dh * (n - hp)", "        dz = dh * n", "term path", "Wz Uz Wr Ur Wh Uh"),
]

SAME = [
    ("        dz = dh * (n - hp)", "        dz = dh * n - dh * hp"),
    ("        daz = dz * z * (1 - z)", "        daz = dz * (z - z * z)"),
]
