"""Sizes as a spec sees them: ints, named sizes, and arithmetic on both."""

from __future__ import annotations

import dis
import itertools
import numbers
import operator
import re
import sys
from types import FrameType
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from symgrad.errors import SpecError, caller
from symgrad.language.registry import INSTEAD, call_ufunc, no_numbers
from symgrad.mathematics.sizes import Size, fixed

Dim: TypeAlias = int | sp.Expr


Shape: TypeAlias = tuple[Dim, ...]


SCAN = "h, hs = sg.scan(step, h0, xs), where step(h, x) returns the next h, and what to keep of it"
"""What is written in place of a loop over an axis of a named size."""


TAKE_NAMES = "sg.arange, sg.eye, sg.zeros, sg.ones and sg.full take it in place of NumPy's"
CALLS = {
    "np.arange": "sg.arange{}", "np.empty": "sg.zeros{}", "np.eye": "sg.eye{}",
    "np.full": "sg.full{}", "np.identity": "sg.eye{}", "np.ones": "sg.ones{}",
    "np.zeros": "sg.zeros{}", "np.tri": "np.tril(sg.ones((n, n))), n being the size",
    "np.linspace": "a + (b - a) / (n - 1) * sg.arange(n), n being the size",
    "np.indices": "sg.arange(n)[:, None] and sg.arange(m)[None, :]",
    "range": "sg.arange{}, if it is for positions; a loop over it is a recurrence: " + SCAN,
    **dict.fromkeys(("float", "int", "np.float64"), "the size as it is: 1 / x.shape[0]"),
}  # fmt: skip
"""What a spec writes instead of what asks for the number of a size, the arguments at ``{}``."""
OTHERWISE = {
    r"random|\brng\.": "draw the numbers outside, and pass them with sg.data(name, x.shape)",
    r"\] ?\* ?\w": "write sg.zeros(n) or sg.full(n, value), n being the size, in place of a list",
}
"""The same of what is no call of one function, by what it looks like in a line."""


def of_named_sizes(line: str) -> str:
    """What to write for a call in a line that has to know a size; nothing where none is found."""
    other = next((hint for pattern, hint in OTHERWISE.items() if re.search(pattern, line)), "")
    if other:
        return other
    found = re.finditer(rf"(?<![\w.])({'|'.join(map(re.escape, CALLS))})(?=\()", line)
    calls = [(match[1], _in_brackets(line[match.end() :])) for match in found]
    calls = [call for call in calls if re.search("[a-zA-Z_]", call[1])]
    calls.sort(key=lambda call: not re.search(r"shape|size|len\(|[A-Z]", call[1]))
    return f"write {CALLS[calls[0][0]].format(calls[0][1])}" if calls else ""


def _in_brackets(text: str) -> str:
    """The start of a text, up to the bracket that closes the first one."""
    depths = itertools.accumulate((c in "([") - (c in ")]") for c in text)
    return text[: next((k + 1 for k, depth in enumerate(depths) if not depth), len(text))]


class NotKnown:
    """What named sizes, and sums, products and powers of them, do in a spec."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        """``np.sqrt(d)`` is a value of the spec; arithmetic with numbers is a size still."""
        operation = getattr(operator, _OPERATORS.get(ufunc.__name__, ""), None)
        if (
            operation
            and method == "__call__"
            and all(isinstance(a, (numbers.Number, sp.Expr)) for a in args)
        ):
            return operation(*(a.item() if isinstance(a, np.generic) else a for a in args))
        return call_ufunc(ufunc, method, args, kwargs)

    def _not_known(self, *_: object) -> Any:
        where = caller()
        raise SpecError(
            f"the named size {self} is not known while the spec is read",
            where=where,
            hint=of_named_sizes(where.text)
            or f"{TAKE_NAMES}; a loop over it is a recurrence: {SCAN}",
        )

    def _not_compared(self, other: object) -> Any:
        where = caller()
        raise SpecError(
            f"whether the named size {self} is {other} is not known while the spec is read",
            where=where,
            hint=of_named_sizes(where.text)
            or "leave the comparison out, or give the axis a fixed size",
        )

    __float__ = __int__ = __index__ = _not_known
    __lt__ = __le__ = __gt__ = __ge__ = _not_compared

    def __hash__(self) -> int:
        return super().__hash__()


def _sized(expr: Any) -> Any:
    """The result of arithmetic on named sizes, which is one again where it is not known."""
    kind = _KINDS.get(type(expr))
    if kind is None or not any(isinstance(s, NamedSize) for s in expr.free_symbols):
        return expr
    made = sp.Expr.__new__(kind, *expr.args)
    made.is_commutative = True
    return made


def _arithmetic(name: str) -> Any:
    def operation(self: Any, *others: Any) -> Any:
        return _sized(getattr(sp.Expr, name)(self, *others))

    return operation


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    for _side in ("", "r"):
        setattr(NotKnown, f"__{_side}{_name}__", _arithmetic(f"__{_side}{_name}__"))
for _name in ("__neg__", "__abs__"):
    setattr(NotKnown, _name, _arithmetic(_name))


class _Sum(NotKnown, sp.Add):
    func = sp.Add  # so that SymPy builds sums of its own of the terms


class _Product(NotKnown, sp.Mul):
    func = sp.Mul


class _Power(NotKnown, sp.Pow):
    func = sp.Pow


_KINDS = {sp.Add: _Sum, sp.Mul: _Product, sp.Pow: _Power}


class NamedSize(NotKnown, sp.Symbol):
    """A size that is not known while the spec is read, as a spec sees it."""

    def __eq__(self, other: object) -> Any:
        """Whether this is the same size: of a number, only a run of the code could tell."""
        if isinstance(other, numbers.Number) and asked_by_spec():
            self._not_compared(other)
        return super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        if isinstance(other, numbers.Number) and asked_by_spec():
            self._not_compared(other)
        return super().__ne__(other)

    __hash__ = sp.Symbol.__hash__


_OPERATORS = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv",
              "floor_divide": "floordiv", "power": "pow", "negative": "neg"}  # fmt: skip
"""What Python calls the operation of a ufunc."""


def dim_of(size: Size) -> Dim:
    """A size as a spec sees it: an int, or an expression over named sizes."""
    known = fixed(size)
    if known is not None:
        return known
    names = {s: NamedSize(s.name, positive=True, integer=True) for s in size.free_symbols}
    return _sized(size.xreplace(names))


def as_tuple(value: Any) -> tuple[Any, ...]:
    """A sequence as a tuple; anything else as the only element of one."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def known_size(dim: Dim, what: str, instead: str = "") -> int:
    """A size that ``what`` needs to know; SpecError where it is a named one."""
    if isinstance(dim, int):
        return dim
    raise SpecError(
        f"{what} of the named size {dim} is not known while the spec is read",
        where=caller(),
        hint=instead or f"give the axis a fixed size, or write it without {what}",
    )


def turns(dim: Dim) -> int:
    """How often a loop over an axis runs; SpecError where its size is a named one."""
    if isinstance(dim, int):
        return dim
    asking, module = asking_function()
    if asking in INSTEAD:  # of SciPy, which loops over its arguments
        raise no_numbers(asking, module)
    instead = f"np.sum(x, axis=0) adds up all along it; a recurrence is {SCAN}"
    return known_size(dim, "a loop over an axis", instead)


def shape_text(shape: Shape) -> str:
    """A shape as people write it: 4×3."""
    return "×".join(map(str, shape)) or "scalar"


def is_library(frame: FrameType) -> bool:
    """Whether a frame is of symgrad or what it rests on, and not of a spec."""
    return frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES


_LIBRARIES = ("symgrad", "numpy", "scipy", "sympy")


def writes_into_numbers() -> bool:
    """Whether the spec is at `x[…] = …` of an array of NumPy's, which asks for numbers."""
    frame: FrameType | None = sys._getframe(2)
    if frame is None or is_library(frame):
        return False
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] == "STORE_SUBSCR"


def asked_by_spec() -> bool:
    """Whether the spec itself asked, perhaps through C code, which has no frames."""
    return not is_library(sys._getframe(2))


def asking_function() -> tuple[str, str]:
    """The function of a library that the spec called, and its module; no name where C code asks."""
    frame: FrameType | None = sys._getframe(2)
    name = module = ""
    while frame is not None and is_library(frame):
        name, module = frame.f_code.co_name, frame.f_globals["__name__"]
        frame = frame.f_back
    hidden = name.startswith("_") and name != "__getitem__"  # which is that of np.c_
    return ("" if hidden or name == "wrapper" else name, module)
