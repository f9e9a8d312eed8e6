"""The derivation as PDF, by a LaTeX that is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from symgrad.errors import SpecError, SymgradError
from symgrad.files import MARK
from symgrad.formats import latex
from symgrad.formats.sheet import Sheet

ENGINES = {
    "pdflatex": ("-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"),
    "lualatex": ("-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"),
    "xelatex": ("-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"),
    "tectonic": ("--chatter", "minimal"),
}
"""The programs that are looked for, in order, with their options."""

BEGIN = r"\begin{document}"
PRODUCER = rf"""\ifdefined\pdfinfo\pdfinfo{{/Producer ({MARK})}}
\else\ifdefined\pdfextension\pdfextension info{{/Producer ({MARK})}}
\else\special{{pdf:docinfo << /Producer ({MARK}) >>}}\fi\fi
"""
"""By it the file is known: of pdfTeX, of LuaTeX, of XeTeX."""


def write(sheet: Sheet) -> bytes:
    """The derivation, typeset."""
    command = _engine()
    with tempfile.TemporaryDirectory() as folder:
        paper = latex.paper(sheet).replace(BEGIN, f"{PRODUCER}{BEGIN}", 1)
        (Path(folder) / "derivation.tex").write_text(paper, encoding="utf-8")
        run = subprocess.run(
            [*command, "derivation.tex"], cwd=folder, capture_output=True, check=False
        )
        result = Path(folder) / "derivation.pdf"
        if run.returncode or not result.exists():
            raise SymgradError(f"{command[0]} failed:\n{_said(run.stdout)}")
        return result.read_bytes()


def _engine() -> tuple[str, ...]:
    for name, options in ENGINES.items():
        if shutil.which(name):
            return (name, *options)
    raise SpecError(
        f"the format pdf needs a LaTeX: none of {', '.join(ENGINES)} is installed",
        hint="install one (Debian: apt-get install texlive-latex-recommended), "
        "or take --format tex or html",
    )


def _said(output: bytes) -> str:
    """The lines of a log that tell what is wrong."""
    lines = output.decode("utf-8", "replace").splitlines()
    start = next((k for k, line in enumerate(lines) if line.startswith("!")), len(lines) - 5)
    return "\n".join(f"  {line}" for line in lines[max(start, 0) : start + 5])
