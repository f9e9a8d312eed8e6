from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

import symgrad as sg
from symgrad import distributed
from symgrad.distributed import rows
from symgrad.distributed.source import Travelling

X, y = sg.data("X", ("N", 5)), sg.data("y", ("N",))
w, lam = sg.param("w", (5,)), sg.data("lam", ())
LOSS = np.mean(np.logaddexp(0, -y * (X @ w))) + lam * np.sum(w**2)
ROWS = 1003


@pytest.fixture(scope="module")
def module():
    return sg.derive(LOSS, names={}).split("N").compile()


@pytest.fixture(scope="module")
def point():
    rng = np.random.default_rng(0)
    return {"X": rng.normal(size=(ROWS, 5)), "y": np.sign(rng.normal(size=ROWS)), "lam": 0.1,
            "w": rng.normal(size=5)}  # fmt: skip


def same(found, wanted):
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-12)
    np.testing.assert_allclose(found[1].w, wanted[1].w, rtol=1e-10)


@pytest.mark.parametrize("count", [1, 100, 1003, 5000])
def test_chunks_in_this_process(module, point, count):
    if count == 1:
        point = point | {"X": point["X"][:20], "y": point["y"][:20]}
    same(distributed.loss_and_gradients(module, rows=count, **point),
         module.loss_and_gradients(**point))  # fmt: skip


def test_a_memmap_is_read_chunk_by_chunk(module, point, tmp_path):
    held = {}
    for name in ("X", "y"):
        made = np.memmap(tmp_path / name, np.float64, "w+", shape=point[name].shape)
        made[:] = point[name]
        held[name] = np.memmap(tmp_path / name, np.float64, "r", shape=point[name].shape)
    data = distributed.Rows(module, rows=100, lam=0.1, **held)
    same(data.loss_and_gradients(w=point["w"]), module.loss_and_gradients(**point))


def test_the_module_may_be_a_file(point, tmp_path):
    split = sg.derive(LOSS, names={}).split("N")
    split.write(tmp_path / "made.py")
    same(distributed.loss_and_gradients(tmp_path / "made.py", rows=300, **point),
         split.compile().loss_and_gradients(**point))  # fmt: skip


def test_wrong_arguments_are_named(module, point):
    data = {n: point[n] for n in ("X", "y")}
    with pytest.raises(sg.SpecError, match="w is not given"):
        distributed.Rows(module, lam=0.1, **data).loss_and_gradients()
    with pytest.raises(sg.SpecError, match="lam is not given"):
        distributed.Rows(module, **data).loss_and_gradients(w=point["w"])
    with pytest.raises(sg.SpecError, match="there is no input lamb") as told:
        distributed.Rows(module, lamb=0.1, **data)
    assert told.value.hint == "perhaps lam"
    with pytest.raises(sg.SpecError, match="there is no input c"):
        distributed.Rows(module, lam=0.1, **data).loss(w=point["w"], c=1)
    with pytest.raises(sg.SpecError, match="y has rows: it is given with the data"):
        distributed.Rows(module, lam=0.1, **data).loss(w=point["w"], y=data["y"])
    with pytest.raises(sg.SpecError, match="y has no rows"):
        distributed.Rows(module, lam=0.1, X=data["X"], y=1.0)
    with pytest.raises(sg.SpecError, match="the point has no w") as told:
        sg.scipy_objective(distributed.Rows(module, lam=0.1, **data), {})
    assert told.value.hint == "it takes w"
    for count in (0, -3, 2.5):
        with pytest.raises(sg.SpecError, match=f"chunks of {count} rows"):
            distributed.Rows(module, rows=count, lam=0.1, **data)
    array = pytest.importorskip("dask.array", reason="symgrad[dask] brings it")
    few = array.from_array(point["X"], chunks=100)
    with pytest.raises(sg.SpecError, match="not known how many rows X has"):
        distributed.Rows(module, lam=0.1, X=few[few[:, 0] > 0], y=data["y"])


def test_lists_are_taken_and_numbers_have_the_dtype_of_the_rows(module, point):
    lists = {"X": point["X"].tolist(), "y": point["y"].tolist()}
    same(distributed.loss_and_gradients(module, rows=300, **{**point, **lists}),
         module.loss_and_gradients(**point))  # fmt: skip
    loss = np.mean((X @ w - y) ** 2) * lam
    single = {n: point[n].astype(np.float32) for n in ("X", "y", "w")}
    made = sg.derive(loss, names={}).split("N").compile()
    value, slopes = distributed.loss_and_gradients(made, rows=300, lam=0.1, **single)
    assert value.dtype == slopes.w.dtype == np.float32


def test_arrays_of_dask(module, point):
    array = pytest.importorskip("dask.array", reason="symgrad[dask] brings it")
    given = {"X": array.from_array(point["X"], chunks=(100, 2)),
             "y": array.from_array(point["y"], chunks=300)}  # fmt: skip
    data = distributed.Rows(module, lam=point["lam"], **given)
    wanted = module.loss_and_gradients(**point)
    found = [data.loss_and_gradients(w=point["w"]) for _ in range(3)]
    same(found[0], wanted)
    assert all(np.array_equal(f[1].w, found[0][1].w) for f in found)
    best = sg.scipy_objective(data, {"w": point["w"]})
    assert best.fun(best.x0)[0] == pytest.approx(wanted[0])


@pytest.mark.parametrize("chunks", [1, 7, 37, 101])
def test_the_bits_do_not_depend_on_how_many_chunks_a_task_has(module, point, monkeypatch, chunks):
    array = pytest.importorskip("dask.array", reason="symgrad[dask] brings it")
    size = -(-ROWS // chunks)
    given = {"X": array.from_array(point["X"], chunks=(size, 5)),
             "y": array.from_array(point["y"], chunks=size)}  # fmt: skip
    found = []
    for together in (1, 2, 4, 16):
        monkeypatch.setattr(rows, "_chunks_of_a_task", lambda _, n=together: n)
        data = distributed.Rows(module, lam=point["lam"], **given)
        found.append(data.loss_and_gradients(w=point["w"]))
    found.append(
        distributed.Rows(module, lam=0.1, keep=False, **given).loss_and_gradients(w=point["w"])
    )
    same(found[0], module.loss_and_gradients(**point))
    for value, slopes in found:
        assert value == found[0][0]
        np.testing.assert_array_equal(slopes.w, found[0][1].w)


def test_parameters_that_are_large_are_sent_once(module, point, monkeypatch):
    array = pytest.importorskip("dask.array", reason="symgrad[dask] brings it")
    data = distributed.Rows(module, lam=0.1, X=array.from_array(point["X"], chunks=(100, 5)),
                            y=array.from_array(point["y"], chunks=100))  # fmt: skip
    wanted = data.loss_and_gradients(w=point["w"])
    monkeypatch.setattr(rows, "LARGE", 0)
    value, slopes = data.loss_and_gradients(w=point["w"])
    assert value == wanted[0]
    np.testing.assert_array_equal(slopes.w, wanted[1].w)


def in_zarr(folder, name, values):
    """An array of Dask over a folder of Zarr."""
    zarr = pytest.importorskip("zarr", reason="arrays of Zarr are not read: pip install zarr")
    array = pytest.importorskip("dask.array", reason="symgrad[dask] brings it")
    held = zarr.create_array(folder / f"{name}.zarr", shape=values.shape, dtype=values.dtype,
                             chunks=(300, *values.shape[1:]))  # fmt: skip
    held[...] = values
    return array.from_zarr(str(folder / f"{name}.zarr"))


def in_hdf5(folder, name, values):
    """The same over a dataset of HDF5."""
    h5py = pytest.importorskip("h5py", reason="files of HDF5 are not read: pip install h5py")
    array = pytest.importorskip("dask.array", reason="symgrad[dask] brings it")
    with h5py.File(folder / f"{name}.h5", "w") as file:
        file[name] = values
    held = h5py.File(folder / f"{name}.h5")[name]
    return array.from_array(held, chunks=(300, -1)[: values.ndim])


def in_memmap(folder, name, values):
    """The same over a file of numbers."""
    array = pytest.importorskip("dask.array", reason="symgrad[dask] brings it")
    np.save(folder / f"{name}.npy", values)
    held = np.load(folder / f"{name}.npy", mmap_mode="r")
    return array.from_array(held, chunks=(300, -1)[: values.ndim])


OUT_OF_CORE = [in_zarr, in_hdf5, in_memmap]


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("held", OUT_OF_CORE)
def test_out_of_core(module, point, held, keep, tmp_path):
    given = {n: held(tmp_path, n, point[n]) for n in ("X", "y")}
    data = distributed.Rows(module, keep=keep, lam=point["lam"], **given)
    same(data.loss_and_gradients(w=point["w"]), module.loss_and_gradients(**point))


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("held", OUT_OF_CORE)
def test_workers_read_out_of_core(module, point, held, tmp_path):
    given = {n: held(tmp_path, n, point[n]) for n in ("X", "y")}
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        for keep in (True, False):
            data = distributed.Rows(module, keep=keep, lam=point["lam"], **given)
            same(data.loss_and_gradients(w=point["w"]), module.loss_and_gradients(**point))


def test_what_is_wrong_is_named(module, point):
    with pytest.raises(sg.SpecError, match="the data has no y"):
        distributed.Rows(module, X=point["X"])
    with pytest.raises(sg.SpecError, match="different numbers of rows: X 1003, y 3"):
        distributed.Rows(module, X=point["X"], y=point["y"][:3])
    with pytest.raises(sg.SpecError, match="no functions for chunks of rows"):
        distributed.Rows(sg.derive(LOSS, names={}).compile(), X=point["X"], y=point["y"])


def test_what_travels_needs_numpy_alone(module):
    cloudpickle = pytest.importorskip("cloudpickle", reason="Dask sends functions by it")
    from symgrad.distributed.source import FUNCTIONS

    for name in ("of_chunks", "together"):
        assert b"symgrad.distributed" not in cloudpickle.dumps(FUNCTIONS[name])
    assert "symgrad" not in Travelling.of(module).key[1].replace("Generated by symgrad", "")


def test_arrays_from_the_network_are_laid_where_numbers_are_read_fast(module, point):
    """NumPy copies an array that is not aligned each time that it is read."""
    from symgrad.distributed.source import FUNCTIONS

    held = np.zeros(point["X"].nbytes + 1, np.uint8)
    X = np.ndarray(point["X"].shape, np.float64, held, offset=1)
    X[...] = point["X"]
    assert not X.flags.aligned
    ((found, kept),) = FUNCTIONS["aligned"]([[X, point["y"]]])
    assert found.flags.aligned
    assert kept is point["y"]
    np.testing.assert_array_equal(found, point["X"])


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_workers_may_die(module, point):
    """Some kills in some gradients: the same bits as without."""
    array = pytest.importorskip("dask.array", reason="symgrad[dask] brings it")
    from distributed import Client, LocalCluster

    given = {"X": array.from_array(point["X"], chunks=(25, 5)),
             "y": array.from_array(point["y"], chunks=25)}  # fmt: skip
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        data = distributed.Rows(module, lam=point["lam"], **given)
        wanted = data.loss_and_gradients(w=point["w"])
        stop, killed = threading.Event(), []
        killer = threading.Thread(target=kill, args=(cluster, stop, killed))
        killer.start()
        found = []
        while len(found) < 30 or len(killed) < 3:
            found.append(data.loss_and_gradients(w=point["w"]))
        stop.set()
        killer.join()
    assert all(np.array_equal(f[1].w, wanted[1].w) and f[0] == wanted[0] for f in found)
    assert len(killed) >= 3


def kill(cluster, stop, killed):
    while not stop.wait(2.0) and len(killed) < 3:
        workers = [n.process.process.pid for n in cluster.workers.values() if n.process]
        os.kill(workers[len(killed) % len(workers)], signal.SIGKILL)
        killed.append(time.time())
