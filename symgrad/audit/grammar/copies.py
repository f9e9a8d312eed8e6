"""Lines that were copied and not changed everywhere: names of a layer, indices, whole lines."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from symgrad.audit.grammar.edit import Proposal, Rule, nodes
from symgrad.audit.sites import Site
from symgrad.audit.source import bodies
from symgrad.audit.statements import targets_of
from symgrad.audit.walks import typed, walked

_NUMBERED = re.compile(r"([A-Za-z_]\w*?)(\d+)")
"""A name with a number, as those of layers have."""


def _other_layer(site: Site) -> Iterator[Proposal]:
    """The names of the layer before, or after, in place of all with the number of a layer."""
    for root in site.roots:
        text = site.text(root)
        names = {n.id for n in walked(root) if isinstance(n, ast.Name)}
        numbered = {n: m for n in names if (m := _NUMBERED.fullmatch(n))}
        for layer in sorted({int(m[2]) for m in numbered.values()}):
            own = {n: m[1] for n, m in numbered.items() if int(m[2]) == layer}
            for other in (layer - 1, layer + 1) if len(own) > 1 else ():
                moved = {n: f"{stem}{other}" for n, stem in own.items()}
                if all(new in site.known for new in moved.values()):
                    yield root, _renamed(text, moved), 1.8, ", ".join(sorted(moved.values()))


def _renamed(text: str, names: dict[str, str]) -> str:
    return re.sub(r"[A-Za-z_]\w*", lambda found: names.get(found[0], found[0]), text)


def _swapped_parts(site: Site) -> Iterator[Proposal]:
    """Two parts of a list, or two arguments, the other way round."""
    for node in nodes(site):
        parts = _parts(node)
        arrays = [p for p in parts if not isinstance(p, (ast.Constant, ast.Starred))]
        for one, other in itertools.combinations(arrays, 2) if len(arrays) < 7 else ():
            start, end = site.source.span(one)[0], site.source.span(other)[1]
            between = site.source.text[site.source.span(one)[1] : site.source.span(other)[0]]
            new = f"{site.text(other)}{between}{site.text(one)}"
            yield (start, end), new, 2.0, f"{site.text(one)} and {site.text(other)}"


def _parts(node: ast.expr) -> list[ast.expr]:
    """The arguments of a function, or the parts of the list that it is applied to."""
    arguments = node.args if isinstance(node, ast.Call) else []
    first = arguments[0] if len(arguments) == 1 else None
    return list(first.elts) if isinstance(first, (ast.List, ast.Tuple)) else arguments


def _still(site: Site) -> Iterator[Proposal]:
    """The counter of a loop in place of an index that is a number, or another counter."""
    counted = list(counters(site))
    inner = [n for t in targets_of(site.statement) for n in walked(t) if isinstance(n, ast.expr)]
    subscripts = [n for n in [*nodes(site), *inner] if _is_entry(n)]
    for node in subscripts if counted else ():
        for index in _indices(node):
            plain = isinstance(index, ast.Constant) and type(index.value) is int
            if plain or (isinstance(index, ast.Name) and index.id in counted):
                for counter in counted:
                    yield index, counter, 1.7, site.text(node)


def _is_entry(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript)


def _indices(node: ast.expr) -> list[ast.expr]:
    index = node.slice if isinstance(node, ast.Subscript) else node
    return list(index.elts) if isinstance(index, ast.Tuple) else [index]


def counters(site: Site) -> Iterator[str]:
    """The counters of the loops around a statement."""
    for loop in (n for n in walked(site.around) if isinstance(n, ast.For)):
        if loop.lineno < site.line <= (loop.end_lineno or loop.lineno):
            names = loop.target.elts if isinstance(loop.target, ast.Tuple) else [loop.target]
            yield from (n.id for n in names[:1] if isinstance(n, ast.Name))


MOST_READ = 40
"""How many entries and numbers that a function reads may stand for one that it reads elsewhere."""


def read_around(site: Site) -> list[str]:
    """The numbers and entries that the function around reads, as they are typed."""
    found = [n.name for n in site.scalars if n.name.isidentifier()]
    read = (n for n in walked(site.around) if isinstance(n, ast.Subscript))
    entries = [n for n in read if is_entry_read(n)]
    found += [typed(n) for n in entries]
    for node in entries:
        plain = isinstance(node.slice, ast.Name) and isinstance(node.value, ast.Name)
        found += [f"{typed(node.value)}[{c}]" for c in counters(site) if plain]
    return list(dict.fromkeys(found))[:MOST_READ]


def is_entry_read(node: ast.Subscript) -> bool:
    """Whether something is an entry, and no slice or size."""
    shape = isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
    return not shape and not isinstance(node.slice, ast.Slice)


def _other_place(site: Site) -> Iterator[Proposal]:
    """The places that another slice has: ``[i * s : i * s + f]`` for ``[i : i + f]``."""
    read = [n for n in walked(site.around) if isinstance(n, ast.Subscript) and _has_slice(n)]
    places = dict.fromkeys(typed(n.slice).strip("()") for n in read)
    inner = [n for t in targets_of(site.statement) for n in walked(t)]
    for node in [*nodes(site), *inner]:
        if isinstance(node, ast.Subscript) and _has_slice(node):
            own = typed(node.slice).strip("()")
            for place in [p for p in places if p != own and p.count(",") == own.count(",")]:
                yield site.source.span(node.slice), place, 1.7, typed(node.value)


def _has_slice(node: ast.Subscript) -> bool:
    """Whether something is read or changed from one place to another."""
    return any(isinstance(i, ast.Slice) and i.lower is not None for i in _indices(node))


def _entry_factor(site: Site) -> Iterator[Proposal]:
    """An entry times that of another array at the counter that they share."""
    counted = set(counters(site))
    for node in [n for n in nodes(site) if isinstance(n, ast.Subscript)] if counted else ():
        own = site.known.get(site.text(node.value))
        places = [site.text(i) for i in _indices(node)]
        if own is None or own.array.ndim != len(places):
            continue
        for place, size in zip(places, own.shape, strict=True):
            for other in site.known.values() if place in counted else ():
                if other.shape == (size,) and other.name != own.name and other.name.isidentifier():
                    entry = f"{other.name}[{place}]"
                    yield node, f"({site.text(node)} * {entry})", 2.4, entry


def _other_number(site: Site) -> Iterator[Proposal]:
    """The next number, or the one before, in the index of what is changed."""
    for target in (t for t in targets_of(site.statement) if _is_entry(t)):
        for index in _indices(target):
            if isinstance(index, ast.Constant) and type(index.value) is int:
                for new in (index.value + 1, index.value - 1, index.value + 2):
                    yield index, str(new), 1.7, site.text(target)


def _every_row(site: Site) -> Iterator[Proposal]:
    """An index for each row beside that of the labels, in place of all rows: ``dz[:, y]``."""
    for node in [*nodes(site), *targets_of(site.statement)]:
        indices = _indices(node) if _is_entry(node) else []
        names = [i.id for i in indices if isinstance(i, ast.Name)]
        labels = [n for n in names if n in site.known and site.known[n].array.ndim == 1]
        for index in indices if labels and len(indices) == 2 else ():
            if isinstance(index, ast.Slice) and index.lower is index.upper is None:
                start, end = site.source.span(index)
                yield (start, end), f"np.arange(len({labels[0]}))", 1.3, labels[0]


def _one_more(site: Site) -> Iterator[Proposal]:
    """The line that a row of them lacks: ``dW[0] += …; dW[1] += …``, and no third."""
    statement = site.statement
    target = next((t for t in targets_of(statement) if _is_entry(t)), None)
    numbers = [i.value for i in _indices(target) if isinstance(i, ast.Constant)] if target else []
    body = next((b for b in bodies(site.source.tree) if statement in b), [])
    texts = {typed(s) for s in body}
    for number in [n for n in numbers if type(n) is int][:1]:
        for other in (number + 1, number - 1):
            new = _with_number(typed(statement), number, other)
            if other >= 0 and new not in texts:
                end = site.source.span(statement)[1]
                yield (end, end), f"; {new}", 1.9, new


def _with_number(text: str, number: int, other: int) -> str:
    """A line with another number in place of one, in names too."""
    return re.sub(rf"(?<![\d.]){number}(?![\d.])", str(other), text)


def _counterpart(site: Site) -> Iterator[Proposal]:
    """The same taken away from another entry: what one class gains, that of the label loses."""
    statement = site.statement
    target = statement.target if isinstance(statement, ast.AugAssign) else None
    if not isinstance(target, ast.Subscript) or not isinstance(statement, ast.AugAssign):
        return
    sign = {ast.Add: "-=", ast.Sub: "+="}.get(type(statement.op))
    inner = [n for n in walked(site.around) if isinstance(n, ast.Subscript)]
    others = dict.fromkeys(typed(i) for n in inner for i in _indices(n) if _is_entry(i))
    others |= dict.fromkeys(counters(site))
    end = site.source.span(statement)[1]
    for index in _indices(target) if sign else ():
        for other in (o for o in others if o != typed(index)):
            start = site.source.span(target)[0]
            text = site.source.text[start:end]
            at = site.source.span(index)
            moved = text[: at[0] - start] + other + text[at[1] - start :]
            before, _, after = moved.partition(f"{_sign(statement)}=")
            new = f"{before.strip()} {sign} {after.strip()}"
            yield (end, end), f"; {new}", 2.1, new


def _sign(statement: ast.AugAssign) -> str:
    return "+" if isinstance(statement.op, ast.Add) else "-"


def _not_again(site: Site) -> Iterator[Proposal]:
    """What the same line is followed by elsewhere: a value that is made again, but not whole."""
    statement = site.statement
    targets = {typed(t) for t in targets_of(statement)}
    end = site.source.span(statement)[1]
    for body in bodies(site.source.tree) if len(targets) == 1 else ():
        for one, after in itertools.pairwise(body):
            if one is not statement and typed(one) == typed(statement):
                new = _again(after, *targets)
                word = "a mask" if "where" in new or "mask" in new else "a value"
                yield from [((end, end), f"; {new}", 1.2, word)] if new else ()


def _again(statement: ast.stmt, name: str) -> str:
    """A statement that assigns a name anew, which a condition may be around; '' for another."""
    test = statement.test if isinstance(statement, ast.If) and not statement.orelse else None
    inner = statement.body if isinstance(statement, ast.If) else [statement]
    if len(inner) != 1 or not isinstance(inner[0], (ast.Assign, ast.AugAssign)):
        return ""
    if [typed(t) for t in targets_of(inner[0])] != [name]:
        return ""
    if test is None:
        return typed(inner[0])
    plain = isinstance(inner[0], ast.Assign)
    return f"{name} = {typed(inner[0].value)} if {typed(test)} else {name}" if plain else ""


RULES = (
    Rule(
        "a value that is not made as before",
        "value",
        _not_again,
        "elsewhere the same line is followed by what makes {word} of it, and here it is not",
    ),
    Rule(
        "names of another layer",
        "value",
        _other_layer,
        "`{old}` is of the wrong layer: it ought to be `{new}`",
    ),
    Rule("swapped parts", "value", _swapped_parts, "{word} are the wrong way round"),
    Rule(
        "an index that stands still",
        "value",
        _still,
        "the index has `{old}`: it ought to have `{new}`",
    ),
    Rule(
        "places of another slice",
        "value",
        _other_place,
        "{word} is taken at `{old}`, and ought to be at `{new}`",
    ),
    Rule(
        "another entry changed",
        "value",
        _other_number,
        "{word} is changed, where another entry ought to be",
    ),
    Rule(
        "all rows",
        "value",
        _every_row,
        "`{old}` is all rows, and each has a label of its own: `{new}`",
    ),
    Rule("a line too few", "term", _one_more, "a line is missing: `{word}`"),
    Rule("no counterpart", "path", _counterpart, "what another entry loses is missing: `{word}`"),
    Rule("an entry without its factor", "factor", _entry_factor, "the factor {word} is missing"),
)
