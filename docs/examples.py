"""Run the examples of the pages; write what they print beneath them.

A block of Python with a title is a file; others run one after the other, as in a notebook.  A
block of shell is run beside these files.  What a block prints stands beneath it as a block of
text, what its last line shows (as in a notebook) between two comments.  A comment that says from
which line on, and up to which, leaves out the rest.
"""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from click.testing import CliRunner

from symgrad.cli import main as command_line
from symgrad.errors import SymgradError

PAGES = Path(__file__).parent / "pages"
LEFT_OUT = "..."
"""A line that stands for those that are left out."""

_BLOCK = re.compile(
    r"^```(?P<language>python|sh)(?P<options>[^\n]*)\n(?P<code>.*?)^```\n"
    r'(?P<clip>\n<!-- from "(?P<first>.*?)"(?: to "(?P<last>.*?)")? -->\n)?'
    r"(?P<text>\n```text\n(?P<printed>.*?)```\n)?"
    r"(?P<region>\n<!-- shown -->\n(?P<shown>.*?)<!-- end -->\n)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Page:
    """The blocks of a page, run in order in one folder and one namespace."""

    folder: Path
    module: ModuleType = field(default_factory=lambda: ModuleType("__main__"))
    count: int = 0

    def block(self, match: re.Match[str]) -> str:
        """A block with what it prints now beneath it."""
        code, options = match["code"], match["options"]
        title = re.search(r'title="([^"]+)"', options)
        if title:
            (self.folder / title[1]).write_text(code, encoding="utf-8")
            return match[0]
        run = self._python if match["language"] == "python" else self._shell
        printed, shown = run(code)
        block = f"```{match['language']}{options}\n{code}```\n"
        if match["language"] == "sh" and match["region"]:
            printed, shown = "", printed
        if match["clip"]:
            block += match["clip"]
            printed = _clipped(printed, match["first"], match["last"])
        return block + _text(match["printed"], printed) + _region(match["shown"], shown)

    def _python(self, code: str) -> tuple[str, str]:
        self.count += 1
        name = f"example-{self.count}.py"
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        tree = ast.parse(code)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        printed, value = io.StringIO(), None
        with contextlib.redirect_stdout(printed):
            try:
                exec(compile(tree, name, "exec"), vars(self.module))
                if isinstance(last, ast.Expr):
                    expression = compile(ast.Expression(last.value), name, "eval")
                    value = eval(expression, vars(self.module))
            except SymgradError as error:
                print(f"{type(error).__name__}: {error}")
        return _displayed(value, printed.getvalue())

    def _shell(self, code: str) -> tuple[str, str]:
        return "".join(map(self._command, code.splitlines())), ""

    def _command(self, line: str) -> str:
        words = shlex.split(line)
        if words[0] == "symgrad":
            result = CliRunner().invoke(command_line, words[1:], prog_name="symgrad")
            if result.exception and not isinstance(result.exception, SystemExit):
                raise result.exception
            return "".join(f"{row.rstrip()}\n" for row in result.output.splitlines())
        if words[0] != "python":
            raise ValueError(f"the pages run symgrad and python, and not: {line}")
        run = subprocess.run(
            [sys.executable, *words[1:]], capture_output=True, text=True, check=False
        )
        return run.stdout + run.stderr


def _displayed(value: Any, printed: str) -> tuple[str, str]:
    """The value of a last line as a notebook shows it: as mathematics, or as text."""
    if value is None:
        return printed, ""
    if hasattr(value, "_repr_markdown_"):
        return printed, value._repr_markdown_()
    if hasattr(value, "_repr_latex_"):
        bare = value._repr_latex_().strip("$").removeprefix(r"\displaystyle ")
        return printed, f"$$\n{bare}\n$$\n"
    return f"{printed}{value!r}\n", ""


def _text(stated: str | None, printed: str) -> str:
    if not printed:
        return ""
    return f"\n```text\n{_kept(stated, _ended(printed))}```\n"


def _region(stated: str | None, shown: str) -> str:
    if not shown:
        return ""
    kept = _kept(stated, f"\n{shown.strip()}\n\n")
    return f"\n<!-- shown -->\n{kept}<!-- end -->\n"


def _ended(printed: str) -> str:
    return printed if printed.endswith("\n") else f"{printed}\n"


def _clipped(printed: str, first: str, last: str | None) -> str:
    """The lines from one that is ``first`` to the one before ``last``, or to the end."""
    lines = printed.splitlines()
    start = lines.index(first)
    end = lines.index(last, start) if last else len(lines)
    part = "\n".join(lines[start:end]).rstrip()
    return "\n".join([LEFT_OUT, part, *([LEFT_OUT] if last else [])]) + "\n"


def _kept(stated: str | None, printed: str) -> str:
    """What the page states, where that is what was printed but for the size of errors."""
    return stated if stated is not None and _steady(stated) == _steady(printed) else printed


def _steady(text: str) -> str:
    """The same on every machine: the size of a rounding error is not."""
    return re.sub(r" +(?:0|[0-9.]+e[-+][0-9]+)(?= *(?:ok)?$)", " ε", text, flags=re.MULTILINE)


def with_outputs(text: str) -> str:
    """The text of a page with what its blocks print now."""
    with TemporaryDirectory() as folder:
        page = Page(Path(folder))
        with _inside(page):
            return _BLOCK.sub(page.block, text)


@contextlib.contextmanager
def _inside(page: Page) -> Iterator[None]:
    """In the folder of a page, with its namespace as that of the main program."""
    before, path, modules = Path.cwd(), list(sys.path), dict(sys.modules)
    os.chdir(page.folder)
    sys.path.insert(0, str(page.folder))
    sys.modules["__main__"] = page.module
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path
        for name in set(sys.modules) - set(modules):
            if name.partition(".")[0] == "generated":
                del sys.modules[name]
        sys.modules["__main__"] = modules["__main__"]


def pages() -> list[Path]:
    """Every page, in order."""
    return sorted(PAGES.rglob("*.md"))


def main() -> None:
    """Write the outputs of all pages, or of those that are named."""
    for page in [Path(name) for name in sys.argv[1:]] or pages():
        text = page.read_text(encoding="utf-8")
        changed = with_outputs(text)
        if changed != text:
            page.write_text(changed, encoding="utf-8")
            print(f"wrote {page}")


if __name__ == "__main__":
    main()
