"""From a system of equations to its derivatives, step by step."""

from symgrad.calculus.checkpoints import Checkpoints, Part, checkpointed
from symgrad.calculus.cores import Kept, in_cores
from symgrad.calculus.derivation import (
    Adjoint,
    Derivation,
    Tangent,
    forward_and_adjoints,
    slope,
    with_adjoints,
)
from symgrad.calculus.forward_mode import derive_along
from symgrad.calculus.hoisting import Preparation, prepared
from symgrad.calculus.reverse_mode import derive
from symgrad.calculus.rules import RULES
from symgrad.calculus.slopes import slope_of_tangents
from symgrad.calculus.splitting import Splitting, split
from symgrad.calculus.stability import REWRITES, stabilised

__all__ = [
    "REWRITES",
    "RULES",
    "Adjoint",
    "Checkpoints",
    "Derivation",
    "Kept",
    "Part",
    "Preparation",
    "Splitting",
    "Tangent",
    "checkpointed",
    "derive",
    "derive_along",
    "forward_and_adjoints",
    "in_cores",
    "prepared",
    "slope",
    "slope_of_tangents",
    "split",
    "stabilised",
    "with_adjoints",
]
