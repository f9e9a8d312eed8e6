"""The first-order identities of the Matrix Cookbook: as numbers, and as they print.

Petersen & Pedersen, The Matrix Cookbook, version of November 15, 2012.
"""

# ruff: noqa: PLW0108 (the names of a lambda's arguments are read)

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.linalg import det, inv, norm, slogdet

import symgrad as sg

N, M, K, P = 3, 4, 2, 5
SHAPES: dict[str, tuple[int, ...]] = {
    "A": (N, N), "B": (N, N), "C": (N, N), "X": (N, N), "S": (N, N), "T": (N, N),
    "R": (M, N), "U": (M, M), "V": (M, M), "W": (M, M), "Q": (K, N), "F": (M, N),
    "D": (P, M), "E": (N, P), "G": (P, N), "H": (M, P), "J": (N, M), "Z": (M, K),
    "Y": (P, P), "O": (N, K),
    "a": (N,), "b": (N,), "c": (N,), "x": (N,),
    "u": (M,), "v": (M,), "w": (M,), "q": (K,), "s": (K,),
}  # fmt: skip
SYMMETRIC = ("S", "T", "V", "W")
"""Assumed, and drawn, symmetric and positive definite."""


@dataclass(frozen=True)
class Identity:
    """``derivative`` is that of ``function`` by ``wrt``; both name what they read.

    ``printed``: the matrix form, with spaces for what LaTeX wants; empty where it has none.
    """

    number: str
    function: Callable[..., Any]
    wrt: str
    derivative: Callable[..., Any]
    printed: str = ""


def names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The arguments of a function."""
    return function.__code__.co_varnames[: function.__code__.co_argcount]


def logdet(x: Any) -> Any:
    return slogdet(x)[1]


TABLE = [
    # 2.1 Determinants
    Identity("49", lambda X: det(X), "X", lambda X: det(X) * inv(X).T, "L X^{-⊤}"),
    Identity("51", lambda A, X, B: det(A @ X @ B), "X",
             lambda A, X, B: det(A @ X @ B) * inv(X).T, "L A^⊤ (A X B)^{-⊤} B^⊤"),
    Identity("52", lambda X, A: det(X.T @ A @ X), "X",
             lambda X, A: 2 * det(X.T @ A @ X) * inv(X).T,
             "L A X (X^⊤ A X)^{-1} + L A^⊤ X (X^⊤ A X)^{-⊤}"),
    Identity("53", lambda R, V: det(R.T @ V @ R), "R",
             lambda R, V: 2 * det(R.T @ V @ R) * V @ R @ inv(R.T @ V @ R),
             "2 L V R (R^⊤ V R)^{-1}"),
    Identity("54", lambda R, U: det(R.T @ U @ R), "R",
             lambda R, U: det(R.T @ U @ R) * (
                 U @ R @ inv(R.T @ U @ R) + U.T @ R @ inv(R.T @ U.T @ R)),
             "L U R (R^⊤ U R)^{-1} + L U^⊤ R (R^⊤ U R)^{-⊤}"),
    Identity("55", lambda R: logdet(R.T @ R), "R", lambda R: 2 * np.linalg.pinv(R).T,
             "2 R (R^⊤ R)^{-1}"),
    Identity("57", lambda X: logdet(X), "X", lambda X: inv(X).T, "X^{-⊤}"),
    Identity("57", lambda X: np.log(det(X)), "X", lambda X: inv(X).T, "X^{-⊤}"),
    Identity("58", lambda X: det(np.linalg.matrix_power(X, 3)), "X",
             lambda X: 3 * det(X) ** 3 * inv(X).T,
             "L (X X X)^{-⊤} X^⊤ X^⊤ + L X^⊤ (X X X)^{-⊤} X^⊤ + L X^⊤ X^⊤ (X X X)^{-⊤}"),
    Identity("58", lambda X: det(X) ** 2, "X", lambda X: 2 * det(X) ** 2 * inv(X).T,
             r"2 (\det X)^{2} X^{-⊤}"),
    # 2.2 Inverses
    Identity("61", lambda a, X, b: a @ inv(X) @ b, "X",
             lambda a, X, b: -inv(X).T @ np.outer(a, b) @ inv(X).T,
             "-X^{-⊤} a b^⊤ X^{-⊤}"),
    Identity("62", lambda X: det(inv(X)), "X", lambda X: -det(inv(X)) * inv(X).T,
             "-L X^{-⊤}"),
    Identity("63", lambda A, X, B: np.trace(A @ inv(X) @ B), "X",
             lambda A, X, B: -(inv(X) @ B @ A @ inv(X)).T,
             "-X^{-⊤} A^⊤ B^⊤ X^{-⊤}"),
    Identity("64", lambda X, A: np.trace(inv(X + A)), "X",
             lambda X, A: -(inv(X + A) @ inv(X + A)).T,
             "-(A + X)^{-⊤} (A + X)^{-⊤}"),
    # 2.4 Vectors and matrices: first order
    Identity("69", lambda x, a: x @ a, "x", lambda x, a: a, "a"),
    Identity("69", lambda x, a: a @ x, "x", lambda x, a: a, "a"),
    Identity("70", lambda u, R, b: u @ R @ b, "R", lambda u, R, b: np.outer(u, b), "u b^⊤"),
    Identity("71", lambda b, R, u: b @ R.T @ u, "R", lambda b, R, u: np.outer(u, b), "u b^⊤"),
    Identity("72", lambda a, X: a @ X @ a, "X", lambda a, X: np.outer(a, a), "a a^⊤"),
    Identity("72", lambda a, X: a @ X.T @ a, "X", lambda a, X: np.outer(a, a), "a a^⊤"),
    # 2.4 second order
    Identity("76", lambda R: np.sum(np.einsum("kl,mn->klmn", R, R)), "R",
             lambda R: 2 * np.sum(R) * np.ones(R.shape),
             "2 (1^⊤ R 1) 1 1^⊤"),
    Identity("76", lambda R: np.sum(R) ** 2, "R", lambda R: 2 * np.sum(R) * np.ones(R.shape),
             "2 (1^⊤ R 1) 1 1^⊤"),
    Identity("77", lambda b, R, c: b @ R.T @ R @ c, "R",
             lambda b, R, c: R @ (np.outer(b, c) + np.outer(c, b)), "R c b^⊤ + R b c^⊤"),
    Identity("78", lambda F, x, u, Z, Q, q: (F @ x + u) @ Z @ (Q @ x + q), "x",
             lambda F, x, u, Z, Q, q: F.T @ Z @ (Q @ x + q) + Q.T @ Z.T @ (F @ x + u),
             "F^⊤ Z (Q x + q) + Q^⊤ Z^⊤ (F x + u)"),
    Identity("80", lambda R, U: np.trace(R.T @ U @ R), "R", lambda R, U: U @ R + U.T @ R,
             "U R + U^⊤ R"),
    Identity("81", lambda x, B: x @ B @ x, "x", lambda x, B: (B + B.T) @ x, "B x + B^⊤ x"),
    Identity("82", lambda b, R, U, c: b @ R.T @ U @ R @ c, "R",
             lambda b, R, U, c: U.T @ R @ np.outer(b, c) + U @ R @ np.outer(c, b),
             "U R c b^⊤ + U^⊤ R b c^⊤"),
    Identity("83", lambda R, b, u, U: (R @ b + u) @ U @ (R @ b + u), "R",
             lambda R, b, u, U: np.outer((U + U.T) @ (R @ b + u), b),
             "(U (R b + u) + U^⊤ (R b + u)) b^⊤"),
    Identity("84", lambda u, Z, s, V: (u - Z @ s) @ V @ (u - Z @ s), "s",
             lambda u, Z, s, V: -2 * Z.T @ V @ (u - Z @ s), "-2 Z^⊤ V (u - Z s)"),
    Identity("85", lambda x, a, S: (x - a) @ S @ (x - a), "x",
             lambda x, a, S: 2 * S @ (x - a), "2 S (x - a)"),
    Identity("86", lambda x, a, S: (x - a) @ S @ (x - a), "a",
             lambda x, a, S: -2 * S @ (x - a), "-2 S (x - a)"),
    Identity("87", lambda u, Z, s, V: (u - Z @ s) @ V @ (u - Z @ s), "u",
             lambda u, Z, s, V: 2 * V @ (u - Z @ s), "2 V (u - Z s)"),
    Identity("88", lambda u, Z, s, V: (u - Z @ s) @ V @ (u - Z @ s), "Z",
             lambda u, Z, s, V: -2 * V @ np.outer(u - Z @ s, s), "-2 V (u - Z s) s^⊤"),
    Identity("92", lambda a, X, b: a @ X @ X @ X @ b, "X",
             lambda a, X, b: sum(
                 np.outer(np.linalg.matrix_power(X.T, r) @ a,
                          np.linalg.matrix_power(X, 2 - r) @ b) for r in range(3)),
             "a b^⊤ X^⊤ X^⊤ + X^⊤ a b^⊤ X^⊤ + X^⊤ X^⊤ a b^⊤"),
    Identity("93", lambda a, X, b: a @ (X @ X).T @ X @ X @ b, "X",
             lambda a, X, b: sum(
                 np.linalg.matrix_power(X.T, r) @ X @ X @ (np.outer(a, b) + np.outer(b, a))
                 @ np.linalg.matrix_power(X.T, 1 - r) for r in range(2)),
             "X X b a^⊤ X^⊤ + X X a b^⊤ X^⊤ + X^⊤ X X b a^⊤ + X^⊤ X X a b^⊤"),
    Identity("96", lambda F, x, Q: (F @ x) @ (F @ x) / ((Q @ x) @ (Q @ x)), "x",
             lambda F, x, Q: 2 * F.T @ F @ x / (x @ Q.T @ Q @ x)
             - 2 * (x @ F.T @ F @ x) * (Q.T @ Q @ x) / (x @ Q.T @ Q @ x) ** 2,
             r"2 (\frac{1}{\left\lVert Q x \right\rVert^2} F^⊤ F x - "
             r"\frac{L}{\left\lVert Q x \right\rVert^2} Q^⊤ Q x)"),
    Identity("97", lambda x, A, b: x @ A @ x + b @ x, "x",
             lambda x, A, b: (A + A.T) @ x + b, "A x + A^⊤ x + b"),
    # 2.5 Traces: first order
    Identity("99", lambda X: np.trace(X), "X", lambda X: np.eye(N), "I"),
    Identity("100", lambda X, A: np.trace(X @ A), "X", lambda X, A: A.T, "A^⊤"),
    Identity("101", lambda D, R, E: np.trace(D @ R @ E), "R", lambda D, R, E: D.T @ E.T,
             "D^⊤ E^⊤"),
    Identity("102", lambda G, R, H: np.trace(G @ R.T @ H), "R", lambda G, R, H: H @ G, "H G"),
    Identity("103", lambda R, F: np.trace(R.T @ F), "R", lambda R, F: F, "F"),
    Identity("104", lambda J, R: np.trace(J @ R), "R", lambda J, R: J.T, "J^⊤"),
    Identity("105", lambda A, X: np.trace(np.kron(A, X)), "X",
             lambda A, X: np.trace(A) * np.eye(N)),
    # second order
    Identity("106", lambda X: np.trace(X @ X), "X", lambda X: 2 * X.T, "2 X^⊤"),
    Identity("107", lambda X, B: np.trace(X @ X @ B), "X", lambda X, B: (X @ B + B @ X).T,
             "X^⊤ B^⊤ + B^⊤ X^⊤"),
    Identity("108", lambda R, U: np.trace(R.T @ U @ R), "R", lambda R, U: U @ R + U.T @ R,
             "U R + U^⊤ R"),
    Identity("109", lambda R, B: np.trace(B @ R.T @ R), "R", lambda R, B: R @ B.T + R @ B,
             "R B^⊤ + R B"),
    Identity("110", lambda R, U: np.trace(R @ R.T @ U), "R", lambda R, U: U @ R + U.T @ R,
             "U R + U^⊤ R"),
    Identity("111", lambda R, B: np.trace(R @ B @ R.T), "R", lambda R, B: R @ B.T + R @ B,
             "R B^⊤ + R B"),
    Identity("112", lambda R, B: np.trace(B @ R.T @ R), "R", lambda R, B: R @ B.T + R @ B,
             "R B^⊤ + R B"),
    Identity("113", lambda R, B: np.trace(R.T @ R @ B), "R", lambda R, B: R @ B.T + R @ B,
             "R B^⊤ + R B"),
    Identity("114", lambda A, X, B: np.trace(A @ X @ B @ X), "X",
             lambda A, X, B: A.T @ X.T @ B.T + B.T @ X.T @ A.T, "B^⊤ X^⊤ A^⊤ + A^⊤ X^⊤ B^⊤"),
    Identity("115", lambda R: np.trace(R.T @ R), "R", lambda R: 2 * R, "2 R"),
    Identity("115", lambda R: np.trace(R @ R.T), "R", lambda R: 2 * R, "2 R"),
    Identity("116", lambda B, R, U: np.trace(B.T @ R.T @ U @ R @ B), "R",
             lambda B, R, U: U.T @ R @ B @ B.T + U @ R @ B @ B.T,
             "U R B B^⊤ + U^⊤ R B B^⊤"),
    Identity("117", lambda R, U, C: np.trace(R.T @ U @ R @ C), "R",
             lambda R, U, C: U @ R @ C + U.T @ R @ C.T, "U^⊤ R C^⊤ + U R C"),
    Identity("118", lambda U, R, B, V: np.trace(U @ R @ B @ R.T @ V), "R",
             lambda U, R, B, V: U.T @ V.T @ R @ B.T + V @ U @ R @ B,
             "U^⊤ V R B^⊤ + V U R B"),
    Identity("119", lambda D, R, E, Y: np.trace((D @ R @ E + Y) @ (D @ R @ E + Y).T), "R",
             lambda D, R, E, Y: 2 * D.T @ (D @ R @ E + Y) @ E.T, "2 D^⊤ (D R E + Y) E^⊤"),
    Identity("120", lambda X: np.trace(np.kron(X, X)), "X",
             lambda X: 2 * np.trace(X) * np.eye(N)),
    # higher order
    Identity("121", lambda X: np.trace(np.linalg.matrix_power(X, 4)), "X",
             lambda X: 4 * np.linalg.matrix_power(X, 3).T, "4 X^⊤ X^⊤ X^⊤"),
    Identity("122", lambda A, X: np.trace(A @ X @ X @ X), "X",
             lambda A, X: (X @ X @ A + X @ A @ X + A @ X @ X).T,
             "X^⊤ X^⊤ A^⊤ + A^⊤ X^⊤ X^⊤ + X^⊤ A^⊤ X^⊤"),
    Identity("123", lambda B, R, V: np.trace(B.T @ R.T @ V @ R @ R.T @ V @ R @ B), "R",
             lambda B, R, V: V @ R @ R.T @ V @ R @ B @ B.T * 2
             + V @ R @ B @ B.T @ R.T @ V @ R * 2,
             "2 V R R^⊤ V R B B^⊤ + 2 V R B B^⊤ R^⊤ V R"),
    # others
    Identity("124", lambda A, X, B: np.trace(A @ inv(X) @ B), "X",
             lambda A, X, B: -inv(X).T @ A.T @ B.T @ inv(X).T,
             "-X^{-⊤} A^⊤ B^⊤ X^{-⊤}"),
    Identity("125", lambda R, V, B: np.trace(inv(R.T @ V @ R) @ B), "R",
             lambda R, V, B: -(V @ R @ inv(R.T @ V @ R)) @ (B + B.T) @ inv(R.T @ V @ R),
             "-V R (R^⊤ V R)^{-1} B (R^⊤ V R)^{-1} - V R (R^⊤ V R)^{-1} B^⊤ (R^⊤ V R)^{-1}"),
    Identity("126", lambda R, V, W: np.trace(inv(R.T @ V @ R) @ (R.T @ W @ R)), "R",
             lambda R, V, W: -2 * V @ R @ inv(R.T @ V @ R) @ R.T @ W @ R @ inv(R.T @ V @ R)
             + 2 * W @ R @ inv(R.T @ V @ R),
             "2 W R (R^⊤ V R)^{-1} - 2 V R (R^⊤ V R)^{-1} R^⊤ W R (R^⊤ V R)^{-1}"),
    Identity("127", lambda R, S, V, W: np.trace(inv(S + R.T @ V @ R) @ (R.T @ W @ R)), "R",
             lambda R, S, V, W: -2 * V @ R @ inv(S + R.T @ V @ R) @ R.T @ W @ R
             @ inv(S + R.T @ V @ R) + 2 * W @ R @ inv(S + R.T @ V @ R),
             "2 W R (R^⊤ V R + S)^{-1} - 2 V R (R^⊤ V R + S)^{-1} R^⊤ W R (R^⊤ V R + S)^{-1}"),
    # 2.6 Norms
    Identity("129", lambda x, a: norm(x - a), "x", lambda x, a: (x - a) / norm(x - a),
             r"\frac{1}{L} (x - a)"),
    Identity("130", lambda x, a, c: c @ ((x - a) / norm(x - a)), "x",
             lambda x, a, c: c / norm(x - a) - (x - a) * (c @ (x - a)) / norm(x - a) ** 3,
             r"\frac{1}{\left\lVert x - a \right\rVert} (c - "
             r"\frac{1}{\left\lVert x - a \right\rVert^2} (c^⊤ (x - a)) (x - a))"),
    Identity("131", lambda x: norm(x) ** 2, "x", lambda x: 2 * x, "2 x"),
    Identity("131", lambda x: x @ x, "x", lambda x: 2 * x, "2 x"),
    Identity("132", lambda R: norm(R) ** 2, "R", lambda R: 2 * R, "2 R"),
    # sums of all entries
    Identity("sum", lambda R: np.sum(R), "R", lambda R: np.ones(R.shape), "1 1^⊤"),
    Identity("sum", lambda R, F: np.sum(R * F), "R", lambda R, F: F, "F"),
    Identity("sum", lambda R, F: np.einsum("ij,ij->", R, F), "R", lambda R, F: F, "F"),
    Identity("sum", lambda R: np.ones(M) @ R @ np.ones(N), "R", lambda R: np.ones(R.shape),
             "1 1^⊤"),
    Identity("sum", lambda F, R, B: np.sum((F - R @ B) ** 2), "R",
             lambda F, R, B: -2 * (F - R @ B) @ B.T, "-2 (F - R B) B^⊤"),
]  # fmt: skip


@functools.cache
def derived(index: int) -> sg.Derivation:
    """The derivation of an identity of the table."""
    identity = TABLE[index]
    assume = dict.fromkeys(SYMMETRIC, sg.symmetric)
    arrays = {
        name: sg.param(name, SHAPES[name])
        if name == identity.wrt
        else sg.data(name, SHAPES[name], assume=assume.get(name))
        for name in names(identity.function)
    }
    return sg.derive(identity.function(**arrays), names={})


def point(identity: Identity) -> Mapping[str, np.ndarray]:
    """Random numbers for what an identity reads; square matrices are far from singular."""
    rng = np.random.default_rng(7)
    values = {name: rng.normal(size=SHAPES[name]) for name in names(identity.function)}
    for name, value in values.items():
        if value.ndim == 2 and len(value) == len(value.T):
            values[name] = value + 2 * np.eye(len(value))
        if name in SYMMETRIC:
            values[name] = value @ value.T + np.eye(len(value))
    return values


def latex(written: str) -> str:
    """The LaTeX of a printed form of the table."""
    text = re.sub(r"(?<![\w}])1(?![\w}])", r"\\mathbf{1}", written)
    return text.replace("^⊤", r"^{\top}").replace("⊤", r"\top")


each = pytest.mark.parametrize(
    "index", range(len(TABLE)), ids=[f"{k}-{i.number}" for k, i in enumerate(TABLE)]
)


@pytest.mark.sampled(3)
@each
def test_the_derivative_is_that_of_the_book(index: int) -> None:
    identity = TABLE[index]
    at = point(identity)
    module = derived(index).compile()
    value, gradients = module.loss_and_gradients(**at)
    np.testing.assert_allclose(value, identity.function(**at), rtol=1e-11)
    expected = identity.derivative(**{name: at[name] for name in names(identity.derivative)})
    scale = np.abs(expected).max()
    found = getattr(gradients, identity.wrt)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11 * scale)


@each
def test_the_matrix_form_reads_as_in_the_book(index: int) -> None:
    identity = TABLE[index]
    gradient = derived(index).gradients[identity.wrt]
    if not identity.printed:  # products of every entry with every other
        with pytest.raises(sg.SpecError, match="no matrix form"):
            gradient.matrix_latex()
        return
    _, _, form = gradient.matrix_latex().partition(" = ")
    assert re.sub(r"\\(left|right)(?=[()])", "", form) == latex(identity.printed)
