"""The lines of a derivative by the chain rule: each follows from the one before, as it stands."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.checks.derived import run
from symgrad.checks.points import Points
from symgrad.checks.steps import steps
from symgrad.mathematics.indices import entries, name_of
from symgrad.mathematics.steps import Step
from symgrad.writing.display import Display
from symgrad.writing.formula import Sign
from symgrad.writing.printings.mathml import mathml
from symgrad.writing.sections.author import Author
from symgrad.writing.sections.chain import Chain
from symgrad.writing.shares import by_names
from tests.losses import LOSSES


def derived(spec: str, **shapes: tuple[object, ...]) -> sg.Derivation:
    """The derivation of a spec; arrays with small letters are data."""
    make = {True: sg.param, False: sg.data}
    space: dict[str, object] = {"np": np, "sg": sg}
    space |= {n: make[n[0].isupper()](n, s) for n, s in shapes.items()}
    exec(spec, space)
    arrays = {n: v for n, v in space.items() if isinstance(v, sg.Array)}
    return sg.derive(arrays["loss"], names=arrays)


def lines(derivation: sg.Derivation, value: str) -> str:
    """The lines of the derivative by a value, its box left out, with single spaces."""
    shown = str(derivation.render("text")).split(f"with respect to {value}\n")[1]
    return " ".join(shown.split("┌")[0].split())


ATTENTION = """
P = sg.softmax(Q @ K.T, axis=1)
loss = np.sum(t * (P @ V))
"""


def test_what_is_put_in_is_the_local_derivative_letter_by_letter() -> None:
    d = derived(ATTENTION, Q=("N", 4), K=("N", 4), V=("N", 4), t=("N", 4))
    shown = lines(d, "u₁")
    local = re.search(r"∂P\[j,l\]/∂u₁\[n,m\] = (.*?) local derivative", shown)
    assert local
    assert f"Σ_{{j,l}} ∂L/∂P[j,l] {local[1]} derivative of P" in shown
    assert "softmax" not in shown
    assert "definition" not in shown
    assert "Σ_{m,j} ∂L/∂u₁[m,j] δ(n,m) K[j,i] derivative of u₁" in lines(d, "Q")


def test_what_is_divided_by_its_norm_has_a_textbooks_local_derivative() -> None:
    d = derived("u = X / np.linalg.norm(X)\nloss = np.sum(t * u**2)", X=(5,), t=(5,))
    assert re.search(r"= \(δ\(.,.\) − u\[.\] u\[.\]\)/sqrt\(.*local derivative", lines(d, "X"))


def test_an_update_gate_is_differentiated_as_it_is_typed() -> None:
    spec = "z = sg.sigmoid(A)\nh = (1 - z) * B + z * C\nloss = np.sum(t * h**2)"
    shapes = {"A": (4,), "B": (4,), "C": (4,), "t": (4,)}
    shown = str(derived(spec, **shapes).render("text"))
    assert "̃" not in shown
    assert re.search(r"∂L/∂z\[.\] = ∂L/∂h\[.\] \(C\[.\] − B\[.\]\)", shown)
    entropy = "z = sg.sigmoid(A)\nloss = -np.sum((1 - z) * np.log(1 - z) + z * np.log(z))"
    d = derived(entropy, A=(4,))
    value = d.compile().loss(A=np.array([40.0, -40.0, 50.0, 50.0]))
    np.testing.assert_allclose(value, 2 * 41 * np.exp(-40.0) + 2 * 51 * np.exp(-50.0), rtol=1e-9)


def test_terms_stand_in_the_order_of_the_local_derivatives() -> None:
    spec = """
i, f, o, g = np.split(A, 4)
i, f, o, g = sg.sigmoid(i), sg.sigmoid(f), sg.sigmoid(o), np.tanh(g)
loss = np.sum(o * np.tanh(f * t + i * g) ** 2)
"""
    d = derived(spec, A=(12,), t=(3,))
    shown = str(d.render("text"))
    boxed = shown.split("with respect to A\n")[1].split("┌")[1]
    for text in (lines(d, "A"), boxed):
        places = [text.index(f"∂L/∂{gate}[") for gate in "ifog"]
        assert places == sorted(places)


@pytest.mark.parametrize("name", ["attention", "info_nce", "layer_norm", "vae"])
def test_the_lines_of_the_chain_rule_are_equal(name: str) -> None:
    loss = next(a for a in LOSSES if a.name == name)
    arrays = {n: sg.param(n, s) for n, s in loss.params.items()}
    arrays |= {n: sg.data(n, s) for n, s in loss.data.items()}
    d = sg.derive(loss.function(np, **arrays), names=arrays)
    author = Author(d, d.notation, Display)
    found, count = [], 0
    for adjoint in d.adjoints:
        chain = Chain(author, adjoint)
        if chain.put_in:
            raw = adjoint.steps[0].before if adjoint.steps else adjoint.equation.rhs
            put_in = sp.Add(*chain.put_in, chain.direct)
            ends = [put_in, *(s.after for s in chain.steps)]
            rows = [Step("put in", raw, put_in)]
            rows += [Step("row", a, b) for a, b in pairwise(ends)]
            adjoint, count = replace(adjoint, steps=tuple(rows)), count + 1
        found.append(adjoint)
    checks = steps(replace(d, adjoints=tuple(found)), Points(d, 0))
    assert count > 2
    assert [c for c in checks if not c.passed] == []


MIXTURE = """
N = np.exp(-((x[:, None] - M) ** 2) / (2 * S**2)) / np.sqrt(2 * np.pi * S**2)
p = np.sum(w * N, axis=1)
loss = -np.sum(np.log(p))
"""
PARTS = """
p = w * np.exp(-((x[:, None] - M) ** 2) / (2 * S**2)) / np.sqrt(2 * np.pi * S**2)
loss = -np.sum(np.log(np.sum(p, axis=1)))
"""
WEIGHED = """
N = np.exp(-0.5 * ((x[:, None] - M) / S) ** 2) / (S * np.sqrt(2 * np.pi))
p = N @ w
loss = -np.mean(np.log(p))
"""


def mixture(spec: str = MIXTURE) -> sg.Derivation:
    space: dict[str, object] = {
        "np": np,
        "x": sg.data("x", ("n",)),
        "w": sg.param("w", ("K",), assume=sg.positive),
        "M": sg.param("M", ("K",)),
        "S": sg.param("S", ("K",), assume=sg.positive),
    }
    exec(spec, space)
    arrays = {n: v for n, v in space.items() if isinstance(v, sg.Array)}
    return sg.derive(arrays["loss"], names=arrays)


@pytest.mark.parametrize(
    ("spec", "by_w", "by_m", "told"),
    [
        (MIXTURE, "−Σ_i N[i,k]/p[i]", "−w[k]/S[k]² Σ_i (x[i] − M[k]) N[i,k]/p[i]", "p"),
        (PARTS, "−1/w[k] Σ_i p[i,k]/(Σ_j p[i,j])",
         "−1/S[k]² Σ_i (x[i] − M[k]) p[i,k]/(Σ_j p[i,j])", "a sum of p"),
        (WEIGHED, "−1/n Σ_i N[i,k]/p[i]", "−w[k]/(n S[k]²) Σ_i (x[i] − M[k]) N[i,k]/p[i]", "p"),
    ],
)  # fmt: skip
def test_shares_of_a_mixture_have_their_names(spec: str, by_w: str, by_m: str, told: str) -> None:
    d = mixture(spec)
    shown = " ".join(str(d.render("text", choice=sg.Choice("brief"))).split())
    assert f"∂L/∂w[k] = {by_w} " in shown
    assert f"∂L/∂M[k] = {by_m} " in shown
    assert f"What is divided by {told} is computed from logarithms" in shown
    assert "exp" not in shown.split("The backward pass")[1]


@pytest.mark.parametrize("spec", [MIXTURE, PARTS, WEIGHED])
def test_shares_by_names_are_what_they_were(spec: str) -> None:
    d = mixture(spec)
    named = by_names(d)
    rows = [
        replace(a, steps=(Step("named", a.equation.rhs, b.equation.rhs), *b.steps))
        for a, b in zip(d.adjoints, named.adjoints, strict=True)
    ]
    assert any("p" in str(a.steps[0].after) for a in rows)
    checks = steps(replace(d, adjoints=tuple(rows)), Points(d, 0))
    assert [c for c in checks if not c.passed] == []


def test_far_from_all_parts_a_mixture_has_its_gradient() -> None:
    at = {"x": np.array([60.0]), "w": np.ones(2), "M": np.array([0.0, 1.0]), "S": np.ones(2)}
    assert pytest.approx([0, -59], abs=1e-9) == mixture().compile().gradients(**at).M


LAYER_NORM = """
mu = np.mean(X, axis=1, keepdims=True)
var = np.var(X, axis=1, keepdims=True)
s = np.sqrt(var + 1e-5)
xhat = (X - mu) / s
loss = np.sum(t * xhat**2)
"""


def test_layer_norm_ends_as_in_a_textbook() -> None:
    d = derived(LAYER_NORM, X=("N", "D"), t=("N", "D"))
    assert [a.value for a in d.adjoints if not a.inlined] == ["xhat", "X"]
    shown = lines(d, "X")
    assert "definition of x̂" in shown
    assert "are substituted." in shown
    boxed = " ".join(str(d.gradients["X"].equation.rhs).split())
    assert boxed.count("Sum") == 2
    assert boxed.endswith("/s[n, 0]")
    at = {"X": np.array([[1.0, 2.0, 4.0]]), "t": np.array([[0.5, -1.0, 2.0]])}
    assert d.compile().gradients(**at).X.sum() == pytest.approx(0, abs=1e-12)


def test_a_total_that_makes_nothing_shorter_keeps_its_name() -> None:
    d = derived("n = np.sum(X**2)\nloss = np.sin(n) * np.sum(np.exp(n * t))", X=(3,), t=(3,))
    assert "∂L/∂X[i] = 2 ∂L/∂n X[i]" in " ".join(str(d.render("text")).split())


def test_the_sum_over_a_diagonal_is_a_trace() -> None:
    d = derived(
        "K = X @ X.T + S**2 * np.eye(4)\nloss = np.sum(np.sin(K) * t)", X=(4, 3), S=(), t=(4, 4)
    )
    assert "∂L/∂S = 2 S tr(∂L/∂K)" in " ".join(str(d.render("text")).split())


def test_brackets_of_parts_of_formulas_have_no_space_around() -> None:
    opening, closing = (mathml(Sign(c)) for c in "()")
    assert '<mo form="prefix" stretchy="false" lspace="0" rspace="0">(</mo>' in opening
    assert '<mo form="postfix" stretchy="false" lspace="0" rspace="0">)</mo>' in closing


def test_layers_that_are_alike_read_their_own_totals() -> None:
    layer = """
m{k} = np.mean({x}, axis=1, keepdims=True)
v{k} = np.var({x}, axis=1, keepdims=True)
s{k} = np.sqrt(v{k} + 1e-5)
h{k} = ({x} - m{k}) / s{k}
"""
    spec = "".join(layer.format(k=k, x=x) for k, x in ((1, "X"), (2, "h1"), (3, "h2")))
    d = derived(spec + "loss = np.sum(np.sin(h3) * t)", X=(3, 4), t=(3, 4))
    read = {a.value: {*map(name_of, entries(a.equation.rhs))} for a in d.adjoints}
    assert read["h1"] == {"dh2", "h2", "s2"}
    assert read["X"] == {"dh1", "h1", "s1"}
    points = Points(d, 0)
    assert [c for c in run(d, points) if not c.passed] == []


def test_steps_that_lead_back_to_an_earlier_line_are_left_out() -> None:
    d = derived("a = np.sum(np.logaddexp(0, Z) - t * Z)\nloss = np.sin(a)", Z=(3,), t=(3,))
    shown = lines(d, "Z")
    assert shown.count("∂L/∂a (sigmoid(Z[i]) − t[i])") == 1
    assert "common factor" not in shown
    assert "common factor" in str(d.render("text", choice=sg.Choice(detail="full")))


def test_what_goes_from_step_to_step_is_read_and_not_put_in() -> None:
    x, w, u = sg.data("x", ("T",)), sg.param("w", ()), sg.param("u", ())

    def step(h: sg.Array, x: sg.Array) -> tuple[sg.Array, sg.Array]:
        a = x * w + h * u
        h = np.tanh(a)
        return h, h

    last, _ = sg.scan(step, sg.zeros(()), x)
    text = str(sg.derive(last**2, wrt=["h"]).render("text"))
    assert "The derivative with respect to a\n" in text
    assert "substituted" not in text.split("The derivative with respect to h\n")[1].split("┌")[0]
