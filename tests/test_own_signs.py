"""A value that is called as a sign of the derivation itself is told from it, in every printing."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import symgrad as sg

Build = Callable[[Any, Any], Any]

CASES: list[tuple[str, tuple[int, ...], Build, dict[str, str]]] = [
    (
        "I", (3, 3), lambda A, v: np.sum((A @ v + np.eye(3)) ** 2),
        {"text": "A I + 𝐈", "latex": r"A I + \mathbf{I}", "markdown": r"A I + \mathbf{I}",
         "typst": "A I + 𝐈", "html": "<mi>𝐈</mi>"},
    ),
    (
        "pi", (3,), lambda A, v: np.pi * np.sum(A) * np.sum(v**2),
        {"text": "2 π pi[i]", "latex": r"2 \pi \mathrm{pi}_{i}",
         "markdown": r"2 \pi \mathrm{pi}_{i}",
         "typst": '2 π upright("pi")_i', "html": '<msub><mi class="up">pi</mi>'},
    ),
    (
        "e", (), lambda A, v: np.e * v * np.sum(A),
        {"text": "exp(1) e", "latex": r"\exp(1)", "markdown": r"\exp(1)", "typst": "exp \\( 1",
         "html": "<mn>1</mn>"},
    ),
    (
        "delta", (3,), lambda A, v: np.sum(np.diag(A) * v),
        {"text": "[i = j] δ[i]", "latex": r"[i = j] \delta_{i}", "markdown": r"[i = j] \delta_{i}",
         "typst": "\\[ i = j \\] δ_i", "html": "<mi>δ</mi>"},
    ),
    (
        "Gamma", (3,), lambda A, v: np.sum(A[0] * special.gamma(v)),
        {"text": "Γ(Gamma[i])", "latex": r"\mathrm{Gamma}_{i}", "markdown": r"\mathrm{Gamma}_{i}",
         "typst": 'upright("Gamma")_i', "html": '<mi class="up">Gamma</mi>'},
    ),
    (
        "Phi", (3,), lambda A, v: np.sum(A[0] * special.log_ndtr(v)),
        {"text": "Φ(Phi[i])", "latex": r"\mathrm{Phi}_{i}", "markdown": r"\mathrm{Phi}_{i}",
         "typst": 'upright("Phi")_i', "html": '<mi class="up">Phi</mi>'},
    ),
    (
        "det", (), lambda A, v: v * np.linalg.det(A),
        {"text": "L  = 𝘥𝘦𝘵 t₁", "latex": r"\mathit{det}", "markdown": r"\mathit{det}",
         "typst": 'italic("det")', "html": '<mi class="it">det</mi>'},
    ),
    (
        "Sigma_i", (3,), lambda A, v: np.sum(A @ v),
        {"text": "Sigma_i[k]", "latex": r"\Sigma_{i,k}", "markdown": r"\Sigma_{i,k}",
         "typst": "Σ_", "html": "<mi>Σ</mi>"},
    ),
]  # fmt: skip


@functools.cache
def derivation(name: str, shape: tuple[int, ...], build: Build) -> sg.Derivation:
    return sg.derive(build(sg.param("A", (3, 3)), sg.param(name, shape)))


@pytest.mark.parametrize(
    ("case", "printing"), [(c, f) for c in CASES for f in c[3]], ids=lambda x: str(x)[:20]
)
def test_values_are_told_from_the_derivations_own_signs(case: Any, printing: str) -> None:
    name, shape, build, shown = case
    assert shown[printing] in derivation(name, shape, build).render(printing)


@pytest.mark.parametrize(
    ("name", "shown"), [("I", "A I"), ("pi", "A π"), ("Gamma", "A Γ"), ("det", "A det")]
)
def test_a_name_stands_as_it_is_where_nothing_else_is_called_so(name: str, shown: str) -> None:
    text = derivation(name, (3,), lambda A, v: np.sum((A @ v) ** 2)).render("text")
    assert f"= {shown}" in text


def test_a_size_that_is_called_pi_is_told_from_the_number() -> None:
    d = sg.derive(np.pi * np.mean(sg.param("x", ("pi",)) ** 2))
    assert "L = π/pi ‖x‖²" in d.render("text")
    assert r"\frac{\pi}{\mathrm{pi}}" in d.render("latex")
