"""A document in no format yet: sections of paragraphs, tables and formulas as trees."""

from __future__ import annotations

from dataclasses import dataclass

from symgrad.writing.formula import Formula


@dataclass(frozen=True)
class Math:
    """A formula inside a sentence."""

    formula: Formula


Prose = tuple[str | Math, ...]


@dataclass(frozen=True)
class Paragraph:
    """Sentences."""

    prose: Prose


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Prose, ...]


@dataclass(frozen=True)
class Row:
    """``left = terms``; without ``left`` it goes on with the row before.

    ``terms`` are the places where a format may break the line.  ``note`` names the rule, or says
    the same once more in matrix form; ``shape`` stands right of it.  ``name`` is the equation that
    the row is, where it is one that is computed.
    """

    left: Formula | None
    terms: tuple[Formula, ...]
    note: Prose = ()
    relation: str = "="
    name: str = ""
    shape: Formula | None = None


@dataclass(frozen=True)
class Equations:
    """Aligned equations."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Result:
    """A final formula, in one form or two, with the shape of what it gives."""

    rows: tuple[Row, ...]
    shape: Formula
    name: str = ""


@dataclass(frozen=True)
class Table:
    """Cells under their heads; ``caption`` says what they are."""

    head: tuple[str, ...]
    rows: tuple[tuple[Prose, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Matrix:
    """``symbol = exact ≈ decimals``; arrays as rows of numbers."""

    symbol: Formula
    exact: tuple[tuple[Formula, ...], ...]
    decimals: tuple[tuple[Formula, ...], ...] = ()


@dataclass(frozen=True)
class Matrices:
    """Arrays of numbers."""

    arrays: tuple[Matrix, ...]


Block = Paragraph | Items | Equations | Result | Table | Matrices


@dataclass(frozen=True)
class Section:
    """A heading and what is under it.

    ``key`` is what the section is called inside a document; ``value`` is the value that it is
    about, where it is about one.
    """

    title: Prose
    blocks: tuple[Block, ...]
    parts: tuple[Section, ...] = ()
    value: str = ""
    key: str = ""


@dataclass(frozen=True)
class Document:
    """The whole, in reading order."""

    title: str
    sections: tuple[Section, ...]
