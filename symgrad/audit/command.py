"""``symgrad audit SPEC CODE``: a backward pass written by hand, against the derived one."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from symgrad.audit.auditing import POINTS
from symgrad.audit.entry import form_for, made, spelled, with_values
from symgrad.audit.findings import Audit
from symgrad.audit.form import Form, definitions
from symgrad.audit.hints import told
from symgrad.audit.source import Source, declares, read
from symgrad.delivery import Place
from symgrad.errors import SpecError
from symgrad.language.spec_file import Spec, load
from symgrad.report import progress
from symgrad.targets import NUMPY

FORMATS: dict[str, Callable[[Audit], str]] = {
    "text": Audit.text,
    "markdown": Audit.markdown,
    "html": Audit.html,
    "json": Audit.json,
    "junit": Audit.junit,
}
"""How findings are printed; a report of tests is another with --strict."""

EXAMPLES = """\b
Examples:
  symgrad audit spec.py homework.ipynb
  symgrad audit spec.py net.py --function backward --match W1=gw
  symgrad audit spec.py net.py --class Net --setup "Net(4, 5)" --patch

\b
Exit codes:
  0    no gradient is wrong
  1    there is a fault, or with --strict a gradient is missing
  2    the audit could not be made
  130  interrupted
"""


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """``W1=gw`` as a name of the spec and one of the program."""
    found: dict[str, str] = {}
    for text in texts:
        for pair in text.split(","):
            name, sign, code = pair.partition("=")
            if not sign or not name.strip() or not code.strip():
                raise SpecError(f"{text!r} is not NAME=CODE", hint="as in --match W1=gw")
            if found.setdefault(name.strip(), code.strip()) != code.strip():
                raise SpecError(f"{name.strip()} is given twice", hint="give each name once")
    return found


def _seconds(_: click.Context, option: click.Parameter, number: float) -> float:
    if not math.isfinite(number):
        raise click.BadParameter(f"{number} is no number of seconds", param=option)
    return number


@click.command(epilog=EXAMPLES)
@click.argument("spec", type=Place(path_type=Path))
@click.argument("code", type=Place(path_type=Path))
@click.option("--function", metavar="NAME", help="The function in CODE that gives the gradients.")
@click.option("--class", "cls", metavar="NAME", help="The class with forward and backward methods.")
@click.option("--setup", metavar="CALL", default="", help='What makes one of it: "Net(4, 5)".')
@click.option(
    "--match", multiple=True, metavar="NAME=CODE", help="What a gradient is called in CODE."
)
@click.option(
    "--inputs", multiple=True, metavar="NAME=CODE", help="What an input is called in CODE."
)
@click.option(
    "--format",
    "layout",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="How the findings are printed.",
)
@click.option("--strict", is_flag=True, help="A gradient that is missing counts as a fault.")
@click.option("--patch", is_flag=True, help="Print the repairs as a patch.")
@click.option("--dry-run", is_flag=True, help="Tell what would be run, and run nothing.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    callback=_seconds,
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long the audit may take, of the processor.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which points are drawn.",
)
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def audit(
    spec: Path,
    code: Path,
    *,
    layout: str,
    strict: bool,
    patch: bool,
    dry_run: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Find the fault in a backward pass that somebody wrote by hand.

    SPEC is its forward pass, CODE the program: a script or a notebook, or a file with a function or
    a class. CODE is run in a process of its own, in a temporary copy of its folder.
    """
    if dry_run:
        click.echo(_dry(spec, code, options))
        return
    with progress(shown=not quiet):
        found = _found(spec, code, options)
    click.echo(found.patch() if patch else _printed(found, layout, strict=strict), nl=not patch)
    click.get_current_context().exit(0 if (found.complete if strict else found.ok) else 1)


def _printed(found: Audit, layout: str, *, strict: bool) -> str:
    """The findings in a format, of which a report of tests says what failed."""
    return found.junit(strict=strict) if layout == "junit" else FORMATS[layout](found)


def _found(spec: Path, code: Path, options: dict[str, Any]) -> Audit:
    given, source = _read(spec, code, options)
    derivation = with_values(given.loss, given.names)
    options |= {k: _pairs(options[k]) for k in ("match", "inputs")}
    return made(derivation, source, example=given.example or None, **options)


def _read(spec: Path, code: Path, options: dict[str, Any]) -> tuple[Spec, Source]:
    """The spec and the program; SpecError where they are taken for one another."""
    source = read(code)
    asked = options["function"] or options["cls"]
    if declares(source.tree) and asked not in definitions(source.tree):
        other = read(spec)
        swapped = spec != code and not declares(other.tree)
        program = f"perhaps symgrad audit {code} {spec}" if swapped else "give a program as CODE"
        raise SpecError(f"{code} is a spec, which has no backward pass", hint=program)
    return load(spec, NUMPY.words.is_possible), source


def _dry(spec: Path, code: Path, options: dict[str, Any]) -> str:
    given, source = _read(spec, code, options)
    derivation = with_values(given.loss, given.names)
    asked = {k: options[k] for k in ("function", "cls", "setup")}
    form = form_for(
        derivation, source, inputs=spelled(_pairs(options["inputs"]), "inputs"), **asked
    )
    return _described(source, form)


def _described(source: Source, form: Form) -> str:
    """What an audit would run."""
    folder = f"a temporary copy of {source.folder}" if source.folder else "an empty folder"
    lines = [
        f"would run {source.file} from top to bottom, {POINTS} times and once for each repair "
        "that is tried,",
        f"in a process of its own, in {folder}, with MPLBACKEND=Agg",
    ]
    for kind, what in form.calls:
        if kind in ("function", "method"):
            lines.append(f"then call {told(what)}")
        elif kind == "object":
            lines.append(f"then make {what}")
        elif kind in ("set", "variables") and (names := what[0] if kind == "set" else what):
            lines.append(f"then set {', '.join(names)}")
    return "\n".join(lines)
