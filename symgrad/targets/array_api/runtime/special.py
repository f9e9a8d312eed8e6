"""Functions of entries that the standard lacks, by the series of NumPy's files."""

from __future__ import annotations

import math
from typing import Any


def _polynomial(t: Any, coefficients: Any) -> Any:
    """A polynomial, the coefficient of its highest power first."""
    value = 0 * t + coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * t + coefficient
    return value


def _cbrt(xp: Any, x: Any) -> Any:
    """The cube root, of negative numbers too."""
    return xp.sign(x) * xp.abs(x) ** (1 / 3)


def _fmod(xp: Any, x: Any, y: Any) -> Any:
    """What is left of x, with its sign."""
    return xp.copysign(xp.remainder(xp.abs(x), abs(y)), x)


def _logaddexp2(xp: Any, x: Any, y: Any) -> Any:
    """log2(2**x + 2**y)."""
    return xp.logaddexp(x * math.log(2), y * math.log(2)) / math.log(2)


def _erf_near(xp: Any, x: Any) -> Any:
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


def _erfc_far(xp: Any, x: Any) -> Any:
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
    x = xp.clip(x, 0.5, 28)
    low, high = (0.5 - 3) / (0.5 + 3), (28 - 3) / (28 + 3)
    t = (2 * (x - 3) / (x + 3) - low - high) / (high - low)
    head = xp.round(16 * x) / 16  # its square is exact
    power = xp.exp(-head * head) * xp.exp((head - x) * (head + x))
    return power * _polynomial(t, series) / (x + 1)


def _erf(xp: Any, x: Any) -> Any:
    """The error function."""
    size = xp.abs(x)
    far = xp.copysign(1 - _erfc_far(xp, size), x)
    return xp.where(size > 1, far, _erf_near(xp, xp.clip(x, -1, 1)))


def _erfc(xp: Any, x: Any) -> Any:
    """1 - erf(x), without the cancellation."""
    far = _erfc_far(xp, xp.abs(x))
    near = 1 - _erf_near(xp, xp.clip(x, -1, 1))
    return xp.where(x < -0.5, 2 - far, xp.where(x > 0.5, far, near))


def _erfcx(xp: Any, x: Any) -> Any:
    """exp(x²) erfc(x) for x ≥ 0; far out the series of Abramowitz and Stegun, 7.1.23."""
    near, middle = xp.minimum(x, 0.5), xp.clip(x, 0.5, 26)
    head = xp.round(16 * middle) / 16
    power = xp.exp(-head * head) * xp.exp((head - middle) * (head + middle))
    far = xp.maximum(x, 26)
    s = 1 / far / far / 2
    series = 1 - s * (1 - 3 * s * (1 - 5 * s * (1 - 7 * s * (1 - 9 * s * (1 - 11 * s)))))
    value = xp.where(x < 26, _erfc_far(xp, middle) / power, series / (far * math.sqrt(math.pi)))
    return xp.where(x < 0.5, xp.exp(near * near) * (1 - _erf_near(xp, near)), value)


def _inverse_tail(xp: Any, p: Any) -> Any:
    """The x ≥ 0 with erfc(x) = p, 0 ≤ p ≤ 1: three steps of Halley's method for log erfc."""
    log = xp.log(xp.maximum(p, float(xp.finfo(p.dtype).smallest_normal)))
    x = xp.sqrt(xp.maximum(-log - 0.5 * xp.log1p(xp.maximum(-log, 0) * math.pi), 0))
    x = xp.where(p > 0.2, 0.886 * (1 - p), x)
    for _ in range(4):
        scaled = _erfcx(xp, x)
        slope = -2 / math.sqrt(math.pi) / scaled
        off = xp.log(scaled) - x * x - log
        curve = -slope * (2 * x + slope)
        x = x - off / (slope - off * curve / slope / 2)
    return xp.where(p == 0, math.inf, xp.where((p < 0) | (p > 1), math.nan, x))


def _erfcinv(xp: Any, x: Any) -> Any:
    """The inverse of erfc."""
    value = _inverse_tail(xp, xp.where(x > 1, 2 - x, x))
    return xp.where(xp.abs(x - 1) < 0.5, _inverse_near(xp, 1 - x), xp.copysign(value, 1 - x))


def _inverse_near(xp: Any, x: Any) -> Any:
    """The inverse of erf where |x| ≤ 1/2, by Newton's method."""
    x = xp.clip(x, -0.5, 0.5)
    value = 0.886226925452758 * x * (1 + x * x * 0.2617993877991494)
    for _ in range(4):
        value = value - (_erf_near(xp, value) - x) * xp.exp(value * value) * 0.886226925452758
    return value


def _erfinv(xp: Any, x: Any) -> Any:
    """The inverse of erf."""
    far = xp.copysign(_inverse_tail(xp, 1 - xp.abs(x)), x)
    return xp.where(xp.abs(x) < 0.5, _inverse_near(xp, x), far)


def _gammaln(xp: Any, x: Any) -> Any:
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
    size = xp.where(x < 0, 1 - x, x)
    near, factor = xp.where(size < 1, size + 1, size), xp.ones_like(x)
    for _ in range(5):
        above = near > 3
        near = xp.where(above, near - 1, near)
        factor = xp.where(above, factor * near, factor)
    zeros = xp.where(size < 1, size * (size - 1), (near - 1) * (near - 2))
    value = zeros * _polynomial(xp.clip(near, 1, 3) - 2, series)
    value = value + xp.log(xp.where(size < 1, 1, factor)) - xp.log(xp.minimum(size, 1))
    large = xp.maximum(size, 8)
    s = 1 / large / large
    tail = 1 / 1188 - s * (691 / 360360 - s * (1 / 156 - s * (3617 / 122400)))
    tail = (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * tail)))) / large
    half = 0.5 * math.log(2 * math.pi) - 0.5
    far = (large - 0.5) * (xp.log(large) - 1) + half + tail
    value = xp.where(size < 8, value, far)
    sine = xp.abs(xp.sin(math.pi * (x - xp.round(x))))
    value = xp.where(x < 0, math.log(math.pi) - xp.log(xp.where(sine > 0, sine, 1)) - value, value)
    return xp.where(((x < 0) & (sine == 0)) | xp.isinf(x), math.inf, value)  # poles


def _digamma(xp: Any, x: Any) -> Any:
    """ψ(x) by the recurrence and the series of Abramowitz and Stegun: 6.3.5, 6.3.7 and 6.3.18."""
    reflected = x < 0
    y, shift = xp.where(reflected, 1 - x, x), xp.zeros_like(x)
    for _ in range(10):
        small = y < 10
        shift = shift + xp.where(small, 1 / xp.where(small, y, 1), 0)
        y = xp.where(small, y + 1, y)
    inverse = 1 / y
    s = inverse * inverse
    series = 1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12))
    series = s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * series)))
    result = xp.log(y) - inverse / 2 - series - shift
    turn = math.pi * xp.where(reflected, x - xp.round(x), 0.25)
    return xp.where(reflected, result - math.pi / xp.tan(turn), result)


def _trigamma(xp: Any, x: Any) -> Any:
    """ψ'(x) by the recurrence and the series of Abramowitz and Stegun: 6.4.6, 6.4.7 and 6.4.12."""
    reflected = x < 0
    y, shift = xp.where(reflected, 1 - x, x), xp.zeros_like(x)
    for _ in range(10):
        small = y < 10
        shift = shift + xp.where(small, 1 / xp.where(small, y, 1) ** 2, 0)
        y = xp.where(small, y + 1, y)
    inverse = 1 / y
    s = inverse * inverse
    series = 1 / 30 - s * (5 / 66 - s * (691 / 2730 - s * (7 / 6)))
    series = s * inverse * (1 / 6 - s * (1 / 30 - s * (1 / 42 - s * series)))
    result = inverse + s / 2 + series + shift
    turn = math.pi * xp.where(reflected, x - xp.round(x), 0.25)
    return xp.where(reflected, (math.pi / xp.sin(turn)) ** 2 - result, result)
