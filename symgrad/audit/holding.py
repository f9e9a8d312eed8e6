"""What objects of an audited program hold; used where that runs, it knows nothing of symgrad."""

from __future__ import annotations

import math
import re
import sys
import types
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

MOST_ENTRIES, DEEP = 200_000, 3
DEEP_IN_OBJECTS, MOST_ATTRIBUTES = 5, 200
WRAPPED = ("data", "value", "val", "v", "values", "array", "w", "param")
"""What an object calls its own array, that is a parameter with its gradient."""
SAME = {"weight": "w", "weights": "w", "kernel": "w", "bias": "b", "biases": "b"}
"""What layers call what a network numbers: W1, b1."""

OWN: set[str] = set()
"""The packages outside the folder of a program that are its own."""

NO_OBJECTS = (dict, list, tuple, type, types.FunctionType, types.GeneratorType)
"""What is looked into otherwise, or not at all."""


def plain(value: Any, depth: int = 0) -> Any:
    """What can be sent: arrays, numbers, and dictionaries and lists of them; None is none."""
    numpy = sys.modules.get("numpy")
    if isinstance(value, (bool, int, float)):
        return value if abs(value) < 1e300 else float(value)
    if numpy is not None and hasattr(type(value), "__array__") and hasattr(type(value), "shape"):
        array = _numbers(value, numpy)
        fine = array is not None and array.dtype.kind in "fiub" and array.size <= MOST_ENTRIES
        return numpy.array(array) if fine else None
    if hasattr(value, "_asdict") and not isinstance(value, type):
        value = value._asdict()
    if depth >= DEEP:
        return None
    if isinstance(value, dict):
        found = {k: plain(v, depth + 1) for k, v in value.items() if isinstance(k, (str, int))}
        return found if any(v is not None for v in found.values()) else None
    if isinstance(value, (list, tuple)) and len(value) <= 200:
        return [plain(v, depth + 1) for v in value]
    return None


def like(given: Any, value: Any) -> Any:
    """A drawn array as the author's program holds it: a list, a number or an array."""
    if isinstance(value, (list, tuple)):
        return given.tolist()
    if not hasattr(value, "shape") and given.ndim == 0:
        return given.item()
    return given.copy()


def in_parts(result: Any, asked: dict[str, Any], given: dict[str, Any]) -> Any:
    """What a function gives, a vector of all gradients in parts, as it was given the parameters."""
    flat_ = next((w[1] for w in asked.values() if isinstance(w, tuple) and w[0] == "flat"), ())
    size = sum(given[name].size for name in flat_)
    if not flat_ or hasattr(result, "_fields"):  # what has names keeps them
        return result
    if isinstance(result, (list, tuple)):
        return [in_parts(part, asked, given) for part in result]
    if getattr(result, "shape", None) not in ((size,), (size, 1), (1, size)):
        return result
    parts_, left = {}, result.ravel()
    for name in flat_:
        array, left = left[: given[name].size], left[given[name].size :]
        parts_[name] = array.reshape(given[name].shape)
    return parts_


def with_added(value: Any, steps: Sequence[tuple[int, float]]) -> Any:
    """A copy of an array, or a number, with numbers added to some of its entries."""
    numpy = sys.modules["numpy"]
    kind = getattr(value, "dtype", None)
    found = numpy.array(value, dtype=kind if kind is not None and kind.kind == "f" else float)
    for entry, by in steps:
        found.flat[entry] += by
    return found[()]


def _numbers(value: Any, numpy: Any) -> Any:
    """What is like an array, as one; None where it has no numbers."""
    try:
        return numpy.asarray(value.detach() if hasattr(value, "detach") else value)
    except Exception:
        return None


def base(code: str) -> str:
    """The variable that holds something: ``net`` of ``net.layers[0].W``."""
    return re.split(r"[.\[]", code)[0]


def is_own(module: str, file: str | None) -> bool:
    """Whether a module is the program's own: it is in its folder, or in its project."""
    return module.partition(".")[0] in OWN or (file or "").startswith(str(Path.cwd()))


def parts(value: Any) -> list[tuple[str, Any]] | None:
    """What an object of the program's own holds, each name after a dot; None of anything else."""
    kind = type(value)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    own = kind.__module__ in ("__main__", "audited") or is_own(kind.__module__, file)
    own = own or kind is types.SimpleNamespace
    if not own or isinstance(value, NO_OBJECTS) or hasattr(kind, "of_the_audit"):
        return None
    slots = [n for k in kind.__mro__ for n in getattr(k, "__slots__", ())]
    names = [*getattr(value, "__dict__", {}), *(n for n in slots if hasattr(value, n))]
    if not names:
        return None
    return [(f".{n}", getattr(value, n)) for n in names[:MOST_ATTRIBUTES]]


def holds_parts(value: Any) -> bool:
    """Whether something is an object of the program's own, or holds one."""
    inner = value.values() if isinstance(value, dict) else value
    inside = inner if isinstance(value, (dict, list, tuple)) and len(value) <= 200 else ()
    return any(parts(v) is not None for v in (value, *inside))


def whole(value: Any, depth: int = 0, seen: frozenset[int] = frozenset()) -> Any:
    """As ``plain``, and of the program's own objects what they hold."""
    if depth > DEEP_IN_OBJECTS or id(value) in seen:
        return None
    if hasattr(value, "_asdict") and not isinstance(value, type):
        value = value._asdict()
    inside, held = seen | {id(value)}, parts(value)
    if isinstance(value, dict):
        keyed = {k: v for k, v in value.items() if isinstance(k, (str, int))}
        found: dict[Any, Any] = {k: whole(v, depth + 1, inside) for k, v in keyed.items()}
        return found if any(v is not None for v in found.values()) else None
    if held is not None:
        found = {k: whole(v, depth + 1, inside) for k, v in held}
        return found if any(v is not None for v in found.values()) else None
    if getattr(getattr(value, "dtype", None), "kind", "") == "O":
        value = list(value.ravel())
    if isinstance(value, (list, tuple)) and len(value) <= 200:
        return [whole(v, depth + 1, inside) for v in value]
    return plain(value)


def flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The arrays and numbers in what ``whole`` gave, each called as the program would."""
    if isinstance(value, dict):
        for key, inner in value.items():
            dotted = isinstance(key, str) and key.startswith(".")
            yield from flat(f"{name}{key}" if dotted else f"{name}[{key!r}]", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from flat(f"{name}[{number}]", inner)
    elif value is not None:
        yield name, value


_STEP = re.compile(r"\.(\w+)|\[(\d+)\]|\[(['\"])(.*?)\3\]")


def place_in(thing: Any, path: str) -> tuple[Any, Any]:
    """What holds something, and its name or key there: of ``.layers[0].W`` the layer and W."""
    steps: list[Any] = [m[1] or m[4] or int(m[2]) for m in _STEP.finditer(path)]
    try:
        for step in steps[:-1]:
            thing = _part(thing, step)
        found = _part(thing, steps[-1])
    except (KeyError, IndexError, AttributeError, TypeError):
        return None, None
    return (thing, steps[-1]) if found is not None else (None, None)


def _part(thing: Any, step: Any) -> Any:
    """What something holds by a key, a place or a name."""
    return thing[step] if isinstance(thing, (dict, list, tuple)) else getattr(thing, step)


def held_in(holder: Any, path: str) -> Any:
    """What stands at a place in something; None where nothing does."""
    within, key = place_in(holder, path)
    return None if within is None else _part(within, key)


def is_other(value: Any, given: Any) -> bool:
    """Whether a value has other numbers than it was given, not by rounding alone."""
    numpy, now = sys.modules["numpy"], plain(value)
    if now is None or numpy.size(now) != given.size:
        return False
    now, before = numpy.ravel(now), given.ravel()
    same = (now == before).all() or numpy.allclose(now, before, rtol=1e-9, atol=1e-12)
    return not same


def replace_in(holder: Any, path: str, give: Callable[[Any], Any]) -> None:
    """Replace what something holds, in place where it can be: others may hold it too."""
    within, key = place_in(holder, path)
    if within is None:
        return
    old = _part(within, key)
    new = give(old)
    if hasattr(new, "shape") and changed_in_place(old, new):
        return
    if isinstance(within, tuple):
        replace_in(holder, path.rpartition("[")[0], lambda of: (*of[:key], new, *of[key + 1 :]))
    elif isinstance(within, (dict, list)):
        within[key] = new
    else:
        setattr(within, key, new)


def set_parameters(
    thing: Any,
    values: dict[str, Any],
    known: Collection[str],
    lists: Sequence[tuple[str, Sequence[str]]] = (),
) -> None:
    """Give an object its parameters: as attributes, in a dictionary, or in layers that it holds.

    ``known``: the names in its program, of which it may read any; ``lists``: the attributes from
    which it unpacks parameters, with the names that they get.
    """
    values = {n: v for n, v in values.items() if not _fill_lists(thing, n, v, lists)}
    held_ = parts(thing) or ()
    inner = [place for key, held in held_ for place in (*_listed(key, held), *_places(held))]
    for name, value in values.items():
        own = [*_holders(thing, name), *([vars(thing)] if hasattr(thing, name) else [])]
        for holder in own:
            holder[name] = _filled(holder.get(name), value)
        stem = name.rstrip("0123456789_").lower()
        fitting = (p for p in inner if p[0] == stem and _fits(p[3], value.shape))
        place = None if own else next(fitting, None)
        if place is not None:
            inner.remove(place)
            _fill(place[1], place[2], value)
        elif not own and name in known:
            setattr(thing, name, value.copy())
        elif not own:
            raise AttributeError(f"{type(thing).__name__} has nothing that could be {name}")


def _holders(thing: Any, name: str) -> list[dict[str, Any]]:
    """The dictionaries of an object with a parameter: its gradients and averages are held alike."""
    found = {k: v for k, v in vars(thing).items() if isinstance(v, dict) and name in v}
    called = [v for k, v in found.items() if k.lstrip("_").lower().startswith(_OF_PARAMETERS)]
    return called or [v for k, v in found.items() if not _OF_GRADIENTS.fullmatch(k)]


_OF_PARAMETERS = ("param", "weight", "theta")
_OF_GRADIENTS = re.compile(r"_*(d|(\w*_)?grad\w*|deltas?|dparams|derivatives)")


def are_lost(thing: Any, values: dict[str, Any]) -> bool:
    """Whether parameters that an object was given are others: it made its own when it first ran."""
    held = [(v, d.get(name)) for name, v in values.items() for d in _holders(thing, name)]
    held += [(v, vars(thing)[name]) for name, v in values.items() if name in vars(thing)]
    return any(getattr(now, "shape", None) == v.shape and is_other(now, v) for v, now in held)


def _fill_lists(
    thing: Any, name: str, value: Any, lists: Sequence[tuple[str, Sequence[str]]]
) -> bool:
    """Give a parameter to the lists that it is unpacked from; whether there is one."""
    found = False
    for attribute, names in lists:
        for holder in _lists_in(thing, attribute) if name in names else ():
            place = names.index(name)
            fits = len(holder) == len(names) and hasattr(holder[place], "shape")
            if fits and _fits(holder[place].shape, value.shape):
                holder[place] = _filled(holder[place], value)
                found = True
    return found


def _lists_in(thing: Any, attribute: str, depth: int = 0) -> Iterator[list[Any]]:
    """The lists of a name that an object has, or those inside it."""
    for key, value in parts(thing) or ():
        if key == f".{attribute}" and isinstance(value, list):
            yield value
        inner = value if isinstance(value, (list, tuple)) else [value]
        for part in inner if depth < DEEP else ():
            yield from _lists_in(part, attribute, depth + 1)


def _fits(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether shapes are the same, turned or not, or with other axes of length 1."""
    return sorted(n for n in shape if n > 1) == sorted(n for n in other if n > 1)


def _fill(thing: Any, key: str | int, value: Any) -> None:
    """Give an attribute of an object, or an entry of a list, other numbers."""
    if isinstance(key, int):
        thing[key] = _filled(thing[key], value)
    else:
        setattr(thing, key, _filled(getattr(thing, key), value))


def _listed(key: str, thing: Any) -> Iterator[tuple[str, Any, str | int, tuple[int, ...]]]:
    """The arrays in a list that is called as they are: ``self.weights``."""
    name = key[1:].lower()
    for number, value in enumerate(thing if isinstance(thing, list) else ()):
        if hasattr(value, "shape"):
            yield SAME.get(name, name), thing, number, value.shape


def _places(thing: Any, depth: int = 0) -> Iterator[tuple[str, Any, str | int, tuple[int, ...]]]:
    """The arrays of objects inside: what each is called, whose it is, its name, its shape."""
    inner = thing.values() if isinstance(thing, dict) else thing
    if isinstance(inner, (list, tuple)) or isinstance(thing, dict):
        for part in inner:
            yield from _places(part, depth + 1) if depth < DEEP else ()
    for key, value in parts(thing) or ():
        name = key[1:].rstrip("0123456789_").lower()
        if hasattr(value, "shape"):
            yield SAME.get(name, name), thing, key[1:], value.shape
        elif depth < DEEP:
            yield from _places(value, depth + 1)


def changed_in_place(old: Any, value: Any) -> bool:
    """Give an array other numbers, where it can hold them: others may hold it too."""
    same = getattr(old, "shape", None) == value.shape and value.ndim > 0
    if not same or old.dtype != value.dtype or not old.flags.writeable:
        return False
    old[...] = value
    return True


def _filled(old: Any, value: Any) -> Any:
    """What holds a parameter with other numbers: an array that lies as it did, or an object."""
    for key, held in parts(old) or ():
        if key[1:] in WRAPPED and hasattr(held, "shape"):
            setattr(old, key[1:], _filled(held, value))
            return old
    if changed_in_place(old, value):
        return old
    shape = getattr(old, "shape", value.shape)
    if shape == value.shape[::-1] and shape != value.shape:
        return value.T.copy()
    return value.reshape(shape).copy() if math.prod(shape) == value.size else value.copy()


def held_by(space: dict[str, Any], wanted: set[str] | None = None) -> dict[str, Any]:
    """What the objects of a program hold, by name; of those that are wanted alone."""
    named = {n: v for n, v in space.items() if not n.startswith("__")}
    held = {n: v for n, v in named.items() if (wanted is None or n in wanted) and holds_parts(v)}
    pairs = (pair for n, v in held.items() for pair in flat(n, whole(v)))
    return {n: v for n, v in pairs if "." in n}


def is_zero(value: Any) -> bool:
    """Whether something is nothing but zeros, or nothing."""
    if hasattr(value, "shape"):
        return not value.any()
    return value is None or (isinstance(value, (int, float)) and value == 0)
