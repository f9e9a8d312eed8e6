"""The C target: strict C99, equal to the reference, readable, in memory that the caller gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy as sp
from click.testing import CliRunner

import symgrad as sg
from symgrad import outputs
from symgrad.cli import main
from symgrad.errors import SpecError
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.indices import Index
from symgrad.mathematics.reductions import LEAVES, Leaf
from symgrad.mathematics.sizes import as_size
from symgrad.program.interpreter import interpret
from symgrad.program.kinds import KINDS
from symgrad.program.passes import expanded
from symgrad.program.program import Op, Program, Ref
from symgrad.program.verification import verified
from symgrad.targets.c import C
from symgrad.targets.c.entries import Entries
from symgrad.targets.c.numbers import number, suffixed
from symgrad.targets.c.operations import _ALONG
from symgrad.targets.c.places import Place, at, flat
from symgrad.targets.c.rooms import Life, shared_out
from symgrad.targets.c.runtime import functions, needed
from symgrad.targets.c.words import in_ascii
from symgrad.targets.module import Module
from tests.compiled_c import STRICT, command, emitted, outcome, run, written
from tests.losses import LOSSES, Loss
from tests.test_kinds import INPUTS, POINT, SAMPLES, K, M, N, P, S, U, X, Y, made
from tests.test_losses import derived, point

SHOWN = ("mlp_columns", "softmax_regression", "layer_norm", "attention", "lstm", "conv_windows",
         "gaussian_process", "kmeans", "products", "clipped_policy")  # fmt: skip

pytestmark = pytest.mark.usefixtures("builds")

every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
some_losses = pytest.mark.parametrize(
    "loss", [loss for loss in LOSSES if loss.name in SHOWN], ids=lambda loss: loss.name
)


# -- the whole ----------------------------------------------------------------------------------


@some_losses
def test_the_test_program_says_that_all_is_as_expected(loss: Loss, tmp_path: Path) -> None:
    said = outcome(loss.name, emitted(loss), tmp_path, "cc", ["-O1"])
    assert said == f"{loss.name}: all as expected\n"


SANITIZED = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.mark.long
@every_loss
def test_every_loss_in_every_compiler_and_under_the_sanitizers(loss: Loss, tmp_path: Path) -> None:
    double, single = emitted(loss), emitted(loss, dtype="float32")
    outcome(loss.name, double, tmp_path, "gcc", SANITIZED)
    for made_ in (double, single):
        outcome(loss.name, made_, tmp_path, "clang", ["-O2"])
    outcome(loss.name, single, tmp_path, "gcc", ["-O2", "-Wdouble-promotion"])


def test_numbers_of_single_precision_are_written_as_such(tmp_path: Path) -> None:
    """Conditions too: a norm asks whether its squares are in range."""
    x, c = sg.param("x", (3,)), sg.data("c", (3,))
    derivation = sg.derive(np.linalg.norm(x - c) + np.sum(np.tanh(x)))
    made_ = outputs.emitted(derivation, derivation.notation, C, name="norm", dtype="float32")
    assert "1.0e-30f" in made_.text
    assert outcome("norm", made_, tmp_path, "gcc", ["-Wdouble-promotion"]).endswith("expected\n")


def test_sizes_have_macros_of_their_own(tmp_path: Path) -> None:
    """Whatever they are called: H ends no guard, and SUM stands before no loop."""
    sizes = {"H": 4, "SUM": 5, "ENTRIES": 3}
    x, w = sg.data("x", tuple(sizes)), sg.param("w", ("H",))
    derivation = sg.derive(np.sum(np.tanh(np.sum(x, axis=(1, 2)) * w)))
    made_ = outputs.emitted(derivation, derivation.notation, C, name="gru", sizes=sizes)
    header = made_.beside[".h"]
    for line in ("GRU_H 4U", "GRU_SIZE_SUM 5U", "GRU_SIZE_ENTRIES 3U", "GRU_ENTRIES 4U"):
        assert f"#define {line}\n" in header
    assert outcome("gru", made_, tmp_path, "cc", []) == "gru: all as expected\n"


@pytest.mark.parametrize("name", ["value", "NAN", "NULL", "MODEL_T", "MODEL_SUM", "given", "add"])
def test_inputs_are_called_as_one_likes(name: str) -> None:
    v, x = sg.param(name, (3,)), sg.data("x", ("T", 3))
    derivation = sg.derive(np.sum(np.tanh(x @ v)), names={name: v, "x": x})
    module = derivation.compile(target="c", sizes={"T": 4})
    at_ = {name: np.ones(3), "x": np.ones((4, 3))}
    assert module.loss(**at_) == pytest.approx(4 * np.tanh(3), rel=1e-14)
    assert getattr(module.gradients(**at_), name) == pytest.approx(4 / np.cosh(3) ** 2, rel=1e-12)


def test_equations_name_what_a_function_does_not_take(tmp_path: Path) -> None:
    """A comment calls an input as the spec does; that is no word of the function itself."""
    value, add = sg.param("value", (4, 5)), sg.param("add", (4, 5))
    derivation = sg.derive(np.sum(value * add * sg.param("part", (5,))))
    made_ = outputs.emitted(derivation, derivation.notation, C, name="model")
    assert outcome("model", made_, tmp_path, "cc", []) == "model: all as expected\n"


@pytest.mark.parametrize("size", ["5", 2.5, True, 0, -1, 10**9, 10**19])
def test_sizes_that_are_none(size: Any) -> None:
    v, x = sg.param("v", (3,)), sg.data("x", ("T", 3))
    derivation = sg.derive(np.sum(np.tanh(x @ v)), names={"v": v, "x": x})
    with pytest.raises(SpecError, match=r"size T has to be|arrays of at most"):
        derivation.source(target="c", sizes={"T": size})


def test_a_part_that_is_empty_at_a_size() -> None:
    y = sg.param("y", ("T",))
    derivation = sg.derive(np.sum(y[1:] ** 2) + np.sum(y))
    with pytest.raises(SpecError, match="with T = 1 a part of an array has no entries"):
        derivation.source(target="c", sizes={"T": 1})
    assert derivation.compile().loss(y=np.ones(1)) == 1


@pytest.mark.long
@every_loss
def test_every_loss_is_that_of_numpy(loss: Loss) -> None:
    """To 1e-12 of the largest entry; matrices are inverted, or solved with, by other algorithms."""
    derivation, given = derived(loss), point(loss)
    tolerance = 1e-12 if not any(o.kind == "linalg" for o in _program(derivation)) else 1e-10
    expected, slopes = derivation.compile().loss_and_gradients(**given)
    value, found = derivation.compile(target="c").loss_and_gradients(**given)
    for one, other in zip((value, *found), (expected, *slopes), strict=True):
        assert np.abs(one - other).max() <= tolerance * max(np.abs(other).max(), 1e-300)


def _program(derivation: sg.Derivation) -> Program:
    return outputs.module(derivation, derivation.notation).program


def test_a_wrong_number_is_found(tmp_path: Path) -> None:
    """A fault that is planted in the source: the exit code is 1."""
    (loss,) = (x for x in LOSSES if x.name == "mlp_columns")
    made_ = emitted(loss)
    source = written(loss.name, made_, tmp_path)
    text = made_.text
    assert " / 5.0" in text or " * " in text
    wrong = re.sub(r"(\w+\[[^]]*\]) \* ", r"1.001 * \1 * ", text, count=1)
    assert wrong != text
    source.write_text(wrong, encoding="utf-8")
    run([command("cc"), *STRICT, source, f"{loss.name}_test.c", "-o", "a.out", "-lm"], tmp_path)
    with pytest.raises(AssertionError, match="FAILED"):
        run(["./a.out"], tmp_path)


# -- each kind, each function -------------------------------------------------------------------

A, B, R = (Index(name, as_size(n)) for name, n in (("a", 4), ("b", 4), ("r", 5)))
_WRITTEN_OUT = {"softmax", "log_softmax", "logsumexp"}
"""Kinds that no program has when it is written."""

_STEPPED = {"loop"}
"""Kinds that are a program of their own: test_c_scan.py has them."""

_OF_PASSES = {"nearest", "to_nearest", "half_inverse", "by_half"}
"""Kinds that only passes for NumPy make."""

_REDUCED = ("max", "min", "prod", "norm")

MORE = [
    *(made("linalg", (S,), (A, B), f) for f in ("inv", "adjugate", "cholesky")),
    *(made("linalg", (S,), (), f) for f in ("det", "sign", "logdet")),
    made("linalg", (S, U), (K,), "solve"),
    *(made("reduce", (X,), a, f) for f in _REDUCED for a in ((), (P,), (N,))),
    *(made("triangle", (S,), (P, K), f, (o,)) for f in ("lower", "upper") for o in (-1, 1)),
    made("join", (X, X), (Index("j", as_size(2)), N, P), "stack", (0,)),
    made("cumsum", (X,), (N, P), detail=(0,)),
    made("products_of_others", (X,), (N, P), detail=(0,)),
    made("scatter", (S, Ref("u", (K,)), Y), (P, K), "subtract_repeatedly", (2, None)),
    made("reshape", (Ref("x", (P, N)),), (M,)),
]


def test_every_kind_is_written() -> None:
    assert {*Entries.KINDS} | {*_ALONG} | _WRITTEN_OUT | _STEPPED | _OF_PASSES == set(KINDS)


def test_each_kind_computes_what_the_interpreter_does() -> None:
    """All in one file: what is compiled is what takes the time."""
    written = {
        k: op for k, (op, _) in SAMPLES.items() if k not in _WRITTEN_OUT | _STEPPED | _OF_PASSES
    }
    ops = [*written.values(), *MORE[:-1]]
    renamed = [
        Op(f"v{k}", o.kind, o.args, o.axes, o.function, o.detail, o.dtype)
        for k, o in enumerate(ops)
    ]
    names = [o.name for o in renamed]
    point = POINT | {"S": POINT["S"] @ POINT["S"].T}
    inputs = [Variable("out", (), "param"), *INPUTS]
    program = verified(Program(tuple(inputs), tuple(renamed), tuple(names)))
    module = Module(program, names[0], {n: n for n in names[1:]}, name="kinds")
    loaded = Loaded(module)
    point = {n: point.get(n, 0.0) for n in loaded.arguments}
    value, found = loaded.module.loss_and_gradients(**point)
    expected = interpret(program, point | {"out": 0.0})
    for op, one in zip(renamed, (value, *found), strict=True):
        right = expected[op.name]
        assert np.abs(one - right).max() <= 1e-13 * max(np.abs(right).max(), 1e-300), str(op)


class Loaded:
    """A module, compiled, and what its functions take."""

    def __init__(self, module: Module) -> None:
        made_ = C.emit(module)
        self.module = C.load(made_.text, module.name, made_.beside)
        self.arguments = [v.name for v in module.arguments]


def _of_leaf(k: int, leaf: Leaf, count: int) -> tuple[list[Variable], Op]:
    axis = Index("i", as_size(count))
    names = [f"x{k}_{j}" for j in range(len(leaf.domain))]
    inputs = [Variable(n, (axis.size,), "param") for n in names]
    args = tuple(Ref(n, (axis,)) for n in names)
    return inputs, Op(f"y{k}", "map", args, (axis,), leaf.cls.__name__)


def test_each_function_is_right_to_some_units_in_the_last_place() -> None:
    """Of numbers all over its domain, against mpmath."""
    rng, count = np.random.default_rng(0), 40
    leaves = [leaf for leaf in LEAVES.values() if not leaf.boolean]
    inputs, ops, point = [], [], {}
    for k, leaf in enumerate(leaves):
        mine, op = _of_leaf(k, leaf, count)
        inputs += mine
        ops.append(op)
        for v, (low, high) in zip(mine, leaf.domain, strict=True):
            point[v.name] = rng.uniform(low, high, count)
    program = expanded(Program(tuple(inputs), tuple(ops), tuple(o.name for o in ops)))
    names = [o.name for o in ops]
    module = Module(program, names[0], {n: n for n in names[1:]}, name="leaves")
    value, found = Loaded(module).module.loss_and_gradients(**point)
    with mpmath.workdps(40):
        for leaf, op, one in zip(leaves, ops, (value, *found), strict=True):
            rows = zip(*(point[r.name] for r in op.reads), strict=True)
            right = np.array([float(leaf.mpmath(*map(mpmath.mpf, row))) for row in rows])
            room = 16 * np.spacing(np.abs(right)) + 1e-15 * np.abs(right).max()
            assert (np.abs(one - right) <= room).all(), leaf.cls.__name__


# -- what a file is -----------------------------------------------------------------------------


def test_no_heap_no_state_no_recursion() -> None:
    for name in SHOWN:
        (loss,) = (x for x in LOSSES if x.name == name)
        text = emitted(loss).text
        assert not re.search(r"\b(malloc|calloc|realloc|free|alloca|goto|setjmp)\b", text)
        outside = [x for x in text.split("\n") if x.startswith("static ") and x.endswith(";")]
        assert all(x.startswith("static const ") for x in outside)
    for name, part in functions().items():
        assert not re.search(rf"\b{name}\(", part.partition("{")[2])


def test_each_equation_stands_above_its_loops() -> None:
    (loss,) = (x for x in LOSSES if x.name == "mlp_columns")
    made_ = emitted(loss)
    lines = made_.text.split("\n")
    values = [p.value for p in made_.passages if p.value]
    assert {"dW1", "dW2", "db1", "db2"} <= set(values)
    for passage in made_.passages:
        assert lines[passage.first - 1 : passage.first - 1 + len(passage.lines)] == [*passage.lines]
        assert not passage.value or passage.comment[0].strip().startswith(f"/* {passage.value}")


TOLD = (*SHOWN, "rotary_attention", "reshaped", "multi_head_attention", "clipped_policy")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", TOLD)
def test_the_equation_of_each_value_is_told(name: str) -> None:
    """Also of those that are read in place, or computed where they are read."""
    (loss,) = (x for x in LOSSES if x.name == name)
    text = " ".join(re.sub(r"/\*|\*/", " ", emitted(loss).text).split())
    derivation = derived(loss)
    formulas = outputs.module(derivation, derivation.notation).formulas
    made_ = {o.name for o in _program(derivation).ops}
    missing = [n for n, told in formulas.items() if n in made_ and told not in text]
    assert not missing


def test_lines_that_lead_to_another_value_say_so() -> None:
    (loss,) = (x for x in LOSSES if x.name == "kmeans")
    forward = emitted(loss).text.partition("static double rest")[0]
    told = "/* for loss = Σ_i min_j d1[i,j] */\n        {\n            double smallest = INFINITY;"
    assert told in forward


def test_rows_are_gone_over_once() -> None:
    """One loop over the samples leads from the data to what the loss is the sum of."""
    (loss,) = (x for x in LOSSES if x.name == "mlp_tanh")
    text = emitted(loss).text
    forward = text[text.index("static void forward") : text.index("static double rest")]
    assert forward.count("for (size_t i ") == 1


def _turned(x: Any) -> Any:
    return x[::-1]


def _summed(x: Any) -> Any:
    return np.cumsum(x, axis=0)


@pytest.mark.parametrize("other", [_turned, _summed, np.transpose], ids=lambda f: f.__name__)
def test_what_other_rows_are_needed_for_waits_for_them(other: Any) -> None:
    x, c = sg.param("x", (4, 4)), sg.data("c", (4, 4))
    v = np.tanh(x)
    u = np.exp(v) * other(v)
    loss = np.sum(c * u * other(u))
    derivation = sg.derive(loss, names={"v": v, "u": u})
    rng = np.random.default_rng(0)
    at_ = {"x": rng.normal(size=(4, 4)), "c": rng.normal(size=(4, 4))}
    value, slopes = derivation.compile().loss_and_gradients(**at_)
    mine, found = derivation.compile(target="c").loss_and_gradients(**at_)
    assert mine == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(found.x, slopes.x, rtol=1e-12, atol=1e-13)
    text = derivation.source(target="c")
    forward = text[text.index("static void forward") :]
    assert forward.count("for (size_t i ") > 1


def _distances(n: int, k: int, d: int) -> sg.Derivation:
    x, c = sg.data("x", (n, d)), sg.param("c", (k, d))
    squares = np.sum((x[:, None, :] - c[None]) ** 2, axis=2)
    return sg.derive(np.sum(np.tanh(squares)), names={"x": x, "c": c})


def test_what_lies_across_is_copied_where_that_is_little() -> None:
    text = _distances(60, 12, 5).source(target="c")
    assert "c_turned[12U * j + k] = c[5U * k + j];" in text
    assert "x_turned" not in text
    assert "sums[k] += part_1 * part_1;" in text
    assert "_turned" not in _distances(3, 3, 5).source(target="c")
    assert "pow" not in text


def test_of_what_only_rows_are_needed_there_is_one_row() -> None:
    derivation = _distances(60, 12, 5)
    made_ = outputs.emitted(derivation, derivation.notation, C, name="model")
    assert "t[12U * i + j] = tanh(squares1[j]);" in made_.text
    assert re.search(r"double squares1\[12\];", made_.beside[".h"])
    assert "derived != NULL" not in made_.text


def test_where_much_goes_between_them_one_loop_computes_all(tmp_path: Path) -> None:
    x, g = sg.data("x", (90, 200)), sg.param("g", (200,))
    u = x * g - np.mean(x, axis=1, keepdims=True)
    derivation = sg.derive(np.mean(u**4), names={"u": u})
    made_ = outputs.emitted(derivation, derivation.notation, C, name="model")
    assert made_.text.count("for (size_t i = 0U; i < 90U") == 1
    assert re.search(r"double u\[200\];", made_.beside[".h"])
    assert "forward(given, work, NULL, false);" in made_.text
    assert outcome("model", made_, tmp_path, "cc", SANITIZED) == "model: all as expected\n"
    rng = np.random.default_rng(0)
    at_ = {"x": rng.normal(size=(90, 200)), "g": rng.normal(size=200)}
    value, slopes = derivation.compile().loss_and_gradients(**at_)
    module = derivation.compile(target="c")
    assert module.loss(**at_) == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(module.gradients(**at_).g, slopes.g, rtol=1e-12)


def test_what_follows_in_a_row_is_done_while_an_entry_is_near() -> None:
    """A normalised row: its sum, that of squares, what is lost, and the derivatives."""
    x, g, b = sg.data("x", (64, 512)), sg.param("g", (512,)), sg.param("b", (512,))
    c = x - np.mean(x, axis=1, keepdims=True)
    n = c / np.sqrt(np.mean(c**2, axis=1, keepdims=True) + 1e-5)
    text = sg.derive(np.mean((n * g + b) ** 2), names={"c": c, "n": n}).source(target="c")
    forward = text[text.index("for (size_t i = 0U; i < 64U") : text.index("static double rest")]
    assert forward.count("for (size_t j ") == 4


def _before(v: Any) -> Any:
    return np.concatenate([v[:, :1], v[:, :-1]], axis=1)


@pytest.mark.parametrize("turned", [_before, _turned, lambda v: v[:, ::-1]])
def test_neighbours_are_read_before_they_are_written_over(turned: Any) -> None:
    x, c = sg.param("x", (6, 40)), sg.data("c", (6, 40))
    v = x * c + 1
    u = v * v + turned(v) * c
    w = u * c - turned(u) * v
    derivation = sg.derive(np.sum(w * w * c), names={"v": v, "u": u, "w": w})
    rng = np.random.default_rng(0)
    at_ = {"x": rng.normal(size=(6, 40)), "c": rng.normal(size=(6, 40))}
    value, slopes = derivation.compile().loss_and_gradients(**at_)
    mine, found = derivation.compile(target="c").loss_and_gradients(**at_)
    assert mine == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(found.x, slopes.x, rtol=1e-11, atol=1e-11)


def test_parts_of_loops_that_are_one_have_names_of_their_own(tmp_path: Path) -> None:
    x, a, g = sg.param("x", (7, 8)), sg.param("a", (8,)), sg.param("g", (8,))
    u = (x - a) ** 2 + x
    v = (x * u - g) ** 2 + u
    w = (v * u - x) ** 2 + v
    s = w / (1 + np.sum(w, axis=1)[:, None]) ** 2
    derivation = sg.derive(np.sum(s**2 * u), names={"u": u, "v": v, "w": w, "s": s})
    made_ = outputs.emitted(derivation, derivation.notation, C, name="model")
    assert "const double part_2 = " in made_.text
    assert outcome("model", made_, tmp_path, "cc", ["-O1"]) == "model: all as expected\n"


def test_comparisons_are_of_single_numbers_too(tmp_path: Path) -> None:
    x = sg.param("x", (5, 3))
    derivation = sg.derive(np.sum(np.linalg.norm(x, axis=1)), names={})
    made_ = outputs.emitted(derivation, derivation.notation, C, name="model", dtype="float32")
    assert "if ((sum < 1.0e-30f) || (sum > 1.0e37f)) {" in made_.text
    said = outcome("model", made_, tmp_path, "gcc", ["-O2", "-Wdouble-promotion"])
    assert said == "model: all as expected\n"


def test_labels_of_an_axis_that_is_bound_to_one_entry_are_counted() -> None:
    x, k = sg.param("x", ("N", 3)), sg.data("k", (2,), dtype=int)
    derivation = sg.derive(np.sum(x[k] ** 2), names={})
    module = derivation.compile(target="c", sizes={"N": 1})
    value, found = module.loss_and_gradients(x=np.ones((1, 3)), k=np.zeros(2, int))
    assert value == 6
    np.testing.assert_array_equal(found.x, np.full((1, 3), 4))


def test_sums_are_computed_at_once_along_the_axis_that_lies_so() -> None:
    e, t = sg.param("e", (9, 6)), sg.data("t", (5, 7), dtype=int)
    h = np.sum(e[t], axis=1)
    text = sg.derive(np.sum(np.tanh(h)), names={"h": h}).source(target="c")
    assert "sums[k] += e[6U * (size_t)t[7U * i + j] + k];" in text
    x, k = sg.data("x", (6, 20)), sg.param("k", (3, 8))
    windows = np.lib.stride_tricks.sliding_window_view(x, 3, axis=1)
    text = sg.derive(np.sum(np.tanh(windows @ k))).source(target="c")
    assert "double sums[8];" in text
    assert "sums[3]" not in text


MULTIPLIED = """
#include "model.h"
void model_gemm(bool a_turned, bool b_turned, int rows, int columns, int between, const double *a,
                int a_apart, const double *b, int b_apart, double *c, int c_apart, bool add) {
    for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < columns; ++j) {
            double sum = add ? c[i * c_apart + j] : 0.0;
            for (int k = 0; k < between; ++k) {
                sum += a[a_turned ? k * a_apart + i : i * a_apart + k] *
                       b[b_turned ? j * b_apart + k : k * b_apart + j];
            }
            c[i * c_apart + j] = sum;
        }
    }
}
"""


def test_large_products_are_made_by_whom_one_likes(tmp_path: Path) -> None:
    """All ways in which matrices lie, and stacks of them."""
    a, b = sg.param("a", (2, 30, 24)), sg.param("b", (24, 20))
    c = sg.param("c", (30, 40))
    t = np.tanh(a @ b)
    u = np.swapaxes(t, -1, -2) @ c
    derivation = sg.derive(np.sum(u**2), names={"t": t, "u": u})
    made_ = outputs.emitted(derivation, derivation.notation, C, name="model")
    assert made_.text.count("_gemm(") >= 4
    (tmp_path / "gemm.c").write_text(MULTIPLIED)
    written("model", made_, tmp_path)
    for more in ([], ["-DMODEL_GEMM", "gemm.c"], ["-DMODEL_SIMD", "-fopenmp-simd"]):
        flags = [flag for flag in STRICT if flag != "-Wpedantic" or not more]
        files = ["model.c", "model_test.c", *more, "-o", "a.out", "-lm"]
        run([command("cc"), *flags, *files], tmp_path)
        assert run(["./a.out"], tmp_path) == "model: all as expected\n"


def test_the_same_spec_gives_the_same_bytes() -> None:
    (loss,) = (x for x in LOSSES if x.name == "attention")
    one, other = emitted(loss), emitted(loss)
    assert (one.text, one.beside) == (other.text, other.beside)


def test_it_is_small(root: Path, tmp_path: Path) -> None:
    """The network of the notebook: below 4 KB at -Os."""
    _derive(root / "examples" / "notebook.py", tmp_path)
    run([command("cc"), *STRICT, "-Os", "-c", "notebook.c"], tmp_path)
    table = run([command("size"), "notebook.o"], tmp_path).split("\n")[1].split()
    text, data, bss = map(int, table[:3])
    assert text < 4096
    assert (data, bss) == (0, 0)


def test_fast_math_is_refused(root: Path, tmp_path: Path) -> None:
    _derive(root / "examples" / "notebook.py", tmp_path)
    with pytest.raises(AssertionError, match="takes away infinities"):
        run([command("cc"), "-ffast-math", "-c", "notebook.c"], tmp_path)


def test_the_header_is_also_one_of_cpp(root: Path, tmp_path: Path) -> None:
    _derive(root / "examples" / "notebook.py", tmp_path)
    (tmp_path / "a.cpp").write_text('#include "notebook.h"\n')
    run([command("g++"), "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "a.cpp"], tmp_path)


def _derive(spec: Path, out: Path, *more: str) -> str:
    done = CliRunner().invoke(
        main, ["derive", str(spec), "--target", "c", "--out", str(out), *more, "--output",
               str(out / "derivation.txt")]
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return done.output


USE = """
#include "notebook.h"
#include <stdio.h>
#include <string.h>

int main(void) {
    static const double x[3] = {2.0, 1.0, 3.0}, y[3] = {0.0, 1.0, 0.0};
    static double parameters[NOTEBOOK_ENTRIES], one[NOTEBOOK_ENTRIES], sum[NOTEBOOK_ENTRIES];
    static notebook_workspace work;
    notebook_arguments given = {.X = x, .Y = y};
    notebook_derivatives derived;
    for (unsigned k = 0U; k < NOTEBOOK_ENTRIES; ++k) {
        parameters[k] = (double)((k * 7U) % 5U) - 1.5;
    }
    notebook_parameters_at(&given, parameters);
    notebook_derivatives_at(&derived, one);
    (void)notebook_loss_and_gradients(&given, &derived, &work);
    notebook_derivatives_at(&derived, sum);
    memset(&work, 0xff, sizeof(work));
    (void)notebook_accumulate(&given, &derived, &work);
    (void)notebook_accumulate(&given, &derived, &work);
    for (unsigned k = 0U; k < NOTEBOOK_ENTRIES; ++k) {
        if (sum[k] != (2.0 * one[k])) {
            return 1;
        }
    }
    printf("%d\\n", (int)(derived.b3 - derived.W1));
    return NOTEBOOK_WORKSPACE_BYTES > 1000U;
}
"""


def test_parameters_in_one_array_and_gradients_that_add_up(root: Path, tmp_path: Path) -> None:
    _derive(root / "examples" / "notebook.py", tmp_path)
    (tmp_path / "use.c").write_text(USE)
    run([command("cc"), *STRICT, "use.c", "notebook.c", "-o", "use", "-lm"], tmp_path)
    assert run(["./use"], tmp_path) == "32\n"


MAIN = """
int main(void) {
    const float x[2][4] = {{0.5f, -1.0f, 0.25f, 2.0f}, {-1.0f, 0.5f, 1.5f, 0.0f}};
    float last = 0.0f;
    for (unsigned k = 0U; k < NET_ENTRIES; ++k) {
        parameters[k] = (float)((k * 7U) % 5U) / 10.0f - 0.2f;
    }
    const float first = train(x[0], 1);
    for (int step = 0; step < 6400; ++step) {
        last = train(x[step % 2], 1 - step % 2);
    }
    return last < 0.3f * first ? 0 : 1;
}
"""


def test_the_program_of_the_page_trains(root: Path, tmp_path: Path) -> None:
    page = (root / "docs" / "pages" / "how-to" / "device.md").read_text(encoding="utf-8")
    (spec,) = re.findall(r'```python title="net.py"\n(.*?)```', page, re.DOTALL)
    (sketch,) = re.findall(r"```c\n(.*?)```", page, re.DOTALL)
    (tmp_path / "net.py").write_text(spec)
    _derive(tmp_path / "net.py", tmp_path, "--dtype", "float32")
    sketch = sketch.replace("float train(", "static float train(")
    (tmp_path / "main.c").write_text(sketch + MAIN)
    run([command("cc"), *STRICT, "main.c", "net.c", "-o", "main", "-lm"], tmp_path)
    run(["./main"], tmp_path)


# -- sizes, names, what is refused --------------------------------------------------------------

SIZED = """import numpy as np
import symgrad as sg
X = sg.data("X", ("N", 3))
y = sg.data("y", ("N",), dtype=int)
W = sg.param("W", (3, 4))
loss = -np.mean(sg.log_softmax(X @ W)[sg.arange("N"), y])
"""


@pytest.mark.parametrize("n", [1, 2, 32])
def test_a_named_size_gets_a_number(n: int, tmp_path: Path) -> None:
    (tmp_path / "spec.py").write_text(SIZED)
    _derive(tmp_path / "spec.py", tmp_path / "out", "--size", f"N={n}")
    assert f"#define SPEC_N {n}U" in (tmp_path / "out" / "spec.h").read_text()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "C needs a number for the size N"),
        (["--size", "N=32", "--size", "M=2"], "there is no size 'M'"),
        (["--size", "N=0"], "has to be 1 or more"),
        (["--size", "N"], "expected NAME=NUMBER"),
        (["--size", "N=4", "--unroll"], "the target c does not know unroll"),
        (["--size", "N=4", "--plain"], "the target c does not know plain"),
    ],
)
def test_what_is_wrong_with_sizes_and_options(
    options: list[str], told: str, tmp_path: Path
) -> None:
    (tmp_path / "spec.py").write_text(SIZED)
    out = tmp_path / "out"
    command_ = ["derive", str(tmp_path / "spec.py"), "--target", "c", "--out", str(out), *options]
    done = CliRunner().invoke(main, command_)
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
    assert not out.exists()


def test_labels_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    module = _sized()
    point = {"X": np.ones((4, 3)), "W": np.ones((3, 4))}
    module.loss(**point, y=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="y: expected labels from 0 to 3, got 4"):
        module.loss(**point, y=[0, 1, 2, 4])


def _sized() -> Any:
    X = sg.data("X", ("N", 3))
    y = sg.data("y", ("N",), dtype=int)
    W = sg.param("W", (3, 4))
    loss = -np.mean(sg.log_softmax(X @ W)[sg.arange("N"), y])
    return sg.derive(loss).compile(target="c", sizes={"N": 4})


def test_names_that_c_has_otherwise() -> None:
    """A keyword, a function of the library, a word of the file, a letter that is none of ASCII."""
    double = sg.param("double", (3,))
    given = sg.param("exp", (3,))
    i = sg.param("i", (3,))
    θ = sg.param("θ", (3,))
    work = np.exp(double) * i + θ * given
    forward = np.tanh(work)
    module = sg.derive(np.sum(forward * i)).compile(target="c")
    at_ = [np.array([0.1, 0.2, 0.3])] * 4
    value, _ = module.loss_and_gradients(*at_)
    assert value == pytest.approx(sum(np.tanh(np.exp(x) * x + x * x) * x for x in at_[0]))
    assert in_ascii("θ_1") == "theta_1"


def test_an_output_that_is_an_array() -> None:
    w = sg.param("w", (3,))
    u = np.exp(w) * np.sum(w)
    derivation = sg.jacobian(u, w)
    one, other = derivation.compile(), derivation.compile(target="c")
    at_ = np.array([0.1, -0.4, 0.3])
    for mine, theirs in zip(one.loss_and_gradients(w=at_), other.loss_and_gradients(w=at_),
                            strict=True):  # fmt: skip
        np.testing.assert_allclose(np.asarray(mine), np.asarray(theirs), rtol=1e-14)


def test_a_value_without_derivatives() -> None:
    w = sg.param("w", (3,))
    module = sg.function(np.exp(w) * np.sum(w)).compile(target="c")
    np.testing.assert_allclose(module.loss(w=np.ones(3)), 3 * np.e, rtol=1e-15)
    assert not hasattr(module, "gradients")


def test_what_is_not_written_yet_is_refused() -> None:
    X, w, y = sg.data("X", ("N", 3)), sg.param("w", (3,)), sg.data("y", ("N",))
    derivation = sg.derive(np.sum((X @ w - y) ** 2), prepare=True)
    with pytest.raises(SpecError, match="the target c does not know prepare"):
        derivation.source(target="c")


# -- parts --------------------------------------------------------------------------------------


def test_places_are_written_as_short_as_they_are() -> None:
    assert flat([at("i"), at("j")], [4, 3]).code == "3U * i + j"
    assert flat([Place(1), at("j")], [4, 3]).code == "j + 3U"
    assert (Place(5) + at("i").times(-1)).code == "5U - i"
    assert (at("i") + at("i").times(-1)).code == "0U"
    assert (at("i") + Place(-1)).code == "i - 1U"


def test_memory_is_shared_by_what_is_not_needed_at_the_same_time() -> None:
    lives = [Life("a", "float", 4, 0, 1), Life("b", "float", 9, 1, 3, over=("a",)),
             Life("c", "float", 3, 2, 3), Life("d", "bool", 3, 4, 5),
             Life("e", "float", 5, 4, 5)]  # fmt: skip
    rooms = shared_out(lives)
    assert rooms["b"] is rooms["a"]
    assert rooms["c"] is not rooms["b"]
    assert rooms["d"] not in (rooms["a"], rooms["c"])
    assert rooms["e"] is rooms["a"]
    assert rooms["a"].count == 9


def test_a_function_comes_with_those_that_it_calls() -> None:
    found = needed("solve(a, order, x, 3U, 1U);")
    assert [re.findall(r"(\w+)\(", part)[0] for part in found] == ["factorised", "solved", "solve"]


def test_numbers_are_written_to_the_last_digit() -> None:
    assert number(sp.Rational(1, 3)).code == "0.3333333333333333"
    assert number(sp.Integer(2)).code == "2.0"
    assert number(sp.Rational(-1, 10**7)).code == "-1.0e-07"
    assert suffixed("exp(2.0 * x[3U]) + 1.0e-07", "float32") == "expf(2.0f * x[3U]) + 1.0e-07f"
