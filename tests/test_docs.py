"""The pages: their examples run and print what stands there; the site is built from them."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import symgrad

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


examples = loaded("examples")


@pytest.mark.parametrize("page", examples.pages(), ids=lambda p: p.stem)
def test_examples_run_and_print_what_stands_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    hint = f"`.venv/bin/python docs/examples.py {page.relative_to(ROOT)}` writes the outputs"
    assert examples.with_outputs(text) == text, f"{hint}; read the diff"


def test_an_example_that_prints_something_else_is_seen() -> None:
    page = "```python\nprint(1 + 1)\n```\n\n```text\n{}\n```\n"
    assert examples.with_outputs(page.format(3)) == page.format(2)


def test_lines_may_be_left_out_but_not_changed() -> None:
    page = (
        "```python\nprint('a', 'b', 'c', 'd', sep='\\n')\n```\n\n"
        '<!-- from "b" to "d" -->\n\n'
        "```text\n...\nb\n{}\n...\n```\n"
    )
    assert examples.with_outputs(page.format("c")) == page.format("c")
    assert examples.with_outputs(page.format("x")) == page.format("c")


def test_the_size_of_a_rounding_error_may_differ() -> None:
    page = "```python\nprint('ok  W  1.2e-16')\n```\n\n```text\nok  W  {}\n```\n"
    assert examples.with_outputs(page.format("3e-15")) == page.format("3e-15")
    assert examples.with_outputs(page.format("1")) == page.format("1.2e-16")


def test_the_reference_has_every_public_name() -> None:
    reference = (DOCS / "pages" / "reference" / "python.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^::: symgrad\.(\w+)$", reference, re.MULTILINE))
    assert set(symgrad.__all__) <= listed


_CODE = re.compile(r"<(pre|code)\b.*?</\1>", re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = ["mkdocs", "build", "--strict", "--quiet", "-f", "docs/mkdocs.yml", "-d", str(folder)]
    run = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
    return folder


@pytest.mark.long
def test_the_site_needs_no_network(site: Path) -> None:
    for page in site.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        loads = re.findall(r'<(?:link|script|img|iframe)[^>]*(?:src|href)="(https?:[^"]*)"', html)
        assert [address for address in loads if "canonical" not in address] == [], page


def test_every_formula_of_the_site_is_printed(site: Path) -> None:
    for page in site.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        article = _CODE.sub("", html.partition("<article")[2])
        assert "arithmatex" not in article, page
        assert not re.search(r"\$|\\[a-z]+", article), page
        assert "table: " not in article, page
