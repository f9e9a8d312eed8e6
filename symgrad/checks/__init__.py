"""Numbers for equations, and what has to agree."""

from symgrad.checks.any_code import GradientCheck, check_gradients
from symgrad.checks.at_example import at_example
from symgrad.checks.check import Check
from symgrad.checks.comparison import Comparison, comparisons, example_values, expected_numbers
from symgrad.checks.derived import run
from symgrad.checks.exact import ExactValues, exact_values
from symgrad.checks.example import check_example
from symgrad.checks.generated import module_checks

__all__ = [
    "Check",
    "Comparison",
    "ExactValues",
    "GradientCheck",
    "at_example",
    "check_example",
    "check_gradients",
    "comparisons",
    "exact_values",
    "example_values",
    "expected_numbers",
    "module_checks",
    "run",
]
