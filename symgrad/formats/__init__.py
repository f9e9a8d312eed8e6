"""Formats: what a derivation can be printed as for people."""

from __future__ import annotations

from pathlib import Path

from symgrad.formats import data, latex, markdown, page, pdf, text, typst
from symgrad.formats.sheet import Format

FORMATS = {
    f.name: f
    for f in (
        Format("latex", "LaTeX to paste", latex.fragment, (".tex",), "% {}"),
        Format("text", "Unicode mathematics for the terminal", text.write, (".txt",)),
        Format("tex", "a LaTeX document of its own", latex.paper, (), "% {}"),
        Format("pdf", "the same, typeset by the LaTeX that is installed", pdf.write, (".pdf",)),
        Format("typst", "a Typst document of its own", typst.write, (".typ",), "// {}"),
        Format(
            "markdown",
            "Markdown for GitHub and Jupyter",
            markdown.write,
            (".md", ".markdown"),
            "<!-- {} -->\n",
        ),
        Format(
            "html",
            "a page with the code beside the formulas",
            page.write,
            (".html", ".htm"),
            "<!-- {} -->",
            checked=True,
            coded=True,
        ),
        Format("json", "every step as data", data.write, (".json",), checked=True),
    )
}
"""Every format by its name."""


def by_suffix(path: Path | None, default: str) -> str:
    """The format that a file's name asks for, or the default."""
    ending = path.suffix.lower() if path else ""
    return next((f.name for f in FORMATS.values() if ending in f.suffixes), default)
