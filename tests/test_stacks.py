"""Matrix forms of stacks: how they read, and that they are equal to their equations."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import test_matrix_form as whole

import symgrad as sg
from symgrad.calculus.derivation import forward_and_adjoints
from symgrad.checks.points import Points
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.sizes import fixed
from symgrad.writing.formula import Formula, Letter
from symgrad.writing.stacks import stacked_form


def heads() -> sg.Derivation:
    X, Y = sg.data("X", ("T", 4)), sg.data("Y", ("T", 4))
    A, B, C = (sg.param(name, (2, 4, 3)) for name in "ABC")
    D = sg.param("D", (2, 3, 4))
    Q, K, V = (np.einsum("td,hde->hte", X, W) for W in (A, B, C))
    S = np.einsum("hte,hse->hts", Q, K) / 2
    P = np.exp(S) / np.sum(np.exp(S), axis=-1, keepdims=True)
    O = np.einsum("hts,hse->hte", P, V)
    R = X + np.einsum("hte,hed->td", O, D)
    loss = np.mean((R - Y) ** 2)
    return sg.derive(loss, names={"Q": Q, "K": K, "V": V, "S": S, "P": P, "O": O, "R": R})


def clusters() -> sg.Derivation:
    X, M, H = sg.data("X", ("N", 2)), sg.param("M", ("K", 2)), sg.param("H", ("K", 2, 2))
    Z = X[:, None, :] - M
    U = np.einsum("nki,kij,nkj->nk", Z, H, Z)
    loss = np.sum(np.log(np.sum(np.exp(-U), axis=1)))
    return sg.derive(loss, names={"Z": Z, "U": U, "loss": loss})


@dataclass(frozen=True)
class Read:
    """A form as it is read: ``text`` for the array at these indices."""

    at: tuple[str, ...]
    text: str


def forms(derivation: sg.Derivation) -> dict[str, Read]:
    """The forms of all equations; an array at some indices is called ``Z_nk``."""
    equations = forward_and_adjoints(derivation)
    known = {v.name: v for v in derivation.system.variables}
    known |= {e.name: Variable(e.name, e.shape, "data") for e in equations}
    found = {}
    for equation in equations:
        letters = derivation.notation.letters.assign(equation.rhs, equation.indices)

        def symbol(name: str, at: Any, letters: Any = letters) -> Formula:
            return whole.symbol(name + ("_" + "".join(letters[i] for i in at) if at else ""))

        form = stacked_form(equation, known, symbol, lambda i, letters=letters: Letter(letters[i]))
        if form is not None:
            at = "".join(letters[i] for i in form.at)
            found[equation.name] = Read(tuple(at), whole.shown(form.matrix.formula))
    return found


def test_heads() -> None:
    found = {name: form.text for name, form in forms(heads()).items()}
    assert found["Q"] == "X A_i"
    assert found["P"] == r"\operatorname{softmax}_{\text{rows}}(S_i)"
    assert found["R"] == r"X + \sum_{i} O_i D_i"
    assert found["dV"] == r"P_i^{\top} dO_i"
    assert found["dS"] == r"P_i \odot (dP_i - (P_i \odot dP_i) \mathbf{1} \mathbf{1}^{\top})"
    assert found["dK"] == r"\frac{1}{2} dS_i^{\top} Q_i"


def test_clusters() -> None:
    found = forms(clusters())
    assert found["Z"] == Read(("n", "k"), "X_n - M_k")
    assert found["U"] == Read(("n", "k"), r"Z_nk^{\top} H_k Z_nk")
    assert found["dH"] == Read(("k",), r"\sum_{n} dU_nk Z_nk Z_nk^{\top}")
    assert found["dM"] == Read((), r"-\sum_{n} dZ_n")


class Reader(whole.Reader):
    """Evaluates a form where each index has a value."""

    def __init__(self, text: str, env: dict[str, Any], at: dict[str, int], sizes: Any) -> None:
        super().__init__(text, env)
        self.at, self.sizes = at, sizes

    def product(self) -> Any:
        if not self.ahead.startswith(r"\sum"):
            return super().product()
        letters = self.next()[len(r"\sum_{") : -1].split(",")
        start, found = list(self.tokens), 0
        for values in itertools.product(*(range(self.sizes[c]) for c in letters)):
            self.tokens = list(start)
            self.at |= dict(zip(letters, values, strict=True))
            found = found + super().product()
        return found

    def atom(self) -> Any:
        name, _, letters = self.ahead.partition("_")
        if name not in self.env:
            return super().atom()
        self.next()
        return whole.column(self.env[name][tuple(self.at[c] for c in letters)])


@pytest.mark.parametrize("made", [heads, clusters])
def test_forms_are_equal_to_their_equations(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        whole, "TOKEN", whole.re.compile(rf"\\sum_\{{[\w,]+\}}|{whole.TOKEN.pattern}")
    )
    derivation = made()
    point = Points(derivation)[0]
    env = {name: np.asarray(array, dtype=float) for name, array in point.values.items()}
    env |= {str(size): np.asarray(count) for size, count in point.sizes.items()}
    letters = derivation.notation.letters
    sizes = {
        letter: int(fixed(size) or size.xreplace(point.sizes))
        for group, size in letters.ranges()
        for letter in group
    }
    found = forms(derivation)
    for name, form in found.items():
        for values in itertools.product(*(range(sizes[c]) for c in form.at)):
            at = dict(zip(form.at, values, strict=True))
            value = whole.plain(Reader(form.text, env, at, sizes).sum())
            expected = whole.column(env[name][values])
            np.testing.assert_allclose(
                np.broadcast_to(value, np.shape(expected)), expected, rtol=1e-9, err_msg=form.text
            )
    assert len(found) > 5


def test_what_an_array_with_few_indices_is_told() -> None:
    told = "is what is left of it there"
    assert told in " ".join(heads().render("text").split())
    w = sg.param("w", (3,))
    assert told not in " ".join(sg.derive(np.sum(w**2), names={}).render("text").split())


def test_the_index_form_is_not_said_twice() -> None:
    A, b, x = sg.data("A", ("N", 3)), sg.data("b", ("N",)), sg.param("x", (3,))
    r = A @ x - b
    huber = np.where(np.abs(r) <= 1, r**2 / 2, np.abs(r) - 0.5)
    derivation = sg.derive(np.sum(huber), names={"A": A, "b": b, "x": x, "r": r, "huber": huber})
    with pytest.raises(sg.SpecError, match="no matrix form"):
        derivation.gradients["r"].matrix_latex()
    assert derivation.gradients["x"].matrix_latex()
    assert r"\boxed{\frac{\partial L}{\partial r_{n}} = " in derivation.latex()
