"""Functions that NumPy lacks, as generated files define them for themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from types import CodeType
from typing import Any

import numpy as np

from symgrad.targets.numpy.runtime.halves import (
    _half_by_blocks,
    _half_inverse,
    _has_none,
    _inverse_by_half,
    _logdet_by_half,
    _solved_by_half,
)
from symgrad.targets.numpy.runtime.nearest import (
    _differences_to_nearest,
    _nearest,
    _squares,
    _sums_to_nearest,
)


def _in_pieces(function: Any, x: Any) -> Any:
    """A function of arrays of float64 on every entry, by pieces that fit into a cache."""
    x = np.asarray(x) * 1.0
    flat, value = np.ravel(x), np.empty(x.size, x.dtype)
    with np.errstate(all="ignore"):
        for start in range(0, x.size, 4096):
            piece = slice(start, start + 4096)
            value[piece] = function(flat[piece].astype(np.float64))
    return value.reshape(x.shape)[()]


def _polynomial(t: Any, coefficients: Any) -> Any:
    """A polynomial, the coefficient of its highest power first."""
    value = np.full_like(t, coefficients[0])
    for coefficient in coefficients[1:]:
        value *= t
        value += coefficient
    return value


def _erf_near(x: Any) -> Any:
    """erf where |x| ≤ 1: x times a polynomial in 2 x² - 1."""
    # fmt: off
    series = (
        1.454817075960679e-14, -3.8078827395263415e-13, 9.167606746069445e-12,
        -2.035228404899467e-10, 4.11580059766496e-09, -7.51156928660089e-08, 1.223382738352401e-06,
        -1.7537169441124826e-05, 0.00021751715604160108, -0.0022854855611441132,
        0.019852496688983708, -0.1405360890227171, 0.9654687386698673,
    )
    # fmt: on
    return x * _polynomial(2 * x * x - 1, series)


def _erfc_far(x: Any) -> Any:
    """erfc where x ≥ 1/2: exp(-x²) / (x + 1) times a polynomial in (x - 3) / (x + 3)."""
    # fmt: off
    series = (
        5.847720861802195e-12, 1.9998921412899543e-10, 7.950572816994582e-11,
        -2.667610577532983e-09, -2.3098999972621484e-09, 2.502494387548362e-08,
        2.9304845121768633e-08, -2.402043722881115e-07, -2.532236706722793e-07,
        2.6431569268154058e-06, 4.802767072633276e-07, -3.145799922862042e-05,
        5.502099848152541e-05, 0.00026868616874182094, -0.0017766917236887825, 0.004914907879503878,
        -0.006367630162622998, -0.006231863432428712, 0.05626846153463293, -0.16870682779005278,
        0.7055719718456636,
    )
    # fmt: on
    x = np.clip(x, 0.5, 28)
    low, high = (0.5 - 3) / (0.5 + 3), (28 - 3) / (28 + 3)
    t = (2 * (x - 3) / (x + 3) - low - high) / (high - low)
    head = np.round(16 * x) / 16  # its square is exact
    power = np.exp(-head * head) * np.exp((head - x) * (head + x))
    return power * _polynomial(t, series) / (x + 1)


def _erf(x: Any) -> Any:
    """The error function."""

    def erf(x: Any) -> Any:
        value = _erf_near(np.clip(x, -1, 1))
        far = np.abs(x) > 1
        value[far] = np.copysign(1 - _erfc_far(np.abs(x[far])), x[far])
        return value

    return _in_pieces(erf, x)


def _erfc(x: Any) -> Any:
    """1 - erf(x), without the cancellation."""

    def erfc(x: Any) -> Any:
        value = 1 - _erf_near(np.clip(x, -1, 1))
        far = np.abs(x) > 0.5
        value[far] = _erfc_far(np.abs(x[far]))
        return np.where(x < -0.5, 2 - value, value)

    return _in_pieces(erfc, x)


def _erfcx(x: Any) -> Any:
    """exp(x²) erfc(x) for x ≥ 0; far out the series of Abramowitz and Stegun, 7.1.23."""

    def erfcx(x: Any) -> Any:
        near, middle = np.minimum(x, 0.5), np.clip(x, 0.5, 26)
        head = np.round(16 * middle) / 16
        power = np.exp(-head * head) * np.exp((head - middle) * (head + middle))
        far = np.maximum(x, 26)
        s = 1 / far / far / 2
        series = 1 - s * (1 - 3 * s * (1 - 5 * s * (1 - 7 * s * (1 - 9 * s * (1 - 11 * s)))))
        value = np.where(x < 26, _erfc_far(middle) / power, series / (far * np.sqrt(np.pi)))
        return np.where(x < 0.5, np.exp(near * near) * (1 - _erf_near(near)), value)

    return _in_pieces(erfcx, x)


def _inverse_tail(p: Any) -> Any:
    """The x ≥ 0 with erfc(x) = p, 0 ≤ p ≤ 1: three steps of Halley's method for log erfc."""
    log = np.log(np.maximum(p, 5e-324))
    x = np.sqrt(np.maximum(-log - 0.5 * np.log1p(np.maximum(-log, 0) * np.pi), 0))
    x = np.where(p > 0.2, 0.886 * (1 - p), x)
    for _ in range(4):
        scaled = _erfcx(x)
        slope = -2 / np.sqrt(np.pi) / scaled
        off = np.log(scaled) - x * x - log
        curve = -slope * (2 * x + slope)
        x = x - off / (slope - off * curve / slope / 2)
    return np.where(p == 0, np.inf, np.where((p < 0) | (p > 1), np.nan, x))


def _erfcinv(x: Any) -> Any:
    """The inverse of erfc."""

    def erfcinv(x: Any) -> Any:
        value = _inverse_tail(np.where(x > 1, 2 - x, x))
        return np.where(np.abs(x - 1) < 0.5, _inverse_near(1 - x), np.copysign(value, 1 - x))

    return _in_pieces(erfcinv, x)


def _inverse_near(x: Any) -> Any:
    """The inverse of erf where |x| ≤ 1/2, by Newton's method."""
    x = np.clip(x, -0.5, 0.5)
    value = 0.886226925452758 * x * (1 + x * x * 0.2617993877991494)
    for _ in range(4):
        value = value - (_erf_near(value) - x) * np.exp(value * value) * 0.886226925452758
    return value


def _erfinv(x: Any) -> Any:
    """The inverse of erf."""

    def erfinv(x: Any) -> Any:
        far = np.copysign(_inverse_tail(1 - np.abs(x)), x)
        return np.where(np.abs(x) < 0.5, _inverse_near(x), far)

    return _in_pieces(erfinv, x)


def _gammaln(x: Any) -> Any:
    """log |Γ(x)|: in [1, 3] (x - 1) (x - 2) times a polynomial; far out, Stirling's series.

    The recurrence and the reflection of Abramowitz and Stegun lead there: 6.1.15, 6.1.17, 6.1.41.
    """
    # fmt: off
    series = (
        -8.190037783551156e-10, 1.5818126337371086e-09, 2.4694237633377504e-09,
        -4.358862409072515e-09, -8.952022836709702e-09, 1.6327287432845006e-08,
        -7.860744687083056e-10, 5.68873795385758e-09, -5.2038665332275675e-08,
        1.0444285443279689e-07, -1.861315818147291e-07, 3.95720794275161e-07,
        -8.554816957122729e-07, 1.8114769634727658e-06, -3.846514242663473e-06,
        8.221205092155423e-06, -1.76618554743359e-05, 3.81690832831345e-05, -8.30950999467849e-05,
        0.00018255261441838105, -0.0004057073999387517, 0.0009153769241238952,
        -0.0021081308338291313, 0.004998641164623283, -0.012384192193374355, 0.032965000621156974,
        -0.1003173016743539, 0.42278433509846713,
    )
    # fmt: on

    def gammaln(x: Any) -> Any:
        size = np.where(x < 0, 1 - x, x)
        near, factor = np.where(size < 1, size + 1, size), np.ones_like(x)
        for _ in range(5):
            above = near > 3
            near = near - above
            factor = np.where(above, factor * near, factor)
        zeros = np.where(size < 1, size * (size - 1), (near - 1) * (near - 2))
        value = zeros * _polynomial(np.clip(near, 1, 3) - 2, series)
        value += np.log(np.where(size < 1, 1, factor)) - np.log(np.minimum(size, 1))
        s = 1 / np.square(size)
        tail = 1 / 1188 - s * (691 / 360360 - s * (1 / 156 - s * (3617 / 122400)))
        tail = (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * tail)))) / size
        half = 0.5 * np.log(2 * np.pi) - 0.5
        far = (size - 0.5) * (np.log(size) - 1) + half + tail
        value = np.where(size < 8, value, far)
        sine = np.abs(np.sin(np.pi * (x - np.round(x))))
        value = np.where(x < 0, np.log(np.pi) - np.log(sine) - value, value)
        return np.where(((x < 0) & (sine == 0)) | np.isinf(x), np.inf, value)  # poles

    return _in_pieces(gammaln, x)


def _digamma(x: Any) -> Any:
    """ψ(x) by the recurrence and the series of Abramowitz and Stegun: 6.3.5, 6.3.7 and 6.3.18."""
    x = np.asarray(x) * 1.0
    reflected = x < 0
    y = np.where(reflected, 1 - x, x)
    shift = np.zeros_like(y)
    for _ in range(10):
        small = y < 10
        shift += small / np.where(small, y, 1)
        y = y + small
    inverse = 1 / y
    s = inverse * inverse
    series = 1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12))
    series = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * series)))
    result = np.log(y) - inverse / 2 - series - shift
    turn = np.pi * np.where(reflected, x - np.round(x), 0.25)
    return np.where(reflected, result - np.pi / np.tan(turn), result).astype(x.dtype)[()]


def _trigamma(x: Any) -> Any:
    """ψ'(x) by the recurrence and the series of Abramowitz and Stegun: 6.4.6, 6.4.7 and 6.4.12."""
    x = np.asarray(x) * 1.0
    reflected = x < 0
    y = np.where(reflected, 1 - x, x)
    shift = np.zeros_like(y)
    for _ in range(10):
        small = y < 10
        shift += small / np.where(small, y, 1) / np.where(small, y, 1)
        y = y + small
    inverse = 1 / y
    s = inverse * inverse
    series = 1 / 30 - s * (5 / 66 - s * (691 / 2730 - s * (7 / 6)))
    series = s * inverse * (1 / 6 - s * (1 / 30 - s * (1 / 42 - s * series)))
    result = inverse + s / 2 + series + shift
    turn = np.pi * np.where(reflected, x - np.round(x), 0.25)
    return np.where(reflected, (np.pi / np.sin(turn)) ** 2 - result, result).astype(x.dtype)[()]


def _norm(x: Any, axis: Any = None, keepdims: bool = False, out: Any = None) -> Any:
    """√Σ x²; where squares are too large or too small, of x over its largest entry."""
    gone = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis % x.ndim,)
    kept = [k for k in range(x.ndim) if k not in gone]
    float_ = np.finfo(x.dtype)
    with np.errstate(all="ignore"):
        squares = np.einsum(x, range(x.ndim), x, range(x.ndim), kept)
        norm = np.sqrt(squares)
        if not ((squares > float_.tiny / float_.eps) & (squares <= float_.max)).all():
            largest = np.abs(x).max(tuple(gone), keepdims=True, initial=0)
            largest = np.where((largest > 0) & (largest <= float_.max), largest, 1).astype(x.dtype)
            scaled = x / largest
            squares = np.einsum(scaled, range(x.ndim), scaled, range(x.ndim), kept)
            norm = largest.reshape(squares.shape) * np.sqrt(squares)
    if keepdims:
        norm = norm.reshape([n if k in kept else 1 for k, n in enumerate(x.shape)])
    if out is None:
        return norm
    out[...] = norm
    return out


def _adjugate(a: Any) -> Any:
    """det(A) A⁻¹; of matrices that have no inverse, or hardly one, by their singular values."""
    try:
        value = np.linalg.inv(a)
        size = np.abs(a).sum(-1).max(-1) * np.abs(value).sum(-1).max(-1)
        if (size * np.sqrt(np.finfo(value.dtype).eps) < 1).all():
            return np.linalg.det(a)[..., None, None] * value
    except np.linalg.LinAlgError:
        pass
    left, sizes, right = np.linalg.svd(a)
    n = sizes.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, sizes[..., None, :]).prod(-1)
    others = (np.linalg.det(left) * np.linalg.det(right))[..., None] * others
    value = right.swapaxes(-1, -2) * others[..., None, :] @ left.swapaxes(-1, -2)
    return value.astype(a.dtype)


def _regular_inverse(a: Any) -> Any:
    """The inverse; an error where it is known to a few digits only, or there is none."""
    value = np.linalg.inv(a)
    size = np.abs(a).sum(-1).max(-1, initial=0) * np.abs(value).sum(-1).max(-1, initial=0)
    if not (size * np.finfo(value.dtype).eps ** 0.75 < 1).all():
        raise np.linalg.LinAlgError("Singular matrix")
    return value


def _inverse_of_two(a: Any, out: Any) -> Any:
    """The inverse of a matrix of two rows: by its determinant, where that is an ordinary number."""
    (p, q), (r, s) = a.tolist()
    d = p * s - q * r
    if 1e-100 < abs(d) < 1e100 and abs(d) > 1e-3 * abs(p * s):
        out[0, 0], out[0, 1], out[1, 0], out[1, 1] = s / d, -q / d, -r / d, p / d
    else:
        out[...] = np.linalg.inv(a)
    return out


def _eigenvectors(a: Any) -> Any:
    """The eigenvectors of symmetric matrices, as columns; an error where eigenvalues are equal."""
    values, vectors = np.linalg.eigh(a)
    size = np.abs(values).max(-1, keepdims=True, initial=0)
    if (np.diff(values) <= 8 * np.finfo(values.dtype).eps * size).any():
        raise np.linalg.LinAlgError("two eigenvalues are equal")
    return vectors


def _others(x: Any, axis: int, out: Any = None) -> Any:
    """Along an axis, the product of all other entries: of those before and of those after each."""
    x = np.moveaxis(x, axis, -1)
    before, after = np.ones_like(x), np.ones_like(x)
    np.cumprod(x[..., :-1], axis=-1, out=before[..., 1:])
    np.cumprod(x[..., :0:-1], axis=-1, out=after[..., -2::-1])
    if out is None:
        out = np.empty_like(np.moveaxis(x, -1, axis))
    return np.moveaxis(np.multiply(before, after, out=np.moveaxis(out, axis, -1)), -1, axis)


def _powers(x: Any, first: int, count: int, out: Any = None) -> Any:
    """x ** first, x ** (first + 1), …: each the product of two smaller ones."""
    if out is None:
        out = np.empty((count, *np.shape(x)), np.asarray(x).dtype)
    out[:1] = x**first
    known, power = 1, x
    while known < count:
        more = min(known, count - known)
        np.multiply(out[:more], power, out=out[known : known + more])
        known += more
        if known < count:
            power = power * power
    return out


def _add_rows(zeros: Any, places: Any, rows: Any) -> None:
    """Add rows to rows of zeros: the last one of each place is set, those before it are added."""
    zeros[places] = rows
    flat, (_, *row) = places.reshape(-1), zeros.shape
    count = np.arange(flat.size)
    last = np.empty(len(zeros), np.intp)
    last[flat] = count
    (others,) = (last.take(flat) != count).nonzero()
    if others.size:
        width = zeros[0].size
        at = width * flat[others, None] + np.arange(width)
        added = np.broadcast_to(rows, (*places.shape, *row))[np.unravel_index(others, places.shape)]
        np.add.at(zeros.reshape(-1), at.reshape(-1), added.reshape(-1))


HELPERS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        _in_pieces,
        _polynomial,
        _erf_near,
        _erfc_far,
        _erf,
        _erfc,
        _erfcx,
        _inverse_tail,
        _inverse_near,
        _erfcinv,
        _erfinv,
        _gammaln,
        _digamma,
        _trigamma,
        _norm,
        _adjugate,
        _regular_inverse,
        _inverse_of_two,
        _eigenvectors,
        _others,
        _powers,
        _add_rows,
        _squares,
        _nearest,
        _differences_to_nearest,
        _sums_to_nearest,
        _half_by_blocks,
        _half_inverse,
        _has_none,
        _inverse_by_half,
        _solved_by_half,
        _logdet_by_half,
    )
}
"""The functions that generated files may define, by name."""

_NAMES = {"products_of_others": "_others", "lower": "np.tril", "upper": "np.triu"}
"""Functions that have other names than in mathematics."""


def name_of(function: str) -> str:
    """What a function is called in a generated file: it is defined there, or it is NumPy's."""
    own = f"_{function}"
    return own if own in HELPERS else _NAMES.get(function, f"np.{function}")


def function_of(name: str) -> Callable[..., Any]:
    """The function itself, by its name in mathematics."""
    called = name_of(name)
    found: Callable[..., Any] = HELPERS.get(called) or getattr(np, called.removeprefix("np."))
    return found


def helper_sources(names: Iterable[str]) -> list[str]:
    """The texts of functions, after those that they call, as they go into a generated file."""
    needed = {n for name in names for n in _calls(name)}
    return [inspect.getsource(f).strip() for name, f in HELPERS.items() if name in needed]


def _calls(name: str) -> Iterator[str]:
    """The function itself, and the others that it calls."""
    if name in HELPERS:
        yield name
        for other in {*_names(HELPERS[name].__code__)} - {name}:
            yield from _calls(other)


def _names(code: CodeType) -> Iterator[str]:
    """The names that code reads, that of the functions in it too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
