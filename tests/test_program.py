"""Programs: random equations against loops over indices, planning, passes, the verifier."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import sympy as sp
from sympy import KroneckerDelta as Delta

from symgrad.errors import SpecError
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import Index, axis_index, entry, fresh, indices_of, name_of
from symgrad.mathematics.ranges import Bounds, Label
from symgrad.mathematics.reductions import (
    LEAVES,
    AxisMax,
    Leaf,
    LogSumExp,
    maximum,
    relu,
    select,
    step,
    tie_half,
    xlogy,
)
from symgrad.mathematics.sizes import as_size
from symgrad.program.interpreter import interpret
from symgrad.program.lower import lower
from symgrad.program.passes import alive, compiled, expanded, for_outputs, planned, typed
from symgrad.program.program import Op, Program, Ref
from symgrad.program.verification import ProgramError, verified
from symgrad.targets.module import Module, assembled
from symgrad.targets.numpy.emit import emit, load

SIZES = {"N": 3, "2": 2, "4": 4, "M": 5}
N, TWO, FOUR, M = map(as_size, SIZES)
ONE = as_size(1)


def evaluated(expr: sp.Expr, at: Mapping[sp.Expr, int], env: Mapping[str, Any]) -> float:
    """An expression at given indices, by loops over the bound ones."""
    if isinstance(expr, sp.Symbol):
        return at[expr] if isinstance(expr, Index) else SIZES.get(expr.name, env.get(expr.name))
    if isinstance(expr, sp.Indexed):
        return env[name_of(expr)][tuple(int(evaluated(i, at, env)) for i in indices_of(expr))]
    if isinstance(expr, (sp.Sum, LogSumExp, AxisMax)):
        bound = [limit[0] for limit in expr.limits]
        ranges = [range(int(evaluated(i.size, at, env))) for i in bound]
        values = [
            evaluated(expr.function, {**at, **dict(zip(bound, found, strict=True))}, env)
            for found in itertools.product(*ranges)
        ]
        return {sp.Sum: sum, AxisMax: max, LogSumExp: np.logaddexp.reduce}[type(expr)](values)
    if isinstance(expr, Delta):
        a, b = (evaluated(x, at, env) for x in expr.args)
        return float(a == b)
    if expr.is_Number:
        return float(expr)
    return float(FUNCTIONS[type(expr)](*(evaluated(a, at, env) for a in expr.args)))


FUNCTIONS = {
    sp.Add: lambda *x: sum(x),
    sp.Mul: lambda *x: np.prod(x),
    sp.Pow: lambda x, y: x**y,
    sp.exp: np.exp,
    sp.log: np.log,
    sp.tanh: np.tanh,
    relu: lambda x: max(x, 0),
    step: lambda x: x > 0,
    maximum: max,
    tie_half: lambda x, y: (float(x > y) + float(x >= y)) / 2,
    select: lambda c, x, y: x if c else y,
    xlogy: lambda x, y: x * np.log(y) if x else 0.0,
}

VARIABLES = (
    Variable("A", (N, FOUR), "param"),
    Variable("B", (FOUR, N), "param"),
    Variable("C", (FOUR, TWO), "param"),
    Variable("D", (N, FOUR, TWO), "param"),
    Variable("S", (FOUR, FOUR), "param"),
    Variable("col", (FOUR, ONE), "param"),
    Variable("other", (TWO, ONE), "param"),
    Variable("row", (ONE, FOUR), "param"),
    Variable("u", (FOUR,), "param"),
    Variable("v", (N,), "param"),
    Variable("w", (TWO,), "param"),
    Variable("c", (), "param"),
    Variable("one", (ONE, ONE), "param"),
    Variable("y", (N,), "data", "int"),
    Variable("rep", (M,), "data", "int"),
    Variable("G", (M, TWO), "param"),
)
RANGES = {"y": 4, "rep": 4}


def numbers(dtype: type = np.float64, scale: float = 1.0) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    env: dict[str, Any] = {}
    for v in VARIABLES:
        shape = tuple(int(SIZES.get(s.name, 1)) if s.is_Symbol else int(s) for s in v.shape)
        if v.dtype == "int":
            env[v.name] = rng.integers(0, RANGES[v.name], shape)
        else:
            env[v.name] = (scale * rng.standard_normal(shape)).astype(dtype)
    env["rep"] = np.array([1, 3, 1, 1, 0])
    return env


def atom(name: str, *indices: sp.Expr) -> sp.Expr:
    variable = next(v for v in VARIABLES if v.name == name)
    plain = entry(name, indices, integer=variable.dtype == "int")
    points = Label(name, (Bounds(sp.S.Zero, FOUR, (None,)),))
    return plain.xreplace({sp.Symbol(name, integer=True): points})


# Random expressions


class Maker:
    """Random well-typed expressions over given free indices."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def index(self, size: sp.Expr, free: list[Index]) -> sp.Expr:
        """A free index of this size, or the unit axis."""
        if size == 1:
            return sp.S.Zero
        return self.random.choice([i for i in free if i.size == size])

    def entry(self, free: list[Index]) -> sp.Expr:
        sizes = {i.size for i in free} | {ONE}
        fitting = [v for v in VARIABLES if v.dtype == "float" and set(v.shape) <= sizes]
        variable = self.random.choice(fitting)
        indices = [self.index(s, free) for s in variable.shape]
        rows = [i for i in free if i.size == N]
        for k, size in enumerate(variable.shape):
            if size == FOUR and rows and self.random.random() < 0.08:
                indices[k] = atom("y", rows[0])
        return atom(variable.name, *indices)

    def expr(self, free: list[Index], depth: int) -> sp.Expr:
        if depth == 0:
            return self.entry(free)
        kind = self.random.choice(
            ["entry", "add", "add", "mul", "mul", "sum", "sum", "function", "scale", "softmax",
             "delta", "label", "max", "divide", "lse"]
        )  # fmt: skip
        return getattr(self, f"make_{kind}")(free, depth - 1)

    def make_entry(self, free: list[Index], depth: int) -> sp.Expr:
        return self.entry(free)

    def make_add(self, free: list[Index], depth: int) -> sp.Expr:
        return self.expr(free, depth) + self.random.choice([1, -1]) * self.expr(free, depth)

    def make_mul(self, free: list[Index], depth: int) -> sp.Expr:
        return self.expr(free, depth) * self.expr(free, depth)

    def make_sum(self, free: list[Index], depth: int) -> sp.Expr:
        bound = [
            fresh(self.random.choice([N, TWO, FOUR, M]))
            for _ in range(self.random.choice([1, 1, 2]))
        ]
        inner = self.expr([*free, *bound], depth) * self.expr([*free, *bound], depth)
        return sp.Sum(inner, *(i.limits for i in bound))

    def make_function(self, free: list[Index], depth: int) -> sp.Expr:
        x = self.expr(free, depth)
        y = self.expr(free, depth)
        return self.random.choice(
            [sp.tanh(x), relu(x), step(x), maximum(x, y), tie_half(x, y), select(step(x), x, y),
             x**2, sp.exp(sp.tanh(x)), sp.sqrt(1 + x**2), sp.log(2 + sp.tanh(x)), x**3,
             1 - step(x), step(x) + step(y), step(x) * step(y)]
        )  # fmt: skip

    def make_scale(self, free: list[Index], depth: int) -> sp.Expr:
        scale = self.random.choice(
            [sp.Rational(1, 3), 1 / N, -FOUR, sp.Rational(1, 10), 1 / sp.sqrt(FOUR * N), sp.S(2)]
        )
        return scale * self.expr(free, depth)

    def make_divide(self, free: list[Index], depth: int) -> sp.Expr:
        return self.expr(free, depth) / (2 + self.expr(free, depth) ** 2)

    def make_softmax(self, free: list[Index], depth: int) -> sp.Expr:
        four = [i for i in free if i.size == FOUR]
        if not four:
            return self.entry(free)
        i, k = four[-1], fresh(FOUR)
        z = self.expr(free, min(depth, 1))
        lse = LogSumExp(z.xreplace({i: k}) if i in z.free_symbols else z + atom("u", k), k.limits)
        z = z if i in z.free_symbols else z + atom("u", i)
        return self.random.choice([sp.exp(z - lse), z - lse, -2 * z + 2 * lse + self.entry(free)])

    def make_lse(self, free: list[Index], depth: int) -> sp.Expr:
        k = fresh(self.random.choice([FOUR, TWO]))
        return LogSumExp(self.expr([*free, k], depth), k.limits)

    def make_max(self, free: list[Index], depth: int) -> sp.Expr:
        k = fresh(self.random.choice([FOUR, TWO]))
        return AxisMax(self.expr([*free, k], depth), k.limits)

    def make_delta(self, free: list[Index], depth: int) -> sp.Expr:
        same = [(a, b) for a, b in itertools.combinations(free, 2) if a.size == b.size]
        if not same:
            return self.entry(free)
        return self.expr(free, depth) + Delta(*self.random.choice(same)) * self.expr(free, depth)

    def make_label(self, free: list[Index], depth: int) -> sp.Expr:
        four = [i for i in free if i.size == FOUR]
        if not four:
            return self.entry(free)
        n = fresh(M)
        rows = [i for i in free if i.size == N]
        if rows and self.random.random() < 0.5:
            return (
                self.expr(free, depth)
                - Delta(four[0], atom("y", rows[0])) * self.expr(free, depth) / N
            )
        inner = self.expr([*free, n], depth) * Delta(four[0], atom("rep", n))
        return sp.Sum(inner, n.limits)


SHAPES = [(), (N,), (N, FOUR), (FOUR, N), (ONE, FOUR), (FOUR, ONE), (N, FOUR, TWO), (FOUR, FOUR),
          (ONE, ONE), (N, ONE, FOUR)]  # fmt: skip


def made(seed: int) -> Equation:
    maker = Maker(seed)
    indices = tuple(axis_index(s) for s in maker.random.choice(SHAPES))
    free = [i for i in indices if isinstance(i, Index)]
    return Equation("out", indices, sp.S(maker.expr(free, maker.random.choice([1, 2, 3]))))


def by_loops(equation: Equation, env: Mapping[str, Any]) -> Any:
    shape = tuple(SIZES.get(s.name, 1) if s.is_Symbol else 1 for s in equation.shape)
    result = np.zeros(shape)
    for place in np.ndindex(*shape):
        at = {i: k for i, k in zip(equation.indices, place, strict=True) if isinstance(i, Index)}
        result[place] = evaluated(equation.rhs, at, env)
    return result


def ran(equation: Equation, env: Mapping[str, Any]) -> Any:
    """The equation as the generated text computes it, in the place of a loss."""
    return load(emit(alone(VARIABLES, equation)).text, "random_equation").loss(**env)


def alone(variables: Sequence[Variable], equation: Equation) -> Module:
    """A file in which the equation is the loss; that it is a gradient too makes it one."""
    return assembled(variables, [equation], equation.name, {variables[0].name: equation.name})


@pytest.mark.sampled(4)
@pytest.mark.parametrize("seed", range(240))
def test_random_equations(seed: int) -> None:
    equation, env = made(seed), numbers()
    expected = by_loops(equation, env)
    lowered = lower(VARIABLES, [equation], ["out"])
    for transform in (lambda p: p, planned, expanded, typed, alive):
        lowered = transform(lowered)
        found = interpret(lowered, env)["out"]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
        assert found.shape == expected.shape
    found = ran(equation, env)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert np.shape(found) == expected.shape


@pytest.mark.parametrize("seed", range(0, 400, 4))
def test_random_equations_in_float32(seed: int) -> None:
    equation, env = made(seed), numbers(np.float32)
    found = ran(equation, env)
    assert found.dtype == np.float32
    assert isinstance(found, (np.ndarray, np.float32))


# Every function in the table


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=lambda leaf: leaf.cls.__name__)
def test_functions_as_generated_code_are_what_their_records_say(leaf: Leaf) -> None:
    n = fresh(N)
    rng = np.random.default_rng(0)
    names = "xyz"[: len(leaf.domain)]
    variables = [Variable(name, (N,), "param") for name in names]
    rhs = leaf.cls(*(entry(name, (n,)) for name in names))
    point = {
        name: np.array([low, high, *rng.uniform(low, high, 20)])
        for name, (low, high) in zip(names, leaf.domain, strict=True)
    }
    point["x"] = np.array(leaf.kinks) if leaf.kinks and len(names) == 1 else point["x"]
    expected = [float(leaf.mpmath(*map(float, args))) for args in zip(*point.values(), strict=True)]
    module = load(emit(alone(variables, Equation("out", (n,), rhs))).text, "leaf")
    np.testing.assert_allclose(module.loss(**point), expected, rtol=1e-11, atol=1e-14)
    single = {name: value.astype(np.float32) for name, value in point.items()}
    assert module.loss(**single).dtype == np.float32
    for program in (lower(variables, [Equation("out", (n,), rhs)], ["out"]),):
        np.testing.assert_allclose(interpret(program, point)["out"], expected, rtol=1e-11)
        found = interpret(typed(expanded(program)), point)["out"]
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)


# Single equations whose operations are known


def operations(rhs: sp.Expr, *indices: sp.Expr) -> list[str]:
    """The kinds of the operations for one equation."""
    return [op.kind for op in compiled(VARIABLES, [Equation("out", indices, rhs)], ["out"])]


def test_matrix_products_need_no_copies() -> None:
    i, j, k = fresh(N), fresh(TWO), fresh(FOUR)
    rhs = sp.Sum(atom("A", i, k) * atom("C", k, j), k.limits)
    assert operations(rhs, i, j) == ["matmul"]
    assert operations(rhs, j, i) == ["view", "view", "matmul"]
    assert operations(atom("col", k, 0) * atom("other", j, 0), k, j) == ["view", "matmul"]


def test_disconnected_sums_are_summed_apart() -> None:
    i, j = fresh(N), fresh(FOUR)
    rhs = sp.Sum(atom("v", i) * atom("u", j), i.limits, j.limits)
    assert operations(rhs) == ["reduce", "reduce", "map"]


def test_the_cheap_product_comes_first() -> None:
    i, j, k = fresh(N), fresh(FOUR), fresh(TWO)
    rhs = sp.Sum(atom("A", i, j) * atom("C", j, k) * atom("w", k), j.limits, k.limits)
    program = compiled(VARIABLES, [Equation("out", (i,), rhs)], ["out"])
    assert [len(op.axes) for op in program if op.kind == "matmul"] == [1, 1]


def test_a_label_is_subtracted_at_its_place() -> None:
    n, i = fresh(N), fresh(FOUR)
    rhs = (atom("A", n, i) - Delta(i, atom("y", n))) / N
    assert operations(rhs, n, i) == ["iota", "copy", "scatter", "map"]


def test_softmax_and_its_logarithm_share_their_parts() -> None:
    n, i, k, m = fresh(N), fresh(FOUR), fresh(FOUR), fresh(FOUR)
    lse = LogSumExp(atom("A", n, k), k.limits)
    other = LogSumExp(atom("A", n, m), m.limits)
    program = compiled(
        VARIABLES,
        [
            Equation("p", (n, i), sp.exp(atom("A", n, i) - lse)),
            Equation("q", (n, i), atom("A", n, i) - other),
            Equation("total", (), sp.Sum(other, n.limits)),
        ],
        ["p", "q", "total"],
    )
    functions = [op.function for op in program]
    assert functions.count("exp") == functions.count("max") == functions.count("log") == 1
    assert "log" not in [op.function for op in for_outputs(program, ["p"])]


def test_the_same_value_under_other_indices_is_computed_once() -> None:
    i, j = fresh(FOUR), fresh(FOUR)
    program = compiled(
        VARIABLES,
        [
            Equation("a", (i,), sp.tanh(atom("u", i))),
            Equation("b", (j,), sp.tanh(atom("u", j)) + 1),
        ],
        ["a", "b"],
    )
    assert [op.function for op in program] == ["tanh", "add"]


def test_outputs_have_memory_of_their_own() -> None:
    i, j = fresh(FOUR), fresh(N)
    equations = [
        Equation("same", (i,), atom("u", i)),
        Equation("turned", (i, j), atom("A", j, i)),
        Equation("spread", (j, i), atom("u", i)),
        Equation("again", (i,), entry("same", (i,))),
    ]
    outputs = [e.name for e in equations]
    program = compiled(VARIABLES, equations, outputs)
    env = numbers()
    module = load(emit(assembled(VARIABLES, equations, "same", {n: n for n in outputs})).text, "m")
    found = module.gradients(**env)
    for name, value in found._asdict().items():
        np.testing.assert_array_equal(value, interpret(program, env)[name])
        value[...] = np.nan
    for name, value in numbers().items():
        np.testing.assert_array_equal(env[name], value)


@pytest.mark.parametrize(
    ("rhs", "message"),
    [
        (atom("u", 2 * Index("i", FOUR)), "may lie outside of an axis of size 4"),
        (sp.Sum(atom("u", Index("i", FOUR)), (Index("i", FOUR), 1, 2)), "part of an axis"),
        (sp.Piecewise((1, atom("c") > 0), (2, True)), "Piecewise"),
        (entry("unknown", ()), "unknown is used before it is defined"),
        (atom("u", Index("n", N)), "may lie outside of an axis of size 4"),
        (sp.Function("mystery")(atom("c")), "mystery"),
    ],
)
def test_what_is_not_supported_is_named(rhs: sp.Expr, message: str) -> None:
    free = tuple(sorted((s for s in rhs.free_symbols if isinstance(s, Index)), key=str))
    with pytest.raises(SpecError, match=message):
        lower(VARIABLES, [Equation("out", free, rhs)], ["out"])


# The verifier

P, Q = Index("p", FOUR), Index("q", N)


@pytest.mark.parametrize(
    "op",
    [
        Op("%1", "map", (Ref("missing", (P,)),), (P,), "exp"),
        Op("%1", "map", (Ref("u", (Q,)),), (Q,), "exp"),
        Op("%1", "map", (Ref("u", (P,)), Ref("v", (Q,))), (P, Q), "add"),
        Op("%1", "matmul", (Ref("A", (Q, P)), Ref("v", (Q,))), (P,)),
        Op("%1", "reduce", (Ref("A", (Q, P)),), (P, Q), "sum"),
        Op("%1", "view", (Ref("A", (Q, P)),), (P,)),
        Op("%1", "contract", (Ref("u", (P,)),), (Q,)),
        Op("%1", "gather", (Ref("u", (P,)), Ref("y", (Q,))), (P,), detail=(1,)),
        Op("u", "map", (Ref("u", (P,)),), (P,), "exp"),
    ],
    ids=str,
)
def test_the_verifier_sees_faults(op: Op) -> None:
    with pytest.raises(ProgramError):
        verified(Program(VARIABLES, (op,), (op.name,)))


def test_programs_print_as_a_list() -> None:
    i = fresh(FOUR)
    program = compiled(VARIABLES, [Equation("out", (i,), sp.exp(atom("u", i)))], ["out"])
    assert str(program) == f"out[{i}] = map.exp(u[{i}])\nreturn out"
