"""Imports run one way, from folder to folder along the flow from a spec to a file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from symgrad.mathematics.assumptions import ASSUMPTIONS
from symgrad.program.kinds import KINDS

PACKAGE = Path(__file__).parent.parent / "symgrad"

# The flow, floor by floor: folders and modules of the package.  What is on a floor may import what
# is on the floors before it; neighbours don't know each other.  A file in a folder is no edit here.
FLOORS = (
    "errors progress templating",
    "files",
    "mathematics",
    "language calculus program",
    "writing targets reading",
    "checks formats",
    "delivery outputs report using distributed",
    "face",
    "audit",
    "__init__",
    "job",
    "cli",
    "__main__",
)
FLOOR = {room: k for k, floor in enumerate(FLOORS) for room in floor.split()}
ALONE = FLOORS[0].split()


def modules() -> dict[str, Path]:
    """The modules of the package by name; ``__init__`` stands for the package itself."""
    return {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1]) if len(parts) > 1 and parts[-1] == "__init__" else ".".join(parts)


def imported(source: str, known: set[str]) -> Iterator[str]:
    """The modules of the package that a source imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (relative(alias.name) for alias in node.names if is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            if is_ours(node.module or ""):
                base = relative(node.module or "")
                yield from from_import(base, [alias.name for alias in node.names], known)


def is_ours(module: str) -> bool:
    return module.split(".")[0] == PACKAGE.name


def relative(module: str) -> str:
    return module.partition(".")[2] or "__init__"


def from_import(base: str, names: list[str], known: set[str]) -> Iterator[str]:
    """``from symgrad import outputs`` imports the module, ``from symgrad import derive`` a name."""
    for name in names:
        module = name if base == "__init__" else f"{base}.{name}"
        yield module if module in known else base


def room(name: str) -> str:
    return name.split(".")[0]


def violations(name: str, source: str, known: set[str]) -> list[str]:
    return [other for other in imported(source, known) if not may_import(name, other)]


def may_import(name: str, other: str) -> bool:
    mine, theirs = room(name), room(other)
    if mine == theirs or (mine in ALONE and theirs in ALONE):
        return name != other
    return FLOOR[theirs] < FLOOR[mine]


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, if there are any."""
    left = dict(imports)
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def test_every_folder_has_its_place() -> None:
    assert sorted(FLOOR) == sorted({room(name) for name in modules()})


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_run_one_way(name: str) -> None:
    known = set(modules())
    assert violations(name, modules()[name].read_text(encoding="utf-8"), known) == []


def test_no_modules_import_each_other() -> None:
    known = set(modules())
    imports = {n: set(imported(p.read_text(encoding="utf-8"), known)) for n, p in modules().items()}
    assert circle(imports) == []


@pytest.mark.parametrize(
    "source",
    [
        "from symgrad.face import derive",
        "from symgrad import face",
        "import symgrad.face",
        "def late():\n    from symgrad.face import derive",
        "import symgrad",
        "from symgrad.language.array import Array",  # a neighbour
    ],
)
def test_a_wrong_import_is_seen(source: str) -> None:
    assert violations("program.builder", source, set(modules())) != []


# What one module is to say, and no other.  Of the assumptions those are looked for whose names are
# no ordinary words; the face lists them.  Tables by the kind of an operation are for printers, and
# for the pass that writes some kinds out in others.
KIND = f"[\"']({'|'.join(KINDS)})[\"']"
PLACES = {
    "facts about kinds of operations": (
        re.compile(rf"{KIND}(,|:[^,\n]*,)\s*{KIND}"),
        {n for n in modules() if not n.startswith(("program.", "checks.", "formats."))}
        | {n for n in modules() if n.startswith("program.kinds")}
        | {"program.passes"},
    ),
    "an assumption": (
        re.compile("|".join(f"[\"']{kind}[\"']" for kind in ASSUMPTIONS if "_" in kind)),
        {"mathematics.assumptions", "__init__"},
    ),
    "the number of a fixed size": (
        re.compile(r"\bname\.isdigit\(|Integer\(\w+\.name\)"),
        {"mathematics.sizes"},
    ),
}


def strewn(name: str, source: str) -> list[str]:
    """What a module says that another one is there to say; a target's runtime is its own."""
    return [
        what
        for what, (text, places) in PLACES.items()
        if name not in places and not name.startswith("targets.numpy.") and text.search(source)
    ]


@pytest.mark.parametrize("name", sorted(modules()))
def test_what_has_a_place_is_said_there_alone(name: str) -> None:
    assert strewn(name, modules()[name].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        'AXES = {"one_hot": 1}',
        "{s: sp.Integer(s.name) for s in sizes if s.name.isdigit()}",
        'FREE = ("view", "expand")',
        'COUNTING = {"map": 3, "reduce": 1}',
    ],
)
def test_a_table_planted_elsewhere_is_seen(source: str) -> None:
    assert strewn("program.builder", source) != []


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set()}) == list("abcd")
