"""The command line: ``symgrad derive SPEC``."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import numpy as np
from rich.console import Console

from symgrad import outputs
from symgrad.checks import (
    Check,
    ExactValues,
    check_example,
    comparisons,
    exact_values,
    example_values,
    expected_numbers,
    module_checks,
    run,
)
from symgrad.checks.numbers import Floats
from symgrad.checks.points import example_point
from symgrad.errors import CheckError, Location, SpecError, SymgradError
from symgrad.face import Derivation
from symgrad.face import derive as derive_loss
from symgrad.files import write_atomically
from symgrad.formats import FORMATS
from symgrad.formats.sheet import Code
from symgrad.language.spec_file import Spec, load
from symgrad.mathematics.expected import Expected
from symgrad.progress import tell
from symgrad.report import by_kind, print_checks, print_comparisons, print_remarks, progress
from symgrad.targets import TARGETS, is_possible
from symgrad.targets.emitted import Emitted
from symgrad.targets.target import Target
from symgrad.writing.choice import DETAILS, FORMS, Choice
from symgrad.writing.style import ADJOINTS, LAYOUTS, Style

EXAMPLES = """\b
Examples:
  symgrad derive spec.py
  symgrad derive spec.py --wrt W1,b1 --dtype float32
  symgrad derive spec.py --format text --detail brief
  symgrad derive spec.py --format html --output derivation.html
"""
EXPLAINED = """\b
Examples:
  symgrad explain spec.py W1
  symgrad explain spec.py W1 --format html --output W1.html
"""

Command = Callable[..., None]


def _printed(default: str) -> Callable[[Command], Command]:
    """The options of a command that prints a derivation."""
    options = (
        click.option(
            "--format",
            "layout",
            type=click.Choice(list(FORMATS)),
            default=default,
            show_default=True,
            help="; ".join(f"{f.name}: {f.about}" for f in FORMATS.values()) + ".",
        ),
        click.option(
            "--output",
            "-o",
            metavar="FILE",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Where the derivation goes. Without it, to stdout.",
        ),
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
    """Names with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="symgrad", message="%(prog)s %(version)s")
def main() -> None:
    """Write a loss in NumPy; read its derivation; own its backward pass."""


@main.command(epilog=EXAMPLES)
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--wrt",
    metavar="NAMES",
    help="Differentiate by these, e.g. W1,b1. Without it, by all parameters.",
)
@click.option(
    "--only",
    metavar="NAMES",
    default="",
    help="Show the derivatives by these only, e.g. W1,z2. Without it, all.",
)
@_printed("latex")
@click.option(
    "--target",
    type=click.Choice(list(TARGETS)),
    default="numpy",
    show_default=True,
    help="What to generate.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float64", "float32"]),
    default="float64",
    show_default=True,
    help="What the generated functions compute with.",
)
@click.option("--plain", is_flag=True, help="Without buffers and in-place writes: to be read.")
@click.option(
    "--prepare",
    is_flag=True,
    help="Work out of the data what can be, once: a step costs nothing of its rows.",
)
@click.option("--show-program", is_flag=True, help="Show the program after each pass, on stderr.")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("generated"),
    show_default=True,
    help="Where the generated file goes.",
)
def derive(
    spec: Path,
    wrt: str | None,
    only: str,
    target: str,
    dtype: str,
    plain: bool,
    prepare: bool,
    show_program: bool,
    out: Path,
    quiet: bool,
    **shown: Any,
) -> None:
    """Derive the gradients of the loss in SPEC, check them, and generate their code.

    The derivation goes to stdout, all else to stderr. The generated file is called as SPEC is.

    The exit code is 0 if all is done and checked, 1 if a check failed, 2 if the spec is wrong.
    """
    with _errors():
        with progress(shown=not quiet):
            chosen = None if wrt is None else _names(wrt)
            language = TARGETS[target]
            read = load(spec, language.words.is_possible)
            job = Job(read, chosen, language, dtype, plain=plain, prepare=prepare)
            path = _generated(spec, out, language.suffix)
            checks = job.checks()
            text = job.printed(checks, path, {"only": tuple(_names(only))}, **shown)
        written = _deliver(text, shown["output"])
        if show_program:
            _show_programs(job)
        if not quiet:
            _report(job, checks)
        _require(checks, path)
        write_atomically(path, job.file.text)
        if not quiet:
            click.echo(f"wrote {', '.join(map(str, [*written, path]))}", err=True)


@main.command(epilog=EXPLAINED)
@click.argument("spec", type=click.Path(path_type=Path))
@click.argument("value")
@_printed("text")
def explain(spec: Path, value: str, quiet: bool, **shown: Any) -> None:
    """Show why the gradient of the loss in SPEC by VALUE is what it is.

    Only the way from the loss to VALUE is shown: how the loss depends on it, and the derivatives
    on that way. No code is written.
    """
    with _errors():
        with progress(shown=not quiet):
            job = Job(load(spec, is_possible), [value])
            checks = run(job.derivation)
            path = Path(f"{spec.stem}{job.target.suffix}")
            text = job.printed(checks, path, {"explain": value}, **shown)
        _deliver(text, shown["output"])
        _require(checks, path)


def _show_programs(job: Job) -> None:
    """The program after each pass that changes it."""
    before = ""
    for name, program in outputs.programs(job.derivation, job.target):
        if str(program) != before:
            before = str(program)
            click.echo(f"# {name}\n{before}\n", err=True)


class Job:
    """A spec, derived; SpecError where it can't be.  Its code is generated once it is asked for."""

    def __init__(
        self,
        spec: Spec,
        wrt: Sequence[str] | None,
        target: Target = TARGETS["numpy"],
        dtype: str = "float64",
        *,
        plain: bool = False,
        prepare: bool = False,
    ) -> None:
        self.spec = spec
        self.target = target
        self.dtype = dtype
        self.plain = plain
        with _about(spec.loss.where):
            also = [s.value for s in (*spec.expected, *spec.compared) if s.adjoint]
            self.derivation = derive_loss(spec.loss, wrt, spec.names, prepare=prepare, also=also)
        if spec.example:
            check_example(self.derivation, spec.example, partial(spec.source.key, "example"))
        self.example = _floats(self.derivation, spec.example)
        self._check_stated()

    @cached_property
    def file(self) -> Emitted:
        """The generated file."""
        tell("generating the code")
        return outputs.emitted(
            self.derivation,
            self.derivation.notation,
            self.target,
            dtype=self.dtype,
            title=self.spec.title,
            example=self.example,
            expected=[
                self._in_module(e)
                for e in self.spec.expected
                if e.value in self.derivation.system.shapes
            ],
            tolerance=self.spec.tolerance,
            plain=self.plain,
            origin=self.spec.path.name,
        )

    @cached_property
    def module(self) -> ModuleType:
        """The generated file, loaded."""
        return self.target.load(self.file.text, self.spec.path.stem)

    @cached_property
    def values(self) -> ExactValues | None:
        """The values at the example of the spec, if it has one."""
        tell("computing the example")
        return exact_values(self.derivation, self.spec.example) if self.spec.example else None

    def _check_stated(self) -> None:
        """Refuse numbers for a derivative by what is not there any more."""
        for stated in (*self.spec.expected, *self.spec.compared):
            if stated.adjoint and stated.value not in self.derivation.system.shapes:
                raise SpecError(
                    f"there are numbers for {stated.key!r}, and with --prepare only sums of "
                    f"{stated.value} are left",
                    where=self.spec.loss.where,
                    hint=f"leave {stated.key!r} out, or derive without --prepare",
                )

    def _in_module(self, stated: Expected) -> Expected:
        """As the module has it, in which derivatives are values like others."""
        return replace(stated, value=stated.name(self.derivation.adjoint_name), adjoint=False)

    def printed(
        self,
        checks: Sequence[Check],
        path: Path,
        chosen: dict[str, Any],
        *,
        layout: str,
        output: Path | None,
        detail: Any,
        form: Any,
        notation: Any,
        arrangement: Any,
    ) -> str | bytes:
        """The derivation in a format."""
        tell("printing")
        return self.derivation.render(
            layout,
            self.values,
            choice=Choice(detail, form, **chosen),
            style=Style(notation, arrangement),
            title=self.spec.title.removesuffix("."),
            checks=by_kind(checks),
            code=Code(self.file, path.name) if FORMATS[layout].coded else None,
            coloured=output is None and sys.stdout.isatty() and "NO_COLOR" not in os.environ,
        )

    def checks(self) -> tuple[Check, ...]:
        """Everything that has to hold before a file is written."""
        derived = run(self.derivation)
        generated = module_checks(self.derivation, self.module, self.dtype)
        return (*derived, *generated, *self._numbers())

    def _numbers(self) -> tuple[Check, ...]:
        """The numbers that the spec expects: the gradients as the generated module has them."""
        if not self.spec.expected:
            return ()
        derivation = self.derivation
        values = example_values(derivation, self.spec.example)
        loss, gradients = self.module.loss_and_gradients(**self.example)
        values[derivation.system.output] = loss
        values |= {derivation.adjoint_name[n]: getattr(gradients, n) for n in derivation.wrt}
        tolerance = self.spec.tolerance
        return expected_numbers(values, self.spec.expected, derivation.adjoint_name, tolerance)


def _floats(derivation: Derivation, example: Mapping[str, Any]) -> Mapping[str, Any]:
    """The example as the generated functions take it."""
    if not example or derivation.preparation is None:
        return example
    env = example_point(derivation, example, Floats(np.float64)).env
    return {v.name: env[v.name] for v in derivation.system.variables if v.role != "constant"}


def _generated(spec: Path, out: Path, suffix: str) -> Path:
    """The file to generate: a module called as the spec is."""
    path = out / f"{re.sub(r'[^0-9a-zA-Z_]', '_', spec.stem)}{suffix}"
    if path.resolve() == spec.resolve():
        raise SpecError(
            f"the generated file would replace the spec {spec}",
            hint=f"choose another folder: --out {out / 'generated'}",
        )
    return path


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


@contextmanager
def _errors() -> Iterator[None]:
    """An error of a user's as a message and an exit code."""
    try:
        yield
    except SymgradError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1 if isinstance(error, CheckError) else 2)


@contextmanager
def _about(where: Location) -> Iterator[None]:
    """What is wrong with the whole is told at the line of the loss."""
    try:
        yield
    except SpecError as error:
        error.where = error.where or where
        raise


def _deliver(text: str | bytes, output: Path | None) -> list[Path]:
    """To a file, which is named then, or to stdout."""
    if output is None:
        _print(text)
        return []
    write_atomically(output, text)
    return [output]


def _print(text: str | bytes) -> None:
    """To stdout; a reader that has seen enough is no error."""
    if isinstance(text, bytes) and sys.stdout.isatty():
        raise SpecError("this format is not for a terminal", hint="add --output FILE")
    try:
        click.echo(text, nl=not text.endswith("\n") if isinstance(text, str) else False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
