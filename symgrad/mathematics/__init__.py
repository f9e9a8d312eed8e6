"""Index notation: equations, the functions in them, their algebra, what is assumed."""

from symgrad.mathematics.assumptions import Assumption
from symgrad.mathematics.equations import Equation, System, Variable
from symgrad.mathematics.indices import Index, entry
from symgrad.mathematics.sizes import Size, as_size
from symgrad.mathematics.steps import Step

__all__ = [
    "Assumption",
    "Equation",
    "Index",
    "Size",
    "Step",
    "System",
    "Variable",
    "as_size",
    "entry",
]
