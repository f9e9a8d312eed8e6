"""KaTeX, which shows the formulas in notebooks and on GitHub, parses every one of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import symgrad as sg
from symgrad.checks.exact import exact_values
from symgrad.language.spec_file import load
from symgrad.writing.choice import DETAILS, Choice
from symgrad.writing.style import ADJOINTS, LAYOUTS, Style
from tests.losses import LOSSES, Loss

NODE = Path(__file__).parent / "node"
pytestmark = [
    pytest.mark.skipif(not shutil.which("node"), reason="no node: apt-get install nodejs npm"),
    pytest.mark.skipif(
        not (NODE / "node_modules" / "katex").exists(),
        reason="no KaTeX: npm install --prefix tests/node",
    ),
]

Formulas = list[tuple[str, bool]]


def refused(formulas: Formulas) -> list[list[str]]:
    """The formulas, each with whether it is displayed, that KaTeX does not parse, and why."""
    result = subprocess.run(
        ["node", str(NODE / "katex.js")],
        input=json.dumps(formulas),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: list[list[str]] = json.loads(result.stdout)
    return answer


def in_latex(text: str) -> Iterator[tuple[str, bool]]:
    for environment in re.findall(r"\\begin\{align\*\}.*?\\end\{align\*\}", text, re.DOTALL):
        yield environment, True
    numbered = r"\\begin\{equation\}(?:\\label\{[^}]*\})?(.*?)\\end\{equation\}"
    for display in re.findall(numbered, text, re.DOTALL):
        yield display, True
    yield from ((formula, False) for formula in re.findall(r"\$([^$]+)\$", text))


def in_markdown(text: str) -> Iterator[tuple[str, bool]]:
    for display in re.findall(r"^\$\$\n(.*?)\n\$\$$", text, re.DOTALL | re.MULTILINE):
        yield display, True
    rest = re.sub(r"^\$\$\n.*?\n\$\$$", "", text, flags=re.DOTALL | re.MULTILINE)
    yield from ((formula, False) for formula in re.findall(r"(?<!\\)\$([^$]+)\$", rest))


def in_json(text: str) -> Iterator[tuple[str, bool]]:
    yield from ((f, False) for f in values(json.loads(text), ("latex", "latex_name", "matrix")))


def values(found: object, keys: tuple[str, ...]) -> Iterator[str]:
    if isinstance(found, list):
        for item in found:
            yield from values(item, keys)
    if isinstance(found, dict):
        yield from (v for k, v in found.items() if k in keys and isinstance(v, str))
        for item in found.values():
            yield from values(item, keys)


@pytest.mark.parametrize(
    "name",
    ["notebook", *(pytest.param(n, marks=pytest.mark.long) for n in ("mlp", "notebook_rounded"))],
)
def test_every_formula_of_the_examples(root: Path, name: str) -> None:
    spec = load(root / "examples" / f"{name}.py")
    d = sg.derive(spec.loss, names=spec.names)
    numbers = exact_values(d, spec.example) if spec.example else None
    formulas: Formulas = []
    for detail in DETAILS:
        choice = Choice(detail=detail)
        formulas += in_latex(str(d.render("latex", numbers, choice=choice)))
        formulas += in_markdown(str(d.render("markdown", numbers, choice=choice)))
    for adjoints in ADJOINTS:
        for layout in LAYOUTS:
            formulas += in_latex(str(d.render("latex", style=Style(adjoints, layout))))
    formulas += in_json(str(d.render("json")))
    assert len(formulas) > 300
    assert refused(formulas) == []


@pytest.mark.long
def test_every_formula_of_many_losses() -> None:
    formulas: Formulas = []
    for loss in LOSSES[::2]:
        formulas += in_latex(str(derived(loss).render("latex", choice=Choice(detail="full"))))
    assert refused(sorted(set(formulas))) == []


def derived(loss: Loss) -> sg.Derivation:
    arrays = {n: sg.param(n, s) for n, s in loss.params.items()}
    arrays |= {n: sg.data(n, s) for n, s in loss.data.items()}
    arrays |= {n: sg.data(n, s, dtype=int) for n, (s, _) in loss.labels.items()}
    return sg.derive(loss.function(np, **arrays), names=arrays)


def test_what_is_wrong_is_refused() -> None:
    wrong: Formulas = [(r"\frac{a}", True), (r"\foo{a}", False), ("{a", True), ("a_b_c", True)]
    assert len(refused([*wrong, ("a_b", True)])) == len(wrong)
