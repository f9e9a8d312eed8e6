"""Scripts and notebooks: which of their variables hold the inputs of a spec, and of what sizes."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from symgrad.audit.batches import base
from symgrad.audit.form import check_inputs
from symgrad.audit.names import Habits, in_order, inputs_called, is_held_as_gradient
from symgrad.audit.plans import Places
from symgrad.audit.reference import PAIRS, Pair, Reference
from symgrad.audit.runner import Run
from symgrad.errors import SpecError
from symgrad.mathematics.equations import Variable
from symgrad.mathematics.sizes import Size, fixed

Numbers = np.ndarray[Any, Any]


def variables(
    reference: Reference,
    run: Run,
    file: str,
    asked: Mapping[str, str],
    example: Mapping[str, Any] | None,
    places: Places,
    otherwise: str = "",
) -> dict[str, str]:
    """The variable of each input: as asked for, by the numbers of the example, or by its name."""
    held = dict(_held(run))
    bases = {*places.stored, "self"}
    arrays = {c: a for c, a in arrays_of(run) if base(c) in bases}
    every = {**held, **arrays}
    check_inputs(asked, every, f"and {file} has no array of that name", "it assigns no arrays")
    found: dict[str, str] = {}
    for name, variable in reference.inputs.items():
        known = {**arrays, **held} if variable.role == "param" else arrays
        left = _fitting(variable, {t: a for t, a in known.items() if t not in found.values()})
        given = None if example is None else np.asarray(example[name], dtype=float).ravel()
        code = asked.get(name) or _same_numbers(name, given, left)
        code = code or _called_and_shaped(name, variable.shape, left, places)
        if code is None:  # it may be of this shape only later: X = np.c_[np.ones(len(X)), X]
            later = {c: a for c, a in arrays_of(run, variable.shape) if base(c) in bases}
            later = {c: a for c, a in later.items() if c not in found.values()}
            code = _called_and_shaped(name, variable.shape, later, places)
        found |= {} if code is None else {name: code}
    found |= _in_lists(every, [n for n in reference.inputs if n not in found])
    found |= _made_outside(found, every, places.outer, asked)
    missing = [n for n in reference.inputs if n not in found]
    if missing:
        told = f"input {missing[0]}" if len(missing) == 1 else f"inputs {', '.join(missing)}"
        raise SpecError(
            f"{file}: no variable is known for the {told}",
            hint=otherwise or f"say which: --inputs {missing[0]}=VARIABLE",
        )
    return found


def _made_outside(
    found: Mapping[str, str],
    every: Mapping[str, Numbers],
    outer: Collection[str],
    asked: Collection[str],
) -> dict[str, str]:
    """Where an input is that a function takes from what it is given, by its numbers.

    What a method calls ``self.W[1]`` is ``net.W[1]`` outside.  Of ``(W1, b1), (W2, b2) = params``
    in a function the place of W1 is ``params[0][0]``.
    """
    moved: dict[str, str] = {}
    for name, code in found.items():
        if code.startswith("self.") and name not in asked:
            ends = [c for c in every if base(c) in outer and c == f"{base(c)}.{code[5:]}"]
            moved |= {name: ends[0]} if len(ends) == 1 else {}
        if name in asked or not code.isidentifier() or code in outer:
            continue
        own = every[code]
        same = (c for c, a in every.items() if not c.isidentifier() and np.array_equal(a, own))
        fitting = (c for c in same if base(c) in outer and own.size > 1)
        place = next((c for c in fitting if c not in {*found.values(), *moved.values()}), None)
        moved |= {} if place is None else {name: place}
    return moved


def _called_and_shaped(
    name: str, shape: Sequence[Size], arrays: Mapping[str, Numbers], places: Places
) -> str | None:
    """What is called as an input is, of its shape if there is such: X with ones beside is X_b."""
    alike = {t: a for t, a in arrays.items() if _is_shaped(a, shape)}
    return _called(name, alike, places) or _called(name, arrays, places)


def _called(name: str, codes: Collection[str], places: Places) -> str | None:
    """What is called as an input is; what methods and loops call so has another name outside."""
    own = [c for c in codes if "." in c and c.split(".")[0] in {"self", *places.turned}]
    inside = [c for c in codes if base(c) not in {*places.outer, "self"}]
    others = [c for c in codes if c not in {*own, *inside}]
    found = [c for several in (others, inside, own) for c in inputs_called(name, several)]
    return next(filter(places.has, found), next(iter(found), None))


def _fitting(variable: Variable, arrays: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """The arrays that may be an input by how many entries they have, and of labels the integers."""
    found = {t: a for t, a in arrays.items() if _may_be(variable.shape, a)}
    whole = {t: a for t, a in found.items() if a.dtype.kind in "iu"}
    return whole or found if variable.dtype == "int" else found


def _may_be(shape: Sequence[Size], array: Numbers) -> bool:
    """Whether an array may be an input of some shape, whatever its free sizes are."""
    lengths = [fixed(size) for size in shape]
    known = math.prod(n for n in lengths if n is not None)
    return array.size == known if None not in lengths else not known or array.size % known == 0


def _in_lists(arrays: Mapping[str, Numbers], missing: Sequence[str]) -> dict[str, str]:
    """The entries of lists that inputs are: ``W[0]`` is W1, where ``dW[0]`` is no input."""
    habits = Habits(name.rstrip("0123456789") for name in missing)
    entries = (c for c in arrays if not c.isidentifier() and not is_held_as_gradient(c))
    words = {c: re.findall(r"[A-Za-z_]\w*", c) for c in entries}
    called = {c: several[-1] for c, several in words.items() if several}
    left = [c for c, name in called.items() if habits.gradient(name) is None]
    found: dict[str, str] = {}
    for codes, ordered in in_order(left, missing, bare=True):
        found = dict(zip(ordered, codes, strict=True)) | found
    return found


def containers(run: Run, codes: Collection[str]) -> set[str]:
    """The dictionaries, lists and tuples that a script keeps inputs in."""
    arrays = [v for _, t, v in run.records if t in codes and isinstance(v, np.ndarray)]
    arrays += [a for t, a in arrays_of(run) if t in codes and a.ndim]
    found: set[str] = set()
    for _, target, value in run.records:
        entries = value.values() if isinstance(value, dict) else value
        if isinstance(value, (dict, list)) and target != "return":
            kept = [e for e in entries if isinstance(e, np.ndarray)]
            same = [e for e in kept if any(np.array_equal(e, a) for a in arrays)]
            found |= {target} if len(same) > 1 and any(e.any() for e in same) else set()
    return found


def labels_of(run: Run, codes: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    """The labels that a script has beside inputs of ones: of which, and along which axis."""
    arrays = dict(arrays_of(run))
    found: dict[str, tuple[str, int]] = {}
    for name, code in codes.items():
        whole = arrays.get(code, np.zeros(0))
        for axis in range(whole.ndim) if whole.ndim == 2 and whole.size else ():
            one = np.isin(whole, (0, 1)).all() and (whole.sum(axis) == 1).all()
            labels = whole.argmax(axis)
            same = (
                t
                for t, a in arrays.items()
                if one and a.dtype.kind in "iu" and a.size == labels.size > 1
                if (a.ravel() == labels).all() and t not in codes.values() and labels.any()
            )
            found |= dict.fromkeys(same, (name, axis))
    return found


def two_valued(reference: Reference, codes: Mapping[str, str], run: Run) -> dict[str, Pair]:
    """The data of a script, by their names in the spec, that have no numbers but 0 and 1, or ±1."""
    data = {n: run.author.get(c) for n, c in codes.items() if reference.inputs[n].role == "data"}
    fine = (n for n, a in data.items() if reference.inputs[n].dtype == "float" and _is_array(a))
    values = {n: tuple(np.unique(np.asarray(data[n], dtype=float))) for n in fine}
    return {n: pair for n, found in values.items() for pair in PAIRS if found == pair}


def _held(run: Run) -> Iterator[tuple[str, Numbers]]:
    """The arrays that objects of a script hold at its end."""
    held = ((c, v) for c, v in run.last.items() if "." in c)
    yield from ((c, np.asarray(v)) for c, v in held if _is_array(v))


def arrays_of(run: Run, shape: Sequence[Size] | None = None) -> Iterator[tuple[str, Numbers]]:
    """The arrays that a script assigns, those in dictionaries too, as they are at first.

    Or as they are once they may be of some shape.  A list that is empty has yet to be filled.
    """
    seen: set[str] = set()
    for _, target, value in run.records:
        for code, entry in ((target, value), *_inside(target, value)):
            empty = isinstance(entry, list) and not entry
            if code not in seen and target != "return" and not empty and _is_array(entry):
                if shape is not None and not _may_be(shape, np.asarray(entry)):
                    continue
                seen.add(code)
                yield code, np.asarray(entry)


def _inside(target: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The entries of a dictionary, or of a list of arrays or of what holds some, as of layers."""
    entries: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else ()
    several = isinstance(value, list) and any(map(_holds_arrays, value))
    for key, entry in enumerate(value) if several else entries:
        yield f"{target}[{key!r}]", entry
        yield from _inside(f"{target}[{key!r}]", entry) if several else ()


def _holds_arrays(value: Any) -> bool:
    """Whether something is an array of more than numbers, or a dictionary or a list of arrays."""
    rows = value if isinstance(value, list) else ()
    return isinstance(value, (dict, np.ndarray)) or any(isinstance(v, np.ndarray) for v in rows)


def _is_array(value: Any) -> bool:
    if isinstance(value, dict):
        return False
    try:
        return np.asarray(value).dtype.kind in "fiub"
    except ValueError:
        return False


def _is_shaped(array: Numbers, shape: Sequence[Size]) -> bool:
    """Whether an array is as long as it has to be along each axis, or turned."""
    wanted = [fixed(size) for size in shape]
    found = (given for given in (array.shape, array.shape[::-1]) if len(given) == len(wanted))
    return any(all(w in (None, n) for w, n in zip(wanted, given, strict=True)) for given in found)


def _same_numbers(name: str, given: Numbers | None, arrays: Mapping[str, Numbers]) -> str | None:
    """A variable with the numbers of an example, where none is called as the input is."""
    if given is None or name in arrays:
        return None
    same = [t for t, a in arrays.items() if a.size == given.size and (a.ravel() == given).all()]
    near = [t for t in same if list(inputs_called(name, [t]))]
    return next(iter([*near, *same]), None)


def sizes_of(
    reference: Reference, codes: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, int]:
    """The named sizes, of the arrays of a script."""
    sizes: dict[str, int] = {}
    for name, code in codes.items():
        wanted, shape = reference.inputs[name].shape, shapes.get(code, ())
        for given in (shape, shape[::-1]):
            if len(given) == len(wanted) and _agrees(wanted, given, sizes):
                pairs = zip(wanted, given, strict=True)
                sizes |= {s.name: n for s, n in pairs if s.is_Symbol and fixed(s) is None}
                break
    return sizes


def _agrees(wanted: Sequence[Size], given: Collection[int], sizes: Mapping[str, int]) -> bool:
    """Whether a shape may be that of an array of these sizes."""
    for size, length in zip(wanted, given, strict=True):
        number = fixed(size)
        known = number if number is not None else sizes.get(str(size), length)
        if known != length:
            return False
    return True


def literal_sizes(tree: ast.AST, free: Iterable[sp.Symbol]) -> Iterator[dict[str, int]]:
    """Named sizes as numbers that stand in a program."""
    numbers = [
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and type(n.value) is int and 1 < n.value < 65
    ]
    for number in list(dict.fromkeys(numbers))[:8]:
        for symbol in free:
            yield {symbol.name: number}
