"""Infinity as people use it: masks of attention, outermost thresholds, what they sum up to."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.checks.derived import run
from symgrad.checks.generated import module_checks
from symgrad.errors import SpecError

Arrays = Mapping[str, np.ndarray]
INF = np.inf
ROWS = np.arange(4)
CAUSAL = np.tri(4) > 0
BELOW = np.tri(4, k=-1) > 0


def softmax(z: Any) -> Any:
    """As people type it, with the shift by the maximum."""
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def plain(z: Any) -> Any:
    """Without the shift."""
    return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)


def attention(scores: Any, V: Any, by: Callable[[Any], Any] = softmax) -> Any:
    return np.sum((by(scores) @ V) ** 2)


def thresholds(t: Any, e: Any) -> Any:
    """The logarithms of the chances of each class, in ordinal regression."""
    bounds = np.concatenate([[-INF], np.cumsum(np.exp(t)), [INF]])
    above = 1 / (1 + np.exp(e - bounds))
    return -np.sum(np.log(above[1:] - above[:-1]))


@dataclass(frozen=True)
class Case:
    """A loss of parameters, and of data where a letter is large: ``V``; ``m`` is a mask."""

    name: str
    loss: Callable[..., Any]
    sizes: Mapping[str, Any]
    """The shape of each input; a named size is 4."""


def case(name: str, loss: Callable[..., Any], **sizes: Any) -> Case:
    letters = inspect.signature(loss).parameters
    return Case(name, loss, {n: sizes.get(n, (4, 4)) for n in letters})


NAMED = ("T", "T")
MASKS = [
    case("triu of full", lambda S, V: attention(S + np.triu(np.full((4, 4), -INF), 1), V)),
    case("where of tri", lambda S, V: attention(S + np.where(CAUSAL, 0.0, -INF), V)),
    case("where of tri, plain", lambda S, V: attention(S + np.where(CAUSAL, 0, -INF), V, plain)),
    case("added from the left", lambda S, V: attention(np.where(BELOW.T, -INF, 0.0) + S, V)),
    case("subtracted", lambda S, V: attention(S - np.where(CAUSAL, 0.0, INF), V)),
    case("log of a mask", lambda S, V: attention(S + _log(np.tri(4)), V)),
    case("where, a constant mask", lambda S, V: attention(np.where(CAUSAL, S, -INF), V)),
    case("where, plain", lambda S, V: attention(np.where(CAUSAL, S, -INF), V, plain)),
    case("where, the other way", lambda S, V: attention(np.where(~CAUSAL, -INF, S), V)),
    case("where, float", lambda S, V: attention(np.where(CAUSAL, S, float("-inf")), V)),
    case("where, a mask as data", lambda S, V, m: attention(np.where(m, S, -INF), V)),
    case("select", lambda S, V: attention(np.select([CAUSAL], [S], -INF), V)),
    case("where of an array", lambda S, V: attention(np.where(CAUSAL, S, np.full(4, -INF)), V)),
    case("a mask as data, named", lambda S, V, m: attention(np.where(m, S, -INF), V),
         S=NAMED, V=("T", 2), m=NAMED),
    case("scores of queries", lambda Q, K, V: attention(
        np.where(CAUSAL, Q @ K.T / np.sqrt(3), -INF), V), Q=(4, 3), K=(4, 3), V=(4, 2)),
    case("heads", lambda S, V: attention(S + np.where(CAUSAL, 0.0, -INF), V),
         S=(2, 4, 4), V=(2, 4, 3)),
    case("logs of softmax", lambda S: -np.sum(
        np.log(softmax(np.where(CAUSAL, S, -INF))[ROWS, np.array([0, 1, 1, 3])]))),
    case("log-sum-exp", lambda S: np.sum(
        np.log(np.sum(np.exp(np.where(CAUSAL, S, -INF)), axis=1)))),
    case("thresholds", thresholds, t=(3,), e=()),
    case("bounds of clip", lambda S: np.sum(np.clip(S, -INF, 0.3) ** 2)),
    case("the larger", lambda S: np.sum(np.maximum(S, -INF) * np.minimum(S, INF))),
    case("the largest", lambda S: np.sum(np.max(np.where(CAUSAL, S, -INF), axis=1) ** 2)),
]  # fmt: skip


def _log(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))


def inputs(case: Case) -> dict[str, sg.Array]:
    def made(name: str, shape: Any) -> sg.Array:
        if name == "m":
            return sg.data(name, shape, dtype=bool)
        return (sg.data if name == "V" else sg.param)(name, shape)

    return {name: made(name, shape) for name, shape in case.sizes.items()}


def point(case: Case) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {n: [4 if s == "T" else s for s in shape] for n, shape in case.sizes.items()}
    found = {n: np.asarray(rng.normal(size=shape)) for n, shape in shapes.items()}
    return found | ({"m": CAUSAL} if "m" in found else {})


def slopes(loss: Callable[..., Any], at: Arrays, name: str) -> np.ndarray:
    """The derivatives by differences, NumPy computing the loss as it is typed."""
    found = np.zeros(at[name].shape)
    for place in np.ndindex(found.shape):
        change = np.zeros(found.shape)
        change[place] = 1e-6
        up, down = (loss(**{**at, name: at[name] + s * change}) for s in (1, -1))
        found[place] = (up - down) / 2e-6
    return found


@pytest.mark.parametrize("case", MASKS, ids=lambda case: case.name)
def test_masks_in_every_spelling(case: Case) -> None:
    arrays, at = inputs(case), point(case)
    derivation = sg.derive(case.loss(**arrays), names=arrays)
    module = derivation.compile()
    for workspace in (None, module.Workspace(**({"T": 4} if "T" in str(case.sizes) else {}))):
        value, gradients = module.loss_and_gradients(**at, workspace=workspace)
        assert value == pytest.approx(case.loss(**at), rel=1e-12)
        for name in gradients._fields:
            wanted = slopes(case.loss, at, name)
            np.testing.assert_allclose(getattr(gradients, name), wanted, atol=1e-7)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", MASKS, ids=lambda case: case.name)
def test_the_checks_take_infinity(case: Case) -> None:
    arrays = inputs(case)
    checks = list(run(sg.derive(case.loss(**arrays), names=arrays)))
    assert checks
    assert all(c.passed for c in checks), [c for c in checks if not c.passed]


def test_infinity_is_written_as_such() -> None:
    S = sg.param("S", (3, 3))
    m = sg.data("m", (3, 3), dtype=bool)
    A = np.exp(np.where(m, S, -np.inf))
    derivation = sg.derive(np.sum((A / np.sum(A, axis=1, keepdims=True)) ** 2))
    assert r"-\infty" in derivation.latex()
    assert "−∞" in derivation.render("text")
    assert "-np.inf" in derivation.source()


@pytest.mark.parametrize(
    "loss", [lambda x: np.sum(x * np.nan), lambda x: np.sum(x * np.array([1, np.nan, 2]))]
)
def test_nan_is_refused_by_name(loss: Callable[[Any], Any]) -> None:
    with pytest.raises(SpecError, match=r"nan|NaN") as caught:
        loss(sg.param("x", (3,)))
    assert caught.value.where
    assert caught.value.hint


SPEC = """
import numpy as np
import symgrad as sg
x = sg.param("x", (3,))
m = sg.data("m", (3,))
loss = np.log(np.sum(np.exp(x + m)))
example = {"x": [1.0, 2.0, 3.0], "m": [M, M, M]}
expected = {"loss": M, "dL_dx": [0, 0, 0]}
"""


@pytest.mark.parametrize(("entry", "code", "text"), [
    ("-np.inf", 0, "−∞"), ("np.nan", 2, "holds NaN"),
])  # fmt: skip
def test_infinities_and_nan_in_an_example(tmp_path: Path, entry: str, code: int, text: str) -> None:
    (tmp_path / "spec.py").write_text(SPEC.replace("M", entry))
    command = [sys.executable, "-m", "symgrad", "derive", "spec.py", "--format", "text"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.returncode == code
    assert text in found.stdout + found.stderr


# -- variances --------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [np.var, np.std])
def test_a_variance_of_too_few_numbers_is_refused(f: Callable[..., Any]) -> None:
    with pytest.raises(SpecError, match="variance of 1 numbers, with ddof=1, divides by 0"):
        f(sg.param("x", (1,)), ddof=1)
    module = sg.derive(f(sg.param("x", ("N",)), ddof=1)).compile()
    with pytest.raises(ValueError, match="N"):
        module.loss_and_gradients(x=[2.0])
    assert module.loss(x=[2.0, 4.0]) == pytest.approx(f([2.0, 4.0], ddof=1))


# -- sums of exponentials ---------------------------------------------------------------------

AT_INFINITY = [
    ([-INF, -INF, -INF], -INF, [0, 0, 0]),
    ([INF, 0.0, 1.0], INF, [np.nan] * 3),
    ([0.0, -INF, 1.0], np.log(1 + np.e), [1 / (1 + np.e), 0, np.e / (1 + np.e)]),
    ([1e300, -INF, 0.0], 1e300, [1, 0, 0]),
]
SUMS = {
    "sg": lambda z: sg.logsumexp(z, axis=-1),
    "typed": lambda z: np.log(np.sum(np.exp(z), axis=-1)),
    "shifted": lambda z: np.max(z, axis=-1) + np.log(
        np.sum(np.exp(z - np.max(z, axis=-1, keepdims=True)), axis=-1)),
}  # fmt: skip


@pytest.mark.parametrize("shape", [(3,), ("N", 3)], ids=str)
@pytest.mark.parametrize("make", [sg.param, sg.data], ids=["param", "data"])
@pytest.mark.parametrize("spelling", SUMS)
def test_log_sum_exp_at_infinity(spelling: str, make: Any, shape: Any) -> None:
    z = make("z", shape)
    loss = np.sum(SUMS[spelling](z))
    module = sg.derive(loss, wrt="z").compile()
    for row, wanted, slope in AT_INFINITY:
        at = np.broadcast_to(row, [2 if s == "N" else s for s in shape]).copy()
        for workspace in (None, module.Workspace(**({"N": 2} if "N" in shape else {}))):
            value, gradients = module.loss_and_gradients(z=at, workspace=workspace)
            assert value == pytest.approx(wanted * (at.size // 3), nan_ok=True)
            np.testing.assert_allclose(gradients.z, np.broadcast_to(slope, at.shape), rtol=1e-12)


def test_a_row_that_is_masked_as_a_whole_counts_nothing() -> None:
    S, m = sg.param("S", (2, 3)), sg.data("m", (2, 3), dtype=bool)
    V = sg.data("V", (3, 2))
    module = sg.derive(attention(np.where(m, S, -INF), V), wrt="S").compile()
    rng = np.random.default_rng(0)
    at = {"S": rng.normal(size=(2, 3)), "V": rng.normal(size=(3, 2))}
    mask = np.array([[True, True, False], [False, False, False]])
    value, gradients = module.loss_and_gradients(**at, m=mask)
    rest = softmax(at["S"][:1, :2]) @ at["V"][:2]
    assert value == pytest.approx(np.sum(rest**2))
    np.testing.assert_array_equal(gradients.S[~mask], 0)
    assert np.abs(gradients.S[mask]).min() > 0


STARTS = np.array([0.0, -INF, -INF])
LEFT_TO_RIGHT = np.where(np.tri(3).T > 0, 0.0, -INF)


def log_sum(z: Any, axis: int) -> Any:
    return np.log(np.sum(np.exp(z), axis=axis))


def chain(A: Any, B: Any, join: Callable[[Any, int], Any]) -> Any:
    """A hidden Markov model: what it starts with, and where it may go, in logarithms."""
    alpha = STARTS + B[0]
    for t in range(1, 3):
        alpha = join(alpha[:, None] + A + LEFT_TO_RIGHT, 0) + B[t]
    return -join(alpha, 0)


def alignment(z: Any) -> Any:
    """The chance of two labels with blanks between, in any alignment (CTC)."""
    lp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    labels = np.array([0, 1, 0, 2, 0])
    a = np.array([0, 0, -INF, -INF, -INF]) + lp[0, labels]
    for t in range(1, 4):
        one = np.concatenate([[-INF], a[:-1]])
        two = np.concatenate([[-INF, -INF], a[:-2]]) + np.array([-INF, -INF, -INF, 0, -INF])
        a = np.logaddexp(np.logaddexp(a, one), two) + lp[t, labels]
    return -np.logaddexp(a[-1], a[-2])


def one_by_one(x: Any) -> Any:
    total, largest = -INF, np.array(-INF)
    for k in range(3):
        total, largest = np.logaddexp(total, 2 * x[k]), np.maximum(largest, x[k] ** 2)
    return total + largest


SEMIRINGS = [
    case("a hidden Markov model", lambda A, B: chain(A, B, log_sum), A=(3, 3), B=(3, 3)),
    case("the best path", lambda A, B: chain(A, B, np.max), A=(3, 3), B=(3, 3)),
    case("an alignment", alignment, z=(4, 3)),
    case("one by one", one_by_one, x=(3,)),
    case("padded", lambda x: log_sum(np.concatenate([x, np.full(2, -INF)]), 0), x=(3,)),
    case("a square", lambda x: np.sum(np.logaddexp(np.array([-INF, 0.5]), x) ** 2), x=(2,)),
    case("of two that are nothing", lambda x: np.exp(
        np.logaddexp(STARTS, STARTS + x)) @ np.arange(1.0, 4), x=(3,)),
    case("pooled by maxima", lambda x: np.sum(
        np.max(np.where(np.array([[True], [False], [True]]), np.tanh(x), -INF), 0) ** 2), x=(3, 2)),
    case("without itself", lambda z: np.mean(
        log_sum(np.where(np.eye(3) > 0, -INF, z @ z.T), 1)), z=(3, 2)),
    case("paths of some steps", lambda W: np.sum(log_sum(log_sum(
        np.where(np.eye(3) > 0, 0, -INF)[:, :, None] + W, 1)[:, :, None] + W, 1)), W=(3, 3)),
]  # fmt: skip


@pytest.mark.parametrize("case", SEMIRINGS, ids=lambda case: case.name)
def test_logarithms_of_what_may_not_be(case: Case) -> None:
    arrays, at = inputs(case), point(case)
    d = sg.derive(case.loss(**arrays), names=arrays)
    module = d.compile()
    assert all(c.passed for c in (*run(d), *module_checks(d, module)))
    value, gradients = module.loss_and_gradients(**at)
    with np.errstate(all="ignore"):
        assert value == pytest.approx(case.loss(**at), rel=1e-12)
        for name in gradients._fields:
            wanted = slopes(case.loss, at, name)
            np.testing.assert_allclose(getattr(gradients, name), wanted, atol=1e-7)


NOTHING = np.where(np.tri(4, k=-1) > 0, 0, -INF)
WITH_NOTHING: dict[str, Callable[[Any, Any], Any]] = {
    "added": lambda S, V: attention(S + NOTHING, V),
    "added, plain": lambda S, V: attention(S + NOTHING, V, plain),
    "subtracted": lambda S, V: attention(S - np.where(BELOW, 0, INF), V),
    "where": lambda S, V: attention(np.where(BELOW, S, -INF), V),
    "triu": lambda S, V: attention(S + np.triu(np.full((4, 4), -INF)), V),
    "log of a mask": lambda S, V: attention(S + _log(np.tri(4, k=-1)), V, plain),
    "in heads": lambda S, V: attention(S[None] + NOTHING, V),
    "at a temperature": lambda S, V: attention((S + NOTHING) / 0.7, V * 0.7**0),
    "a name on the way": lambda S, V: attention(S + NOTHING - np.max(S + NOTHING, 1)[:, None], V),
    "exponentials of log-sum-exp": lambda S, V: np.sum(np.exp(log_sum(S + NOTHING, 1)) * V[:, 0]),
}


@pytest.mark.parametrize("spelling", WITH_NOTHING)
def test_a_row_that_a_constant_masks_as_a_whole(spelling: str) -> None:
    f, scale = WITH_NOTHING[spelling], 0.7 if "temperature" in spelling else 1.0
    S, V = sg.param("S", (4, 4)), sg.data("V", (4, 2))
    d = sg.derive(f(S, V), names={"S": S, "V": V})
    module = d.compile()
    assert all(c.passed for c in (*run(d), *module_checks(d, module)))
    rng = np.random.default_rng(1)
    at = {"S": rng.normal(size=(4, 4)), "V": rng.normal(size=(4, 2))}

    def loss(S: np.ndarray, V: np.ndarray) -> Any:
        e = np.exp((S + NOTHING)[1:] / scale)
        if "log-sum-exp" in spelling:
            return np.sum(e.sum(1) * V[1:, 0])
        return np.sum((e / e.sum(1, keepdims=True) @ V) ** 2)

    value, gradients = module.loss_and_gradients(**at)
    assert value == pytest.approx(loss(**at), rel=1e-12)
    np.testing.assert_allclose(gradients.S, slopes(loss, at, "S"), atol=1e-7)
    np.testing.assert_array_equal(gradients.S[0], 0)


def test_what_is_nothing_on_the_way_may_be_nan() -> None:
    S = sg.param("S", (3, 3))
    s = S + np.where(np.tri(3, k=-1) > 0, 0, -INF)
    t = s - np.max(s, axis=1, keepdims=True)
    p = np.exp(t) / np.sum(np.exp(t), axis=1, keepdims=True)
    d = sg.derive(np.sum(p**2), names={"S": S, "s": s, "t": t, "p": p})
    for plain_file in (False, True):
        module = d.compile(plain=plain_file)
        with np.errstate(invalid="ignore"):
            assert all(c.passed for c in module_checks(d, module))
            found = module.forward(S=np.ones((3, 3)))
        assert np.isnan(found.t[0]).all()
        np.testing.assert_array_equal(found.p[0], 0)


@pytest.mark.parametrize("bias", ["b", "B"], ids=["a bias", "data"])
def test_scores_of_a_network_need_no_guard(bias: str) -> None:
    x, W = sg.data("x", ("N", 3)), sg.param("W", (3, 4))
    b = (sg.param if bias == "b" else sg.data)(bias, (4,))
    source = sg.derive(np.sum(sg.logsumexp(x @ W + b, axis=1)), wrt="W").source()
    assert ("finite = np." in source) == (bias == "B")


@pytest.mark.parametrize("masked", ["np.where(m, x, -np.inf)", "np.where(m, -np.inf, x)"])
def test_a_mask_that_leaves_something_of_each_row_is_found(masked: str) -> None:
    x, m = sg.param("x", (3, 4, 3)), sg.data("m", (3, 4, 3), dtype=bool)
    c = eval(masked, {"np": np, "x": x, "m": m})
    p = np.exp(c) / np.sum(np.exp(c), axis=0, keepdims=True)
    assert all(r.passed for r in run(sg.derive(np.sum(p), names={"x": x, "m": m})))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.logaddexp(x[0], x[1]),
        lambda x: np.logaddexp2(x[0], x[1]),
        lambda x: np.log(np.exp(x[0]) + np.exp(x[1])),
        lambda x: np.log(sum(np.exp(x[i]) for i in range(2))),
        lambda x: np.log(np.sum(np.exp(x))),
    ],
)
def test_the_logarithm_of_two_exponentials_that_are_0(f: Callable[[Any], Any], dtype: Any) -> None:
    x = sg.param("x", (2,))
    module = sg.derive(f(x), names={"x": x}).compile()
    least = float(np.finfo(dtype).min) / 1.5
    for at, value, slopes in (
        ([-np.inf, -np.inf], -np.inf, [0, 0]),
        ([-np.inf, 0.0], 0.0, [0, 1]),
        ([3.0, -np.inf], 3.0, [1, 0]),
        ([least, least], least, [0.5, 0.5]),
        ([-0.0, least], 0.0, [1, 0]),
    ):
        found, gradients = module.loss_and_gradients(x=np.array(at, dtype))
        assert gradients.x.dtype == dtype
        np.testing.assert_allclose(found, value, rtol=1e-6)
        np.testing.assert_array_equal(gradients.x, slopes)


def test_infinities_beside_each_other_in_a_logaddexp() -> None:
    x = sg.param("x", (2,))
    module = sg.derive(np.logaddexp(x[0], x[1]), names={"x": x}).compile()
    for at, slopes in (
        ([np.inf] * 2, [0.5, 0.5]),
        ([1.0, np.inf], [0, 1]),
        ([0.0, -0.0], [0.5, 0.5]),
    ):
        np.testing.assert_array_equal(module.gradients(x=np.array(at)).x, slopes)


def test_two_exponentials_that_are_0_beside_one_that_is_not() -> None:
    x = sg.param("x", (3,))
    f = np.logaddexp(np.logaddexp(x[0], x[1]), x[2])
    module = sg.derive(f, names={"x": x}).compile()
    found, gradients = module.loss_and_gradients(x=np.array([-np.inf, -np.inf, 1.0]))
    assert found == 1
    np.testing.assert_array_equal(gradients.x, [0, 0, 1])


def test_the_larger_of_two_that_are_infinite() -> None:
    x = sg.param("x", (2, 3))
    module = sg.derive(np.sum(np.maximum(x[0], x[1])[1:]), names={"x": x}).compile()
    at = np.array([[-np.inf, -np.inf, 1.0], [-np.inf, 0.0, np.inf]])
    np.testing.assert_array_equal(module.gradients(x=at).x, [[0, 0, 0], [0, 1, 1]])
    module = sg.derive(np.sum(np.minimum(x[0], x[1])), names={"x": x}).compile()
    np.testing.assert_array_equal(module.gradients(x=at).x, [[0.5, 1, 1], [0.5, 0, 0]])


def of_a_mask(rows: Any) -> tuple[str, ...]:
    """What is said of attention with a mask: where it holds, there is a score."""
    scores = sg.param("S", (2, 3))
    return sg.derive(np.sum(sg.softmax(np.where(rows, scores, -np.inf), axis=1) ** 2)).remarks


def test_a_row_that_may_be_masked_as_a_whole_is_told_of() -> None:
    told = "a row that is masked as a whole has the softmax 0"
    assert any(told in r for r in of_a_mask(np.array([[True] * 3, [False] * 3])))
    assert any(told in r for r in of_a_mask(sg.data("m", (2, 3), dtype=bool)))
    assert of_a_mask(np.array([[True] * 3, [True, False, False]])) == ()


def test_a_causal_mask_leaves_something_in_each_row() -> None:
    scores = sg.param("S", (3, 3))
    masked = scores + np.triu(np.full((3, 3), -np.inf), 1)
    assert sg.derive(np.sum(sg.softmax(masked, axis=1) ** 2)).remarks == ()
    nothing = scores + np.full((3, 3), -np.inf)
    assert sg.derive(np.sum(sg.softmax(nothing, axis=1) ** 2)).remarks != ()


@pytest.mark.parametrize(
    "mask", ["sg.ones((3,)) * -np.inf", "-np.inf * sg.ones((3,))", "np.full(3, 2) * -np.inf"]
)
def test_numbers_times_an_infinity_are_one(mask: str) -> None:
    w = sg.param("w", (3,))
    least = eval(mask, {"np": np, "sg": sg})
    module = sg.derive(np.sum(np.maximum(w, least) ** 2)).compile()
    assert module.loss(w=np.array([1.0, -2.0, 0.0])) == 5


SOFTMAXES: dict[str, Callable[[Any], Any]] = {
    "softmax": lambda z: sg.softmax(z, -1),
    "quotient": lambda z: np.exp(z) / np.sum(np.exp(z), axis=-1, keepdims=True),
    "named": lambda z: (e := np.exp(z)) / np.sum(e, axis=-1, keepdims=True),
    "shifted": lambda z: (
        (e := np.exp(z - np.max(z, axis=-1, keepdims=True))) / np.sum(e, axis=-1, keepdims=True)
    ),
    "logarithm": lambda z: np.exp(sg.log_softmax(z, -1)),
    "less logsumexp": lambda z: np.exp(z - sg.logsumexp(z, -1, keepdims=True)),
}


@pytest.mark.parametrize("spelling", SOFTMAXES)
@pytest.mark.parametrize("row", [1, 2, "M"])
def test_a_masked_row_of_one_entry_is_as_longer_ones_are(spelling: str, row: Any) -> None:
    s, m = sg.param("s", (3, row)), sg.data("m", (3, row), dtype=bool)
    p = SOFTMAXES[spelling](np.where(m, s, -INF))
    module = sg.derive(np.sum(p * np.array([[1.0], [10.0], [100.0]]))).compile()
    at = np.zeros((3, 1 if row == "M" else row)) - [[1e4], [0.5], [3.0]]
    mask = np.zeros(at.shape, bool)
    mask[0, 0] = mask[2, 0] = True
    value, gradients = module.loss_and_gradients(s=at, m=mask)
    assert value == 101
    np.testing.assert_array_equal(gradients.s, 0)
