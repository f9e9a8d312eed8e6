"""Where what a command prints goes, and the exit code that tells how it went."""

from __future__ import annotations

import importlib
import os
import re
import sys
import webbrowser
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

from symgrad.errors import CheckError, Fault, OutputError, SpecError, SymgradError
from symgrad.files import check_replaceable, origin, other_spec, same, write
from symgrad.formats import FORMATS
from symgrad.targets import TARGETS

FAILED, WRONG, NOT_WRITTEN, INTERRUPTED = 1, 2, 3, 130
EXIT_CODES = """\b
Exit codes:
  0    all is done and checked
  1    a check failed; no code was written
  2    the spec or the command is wrong
  3    the output could not be written
  130  interrupted
"""

_STDOUT = {Path(name) for name in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")}


_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


class Program(click.Group):
    """Commands whose exit codes are those above, whatever happens in them."""

    def main(self, *args: Any, **more: Any) -> Any:
        """All of the program: also what the parser prints by itself."""
        with ending():
            return super().main(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """A command, for which the parser does not see what goes wrong in it."""
        with ending():
            return super().invoke(ctx)


class Place(click.Path):
    """The path of a file or a folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; what can be none of a file is seen here, where the system does not say so."""
        given = os.fspath(value)
        if "\0" in given:
            self.fail(f"{given!r} has a NUL in it", param, ctx)
        if not given.strip():
            self.fail(f"{given!r} is no path", param, ctx)
        if given.endswith(_SEPARATORS) and not self.dir_okay:
            self.fail(f"{given} is a folder, not a file: name a file in it", param, ctx)
        return super().convert(value, param, ctx)


def folder(_: click.Context, option: click.Parameter, path: Path) -> Path:
    """A folder: what ends as a file does is one that was meant for --output."""
    endings = {s for f in FORMATS.values() for s in f.suffixes} | {".py", ".c"}
    if path.suffix.lower() in endings:
        raise click.BadParameter(f"{path} is no folder: a file is --output FILE", param=option)
    return path


@contextmanager
def ending() -> Iterator[None]:
    """What goes wrong as a message on stderr and an exit code."""
    try:
        yield
    except KeyboardInterrupt:
        _end(INTERRUPTED, "interrupted")
    except OutputError as error:
        _end(NOT_WRITTEN, f"error: {error}")
    except SymgradError as error:
        _end(FAILED if isinstance(error, CheckError) else WRONG, f"error: {error}")
    except OSError as error:
        _end(NOT_WRITTEN, f"error: the output could not be written: {_said(error)}")
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        _end(WRONG, f"error: {Fault(error)}")


def _said(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _end(code: int, message: str) -> None:
    with suppress(OSError):  # where stderr is full too, the code has to tell
        click.echo(message, err=True)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):  # or Python tries again, and ends with a code of its own
        _forget_stdout()
    sys.exit(code)


# -- where it goes --------------------------------------------------------------------------------


def is_stdout(output: Path | None) -> bool:
    """Whether the derivation goes to stdout."""
    return output is None or output in _STDOUT


def check_output(output: Path | None, spec: Path, *, force: bool) -> None:
    """An error where the derivation can't go to where it is to: seen before all the work."""
    if output is None or is_stdout(output):
        if sys.stdout is None:
            raise OutputError("stdout is closed", hint="add --output FILE")
        return
    if same(output, spec):
        raise SpecError(
            f"the derivation would replace the spec {spec}", hint="choose another --output"
        )
    check_replaceable(output, force=force)


def check_no_code(output: Path | None) -> None:
    """An error where the derivation would go to a file that is called as one of code is."""
    endings = {Path(f"_{e}").suffix for target in TARGETS.values() for e in target.endings}
    if output is not None and output.suffix.lower() in endings:
        raise SpecError(
            f"{output} is no file for a derivation", hint="the code goes to a folder, --out DIR"
        )


def check_modules(paths: Iterable[Path], spec: Path, output: Path | None, *, force: bool) -> None:
    """An error where one of the generated files of a spec can't go to its place."""
    for path in paths:
        check_module(path, spec, output, force=force)
    check_no_code(output)


def check_module(path: Path, spec: Path, output: Path | None, *, force: bool) -> None:
    """An error where the module of a spec can't go to its place."""
    if same(path, spec):
        raise SpecError(
            f"the generated file would replace the spec {spec}",
            hint=f"choose another folder: --out {path.parent / 'generated'}",
        )
    if output is not None and not is_stdout(output) and same(path, output):
        raise SpecError(
            f"the derivation and the generated file would both be {path}",
            hint="choose another --output, or another folder: --out DIR",
        )
    check_replaceable(path, force=force)
    named = origin(path)
    other = named if named not in ("", spec.name, "another file") else other_spec(path, spec)
    if other and not force:
        raise SpecError(
            f"the file {path} was generated from {other}, and would be replaced by that of {spec}",
            hint="choose another folder with --out, rename one of the specs, or add --force",
        )


def modules_of(spec: Path, out: Path, endings: Sequence[str], *, tests: bool) -> list[Path]:
    """The files to generate: a module called as the spec is, and where asked for its tests."""
    name = re.sub(r"[^0-9a-zA-Z_]", "_", spec.stem)
    for called in (f"{name}{ending}" for ending in endings if ending.endswith(".py")):
        if taken := _taken(called.removesuffix(".py")):
            raise SpecError(
                f"the module of {spec} would be called {called.removesuffix('.py')}, {taken}",
                hint=f"rename the spec, as in my_{name}.py",
            )
    return [*(out / f"{name}{ending}" for ending in endings), *([out / f"test_{name}.py"] * tests)]


def _taken(module: str) -> str:
    """Why no module is to be called so; nothing where one may be."""
    if iskeyword(module) or not module.isidentifier():
        return "which Python can't import"
    if module in _NEEDED or (module in sys.stdlib_module_names and module not in _HARMLESS):
        return "and programs beside it would import it in the place of the one of that name"
    return ""


_NEEDED = {"numpy", "scipy", "sympy", "symgrad", "pytest"}
_HARMLESS = {"test", "this", "antigravity"}
"""Modules of Python's library that nobody imports, and one that many specs are called as."""


def deliver(text: str | bytes, output: Path | None, *, force: bool) -> list[Path]:
    """To a file, which is named then, or to stdout."""
    if output is None or is_stdout(output):
        _print(text)
        return []
    write(output, text, force=force)
    return [output]


@contextmanager
def after(written: Sequence[Path]) -> Iterator[None]:
    """What goes wrong is told together with what was written before."""
    try:
        yield
    except SymgradError as error:
        told = [f"{', '.join(map(str, written))} was written"] if written else []
        error.hint = "; ".join([*told, *([error.hint] if error.hint else [])])
        raise


def again(
    spec: Path, run: Callable[[], None], first: Callable[[], None], *, quiet: bool = False
) -> None:
    """Run, and once more whenever the spec is saved, until it is interrupted.

    ``first`` is called after the first run.  SpecError where nothing is installed that watches.
    """
    try:
        watchfiles = importlib.import_module("watchfiles")
    except ImportError:
        raise SpecError(
            "--watch needs the package watchfiles", hint="pip install 'symgrad[watch]'"
        ) from None
    _run_told(run)
    first()
    if not quiet:
        click.echo(f"watching {spec}: Ctrl-C ends it", err=True)
    place = str(spec.resolve())
    with suppress(KeyboardInterrupt):
        for _ in watchfiles.watch(  # the folder, since editors put another file in the place
            spec.resolve().parent, watch_filter=lambda _, path: path == place, recursive=False
        ):
            _run_told(run)


def _run_told(run: Callable[[], None]) -> None:
    """A run whose errors are told, and end nothing but it."""
    with suppress(SystemExit), ending():
        run()


def open_page(page: Path | None) -> None:
    """Show a page in a browser."""
    if page is not None and webbrowser.open(page.resolve().as_uri()) is False:
        click.echo(f"no browser was found: open {page} in one", err=True)


def renewed(text: str | bytes) -> str | bytes:
    """A page that loads itself again, so that it shows what was written last."""
    if isinstance(text, bytes):
        return text
    charset = '<meta charset="utf-8">'
    return text.replace(charset, f'{charset}\n<meta http-equiv="refresh" content="2">', 1)


def _print(text: str | bytes) -> None:
    """To stdout; a reader that has seen enough is no error."""
    if isinstance(text, bytes) and sys.stdout.isatty():
        raise SpecError("this format is not for a terminal", hint="add --output FILE")
    try:
        click.echo(_encoded(text), nl=not text.endswith("\n") if isinstance(text, str) else False)
    except BrokenPipeError:
        _forget_stdout()
    except OSError as error:
        _forget_stdout()
        raise OutputError(f"stdout could not be written: {_said(error)}") from error


def _encoded(text: str | bytes) -> str | bytes:
    """As files are, in UTF-8, where stdout has another encoding and can't print it."""
    if isinstance(text, bytes):
        return text
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return text.encode()
    return text


def _forget_stdout() -> None:
    """What is left in its buffer goes nowhere, also when Python ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
