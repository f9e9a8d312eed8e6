"""What a format prints, and what a format is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from symgrad.calculus.derivation import Derivation
from symgrad.files import mark
from symgrad.targets.emitted import Emitted
from symgrad.writing import Choice, Notation, Numbers, document
from symgrad.writing.document import Document
from symgrad.writing.equation_forms import MatrixForm, forms_of
from symgrad.writing.writer import Writer


@dataclass(frozen=True)
class Code:
    """A generated file, and what it is called."""

    file: Emitted
    name: str


@dataclass(frozen=True)
class Checked:
    """One kind of check: what was compared, of which values, and the largest difference."""

    what: str
    names: tuple[str, ...]
    error: float
    passed: bool


@dataclass(frozen=True)
class Sheet:
    """A derivation with all that there is to print about it.

    ``compared``: how stated numbers compare with the true ones, by what they are numbers of;
    ``about``: what its author says of it; ``origin``: the name of the spec.
    """

    derivation: Derivation
    notation: Notation
    choice: Choice = field(default_factory=Choice)
    title: str = ""
    matrix: MatrixForm | None = None
    numbers: Numbers | None = None
    code: Code | None = None
    checks: Sequence[Checked] = ()
    compared: Sequence[tuple[str, str]] = ()
    about: str = ""
    origin: str = ""
    coloured: bool = False

    def matrix_form(self, layout: type[Writer]) -> MatrixForm:
        """The matrix form of each equation that has one."""
        return self.matrix or forms_of(self.derivation, self.notation, layout)

    def document(self, layout: type[Writer]) -> Document:
        """The derivation as a document whose formulas are set as in ``layout``."""
        return document(
            self.derivation,
            self.notation,
            layout,
            matrix=self.matrix_form(layout),
            numbers=self.numbers,
            choice=self.choice,
            title=self.title,
        )


_DOCTYPE = "<!doctype html>\n"
"""What a page has to begin with."""


@dataclass(frozen=True)
class Format:
    """A way to print a derivation: its name, what it is, and the function that writes it.

    ``suffixes``: how its files end.  ``comment``: how a comment is written, where files are to
    begin with one that says what they are.  ``checked``: it shows the checks, which have to be made
    first; ``coded``: it shows the code.
    """

    name: str
    about: str
    write: Callable[[Sheet], str | bytes]
    suffixes: Sequence[str] = ()
    comment: str = ""
    checked: bool = False
    coded: bool = False

    def marked(self, text: str | bytes, origin: str) -> str | bytes:
        """A file of what is printed, known as symgrad's; ``origin``: what it is made from."""
        if not self.comment or isinstance(text, bytes):
            return text
        first = _DOCTYPE if text.startswith(_DOCTYPE) else ""
        return f"{first}{self.comment.format(mark(origin))}\n{text.removeprefix(first)}"
