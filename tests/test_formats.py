"""Every format of every example: what it says, that it fits, and that no name breaks out of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import jsonschema
import numpy as np
import pytest
import sympy as sp
import typst
from click.testing import CliRunner

import symgrad as sg
from symgrad import outputs
from symgrad.calculus.derivation import Adjoint
from symgrad.calculus.reverse_mode import derive
from symgrad.checks.evaluate import Evaluator
from symgrad.checks.exact import exact_values
from symgrad.checks.points import Points
from symgrad.cli import main
from symgrad.errors import SpecError
from symgrad.formats import FORMATS, data, pdf
from symgrad.formats.graph import HIGH, picture
from symgrad.formats.listing import statements
from symgrad.formats.sheet import Checked, Code, Format, Sheet
from symgrad.formats.text import bare, columns
from symgrad.language.spec_file import load
from symgrad.language.tracing import trace
from symgrad.targets import TARGETS
from symgrad.targets.emitted import Emitted
from symgrad.writing.choice import DETAILS, Choice
from symgrad.writing.document import Equations, Result
from symgrad.writing.formula import Gap
from symgrad.writing.printing import Printing
from symgrad.writing.style import Style
from symgrad.writing.worth_showing import tidy

EXAMPLES = ("notebook", "notebook_rounded", "mlp")
WRITTEN = [name for name in FORMATS if name != "pdf"]


@cache
def derived(path: Path) -> sg.Derivation:
    spec = load(path)
    return sg.derive(spec.loss, names=spec.names)


@cache
def all_there_is(path: Path) -> dict[str, Any]:
    """Numbers, checks and code, as the command line adds them."""
    spec, d = load(path), derived(path)
    return {
        "example": exact_values(d, spec.example) if spec.example else None,
        "title": spec.title,
        "code": Code(emitted(d), f"{path.stem}.py"),
        "checks": [Checked("a check", ("z1", "loss"), 1e-9, True)],
    }


def emitted(d: sg.Derivation) -> Emitted:
    return outputs.emitted(d, d.notation, TARGETS["numpy"])


def printed(path: Path, layout: str, style: Style | None = None, **choice: Any) -> str:
    """As the command line prints it."""
    d = derived(path)
    text = d.render(layout, choice=Choice(**choice), style=style, **all_there_is(path))
    assert isinstance(text, str)
    return text


@pytest.fixture(scope="module")
def examples(root: Path) -> Path:
    return root / "examples"


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long if n != "notebook" else ()) for n in EXAMPLES]
)
def test_the_same_spec_gives_the_same_text(examples: Path, name: str) -> None:
    path = examples / f"{name}.py"
    first = {layout: printed(path, layout) for layout in WRITTEN}
    derived.cache_clear()
    all_there_is.cache_clear()
    for layout, text in first.items():
        assert text == printed(path, layout)
        assert not re.search(r"(?<!=)(?<!is )(?<!, )None", re.sub(r"<[^>]*>", "", text))


# -- text -------------------------------------------------------------------------------------


@pytest.mark.parametrize("detail", DETAILS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_text_fits_80_columns(
    examples: Path, name: str, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed(examples / f"{name}.py", "text", detail=detail)
    assert max(map(columns, text.splitlines())) <= 80
    monkeypatch.setenv("COLUMNS", "40")
    assert printed(examples / f"{name}.py", "text", detail=detail) == text


def test_each_gradient_of_the_notebook_on_one_line(examples: Path) -> None:
    text = printed(examples / "notebook.py", "text", detail="brief")
    lines = [re.sub(r" +", " ", line).strip() for line in text.splitlines()]
    for expected in (
        "∂L/∂z₃[j] = a₃[j] − Y[j] ∂L/∂z₃ = a₃ − Y 3×1",
        "∂L/∂W₃[j,k] = ∂L/∂z₃[j] a₂[k] ∂L/∂W₃ = ∂L/∂z₃ a₂ᵀ 3×2",
        "∂L/∂b₃[j] = ∂L/∂z₃[j] ∂L/∂b₃ = ∂L/∂z₃ 3×1",
        "∂L/∂a₂[k] = Σ_j ∂L/∂z₃[j] W₃[j,k] ∂L/∂a₂ = W₃ᵀ ∂L/∂z₃ 2×1",
        "∂L/∂z₂[k] = ∂L/∂a₂[k] [z₂[k] > 0] ∂L/∂z₂ = ∂L/∂a₂ ⊙ [z₂ > 0] 2×1",
        "∂L/∂W₂[k,i] = ∂L/∂z₂[k] a₁[i] ∂L/∂W₂ = ∂L/∂z₂ a₁ᵀ 2×4",
        "∂L/∂a₁[i] = Σ_k ∂L/∂z₂[k] W₂[k,i] ∂L/∂a₁ = W₂ᵀ ∂L/∂z₂ 4×1",
        "∂L/∂z₁[i] = ∂L/∂a₁[i] [z₁[i] > 0] ∂L/∂z₁ = ∂L/∂a₁ ⊙ [z₁ > 0] 4×1",
        "∂L/∂W₁[i,j] = ∂L/∂z₁[i] X[j] ∂L/∂W₁ = ∂L/∂z₁ Xᵀ 4×3",
    ):
        assert expected in lines


def test_colours_change_nothing_else(examples: Path) -> None:
    d = derived(examples / "notebook.py")
    coloured = str(d.render("text", coloured=True))
    assert "\x1b[" in coloured
    assert bare(coloured) == d.render("text")


# -- what is chosen ---------------------------------------------------------------------------


def test_only_shows_what_is_asked_for(examples: Path) -> None:
    text = printed(examples / "notebook.py", "text", only=("W1", "z2"))
    shown = re.findall(r"The derivative with respect to (\S+)", text)
    assert shown == ["z₂", "W₁"]
    with pytest.raises(SpecError, match="W9"):
        printed(examples / "notebook.py", "text", only=("W9",))


def test_explain_shows_the_way_only(examples: Path) -> None:
    text = printed(examples / "notebook.py", "text", explain="b2")
    assert re.findall(r"The derivative with respect to (\S+)", text) == ["z₃", "a₂", "z₂", "b₂"]
    assert "b₂ is used in z₂" in text
    assert "W₁" not in text


@pytest.mark.parametrize(
    ("mark", "latex", "text"),
    [
        ("partial", r"\frac{\partial L}{\partial z_{3,j}} &=", "∂L/∂z₃[j] ="),
        ("delta", r"\delta^{(z_{3})}_{j} &=", "δz₃[j] ="),
        ("bar", r"\bar{z}_{3,j} &=", "z̄₃[j] ="),
    ],
)
def test_derivatives_are_marked_as_chosen(examples: Path, mark: str, latex: str, text: str) -> None:
    style = Style(adjoints=mark)
    assert latex in printed(examples / "notebook.py", "latex", style)
    assert text in printed(examples / "notebook.py", "text", style)


def test_numerator_layout_is_the_transpose(examples: Path) -> None:
    text = printed(examples / "notebook.py", "text", Style(layout="numerator"), detail="brief")
    lines = [re.sub(r" +", " ", line).strip() for line in text.splitlines()]
    assert "∂L/∂W₃[j,k] = ∂L/∂z₃[j] a₂[k] ∂L/∂W₃ = a₂ ∂L/∂z₃ 2×3" in lines
    assert "∂L/∂a₂[k] = Σ_j ∂L/∂z₃[j] W₃[j,k] ∂L/∂a₂ = ∂L/∂z₃ W₃ 1×2" in lines


def test_what_is_shown_first_equals_what_was_derived(examples: Path) -> None:
    """A first line is shown with its inner sums worked out: it is the same number."""
    for name in EXAMPLES:
        d = derived(examples / f"{name}.py")
        point = Points(d)[0]
        for adjoint in d.adjoints:
            for before in [s.before for s in adjoint.steps[:1]]:
                assert_equal(adjoint, before, point.evaluator())


def assert_equal(adjoint: Adjoint, before: sp.Expr, at: Evaluator) -> None:
    one, other = (at.array(expr, adjoint.equation.indices) for expr in (before, tidy(before)))
    np.testing.assert_allclose(np.array(one, dtype=float), np.array(other, dtype=float), atol=1e-12)


# -- JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_json_keeps_its_schema(examples: Path, name: str) -> None:
    found = json.loads(printed(examples / f"{name}.py", "json"))
    jsonschema.Draft202012Validator.check_schema(data.schema())
    jsonschema.validate(found, data.schema())
    spec = derived(examples / f"{name}.py")
    assert [d["value"] for d in found["derivatives"]] == [a.value for a in spec.adjoints]
    assert sum(len(d["steps"]) for d in found["derivatives"]) == sum(
        len(a.steps) for a in spec.adjoints
    )


def test_the_schema_is_strict(examples: Path) -> None:
    found = json.loads(printed(examples / "mlp.py", "json"))
    found["derivatives"][0]["steps"] = [{"rule": "x"}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, data.schema())


# -- PDF --------------------------------------------------------------------------------------


def test_pdf(examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    d = derived(examples / "notebook.py")
    if not any(map(shutil.which, pdf.ENGINES)):
        pytest.skip("no LaTeX is installed: apt-get install texlive-latex-recommended")
    found = d.render("pdf")
    assert isinstance(found, bytes)
    assert found.startswith(b"%PDF-")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SpecError, match="needs a LaTeX"):
        d.render("pdf")


# -- Typst ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["notebook", "mlp"])
@pytest.mark.parametrize("detail", DETAILS)
def test_typst_sets_the_derivation(name: str, detail: str, root: Path, tmp_path: Path) -> None:
    derivation, spec = derived(root / "examples" / f"{name}.py"), load(root / f"examples/{name}.py")
    values = exact_values(derivation, spec.example) if spec.example else None
    shown = derivation.render("typst", values, choice=Choice(detail=detail), title="A #1 *net*")
    assert isinstance(shown, str)
    assert "frac(partial L, partial z_3)" in shown or name == "mlp"
    (tmp_path / "derivation.typ").write_text(shown, encoding="utf-8")
    picture = typst.compile(str(tmp_path / "derivation.typ"), format="pdf")
    assert picture.startswith(b"%PDF")


def test_typst_takes_names_and_words_literally(tmp_path: Path) -> None:
    x, Wq = sg.param("x_hat", (3,)), sg.param("W_q", (3,))
    names = {"x_hat": x, "W_q": Wq, "mask_a": np.maximum(x, Wq)}
    shown = sg.derive(np.sum(names["mask_a"] ** 2), names=names).render("typst")
    assert isinstance(shown, str)
    assert "hat(x)" in shown
    assert "W_q" in shown
    assert 'italic("mask")_a' in shown
    (tmp_path / "derivation.typ").write_text(shown, encoding="utf-8")
    assert typst.compile(str(tmp_path / "derivation.typ"), format="pdf").startswith(b"%PDF")


# -- a format of one's own --------------------------------------------------------------------


class Spoken(Printing):
    """Formulas in words: the throw-away format of the test below."""

    signs: ClassVar[Mapping[str, str]] = {"∂": "d", "=": "is", "∑": "sum", "⊤": "T", "⊙": "by"}
    gaps: ClassVar[Mapping[Gap, str]] = {
        **dict.fromkeys(Gap, " "), Gap.INDICES: "", Gap.COMMA: ",", Gap.LIST: ", ",
    }  # fmt: skip
    accents: ClassVar[Mapping[str, str]] = dict.fromkeys(["hat", "bar", "dot", "tilde"], "{}")
    fraction = "({above} over {below})"
    sub = "{base} sub {sub}"
    sup = "{base} to the {sup}"
    over = "{sign} over {under} of"


def spoken(sheet: Sheet) -> str:
    """The rows of all equations, one on a line."""
    say, document = Spoken(), sheet.document(Spoken.layout)
    sections = (s for top in document.sections for s in (top, *top.parts))
    blocks = (b for s in sections for b in s.blocks if isinstance(b, (Equations, Result)))
    rows = (row for b in blocks for row in b.rows if row.left)
    return "\n".join(f"{say(r.left)} is {' '.join(map(say, r.terms))}" for r in rows if r.left)


def test_a_format_is_a_table_of_signs_and_one_line(
    examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "spoken", Format("spoken", "in words", spoken))
    shown = derived(examples / "notebook.py").render("spoken")
    assert isinstance(shown, str)
    said = shown.splitlines()
    assert "z sub 1 i is sum over j of W sub 1,ij X sub j + b sub 1,i" in [
        line.replace("sub 1,i ", "sub 1 i ", 1) for line in said
    ]
    assert "(d L over d W sub 3) is (d L over d z sub 3) a sub 2 to the T" in said
    assert not re.search(r"[\\{}$^_]", shown)


# -- the page ---------------------------------------------------------------------------------


class Page(HTMLParser):
    """The elements of a page; every one that is opened has to be closed."""

    VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open += [tag] if tag not in self.VOID else []
        for name, value in attrs:
            assert not name.startswith("on"), "no handlers in the markup"
            self.ids += [value or ""] if name == "id" else []
            self.links += [value or ""] if name in ("href", "src") else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_page_is_whole(examples: Path, name: str) -> None:
    text = printed(examples / f"{name}.py", "html")
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links), page.links
    assert "http" not in text
    assert "\\" not in re.sub(r"<(style|script|pre).*?</\1>", "", text, flags=re.DOTALL)
    for formula in re.findall(r"<math.*?</math>", text, re.DOTALL):
        check_mathml(ElementTree.fromstring(re.sub(r"&#x[0-9A-F]+;", "x", formula)))


def check_mathml(element: ElementTree.Element) -> None:
    """Each element has as many parts as it needs."""
    needed = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mroot": 2, "mover": 2}
    assert len(element) == needed.get(element.tag, len(element)), element.tag
    for child in element:
        check_mathml(child)


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_equation_has_its_code(examples: Path, name: str) -> None:
    d = derived(examples / f"{name}.py")
    found = list(statements(Code(emitted(d), "x.py")))
    named = {s.name: s.code for s in found if s.name}
    given = next(line for line in d.source().split("\n") if "return Gradients(" in line)
    alone = {d.adjoint_name[v] for v in d.wrt if not re.search(rf"\b{v}=(?!d{v}\b)", given)}
    assert alone | {d.system.output} <= named.keys()  # the others are other names for values
    shown = {n: c for n, c in named.items() if "return" not in c}
    assert len(shown) > 5
    assert all(re.search(rf"\b{name}\b", code) for name, code in shown.items())
    whole = "\n".join(part for s in found for part in (s.before, s.comment, s.code) if part)
    lines = (line for line in d.source().split("\n") if line)
    assert "\n".join(line for line in whole.split("\n") if line) in "\n".join(lines)


def recurrence() -> sg.Derivation:
    x, rho, s0 = sg.data("x", ("T",)), sg.param("rho", ()), sg.param("s0", ())

    def step(s: sg.Array, x: sg.Array) -> tuple[sg.Array, sg.Array]:
        s = rho * s + (1 - rho) * x
        return s, s

    _, s = sg.scan(step, s0, x)
    return sg.derive(np.sum(s**2))


def test_what_loops_compute_is_linked_and_in_order() -> None:
    d = recurrence()
    found = list(statements(Code(emitted(d), "x.py")))
    inside = [s for s in found if s.margin == 8 * " "]
    assert {s.name for s in inside} >= {"s", "ds", "ds_before"}
    assert all(s.code.startswith(8 * " ") for s in inside)
    whole = "\n".join(part for s in found for part in (s.before, s.comment, s.code) if part)
    lines = [line for line in d.source().split("\n") if line]
    assert "\n".join(line for line in whole.split("\n") if line) in "\n".join(lines)


def test_recurrences_are_drawn_around_what_they_pass() -> None:
    drawn = picture(recurrence(), lambda _: True, 8)
    (arch, back) = (e for e in drawn.edges if "Q" in e.path)
    assert (arch.start, arch.end, back.backward) == ("s", "s_before", True)
    corners = [tuple(map(float, c.split(","))) for c in re.findall(r"Q(\S+)", arch.path)]
    for x, y in corners:
        assert not any(n.x <= x <= n.x + drawn.wide and n.y <= y <= n.y + HIGH for n in drawn.nodes)
    over = [y for _, y in corners[1:3]]
    assert max(over) < min(n.y for n in drawn.nodes)


# -- names ------------------------------------------------------------------------------------

HOSTILE = (
    "</script><script>alert(1)</script>",
    "]]><svg/onload=alert(1)>",
    r"\input{/etc/passwd}",
    "$x$ $$ `code` | *a* _b_ [l](javascript:1)",
    "\x1b[31mred\x1b[0m\u202e",
    "\"quoted\" 'single' & &amp;",
    "größe_數_ﬁ",
)


def hostile() -> sg.Derivation:
    """Values with names that no spec can give them: past the face, which refuses them."""
    a, b = sg.param("größe", ("größe_n",)), sg.data("数", ("größe_n",))
    values = {name: a * (k + 2) for k, name in enumerate(HOSTILE)}
    loss = np.sum(sum(values.values(), a) * b)
    derived = derive(trace(loss, {**values, "loss": loss}), ["größe"])
    return sg.Derivation(**{f.name: getattr(derived, f.name) for f in fields(derived)})


@pytest.mark.parametrize("detail", DETAILS)
def test_no_name_breaks_out(detail: str, tmp_path: Path) -> None:
    d = hostile()
    choice = Choice(detail=detail)
    title = " ".join(HOSTILE)
    shown = {name: str(d.render(name, choice=choice, title=title)) for name in WRITTEN}
    page = Page(shown["html"])
    assert shown["html"].count("<script") == 1
    assert page.tags <= Page(str(derived_small().render("html"))).tags | {"mi", "ul", "li"}
    assert json.loads(shown["json"])["title"] == title
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", shown["text"])
    assert "<script" not in re.sub(r"\\<|&lt;", "", shown["markdown"])
    assert r"\input" not in shown["latex"] + shown["markdown"].replace(r"\\input", "")
    assert shown["tex"].isascii()
    if shutil.which("pdflatex"):
        (tmp_path / "x.tex").write_text(shown["tex"])
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert run.returncode == 0, run.stdout[-1500:]


def derived_small() -> sg.Derivation:
    """A page with all kinds of elements."""
    a, b = sg.param("a", ("N",)), sg.data("b", ("N",))
    z = a * 2
    loss = np.sum(z * b)
    return sg.derive(loss, names={"z": z, "loss": loss})


# -- the command line -------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_output_goes_to_a_file(examples: Path, tmp_path: Path) -> None:
    spec, page = str(examples / "notebook.py"), tmp_path / "page.html"
    out = ("--out", str(tmp_path / "generated"))
    code, said, told = run("derive", spec, "--format", "html", "--output", str(page), *out)
    assert (code, said) == (0, "")
    assert str(page) in told
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_options_reach_the_text(examples: Path, tmp_path: Path) -> None:
    spec, out = str(examples / "notebook.py"), ("--out", str(tmp_path), "-q")
    chosen = ("--format", "text", "--detail", "brief", "--only", "W1", "--form", "index")
    _, said, told = run("derive", spec, *chosen, "--notation", "bar", *out)
    assert "W̄₁[i,j] = z̄₁[i] X[j]" in said
    assert "W̄₂" not in said
    assert told == ""


def test_explain_writes_no_code(examples: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, said, _ = run("explain", str(examples / "notebook.py"), "b2")
    assert code == 0
    assert "How L depends on b₂" in said
    assert not list(tmp_path.iterdir())
    code, said, told = run("explain", str(examples / "notebook.py"), "nothing")
    assert (code, said) == (2, "")
    assert "nothing" in told


def test_progress_is_told_on_a_terminal_only(examples: Path, tmp_path: Path) -> None:
    told = run("derive", str(examples / "mlp.py"), "--out", str(tmp_path))[2]
    assert "differentiating" not in told
    assert "\x1b" not in told


# -- notebooks --------------------------------------------------------------------------------


def test_what_notebooks_show(monkeypatch: pytest.MonkeyPatch) -> None:
    W, X = sg.param("W", (3, 2)), sg.data("X", ("N", 3))
    z = X @ W
    loss = np.sum(np.tanh(z))
    monkeypatch.setattr("__main__.z", z, raising=False)
    assert W._repr_latex_() == r"$W \in \mathbb{R}^{3 \times 2}$"
    assert r"z_{ni} &= \sum_{j} X_{nj} W_{ji}" in loss._repr_latex_()
    d = sg.derive(loss, names={"z": z, "loss": loss})
    assert r"\frac{\partial L}{\partial W} &= X^{\top}" in d.gradients["W"]._repr_latex_()
    assert d._repr_markdown_().startswith("# Derivation\n")


def test_functions_stand_apart_in_the_code(examples: Path) -> None:
    d = derived(examples / "mlp.py")
    text = "\n".join(s.before for s in statements(Code(emitted(d), "x.py")))
    later = [line for line in text.split("\n") if line.startswith("def ")][1:]
    assert len(later) == 3
    assert all(f"\n\n{line}" in text for line in later)
