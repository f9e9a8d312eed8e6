"""The backward pass: the derivative with respect to each value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import sympy as sp

from symgrad.calculus.derivation import Adjoint
from symgrad.mathematics.indices import entry
from symgrad.writing.document import (
    Block,
    Equations,
    Math,
    Paragraph,
    Prose,
    Row,
    Section,
)
from symgrad.writing.naming import Partial
from symgrad.writing.sections.author import Author
from symgrad.writing.sections.chain import Chain
from symgrad.writing.sections.computed import uses_parts
from symgrad.writing.sections.sentences import chained, listed, paragraph, straight
from symgrad.writing.way import above
from symgrad.writing.worth_showing import tidy


def backward(author: Author) -> Section:
    """The derivative with respect to each value, latest first."""
    title: Prose = ("The backward pass",)
    shown = list(shown_adjoints(author))
    if author.choice.detail == "brief":
        rows = tuple(row for a in shown for row in (author.line(a), *author.beyond(a)))
        return Section(title, (Equations(rows),) if rows else (), key="backward")
    parts = tuple(_adjoint(author, a) for a in shown)
    intro = (Paragraph(_intro(author, shown)),) if shown else ()
    return Section(title, intro, parts, key="backward")


def _intro(author: Author, shown: Sequence[Adjoint]) -> Prose:
    output = Math(author.symbol(author.derivation.system.output))
    shape: Prose = (
        "The derivative of ", output, " with respect to a value has the shape of that value. ",
    )  # fmt: skip
    if author.notation.transposes:
        shape = (
            "In numerator layout the derivative of ", output, " by an m × n value is n × m: "
            "its row j, column i is the derivative by the entry at row i, column j. ",
        )  # fmt: skip
    if author.notation.names.axes.get(author.derivation.system.output):
        shape = (
            "The derivative of ", output, " with respect to a value has the shape of ", output,
            " followed by that of the value. ",
        )  # fmt: skip
    return (*shape, "Values are taken latest first, so that each derivative is made of those "
            "before it.", *_marks(author, shown))  # fmt: skip


def _marks(author: Author, shown: Sequence[Adjoint]) -> Prose:
    """What the signs of derivatives mean that are no fractions."""
    names = author.notation.names
    marked = [a for a in shown if names.mark(a.value) != "partial"]
    if not marked:
        return ()
    value = next((a.value for a in marked if _is_part(author, a)), marked[0].value)
    outputs = [names.output]
    if any(uses_parts(author, a) for a in shown):
        outputs.append(names.computed[names.output])
    sign = Math(author.symbol(author.derivation.adjoint_name[value]))
    by = entry(value, ())
    whole, *part = [Math(author.written(Partial(entry(of, ()), by), ())) for of in outputs]
    accented: Prose = (f", and with a {names.accent} for ", *part) if part else ()
    return (" Here ", sign, " stands for ", whole, *accented, ".")


def shown_adjoints(author: Author) -> Iterator[Adjoint]:
    """The derivatives that have a section, latest value first."""
    for adjoint in author.derivation.adjoints:
        part = adjoint.part
        if part is not None and not part.inlined and _is_asked(author, part):
            yield part
        if _is_shown(author, adjoint):
            yield adjoint


def _is_asked(author: Author, adjoint: Adjoint) -> bool:
    """Whether a derivative is on the way that is to be shown."""
    if author.choice.only:
        return adjoint.value in author.choice.only
    if author.way is not None and adjoint.equation.name not in author.way.names:
        return False
    return adjoint.value != author.derivation.system.output


def _is_shown(author: Author, adjoint: Adjoint) -> bool:
    if author.choice.only or adjoint.value in author.wrt:
        return _is_asked(author, adjoint)
    full = author.choice.detail == "full" and not adjoint.past
    return _is_asked(author, adjoint) and (full or not adjoint.inlined)


def _is_part(author: Author, adjoint: Adjoint) -> bool:
    return adjoint.equation.name in author.notation.names.parts


def _adjoint(author: Author, adjoint: Adjoint) -> Section:
    blocks: list[Block]
    title: Prose = ("The derivative with respect to ", Math(author.symbol(adjoint.value)))
    if _is_part(author, adjoint):
        computed = author.as_computed(author.derivation.system.output, adjoint)
        title = ("The derivative of ", Math(author.symbol(computed)), " with respect to ", title[1])
    chain = Chain(author, adjoint)
    if author.in_matrices(adjoint.equation):
        said = paragraph([*_through(author, adjoint), *author.reasons(adjoint.steps)])
        blocks = [*said, author.result(adjoint)]
        return Section(title, tuple(blocks), value=adjoint.value, key=adjoint.equation.name)
    rows = (*chain.local, *_adjoint_rows(author, chain), *author.beyond(adjoint))
    blocks = [Equations(rows)]
    blocks += paragraph([*_put_in(author, chain), *author.becauses(adjoint.steps)])
    blocks += map(Paragraph, author.made_of_parts(adjoint.equation))
    blocks.append(author.result(adjoint))
    return Section(title, tuple(blocks), value=adjoint.value, key=adjoint.equation.name)


def _through(author: Author, adjoint: Adjoint) -> Iterator[Prose]:
    """The values that a derivative goes through, where its steps are not shown."""
    output = author.derivation.system.output
    values = [author.as_computed(c, adjoint) for c in reversed(adjoint.chain) if c != output]
    if values:
        yield ("The chain rule goes through ", *author.symbols(values), ".")


def _adjoint_rows(author: Author, chain: Chain) -> list[Row]:
    adjoint, equation = chain.adjoint, chain.adjoint.equation
    full = author.choice.detail == "full"
    steps = adjoint.steps if full else chain.steps
    raw = steps[0].before if steps else equation.rhs
    put_in = not full and chain.differentiated
    start = raw if full else tidy(raw)
    rows = [Row(None, chain.rule, ("chain rule",))] if chain.links else []
    first = put_in or author.terms(start, equation)
    rows.append(Row(None, first, _differentiated(author, adjoint)))
    seen = [sp.Add(*chain.put_in, chain.direct) if put_in else start, *(s.after for s in steps)]
    steps = [replace(s, before=before) for s, before in zip(steps, seen, strict=False)]
    rows += [Row(None, author.terms(s.after, equation), author.rule(s)) for s in steps]
    shown = rows if full else straight(rows)
    return chained(author.written(equation.lhs, equation.indices), shown)


def _differentiated(author: Author, adjoint: Adjoint) -> Prose:
    if not adjoint.chain:
        return ("not used",)
    typed = adjoint.past and not author.derivation.rewritten.isdisjoint(adjoint.chain)
    return (
        "derivative of ",
        *author.symbols(author.as_computed(c, adjoint) for c in reversed(adjoint.chain)),
        *((" as typed",) if typed else ()),
    )


def _put_in(author: Author, chain: Chain) -> Iterator[Prose]:
    """The derivatives that are written out where they are used."""
    adjoint = chain.adjoint
    inlined = [Math(author.equation(further.equation)) for further in chain.inlined]
    if inlined:
        yield (*listed(inlined), f" {'is' if len(inlined) == 1 else 'are'} substituted.")
    for name in adjoint.chain:
        further = above(author.derivation, name, adjoint)
        if name == author.derivation.system.output or further in chain.inlined:
            continue
        unseen = _is_part(author, further) and not _is_asked(author, further)
        if further.inlined or unseen:
            yield ("Here ", Math(author.equation(further.equation)), ".")
