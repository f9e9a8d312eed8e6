"""What values are known to be by their equations is used where derivatives are simplified."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import symgrad as sg
from symgrad.checks.derived import run
from symgrad.language.spec_file import load

KINK = "entries that share a maximum"
SHIFTED = "e = np.exp(x - np.max(x, 1, keepdims=True))\n"
QUOTIENT = "a quotient is taken as 0"


def text(spec: str, wrt: str = "x") -> str:
    """The text of the derivation of a spec with a parameter x and data f, both 3×4."""
    names: dict[str, sg.Array] = {"x": sg.param("x", (3, 4)), "f": sg.data("f", (3, 4))}
    space: dict[str, object] = {"np": np, "sg": sg, **names}
    exec(spec, space)
    arrays = {n: v for n, v in space.items() if isinstance(v, sg.Array)}
    return str(sg.derive(arrays["loss"], wrt=wrt, names=arrays).render("text"))


def boxed(spec: str, wrt: str = "x") -> str:
    """The derivative by a value in index form, on one line."""
    lines = text(spec, wrt).split("All gradients")[1].splitlines()
    return " ".join(" ".join(lines[3:]).split("   ")[0].split())


def test_a_softmax_sums_to_one() -> None:
    shown = text("p = sg.softmax(x, axis=1)\nloss = -np.sum(p * np.log(p))")
    assert "the entries of p sum to 1 along axis 1" in shown
    assert "− 1" not in shown.split("common factor")[1]


def test_what_sums_to_one_along_another_axis_is_not_taken_for_one() -> None:
    shown = text("p = sg.softmax(x, axis=0)\nloss = np.sum(p @ f.T) + np.sum(p.sum(1) ** 2)")
    assert "sums to one" not in shown


def test_deviations_from_a_mean_sum_to_0() -> None:
    spec = "m = x.mean(1, keepdims=True)\nloss = np.sum(np.sum((x - m) ** 2, 1) ** 2) + np.sum(m)"
    assert "deviations from a mean sum to 0" in text(spec, "m")
    assert boxed(spec, "m") == "∂L/∂m[i] = 1"
    other = spec.replace("(x - m)", "(f - m)")
    assert "deviations" not in text(other, "m")


def test_a_normalised_value_stands_in_its_own_derivative() -> None:
    v = "v = x / np.sqrt(np.sum(x ** 2, axis=1, keepdims=True))\nloss = np.sum(np.sin(v) * f)"
    assert "(∂L/∂v[i,j] − v[i,j] Σ_k ∂L/∂v[i,k] v[i,k])/sqrt(Σ_k x[i,k]²)" in boxed(v)


def test_what_is_divided_by_a_number_stands_in_the_derivative_by_it() -> None:
    assert "∂v[i]/∂s = −v[i]/s" in text("s = np.sum(x)\nv = f @ x[0] / s\nloss = v @ f[:, 0]", "s")


def test_a_product_is_recognised_only_where_all_of_it_is_there() -> None:
    spec = "s = np.sqrt(np.sum(x**2))\nv = f / s\nloss = np.sum(np.sin(v) * f)"
    assert boxed(spec, "s") == "∂L/∂s = −Σ_{i,j} v[i,j]² cos(v[i,j])"
    assert "v[" not in boxed("v = x * f\nloss = np.sum(np.sin(x) * f**2) + np.sum(v)")


@pytest.mark.parametrize(
    ("spec", "applies"),
    [
        (f"{SHIFTED}loss = np.sum(f * e / np.sum(e, 1, keepdims=True))", False),
        (f"{SHIFTED}loss = np.sum(f * e)", True),
    ],
)
def test_a_convention_is_told_where_it_matters(spec: str, applies: bool) -> None:
    assert (KINK.capitalize() in text(spec)) is applies


def test_a_quotient_whose_divisor_is_never_0_needs_no_convention() -> None:
    spec = "m = x.mean(1)\nv = np.mean(x**2, 1) - m**2\nloss = np.sum(m / (v + 1e-5)**.5 * f.T)"
    assert QUOTIENT not in text(spec, "m")
    assert QUOTIENT in text(spec.replace("(v + 1e-5)", "v"), "m")


def test_constants_have_the_names_of_their_variables(tmp_path: Path) -> None:
    path = tmp_path / "masked.py"
    path.write_text(
        'import numpy as np\nimport symgrad as sg\nx = sg.param("x", (3, 3))\n'
        "mask = np.where(np.tri(3) > 0, 0, -1e9)\n"
        "ramp = np.linspace(0, 1, 900).reshape(3, 300)\n"
        "loss = np.sum(sg.softmax(x + mask, axis=1) @ ramp)\n"
    )
    spec = load(path)
    shown = str(sg.derive(spec.loss, names=spec.names).render("text"))
    assert "mask = [0  −10⁹  −10⁹]" in shown
    assert "constant, with entries from 0 to 1" in shown
    assert "c₁" not in shown


def test_a_step_without_a_delta_is_no_contraction() -> None:
    shown = text("loss = np.sum((f @ x.T) ** 2)")
    rows = [line for line in shown.splitlines() if line.rstrip().endswith("contract δ")]
    assert rows
    assert "contract δ" not in text("s = np.sum(x**2)\nloss = np.exp(s) * np.sum(f)", "s")
    put_in = text("r = np.sum((f - x) ** 2) / 2\nloss = r + np.exp(r)")
    assert "contract δ" not in put_in[put_in.index("chain rule") :]


def test_a_name_that_stands_in_a_local_derivative_is_brought_in_by_no_step() -> None:
    shown = text("w = x[0, 0]\ns = np.exp(w)\nloss = np.mean((f / s) ** 2 + w)", "w")
    assert "= ∂L/∂s s + 1 " in shown
    assert "definition of s" not in shown


def test_positions_that_are_sums_have_commas() -> None:
    y = sg.data("y", ("N",), dtype=int)
    z = sg.param("z", ("N", 4))
    loss = -np.sum(z[sg.arange("N"), y - 1])
    assert r"\delta_{i,y_{n} - 1}" in sg.derive(loss, names={}).latex()


def test_a_computed_matrix_is_known_to_be_symmetric() -> None:
    spec = (
        "K = np.sum((x[:, None] - x[None]) ** 2, axis=2) + np.eye(3)\n"
        "a = np.linalg.solve(K, f[:, 0])\nloss = f[:, 0] @ a + np.linalg.slogdet(K)[1]"
    )
    shown = text(spec, "K")
    assert "symmetric: K is symmetric" in shown
    assert "∂L/∂K = K⁻¹ − a aᵀ" in shown
    other = spec.replace("x[None]", "f[None]")
    assert "symmetric" not in text(other, "K")


LOOP = """import numpy as np
import symgrad as sg
X, W = sg.data("X", (3, 6, 4)), sg.param("W", (9, 10))
def sigmoid(x): return 1 / (1 + np.exp(-x))
h = np.zeros((6, 5))
for t in range(3):
    a = np.concatenate([X[t], h], axis=1) @ W
    f, g = sigmoid(a[:, :5]), np.tanh(a[:, 5:])
    h = f * g
loss = np.sum(h**2)
"""


def test_values_of_many_turns_are_numbered_through(tmp_path: Path) -> None:
    """h₁ is not the last of h₁₁, h₁₂."""
    spec = tmp_path / "spec.py"
    spec.write_text(
        "import numpy as np\nimport symgrad as sg\n"
        "x = sg.param('x', (3,))\nh = x\n"
        "for _ in range(12):\n    h = np.sin(h) * x\nloss = np.sum(h)\n"
    )
    found = load(spec)
    shown = sg.derive(found.loss, names=found.names).render("text")
    turns = {f"h{k}".translate(SUBSCRIPTS) for k in range(1, 13)}
    assert set(re.findall(r"h[₀-₉]*(?=\[)", shown)) == turns


SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def test_values_of_a_loop_keep_their_names_in_each_turn(tmp_path: Path) -> None:
    path = tmp_path / "loop.py"
    path.write_text(LOOP)
    spec = load(path)
    d = sg.derive(spec.loss, names=spec.names)
    shown = d.render("text")
    assert re.search(r"f₁\[.,.\] = 1/\(1 \+ exp\(−a₁\[.,.\]\)\)", shown)
    assert all(f"{name}₃[" in shown for name in "afg")
    assert "∂L/∂f₃" in shown
    assert {"f", "f1", "f2"} <= d.gradients.keys()


UNPACKED = """import numpy as np
import symgrad as sg
X, W = sg.data("X", (3, 6, 4)), sg.param("W", (9, 10))
h = np.zeros((6, 5))
for t in range(3):
    a = np.concatenate([X[t], h], axis=1) @ W
    f, g = np.split(a, 2, axis=1)
    h = np.exp(f) * np.tanh(g)
loss = np.sum(h**2)
"""


def test_what_a_call_returns_keeps_its_names_in_each_turn(tmp_path: Path) -> None:
    path = tmp_path / "unpacked.py"
    path.write_text(UNPACKED)
    spec = load(path)
    d = sg.derive(spec.loss, names=spec.names)
    shown = d.render("text")
    assert re.search(r"f₁\[i,.\] += a₁\[i,.\]", shown)
    assert re.search(r"g₂\[i,.\] += a₂\[i,. \+ 5\]", shown)
    assert re.search(r"\+ ∂L/∂g₁\[i,. − 5\] \[5 ≤ .\]\n", str(d.gradients["a1"]))
    assert {"f", "f1", "f2", "g", "g1", "g2"} <= d.gradients.keys()


def test_a_derivative_by_gates_is_made_of_those_that_have_names() -> None:
    W, U, x = sg.param("W", (4, 12)), sg.data("U", (2, 4)), sg.data("x", (2, 3))
    a = U @ W
    c = np.tanh(a[:, :3]) * x + np.exp(a[:, 3:6])
    h = np.tanh(c) * np.exp(a[:, 6:9])
    d = sg.derive(np.sum(np.sin(h)) + np.sum(c**2), names={"W": W, "U": U, "x": x, "a": a, "c": c})
    assert str(d.gradients["a"]).count("∂L/∂c") == 2


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("np.sqrt(2) / 3", "sqrt(2)/3"),
        ("np.pi**2 / 6", "π²/6"),
        ("np.log(2) * 5 / 7", "5/7 log(2)"),
        ("np.sqrt(0.5)", "1/sqrt(2)"),
        ("np.e**2 / 3", "e²/3"),
        ("np.sqrt(np.pi / 2)", "sqrt(π/2)"),
        ("0.123456789012345", "0.123456789012345"),
    ],
)
def test_numbers_are_written_as_what_they_are(typed: str, shown: str) -> None:
    found = text(f"loss = np.sum(np.exp(x)) * ({typed})")
    assert f"= {shown} Σ_{{i,j}} exp(x[i,j])" in found
    assert ("read as what they stand for" in found) is (typed != shown)


def test_values_called_pi_and_e_are_told_from_the_numbers() -> None:
    shown = text("pi, e = np.sum(x**2), np.sum(x)\nloss = pi * np.pi + np.sin(e) * np.e")
    assert "π pi" in shown
    assert "π π" not in shown
    assert "exp(1) sin(e)" in shown
    over = text("e = np.sum(x**2)\nloss = e**3 / np.e")
    assert "∂L/∂e = 3 e²/exp(1)" in over
    assert "π = ‖x‖" in text("pi = np.sum(x**2)\nloss = np.sin(pi)").replace("_F²", "‖")


def test_a_root_below_a_fraction_has_one_bar() -> None:
    shown = text("s = np.sum(x)\nloss = np.sum(np.exp(-f / (np.sqrt(8) * s**2)))", "s")
    assert "exp(−f[i,j]/(sqrt(8) s²))" in shown
    assert "(1/sqrt" not in shown


def test_terms_of_turns_come_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import numpy as np\nimport symgrad as sg\n"
        "X, W = sg.data('X', (3, 4)), sg.param('W', (4, 4))\nh, loss = np.zeros(4), 0\n"
        "for t in range(3):\n    h = np.tanh(W @ h + X[t])\n    loss = loss + np.sum(h**2)\n"
    )
    spec = load(path)
    shown = sg.derive(spec.loss, names=spec.names).render("text")
    assert "L = ‖h₁‖² + ‖h₂‖² + ‖h₃‖²" in shown


def test_what_each_turn_computes_is_named_as_the_last_is(tmp_path: Path) -> None:
    path = tmp_path / "turns.py"
    path.write_text(
        "import numpy as np\nimport symgrad as sg\n"
        "X, W, v = sg.data('X', (3, 4)), sg.param('W', (4, 4)), sg.param('v', (4,))\n"
        "h, loss = np.zeros(4), 0\n"
        "for t in range(3):\n    h = np.tanh(W @ h + X[t])\n    y = v @ h\n"
        "    loss = loss + (y - 1)**2\n"
    )
    spec = load(path)
    shown = sg.derive(spec.loss, names=spec.names).render("text")
    assert "L     = (y₁ − 1)² + (y₂ − 1)² + (y₃ − 1)²" in shown
    assert "y₁ = h₁ᵀ v" in shown


def test_an_index_is_not_written_as_a_length_scale() -> None:
    x, D, ell = sg.param("x", (3,)), sg.data("D", (4, 4)), sg.param("ell", ())
    d = sg.derive(np.sum(np.exp(-D / ell**2)) + np.sum(x**2), names={"x": x, "D": D, "ell": ell})
    assert "i,l" not in d.render("text").replace(" ", "")


def test_a_small_number_is_written_as_it_is_typed() -> None:
    assert "2 · 10⁻⁵ Σ" in text("loss = 2e-5 * np.sum(np.exp(x))")
    assert "0.0005 Σ" in text("loss = 5e-4 * np.sum(np.exp(x))")
    assert "1/400 Σ" in text("loss = np.sum(np.exp(x)) / 400")


def test_a_local_derivative_has_the_value_itself() -> None:
    shown = text("p = sg.softmax(x, axis=1)\nloss = np.sum(p**2 * f)")
    assert re.search(
        r"∂p\[(.),(.)\]/∂x\[i,(.)\] = δ\(i,\1\) \(δ\(\3,\2\) − p\[\1,\3\]\) p\[\1,\2\]", shown
    )
    shown = text("a = np.tanh(x)\nloss = np.sum(a**2 * f)")
    assert re.search(r"\(1 − a\[.,.\]²\)\s+local derivative", shown)


def test_rounded_numbers_that_are_multiplied_are_what_they_are() -> None:
    spec = "loss = np.sum(np.exp(-((x / np.sqrt(2)) ** 2))) + np.sum((f * x * np.sqrt(3)) ** 2)"
    shown = text(spec)
    assert "exp(−x[i,j]²/2)" in shown
    assert "9999" not in shown
    space = {"np": np, "x": sg.param("x", (3, 4)), "f": sg.data("f", (3, 4))}
    exec(spec, space)
    assert "9999" not in sg.derive(space["loss"], names={}).source()


def test_what_is_next_to_nothing_is_moved_by_a_part_of_itself() -> None:
    x, s = sg.data("x", ("N",)), sg.param("s", ())
    density = np.exp(-(x**2) / (2 * s**2)) / s
    d = sg.derive(-np.sum(np.log(density)), names={"x": x, "s": s, "density": density})
    assert all(check.passed for check in run(d))


def test_constants_are_those_of_the_line_that_reads_them() -> None:
    x, c = sg.param("x", (3,)), np.array([1.0, 2, 3])
    u = x * c
    c *= 10
    v = x**2 * c
    assert sg.derive(np.sum(u * v), names={"x": x}).compile().loss(np.ones(3)) == 140


def test_what_is_held_rounded_is_read_where_it_was_typed_alone() -> None:
    x, c = sg.param("x", (2,)), sg.data("c", (2,))
    e, s = sg.rounded(np.exp(x), decimals=0), np.exp(x)
    d = sg.derive(np.sum(s**2) + np.sum(e * c), names={"x": x, "c": c, "e": e})
    at = np.array([0.3, 0.5])
    assert np.allclose(d.compile().gradients(x=at, c=np.zeros(2)).x, 2 * np.exp(2 * at))
    p = sg.rounded(sg.softmax(x), decimals=1)
    d = sg.derive(np.sum(p * c) * np.sum(p), names={"x": x, "c": c, "p": p}, wrt=["p"])
    held = d.compile().forward(x=at).p
    expected = np.array([1.0, 2]) * held.sum() + held @ [1.0, 2]
    assert np.allclose(d.compile().gradients(x=at, c=np.array([1.0, 2])).p, expected)


def test_a_named_product_brings_no_nan() -> None:
    x, y = sg.param("x", (2,)), sg.data("y", (2,))
    u = np.sqrt(x) * y
    loss = np.sum((u > 1) * x) + np.sum(x**2 * y)
    module = sg.derive(loss, names={"x": x, "y": y, "u": u}).compile()
    with np.errstate(invalid="ignore"):
        found = module.gradients(x=np.array([-1.0, 4]), y=np.array([1.0, 2])).x
    assert np.array_equal(found, [-2, 17])
    n = np.sqrt(np.sum(x**2))
    v = x / n
    loss = n + np.sum(sg.stop_gradient(np.where(n > 0, v, 0)) * y)
    module = sg.derive(loss, names={"x": x, "y": y, "n": n, "v": v}).compile()
    with np.errstate(invalid="ignore"):
        assert np.array_equal(module.gradients(x=np.zeros(2), y=np.ones(2)).x, [0, 0])


def test_a_constant_may_be_called_as_a_function_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "called.py"
    path.write_text(
        'import numpy as np\nimport symgrad as sg\nx = sg.param("x", (2,))\n'
        "forward, erf = np.array([1.0, 2]), np.array([3.0, 4])\n"
        "loss = np.sum(np.exp(x) * forward + x * erf)\n"
    )
    spec = load(path)
    module = sg.derive(spec.loss, names=spec.names).compile()
    assert module.loss(np.zeros(2)) == 3


def test_a_number_next_to_a_root_is_no_root() -> None:
    assert "0.7071067811865472" in text("loss = np.sum(np.exp(x)) * 0.7071067811865472")


def test_where_a_value_was_made_can_be_sent_to_another_process() -> None:
    where = sg.param("x", (2,)).where
    assert pickle.loads(pickle.dumps(where)) == where


def test_values_of_a_tuple_keep_their_names_in_each_turn(tmp_path: Path) -> None:
    lines = """
w = sg.param("w", (2,))
h, c = np.tanh(w), w * 2
for k in range(3):
    h, c = np.tanh(h * w), c * w + h
loss = np.sum(h * c)
"""
    path = tmp_path / "net.py"
    path.write_text(f"import numpy as np\nimport symgrad as sg\n{lines}", encoding="utf-8")
    read = load(path)
    names = [e.name for e in sg.derive(read.loss, names=read.names).system.equations]
    assert {"h1", "h2", "h3", "h"} <= set(names)
    assert not any(name.startswith("t") for name in names)


def test_a_solution_stands_in_its_own_derivative() -> None:
    shown = text("K = x[:, :3]\na = np.linalg.solve(K, f[:, 0])\nloss = np.sum(np.sin(a))", "K")
    assert "∂a[k]/∂K[i,j] = −(K⁻¹)[k,i] a[j]" in shown


def test_values_that_laws_leave_over_are_numbered_from_1() -> None:
    shown = text(
        "P = np.exp(x - x.max(1, keepdims=True))\nP = P / P.sum(1, keepdims=True)\n"
        "loss = np.sum((P @ f.T - f[:, :3]) ** 2)"
    )
    assert "softmax_rows(x)" in shown
    assert "t₁[i,l] = Σ_j P[i,j] f[l,j]" in shown
    assert not re.search("t₂|t₃|P₁|P₂", shown)


def test_an_entropy_stands_in_its_own_derivative() -> None:
    spec = "p = sg.softmax(x, axis=1)\nH = -np.sum(p * np.log(p), 1)\nloss = np.sum(f[:, 0] * H)"
    assert boxed(spec) == "∂L/∂x[i,j] = −f[i,0] p[i,j] (log(p[i,j]) + H[i])"


def test_a_derivative_is_known_to_be_symmetric() -> None:
    spec = (
        "S = x[:, :3] @ x[:, :3].T + np.eye(3)\na = np.linalg.solve(S, f[:, 0])\n"
        "loss = f[:, 0] @ a + np.linalg.slogdet(S)[1]"
    )
    shown = text(spec, "S")
    assert "L = Σ_i a[i] f[i,0] + log |det(S)|" in " ".join(shown.split())
    assert "symmetric: ∂L/∂S is symmetric" in text(spec)


def test_a_root_with_a_name_is_one_equation() -> None:
    shown = text("s = np.sqrt(np.mean(x**2) + 1e-5)\nloss = np.sum(np.sin(x / s) * f)")
    assert "∂s/∂x[i,j] = x[i,j]/(12 s)" in shown
    assert "t₁" not in shown


def test_logistic_regression_has_no_signs_too_many() -> None:
    fit = "-np.mean(f[:, 0] * np.log(p) + (1 - f[:, 0]) * np.log(1 - p))"
    shown = text(f"p = 1 / (1 + np.exp(-f @ x[0]))\nloss = {fit} + np.linalg.norm(x) ** 2 / 2")
    assert "∂L/∂t₁[i] = (p[i] − f[i,0])/3" in shown
    assert "1/2 Σ_{i,j} x[i,j]²" in shown


def test_what_is_read_at_a_first_place_has_a_matrix_form() -> None:
    shown = text("h = np.tanh(x @ f[0])\nloss = h @ np.tanh(x @ f[1])")
    assert "x f[0]" in shown
    assert "x f[1]" in shown
    assert "an array with only its first indices" in shown


RIDGE = (
    "G = x.T @ x + np.eye(4)\nw = np.linalg.solve(G, x.T @ f[:, 0])\n"
    "loss = np.sum((f @ w - f[:, 1]) ** 2)"
)


def test_a_solution_of_a_product_stands_in_its_own_derivative() -> None:
    assert "∂L/∂G = −G⁻¹ ∂L/∂w wᵀ" in text(RIDGE, "G")


def test_a_named_product_is_recognised_in_each_term_of_a_sum() -> None:
    spec = "s = np.sum(x)\nk = (1 + f / s) * np.exp(-f / s)\nloss = np.sum(k)"
    assert "f[i,j] k[i,j]/s²" in boxed(spec, "s")


def test_penalties_stand_after_what_is_fitted() -> None:
    shown = text("loss = 0.5 * np.sum(x**2) + np.sum(np.sin(f * x)) + 3")
    assert "L = Σ_{i,j} sin(f[i,j] x[i,j]) + 3 + 1/2 Σ_{i,j} x[i,j]²" in shown
