"""What the parts of an expression ought to be, where the whole of it is known."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.audit.grammar.edit import argument, function_of
from symgrad.audit.sites import Site

Numbers = np.ndarray[Any, Any]

FAR = 1e6
"""By how much of itself a part may be off, where it is divided by small numbers."""


@dataclass(frozen=True)
class Ought:
    """A part of an expression: what it gives, and what it would have to give."""

    node: ast.expr
    got: Numbers
    ought: Numbers
    depth: int = 0

    @property
    def off(self) -> Numbers:
        """What it lacks."""
        return self.ought - self.got


LEFT: dict[type[ast.operator], Callable[[Numbers, Numbers], Numbers]] = {
    ast.Add: lambda whole, right: whole - right,
    ast.Sub: lambda whole, right: whole + right,
    ast.Mult: lambda whole, right: whole / right,
    ast.Div: lambda whole, right: whole * right,
}
RIGHT: dict[type[ast.operator], Callable[[Numbers, Numbers], Numbers]] = {
    ast.Add: lambda whole, left: whole - left,
    ast.Sub: lambda whole, left: left - whole,
    ast.Mult: lambda whole, left: whole / left,
    ast.Div: lambda whole, left: left / whole,
}
"""What a side of an operation has to be, by the whole and the other side."""


def oughts(site: Site, known: Mapping[str, Numbers], whole: Ought) -> Iterator[Ought]:
    """The parts of an expression for which it follows from the whole what they ought to be."""
    yield whole
    node = whole.node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from _part(site, known, node.operand, -whole.ought, whole)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield from _part(site, known, node.value, whole.ought.T, whole)
    elif isinstance(node, ast.BinOp):
        yield from _sides(site, known, (node.left, type(node.op), node.right), whole)
    elif isinstance(node, ast.Call):
        yield from _inside(site, known, node, whole)


CALLED: dict[str, type[ast.operator]] = {
    "add": ast.Add,
    "subtract": ast.Sub,
    "multiply": ast.Mult,
    "divide": ast.Div,
}
"""Functions that are operations."""


def _sides(
    site: Site,
    known: Mapping[str, Numbers],
    operation: tuple[ast.expr, type[ast.operator], ast.expr],
    whole: Ought,
) -> Iterator[Ought]:
    one, sign, other = operation
    left, right = known.get(site.text(one)), known.get(site.text(other))
    if left is None or right is None or sign not in LEFT:
        return
    if not _joins(whole.ought, left) or not _joins(whole.ought, right):
        return
    with np.errstate(all="ignore"):
        yield from _part(site, known, one, LEFT[sign](whole.ought, right), whole)
        yield from _part(site, known, other, RIGHT[sign](whole.ought, left), whole)


def _joins(one: Numbers, other: Numbers) -> bool:
    """Whether two arrays broadcast to one shape."""
    try:
        return bool(np.broadcast_shapes(one.shape, other.shape)) or True
    except ValueError:
        return False


def _inside(
    site: Site, known: Mapping[str, Numbers], node: ast.Call, whole: Ought
) -> Iterator[Ought]:
    name, inner = function_of(node), argument(node)
    if name in CALLED and len(node.args) == 2:
        yield from _sides(site, known, (node.args[0], CALLED[name], node.args[1]), whole)
    elif isinstance(inner, (ast.List, ast.Tuple)):
        yield from _joined(site, known, inner.elts, whole)
    elif inner is not None:
        got = known.get(site.text(inner))
        if got is not None and np.array_equal(got.ravel(), whole.got.ravel()):
            yield from _part(site, known, inner, whole.ought.reshape(got.shape), whole)


def _joined(
    site: Site, known: Mapping[str, Numbers], parts: Sequence[ast.expr], whole: Ought
) -> Iterator[Ought]:
    """The parts of arrays of one axis that are put one after the other."""
    found = [known.get(site.text(p)) for p in parts]
    arrays = [a for a in found if a is not None and a.ndim == 1]
    if len(arrays) < len(parts) or not np.array_equal(np.concatenate(arrays), whole.got):
        return
    ends = np.cumsum([a.size for a in arrays])[:-1]
    for part, piece in zip(parts, np.split(whole.ought, ends), strict=True):
        yield from _part(site, known, part, piece, whole)


def _part(
    site: Site, known: Mapping[str, Numbers], node: ast.expr, wanted: Numbers, whole: Ought
) -> Iterator[Ought]:
    got = known.get(site.text(node))
    if got is None or not wanted.size or not np.isfinite(wanted).all():
        return
    narrow = _narrowed(wanted, got.shape)
    if narrow is not None and np.abs(narrow).max(initial=0) < FAR * (
        1 + np.abs(got).max(initial=0)
    ):
        yield from oughts(site, known, Ought(node, got, narrow, whole.depth + 1))


def _narrowed(wanted: Numbers, shape: tuple[int, ...]) -> Numbers | None:
    """Numbers in the shape of what was broadcast; itself where nothing smaller would do."""
    if wanted.shape == shape or wanted.size == 0:
        return wanted
    axes = tuple(range(wanted.ndim - len(shape)))
    first = wanted[(0,) * len(axes)]
    first = first[tuple(slice(0, 1) if n == 1 else slice(None) for n in shape)]
    near = np.allclose(np.broadcast_to(first, wanted.shape), wanted, rtol=1e-7, atol=1e-10)
    return first if near and first.shape == shape else wanted
