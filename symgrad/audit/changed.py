"""What an edit changes in a line: a number or an array, a power, or which entries are read."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from symgrad.audit.form import assigned, reads
from symgrad.audit.grammar import Edit
from symgrad.audit.grammar.edit import summands
from symgrad.audit.sites import Known
from symgrad.audit.walks import typed, walked

_SIZE = re.compile(r"[\w.]+\.(shape(\[\s*-?\w+\s*\])?|size)\b|\blen\([^()]*\)")
"""A size of an array."""


def is_of_masks(edit: Edit) -> bool:
    """Whether an array that is added, or only taken away, is a mask: entries are left out."""
    before, after = Counter(_arrays(edit, edit.old)), Counter(_arrays(edit, edit.new))
    changed = (after - before) or (before - after)
    return any(_is_factor(name, edit) and _is_mask(edit.site.known[name]) for name in changed)


def _is_factor(name: str, edit: Edit) -> bool:
    """Whether an array is multiplied by, or stands alone, in a part of a line."""
    own = re.escape(name)
    product = re.compile(rf"\* *\(?{own}(?![\w.])|(?<![\w.]){own}(\[[^]]*\])? *\*")
    texts = (edit.old, edit.new)
    return any(product.search(text) or text.strip("()") == name for text in texts)


def _is_mask(known: Known) -> bool:
    """Whether an array is called a mask, or has zeros and ones that are no labels."""
    array = known.array
    if _MASKING.fullmatch(known.name.split(".")[-1]):
        return True
    ones = bool(np.isin(array, (0, 1)).all()) and bool(array.any()) and not array.all()
    label = known.role is not None and known.role.kind == "input" and array.dtype.kind != "b"
    picked = any((array.sum(axis=k) == 1).all() for k in range(array.ndim))
    return ones and not (label and (picked or array.ndim < 2))


_MASKING = re.compile(
    r"(?i:.*mask.*|(keep|kept|drop|dropout|alive|active|valid|observed|visible|pad)_?\w*)"
    r"|M_?\d*|D\d"
)
"""What arrays are called that leave entries out."""


def sums_more(edit: Edit) -> bool:
    """Whether an edit sums up arrays that are read without a sum, or picked from, before."""
    more = len(_SUM.findall(edit.new)) > len(_SUM.findall(edit.old))
    return more and not is_of_arrays(edit)


_SUM = re.compile(r"\b(sum|mean)\(")


def sums_otherwise(edit: Edit) -> bool:
    """Whether the same arrays are summed up in another way: over other axes."""
    both = all(_SUM.search(text) for text in (edit.old, edit.new))
    return both and not is_of_arrays(edit) and not same_but_mean(edit)


def same_but_mean(edit: Edit) -> bool:
    """Whether a sum and a mean over the same axes are exchanged: a factor."""
    one, other = (re.sub("mean|average", "sum", " ".join(_factors(t))) for t in _texts(edit))
    return one == other


def _texts(edit: Edit) -> tuple[str, str]:
    return edit.old, edit.new


def is_in_a_product(edit: Edit) -> bool:
    """Whether what is changed is a side of a matrix product: no mask, but a cached array."""
    found = (n for n in _nodes(edit) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.MatMult))
    calls = (n for n in _nodes(edit) if _called(n) in ("dot", "matmul", "outer", "einsum"))
    return edit.rule.name == OF_A_KINK and _is_in(edit, [*found, *calls])  # type: ignore[list-item]


OF_A_KINK = "no mask where there is a kink"
"""The rule that puts a maximum with a number where what it is of stands."""


def is_of_arrays(edit: Edit) -> bool:
    """Whether the line has with an edit an array more often, or less often, than before."""
    before, after = Counter(_arrays(edit, edit.old)), Counter(_arrays(edit, edit.new))
    return before != after


def _arrays(edit: Edit, text: str) -> Iterator[str]:
    """The arrays in a part of a line, as often as they stand there; their sizes are numbers."""
    for dotted in re.findall(r"[A-Za-z_][\w.]*", _SIZE.sub("", text)):
        parts = dotted.split(".")
        names = (".".join(parts[:k]) for k in range(len(parts), 0, -1))
        name = next((n for n in names if n in edit.site.known), "")
        if name and edit.site.known[name].array.size > 1:
            yield name


def is_power(edit: Edit) -> bool:
    """Whether an exponent is changed, or an array is raised to one."""
    if not is_of_arrays(edit) and _powers(edit, edit.old) != _powers(edit, edit.new):
        return True
    if _is_product(edit):
        return True
    pairs = [(n.left, n.right) for n in _nodes(edit) if isinstance(n, ast.BinOp) and is_pow(n.op)]
    pairs += [
        (a[0], a[1]) for n in _nodes(edit) if _called(n) == "power" and len(a := _args(n)) > 1
    ]
    powers = [power for base, power in pairs if any(_arrays(edit, typed(base)))]
    return _is_in(edit, powers)


def _is_product(edit: Edit) -> bool:
    """Whether an array that is no input is multiplied by itself, or no more: ``t * t``."""
    squares = set(_SQUARE.findall(edit.old)) ^ set(_SQUARE.findall(edit.new))
    known = [edit.site.known[n] for n in squares if n in edit.site.known]
    line = ast.unparse(edit.site.statement)
    several = [k for k in known if k.array.size > 1 or f"1 - {k.name}" in line]
    return any(k.role is None or k.role.kind != "input" for k in several)


_SQUARE = re.compile(r"(?<![\w.])([A-Za-z_][\w.]*) \* \1(?![\w.([])")


_EXPONENT = re.compile(r"([A-Za-z_][\w.]*|\))(?:\[[^]]*\])? *\*\* *\(?(-?[\d.]+)")


def _powers(edit: Edit, text: str) -> list[tuple[str, str]]:
    """What is raised to which powers: an array, or what stands in brackets."""
    found = _EXPONENT.findall(text)
    return [(base, power) for base, power in found if base == ")" or any(_arrays(edit, base))]


def is_owner(edit: Edit) -> bool:
    """Whether the same part of something else is read: ``out.data`` for ``self.data``."""
    pair = [text.strip().rpartition(".") for text in (edit.old, edit.new)]
    return pair[0][2] == pair[1][2] and all(owner.isidentifier() for owner, _, _ in pair)


def is_multiple(edit: Edit) -> bool:
    """Whether an array stands in place of one that it is a multiple of, or of the same times."""
    pair = [edit.site.known.get(text.strip()) for text in (edit.old, edit.new)]
    one, other = (None if k is None else k.array for k in pair)
    if one is None or other is None or one.shape != other.shape or one.size < 2:
        return False
    with np.errstate(all="ignore"):
        ratio = (one / other)[other != 0]
    return bool(ratio.size) and bool(np.ptp(ratio) < 1e-9 * np.abs(ratio).max())


def is_times(edit: Edit) -> bool:
    """Whether an edit keeps what stands there, and multiplies it by something."""
    old, new = (_factors(text) for text in (edit.old, edit.new))
    return bool(old) and len(new) > len(old) and all(new.count(f) >= old.count(f) for f in old)


def is_slice(edit: Edit) -> bool:
    """Whether another part of an array is read: ``:, 1:5`` for ``:, 0:4``."""
    return all(":" in text and "(" not in text for text in (edit.old, edit.new))


def is_of_a_difference(edit: Edit) -> bool:
    """Whether one array stands for another from which it is subtracted elsewhere.

    ``n - p`` for ``a - p`` is what is left of two ways, where ``a - n`` is read too.
    """
    one, other = edit.old.strip("() "), edit.new.strip("() ")
    minus = (n for n in _nodes(edit) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub))
    there = {typed(n) for n in walked(edit.site.around) if isinstance(n, ast.BinOp)}
    return _is_in(edit, list(minus)) and bool({f"{one} - {other}", f"{other} - {one}"} & there)


def is_of_a_summand(edit: Edit) -> bool:
    """Whether a term of a sum is another as a whole: a factor of nothing is no slope."""
    site, (start, end, _) = edit.site, edit.changes[0]
    if not isinstance(site.statement, ast.Assign) or len(site.roots) != 1:
        return False
    terms = [site.source.span(t) for t in summands(site.roots[0])]
    return len(terms) > 1 and (start, end) in terms and not is_times(edit)


def is_of_a_scale(edit: Edit) -> bool:
    """Whether it is a statement that only multiplies, or divides: ``dw /= n``."""
    statement = edit.site.statement
    return isinstance(statement, ast.AugAssign) and isinstance(statement.op, (ast.Mult, ast.Div))


def is_one_more(edit: Edit) -> bool:
    """Whether a number that is no count is to be 1 more, or less: ``s - 1`` for ``s``."""
    known = edit.site.known.get(edit.old.strip())
    alike = edit.new.replace(" ", "").strip("()") in (f"{edit.old}-1", f"{edit.old}+1")
    return alike and known is not None and bool((known.array % 1 != 0).any())


def is_times_no_slope(edit: Edit) -> bool:
    """Whether an edit keeps what stands there, and multiplies it by what is no slope."""
    return is_times(edit) and not any(_SLOPE.search(f) for f in factors_more(edit))


_SLOPE = re.compile(r"\w\(|\*\*|[<>]|^\(?1(\.0?)? [-+]")
"""What is in slopes of functions: a function, a power, a comparison, a complement."""


def factors_more(edit: Edit) -> list[str]:
    """The factors by which an edit multiplies what stands there."""
    more = Counter(_factors(edit.new)) - Counter(_factors(edit.old))
    return [*more.elements()] if is_times(edit) else []


def _factors(text: str) -> list[str]:
    """The factors of a product, as they are typed; [] where it is no expression."""
    try:
        left = [_AsFunctions().visit(ast.parse(text.strip(), mode="eval").body)]
    except SyntaxError:
        return []
    found: list[str] = []
    while left:
        node = left.pop()
        product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)
        left += [node.left, node.right] if product else []
        found += [] if product else [ast.unparse(node)]
    return found


class _AsFunctions(ast.NodeTransformer):
    """Methods of arrays as the functions that do the same: ``np.sum(a, 0)`` for ``a.sum(0)``."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        of = node.func
        if not isinstance(of, ast.Attribute) or of.attr not in _METHODS or typed(of.value) == "np":
            return node
        return ast.Call(_FUNCTION[of.attr], [of.value, *node.args], node.keywords)


_METHODS = ("sum", "mean", "prod", "dot", "transpose", "reshape", "max", "min")
_FUNCTION = {name: ast.Attribute(ast.Name("np"), name) for name in _METHODS}


_CALL = re.compile(r"\w\(")


def is_of_data(edit: Edit) -> bool:
    """Whether all that an edit adds is read from inputs of the spec."""
    more = Counter(_arrays(edit, edit.new)) - Counter(_arrays(edit, edit.old))
    roles = [edit.site.known[name].role for name in more]
    plain = len(_CALL.findall(edit.new)) <= len(_CALL.findall(edit.old))
    return bool(roles) and plain and all(r is not None and r.kind == "input" for r in roles)


def is_pow(op: ast.operator) -> bool:
    """Whether something is raised to a power."""
    return isinstance(op, ast.Pow)


def _called(node: ast.AST) -> str:
    return getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""


def _args(node: ast.AST) -> list[ast.expr]:
    return node.args if isinstance(node, ast.Call) else []


def is_of_a_branch(edit: Edit) -> bool:
    """Whether a number is changed that is a slope on one side: ``np.where(z > 0, 1, 0.2)``."""
    cases = (_args(n)[1:] for n in _nodes(edit) if _called(n) == "where")
    return is_of_numbers(edit) and _is_in(edit, [branch for several in cases for branch in several])


def is_of_order(edit: Edit) -> bool:
    """Whether something is changed that is compared with something larger or smaller."""
    orders = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    found = (n for n in _nodes(edit) if isinstance(n, ast.Compare))
    return _is_in(edit, [n for n in found if all(isinstance(op, orders) for op in n.ops)])


def is_of_numbers(edit: Edit) -> bool:
    """Whether a number is changed into another."""
    return all(_NUMBER.fullmatch(text.strip()) for text in (edit.old, edit.new))


_NUMBER = re.compile(r"-?[0-9.]+(e-?[0-9]+)?")


def is_index(edit: Edit) -> bool:
    """Whether a number is changed that says which entries are read or changed."""
    if _is_in(edit, [n.slice for n in _nodes(edit) if isinstance(n, ast.Subscript)]):
        return True
    return bool(_counted(edit) & _placing(edit.site.around))


def _counted(edit: Edit) -> set[str]:
    """The names whose numbers an edit changes: assigned, or of an argument that is left out."""
    statement = edit.site.statement
    if isinstance(statement, ast.Assign) and _is_in(edit, [statement.value]):
        return {n.id for n in statement.targets if isinstance(n, ast.Name)}
    if isinstance(statement, ast.FunctionDef):
        given = statement.args.args[::-1]
        pairs = zip(given, statement.args.defaults[::-1], strict=False)
        return {a.arg for a, default in pairs if _is_in(edit, [default])}
    return set()


def _placing(around: ast.AST) -> set[str]:
    """The names that are read in indices, and those that are read where these are assigned."""
    parts = list(walked(around))
    found = {n for p in parts if isinstance(p, ast.Subscript) for n in _names(p.slice)}
    given = [p for p in parts if isinstance(p, ast.Assign) and assigned(p) & found]
    return found | {n for p in given for n in reads(p)}


def _names(node: ast.AST) -> set[str]:
    return {n.id for n in walked(node) if isinstance(n, ast.Name)}


def _nodes(edit: Edit) -> Iterator[ast.AST]:
    yield from walked(edit.site.statement)


def _is_in(edit: Edit, nodes: list[ast.expr]) -> bool:
    """Whether an edit changes one place alone, inside one of some expressions."""
    if len(edit.changes) != 1:
        return False
    start, end, _ = edit.changes[0]
    spans = (edit.site.source.span(n) for n in nodes)
    return any(s <= start and end <= e for s, e in spans)
