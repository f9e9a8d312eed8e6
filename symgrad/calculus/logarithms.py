"""Logarithms of exponentials, sigmoids, and sums of them, however they were typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy as sp

from symgrad.calculus.definitions import (
    Known,
    factors,
    flattened,
    is_a,
    is_scale,
    resolved,
)
from symgrad.calculus.exponentials import (
    exponent,
    log_of_sum,
    log_of_total,
    log_of_weighted_sum,
    logs_of_addends,
    one_minus_sigmoid,
    pairs,
    unshifted,
)
from symgrad.mathematics.indices import entries, name_of
from symgrad.mathematics.reductions import (
    log1p,
    log2,
    log10,
    log_cosh,
    rel_entr,
    select,
    sigmoid,
    softplus,
    xlogy,
)


def split_log(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log(x exp(y)) = log(x) + y, for every factor that is positive."""
    return _each_log(expr, known, _log_of_factors)


def log_of_sums(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log Σ exp(x), a log-sum-exp."""
    return _each_log(expr, known, log_of_sum)


def log_of_weighted_sums(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log Σ w exp(x), where w may be 0 or negative."""
    return _each_log(expr, known, log_of_weighted_sum)


def log_of_addends(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log(1 + exp(x)) = softplus(x), log(exp(x) + exp(y)) = logaddexp(x, y)."""
    return _each_log(expr, known, _log_of_addends)


def log_of_sigmoid(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log sigmoid(x) = -softplus(-x)."""
    return _each_log(expr, known, _log_of_sigmoid)


def log_of_cosh(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log cosh(x) as one function, and log(1 - tanh(x)²) = -2 log cosh(x)."""
    return _each_log(expr, known, _log_of_cosh)


def _log_of_cosh(expr: sp.Expr, known: Known) -> sp.Expr | None:
    inside = resolved(expr, known)
    if isinstance(inside, sp.cosh):
        return log_cosh(inside.args[0])
    base = resolved(1 - inside, known)
    if isinstance(base, sp.Pow) and base.exp == 2:
        tanh = resolved(base.base, known)
        return -2 * log_cosh(tanh.args[0]) if isinstance(tanh, sp.tanh) else None
    return None


def _each_log(
    expr: sp.Expr, known: Known, rewritten: Callable[[sp.Expr, Known], sp.Expr | None]
) -> sp.Expr | None:
    """The addends that are multiples of a logarithm rewritten, where that can be done."""
    changed = False
    parts = []
    for addend in sp.Add.make_args(expr):
        coefficient, log = addend.as_coeff_Mul()
        found = rewritten(_argument(log), known) if isinstance(log, (sp.log, log1p)) else None
        changed |= found is not None
        parts.append(addend if found is None else coefficient * found)
    return unshifted(sp.Add(*parts), known) if changed else None


def _argument(log: sp.Expr) -> sp.Expr:
    return log.args[0] if isinstance(log, sp.log) else 1 + log.args[0]


def _log_of_factors(expr: sp.Expr, known: Known) -> sp.Expr | None:
    parts = _factors_for_log(expr, known)
    logs = [_log_of_positive(f, known) for f in parts]
    if all(log is None for log in logs):
        return None
    rest = sp.Mul(*(f for f, log in zip(parts, logs, strict=True) if log is None))
    return sp.Add(sp.log(rest), *(log for log in logs if log is not None))


def _factors_for_log(expr: sp.Expr, known: Known) -> list[sp.Expr]:
    if not is_a(expr, (sp.Mul, sp.exp), known):
        return [expr]
    return [f for f in factors(resolved(expr, known), known) if f != 1]


def _log_of_positive(factor: sp.Expr, known: Known) -> sp.Expr | None:
    """The logarithm of an exponential, or of a power of a sum of exponentials or a sigmoid."""
    inside = exponent(factor, known)
    if inside is not None:
        return inside
    if not is_a(factor, sp.Pow, known):
        return None
    base, power = resolved(factor, known).as_base_exp()
    if power == 1 or not power.is_number:
        return None
    positive = log_of_sum(base, known) is not None or is_a(base, sigmoid, known)
    return power * sp.log(base) if positive else None


def _log_of_addends(expr: sp.Expr, known: Known) -> sp.Expr | None:
    logs = logs_of_addends(flattened(expr, known), known)
    return None if logs is None or len(logs) < 2 else log_of_total(logs)


def _log_of_sigmoid(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """Also of its other forms: 1 - sigmoid(x), and (1 + tanh(x/2)) / 2."""
    if not is_a(expr, (sigmoid, sp.Add), known):
        return None
    value = flattened(resolved(expr, known), known)
    if isinstance(value, sigmoid):
        return -softplus(-value.args[0])
    if not isinstance(value, sp.Add):
        return None
    turned = one_minus_sigmoid(value, known)
    if turned is not None and is_scale(turned.as_coeff_Mul()[0]):
        coefficient, found = turned.as_coeff_Mul()
        return sp.log(coefficient) - softplus(-found.args[0])
    for number, coefficient, x, left in pairs(value, known, sp.tanh):
        if left == 0 and is_scale(number) and coefficient in (number, -number):
            return sp.log(2 * number) - softplus(-2 * x * coefficient / number)
    return None


BASES: Mapping[type[sp.Function], int] = {log2: 2, log10: 10}


def log_to_base(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log2(x) = log(x) / log(2), where the natural logarithm has a law."""
    log = sp.log(expr.args[0])  # of an exponential this is no logarithm any more
    laws = (log_of_cosh, split_log, log_of_sums, log_of_addends, log_of_sigmoid, log_of_choice)
    if isinstance(log, sp.log) and all(law(log, known) is None for law in laws):
        return None
    return log / sp.log(BASES[type(expr)])


def log_of_choice(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log(where(c, x, y)) = where(c, log(x), log(y)), where the log of each branch has a law."""
    if not is_a(expr.args[0], select, known):
        return None
    condition, *branches = resolved(expr.args[0], known).args
    logs = [sp.log(branch) for branch in branches]
    laws = (split_log, log_of_sums, log_of_addends, log_of_sigmoid, log_of_choice)
    plain = [log for log in logs if isinstance(log, sp.log) and entries(log)]
    if any(all(law(log, known) is None for law in laws) for log in plain):
        return None  # the choice may be what keeps the logarithm of this branch from being taken
    return select(condition, *logs) if any(map(entries, logs)) else None


def log_of_one_plus(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """log(1 + x) = log1p(x)."""
    inside = expr.args[0]
    if isinstance(inside, sp.Add) and inside.args[0] == 1:
        return log1p(inside - 1)
    return None


def probability_log(expr: sp.Expr, known: Known) -> sp.Expr | None:
    """x log(y) = xlogy(x, y) where x may be 0: a probability, or a factor of y."""
    for factor in expr.args:
        for addend in sp.Add.make_args(factor):
            coefficient, log = addend.as_coeff_Mul()
            x = _zero_of(expr, log, known) if isinstance(log, sp.log) else None
            product = None if x is None else _x_log(x, log.args[0], known)
            if x is not None and product is not None:
                others = sp.Mul(*(f for f in expr.args if f not in (factor, x)))
                return others * (coefficient * product + x * (factor - addend))
    return None


def _x_log(x: sp.Expr, y: sp.Expr, known: Known) -> sp.Expr | None:
    """x log(y), 0 where x is 0, even where y is a quotient 0 / 0 there.

    None where both x and what it is multiplied by may be negative: their logarithms are not real.
    """
    if x not in sp.Mul.make_args(y):
        return xlogy(x, y)
    if not entries(y / x):
        return x / y * xlogy(y, y)
    return rel_entr(x, x / y) if known.is_nowhere_negative(x) else None


def _zero_of(expr: sp.Expr, log: sp.Expr, known: Known) -> sp.Expr | None:
    """The factor of x log(y) where the product is 0 though the logarithm may be infinite."""
    for x in expr.args:
        promised = isinstance(x, sp.Indexed) and name_of(x) in known.probabilities
        if promised or (entries(x) and x in sp.Mul.make_args(log.args[0])):
            return x
    return None
