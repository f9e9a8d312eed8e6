"""Batch normalisation in the staged way, with gamma and beta."""

SPEC = """
import numpy as np
import symgrad as sg

x = sg.param("x", ("N", 3)); gamma = sg.param("gamma", (3,)); beta = sg.param("beta", (3,)); dout = sg.data("dout", ("N", 3))
mu = np.mean(x, axis=0)
var = np.mean((x - mu) ** 2, axis=0)
xhat = (x - mu) / np.sqrt(var + 1e-5)
out = gamma * xhat + beta
loss = np.sum(dout * out)
"""

CODE = """
import numpy as np


def batchnorm_backward(dout, x, gamma, beta, eps=1e-5):
    N, D = dout.shape
    mu = 1. / N * np.sum(x, axis=0)
    xmu = x - mu
    var = 1. / N * np.sum(xmu ** 2, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1. / sqrtvar
    xhat = xmu * ivar
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1. / (sqrtvar ** 2) * divar
    dvar = 0.5 * 1. / np.sqrt(var + eps) * dsqrtvar
    dsq = 1. / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1. / N * np.ones((N, D)) * dmu
    dx = dx1 + dx2
    return dx, dgamma, dbeta
"""

OPTIONS = {"function": "batchnorm_backward"}

FAULTS = [
    ("    dx = dx1 + dx2", "    dx = dx1", "path term jacobian", "x"),
    ("    dx1 = dxmu1 + dxmu2", "    dx1 = dxmu1", "path term jacobian", "x"),
    (
        "dvar = 0.5 * 1. / np.sqrt(var + eps) * dsqrtvar",
        "dvar = 0.5 * 1. / (var + eps) * dsqrtvar",
        "operation factor activation jacobian term value",
        "x",
    ),
    ("    dxmu2 = 2 * xmu * dsq", "    dxmu2 = xmu * dsq", "factor term", "x"),
    (
        "dsqrtvar = -1. / (sqrtvar ** 2) * divar",
        "dsqrtvar = 1. / (sqrtvar ** 2) * divar",
        "sign",
        "x",
    ),
    (
        "    dgamma = np.sum(dout * xhat, axis=0)",
        "    dgamma = np.sum(dout * x, axis=0)",
        "value",
        "gamma",
    ),
    ("    dbeta = np.sum(dout, axis=0)", "    dbeta = np.mean(dout, axis=0)", "sum factor", "beta"),
    (
        "    dx2 = 1. / N * np.ones((N, D)) * dmu",
        "    dx2 = np.ones((N, D)) * dmu",
        "factor term",
        "x",
    ),
    ("    dxhat = dout * gamma", "    dxhat = dout", "factor operation term", "x"),
    (
        "divar = np.sum(dxhat * xmu, axis=0)",
        "divar = np.sum(dout * xmu, axis=0)",
        "value factor",
        "x",
    ),
]

SAME = [
    (
        "    dx = dx1 + dx2",
        "    dx = ivar / N * (N * dxhat - dxhat.sum(0) - xhat * (dxhat * xhat).sum(0))",
    ),
    ("    dx2 = 1. / N * np.ones((N, D)) * dmu", "    dx2 = dmu / N"),
    ("    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)", "    dmu = -np.sum(dxmu1, axis=0)"),
    ("eps=1e-5", "eps=0.00001"),
]
