"""The derivation as LaTeX: every formula parses, the whole compiles, and it says what it should."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import latex2mathml.converter
import numpy as np
import pytest
import sympy as sp

import symgrad as sg
from symgrad.checks.exact import ExactValues
from symgrad.formats.latex import aligned, escaped, latex
from symgrad.formats.lines import lines_of, opened
from symgrad.formats.width import width
from symgrad.language.spec_file import load
from symgrad.writing import formula as f
from symgrad.writing.choice import PARTS, Choice
from symgrad.writing.display import Display
from symgrad.writing.document import Equations, Row
from symgrad.writing.formula import Formula, Gap, has

EXAMPLES = ("notebook", "notebook_rounded", "mlp")

ENVIRONMENT = re.compile(r"\\begin\{(align\*)\}(.*?)\\end\{\1\}", re.DOTALL)
DISPLAY = re.compile(r"(?<!\\)\\\[(.*?)\\\]", re.DOTALL)
INLINE = re.compile(r"\$([^$]*)\$")


def render(
    derivation: sg.Derivation,
    *,
    standalone: bool = False,
    example: dict[str, object] | None = None,
    title: str = "",
    **choice: str,
) -> str:
    values = ExactValues({k: np.array(v, dtype=object) for k, v in (example or {}).items()}, {})
    return derivation.render(
        "tex" if standalone else "latex",
        values if example else None,
        choice=Choice(**choice),
        title=title,
    )


def formulas(latex: str) -> Iterator[str]:
    """Every formula of a fragment: displays, aligned equations, and what is between dollars."""
    for match in ENVIRONMENT.finditer(latex):
        yield re.sub(r"\\rlap\{\$(.*)\$\}", r"\1", match.group())
    for match in DISPLAY.finditer(latex):
        yield match.group(1)
    yield from INLINE.findall(ENVIRONMENT.sub("", DISPLAY.sub("", latex)))


def parse(formula: str) -> None:
    """Parse a formula, strictly: no unknown command, no missing argument, no stray brace."""
    bare = re.sub(r"\\[\\{}]", "", formula)
    assert bare.count("{") == bare.count("}"), formula
    mathml = latex2mathml.converter.convert(re.sub(r"\{aligned(at\}\{1)?\}", "{align*}", formula))
    unknown = re.findall(r"\\\w+", mathml)
    assert not unknown, f"{unknown} in {formula}"
    children = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3}
    for element in ElementTree.fromstring(mathml).iter():
        tag = element.tag.rpartition("}")[2]
        assert len(element) == children.get(tag, len(element)), formula


def derivation_of(root: Path, name: str) -> sg.Derivation:
    spec = load(root / "examples" / f"{name}.py")
    return sg.derive(spec.loss, names=spec.names)


@pytest.fixture(scope="module", params=EXAMPLES)
def derivation(request: pytest.FixtureRequest, root: Path) -> sg.Derivation:
    return derivation_of(root, request.param)


@pytest.mark.parametrize("detail", ["brief", "normal", "full"])
def test_every_formula_parses(derivation: sg.Derivation, detail: str) -> None:
    found = list(formulas(render(derivation, detail=detail)))
    assert len(found) > 15
    for formula in found:
        parse(formula)


@pytest.mark.parametrize("formula", [r"\frac{a}", r"\foo{a}", "{a", "a}", r"\left( a", "a_b_c"])
def test_the_parser_is_strict(formula: str) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - the parser has many
        parse(formula)


def compiled(latex: str, folder: Path) -> str:
    """The log of pdflatex, after it has succeeded."""
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is missing: apt-get install texlive-latex-base")
    (folder / "derivation.tex").write_text(latex, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "derivation.tex"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-2000:]
    log = (folder / "derivation.log").read_text(encoding="latin-1")
    assert "Package amsmath Warning" not in log
    return log


def overfull(log: str) -> list[float]:
    """By how many points lines are too long."""
    return [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]


@pytest.mark.parametrize("detail", ["brief", "full"])
def test_the_document_compiles(derivation: sg.Derivation, detail: str, tmp_path: Path) -> None:
    log = compiled(render(derivation, detail=detail, standalone=True, title="x_1 & y"), tmp_path)
    assert not [points for points in overfull(log) if points > 10]
    assert "undefined" not in log.lower()


def attention() -> sg.Derivation:
    """A loss with long formulas."""
    Q, K, V = sg.param("Q", ("T", 4)), sg.param("K", ("T", 4)), sg.param("V", ("T", 4))
    target = sg.data("target", ("T", 4))
    scores = Q @ K.T / 2
    weights = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    loss = np.mean(np.square(weights @ V - target)) + 0.01 * np.sum(np.tanh(Q * K) ** 2)
    names = {"Q": Q, "K": K, "V": V, "target": target, "scores": scores, "weights": weights}
    return sg.derive(loss, names={**names, "loss": loss})


def test_long_formulas_fit(tmp_path: Path) -> None:
    latex = render(attention(), standalone=True, detail="full")
    for formula in formulas(latex):
        parse(formula)
    assert not [points for points in overfull(compiled(latex, tmp_path)) if points > 10]


def test_hostile_names_stay_inside_their_formula(tmp_path: Path) -> None:
    a, b = sg.param("größe_1", (3,)), sg.data("数", (3,))
    loss = np.sum(a * b)
    latex = render(sg.derive(loss, names={"größe_1": a, "数": b, "loss": loss}), standalone=True)
    assert latex.isascii()
    for formula in formulas(latex):
        parse(formula)
    compiled(latex, tmp_path)


# -- what it says -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def notebook(root: Path) -> sg.Derivation:
    return derivation_of(root, "notebook")


def section(latex: str, title: str) -> str:
    """What stands between a heading and the next."""
    return re.split(r"\\(?:sub)?section\*", latex.partition(f"{title}}}")[2])[0]


def test_symbols_with_shapes_and_roles(notebook: sg.Derivation) -> None:
    given = section(render(notebook), "What is given")
    assert r"$W_{1}$ & $4 \times 3$ & $W_{1,ij}$ & parameter" in given
    assert r"$Y$ & $3 \times 1$ & $Y_{j}$ & data; one hot along axis 0" in given
    assert r"$i, q = 0, \dots, 3$" in given


def test_forward_equations(notebook: sg.Derivation) -> None:
    forward = section(render(notebook), "The forward pass")
    assert r"z_{1,i} &= \sum_{j} W_{1,ij} X_{j} + b_{1,i}" in forward
    assert r"Y_{j} \left(z_{3,j} - \log \sum_{\ell} e^{z_{3,\ell}}\right)" in forward


def test_the_softmax_cross_entropy_gradient_step_by_step(notebook: sg.Derivation) -> None:
    steps = section(render(notebook), "The derivative with respect to $z_{3}$")
    assert r"\text{derivative of } L" in steps
    assert r"\sum_{\ell} Y_{\ell} - Y_{j} && \text{" in steps
    assert r"a_{3,j} - Y_{j} && \text{definition of } a_{3}" in steps
    assert "$Y$ is one-hot along axis 0" in steps
    assert r"\begin{equation}\label{eq:dz3}" in steps
    assert (
        r"\boxed{\frac{\partial L}{\partial z_{3,j}} = a_{3,j} - Y_{j} \qquad "
        r"\frac{\partial L}{\partial z_{3}} = a_{3} - Y}" in steps
    )


def test_the_chain_rule_is_shown(notebook: sg.Derivation) -> None:
    steps = section(render(notebook), "The derivative with respect to $W_{3}$")
    chain = r"\sum_{\ell} \frac{\partial L}{\partial z_{3,\ell}} \, \frac{\partial z_{3,\ell}}"
    assert rf"&= {chain}{{\partial W_{{3,jk}}}} && \text{{chain rule}}" in steps


def test_the_mask_of_layer_2_is_there(notebook: sg.Derivation) -> None:
    steps = section(render(notebook, detail="brief"), "The backward pass")
    assert r"z_{2,k}} &= \frac{\partial L}{\partial a_{2,k}} \, [z_{2,k} > 0]" in steps


def test_matrix_forms_are_boxed(notebook: sg.Derivation) -> None:
    left, right = (
        r"\frac{\partial L}{\partial W_{3}}",
        r"\frac{\partial L}{\partial z_{3}} a_{2}^{\top}",
    )
    latex = render(notebook)
    assert rf" \qquad {left} = {right}}}" in latex
    assert rf"\boxed{{{left} = {right}}}" in render(notebook, form="matrix")
    assert right not in render(notebook, form="index")
    assert "&& z_{1} = W_{1} X + b_{1}" in section(latex, "The forward pass")
    assert right in section(latex, "All gradients")


def test_rounding_is_remarked(root: Path) -> None:
    latex = render(derivation_of(root, "notebook_rounded"))
    assert "rounded to 1 decimal}" in section(latex, "The forward pass")
    assert "$a_{3}$ is held rounded" in section(latex, "Remarks")


def test_values_at_the_example_point(notebook: sg.Derivation) -> None:
    share = sp.exp(4) / (1 + 2 * sp.exp(4))
    exact = {"a3": [[share], [share], [1 - 2 * share]], "db2": [[1], [-1]]}
    values = section(render(notebook, example=exact), "At the example point")
    assert r"\frac{e^{4}}{1 + 2 e^{4}}" in values
    decimals = r"\begin{pmatrix} 0.495463 & 0.495463 & 0.00907471 \end{pmatrix}"
    assert rf"\approx {{{decimals}}}^{{\top}}" in values
    column = r"{\begin{pmatrix} 1 & -1 \end{pmatrix}}^{\top}"
    assert rf"\frac{{\partial L}}{{\partial b_{{2}}}} &= {column}" in values
    for formula in formulas(render(notebook, example=exact)):
        parse(formula)


def test_the_same_derivation_gives_the_same_text(root: Path) -> None:
    first, second = (render(derivation_of(root, "mlp")) for _ in range(2))
    assert first == second


# -- lines ------------------------------------------------------------------------------------


def letters(text: str) -> Formula:
    """Letters and digits side by side."""
    return f.beside([f.Number(c) if c.isdigit() else f.Letter(c) for c in text], Gap.NONE)


def at(base: str, sub: str) -> Formula:
    return f.Scripted(letters(base), letters(sub))


def rate(below: Formula) -> Formula:
    partial = f.Sign("∂")
    return f.Fraction(f.Row((partial, letters("L"))), f.Row((partial, below)))


def softmax() -> Formula:
    index = f.Row((f.Number("3"), letters("mp")), Gap.COMMA)
    name = f.Scripted(f.Function("softmax"), letters("p"))
    return f.Apply(name, f.parenthesised(f.Scripted(letters("z"), index)))


def total(under: Formula, body: Formula) -> Formula:
    return f.Apply(f.Over("∑", under), body, close=False)


def deltas() -> Formula:
    """The derivative of a softmax with cross-entropy, as it is first written."""
    both = f.Row((letters("m"), f.Letter("ℓ")), Gap.COMMA)
    inner = f.Row((at("δ", "nm"), at("δ", "kp"), softmax()))
    bracket = f.summed(
        [("+", f.Row((at("δ", "nm"), at("δ", "kℓ")))), ("-", total(letters("p"), inner))]
    )
    labels = f.Row((f.Letter("ℓ"), at("y", "m")), Gap.THIN)
    body = f.Row((f.bracketed(bracket), f.Scripted(f.Letter("δ"), labels)))
    front = f.Fraction(f.Number("1"), letters("N"))
    return f.Negative(f.Row((front, total(both, body))))


def test_width_is_close_to_what_tex_makes_of_it() -> None:
    weights = f.Scripted(f.Word("weights"), letters("ts"))
    product = f.Row((f.Scripted(letters("W"), letters("1ij")), at("X", "j")))
    measured = {
        rate(f.Scripted(letters("z"), letters("3nk"))): 2.75,
        rate(weights): 4.78,
        f.Row((f.Words("derivative of "), f.Word("logp"))): 7.47,
        softmax(): 6.96,
        at("δ", "nm"): 1.70,
        f.Over("∑", f.Row((letters("m"), f.Letter("ℓ")), Gap.COMMA)): 1.44,
        f.summed([("+", product), ("+", f.Scripted(letters("b"), letters("1i")))]): 5.85,
        deltas(): 23.47,
    }
    for formula, em in measured.items():
        assert abs(width(formula) - em) < 0.08 * em + 0.1, (latex(formula), width(formula))


def lines(terms: tuple[Formula, ...], room: float) -> list[str]:
    return [latex(line) for line in lines_of(terms, room)]


def test_terms_are_broken_into_lines() -> None:
    terms = f.signed_terms([(s, letters(c * 4)) for s, c in ("+a", "+b", "-c")])
    assert lines(terms, 7) == ["aaaa + bbbb", "- cccc"]


def test_a_long_bracket_is_opened() -> None:
    index = f.summed([("+", letters("x")), ("+", letters("y"))])
    middle = f.Fraction(letters("b"), letters("c"))
    inside = f.summed([("+", f.Scripted(letters("a"), index)), ("+", middle), ("-", letters("d"))])
    term = f.Row((f.Fraction(f.Number("1"), letters("N")), f.bracketed(inside), letters("e")))
    assert [latex(piece) for piece in opened(term)] == [
        r"\frac{1}{N} \Bigl(a_{x + y}",
        r"+ \frac{b}{c}",
        r"- d\Bigr) e",
    ]
    first = f.bracketed(f.Row((letters("b"), letters("c"))))
    second = f.bracketed(f.summed([("+", letters("d")), ("+", letters("e"))]))
    two = f.Row((letters("a"), first, second))
    assert [latex(piece) for piece in opened(two)] == [r"a (b c) \Bigl(d", r"+ e\Bigr)"]


def test_a_remark_that_has_no_room_beside_goes_below() -> None:
    long = Row(letters("y"), (letters("x" * 40),), ("a " * 30,))
    short = Row(None, (letters("x"),), ("rule",))
    lines = aligned(Equations((long, short)))
    assert lines == [
        f"y &= {'x' * 40}",
        rf"&\rlap{{$\displaystyle \qquad\quad {{}} (\text{{{'a ' * 30}}})$}}",
        r"&= x && \text{rule}",
    ]
    plain = aligned(Equations((long, short)), lapping=False)
    under = [line for line in plain if line.startswith(r"&\qquad\quad {} (")]
    assert len(under) == 1
    assert not any("rlap" in line for line in plain)


def test_words_are_taken_literally() -> None:
    assert escaped(r"50% of a_b & \x{y}") == r"50\% of a\_b \& \textbackslash{}x\{y\}"
    assert escaped("|x|' is −∞") == r"\textbar{}x\textbar{}' is $-$$\infty$"


def test_a_long_product_is_broken_between_its_factors() -> None:
    index = f.summed([("+", letters("i")), ("+", letters("j"))])
    inside = f.summed([("+", letters("b")), ("+", letters("c"))])
    bracket = f.Fenced("(", inside, ")", high=True)
    log = f.Apply(f.Function("log"), letters("x"), close=False)
    term = f.Row((f.Scripted(letters("a"), index), bracket, log, f.THIN, letters("d")))
    found = lines((term,), 4.0)
    whole = latex(term).replace(r"\left(", r"\Bigl(").replace(r"\right)", r"\Bigr)")
    assert "".join(found).replace(" ", "") == whole.replace(" ", "")
    assert len(found) > 2
    assert not any(line.endswith((r"\log", "+")) for line in found)


@pytest.mark.parametrize("room", [3.0, 9.0, 20.0])
@pytest.mark.parametrize("name", EXAMPLES)
def test_lines_say_what_the_whole_says(name: str, room: float, root: Path) -> None:
    derivation = derivation_of(root, name)
    notation = derivation.notation
    for adjoint in derivation.adjoints:
        for expr in (adjoint.equation.rhs, *(s.before for s in adjoint.steps)):
            terms = notation.terms(Display, expr, adjoint.equation.indices)
            if any(has(term, f.Fraction, f.Root) for term in terms) and room < 10:
                continue  # fractions that are wider than a line are written without their bar
            found = " ".join(latex(line) for line in lines_of(terms, room))
            whole = " ".join(map(latex, terms))
            for size in (r"\Bigl", r"\Bigr", r"\left", r"\right"):
                found, whole = found.replace(size, ""), whole.replace(size, "")
            assert found.split() == whole.split()


ABOVE = f.summed([("+", letters("a" * 9)), ("+", letters("b" * 9))])
BELOW = f.summed([("+", letters("c" * 9)), ("-", letters("d" * 9))])
SUM, DIFFERENCE = (f"({x * 9}{sign}{y * 9})" for x, sign, y in ("a+b", "c-d"))


def applied(argument: Formula) -> Formula:
    return f.Apply(f.Function("log"), argument, close=False)


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        (f.Row((f.Fraction(ABOVE, BELOW), letters("x"))), f"{SUM}{DIFFERENCE}^{{-1}}x"),
        (f.Row((f.Fraction(ABOVE, letters("n")), letters("x"))), rf"\frac{{1}}{{n}}{SUM}x"),
        (f.Row((letters("x"), f.Root(ABOVE))), f"x{SUM}^{{1/2}}"),
        (f.Fraction(f.Number("1"), BELOW), f"{DIFFERENCE}^{{-1}}"),
        (applied(f.Fraction(f.Number("1"), BELOW)), rf"\log({DIFFERENCE}^{{-1}})"),
        (applied(f.Fraction(ABOVE, BELOW)), rf"\log({SUM}{DIFFERENCE}^{{-1}})"),
        (applied(f.Fraction(ABOVE, letters("n"))), rf"\log(\frac{{1}}{{n}}{SUM})"),
        (applied(f.Root(ABOVE)), rf"\log({SUM}^{{1/2}})"),
        (f.Row((f.Over("∑", letters("i")), f.Fraction(ABOVE, BELOW))),
         rf"\sum_{{i}}{SUM}{DIFFERENCE}^{{-1}}"),
    ],
)  # fmt: skip
def test_what_gives_up_its_bar_or_sign_is_worth_the_same(formula: Formula, told: str) -> None:
    """No factor that follows is read as below the bar, and none as outside of the logarithm."""
    text = " ".join(map(latex, lines_of([formula], 8.0)))
    for size in (r"\Bigl", r"\Bigr", r"\left", r"\right", " "):
        text = text.replace(size, "")
    assert text == told


def test_a_bar_that_is_opened_on_one_line_ends_before_the_letter_after_it() -> None:
    for wide in (f.Norm(ABOVE), f.Fenced("|", ABOVE, "|", high=True)):
        first, second, *_ = (latex(x) for x in lines_of([f.Row((wide, letters("x")))], 6.0))
        assert re.match(r"\\Bigl\\[Vv]ert a", first)
        assert re.search(r"\\Bigr\\[Vv]ert", second)


COLUMN = (
    r"\documentclass{article}\usepackage[textwidth=240pt]{geometry}"
    r"\usepackage{amsmath,amssymb}\begin{document}"
)


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex")
def test_parts_that_are_picked_fit_a_column(tmp_path: Path) -> None:
    picked = str(attention().render("latex", choice=Choice(parts=PARTS)))
    text = f"{COLUMN}\n{picked}\n\\end{{document}}"
    assert r"\Bigl" in text
    assert overfull(compiled(text, tmp_path)) == []


def test_what_is_printed_whole_is_as_wide_as_a_page(root: Path) -> None:
    text = render(derivation_of(root, "notebook"))
    assert r"\boxed{\frac{\partial L}{\partial W_{1,ij}} =" in text
    assert text.count(r"\begin{gathered}") == 0


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex")
def test_the_example_is_an_article_of_four_pages(root: Path, tmp_path: Path) -> None:
    spec = load(root / "examples" / "notebook.py")
    d = sg.derive(spec.loss, names=spec.names)
    paper = str(d.render("tex", spec.example, title=spec.title))
    (tmp_path / "paper.tex").write_text(paper)
    command = ["pdflatex", "-interaction=nonstopmode", "paper.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "(4 pages" in run.stdout
    assert "Overfull" not in (tmp_path / "paper.log").read_text()


def test_raised_digits_in_words() -> None:
    assert escaped("x² + y₁₀ & z⁻¹") == "x$^{2}$ + y$_{1}$$_{0}$ \\& z$^{-}$$^{1}$"
