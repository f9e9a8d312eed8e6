"""An edit of a program that may repair it, and the rules that propose edits."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symgrad.audit.names import is_called_gradient
from symgrad.audit.sites import Site
from symgrad.audit.walks import walked
from symgrad.audit.wording import Change

Proposal = tuple[ast.expr | ast.stmt | tuple[int, int], str, float, str]
"""What to replace, by what, how unlikely that is, and a word for the sentence."""


@dataclass(frozen=True)
class Rule:
    """One way to be wrong: its kind, what may repair it, and the sentence that says it.

    The sentence is of ``{old}`` and ``{new}``, the parts of the line, and ``{word}``.
    """

    name: str
    kind: str
    tries: Callable[[Site], Iterator[Proposal]]
    sentence: str

    def edits(self, site: Site) -> Iterator[Edit]:
        """What it proposes for a statement."""
        for what, new, cost, word in self.tries(site):
            start, end = what if isinstance(what, tuple) else site.source.span(what)
            old = site.source.text[start:end]
            lost = old.count("\n") - new.count("\n")
            room = f"({new}{chr(10) * lost})" if lost > 0 else new
            if " ".join(old.split()) != new:
                whole = isinstance(what, ast.expr) and not isinstance(what, ast.Slice)
                whole = whole and id(what) not in site.inside_functions
                yield Edit(
                    self, ((start, end, room),), cost, site, " ".join(old.split()), new, word, whole
                )


@dataclass(frozen=True)
class Edit:
    """One proposal of a rule for a statement."""

    rule: Rule
    changes: tuple[Change, ...]
    cost: float
    site: Site
    old: str
    new: str
    word: str
    is_expression: bool = False
    again: bool = False
    """Whether the same is changed in two lines."""

    @property
    def kind(self) -> str:
        """The kind of fault that it repairs."""
        if self.rule.kind in ("activation", "operation") and _MASK.fullmatch(self.new):
            return "mask"
        if "rand" in self.old and "rand" not in self.new:
            return "random"
        return KINDS_BY_WORD.get((self.rule.name, self.word), self.rule.kind)

    @property
    def sentence(self) -> str:
        """The fault in words."""
        name, word = self.rule.name, self.word
        sentence = SENTENCES_BY_WORD.get((name, word), self.rule.sentence)
        if word.startswith(ITS_VALUE):
            sentence = SENTENCES_OF_VALUES.get(name, sentence)
            word = word.removeprefix(ITS_VALUE)
        again = ", in two lines" if self.again else ""
        return sentence.format(old=self.old, new=self.new, word=word) + again


KINDS_BY_WORD = {
    ("another function", "argmax"): "mask",
    ("another function", "argmin"): "mask",
    ("another function", "max"): "mask",
    ("another function", "min"): "mask",
    ("another function", "sign"): "activation",
    ("another function", "cos"): "activation",
    ("another function", "sin"): "activation",
    ("another function", "convolve"): "transpose",
    ("another function", "correlate"): "transpose",
    ("another function", "cosh"): "activation",
    ("another function", "sinh"): "activation",
    ("a superfluous factor", "the mask"): "mask",
    ("a superfluous factor", "a derivative"): "activation",
    ("a superfluous factor", "an array"): "term",
    ("superfluous factors", "the mask"): "mask",
    ("superfluous factors", "a derivative"): "activation",
    ("superfluous factors", "an array"): "term",
    ("a value that is not made as before", "a mask"): "mask",
    ("another array", "an activation"): "activation",
    ("another array", "a mask"): "mask",
    ("another array twice", "an activation"): "activation",
    ("another argument", "an activation"): "activation",
    ("another argument", "a mask"): "mask",
    ("another array twice", "a mask"): "mask",
}
"""Rules that find several kinds, told apart by what they found."""

SENTENCES_BY_WORD = {
    ("another sum", "the mean for the sum"): "a mean is taken where a sum is meant: "
    "`{old}` ought to be `{new}`",
    ("another sum", "the sum for the mean"): "a sum is taken where a mean is meant: "
    "`{old}` ought to be `{new}`",
    ("another function", "convolve"): "the kernel is not turned round: `{old}` ought to be `{new}`",
    ("another function", "correlate"): "the kernel is turned round once too often: "
    "`{old}` ought to be `{new}`",
}
"""Rules that find several faults, told apart by what they found."""

ITS_VALUE = "its value at "
SENTENCES_OF_VALUES = {
    "no derivative": "the factor {word} is missing",
    "no derivative in turn": "the factor {word} is missing",
    "no derivative inside": "the factor {word} is missing",
    "another derivative": "`{old}` is not the derivative there: `{new}` is",
}
"""Rules of derivatives, where that is the value itself, or an array beside it."""

_MASK = re.compile(r"(.* \* )?\(*[\w.]+(\[[\w +-]+\])? > 0\)*")
"""A derivative that is 0 or 1."""

WHOLE = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Constant)


def operand(site: Site, node: ast.expr) -> str:
    """An expression as an operand: in brackets unless it is a whole."""
    text = site.text(node)
    return text if isinstance(node, WHOLE) else f"({text})"


def bracketed(text: str) -> str:
    """A text in brackets, which it may have already."""
    depth = 0
    for k, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if not depth and k < len(text) - 1:
            return f"({text})"
    return text


def nodes(site: Site) -> Iterator[ast.expr]:
    """The expressions in a statement that are values, the outer ones first."""
    queue = list(site.roots)
    while queue:
        node = queue.pop(0)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            continue
        yield node
        if isinstance(node, ast.Call):
            queue += [node.func.value] if isinstance(node.func, ast.Attribute) else []
            queue += [a for a in node.args if isinstance(a, ast.expr)]
        elif isinstance(node, ast.Lambda):
            queue.append(node.body)
        elif isinstance(node, ast.Subscript):
            parts = (n for n in walked(node.slice) if isinstance(n, (ast.Name, ast.Slice)))
            queue += [node.value, *parts]
        elif isinstance(node, ast.Slice):
            continue
        else:
            queue += [c for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)]


def products(site: Site) -> Iterator[ast.BinOp]:
    """The products and quotients, entry by entry."""
    for node in nodes(site):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
            yield node


def summands(node: ast.expr) -> list[ast.expr]:
    """The terms of a sum or difference."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        return [*summands(node.left), *summands(node.right)]
    return [node]


def function_of(node: ast.expr) -> str:
    """The last name of the function that a call is of."""
    if not isinstance(node, ast.Call):
        return ""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def is_module(node: ast.expr) -> bool:
    """Whether a name is that of a library and not of an array."""
    return isinstance(node, ast.Name) and node.id in {
        "np",
        "numpy",
        "math",
        "scipy",
        "random",
        "xp",
        "cp",
    }


def argument(node: ast.Call) -> ast.expr | None:
    """What a function of one array is of: its first argument, or what it is a method of."""
    if isinstance(node.func, ast.Attribute) and not is_module(node.func.value):
        inner = node.func.value
        if not (isinstance(inner, ast.Attribute) and is_module(inner.value)):
            return inner
    return node.args[0] if node.args else None


def is_made_before(site: Site, term: ast.expr) -> bool:
    """Whether a term is of a local gradient, which is likelier wrong where it is made."""
    if site.begins:
        return False
    if isinstance(term, ast.Name):
        return _is_unlike(site, term.id)
    names = {n.id for n in walked(term) if isinstance(n, ast.Name) and is_called_gradient(n.id)}
    return any(is_gradient(site, n) and _is_unlike(site, n) for n in names)


def _is_unlike(site: Site, name: str) -> bool:
    """Whether a local is nothing in the spec, as far as is known."""
    known = site.known.get(name)
    return known is not None and (known.role is None or known.role.ratio != 1.0)


def is_gradient(site: Site, name: str) -> bool:
    """Whether a name is that of a gradient, by its numbers or by how it is called."""
    known = site.known.get(name)
    if known is not None and known.role is not None:
        return known.role.kind == "gradient" or known.role.comes_back
    return is_called_gradient(name)


def reads_gradient(site: Site, node: ast.expr) -> bool:
    """Whether an expression reads a gradient, by its name."""
    names = (site.text(n) for n in walked(node) if isinstance(n, (ast.Name, ast.Attribute)))
    return any(is_gradient(site, n) for n in names)
