"""Formulas as trees without text: what a printing turns into its own signs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from functools import cached_property
from operator import is_
from typing import Any

COMMON = frozenset(
    {"arccos", "arcsin", "arctan", "cos", "cosh", "det", "exp", "log", "max", "min", "sin"}
    | {"sinh", "tan", "tanh"}
)
"""Functions whose names every printing of mathematics has."""


class Gap(Enum):
    """What is between the items of a row."""

    NONE = 0
    SPACE = 1
    """Factors beside each other."""
    THIN = 2
    """A little space, as between the labels of a subscript."""
    COMMA = 3
    LIST = 4
    """A comma and a space."""
    INDICES = 5
    """Letters run together in a subscript."""


@dataclass(frozen=True)
class Formula:
    """A formula; each kind of it is a class below."""

    @cached_property
    def tall(self) -> bool:
        """Whether brackets around it have to grow."""
        return any(node.grows for node in walk(self))

    @property
    def grows(self) -> bool:
        """Whether it is higher than a line by itself."""
        return False

    @property
    def signs(self) -> int:
        """How many signs it adds to those of its parts; what has a name in LaTeX adds none."""
        return 0


@dataclass(frozen=True)
class Letter(Formula):
    """One letter in italics, as Unicode has it: x, α, ℓ."""

    char: str

    @property
    def signs(self) -> int:
        return int(self.char.isascii())


@dataclass(frozen=True)
class Word(Formula):
    """A name of several letters; ``style`` is italic, upright or typewriter."""

    text: str
    style: str = "italic"

    @property
    def signs(self) -> int:
        return len(self.text)


@dataclass(frozen=True)
class Number(Formula):
    """Digits, without a sign in front."""

    digits: str

    @property
    def signs(self) -> int:
        return len(self.digits)


@dataclass(frozen=True)
class Words(Formula):
    """Words of English inside a formula."""

    text: str

    @property
    def signs(self) -> int:
        return len(self.text.replace(" ", ""))


@dataclass(frozen=True)
class Sign(Formula):
    """A sign of mathematics, as Unicode has it: =, ⊙, ∂."""

    char: str

    @property
    def signs(self) -> int:
        return int(self.char.isascii())


@dataclass(frozen=True)
class Function(Formula):
    """The name of a function; ``letter`` is the letter for it where there is one."""

    name: str
    letter: str = ""

    @property
    def signs(self) -> int:
        return 0 if self.letter or self.name in COMMON else len(self.name)


@dataclass(frozen=True)
class Ones(Formula):
    """The column of ones."""

    @property
    def signs(self) -> int:
        return 1


@dataclass(frozen=True)
class Row(Formula):
    """Formulas one after the other."""

    items: tuple[Formula, ...]
    gap: Gap = Gap.SPACE

    @property
    def signs(self) -> int:
        return (len(self.items) - 1) * (self.gap in (Gap.COMMA, Gap.LIST))


@dataclass(frozen=True)
class Scripted(Formula):
    """A formula with a subscript, a superscript or both."""

    base: Formula
    sub: Formula | None = None
    sup: Formula | None = None


@dataclass(frozen=True)
class Fraction(Formula):
    """One formula over another; ``small`` in the size of the text."""

    above: Formula
    below: Formula
    small: bool = False

    @property
    def grows(self) -> bool:
        return not self.small


@dataclass(frozen=True)
class Root(Formula):
    """A root; ``degree`` is empty for a square root."""

    inside: Formula
    degree: str = ""


@dataclass(frozen=True)
class Fenced(Formula):
    """A formula between two signs; ``tall``: they are as high as what they enclose."""

    opening: str
    inside: Formula
    closing: str
    high: bool = False

    @property
    def grows(self) -> bool:
        return self.high

    @property
    def signs(self) -> int:
        return 2 if self.opening in "([" or self.high else 0


@dataclass(frozen=True)
class Norm(Formula):
    """‖x‖, of a matrix its Frobenius norm; or the square of it."""

    inside: Formula
    frobenius: bool = False
    squared: bool = False

    @property
    def grows(self) -> bool:
        return True


@dataclass(frozen=True)
class Apply(Formula):
    """A function and its argument; ``close``: the argument has brackets of its own."""

    function: Formula
    argument: Formula
    close: bool = True


@dataclass(frozen=True)
class Over(Formula):
    """A sum, a product, a maximum over what is ``under`` its sign, without the body."""

    sign: str
    under: Formula

    @property
    def grows(self) -> bool:
        return self.sign != "∏"


@dataclass(frozen=True)
class Accented(Formula):
    """A formula under a hat, bar, tilde, dot or overline."""

    accent: str
    base: Formula


@dataclass(frozen=True)
class Negative(Formula):
    """A minus and what follows."""

    body: Formula

    @property
    def signs(self) -> int:
        return 1


@dataclass(frozen=True)
class Term(Formula):
    """A term of a sum, with the sign before it."""

    sign: str
    body: Formula

    @property
    def signs(self) -> int:
        return 1


@dataclass(frozen=True)
class Sum(Formula):
    """Terms: the first without a sign, or negative, the others as :class:`Term`."""

    terms: tuple[Formula, ...]


@dataclass(frozen=True)
class Grid(Formula):
    """Formulas in rows and columns."""

    rows: tuple[Row, ...]

    @property
    def grows(self) -> bool:
        return len(self.rows) > 1


@dataclass(frozen=True)
class Cases(Formula):
    """Values, each with the condition under which it holds; ``last`` holds otherwise."""

    rows: tuple[Row, ...]
    last: Formula

    @property
    def grows(self) -> bool:
        return True

    @property
    def signs(self) -> int:
        return 1


@dataclass(frozen=True)
class Own(Formula):
    """A symbol as an author has it in LaTeX; ``plain`` is the same for the other printings."""

    latex: str
    plain: Formula


THIN = Sign("\u2009")
"""A little space that stands between factors."""


def parts(formula: Formula) -> Iterator[Formula]:
    """What a formula is made of."""
    for value in vars(formula).values():
        if isinstance(value, Formula):
            yield value
        elif isinstance(value, tuple):
            yield from value


def walk(formula: Formula) -> Iterator[Formula]:
    """The formula and all inside it."""
    yield formula
    for part in parts(formula):
        yield from walk(part)


def mapped(formula: Formula, change: Callable[[Formula], Formula]) -> Formula:
    """The formula with each of its parts changed, the innermost first."""
    old = {field.name: getattr(formula, field.name) for field in fields(formula)}
    new = {name: _mapped(value, change) for name, value in old.items()}
    same = all(value is old[name] for name, value in new.items())
    return change(formula if same else replace(formula, **new))


def _mapped(value: Any, change: Callable[[Formula], Formula]) -> Any:
    if isinstance(value, Formula):
        return mapped(value, change)
    if not isinstance(value, tuple):
        return value
    found = tuple(mapped(v, change) for v in value)
    return value if all(map(is_, found, value)) else found


def has(formula: Formula, *kinds: type[Formula]) -> bool:
    """Whether there is something of these kinds in it."""
    return any(isinstance(node, kinds) for node in walk(formula))


def run_together(indices: Sequence[Formula]) -> Formula:
    """Indices side by side: letters as they are, names with a little space, sums with commas."""
    if not all(map(is_simple, indices)):
        return beside(indices, Gap.COMMA)
    letters = all(is_short(i) for i in indices)
    return beside(indices, Gap.INDICES if letters else Gap.THIN)


def is_short(formula: Formula) -> bool:
    """Whether this is one letter or one digit."""
    match formula:
        case Letter(char):
            return char.isascii() or char == "ℓ"
        case Number(digits):
            return len(digits) == 1
    return False


def is_simple(formula: Formula) -> bool:
    """Whether an index can stand beside others without a comma: no sum, no list, no sign."""
    return not any(
        isinstance(node, (Sign, Fenced, Apply, Over, Sum, Term, Negative, Fraction, Words))
        or (isinstance(node, Row) and node.gap is not Gap.INDICES and node.gap is not Gap.NONE)
        for node in walk(formula)
    )


def beside(items: Sequence[Formula], gap: Gap = Gap.SPACE) -> Formula:
    """The items in a row; one alone as it is."""
    return items[0] if len(items) == 1 else Row(tuple(items), gap)


def bracketed(formula: Formula) -> Formula:
    """In round brackets, of its own height where it is tall."""
    return Fenced("(", formula, ")", formula.tall)


def parenthesised(*formulas: Formula) -> Formula:
    """Formulas in round brackets of the size of the text, with commas between them."""
    return Fenced("(", beside(formulas, Gap.LIST), ")")


def blocks(matrices: Sequence[Formula], *, beside: bool) -> Formula:
    """A matrix made of others, beside each other or one above the other."""
    items = tuple(matrices)
    inside = Row(items, Gap.LIST) if beside else Grid(tuple(Row((m,)) for m in items))
    return Fenced("[", inside, "]", high=inside.tall)


def related(left: Formula, right: Formula, sign: str = "=") -> Formula:
    """``left = right``."""
    return Row((left, Sign(sign), right))


def summed(terms: Sequence[tuple[str, Formula]]) -> Formula:
    """Terms with their signs between them."""
    found = signed_terms(terms)
    return found[0] if len(found) == 1 else Sum(found)


def signed_terms(terms: Sequence[tuple[str, Formula]]) -> tuple[Formula, ...]:
    """The terms of a sum, each with its sign, the first without a plus."""
    (sign, first), *rest = terms
    head = first if sign == "+" else Negative(first)
    return (head, *(Term(sign, body) for sign, body in rest))


def terms_of(formula: Formula) -> tuple[Formula, ...]:
    """The terms of a sum; what is no sum is its only one."""
    return formula.terms if isinstance(formula, Sum) else (formula,)


def whole(terms: Sequence[Formula]) -> Formula:
    """The sum of these terms, each with its sign."""
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def number(text: str) -> Formula:
    """A number as a computer writes it, such as -0.5."""
    return Negative(Number(text[1:])) if text.startswith("-") else Number(text)


def raised(base: Formula, exponent: Formula) -> Formula:
    """A power."""
    return Scripted(base, sup=exponent)


def scientific(factor: str, exponent: int) -> Formula:
    """A number times a power of ten."""
    power = raised(Number("10"), number(str(exponent)))
    return power if factor == "1" else Row((number(factor), Sign("·"), power))


def length(formula: Formula) -> int:
    """About how many signs there are to read."""
    return sum(node.signs for node in walk(formula))


def array(rows: Sequence[Sequence[Formula]]) -> Formula:
    """A matrix of numbers in brackets; a column lies on its side, transposed."""
    if len(rows) == len(rows[0]) == 1:
        return rows[0][0]
    column = len(rows[0]) == 1
    lying = [[row[0] for row in rows]] if column else rows
    grid = Grid(tuple(Row(tuple(row)) for row in lying))
    high = len(lying) > 1 or has(grid, Fraction)
    brackets = Fenced("(", grid, ")", high)
    return Scripted(brackets, sup=Sign("⊤")) if column else brackets
