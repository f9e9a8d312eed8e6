"""Expressions taken apart as a person does who writes them: signs, numbers, factors in front."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal

import sympy as sp
from sympy.concrete.expr_with_limits import ExprWithLimits

from symgrad.mathematics.indices import Index, entries
from symgrad.mathematics.known import Known, known
from symgrad.mathematics.multiples import (
    ROUNDED,
    Multiple,
    decimal_near,
    is_printed,
    multiple,
    product,
    settled,
)
from symgrad.mathematics.reductions import LEAVES, LogSumExp, as_defined, inverse, normed
from symgrad.mathematics.scalars import weighted_exp
from symgrad.mathematics.sizes import is_size
from symgrad.mathematics.written import Prefix
from symgrad.writing.formula import Fenced, Formula


def signed(expr: sp.Expr) -> tuple[str, sp.Expr]:
    """The sign of an expression, and the expression without it."""
    if isinstance(expr, sp.Sum):
        sign, body = _sign_of_factor(expr.function)
        return (sign, sp.Sum(body, *expr.limits)) if sign == "-" else ("+", expr)
    if not (expr.is_Mul or expr.is_Rational):
        return "+", expr
    if expr.as_coeff_Mul()[0].is_negative:
        return _turned(*signed(_negated(expr)))
    for factor in expr.args:
        sign, positive = _sign_of_factor(factor)
        if sign == "-":
            rest = [f for f in expr.args if f is not factor]
            return _turned(*signed(sp.Mul(*rest, positive, evaluate=False)))
    return "+", expr


def _turned(sign: str, expr: sp.Expr) -> tuple[str, sp.Expr]:
    return ("+" if sign == "-" else "-"), expr


def _sign_of_factor(expr: sp.Expr) -> tuple[str, sp.Expr]:
    """As :func:`signed`, for what is not written as terms: -x - y is -(x + y) here."""
    if not expr.is_Add:
        return signed(expr)
    parts = [signed(a) for a in expr.args]
    if any(sign == "+" for sign, _ in parts):
        return "+", expr
    return "-", sp.Add(*(positive for _, positive in parts))


def _negated(expr: sp.Expr) -> sp.Expr:
    coefficient, rest = expr.as_coeff_Mul()
    if coefficient == -1:
        return rest
    return sp.Mul(-coefficient, rest, evaluate=False) if rest.is_Add else -expr


def split_scale(expr: sp.Expr) -> tuple[sp.Expr, list[sp.Expr]]:
    """The numbers and sizes that multiply an expression, and its other factors.

    Those inside a sum over an index count too; so do those common to all terms of a factor.
    """
    factors = [f for g in sp.Mul.make_args(expr) for f in sp.Mul.make_args(g)]
    scale = sp.Mul(*(f for f in factors if _is_scale(f)))
    rest = [f for f in factors if not _is_scale(f)]
    for place, factor in enumerate(rest):
        inner, rest[place] = _inner_scale(factor)
        scale *= inner
    return settled(scale), rest


def with_one_root(
    scale: sp.Expr, factors: Sequence[sp.Expr]
) -> tuple[sp.Expr, list[sp.Expr], list[sp.Expr], list[sp.Expr]]:
    """A number and factors with √2/(2 √π) as 1/√(2 π): what is left, and roots above and below."""
    factors = [*factors, *(f for f in sp.Mul.make_args(scale) if _is_root(f))]
    roots = [f for f in factors if _is_root(f)]
    rest = [f for f in factors if not _is_root(f)]
    number, sizes = sp.Mul(*(f for f in sp.Mul.make_args(scale) if not _is_root(f))).as_coeff_Mul()
    if number.is_Rational and roots == [sp.sqrt(number.q)]:  # √2/2 is 1/√2
        return number.p * sizes, rest, [], roots
    if not number.is_Rational or not any(f.base == sp.pi for f in roots):
        return number * sizes, factors, [], []
    inside = number**2 * sp.Mul(*(f**2 for f in roots))
    above, below = (sp.factor_terms(x) for x in sp.fraction(inside))
    if 1 not in (above, below):
        return number * sizes, factors, [], []
    over, under = ([], [_root(below)]) if above == 1 else ([_root(above)], [])
    return sp.sign(number) * sizes, rest, over, under


def _is_root(factor: sp.Expr) -> bool:
    """Whether this is a root of a whole number or of π, above or below."""
    root = factor.is_Pow and abs(factor.exp) == sp.S.Half
    return bool(root and (factor.base.is_Rational or isinstance(factor.base, sp.NumberSymbol)))


def _root(inside: sp.Expr) -> sp.Expr:
    """A square root as one root: SymPy's own of 2 π is √2 √π."""
    return sp.Pow(inside, sp.S.Half, evaluate=False)


def _inner_scale(factor: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    if isinstance(factor, sp.Sum):
        scale, factors = split_scale(factor.function)
        if factors and scale != 1:
            return scale, sp.Sum(sp.Mul(*factors), *factor.limits)
    if factor.is_Add:
        scale = common_scale(factor)
        return scale, sp.Add(*(a / scale for a in factor.args))
    return sp.S.One, factor


def scale_parts(
    scale: sp.Expr, typed: Callable[[sp.Rational], str | None] = lambda _: None
) -> tuple[sp.Expr, sp.Expr]:
    """Numerator and denominator of a product of numbers and sizes; decimals stay decimals."""
    number, rest = scale.as_coeff_Mul()
    top, bottom = rest.as_numer_denom()
    if number.is_Rational and typed(number):
        return number * top, bottom
    if below := divisor(number):
        return below[0] * top, below[1] * bottom
    if number.is_Rational and as_decimal(number) is None:
        return number.p * top, number.q * bottom
    if number.is_Rational and (above := _over_a_constant(number)):
        return above * top, _below(number, above) * bottom
    return number * top, bottom


HUNDREDS = 100
"""A numerator of whole hundreds over 7 is a number over 0.07, as people write temperatures."""


def divisor(number: sp.Expr) -> tuple[sp.Expr, sp.Rational] | None:
    """1 and 0.07 for 100/7: a number over a decimal, which has no end as a decimal itself."""
    if not number.is_Rational or recognised(number) is not None:
        return None
    if number.q > ROUNDED and decimal_near(number) is None:
        below = ((sp.Integer(k), decimal_near(k / number)) for k in range(1, 10))
        return next(((k, near) for k, near in below if near is not None), None)
    if number.p % HUNDREDS or as_decimal(number) is not None:
        return None
    digits = int(str(number.p).rstrip("0"))
    below = sp.Rational(digits * number.q, number.p)
    return (sp.Integer(digits), below) if 1 < number.q < 10 * HUNDREDS and digits < 10 else None


def _over_a_constant(number: sp.Rational) -> int:
    """The numerator of a number that is a fraction with a root below, such as 3/√8; else 0."""
    match recognised(number):
        case Known() as found if found.function == "divide" and found.operands[0] == 1:
            return 1
        case Multiple(scale, constant, below) if below or constant.expr == sp.sqrt(scale.q):
            return int(scale.p)
    return 0


def _below(number: sp.Rational, above: int) -> sp.Expr:
    """What a number is below its fraction bar."""
    found = recognised(number)
    if isinstance(found, Multiple) and found.below:
        return found.scale.q * found.constant.expr
    return above / number


def common_scale(expr: sp.Expr) -> sp.Expr:
    """What all terms of a sum are multiplied by: a number, 1/N."""
    scales = {split_scale(a)[0] if a.is_Mul or a.is_Rational else sp.S.One for a in expr.args}
    positive = {-s if s.could_extract_minus_sign() else s for s in scales}
    if len(positive) != 1:
        return shared_constant(positive)
    scale = positive.pop()
    whole = not scale.is_Rational or scale.q == 1  # 2 x + 2 stays, x/2 + 1/2 is half of a sum
    return sp.S.One if whole and any(a.is_number for a in expr.args) else scale


def without_logarithm(scale: sp.Expr) -> tuple[sp.Expr, list[sp.Expr]]:
    """What stands before a logarithm in a number times sizes, and that: N/2 and log 2π."""
    number, sizes = scale.as_coeff_Mul()
    found = recognised(number) if sizes != 1 and number.is_Rational else None
    if not isinstance(found, Multiple) or found.below or not found.constant.expr.has(sp.log):
        return scale, []
    return found.scale * sizes, [found.constant.expr]


def shared_constant(scales: Collection[sp.Expr]) -> sp.Expr:
    """The root or logarithm among numbers that are decimals times it: of c and 0.1 c, c."""
    if len(scales) < 2 or not all(s.is_Rational and s.q > ROUNDED for s in scales):
        return sp.S.One
    shared = (s for s in scales if _is_constant(s) and all(_is_short(t / s) for t in scales))
    return next(shared, sp.S.One)


def _is_constant(number: sp.Expr) -> bool:
    """Whether a number is a root or a logarithm, without a factor in front."""
    found = recognised(number)
    return isinstance(found, Known) and found.function != "multiply"


def _is_short(number: sp.Expr) -> bool:
    return bool(number.q <= ROUNDED and as_decimal(number))


def recognised(number: sp.Expr) -> Known | Multiple | None:
    """What a rounded number is; for one over a rounded number that too."""
    if number.q <= ROUNDED or number <= 0 or decimal_near(number) is not None:
        return None
    found, below = known(float(number)), known(float(1 / number))
    if below is not None and not below.function and is_printed(1 / number):
        return Known((sp.S.One, below.constant), "divide")
    is_typed = is_printed(number) or is_printed(1 / number)
    is_multiple = found is None or found.function == "multiply" or not is_typed
    return (multiple(number) if is_multiple else None) or found or product(number)


FLOAT = 17
"""So many decimals are those of a float; a product of two has more, which say nothing."""

ZEROS = 6
"""A number with so many zeros at its end is written with a power of ten."""

SMALL = -5
"""The power of ten with which a small number is written so: 0.0001, but 10⁻⁵."""


def as_decimal(number: sp.Expr) -> str | None:
    """An integer, or a decimal such as 0.1, as it is written; None for 1/3, 1/4 and 1/40.

    A mean over 400 is 1/400; what is smaller is a decimal, as it is typed: 0.0005, 2·10⁻⁵.
    """
    if near := decimal_near(number):
        return str(Decimal(near.p) / Decimal(near.q))
    if number.q == 1:
        return str(number.p)
    rest, places = int(number.q), 0
    unit = abs(number.p) == 1 and rest < 1000 and str(rest).strip("0") != "1"
    if rest < 10 or unit:
        return None
    while rest % 10 == 0 or rest % 2 == 0 or rest % 5 == 0:
        rest //= 10 if rest % 10 == 0 else 2 if rest % 2 == 0 else 5
        places += 1
    if rest != 1 or (number.q > ROUNDED and places > FLOAT):
        return repr(float(number)) if number.q > ROUNDED else None
    digits = str(abs(number.p) * 10**places // number.q).rjust(places + 1, "0")
    return f"{'-' if number.p < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def power_of_ten(decimal: str) -> tuple[str, int] | None:
    """For 2500000000 the number 2.5 and the exponent 9; None where no reader has to count zeros."""
    number = Decimal(decimal)
    digits = "".join(map(str, number.as_tuple().digits))
    kept, exponent = digits.rstrip("0"), number.adjusted()
    at_the_end = exponent + 1 - len(kept)
    if not kept or (at_the_end < ZEROS and exponent > SMALL):
        return None
    first = f"{'-' if number < 0 else ''}{kept[0]}"
    return (f"{first}.{kept[1:]}" if kept[1:] else first), exponent


def softmax_of(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr] | None:
    """For exp(x[i] - LogSumExp_k x[k]): x[i] and i."""
    exponent = expr.args[0]
    for term in exponent.args if exponent.is_Add else ():
        shift = -term
        if isinstance(shift, LogSumExp) and len(shift.limits) == 1:
            rest = exponent - term
            bound = shift.limits[0][0]
            for index in _candidates(rest, bound):
                if shift.function.xreplace({bound: index}) == rest:
                    return rest, index
    return None


def _candidates(expr: sp.Expr, bound: Index) -> list[sp.Expr]:
    found = {i for atom in expr.atoms(sp.Indexed) for i in atom.indices}
    return [i for i in found if not isinstance(i, Index) or bool(i.size == bound.size)]


COMPARISONS = frozenset(cls.__name__ for cls, leaf in LEAVES.items() if leaf.boolean)


def as_condition(formula: Formula) -> Formula:
    """A comparison read by itself: the brackets of [x > 0] make a number of it."""
    if isinstance(formula, Fenced) and formula.opening == "[":
        return formula.inside
    return formula


def is_entry(expr: sp.Expr) -> bool:
    """Whether this is an entry of an array, or a scalar value."""
    return isinstance(expr, sp.Indexed) or (
        isinstance(expr, sp.Symbol) and not isinstance(expr, Index) and not is_size(expr)
    )


def _is_scale(expr: sp.Expr) -> bool:
    base = expr.base if expr.is_Pow and expr.exp.is_Integer else expr
    constant = base.is_Rational or isinstance(base, sp.NumberSymbol)
    return bool(constant or _is_root(expr) or (isinstance(base, sp.Symbol) and is_size(base)))


def is_reciprocal(expr: sp.Expr) -> bool:
    """Whether this is written below a fraction bar."""
    power = expr.is_Pow or isinstance(expr, sp.exp)
    return bool(power and expr.exp.is_Rational and expr.exp.is_negative)


def index_atoms(index: sp.Expr) -> list[Index]:
    """The index letters in one index."""
    if isinstance(index, Index):
        return [index]
    return sorted(index.atoms(Index), key=lambda i: (str(i.size), i.name))


PRODUCTS = (normed, inverse, weighted_exp)
"""What is written as one product with the other factors of a product."""


def with_numbers_in_front(factor: sp.Expr) -> sp.Expr:
    """A sum with the single numbers that multiply what is added up in front of it."""
    if not isinstance(factor, sp.Sum):
        return factor
    body = sp.Mul(*map(as_product, sp.Mul.make_args(factor.function)))
    factors = sp.Mul.make_args(body)
    single = [f for f in factors if entries(f) and not _varies(f)]
    if not single or len(single) == len(factors):
        return factor
    return sp.Mul(*single, sp.Sum(sp.Mul(*(f for f in factors if f not in single)), *factor.limits))


def _varies(factor: sp.Expr) -> bool:
    """Whether a factor depends on an index, or has a sum in it that goes on to the right."""
    closed = is_reciprocal(factor) or not factor.has(ExprWithLimits)
    return not closed or any(isinstance(s, Index) for s in factor.free_symbols)


def as_product(factor: sp.Expr) -> sp.Expr:
    """Functions that are written as products and quotients, as these."""
    if not isinstance(factor, PRODUCTS):
        return factor
    return as_defined(factor.func(*map(as_product, factor.args)))


def ends_with_sum(factors: Sequence[sp.Expr]) -> bool:
    """Whether the last factor, and no other, is a sum: a fraction stands in front of it."""
    *others, last = factors or (sp.S.One,)
    return isinstance(last, sp.Sum) and not any(f.has(sp.Sum) for f in others)


def open_ended(expr: sp.Expr) -> bool:
    """Whether this is a function whose argument goes on to the right, as that of a logarithm."""
    base = expr.base if expr.is_Pow and expr.exp.is_Integer else expr
    leaf = LEAVES.get(type(base))
    return leaf is not None and isinstance(leaf.written, Prefix)
