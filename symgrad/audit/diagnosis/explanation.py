"""An explanation of wrong numbers: an equation that a program has otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Summand:
    """A term of a derivative: the value through which it comes, if any, and how."""

    through: str
    summed: bool = False
    """Whether entries of the derivative are summed up that belong to other entries."""
    statistic: bool = False
    """Whether the value is a sum, or a mean, that what the other terms come through reads."""
    each: bool = False
    """Whether the derivative at the same entry is multiplied by something."""
    slope: bool = False
    """Whether that reads what is differentiated by, or what comes of it."""

    own: bool = False
    """Whether it is multiplied by what is differentiated by."""

    def like(self, other: Summand) -> bool:
        """Whether it is a term of the same kind, through a value that is another."""
        same = (self.summed, self.statistic, self.each) == (
            other.summed,
            other.statistic,
            other.each,
        )
        return same and bool(self.through) and self.through != other.through


@dataclass(frozen=True)
class Explanation:
    """An equation that is not as it ought to be: where, in which role, and what is there."""

    value: str
    role: str
    change: str
    detail: str
    cost: float
    explained: int = 0
    """How many of the wrong values have the numbers that follow."""
    coefficients: tuple[float, ...] = ()
    """What the terms are multiplied by; nan where that is no usual number, or another each time."""
    terms: tuple[Summand, ...] = ()
    before: str = ""
    """What stands there by rights."""
    hidden: bool = False
    """Whether the value has no name in the spec."""
    projects: bool = False
    """Whether a term is subtracted there that sums up what another has at each entry."""
    norm: bool = False
    """Whether the value is a mean, a variance or a norm."""
    first: bool = False
    """Whether the derivative comes from the loss alone."""
