"""What the tree of an expression means: values of a spec, by a table of names, and nothing else."""

from __future__ import annotations

import functools
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sympy as sp

from symgrad.errors import SpecError, perhaps
from symgrad.language.array import Array
from symgrad.language.constants import as_array
from symgrad.language.registry import METHODS, UFUNCS, called
from symgrad.mathematics.indices import entries, name_of
from symgrad.reading import grammar
from symgrad.reading.functions import CALLED, OF_A_VALUE, OPERATORS
from symgrad.reading.grammar import Node
from symgrad.reading.lexer import ParseError

LARGEST = 10**6
"""The largest number, and the largest absolute value of one, that a function is called with."""
MOST_DIGITS = 40
HIGHEST = 64
"""The highest whole power: what is raised may be multiplied out."""

CONSTANTS: Mapping[str, Any] = {
    "pi": math.pi, "e": math.e, "inf": math.inf, "newaxis": None, "None": None, "True": True,
    "False": False,
}  # fmt: skip

_PLAIN: dict[tuple[str, int], Callable[..., Any]] = {
    ("+", 2): operator.add, ("-", 2): operator.sub, ("*", 2): operator.mul,
    ("/", 2): operator.truediv, ("//", 2): operator.floordiv, ("**", 2): operator.pow,
    ("-", 1): operator.neg, ("+", 1): operator.pos,
}  # fmt: skip
"""Arithmetic on numbers and sizes, which stay what they are: shapes are made of them."""


class Meaning:
    """Evaluates a tree over inputs and sizes of these names."""

    def __init__(self, text: str, known: Mapping[str, Any]) -> None:
        self.text, self.known = text, known
        self.numbers: dict[str, float] = {}
        """What values are whatever the inputs are, by their keys."""

    def of(self, node: Node) -> Any:
        """The value of a part; what is wrong with it is said with the column."""
        try:
            return self.KINDS[type(node)](self, node)
        except ParseError:
            raise
        except SpecError as error:
            raise self.error(node, error.what, error.hint) from None

    def number(self, node: grammar.Number) -> Any:
        digits = sum(c.isdigit() for c in node.text)
        value = float(node.text)
        is_zero = not any(c in "123456789" for c in re.split("[eE]", node.text)[0])
        if digits > MOST_DIGITS or not (is_zero or 1e-30 < value < 1e30):
            raise self.error(node, "a number between 1e-30 and 1e30, of 40 digits at most, is read")
        if not node.text.isdecimal():
            return value
        if node.text[0] == "0" and not is_zero:
            raise self.error(node, "a whole number begins with no 0")
        return int(node.text)

    def string(self, node: grammar.String) -> str:
        return node.text

    def name(self, node: grammar.Name) -> Any:
        if node.text in self.known:
            return self.known[node.text]
        last = _last(node.text)
        if last in CONSTANTS:
            return CONSTANTS[last]
        if last in CALLED:
            raise self.error(node, f"{last} is a function, to be called as {last}(…)")
        raise self.error(node, f"there is no {node.text}", perhaps(node.text, self.known))

    def operation(self, node: grammar.Operation) -> Any:
        """Many terms in a row are worked out one after the other, not one inside the other."""
        row: list[grammar.Operation] = []
        first: Node = node
        while isinstance(first, grammar.Operation) and len(first.operands) == 2:
            row.append(first)
            first = first.operands[0]
        if not row:
            return self.applied(node, [self.of(node.operands[0])])
        value = self.of(first)
        for step in reversed(row):
            value = self.applied(step, [value, self.of(step.operands[1])])
        return value

    def applied(self, node: grammar.Operation, values: list[Any]) -> Any:
        """An operator on its operands."""
        if any(isinstance(v, tuple) for v in values) and not any(
            isinstance(v, Array) for v in values
        ):
            raise self.error(node, "lists are joined by concatenate(), and are no numbers")
        if node.sign == "**":
            self.check_power(node, *values)
        key = node.sign, len(values)
        if key in _PLAIN and all(map(_is_plain, values)):
            return self.plain(node, self.run(node, _PLAIN[key], values, {}))
        return self.run(node, OPERATORS[key], values, {})

    def plain(self, node: Node, value: Any) -> Any:
        """A number that Python has worked out, if it is one that NumPy could go on with."""
        if isinstance(value, sp.Expr) or (isinstance(value, int) and abs(value) < 10**30):
            return value
        if not isinstance(value, float) or math.isnan(value) or 1e30 < abs(value) < math.inf:
            raise self.error(node, "this number is too large, or none")
        return value

    def check_power(self, node: Node, base: Any, exponent: Any) -> None:
        """A power that would be multiplied out to no end is refused."""
        value = self.worth(exponent)
        if value is not None and abs(value) > HIGHEST:
            raise self.error(node, f"a power above {HIGHEST}")
        for part in (base, exponent):
            self.check_constant(node, part)

    def attribute(self, node: grammar.Attribute) -> Any:
        if node.name != "T":
            hint = _close(node.name, OF_A_VALUE)
            raise self.error(node, f"there is no attribute {node.name}", hint)
        return self.run(node, METHODS["transpose"], [self.of(node.of)], {})

    def call(self, node: grammar.Call) -> Any:
        given: list[Any]
        if isinstance(node.function, grammar.Name):
            name, table, given = _last(node.function.text), CALLED, []
        else:
            name, table, given = node.function.name, OF_A_VALUE, [self.of(node.function.of)]
        if name not in table:
            raise self.error(node, f"there is no function {name}", _close(name, table))
        given += map(self.of, node.args)
        if name in ("power", "pow") and len(given) > 1:
            self.check_power(node, given[0], given[1])
        for value in given:
            self.check_constant(node, value)
        if name in UFUNCS and not given:
            raise self.error(node, f"{name} is called without a value", f"{name}(x) has one")
        options = {option: self.of(value) for option, value in node.options}
        if len(options) < len(node.options):
            raise self.error(node, "an option is given twice")
        if "out" in options:
            raise self.error(node, f"{name} with out=", "an expression writes into no array")
        return self.run(node, functools.partial(called, table[name], name), [given, options], None)

    def run(self, node: Node, function: Any, values: Any, options: Any) -> Any:
        """A function of values; what it says is wrong is said with the column."""
        try:
            found = function(*values, **options) if options is not None else function(*values)
        except SpecError as error:
            raise self.error(node, error.what, error.hint) from None
        except (TypeError, ValueError, ArithmeticError, IndexError, AttributeError) as error:
            raise self.error(node, f"this has no value: {error}") from None
        if isinstance(found, Array) and (number := self.worth(found)) is not None:
            self.numbers[found.key] = number
        return found

    def worth(self, value: Any) -> float | None:
        """The number that a value is whatever the inputs are, or None."""
        if isinstance(value, (int, float)):
            return float(value)
        if not isinstance(value, Array) or value.rhs is None:
            return None
        known = {a: self.numbers.get(name_of(a)) for a in entries(value.rhs)}
        expr = value.rhs.xreplace({a: sp.Float(n) for a, n in known.items() if n is not None})
        if None in known.values() or not expr.is_number:
            return None
        try:
            return float(expr.evalf(15, maxn=100))
        except (OverflowError, TypeError):
            return math.inf

    def check_constant(self, node: Node, value: Any) -> None:
        """A function of a number that is too large takes for ever, or has no value."""
        found = self.worth(value)
        literal = isinstance(value, float) and math.isinf(value)
        if found is not None and abs(found) > LARGEST and not literal:
            raise self.error(node, f"a number above {LARGEST}")

    def item(self, node: grammar.Item) -> Any:
        of = self.of(node.of)
        parts = [self.of(part) for part in node.parts]
        if isinstance(of, (tuple, list)):
            if len(parts) != 1 or type(parts[0]) is not int:
                raise self.error(node, "several values are picked from by a number")
            return self.run(node, operator.getitem, [of, parts[0]], {})
        for part in parts:
            self.check_constant(node, part)
        value = as_array(of)
        return self.run(node, operator.getitem, [value, tuple(parts)], {})

    def slice(self, node: grammar.Slice) -> slice:
        bounds = [None if b is None else self.of(b) for b in node.bounds]
        for bound in bounds:
            if not (bound is None or type(bound) is int or isinstance(bound, sp.Expr)):
                raise self.error(node, "bounds are whole numbers or sizes")
        return slice(*bounds)

    def ellipsis(self, node: Node) -> Any:
        return Ellipsis

    def list(self, node: grammar.List) -> tuple[Any, ...]:
        return tuple(self.of(part) for part in node.parts)

    def error(self, node: Node, what: str, hint: str = "") -> ParseError:
        """What is wrong at a part."""
        return ParseError(what, self.text, node.column, hint)

    KINDS: Mapping[type[Node], Callable[[Any, Any], Any]] = {
        grammar.Number: number,
        grammar.String: string,
        grammar.Name: name,
        grammar.Operation: operation,
        grammar.Attribute: attribute,
        grammar.Call: call,
        grammar.Item: item,
        grammar.Slice: slice,
        grammar.Ellipsis: ellipsis,
        grammar.List: list,
    }


def _last(name: str) -> str:
    """The name of a function without the module before it."""
    return name.rpartition(".")[2]


def _close(name: str, known: Iterable[str]) -> str:
    """The hint for a name that is not in a table, which is too long to be told whole."""
    found = perhaps(name, known)
    return found if found.startswith("perhaps") else "the how-to 'Text that is not run' has a list"


def _is_plain(value: Any) -> bool:
    return type(value) in (int, float) or isinstance(value, sp.Expr)
