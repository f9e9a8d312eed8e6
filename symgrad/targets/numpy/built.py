"""Arrays as what NumPy makes them of: a guess is right where it gives the array to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from symgrad.targets.expressions import Precedence, Text

Array: TypeAlias = np.ndarray[Any, Any]
Guess: TypeAlias = Callable[[Array], Iterator[Text]]

FEW = 64
"""So many entries may stand in a list."""

ZEROS = 5
"""More at its end are not written."""

LARGE = 2**53
"""Up to here whole numbers are the same as integers and as floats."""


def built(array: Array) -> Text | None:
    """The expression that makes an array of float64, int64 or bool; None where none is found."""
    with np.errstate(all="ignore"):  # of guesses that are wrong
        found = (code for guess in GUESSES for code in guess(array))
        return next((code for code in found if is_made(array, code)), None)


def is_made(array: Array, code: Text) -> bool:
    """Whether an expression gives an array with all its bits; whole numbers may be integers."""
    made = eval(code.code, {"np": np})
    kinds = "if" if array.dtype.kind == "f" else array.dtype.kind
    return bool(
        made.shape == array.shape
        and made.dtype.kind in kinds
        and made.astype(array.dtype).tobytes() == array.tobytes()
    )


def listed(array: Array) -> str:
    """The entries as nested lists; whole numbers without a point."""
    return repr(_plain(array.tolist())).replace("'", "")


def _plain(values: Any) -> Any:
    return [_plain(v) for v in values] if isinstance(values, list) else number(values)


def number(value: float) -> str:
    """A number as short as it may be: 1.0 is 1, but -0.0 is no integer."""
    if (
        isinstance(value, float)
        and value.is_integer()
        and abs(value) < LARGE
        and not _is_minus_zero(value)
    ):
        digits = str(int(value))
        kept = digits.rstrip("0")
        zeros = len(digits) - len(kept)
        return f"{kept}e{zeros}" if kept and zeros > ZEROS else digits
    text = repr(value).replace("inf", "np.inf").replace("nan", "np.nan")
    return text.replace("e+", "e").replace("e-0", "e-")


def _is_whole(value: float) -> bool:
    return value.is_integer() and abs(value) < LARGE and not _is_minus_zero(value)


def _is_minus_zero(value: float) -> bool:
    return not value and bool(np.signbit(float(value)))


def _of(array: Array) -> Iterator[Text]:
    """An array of which another is made."""
    found, few = built(array), array.size <= FEW
    entries = f"np.array({listed(array)})" if few else ""
    if found and not (few and len(entries) < len(found.code)):
        yield found
    elif few:
        yield Text(entries)


# Numbers that are all the same, or the same along an axis


def _filled(array: Array) -> Iterator[Text]:
    first = array.reshape(-1)[:1]
    if array.tobytes() == first.tobytes() * array.size:
        yield Text(_full(array.shape, first.item()))


def _full(shape: Sequence[int], value: float) -> str:
    size, text = shape[0] if len(shape) == 1 else tuple(shape), number(value)
    if text in _FILLED:
        return f"np.{_FILLED[text]}({size}{_dtype(value)})"
    return f"np.full({size}, {text})"


_FILLED = {"0": "zeros", "1": "ones", "False": "zeros", "True": "ones"}


def _dtype(value: float) -> str:
    """What says that an array is not of floats."""
    return "" if isinstance(value, float) else f", dtype={type(value).__name__}"


def _with_units(array: Array) -> Iterator[Text]:
    if 1 in array.shape and array.ndim > 1:
        for inner in _of(array.reshape([n for n in array.shape if n > 1])):
            places = ["None" if n == 1 else ":" for n in array.shape]
            while places[-1] == ":":
                places.pop()
            yield Text(f"{inner.at_least(Precedence.ATOM)}[{', '.join(places)}]")


def _spread(array: Array) -> Iterator[Text]:
    core = array
    for axis in range(array.ndim):
        if _same(array, first := core.take([0], axis=axis)):
            core = first
    if 1 < core.size < array.size:
        kept = [*core.shape]
        while kept[0] == 1:
            kept.pop(0)
        for inner in _of(core.reshape(kept)):
            yield Text(f"np.broadcast_to({inner.code}, {array.shape})")


def _repeated(array: Array) -> Iterator[Text]:
    for axis, length in enumerate(array.shape):
        for count in (n for n in range(length // 2, 1, -1) if length % n == 0):
            part = array.take(range(length // count), axis=axis)
            last = axis == array.ndim - 1
            times = count if last else tuple(count if k == axis else 1 for k in range(array.ndim))
            if _same(array, np.tile(part, times)):
                yield from (Text(f"np.tile({i.code}, {times})") for i in _of(part))
            part = array.take(range(0, length, count), axis=axis)
            if _same(array, part.repeat(count, axis=axis)):
                for inner in _of(part):
                    code = inner.at_least(Precedence.ATOM)
                    yield Text(f"{code}.repeat({count}, axis={axis})")


def _same(array: Array, other: Array) -> bool:
    return np.broadcast_to(other, array.shape).tobytes() == array.tobytes()


# Numbers at equal distances


def _ranges(array: Array) -> Iterator[Text]:
    if array.dtype.kind == "b" or array.size < 3 or not np.isfinite(array).all():
        return
    first, second, last = array.reshape(-1)[[0, 1, -1]].tolist()
    for code in _range(first, second, last, array.size):
        shape = f".reshape{array.shape}" if array.ndim > 1 else ""
        yield Text(f"{code.at_least(Precedence.ATOM)}{shape}") if shape else code


def _range(first: float, second: float, last: float, count: int) -> Iterator[Text]:
    step = second - first
    if not step or max(abs(first), abs(step)) > LARGE:
        return
    if first == int(first) and step == int(step):
        yield Text(_arange(int(first), int(step), count))
        return
    short = float(f"{step:.12g}")  # as it was typed: without what rounding has put at its end
    stop = number(float(f"{first + short * count:.12g}"))
    plus = f"{number(first)} + " if first else ""
    level = Precedence.SUM if first else Precedence.PRODUCT
    both = f"np.linspace({number(first)}, "
    ways = [
        (number(last), Text(f"{both}{number(last)}, {count})")),
        (f"{stop} ", Text(f"{both}{stop}, {count}, endpoint=False)")),
        (number(short), Text(f"{plus}{number(short)} * np.arange({count})", level)),
    ]
    if parts := round(1 / step) if abs(step) * LARGE > 1 else 0:
        ways.append((f"{parts} ", Text(f"{plus}np.arange({count}) / {parts}", level)))
    yield from (code for _, code in sorted(ways, key=lambda way: len(way[0])))


def _arange(first: int, step: int, count: int) -> str:
    by = f", {step}" if step != 1 else ""
    start = f"{first}, " if first or by else ""
    return f"np.arange({start}{first + step * count}{by})"


# Matrices of two numbers


def _two_numbers(array: Array) -> Iterator[Text]:
    if array.ndim != 2:
        return
    bits = array.view(f"i{array.itemsize}")
    found = np.unique(bits)
    if len(found) == 2:
        one, other = found.view(array.dtype).tolist()
        for pattern in _PATTERNS:
            yield from pattern(bits == found[1], other, one)
            yield from pattern(bits == found[0], one, other)


def _identity(mask: Array, on: float, off: float) -> Iterator[Text]:
    row, column = np.argwhere(mask)[0].tolist()
    yield from _chosen(f"np.eye({_sides(mask)}{_offset(column - row)}{{}})", on, off)


def _one_hot(mask: Array, on: float, off: float) -> Iterator[Text]:
    if (mask.sum(axis=1) == 1).all():
        for labels in _of(mask.argmax(axis=1)):
            at = labels.code.removeprefix("np.array(").removesuffix(")")
            place = at if at.startswith("[") else labels.code
            yield from _chosen(f"np.eye({mask.shape[1]}{{}})[{place}]", on, off)


def _triangle(mask: Array, on: float, off: float) -> Iterator[Text]:
    """On and below a diagonal one number, the other above it."""
    if mask[-1, 0] and not mask[0, -1]:
        row = mask.any(axis=1).argmax()
        offset = int(mask[row].sum() - 1 - row)
        if _is(off, 0) and not _is(on, 1):
            yield Text(f"np.tril({_full(mask.shape, on)}{_offset(offset)})")
        elif _is(on, 0):
            yield Text(f"np.triu({_full(mask.shape, off)}{_offset(offset + 1)})")
        yield from _chosen(_tri(mask, offset), on, off)


def _band(mask: Array, on: float, off: float) -> Iterator[Text]:
    middle = len(mask) // 2
    places = np.flatnonzero(mask[middle]).tolist()
    if places and isinstance(on, bool):
        above, below = places[-1] - middle, places[0] - middle - 1
        both = [_tri(mask, k).format(_dtype(on)) for k in (above, below)]
        yield Text(f"{both[0]} & ~{both[1]}", Precedence.COMPARISON)
    elif places:
        for band in _band(mask, True, False):
            yield Text(f"np.where({band.code}, {number(on)}, {number(off)})")


def _tri(mask: Array, offset: int) -> str:
    return f"np.tri({_sides(mask)}{_offset(offset)}{{}})"


def _sides(mask: Array) -> str:
    rows, columns = mask.shape
    return str(rows) if rows == columns else f"{rows}, {columns}"


def _offset(offset: int) -> str:
    return f", k={offset}" if offset else ""


def _chosen(pattern: str, on: float, off: float) -> Iterator[Text]:
    """A pattern as it is where it says ones and zeros; ``{}`` stands for its dtype."""
    if _is(on, 1) and _is(off, 0):
        yield Text(pattern.format(_dtype(on)))
    yield Text(f"np.where({pattern.format(_dtype(True))}, {number(on)}, {number(off)})")


def _is(value: float, other: int) -> bool:
    """Whether it is this number; -0.0 is not 0."""
    return value == other and not _is_minus_zero(value)


_PATTERNS: Sequence[Callable[[Array, float, float], Iterator[Text]]] = (
    _identity, _triangle, _one_hot, _band,
)  # fmt: skip


# Matrices made of vectors


def _diagonal(array: Array) -> Iterator[Text]:
    if array.ndim == 2 and (array != 0).any():
        row, column = np.argwhere(array)[0].tolist()
        for inner in _of(np.diag(array, column - row).copy()):
            yield Text(f"np.diag({inner.code}{_offset(column - row)})")


def _few_diagonals(array: Array) -> Iterator[Text]:
    """A sum of multiples of the identity, moved aside."""
    if array.ndim != 2 or array.dtype.kind == "b":
        return
    rows, columns = np.nonzero(array)
    offsets = np.unique(columns - rows).tolist()
    if 1 < len(offsets) <= DIAGONALS:
        values = [array.diagonal(k)[0].item() for k in offsets]
        terms = [_moved(array, abs(v), k) for v, k in zip(values, offsets, strict=True)]
        signs = ["-" if v < 0 else "+" for v in values]
        first = f"-{terms[0]}" if values[0] < 0 else terms[0]
        more = (f" {sign} {term}" for sign, term in zip(signs[1:], terms[1:], strict=True))
        yield Text("".join([first, *more]), Precedence.SUM)


def _moved(array: Array, scale: float, offset: int) -> str:
    eye = f"np.eye({_sides(array)}{_offset(offset)}{_dtype(scale)})"
    return eye if scale == 1 else f"{number(scale)} * {eye}"


DIAGONALS = 5
"""So many diagonals of a matrix may be written one by one."""


def _of_two(array: Array) -> Iterator[Text]:
    """Differences, sums and products of each entry of one vector with each of another."""
    if array.ndim != 2 or min(array.shape) < 2 or array.dtype.kind == "b":
        return
    if not np.isfinite(array).all():
        return
    rows, columns = (np.arange(n).astype(array.dtype) for n in array.shape)
    left, top = array[:, 0], array[0]
    times = "" if top[1] == 1 else f"{top[1].item()!r} * "
    falling = top[1] < top[0]
    pairs: Sequence[tuple[str, Array, Array]] = (
        (f"{times}np.abs(np.subtract.outer({{}}, {{}}))", rows, columns),
        ("np.subtract.outer({}, {})", left, top[0] - top)
        if falling
        else ("np.add.outer({}, {})", left, top - top[0]),
        ("np.multiply.outer({}, {})", rows, array[1]),
        ("np.multiply.outer({}, {})", rows + 1, top),
        ("np.multiply.outer({}, {})", array[:, 1], columns),
        ("np.multiply.outer({}, {})", left, columns + 1),
    )
    for pattern, x, y in pairs:
        for one, other in zip(_of(x.copy()), _of(y.copy()), strict=False):
            level = Precedence.PRODUCT if "* " in pattern else Precedence.ATOM
            yield Text(pattern.format(one.code, other.code), level)


GUESSES: Sequence[Guess] = (
    _filled, _with_units, _ranges, _spread, _two_numbers, _diagonal, _few_diagonals, _of_two,
    _repeated,
)  # fmt: skip
