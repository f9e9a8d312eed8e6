"""What the site is built with beside the pages: formulas as MathML, tables from the language."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from language import TABLES
from mathml import mathml

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)
_TABLE = re.compile(r"^<!-- table: (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the tables of the language in their places."""
    return _TABLE.sub(lambda match: TABLES[match[1]](), markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Print every formula as MathML, so that a page needs no script to be read."""
    return _FORMULA.sub(_formula, content)


def _formula(match: re.Match[str]) -> str:
    formula = mathml(_without_environments(html.unescape(match["latex"]).strip()))
    if match["tag"] == "span":
        return formula.replace('displaystyle="true"', 'displaystyle="false"', 1)
    return f'<div class="formula" tabindex="0">{formula}</div>'


def _without_environments(latex: str) -> str:
    """Lined-up equations as an array, which is what MathML has."""
    latex = latex.replace(r"\begin{aligned}", r"\begin{array}{rlll}")
    latex = latex.replace(r"\end{aligned}", r"\end{array}").replace(r"\displaystyle ", "")
    return re.sub(r"\\\\\[\w+\]", r"\\\\", latex)
