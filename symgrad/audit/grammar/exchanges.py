"""Functions in place of others that are like them, and arrays shared where a copy is meant."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from symgrad.audit.aliases import VIEWS
from symgrad.audit.grammar.edit import (
    Proposal,
    Rule,
    function_of,
    is_gradient,
    nodes,
    operand,
    products,
    reads_gradient,
    summands,
)
from symgrad.audit.sites import Known, Site
from symgrad.audit.statements import is_changed
from symgrad.audit.walks import typed, walked

LIKE = {
    "argmin": "argmax",
    "argmax": "argmin",
    "min": "max",
    "max": "min",
    "amin": "amax",
    "amax": "amin",
    "minimum": "maximum",
    "maximum": "minimum",
    "sin": "cos",
    "cos": "sin",
    "sinh": "cosh",
    "cosh": "sinh",
    "abs": "sign",
    "absolute": "sign",
    "fabs": "sign",
    "correlate": "convolve",
    "convolve": "correlate",
}
"""Functions that people take one for the other."""

OF_A_LIBRARY = {"abs": "np.sign"}
"""Functions whose like is one of NumPy, where they stand without it."""


def _exchanged(site: Site) -> Iterator[Proposal]:
    """The function that is like one."""
    for node in nodes(site):
        name = function_of(node)
        if not isinstance(node, ast.Call) or name not in LIKE:
            continue
        function, other = node.func, LIKE[name]
        if isinstance(function, ast.Attribute):
            start = site.source.span(function)[1] - len(name)
            yield (start, start + len(name)), other, 1.4, other
        elif name in OF_A_LIBRARY:
            yield function, OF_A_LIBRARY[name], 1.4, other


def _one_sided(site: Site) -> Iterator[Proposal]:
    """A bound times the sign of what is bounded, in place of the bound."""
    if site.functions.isdisjoint(SIDES):
        return
    for node in nodes(site):
        if function_of(node) != "where" or not isinstance(node, ast.Call) or len(node.args) != 3:
            continue
        for part in node.args[1:]:
            for known in _two_sided(site) if not _is_array(site, part) else ():
                yield part, f"{site.text(part)} * np.sign({known.name})", 1.9, known.name


SIDES = frozenset(["abs", "absolute", "sign", "minimum", "maximum", "select", "piecewise"])
"""Functions in a loss that has two sides."""


def _two_sided(site: Site) -> list[Known]:
    found = [k for k in site.known.values() if k.array.ndim and not is_gradient(site, k.name)]
    return [k for k in found if (k.array < 0).any() and (k.array > 0).any()][:12]


def _is_array(site: Site, node: ast.expr) -> bool:
    names = (n.id for n in walked(node) if isinstance(n, ast.Name))
    return any(n in site.known and site.known[n].array.ndim for n in names)


def _wholes(site: Site) -> Iterator[Proposal]:
    """An array subtracted from all entries, where a number is from those of the labels."""
    statement = site.statement
    if not isinstance(statement, ast.AugAssign) or not isinstance(statement.target, ast.Subscript):
        return
    start, (_, end) = site.source.span(statement.target)[0], site.source.span(statement)
    name = typed(statement.target.value)
    sign = {ast.Add: "+", ast.Sub: "-"}.get(type(statement.op))
    known = site.known.get(name)
    for other in site.like(known.shape) if known is not None and sign else ():
        if other.name != name and not is_gradient(site, other.name):
            yield (start, end), f"{name} {sign}= {other.name}", 1.9, other.name


def _first_entry(site: Site) -> Iterator[Proposal]:
    """A term that the first entry, row or column does not have: that of an intercept."""
    statement = site.statement
    terms = [t for root in site.roots for t in summands(root)]
    adds = isinstance(statement, ast.AugAssign) and isinstance(statement.op, (ast.Add, ast.Sub))
    for term in terms if adds or len(terms) > len(site.roots) else ():
        if _is_array(site, term) and not reads_gradient(site, term):
            own, text = operand(site, term), site.text(term)
            new = f"np.concatenate((0 * {own}[:1], {own}[1:]))"
            yield term, new, 2.0 + 0.003 * len(text), text
            if max((a.ndim for a in site.arrays), default=0) > 1:
                new = f"np.concatenate((0 * {own}[:, :1], {own}[:, 1:]), axis=1)"
                yield term, new, 2.0 + 0.003 * len(text), text


def _differences(site: Site) -> Iterator[Proposal]:
    """A difference of two other arrays than these."""
    for node in nodes(site):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
            continue
        left, right = (site.known.get(site.text(side)) for side in (node.left, node.right))
        if left is None or right is None or left.shape != right.shape or not left.array.ndim:
            continue
        near = [k.name for k in site.like(left.shape) if not is_gradient(site, k.name)][:MOST]
        for one in near:
            for other in near if {left.name, right.name} & {*near} else ():
                if one != other:
                    yield node, f"({one} - {other})", 2.3, f"{one} - {other}"


MOST = 8
"""How many arrays of a shape are taken the differences of."""


def _shared(site: Site) -> Iterator[Proposal]:
    """A copy, where an array is changed under another name."""
    if not isinstance(site.statement, ast.Assign) or not is_changed(site.statement, site.around):
        return
    for root in site.roots:
        plain = isinstance(root, (ast.Name, ast.Attribute, ast.Subscript))
        if plain or (function_of(root) in VIEWS and isinstance(root, ast.Call)):
            yield root, f"{site.text(root)}.copy()", 0.9, site.text(root)


def _without_function(site: Site) -> Iterator[Proposal]:
    """What the forward pass makes of a value, in place of the value as a factor."""
    forms = {f: form for f, form in FORMS.items() if f in site.functions}
    factors = [side for product in products(site) for side in (product.left, product.right)]
    for node in factors if forms else ():
        plain = isinstance(node, (ast.Name, ast.Attribute, ast.Subscript))
        known = site.known.get(site.text(node)) or site.known.get(typed(node))
        if plain and known is not None and known.array.ndim and not is_gradient(site, known.name):
            for function, form in forms.items():
                yield node, form.format(site.text(node)), 2.0, function


def _powers(site: Site) -> Iterator[Proposal]:
    """A power one less or more, that has a name: the derivative of ``x**n`` has ``n - 1``."""
    for node in ast.walk(site.statement):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power, text = node.right, site.text(node.right)
            if isinstance(power, ast.Name):
                yield power, f"({text} - 1)", 1.6, f"{text} - 1"
            elif isinstance(power, ast.BinOp) and isinstance(power.left, ast.Name):
                yield power, site.text(power.left), 1.7, site.text(power.left)
                yield node, f"{site.text(power.left)} * {site.text(node)}", 1.6, text


def _names(site: Site) -> Iterator[Proposal]:
    """Two arrays of a line in each other's place."""
    for root in site.roots:
        found = [n for n in ast.walk(root) if isinstance(n, ast.Name) and n.id in site.known]
        names = dict.fromkeys(n.id for n in found if site.known[n.id].array.ndim)
        for one, other in itertools.combinations(names, 2) if len(names) < 6 else ():
            if site.known[one].shape == site.known[other].shape:
                yield root, _exchanging(site.text(root), one, other), 2.2, f"{one} and {other}"


def _exchanging(text: str, one: str, other: str) -> str:
    """A text with two names in each other's place."""
    parts = re.split(rf"(?<![\w.])({one}|{other})(?!\w)", text)
    return "".join({one: other, other: one}.get(part, part) for part in parts)


FORMS = {
    "tanh": "np.tanh({})",
    "exp": "np.exp({})",
    "log": "np.log({})",
    "sqrt": "np.sqrt({})",
    "pow 1/2": "np.sqrt({})",
    "sigmoid": "(1 / (1 + np.exp(-{})))",
}
"""Functions that are forgotten where a value stands, by their names in the forward pass."""


def _spread(site: Site) -> Iterator[Proposal]:
    """An array for a number: what is divided by how many there are, in each row its own."""
    arrays = [k for k in site.known.values() if 0 < k.array.ndim < 3 and k.array.size > 1]
    arrays = [k for k in arrays if not is_gradient(site, k.name) and k.name.isidentifier()]
    few = sorted(arrays, key=lambda k: k.array.size)[:MOST_SPREAD]
    for node in nodes(site):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
            known = site.known.get(site.text(node.right))
            if known is not None and not known.array.ndim:
                for array, axes in itertools.product(few, ("", "[:, None]", "[:, None, None]")):
                    yield node.right, f"{array.name}{axes}", 2.3, array.name


MOST_SPREAD = 8
"""How many arrays, the smallest, are put in place of a number."""

RULES = (
    Rule(
        "an array for a number",
        "factor",
        _spread,
        "`{old}` is not the same everywhere: it ought to be `{new}`",
    ),
    Rule(
        "another function",
        "operation",
        _exchanged,
        "`{old}` is not the function that is meant: it ought to be `{word}`",
    ),
    Rule(
        "one side of two",
        "sign",
        _one_sided,
        "`{old}` is the slope on one side only: on the other its sign is that of {word}",
    ),
    Rule(
        "the first entry too",
        "term",
        _first_entry,
        "the term `{word}` does not belong to the first entry",
    ),
    Rule(
        "another difference",
        "value",
        _differences,
        "`{old}` is the wrong difference: it ought to be {word}",
    ),
    Rule(
        "some entries only",
        "term",
        _wholes,
        "only some entries are changed by `{old}`: all of {word} is meant",
    ),
    Rule(
        "another power",
        "activation",
        _powers,
        "the power is `{old}`: it ought to be {word}",
    ),
    Rule(
        "names in each other's place",
        "value",
        _names,
        "{word} stand in each other's place",
    ),
    Rule(
        "no function",
        "value",
        _without_function,
        "`{old}` is not what is meant: {word} of it is",
    ),
    Rule(
        "shared",
        "overwritten",
        _shared,
        "{word} is changed in place under another name, and read after: a copy is meant",
    ),
)
