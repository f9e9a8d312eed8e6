"""What repairs and sentences of audits look like."""

from __future__ import annotations

import pytest

from symgrad.audit.wording import changed, rounded, sentence, tidied, which, with_letters_of

LONG = "np.exp(scores - scores.max(axis=1, keepdims=True)) / total[:, None]"


@pytest.mark.parametrize(
    ("text", "old", "new", "then"),
    [
        ("d = (q - Y) / m\n", "Y", "(smooth(Y))", "d = (q - smooth(Y)) / m\n"),
        ("d = a * b\n", "a * b", "((a * b)) / (n)", "d = a * b / n\n"),
        ("d = a * b\n", "a * b", "(a + b) * (1/3)", "d = (a + b) * (1/3)\n"),
        ("d = a * b\n", "a * b", "a * b * 1 / (1 + c)", "d = a * b / (1 + c)\n"),
        ("d = 2 * ((a) + b)\n", "((a) + b)", "((a) + b * n)", "d = 2 * ((a) + b * n)\n"),
        ('d = c["a"]\n', 'c["a"]', "c['s']", 'd = c["s"]\n'),
        ("d = f(\n    a)\n", "f(\n    a)", "(f(a)\n)", "d = f(a)\n\n"),
    ],
)
def test_a_repair_is_written_as_by_hand(text: str, old: str, new: str, then: str) -> None:
    start = text.index(old)
    assert changed(text, tidied(text, [(start, start + len(old), new)])) == then


@pytest.mark.parametrize(
    ("words", "then"),
    [
        ("the sign is wrong: `+=` ought to be ` -= `", "the sign is wrong: `+=` ought to be `-=`"),
        ("the factor (1/3) is missing", "the factor 1/3 is missing"),
        ("the factor 1 / n is missing", "the factor `1 / n` is missing"),
        (
            "the derivative of tanh at a[0] is missing",
            "the derivative of tanh at `a[0]` is missing",
        ),
        (
            "the factor has n where it ought to have n - 1",
            "the factor has `n` where it ought to have `n - 1`",
        ),
        ("the gradient passes only where z > 0", "the gradient passes only where `z > 0`"),
        ("`Y` is wrong: it ought to be `(f(Y))`", "`Y` is wrong: it ought to be `f(Y)`"),
        (
            "`g['s'] * (c['a'] + 1)` is wrong: it ought to be `g['s'] * (c['b'] + 1)`",
            "`c['a']` is wrong: it ought to be `c['b']`",
        ),
        (f"the sum is off: `{LONG}` ought to be `2 * {LONG}`", "the sum is off"),
        (
            f"`{LONG}` is wrong: it ought to be `2 * {LONG}`; and more",
            "the expression is wrong; and more",
        ),
        ("`f(a, axis=0)` ought to be `f(a, axis=1)`", "`f(a, axis=0)` ought to be `f(a, axis=1)`"),
    ],
)
def test_a_sentence_quotes_what_differs(words: str, then: str) -> None:
    assert sentence(words, "repaired") == then


def test_which_of_two_is_meant() -> None:
    assert which("0.5", "c = 0.5 * (1 + 0.5)", 15) == " (the second `0.5` of the line)"
    assert which("0.5", "c = 0.5 * (1 + 10.5)", 4) == ""


def test_numbers_have_no_more_digits_than_they_need() -> None:
    assert rounded("d[i] = -1.5624999999999998 x1[i]/3") == "d[i] = -1.5625 x1[i]/3"


@pytest.mark.parametrize(
    ("equation", "other", "then"),
    [
        ("dV[i,j] = Σ_n d[n] X[n,i] q[n,j]", "dV[j,i] = 1", "dV[j,i] = Σ_n d[n] X[n,j] q[n,i]"),
        ("dF[i,m] = 1/M Σ_j G[i,j] F[j,m]", "dF[j,m] = 1", "dF[j,m] = 1/M Σ_i G[j,i] F[i,m]"),
        ("du[k] = Σ_{i,j} A[i,j] δ(k, j)", "du[i] = 1", "du[i] = Σ_{k,j} A[k,j] δ(i, j)"),
        ("d[i] = k U[i]", "d[k] = 1", "d[i] = k U[i]"),
        ("d[i] = U[users[i]]", "d[k] = 1", "d[i] = U[users[i]]"),
    ],
)
def test_two_equations_have_the_same_letters(equation: str, other: str, then: str) -> None:
    assert with_letters_of(equation, other) == then
