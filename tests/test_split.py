from __future__ import annotations

import functools
import inspect
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner

import symgrad as sg
from symgrad import distributed
from symgrad.checks.chunks import chunk_checks, of_chunks
from symgrad.cli import main

ROWS = 7


X, y = sg.data("X", ("N", 3)), sg.data("y", ("N",))
labels = sg.data("labels", ("N",), dtype=int)
frames = np.swapaxes(sg.data("frames", ("N", "T", 3)), 0, 1)
w, V = sg.param("w", (3,)), sg.param("V", (3, 4))
lam, s = sg.data("lam", (), assume=sg.positive), sg.param("s", ())


def mlp():
    h = np.tanh(X @ V)
    logits = h * s
    logp = sg.log_softmax(logits, axis=1)
    return -np.mean(logp[sg.arange("N"), labels]) + lam * np.sum(V**2)


def mixture():
    apart = np.sum((X[:, :, None] - V) ** 2, axis=1)
    return -np.sum(sg.logsumexp(-apart / 2 + sg.log_softmax(V[0]), axis=1))


def recurrent():
    h, _ = sg.scan(lambda h, x: ((n := np.tanh(x @ V + h * s)), n), sg.zeros(("N", 4)), frames)
    return np.mean(h[sg.arange("N"), labels])


def of_each_step():
    _, out = sg.scan(lambda h, x: ((n := np.tanh(x @ w + h * s)), n), y, frames)
    return np.mean((out - y) ** 2)


SPLIT = {
    "least squares": lambda: np.mean((X @ w - y) ** 2) + lam * np.sum(w**2),
    "logistic": lambda: np.mean(np.logaddexp(0, -y * (X @ w))),
    "mlp": mlp,
    "mixture": mixture,
    "the root of a mean": lambda: np.sqrt(np.mean((X @ w - y) ** 2)),
    "a weighted mean": lambda: np.sum(y**2 * (X @ w)) / np.sum(y**2),
    "over its rows but one": lambda: np.sum((X @ w) ** 2) / (X.shape[0] - 1),
    "log-sum-exp": lambda: sg.logsumexp(X @ w) - np.mean(X @ w) * s,
    "typed log-sum-exp": lambda: np.log(np.sum(np.exp(X @ w))) ** 2,
    "log-sum-exp of a matrix": lambda: sg.logsumexp(X @ V) * s,
    "the mean of data": lambda: np.sum((X.mean(0) - w) ** 2),
    "linear in a mean": lambda: np.tanh(X @ V).mean(0) @ V.sum(0),
    "labels": lambda: np.sum(np.maximum(V[labels], 0) * y[:, None]),
    "a product of means": lambda: np.mean(X @ w) * np.mean(y * s),
    "a trace": lambda: np.trace(X.T @ (X * w)),
    "the square of a sum in every row": lambda: np.sum(np.sum(X * w) ** 2 + (X @ w) ** 2),
    "a mean of squares less the square of a mean":
        lambda: np.mean((X @ w) ** 2) - np.mean(X @ w) ** 2,
    "a norm": lambda: np.linalg.norm(X @ w - y) + np.linalg.norm(X @ V) / X.shape[0],
    "a log-sum-exp of some rows": lambda: sg.logsumexp(np.where(labels > 1, X @ w, -np.inf)) * s,
    "what moves nothing": lambda: np.sum(y) + np.sum(w) + 0 * s,
    "a recurrence in each row": recurrent,
    "a recurrence with an output at each step": of_each_step,
    "a recurrence without rows":
        lambda: np.mean(X @ w) * sg.scan(lambda h, x: (np.tanh(h + x),) * 2, s, V[0])[0],
    "a recurrence over sums of data":
        lambda: np.mean(X @ w) + sg.scan(lambda h, x: (np.tanh(h + x),) * 2, 0.0, X.sum(0))[0],
    "counts alone": lambda: s * X.shape[0] + np.sum(y),
}  # fmt: skip

REFUSED = {
    "batch norm": (lambda: np.sum(((X @ V) - (X @ V).mean(0)) ** 2 * s),
                   "over N in every row"),
    "a sum of all rows in every one": (lambda: np.sum((y - (m := np.sum(X @ w))) ** 4 / (y + m)),
                                       "loss reads t1 in every row, and that is worked out of all"),
    "softmax over n": (lambda: np.sum(sg.softmax(X @ w) * y),
                       "logsumexp over N in every row"),
    "a variance": (lambda: np.var(X @ w), "has a sum over N in every row"),
    "the largest": (lambda: np.max(X @ w), "has a max over N"),
    "a product": (lambda: np.prod(X @ w), "has a prod over N"),
    "neighbours": (lambda: np.sum(np.diff(X @ w) ** 2), "single rows of"),
    "one row": (lambda: (X @ w)[0], "single rows of"),
    "a position": (lambda: np.sum(sg.arange("N") * (X @ w)),
                   "depends on where in N a row is"),
    "pairs of rows": (lambda: np.sum(np.exp((X * w) @ X.T)),
                      "N×N, an entry for each pair of rows"),
    "the square of a mean": (lambda: np.sum(np.tanh(X @ V).mean(0) ** 2),
                             r"a sum over N as an array \(4\) that depends on parameters"),
    "N in every row": (lambda: np.sum(np.tanh(X @ w / X.shape[0])),
                       "has N itself in every row"),
    "a recurrence": (lambda: np.sum(sg.scan(lambda h, x: (np.tanh(h + x),) * 2, w, X)[0]),
                     "t1 goes from step to step over N"),
    "a recurrence over sums": (
        lambda: sg.scan(lambda h, x: (np.tanh(h + x),) * 2, np.mean(X @ w), V[0])[0],
        "the steps of t2 depend on parameters, and need all of a sum over N"),
    "a size that rows alone have": (
        lambda: sg.logsumexp(frames * s) + np.log(frames.shape[0]), "loss has T in it"),
    "no rows": (lambda: np.sum(w**2), "no input has an axis of the size N"),
}  # fmt: skip


def derived(loss):
    return sg.derive(loss(), names={})


def point(d, rng):
    found = {}
    for v in d.system.variables:
        shape = [{"N": ROWS, "T": 3}.get(str(s)) or int(str(s)) for s in v.shape]
        draw = rng.integers(0, 3, shape) if v.dtype == "int" else rng.normal(size=shape)
        found[v.name] = np.abs(draw) if v.name == "lam" else draw
    return found


CUTS = [(), (3 / 7,), (1 / 7, 1 / 7, 2 / 7), (0.0, 1.0), tuple(k / 7 for k in range(1, 7))]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", SPLIT)
def test_chunks_give_what_all_rows_give(case):
    d = derived(SPLIT[case])
    module, at = d.split("N").compile(), point(d, np.random.default_rng(0))
    axes = {v.name: 0 for v in d.system.variables if str(v.shape[:1]) == "(N,)"}
    value, gradients = module.loss_and_gradients(**at)
    for cuts in CUTS:
        found, slopes = of_chunks(module, at, axes, cuts)
        np.testing.assert_allclose(found, value, rtol=1e-12)
        for name in d.wrt:
            wanted = getattr(gradients, name)
            mine = getattr(slopes, name)
            assert mine.shape == wanted.shape
            np.testing.assert_allclose(mine, wanted, rtol=1e-9, atol=1e-12 * np.abs(wanted).max())


@pytest.mark.parametrize("case", SPLIT)
def test_memory_serves_chunks_of_any_size(case):
    """What is given again and again gives the same bits, and no result is changed later."""
    d = derived(SPLIT[case])
    module, at = d.split("N").compile(), point(d, np.random.default_rng(0))
    taken = [n for n in inspect.signature(module.partial).parameters if n in at]
    memory, rows = module.Memory(), [n for n in module._ROWS if n in taken]
    chunks = [
        {n: at[n][cut] if n in rows else at[n] for n in taken}
        for cut in (slice(3), slice(3, 6), slice(6, 7), slice(3), slice(0))
    ]
    alone = [module.partial(**chunk) for chunk in chunks]
    found = []
    for chunk in chunks:
        for room in vars(memory).values():
            for array in vars(room).values():  # what each call writes anew
                if isinstance(array, np.ndarray) and array.dtype.kind == "f":
                    spoilt = array.copy()
                    array[...] = spoilt if (spoilt == spoilt.flat[0]).all() else np.nan
        found.append(module.partial(**chunk, memory=memory))
    for mine, wanted in zip(found, alone, strict=True):
        for a, b in zip(mine, wanted, strict=True):
            np.testing.assert_array_equal(a, b)


def test_each_thread_has_memory_of_its_own():
    d = derived(SPLIT["mlp"])
    module, at = d.split("N").compile(), point(d, np.random.default_rng(0))
    taken = [n for n in inspect.signature(module.partial).parameters if n in at]
    given, memory = {n: at[n] for n in taken}, module.Memory()
    many = [{**given, "s": np.array(0.1 * k)} for k in range(64)]
    wanted = [module.partial(**one) for one in many]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda one: module.partial(**one, memory=memory), many))
    for a, b in zip(found, wanted, strict=True):
        assert a.total == b.total
        np.testing.assert_array_equal(a.total_by_V, b.total_by_V)


def test_an_input_may_be_called_as_the_memory_is():
    memory, room = sg.param("memory", (3,)), sg.data("room", ())
    module = sg.derive(np.mean((X @ memory * room) ** 2), names={}).split("N").compile()
    at = {"X": np.eye(3), "memory": np.ones(3), "room": 2.0}
    value, _ = distributed.loss_and_gradients(module, rows=2, **at)
    assert value == module.loss(**at) == 4.0


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_split_is_named(case):
    loss, said = REFUSED[case]
    with pytest.raises(sg.SpecError, match=said):
        derived(loss).split("N")


def test_other_things_that_have_no_chunks():
    loss = np.sum((X @ w - y) ** 2)
    with pytest.raises(sg.SpecError, match="no input has an axis of the size M"):
        sg.derive(loss).split("M")
    with pytest.raises(sg.SpecError, match="only a scalar"):
        sg.jacobian(X @ w).split("N")
    with pytest.raises(sg.SpecError, match="X has a row for each of N"):
        sg.derive(loss, wrt="X").split("N")
    with pytest.raises(sg.SpecError, match="chunks of rows are not put together in c"):
        sg.derive(loss).split("N").source(target="c")


@pytest.mark.parametrize("case", ["labels counted", "log-sum-exp", "the mean of data", "mlp"])
def test_chunks_keep_the_dtype(case):
    counted = np.sum((X @ w) ** 2 * (labels > 0)) / (1 + np.sum(labels > 0))
    d = derived(SPLIT.get(case, lambda: counted))
    module, at = d.split("N").compile(), point(d, np.random.default_rng(0))
    at = {n: a if a.dtype == int else a.astype(np.float32) for n, a in at.items()}
    axes = {v.name: 0 for v in d.system.variables if str(v.shape[:1]) == "(N,)"}
    value, gradients = of_chunks(module, at, axes, (0.0, 0.0, 0.3))
    assert {value.dtype, *(g.dtype for g in gradients)} == {np.dtype(np.float32)}


def test_it_is_a_step_of_the_derivation():
    r = X @ w - y
    split = sg.derive(np.mean(r**2)).split("N")
    (step,) = split.steps
    assert step.rule == "additive over N"
    assert str(split) == (
        "additive over N: total = Σ_n r[n]², which is added up over chunks of rows\n"
        "of these, loss = total/count"
    )


def test_putting_together_is_associative_up_to_rounding():
    d = derived(SPLIT["log-sum-exp"])
    module, at = d.split("N").compile(), point(d, np.random.default_rng(1))
    taken = list(inspect.signature(module.partial).parameters)
    parts = [
        module.partial(**{n: at[n][k : k + 1] if n == "X" else at[n] for n in taken if n in at})
        for k in range(ROWS)
    ]
    left = functools.reduce(module.combine, parts)
    right = functools.reduce(lambda a, b: module.combine(b, a), reversed(parts))
    for a, b in zip(left, right, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_logits_of_any_size_are_carried_with_their_maximum():
    d = derived(SPLIT["log-sum-exp"])
    module, at = d.split("N").compile(), point(d, np.random.default_rng(1))
    at["X"] = at["X"] * np.array([1e4, -1e4, 1e4])
    found, slopes = of_chunks(module, at, {"X": 0}, (3 / 7, 5 / 7))
    value, gradients = module.loss_and_gradients(**at)
    assert found == pytest.approx(value)
    np.testing.assert_allclose(slopes.w, gradients.w)


def test_in_single_precision_parts_stay_so():
    d = derived(SPLIT["logistic"])
    module, at = d.split("N").compile(dtype="float32"), point(d, np.random.default_rng(1))
    at = {n: np.asarray(a, np.float32) for n, a in at.items()}
    value, slopes = of_chunks(module, at, {"X": 0, "y": 0}, (0.0, 0.5))
    assert slopes.w.dtype == np.float32
    np.testing.assert_allclose(value, module.loss(**at), rtol=1e-5)


def test_a_wrong_part_is_seen():
    d = derived(SPLIT["least squares"])
    module = d.split("N").compile()
    right = module.combine
    assert all(c.passed for c in chunk_checks(d, module, "N"))
    module.combine = lambda a, b: right(a, b)._replace(total=a.total + b.total * 1.001)
    assert [c.name for c in chunk_checks(d, module, "N") if not c.passed] == ["loss"]
    module.combine = lambda a, b: right(a, b)._replace(count=a.count + b.count + 1)
    assert len([c for c in chunk_checks(d, module, "N") if not c.passed]) >= 1


SPEC = """import numpy as np
import symgrad as sg
X, y, w = sg.data("X", ("N", 3)), sg.data("y", ("N",)), sg.param("w", (3,))
loss = np.mean((X @ w - y) ** 2)
"""


def test_on_the_command_line(tmp_path):
    spec = tmp_path / "net.py"
    spec.write_text(SPEC)
    command = ["derive", str(spec), "--split", "N", "--format", "text", "--out", str(tmp_path)]
    run = CliRunner().invoke(main, [*command, "--out", str(tmp_path / "out")])
    assert run.exit_code == 0, run.output
    assert "Additive over N" in run.stdout.replace("\n", " ")
    assert "chunks of rows" in run.stderr
    text = (tmp_path / "out" / "net.py").read_text()
    assert "def partial(" in text
    assert "def finish(" in text
