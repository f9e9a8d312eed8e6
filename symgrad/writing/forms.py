"""The matrix forms of a derivation's equations, in the notation and the layout that are chosen."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import sympy as sp

from symgrad.calculus.derivation import Derivation, forward_and_adjoints
from symgrad.errors import SymgradError
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import entry, indices_of, name_of
from symgrad.mathematics.reductions import LEAVES
from symgrad.writing.author import MatrixForm
from symgrad.writing.letters import unshadowed
from symgrad.writing.matrix_form import matrix_forms, signs
from symgrad.writing.notation import Notation, transposed_axes
from symgrad.writing.printer import Printer
from symgrad.writing.stacks import stacked_form
from symgrad.writing.text import text_pattern
from symgrad.writing.unicode import UnicodePrinter

LONGEST = 100
"""A matrix form with more signs is no easier to read than the index form."""


def forms_of(
    derivation: Derivation, notation: Notation, kind: type[Printer], *, alone: bool = False
) -> MatrixForm:
    """The matrix form of an equation as ``kind`` writes names; else that of its slices.

    ``alone``: it has to be understood by itself, so values that have no name are written in.
    """
    equations: Iterable[Equation] = forward_and_adjoints(derivation)
    if notation.transposes:
        equations = [_transposed(e, notation.names.adjoint_of) for e in equations]
    table = {e.name: e for e in equations}
    known = {v.name: v for v in derivation.system.variables}
    known |= {e.name: Variable(e.name, e.shape, "data") for e in table.values()}
    plain = issubclass(kind, UnicodePrinter)
    shown: Callable[[str], str | None] = in_unicode if plain else str
    symbol = kind(notation.names, {}).symbol
    unnamed = derivation.system.nameless if alone else frozenset()
    unnamed |= {name for value, name in derivation.adjoint_name.items() if value in unnamed}
    typed = {name: step.before for name, step in reversed(derivation.forward_steps)}
    form, form_as_typed = (
        matrix_forms(
            derivation.system.variables,
            equations,
            lambda name: _as_fraction(symbol(name), plain),
            unnamed,
        )
        for equations in (
            table.values(),
            [replace(e, rhs=typed.get(e.name, e.rhs)) for e in table.values()],
        )
    )

    def shorter(name: str) -> str | None:
        """Of the equation as it is typed and as it is computed."""
        found = []
        for one in (form_as_typed, form) if name in typed else (form,):
            with contextlib.suppress(SymgradError):  # nothing that can be computed as one matrix
                found.append(one(name))
        return min(filter(None, found), key=len, default=None)

    stacks = not notation.names.axes.get(derivation.system.output) and not notation.transposes

    def sliced(name: str) -> tuple[str, str] | None:
        equation = replace(table[name], rhs=unshadowed(table[name].rhs))
        printer = kind(notation.names, notation.letters.assign(equation.rhs, equation.indices))
        found = stacked_form(
            equation,
            known,
            lambda name, at: _as_fraction(printer.entry(name, at).text, plain),
            printer.text,
        )
        text = found and shown(found.text)
        again = text == printer.text(equation.rhs)
        return (printer.entry(name, found.at).text, text) if found and text and not again else None

    @functools.cache
    def written(name: str) -> tuple[str, str] | None:
        if name not in table:
            return None
        latex = shorter(name)
        if latex and not alone and signs(latex) > LONGEST:
            return None
        whole = (symbol(name), shown(latex)) if latex else None
        left, text = whole or (stacks and sliced(name)) or ("", None)
        return (left, text) if text else None

    return written


def _transposed(equation: Equation, adjoints: Iterable[str]) -> Equation:
    """The equation with every derivative transposed; a vector becomes a row."""
    names = frozenset(adjoints)
    found = (a for a in equation.rhs.atoms(sp.Indexed) if name_of(a) in names)
    rhs = equation.rhs.xreplace(
        {a: entry(name_of(a), transposed_axes(indices_of(a))) for a in found}
    )
    if equation.name not in names:
        return equation
    return replace(equation, indices=transposed_axes(equation.indices), rhs=rhs)


def _as_fraction(symbol: str, plain: bool) -> str:
    """A name for the matrix form, which puts brackets around what it knows as a fraction."""
    if not plain or "/" not in symbol:
        return symbol
    above, _, below = symbol.partition("/")
    return rf"\frac{{{above}}}{{{below}}}"


_UNICODE = (
    *(
        (rf"\\{sign[1]}(?=\\left\(|\()", leaf.cls.__name__)
        for leaf in LEAVES.values()
        if (sign := re.match(r"\\(\w+'?)\(", leaf.latex))
        and text_pattern(leaf.latex, leaf.cls.__name__).startswith(f"{leaf.cls.__name__}(")
    ),
    (r"\\sum_\{([^{}]*)\}", r"Σ_\1"),
    (r"\\left\\lVert *| *\\right\\rVert", "‖"),
    (r"\\frac\{(∂[^{}]*)\}\{(∂[^{}]*)\}", r"\1/\2"),
    (r"\\(left|right|displaystyle)(?![a-zA-Z])", ""),
    (r"\\mathbf\{1\}", "𝟏"),
    (r"\^\{\\top\}", "ᵀ"),
    (r"\^\{-\\top\}", "⁻ᵀ"),
    (r"\^\{-1\}", "⁻¹"),
    (r"\\odot", "⊙"),
    (r"\\oslash", "⊘"),
    (r"\\[lr]Vert(?![a-zA-Z])", "‖"),
    (r"\\[lr]vert(?![a-zA-Z])", "|"),
    (r"\\operatorname\{(\w+)\}", r"\1"),
    (r"\\text\{([^{}]*)\}", r"\1"),
    (r"\\le(?![a-z])", "≤"),
    (r"\\ge(?![a-z])", "≥"),
    (r"\\(times|cdot)(?![a-z])", "·"),
    (r"\^\{\\circ (-?[\d/]+)\}", r"^∘\1"),
    (r"\^\{?2\}?", "²"),
    (r"\^\{([^{}]*)\}", r"^\1"),
    (r"_\{([^{}]*)\}", r"_\1"),
    (r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)"),
    (r"\\t?frac\{([\w.²]+)\}\{([\w.²]+)\}", r"\1/\2"),
    (r"\\t?frac\{([\w.²]+)\}\{([^{}]*)\}", r"\1/(\2)"),
    (r"\\t?frac\{([^{}]*)\}\{([\w.²]+)\}", r"(\1)/\2"),
    (r"\\t?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)"),
    (r"\\([a-zA-Z]+)", r"\1"),
)


def in_unicode(latex: str) -> str | None:
    """A matrix form as one line of text; None where it needs more than a line."""
    for pattern, replacement in _UNICODE:
        latex = re.sub(pattern, replacement, latex)
    return None if re.search(r"[{}\\]", latex) else re.sub(r" +", " ", latex)
