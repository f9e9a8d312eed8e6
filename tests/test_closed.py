"""Derivatives in the inputs and parameters alone."""

from __future__ import annotations

import numpy as np
import pytest

import symgrad as sg
from symgrad.formats import FORMATS
from symgrad.writing.choice import Choice
from symgrad.writing.closed import closed_forms
from symgrad.writing.display import Display
from symgrad.writing.notation import Notation
from symgrad.writing.printings.latex import latex
from symgrad.writing.printings.text import text
from tests.test_matrix_form import Reader, column, plain


def closed(loss: sg.Array, **values: sg.Array) -> list[str]:
    """The lines of a derivation in closed form, without the shapes at their ends."""
    shown = str(sg.derive(loss, names=values).render(choice=sg.Choice(closed=True)))
    lines = shown.partition("parameters alone")[2].partition("Remarks")[0].splitlines()[2:]
    return [line.strip().rpartition("   ")[0].strip() or line.strip() for line in lines if line]


def test_least_squares() -> None:
    X, y, w = sg.data("X", ("N", "D")), sg.data("y", ("N",)), sg.param("w", ("D",))
    r = X @ w - y
    assert closed(np.sum(r**2), r=r)[-1] == "∂L/∂w = 2 Xᵀ (X w − y)"


def test_what_all_terms_have_at_one_side_is_written_once() -> None:
    X, y, w = sg.data("X", ("N", "D")), sg.data("y", ("N",)), sg.param("w", ("D",))
    u = X @ w
    assert closed(np.sum(np.exp(u) - y * u))[-1] == "∂L/∂w = Xᵀ (exp(X w) − y)"
    A, B, v = sg.data("A", ("M", "N")), sg.data("B", ("M", "N")), sg.data("v", ("N",))
    c = sg.param("c", ("M",))
    assert closed(c @ (A @ v) - 2 * c @ (B @ v))[-1] == "∂L/∂c = (A − 2 B) v"
    assert closed(c @ (A @ v) - np.sum(c))[-1] == "∂L/∂c = A v − 𝟏"


def test_a_quadratic_form_has_the_fewest_transposes() -> None:
    A, x, b = sg.data("A", ("N", "N")), sg.param("x", ("N",)), sg.data("b", ("N",))
    assert closed(x @ A @ x)[0] == "L     = xᵀ A x"
    assert closed(x @ A.T @ b)[0] == "L     = bᵀ A x"


def test_what_stands_below_a_norm_and_beside_it_is_gone() -> None:
    x, mu, s = sg.data("x", ("N",)), sg.param("mu", ()), sg.param("log_sigma", ())
    sigma = np.exp(s)
    z = (x - mu) / sigma
    assert closed(np.mean(s + z**2 / 2), sigma=sigma, z=z)[2] == "∂L/∂logσ = 1 − 1/N ‖z‖²"


def test_logistic_regression_has_no_bracket_too_many() -> None:
    X, y, w = sg.data("X", ("N", "D")), sg.data("y", ("N",)), sg.param("w", ("D",))
    loss = np.sum(np.log(1 + np.exp(-y * (X @ w))))
    assert closed(loss) == [
        "L     = 𝟏ᵀ softplus(−(X w) ⊙ y)",
        "∂L/∂w = −Xᵀ (sigmoid(−(X w) ⊙ y) ⊙ y)",
    ]


def test_the_derivative_of_a_log_sum_exp_is_a_softmax() -> None:
    A, x = sg.data("A", ("N", "D")), sg.param("x", ("D",))
    assert closed(np.log(np.sum(np.exp(A @ x)))) == [
        "L     = logsumexp(A x)",
        "∂L/∂x = Aᵀ softmax(A x)",
    ]


def test_powers_of_norms_have_one_exponent() -> None:
    x = sg.param("x", ("D",))
    assert closed(np.sum(x**2) ** 2) == ["L     = ‖x‖⁴", "∂L/∂x = 4 ‖x‖² x"]


def test_a_matrix_and_its_inverse_cancel() -> None:
    K, M = sg.param("K", ("N", "N")), sg.data("M", ("N", "N"))
    assert closed(np.trace(np.linalg.inv(K) @ M @ K))[-1] == "∂L/∂K = 0"
    assert closed(np.trace(np.linalg.inv(K) @ M))[-1] == "∂L/∂K = −K⁻ᵀ Mᵀ K⁻ᵀ"


def test_the_evidence_of_a_gaussian_process() -> None:
    X, y, ell = sg.data("X", ("N", "D")), sg.data("y", ("N",)), sg.param("ell", ())
    r2 = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=2)
    K = np.exp(-r2 / (2 * ell**2)) + sg.eye("N")
    alpha = np.linalg.solve(K, y)
    loss = (y @ alpha + np.linalg.slogdet(K)[1]) / 2
    lines = closed(loss, r2=r2, K=K, alpha=alpha)
    assert lines == [
        "L     = 1/2 (yᵀ K⁻¹ y + log |det K|)",
        "∂L/∂ℓ = 1/(2 ℓ³) tr(((K⁻¹ − K⁻¹ y yᵀ K⁻¹) ⊙ r₂) exp(−1/(2 ℓ²) r₂))",
        "where",
        "r₂[n,m] = ‖X[n] − X[m]‖²",
        "K       = exp(−1/(2 ℓ²) r₂) + I",
    ]


def test_what_is_met_several_times_has_its_name() -> None:
    Q, K, V = (sg.param(n, (m, "d")) for n, m in zip("QKV", "NMM", strict=True))
    T = sg.data("T", ("N", "d"))
    S = Q @ K.T
    P = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
    lines = closed(np.sum(T * (P @ V)), S=S, P=P)
    assert lines == [
        "L     = tr(V Tᵀ P)",
        "∂L/∂Q = ∂L/∂S K",
        "∂L/∂K = (∂L/∂S)ᵀ Q",
        "∂L/∂V = Pᵀ T",
        "where",
        "S     = Q Kᵀ",
        "P     = softmax_rows(S)",
        "∂L/∂S = P ⊙ (T Vᵀ − (P ⊙ (T Vᵀ)) 𝟏 𝟏ᵀ)",
    ]


def test_a_variance_that_has_no_name_is_written_once() -> None:
    x, g = sg.param("x", ("N", "D")), sg.data("g", ("N", "D"))
    loss = np.sum(g * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5))
    lines = closed(loss)
    assert lines[-1] == "t₂ = 1/N ((x − 1/N 𝟏 𝟏ᵀ x)^∘2)ᵀ 𝟏 + 10⁻⁵ 𝟏"
    assert lines[1].startswith("∂L/∂x = g ⊘ (𝟏 sqrt(t₂)ᵀ)")
    assert " − 1/N (x − 1/N 𝟏 𝟏ᵀ x) diag(" in " ".join(lines[1:3])


def test_what_a_derivative_is_by_has_its_name_too() -> None:
    A, b, x = sg.data("A", (4, 4)), sg.data("b", (4,)), sg.param("x", (4,))
    last = x
    for _ in range(2):
        last = last - A.T @ (A @ last - b)
    lines = closed(np.sum((A @ last - b) ** 2) / 2, x=x)
    defined = [line.split("=")[0].strip() for line in lines]
    by = [name.removeprefix("∂L/∂") for name in defined if name.startswith("∂L/∂")]
    assert len(by) > 1
    assert set(by) <= {*defined, "x"}


def test_a_product_with_ones_is_written_without_them() -> None:
    x, a, M = sg.param("x", ("N",)), sg.param("a", ()), sg.param("M", ("N", "D"))
    v, V = x**3 + np.exp(x) + x, M**3 + np.exp(M) + M
    shown = "\n".join(closed((np.sum(v * a) * np.sum(V) ** 2) ** 2, v=v, V=V))
    assert "⊙ 𝟏" not in shown
    assert "𝟏 ⊙" not in shown
    assert "𝟏ᵀ) ⊙" not in shown


@pytest.mark.parametrize("layout", [n for n in FORMATS if n != "pdf"])
def test_every_format_has_closed_forms(layout: str) -> None:
    y, w = sg.data("y", ("N",), dtype=int), sg.param("w", ("N", 3))
    p = np.exp(w) / np.exp(w).sum(axis=1, keepdims=True)
    d = sg.derive(-np.sum(np.log(p[sg.arange("N"), y])), names={"p": p})
    assert d.render(layout, choice=sg.Choice(closed=True))


def test_parts_of_closed_forms_are_closed() -> None:
    A, b, x = sg.data("A", ("m", "n")), sg.data("b", ("m",)), sg.param("x", ("n",))
    d = sg.derive(np.linalg.norm(A @ x - b), names={"A": A, "b": b, "x": x})
    for part in ("gradients", "backward", "x"):
        shown = str(d.render("text", choice=Choice(form="matrix", parts=(part,), closed=True)))
        assert shown.split("  n")[0].strip() == "∂L/∂x = 1/‖A x − b‖ Aᵀ (A x − b)"
    forward = str(d.render("text", choice=Choice(parts=("forward",), closed=True)))
    assert forward.strip().startswith("L = ‖A x − b‖")


SCALED = {
    "u = s * x\nv = u / s\nloss = np.sum(np.exp(v) * u)": "((x + 𝟏) ⊙ exp(x))ᵀ x - (x^∘2)ᵀ exp(x)",
    "u = s**2 * w\nv = u / s\nloss = np.sum(v**2) / s + np.sum(np.sin(u) / s**3)": "2/s w",
    "u = np.sum(w**2)\nloss = np.sum(np.exp(u * w / s) / u)": "",
    "u = w / np.sqrt(np.sum(w**2))\nloss = np.sum(w**2) * np.sum(np.exp(u * s) / s)": "",
}
"""Specs in which a scalar is divided by itself, and what is left."""


@pytest.mark.parametrize("spec", SCALED)
def test_a_scalar_cancels_and_the_form_has_the_same_values(spec: str) -> None:
    s, w, x = sg.param("s", ()), sg.param("w", (3,)), sg.data("x", (3,))
    space = {"np": np, "s": s, "w": w, "x": x}
    exec(spec, space)
    names = {n: v for n, v in space.items() if isinstance(v, sg.Array)}
    d = sg.derive(space["loss"], names=names)
    found = closed_forms(d, Notation.of(d), Display)
    every = {"s": np.array(1.7), "w": np.array([0.3, -1.1, 0.8]), "x": np.array([0.5, 1.2, -0.7])}
    point = {v.name: every[v.name] for v in d.system.variables}
    env = {name: column(value) for name, value in point.items()}
    _, gradients = d.compile().loss_and_gradients(**point)
    lines = []
    for name in d.wrt:
        form = found.matrix(d.adjoint_name[name])
        lines.append("" if form is None else text(form[1]))
        if form is not None:
            read = plain(Reader(latex(form[1]), env).sum())
            np.testing.assert_allclose(
                read, column(np.asarray(getattr(gradients, name))), rtol=1e-9
            )
    assert any(lines)
    assert SCALED[spec] in " ".join(lines)
