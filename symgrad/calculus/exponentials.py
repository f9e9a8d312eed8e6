"""Sums of exponentials, however they were typed: softmax, sigmoid, tanh, and their logarithms."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import sympy as sp

from symgrad.calculus.definitions import (
    Known,
    factors,
    is_a,
    is_positive,
    is_same,
    is_scale,
    resolved,
    split_scale,
)
from symgrad.mathematics.algebra import bound_of, freshen
from symgrad.mathematics.indices import Index, is_entry
from symgrad.mathematics.reductions import (
    AxisMax,
    LogSum,
    LogSumExp,
    absolute,
    clip_above,
    expm1,
    logaddexp,
    relu,
    sigmoid,
    softplus,
)

EPSILON = sp.Rational(1, 1000)
"""A number up to this, added to exponentials, is there to keep them from 0, and stays as typed."""

# -- exponents --------------------------------------------------------------------------------


def exponent(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """u where ``expr`` is exp(u), under any name."""
    if not is_a(expr, sp.exp, known):
        return None
    return unshifted(resolved(expr, known).args[0], known)


def unshifted(expr: sp.Expr, known: Known) -> sp.Expr:
    """The sum, written out where a name hides a shift by a maximum, or a log-sum-exp."""
    return sp.Add(*(_without_shift(t, known) for t in sp.Add.make_args(expr)))


def _without_shift(addend: sp.Expr, known: Known) -> sp.Expr:
    coefficient, value = addend.as_coeff_Mul()
    if not is_a(value, (AxisMax, LogSumExp, sp.Add), known):
        return addend
    written = resolved(value, known)
    if isinstance(written, (AxisMax, LogSumExp)):
        return coefficient * written
    if _is_shifted(written, known):
        return coefficient * sp.Add(*(_without_shift(t, known) for t in sp.Add.make_args(written)))
    return addend


def _is_shifted(expr: sp.Expr, known: Known) -> bool:
    return any(is_a(t.as_coeff_Mul()[1], AxisMax, known) for t in sp.Add.make_args(expr))


# -- logarithms of what is positive -----------------------------------------------------------


def log_of_product(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log(c exp(u)) = u + log c, where c is a positive number; None for other factors."""
    scale, total = [], sp.S.Zero
    for factor in factors(resolved(expr, known), known):
        inside = exponent(factor, known)
        if inside is not None:
            total += inside
        elif is_scale(factor) or is_positive(factor, known):
            scale.append(factor)
        else:
            return None
    return total + sp.log(sp.Mul(*scale))


def log_of_sum(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log(c Σ exp(u)), under any name, where c is positive; None for other sums."""
    if not is_a(expr, (sp.Mul, sp.Sum), known):
        return None
    scale, total = split_scale(resolved(expr, known))
    if not is_a(total, sp.Sum, known):
        return None
    total = resolved(total, known)
    parts = [_weight_log(f, known) for f in factors(total.function, known)]
    if any(p is None for p in parts) or not _has_exponential(total.function, known):
        return None
    return sp.log(scale) + log_sum_exp(sp.Add(*parts), bound_of(total))


def log_of_weighted_sum(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log Σ w exp(u), under any name, where w may be 0 or negative, and nothing is shifted yet.

    Not where w tells more rows apart than u does, such as in a product of matrices, or a running
    sum: each row would have a shift of its own.
    """
    if not is_a(expr, sp.Sum, known):
        return None
    total = resolved(expr, known)
    weights, power = _split(factors(total.function, known), known)
    weight, shifts = sp.Mul(*weights), (t.as_coeff_Mul()[1] for t in sp.Add.make_args(power))
    runs = power.free_symbols & set(bound_of(total)) and not _more_rows(weight, power)
    if not runs or any(is_a(s, (AxisMax, LogSumExp), known) for s in shifts):
        return None
    return LogSum(weight * sp.exp(power), *total.limits)


def _more_rows(weight: sp.Expr, power: sp.Expr) -> bool:
    """Whether a weight has an index that what it weighs has not."""
    return any(isinstance(i, Index) for i in weight.free_symbols - power.free_symbols)


def _has_exponential(expr: sp.Expr, known: Known) -> bool:
    return any(exponent(f, known) is not None for f in factors(expr, known))


def _weight_log(factor: sp.Expr, known: Known) -> sp.Expr | None:
    """The logarithm of a factor that is positive wherever it is a real number."""
    inside = exponent(factor, known)
    if inside is not None:
        return inside
    value = resolved(factor, known)
    if isinstance(value, sigmoid):
        return -softplus(-value.args[0])
    base, power = value.as_base_exp()
    if isinstance(value, sp.Pow) and power.is_Rational and not power.is_Integer:
        return power * sp.log(base)
    return power * sp.log(base) if is_scale(base) or is_positive(base, known) else None


def log_sum_exp(body: sp.Expr, bound: tuple[Index, ...]) -> sp.Expr:
    """log Σ exp(u + c) = c + log Σ exp(u), where c is free of the sum."""
    free = [t for t in sp.Add.make_args(body) if not t.free_symbols & set(bound)]
    rest = [t for t in sp.Add.make_args(body) if t.free_symbols & set(bound)]
    return sp.Add(*free, LogSumExp(sp.Add(*rest), *(k.limits for k in bound)))


def logs_of_addends(expr: sp.Expr, known: Known) -> list[sp.Expr] | None:
    """The logarithm of each addend of a sum of exponentials and positive numbers."""
    if not is_a(expr, sp.Add, known):
        return None
    addends = resolved(expr, known).args
    if any(a.is_Number and a < EPSILON for a in addends):
        return None
    logs = []
    for addend in addends:
        log = log_of_product(addend, known)
        log = log_of_sum(addend, known) if log is None else log
        if log is None:
            return None
        logs.append(log)
    return None if all(log.is_number for log in logs) else logs


def log_of_total(logs: Sequence[sp.Expr]) -> sp.Expr:
    """log(exp(u1) + exp(u2) + …) for its exponents."""
    ordered = sorted(logs, key=lambda u: (u != 0, sp.default_sort_key(u)), reverse=True)
    return functools.reduce(_log_of_two, ordered)


def _log_of_two(one: sp.Expr, other: sp.Expr) -> sp.Expr:
    return softplus(one) if other == 0 else logaddexp(one, other)


# -- quotients --------------------------------------------------------------------------------


def softmax(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """exp(x_i) / Σ exp(x_k)."""
    for divisor, rest in _divisors(expr):
        total = log_of_sum(divisor.base, known)
        if total is not None:
            plain, power = _split(rest, known)
            return _weighted(plain, power + divisor.exp * unshifted(total, known), known)
    return None


def sigmoid_quotient(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """exp(x) / (exp(x) + exp(y)) = sigmoid(x - y), and what else is over such a sum."""
    for divisor, rest in _divisors(expr):
        logs = logs_of_addends(divisor.base, known)
        if logs is None or len(logs) < 2:
            continue
        spread = next((f for f in rest if _is_sum_of_exps(f, known)), None)
        if spread is not None:
            others = sp.Mul(divisor, *(f for f in rest if f is not spread))
            return sp.Add(*(a * others for a in resolved(spread, known).args))
        plain, power = _split(rest, known)
        named = is_entry(divisor.base)
        if named and power == 0 and 0 not in logs:
            continue  # 1 / v, where v = 2 + exp(x) has a name and is a value of its own
        return sp.Mul(*plain, _over_total(power, logs, -divisor.exp))
    return None


def _divisors(expr: sp.Expr) -> Iterable[tuple[sp.Expr, list[sp.Expr]]]:
    """Each negative power among the factors, with the other factors."""
    parts = list(sp.Mul.make_args(expr))
    for part in parts:
        if isinstance(part, sp.Pow) and part.exp.is_number and part.exp.is_negative:
            yield part, [f for f in parts if f is not part]


def _split(parts: Iterable[sp.Expr], known: Known) -> tuple[list[sp.Expr], sp.Expr]:
    """The factors that are no exponentials, and the sum of the exponents of the others."""
    found = [(f, exponent(f, known)) for p in parts for f in _opened(p, known)]
    power = sp.Add(*(u for _, u in found if u is not None))
    return [f for f, u in found if u is None], power


def _opened(factor: sp.Expr, known: Known) -> list[sp.Expr]:
    """The factors of a named product that holds an exponential; else the name as it is."""
    inside = factors(factor, known)
    return inside if any(isinstance(f, sp.exp) for f in inside) else [factor]


def _is_sum_of_exps(expr: sp.Expr, known: Known) -> bool:
    if not is_a(expr, sp.Add, known):
        return False
    return any(_has_exponential(a, known) for a in resolved(expr, known).args)


def _over_total(power: sp.Expr, logs: Sequence[sp.Expr], times: sp.Expr) -> sp.Expr:
    """exp(power) / (Σ exp(logs))^times: sigmoids where nothing else is left over."""
    if len(logs) == 2 and times.is_Integer:
        one, other = logs
        for k in range(int(times) + 1):
            if is_same(power, k * one + (times - k) * other):
                return sigmoid(one - other) ** k * sigmoid(other - one) ** (times - k)
        for number, variable in ((one, other), (other, one)):
            if power == 0 and number.is_number:
                return sp.exp(-times * number) * sigmoid(number - variable) ** times
    return sp.exp(power - times * log_of_total(logs))


def _weighted(plain: list[sp.Expr], power: sp.Expr, known: Known) -> sp.Expr:
    """exp(power) · plain; inside of a sum of exponentials, so that no part of it overflows."""
    for n, factor in enumerate(plain):
        total = resolved(factor, known) if is_a(factor, sp.Sum, known) else factor
        if isinstance(total, sp.Sum) and _has_exponential(total.function, known):
            inside = freshen(total)
            weights, exponents = _split(sp.Mul.make_args(inside.function), known)
            body = sp.Sum(sp.Mul(*weights, sp.exp(exponents + power)), *inside.limits)
            return sp.Mul(*plain[:n], body, *plain[n + 1 :])
    return sp.Mul(*plain, sp.exp(power))


def sigmoid_of_softplus(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """exp(-softplus(x)) = sigmoid(-x) and exp(x - softplus(x)) = sigmoid(x)."""
    inside = expr.args[0]
    for addend in sp.Add.make_args(inside):
        if is_a(-addend, softplus, known):
            value = resolved(-addend, known)
            rest = inside - addend
            if rest == 0 or rest == value.args[0]:
                return sigmoid(value.args[0] if rest != 0 else -value.args[0])
    return None


# -- sums of two ------------------------------------------------------------------------------


def pairs(expr: sp.Expr, known: Known, cls: type[sp.Expr]) -> Iterable[tuple[sp.Expr, ...]]:
    """(a, b, u, others) for addends a and b cls(u), where cls(u) may be a named value."""
    for addend in expr.args:
        for factor in sp.Mul.make_args(addend):
            if is_a(factor, cls, known):
                value = resolved(factor, known)
                rest = [a for a in expr.args if a is not addend]
                for other in rest:
                    left = sp.Add(*(a for a in rest if a is not other))
                    yield other, addend / factor, value.args[0], left


def one_minus_sigmoid(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """1 - sigmoid(x) = sigmoid(-x)."""
    for number, coefficient, x, left in pairs(expr, known, sigmoid):
        if left == 0 and number == -coefficient:
            return number * sigmoid(-x)
    return None


def mixed(expr: sp.Expr) -> frozenset[sp.Expr]:
    """The addends (1 - z) a of (1 - z) a + z b, whose error is that of z times a.

    Not where a or b has a logarithm or an exponential: these may be as large as 1 - z is small.
    """
    if not isinstance(expr, sp.Add):
        return frozenset()
    tame = [a for a in expr.args if not a.has(sp.exp, sp.log, softplus)]
    weights = {f for a in tame for f in sp.Mul.make_args(a) if is_entry(f)}
    return frozenset(a for a in tame if any(1 - z in sp.Mul.make_args(a) for z in weights))


def tanh_of_sigmoid(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """2 sigmoid(2 x) - 1 = tanh(x)."""
    for number, coefficient, x, left in pairs(expr, known, sigmoid):
        if left == 0 and coefficient == -2 * number:
            return -number * sp.tanh(x / 2)
    return None


def tanh_quotient(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)) = tanh(x)."""
    for divisor, rest in _divisors(expr):
        logs = logs_of_addends(divisor.base, known) if divisor.exp == -1 else None
        if logs is None or len(logs) != 2:
            continue
        for factor in rest:
            sign = _difference_of(resolved(factor, known), logs, known)
            if sign:
                others = sp.Mul(*(f for f in rest if f is not factor))
                return sign * others * sp.tanh((logs[0] - logs[1]) / 2)
    return None


def _difference_of(expr: sp.Expr, logs: Sequence[sp.Expr], known: Known) -> int:
    """1 where ``expr`` is exp(logs[0]) - exp(logs[1]), -1 where it is the opposite, else 0."""
    if not (isinstance(expr, sp.Add) and len(expr.args) == 2):
        return 0
    for sign in (1, -1):
        for plus, minus in (expr.args, expr.args[::-1]):
            found = [log_of_product(sign * plus, known), log_of_product(-sign * minus, known)]
            if None not in found and all(map(is_same, found, logs)):
                return sign
    return 0


def tanh_of_cosh(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """sinh(x) / cosh(x) = tanh(x)."""
    for divisor, rest in _divisors(expr):
        if is_a(divisor.base, sp.cosh, known):
            below = resolved(divisor.base, known)
            for factor in rest:
                above = resolved(factor, known)
                if isinstance(above, sp.sinh) and above.args == below.args:
                    others = sp.Mul(*(f for f in rest if f is not factor))
                    return others * divisor * divisor.base * sp.tanh(*below.args)
    return None


def bounded_exp(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """min(exp(x), c) = exp(min(x, log c)), and min(a (exp(x) - 1), 0) = a (exp(min(x, 0)) - 1)."""
    value, bound = resolved(expr.args[0], known), expr.args[1]
    if isinstance(value, sp.exp) and bound.is_number and bound.is_positive:
        return sp.exp(clip_above(value.args[0], sp.log(bound)))
    if bound != 0:
        return None
    scale, rest = sp.expand(value).as_coeff_Mul() if value.is_Mul else (sp.S.One, value)
    rest = sp.expand(value) if scale == 1 else rest
    constant, others = rest.as_coeff_Add()
    factor, power = others.as_coeff_Mul()
    power = resolved(power, known)
    if isinstance(power, sp.exp) and factor == -constant and (scale * factor).is_positive:
        return scale * factor * (sp.exp(clip_above(power.args[0], sp.S.Zero)) - 1)
    return None


def exp_minus_one(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """exp(x) - 1 = expm1(x), unless exp(x) is a probability."""
    for number, coefficient, x, left in pairs(expr, known, sp.exp):
        if left == 0 and number == -coefficient and not x.has(LogSumExp):
            return coefficient * expm1(x)
    return None


def relu_of_parts(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """x + |x| = 2 max(x, 0) and x - min(x, c) = max(x - c, 0), which has derivative 0 at 0."""
    for other, coefficient, x, left in pairs(expr, known, absolute):
        for sign in (1, -1):
            if other == sign * coefficient * x:
                return left + 2 * coefficient * relu(sign * x)
    for other, coefficient, x, left in pairs(expr, known, clip_above):
        bound = next((a.args[1] for a in expr.atoms(clip_above) if a.args[0] == x), None)
        if other == -coefficient * x and bound is not None and bound.is_number:
            return left - coefficient * relu(x - bound)
    return _relu_of_difference(expr)


def _relu_of_difference(expr: sp.Expr) -> sp.Expr | None:
    """x + c + |x - c| = 2 max(x - c, 0) + 2 c: so it is typed for max(x, c)."""
    for term in expr.args:
        coefficient, size = term.as_coeff_Mul()
        for sign in (1, -1) if isinstance(size, absolute) else ():
            (x,) = size.args
            left = expr - term - sign * coefficient * x
            if left.is_number:
                return left + 2 * coefficient * relu(sign * x)
    return None


def softplus_of_parts(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """max(x, 0) + softplus(-|x|) = softplus(x)."""
    for other, coefficient, x, left in pairs(expr, known, softplus):
        above = other / coefficient
        if is_a(-x, absolute, known) and is_a(above, relu, known):
            u, v = resolved(-x, known).args[0], resolved(above, known).args[0]
            if v in (u, -u):
                return left + coefficient * softplus(v)
    return None
