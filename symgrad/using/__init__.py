"""Generated modules where people work: in optimisers and over chunks of data."""

from symgrad.using.objective import Objective, scipy_objective

__all__ = ["Objective", "scipy_objective"]
