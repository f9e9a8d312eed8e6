"""Generated C on the desk: compiled once, called as a generated NumPy file is."""

from __future__ import annotations

import ctypes
import gc
import re
import threading
import weakref
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import SpecError
from symgrad.targets.c import build, desk
from symgrad.targets.c.build import library
from symgrad.targets.c.desk import MATH
from symgrad.targets.c.runtime import source
from tests.compiled_c import command
from tests.losses import LOSSES
from tests.test_losses import derived, point

pytestmark = pytest.mark.usefixtures("builds")

NAME = "softmax_regression"
(LOSS,) = (loss for loss in LOSSES if loss.name == NAME)
AT = point(LOSS)


@pytest.fixture(scope="module")
def derivation() -> sg.Derivation:
    return derived(LOSS)


@pytest.fixture
def module(derivation: sg.Derivation) -> Any:
    command("cc")
    return derivation.compile(target="c")


@pytest.fixture(scope="module")
def numpy_module(derivation: sg.Derivation) -> Any:
    return derivation.compile()


def test_all_functions_agree(module: Any, numpy_module: Any) -> None:
    value, found = numpy_module.loss_and_gradients(**AT)
    workspace = module.Workspace()
    bound = module.bind(**AT)
    results = [
        (module.loss(**AT), module.gradients(**AT)),
        module.loss_and_gradients(*AT.values()),
        module.loss_and_gradients(**AT, workspace=workspace),
        bound(),
    ]
    for mine, gradients in results:
        assert mine == pytest.approx(value, rel=1e-14)
        assert gradients._fields == found._fields
        for one, other in zip(gradients, found, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)


def _spoilt(name: str) -> Any:
    array = np.asarray(AT[name])
    return {
        "shape": array[..., :-1],
        "masked": np.ma.masked_array(array, False),
        "complex": array * 1j,
        "ragged": [[1.0], [1.0, 2.0]],
        "past": array + 100,
    }


@pytest.mark.parametrize("kind", ["shape", "masked", "complex", "ragged", "past"])
@pytest.mark.parametrize("name", list(AT))
def test_wrong_arguments_are_told_as_by_numpy(
    name: str, kind: str, module: Any, numpy_module: Any
) -> None:
    given = AT | {name: _spoilt(name)[kind]}
    if kind == "past" and AT[name].dtype.kind == "f":
        pytest.skip("no label")
    with pytest.raises(ValueError, match=name) as theirs:
        numpy_module.loss(**given)
    with pytest.raises(ValueError, match=name) as mine:
        module.loss(**given)
    assert str(mine.value) == str(theirs.value)


def test_arrays_in_any_order_of_memory(module: Any) -> None:
    value = module.loss(**AT)
    turned = {n: np.asfortranarray(a) for n, a in AT.items()}
    assert module.loss(**turned) == value
    assert module.loss(**{n: a.tolist() for n, a in AT.items()}) == value


@pytest.fixture(params=["an extension", "ctypes"])
def binding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to call what is bound."""
    if request.param == "ctypes":
        monkeypatch.setattr(desk, "binder", lambda: None)
    elif desk.binder() is None:
        pytest.skip("there are no headers of Python")


@pytest.mark.usefixtures("binding")
def test_what_is_bound_is_kept(module: Any) -> None:
    """The arrays live on although nobody else has them, and are read anew in each call."""
    given = {n: a.copy() for n, a in AT.items()}
    bound = module.bind(**given)
    W = given["W"]
    value, _ = bound()
    del given
    gc.collect()
    rubbish = [np.full(a.shape, np.nan) for a in AT.values() for _ in range(20)]
    assert bound()[0] == value
    W *= 2
    assert bound()[0] == module.loss(**{**AT, "W": W}) != value
    assert rubbish


@pytest.mark.usefixtures("binding")
def test_all_kinds_are_bound() -> None:
    w = sg.param("w", (3,))
    u = np.exp(w) * np.sum(w)
    array = sg.jacobian(u, w).compile(target="c")
    single = sg.derive(np.sum(u)).compile(target="c", dtype="float32")
    at = np.array([0.1, -0.4, 0.3])
    value, slopes = array.bind(w=at)()
    np.testing.assert_array_equal(value, array.loss(w=at))
    np.testing.assert_array_equal(slopes.w, array.gradients(w=at).w)
    assert single.bind(w=at.astype(np.float32))()[0] == single.loss(w=at)


@pytest.mark.usefixtures("binding")
def test_a_function_that_is_forgotten_forgets_its_arrays(module: Any) -> None:
    given = {n: a.copy() for n, a in AT.items()}
    seen = weakref.ref(given["W"])
    bound = module.bind(**given)
    del given
    gc.collect()
    assert seen() is not None
    bound()
    del bound
    gc.collect()
    assert seen() is None


def test_products_by_a_library_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    X, W = sg.data("X", (40, 30)), sg.param("W", (30, 20))
    derivation = sg.derive(np.sum(np.tanh(X @ W) ** 2))
    rng = np.random.default_rng(0)
    at = {"X": rng.normal(size=(40, 30)), "W": rng.normal(size=(30, 20))}
    value, slopes = derivation.compile().loss_and_gradients(**at)
    for address in (desk.gemm, lambda dtype: 0):
        monkeypatch.setattr(desk, "gemm", address)
        mine, found = derivation.compile(target="c").loss_and_gradients(**at)
        assert mine == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(found.W, slopes.W, rtol=1e-11, atol=1e-12)
    assert desk.gemm("float64") == 0


def test_what_can_not_be_kept_is_not_bound(module: Any) -> None:
    with pytest.raises(ValueError, match="W: expected an array of float64, in one piece, to keep"):
        module.bind(**{**AT, "W": AT["W"].astype(np.float32)})


def test_a_result_may_be_given_back(module: Any) -> None:
    workspace = module.Workspace()
    W = module.gradients(**AT).W
    expected = module.gradients(**{**AT, "W": W})
    first = module.gradients(**AT, workspace=workspace)
    again = module.gradients(**{**AT, "W": first.W}, workspace=workspace)
    for one, other in zip(again, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_workspace_belongs_to_its_thread(module: Any) -> None:
    workspace, bound = module.Workspace(), module.bind(**AT)
    failures: list[str] = []

    def elsewhere() -> None:
        for call in (lambda: module.loss(**AT, workspace=workspace), bound):
            try:
                call()
            except ValueError as error:
                failures.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert ["another thread" in x for x in failures] == [True, True]


def test_single_precision(derivation: sg.Derivation, module: Any) -> None:
    single = derivation.compile(target="c", dtype="float32")
    value, gradients = single.loss_and_gradients(**AT)
    assert value.dtype == gradients.W.dtype == np.float32
    assert value == pytest.approx(module.loss(**AT), rel=1e-5)


def test_a_file_is_loaded(derivation: sg.Derivation, module: Any, tmp_path: Path) -> None:
    derivation.write(tmp_path / "net.c", target="c")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.c", "net.h", "net_test.c"]
    loaded = sg.load(tmp_path / "net.c")
    assert loaded.loss(**AT) == module.loss(**AT)
    with pytest.raises(SpecError, match="there is no"):
        sg.load(tmp_path / "other.c")
    (tmp_path / "net.h").write_text("")
    with pytest.raises(SpecError, match="does not say what is in it"):
        sg.load(tmp_path / "net.c")


def test_files_of_others_stay(derivation: sg.Derivation, tmp_path: Path) -> None:
    (tmp_path / "net.h").write_text("int mine;\n")
    with pytest.raises(SpecError, match=r"net\.h would be replaced"):
        derivation.write(tmp_path / "net.c", target="c")
    assert [p.name for p in tmp_path.iterdir()] == ["net.h"]
    derivation.write(tmp_path / "net.c", target="c", force=True)
    derivation.write(tmp_path / "net.c", target="c")


def test_the_examples_of_the_page_run(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("cc")
    monkeypatch.chdir(tmp_path)
    page = (root / "docs" / "pages" / "how-to" / "desk.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 3
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("\n".join(blocks), space)
    assert space["value"] < 1e-3


# -- compiling ------------------------------------------------------------------------------------


def test_what_is_compiled_is_kept(
    derivation: sg.Derivation, builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("cc")
    derivation.compile(target="c")
    there = sorted(builds.iterdir())

    def again(*_: Any) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(build, "_compile", again)
    derivation.compile(target="c")
    assert sorted(builds.iterdir()) == there
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-DOTHER"))
    with pytest.raises(AssertionError, match="compiled again"):
        derivation.compile(target="c")


def test_several_at_the_same_time(derivation: sg.Derivation, tmp_path: Path,
                                  monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    command("cc")
    monkeypatch.setenv("SYMGRAD_CACHE", str(tmp_path))
    values: list[float] = []
    threads = [
        threading.Thread(target=lambda: values.append(derivation.compile(target="c").loss(**AT)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(values) == 3
    assert len(set(values)) == 1
    assert [p.suffix for p in tmp_path.iterdir()] == [".so"]


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, derivation: sg.Derivation) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(SpecError, match="there is no C compiler: cc, gcc and clang") as error:
        derivation.compile(target="c")
    assert "use the target numpy" in (error.value.hint or "")
    monkeypatch.setenv("CC", "nothing-of-this-name")
    with pytest.raises(SpecError, match="nothing-of-this-name, which CC names"):
        derivation.compile(target="c")


def test_code_is_for_the_processors_that_cc_says(
    monkeypatch: pytest.MonkeyPatch, derivation: sg.Derivation, tmp_path: Path
) -> None:
    found: list[list[str]] = []
    run = build.subprocess.run

    def noted(arguments: list[str], **more: Any) -> Any:
        found.append([a for a in arguments if a.startswith("-march=")])
        return run(arguments, **more)

    monkeypatch.setattr(build.subprocess, "run", noted)
    monkeypatch.setenv("SYMGRAD_CACHE", str(tmp_path))
    for said in ("", " -march=native"):
        monkeypatch.setenv("CC", f"{command('cc')}{said}")
        assert np.isfinite(derivation.compile(target="c").loss(**AT))
        marches = [march for march in found if march]
        assert ["-march=native"] in marches
        found.clear()
    assert build._machines(["gcc", "-march=x86-64-v3"]) == [[]]
    assert len(build._machines(["gcc"])) == 2


def test_a_folder_that_can_not_be_written(
    derivation: sg.Derivation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file is in its place: what is compiled lasts as long as the process."""
    command("cc")
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("SYMGRAD_CACHE", str(tmp_path / "taken"))
    assert np.isfinite(derivation.compile(target="c").loss(**AT))


FUNCTIONS = """
#include <stddef.h>
#include "desk_math.h"
void functions(const REAL *x, REAL *y, size_t count) {
    for (size_t k = 0U; k < count; ++k) {
        y[k] = FUNCTION(x[k]);
    }
}
"""
OVER = {
    "exp": ([(-745.2, 709.7), (-1, 1), (708.7, 709.7), (-745.2, -730)], 1.0),
    "expf": ([(-103.9, 88.7), (-1, 1), (87.7, 88.7), (-103.9, -101)], 1.0),
    "tanh": ([(-25, 25), (-1, 1), (-0.3, 0.3), (-1e-8, 1e-8), (-1e-310, 1e-310)], 2.5),
    "tanhf": ([(-12, 12), (-1, 1), (-0.3, 0.3), (-1e-4, 1e-4), (-1e-40, 1e-40)], 2.5),
    "log": ([(0.5, 2), (0.99, 1.01), (1e-320, 1e-300), (1e-5, 1e5), (1e200, 1e308)], 1.0),
    "logf": ([(0.5, 2), (0.99, 1.01), (1e-44, 1e-38), (1e-5, 1e5), (1e30, 3e38)], 1.0),
}
"""Where each function of the desk is measured, and below how many units in the last place it is."""
AT_SPECIAL = {
    "exp": [np.inf, 0, np.nan, 1, 1, np.inf, 0, 1, np.e],
    "tanh": [1, -1, np.nan, 0, -0.0, 1, -1, 1e-40, np.tanh(1)],
    "log": [np.inf, np.nan, np.nan, -np.inf, -np.inf, np.log(1e30), np.nan, np.log(1e-40), 0],
}


@pytest.mark.parametrize("name", OVER)
def test_the_functions_of_the_desk(name: str) -> None:
    """To some units in the last place over all of the domain; right where results are special."""
    single = name.endswith("f")
    dtype, real, exact = ("float32", "float", name[:-1]) if single else ("float64", "double", name)
    files = {MATH: source(MATH), "functions.c": FUNCTIONS}
    path = library("functions", files, [f"-DREAL={real}", f"-DFUNCTION={name}"])
    compiled = ctypes.CDLL(str(path)).functions

    def values(x: Any) -> Any:
        found = np.empty_like(x)
        pointers = (ctypes.c_void_p(a.ctypes.data) for a in (x, found))
        compiled(*pointers, ctypes.c_size_t(len(x)))
        return found

    rng = np.random.default_rng(0)
    ends, limit = OVER[name]
    x = np.concatenate([rng.uniform(*e, 500) for e in ends]).astype(dtype)
    y = values(x)
    right = getattr(mpmath, exact)
    with mpmath.workprec(140):
        off = [abs(mpmath.mpf(float(b)) - right(float(a))) for a, b in zip(x, y, strict=True)]
    units = [float(e) / abs(float(np.spacing(b))) for e, b in zip(off, y, strict=True)]
    assert max(units) < limit
    special = np.array([np.inf, -np.inf, np.nan, 0, -0.0, 1e30, -1e30, 1e-40, 1], dtype)
    wanted = np.array(AT_SPECIAL[exact], dtype)
    found = values(special)
    np.testing.assert_array_max_ulp(found[np.isfinite(wanted)], wanted[np.isfinite(wanted)], 2)
    np.testing.assert_array_equal(found[~np.isfinite(wanted)], wanted[~np.isfinite(wanted)])
    np.testing.assert_array_equal(np.signbit(found[wanted == 0]), np.signbit(wanted[wanted == 0]))
