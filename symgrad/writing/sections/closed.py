"""Each derivative in the inputs and parameters alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symgrad.writing.closed import Closed
from symgrad.writing.document import Block, Equations, Paragraph, Row, Section
from symgrad.writing.formula import terms_of
from symgrad.writing.sections.author import Author


def closed(author: Author, forms: Closed, names: Sequence[str]) -> Section:
    """The output and its derivatives; then the values that are too long to be written in them."""
    derivation = author.derivation
    asked = {derivation.system.output, *(derivation.adjoint_name[v] for v in derivation.wrt)}
    first = Equations(tuple(row(author, forms, n) for n in names if n in asked))
    rest = tuple(row(author, forms, n) for n in names if n not in asked)
    blocks: tuple[Block, ...] = (first,)
    if rest:
        blocks = (first, Paragraph(("where",)), Equations(rest))
    return Section(("In the inputs and parameters alone",), blocks, key="closed")


def row(author: Author, forms: Closed, name: str) -> Row:
    """A value in matrix form, if it has one, else by its entries."""
    equation = author.notation.as_read(forms.entries(name))
    matrix = None if author.choice.form == "index" else forms.matrix(name)
    shape = author.shape(equation.shape)
    if matrix is not None:
        return Row(matrix[0], terms_of(matrix[1]), name=name, shape=shape)
    return replace(author.in_index_form(equation), name=name, shape=shape)
