"""The end of a variational autoencoder: noise that is given, and the Kullback-Leibler divergence."""

SPEC = """
import numpy as np
import symgrad as sg

x = sg.data("x", ("N", 4)); eps = sg.data("eps", ("N", 2))
Wm = sg.param("Wm", (4, 2)); Ws = sg.param("Ws", (4, 2)); Wd = sg.param("Wd", (2, 4))
mu = x @ Wm
logvar = x @ Ws
z = mu + np.exp(0.5 * logvar) * eps
xr = z @ Wd
loss = 0.5 * np.sum((xr - x) ** 2) - 0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar))
"""

CODE = """
import numpy as np


def vae_backward(x, eps, Wm, Ws, Wd):
    mu = x @ Wm
    logvar = x @ Ws
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    xr = z @ Wd
    dxr = xr - x
    dWd = z.T @ dxr
    dz = dxr @ Wd.T
    dmu = dz + mu
    dlogvar = dz * eps * 0.5 * std + 0.5 * (np.exp(logvar) - 1)
    return {"Wd": dWd, "Wm": x.T @ dmu, "Ws": x.T @ dlogvar}
"""

OPTIONS = {"function": "vae_backward"}

FAULTS = [
    ("    dmu = dz + mu", "    dmu = dz", "term path", "Wm"),
    ("    dmu = dz + mu", "    dmu = dz + 2 * mu", "term factor", "Wm"),
    ("dz * eps * 0.5 * std +", "dz * eps * std +", "term factor", "Ws"),
    ("dz * eps * 0.5 * std +", "dz * 0.5 * std +", "term factor operation", "Ws"),
    ("dz * eps * 0.5 * std +", "dz * np.random.randn(*eps.shape) * 0.5 * std +", "random", "Ws"),
    (" + 0.5 * (np.exp(logvar) - 1)", " - 0.5 * (np.exp(logvar) - 1)", "sign term", "Ws"),
    (
        " + 0.5 * (np.exp(logvar) - 1)",
        " + 0.5 * (std - 1)",
        "value term activation operation",
        "Ws",
    ),
    ("    dWd = z.T @ dxr", "    dWd = mu.T @ dxr", "value", "Wd"),
]

SAME = [
    ("    dlogvar = dz * eps * 0.5 * std", "    dlogvar = dz * (z - mu) / 2"),
]
