"""What a spec does to the process that it runs in: kept from what is printed afterwards."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from symgrad.errors import SpecError


class _Stream:
    """A stream of text in the place of stdout or stderr; that it is closed closes nothing."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def close(self) -> None:
        """What has been written so far is there."""
        self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def apart() -> Iterator[list[BaseException]]:
    """Run a spec: what it prints goes to stderr, and what it closes is open again afterwards.

    The exceptions that end its threads are given in a list.
    """
    errors = _Stream(sys.stderr)
    with (
        contextlib.redirect_stdout(errors),
        contextlib.redirect_stderr(errors),
        _descriptors(),
        _folder(),
        _no_way_out(),
        _threads() as raised,
    ):
        yield raised


@contextlib.contextmanager
def _descriptors() -> Iterator[None]:
    """What programs print that a spec starts goes to stderr too."""
    kept: dict[int, int] = {}
    for number in (1, 2):
        with contextlib.suppress(OSError):  # it was closed before
            kept[number] = os.dup(number)
    try:
        if len(kept) == 2:
            os.dup2(2, 1)
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)


@contextlib.contextmanager
def _folder() -> Iterator[None]:
    """The folder that one is in is so again afterwards: paths of the command are from there."""
    try:
        before = Path.cwd()
    except FileNotFoundError:  # it was removed before
        yield
        return
    try:
        yield
    finally:
        try:
            os.chdir(before)
        except OSError as error:
            raise SpecError(
                f"the folder {before} is not there any more once the spec has run",
                hint="leave the folder where it is",
            ) from error


@contextlib.contextmanager
def _no_way_out() -> Iterator[None]:
    """``os._exit`` is the end of the spec, and not of the process; in a fork it is what it was."""
    leave, process = os._exit, os.getpid()

    def ended(status: int = 0) -> NoReturn:
        if os.getpid() != process:
            leave(status)
        raise SystemExit(status)

    os._exit = ended
    try:
        yield
    finally:
        os._exit = leave


@contextlib.contextmanager
def _threads() -> Iterator[list[BaseException]]:
    """What ends threads; those that were started in the block are given a second to end."""
    raised: list[BaseException] = []
    hook: Callable[[Any], Any] = threading.excepthook
    before = set(threading.enumerate())
    threading.excepthook = lambda ended: raised.append(ended.exc_value or ended.exc_type())
    try:
        yield raised
        for thread in set(threading.enumerate()) - before:
            if not thread.daemon:
                thread.join(1)
    finally:
        threading.excepthook = hook
