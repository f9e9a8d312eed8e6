"""What the pages take from the program itself: the tables of the language, and the commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator

import click
import numpy as np
import sympy as sp

from symgrad.cli import main
from symgrad.language.elementwise import BITWISE, BOOLEAN, ELEMENTWISE
from symgrad.language.registry import FUNCTIONS, METHODS, UFUNCS, public_name
from symgrad.mathematics.equations import System, Variable
from symgrad.mathematics.reductions import LEAVES, REDUCTIONS
from symgrad.targets.array_api.functions import LACKED
from symgrad.writing.notation import Notation

_ARGUMENTS = sp.symbols("x y z", real=True)
_NOTATION = Notation(System(tuple(Variable(a.name, (), "data") for a in _ARGUMENTS), (), "x"))
_GROUPS = {
    "reductions": "Along axes",
    "contractions": "Sums of products",
    "shapes": "Shapes",
    "turning": "Axes turned and put together",
    "joining": "Joined and cut apart",
    "padding": "Padded",
    "sequences": "Sequences",
    "polynomials": "Polynomials",
    "statistics": "Statistics and order",
    "norms": "Norms",
    "rounding": "Whole numbers, real numbers",
    "diagonals": "Diagonals and triangles",
    "indexing": "Entries",
    "linalg": "Linear algebra",
    "elementwise": "Entry by entry",
}


def elementwise() -> str:
    """Every function of numbers that has a derivative: its value, its slopes, its kinks."""
    smooth = sorted(name for name in ELEMENTWISE if name not in BOOLEAN)
    rows = [_elementwise_row(name) for name in smooth]
    return _table(("Function", "Value", "Derivatives"), rows)


def _elementwise_row(name: str) -> tuple[str, str, str]:
    function = ELEMENTWISE[name]
    arguments = _ARGUMENTS[: _arity(name, function)]
    value = function(*arguments)
    slopes = ", ".join(_inline(value.diff(a)) for a in arguments)
    signature = ", ".join(a.name for a in arguments)
    return (f"`{public_name(name)}({signature})`", _inline(value), slopes)


def _arity(name: str, function: Callable[..., sp.Expr]) -> int:
    ufunc = getattr(np, name, None)
    if isinstance(ufunc, np.ufunc):
        return ufunc.nin
    known = isinstance(function, type) and function in LEAVES
    return len(LEAVES[function].domain if known else inspect.signature(function).parameters)  # type: ignore[index]


def _inline(expr: sp.Expr) -> str:
    text = _NOTATION.latex(expr).replace(r"\|", r"\Vert ").replace("|", r"\vert ")
    return f"${text.strip()}$"  # a bar would end the cell of the table


def conditions() -> str:
    """The functions whose values are true or false."""
    return ", ".join(f"`np.{name}`" for name in sorted({*BOOLEAN, *BITWISE}))


def functions() -> str:
    """NumPy's other functions, in groups, each with what it does."""
    return "\n\n".join(f"### {title}\n\n{_group(key)}" for key, title in _GROUPS.items())


def _group(key: str) -> str:
    members = {n: f for n, f in FUNCTIONS.items() if f.__module__.rpartition(".")[2] == key}
    return _table(("Function", "What it is"), sorted(_rows(members)))


def _rows(members: dict[str, Callable[..., object]]) -> Iterator[tuple[str, str]]:
    for name, function in members.items():
        yield f"`{public_name(name)}`", _says(name, function)


_UNSAID = {
    "sum": "The sum of the entries.",
    "max": "The largest entry.",
    "amax": "The largest entry.",
    "min": "The smallest entry.",
    "amin": "The smallest entry.",
    "prod": "The product of the entries.",
}
"""What functions do that share one text."""


def _says(name: str, function: Callable[..., object]) -> str:
    text = _UNSAID.get(name) or inspect.getdoc(function) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`").replace("|", r"\|")


def methods() -> str:
    """The methods of arrays."""
    return _listed(f"`.{name}()`" for name in METHODS if not name.startswith("_"))


def ufunc_methods() -> str:
    """The methods of ufuncs."""
    return _listed(f"`np.{name}`" for name in UFUNCS if "." in name)


def kinks() -> str:
    """What is taken where a function has no derivative."""
    stated = [
        *(leaf.convention for leaf in LEAVES.values()),
        *(leaf.convention for leaf in REDUCTIONS.values()),
    ]
    return "\n".join(f"- {convention}" for convention in stated if convention)


def commands() -> str:
    """The commands, as ``--help`` tells of them."""
    return "\n\n".join(map(_command, main.commands.values()))


def _command(command: click.Command) -> str:
    name = f"symgrad {command.name}"
    context = click.Context(command, info_name=name)
    says = inspect.cleandoc(command.help or "")
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    records = filter(None, (p.get_help_record(context) for p in command.params))
    rows = [(f"`{option}`", _cell(text)) for option, text in records if text]
    examples = [line.strip() for line in (command.epilog or "").splitlines()[2:]]
    shown = "\n".join(examples)
    table = _table(("Option", "What it does"), rows)
    return f"## {name}\n\n{says}\n\n```text\n{usage}\n```\n\n{table}\n\n```text\n{shown}\n```"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def lacked() -> str:
    """What files of the array API define for themselves, and what of."""
    rows = [
        (what, ", ".join(f"`_{name}`" for name in names), made_of)
        for what, (names, made_of) in LACKED.items()
    ]
    return _table(("The standard lacks", "In the file", "Made of"), rows)


TABLES = {
    f.__name__: f
    for f in (elementwise, lacked, conditions, functions, methods, ufunc_methods, kinks, commands)
}
"""Every table by the name that a page asks for it by."""
