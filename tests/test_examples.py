"""The examples give what is committed in ``generated/``, and the code of the README runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from symgrad.cli import main
from symgrad.face import derive as derive_loss
from symgrad.language.spec_file import Spec, load

ROOT = Path(__file__).parent.parent
SPECS = sorted((ROOT / "examples").glob("*.py"))


def derive(spec: Path, out: Path) -> str:
    result = CliRunner().invoke(main, ["derive", str(spec), "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    return result.stderr


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: p.stem)
def test_generated_files_are_up_to_date(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    derive(spec, tmp_path)
    golden = ROOT / "generated" / spec.name
    hint = "`make generated` derives the examples again; read the diff"
    assert golden.exists(), hint
    assert (tmp_path / spec.name).read_bytes() == golden.read_bytes(), hint


def module(folder: Path, name: str) -> dict[str, object]:
    namespace: dict[str, object] = {"__name__": name}
    exec(compile((folder / f"{name}.py").read_text(), name, "exec"), namespace)
    return namespace


def test_the_rounded_example_has_the_numbers_of_the_hand_made_one_bit_for_bit() -> None:
    spec: Spec = load(ROOT / "examples" / "notebook_rounded.py")
    generated = module(ROOT / "generated", "notebook_rounded")
    value, gradients = generated["loss_and_gradients"](**spec.example)  # type: ignore[operator]
    assert np.isfinite(value)
    parameters = [e for e in spec.expected if e.adjoint and hasattr(gradients, e.value)]
    assert {e.value for e in parameters} == {"W1", "b1", "W2", "b2", "W3", "b3"}
    for stated in parameters:
        found = stated.shown(getattr(gradients, stated.value))
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, stated.numbers, strict=True)


def test_the_plain_example_says_which_numbers_are_right(tmp_path: Path) -> None:
    report = " ".join(derive(ROOT / "examples" / "notebook.py", tmp_path).split())
    for name in (
        "z1",
        "dL_da2",
        "dL_db2",
        "dL_dW2.T",
        "dL_da1",
        "dL_dz1.T",
        "dL_db1.T",
        "dL_dW1.T",
    ):
        assert f"{name} exactly right" in report
    for name in ("a3", "dL_dz3", "dL_db3.T"):
        assert f"{name} off by up to 0.00907" in report
    assert "dL_dW3.T off by up to 0.0363" in report


def readme_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def runnable() -> list[str]:
    """The blocks that stand by themselves: those that import NumPy."""
    return [block for block in readme_blocks() if block.startswith("import numpy")]


def going_on() -> list[str]:
    """The block that goes on after the training loop."""
    return [block for block in readme_blocks() if block.startswith("from scipy")]


@pytest.mark.parametrize("block", runnable(), ids=lambda b: b.splitlines()[1])
def test_code_in_the_readme_runs(block: str) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_training_loop_of_the_readme_trains() -> None:
    (loop,) = [block for block in runnable() if "loss_and_gradients(X=X, y=y" in block]
    (optimised,) = going_on()
    namespace: dict[str, Any] = {}
    sys.path.insert(0, str(ROOT))
    try:
        exec(loop, namespace)
        before = namespace["value"]
        exec(optimised, namespace)
    finally:
        sys.path.remove(str(ROOT))
    assert before < 0.1 * np.log(10)
    after, _ = namespace["of_a_vector"](namespace["pack"](namespace["best"]))
    assert after < before


def test_code_in_the_readme_is_that_of_the_files() -> None:
    """Blocks that show an example or a generated file are taken from it, line for line."""
    files = [p.read_text() for p in (*SPECS, *(ROOT / "generated").glob("*.py"))]
    shown = [block for block in readme_blocks() if block not in [*runnable(), *going_on()]]
    assert shown
    for block in shown:
        assert any(all(line in text for line in block.splitlines()) for text in files), block


def test_the_derivation_in_the_readme_is_that_of_the_example() -> None:
    spec = load(ROOT / "examples" / "notebook.py")
    derivation = derive_loss(spec.loss, names=spec.names).render("tex")
    (block,) = re.findall(r"```math\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    rows = [line.removeprefix("> ").removesuffix(r" \\").strip() for line in block.splitlines()]
    assert len(rows) == 7
    for row in rows[1:-2]:
        assert row in derivation
