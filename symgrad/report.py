"""What the command line tells on stderr: the checks, the remarks, the comparison of numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from symgrad.checks import Check, Comparison
from symgrad.formats.sheet import Checked
from symgrad.progress import listening


def by_kind(checks: Iterable[Check]) -> list[Checked]:
    """The checks of one kind in one line; those that failed in lines of their own."""
    kinds: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        what = re.sub(r"^\d+ steps?: ", "each step: ", check.what)
        kinds.setdefault((what, "" if check.passed else check.name), []).append(check)
    return [
        Checked(
            what,
            tuple(check.name for check in group),
            max(check.error or 0.0 for check in group),
            all(check.passed for check in group),
        )
        for (what, _), group in kinds.items()
    ]


@contextmanager
def progress(*, shown: bool) -> Iterator[None]:
    """Tell on stderr what is worked on, where that is a terminal."""
    console = Console(stderr=True, highlight=False)
    if not shown or not console.is_terminal:
        yield
        return
    status = console.status("reading the spec")
    with status, listening(lambda what: status.update(escape(what))):
        yield


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """A table with a line for each kind of check."""
    table = Table(box=box.SIMPLE_HEAD, title="Checks", title_justify="left", pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("check")
    table.add_column("of")
    table.add_column("largest difference", justify="right", no_wrap=True)
    for line in by_kind(checks):
        mark = "[green]ok[/]" if line.passed else "[bold red]FAILED[/]"
        table.add_row(mark, line.what, _shortened(line.names), f"{line.error:.2g}")
    console.print(table)


def _shortened(names: Sequence[str], most: int = 12) -> str:
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 2])}, … {names[-1]} ({len(names)} in all)"


def print_comparisons(console: Console, comparisons: Sequence[Comparison]) -> None:
    """Which of the numbers that a spec compares are right."""
    table = Table(box=box.SIMPLE_HEAD, title="Compared", title_justify="left", pad_edge=False)
    table.add_column("numbers of", no_wrap=True)
    table.add_column("are", no_wrap=True)
    for comparison in comparisons:
        style = "green" if comparison.proved else "yellow"
        table.add_row(comparison.key, f"[{style}]{comparison}[/]")
    console.print(table)


def print_remarks(console: Console, remarks: Iterable[str]) -> None:
    """One remark a line."""
    for remark in remarks:
        console.print(f"remark: {remark}", markup=False, highlight=False)
