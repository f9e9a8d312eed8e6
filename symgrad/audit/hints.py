"""What to add to the command line, where a program is not run as it has to be."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from symgrad.audit.form import BACKWARD, Form, definitions
from symgrad.audit.names import inputs_called
from symgrad.audit.reference import Truth
from symgrad.audit.runner import NotRun, Run
from symgrad.audit.source import Source
from symgrad.audit.values import Value
from symgrad.errors import SpecError, SymgradError

_GRADIENT = re.compile(r"grad|back|deriv|bprop|loss|cost|step|train|vjp", re.IGNORECASE)
"""How functions are called that give gradients."""

MOST = 3


def commands(source: Source, inputs: Collection[str]) -> str:
    """The command lines that audit a function or a class of a file, the likeliest first."""
    found = definitions(source.tree)
    classes = [n for n in found.values() if isinstance(n, ast.ClassDef)]
    options = [*_of_classes(classes), *_of_functions(found, inputs)]
    lines = [f"symgrad audit SPEC {source.file} {option}" for option in options[:MOST]]
    return " or ".join(lines)


def _of_classes(classes: Collection[ast.ClassDef]) -> Iterator[str]:
    """Options for classes that have a backward pass."""
    for node in classes:
        methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
        if set(BACKWARD[:6]) & methods.keys():
            yield f'--class {node.name} --setup "{call(node)}"'


def call(node: ast.ClassDef) -> str:
    """How an object of a class is made, with the names of the arguments that it needs."""
    made = (m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__init__")
    arguments = next((m.args for m in made), None)
    names = [a.arg for a in arguments.args[1:]] if arguments else []
    needed = names[: len(names) - len(arguments.defaults)] if arguments else []
    return f"{node.name}({', '.join(needed)})"


def _of_functions(
    found: dict[str, ast.FunctionDef | ast.ClassDef], inputs: Collection[str]
) -> list[str]:
    """Options for functions, those first that are called like a pass and take what the spec has."""
    ranked = []
    for name, node in found.items():
        if isinstance(node, ast.FunctionDef) and "." not in name:
            asked = [a.arg for a in (*node.args.args, *node.args.kwonlyargs)]
            taken = sum(any(True for _ in inputs_called(v, asked)) for v in inputs)
            ranked.append((not _GRADIENT.search(name), -taken, name))
    fitting = [r for r in ranked if not r[0] or r[1]]
    return [f"--function {name}" for _, _, name in sorted(fitting)]


def otherwise(source: Source, form: Form, inputs: Collection[str]) -> str:
    """What to say of functions and classes of a file that is run as a script."""
    found = commands(source, inputs) if form.script else ""
    return f"perhaps {found}" if found else ""


def not_run(source: Source, form: Form, run: Run) -> NotRun:
    """The error of a program that could not be run."""
    kind, what, line = run.error or run.ended or ("", "", 0)
    made = next((call.split("(")[0] for kind, call in form.calls if kind == "object"), "")
    called = next((told(call) for kind, call in form.calls if kind == "function"), "")
    said = f"it was called as {called}: --inputs NAME=ARGUMENT says otherwise" if called else ""
    return NotRun(
        f"{source.file} could not be run: {kind}: {what}",
        where=source.spot(line) if line else None,
        hint=setup(source, made, what)
        or BY_ERROR.get(kind, said or "it has to run by itself, in a copy of its folder"),
    )


def or_not_run(error: SpecError, source: Source, form: Form, run: Run) -> SymgradError:
    """The error of a program in which something is missing; it may have ended before that."""
    return not_run(source, form, run) if run.error or run.ended else error


def nothing(form: Form, run: Run) -> str:
    """What is said where no gradient was found."""
    called = [call[0] for kind, call in form.calls if kind == "function"]
    if called and run.out is None:
        return f"{called[0]} gave back None, and left no gradients in its arguments"
    return "nothing was found that is called like a gradient"


def of_a_script(source: Source, run: Run) -> list[str]:
    """What is to be said of how a script runs; what an error leaves of it is audited."""
    modules = dict.fromkeys(run.missing)
    found = [f"{module} could not be imported, and is not needed" for module in modules]
    if run.cut:
        told = f"of the loop in {source.named(run.cut)} the first step is audited"
        found.append(
            f"{told}: gradients that add up over steps, or a short last batch, aren't seen"
        )
    if run.error is None or not stop_of(run):
        return found
    kind, what, line = run.error
    where = source.named(line)
    return [*found, f"it stops at {where}: {kind}: {what}; the audit is of what is before"]


def stop_of(run: Run) -> tuple[str, int] | None:
    """The error that ends a script in one of its lines, and the line."""
    return (run.error[0], run.error[2]) if run.error and run.error[2] else None


def outside(form: Form) -> list[str]:
    """What is to be said of variables of the file that a function reads."""
    held = dict(form.calls).get("variables", {})
    found = [code if code == name else f"{name} is {code}" for code, name in held.items()]
    return [f"taken from the variables of the file: {', '.join(found)}"] if found else []


def all_scaled(values: Sequence[Value], wrt: Collection[str], truths: Sequence[Truth]) -> list[str]:
    """What is to be said of gradients that are all the same number of times too large."""
    scaled = [v for v in values if v.name in wrt and v.scaled]
    ratios = np.array([v.ratios for v in scaled if not v.right], dtype=float)
    if len(ratios) < 2 or {v.name for v in scaled} != {*wrt} or np.ptp(ratios, 0).max() > 1e-6:
        return []
    sizes: dict[str, list[float]] = {n: [t.sizes[n] for t in truths] for n in truths[0].sizes}
    sizes |= {f"1/{n}": [1 / k for k in numbers] for n, numbers in sizes.items()}
    first = ratios[0]
    called = (n for n, numbers in sizes.items() if np.allclose(first, numbers, rtol=1e-9))
    number = next(called, f"{first[0]:g}" if np.allclose(first, first[0], rtol=1e-9) else "")
    return [f"all gradients are {number} times what they ought to be"] if number else []


def told(call: tuple[str, dict[str, Any]]) -> str:
    """A call, with the inputs that its arguments get."""
    name, arguments = call
    given = (f"{a}={v if isinstance(v, str) else _names(v)}" for a, v in arguments.items())
    return f"{name}({', '.join(given)})".replace("*=", "*")


def _names(held: Any) -> str:
    """What an argument holds, the inputs by their names."""
    if isinstance(held, dict):
        return "{" + ", ".join(f"{k!r}: {_names(v)}" for k, v in held.items()) + "}"
    if isinstance(held, tuple):
        return f"{'all of ' + ', '.join(held[1]) if held[0] == 'flat' else 'what came before'}"
    return held if isinstance(held, str) else f"({', '.join(map(_names, held))})"


BY_ERROR = {
    "ImportError": "install it beside symgrad, or leave out what needs it",
    "ModuleNotFoundError": "install it beside symgrad, or leave out what needs it",
    "FileNotFoundError": "its files have to be in its folder, which is copied",
    "EOFError": "nobody answers while it is audited: write the answer in place of input()",
}
"""What to do, by the name of the error."""


def setup(source: Source, name: str, error: str) -> str:
    """What makes an object of a class, where it can't be made without arguments."""
    node = definitions(source.tree).get(name)
    if not isinstance(node, ast.ClassDef) or "missing" not in error or "argument" not in error:
        return ""
    return f'say how one is made, with numbers: --setup "{call(node)}"'
