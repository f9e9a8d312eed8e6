"""The matrix forms of a derivation's equations, in the notation and the layout that are chosen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import sympy as sp

from symgrad.author import MatrixForm
from symgrad.derivation import Derivation
from symgrad.equations import Equation
from symgrad.errors import SymgradError
from symgrad.indices import entry, indices_of, name_of
from symgrad.leaves import LEAVES
from symgrad.notation import Notation, transposed_axes
from symgrad.scenes import forward_and_adjoints
from symgrad.targets.matrix import matrix_forms
from symgrad.writing.printer import Printer
from symgrad.writing.unicode import UnicodePrinter


def forms_of(derivation: Derivation, notation: Notation, kind: type[Printer]) -> MatrixForm:
    """The right-hand side of an equation in matrix form, as ``kind`` writes names."""
    equations: Iterable[Equation] = forward_and_adjoints(derivation)
    if notation.transposes:
        equations = [_transposed(e, notation.names.adjoint_of) for e in equations]
    plain = issubclass(kind, UnicodePrinter)
    symbol = kind(notation.names, {}).symbol
    unnamed = derivation.system.invented
    unnamed |= {name for value, name in derivation.adjoint_name.items() if value in unnamed}
    form = matrix_forms(
        derivation.system.variables, equations, _as_fraction(symbol, plain), unnamed
    )

    def written(name: str) -> str | None:
        try:
            latex = form(name)
        except (SymgradError, LookupError):  # nothing that can be computed as one matrix
            return None
        return in_unicode(latex) if latex and plain else latex

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


def _as_fraction(symbol: Callable[[str], str], plain: bool) -> Callable[[str], str]:
    """Names for the matrix form, which puts brackets around what it knows as a fraction."""

    def named(name: str) -> str:
        text = symbol(name)
        if not plain or "/" not in text:
            return text
        above, _, below = text.partition("/")
        return rf"\frac{{{above}}}{{{below}}}"

    return named


_UNICODE = (
    *(
        (rf"\\{sign[1]}(?=\\left\(|\()", leaf.cls.__name__)
        for leaf in LEAVES.values()
        if (sign := re.match(r"\\(\w+'?)\(", leaf.latex))
    ),
    (r"\\left\\lVert *| *\\right\\rVert", "‖"),
    (r"\\frac\{(∂[^{}]*)\}\{(∂[^{}]*)\}", r"\1/\2"),
    (r"\\(left|right|displaystyle)(?![a-zA-Z])", ""),
    (r"\\mathbf\{1\}", "𝟏"),
    (r"\^\{\\top\}", "ᵀ"),
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
    (r"\\t?frac\{([\w.]+)\}\{([\w.]+)\}", r"\1/\2"),
    (r"\\t?frac\{([\w.]+)\}\{([^{}]*)\}", r"\1/(\2)"),
    (r"\\t?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)"),
    (r"\\([a-zA-Z]+)", r"\1"),
)


def in_unicode(latex: str) -> str | None:
    """A matrix form as one line of text; None where it needs more than a line."""
    for pattern, replacement in _UNICODE:
        latex = re.sub(pattern, replacement, latex)
    return None if re.search(r"[{}\\]", latex) else re.sub(r" +", " ", latex)
