"""How a function is computed: the text of its record as calls of functions, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """A function, by the name that mathematics has for it, of expressions."""

    function: str
    args: tuple[Expression, ...]


Expression = Call | str | int | float
"""A call, an argument by its name, or a number."""


@cache
def parsed(text: str) -> Expression:
    """The expression that a text such as ``log1p(exp(-abs(x)))`` is."""
    return _expression(ast.parse(text, mode="eval").body)


def _expression(node: ast.expr) -> Expression:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            return _call(name, args)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
            return _call(_SIGNS[type(sign)], [left, right])
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _SIGNS:
            return _call(_SIGNS[type(sign)], [left, right])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            found = _expression(operand)
            return -found if isinstance(found, int | float) else Call("negative", (found,))
    raise ValueError(f"the text of a function is not understood: {ast.unparse(node)}")


def _call(function: str, args: Sequence[ast.expr]) -> Call:
    return Call(function, tuple(map(_expression, args)))


_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
"""What the function is called that a sign stands for."""


def evaluated(
    expression: Expression,
    given: Mapping[str, T],
    call: Callable[[str, list[T]], T],
    number: Callable[[float], T],
) -> T:
    """The value for given arguments, where ``call`` computes a function and ``number`` a number."""
    if isinstance(expression, str):
        return given[expression]
    if isinstance(expression, Call):
        return call(
            expression.function, [evaluated(a, given, call, number) for a in expression.args]
        )
    return number(expression)
