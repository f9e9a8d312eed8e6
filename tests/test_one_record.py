"""One record is one record: what is known of a kind or an assumption stands in one place."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symgrad.mathematics.assumptions import ASSUMPTIONS
from symgrad.program.kinds import KINDS

PACKAGE = Path(__file__).parent.parent / "symgrad"

Finder = Callable[[ast.AST], Iterator[ast.AST]]


# -- tables that name records ---------------------------------------------------------------------


def words(node: ast.AST) -> set[str]:
    """The strings in an expression."""
    return {
        n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }


def entries(node: ast.AST) -> set[str]:
    """What a table names: the keys of a dict, the items of a collection, those of a match."""
    if isinstance(node, ast.Dict):
        return {w for key in node.keys if key is not None for w in items(key)}
    if isinstance(node, ast.Set | ast.List | ast.Tuple):
        return {w for item in node.elts for w in items(item)}
    if isinstance(node, ast.BoolOp):
        return {w for part in node.values if isinstance(part, ast.Compare) for w in words(part)}
    if isinstance(node, ast.Match):
        return {w for case in node.cases for w in words(case.pattern)}
    if isinstance(node, ast.If):
        return {w for test in ladder(node) for w in words(test)}
    return set()


def items(node: ast.AST) -> set[str]:
    """A string, or a tuple of strings."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return {p.value for p in parts if isinstance(p, ast.Constant) and isinstance(p.value, str)}


def ladder(node: ast.If) -> Iterator[ast.Compare]:
    """The comparisons of an if and of its elifs."""
    yield from (n for n in ast.walk(node.test) if isinstance(n, ast.Compare))
    for other in node.orelse[:1]:
        if isinstance(other, ast.If):
            yield from ladder(other)


def tables_of(names: set[str]) -> Finder:
    """Tables, ladders and matches that name two of the records or more."""

    def find(tree: ast.AST) -> Iterator[ast.AST]:
        return (node for node in ast.walk(tree) if len(entries(node) & names) > 1)

    return find


# -- the finders ----------------------------------------------------------------------------------


def assumptions_named(tree: ast.AST) -> Iterator[ast.AST]:
    """Tables of assumptions; comparisons with the name of one; one that is made by its name."""
    names = set(ASSUMPTIONS)
    yield from tables_of(names)(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and words(node) & names:
            yield node
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Name) and called.id == "Assumption" and words(node) & names:
            yield node


def sizes_by_name(tree: ast.AST) -> Iterator[ast.AST]:
    """A size that is read from the digits of a symbol's name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Subscript):
            method = isinstance(node.func, ast.Attribute) and node.func.attr in DIGITS
            if method and is_name(node.func.value):  # type: ignore[attr-defined]
                yield node
            called = isinstance(node.func, ast.Name) and node.func.id == "int"
            if called and any(map(is_name, node.args)):
                yield node


DIGITS = ("isdigit", "isdecimal", "isnumeric")


def is_name(node: ast.AST) -> bool:
    """``symbol.name`` or ``str(symbol)``."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "str"
    return isinstance(node, ast.Attribute) and node.attr == "name"


# -- where each may stand -------------------------------------------------------------------------

RULES: dict[str, tuple[Finder, tuple[str, ...]]] = {
    "kinds of operations": (
        tables_of(set(KINDS)),
        (
            "program/kinds/",  # the records
            "__init__.py",  # the public names, softmax and logsumexp among them
            "targets/",  # how each is written in a language
            "writing/",  # how each is read
            "language/",  # names of NumPy's functions, which are the same words
            "reading/",  # these too
            "audit/grammar/",  # those in people's programs
            "audit/aliases.py",  # these too
        ),
    ),
    "assumptions": (
        assumptions_named,
        (
            "mathematics/assumptions.py",  # the records
            "__init__.py",  # the public names
            "targets/numpy/assumptions.py",  # how each is checked
            "targets/numpy/runtime/",  # goes into files that import nothing of symgrad
        ),
    ),
    "sizes that are numbers": (sizes_by_name, ("mathematics/sizes.py",)),
}


LEFT = {
    "program/builder.py:add": "whose results are never shared, as others are written into them",
    "program/memory.py:_constants": "a view or a function of constants is constant",
    "program/passes.py:_OF_EXPONENTIALS": "what this pass writes out in other functions",
}
"""Functions and tables that still tell kinds apart by their names, and for what."""


def places(tree: ast.Module) -> dict[ast.AST, str]:
    """The innermost function around each node, or the name that a table gets."""
    found: dict[ast.AST, str] = {}
    for node in ast.walk(tree):  # outer ones first
        if isinstance(node, ast.FunctionDef):
            found |= dict.fromkeys(ast.walk(node), node.name)
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found |= dict.fromkeys(ast.walk(node), ast.unparse(target))
    return found


def found_in(what: str, path: str, source: str) -> list[str]:
    """The lines of a module that state what stands elsewhere."""
    find, allowed = RULES[what]
    if path in allowed or any(path.startswith(p) for p in allowed if p.endswith("/")):
        return []
    tree = ast.parse(source)
    around = places(tree)
    nodes = {n: f"{path}:{around.get(n, '')}" for n in find(tree)}
    return [f"{place}: {ast.unparse(n)[:90]}" for n, place in nodes.items() if place not in LEFT]


@pytest.mark.parametrize("what", RULES)
def test_it_stands_in_one_place(what: str) -> None:
    sources = sorted(PACKAGE.rglob("*.py"))
    found = [
        line
        for path in sources
        for line in found_in(
            what, path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")
        )
    ]
    assert found == []


def test_what_is_left_is_there() -> None:
    find, _ = RULES["kinds of operations"]
    for place in LEFT:
        path, _, name = place.partition(":")
        tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
        around = places(tree)
        assert any(around.get(node) == name for node in find(tree)), f"{place} can go"


PLANTED = {
    "kinds of operations": [
        '_FREE = ("view", "expand", "slice")',
        '_FREE = frozenset({"view", "expand"})',
        '_COSTS = {"matmul": 2, "contract": 2}',
        '_COSTS = {("matmul", "contract"): 2}',
        'cost = 2 if op.kind in ("matmul", "contract") else 1',
        'free = op.kind == "view" or op.kind == "slice"',
        'match op.kind:\n    case "view":\n        pass\n    case "slice":\n        pass',
        'if op.kind == "view":\n    pass\nelif op.kind == "slice":\n    pass',
    ],
    "assumptions": [
        'STRONGEST = ("one_hot", "orthogonal")',
        'SENTENCES = {"one_hot": "one", "symmetric": "its transpose"}',
        'if assumption.kind == "one_hot":\n    pass',
        'made = Assumption("one_hot", 1)',
        'nonnegative = assumption.kind in ("one_hot", "positive")',
    ],
    "sizes that are numbers": [
        "n = int(size.name) if size.name.isdigit() else None",
        "known = {s: sp.Integer(int(s.name)) for s in expr.free_symbols}",
        "n = str(size).isdecimal()",
    ],
}


@pytest.mark.parametrize(("what", "source"), [(w, s) for w, ss in PLANTED.items() for s in ss])
def test_a_table_in_another_place_is_seen(what: str, source: str) -> None:
    assert found_in(what, "checks/planted.py", source) != []


@pytest.mark.parametrize(
    ("what", "source"),
    [
        ("kinds of operations", 'builder.add("matmul", (x, y), axes)'),
        ("kinds of operations", 'is_view = op.kind == "view"'),
        ("assumptions", 'Rule("symmetric", apply)'),
        ("sizes that are numbers", "n = int(text)"),
    ],
)
def test_a_single_use_is_no_table(what: str, source: str) -> None:
    assert found_in(what, "checks/planted.py", source) == []
