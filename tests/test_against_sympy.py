"""The notebook's network against stock SymPy on its written-out components, symbolically."""

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.calculus.derivation import forward_and_adjoints
from symgrad.checks.numbers import Exact
from symgrad.checks.sampling import given_point
from symgrad.checks.stepwise import evaluate_equations

SHAPES = {"W1": (4, 3), "b1": (4, 1), "W2": (2, 4), "b2": (2, 1), "W3": (3, 2), "b3": (3, 1)}


def symbols(name, shape):
    """A matrix of symbols: its entries by place."""
    return sp.Matrix(*shape, lambda r, c: sp.Symbol(f"{name}_{r}{c}", real=True))


PARAMETERS = {name: symbols(name, shape) for name, shape in SHAPES.items()}
X, Y = symbols("X", (3, 1)), symbols("Y", (3, 1))


def stock_network():
    """z3 and -Σ Y log softmax(z3), component by component: SymPy and nothing else."""
    W1, b1, W2, b2, W3, b3 = PARAMETERS.values()
    a1 = (W1 * X + b1).applyfunc(lambda z: sp.Max(z, 0))
    a2 = (W2 * a1 + b2).applyfunc(lambda z: sp.Max(z, 0))
    z3 = W3 * a2 + b3
    total = sum(z3.applyfunc(sp.exp))
    return z3, -sum(y * sp.log(sp.exp(z) / total) for y, z in zip(Y, z3, strict=True))


class Symbols(Exact):
    """Exact arithmetic on symbols in place of numbers."""

    def reduce(self, leaf, values):
        result = np.empty(values.shape[:-1], dtype=object)
        for place in np.ndindex(result.shape):
            result[place] = leaf.definition(list(values[place]))
        return result

    def settle(self, values):
        return values


def derivation(**assume):
    relu, x = (lambda z: np.maximum(z, 0)), sg.data("X", (3, 1))
    y = sg.data("Y", (3, 1), **assume)
    W1, b1, W2, b2, W3, b3 = (sg.param(name, shape) for name, shape in SHAPES.items())
    z1 = W1 @ x + b1
    a1 = relu(z1)
    z2 = W2 @ a1 + b2
    a2 = relu(z2)
    z3 = W3 @ a2 + b3
    p = np.exp(z3) / np.sum(np.exp(z3))
    loss = -np.sum(y * np.log(p))
    return sg.derive(loss)


def components(made):
    """Our equations at these sizes, each entry written out over the symbols."""
    inputs = {"X": X, "Y": Y, **PARAMETERS}
    field = Symbols()
    start = given_point(made.system, {n: np.array(m.tolist()) for n, m in inputs.items()}, field)
    return evaluate_equations(forward_and_adjoints(made), start.env, start.sizes, field)


class Opaque:
    """Expressions with a symbol for each maximum, step and exponential: rational functions."""

    def __init__(self, logits, known):
        self.known = dict(known)
        self.symbols = {}
        self.logits = [sp.expand(self(z)) for z in logits]

    def __call__(self, expr):
        if not expr.args:
            return self.known.get(expr, expr)
        if expr not in self.known:
            self.known[expr] = self._written(expr.func(*map(self, expr.args)))
        return self.known[expr]

    def _written(self, expr):
        if isinstance(expr, sp.exp):
            return self._exponential(sp.expand(expr.args[0]))
        if not isinstance(expr, (sp.Max, sp.Heaviside)):
            return expr
        (argument,) = (a for a in expr.args if not a.is_number)
        key = (expr.func, sp.expand(argument))
        return self.symbols.setdefault(key, sp.Dummy(expr.func.__name__))

    def _exponential(self, exponent):
        """exp of a sum of logits, which SymPy has put together, as a product."""
        powers = [exponent.coeff(b) for b in PARAMETERS["b3"]]
        parts = [m * z for m, z in zip(powers, self.logits, strict=True)]
        assert sp.expand(exponent - sum(parts)) == 0
        names = [self.symbols.setdefault((sp.exp, z), sp.Dummy("exp")) for z in self.logits]
        return sp.Mul(*(name**power for name, power in zip(names, powers, strict=True)))


@pytest.fixture(scope="module")
def network():
    return stock_network()


@pytest.mark.parametrize(
    "assume",
    [
        pytest.param({}, id="free", marks=pytest.mark.long),
        pytest.param({"assume": sg.one_hot(axis=0)}, id="one-hot"),
    ],
)
def test_all_gradients_are_those_of_stock_sympy(network, assume):
    """Without the assumption for any Y; with it for those that sum to 1."""
    logits, loss = network
    mine = components(derivation(**assume))
    opaque = Opaque(logits, {Y[2]: 1 - Y[0] - Y[1]} if assume else {})
    for name, matrix in PARAMETERS.items():
        assert mine[f"d{name}"].shape == matrix.shape
        for place in np.ndindex(matrix.shape):
            theirs = loss.diff(matrix[place])
            apart = opaque(mine[f"d{name}"][place]) - opaque(theirs)
            assert sp.cancel(sp.together(apart)) == 0, (name, place)
    found = [kind for kind, _ in opaque.symbols]
    assert [found.count(kind) for kind in (sp.Max, sp.Heaviside, sp.exp)] == [6, 6, 3]


def test_the_assumption_is_needed(network):
    """What holds for rows that sum to 1 is not claimed of others: the comparison can fail."""
    logits, loss = network
    mine = components(derivation(assume=sg.one_hot(axis=0)))
    place = PARAMETERS["b3"][0]
    opaque = Opaque(logits, {})
    apart = opaque(mine["db3"][0, 0]) - opaque(loss.diff(place))
    assert sp.cancel(sp.together(apart)) != 0
