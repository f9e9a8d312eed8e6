"""Random specs by the thousand: `python tests/fuzz.py COUNT SEED`; a failure is printed as code."""

from __future__ import annotations

import collections
import sys
import warnings
from pathlib import Path

import hypothesis

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from symgrad.errors import SpecError
from tests.agreement import check
from tests.strategies import Spec, specs


def main(count: int, seed: int) -> None:
    """Check ``count`` specs; the smallest that fails is raised."""
    refused: collections.Counter[str] = collections.Counter()
    checked = 0

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=True,
        print_blob=False,
    )
    @hypothesis.given(specs(most=9))
    def agrees(spec: Spec) -> None:
        nonlocal checked
        checked += 1
        try:
            check(spec)
        except SpecError as error:
            refused[error.what] += 1

    warnings.simplefilter("error")
    agrees()
    print(f"{checked} specs agree, but for {sum(refused.values())} that are not supported")
    for what, times in refused.most_common(10):
        print(f"{times:6}  {what}")


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[1:]]
    main(*(numbers + [1000, 0][len(numbers) :]))
