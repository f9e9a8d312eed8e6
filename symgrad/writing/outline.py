"""Which sections there are of a derivation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from symgrad.calculus.derivation import Derivation
from symgrad.writing.choice import PARTS, Choice, Numbers
from symgrad.writing.closed import closed_forms
from symgrad.writing.document import Block, Document, Equations, Paragraph, Section
from symgrad.writing.equation_forms import MatrixForm
from symgrad.writing.notation import Notation
from symgrad.writing.sections import along, backward, closed, closing, forward, given, way
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
    if choice.parts:
        return Document("", (Section((), tuple(_of_parts(author)), key="parts"),))
    if choice.closed and not derivation.tangents:
        return _closed(author, title)
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


def _closed(author: Author, title: str) -> Document:
    """What is given, the derivatives in it alone, and remarks."""
    forms = closed_forms(author.derivation, author.notation, author.layout)
    names = tuple(forms.needed())
    author = _of_closed(author, names)
    sections = [closed.closed(author, forms, names), closing.remarks(author)]
    found = [s for s in sections if s is not None]
    return Document(title or "Derivation", (given.given(author, found), *found))


def _of_closed(author: Author, names: Iterable[str]) -> Author:
    """An author that has only the inputs to mention, and the values that closed forms need."""
    inputs = (v.name for v in author.derivation.system.variables)
    return replace(author, shown=frozenset((*inputs, *names)))


def _closed_part(author: Author, name: str) -> Iterator[Block]:
    """A part in which each derivative is in the inputs and parameters alone."""
    derivation = author.derivation
    forms = closed_forms(derivation, author.notation, author.layout)
    needed = tuple(forms.needed())
    author = _of_closed(author, needed)
    adjoint = derivation.adjoint_name.get(name)
    if name in ("given", "remarks"):
        yield from _part(author, name)
    elif name == "forward":
        yield from closed.closed(author, forms, (derivation.system.output,)).blocks
    elif adjoint is not None:
        yield from (Equations((closed.row(author, forms, adjoint),)),)
    else:
        names = [n for n in needed if n != derivation.system.output]
        yield from closed.closed(author, forms, names).blocks


def _of_parts(author: Author) -> Iterator[Block]:
    """The formulas that are asked for, in the order in which they are."""
    for name in author.choice.parts:
        if author.choice.closed and not author.derivation.tangents:
            yield from _closed_part(author, name)
        elif name in PARTS:
            yield from _part(author, name)
        else:
            yield from _derivative(author, name)


def _part(author: Author, name: str) -> Iterator[Block]:
    """What stands in a section and its parts, but what introduces them."""
    made: dict[str, Callable[[Author], Section | None]] = {
        "given": given.given,
        "forward": forward.forward,
        "backward": along.along if author.derivation.tangents else backward.backward,
        "gradients": closing.summary,
        "remarks": closing.remarks,
    }
    section = made[name](author)
    if section is None:
        return
    yield from (b for b in section.blocks if not (section.parts and isinstance(b, Paragraph)))
    for part in section.parts:
        yield from part.blocks


def _derivative(author: Author, value: str) -> Iterator[Block]:
    """The derivative by one value: its steps and the result, or the result alone."""
    alone = Author(
        author.derivation,
        author.notation,
        author.layout,
        author.matrix,
        replace(author.choice, only=(value,), parts=()),
    )
    yield from _part(alone, "backward")
