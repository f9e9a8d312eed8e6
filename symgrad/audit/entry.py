"""The audit as it is called: of a file, or of a function."""

from __future__ import annotations

import ast
import inspect
import math
import os
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from symgrad.audit import guards, labels, orders
from symgrad.audit.auditing import Auditor
from symgrad.audit.findings import Audit
from symgrad.audit.form import Form, form_of
from symgrad.audit.reference import Reference
from symgrad.audit.runner import CHILD
from symgrad.audit.source import Source, needed, plain, read
from symgrad.audit.steps import with_changes, with_steps
from symgrad.audit.story import told
from symgrad.errors import SpecError, perhaps
from symgrad.face import Derivation, derive
from symgrad.language.array import Array
from symgrad.language.tracing import names_in

Code = str | Path | Callable[..., Any]


def audit(
    loss: Array | Derivation,
    code: Code,
    *,
    function: str | None = None,
    cls: str | None = None,
    setup: str = "",
    inputs: Mapping[str, str] | None = None,
    match: Mapping[str, str] | None = None,
    timeout: float = 60,
    seed: int = 0,
) -> Audit:
    """A backward pass that somebody wrote by hand, against the derived one.

    ``code``: a function that gives gradients back, or a file: a script or a notebook whose
    variables hold them, or with ``function`` one that has such a function, or with ``cls`` a class
    with forward and backward methods, which ``setup`` makes an object of (``"Net(4, 5)"``).
    ``inputs`` and ``match``: what an input, and the gradient by a value, is called in the code,
    where that can't be told.

    The code is run in a process of its own, at points of the audit's own beside the author's;
    ``seed`` draws others.  ``timeout`` is how many seconds of the processor it may take; searching
    for repairs ends with them.  SymgradError where the audit can't be made.
    """
    names = {} if isinstance(loss, Derivation) else _callers_names()
    derivation = loss if isinstance(loss, Derivation) else with_values(loss, names)
    source, called, seeds = _source(code, function, cls)
    return made(
        derivation,
        source,
        function=called,
        cls=cls,
        setup=setup,
        inputs=inputs,
        match=match,
        timeout=timeout,
        seed=seed,
        seeds=seeds,
    )


def with_values(loss: Array, names: Mapping[str, Array], wrt: Any = None) -> Derivation:
    """The derivation of a loss, with the derivatives by all values that have names."""
    first = derive(loss, wrt, names)
    values = [e.name for e in first.typed if e.name in names and e.name != first.typed.output]
    return derive(loss, wrt, names, also=values)


def made(
    derivation: Derivation,
    source: Source,
    *,
    function: str | None,
    cls: str | None,
    setup: str,
    inputs: Mapping[str, str] | None,
    match: Mapping[str, str] | None,
    timeout: float,
    seed: int,
    example: Mapping[str, Any] | None = None,
    seeds: Mapping[str, Any] | None = None,
) -> Audit:
    """The audit of a source."""
    _check_numbers(timeout, seed)
    reference = Reference(derivation)
    inputs, match = spelled(inputs, "inputs"), spelled(match, "match")
    _check(inputs, reference.inputs, "inputs")
    _check(match, reference.gradient_of, "match")
    form = form_for(derivation, source, function=function, cls=cls, setup=setup, inputs=inputs)

    def auditor_of(form: Form, reference: Reference = reference) -> Auditor:
        return Auditor(
            reference,
            source,
            form,
            match=match,
            inputs=inputs,
            example=example,
            seeds=seeds or {},
            timeout=timeout,
            seed=seed,
        )

    form = orders.best(form, inputs, lambda f: auditor_of(f).right(), len(derivation.wrt))
    form = orders.that_runs(form, source.tree, reference.inputs, inputs, auditor_of)
    labels.settle(reference, source.tree, form, lambda: auditor_of(form).right())
    settled = guards.settled(reference, lambda r: auditor_of(form, r).right())
    return labels.with_two(settled, form, lambda: audited(auditor_of(form, settled)), timeout)


def audited(auditor: Auditor) -> Audit:
    """What an auditor finds."""
    return told(auditor, auditor.run())


def form_for(
    derivation: Derivation,
    source: Source,
    *,
    function: str | None,
    cls: str | None,
    setup: str,
    inputs: Mapping[str, str] | None,
) -> Form:
    """The form of a source, and how it is called."""
    _check_setup(setup, cls)
    names = [v.name for v in derivation.typed.variables if v.role != "constant"]
    form = form_of(
        source, names, params=derivation.wrt, function=function, cls=cls, setup=setup, given=inputs
    )
    if cls is not None:
        return with_changes(form, source, derivation.wrt, cls)
    return with_steps(form, source, derivation.wrt) if function else form


def spelled(asked: Mapping[str, str] | None, what: str) -> dict[str, str]:
    """What is asked for, its code as records spell it: ``p["W1"]`` is ``p['W1']``."""
    found: dict[str, str] = {}
    for name, code in (asked or {}).items():
        if not isinstance(code, str):
            raise SpecError(f"{what} has {code!r} for {name}", hint="give the name in the code")
        try:
            found[name] = ast.unparse(ast.parse(code.strip(), mode="eval"))
        except (SyntaxError, ValueError):
            found[name] = code
    return found


def _check_numbers(timeout: float, seed: int) -> None:
    """SpecError of numbers that no audit can have."""
    if not isinstance(timeout, (int, float)) or not 0 < timeout < math.inf:
        raise SpecError(f"timeout is {timeout!r}", hint="give a number of seconds above 0")
    if not isinstance(seed, int) or seed < 0:
        raise SpecError(f"seed is {seed!r}", hint="give a whole number from 0 on")


def _check_setup(setup: str, cls: str | None) -> None:
    """SpecError where what makes an object is not Python, or of no class."""
    if not setup:
        return
    if cls is None:
        raise SpecError(f"setup is {setup!r}, and no class is given", hint="add --class NAME")
    try:
        ast.parse(setup, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise SpecError(
            f"setup is {setup!r}, which is not valid Python", hint='write a call: "Net(4, 5)"'
        ) from None


def _check(asked: Mapping[str, str], known: Mapping[str, Any], what: str) -> None:
    for name in asked:
        if name not in known:
            raise SpecError(
                f"{what} has {name!r}, which the spec has not", hint=perhaps(name, known)
            )


def _callers_names() -> dict[str, Array]:
    """The values among the variables of whoever called the library."""
    frame = sys._getframe(2)
    found = names_in({**frame.f_globals, **frame.f_locals})
    return {n: array for n, array in found.items() if array.variable is None and n.isidentifier()}


# -- functions ------------------------------------------------------------------------------------


def _source(
    code: Code, function: str | None, cls: str | None
) -> tuple[Source, str | None, dict[str, Any]]:
    """The text of what is audited, the function in it that is called, and what it reads beside."""
    if CHILD in os.environ:
        raise SpecError("an audit is called in a program that is audited")
    if isinstance(code, (str, Path)):
        return read(Path(code)), function, {}
    if function is not None or cls is not None:
        what = "cls" if function is None else "function"
        raise SpecError(f"{what} is for a file, and code is a function", hint="leave it out")
    if not isinstance(code, FunctionType):
        raise SpecError("code is neither a file nor a function", hint="give a path, or a function")
    if code.__name__ == "<lambda>":
        raise SpecError("a lambda has no lines of its own", hint="write it as a function, with def")
    file = inspect.getsourcefile(code)
    plain_name = "<" not in code.__qualname__
    if file is not None and Path(file).suffix == ".py" and Path(file).exists() and plain_name:
        return needed(read(Path(file)), code.__qualname__), code.__qualname__, {}
    return _alone(code)


def _alone(code: FunctionType) -> tuple[Source, str | None, dict[str, Any]]:
    """A function of a notebook, or in another function, with those that it calls."""
    space = {**code.__globals__, **inspect.getclosurevars(code).nonlocals}
    found: dict[str, tuple[str, int]] = {}
    seeds: dict[str, Any] = {}
    imports: list[str] = []
    _collect(code, space, found, seeds, imports)
    named = [(text, -k) for k, text in enumerate(dict.fromkeys(imports))]
    parts = [*named, *reversed(found.values())]
    text = "\n".join(part for part, _ in parts)
    numbers = [first + k for part, first in parts for k in range(part.count("\n") + 1)]
    file = inspect.getsourcefile(code) or code.__name__
    shown = Path(file).name if Path(file).exists() else code.__name__
    given = numbers if len(set(numbers)) == len(numbers) else ()  # cells have lines alike
    return plain(shown, text, given=given), code.__name__, seeds


def _collect(
    code: FunctionType,
    space: Mapping[str, Any],
    found: dict[str, tuple[str, int]],
    seeds: dict[str, Any],
    imports: list[str],
) -> None:
    try:
        text = textwrap.dedent(inspect.getsource(code))
    except OSError:
        raise SpecError(f"the text of {code.__name__} is not known", hint="give a file") from None
    found[code.__name__] = text.rstrip("\n"), max(1, inspect.getsourcelines(code)[1])
    names = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    for name in sorted(names & space.keys() - {code.__name__}):
        value = space[name]
        if isinstance(value, ModuleType):
            imports.append(f"import {value.__name__} as {name}")
        elif isinstance(value, FunctionType) and name not in found:
            inner = {**value.__globals__, **inspect.getclosurevars(value).nonlocals}
            if value.__module__ not in (code.__module__, "__main__"):
                imports.append(f"from {value.__module__} import {value.__name__} as {name}")
            else:
                _collect(value, inner, found, seeds, imports)
        elif isinstance(value, (int, float, str, list, tuple, dict)) or hasattr(value, "dtype"):
            seeds[name] = value


__all__ = ["audit", "form_for", "made", "with_values"]
