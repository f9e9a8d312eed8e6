"""Which sections there are of a derivation."""

from __future__ import annotations

from symgrad.calculus.derivation import Derivation
from symgrad.writing.choice import Choice, Numbers
from symgrad.writing.document import (
    Document,
)
from symgrad.writing.equation_forms import MatrixForm
from symgrad.writing.notation import Notation
from symgrad.writing.sections import along, backward, closing, forward, given, way
from symgrad.writing.sections.author import Author
from symgrad.writing.sections.computed import computed
from symgrad.writing.writer import Writer


def document(
    derivation: Derivation,
    notation: Notation,
    layout: type[Writer],
    *,
    matrix: MatrixForm | None = None,
    numbers: Numbers | None = None,
    choice: Choice | None = None,
    title: str = "",
) -> Document:
    """The derivation as a document whose formulas are set as in ``layout``."""
    choice = (choice or Choice()).checked(derivation)
    author = Author(derivation, notation, layout, matrix or (lambda name: None), choice)
    leads = author.way is not None and author.way.value != derivation.system.output
    sections = [way.way(author, author.way)] if author.way and leads else []
    shown = along.shown_tangents(author) if derivation.tangents else backward.shown_adjoints(author)
    sections.append(forward.forward(author, computed(author, shown)))
    back = along.along(author) if derivation.tangents else backward.backward(author)
    sections += [back] if back.blocks or back.parts else []
    short = choice.explain or choice.detail == "brief" or derivation.tangents
    sections += [] if short else [closing.summary(author)]
    sections += [s for s in (closing.remarks(author),) if s is not None]
    sections += [closing.example(author, numbers)] if numbers else []
    first = given.given(author, sections)  # last, when all letters have been given out
    return Document(title or "Derivation", (first, *sections))
