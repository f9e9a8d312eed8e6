"""The command line: ``symgrad derive SPEC``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unicodedata import normalize

import click
from click.core import ParameterSource
from rich.console import Console

from symgrad import outputs
from symgrad.audit.command import audit
from symgrad.checks import Check, comparisons
from symgrad.delivery import (
    EXIT_CODES,
    Place,
    Program,
    after,
    again,
    check_modules,
    check_no_code,
    check_output,
    deliver,
    folder,
    is_stdout,
    modules_of,
    open_page,
    renewed,
)
from symgrad.errors import CheckError, SpecError
from symgrad.files import write_all
from symgrad.formats import FORMATS, by_suffix
from symgrad.job import Job, about
from symgrad.language.spec_file import Spec, load
from symgrad.language.spec_typed import as_file, declared
from symgrad.language.wrt import NotThere
from symgrad.outputs import Options, target_of, wrapped
from symgrad.report import print_checks, print_comparisons, print_remarks, progress
from symgrad.targets import TARGETS
from symgrad.targets.array_api import wrapper
from symgrad.writing.choice import DETAILS, FORMS, PARTS
from symgrad.writing.style import ADJOINTS, LAYOUTS

EXAMPLES = f"""\b
Examples:
  symgrad derive spec.py
  symgrad derive spec.py --wrt W1,b1 --dtype float32
  symgrad derive spec.py --format text --detail brief
  symgrad derive spec.py --output derivation.html
  symgrad derive spec.py --open --watch
  symgrad derive -e "np.mean((X @ w - y)**2)" --data X:N,3 --data y:N --param w:3

{EXIT_CODES}"""
EXPLAINED = f"""\b
Examples:
  symgrad explain spec.py W1
  symgrad explain spec.py W1 --output W1.html

{EXIT_CODES}"""

Command = Callable[..., None]
LONGEST = 12
"""How many digits the number for a size may have."""


def _printed(default: str) -> Callable[[Command], Command]:
    """The options of a command that prints a derivation."""
    options = (
        click.option(
            "--format",
            "layout",
            type=click.Choice(list(FORMATS)),
            show_default=f"what FILE ends with, or {default}",
            callback=lambda ctx, _, name: name or by_suffix(ctx.params.get("output"), default),
            help="; ".join(f"{f.name}: {f.about}" for f in FORMATS.values()) + ".",
        ),
        click.option(
            "--output",
            "-o",
            metavar="FILE",
            type=Place(path_type=Path, dir_okay=False, allow_dash=True),
            is_eager=True,
            help="Where the derivation goes. Without it, or with -, to stdout.",
        ),
        click.option("--force", is_flag=True, help="Replace files too that symgrad did not write."),
        _choice("--detail", DETAILS, "The final formulas, the steps worth seeing, every rewrite."),
        _choice("--form", FORMS, "Results in matrix form where they have one, in index form."),
        _choice("--notation", ADJOINTS, "Derivatives as fractions, with a delta, with a bar."),
        _choice(
            "--layout", LAYOUTS, "The derivative by a matrix has its shape, or its transpose's."
        ),
        click.option("--quiet", "-q", is_flag=True, help="Say nothing on stderr but errors."),
    )

    def decorated(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def _choice(name: str, among: Sequence[str], about: str) -> Callable[[Command], Command]:
    """An option with few values, the first of them by default unless it is the detail or form."""
    usual = {"--detail": "normal", "--form": "both"}.get(name, among[0])
    target = {"--layout": "arrangement"}.get(name, name.removeprefix("--"))
    kind = click.Choice(among)
    return click.option(name, target, type=kind, default=usual, show_default=True, help=about)


def _names(text: str) -> list[str]:
    """Names with commas between them, as Python has them."""
    return [normalize("NFKC", name.strip()) for name in text.split(",") if name.strip()]


def _of_names(
    option: str, about: str, none: list[str] | None = None
) -> Callable[[Command], Command]:
    """An option of names, which may be given several times; without it, what is meant by none."""

    def all_of(_: click.Context, __: click.Parameter, texts: Sequence[str]) -> list[str] | None:
        return [name for text in texts for name in _names(text)] if texts else none

    return click.option(option, multiple=True, metavar="NAMES", callback=all_of, help=about)


def _size(text: str) -> tuple[str, int]:
    """A named size and its number."""
    name, _, number = text.partition("=")
    if not name.isidentifier() or not number.isdecimal():
        raise click.BadParameter(f"expected NAME=NUMBER, as in N=32, not {text!r}")
    if len(number) > LONGEST:
        raise click.BadParameter(f"the number for {name} has {len(number)} digits")
    return normalize("NFKC", name), int(number)


def _sizes(_: click.Context, __: click.Parameter, texts: Sequence[str]) -> dict[str, int]:
    """Named sizes and their numbers, each once."""
    found = dict(map(_size, texts))
    if len(found) < len(texts):
        raise click.BadParameter("a size has one number")
    return found


@click.group(
    cls=Program, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="symgrad", message="%(prog)s %(version)s")
def main() -> None:
    """Write a loss in NumPy; read its derivation; own its backward pass."""


def _input(role: str) -> Callable[..., list[str]]:
    """The lines of a spec that make the inputs of an option, in its callback."""

    def lines(_: click.Context, option: click.Parameter, texts: Sequence[str]) -> list[str]:
        try:
            return [declared(text, role) for text in texts]
        except ValueError as error:
            raise click.BadParameter(str(error), param=option) from None

    return lines


@main.command(epilog=EXAMPLES)
@click.argument("spec", type=Place(path_type=Path, allow_dash=True), required=False)
@click.option(
    "-e",
    "expression",
    metavar="EXPR",
    help="Derive this expression, which runs as Python, instead of a SPEC.",
)
@click.option(
    "--data",
    multiple=True,
    metavar="NAME:SIZES",
    callback=_input("data"),
    help="Data of the expression, e.g. X:N,3 or y:N:int.",
)
@click.option(
    "--param",
    multiple=True,
    metavar="NAME:SIZES",
    callback=_input("param"),
    help="A parameter of the expression, e.g. w:3.",
)
@_of_names("--wrt", "Differentiate by these, e.g. W1,b1. Without it, by all parameters.")
@_of_names("--only", "Show the derivatives by these only, e.g. W1,z2. Without it, all.", none=[])
@_of_names(
    "--part",
    f"Just the formulas of these, without headings: {', '.join(PARTS)}, or values.",
    none=[],
)
@click.option("--closed", is_flag=True, help="Each derivative in inputs and parameters alone.")
@click.option("--open", "opened", is_flag=True, help="Open the page in a browser.")
@click.option("--watch", is_flag=True, help="Derive again whenever SPEC is saved.")
@_printed("latex")
@click.option(
    "--target",
    type=click.Choice(list(TARGETS)),
    help="What to generate.  [default: numpy; with --wrap, array-api]",
)
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32"]),
    default="float64",
    show_default=True,
    help="What the generated functions compute with.",
)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="NAME=NUMBER",
    callback=_sizes,
    help="A number for a named size, e.g. N=32; for each, where the target is c.",
)
@_of_names(
    "--wrap",
    "Write SPEC_torch.py or SPEC_jax.py too, whose loss these differentiate: torch,jax.",
    none=[],
)
@click.option("--plain", is_flag=True, help="Without buffers and in-place writes: to be read.")
@click.option(
    "--unroll",
    is_flag=True,
    help="Number by number too: quicker where all shapes are tiny and fixed.",
)
@_of_names(
    "--values", "What forward() of the file gives, e.g. a3,z3. Without it, all named values."
)
@click.option(
    "--prepare",
    is_flag=True,
    help="Work out of the data what can be, once: a step costs nothing of its rows.",
)
@click.option(
    "--split",
    metavar="SIZE",
    callback=lambda _, __, name: normalize("NFKC", name) if name else None,
    help="Add partial, combine and finish, for rows in chunks: of this named size, e.g. N.",
)
@click.option(
    "--checkpoint",
    metavar="STEPS",
    type=click.IntRange(min=1),
    help="Keep the carry of a recurrence every so many steps, and compute the others again.",
)
@click.option("--tests", is_flag=True, help="Write test_SPEC.py beside the file too, for pytest.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which points are checked.",
)
@click.option("--show-program", is_flag=True, help="Show the program after each pass, on stderr.")
@click.option(
    "--out",
    metavar="DIR",
    type=Place(path_type=Path, file_okay=False),
    default=Path("generated"),
    show_default=True,
    callback=folder,
    help="Where the generated file goes.",
)
@click.pass_context
def derive(
    ctx: click.Context,
    /,
    spec: Path | None,
    expression: str | None,
    data: list[str],
    param: list[str],
    only: list[str],
    part: list[str],
    closed: bool,
    opened: bool,
    watch: bool,
    **asked: Any,
) -> None:
    """Derive the gradients of the loss in SPEC, check them, and generate their code.

    The derivation goes to stdout, all else to stderr. The generated file is called as SPEC is.
    Of the files that are there, those are replaced that symgrad wrote. SPEC may be -, for stdin.
    """
    with as_file(spec, expression, [*data, *param]) as path:
        if opened:
            asked |= _page(ctx, path, asked)
        after_run: Callable[[], None] = partial(open_page, asked["output"] if opened else None)
        chosen = {"only": tuple(only), "parts": tuple(part), "closed": closed}
        run = partial(_derive, path, watched=watch, chosen=chosen, **asked)
        if watch:
            if path != spec:
                raise click.UsageError("--watch is for a SPEC that is a file")
            again(path, run, after_run, quiet=asked["quiet"])
        else:
            run()
            after_run()


def _page(ctx: click.Context, spec: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """Where the page is that is opened: at --output, or beside the generated file."""
    output, source = asked["output"], ctx.get_parameter_source("layout")
    if is_stdout(output):
        output = asked["out"] / f"{spec.stem}.html"
    layout = asked["layout"] if source is ParameterSource.COMMANDLINE else by_suffix(output, "html")
    if layout != "html":
        raise click.UsageError("--open is for a page: --format html")
    return {"output": output, "layout": layout}


_OF_THE_JOB = ("dtype", "prepare", "seed", *Options.__annotations__)


def _derive(
    spec: Path,
    wrt: list[str] | None,
    target: str | None,
    tests: bool,
    show_program: bool,
    out: Path,
    quiet: bool,
    force: bool,
    watched: bool,
    chosen: dict[str, Any],
    **shown: Any,
) -> None:
    """One run of it."""
    output, wrap = shown["output"], shown["wrap"]
    language = target_of(target, wrap)
    code: Any = {name: shown.pop(name) for name in _OF_THE_JOB}
    endings = [*language.endings, *map(wrapper, wrapped(wrap, language.name))]
    paths = modules_of(spec, out, endings, tests=tests)
    with progress(shown=not quiet):
        read = load(spec, language.words.is_possible)
        check_output(output, spec, force=force)
        check_modules(paths, spec, output, force=force)
        with about(read.loss.where):
            job = Job(read, wrt, language, **code)
            checks = job.checks()
            texts = [*job.file.texts, *([job.tests(paths[0].stem)] if tests else [])]
            text = job.printed(checks, paths[0], chosen, **shown)
    written = deliver(renewed(text) if watched else text, output, force=force)
    first = sys.stderr.isatty() and all(c.passed for c in checks)  # seen before the tables are
    tell = partial(_tell, job, checks, show_program=show_program, quiet=quiet)
    if not first:
        tell()
    with after(written):
        _require(checks, paths[0])
        write_all(dict(zip(paths, texts, strict=True)), spec, force=force)
    if not quiet:
        click.echo(f"wrote {', '.join(map(str, [*written, *paths]))}", err=True)
    if first:
        tell()


@main.command(epilog=EXPLAINED)
@click.argument("spec", type=Place(path_type=Path))
@click.argument("value")
@_printed("text")
def explain(spec: Path, value: str, quiet: bool, force: bool, **shown: Any) -> None:
    """Show why the gradient of the loss in SPEC by VALUE is what it is.

    Only the way from the loss to VALUE is shown: how the loss depends on it, and the derivatives
    on that way. No code is written.
    """
    output = shown["output"]
    with progress(shown=not quiet):
        read = load(spec, TARGETS["numpy"].words.is_possible)
        check_output(output, spec, force=force)
        check_no_code(output)
        path = Path(f"{spec.stem}{TARGETS['numpy'].suffix}")
        with about(read.loss.where):
            job = _of_value(read, normalize("NFKC", value))
            checks = job.derived()
            text = job.printed(checks, path, {"explain": job.derivation.wrt[0]}, **shown)
    with after(deliver(text, output, force=force)):
        _require(checks, path)


def _of_value(spec: Spec, value: str) -> Job:
    """The job of the derivative by one value."""
    try:
        return Job(spec, [value])
    except NotThere as error:
        raise SpecError(f"the spec has no value {value!r}", hint=error.hint) from None


main.add_command(audit)


def _tell(job: Job, checks: Sequence[Check], *, show_program: bool, quiet: bool) -> None:
    if show_program:
        _show_programs(job)
    if not quiet:
        _report(job, checks)


def _show_programs(job: Job) -> None:
    """The program after each pass that changes it."""
    before = ""
    for name, program in outputs.programs(job.derivation, job.target):
        if str(program) != before:
            before = str(program)
            click.echo(f"# {name}\n{before}\n", err=True)


def _report(job: Job, checks: Sequence[Check]) -> None:
    console = Console(stderr=True, highlight=False)
    print_checks(console, checks)
    if job.spec.compared and job.values is not None:
        names = job.derivation.adjoint_name
        print_comparisons(console, comparisons(job.values, job.spec.compared, names))
    print_remarks(console, job.derivation.remarks)


def _require(checks: Sequence[Check], path: Path) -> None:
    failed = [c for c in checks if not c.passed]
    if failed:
        worst = "\n  ".join(f"{c.name}: {c.what}: {c.detail}" for c in failed[:5])
        more = f" (and {len(failed) - 5} more)" if len(failed) > 5 else ""
        kept = "was left as it was" if path.exists() else "was not written"
        raise CheckError(f"a check failed{more}:\n  {worst}", hint=f"{path} {kept}")
