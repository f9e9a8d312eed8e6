"""A loss and its derivatives over rows that come in chunks."""

from __future__ import annotations

import importlib
import inspect
import operator
import os
import pickle
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np

from symgrad.distributed.source import FUNCTIONS, Travelling
from symgrad.errors import SpecError, caller, perhaps

FAN = 16
"""So many results are put together in one task: fewer tasks, and the same order each time."""
TASKS = 8
"""So many tasks, at least, does each worker get in a step, where there are as many chunks.

More are spread more evenly; a task costs a millisecond or two of all processes together.
"""
ROWS = 100_000
"""So many rows has a chunk of an array that has none of its own."""


class Rows:
    """Data in chunks of rows, kept where it is, for one loss and its derivatives.

    ``module``: generated with ``--split``, or the path of one.  ``data``: its arguments that have
    rows, all as arrays of Dask or all as others (NumPy's, memmaps), and those without rows that
    stay the same.  ``rows``: how many a chunk has, where the arrays say nothing.  Arrays of Dask
    are kept in the memory of the workers, unless ``keep`` is False.

    What chunks give is put together in one order, so that the bits do not depend on which worker
    did what; what a worker took with it is worked out again by another.
    """

    def __init__(
        self,
        module: Any,
        *,
        rows: int = ROWS,
        keep: bool = True,
        progress: bool = False,
        **data: Any,
    ) -> None:
        self._made = Travelling.of(module)
        self._progress = progress
        axes = self._made.rows
        if missing := [n for n in axes if n not in data]:
            raise SpecError(f"the data has no {missing[0]}", where=caller(),
                            hint=f"{', '.join(axes)} have rows")  # fmt: skip
        self._fixed = {n: v for n, v in data.items() if n not in axes}
        self._names = tuple(axes)
        self._taken, self._last = _arguments(self._made.module)
        self._inputs = [n for n in _values(self._taken, self._last) if n not in axes]
        _check_known(self._fixed, self._inputs, axes)
        if not isinstance(rows, int | np.integer) or rows < 1:
            raise SpecError(f"chunks of {rows!r} rows", where=caller(), hint="rows=1 at least")
        given = {n: data[n] if hasattr(data[n], "shape") else np.asarray(data[n]) for n in axes}
        _check_lengths(given, axes)
        engine = _Dask if any(map(_is_dask, given.values())) else _Here
        self._chunks = engine(self._made, given, rows=rows, keep=keep)

    def loss_and_gradients(self, **params: Any) -> tuple[Any, Any]:
        """The loss and its derivatives over all rows, as the module itself gives them."""
        point = {**self._fixed, **params}
        module = self._made.module
        _check_known(params, self._inputs, self._names)
        _check_given({**self._last, **self._taken}, {*point, *self._names})
        others = {n: point[n] for n in self._taken if n not in self._names and n in point}
        parts = self._chunks.partials(others, progress=self._progress)
        found: tuple[Any, Any] = module.finish(
            module.Partial(*parts), **{n: point[n] for n in self._last if n in point}
        )
        return found

    def loss(self, **params: Any) -> Any:
        """The loss alone; it takes as long as both."""
        return self.loss_and_gradients(**params)[0]

    @property
    def arguments(self) -> list[str]:
        """What :meth:`loss_and_gradients` takes, unless the data has it."""
        return [n for n in self._inputs if n not in self._fixed]

    @property
    def Gradients(self) -> Any:
        """The type of the derivatives, which names the parameters."""
        return self._made.module.Gradients


def loss_and_gradients(
    module: Any, *, rows: int = ROWS, progress: bool = False, **given: Any
) -> tuple[Any, Any]:
    """The loss and its derivatives over chunks of rows, once; the arguments are those of Rows.

    >>> import numpy as np
    >>> import symgrad as sg
    >>> from symgrad import distributed
    >>> X, w = sg.data("X", ("N", 2)), sg.param("w", (2,))
    >>> m = sg.derive(np.mean((X @ w) ** 2)).split("N").compile()
    >>> value, g = distributed.loss_and_gradients(m, rows=2, X=np.eye(2).repeat(2, 0), w=np.ones(2))
    >>> print(value, g.w)
    1.0 [1. 1.]
    """
    axes = Travelling.of(module).rows
    data = {n: v for n, v in given.items() if n in axes}
    params = {n: v for n, v in given.items() if n not in axes}
    return Rows(module, rows=rows, keep=False, progress=progress, **data).loss_and_gradients(
        **params
    )


def _is_dask(array: Any) -> bool:
    return type(array).__module__.startswith("dask.")


Parameters = Mapping[str, inspect.Parameter]


def _arguments(module: Any) -> tuple[Parameters, Parameters]:
    """What the functions for a chunk, and for the whole, take."""
    return (
        inspect.signature(module.partial).parameters,
        inspect.signature(module.finish).parameters,
    )


def _values(taken: Parameters, last: Parameters) -> list[str]:
    """The inputs of the loss, as the module names them."""
    _, *others = last  # the whole comes first
    named = [n for n, p in taken.items() if p.default is p.empty]
    return list(dict.fromkeys([*named, *others]))


def _check_known(names: Iterable[str], known: Collection[str], rows: Collection[str]) -> None:
    """SpecError for what the loss has no input for, and for data that is given with parameters."""
    for name in names:
        if name in rows:
            raise SpecError(f"{name} has rows: it is given with the data", where=caller())
        if name not in known:
            raise SpecError(f"there is no input {name}", where=caller(),
                            hint=perhaps(name, known))  # fmt: skip


def _check_given(parameters: Mapping[str, inspect.Parameter], given: set[str]) -> None:
    """SpecError where what finish and partial take, the whole apart, is not all there."""
    _, *needed = (n for n, p in parameters.items() if p.default is p.empty)
    if missing := [n for n in needed if n not in given]:
        raise SpecError(f"{missing[0]} is not given", where=caller(),
                        hint=f"it takes {', '.join(needed)}")  # fmt: skip


def _check_lengths(data: Mapping[str, Any], axes: Mapping[str, int]) -> None:
    for name, array in data.items():
        if array.ndim <= axes[name]:
            raise SpecError(f"{name} has no rows: its shape is {array.shape}", where=caller())
    lengths = {n: a.shape[axes[n]] for n, a in data.items()}
    if unknown := [n for n, count in lengths.items() if count != count]:  # NaN, to Dask
        raise SpecError(f"it is not known how many rows {unknown[0]} has", where=caller(),
                        hint=f"{unknown[0]}.compute_chunk_sizes() finds out")  # fmt: skip
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{n} {count}" for n, count in lengths.items())
        raise SpecError(f"the data has different numbers of rows: {told}", where=caller())


class _Here:
    """Chunks in this process, one after the other: of arrays in memory, or memmaps of files."""

    def __init__(self, made: Travelling, data: Mapping[str, Any], *, rows: int, keep: bool) -> None:
        self.made, self.data, self.rows = made, data, rows

    def chunks(self) -> Iterator[list[Any]]:
        axes = self.made.rows
        count = next(a.shape[axes[n]] for n, a in self.data.items())
        for start in range(0, max(count, 1), self.rows):
            cut = slice(start, start + self.rows)
            yield [np.asarray(a[(slice(None),) * axes[n] + (cut,)]) for n, a in self.data.items()]

    def partials(self, others: Mapping[str, Any], *, progress: bool) -> Any:
        """What all chunks give together."""
        of_chunks, together = FUNCTIONS["of_chunks"], FUNCTIONS["together"]
        sent, found = pickle.dumps(dict(others)), None
        memory = FUNCTIONS["memory_of"](self.made.module)
        for chunk in self.chunks():
            part = of_chunks(*self.made.key, tuple(self.data), sent, [chunk], memory)
            found = part if found is None else together(*self.made.key, [found, part])
        return found


class _Dask:
    """Chunks of arrays of Dask, on its workers.

    What tasks call is data there, so that a task is a few bytes: their scheduler is what a step
    waits for.  And data that travels by itself, so that Dask sends arrays of files in its own way.
    """

    def __init__(self, made: Travelling, data: Mapping[str, Any], *, rows: int, keep: bool) -> None:
        arrays = _in_the_same_chunks(data, made.rows, rows)
        graph = {k: v for a in arrays.values() for k, v in dict(a.__dask_graph__()).items()}
        keys = [_dask().core.flatten(a.__dask_keys__()) for a in arrays.values()]
        blocks = [list(block) for block in zip(*keys, strict=True)]
        calls = {
            "of_chunks": partial(FUNCTIONS["of_chunks"], *made.key, tuple(arrays)),
            "together": partial(FUNCTIONS["together"], *made.key),
            "aligned": FUNCTIONS["aligned"],
        }
        of = uuid.uuid4().hex
        self.called = {name: f"{name}-{of}" for name in calls}
        self.calls = _kept(
            {self.called[n]: call for n, call in calls.items()}, [*self.called.values()]
        )
        size = _chunks_of_a_task(len(blocks)) if keep else 1
        some = [blocks[k : k + size] for k in range(0, len(blocks), size)]
        groups = {
            (f"chunks-{of}", k): (operator.call, self.called["aligned"], group)
            for k, group in enumerate(some)
        }
        self.groups: list[Any] = list(groups) if keep else some
        calling = _graph(self.calls)
        self.kept = _kept({**graph, **calling, **groups}, [*groups] if keep else [])
        self.graph = {**({} if keep else graph), **_graph(self.kept), **calling}

    def partials(self, others: Mapping[str, Any], *, progress: bool) -> Any:
        """What all chunks give together."""
        step, sent = uuid.uuid4().hex, pickle.dumps(dict(others))
        graph = dict(self.graph)
        told: Any = sent
        if len(sent) > LARGE:
            told = f"sent-{step}"
            graph[told] = (bytes, sent)
        parts = [(f"of_chunks-{step}", k) for k in range(len(self.groups))]
        for key, group in zip(parts, self.groups, strict=True):
            graph[key] = (operator.call, self.called["of_chunks"], told, group)
        level = 0
        while len(parts) > 1:
            some = [parts[k : k + FAN] for k in range(0, len(parts), FAN)]
            level += 1
            parts = [(f"together-{level}-{step}", k) for k in range(len(some))]
            for key, group in zip(parts, some, strict=True):
                graph[key] = (operator.call, self.called["together"], group)
        return _computed(graph, parts[0], told=progress)


LARGE = 10_000
"""From so many bytes on parameters are one value that workers share, and no part of each task."""


def _in_the_same_chunks(
    data: Mapping[str, Any], axes: Mapping[str, int], rows: int
) -> dict[str, Any]:
    """Arrays of Dask, cut as the first of them is, and along their rows alone."""
    array = importlib.import_module("dask.array")
    arrays = {
        n: a if _is_dask(a) else array.from_array(a, chunks=_chunks(a, axes[n], rows))
        for n, a in data.items()
    }
    first = next(n for n, a in data.items() if _is_dask(a))
    cut = arrays[first].chunks[axes[first]]
    laid = {n: a.rechunk({k: cut if k == axes[n] else -1 for k in range(a.ndim)})
            for n, a in arrays.items()}  # fmt: skip
    optimised = _dask().optimize(*laid.values())
    return dict(zip(laid, optimised, strict=True))


def _chunks_of_a_task(chunks: int) -> int:
    """How many neighbours are one task: a power of two, so that the order of sums is the same."""
    client: Any = getattr(_dask().base.get_scheduler(), "__self__", None)
    threads = sum(client.nthreads().values()) if hasattr(client, "nthreads") else os.cpu_count()
    most = chunks // (TASKS * (threads or 1))
    return min(1 << max(most.bit_length() - 1, 0), FAN)


def _kept(graph: Mapping[Any, Any], keys: Sequence[Any]) -> Sequence[Any]:
    """Values of a graph, kept on the workers as long as they are held here."""
    if not keys:
        return ()
    delayed = importlib.import_module("dask.delayed").Delayed
    found: Sequence[Any] = _dask().persist(*(delayed(key, graph) for key in keys))
    return found


def _graph(kept: Sequence[Any]) -> dict[Any, Any]:
    """Where such values are."""
    return {k: v for value in kept for k, v in dict(value.__dask_graph__()).items()}


def _dask() -> Any:
    """Dask, which symgrad[dask] brings: it is there where its arrays are."""
    importlib.import_module("dask.array")
    return importlib.import_module("dask")


def _chunks(array: Any, axis: int, rows: int) -> tuple[int, ...]:
    return tuple(rows if k == axis else -1 for k in range(array.ndim))


def _computed(graph: Mapping[Any, Any], key: Any, *, told: bool) -> Any:
    """One value of a graph, which Dask knows by its key: it does not have to look at the rest."""
    value = importlib.import_module("dask.delayed").Delayed(key, graph)
    bar = importlib.import_module("dask.diagnostics").ProgressBar if told else nullcontext
    with bar():
        (found,) = _dask().compute(value, optimize_graph=False)
    return found
