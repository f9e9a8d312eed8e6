"""Passes that make a program quicker in NumPy: each a function from program to program."""

from __future__ import annotations

from collections.abc import Callable

from symgrad.program.before_loops import products_before_loops
from symgrad.program.builder import Builder
from symgrad.program.common_factors import common_factors_once
from symgrad.program.contraction_order import cost
from symgrad.program.layouts import long_axes_last
from symgrad.program.less_work import (
    few_entries_first,
    has,
    linear_once,
    masks_from_outputs,
    scales_on_small_operands,
    signs,
    values_once,
)
from symgrad.program.passes import alive, everywhere, owned, rewritten
from symgrad.program.program import (
    Literal,
    Op,
    Program,
    Ref,
    read_by,
)
from symgrad.program.row_factors import rows_scaled_late, sums_by_products_there
from symgrad.program.scales import divisors_of_rows_as_factors, scales_after_sums
from symgrad.program.small_factors import small_factors_apart
from symgrad.program.stacked import rows_as_they_are, terms_stacked, windows_laid_out
from symgrad.program.summed import sums_before_products
from symgrad.program.terms import small_terms_first
from symgrad.targets.numpy.at_labels import labels_as_places, rows_at_labels
from symgrad.targets.numpy.calls import (
    bounds_as_arrays,
    exponentials_of_filled,
    largest_by_place,
)
from symgrad.targets.numpy.halves import functions_of_one_matrix
from symgrad.targets.numpy.masks import masks_as_numbers
from symgrad.targets.numpy.merging import stacks_as_matrices
from symgrad.targets.numpy.nearest import nearest_by_product
from symgrad.targets.numpy.outer import products_of_vectors
from symgrad.targets.numpy.powers import powers_as_products, powers_in_a_row
from symgrad.targets.numpy.sigmoids import complements_in_sums, sigmoids_of_one_power
from symgrad.targets.numpy.sums import sums_as_products, sums_of_products

Pass = Callable[[Program], Program]


def tuned(program: Program, *, plain: bool = False) -> Program:
    """The program after all passes; ``plain``: after those that leave it as easy to read."""
    for step in PLAIN_PASSES if plain else PASSES:
        program = everywhere(step, program)
    return program


# Numbers

NOT_FEW = 256
"""Entries from which on it matters that multiplying is quicker than dividing.

One call in µs, into a buffer, divided and multiplied: of 128 entries 0.58 and 0.58, of 256 0.62 and
0.59, of 1,024 0.93 and 0.72, of 4,096 1.9 and 1.2 (NumPy 2, float64, one thread, as all below).
"""


def divisors_as_factors(program: Program) -> Program:
    """An array over a number is the array times its inverse, which is quicker."""
    if not has(program, ("map",), ("divide", "negative")):
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.kind != "map" or not op.axes or len(op.reads) != 1 or op.args[0] != op.reads[0]:
            return None
        (x,) = op.reads
        many = cost(op.axes) >= NOT_FEW and builder.dtypes[x.name] == "float"
        if op.function == "divide" and many:
            number = Literal(1 / op.args[1].value)  # type: ignore[union-attr]
            return builder.add("map", (x, number), op.axes, function="multiply", hint=op.hint)
        inner = builder.ops.get(x.name) if op.function == "negative" else None
        if inner is None or inner.function != "multiply" or len(inner.reads) != 1:
            return None
        (number,) = (Literal(-a.value) for a in inner.args if isinstance(a, Literal))
        (source,) = read_by(inner, x.axes)
        return builder.add("map", (source, number), op.axes, function="multiply", hint=op.hint)

    return owned(alive(rewritten(program, rewrite)))


PLAIN_PASSES: tuple[Pass, ...] = (signs, values_once, masks_from_outputs)
PASSES: tuple[Pass, ...] = (
    products_before_loops,
    linear_once,
    values_once,
    masks_from_outputs,
    complements_in_sums,
    sigmoids_of_one_power,
    nearest_by_product,
    functions_of_one_matrix,
    terms_stacked,
    small_terms_first,
    rows_as_they_are,
    windows_laid_out,
    divisors_of_rows_as_factors,
    sums_by_products_there,
    rows_scaled_late,
    sums_before_products,
    signs,
    common_factors_once,
    small_factors_apart,
    long_axes_last,
    stacks_as_matrices,
    divisors_as_factors,
    scales_on_small_operands,
    sums_of_products,
    scales_after_sums,
    sums_as_products,
    few_entries_first,
    labels_as_places,
    rows_at_labels,
    powers_as_products,
    powers_in_a_row,
    masks_as_numbers,
    products_of_vectors,
    exponentials_of_filled,
    largest_by_place,
    bounds_as_arrays,
)
"""In order."""
