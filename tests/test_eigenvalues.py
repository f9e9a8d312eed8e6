"""Eigenvalues, eigenvectors and singular values beside differences of what NumPy computes."""

from pathlib import Path

import numpy as np
import pytest
from agreement import differences

import symgrad as sg
from symgrad.cli import main
from symgrad.errors import SpecError

RNG = np.random.default_rng(0)
TALL = RNG.normal(size=(5, 3))
WEIGHTS = np.arange(9.0).reshape(3, 3) + 1


def _root(a):
    values, vectors = np.linalg.eigh(a.T @ a)
    return np.sum(vectors @ np.diag(np.sqrt(values)) @ vectors.T * WEIGHTS)


LOSSES = {
    "eigenvalues": lambda a: np.sum(np.linalg.eigvalsh(a.T @ a) * WEIGHTS[0]),
    "logarithms": lambda a: np.sum(np.log(np.linalg.eigh(a.T @ a).eigenvalues)),
    "eigenvectors": lambda a: np.sum(np.linalg.eigh(a.T @ a)[1] ** 2 * WEIGHTS),
    "a root": _root,
    "singular values": lambda a: np.sum(np.linalg.svd(a, compute_uv=False) * WEIGHTS[0]),
    "svdvals of rows": lambda a: np.sum(np.linalg.svdvals(a.T) ** 3),
    "nuclear": lambda a: np.linalg.norm(a, "nuc"),
    "spectral": lambda a: np.linalg.norm(a, 2) + np.linalg.norm(a.T, -2),
    "of a stack": lambda a: np.sum(np.linalg.norm(np.stack([a, 2 * a]), "nuc", axis=(1, 2)) ** 2),
    "kept axes": lambda a: np.sum(a / np.linalg.norm(a, 2, keepdims=True)),
    "condition": lambda a: np.linalg.cond(a.T @ a),
    "of one column": lambda a: np.linalg.norm(a[:, :1], "nuc"),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_gradient_is_the_slope(loss):
    module = sg.derive(loss(sg.param("a", TALL.shape)), names={}).compile()
    value, gradients = module.loss_and_gradients(a=TALL)
    right = differences(lambda v: np.asarray(loss(v["a"])), {"a": TALL}, 1e-4)["a"]
    np.testing.assert_allclose(value, loss(TALL), rtol=1e-12)
    np.testing.assert_allclose(gradients.a, right, rtol=1e-6, atol=1e-7)


def test_the_command_checks_all_of_it(tmp_path: Path):
    spec = tmp_path / "roots.py"
    spec.write_text(
        "import numpy as np\nimport symgrad as sg\n"
        'A = sg.param("A", (4, 3)); S = sg.param("S", (3, 3))\n'
        "w, V = np.linalg.eigh(A.T @ A)\n"
        "K = V @ np.diag(np.sqrt(w)) @ V.T\n"
        'loss = np.sum(K**3) + np.linalg.norm(A, "nuc") + np.sum(np.linalg.eigvalsh(S) ** 3)\n'
    )
    with pytest.raises(SystemExit) as ended:
        main(["derive", str(spec), "--out", str(tmp_path / "made"), "--format", "text"])
    assert not ended.value.code


def test_equal_eigenvalues_are_an_error_where_eigenvectors_are_differentiated():
    module = sg.derive(LOSSES["eigenvectors"](sg.param("a", (3, 3))), names={}).compile()
    with pytest.raises(np.linalg.LinAlgError, match="equal"):
        module.loss_and_gradients(a=np.eye(3))
    nuclear = sg.derive(LOSSES["nuclear"](sg.param("a", (3, 3))), names={}).compile()
    np.testing.assert_allclose(nuclear.gradients(a=2 * np.eye(3)).a, np.eye(3), atol=1e-15)


def test_sizes_of_which_none_is_known_to_be_smaller():
    with pytest.raises(SpecError, match="not known which axis is longer"):
        np.linalg.svdvals(sg.param("a", ("M", "N")))


@pytest.mark.parametrize("shapes", [((1, 4, 5), (3, 5, 6)), ((3, 4, 5), (3, 1, 6))])
def test_einsum_broadcasts_axes_of_one_entry(shapes):
    at = {"x": RNG.normal(size=shapes[0]), "y": RNG.normal(size=shapes[1])}

    def loss(v):
        return np.sum(np.einsum("cij,cjk->cik", v["x"], v["y"]) ** 2)

    module = sg.derive(loss({n: sg.param(n, a.shape) for n, a in at.items()}), names={}).compile()
    right = differences(lambda v: np.asarray(loss(v)), at, 1e-4)
    for name, found in module.gradients(**at)._asdict().items():
        np.testing.assert_allclose(found, right[name], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["strides", "flags", "base"])
def test_what_lies_in_memory_is_not_known(name):
    with pytest.raises(AttributeError, match="in memory is not known"):
        getattr(sg.param("a", (2,)), name)
