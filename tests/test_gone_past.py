"""Values that the forward pass goes past: what is said of them, and what stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import symgrad as sg
from symgrad.checks.derived import run
from symgrad.cli import main
from symgrad.errors import SpecError
from symgrad.formats.graph import picture
from symgrad.writing.choice import Choice
from symgrad.writing.style import Style

POINT = np.array([0.3, -0.2, 1.0])
SOFTMAX = np.exp(POINT) / np.exp(POINT).sum()


def entropy() -> tuple[sg.Array, dict[str, sg.Array]]:
    z = sg.param("z", (3,))
    p = sg.softmax(z)
    return -np.sum(p * np.log(p)), {"z": z, "p": p}


def attention() -> tuple[sg.Array, dict[str, sg.Array]]:
    """A value that is used both past its rewriting and as it is."""
    z, v, t = sg.param("z", (3, 4)), sg.param("v", (4, 2)), sg.data("t", (3, 2))
    p = sg.softmax(z, axis=1)
    loss = np.sum((p @ v - t) ** 2) - np.sum(p * np.log(p))
    return loss, {"z": z, "v": v, "t": t, "p": p}


@pytest.mark.parametrize("made", [entropy, attention])
def test_asking_for_it_changes_no_number_of_another_gradient(made) -> None:
    loss, names = made()
    params = [n for n, a in names.items() if n != "p" and a.variable.role == "param"]
    rng = np.random.default_rng(0)
    at = {n: rng.normal(size=a.shape) for n, a in names.items() if n != "p"}
    alone = sg.derive(loss, wrt=params, names=names).compile().gradients(**at)
    both = sg.derive(loss, wrt=[*params, "p"], names=names).compile().gradients(**at)
    for name in params:
        np.testing.assert_array_equal(getattr(alone, name), getattr(both, name))


def test_its_derivative_is_there_without_being_asked_for() -> None:
    loss, names = entropy()
    d = sg.derive(loss, wrt=["z"], names=names)
    assert d.gradients["p"].latex().endswith(r"-\log p_{i} - 1")
    assert d.gradients["z"].adjoint.chain == ("loss", "p")


def test_it_has_a_remark_and_no_section() -> None:
    loss, names = entropy()
    text = str(sg.derive(loss, wrt=["z"], names=names).render("text"))
    assert "∂L/∂p = −log(p) − 𝟏; not used on the way." in text
    assert "with respect to p" not in text
    assert "with respect to p" in str(sg.derive(loss, wrt=["p"], names=names).render("text"))


def test_the_part_on_the_way_has_a_sign_of_its_own() -> None:
    loss, names = attention()
    d = sg.derive(loss, names=names)
    text = str(d.render("text"))
    assert "L̃ is L as its last line computes it from z, p and u₁" in text
    assert "The derivative of L̃ with respect to p\n" in text
    assert "│ ∂L̃/∂p = " in text
    assert r"\frac{\partial \tilde{L}}{\partial p}" in d.latex()
    (found,) = (a for a in json.loads(d.render("json"))["derivatives"] if a["value"] == "p")
    assert found["past"]
    assert found["part"]["name"] == "dp_part"
    assert "dp_part" in d.source()


@pytest.mark.parametrize("plain", [False, True])
def test_at_saturated_points_it_is_zero_where_its_factor_is(plain: bool) -> None:
    y, z = sg.data("y", (4,)), sg.param("z", (4,))
    p = 1 / (1 + np.exp(-z))
    loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
    d = sg.derive(loss, wrt=["p", "z"])
    module: dict[str, object] = {}
    exec(d.source(plain=plain), module)
    found = module["gradients"](y=[0, 1, 1, 0], z=[-1e3, 1e3, -1e3, 1e3])  # type: ignore[operator]
    np.testing.assert_array_equal(found.p, [1, -1, -np.inf, np.inf])
    np.testing.assert_array_equal(found.z, [0, 0, -1, 1])


def test_what_is_infinite_there_is_no_warning() -> None:
    loss, names = entropy()
    m = sg.derive(loss, wrt=["p", "z"], names=names).compile()
    z = np.array([0.0, 2e3, -2e3])
    _, found = m.bind(z=z)()
    np.testing.assert_array_equal(found.p, [np.inf, -1, np.inf])
    np.testing.assert_array_equal(m.gradients(z=z).p, [np.inf, -1, np.inf])


def test_second_derivatives_by_it_are_those_of_the_loss_as_typed() -> None:
    z = sg.param("z", (3,))
    p = sg.softmax(z)
    q = np.log(p)
    loss = np.sum(q**2)
    right = np.diag((2 - 2 * np.log(SOFTMAX)) / SOFTMAX**2)
    v = np.array([1.0, 2.0, -1.0])
    np.testing.assert_allclose(sg.hessian(loss, "p").compile().gradients(z=POINT).p, right)
    np.testing.assert_allclose(sg.hvp(loss, "p").compile().gradients(z=POINT, v_p=v).p, right @ v)
    slope = 2 * np.log(SOFTMAX) / SOFTMAX
    np.testing.assert_allclose(
        sg.jvp(loss, "p").compile().gradients(z=POINT, v_p=v).loss, slope @ v
    )
    np.testing.assert_allclose(
        sg.jacobian(q, "p").compile().gradients(z=POINT).p, np.diag(1 / SOFTMAX)
    )


def test_a_gradient_is_not_written_by_the_name_of_what_it_is_derived_by() -> None:
    data, w = sg.data("data", (3, 3)), sg.param("w", (3,))
    u = data @ w
    loss = np.sum(u * (data @ w))  # the second product is no function of u
    at = {"data": np.eye(3), "w": POINT}
    np.testing.assert_array_equal(sg.hessian(loss, "u").compile().gradients(**at).u, 0)


def variance() -> str:
    """A derivation in which a value in between reads another in two ways."""
    x, c = sg.param("x", ("N",)), sg.data("c", ("N",))
    m = np.mean(x)
    v = np.mean(x**2) - m**2
    loss = np.sum(c * (x - m) / np.sqrt(v + 0.1))
    d = sg.derive(loss, wrt=["m", "x"], names={"x": x, "c": c, "m": m, "v": v})
    return str(d.render("text"))


def test_a_value_in_between_that_is_rewritten_has_a_sign_for_each_of_its_meanings() -> None:
    text = variance()
    told = "ṽ is v as its last line computes it from x and m; L̃ is L as the forward pass computes"
    assert told in " ".join(text.split())
    assert "∂ṽ/∂m = 2/N Σ_n (m − x[n])" in text
    assert "∂v/∂m = −2 m" in text
    assert "∂ṽ/∂x[n] = 2 (x[n] − m)/N" in text
    assert "∂v/∂x" not in text


def test_the_sign_is_no_name_of_the_spec() -> None:
    z, p_tilde, L_tilde = sg.param("z", (3,)), sg.data("p_tilde", (3,)), sg.data("L_tilde", ())
    p = sg.softmax(z)
    loss = L_tilde * np.sum(p * np.log(p)) + np.sum(p_tilde * p)
    names = {"z": z, "p": p, "p_tilde": p_tilde, "L_tilde": L_tilde}
    latex = sg.derive(loss, wrt=["z"], names=names).latex()
    assert r"$\hat{L}$ is $L$ as its last line" in latex
    assert "Derivatives without a hat are those of" in latex


@pytest.mark.parametrize(("notation", "sign"), [("bar", "p̄̃"), ("delta", "δ̃p")])
def test_in_each_notation_the_part_is_written_as_other_derivatives_are(notation, sign) -> None:
    loss, names = attention()
    text = str(sg.derive(loss, names=names).render("text", style=Style(notation)))
    mark = sign.replace("\u0303", "")
    assert f"Here {mark} stands for ∂L/∂p, and with a tilde for ∂L̃/∂p." in " ".join(text.split())
    assert f"│ {sign} = " in text
    assert text.count("∂L̃/∂p") == 1


SPEC = """
import numpy as np
import symgrad as sg

Y, z = sg.data("Y", (3,)), sg.param("z", (3,))
p = np.exp(z) / np.sum(np.exp(z))
loss = -np.sum(Y * np.log(p))
example = {"Y": [0, 1, 0], "z": [3, 3, -1]}
expected = {"dL_dp": [0, -2.0183156388887342, 0]}
compared = {"dL_dY": [7, 7, 7], "dL_dp": [0, 0, 0]}
"""


@pytest.mark.parametrize("wrong", [False, True])
def test_numbers_stated_for_it_are_checked(tmp_path: Path, wrong: bool) -> None:
    spec = tmp_path / "net.py"
    spec.write_text(SPEC.replace("-2.0183", "-2.0184") if wrong else SPEC)
    result = CliRunner().invoke(main, ["derive", str(spec), "--out", str(tmp_path / "g")])
    assert result.exit_code == wrong, result.stderr
    assert "expected numbers" in result.stderr
    rows = [line.split() for line in result.stderr.splitlines() if line.startswith(" dL_d")]
    assert [row[0] for row in rows] == ["dL_dY", "dL_dp"]


def explained(tmp_path: Path, value: str, text: str = SPEC, *more: str) -> str:
    spec = tmp_path / "net.py"
    spec.write_text(text)
    result = CliRunner().invoke(main, ["explain", str(spec), value, *more])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_why_it_is_what_it_is_is_explained(tmp_path: Path) -> None:
    told = explained(tmp_path, "p")
    assert "∂L/∂p = −Y ⊘ p" in told
    assert "does not depend" not in told


def test_the_way_is_told_as_typed_and_as_it_is_computed(tmp_path: Path) -> None:
    told = explained(tmp_path, "z")
    assert "• z is used in p\n  • p is used in L\n  • L is computed from z, past p\n" in told


def test_nothing_is_said_of_what_is_not_on_the_way(tmp_path: Path) -> None:
    w = "w = np.sum(np.maximum(sg.param('u', (7,)), 0))\nloss = w**2"
    spec = SPEC.replace("loss =", w)
    told = explained(tmp_path, "z", spec.replace('{"Y"', '{"u": [0] * 7, "Y"'))
    assert "relu'" not in told
    assert "0..6" not in told
    assert "∂L/∂p = " in told
    told = explained(tmp_path, "u", spec.replace('{"Y"', '{"u": [0] * 7, "Y"'))
    assert "relu'(0) = 0" in told
    assert "∂L/∂p" not in told


def test_what_is_shown_alone_gives_the_part_that_it_reads() -> None:
    loss, names = attention()
    text = str(sg.derive(loss, names=names).render("text", choice=Choice(only=("z",))))
    assert "Here ∂L̃/∂p[i,j] = 2 Σ_k u₁[i,k] v[j,k] + log Σ_l exp(z[i,l]) − z[i,j]." in text


def test_in_brief_what_was_typed_stands_beside_its_derivative() -> None:
    loss, names = entropy()
    d = sg.derive(loss, wrt=["p"], names=names)
    text = str(d.render("text", choice=Choice("brief")))
    assert "L    = −Σ_i p[i] log(p[i])" in text


def test_the_picture_shows_it_on_the_way_forward_and_the_way_back_past_it() -> None:
    y, z = sg.data("y", (3,)), sg.param("z", (3,))
    p = sg.softmax(z)
    d = sg.derive(-np.sum(y * np.log(p)), names={"y": y, "z": z, "p": p})
    edges = {(e.start, e.end, e.backward) for e in picture(d, lambda name: True, 8).edges}
    assert {("z", "p", False), ("p", "loss", False), ("loss", "z", True)} <= edges
    assert ("z", "loss", False) not in edges
    assert ("p", "z", True) not in edges


def test_second_derivatives_by_a_parameter_read_the_part() -> None:
    z, c = sg.param("z", (3, 4)), sg.data("c", (4, 2))
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    loss = np.sum((p @ c) ** 2) - np.sum(p * np.log(p))
    rng = np.random.default_rng(0)
    at, v = {"z": rng.normal(size=(3, 4)), "c": rng.normal(size=(4, 2))}, rng.normal(size=(3, 4))
    slope = sg.derive(loss, "z").compile().gradients
    ahead, behind = (slope(**{**at, "z": at["z"] + h * v}).z for h in (1e-6, -1e-6))
    found = sg.hvp(loss, "z").compile().gradients(**at, v_z=v).z
    np.testing.assert_allclose(found, (ahead - behind) / 2e-6, atol=1e-7)


def test_an_expression_of_sizes_keeps_its_brackets_in_matrix_form() -> None:
    z, c = sg.param("z", ("N",)), sg.data("c", ("N",))
    d = sg.derive((z.shape[0] - 2) * np.sum(c * z**2), names={"z": z, "c": c})
    assert d.gradients["z"].matrix_latex().endswith(r"= (2 N - 4) (c \odot z)")


def test_only_names_of_values_are_mathematics_in_a_remark() -> None:
    value, held, taken = (sg.param(n, (2,)) for n in ("value", "sum", "taken"))
    constant = sg.rounded(value * held, 1)
    names = {"value": value, "sum": held, "taken": taken, "constant": constant}
    d = sg.derive(np.sum(np.maximum(constant * taken, 0)), names=names)
    text = d.latex()
    told = r"$\mathit{constant}$ is held rounded to 1 decimal: the mathematics is that of the unr"
    assert told in text


def test_what_there_is_no_derivative_by_is_named() -> None:
    loss, names = entropy()
    d = sg.derive(loss, names=names)
    with pytest.raises(SpecError, match=r"no derivative by 'nope'[^$]*there are loss, p, z"):
        d.gradients["nope"]
    assert "nope" not in d.gradients
    assert d.gradients.get("nope") is None
    with pytest.raises(KeyError):
        d.gradients["P"]


def test_what_python_shows_can_be_read() -> None:
    loss, names = entropy()
    d = sg.derive(loss, names=names)
    assert "∂L/∂z[i] = " in repr(d)
    assert "\n\n" not in repr(d)
    assert str(d) == d.render("text", choice=sg.Choice("brief")).rstrip()
    assert repr(d.gradients["p"]) == "∂L/∂p[i] = −log(p[i]) − 1"
    assert repr(d.steps[0]).startswith("<log of a product: -Sum(log(p[i])*p[i], (i, 0, 2)) = ")
    assert "v_z[i]" in repr(sg.jvp(loss, names=names))


def test_all_steps_are_there_also_those_of_a_part() -> None:
    loss, names = attention()
    d = sg.derive(loss, names=names)
    part = d.parts["p"]
    assert part.steps
    assert len(d.steps) == len(d.forward_steps) + sum(
        len(a.steps) for a in (*d.adjoints, *d.parts.values())
    )


@pytest.mark.parametrize("table", ["expected", "compared"])
@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("dp", "the derivative of the loss by p is called dL_dp"),
        ("dL/dp", "the derivative of the loss by p is called dL_dp"),
        ("dL_dq", "there are "),
        ("dL_dp.T", "exactly"),
        ("dL_dlabel", "label holds integers, by which there is no derivative"),
    ],
)
def test_each_stated_number_gives_a_row_or_an_error(tmp_path, table: str, key: str, told) -> None:
    spec = tmp_path / "net.py"
    text = SPEC.split("expected =")[0].replace("loss =", "label = sg.data('label', (), dtype=int)\n"
           "loss = np.exp(z)[label]", 1).replace('{"Y"', '{"label": 1, "Y"')  # fmt: skip
    spec.write_text(f"{text}{table} = {{{key!r}: [0, -2.0183156388887342, 0]}}\n")
    result = CliRunner().invoke(main, ["derive", str(spec), "--out", str(tmp_path / "g")])
    if key == "dL_dp.T":
        assert result.exit_code == 0, result.stderr
        assert " dL_dp.T " in result.stderr
    else:
        assert result.exit_code == 2
        assert f"`{table}` has numbers for {key!r}" in result.stderr
        assert told in result.stderr


def test_values_without_a_name_that_are_gone_are_on_no_way(tmp_path: Path) -> None:
    spec = SPEC.split("expected =")[0].replace("np.log(p)", "np.log(np.exp(z) / np.sum(np.exp(z)))")
    told = explained(tmp_path, "z", spec)
    assert "• z is used in L\n\n" in told
    assert "past" not in told


def test_what_is_read_is_told_and_not_said_to_be_put_in() -> None:
    z, c = sg.param("z", (3,)), sg.data("c", (3,))
    e = np.exp(-z)
    p = 1 / (1 + e)
    q = e / (1 + e)
    names = {"z": z, "c": c, "e": e, "p": p, "q": q}
    d = sg.derive(-np.sum(c**2 * np.log(p) + np.log(q)), names=names)
    text = str(d.render("text", choice=Choice(explain="e")))
    assert "Here ∂L/∂q[i] = −1/q[i]. Here ∂L/∂p[i] = −c[i]²/p[i]." in text
    assert "put in" not in text
    assert "not used on the way" not in text
    assert "quotient" not in text  # as 1 + e is never 0


def test_a_matrix_form_is_that_of_the_line_that_it_stands_beside() -> None:
    y, z = sg.data("y", (3,)), sg.param("z", (3,))
    p = 1 / (1 + np.exp(-z))
    d = sg.derive(np.sum(y * np.log(p)), names={"y": y, "z": z, "p": p})
    (line,) = (row for row in d.render("text").splitlines() if row.lstrip().startswith("L    = "))
    assert line.split("  ")[-1].strip() == "L = yᵀ log(p)"


def test_letters_of_values_stand_for_nothing_else() -> None:
    z, e, sigma = sg.param("z", (3,)), sg.data("e", (3,)), sg.param("sigma", (3,))
    p = 1 / (1 + np.exp(-z))
    names = {"z": z, "e": e, "sigma": sigma, "p": p}
    d = sg.derive(np.sum(e * sigma * p * np.exp(z)), names=names)
    assert r"\sigma(" not in d.latex()
    assert r"\operatorname{sigmoid}(z" in d.latex()
    assert "e^{" not in d.latex()
    example = {"z": [1, 1, 1], "e": [1, 2, 3], "sigma": [1, 1, 1]}
    assert "exp(1)/(1 + exp(1))" in str(d.render("text", example))


def test_as_data_what_is_explained_has_its_way_only(tmp_path: Path) -> None:
    w = "w = np.sum(np.maximum(sg.param('u', (7,)), 0))\nloss = w**2"
    spec = SPEC.replace("loss =", w).replace('{"Y"', '{"u": [0] * 7, "Y"')
    found = json.loads(explained(tmp_path, "z", spec, "--format", "json"))
    assert [v["name"] for v in found["inputs"]] == ["Y", "z"]
    assert [d["value"] for d in found["derivatives"]] == ["loss", "p", "z"]
    assert [r.partition(" is")[0] for r in found["remarks"]] == ["the logarithm of p"]
    assert "u" not in found["example"]["exact"]
    everything = json.loads(explained(tmp_path, "u", spec, "--format", "json"))
    assert everything["remarks"][:1] == ["relu'(0) = 0"]


def test_a_generated_file_says_what_its_derivatives_are_of() -> None:
    loss, names = attention()
    source = sg.derive(loss, wrt=["z", "p"], names=names).source()
    assert "dp[i,j] = 2 Σ_k u1[i,k] v[j,k] - log(p[i,j]) - 1, of loss as typed" in source
    assert "As typed, loss = Σ_{i,k} u1[i,k]² - Σ_{i,j} p[i,j] log(p[i,j])." in source
    assert "The backward pass goes on with dp_part, the derivative of loss as computed." in source
    plain = sg.derive(loss, wrt=["v"], names=names).source()
    assert "as typed" not in plain.lower()
    assert "dp_part" not in plain


def test_a_generated_file_has_no_capital_in_the_name_of_a_value() -> None:
    z = sg.param("z", (3,))
    p = sg.rounded(z**2, 1)
    assert "\np is held rounded" in sg.derive(np.sum(p), names={"z": z, "p": p}).source()


def test_in_second_derivatives_the_part_has_its_sign_too() -> None:
    x, c = sg.param("x", ("N",)), sg.data("c", ("N",))
    m = np.mean(x)
    v = np.mean(x**2) - m**2
    names = {"x": x, "c": c, "m": m, "v": v}
    d = sg.hvp(np.sum(c * (x - m) / np.sqrt(v + 0.1)), "x", names=names)
    text = d.render("text")
    assert "∂L̃/∂m    = −1/sqrt(v + 0.1) Σ_n c[n]" in text
    assert "L̃ is L as the forward pass computes it" in text
    assert "dm_part" not in text
    assert "dm_part" in d.source()


def test_a_derivative_by_what_is_gone_past_is_read_in_the_second_derivative() -> None:
    """The sum inside of a softmax has no equation, and its derivative has."""
    x = sg.param("x", (3, 3))
    e = np.exp(x)
    q = np.log(e / np.sum(e, axis=-1, keepdims=True)) * e
    second = sg.hvp(np.sum(np.sin(q) * q), wrt=["x", "e"], names={"e": e, "q": q})
    assert "∂L/∂t₁[i]  = " in str(second)
    assert all(check.passed for check in run(second))
