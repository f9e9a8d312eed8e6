"""Terms and paths that are missing or too many, wrong arrays, and what is overwritten."""

from __future__ import annotations

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import TypeGuard

from symgrad.audit.grammar.edit import (
    Proposal,
    Rule,
    function_of,
    is_gradient,
    is_made_before,
    is_module,
    nodes,
    operand,
)
from symgrad.audit.grammar.scales import numbers_at
from symgrad.audit.sites import Known, Site
from symgrad.audit.statements import targets_of
from symgrad.audit.walks import typed, walked


def _dropped(site: Site) -> Iterator[Proposal]:
    """A sum without one of its terms."""
    for node in nodes(site):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            yield node, operand(site, node.left), 1.3, site.text(node.right)
            minus = "-" if isinstance(node.op, ast.Sub) else ""
            yield node, f"{minus}{operand(site, node.right)}", 1.3, site.text(node.left)


def _coefficient(site: Site) -> Iterator[Proposal]:
    """A term times a number."""
    for node in nodes(site):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            for term in (node.left, node.right):
                text, cost = operand(site, term), 2.45 if is_made_before(site, term) else 1.6
                for name, value in numbers_at(site):
                    if value not in (0.0, 1.0):
                        yield term, f"{text} * {name}", cost, name
                        yield term, f"{text} / {name}", cost, f"1 / {name}"


PENALTIES = ["0.1", "0.2", "0.01", "0.02", "0.001", "0.002", "0.5", "2", "1", "0.05"]
"""Coefficients that people give a penalty."""


def _weights(site: Site) -> Iterator[Proposal]:
    """A multiple of an input: what a penalty adds."""
    inputs = [k for k in site.like(site.shape) if k.role is not None and k.role.kind == "input"]
    inputs = [k for k in inputs if not is_gradient(site, k.name)]
    for root, known in itertools.product(site.roots, inputs):
        for factor, cost in _coefficients(site):
            yield root, f"{site.text(root)} + {factor} * {known.name}", 2.2 + cost, known.name
        for scale in [k.name for k in site.scalars][:6]:
            new = f"{site.text(root)} + {scale} * np.sign({known.name})"
            yield root, new, 2.5, known.name


def _coefficients(site: Site) -> Iterator[tuple[str, float]]:
    sizes = [name for name, _ in itertools.islice(numbers_at(site), 2, 12)]
    for scale in [k.name for k in site.scalars][:6]:
        yield from ((f"{times}{scale}", 0.0) for times in ("", "2 * ", "0.5 * "))
        yield from ((f"{scale} / {size}", 0.4) for size in sizes if size != scale)
    yield from ((number, 0.5) for number in PENALTIES)


def _added(site: Site) -> Iterator[Proposal]:
    """One more way: an array that is known there, or a product of two."""
    for root in site.roots:
        text = site.text(root)
        for known in site.like(site.shape):
            if is_gradient(site, known.name) or known.role is None:
                unused = 0.0 if is_unread(site, known.name) else 0.5
                yield root, f"{text} + {known.name}", 2.0 + unused, known.name
        for product, cost in _products(site):
            yield root, f"{text} + {product}", 3.0 + cost, product


def _carried(site: Site) -> Iterator[Proposal]:
    """What a loop carries from turn to turn, beside what it is replaced by."""
    name = next((typed(t) for t in targets_of(site.statement)), "")
    root = next(iter(site.roots), None)
    plain = isinstance(site.statement, ast.Assign) and name.isidentifier() and site.looped
    if root is None or not plain or name in {n.id for n in walked(root) if _is_name(n)}:
        return
    numbers = [k.name for k in site.scalars if k.name != name][:6]
    for times in ["", *(f"{n} * " for n in numbers), *(f"(1 - {n}) * " for n in numbers)]:
        yield root, f"{site.text(root)} + {times}{name}", 2.3, f"{times}{name}"


def _is_name(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def is_unread(site: Site, name: str) -> bool:
    """Whether nothing reads a name: it was meant to be read here."""
    return not site.source.read[name.split("[")[0]]


def _products(site: Site) -> Iterator[tuple[str, float]]:
    """Products of two arrays that have the shape of what is assigned, a gradient among them."""
    shape = site.shape
    arrays = [k for k in site.known.values() if k.array.ndim and not k.name.startswith("return")]
    gradients = [k for k in arrays if is_gradient(site, k.name)]
    for g in gradients[:12]:
        for other in arrays[:24]:
            if other.name == g.name:
                continue
            if other.shape == g.shape == shape:
                yield f"{g.name} * {other.name}", 0.0
                if ((other.array > 0) & (other.array < 1)).all():
                    yield f"{g.name} * (1 - {other.name})", 0.1
            yield from _matrix_products(g, other, shape)


def _matrix_products(
    g: Known, other: Known, shape: tuple[int, ...] | None
) -> Iterator[tuple[str, float]]:
    a, b = g.shape, other.shape
    if shape is None:
        return
    if len(a) == 1 and len(b) == 1:
        if shape == (*a, *b):
            yield f"np.outer({g.name}, {other.name})", 0.2
        if shape == (*b, *a):
            yield f"np.outer({other.name}, {g.name})", 0.2
        return
    options = (
        (f"{g.name} @ {other.name}", a, b),
        (f"{g.name} @ {other.name}.T", a, b[::-1]),
        (f"{g.name}.T @ {other.name}", a[::-1], b),
        (f"{other.name} @ {g.name}", b, a),
        (f"{other.name}.T @ {g.name}", b[::-1], a),
        (f"{other.name} @ {g.name}.T", b, a[::-1]),
    )
    for text, left, right in options:
        if (
            left[-1] == right[0]
            and len(left) < 3 > len(right)
            and (*left[:-1], *right[1:]) == shape
        ):
            yield text, 0.2


def _in_place_of_zeros(site: Site) -> Iterator[Proposal]:
    """Something in place of zeros that are handed on."""
    for root in site.roots:
        zeros = function_of(root) in ("zeros", "zeros_like") or (
            isinstance(root, ast.Constant) and root.value == 0
        )
        is_product = isinstance(root, ast.BinOp) and any(
            isinstance(n, ast.Constant) and n.value == 0 for n in (root.left, root.right)
        )
        if not (zeros or is_product or isinstance(root, (ast.Name, ast.BinOp))):
            continue
        extra = 0.0 if zeros or is_product else 1.5
        extra -= 1.2 if (zeros or is_product) and site.looped else 0.0
        for known in site.like(site.shape):
            if is_gradient(site, known.name):
                yield root, known.name, 2.0 + extra, known.name
        for product, cost in _products(site):
            yield root, product, 2.4 + extra + cost, product


def _accumulated(site: Site) -> Iterator[Proposal]:
    """``+=`` in place of ``=``."""
    statement = site.statement
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        start, end = site.source.span(target)[1], site.source.span(statement.value)[0]
        if isinstance(target, (ast.Name, ast.Subscript, ast.Attribute)):
            yield (start, end), " += ", 1.0, site.text(target)
        if isinstance(target, ast.Subscript):
            yield (start, end), " *= ", 1.2, site.text(target)
    if isinstance(statement, ast.Assign):
        yield from _at(site)


def _at_each(site: Site) -> Iterator[Proposal]:
    """np.add.at in place of ``+=``, where an index may be there twice."""
    if isinstance(site.statement, ast.AugAssign):
        yield from _at(site)


def _at(site: Site) -> Iterator[Proposal]:
    statement = site.statement
    target = targets_of(statement)[0]
    if isinstance(target, ast.Subscript) and isinstance(statement, (ast.Assign, ast.AugAssign)):
        held, index = site.text(target.value), site.text(target.slice)
        value = site.text(statement.value)
        yield statement, f"np.add.at({held}, ({index}), {value})", 1.1, held
        yield statement, f"np.subtract.at({held}, ({index}), {value})", 1.6, held


def _assigned(site: Site) -> Iterator[Proposal]:
    """``=`` in place of ``+=``."""
    statement = site.statement
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
        start, end = site.source.span(statement.target)[1], site.source.span(statement.value)[0]
        yield (start, end), " = ", 1.4, site.text(statement.target)


def _another(site: Site) -> Iterator[Proposal]:
    """Another array in place of one."""
    for node in nodes(site):
        text = site.text(node)
        if not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) or is_module(node):
            continue
        own = site.known.get(text)
        if own is None or not own.array.ndim:
            continue
        for known in site.known.values():
            if known.name == text or not (known.array.ndim or is_gradient(site, known.name)):
                continue
            near = 0.0 if known.shape == own.shape else 0.4
            near += 0.0 if is_gradient(site, known.name) == is_gradient(site, text) else 0.3
            yield node, known.name, 1.7 + near, _word(site, node, text)
        for known in site.known.values():
            if known.array.ndim == 2 and known.shape == own.shape[::-1] and known.name != text:
                yield node, f"{known.name}.T", 2.4, text


def _argument(site: Site) -> Iterator[Proposal]:
    """An array in place of an expression that a function of the program is applied to."""
    for node in nodes(site):
        if not isinstance(node, ast.Call) or (
            isinstance(node.func, ast.Attribute) and is_module(node.func.value)
        ):
            continue
        for part in node.args:
            for known in site.known.values() if not isinstance(part, ast.Constant) else ():
                if known.array.ndim and not is_gradient(site, known.name):
                    yield part, known.name, 2.1, _word(site, part, site.text(part))


def _scaled_argument(site: Site) -> Iterator[Proposal]:
    """A number by which an argument of a function is multiplied, or divided."""
    for node in nodes(site):
        if isinstance(node, ast.Call) and (node.args and function_of(node) not in LINEAR):
            part = node.args[0]
            own = site.known.get(site.text(part))
            for known in site.scalars[:6] if own is not None and own.array.ndim else ():
                yield part, f"{site.text(part)} / {known.name}", 2.0, f"1 / {known.name}"
                yield part, f"{site.text(part)} * {known.name}", 2.0, known.name


LINEAR = frozenset(["dot", "matmul", "outer", "sum", "mean", "einsum", "reshape", "zeros_like"])
"""Functions out of which a factor can be taken."""


def _everywhere(site: Site) -> Iterator[Proposal]:
    """Another array in place of one, wherever it stands in an expression."""
    for root in site.roots:
        names = (n for n in nodes(site) if isinstance(n, ast.Name | ast.Attribute | ast.Subscript))
        texts = Counter(site.text(n) for n in names)
        for text in [t for t, times in texts.items() if times > 1 and t in site.known]:
            word = next(_word(site, n, text) for n in nodes(site) if site.text(n) == text)
            for known in site.like(site.known[text].shape):
                if known.name != text:
                    new = re.sub(rf"(?<![\w.]){re.escape(text)}(?!\w)", known.name, site.text(root))
                    yield root, new, 1.8, word


def _difference(site: Site) -> Iterator[Proposal]:
    """The difference from another array, or from a number, in place of an array."""
    for node in nodes(site):
        own = site.known.get(site.text(node))
        if own is None or not own.array.ndim:
            continue
        if ((own.array > 0) & (own.array < 1)).all():
            yield node, f"(1 - {own.name})", 1.9, "1"
        for known in site.like(own.shape)[:16]:
            if known.name != own.name:
                yield node, f"({own.name} * {known.name})", 2.8, known.name
                yield node, f"({known.name} - {own.name})", 2.6, known.name
                yield node, f"({own.name} - {known.name})", 2.6, known.name
                yield node, f"({own.name} + {known.name})", 2.6, known.name
    for root in site.roots:
        for new in (" - 1", " + 1"):
            yield root, site.text(root) + new, 1.9, new.split()[1]
        yield root, f"1 - {operand(site, root)}", 2.2, "1"


def _one_inside(site: Site) -> Iterator[Proposal]:
    """A sum inside an expression, more or less by 1."""
    inner = (n for n in nodes(site) if isinstance(n, ast.BinOp) and n not in site.roots)
    for node in (n for n in inner if isinstance(n.op, (ast.Add, ast.Sub))):
        yield node, f"({site.text(node)} - 1)", 2.1, "-1"
        yield node, f"({site.text(node)} + 1)", 2.1, "1"


def _word(site: Site, node: ast.expr, text: str) -> str:
    """Whether an array stands in a derivative of an activation, or in a mask."""
    for outer in nodes(site):
        inside = any(n is node for n in walked(outer)) and outer is not node
        if inside and isinstance(outer, ast.Compare):
            return "a mask"
        if inside and isinstance(outer, ast.BinOp) and site.text(outer.left) in ("1", "1.0"):
            return "an activation"
        if inside and isinstance(outer, ast.Call):
            called = function_of(outer).lower()
            if any(w in called for w in ("mask", "relu")):
                return "a mask"
            if any(w in called for w in ("deriv", "prime", "grad", "slope", "_d", "dtanh", "dsig")):
                return "an activation"
    return text


def _index(site: Site) -> Iterator[Proposal]:
    """The entry before or after, in place of one; another key of a dictionary."""
    for node in nodes(site):
        if isinstance(node, ast.Subscript):
            for part, new, cost in _other_entries(site, node.slice):
                yield part, new, cost, new if "'" in new else site.text(node.value)


def _other_entries(site: Site, index: ast.expr) -> Iterator[tuple[ast.expr, str, float]]:
    value = index.value if isinstance(index, ast.Constant) else None
    if isinstance(value, str):
        yield from ((index, repr(key), 1.8) for key in sorted(site.keys - {value}))
    elif isinstance(value, int):
        yield from ((index, str(new), 1.6) for new in (value + 1, value - 1))
    elif not isinstance(index, (ast.Slice, ast.Tuple)):
        text = site.text(index)
        yield from ((index, new, 1.6) for new in (f"{text} - 1", f"{text} + 1"))
        if isinstance(index, ast.BinOp) and isinstance(index.right, ast.Constant):
            sign = "+" if isinstance(index.op, ast.Sub) else "-"
            yield index, site.text(index.left), 1.5
            yield index, f"{site.text(index.left)} {sign} {site.text(index.right)}", 1.6


def _place(site: Site) -> Iterator[Proposal]:
    """Other labels in the index of what is changed."""
    for target in targets_of(site.statement):
        for node in walked(target.slice) if isinstance(target, ast.Subscript) else ():
            own = site.known.get(typed(node)) if isinstance(node, ast.Name) else None
            for known in site.known.values() if own is not None and own.array.ndim else ():
                if own is not None and known.shape == own.shape and known.name != own.name:
                    yield node, known.name, 1.8, own.name  # type: ignore[misc]


def _slices(site: Site) -> Iterator[Proposal]:
    """A slice from one further, or one before; or moved as a whole."""
    for node in nodes(site):
        if isinstance(node, ast.Slice):
            if node.step is not None:
                new = ":".join(site.text(e) if e else "" for e in (node.lower, node.upper))
                yield site.source.span(node), new, 1.7, site.text(node)
            yield from _other_end(site, node)
            edges = [edge for edge in (node.lower, node.upper) if edge is not None]
            for edge in edges:
                for step in (1, -1):
                    yield edge, _moved(site, edge, step), 2.2, site.text(edge)
            if len(edges) == 2 and node.step is None:
                for step in (1, -1, 2, -2):
                    new = ":".join(_moved(site, edge, step) for edge in edges)
                    yield site.source.span(node), new, 2.2, site.text(node)


def _other_end(site: Site, node: ast.Slice) -> Iterator[Proposal]:
    """As many entries, from the other end, or the rest of them."""
    one, other = (site.text(edge) if edge is not None else "" for edge in (node.lower, node.upper))
    if node.step is None and bool(one) != bool(other):
        edge = one or other
        plain = edge.removeprefix("-") if edge.startswith("-") else f"-{edge}"
        moved = [f"1:{_moved(site, node.upper, 1)}"] if node.upper is not None else []
        sides = [f"{edge}:", f":{edge}", f"{plain}:", f":{plain}", *moved]
        for new in (s for s in sides if s != f"{one}:{other}"):
            yield site.source.span(node), new, 2.0, site.text(node)


def _moved(site: Site, edge: ast.expr, step: int) -> str:
    """An edge of a slice, so many further."""
    if isinstance(edge, ast.Constant) and isinstance(edge.value, int):
        return str(edge.value + step)
    return f"{site.text(edge)} {'+' if step > 0 else '-'} {abs(step)}"


RULES = (
    Rule(
        "another argument",
        "value",
        _argument,
        "a function is applied to `{old}`, and ought to be to `{new}`",
    ),
    Rule(
        "an argument without its factor",
        "factor",
        _scaled_argument,
        "a function is applied to `{old}` without the factor {word}: it ought to be `{new}`",
    ),
    Rule(
        "assigned, not accumulated",
        "overwritten",
        _accumulated,
        "{word} is overwritten where it ought to be accumulated",
    ),
    Rule(
        "once for each index",
        "overwritten",
        _at_each,
        "where an index occurs several times, only the last of what is added to `{word}` counts",
    ),
    Rule(
        "accumulated, not assigned",
        "term",
        _assigned,
        "{word} is accumulated where it ought to be assigned",
    ),
    Rule("a term too many", "term", _dropped, "the term `{word}` does not belong there"),
    Rule(
        "another coefficient",
        "term",
        _coefficient,
        "the coefficient of `{old}` is wrong: the factor {word} is missing",
    ),
    Rule("no penalty", "term", _weights, "the term with {word} is missing: that of the penalty"),
    Rule("another array", "value", _another, "`{old}` is the wrong array: it ought to be `{new}`"),
    Rule(
        "another array twice",
        "value",
        _everywhere,
        "the wrong array stands in `{old}`: it ought to be `{new}`",
    ),
    Rule("no difference", "term", _difference, "the term {word} is missing: `{new}` for `{old}`"),
    Rule("no 1 inside", "term", _one_inside, "the term {word} is missing: `{new}` for `{old}`"),
    Rule("another entry", "value", _index, "`{old}` is the wrong entry: it ought to be `{new}`"),
    Rule("another place", "value", _place, "the index has `{old}`: it ought to have `{new}`"),
    Rule("another slice", "value", _slices, "the slice has `{old}`: it ought to have `{new}`"),
    Rule("nothing is carried on", "path", _carried, "`{word}`, of the turn before, is not added"),
    Rule("a way left out", "path", _added, "a way is left out: `{word}` is not added"),
    Rule(
        "a way cut",
        "path",
        _in_place_of_zeros,
        "a way is left out: `{new}` is missing, where there is `{old}`",
    ),
)
