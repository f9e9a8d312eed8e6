"""What a prompt and a notebook show of an array: its shape, or the equations that lead to it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from symgrad.errors import SymgradError
from symgrad.formats.text import formula as in_one_line
from symgrad.language.array import Array, latex_of, text_of
from symgrad.language.tracing import names_in, trace
from symgrad.language.wrt import free_name
from symgrad.mathematics.equations import System
from symgrad.writing.line import Line
from symgrad.writing.notation import Notation


def displayed(equations: Sequence[str]) -> str:
    """Equations as a notebook shows them, lined up at their equals signs."""
    lines = r" \\ ".join(e.replace(" = ", " &= ", 1) for e in equations)
    return rf"$\displaystyle \begin{{aligned}} {lines} \end{{aligned}}$"


@latex_of.register
def _latex_of(array: Array) -> str:
    """An input and its shape, or the equations that lead from the inputs to a value.

    Values are called as the variables of the main program, which is the notebook, are.
    """
    if array.variable is not None:
        system = System((array.variable,), (), array.variable.name)
        symbol = Notation(system).symbol(array.variable.name)
        power = r" \times ".join(str(s) for s in array.shape)
        field = {"float": r"\mathbb{R}", "int": r"\mathbb{Z}", "bool": r"\{0, 1\}"}[array.kind]
        return rf"${symbol} \in {field}^{{{power}}}$" if power else rf"${symbol} \in {field}$"
    system = _system_at_prompt(array)
    notation = Notation(system)
    return displayed([notation.latex_equation(e) for e in system])


MOST_LINES = 8
"""So many equations of a value are shown at a prompt, the last of those that lead to it."""


@text_of.register
def _text_of(array: Array) -> str | None:
    """The same as text; None where the equations can't be read as they are."""
    if array.variable is not None:
        power = "×".join(map(str, array.shape))
        power = f"^({power})" if array.ndim > 1 else f"^{power}" if power else ""
        field = {"float": "ℝ", "int": "ℤ", "bool": "{0, 1}"}[array.kind]
        return f"{array.variable.name} ∈ {field}{power}"
    try:
        system = _system_at_prompt(array)
    except SymgradError:
        return None
    notation = Notation(system)
    lines = [in_one_line(notation.equation(Line, e)) for e in system]
    before = ["…"] if len(lines) > MOST_LINES else []
    return "\n".join([*before, *lines[-MOST_LINES:]])


def _system_at_prompt(array: Array) -> System:
    """The equations that lead to a value, called as the variables of the main program are."""
    names = names_in(vars(sys.modules["__main__"]))
    if not any(a is array for a in names.values()):
        names = {**names, free_name("value", names): array}
    return trace(array, names)
