"""Several functions of one symmetric matrix by one Cholesky factor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from symgrad.program.builder import Builder
from symgrad.program.contraction_order import cost
from symgrad.program.passes import alive, owned, rewritten
from symgrad.program.program import Op, Program, Ref, stored
from symgrad.program.symmetric import Symmetry

MANY = 64 * 64
"""Entries of a matrix from which on its functions share a factor.

In µs, inverse, solution and determinant each by itself and by the half of the inverse, float64, one
thread: of 32 rows 37 and 34, of 64 130 and 84, of 100 335 and 173, of 200 1,730 and 690.
"""


def functions_of_one_matrix(program: Program) -> Program:
    """With H = L⁻¹ of A = L Lᵀ: A⁻¹ = HᵀH, A⁻¹ b = Hᵀ(H b), log det A = -2 Σ log Hᵢᵢ.

    For A that is symmetric; where it is not positive definite, each is computed by itself.
    """
    found = _shared(program)
    if not found:
        return program

    def rewrite(builder: Builder, op: Op) -> Ref | None:
        if op.name not in found:
            return None
        matrix, *right = op.reads
        home = stored(builder.ops, matrix)
        same = Ref(home.name, matrix.axes)  # symmetric: it is the same turned
        half = builder.add("half_inverse", (same,), same.axes, hint="half")
        function = _BY_HALF[op.function]
        return builder.add(
            "by_half", (half, same, *right), op.axes, function=function, hint=op.hint
        )

    return owned(alive(rewritten(program, rewrite)))


_BY_HALF: Mapping[str, str] = {
    "inv": "inverse_by_half",
    "solve": "solved_by_half",
    "logdet": "logdet_by_half",
}
"""Functions of matrices, and how they are computed from the half of the inverse."""


def _shared(program: Program) -> frozenset[str]:
    """The functions of large symmetric matrices that others have as well."""
    ops = {o.name: o for o in program}
    found: dict[str, list[Op]] = defaultdict(list)
    for op in program:
        matrix = op.reads[0] if op.kind == "linalg" else None
        if matrix is None or cost(matrix.axes[-2:]) < MANY:
            continue
        home, (*lead, row, column) = stored(ops, matrix), matrix.axes
        if home.axes in (matrix.axes, (*lead, column, row)):
            found[home.name].append(op)
    groups = [g for g in found.values() if len([o for o in g if o.function in _BY_HALF]) > 1]
    if not groups:
        return frozenset()
    symmetry = Symmetry(program.inputs, ops)
    return frozenset(
        o.name
        for group in groups
        if all(symmetry.holds(o.reads[0]) for o in group)
        for o in group
        if o.function in _BY_HALF
    )
