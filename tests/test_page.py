"""The page in a browser: formulas, marking, contrast, small screens, nothing from outside."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import symgrad as sg
from symgrad.cli import main
from tests.browser import MISSING, Browser, browser, installed

AXE = Path(__file__).parent / "node" / "node_modules" / "axe-core" / "axe.min.js"
EXAMPLES = ("notebook", "mlp")
pytestmark = pytest.mark.skipif(installed() is None, reason=MISSING)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module", params=EXAMPLES)
def page(
    request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The page that the command line writes."""
    folder = tmp_path_factory.mktemp("page")
    path = folder / "page.html"
    arguments = ["derive", str(root / "examples" / f"{request.param}.py"), "--format", "html"]
    result = CliRunner().invoke(main, [*arguments, "-o", str(path), "--out", str(folder), "-q"])
    assert result.exit_code == 0, result.stderr
    return path


def test_nothing_goes_wrong_and_nothing_is_asked_for(chromium: Browser, page: Path) -> None:
    chromium.said.clear()
    chromium.asked.clear()
    chromium.open(page)
    assert chromium.said == []
    assert chromium.asked == [page.resolve().as_uri()]


def test_every_formula_has_a_size(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    empty = chromium.run(
        "[...document.querySelectorAll('math')].filter(m => m.getClientRects().length)"
        ".map(m => m.getBoundingClientRect()).filter(b => b.width < 3 || b.height < 3).length"
    )
    assert chromium.run("document.querySelectorAll('math').length") > 100
    assert empty == 0


@pytest.mark.parametrize("width", [360, 768, 1300])
def test_no_sideways_scrolling(chromium: Browser, page: Path, width: int) -> None:
    chromium.open(page, width=width)
    assert chromium.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [360, 1300])
def test_a_long_term_is_cut_where_the_window_is_narrow(
    chromium: Browser, tmp_path: Path, width: int
) -> None:
    x, w = sg.data("x", ("N", 3)), sg.param("w", ("N", 3))
    z = np.sum((np.tanh(x * w) + np.exp(x + w) + np.sin(w * x)) * (np.cos(w) + x**2) ** 3)
    text = str(sg.derive(z, names={"x": x, "w": w, "z": z}).render("html"))
    (tmp_path / "page.html").write_text(text)
    chromium.open(tmp_path / "page.html", width=width)
    assert chromium.run("document.documentElement.scrollWidth <= innerWidth")
    shown = "[...document.querySelectorAll('{}')].some(e => e.getClientRects().length)"
    assert chromium.run(shown.format(".cut")) == (width == 360)
    assert chromium.run(shown.format(".whole")) == (width == 1300)


@pytest.mark.parametrize("width", [360, 768, 1000, 1300, 1600])
def test_the_picture_fits_its_width_and_shows_the_loss(
    chromium: Browser, page: Path, width: int
) -> None:
    chromium.open(page, width=width)
    boxes = chromium.run(
        "[...document.querySelectorAll('svg')].filter(s => s.getClientRects().length).map(s => "
        "[s, s.querySelector('.output')].map(e => e.getBoundingClientRect()).map(b => "
        "[b.left, b.right, b.height]))"
    )
    assert len(boxes) == 1
    ((left, right, _), (start, end, high)) = boxes[0]
    assert 0 <= left <= start < end <= right <= width
    assert high > 20


@pytest.mark.parametrize("width", [360, 1300])
def test_no_line_of_code_is_cut(chromium: Browser, page: Path, width: int) -> None:
    chromium.open(page, width=width)
    assert chromium.run("(p => p.scrollWidth <= p.clientWidth)(document.querySelector('pre'))")


def test_the_code_follows_what_is_read(chromium: Browser, page: Path) -> None:
    chromium.open(page, height=500)
    chromium.call("Input.dispatchMouseEvent", type="mouseMoved", x=0, y=0)
    near = "(e => e ? e.dataset.eq : '')(document.querySelector('aside .near'))"
    assert chromium.run(near) == ""
    chromium.run("document.querySelector('main .result[data-eq=dW1]').scrollIntoView()")
    assert chromium.until(f"{near} === 'dW1'")
    seen = "document.querySelector('aside .near').getBoundingClientRect()"
    pane = "document.querySelector('aside pre').getBoundingClientRect()"
    assert chromium.run(f"{seen}.top >= {pane}.top && {seen}.bottom <= {pane}.bottom")


def test_the_code_is_coloured_and_stays_the_same(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    assert "def" in chromium.run("document.querySelector('code .word').textContent")
    code = chromium.run("document.querySelector('code').textContent").split("\n")
    file = next(page.parent.glob("*.py")).read_text(encoding="utf-8").split("\n")
    assert len(code) > 30
    assert set(code) <= set(file)


def test_what_a_spec_says_of_itself(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        '"""A title.\n\nAn <introduction>.\n"""\nimport numpy as np\nimport symgrad as sg\n'
        'w = sg.param("w", (2,))\nloss = np.sum(w**2 / 3)\n'
        'example = {"w": [1, 1]}\ncompared = {"loss": 0.7, "dL_dw": [0.9, 0.7]}\n'
    )
    arguments = ["derive", str(tmp_path / "net.py"), "-o", str(tmp_path / "net.html"), "-q"]
    result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.stderr
    chromium.open(tmp_path / "net.html")
    assert chromium.run("document.querySelector('header p').textContent") == "An <introduction>."
    said = chromium.run("document.querySelector('#compared').innerText")
    assert "within rounding to 1 decimal" in said
    assert said.count("within rounding") == 1
    assert "from net.py" in chromium.run("document.querySelector('footer').textContent")


def marked(chromium: Browser) -> set[str]:
    """What is marked, and where."""
    found: list[str] = chromium.run(
        "[...document.querySelectorAll('.on')].map(e =>"
        " (e.closest('aside') ? 'code ' : e.closest('svg') ? 'picture ' : 'text ') + e.dataset.eq)"
    )
    return set(found)


def hovered(chromium: Browser, selector: str, expected: set[str]) -> bool:
    """Whether what is expected is marked; a page that is still moving is given some time."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        chromium.hover(selector)
        if marked(chromium) == expected:
            return True
    return False


def test_marking_by_mouse(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    both = {"code dW2", "text dW2", "picture dW2"}
    assert hovered(chromium, "main .result[data-eq=dW2] math", both)
    line = "document.querySelector('aside [data-eq=dW2]').getBoundingClientRect()"
    pane = "document.querySelector('aside pre').getBoundingClientRect()"
    assert chromium.until(f"{line}.top >= {pane}.top && {line}.bottom <= {pane}.bottom")
    assert hovered(chromium, "h1", set())
    assert hovered(chromium, "aside [data-eq=dW2] a", both)


def test_marking_by_keyboard(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    chromium.run("document.querySelector('main .row[data-eq=z2] a').focus()")
    assert marked(chromium) == {"code z2", "text z2", "picture z2"}
    chromium.press("Enter")
    assert chromium.until("location.hash") == "#c-z2"
    chromium.press("Tab")
    assert chromium.run("document.activeElement.closest('[data-eq]').dataset.eq") == "z2"
    chromium.press("Enter")
    assert chromium.until("location.hash.startsWith('#e-')")
    assert chromium.run("document.querySelector(location.hash).dataset.eq") == "z2"


def test_a_value_of_the_picture_leads_to_its_derivation(chromium: Browser, page: Path) -> None:
    chromium.open(page)
    chromium.run("document.querySelector('svg a[data-eq=dz2]').focus()")
    chromium.press("Enter")
    assert chromium.until("location.hash") == "#d-dz2"
    assert chromium.until("scrollY > 0")


def test_it_reads_without_script(chromium: Browser, page: Path) -> None:
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(page)
        assert chromium.run("document.querySelectorAll('.on, [tabindex]').length") is not None
        assert chromium.run("document.querySelector('main').innerText.length") > 1000
    finally:
        chromium.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.skipif(not AXE.exists(), reason="no axe-core: npm install --prefix tests/node")
@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1300), pytest.param("dark", 360, marks=pytest.mark.long)]
)
def test_axe_finds_nothing(chromium: Browser, page: Path, scheme: str, width: int) -> None:
    chromium.open(page, width=width, scheme=scheme)
    chromium.hover("main .result[data-eq=dW2] math")
    assert found_by_axe(chromium) == []


def found_by_axe(chromium: Browser) -> list[Any]:
    """What is wrong; the insides of formulas, whose colour is that around them, are left out."""
    chromium.run(AXE.read_text(encoding="utf-8") + "; 0")
    tags = json.dumps(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    inside = "{exclude: [['math *']]}"
    found: list[Any] = chromium.run(
        f"axe.run({inside}, {{runOnly: {tags}}}).then(r => r.violations.map(v => [v.id, v.help,"
        " v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + n.failureSummary)]))"
    )
    return found


def test_a_long_derivation_stays_in_its_column(chromium: Browser, tmp_path: Path) -> None:
    Q, K, V = (sg.param(name, ("T", 4)) for name in "QKV")
    scores = Q @ K.T / 2
    weights = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    loss = np.mean((weights @ V) ** 2) + 0.01 * np.sum(np.tanh(Q * K) ** 2)
    d = sg.derive(loss, names={"scores": scores, "weights": weights, "loss": loss})
    path = tmp_path / "attention.html"
    path.write_text(str(d.render("html", title="Attention")), encoding="utf-8")
    for width in (360, 1300):
        chromium.open(path, width=width)
        assert chromium.run("document.documentElement.scrollWidth <= innerWidth")
