from __future__ import annotations

import builtins
import inspect
import os
import time

import hostile
import numpy as np
import pytest
import scipy.special

import symgrad as sg
from symgrad.reading import ParseError

SHAPES = {"X": "N,3", "y": "N", "w": "3", "A": "3,3", "labels": "N:int", "s": ""}

TEXTS = [
    "sum((X @ w - y)**2)", "sum(log(1 + exp(-y * (X @ w))))", "np.mean((X @ w - y)**2) / 2 + s",
    "-2**2 + sum(-w**2)", "2**-1 * sum(w)", "2**3**2 * s", "s - 1 - 2", "s / 2 / 4", "6 // 4 * s",
    "sum(X.T @ y)", "X.sum(axis=0) @ w", "X.mean(axis=(0, 1))", "sum(X[:, 0] * y)", "sum(X[-1])",
    "X[0, 1] + w[2]", "sum(X[1:, ::2])", "sum(w[None] * X)", "sum(X[..., -1])", "A[:2].sum()",
    "sum(maximum(X @ w, 0))", "sum(where(X > 0, X, 0.1 * X))",
    "sum(where((w > 0) & (w < 1), w, 0))",
    "sum(where(~(w > 0) | (w != 1), w, 0))", "np.linalg.det(A)", "sum(inv(A) @ w)", "trace(A)",
    "np.linalg.slogdet(A)[1]", "sum(solve(A, w))", "np.einsum('ij,j->', X, w)", "sum(abs(w))",
    "np.linalg.norm(w) * s", "sum(outer(w, w) * A)", "sum(concatenate([w, w[1:]]))", "norm(A)",
    "sum(stack((w, w), axis=1) @ ones(2))", "sum(arange(N) * y)", "sum(y) / N", "s * pi + e",
    "sum(reshape(A, (9,)))", "A.reshape(-1).sum()", "sum(eye(3) * A)", "sum(clip(w, -1, 1))",
    "mean(X, axis=0, keepdims=True).sum()", "sum(special.expit(w))", "scipy.special.gammaln(s + 3)",
    "sum(cumsum(w))", "var(y)", "sum(tril(A))", "+s", "(s)", "sum(w ** 0.5 * 1e2)", "min(w)*max(y)",
    "sum(X[arange(N), labels])", "sum(sqrt(w**2 + .5))", "sum((w, w, w))", "sum(np.tanh(X) <= 0.5)",
]  # fmt: skip


def point():
    rng = np.random.default_rng(0)
    return {
        "X": rng.normal(size=(4, 3)), "y": rng.normal(size=4), "w": rng.uniform(0.5, 1.5, 3),
        "A": rng.normal(size=(3, 3)) + 3 * np.eye(3), "labels": np.array([2, 0, 1, 1]),
        "s": np.array(1.25),
    }  # fmt: skip


@pytest.mark.parametrize("start", range(0, len(TEXTS), 15))
def test_texts_mean_what_they_mean_in_numpy(start):
    """Some at a time, with commas between them, in one module."""
    at, texts = point(), TEXTS[start : start + 15]
    namespace = {**vars(scipy.special), **vars(np.linalg), **vars(np), "N": 4}
    namespace |= {"np": np, "scipy": scipy, "special": scipy.special, **at}
    expected = [eval(text, namespace) for text in texts]  # those above
    module = sg.function(sg.parse(f"stack(({', '.join(texts)}))", SHAPES, ["w", "s"])).compile()
    inputs = [n for n in at if n in inspect.signature(module.forward).parameters]
    found = module.forward(**{n: at[n] for n in inputs})[-1]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_text_is_derived_as_the_spec_is():
    X, y = sg.data("X", ("N", 3)), sg.data("y", ("N",))
    w = sg.param("w", (3,))
    mine = sg.derive(sg.parse("mean((X @ w - y)**2)", {"X": ("N", 3), "y": "N", "w": 3}, ["w"]))
    assert mine.source() == sg.derive(np.mean((X @ w - y) ** 2)).source()


HOSTILE = [*hostile.RUNNING, *hostile.DEEP, *hostile.LOOKALIKES, *hostile.DEEPER]
SECONDS = 2.0
"""Of the processor: a busy machine makes none of them longer."""


def refusals(texts):
    """What is refused, by the text; each in its time."""
    found = {}
    for text in texts:
        start = time.process_time()
        try:
            sg.parse(text, SHAPES, params=["w"])
        except sg.SpecError as error:
            found[text] = error
        taken = time.process_time() - start
        assert taken < SECONDS, text[:60]
    return found


def watched(function, texts):
    """The function; with any of the texts it fails."""

    def run(source, *args, **more):
        assert str(source) not in texts, "something was run"
        return function(source, *args, **more)

    return run


def test_hostile_texts_are_refused_by_column_and_nothing_runs(monkeypatch):
    parts = {*HOSTILE, "__import__('os')", "os", "/etc/passwd", "x", "ls"}
    with monkeypatch.context() as patch:
        for name in ("eval", "exec", "compile", "open", "__import__"):
            patch.setattr(builtins, name, watched(getattr(builtins, name), parts))
        patch.setattr(os, "system", lambda *_: pytest.fail("something was run"))
        found = refusals(HOSTILE)
    assert [t[:40] for t in HOSTILE if t not in found] == []
    assert len(found) >= 400
    for text, error in found.items():
        if isinstance(error, ParseError):
            assert 1 <= error.column <= len(text) + 1


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("slogdet(A)", 1, "no value"), ("X[X > 0]", 2, "where a condition holds"),
        ("sum(X[X > 0])", 1, "where a condition holds"), ("s + 0777", 5, "begins with no 0"),
        ("[w] * 3", 5, "lists are"), ("sum((w,) + (w,))", 10, "lists are"),
        ("w, w", 2, "stand here"),
    ],
)  # fmt: skip
def test_what_is_refused_late_has_a_column_too(text, column, said):
    with pytest.raises(ParseError, match=said) as caught:
        sg.parse(text, SHAPES, ["w", "s"])
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("shapes", "params"),
    [
        ({"w": "10**9"}, ["w"]), ({"w": "9" * 5000}, ["w"]), ({"w": (10**30,)}, ["w"]),
        ({"w": (-1,)}, ["w"]), ({"w": "3," * 1000}, ["w"]), ({"w": "__import__('os')"}, ["w"]),
        ({"a" * 10**6: "3", "w": 3}, ["w"]), ({"w": open}, ["w"]), ({"w": "N" * 10**6}, ["w"]),
        ({"lambda": "3"}, ["lambda"]), ({"w\0": "3"}, ["w\0"]), ({"__class__": 3}, ["__class__"]),
        ({"w": "3"}, ["__x__"]), ({"w": "3"}, [None]), ({"w": "3"}, [["w"]]),
    ],
)  # fmt: skip
def test_hostile_shapes_are_refused(shapes, params):
    with pytest.raises(sg.SpecError):
        sg.parse("sum(w)", shapes, params)


def test_a_text_that_is_run_would_be_seen():
    with pytest.raises(AssertionError, match="something was run"):
        watched(eval, {"1 + 1"})("1 + 1")


def test_mixed_up_texts_are_read_or_refused():
    found = refusals(hostile.mixed(400))
    assert len(found) > 300
    assert all(str(error) for error in found.values())


COLUMNS = {
    "sum(w": 6, "w @@ w": 4, "open('x')": 1, "w + open(1)": 5, "w.__class__": 3, "w + $": 5,
    "sum(X @ X)": 7, "w**65": 2, "w[0][0]": 5, "0 < w < 1": 7, "w\n  + q": 7, "sum(w, axis=3)": 1,
    "w if w else w": 3, "sum(w, axis=0, 1)": 16,
}  # fmt: skip


@pytest.mark.parametrize("text", COLUMNS)
def test_an_error_points_at_its_column(text):
    with pytest.raises(ParseError) as error:
        sg.parse(text, SHAPES)
    assert error.value.column == COLUMNS[text]
    assert f"(column {COLUMNS[text]})" in str(error.value)


@pytest.mark.parametrize(
    ("shapes", "params", "said"),
    [
        ({"w": "3", "1w": "3"}, [], "'1w' is not a name"),
        ({"w": "0"}, [], "has the size 0"),
        ({"w": "3;4"}, [], "has the size '3;4'"),
        ({"w": "3:complex"}, [], "w has the dtype 'complex'"),
        ({"w": "3:int"}, ["w"], "the parameter w has the dtype 'int'"),
        ({"w": "3"}, ["v"], "there is no shape of the parameter 'v'"),
        ({f"w{k}": "3" for k in range(200)}, [], "200 inputs"),
    ],
)
def test_shapes_that_are_none(shapes, params, said):
    with pytest.raises(sg.SpecError, match=said):
        sg.parse("1.0", shapes, params)


def test_an_input_may_have_the_name_of_a_constant():
    assert sg.derive(sg.parse("e * pi", {"e": ""}, ["e"])).compile().gradients(e=1.0).e == np.pi


def test_a_text_is_a_text():
    with pytest.raises(sg.SpecError, match="an expression is a text, not bytes"):
        sg.parse(b"w", SHAPES)


def test_a_function_needs_a_value_in_front():
    with pytest.raises(ParseError, match="exp is called without a value"):
        sg.parse("exp(x=s)", shapes={"s": "3"}, params=["s"])


def test_an_error_shows_the_text_and_no_line_of_the_program() -> None:
    with pytest.raises(sg.SpecError) as caught:
        sg.parse("sum(foo(w))", shapes={"w": "3"}, params=["w"])
    assert str(caught.value) == (
        "there is no function foo (column 5)\n  perhaps floor\n  sum(foo(w))\n      ^"
    )
    assert caught.value.where is not None
