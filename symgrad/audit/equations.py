"""Lines of a program read as equations: in the language of a spec, with the names of the spec."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symgrad.audit.compare import compared
from symgrad.audit.grammar.edit import is_module
from symgrad.audit.sites import Site
from symgrad.checks.numbers import Floats
from symgrad.checks.points import evaluated_where_possible
from symgrad.checks.sampling import Point, true_sizes
from symgrad.errors import SymgradError
from symgrad.face import Derivation, function
from symgrad.language.array import Array
from symgrad.language.inputs import data
from symgrad.mathematics.algebra import canonical, written_in
from symgrad.mathematics.equations import Equation
from symgrad.mathematics.indices import entries, name_of
from symgrad.writing.notation import Notation

NEAR = 1e-6
"""How near the numbers of an equation have to be to those of the line that it was read of."""

OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
MOST_DEEP = 4
FAILURES = (SymgradError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


class NotRead(SymgradError):
    """A line is no equation that can be read."""


class Reader:
    """Evaluates an expression of a program on symbolic arrays."""

    def __init__(self, site: Site, names: Mapping[str, str], sizes: Mapping[str, int]) -> None:
        self.site = site
        self.sizes = {length: size for size, length in sizes.items()}
        self.names = names
        self.arrays: dict[str, Array] = {}
        self.numbers: dict[str, np.ndarray[Any, Any]] = {}
        functions = (n for n in ast.walk(site.source.tree) if isinstance(n, ast.FunctionDef))
        self.functions = {f.name: f for f in functions}

    def value(self, node: ast.expr, local: Mapping[str, Any], depth: int = 0) -> Any:
        """What an expression is; NotRead where that can't be told."""
        text = ast.unparse(node)
        if isinstance(node, ast.Name) and node.id in local:
            return local[node.id]
        if text in self.site.known and not depth:
            return self._leaf(text)
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return node.value
        read = READERS.get(type(node))
        if read is None:
            raise NotRead(f"{text} is not read")
        return read(self, node, local, depth)

    def _leaf(self, text: str) -> Any:
        """An array that is known: symbolic, called as in the spec; a number as it is."""
        array = self.site.known[text].array
        if text not in self.arrays:
            name = self.names.get(text) or re.sub(r"\W+", "_", text).strip("_")
            same = [t for t in self.arrays if self.names.get(t, t) == name]
            self.arrays[text] = self.arrays[same[0]] if same else self._named(name, array.shape)
            self.numbers[name] = array
        return self.arrays[text]

    def _named(self, name: str, shape: tuple[int, ...]) -> Array:
        """An array of named sizes, where these have numbers of their own."""
        return data(name, tuple(self.sizes.get(n, n) for n in shape))

    def binary(self, node: ast.BinOp, local: Mapping[str, Any], depth: int) -> Any:
        """An operation of two."""
        if type(node.op) not in OPERATIONS:
            raise NotRead("not an operation of arrays")
        sides = self.value(node.left, local, depth), self.value(node.right, local, depth)
        return OPERATIONS[type(node.op)](*sides)

    def unary(self, node: ast.UnaryOp, local: Mapping[str, Any], depth: int) -> Any:
        """A sign."""
        inner = self.value(node.operand, local, depth)
        return -inner if isinstance(node.op, ast.USub) else inner

    def comparison(self, node: ast.Compare, local: Mapping[str, Any], depth: int) -> Any:
        """A mask."""
        if len(node.ops) != 1 or type(node.ops[0]) not in COMPARISONS:
            raise NotRead("not one comparison")
        sides = (self.value(n, local, depth) for n in (node.left, node.comparators[0]))
        return COMPARISONS[type(node.ops[0])](*sides)

    def attribute(self, node: ast.Attribute, local: Mapping[str, Any], depth: int) -> Any:
        """A transpose, or sizes."""
        if node.attr not in ("T", "shape", "size", "ndim"):
            raise NotRead(f".{node.attr} is not read")
        return getattr(self.value(node.value, local, depth), node.attr)

    def entry(self, node: ast.Subscript, local: Mapping[str, Any], depth: int) -> Any:
        """An entry, or an axis more."""
        index = eval_index(node.slice)
        return self.value(node.value, local, depth)[index]

    def call(self, node: ast.Call, local: Mapping[str, Any], depth: int) -> Any:
        """A function of NumPy, a method, or a function of the program that is one expression."""
        called = node.func
        keywords = {k.arg or "": ast.literal_eval(k.value) for k in node.keywords}
        arguments = [self._argument(a, local, depth) for a in node.args]
        if isinstance(called, ast.Name) and called.id == "len" and len(arguments) == 1:
            return arguments[0].shape[0]
        if isinstance(called, ast.Name):
            return self._own(called.id, arguments, depth)
        if not isinstance(called, ast.Attribute) or not hasattr(np, called.attr):
            raise NotRead(f"{ast.unparse(called)} is not read")
        if not is_module(called.value):
            arguments = [self.value(called.value, local, depth), *arguments]
        return getattr(np, called.attr)(*arguments, **keywords)

    def _argument(self, node: ast.expr, local: Mapping[str, Any], depth: int) -> Any:
        if isinstance(node, (ast.Tuple, ast.List)) or _is_word(node):
            return ast.literal_eval(node)
        return self.value(node, local, depth)

    def _own(self, name: str, arguments: list[Any], depth: int) -> Any:
        made = self.functions.get(name)
        body = [s for s in made.body if not _is_text(s)] if made is not None else []
        single = body[0] if len(body) == 1 else None
        if made is None or not isinstance(single, ast.Return) or single.value is None:
            raise NotRead(f"{name} is not one expression")
        if len(made.args.args) != len(arguments) or depth > MOST_DEEP:
            raise NotRead(f"{name} is called otherwise")
        given = dict(zip((a.arg for a in made.args.args), arguments, strict=True))
        return self.value(single.value, given, depth + 1)


READERS: dict[type[ast.expr], Callable[..., Any]] = {
    ast.BinOp: Reader.binary,
    ast.UnaryOp: Reader.unary,
    ast.Compare: Reader.comparison,
    ast.Attribute: Reader.attribute,
    ast.Subscript: Reader.entry,
    ast.Call: Reader.call,
}
"""How each kind of expression is read."""


def eval_index(node: ast.expr) -> Any:
    """An index of slices, None and numbers."""
    if isinstance(node, ast.Tuple):
        return tuple(eval_index(part) for part in node.elts)
    if isinstance(node, ast.Slice) and node.lower is node.upper is node.step:
        return slice(None)
    return ast.literal_eval(node)


def _is_word(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def equation_of(
    site: Site, node: ast.expr, names: Mapping[str, str], sizes: Mapping[str, int], called: str
) -> str:
    """An expression as an equation of the value that it is assigned to; '' where it is none.

    Its numbers are held against those that the program computed.
    """
    reader = Reader(site, names, sizes)
    try:
        value = reader.value(node, {})
        if not isinstance(value, Array) or not value.ndim:
            return ""
        made = function(value, {called: value}).derived(prepare=False)
        free = true_sizes(made.typed, [4] * len(sizes))
        chosen = {s: sizes.get(s.name, n) for s, n in free.items()}
        point = Point(chosen, dict(reader.numbers))
        found = evaluated_where_possible(made.typed, point, Floats()).get(called)
        if len(list(made.typed)) != 1 or not any(_is(a, found) for a in site.arrays):
            return ""
        return Notation.of(made).text_equation(made.typed[called])
    except FAILURES:
        return ""


def _is(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any] | None) -> bool:
    return other is not None and compared(one, other, 1.0).error < NEAR


MOST_LETTERS = 150
"""How long an equation may be in which what has no name is written in."""


MOST_ENTRIES = MOST_LETTERS // 4
"""How many entries it may have, each of four letters at least: that of an unrolled LSTM, of
thousands, took a minute to be made, and then was too long."""


def _spread(equation: Equation, known: Mapping[str, Equation], found: dict[str, int]) -> int:
    """About how many entries an equation has, once what is known is written in."""
    name = equation.name
    if name not in found:
        found[name] = 1
        inner = [known.get(name_of(a)) for a in entries(equation.rhs)]
        found[name] = sum(1 if e is None else _spread(e, known, found) for e in inner)
    return found[name]


def spelled_out(derivation: Derivation, equation: Equation, named: Collection[str]) -> str:
    """An equation as text, what has no name written in where that is short; ``named``: what has."""
    written, system = derivation.notation.text_equation, derivation.system
    hidden = system.invented | system.nameless
    known = {e.name: e for e in system if e.name in hidden - {*named}}
    adjoints = (a for a in derivation.adjoints if a.value in hidden and not a.before)
    known |= {a.equation.name: a.equation for a in adjoints if a.equation.name not in named}
    if known.keys().isdisjoint(name_of(a) for a in entries(equation.rhs)):
        return written(equation)
    if _spread(equation, known, {}) > MOST_ENTRIES:
        return written(equation)
    try:
        whole = replace(equation, rhs=canonical(written_in(equation.rhs, known)))
        text = written(whole)
    except FAILURES:
        return written(equation)
    return text if len(text) <= MOST_LETTERS else written(equation)
