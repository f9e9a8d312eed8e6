"""How the output depends on a value that is explained."""

from __future__ import annotations

from collections.abc import Iterator

from symgrad.writing.document import (
    Items,
    Math,
    Prose,
    Section,
)
from symgrad.writing.sections.author import Author
from symgrad.writing.way import Way


def way(author: Author, shown: Way) -> Section:
    """How the output depends on the value, as typed; and where the forward pass takes another way.

    The second is the way of the derivative, too.
    """
    output = Math(author.symbol(author.derivation.system.output))
    title: Prose = ("How ", output, " depends on ", Math(author.symbol(shown.value)))
    typed = (
        (Math(author.symbol(name)), " is used in ", *author.symbols(readers))
        for name, readers in shown.typed.items()
        if readers
    )
    return Section(title, (Items((*typed, *_computed(author, shown))),), key="way")


def _computed(author: Author, shown: Way) -> Iterator[Prose]:
    """The values on the way that are computed from others than they were typed with."""
    derivation = author.derivation
    order = list(derivation.system.shapes)
    for typed in derivation.local:
        if typed.name not in shown.typed.keys() & derivation.rewritten - {shown.value}:
            continue
        now, before = derivation.system[typed.name].reads, typed.reads
        if now == before:
            continue
        of = sorted(now & (shown.typed.keys() | (now - before)), key=order.index)
        gone = sorted(before & shown.typed.keys() - now, key=order.index)
        past = (", past ", *author.symbols(gone)) if gone else ()
        yield (Math(author.symbol(typed.name)), " is computed from ", *author.symbols(of), *past)
