"""Letters, names and expressions as they are written."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.errors import SpecError
from symgrad.mathematics.equations import Equation, System, Variable
from symgrad.mathematics.indices import Index, entry, fresh
from symgrad.mathematics.reductions import (
    LEAVES,
    REDUCTIONS,
    AxisMax,
    LogSumExp,
    absolute,
    hypot,
    log1p,
    maximum,
    power_slope,
    relu,
    step,
    xlogy,
)
from symgrad.mathematics.sizes import as_size
from symgrad.writing.names import barred, parse, symbols
from symgrad.writing.naming import Partial
from symgrad.writing.notation import Notation
from symgrad.writing.parts import as_decimal
from symgrad.writing.printings.latex import latex as printed

N, D, C = as_size("N"), as_size(4), as_size(3)
n, i, j = fresh(N), fresh(D), fresh(C)


def arrays(**shapes: tuple[sp.Expr, ...]) -> Notation:
    """The notation of a system with these inputs, ``b*`` being parameters, and one equation."""
    variables = tuple(
        Variable(name, shape, "param" if name[0] == "b" else "data")
        for name, shape in shapes.items()
    )
    adjoints = {name: f"d{name}" for name in [*shapes, "loss"]}
    equation = Equation("u", (n, i, j), entry("X", (n, i, j)))
    return Notation(System(variables, (equation, Equation("loss", (), sp.S.One)), "loss"), adjoints)


def notation() -> Notation:
    return arrays(
        X=(N, D), Z=(N, D), W=(D, C), z1=(D,), y=(N,), b1=(C,), c=(), x=(D, sp.S.One), S=(D, D)
    )  # fmt: skip


NOTATION = notation()


@pytest.fixture(autouse=True)
def letters_of_no_other_test() -> None:
    """Letters are given out as they are needed: what ran before must not have taken any."""
    global NOTATION  # noqa: PLW0603
    NOTATION = notation()


X, Z, W, z, b, c = (
    entry("X", (n, i)), entry("Z", (n, i)), entry("W", (i, j)), entry("z1", (i,)),
    entry("b1", (j,)), entry("c", ()),
)  # fmt: skip
FREE = (n, i, j)
k = fresh(D)


def total(body: sp.Expr, *over: Index) -> sp.Expr:
    return sp.Sum(body, *(index.limits for index in over))


EXPRESSIONS = [
    # order
    (b + total(X * W, i), r"\sum_{i} X_{ni} W_{ij} + b_{1,j}", "Σ_i X[n,i] W[i,j] + b1[j]"),
    (-Z + X, r"X_{ni} - Z_{ni}", "X[n,i] - Z[n,i]"),
    (1 - z, "1 - z_{1,i}", "1 - z1[i]"),
    (1 + sp.exp(-z), r"1 + e^{-z_{1,i}}", "1 + exp(-z1[i])"),
    (z**2 + 3, "z_{1,i}^{2} + 3", "z1[i]² + 3"),
    (-z - X, "-X_{ni} - z_{1,i}", "-X[n,i] - z1[i]"),
    (W * X, "X_{ni} W_{ij}", "X[n,i] W[i,j]"),
    (X * c, "c X_{ni}", "c X[n,i]"),
    (
        X * entry("dz1", (i,)),
        r"\frac{\partial L}{\partial z_{1,i}} \, X_{ni}",
        "dz1[i] X[n,i]",
    ),
    # signs, scales and fractions
    (-total(X, n), r"-\sum_{n} X_{ni}", "-Σ_n X[n,i]"),
    (total(-X, n), r"-\sum_{n} X_{ni}", "-Σ_n X[n,i]"),
    (total(-X - Z, n), r"-\sum_{n} (X_{ni} + Z_{ni})", "-Σ_n (X[n,i] + Z[n,i])"),
    (total(X / N, n), r"\frac{1}{N} \sum_{n} X_{ni}", "1/N Σ_n X[n,i]"),
    (X / N - Z / N, r"\frac{1}{N} (X_{ni} - Z_{ni})", "(X[n,i] - Z[n,i])/N"),
    (X / as_size(4), r"\frac{1}{4} X_{ni}", "X[n,i]/4"),
    (2 * (X - Z) / (N * C), r"\frac{2}{3 N} (X_{ni} - Z_{ni})", "2 (X[n,i] - Z[n,i])/(3 N)"),
    (X / 10, "0.1 X_{ni}", "0.1 X[n,i]"),
    (1 / (1 + sp.exp(-z)), r"\frac{1}{1 + e^{-z_{1,i}}}", "1/(1 + exp(-z1[i]))"),
    (2 * X / (z + 1), r"\frac{2 X_{ni}}{z_{1,i} + 1}", "2 X[n,i]/(z1[i] + 1)"),
    (3 / z**2, r"\frac{3}{z_{1,i}^{2}}", "3/z1[i]²"),
    # brackets
    (X * (1 - X), "X_{ni} (1 - X_{ni})", "X[n,i] (1 - X[n,i])"),
    (
        total(2 * X * sp.tanh(X) ** 2, n) / (4 * N),
        r"\frac{1}{2 N} \sum_{n} X_{ni} \tanh^{2} X_{ni}",
        "1/(2 N) Σ_n X[n,i] tanh(X[n,i])²",
    ),
    (z * sp.log(z), r"z_{1,i} \log z_{1,i}", "z1[i] log(z1[i])"),
    (sp.log(z * X), r"\log (X_{ni} z_{1,i})", "log(X[n,i] z1[i])"),
    (
        c * total(X, n) * (1 + total(Z, n)),
        r"c \left(\sum_{n} Z_{ni} + 1\right) \sum_{n} X_{ni}",
        "c (Σ_n Z[n,i] + 1) Σ_n X[n,i]",
    ),
    (total(X, n) ** 2, r"\left(\sum_{n} X_{ni}\right)^{2}", "(Σ_n X[n,i])²"),
    (sp.exp(z) ** 2 * c, r"c e^{2 z_{1,i}}", "c exp(2 z1[i])"),
    (sp.sqrt(z) / c, r"\frac{\sqrt{z_{1,i}}}{c}", "sqrt(z1[i])/c"),
    (z**c, "z_{1,i}^{c}", "z1[i]^c"),
    (relu(z + 1), r"\operatorname{relu}(z_{1,i} + 1)", "relu(z1[i] + 1)"),
    (step(z) * X, r"X_{ni} [z_{1,i} > 0]", "X[n,i] [z1[i] > 0]"),
    (maximum(z, c), r"\max(z_{1,i}, c)", "max(z1[i], c)"),
    (xlogy(z, 1 + c), r"z_{1,i} \log (c + 1)", "z1[i] log(c + 1)"),
    (power_slope(z, 1 - c), "(1 - c) z_{1,i}^{-c}", "(1 - c) z1[i]^(-c)"),
    (log1p(-z), r"\log (1 - z_{1,i})", "log(1 - z1[i])"),
    (hypot(z, c - 1), r"\sqrt{z_{1,i}^{2} + (c - 1)^{2}}", "sqrt(z1[i]² + (c - 1)²)"),
    (z * sp.pi / 180, r"\frac{\pi}{180} z_{1,i}", "π z1[i]/180"),
    (absolute(z) ** 3, r"\left|z_{1,i}\right|^{3}", "|z1[i]|³"),
    (z ** sp.Rational(3, 2), "z_{1,i}^{3/2}", "z1[i]^(3/2)"),
    (-total(-X * c - Z, n), r"\sum_{n} (c X_{ni} + Z_{ni})", "Σ_n (c X[n,i] + Z[n,i])"),
    # sums
    (total(X * W, n, i), r"\sum_{n,i} X_{ni} W_{ij}", "Σ_{n,i} X[n,i] W[i,j]"),
    (total(total(X * W, n), i), r"\sum_{n,i} X_{ni} W_{ij}", "Σ_{n,i} X[n,i] W[i,j]"),
    (
        LogSumExp(X, i.limits) * c,
        r"c \log \sum_{i} e^{X_{ni}}",
        "c log Σ_i exp(X[n,i])",
    ),
    (X - AxisMax(X, n.limits), r"X_{ni} - \max_{n} X_{ni}", "X[n,i] - max_n X[n,i]"),
    # softmax
    (
        sp.exp(z - LogSumExp(entry("z1", (k,)), k.limits)),
        r"\operatorname{softmax}(z_{1})_{i}",
        "softmax(z1)[i]",
    ),
    (
        sp.exp(X - LogSumExp(entry("X", (n, k)), k.limits)),
        r"\operatorname{softmax}_{i}(X_{ni})",
        "softmax_i(X[n,i])",
    ),
    # indices
    (entry("x", (i, sp.S.Zero)), "x_{i}", "x[i]"),
    (
        entry("W", (i, entry("y", (n,), integer=True))),
        r"W_{i\,y_{n}}",
        "W[i,y[n]]",
    ),
    (sp.KroneckerDelta(i, k), r"\delta_{ik}", "δ(i, k)"),
    (
        sp.KroneckerDelta(entry("y", (n,), integer=True), i),
        r"\delta_{i\,y_{n}}",
        "δ(i, y[n])",
    ),
    (
        Partial(z, entry("W", (i, j))),
        r"\frac{\partial z_{1,i}}{\partial W_{ij}}",
        "∂z1[i]/∂W[i,j]",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("expr", "latex", "text"), EXPRESSIONS)
def test_expressions(expr: sp.Expr, latex: str, text: str) -> None:
    bound = {limit[0] for s in expr.atoms(*REDUCTIONS) for limit in s.limits}
    free = [index for index in (*FREE, k) if expr.has(index) and index not in bound]
    assert NOTATION.latex(expr, free) == latex
    assert NOTATION.text(expr, free) == text


def test_what_is_not_known_is_an_error() -> None:
    with pytest.raises(SpecError, match="cannot write gamma"):
        NOTATION.latex(sp.gamma(z))


@pytest.mark.parametrize("cls", LEAVES)
def test_every_leaf_is_written(cls: type[sp.Function]) -> None:
    leaf = LEAVES[cls]
    args = (z + 1, X * c, b)[: len(leaf.domain)]
    written = cls(*args, evaluate=False)
    for shown in (NOTATION.latex(written), NOTATION.text(written)):
        assert all(part in shown for part in ("1", "X")[: len(args)])
        assert shown.count("(") == shown.count(")")
    assert "\\" not in NOTATION.text(written)


@pytest.mark.parametrize("cls", REDUCTIONS)
def test_every_reduction_is_written(cls: type[sp.Expr]) -> None:
    written = cls(X + Z, i.limits)
    assert "X_{ni}" in NOTATION.latex(written, (n,))
    assert "X[n,i]" in NOTATION.text(written, (n,))
    assert "\\" not in NOTATION.text(written, (n,))


# -- letters ----------------------------------------------------------------------------------


def test_a_letter_means_one_size() -> None:
    letters = NOTATION.letters
    given = [letters.of(size, rank) for size in (N, D, C) for rank in range(4)]
    assert given[0] == "n"
    assert len(set(given)) == len(given)


def test_letters_avoid_names() -> None:
    notation = arrays(X=(D,), i=(D,), j=(D,), k=(D,))
    assert not {"i", "j", "k"} & {notation.letters.of(D, rank) for rank in range(5)}


def test_no_capture() -> None:
    """Nested indices of one size get different letters; neighbours share one."""
    p, q = fresh(D), fresh(D)
    s = lambda a, b: entry("S", (a, b))  # noqa: E731
    notation = arrays(S=(D, D))
    nested = total(s(i, p) * sp.exp(total(s(p, q), q)), p)
    assert notation.text(nested, (i,)) == "Σ_k S[i,k] exp(Σ_l S[k,l])"
    beside = total(s(i, p), p) * total(s(q, i), q)
    assert notation.text(beside, (i,)).count("Σ_k") == 2


def test_an_index_bound_twice_is_written_twice() -> None:
    inner = LogSumExp(entry("z1", (i,)), i.limits)
    assert NOTATION.text(total(z * inner, i)) == "Σ_i z1[i] log Σ_k exp(z1[k])"


def test_internal_names_do_not_matter() -> None:
    def written() -> str:
        p, q, r = (fresh(D) for _ in range(3))
        s = lambda a, b: entry("S", (a, b))  # noqa: E731
        return NOTATION.text(total(s(r, p) * s(p, q) * entry("z1", (q,)), p, q), (r,))

    assert len({written() for _ in range(30)}) == 1


def test_relabel_and_public() -> None:
    equation = Equation("u", (n, i), total(X * W * entry("b1", (j,)), j) / D)
    pretty = NOTATION.relabel(equation)
    assert [str(x) for x in pretty.indices] == ["n", "i"]
    public = NOTATION.public(equation)
    assert public.shape == (N, 4)
    assert public.rhs.args[0] == sp.Rational(1, 4)
    assert public.rhs.atoms(sp.Sum).pop().limits[0][2] == 2


def test_many_sizes_get_numbered_letters() -> None:
    sizes = [as_size(100 + number) for number in range(40)]
    given = [NOTATION.letters.of(size) for size in sizes]
    assert len(set(given)) == 40


# -- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("x", "x"),
        ("z1", "z_{1}"),
        ("z_12", "z_{12}"),
        ("alpha", r"\alpha"),
        ("sigma_2", r"\sigma_{2}"),
        ("Sigma", r"\Sigma"),
        ("lambda_", r"\lambda"),
        ("α", r"\alpha"),
        ("Ω1", r"\Omega_{1}"),
        ("λ", r"\lambda"),
        ("y_hat", r"\hat{y}"),
        ("ŷ", r"\hat{y}"),
        ("x1_bar", r"\bar{x}_{1}"),
        ("logits", r"\mathit{logits}"),
        ("W_hh", r"W_{\mathrm{hh}}"),
        ("Y_target", r"Y_{\mathrm{target}}"),
        ("W_q_1", r"W_{q\,1}"),
        ("_", r"\mathit{\_}"),
        ("__x", "x"),
        ("é", "e"),
        ("größe", r"\mathit{groudfe}"),
        ("中", r"\mathit{u4e2d}"),
        ("conv2d", r"\mathit{conv2d}"),
        # a subscript that is run together with its letter
        ("Wq", "W_{q}"),
        ("bk", "b_{k}"),
        ("Wout", r"W_{\mathrm{out}}"),
        ("Wmu", r"W_{\mu}"),
        ("Wxh", r"W_{\mathrm{xh}}"),
        ("Wq1", "W_{q1}"),
        ("ypred", r"y_{\mathrm{pred}}"),
        ("Kmax", r"K_{\mathrm{max}}"),
        ("sigmax", r"\sigma_{x}"),
        ("xhat", r"\hat{x}"),
        # words
        ("mask", r"\mathit{mask}"),
        ("Total", r"\mathit{Total}"),
        ("bias", r"\mathit{bias}"),
        ("kl", r"\mathit{kl}"),
        ("what", r"\mathit{what}"),
        ("alphas", r"\mathit{alphas}"),
        ("log_p", r"\mathrm{log}p"),
    ],
)
def test_names(name: str, latex: str) -> None:
    assert printed(parse(name).formula) == latex


def test_no_two_names_are_written_alike() -> None:
    table = symbols(["z1", "z_1", "z__1", "é", "e", "alpha", "α"])
    assert len({printed(s.formula) for s in table.values()}) == 7
    assert len({printed(s.formula) for s in symbols(["Wq", "W_q", "xhat", "x_hat"]).values()}) == 4


def test_a_keyword_with_an_underscore_is_its_letter_in_a_line_too() -> None:
    assert symbols(["lambda_"])["lambda_"].plain == "λ"
    assert symbols(["z1_dot"])["z1_dot"].plain == "ż₁"
    assert [barred(s) for s in ("κ_max", "z₁", "ab")] == [
        "κ\u0304_max",
        "z\u0304₁",
        "a\u0305b\u0305",
    ]


def test_sums_name_rows_before_columns() -> None:
    x, b = sg.param("x", ("N", "D")), sg.data("b", ("D",))
    m = np.mean(x, axis=0)  # the letter of D is asked for first
    d = sg.derive(np.sum(m * b) * np.sum(x**3))
    assert "Σ_{n,i} x[n,i]³" in str(d)


def test_no_index_is_called_as_a_subscript_is() -> None:
    assert arrays(Wi=(D, D), bj=(D,)).letters.of(D) == "k"


def test_a_numbered_name_beside_its_stem_keeps_its_number_apart() -> None:
    notation = arrays(X=(N, D), z=(D, D), z1=(D,))
    assert notation.latex(entry("z1", (i,))) == r"\left[z_{1}\right]_{i}"
    assert NOTATION.latex(z) == "z_{1,i}"


def test_the_loss_is_called_L_unless_something_else_is() -> None:
    assert arrays(X=(D,)).symbol("loss") == "L"
    assert arrays(L=(D,)).symbol("loss") == r"\mathit{loss}"


@pytest.mark.parametrize(
    ("number", "text"),
    [("1/10", "0.1"), ("-1/1000", "-0.001"), ("44715/1000000", "0.044715"), ("1/2", None),
     ("1/3", None), ("7", "7"), ("3/16", "0.1875"), ("25/2", None), ("1001/10", "100.1"),
     ("1/40", None), ("1/40000000", "0.000000025")],
)  # fmt: skip
def test_decimals(number: str, text: str | None) -> None:
    assert as_decimal(sp.Rational(number)) == text


@pytest.mark.parametrize(
    ("number", "latex", "text"),
    [(10**9, "10^{9}", "1e9"), ("1e-12", "10^{-12}", "1e-12"), (100000, "100000", "100000"),
     ("0.0001", "0.0001", "0.0001"), ("0.00001", "10^{-5}", "1e-5"),
     (-2500000, "-2500000", "-2500000"), (0, "0", "0"),
     (-3 * 10**6, r"-3 \cdot 10^{6}", "-3e6"), ("2.5e-8", r"2.5 \cdot 10^{-8}", "2.5e-8"),
     ("1000000.1", "1000000.1", "1000000.1")],
)  # fmt: skip
def test_nobody_has_to_count_zeros(number: str | int, latex: str, text: str) -> None:
    value = sp.Rational(number)
    assert NOTATION.latex(value) == latex
    assert NOTATION.text(value) == text


@pytest.mark.parametrize(
    ("number", "latex", "text"),
    [("100/7", r"\frac{1}{0.07}", "1/0.07"), ("200/7", r"\frac{2}{0.07}", "2/0.07"),
     ("10/3", r"\frac{10}{3}", "10/3"), ("100", "100", "100"),
     ("700/9", r"\frac{7}{0.09}", "7/0.09")],
)  # fmt: skip
def test_what_is_over_hundredths_has_them_below(number: str, latex: str, text: str) -> None:
    assert NOTATION.latex(sp.Rational(number)) == latex
    assert NOTATION.text(sp.Rational(number)) == text


@pytest.mark.parametrize(("base", "latex"), [(10**6, "(10^{6})^{x}"), (3, "3^{x}")])
def test_powers_of_powers_of_ten(base: int, latex: str) -> None:
    x = sg.param("x", ())
    derivation = sg.derive(base**x, names={"x": x})
    assert latex in derivation.latex()


def test_a_condition_needs_no_brackets() -> None:
    x = sg.param("x", (3,))
    one, both = np.where(x > 0, x**2, x), np.where((x > 0) & (x < 2), x**2, x)
    latex = sg.derive(np.sum(one), names={"x": x}).latex()
    assert r"\begin{cases} x_{i}^{2} & \text{if } x_{i} > 0 \\ x_{i} & \text{otherwise}" in latex
    assert r"{where}(" not in latex  # what is cases entry by entry is told once
    latex = sg.derive(np.sum(both), names={"x": x}).latex()
    assert r"& \text{if } x_{i} < 2\text{ and }x_{i} > 0 \\" in latex


def test_a_jacobian_has_the_output_above() -> None:
    A = sg.param("A", (2, 3))
    v = sg.data("v", (3,))
    u = np.tanh(A @ v)
    derivation = sg.jacobian(u, A, names={"A": A, "v": v, "u": u})
    shown = Notation.of(derivation).latex(derivation.adjoint("A").equation.lhs)
    assert shown.startswith(r"\frac{\partial u_{")
