"""What is said of values that are other functions as they are computed than as they were typed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symgrad.calculus.derivation import Adjoint, Tangent
from symgrad.mathematics.indices import entries, name_of
from symgrad.writing.document import Math, Paragraph, Prose
from symgrad.writing.sections.author import Author
from symgrad.writing.way import above


def computed(author: Author, shown: Iterable[Adjoint | Tangent]) -> list[Paragraph]:
    """What the signs mean that these derivatives are written with, such as a tilde."""
    used = {name for derivative in shown for name in _used(author, derivative)}
    names, slopes = author.notation.names, author.derivation.system.slopes
    used |= {name for name, sign in names.computed.items() if sign in {of for _, of, _ in slopes}}
    marked = [name for name in names.computed if name in used]
    if not marked:
        return []
    told: Prose = ()
    for name in marked:
        told = (*told, "; ", *_definition(author, name))
    same = "the same number, but another function"
    if len(marked) > 1:
        same = "the same numbers, but other functions"
    typed = author.symbols(marked)
    rest = f": {same}. Derivatives without a {names.accent} are those of "
    return [Paragraph((*told[1:], rest, *typed, " as typed."))]


def _definition(author: Author, name: str) -> Prose:
    """How a value is computed, where its own equation is rewritten from what."""
    names, derivation = author.notation.names, author.derivation
    sign, value = (Math(author.symbol(n)) for n in (names.computed[name], name))
    if name not in derivation.rewritten:
        return (sign, " is ", value, " as the forward pass computes it", *_with(author))
    order = list(derivation.system.shapes)
    reads = sorted(derivation.system[name].reads, key=order.index)
    return (sign, " is ", value, " as its last line computes it from ", *author.symbols(reads))


def _with(author: Author) -> Prose:
    """How values are computed that were typed with what the forward pass goes past."""
    names, derivation = author.notation.names, author.derivation
    order = list(derivation.system.shapes)
    told: Prose = ()
    for typed in derivation.local:
        if typed.reads.isdisjoint(derivation.parts) or typed.name not in derivation.rewritten:
            continue
        value = Math(author.symbol(typed.name))
        reads = sorted(derivation.system[typed.name].reads, key=order.index)
        how: Prose = (value, " from ", *author.symbols(reads))
        if typed.name in names.computed:
            how = (Math(author.symbol(names.computed[typed.name])), " for ", value)
        told = (*told, ", " if told else ", with ", *how)
    return told


def _used(author: Author, derivative: Adjoint | Tangent) -> Iterator[str]:
    """The values that have such a sign where a derivative is worked out."""
    if uses_parts(author, derivative):
        yield author.derivation.system.output
    if author.choice.detail == "brief":
        return
    through = [derivative.value] if isinstance(derivative, Tangent) else derivative.chain
    yield from (c for c in through if author.as_computed(c, derivative) != c)


def uses_parts(author: Author, derivative: Adjoint | Tangent) -> bool:
    """Whether a derivative of the output as it is computed stands where one is worked out."""
    parts, equation = author.notation.names.parts, derivative.equation
    if equation.name in parts or not parts.isdisjoint(map(name_of, entries(equation.rhs))):
        return True
    if isinstance(derivative, Tangent) or author.choice.detail == "brief":
        return False
    further = (above(author.derivation, c, derivative) for c in derivative.chain)
    return any(a.equation.name in parts for a in further)
