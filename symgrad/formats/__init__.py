"""Formats: what a derivation can be printed as for people."""

from __future__ import annotations

from symgrad.formats import data, latex, markdown, page, pdf, text, typst
from symgrad.formats.sheet import Format

FORMATS = {
    f.name: f
    for f in (
        Format("latex", "LaTeX to paste", latex.fragment),
        Format("text", "Unicode mathematics for the terminal", text.write),
        Format("tex", "a LaTeX document of its own", latex.paper),
        Format("pdf", "the same, typeset by the LaTeX that is installed", pdf.write),
        Format("typst", "a Typst document of its own", typst.write),
        Format("markdown", "Markdown for GitHub and Jupyter", markdown.write),
        Format(
            "html",
            "a page with the code beside the formulas",
            page.write,
            checked=True,
            coded=True,
        ),
        Format("json", "every step as data", data.write, checked=True),
    )
}
"""Every format by its name."""
