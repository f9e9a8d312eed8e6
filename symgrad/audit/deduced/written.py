"""What a line ought to be, written out of the derivation in the names that a program has there."""

from __future__ import annotations

import ast
import contextlib
import copy
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.audit.compare import numbers
from symgrad.audit.deduced.repairs import nothing
from symgrad.audit.form import assigned
from symgrad.audit.grammar import Edit, Rule
from symgrad.audit.program import Program
from symgrad.audit.reference import Reference, Truth
from symgrad.audit.roles import is_right_role
from symgrad.audit.scene import Scene
from symgrad.audit.sites import Known, Site
from symgrad.audit.targets import holder
from symgrad.calculus import forward_and_adjoints
from symgrad.errors import SymgradError
from symgrad.targets import NUMPY
from symgrad.targets.module import assembled

Numbers = np.ndarray[Any, Any]

WRITTEN = Rule(
    "written out of the derivation",
    "unnamed",
    nothing,
    "`{old}` does not follow from the loss; the repair is the line that does",
)
"""What is offered where no edit of a line makes it right."""

LONGEST = 600
"""How many letters such a line may have: longer ones are no help."""

SHORT = 12
"""How many letters are written again where they are read again."""

STAGES = ("_forward", "_shared", "_loss", "_backward")
"""The functions of a generated module that are its mathematics."""


class Written:
    """The lines of the code that is generated, by what they assign."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.lines = dict(reversed([*_lines(_text(reference))]))

    def of(self, name: str, known: Mapping[str, str]) -> Wanted | None:
        """The gradient by a value, in what is ``known`` of the spec; None without a line."""
        last = self.reference.derivation.adjoint_name.get(name, "")
        if last not in self.lines:
            return None
        return Wanted.of(self.lines, last, known)

    def numbers(self, truth: Truth) -> dict[str, Numbers]:
        """What the lines give at a point, where they need nothing but NumPy."""
        space: dict[str, Any] = {"np": np, "math": math, **truth.given}
        for name in dict.fromkeys(
            n for last in self.lines for n in needed(self.lines, last, space, {})
        ):
            with np.errstate(all="ignore"), contextlib.suppress(Exception):
                code = compile(ast.Expression(self.lines[name]), name, "eval")
                space[name] = np.asarray(eval(code, {}, space), dtype=float)
        return {n: space[n] for n in self.lines if n in space}


def needed(
    lines: Mapping[str, ast.expr], name: str, known: Collection[str], uses: dict[str, int]
) -> Iterator[str]:
    """The lines that one needs, those first that others need; and how often each is read."""
    for node in ast.walk(lines[name]):
        read = node.id if isinstance(node, ast.Name) else ""
        if read in lines and read not in known:
            uses[read] = uses.get(read, 0) + 1
            if uses[read] == 1:
                yield from needed(lines, read, known, uses)
    yield name


@dataclass(frozen=True)
class Wanted:
    """An expression, and the lines that have to stand before it."""

    before: Mapping[str, ast.expr]
    whole: ast.expr

    @classmethod
    def of(cls, lines: Mapping[str, ast.expr], last: str, known: Mapping[str, str]) -> Wanted:
        """A line, with what it needs: what is read once, or is short, stands where it is read."""
        uses: dict[str, int] = {}
        order = dict.fromkeys(needed(lines, last, known, uses))
        again: list[str] = []
        inlined = _Inlined(lines, known, again)
        for line in [n for n in order if uses.get(n, 0) > 1 and n != last]:
            again += [line] if len(ast.unparse(inlined.line(line))) > SHORT else []
        return cls({n: inlined.line(n) for n in again}, inlined.line(last))

    def text(self, shorter: _Shorter, taken: Collection[str]) -> tuple[str, str]:
        """The lines before, and the expression, with names that are not ``taken``."""
        lines = {n: shorter.visit(line) for n, line in self.before.items()}
        made = Wanted.of({**lines, "": shorter.visit(self.whole)}, "", {})
        named = {n: f"{n}_" if n in taken else n for n in made.before}
        renamed = _Inlined({}, named, ())
        texts = {named[n]: ast.unparse(renamed.visit(line)) for n, line in made.before.items()}
        return "".join(f"{n} = {t}; " for n, t in texts.items()), ast.unparse(
            renamed.visit(made.whole)
        )


class _Inlined(ast.NodeTransformer):
    """An expression with the names of a program: what has none there is computed on the way."""

    def __init__(
        self, lines: Mapping[str, ast.expr], known: Mapping[str, str], kept: Collection[str]
    ) -> None:
        self.lines, self.known, self.kept = lines, known, kept

    def line(self, name: str) -> ast.expr:
        """A line, with what it reads."""
        made: ast.expr = self.visit(copy.deepcopy(self.lines[name]))
        return ast.parse(ast.unparse(made), mode="eval").body

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.known:
            return ast.parse(self.known[node.id], mode="eval").body
        line = self.lines.get(node.id) if node.id not in self.kept else None
        return node if line is None else self.visit(copy.deepcopy(line))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        method = node.func if isinstance(node.func, ast.Attribute) else None
        if method is not None and ast.unparse(method).endswith(".dtype.type"):
            return node.args[0]
        return method.value if method is not None and method.attr == "copy" else node


def _text(reference: Reference) -> str:
    """The code of all gradients, to be read; '' where there is none."""
    derivation, output = reference.derivation, reference.output
    try:
        equations = forward_and_adjoints(derivation)
        variables, wanted = derivation.system.variables, reference.gradient_of
        return NUMPY.emit(assembled(variables, equations, output, wanted, plain=True)).text
    except SymgradError:
        return ""


def _lines(text: str) -> Iterator[tuple[str, ast.expr]]:
    """What the lines of functions assign, each once and as a whole."""
    body = ast.parse(text).body
    yield from ((ast.unparse(n.targets[0]), n.value) for n in body if isinstance(n, ast.Assign))
    made = [n for n in body if isinstance(n, ast.FunctionDef)]
    given = {f.name: f.body[-1].value for f in made if isinstance(f.body[-1], ast.Return)}
    for function in made:
        lines: dict[str, list[ast.expr | None]] = {}
        for node in ast.walk(function):
            value = node.value if isinstance(node, ast.Assign) else None
            called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
            value = given.get(called, value) if called in STAGES else value
            for target in _targets(node) if {function.name, called} & {*STAGES} else ():
                name = ast.unparse(target).split("[")[0]
                lines.setdefault(name, []).append(value if isinstance(target, ast.Name) else None)
        yield from ((n, v[0]) for n, v in lines.items() if len(v) == 1 and v[0] is not None)


def _targets(node: ast.AST) -> Sequence[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, (ast.AugAssign, ast.For)) else []


def written(
    found: Written, program: Program, scene: Scene, sites: Sequence[Site], name: str
) -> Iterator[tuple[float, Edit]]:
    """The whole of what assigns a gradient at these statements, written out of the derivation."""
    for site in [s for s in sites if _assigns_whole(s)]:
        readable = _readable(program, scene, site)
        made = found.of(name, _known(site, found, scene.truth, readable)) if readable else None
        if made is None:
            continue
        names = {n.id for n in ast.walk(site.around) if isinstance(n, ast.Name)}
        shorter = _Shorter.of(program, site, scene.truth, made, readable)
        before, new = made.text(shorter, names)
        if len(before + new) <= LONGEST:
            yield 4.0, _edit(site, before, new)


def making(sites: Sequence[Site]) -> list[Site]:
    """The statements that make a value, of those that it depends on."""
    return [
        *{id(s.statement): s for s in (_made(s, sites) for s in sites if s.depth == 0)}.values()
    ]


def _edit(site: Site, before: str, new: str) -> Edit:
    """Lines before a statement, and another expression in it."""
    start, end = site.source.span(site.roots[0])
    first = site.source.span(site.statement)[0]
    old = site.source.text[start:end]
    room = f"({new}{chr(10) * old.count(chr(10))})" if "\n" in old else new
    changes = ((first, first, before), (start, end, room))[0 if before else 1 :]
    whole = before + new
    return Edit(WRITTEN, changes, 4.0, site, " ".join(old.split()), whole, whole)


def _made(site: Site, sites: Sequence[Site]) -> Site:
    """The statement that makes what another only hands out: ``grads["W"] = dW``."""
    root = site.roots[0] if len(site.roots) == 1 else None
    if not isinstance(root, ast.Name):
        return site
    before = [s for s in sites if s.line < site.line and assigned(s.statement) == {root.id}]
    near = [s for s in before if s.around is site.around and _assigns_whole(s)]
    return max(near, key=lambda s: s.line, default=site)


def _assigns_whole(site: Site) -> bool:
    """Whether a statement assigns, or gives back, an array as a whole."""
    statement = site.statement
    if len(site.roots) != 1:
        return False
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    plain = all(not isinstance(t, ast.Subscript) or holder(t) is t for t in targets)
    return plain and isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Return))


LIBRARY = {"math": "np", "_norm": "np.linalg.norm"}
"""What the generated code calls functions of NumPy that a program may not have so."""


def _known(site: Site, found: Written, truth: Truth, readable: Sequence[Known]) -> dict[str, str]:
    """What stands for names of the generated code, where a statement stands."""
    names, numpy = found.reference.derivation.adjoint_name, _alias(site)
    known = {n: re.sub(r"^np\b", numpy, text) for n, text in [("np", "np"), *LIBRARY.items()]}
    for one in readable:
        role = one.role
        if role is not None and is_right_role(role) and not role.in_turn:
            called = names.get(role.name, "") if role.kind == "gradient" else role.name
            known.setdefault(called, one.name)
    arrays = [k for k in readable if k.array.ndim and k.array.size > 1]
    for name, array in found.numbers(truth).items():
        same = next(_same(array, arrays), "") if array.size > 1 else ""
        known |= {name: same} if same and name not in known else {}
    return known


def _readable(program: Program, scene: Scene, site: Site) -> list[Known]:
    """What may be read where a statement stands that is run once: names first."""
    own = assigned(site.statement)
    texts = dict.fromkeys([*site.known, *map(ast.unparse, _read(site.around))])
    texts = dict.fromkeys(t for t in texts if t not in own)
    frames = program.seen(site.statement, list(texts), scene.truth)
    found = []
    for text, value in zip(texts, frames[0] if len(frames) == 1 else (), strict=False):
        array = numbers(value)
        if array is not None:
            found.append(Known(text, array, scene.role(array)))
    return sorted(found, key=lambda k: not k.name.isidentifier())


def _read(around: ast.AST) -> Iterator[ast.expr]:
    """What a function reads: attributes, and entries of lists and dictionaries."""
    for node in ast.walk(around):
        plain = isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Load)
        if plain and isinstance(node, ast.expr):
            yield node


def _alias(site: Site) -> str:
    """What a program calls NumPy."""
    imports = (n for n in ast.walk(site.source.tree) if isinstance(n, ast.Import))
    return next((a.asname or a.name for i in imports for a in i.names if a.name == "numpy"), "np")


class _Shorter(ast.NodeTransformer):
    """An expression whose parts are read where the program has them already, by their numbers."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known

    @classmethod
    def of(
        cls, program: Program, site: Site, truth: Truth, wanted: Wanted, readable: Sequence[Known]
    ) -> _Shorter:
        """What stands for the parts of an expression, where a statement stands."""
        nodes = [n for line in (*wanted.before.values(), wanted.whole) for n in ast.walk(line)]
        parts = [n for n in nodes if isinstance(n, (ast.BinOp, ast.Call, ast.UnaryOp))]
        told = {t: n for n in parts if len(t := ast.unparse(n)) > 3}
        alone = _Inlined(wanted.before, {}, ())
        texts = [ast.unparse(alone.visit(copy.deepcopy(n))) for n in told.values()]
        frames = program.seen(site.statement, texts, truth) if texts else []
        arrays = [k for k in readable if k.array.ndim and k.array.size > 1]
        found: dict[str, str] = {}
        for text, value in zip(told, frames[0] if len(frames) == 1 else (), strict=False):
            array = numbers(value)
            same = next(_same(array, arrays), "") if array is not None and array.ndim else ""
            found |= {text: same} if same and len(same) < len(text) else {}
        return cls(found)

    def visit(self, node: ast.AST) -> Any:
        """The name of an expression, or it with its parts by their names."""
        text = ast.unparse(node) if isinstance(node, (ast.BinOp, ast.Call, ast.UnaryOp)) else ""
        if text in self.known:
            return ast.parse(self.known[text], mode="eval").body
        return super().visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """An operation, without a quotient of a quotient, or a sum of a negative."""
        self.generic_visit(node)
        right = ast.unparse(node.right)
        if isinstance(node.op, ast.Div) and right.startswith("1 / "):
            whole = ast.parse(right.removeprefix("1 / "), mode="eval").body
            return ast.BinOp(node.left, ast.Mult(), whole)
        if isinstance(node.op, ast.Add) and right.startswith("-") and _is_product(node.right):
            return ast.BinOp(node.left, ast.Sub(), ast.parse(right[1:], mode="eval").body)
        return node


def _is_product(node: ast.expr) -> bool:
    """Whether a sign in front of an expression is of the whole of it."""
    sums = isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
    return isinstance(node, (ast.BinOp, ast.UnaryOp)) and not sums


FORMS: tuple[tuple[str, Callable[[Numbers], Numbers]], ...] = (
    ("{}", lambda a: a),
    ("(1 - {})", lambda a: 1 - a),
    ("(1 / {})", lambda a: 1 / a),
    ("{}**2", lambda a: np.where(a < 0, np.nan, np.sqrt(np.abs(a)))),
    ("-np.log({})", lambda a: np.exp(-a)),
    ("-np.log(1 - {})", lambda a: 1 - np.exp(-a)),
)
"""What may be made of an array that a program has, and how that is undone."""


def _same(array: Numbers, known: Sequence[Known]) -> Iterator[str]:
    """What has the numbers of an array: a name, or what is made of it."""
    with np.errstate(all="ignore"):
        for form, undone in FORMS:
            wanted = undone(array)
            for one in known:
                for laid, text in _laid(one, array.ndim):
                    if laid.shape == wanted.shape and np.allclose(laid, wanted, 1e-10, 1e-13):
                        yield form.format(text)


def _laid(known: Known, ndim: int) -> Iterator[tuple[Numbers, str]]:
    """An array as it is, and with one axis more."""
    array = np.asarray(known.array, dtype=float)
    yield array, known.name
    for axis in range(ndim) if array.ndim == ndim - 1 else ():
        index = ", ".join("None" if k == axis else ":" for k in range(ndim))
        yield np.expand_dims(array, axis), f"{known.name}[{index}]"
