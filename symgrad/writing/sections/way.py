"""How the output depends on a value that is explained."""

from __future__ import annotations

from symgrad.writing.document import (
    Items,
    Math,
    Prose,
    Section,
)
from symgrad.writing.sections.author import Author


def way(author: Author) -> Section:
    """How the output depends on the value that is explained."""
    value, output = author.choice.explain, author.derivation.system.output
    title: Prose = ("How ", Math(author.symbol(output)), " depends on ", Math(author.symbol(value)))
    items = tuple(
        (Math(author.symbol(name)), " is used in ", *author.symbols(author.chain(name)))
        for name in reversed(author.way)
        if author.chain(name)
    )
    return Section(title, (Items(items),), key="way")
