"""The checks themselves: what is right passes, and every planted error is caught."""

from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.calculus.derivation import Adjoint, Derivation
from symgrad.checks.check import Check
from symgrad.checks.comparison import comparisons, expected_numbers
from symgrad.checks.derived import run
from symgrad.checks.exact import exact_values
from symgrad.checks.generated import module_checks
from symgrad.checks.gradients import gradients
from symgrad.checks.points import LONG_FLOATS, Points
from symgrad.checks.sampling import small_sizes
from symgrad.checks.steps import steps
from symgrad.errors import SymgradError
from symgrad.mathematics.assumptions import Assumption
from symgrad.mathematics.equations import Equation, System, Variable
from symgrad.mathematics.expected import Expected
from symgrad.mathematics.indices import Index, entry
from symgrad.mathematics.reductions import LogSumExp, absolute, relu, sign, step
from symgrad.mathematics.sizes import as_size
from symgrad.mathematics.steps import Step

N, D, E = as_size("N"), as_size(3), as_size(40)
n, i, j, k, m = Index("n", N), Index("i", D), Index("j", E), Index("k", E), Index("m", N)
o = Index("o", D)
delta = sp.KroneckerDelta


def of(name):
    return lambda *at: entry(name, at)


x, w, b, t, z, a, loss = map(of, ["x", "w", "b", "t", "z", "a", "loss"])
da, dz, dw, db = map(of, ["da", "dz", "dw", "db"])

SYSTEM = System(
    (
        Variable("x", (N, D), "data"),
        Variable("t", (N, E), "data"),
        Variable("w", (E, D), "param"),
        Variable("b", (E,), "param"),
    ),
    (
        Equation("z", (n, j), sp.Sum(x(n, i) * w(j, i), i.limits) + b(j)),
        Equation("a", (n, j), relu(z(n, j))),
        Equation("loss", (), sp.Sum((a(n, j) - t(n, j)) ** 2, n.limits, j.limits) / N),
    ),
    "loss",
)
RHS = {
    "da": ((n, j), 2 * (a(n, j) - t(n, j)) / N),
    "dz": ((n, j), da(n, j) * step(z(n, j))),
    "dw": ((j, i), sp.Sum(dz(n, j) * x(n, i), n.limits)),
    "db": ((j,), sp.Sum(dz(n, j), n.limits)),
}
STEP = Step(
    "contract δ",
    sp.Sum(dz(n, k) * x(n, i) * delta(j, k), n.limits, k.limits),
    sp.Sum(dz(n, j) * x(n, i), n.limits),
)


def derivation(system=SYSTEM, rhs=RHS, steps=None, forward_steps=(), **names):
    adjoints = tuple(
        Adjoint(name[1:], Equation(name, indices, right), (), (steps or {}).get(name, ()))
        for name, (indices, right) in rhs.items()
    )
    wrt = tuple(v.name for v in system.variables if v.role == "param")
    adjoint_name = {name[1:]: name for name in rhs} | {system.output: f"d{system.output}"}
    return Derivation(
        system, system, system, forward_steps, adjoints, wrt, (), adjoint_name, **names
    )


def failed(checks: tuple[Check, ...]) -> set[str]:
    assert checks
    return {c.name for c in checks if not c.passed}


def gradient_checks(made):
    return gradients(made, Points(made))


def test_what_is_right_passes():
    checks = run(derivation(steps={"dw": (STEP,)}))
    assert not failed(checks)
    of_forms = [c for c in checks if c.what == "matrix forms conform"]
    assert [c.name for c in checks if c not in of_forms] == ["dw", "da", "dz", "dw", "db"]
    assert {c.name for c in of_forms} >= {"z", "a", "dw", "db"}
    assert all(c.error is not None and c.error < 1e-25 for c in checks)


PLANTED = {
    "a factor": {"da": ((n, j), (a(n, j) - t(n, j)) / N)},
    "the mean's size": {"da": ((n, j), 2 * (a(n, j) - t(n, j)) / E)},
    "a sign": {"dz": ((n, j), -da(n, j) * step(z(n, j)))},
    "a sign inside": {"da": ((n, j), 2 * (a(n, j) + t(n, j)) / N)},
    "the mask": {"dz": ((n, j), da(n, j))},
    "the mask of another value": {"dz": ((n, j), da(n, j) * step(t(n, j)))},
    "an index": {"dw": ((j, i), sp.Sum(dz(n, j) * x(0, i), n.limits))},
    "the other operand": {"dw": ((j, i), sp.Sum(dz(n, j) * w(j, i), n.limits))},
    "one summand": {"db": ((j,), dz(0, j))},
    "a sum over what only broadcasts": {"db": ((j,), sp.Sum(dz(n, j), n.limits, i.limits))},
    "a sum of the wrong axis": {"db": ((j,), sp.Sum(dz(0, k), k.limits))},
    "all of it": {"db": ((j,), sp.S.Zero)},
    "a small part": {"db": ((j,), sp.Sum(dz(n, j), n.limits) * (1 + sp.Rational(1, 10**12)))},
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_wrong_gradient_is_caught(planted):
    wrong = derivation(rhs=RHS | PLANTED[planted])
    assert next(iter(PLANTED[planted])) in failed(gradient_checks(wrong))


def test_a_transposed_gradient_is_caught():
    """At sizes that are equal, so that it has the right shape."""
    right = {"dw": ((j, k), sp.Sum(dz(n, j) * entry("x", (n, k)), n.limits))}
    wrong = {"dw": ((j, k), sp.Sum(dz(n, k) * entry("x", (n, j)), n.limits))}
    square = replace(
        SYSTEM,
        variables=(
            Variable("x", (N, E), "data"),
            *(replace(v, shape=(E, E)) if v.name == "w" else v for v in SYSTEM.variables[1:]),
        ),
        equations=(
            Equation("z", (n, j), sp.Sum(x(n, k) * w(j, k), k.limits) + b(j)),
            *SYSTEM.equations[1:],
        ),
    )
    assert not failed(run(derivation(square, RHS | right)))
    assert failed(run(derivation(square, RHS | wrong))) == {"dw"}


def test_a_lost_sum_is_caught():
    checks = run(derivation(rhs=RHS | {"db": ((j,), dz(n, j))}))
    assert failed(checks) == {"loss"}
    assert "free indices" in checks[-1].detail


PLANTED_STEPS = {
    "a factor": 2 * STEP.after,
    "a sign": -STEP.after,
    "an index": sp.Sum(dz(n, j) * x(0, i), n.limits),
    "a lost sum": dz(n, j) * x(n, i),
    "a delta that is left": STEP.after * delta(j, 0),
    "a transposition": sp.Sum(dz(n, j) * x(n, i), n.limits).subs(i, 0),
    "a size": STEP.after * D,
    "nothing left": sp.S.Zero,
}


@pytest.mark.parametrize("planted", PLANTED_STEPS)
def test_a_wrong_step_is_caught(planted):
    wrong = derivation(steps={"dw": (STEP, replace(STEP, after=PLANTED_STEPS[planted]))})
    checks = steps(wrong, Points(wrong))
    assert failed(checks) == {"dw"}
    assert "contract δ" in checks[0].detail


def test_steps_that_do_not_lead_to_the_result_are_caught():
    """Each is right, but the derivation jumps between or after them."""
    other = Step("rule", x(n, i) + 0 * b(j), x(n, i))
    for chain in ((other,), (other, STEP), (STEP, other)):
        made = derivation(steps={"dw": chain})
        checks = steps(made, Points(made))
        assert failed(checks) == {"dw"}
        assert "the next line" in checks[0].detail


def test_a_step_that_cannot_be_evaluated_fails():
    wrong = derivation(steps={"dw": (replace(STEP, after=of("unknown")(j, i)),)})
    (found,) = [c for c in run(wrong) if not c.passed]
    assert "unknown" in found.detail


def test_a_step_between_zeros_is_tried_elsewhere():
    """The mask is zero at some points: a wrong factor beside it shows at others."""
    one = System((Variable("x", (), "param"),), (Equation("loss", (), relu(x()) ** 2),), "loss")
    mask = Step("rule", step(x()), 2 * step(x()))
    made = derivation(one, {"dx": ((), 2 * relu(x()))}, {"dx": (mask,)})
    for seed in range(12):
        points = Points(made, seed)
        if any(float(points[at].values["x"]) > 0 for at in range(3)):
            assert failed(steps(made, points)) == {"dx"}


def test_a_wrong_rewrite_is_caught():
    right = replace(SYSTEM, equations=(
        SYSTEM.equations[0],
        replace(SYSTEM.equations[1], rhs=(z(n, j) + absolute(z(n, j))) / 2),
        SYSTEM.equations[2],
    ))  # fmt: skip
    wrong = replace(SYSTEM, equations=(
        SYSTEM.equations[0], replace(SYSTEM.equations[1], rhs=z(n, j)), SYSTEM.equations[2],
    ))  # fmt: skip
    assert not failed(run(replace(derivation(), typed=right)))
    assert failed(run(replace(derivation(), typed=wrong))) == {"a", "loss"}


# -- kinks, roundings, stand-ins ------------------------------------------------------------------


def of_one(variable, values, rhs, output="loss"):
    return derivation(System((variable,), tuple(values), output), rhs)


def test_a_kink_at_every_point_is_told():
    """relu(x) relu(-x) is 0, the kink of the absolute value: any slope in [-1, 1] will do."""
    p = Variable("x", (D,), "param")
    values = (
        Equation("z", (i,), relu(x(i)) * relu(-x(i))),
        Equation("a", (i,), absolute(entry("z", (i,)))),
        Equation("loss", (), sp.Sum(a(i) + x(i), i.limits)),
    )
    rhs = {"da": ((i,), sp.S.One), "dz": ((i,), da(i) * sign(z(i))), "dx": ((i,), sp.S.One)}
    checks = gradient_checks(of_one(p, values, rhs))
    assert not failed(checks)
    assert "2 of 2 entries at a kink" in checks[1].detail
    for outside in (sp.Rational(11, 10), -sp.Rational(11, 10), sp.Integer(5)):
        wrong = of_one(p, values, rhs | {"dz": ((i,), da(i) * outside)})
        assert failed(gradient_checks(wrong)) == {"dz"}


def test_entries_beside_a_kink_are_compared():
    """relu of relu: where the inner one is 0 there is a kink, where it is not there is a slope."""
    p = Variable("x", (N, D, E), "param")
    at = (n, i, j)
    values = (
        Equation("z", at, relu(x(*at))),
        Equation("a", at, relu(z(*at))),
        Equation("loss", (), sp.Sum(a(*at), n.limits, i.limits, j.limits)),
    )
    rhs = {"da": (at, sp.S.One), "dz": (at, step(z(*at))), "dx": (at, step(x(*at)))}
    checks = gradient_checks(of_one(p, values, rhs))
    assert not failed(checks)
    assert "entries at a kink" in checks[1].detail
    wrong = of_one(p, values, rhs | {"dz": (at, step(z(*at)) * sp.Rational(1, 2))})
    assert failed(gradient_checks(wrong)) == {"dz"}


def test_rounding_is_not_differentiated():
    p = Variable("x", (D,), "param")
    values = (
        Equation("a", (i,), sp.exp(x(i)), decimals=1),
        Equation("loss", (), sp.Sum(a(i) ** 2, i.limits)),
    )
    right = {"da": ((i,), 2 * a(i)), "dx": ((i,), da(i) * a(i))}
    assert not failed(gradient_checks(of_one(p, values, right)))
    wrong = right | {"dx": ((i,), 0 * da(i))}
    assert failed(gradient_checks(of_one(p, values, wrong))) == {"dx"}


def test_a_straight_through_value_has_the_slope_of_its_stand_in():
    p = Variable("x", (D,), "param")
    values = (
        Equation("a", (i,), step(x(i)), backward=sp.tanh(x(i))),
        Equation("loss", (), sp.Sum((a(i) + 1) ** 2, i.limits)),
    )
    slope = 1 - sp.tanh(x(i)) ** 2
    right = {"da": ((i,), 2 * (a(i) + 1)), "dx": ((i,), da(i) * slope)}
    assert not failed(gradient_checks(of_one(p, values, right)))
    as_if = right | {"dx": ((i,), 2 * (sp.tanh(x(i)) + 1) * slope)}
    assert failed(gradient_checks(of_one(p, values, as_if))) == {"dx"}


def test_an_assumption_is_kept_when_values_move():
    """Σ p = 1 may be used in the gradient: along moves that keep it, it is right."""
    p = Variable("x", (D,), "param", assumptions=(Assumption("sums_to_one", 0),))
    total = sp.Sum(x(i), i.limits)
    values = (Equation("loss", (), total**2 + sp.Sum(x(i) ** 2, i.limits)),)
    assert not failed(gradient_checks(of_one(p, values, {"dx": ((i,), 2 * x(i) + 2)})))
    assert failed(gradient_checks(of_one(p, values, {"dx": ((i,), x(i) + 2)}))) == {"dx"}


def test_the_domain_is_found():
    p = Variable("x", (D,), "param")
    values = (Equation("loss", (), sp.Sum(sp.log(x(i)) * sp.sqrt(x(i)), i.limits)),)
    slope = (1 + sp.log(x(i)) / 2) / sp.sqrt(x(i))
    assert not failed(gradient_checks(of_one(p, values, {"dx": ((i,), slope)})))


def test_a_mask_of_infinities():
    mask = Variable("c", (D,), "constant", values=np.array([0, -np.inf, 0]))
    p = Variable("x", (D,), "param")
    values = (
        Equation("a", (i,), x(i) + of("c")(i)),
        Equation("loss", (), LogSumExp(a(i), i.limits)),
    )
    system = System((p, mask), values, "loss", pinned=frozenset([D]))
    right = {"da": ((i,), sp.exp(a(i) - entry("loss", ()))), "dx": ((i,), da(i))}
    assert not failed(run(derivation(system, right)))
    assert failed(run(derivation(system, right | {"dx": ((i,), da(i) / 2)}))) == {"dx"}


def test_a_function_without_a_point_is_an_error():
    p = Variable("x", (), "param")
    values = (Equation("loss", (), sp.log(-(x() ** 2))),)
    (found,) = run(of_one(p, values, {"dx": ((), 2 / x())}))
    assert not found.passed
    assert "no random point" in found.detail


def test_a_gradient_that_is_zero_is_told():
    p = Variable("x", (), "param")
    values = (Equation("loss", (), step(x())),)
    (found,) = gradient_checks(of_one(p, values, {"dx": ((), sp.S.Zero)}))
    assert found.passed
    assert "zero" in found.detail
    assert failed(gradient_checks(of_one(p, values, {"dx": ((), sp.S.One)}))) == {"dx"}


def test_an_output_with_indices():
    p = Variable("x", (D,), "param")
    values = (Equation("a", (i,), sp.exp(x(i) - LogSumExp(x(o), o.limits))),)
    jacobian = a(o) * (delta(o, i) - a(i))
    seed = {"da": ((o, i), delta(o, i))}
    right = of_one(p, values, seed | {"dx": ((o, i), jacobian)}, "a")
    assert not failed(run(right))
    wrong = of_one(p, values, seed | {"dx": ((o, i), a(o) * (delta(o, i) - a(o)))}, "a")
    assert failed(run(wrong)) == {"dx"}


def test_large_pinned_sizes_are_checked_in_floats_or_made_smaller():
    pinned = replace(SYSTEM, pinned=frozenset([E, as_size(3)]))
    large = {E: as_size(900), D: as_size(800)}

    def grown(expr):
        swap = {s: Index(s.name, large.get(s.size, s.size)) for s in expr.atoms(Index)}
        return expr.xreplace(swap | large)

    def equation(e):
        return Equation(e.name, tuple(grown(s) for s in e.indices), grown(e.rhs))

    system = replace(
        pinned,
        variables=tuple(
            replace(v, shape=tuple(large.get(s, s) for s in v.shape)) for v in SYSTEM.variables
        ),
        equations=tuple(equation(e) for e in SYSTEM.equations),
        pinned=frozenset(large.values()),
    )
    rhs = {name: (tuple(grown(s) for s in at), grown(r)) for name, (at, r) in RHS.items()}
    right = derivation(system, rhs)
    assert Points(right, sizes=small_sizes(system)).precision is LONG_FLOATS
    assert not failed(run(right))
    wrong = derivation(system, rhs | {"db": (rhs["db"][0], rhs["db"][1] * sp.Rational(1001, 1000))})
    assert failed(run(wrong)) == {"db"}


def test_many_values_share_directions_and_the_wrong_one_is_named():
    """A chain that is long enough for values to be moved together."""
    count = 60
    names = [f"v{c}" for c in range(count)]
    values = [Equation("v0", (i,), sp.tanh(x(i)))]
    values += [Equation(names[c], (i,), sp.tanh(of(names[c - 1])(i))) for c in range(1, count)]
    values.append(Equation("loss", (), sp.Sum(of(names[-1])(i), i.limits)))
    rhs = {f"d{names[-1]}": ((i,), sp.S.One)}
    for c in range(count - 1, -1, -1):
        source = names[c - 1] if c else "x"
        rhs[f"d{source}"] = ((i,), of(f"d{names[c]}")(i) * (1 - of(names[c])(i) ** 2))
    p = Variable("x", (D,), "param")
    right = gradient_checks(of_one(p, values, rhs))
    assert not failed(right)
    assert len(right) < count / 2
    at, correct = rhs["dv17"]
    later = {name: rhs[name] for name in rhs}
    later["dv17"] = (at, correct * sp.Rational(999, 1000))
    assert failed(gradient_checks(of_one(p, values, later))) >= {"dv17"}


# -- numbers --------------------------------------------------------------------------------------


VALUES = {"z": np.array([[1.0, 2.0, -0.0]]), "dz": np.array([[0.5, 0.1 + 0.2, np.inf]])}


def number_check(value, stated, tolerance=0.0, **more):
    expected = Expected("key", value, np.array(stated), **more)
    (found,) = expected_numbers(VALUES, [expected], {"z": "dz"}, tolerance)
    return found


def test_expected_numbers_are_compared_bit_for_bit():
    assert number_check("z", [[1, 2, 0]]).passed
    assert number_check("z", [[1], [2], [0]], transposed=True).passed
    assert number_check("z", [[0.5, 0.1 + 0.2, np.inf]], adjoint=True).passed
    near = number_check("z", [[0.5, 0.3, np.inf]], adjoint=True)
    assert not near.passed
    assert near.error == pytest.approx(5.6e-17, rel=0.1)
    assert number_check("z", [[0.5, 0.3, np.inf]], 1e-15, adjoint=True).passed
    assert not number_check("z", [[1, 2, np.nan]]).passed


def test_a_failure_says_what_was_found_and_what_was_expected():
    found = number_check("z", [[1, 2.5, 0]])
    assert found.detail == (
        "is [[1.0, 2.0, -0.0]], expected [[1.0, 2.5, 0.0]]; largest difference 0.5"
    )


def test_a_failure_by_rounding_tells_of_the_tolerance():
    hint = ": state all digits, or state expected_tolerance"
    assert number_check("z", [[1, 2 + 1e-12, 0]]).detail.endswith(hint)
    for stated, tolerance in (([1, 2 + 1e-8, 0], 0.0), ([1, 2 + 1e-12, 0], 1e-15)):
        assert "tolerance" not in number_check("z", [stated], tolerance).detail
    for unusual in (np.inf, np.nan):
        assert "tolerance" not in number_check("z", [[1, 2, unusual]]).detail
    beside = number_check("z", [[0.5, 3, np.inf]], adjoint=True)
    assert not beside.passed
    assert "tolerance" not in beside.detail


@pytest.mark.parametrize("shape", [(3,), (3, 1), (1, 1, 3), ()])
def test_the_shape_has_to_be_the_same(shape):
    assert not number_check("z", np.zeros(shape)).passed


def test_numbers_of_a_value_that_is_not_there():
    with pytest.raises(SymgradError, match="no key"):
        number_check("q", [[1]])


SOFTMAX = System(
    (Variable("x", (D, sp.S.One), "param"), Variable("t", (D, sp.S.One), "data")),
    (
        Equation("a", (i, 0), sp.exp(x(i, 0) - LogSumExp(x(o, 0), o.limits))),
        Equation("loss", (), sp.Sum(a(i, 0) * t(i, 0), i.limits)),
    ),
    "loss",
)


def test_exact_values_and_what_stated_numbers_are_worth():
    made = derivation(SOFTMAX, {"da": ((i, 0), t(i, 0))})
    values = exact_values(made, {"x": [[3], [3], [-1]], "t": [[2], [0], [1]]})
    assert values.exact["a"][0, 0] == sp.exp(4) / (1 + 2 * sp.exp(4))
    assert values.exact["loss"][()] == 1
    assert float(values.decimals["a"][2, 0]) == pytest.approx(0.00907, abs=1e-5)
    told = comparisons(
        values,
        [
            Expected("a.T", "a", np.array([[0.5, 0.5, 0.0]]), transposed=True),
            Expected("loss", "loss", np.array(1.0)),
            Expected("dL_da", "a", np.array([[2.0], [0], [1]]), adjoint=True),
        ],
        made.adjoint_name,
    )
    assert [c.proved for c in told] == [False, True, True]
    assert told[0].error == pytest.approx(0.00907, abs=1e-5)
    assert [str(c) for c in told] == [
        "off by up to 0.00907, within rounding to 1 decimal",
        "exactly right",
        "exactly right",
    ]


def test_what_is_almost_right_is_not_called_exact():
    made = derivation(SOFTMAX, {"da": ((i, 0), t(i, 0))})
    values = exact_values(made, {"x": [[0.1], [0.2], [0.3]], "t": [[1], [1], [1]]})
    (told,) = comparisons(
        values, [Expected("loss", "loss", np.array(1 + 1e-13))], made.adjoint_name
    )
    assert not told.proved
    assert told.error == pytest.approx(1e-13, rel=1e-2)


def test_large_values_are_given_in_decimals_only():
    made = derivation()
    example = {
        "x": np.ones((20, 3)),
        "t": np.zeros((20, 40)),
        "w": np.ones((40, 3)),
        "b": np.ones(40),
    }
    values = exact_values(made, example)
    assert "z" not in values.exact
    assert values.decimals["z"].shape == (20, 40)


# -- generated code -------------------------------------------------------------------------------


class Gradients(NamedTuple):
    w: np.ndarray
    b: np.ndarray


def loss_and_gradients(x, t, w, b):
    count = x.dtype.type(len(x))
    z = x @ w.T + b
    d = 2 * (np.maximum(z, 0) - t) / count
    value = ((np.maximum(z, 0) - t) ** 2).sum() / count
    d = d * (z > 0)
    return value, Gradients(d.T @ x, d.sum(0))


def module(change=lambda value, g: (value, g)):
    def both(**given):
        return change(*loss_and_gradients(**given))

    return SimpleNamespace(
        loss_and_gradients=both,
        loss=lambda **given: both(**given)[0],
        gradients=lambda **given: both(**given)[1],
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_module_passes(dtype):
    checks = module_checks(derivation(), module(), dtype)
    assert [c.name for c in checks] == ["loss", "w", "b"]
    assert not failed(checks)


WRONG_MODULES = {
    "a factor": (lambda v, g: (v, g._replace(b=1.001 * g.b)), "b"),
    "a transposition": (lambda v, g: (v, g._replace(w=g.w.T)), "w"),
    "a shape": (lambda v, g: (v, g._replace(b=g.b[None])), "b"),
    "a dtype": (lambda v, g: (v, g._replace(b=g.b.astype(np.longdouble))), "b"),
    "the loss": (lambda v, g: (v + v.dtype.type(0.1), g), "loss"),
    "not a number": (lambda v, g: (v, g._replace(b=g.b * np.nan)), "b"),
}


@pytest.mark.parametrize("planted", WRONG_MODULES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_wrong_module_is_caught(planted, dtype):
    change, name = WRONG_MODULES[planted]
    assert failed(module_checks(derivation(), module(change), dtype)) == {name}


def test_a_module_that_is_wrong_for_one_sample_is_caught():
    def squeezed(x, t, w, b):
        value, g = loss_and_gradients(x, t, w, b)
        return value, g._replace(b=g.b * (2 if len(x) == 1 else 1))

    wrong = SimpleNamespace(
        loss_and_gradients=squeezed,
        loss=lambda **given: squeezed(**given)[0],
        gradients=lambda **given: squeezed(**given)[1],
    )
    assert failed(module_checks(derivation(), wrong)) == {"b"}


def test_functions_that_disagree_are_caught():
    wrong = module()
    wrong.gradients = lambda **given: Gradients(*(2 * g for g in loss_and_gradients(**given)[1]))
    assert failed(module_checks(derivation(), wrong)) == {"w", "b"}


def test_labels_of_a_backward_pass_alone_lie_in_their_axis() -> None:
    x, y, z = sg.param("x", (4, 2)), sg.data("y", (3,), dtype=int), sg.data("z", (3,), dtype=int)
    loss = np.sum(sg.straight_through(x[y], 2 * x[z]))
    assert [c for c in run(sg.derive(loss)) if not c.passed] == []


def test_many_values_on_the_way_are_moved_at_once() -> None:
    x = sg.param("x", (2,))
    h = x
    for _ in range(40):
        h = np.sin(h) * x
    derivation = sg.derive(np.sum(h), names={"x": x})
    checks = gradients(derivation, Points(derivation))
    assert checks
    assert all(check.passed for check in checks)


def test_a_variance_that_is_0_at_some_points_is_moved_at_others() -> None:
    """At small sizes masks are often the same everywhere: to one side of 0 there is no root."""
    m = sg.data("m", (4, 4), dtype=bool)
    x = sg.param("x", (4, 4))
    masked = np.where(m, 0 * x, -np.inf)
    v = np.log(1 + np.exp(masked))
    derivation = sg.derive(np.sum(np.std(v) ** 2) + np.sum(x**2), names={"v": v})
    for seed in range(4):
        assert [c for c in run(derivation, seed=seed) if not c.passed] == []


def test_at_the_end_of_a_domain_the_derivative_is_one_to_the_side_that_there_is() -> None:
    x = sg.param("x", (3,))
    t = np.sum((x - x) ** 2)
    derivation = sg.derive(np.sqrt(t) ** 2 + np.sum(x**2), names={"t": t})
    assert [c for c in run(derivation) if not c.passed] == []
