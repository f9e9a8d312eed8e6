"""The array API target: the same numbers in every namespace; PyTorch and JAX differentiate it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import array_api_strict
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import sympy as sp
import torch
from array_api_compat import array_namespace, device
from click.testing import CliRunner
from jax.test_util import check_grads

import symgrad as sg
from symgrad.cli import main
from symgrad.errors import SpecError
from symgrad.mathematics.positions import Cut, Window
from symgrad.mathematics.reductions import LEAVES
from symgrad.program.interpreter import interpret
from symgrad.program.kinds import KINDS
from symgrad.program.program import Literal, Op, Program, Ref
from symgrad.program.verification import verified
from symgrad.targets.array_api.functions import HELPERS, LACKED, name_of, sources
from symgrad.targets.array_api.operations import ArrayWriter
from symgrad.targets.array_api.runtime import special
from symgrad.targets.numpy.emit import load
from tests.losses import LOSSES, Loss
from tests.test_kinds import FROM_1, INPUTS, POINT, SAMPLES, K, N, P, S, U, W, X, Y, made
from tests.test_losses import derived, point

jax.config.update("jax_enable_x64", True)

MAKE: dict[str, Callable[[Any], Any]] = {
    "numpy": np.asarray,
    "strict": array_api_strict.asarray,
    "torch": torch.asarray,
    "jax": jnp.asarray,
}
"""What makes an array of each library."""

SHOWN = ("mlp_columns", "softmax_regression", "layer_norm", "gaussian_process", "kmeans",
         "conv_windows", "products")  # fmt: skip

every_namespace = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
mostly_every_namespace = pytest.mark.parametrize(
    "make",
    [pytest.param(m, id=n, marks=[pytest.mark.long] * (n == "jax")) for n, m in MAKE.items()],
)
"""JAX compiles each function, for a second or so."""
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
some_losses = pytest.mark.parametrize(
    ("loss", "make"),
    [
        pytest.param(loss, make, id=f"{loss.name}-{name}")
        for loss in LOSSES
        for name, make in MAKE.items()
        if loss.name in SHOWN and (name != "jax" or loss.name == "softmax_regression")
    ],
)


@cache
def wrapped(loss: Loss, wrap: str) -> ModuleType:
    return derived(loss).compile(wrap=wrap)


def given(loss: Loss, make: Callable[[Any], Any], dtype: str = "float64") -> dict[str, Any]:
    arrays = {name: np.asarray(value) for name, value in point(loss).items()}
    return {n: make(a.astype(dtype) if a.dtype == float else a) for n, a in arrays.items()}


# -- the same numbers ---------------------------------------------------------------------------


def check_same(loss: Loss, make: Callable[[Any], Any], dtype: str = "float64") -> None:
    expected, slopes = derived(loss).compile().loss_and_gradients(**point(loss))
    module, arrays = derived(loss).compile(target="array-api"), given(loss, make, dtype)
    both = module.loss_and_gradients
    value, found = (jax.jit(both) if make is jnp.asarray else both)(**arrays)
    alone = [module.loss(**arrays), *module.gradients(**arrays)]
    tolerance = {"float64": 1e-10, "float32": 2e-3}[dtype]
    for one, other, right in zip((value, *found), alone, (expected, *slopes), strict=True):
        assert array_namespace(one) is array_namespace(make(np.ones(1)))
        assert str(one.dtype).endswith(dtype)
        assert one.shape == np.shape(right)
        scale = max(float(np.abs(right).max()), 1e-3)
        for found_ in (one, other):
            assert float(np.abs(np.asarray(found_) - right).max()) <= tolerance * scale


@some_losses
def test_a_loss_is_that_of_numpy(loss: Loss, make: Any) -> None:
    check_same(loss, make)


@pytest.mark.long
@every_namespace
@every_loss
def test_every_loss_is_that_of_numpy(loss: Loss, make: Any) -> None:
    check_same(loss, make)
    check_same(loss, make, "float32")


@every_namespace
def test_values_on_the_way_too(make: Any) -> None:
    x, w = sg.data("x", ("N", 3)), sg.param("w", (3, 4))
    z = x @ w
    h = np.maximum(z, 0)
    derivation = sg.derive(np.mean(h**2), names={"z": z, "h": h})
    arrays = {"x": np.arange(6.0).reshape(2, 3) - 2, "w": np.linspace(-1, 1, 12).reshape(3, 4)}
    expected = derivation.compile().forward(**arrays)
    found = derivation.compile(target="array-api").forward(
        **{n: make(a) for n, a in arrays.items()}
    )
    assert found._fields == expected._fields == ("z", "h")
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one), other, rtol=1e-12)


@mostly_every_namespace
def test_numbers_by_name_and_conditions_that_are_sums(make: Any) -> None:
    x, w = sg.data("x", ("N", 3)), sg.param("w", (3,))
    either = np.where((w > 0) & (w < 1) | (w < -1), np.pi * w, w**2)
    derivation = sg.derive(np.sum(x @ either) + np.sum(np.sinc(w)) + np.sum(np.e * w), names={})
    arrays = {"x": np.arange(6.0).reshape(2, 3) - 2, "w": np.array([-2.0, 0.5, 3.0])}
    expected, slopes = derivation.compile().loss_and_gradients(**arrays)
    module = derivation.compile(target="array-api")
    value, found = module.loss_and_gradients(**{n: make(a) for n, a in arrays.items()})
    for one, other in zip((value, *found), (expected, *slopes), strict=True):
        np.testing.assert_allclose(np.asarray(one), other, rtol=1e-12)


@pytest.mark.parametrize("steps", [4, 1, 0])
@mostly_every_namespace
def test_recurrences_are_loops(make: Any, steps: int) -> None:
    x, w, u = sg.data("x", ("T", 3)), sg.param("w", (2, 3)), sg.param("u", (2, 2))
    start = sg.param("start", (2,))

    def step(h: Any, x: Any) -> Any:
        h = np.tanh(w @ x + u @ h)
        return h, h

    last, states = sg.scan(step, start, x)
    derivation = sg.derive(np.sum(states**2) + np.sum(last))
    rng = np.random.default_rng(3)
    shapes = {"x": (steps, 3), "w": (2, 3), "u": (2, 2), "start": (2,)}
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    expected, slopes = derivation.compile().loss_and_gradients(**arrays)
    module = derivation.compile(target="array-api")
    value, found = module.loss_and_gradients(**{n: make(a) for n, a in arrays.items()})
    for one, other in zip((value, *found), (expected, *slopes), strict=True):
        np.testing.assert_allclose(np.asarray(one), other, rtol=1e-12, atol=1e-14)


# -- each kind, each function -------------------------------------------------------------------

ONE, TWO = sp.S.One, sp.Integer(2)
BACK, LAST = Cut(TWO, -ONE, W.size), Cut(sp.Integer(3))
PAIRS = Window(sp.S.Zero, ONE, N.size, ONE, W.size)
MORE = [
    made("slice", (X,), (W, P), detail=(BACK, None)),
    made("slice", (X,), (N,), detail=(None, LAST)),
    made("place", (X, U), (N, P), "subtract", (FROM_1, None)),
    made("place", (X, Literal(sp.Integer(7))), (N, P), "set", (BACK, LAST)),
    made("place", (U, Literal(ONE)), (P,), "add", (PAIRS,)),
    made("scatter", (S, Ref("u", (K,)), Y), (P, K), "subtract", (2, None)),
    made("scatter", (S, Literal(ONE), Y), (P, K), "add_repeatedly", (None, 2)),
    made("reduce", (X,), (), "norm"),
    made("linalg", (S,), (), "logdet"),
    made("linalg", (S,), (P, K), "adjugate"),
    made("triangle", (S,), (P, K), "upper", (1,)),
    made("contract", (X, X), (P, N)),
]
REFUSED = {"take", "put", "nearest", "to_nearest", "half_inverse", "by_half", "loop"}
"""Kinds that this target never sees as operations of their own."""


def text_of(op: Op) -> str:
    return ArrayWriter(Program(INPUTS, (op,), ("out",))).text(op).code


def by_the_standard(op: Op, make: Callable[[Any], Any]) -> Any:
    code = text_of(op)
    known: dict[str, Any] = {}
    exec("import itertools, math\nfrom typing import Any\n" + "\n\n".join(sources(code)), known)
    arrays = {name: make(value) for name, value in POINT.items()}
    known |= {"device": device, "xp": array_namespace(arrays["x"])}
    return eval(code, {**known, **arrays})


@mostly_every_namespace
@pytest.mark.parametrize(
    "op",
    [op for op in (*(op for op, _ in SAMPLES.values()), *MORE) if op.kind in ArrayWriter.KINDS],
    ids=lambda op: f"{op.kind}-{op.function}",
)
def test_every_kind_is_what_the_interpreter_does(op: Op, make: Any) -> None:
    expected = interpret(verified(Program(INPUTS, (op,), ("out",))), POINT)["out"]
    found = np.asarray(by_the_standard(op, make))
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)


def test_every_kind_is_written_or_named() -> None:
    before = {"softmax", "log_softmax", "logsumexp"}
    assert {*ArrayWriter.KINDS} | REFUSED | before == {*KINDS}


GRID = np.array([-30.5, -7.25, -2.5, -0.75, -0.3, 0.2, 0.45, 0.8, 1.0, 1.5, 2.0, 3.5, 9.75, 40.0])
SPECIAL: dict[str, tuple[Any, Any]] = {
    "erf": (scipy.special.erf, GRID),
    "erfc": (scipy.special.erfc, GRID),
    "erfcx": (scipy.special.erfcx, GRID[GRID > 0]),
    "erfinv": (scipy.special.erfinv, np.linspace(-0.999, 0.999, 11)),
    "erfcinv": (scipy.special.erfcinv, np.linspace(0.001, 1.999, 11)),
    "gammaln": (scipy.special.gammaln, GRID),
    "digamma": (scipy.special.digamma, GRID),
    "trigamma": (lambda x: scipy.special.polygamma(1, x), GRID[GRID > 0]),
    "cbrt": (np.cbrt, GRID),
}


@mostly_every_namespace
@pytest.mark.parametrize("function", SPECIAL)
def test_special_functions_are_those_of_scipy(function: str, make: Any) -> None:
    right, grid = SPECIAL[function]
    x = make(grid)
    found = getattr(special, f"_{function}")(array_namespace(x), x)
    np.testing.assert_allclose(np.asarray(found), right(grid), rtol=1e-12, atol=1e-300)


def test_every_leaf_has_a_name_in_the_standard() -> None:
    texts = {name for leaf in LEAVES.values() for name in _calls(leaf.stable)}
    assert texts - {"power", "abs"}
    for name in texts - {"power"}:
        assert name_of(name).endswith(("(", "(xp, "))
    with pytest.raises(SpecError, match="the array API standard has no airy"):
        name_of("airy")


def _calls(text: str) -> list[str]:
    return re.findall(r"(\w+)\(", text)


def test_what_is_lacked_is_brought() -> None:
    text = " ".join(f"{name}(" for name in HELPERS)
    brought = "\n".join(sources(text))
    assert all(f"def {name}(" in brought for name in HELPERS)
    assert all(names and made_of for names, made_of in LACKED.values())


# -- what is asked of arguments -----------------------------------------------------------------


@pytest.fixture(scope="module")
def labelled() -> ModuleType:
    x, y, w = sg.data("x", ("N", 3)), sg.data("y", ("N",), dtype=int), sg.param("w", (3, 4))
    logits = x @ w
    p = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
    return sg.derive(-np.mean(np.log(p[sg.arange("N"), y]))).compile(target="array-api")


def some(make: Any, **changed: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    arrays = {"x": make(rng.standard_normal((6, 3))), "w": make(rng.standard_normal((3, 4)))}
    return arrays | {"y": make(np.array([0, 1, 2, 3, 0, 1]))} | changed


@every_namespace
def test_wrong_arguments_are_named(labelled: ModuleType, make: Any) -> None:
    wrong: Mapping[str, tuple[Any, str]] = {
        "y": (make(np.array([0, 1, 2, 4, 0, 1])), "y: expected labels from 0 to 3, got 4"),
        "w": (make(np.ones((4, 4))), r"w: expected shape \(3, 4\), got \(4, 4\)"),
        "x": (make(np.ones((5, 3))), "y: expected shape .N,. with N = 5 as in x, got .6,."),
    }
    for name, (value, told) in wrong.items():
        with pytest.raises(ValueError, match=told):
            labelled.loss(**some(make, **{name: value}))
    with pytest.raises(ValueError, match="y: expected dtype int, got"):
        labelled.loss(**some(make, y=make(np.ones(6))))
    with pytest.raises(ValueError, match="x: expected dtype float, got"):
        labelled.loss(**some(make, x=make(np.ones((6, 3), complex))))


def test_arrays_of_two_libraries_are_refused(labelled: ModuleType) -> None:
    with pytest.raises(ValueError, match="w: expected an array of torch as x, got numpy"):
        labelled.loss(**some(torch.asarray, w=np.ones((3, 4))))
    with pytest.raises(ValueError, match="expected an array among x, y, w, got none"):
        labelled.loss([[1.0]], [0], [[1.0]])


@every_namespace
def test_lists_and_small_integers_are_taken(labelled: ModuleType, make: Any) -> None:
    expected = labelled.loss(**some(make))
    assert labelled.loss(**some(make, y=[0, 1, 2, 3, 0, 1])) == expected
    assert labelled.loss(**some(make, y=make(np.array([0, 1, 2, 3, 0, 1], np.uint8)))) == expected


def test_arrays_stay_on_their_device(labelled: ModuleType) -> None:
    """PyTorch's device without memory: what is made elsewhere can't be combined with it."""
    module = sg.derive(np.sum(np.tril(sg.param("w", (3, 3))) ** 2)).compile(target="array-api")
    value, found = module.loss_and_gradients(torch.ones((3, 3), device="meta"))
    assert (value.device.type, found.w.device.type) == ("meta", "meta")
    arrays = some(torch.asarray, w=torch.ones((3, 4), device="meta"))
    with pytest.raises(ValueError, match="w: expected an array on cpu as x, got meta"):
        labelled.loss(**arrays)


# -- PyTorch and JAX differentiate it -----------------------------------------------------------


def function_of(loss: Loss, module: ModuleType, make: Any) -> tuple[Any, list[Any]]:
    """A function of the parameters; matrices that are symmetric stay so when they are moved."""
    arrays, names = given(loss, make), module.Gradients._fields

    def function(*values: Any) -> Any:
        moved = dict(zip(names, values, strict=True))
        moved |= {n: (moved[n] + moved[n].mT) / 2 for n in names if n in loss.definite}
        return module.loss(**{**arrays, **moved})

    return function, [arrays[name] for name in names]


def check_torch(loss: Loss) -> None:
    function, values = function_of(loss, wrapped(loss, "torch"), torch.asarray)
    tensors = [v.clone().requires_grad_() for v in values]
    assert torch.autograd.gradcheck(function, tensors, fast_mode=True)
    assert torch.autograd.gradgradcheck(function, tensors, fast_mode=True)


def check_jax(loss: Loss, order: int = 2) -> None:
    function, values = function_of(loss, wrapped(loss, "jax"), jnp.asarray)
    check_grads(jax.jit(function), tuple(values), order=order, modes=["rev"], eps=1e-5, rtol=1e-4)


few = pytest.mark.parametrize(
    "loss", [loss for loss in LOSSES if loss.name in SHOWN[:5]], ids=lambda loss: loss.name
)


@few
def test_gradcheck(loss: Loss) -> None:
    check_torch(loss)


@pytest.mark.parametrize("loss", [x for x in LOSSES if x.name == "softmax_regression"])
def test_check_grads(loss: Loss) -> None:
    check_jax(loss, order=1)


@pytest.mark.long
@every_loss
def test_gradcheck_of_every_loss(loss: Loss) -> None:
    check_torch(loss)


@pytest.mark.long
@every_loss
def test_check_grads_of_every_loss(loss: Loss) -> None:
    check_jax(loss)


@pytest.mark.parametrize("wrap", ["torch", "jax"])
def test_what_is_no_parameter_has_no_derivative(wrap: str) -> None:
    (loss,) = (x for x in LOSSES if x.name == "least_squares")
    module, arrays = wrapped(loss, wrap), given(loss, MAKE[wrap])
    by_wrap = {
        "jax": lambda: jax.grad(lambda x: module.loss(**{**arrays, "X": x}))(arrays["X"]),
        "torch": lambda: module.loss(**{**arrays, "X": arrays["X"].requires_grad_()}),
    }
    with pytest.raises(ValueError, match="X: no derivative is in this file"):
        by_wrap[wrap]()


@pytest.mark.parametrize("wrap", ["torch", pytest.param("jax", marks=pytest.mark.long)])
def test_a_wrong_derivative_is_found(wrap: str) -> None:
    """A fault planted in the backward pass is seen."""
    (loss,) = (x for x in LOSSES if x.name == "mlp_columns")
    text = wrapped(loss, wrap).__source__
    wrong = text.replace("return Gradients(", "return Gradients(1.01 * ", 1)
    assert wrong != text
    function, values = function_of(loss, load(wrong, "wrong"), MAKE[wrap])
    if wrap == "torch":
        tensors = [v.clone().requires_grad_() for v in values]
        assert not torch.autograd.gradcheck(function, tensors, raise_exception=False)
    else:
        with pytest.raises(AssertionError):
            check_grads(function, tuple(values), order=1, modes=["rev"], eps=1e-5)


def test_float32_and_mixed_parameters_in_torch() -> None:
    (loss,) = (x for x in LOSSES if x.name == "least_squares")
    module, arrays = wrapped(loss, "torch"), given(loss, torch.asarray)
    w = arrays["w"].to(torch.float32).requires_grad_()
    module.loss(**{**arrays, "w": w}).backward()
    assert w.grad is not None
    assert w.grad.dtype == torch.float32


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PyTorch, by itself
def test_torch_func_maps_and_differentiates() -> None:
    (loss,) = (x for x in LOSSES if x.name == "softmax_regression")
    module, arrays = wrapped(loss, "torch"), given(loss, torch.asarray)
    (name,) = module.Gradients._fields[:1]
    both = torch.stack([arrays[name], 2 * arrays[name]])

    def function(value: Any) -> Any:
        return module.loss(**{**arrays, name: value})

    slopes = torch.func.vmap(torch.func.grad(function))(both)
    second = torch.func.jacrev(torch.func.jacrev(function))(both[1])
    tracked = both[1].clone().requires_grad_()
    (one,) = torch.autograd.grad(function(tracked), tracked, create_graph=True)
    along = torch.autograd.grad(one.flatten()[0], tracked)[0]
    np.testing.assert_allclose(slopes[1], one.detach(), rtol=1e-12)
    np.testing.assert_allclose(second.reshape(one.numel(), -1)[0], along.flatten(), rtol=1e-9)
    with pytest.raises(NotImplementedError, match="forward mode"):
        torch.func.jvp(function, (both[0],), (both[1],))


def test_jax_maps_and_compiles() -> None:
    (loss,) = (x for x in LOSSES if x.name == "ridge")
    module, arrays = wrapped(loss, "jax"), given(loss, jnp.asarray)
    many = jnp.stack([arrays["w"], 2 * arrays["w"]])
    slopes = jax.vmap(jax.grad(lambda w: module.loss(**{**arrays, "w": w})))(many)
    one = jax.jit(jax.grad(lambda w: module.loss(**{**arrays, "w": w})))(many[1])
    np.testing.assert_allclose(slopes[1], one, rtol=1e-12)


# -- the files ----------------------------------------------------------------------------------

SPEC = """import numpy as np
import symgrad as sg
x, y, w = sg.data("x", ("N", 3)), sg.data("y", ("N",)), sg.param("w", (3,))
loss = np.mean((x @ w - y) ** 2)
"""


@pytest.mark.long
def test_the_command_line_writes_the_wrappers(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(SPEC)
    out = tmp_path / "out"
    command = ["derive", str(tmp_path / "net.py"), "--wrap", "torch,jax", "--out", str(out)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in out.iterdir()) == [
        "net_array_api.py",
        "net_jax.py",
        "net_torch.py",
    ]
    line = "import net_torch, net_array_api, torch; print(float(net_torch.loss(torch.ones((1, 3)), torch.ones(1), torch.ones(3))))"  # noqa: E501
    said = subprocess.run(
        [sys.executable, "-c", line], cwd=out, capture_output=True, text=True, check=False
    )
    assert (said.stdout, said.returncode) == ("4.0\n", 0), said.stderr
    assert "import numpy" not in "".join(p.read_text() for p in out.glob("*.py"))


def test_what_can_not_be_is_refused(tmp_path: Path) -> None:
    x, w = sg.data("x", ("N", 3)), sg.param("w", (3,))
    derivation = sg.derive(np.sum((x @ w) ** 2))
    for options, told in (
        ({"target": "c", "wrap": "torch"}, "nothing of the target c is wrapped for torch"),
        ({"target": "numpy", "wrap": "jax"}, "nothing of the target numpy is wrapped for jax"),
        ({"target": "array-api", "checkpoint": 2}, "checkpoint is not there in array-api"),
        ({"wrap": "mxnet"}, "there is no wrapper for 'mxnet'"),
        ({"target": "array-api", "unroll": True}, "nothing is unrolled"),
        ({"target": "array-api", "prepare": True}, "nothing is prepared"),
    ):
        with pytest.raises(SpecError, match=told):
            derivation.source(**options)
    assert derivation.source(wrap="jax") == derivation.source("array-api")
    spec = tmp_path / "net_spec.py"
    spec.write_text(SPEC)
    run = CliRunner().invoke(main, ["derive", str(spec), "--target", "numpy", "--wrap", "torch"])
    assert (run.exit_code, "target numpy is wrapped" in run.output) == (2, True), run.output
    spec.unlink()
    with pytest.raises(SpecError, match="only a loss with its derivatives by inputs is wrapped"):
        sg.jacobian(x @ w, w).source(wrap="torch")
    derivation.write(tmp_path / "net.py", wrap=("torch", "jax"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.py", "net_jax.py", "net_torch.py"]


@pytest.mark.long
@pytest.mark.parametrize("example", ["notebook", "mlp"])
def test_the_examples_are_differentiated_by_both(example: str, root: Path, tmp_path: Path) -> None:
    spec = str(root / "examples" / f"{example}.py")
    command = ["derive", spec, "--wrap", "torch,jax", "--out", str(tmp_path), "--quiet"]
    assert CliRunner().invoke(main, command).exit_code == 0
    for wrap in ("torch", "jax"):
        text = (tmp_path / f"{example}_{wrap}.py").read_text(encoding="utf-8")
        module, rng, make = load(text, example), np.random.default_rng(0), MAKE[wrap]
        arrays: dict[str, Any] = {}
        for name, shape in module._SHAPES.items():
            sizes = tuple(4 if isinstance(s, str) else s for s in shape)
            label = getattr(module, "_KINDS", {}).get(name) == "int"
            draw = rng.integers(0, 3, sizes) if label else rng.standard_normal(sizes) / 4
            arrays[name] = make(np.eye(*sizes) if name == "Y" else draw)  # Y is one-hot
        names = module.Gradients._fields

        def function(*values: Any, m: Any = module, n: Any = names, a: Any = arrays) -> Any:
            return m.loss(**{**a, **dict(zip(n, values, strict=True))})

        values = [arrays[name] for name in names]
        if wrap == "torch":
            tensors = [v.clone().requires_grad_() for v in values]
            assert torch.autograd.gradcheck(function, tensors, fast_mode=True)
        else:
            check_grads(function, tuple(values), order=1, modes=["rev"], eps=1e-5, rtol=1e-4)


def test_a_loop_brings_no_line_that_nothing_reads() -> None:
    x, w = sg.data("x", ("T", 3)), sg.param("w", (3, 3))

    def step(h: Any, x_t: Any) -> Any:
        h = np.tanh(w @ h + x_t)
        return h, h

    last, hs = sg.scan(step, np.zeros(3), x)
    source = sg.derive(np.sum(hs**2) + np.sum(last)).source(target="array-api")
    inside = [f for f in ast.parse(source).body if isinstance(f, ast.FunctionDef)]
    stages = [f for f in inside if any(isinstance(part, ast.For) for part in f.body)]
    assert len(stages) >= 2
    for function in stages:
        names = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
        made = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        assert made - {"_"} <= {n.id for n in names if isinstance(n.ctx, ast.Load)}, function.name
