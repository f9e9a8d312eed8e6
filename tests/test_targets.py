"""Targets: one record each, lines that know what they compute, a runtime of ordinary code."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special
import sympy as sp
from click.testing import CliRunner

import symgrad as sg
from symgrad import outputs
from symgrad.cli import main
from symgrad.mathematics.assumptions import ASSUMPTIONS, About, Assumption
from symgrad.mathematics.equations import Equation, Variable
from symgrad.mathematics.indices import entry
from symgrad.program.passes import compiled
from symgrad.program.program import Op
from symgrad.targets import TARGETS, is_possible
from symgrad.targets.emitted import Emitted, Passage, comment, passages
from symgrad.targets.expressions import OPERATORS, Precedence, Text, negated
from symgrad.targets.identifiers import PUBLIC, Words
from symgrad.targets.numbers import Numbers
from symgrad.targets.numpy.assumptions import CHECKS, unmet
from symgrad.targets.numpy.offered import _shortened
from symgrad.targets.numpy.runtime import assumptions, labels, self_check
from symgrad.targets.numpy.sources import Runtime
from symgrad.targets.statements import Statement
from symgrad.targets.writer import Writer
from symgrad.templating import macros
from tests.losses import LOSSES, Loss
from tests.test_losses import derived

SHOWN = ("mlp_tanh", "logistic_regression", "conv_windows", "concatenated", "hidden_markov")


def emitted(loss: Loss, target: str, **more: Any) -> Emitted:
    derivation = derived(loss)
    return outputs.emitted(derivation, derivation.notation, TARGETS[target], **more)


@pytest.fixture(params=[loss for loss in LOSSES if loss.name in SHOWN], ids=lambda x: x.name)
def loss(request: pytest.FixtureRequest) -> Any:
    return request.param


# -- the record -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda t: t.name)
def test_a_target_says_all_that_is_asked_of_it(target: Any) -> None:
    assert TARGETS[target.name] is target
    assert "." in target.suffix
    assert not any(map(target.words.is_possible, PUBLIC))
    assert target.words.is_possible("W1")
    assert is_possible("W1")
    assert callable(target.abilities.fills)
    assert len({step.__name__ for step in target.passes}) == len(target.passes)


def test_the_command_line_writes_files_with_the_ending_of_the_target(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("import symgrad as sg\nw = sg.param('w', ())\nloss = w * w\n")
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["derive", str(tmp_path / "net.py"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert [p.name for p in out.iterdir()] == [f"net{TARGETS['numpy'].suffix}"]


def test_what_is_explained_is_not_generated(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the page, which shows the code."""

    def asked(*_: Any, **__: Any) -> Emitted:
        raise AssertionError("code was asked for")

    monkeypatch.setattr(outputs, "emitted", asked)
    command = ["explain", str(root / "examples" / "notebook.py"), "W1"]
    assert CliRunner().invoke(main, command).exit_code == 0
    page = CliRunner().invoke(main, [*command, "--format", "html"])
    assert "code was asked for" in page.output


# -- lines and what they compute --------------------------------------------------------------


@pytest.mark.parametrize("plain", [False, True])
def test_passages_stand_where_they_say(loss: Loss, plain: bool) -> None:
    found = emitted(loss, "numpy", plain=plain)
    lines = found.text.split("\n")
    for passage in found.passages:
        start = passage.first - 1
        assert tuple(lines[start : start + len(passage.lines)]) == passage.lines


def test_every_equation_of_the_main_function_stands_above_its_lines(loss: Loss) -> None:
    derivation = derived(loss)
    module = outputs.module(derivation, derivation.notation)
    found = emitted(loss, "numpy")
    main_ = [p for p in found.passages if p.function in found.main]
    values = [p.value for p in main_ if p.value]
    program = module.computing([module.output, *module.gradients.values()])
    assert sorted(values) == sorted({o.name for o in program if not o.name.startswith("%")})
    for passage in main_:
        told = " ".join(line.strip("# ") for line in passage.comment)
        assert told.startswith(" ".join(module.formulas.get(passage.value, "").split()))


def test_all_lines_of_a_function_are_in_its_passages(loss: Loss) -> None:
    found = emitted(loss, "numpy")
    tree = ast.parse(found.text)
    lines = found.text.split("\n")
    for node in tree.body:
        mine = [
            x for p in found.passages for x in p.lines if p.function == getattr(node, "name", 0)
        ]
        if mine:
            assert isinstance(node, ast.FunctionDef)
            assert mine == [x for x in lines[node.lineno - 1 : node.end_lineno] if x]


def test_parts_are_stacked_with_a_gap() -> None:
    found = Emitted.of(
        ["a\nb", [Passage("f", ("c",), "v", ("# e",)), Passage("f", ("d",))]], ("f",)
    )
    assert found.text == "a\nb\n\n\n# e\nc\nd\n"
    assert [p.first for p in found.passages] == [5, 7]


def test_a_long_comment_goes_on_in_the_next_line() -> None:
    assert comment("a b c", "//", 7) == ["// a b", "//     c"]


# -- statements and macros --------------------------------------------------------------------


def kinds_written() -> Iterator[str]:
    """The kinds of the statements that the target's and the shared code make."""
    folder = Path(inspect.getfile(Writer)).parent
    for path in [*folder.glob("*.py"), *folder.glob("numpy/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in ("Statement", "_called"):
                yield from (n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant))


def test_every_kind_of_statement_has_its_macro_and_no_macro_is_idle(root: Path) -> None:
    text = (root / "templates" / "numpy" / "statements.py.jinja").read_text(encoding="utf-8")
    there = {part.partition("(")[0] for part in text.split("{% macro ")[1:]}
    along = {"join", "cumsum", "products_of_others"}  # whose kind is the operation's
    rooms = {"shared", "reshaped", "part"}
    assert there - {"made", "kept"} == {*kinds_written(), *along, *rooms, "answer"}


def test_a_macro_prints_a_statement() -> None:
    printed = macros("numpy/statements.py.jinja")
    dot = Statement("dot", "z", ("x", "W.T"), out="ws.z")
    assert printed("dot", dot) == "z = x.dot(W.T, out=ws.z)"
    loops = Statement("place", "y", ("1", "k"), "+=", detail={"loops": [("k", "N")]})
    assert printed("place", loops) == "for k in range(N):\n    y[k] += 1\n"


def test_templates_are_short_enough_to_read(root: Path) -> None:
    parts = list((root / "templates" / "numpy").iterdir())
    assert len(parts) > 10
    assert max(len(p.read_text(encoding="utf-8").splitlines()) for p in parts) <= 120


# -- what is shared ---------------------------------------------------------------------------


def test_what_targets_share_knows_none_of_them() -> None:
    folder = Path(inspect.getfile(Writer)).parent
    for path in folder.glob("*.py"):
        assert ("targets.numpy" in path.read_text(encoding="utf-8")) == (path.name == "__init__.py")


class Caret(Numbers):
    def power(self, base: Text, exponent: Text) -> Text:
        return Text(
            f"{base.at_least(Precedence.ATOM)}^{exponent.at_least(Precedence.ATOM)}",
            Precedence.POWER,
        )


class Calculator(Writer):
    """A language of numbers alone, made of what targets share."""

    words = Words(frozenset({"let"}))
    numbers = Caret

    def printed(self, op: Op, args: Sequence[Text]) -> Text:
        if op.function in OPERATORS:
            return OPERATORS[op.function](*args)
        return negated(args[0]) if op.function == "negative" else Text(f"{op.function} {args[0]}")

    def changing(self, op: Op, name: str, args: Sequence[Text]) -> list[Statement]:
        raise NotImplementedError


def calculated(expr: sp.Expr, formulas: Mapping[str, str]) -> list[str]:
    inputs = [Variable(name, (), "param") for name in ("a", "b", "self")]
    writer = Calculator(compiled(inputs, [Equation("let", (), expr)], ["let"]))
    found = passages("f", writer.assignments, formulas, lambda s: f"let {s.name} := {s.x}", "--")
    return [line.strip() for p in found for line in p.lines]


def test_another_language_needs_no_more_than_its_own_signs() -> None:
    a, b, other = (entry(name, ()) for name in ("a", "b", "self"))
    found = calculated((a - b) * (a + other) / 3, {"let": "let = (a - b) (a + self) / 3"})
    assert found[0] == "-- let = (a - b) (a + self) / 3"
    assert found[-1].startswith("let let_2 := ")
    assert "(a - b)" in found[-1]
    assert "(a + self)" in found[-1]


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (sp.Rational(1, 3), "1 / 3"),
        (sp.Symbol("N") - 2, "N - 2"),
        (-(sp.Symbol("N") ** 2), "-N^2"),
        (sp.Symbol("M") * (sp.Symbol("N") + 1), "M * (1 + N)"),
        (sp.Float("0.25"), "0.25"),
    ],
)
def test_numbers_and_sizes_as_text(expr: sp.Expr, text: str) -> None:
    assert Caret(lambda size: size).text(expr).code == text


@pytest.mark.parametrize("function", OPERATORS)
def test_brackets_are_there_where_they_are_needed(function: str) -> None:
    """Python's own parser finds the same tree in the text with as few brackets as that."""
    for other in OPERATORS:
        inner = OPERATORS[other](Text("x"), Text("y"))
        for pair in ((inner, Text("z")), (Text("z"), inner)):
            text = OPERATORS[function](*pair).code
            full = OPERATORS[function](*(Text(f"({p.code})") for p in pair)).code
            assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(full)), text


# -- the runtime of NumPy's files -------------------------------------------------------------


def test_the_runtime_stands_in_files_as_it_stands_here() -> None:
    x, y = sg.data("x", (600,), assume=sg.positive), sg.data("y", (2,), dtype=int)
    text = sg.derive(np.sum((sg.param("w", (600,)) * x)[y]), names={}).source()
    for module, functions in (
        (assumptions, ("_assumed",)),
        (labels, ("_check_labels",)),
        (self_check, ("_some_positive",)),
    ):
        for name in functions:
            source = inspect.getsource(getattr(module, name)).strip()
            assert Runtime()[module.__name__.rpartition(".")[2]][name] == source
            assert f"\n\n{source}\n" in text


def test_a_file_defines_what_numpy_lacks_and_only_that() -> None:
    text = sg.derive(np.sum(scipy.special.erf(sg.param("w", (3,)))), names={}).source()
    defined = {name for name in TARGETS["numpy"].runtime if f"\ndef {name}(" in text}
    assert defined == {"_in_pieces", "_polynomial", "_erf_near", "_erfc_far", "_erf"}


@pytest.mark.parametrize(("kind", "wrong"), [("float", "c"), ("int", "f"), ("bool", "i")])
def test_a_wrong_kind_is_told(kind: Any, wrong: str) -> None:
    x, w = sg.data("x", (2,), dtype=kind), sg.param("w", (2,))
    module = sg.derive(np.sum(np.where(x > 0, w, 0)), names={}).compile()
    module.loss(np.zeros(2, kind), np.ones(2))
    with pytest.raises(ValueError, match=f"x: expected dtype {kind}, got"):
        module.loss(np.zeros(2, wrong), np.ones(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones((4, 5))}, r"x: expected shape \(N, N\), got \(4, 5\)"),
        ({"z": np.ones(2)}, r"z: expected shape \(M,\) with M = 7 as in y, got \(2,\)"),
        ({"z": np.ones((7, 1))}, r"z: expected shape \(M,\) with M = 7 as in y, got \(7, 1\)"),
    ],
)
def test_a_wrong_shape_is_told(change: dict[str, Any], message: str) -> None:
    x, y, z = sg.data("x", ("N", "N")), sg.data("y", ("M",)), sg.data("z", ("M",))
    w = sg.param("w", ())
    module = sg.derive(w * (np.sum(x) + np.sum(y * z)), names={}).compile()
    at = {"x": np.ones((4, 4)), "y": np.ones(7), "z": np.ones(7), "w": 1.0}
    assert module.loss(**at) == 23
    with pytest.raises(ValueError, match=message):
        module.loss(**(at | change))


@pytest.mark.parametrize("kind", CHECKS)
def test_what_is_drawn_keeps_what_is_assumed(kind: str) -> None:
    drawn = getattr(self_check, f"_some_{kind}")(np.random.default_rng(0), (4, 4), 1)
    about = ASSUMPTIONS[kind].about
    said = Assumption(kind, 1 if about is About.AXIS else None)
    assert list(unmet(drawn, said, "x")) == []
    if kind != "symmetric":  # which it still is, of all entries less 2
        assert list(unmet(drawn - 2, said, "x"))


@pytest.mark.parametrize("n", [3, 100, 1000])
def test_large_memory_begins_at_a_cache_line(n: int) -> None:
    x, w = sg.data("x", ("N", 40)), sg.param("w", (40,))
    module = sg.derive(np.sum(np.tanh(x * w))).compile(dtype="float32")
    room = vars(module.Workspace(N=n, dtype="float32")).values()
    arrays = [a for a in room if isinstance(a, np.ndarray) and a.shape == (n, 40)]
    assert arrays
    for array in arrays:
        assert array.dtype == np.float32
        assert array.nbytes < 8192 or array.__array_interface__["data"][0] % 64 == 0


def test_of_many_values_few_are_unpacked_as_python_can() -> None:
    """A star stands after at most 255 names."""
    for used in range(250, 262):
        names = [*(f"v{k}" for k in range(used)), "_", "_", "_"]
        shorter = _shortened(names)
        compile(f"{', '.join(shorter)} = ()", "few", "exec")
        assert ("*_" in shorter) == (used < 256)
