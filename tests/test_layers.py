"""Imports run one way, along the flow from a spec to a file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "symgrad"

# The flow, stage by stage.  A module may import those that stand before it, and no others.
STAGES = {
    "what all stand on": "errors files progress templating steps indices special",
    "equations": "equations records functions pieces leaves matrices algebra",
    "arrays: NumPy's language": "arrays language.elementwise language.held language.indexing"
    " language.shapes language.contractions language.reductions language.linalg language",
    "system": "tracing preparation",
    "derivation": "lookup exponentials logarithms squares stability rules likeness derivation"
    " tangents",
    "writing": "writing writing.names writing.letters writing.parts writing.style writing.printer"
    " writing.latex writing.text writing.unicode notation presentation document author",
    "program": "affine products program builder reading factors",
    "lowering": "lower.scales lower.lowering lower.reductions lower.softmax lower.linalg"
    " lower.patterns lower.products lower.layouts lower.places lower.sums lower",
    "passes": "interpreter planning passes tuning memory costs",
    "targets": "targets.identifiers targets.assumptions targets.slices targets.operations"
    " targets.module targets.matrix targets.stacks targets.buffers targets.scalars targets.numpy"
    " targets",
    "check": "fields evaluate sampling scenes differences check exact gradcheck",
    "formats": "forms formats.sheet formats.latex formats.text formats.markdown formats.pdf"
    " formats.data formats.graph formats.listing formats.mathml formats.page formats",
    "the face, the spec file, the command line": "outputs face __init__ spec report cli __main__",
}
LAYERS = " ".join(STAGES.values()).split()


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
    """``from symgrad import leaves`` imports the module, ``from symgrad import derive`` a name."""
    for name in names:
        module = name if base == "__init__" else f"{base}.{name}"
        yield module if module in known else base


def violations(name: str, source: str, known: set[str]) -> list[str]:
    before = LAYERS[: LAYERS.index(name)]
    return [module for module in imported(source, known) if module not in before]


def test_every_module_has_its_place() -> None:
    assert sorted(LAYERS) == sorted(modules())


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_run_one_way(name: str) -> None:
    known = set(modules())
    assert violations(name, modules()[name].read_text(encoding="utf-8"), known) == []


@pytest.mark.parametrize(
    "source",
    [
        "from symgrad.spec import load",
        "from symgrad import spec",
        "import symgrad.spec",
        "def late():\n    from symgrad.spec import load",
        "import symgrad",
    ],
)
def test_a_wrong_import_is_seen(source: str) -> None:
    assert violations("equations", source, set(LAYERS)) != []
