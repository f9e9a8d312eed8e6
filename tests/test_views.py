"""What is a view and what is a copy is as NumPy has it: it shows where arrays are written into."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symgrad as sg
from symgrad.errors import SpecError
from symgrad.language.layout import is_view_of, layout_of
from symgrad.language.spec_file import load

AT = np.random.default_rng(3).normal(size=(3, 4))

TURNED = """h.T|h[:, :2]|h[::2]|h[::-1]|h[:, ::-1]|h[:, 1]|h[::2, 1]|h[None]|h[..., None]|h[1:2]
np.diag(h)|h.diagonal()|np.moveaxis(h, 0, -1)|h.reshape(3, 2, 2)|h.reshape(3, 2, 2).swapaxes(1, 2)
np.einsum('ij->ji', h)|np.einsum('ii->i', h[:3, :3])|np.linalg.matrix_transpose(h)|np.flip(h)
np.broadcast_to(h, (2, 3, 4))|np.rot90(h)|np.atleast_3d(h)|np.expand_dims(h, 1)|np.diag(h[:, 0])
np.lib.stride_tricks.sliding_window_view(h, 2, axis=0)|h.astype(float, copy=False)|np.real(h)"""
MADE = """np.exp(h)|np.exp(h.T)|h + h.T.reshape(3, 4)|h[:, [0, 1]]|h[[0, 1]]|h.T @ h|h.T.copy()
np.cumsum(h, axis=0)|np.stack([h, h], axis=1)|np.column_stack([h[:, 0], h[:, 1]])|np.tile(h, (2, 1))
np.einsum('ij,kj->ik', h, h)|h * h[0]|np.roll(h, 1, axis=0)|np.cross(h[:, :3], h[:, :3])"""
FLAT = """h.ravel()|h.reshape(-1)|h.flatten()|np.ravel(h)|h.ravel(order='K')|h.reshape(2, -1)"""
WAYS = [w for text in (TURNED, MADE, FLAT) for line in text.splitlines() for w in line.split("|")]


def ran(code: str, h: Any) -> Any:
    return eval(code, {"np": np, "h": h})


def pairs() -> Iterator[tuple[str, str, Any, Any]]:
    """Each way after each other, as far as it goes, of a value and of numbers."""
    for first, second in itertools.product(WAYS, FLAT.split("|")):
        numbers, value = AT.copy(), sg.param("h", (3, 4)) * 1
        try:
            given = ran(second, ran(first, numbers))
            ours = ran(second, ran(first, value))
        except (SpecError, ValueError):
            continue
        yield first, second, (numbers, given), (value, ours)


def test_layouts_are_those_of_numpy() -> None:
    told = 0
    for first, second, (numbers, given), (value, ours) in pairs():
        found, array = True, ours
        while found is True and array is not value:
            base = array.view_of[0] if array.view_of is not None else None
            found = is_view_of(array, base) if base is not None else False
            array = base
        strides = layout_of(ours).strides
        told += found is not None and strides is not None
        assert found in (None, np.shares_memory(numbers, given)), f"{second} of {first}"
        for mine, its, size in zip(strides or (), given.strides, given.shape, strict=False):
            assert size == 1 or 8 * mine == its, f"{second} of {first}"
    assert told > 180


COPIES = [
    "h.T.ravel()", "h.T.reshape(12)", "h.T.reshape(2, 6)", "h[:, :2].reshape(-1)", "np.ravel(h.T)",
    "h[:, :2].ravel()", "h[::2].reshape(-1)", "h[::-1].reshape(12)", "h[:, ::-1].ravel()",
    "h[:, 1].ravel()", "h[::2, 1].ravel()", "h.reshape(3, 2, 2).swapaxes(1, 2).reshape(3, 4)",
    "np.diag(h[0])", "h[:2, :2].flatten()", "h.ravel()", "h.reshape(-1)[2:]", "h[:, 1].reshape(-1)",
    "np.einsum('ij->ji', h)", "np.einsum('ij->ij', h)", "np.einsum('ii->i', h[:3, :3])",
    "np.linalg.matrix_transpose(h)", "h.astype(float, copy=False)",
]  # fmt: skip


@pytest.mark.parametrize("code", COPIES)
def test_what_is_written_shows_in_views_alone(code: str) -> None:
    def loss(x: Any) -> Any:
        h = x * 1
        f = ran(code, h)
        h[0] = x[1] * 3
        return np.sum(f**3) + np.sum(h**2)

    derivation = sg.derive(loss(sg.param("x", (3, 4))))
    value, slopes = derivation.compile().loss_and_gradients(x=AT)
    assert value == pytest.approx(loss(AT), rel=1e-12)
    step = 1e-6 * np.ones_like(AT)
    apart = (loss(AT + step) - loss(AT - step)) / 2e-6
    assert np.sum(slopes) == pytest.approx(apart, rel=1e-6)


def test_a_copy_is_written_into_alone() -> None:
    def loss(x: Any) -> Any:
        h = x * 1
        f = h[:, 1].ravel()
        f[0] = 5.0
        return np.sum(f) + np.sum(h**2)

    value = sg.derive(loss(sg.param("x", (3, 4)))).compile().loss(x=AT)
    assert value == pytest.approx(loss(AT), rel=1e-12)


def test_what_depends_on_a_named_size_is_refused() -> None:
    """Of N = 1 rows NumPy makes no copy."""
    x = sg.param("x", ("N", 3))
    h = x * 1
    f = h.T.ravel()
    h[0] = 2.0
    with pytest.raises(SpecError, match="may be a view of what was changed in place"):
        np.sum(f)


def test_arrays_of_objects_are_refused_where_they_are_written_to() -> None:
    """Of np.asarray NumPy does not tell the spec, and an entry of it looks like one of a copy."""
    h = sg.param("x", (3,)) * 1
    shared, apart = np.asarray(h), np.array(h)
    h[0] = 5.0
    with pytest.raises(SpecError, match="may be a view of what was changed in place"):
        np.sum(shared * shared)
    assert sg.derive(np.sum(apart @ apart)).compile().loss(x=AT[0, :3]) == pytest.approx(
        AT[0, :3] @ AT[0, :3]
    )


def test_the_order_in_memory_is_refused_where_it_is_another() -> None:
    x = sg.param("x", (3, 4))
    assert x.ravel(order="K").shape == (12,)
    with pytest.raises(SpecError, match="ravel with order='K'"):
        x.T.ravel(order="K")


@pytest.mark.parametrize(
    "code", ["f = h[...]; f[...] = f * 3", "f = h[:]; f[0] = x[1] * x[0]", "f = h[()]; f[1] *= 2"]
)
def test_the_whole_is_written_through_a_view(code: str) -> None:
    def loss(x: Any) -> Any:
        space = {"h": x * 1, "x": x}
        space["h"][0] = x[2] * 2
        exec(code, space)
        return np.sum(space["f"] ** 2) + np.sum(space["h"] ** 3)

    value = sg.derive(loss(sg.param("x", (3, 4)))).compile().loss(x=AT)
    assert value == pytest.approx(loss(AT), rel=1e-12)


READ_ONLY = """np.broadcast_to(h, (2, 3, 4))|np.broadcast_to(h, (2, 3, 4))[0]
np.broadcast_to(h, (3, 4))|np.diag(h)|np.diagonal(h)|h.diagonal()
np.lib.stride_tricks.sliding_window_view(h, 2, axis=0)
np.broadcast_to(h, (2, 3, 4)).T|np.diagonal(h)[1:]"""
WRITES = {
    "entry": lambda view: view.__setitem__(0, 1.0),
    "step": lambda view: view.__iadd__(1.0),
    "fill": lambda view: np.copyto(view, 2.0),
}


@pytest.mark.parametrize("way", [w for line in READ_ONLY.splitlines() for w in line.split("|")])
@pytest.mark.parametrize("write", WRITES)
def test_views_that_numpy_only_lets_be_read_are_not_written_into(way: str, write: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        WRITES[write](ran(way, AT.copy()))
    h = sg.param("h", (3, 4))
    with pytest.raises(SpecError, match="a view that NumPy only lets be read"):
        WRITES[write](ran(way, h * 1))
    copy = ran(way, h * 1).copy()
    WRITES[write](copy)  # which is new memory, and so is what is computed of it
    assert sg.derive(np.sum(copy) + np.sum(h)).gradients["h"].shape == (3, 4)


def test_a_diagonal_matrix_is_new_memory() -> None:
    D = np.diag(sg.param("d", (3,)))
    D[0, 1] = 5.0
    assert sg.derive(np.sum(D)).compile().loss(d=np.ones(3)) == 8


def test_what_is_made_contiguous_is_a_copy_where_it_was_not(tmp_path: Path) -> None:
    path = tmp_path / "contiguous.py"
    spec = "import numpy as np, symgrad as sg\nw = sg.param('w', (2, 3))\nh = 1.0 * w\n"
    after = "c[0, 0] = 3.0\nloss = np.sum(h) + 0 * c[1, 1]"
    path.write_text(f"{spec}c = np.ascontiguousarray(h.T)\n{after}")
    assert sg.derive(load(path).loss).compile().loss(w=np.ones((2, 3))) == 6
    path.write_text(f"{spec}c = np.ascontiguousarray(h)\n{after}")
    with pytest.raises(SpecError, match=r"was changed in place at .*contiguous.py:5"):
        load(path)
