"""The grammar of expressions: from words and signs to a tree, nothing of which is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symgrad.errors import visible
from symgrad.reading.lexer import END, ParseError, Token, tokens

DEEPEST = 40
"""So deep may brackets, signs and powers be nested."""


@dataclass(frozen=True)
class Node:
    """A part of an expression; ``column`` is where it begins, or where its sign is."""

    column: int


@dataclass(frozen=True)
class Number(Node):
    """A number as it is written, without a sign."""

    text: str


@dataclass(frozen=True)
class String(Node):
    """A text in quotes, which only the subscripts of einsum are."""

    text: str


@dataclass(frozen=True)
class Name(Node):
    """A name, with dots in it where it is one of a module: np.linalg.inv."""

    text: str


@dataclass(frozen=True)
class Operation(Node):
    """An operator and its one or two operands."""

    sign: str
    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Attribute(Node):
    """``of.name``."""

    of: Node
    name: str


@dataclass(frozen=True)
class Call(Node):
    """A function by its name, or a method of a value."""

    function: Name | Attribute
    args: tuple[Node, ...]
    options: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class Item(Node):
    """``of[…]``, with a part for each axis."""

    of: Node
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Slice(Node):
    """``start:stop:step``."""

    bounds: tuple[Node | None, ...]


@dataclass(frozen=True)
class Ellipsis(Node):
    """``...``"""


@dataclass(frozen=True)
class List(Node):
    """Values with commas between them, in brackets."""

    parts: tuple[Node, ...]


BINARY: tuple[frozenset[str], ...] = (
    frozenset({"<", "<=", ">", ">=", "==", "!="}),
    frozenset({"|"}),
    frozenset({"^"}),
    frozenset({"&"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "//", "@"}),
)
"""Operators of two operands, those that bind loosest first, as in Python."""

UNARY = frozenset({"+", "-", "~"})

WORDS = {
    "and": "write (a > 0) & (b > 0)",
    "or": "write (a > 0) | (b > 0)",
    "not": "write ~(a > 0)",
    "if": "where(condition, a, b) chooses",
    "else": "where(condition, a, b) chooses",
    "for": "sum(…, axis=0) sums along an axis",
    "in": "",
    "is": "",
    "lambda": "",
    "import": "",
    "await": "",
    "yield": "",
}
"""Words of Python that are no names, and what stands in for them."""

MODULES = frozenset({"np", "numpy", "sg", "scipy", "special", "linalg"})
"""What may stand before the name of a function, as people write it."""


def parsed(text: str) -> Node:
    """The tree of an expression; ParseError, with the column, where it is none."""
    reader = _Parser(text, tokens(text))
    found = reader.expression()
    if reader.next.kind != END:
        raise reader.unexpected()
    return found


class _Parser:
    """Reads tokens from left to right."""

    def __init__(self, text: str, found: Sequence[Token]) -> None:
        self.text, self.tokens = text, found
        self.place = self.depth = 0

    @property
    def next(self) -> Token:
        """The token that comes."""
        return self.tokens[self.place]

    def take(self, *kinds: str) -> Token:
        """The token that comes, which has to be of one of these kinds."""
        token = self.next
        if token.kind not in kinds:
            raise self.unexpected(f"expected {' or '.join(map(repr, kinds))}")
        self.place += 1
        return token

    def unexpected(self, hint: str = "") -> ParseError:
        """The error at the token that comes."""
        token = self.next
        shown = token.text if token.kind == END else visible(repr(token.text), 40)
        hint = WORDS.get(token.text) or hint if token.kind == "word" else hint
        return ParseError(f"{shown} can't stand here", self.text, token.column, hint)

    def deeper(self) -> None:
        """One more thing is nested in another."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise ParseError(f"nested more than {DEEPEST} deep", self.text, self.next.column)

    def expression(self, level: int = 0) -> Node:
        """Operands with operators of a level between them, or of one that binds tighter."""
        if level == len(BINARY):
            return self.signed()
        found = self.expression(level + 1)
        compared = False
        while self.next.kind in BINARY[level]:
            if level == 0 and compared:
                raise self.unexpected("write (a < b) & (b < c)")
            sign = self.take(*BINARY[level])
            found = Operation(sign.column, sign.kind, (found, self.expression(level + 1)))
            compared = True
        return found

    def signed(self) -> Node:
        """A sign before a power."""
        if self.next.kind not in UNARY:
            return self.power()
        sign = self.take(*UNARY)
        self.deeper()
        found = Operation(sign.column, sign.kind, (self.signed(),))
        self.depth -= 1
        return found

    def power(self) -> Node:
        """A power, which binds its exponent's sign: 2**-x."""
        base = self.followed(self.atom())
        if self.next.kind != "**":
            return base
        sign = self.take("**")
        self.deeper()
        found = Operation(sign.column, "**", (base, self.signed()))
        self.depth -= 1
        return found

    def followed(self, found: Node) -> Node:
        """A value with calls, subscripts and attributes after it."""
        before = self.depth
        while self.next.kind in ("(", "[", "."):
            self.deeper()
            if self.next.kind == "[":
                found = self.item(found)
            elif self.next.kind == "(":
                found = self.call(found)
            else:
                found = self.attribute(found)
        self.depth = before
        return found

    def attribute(self, of: Node) -> Node:
        """A name after a dot: of a module, or of a value."""
        self.take(".")
        word = self.take("word")
        if isinstance(of, Name) and of.text.split(".")[-1] in MODULES:
            return Name(of.column, f"{of.text}.{word.text}")
        return Attribute(word.column, of, word.text)

    def call(self, function: Node) -> Node:
        """Arguments, those with a name last."""
        if not isinstance(function, (Name, Attribute)):
            raise self.unexpected("a function is called by its name")
        self.take("(")
        self.deeper()
        args: list[Node] = []
        options: list[tuple[str, Node]] = []
        while self.next.kind != ")":
            kinds = [token.kind for token in self.tokens[self.place : self.place + 2]]
            if kinds == ["word", "="]:
                self.place += 2
                options.append((self.tokens[self.place - 2].text, self.expression()))
            elif options:
                raise self.unexpected("what has no name comes before what has one")
            else:
                args.append(self.expression())
            self.comma(")")
        self.take(")")
        self.depth -= 1
        return Call(function.column, function, tuple(args), tuple(options))

    def comma(self, end: str) -> None:
        """A comma, unless it is the end."""
        if self.next.kind != end:
            self.take(",", end)

    def item(self, of: Node) -> Node:
        """What stands in square brackets after a value."""
        start = self.take("[")
        self.deeper()
        parts = []
        while self.next.kind != "]":
            parts.append(self.slice())
            self.comma("]")
        if not parts:
            raise self.unexpected("an index is missing")
        self.take("]")
        self.depth -= 1
        return Item(start.column, of, tuple(parts))

    def slice(self) -> Node:
        """An index, or bounds with colons between them."""
        column = self.next.column
        if self.next.kind == "...":
            return Ellipsis(self.take("...").column)
        bounds: list[Node | None] = [None]
        while self.next.kind not in (",", "]", END):
            if self.next.kind == ":" and len(bounds) < 3:
                self.take(":")
                bounds.append(None)
            elif bounds[-1] is None and self.next.kind != ":":
                bounds[-1] = self.expression()
            else:
                raise self.unexpected()
        if len(bounds) == 1 and bounds[0] is not None:
            return bounds[0]
        return Slice(column, tuple(bounds))

    def atom(self) -> Node:
        """A number, a name, a text, or something in brackets."""
        token = self.next
        if token.kind == "word" and token.text not in WORDS:
            return Name(token.column, self.take("word").text)
        if token.kind == "number":
            return Number(token.column, self.take("number").text)
        if token.kind == "string":
            return String(token.column, self.take("string").text[1:-1])
        if token.kind in ("(", "["):
            return self.bracketed(")" if token.kind == "(" else "]")
        raise self.unexpected("expected a number, a name or a bracket")

    def bracketed(self, end: str) -> Node:
        """One value in round brackets, or several values."""
        start = self.take("(", "[")
        self.deeper()
        parts, commas = [], 0
        while self.next.kind != end:
            parts.append(self.expression())
            commas += self.next.kind == ","
            self.comma(end)
        self.take(end)
        self.depth -= 1
        if start.kind == "(" and len(parts) == 1 and not commas:
            return parts[0]
        return List(start.column, tuple(parts))
