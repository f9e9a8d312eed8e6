"""Factors, signs, transposes and sums that are wrong."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from typing import Any, TypeGuard

import numpy as np

from symgrad.audit.grammar.edit import (
    Proposal,
    Rule,
    argument,
    function_of,
    is_gradient,
    is_made_before,
    is_module,
    nodes,
    operand,
)
from symgrad.audit.sites import Site
from symgrad.audit.statements import targets_of
from symgrad.audit.targets import holder
from symgrad.audit.walks import typed, walked

MOST_NAMES = 8


def sizes(site: Site) -> Iterator[tuple[str, float]]:
    """The sizes that a program can speak of where a statement stands."""
    seen: set[int] = set()
    known = sorted(site.known.values(), key=lambda k: k.role is None or k.role.kind != "input")
    for array in known:
        for axis, length in enumerate(array.shape):
            if length > 1 and length not in seen:
                seen.add(length)
                yield f"{array.name}.shape[{axis}]", float(length)


def numbers_at(site: Site) -> Iterator[tuple[str, float]]:
    """Numbers and sizes by which something may be multiplied."""
    yield from (("2", 2.0), ("3", 3.0))
    if site.missing:
        yield site.missing, float("nan")
    for known in site.scalars[:MOST_NAMES]:
        yield known.name, float(known.array)
    yield from sizes(site)


def _factor(site: Site) -> Iterator[Proposal]:
    """The whole, or what is added at indices, times or through a number."""
    for root in [n for r in site.roots for n in (r.args[2:] if is_at(r) else [r])]:
        text, more = operand(site, root), 0.5 if is_made_before(site, root) else 0.0
        for name, value in numbers_at(site):
            if value not in (0.0, 1.0):
                cost = (2.8 if name == site.missing else 2.0) + more
                yield root, f"{text} / {name}", cost, f"1 / {name}"
                yield root, f"{text} * {name}", cost, name
        for name, _ in sizes(site):
            yield root, f"{text} / np.sqrt({name})", 2.4, f"1 / sqrt({name})"
            yield root, f"{text} * np.sqrt({name})", 2.6, f"sqrt({name})"
        yield root, f"-{text}", 1.6, "-1"
    yield from _on_one_side(site)


def _on_one_side(site: Site) -> Iterator[Proposal]:
    """A number times what is chosen on one side of a kink."""
    for choice in [n for n in nodes(site) if function_of(n) == "where"]:
        written = [n.value for n in nodes(site) if isinstance(n, ast.Constant)]
        known = {k.name: float(k.array) for k in site.scalars[:MOST_NAMES]}
        known |= {f"{n:g}": n for n in written if type(n) is float}
        for side in choice.args[1:] if isinstance(choice, ast.Call) else ():
            for name in (n for n, value in known.items() if value not in (0.0, 1.0)):
                yield side, f"{operand(site, side)} * {name}", 2.0, name


def is_at(node: ast.expr) -> TypeGuard[ast.Call]:
    """Whether something is added at indices: ``np.add.at(array, index, value)``."""
    return isinstance(node, ast.Call) and function_of(node) == "at" and len(node.args) == 3


def _arrays(site: Site) -> Iterator[Proposal]:
    """The whole times or through an array of the forward pass."""
    for root in site.roots:
        text = operand(site, root)
        for known in site.fitting(site.shape)[:14]:
            if not is_gradient(site, known.name) and known.array.size > 1:
                yield root, f"{text} * {known.name}", 2.5, known.name
                yield root, f"{text} / {known.name}", 2.6, f"1 / {known.name}"


def _afterwards(site: Site) -> Iterator[Proposal]:
    """A factor in a statement of its own, after one that changes an array."""
    statement = site.statement
    target = next(iter(targets_of(statement)), None)
    if not isinstance(statement, (ast.AugAssign, ast.Assign)) or not isinstance(
        target, (ast.Subscript, ast.Name)
    ):
        return
    if isinstance(statement, ast.Assign) and isinstance(target, ast.Name):
        return
    held = holder(target)
    if held is None or site.looped:
        return
    name, end = typed(held), site.source.span(statement)[1]
    for number, value in numbers_at(site):
        if value not in (0.0, 1.0):
            yield (end, end), f"; {name} = {name} / {number}", 2.2, f"1 / {number}"
            yield (end, end), f"; {name} = {name} * {number}", 2.3, number


def _constants(site: Site) -> Iterator[Proposal]:
    """Another number in place of one."""
    powers = {id(n.right) for n in nodes(site) if isinstance(n, ast.BinOp) and _is_power(n)}
    for node in nodes(site):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            old = float(node.value)  # type: ignore[arg-type]
            none = 1.0 if id(node) in powers else old  # that is told without the power
            for new in (
                2 * old,
                old / 2,
                1,
                2,
                0.5,
                3,
                old + 1,
                old - 1,
                old**0.5 if old > 0 else 1,
                old * old,
            ):
                if new not in (old, none):
                    yield node, f"{new:g}", 1.7, f"{new:g}"
            for name, value in (*sizes(site), *((k.name, float(k.array)) for k in site.scalars)):
                if value != old:
                    yield node, name, 2.1, name


def _is_power(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.Pow)


def _size(site: Site) -> Iterator[Proposal]:
    """Another size, or another number, in place of one."""
    for node in nodes(site):
        text = site.text(node)
        is_size = ".shape[" in text or ".size" in text or function_of(node) == "len"
        is_number = text in site.known and site.known[text].array.ndim == 0
        if is_size or is_number:
            yield node, f"({text} - 1)", 1.75, f"{text} - 1"
            if ".T.shape" in text:
                yield node, text.replace(".T.shape", ".shape"), 1.0, text
            made = isinstance(node, ast.Name) and text not in site.inputs
            for name, _ in numbers_at(site):
                yield node, name, 2.3 if made else 1.8, name


def _dropped(site: Site) -> Iterator[Proposal]:
    """A product without one of its factors."""
    for node in nodes(site):
        if not isinstance(node, ast.BinOp):
            continue
        if isinstance(node.op, ast.Mult):
            yield node, operand(site, node.left), 1.5, _what(site, node.right)
            yield node, operand(site, node.right), 1.5, _what(site, node.left)
        elif isinstance(node.op, ast.Div):
            yield node, operand(site, node.left), 1.5, _what(site, node.right)
        elif isinstance(node.op, ast.Pow):
            yield node, operand(site, node.left), 1.9, "the power"


def _several_dropped(site: Site) -> Iterator[Proposal]:
    """A product of some of its factors."""
    inner = {id(n) for node in nodes(site) for n in factors_of(node) if n is not node}
    for node in nodes(site):
        factors = factors_of(node)
        if id(node) in inner or not 2 < len(factors) < 6:
            continue
        for kept in range(1, len(factors) - 1):
            for some in itertools.combinations(factors, kept):
                gone = [f for f in factors if f not in some]
                words = {_what(site, f) for f in gone}
                word = "a derivative" if "a derivative" in words else min(words)
                yield node, " * ".join(operand(site, f) for f in some), 1.9, word


def factors_of(node: ast.expr) -> list[ast.expr]:
    """The factors of a product, entry by entry."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*factors_of(node.left), *factors_of(node.right)]
    return [node]


def _applied(site: Site) -> Iterator[Proposal]:
    """What a function is applied to, in place of what it gives."""
    for node in nodes(site):
        inner = argument(node) if isinstance(node, ast.Call) else None
        if inner is not None and function_of(node) in TOO_MANY:
            yield node, operand(site, inner), 1.4, function_of(node)


TOO_MANY = ["abs", "absolute", "sign", "square", "sqrt", "fabs", "exp", "log", "tanh"]
"""Functions that make the gradient that of another loss."""


def _what(site: Site, node: ast.expr) -> str:
    """What a factor is."""
    parts = list(walked(node))
    if _compares(node) or "mask" in site.text(node).lower():
        return "the mask"
    known = site.known.get(site.text(node))
    if known is not None and known.array.ndim:
        return "an array"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return "a derivative"
    names = [p for p in parts if isinstance(p, ast.Name) and p.id in site.known]
    if function_of(node) in _SUMS and "axis" not in site.text(node):
        return "a number"
    arrays = [n for n in names if site.known[n.id].array.ndim]
    sized = any(isinstance(p, ast.Attribute) and p.attr in ("shape", "size") for p in parts)
    return "a derivative" if arrays and not sized and "len(" not in site.text(node) else "a number"


def _compares(node: ast.AST) -> bool:
    """Whether something is made of a comparison; one that picks entries, or is summed, is none."""
    if isinstance(node, ast.Call) and function_of(node) in _SUMS:
        return False
    inner = [node.value] if isinstance(node, ast.Subscript) else ast.iter_child_nodes(node)
    return isinstance(node, ast.Compare) or any(map(_compares, inner))


def _signs(site: Site) -> Iterator[Proposal]:
    """Another sign."""
    for node in nodes(site):
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield node, operand(site, node.operand), 1.0, "-"
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            sign = "-" if isinstance(node.op, ast.Add) else "+"
            yield node, f"{site.text(node.left)} {sign} {operand(site, node.right)}", 1.2, sign
            if isinstance(node.op, ast.Sub):
                cost = 1.3 if isinstance(node.left, ast.Constant) else 1.05
                yield node, f"{operand(site, node.right)} - {operand(site, node.left)}", cost, "-"
    for root in site.roots:
        yield root, f"-{operand(site, root)}", 1.35, "-"
    statement = site.statement
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, (ast.Add, ast.Sub)):
        start = site.source.span(statement.target)[1]
        end = site.source.span(statement.value)[0]
        yield (start, end), " -= " if isinstance(statement.op, ast.Add) else " += ", 1.2, "-"


def _product_too_many(site: Site) -> Iterator[Proposal]:
    """One side of a matrix product in place of the product."""
    for node in nodes(site):
        pair = _pair(node)
        for side in pair or ():
            yield node, operand(site, side), 1.4, site.text(side)


PRODUCTS = ("dot", "matmul", "outer", "tensordot")


def _transposes(site: Site) -> Iterator[Proposal]:
    """A matrix transposed, or not; the two sides of a product the other way round."""
    sized = {id(n.value) for n in nodes(site) if isinstance(n, ast.Attribute) and n.attr == "shape"}
    for node in nodes(site):
        if id(node) in sized or (isinstance(node, ast.Attribute) and node.attr == "shape"):
            continue
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield node, operand(site, node.value), 1.1, site.text(node.value)
        elif isinstance(node, (ast.Name, ast.Subscript, ast.Attribute)) and not is_module(node):
            yield node, f"{site.text(node)}.T", 1.2, site.text(node)
            known = site.known.get(site.text(node))
            if known is not None and known.array.ndim > 2:
                yield node, f"np.swapaxes({known.name}, -1, -2)", 1.2, known.name
        pair = _pair(node)
        if pair is not None:
            one, other = pair
            yield from _turned(site, node, one, other)
    for root in site.roots:
        yield root, f"{operand(site, root)}.T", 1.3, "the whole"


def _pair(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if isinstance(node, ast.Call) and function_of(node) in PRODUCTS:
        if isinstance(node.func, ast.Attribute) and not is_module(node.func.value) and node.args:
            return node.func.value, node.args[0]
        if len(node.args) > 1:
            return node.args[0], node.args[1]
    return None


def _turned(site: Site, node: ast.expr, one: ast.expr, other: ast.expr) -> Iterator[Proposal]:
    a, b = operand(site, one), operand(site, other)
    if function_of(node) == "outer":
        yield node, f"np.outer({site.text(other)}, {site.text(one)})", 1.1, "the two sides"
        return
    bare_a, bare_b = _bare(a), _bare(b)
    for x, y in (
        (b, a),
        (bare_b, bare_a),
        (bare_a, bare_b),
        (f"{bare_a}.T", bare_b),
        (bare_a, f"{bare_b}.T"),
        (f"{bare_b}.T", bare_a),
        (bare_b, f"{bare_a}.T"),
        (f"{bare_b}.T", f"{bare_a}.T"),
        (f"{bare_a}.T", f"{bare_b}.T"),
    ):
        yield node, f"{x} @ {y}", 1.4, "the two sides"


def _bare(text: str) -> str:
    return text.removesuffix(".T")


_SUMS = ("sum", "mean", "average")


def _sums(site: Site) -> Iterator[Proposal]:
    """A sum over other axes, a mean for a sum, a sum that is missing or too many."""
    for node in nodes(site):
        if isinstance(node, ast.Call) and function_of(node) in _SUMS and argument(node) is not None:
            inner = argument(node)
            assert inner is not None
            yield from _other_axes(site, node, inner)
    shapes = {a.ndim for a in site.arrays} or {2}
    for root in site.roots:
        text = site.text(root)
        for axis in range(max(shapes, default=2)):
            yield root, f"np.sum({text}, axis={axis})", 1.6, "the sum"
            yield root, f"np.sum({text}, axis={axis}, keepdims=True)", 1.61, "the sum"
            yield root, f"np.mean({text}, axis={axis})", 1.9, "the mean"
        if max(shapes, default=2) > 2:
            for axes in ("(0, 1)", "(0, 2)", "(0, 2, 3)", "(0, 1, 2)"):
                yield root, f"np.sum({text}, axis={axes})", 1.8, "the sum"
        yield root, f"np.sum({text})", 1.8, "the sum"


def _other_axes(site: Site, node: ast.Call, inner: ast.expr) -> Iterator[Proposal]:
    function, text = function_of(node), site.text(inner)
    same = "mean" if function != "sum" else "sum"
    word = "the sum" if same == "sum" else "the mean"
    for how, cost in ((same, 1.0), ("sum" if same == "mean" else "mean", 1.5)):
        for axis in ("0", "1", "-1", "2", "(0, 2, 3)", "(0, 1)", "(1, 2)"):
            yield node, f"np.{how}({text}, axis={axis}, keepdims=True)", cost + 0.01, word
            yield node, f"np.{how}({text}, axis={axis})", cost, word
        yield node, f"np.{how}({text})", cost + 0.2, word
    yield node, operand(site, inner), 1.4, word
    rest = site.text(node)
    if "mean" in rest or "sum" in rest:
        other = rest.replace("mean", "sum") if "mean" in rest else rest.replace("sum", "mean", 1)
        yield node, other, 1.3, "the mean for the sum" if "mean" in rest else "the sum for the mean"
        yield (node, rest.replace("average", "sum"), 1.3, "the mean for the sum")


def _inner_sums(site: Site) -> Iterator[Proposal]:
    """A sum over an array that a product reads."""
    for node in nodes(site):
        if isinstance(node, (ast.BinOp, ast.Name)) and node not in site.roots:
            for axis in (0, 1):
                new = f"np.sum({site.text(node)}, axis={axis}, keepdims=True)"
                yield node, new, 2.6, "the sum"


def _normalised(site: Site) -> Iterator[Proposal]:
    """The parts of a whole: an array without negative entries, through its sum."""
    own = site.arrays[0] if site.arrays else None
    for root in site.roots if own is not None and _has_parts(own) else ():
        for total in _totals(site.text(root), own.ndim if own is not None else 1):
            new = f"{operand(site, root)} / {total}"
            yield root, new, 2.1 + 0.006 * len(new), "its sum"
    for node in nodes(site):
        held = site.known.get(site.text(node.value)) if isinstance(node, ast.Subscript) else None
        if held is not None and held.array.ndim == 1 and _has_parts(held.array):
            yield node, f"({site.text(node)} / np.sum({held.name}))", 2.3, "the sum of all entries"


def _has_parts(array: np.ndarray[Any, Any]) -> bool:
    return bool(array.ndim) and bool((array >= 0).all() and array.any())


def _totals(text: str, dim: int) -> Iterator[str]:
    axes = [f", axis={axis}, keepdims=True" for axis in range(dim)] if dim > 1 else []
    yield from (f"np.sum({text}{over})" for over in [*axes, ""])


_AXIS = re.compile(r"axis=(-?\d)(, *keepdims=True)?")


def _axes(site: Site) -> Iterator[Proposal]:
    """Another axis in all sums of a line, and the size along it in place of the other."""
    for root in site.roots:
        text = site.text(root)
        for axis in (0, 1, -1) if len(_AXIS.findall(text)) > 1 else ():
            moved = _AXIS.sub(f"axis={axis}, keepdims=True", text)
            yield root, moved, 1.6, "all sums"
            for known in [k for k in site.known.values() if k.array.ndim > 1][:6]:
                for number in [k for k in site.scalars if float(k.array) in known.shape][:4]:
                    size = f"{known.name}.shape[{axis}]"
                    new = re.sub(rf"(?<![\w.]){re.escape(number.name)}(?!\w)", size, moved)
                    yield root, new, 2.0, "all sums"


RULES = (
    Rule("not the parts of a whole", "factor", _normalised, "`{old}` is not divided by {word}"),
    Rule("other axes", "sum", _axes, "{word} are over the wrong axis: `{old}` ought to be `{new}`"),
    Rule("another sum", "sum", _sums, "{word} is over the wrong axes: `{old}` ought to be `{new}`"),
    Rule(
        "a product too many",
        "sum",
        _product_too_many,
        "the sum is of `{old}`, and ought to be of {word}",
    ),
    Rule("a sum inside", "sum", _inner_sums, "`{old}` is not summed: it ought to be `{new}`"),
    Rule("another sign", "sign", _signs, "the sign is wrong: `{old}` ought to be `{new}`"),
    Rule(
        "a transpose",
        "transpose",
        _transposes,
        "a matrix is transposed wrongly: `{old}` ought to be `{new}`",
    ),
    Rule(
        "a superfluous factor",
        "factor",
        _dropped,
        "a factor does not belong there: `{old}` ought to be `{new}`",
    ),
    Rule(
        "superfluous factors",
        "factor",
        _several_dropped,
        "some factors do not belong there: `{old}` ought to be `{new}`",
    ),
    Rule(
        "a function too many",
        "loss",
        _applied,
        "`{word}` is applied once too often",
    ),
    Rule("another number", "factor", _constants, "the number {old} ought to be {word}"),
    Rule("another size", "factor", _size, "the factor has {old} where it ought to have {word}"),
    Rule("a factor", "factor", _factor, "the factor {word} is missing"),
    Rule("an array for a factor", "factor", _arrays, "the factor {word} is missing"),
    Rule("a factor afterwards", "factor", _afterwards, "the factor {word} is missing"),
)
