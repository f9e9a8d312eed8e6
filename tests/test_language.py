"""Every function of the language: its value and gradient, and that a fault in it would be seen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import symgrad as sg
from symgrad.checks.numbers import Floats
from symgrad.checks.sampling import given_point
from symgrad.checks.stepwise import evaluate_equations
from symgrad.language.registry import FUNCTIONS, UFUNCS, close_names, public_name
from symgrad.language.tracing import trace
from symgrad.mathematics.reductions import LEAVES
from tests.agreement import check_equations
from tests.drawing import Spec

RNG = np.random.default_rng(4)
INPUTS = {
    "a": RNG.uniform(0.2, 0.9, size=(3, 4)), "b": RNG.uniform(0.2, 0.9, size=(3, 4)),
    "c": RNG.uniform(0.2, 0.9, size=(4, 2)), "v": RNG.uniform(0.2, 0.9, size=4),
    "d": RNG.uniform(0.2, 0.9, size=(2, 3, 3)) + 2 * np.eye(3),
    "s": 0.2 * RNG.uniform(0.2, 0.9, size=(3, 3)) + 2 * np.eye(3),
    "y": np.array([2, 0, 1]),
}  # fmt: skip
S = "(s @ s.T)"

CALLS = {
    "append": "np.append(a, b * a, axis=1)",
    "block": "np.block([[a, s], [b * a, s]])", "column_stack": "np.column_stack([a, y * b[:, 0]])",
    "cross": "np.cross(s, a[:, 1:])", "cumprod": "np.cumprod(a, axis=1)",
    "dstack": "np.dstack([a, b * a])", "hsplit": "np.hsplit(a, 2)[1]",
    "ptp": "np.ptp(a, axis=1)", "trapezoid": "np.trapezoid(a, np.array([0, 1, 3, 4]), axis=1)",
    "vsplit": "np.vsplit(a, [1])[1]",
    "amax": "np.amax(a, axis=0)", "amin": "np.amin(a, axis=1, keepdims=True)",
    "array_split": "np.array_split(a, 3, axis=1)[0]", "atleast_1d": "np.atleast_1d(np.sum(a))",
    "atleast_2d": "np.atleast_2d(v) * a", "average": "np.average(a, axis=1, weights=b)",
    "broadcast_to": "np.broadcast_to(v, (3, 4)) * a", "clip": "np.clip(a - 0.5, -0.1, 0.2)",
    "concatenate": "np.concatenate([a, b * a, a], axis=1)", "copy": "np.copy(a) * b",
    "cumsum": "np.cumsum(a, axis=1)", "diag": "np.diag(v)", "diagonal": "np.diagonal(s)",
    "diff": "np.diff(a, axis=1)", "dot": "np.dot(a, c)",
    "einsum": "np.einsum('ij,jk,ij->ki', a, c, b)", "expand_dims": "np.expand_dims(a, 1) * b",
    "flip": "np.flip(a, axis=1)", "full_like": "a * np.full_like(b, 2.5)",
    "hstack": "np.hstack([a, b * a])", "inner": "np.inner(a, b)", "kron": "np.kron(a, c)",
    "linalg.cond": "np.linalg.cond(d)",
    "linalg.eigh": "np.linalg.eigh(d + np.swapaxes(d, -1, -2))[0]",
    "linalg.eigvalsh": "np.linalg.eigvalsh(d + np.swapaxes(d, -1, -2))",
    "linalg.svdvals": "np.linalg.svdvals(d)",
    "linalg.svd": "np.linalg.svd(d, compute_uv=False)",
    "linalg.cholesky": f"np.linalg.cholesky{S}", "linalg.det": "np.linalg.det(d)",
    "linalg.inv": "np.linalg.inv(d)", "linalg.matrix_power": "np.linalg.matrix_power(s, 3)",
    "linalg.multi_dot": "np.linalg.multi_dot([s, a, c])",
    "linalg.norm": "np.linalg.norm(a, axis=1)", "linalg.slogdet": "np.linalg.slogdet(d)[1]",
    "linalg.solve": "np.linalg.solve(s, a)", "max": "np.max(a, axis=1)", "mean": "np.mean(a, 0)",
    "min": "np.min(a, axis=0)", "moveaxis": "np.moveaxis(d, 0, 2)",
    "ones_like": "a * np.ones_like(b)", "outer": "np.outer(v, a)",
    "pad": "np.pad(a, ((1, 0), (2, 1)))",
    "prod": "np.prod(a, axis=1)", "ravel": "np.ravel(a)", "repeat": "np.repeat(a, 2, axis=0)",
    "reshape": "np.reshape(a, (2, 6))", "roll": "np.roll(a, 1, axis=1)",
    "select": "np.select([a > 0.6, b > 0.5], [a * b, a], b)",
    "sliding_window_view": "np.lib.stride_tricks.sliding_window_view(a, 2, axis=1)",
    "split": "np.split(a, 2, axis=1)[1]", "squeeze": "np.squeeze(a[:, :1])",
    "stack": "np.stack([a, b * a], axis=1)", "std": "np.std(a, axis=1)", "sum": "np.sum(a, axis=1)",
    "swapaxes": "np.swapaxes(d, 0, 2)", "take": "np.take(a, y, axis=1)",
    "take_along_axis": "np.take_along_axis(a, y[:, None], axis=1)",
    "tensordot": "np.tensordot(d, s, axes=1)", "tile": "np.tile(a, (2, 1))",
    "trace": "np.trace(s @ s)", "transpose": "np.transpose(d, (1, 2, 0))", "tril": "np.tril(s, 1)",
    "triu": "np.triu(s, 1)", "var": "np.var(a, axis=0, ddof=1)", "vdot": "np.vdot(a, b)",
    "vstack": "np.vstack([a, v])", "where": "np.where(a > b, a * b, a + 2 * b)",
    "zeros_like": "a + np.exp(np.zeros_like(b))",
    "angle": "a + np.angle(a - 0.5)", "around": "a * np.around(3 * b)",
    "atleast_3d": "np.atleast_3d(a) * b[0, 0]",
    "broadcast_arrays": "np.broadcast_arrays(v, a)[0] * a",
    "compress": "np.compress([1, 0, 1], a, 0)",
    "convolve": "np.convolve(v, a[0], 'same')", "corrcoef": "np.corrcoef(a)",
    "correlate": "np.correlate(v, a[0, :2])", "count_nonzero": "a * np.count_nonzero(b > 0.5)",
    "cov": "np.cov(a, rowvar=False)", "delete": "np.delete(a, 1, axis=0)",
    "diagflat": "np.diagflat(v)", "dsplit": "np.dsplit(d, 3)[1]", "ediff1d": "np.ediff1d(v)",
    "fix": "a * np.fix(3 * b)", "fliplr": "np.fliplr(a)", "flipud": "np.flipud(a)",
    "geomspace": "np.geomspace(v, 2 * v, 3)", "gradient": "np.gradient(a, axis=1, edge_order=2)",
    "imag": "a + np.exp(np.imag(b))", "insert": "np.insert(a, 1, b[:, 0], axis=1)",
    "interp": "np.interp(2 * a, np.array([0.5, 1, 1.2, 3]), v)",
    "linalg.cross": "np.linalg.cross(s, a[:, 1:])",
    "linalg.matrix_norm": "np.linalg.matrix_norm(d)",
    "linalg.matrix_transpose": "np.linalg.matrix_transpose(d)",
    "linalg.vector_norm": "np.linalg.vector_norm(a, axis=1, ord=3)",
    "linspace": "np.linspace(v, 2 + v, 5)", "logspace": "np.logspace(v, 1 + v, 3, base=2.0)",
    "matrix_transpose": "np.matrix_transpose(d)", "median": "np.median(a, axis=1)",
    "meshgrid": "np.meshgrid(v, a[0])[0] * a[1]", "nan_to_num": "np.nan_to_num(a) * b",
    **{f"nan{name}": f"np.nan{name}(a, axis=1)"
       for name in ("cumprod", "cumsum", "max", "mean", "min", "prod", "std", "sum", "var")},
    "percentile": "np.percentile(a, 40, axis=0)",
    "piecewise": "np.piecewise(a, [a > 0.7, a < 0.4], [lambda x: x**2, np.sin, lambda x: 3 * x])",
    "polyval": "np.polyval(v, a)", "quantile": "np.quantile(a, [0.1, 0.6], axis=1)",
    "real": "np.real(a) * b", "real_if_close": "np.real_if_close(a) * b",
    "rollaxis": "np.rollaxis(d, 2)", "rot90": "np.rot90(a)", "round": "a * np.round(b, 1)",
    "all": "np.where(np.all(a > 0.3, axis=1, keepdims=True), a, b)",
    "any": "np.where(np.any(a > 0.8, axis=0), a, b)",
    "sort": "np.sort(a, axis=0)", "partition": "np.partition(a, 1, axis=0)[1]",
    "argsort": "a.ravel()[np.argsort(b, axis=None)]",
    "argpartition": "np.take_along_axis(a, np.argpartition(b, 1, axis=1)[:, 1:2], 1)",
    **{name: f"a[np.{name}(a - b, axis=0), np.arange(4)]"
       for name in ("argmax", "argmin", "nanargmax", "nanargmin")},
    "isclose": "np.where(np.isclose(a, b, rtol=0.3), a, b * b)",
    "bincount": "np.bincount(y, a[:, 0], minlength=3)",
    "diag_indices_from": "s[np.diag_indices_from(s)]",
    **{f"{name}_indices_from": f"s[np.{name}_indices_from(s, k=-1)]" for name in ("tril", "triu")},
    "choose": "np.choose(y[:, None], [a, b * a, 2.0])",
    "digitize": "v[np.digitize(a, [0.3, 0.5, 0.7])] * b",
    "searchsorted": "v[np.searchsorted([0.3, 0.5, 0.7], a)] * b",
    "linalg.lstsq": "np.linalg.lstsq(np.vander(np.arange(3.0), 2), a)[0]",
    "linalg.tensorinv": "np.linalg.tensorinv(s, ind=1)",
    "linalg.tensorsolve": "np.linalg.tensorsolve(s, b[:, 0] * a[:, 1])",
    "polyadd": "np.polyadd(v, a[0, :2])", "polysub": "np.polysub(a[0, 1:], v)",
    "polymul": "np.polymul(v, a[0, :2])", "polyder": "np.polyder(v, 2)",
    "polyint": "np.polyint(v, 2, k=a[0, :2])",
    "polyfit": "np.polyfit(np.arange(3.0), a * b, 1)",
    "unwrap": "np.unwrap(20 * a, axis=1) * b",
    "unstack": "np.unstack(d, axis=1)[1]",
    "vander": "np.vander(v, 3)",
}  # fmt: skip
NO_ARRAYS = {"ndim", "shape", "size", "copyto", "fill_diagonal", "put_along_axis", "empty_like",
             "diag_indices_from", "tril_indices_from", "triu_indices_from"}  # fmt: skip
"""What answers with numbers, or with nothing, as it writes into an array; or with any numbers."""

UFUNC_CALLS = {
    "add.reduce": "np.add.reduce(a)", "multiply.reduce": "np.multiply.reduce(a)",
    "maximum.reduce": "np.maximum.reduce(a)", "minimum.reduce": "np.minimum.reduce(a)",
    "matmul": "np.matmul(a, c)", "arccosh": "np.arccosh(1.5 + a)",
    "clip": "np._core.umath.clip(a - 0.5, -0.1, 0.2)",
    "logaddexp.reduce": "np.logaddexp.reduce(a)",
    **{f"{name}.accumulate": f"np.{name}.accumulate(a, axis=1)"
       for name in ("add", "multiply", "maximum", "minimum", "logaddexp")},
    **{name: f"np.where(np.{name}(a), a, b * b)" for name in ("isfinite", "isnan", "isinf",
                                                             "signbit")},
    **{name: f"np.{name}(3 * a) * b" for name in ("floor", "ceil", "rint", "trunc")},
    **{name: f"np.{name}(5 * a, b)" for name in ("floor_divide", "remainder", "fmod")},
    "floor_divide": "np.floor_divide(5 * a, b) * a", "divmod": "np.divmod(5 * a, b)[1]",
    "modf": "np.modf(3 * a)[0]", "gammasgn": "special.gammasgn(a - 1.5) * b",
    "logical_not": "np.where(np.logical_not(a > b), a, b * b)",
    "invert": "np.where(~(a > b), a, b * b)", "heaviside": "np.heaviside(a - b, 0.5) * a",
    "sign": "np.sign(a - b) * a", "power": "np.power(a, b)", "float_power": "np.float_power(a, b)",
    **{name: f"np.where(np.{name}(a > b, a > 0.5), a, b * b)"
       for name in ("logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or",
                    "bitwise_xor")},
    **{name: f"np.where(np.{name}(a, b), a, b * b)"
       for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")},
}  # fmt: skip


def ufunc_call(name: str) -> str:
    """An expression that calls a ufunc."""
    if name in UFUNC_CALLS:
        return UFUNC_CALLS[name]
    home = "np" if hasattr(np, name) else "special"
    count = getattr(np if home == "np" else scipy.special, name).nin
    return f"{home}.{name}({', '.join('ab'[:count])})"


def function_call(name: str) -> str:
    """An expression that calls another function of NumPy; that of a leaf by its record."""
    leaf = next((leaf for leaf in LEAVES.values() if leaf.called == name), None)
    return CALLS[name] if leaf is None else f"np.{name}({', '.join('ab'[: len(leaf.domain)])})"


def spec(expression: str) -> Spec:
    """A weighted sum of the expression: what is moved to another place changes it."""
    value = eval(expression, {"np": np, "special": scipy.special, **INPUTS})
    inputs = {**INPUTS, "k": RNG.uniform(0.5, 1.5, size=np.shape(value))}
    params = [n for n in "abcvds" if n in expression]
    used = [*params, "k", *("y" for _ in [0] if "y" in expression)]
    total = "np.sum(r * k)" if "vdot" in expression else "np.vdot(r, k)"
    lines = [f"r = {expression}", f"loss = {total}"]
    return Spec(params, {n: v for n, v in inputs.items() if n in used}, lines)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_and_a_fault_in_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in NO_ARRAYS:
        return
    right = spec(function_call(name))
    check_equations(right)
    plant(monkeypatch, FUNCTIONS, name, right)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", sorted(n for n in UFUNCS if not n.endswith(".at")))
def test_a_ufunc_and_a_fault_in_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = spec(ufunc_call(name))
    check_equations(right)
    plant(monkeypatch, UFUNCS, name, right)


def wrong(value: Any, fault: Callable[[Any], Any]) -> Any:
    """The value of a function with a fault in it."""
    if isinstance(value, sg.Array):
        return ~value if value.kind == "bool" else fault(value)
    parts = [wrong(v, fault) for v in value]
    return type(value)(*parts) if hasattr(value, "_fields") else parts


FAULTS: dict[str, Callable[[Any], Any]] = {
    "factor": lambda v: v * 1.000001,
    "sign": lambda v: -v,
    "term": lambda v: v + 0.001,
    "index": lambda v: v[..., ::-1],
    "transposition": lambda v: v.T,
}


def forward(spec: Spec) -> float:
    """The loss by the equations that the spec writes."""
    arrays = {
        name: sg.data(name, value.shape, dtype=value.dtype) for name, value in spec.inputs.items()
    }
    space = spec.run(np, scipy.special, **arrays)
    system = trace(space["loss"], {n: v for n, v in space.items() if isinstance(v, sg.Array)})
    start = given_point(system, spec.inputs, Floats())
    found = evaluate_equations(system, start.env, start.sizes, Floats())
    return float(found[system.output])


def matters(name: str, kind: str, r: Any) -> bool:
    """Whether a fault changes the value, which it does not where that is the same all over."""
    if name.endswith("_like") or name == "imag":
        return kind == "term"
    if kind == "index":
        return np.ndim(r) > 0 and not np.allclose(r, r[..., ::-1])
    return kind != "transposition" or (r.shape == r.T.shape and not np.allclose(r, r.T))


def plant(monkeypatch: pytest.MonkeyPatch, table: dict[str, Any], name: str, right: Spec) -> None:
    """Each fault is seen; one in a comparison is that it is turned around."""
    function, expected = table[name], right.run(np, scipy.special)
    assert forward(right) == pytest.approx(expected["loss"], rel=1e-12)
    for kind, fault in FAULTS.items():
        if not matters(name, kind, expected["r"]):
            continue

        def planted(*args: Any, fault: Any = fault, **more: Any) -> Any:
            with monkeypatch.context() as inner:
                inner.setitem(table, name, function)
                return wrong(function(*args, **more), fault)

        with monkeypatch.context() as patch:
            patch.setitem(table, name, planted)
            with contextlib.suppress(sg.SpecError):
                assert forward(right) != pytest.approx(expected["loss"], rel=1e-9), kind


@pytest.mark.parametrize("name", sorted({*FUNCTIONS, *UFUNCS}))
def test_what_is_proposed_exists(name: str) -> None:
    """For a name with a slip in it; a function that only SciPy has bears SciPy's name."""
    hint = close_names(name[:-1] + "_")
    for proposed in (public_name(name), *hint.removeprefix("perhaps ").split(" or ")):
        assert not proposed or callable(eval(proposed, {"np": np, "scipy": scipy}))
    assert public_name("gammaln") == "scipy.special.gammaln"
