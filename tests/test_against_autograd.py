"""Losses as people write them, their value and gradients against HIPS autograd."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import symgrad as sg
from symgrad.calculus.derivation import forward_and_adjoints
from symgrad.checks.comparison import example_values
from symgrad.checks.derived import run
from symgrad.checks.generated import module_checks
from symgrad.program.interpreter import interpret
from symgrad.targets.module import assembled
from symgrad.targets.numpy import emit as target

N = 5
"""The number of samples, a named size."""


def relu(np, z):
    return np.maximum(z, 0)


def tanh(np, z):
    return np.tanh(z)


def row_softmax(np, z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def row_log_softmax(np, z):
    return z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))


def network(np, x, layers, activation):
    """Rows are samples: weights are inputs × outputs."""
    for W, b in layers[:-1]:
        x = activation(np, x @ W + b)
    W, b = layers[-1]
    return x @ W + b


def layers_of(p, depth):
    return [(p[f"W{k}"], p[f"b{k}"]) for k in range(depth)]


def mean_cross_entropy(np, z, d):
    return -np.mean(np.sum(d["Y"] * row_log_softmax(np, z), axis=1))


def summed_cross_entropy(np, z, d):
    return -np.sum(d["Y"] * np.log(row_softmax(np, z)))


def label_cross_entropy(np, z, d):
    return -np.mean(row_log_softmax(np, z)[np.arange(z.shape[0]), d["y"]])


def mean_squared_error(np, z, d):
    return np.mean((z - d["T"]) ** 2)


def half_squared_error(np, z, d):
    return np.sum(np.square(z - d["T"])) / (2 * z.shape[0])


WIDTHS = (4, 3, 6, 2, 5, 3)
"""Sizes of the layers' inputs; the last layer has three outputs."""


def widths(depth):
    return (*WIDTHS[:depth], 3)


def parameters(depth):
    w = widths(depth)
    return {f"W{k}": (w[k], w[k + 1]) for k in range(depth)} | {
        f"b{k}": (w[k + 1],) for k in range(depth)
    }


DATA = {"X": ("N", 4), "Y": ("N", 3), "T": ("N", 3), "y": ("N",)}


def of_rows(depth, activation, loss):
    def value(np, p, d):
        return loss(np, network(np, d["X"], layers_of(p, depth), activation), d)

    return value, parameters(depth), DATA


def of_columns(depth, activation):
    """Columns are samples: weights are outputs × inputs, biases are columns."""

    def value(np, p, d):
        a = d["X"]
        for k in range(depth - 1):
            a = activation(np, p[f"W{k}"] @ a + p[f"b{k}"])
        z = np.dot(p[f"W{depth - 1}"], a) + p[f"b{depth - 1}"]
        e = np.exp(z)
        return -np.sum(d["Y"] * np.log(e / np.sum(e, axis=0))) / a.shape[1]

    turned = {name: (*shape[::-1], 1)[:2] for name, shape in parameters(depth).items()}
    return value, turned, {"X": (4, "N"), "Y": (3, "N")}


def autoencoder(np, p, d):
    h = np.tanh(d["X"] @ p["W"] + p["b"])
    return np.mean(np.sum((h @ p["W"].T + p["c"] - d["X"]) ** 2, axis=1))


def ridge(np, p, d):
    r = d["X"] @ p["w"] - d["t"]
    return r @ r / r.shape[0] + 0.1 * np.sum(p["w"] ** 2)


def logistic(np, p, d):
    z = d["X"] @ p["w"] + p["b"]
    return np.mean(np.log(1 + np.exp(z)) - d["t"] * z)


def huber(np, p, d):
    r = d["X"] @ p["w"] - d["t"]
    small = np.abs(r) < 0.5
    return np.sum(np.where(small, r**2 / 2, 0.5 * np.abs(r) - 0.125))


def layer_norm(np, p, d):
    centred = d["X"] - np.mean(d["X"] * p["g"], axis=1, keepdims=True)
    scale = np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + 1e-5)
    return np.sum((p["g"] * centred / scale + p["b"] - d["X"]) ** 2)


def hinge(np, p, d):
    z = d["X"] @ p["W"]
    margins = np.maximum(z - np.sum(z * d["Y"], axis=1)[:, None] + 1, 0)
    return np.mean(np.sum(margins * (1 - d["Y"]), axis=1)) + 0.01 * np.sum(np.abs(p["W"]))


def residual(np, p, d):
    h = d["X"]
    for _ in range(3):
        h = h + np.tanh(h @ p["W"] + p["b"])
    return np.max(np.sum(h**2, axis=1)) + np.min(h)


def gated(np, p, d):
    h = np.tanh(d["X"] @ p["A"]) * np.maximum(d["X"] @ p["B"], 0.1)
    return np.sum(np.minimum(h, 0.7)) ** 2 / h.shape[0]


def attention(np, p, d):
    q, k, v = (d["X"] @ p[name] for name in ("Q", "K", "V"))
    return np.sum(row_softmax(np, q @ k.T / 2) @ v * d["X"])


def outer_broadcast(np, p, d):
    return np.sum((p["u"][:, None] * p["v"][None, :] + p["s"] - d["M"]) ** 2) / np.sqrt(6)


CASES = {
    "3 relu rows, cross-entropy": of_rows(3, relu, mean_cross_entropy),
    "2 tanh rows, cross-entropy": of_rows(2, tanh, summed_cross_entropy),
    "5 relu rows, cross-entropy": of_rows(5, relu, summed_cross_entropy),
    "4 tanh rows, labels": of_rows(4, tanh, label_cross_entropy),
    "2 relu rows, labels": of_rows(2, relu, label_cross_entropy),
    "1 layer, labels": of_rows(1, relu, label_cross_entropy),
    "5 tanh rows, squared error": of_rows(5, tanh, mean_squared_error),
    "3 relu rows, squared error": of_rows(3, relu, half_squared_error),
    "2 relu columns": of_columns(2, relu),
    "4 tanh columns": of_columns(4, tanh),
    "an autoencoder with tied weights": (autoencoder, {"W": (4, 3), "b": (3,), "c": (4,)}, DATA),
    "ridge": (ridge, {"w": (4,)}, {"X": ("N", 4), "t": ("N",)}),
    "logistic": (logistic, {"w": (4,), "b": ()}, {"X": ("N", 4), "t": ("N",)}),
    "huber": (huber, {"w": (4,)}, {"X": ("N", 4), "t": ("N",)}),
    "a norm": (layer_norm, {"g": (4,), "b": (4,)}, {"X": ("N", 4)}),
    "hinge": (hinge, {"W": (4, 3)}, {"X": ("N", 4), "Y": ("N", 3)}),
    "weights shared over depth": (residual, {"W": (4, 4), "b": (4,)}, {"X": ("N", 4)}),
    "a gate": (gated, {"A": (4, 3), "B": (4, 3)}, {"X": ("N", 4)}),
    "attention": (attention, {"Q": (4, 2), "K": (4, 2), "V": (4, 4)}, {"X": ("N", 4)}),
    "broadcasting": (outer_broadcast, {"u": (2,), "v": (3,), "s": ()}, {"M": (2, 3)}),
}


def numbers(shapes, rng):
    """Random inputs; Y is one-hot along the axis of its 3 classes, y are labels."""
    sizes = {name: [N if s == "N" else s for s in shape] for name, shape in shapes.items()}
    drawn = {name: rng.normal(size=shape) for name, shape in sizes.items()}
    if "y" in drawn:
        drawn["y"] = rng.integers(0, 3, N)
    if "Y" in drawn:
        hot = np.eye(3)[rng.integers(0, 3, N)]
        drawn["Y"] = hot if sizes["Y"][-1] == 3 else hot.T
    return drawn


@pytest.mark.parametrize("case", CASES)
def test_value_and_gradients_are_those_of_autograd(case):
    function, parameter_shapes, data_shapes = CASES[case]
    rng = np.random.default_rng(len(case))
    given, weights = numbers(data_shapes, rng), numbers(parameter_shapes, rng)
    made = derived(function, parameter_shapes, data_shapes)
    mine = example_values(made, {**given, **weights})
    loss = function(anp, weights, given)
    slopes = autograd.grad(lambda p: function(anp, p, given))(weights)
    np.testing.assert_allclose(mine[made.system.output], loss, rtol=1e-12)
    for name, slope in slopes.items():
        found = mine[made.adjoint_name[name]]
        assert found.shape == np.shape(slope)
        np.testing.assert_allclose(found, slope, rtol=1e-9, atol=1e-12 * np.abs(slope).max())
    assert all(check.passed for check in run(made))


@pytest.mark.parametrize("case", CASES)
def test_generated_code_is_that_of_autograd(case):
    function, parameter_shapes, data_shapes = CASES[case]
    rng = np.random.default_rng(len(case))
    given, weights = numbers(data_shapes, rng), numbers(parameter_shapes, rng)
    made = derived(function, parameter_shapes, data_shapes)
    read = {v.name: given[v.name] for v in made.system.variables if v.name in given}
    module = generated(made, "float64")
    value, gradients = module.loss_and_gradients(**read, **weights)
    loss = function(anp, weights, given)
    slopes = autograd.grad(lambda p: function(anp, p, given))(weights)
    np.testing.assert_allclose(value, loss, rtol=1e-12)
    for name, slope in slopes.items():
        found = getattr(gradients, name)
        assert found.shape == np.shape(slope)
        np.testing.assert_allclose(found, slope, rtol=1e-9, atol=1e-12 * np.abs(slope).max())


@pytest.mark.sampled(2)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
def test_generated_code_is_that_of_the_equations(case, dtype):
    made = derived(*CASES[case])
    checks = module_checks(made, generated(made, dtype), dtype)
    assert len(checks) == 1 + len(made.wrt)
    assert all(check.passed for check in checks)


@pytest.mark.parametrize("case", CASES)
def test_the_program_is_that_of_the_equations(case):
    made = derived(*CASES[case])
    _, parameter_shapes, data_shapes = CASES[case]
    rng = np.random.default_rng(1)
    inputs = {**numbers(data_shapes, rng), **numbers(parameter_shapes, rng)}
    found = interpret(program_of(made, "float64").program, inputs)
    true = example_values(made, inputs)
    for name in (made.system.output, *(made.adjoint_name[name] for name in made.wrt)):
        np.testing.assert_allclose(found[name], true[name], rtol=1e-9, atol=1e-11)


def program_of(made, dtype):
    gradients = {name: made.adjoint_name[name] for name in made.wrt}
    system, equations = made.system, forward_and_adjoints(made)
    return assembled(system.variables, equations, system.output, gradients, dtype=dtype)


def generated(made, dtype):
    return target.load(target.emit(program_of(made, dtype)).text, "generated")


class SpecNumPy:
    """NumPy as a spec uses it: the places along a named axis are symgrad's."""

    arange = staticmethod(sg.arange)

    def __getattr__(self, name):
        return getattr(np, name)


def derived(function, parameter_shapes, data_shapes):
    """The derivation of a loss over named samples."""
    d = {name: data(name, shape) for name, shape in data_shapes.items()}
    p = {name: sg.param(name, shape) for name, shape in parameter_shapes.items()}
    loss = function(SpecNumPy(), p, d)
    return sg.derive(loss, names={**d, **p, "loss": loss})


def data(name, shape):
    if name == "y":
        return sg.data(name, shape, dtype=int)
    return sg.data(name, shape, assume=sg.one_hot(shape.index(3)) if name == "Y" else None)
