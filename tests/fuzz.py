"""Random specs by the thousand, on every core: `python tests/fuzz.py COUNT SEED`.

A failure is printed as code.  COUNT is for each of the two generators.
"""

from __future__ import annotations

import collections
import multiprocessing
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from symgrad.errors import SpecError
from tests import structures
from tests.agreement import check
from tests.drawing import Spec
from tests.strategies import specs

AT_ONCE = 100
"""How many specs a process tries before it takes the next ones."""

Counts = collections.Counter[str]


@dataclass(frozen=True)
class Job:
    """So many specs of one generator, the first of which is number ``start`` from a seed."""

    generator: str
    seed: int
    start: int
    count: int


def agree(count: int, seed: int | str) -> Counts:
    """Check ``count`` specs of lines; the smallest that fails is raised.

    What the others came to: how many agree, and why those that are refused are.
    """
    results: Counts = collections.Counter()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=False,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=False,
    )
    @hypothesis.given(specs(most=9))
    def one(spec: Spec) -> None:
        try:
            check(spec)
            results["equal"] += 1
        except SpecError as error:
            results[f"refused: {error.what}"] += 1

    one()
    return results


def done(job: Job) -> tuple[Job, Counts, list[str]]:
    """What came of a job, and what failed as text."""
    warnings.simplefilter("error")
    if job.generator == "structures":
        return job, *structures.summary(range(job.start, job.start + job.count), job.seed)
    try:
        return job, agree(job.count, f"{job.seed}/{job.start}"), []
    except Exception:  # every defect is to be seen, of whatever kind
        return job, collections.Counter(FAILED=1), [traceback.format_exc()]


def jobs(count: int, seed: int) -> Iterator[Job]:
    """The work in pieces, both generators in turn."""
    for start in range(0, count, AT_ONCE):
        for generator in ("lines", "structures"):
            yield Job(generator, seed, start, min(AT_ONCE, count - start))


def main(count: int, seed: int) -> int:
    """Print what failed at once, and in the end how often there was what; the exit code.

    What is done is told on stderr.
    """
    results: dict[str, Counts] = collections.defaultdict(collections.Counter)
    with multiprocessing.get_context("spawn").Pool() as pool:
        for job, counts, failures in pool.imap_unordered(done, jobs(count, seed)):
            results[job.generator] += counts
            print(f"{job.generator}: {job.count} from {job.start}", file=sys.stderr, flush=True)
            for failure in failures:
                print(f"--- {job}\n{failure}\n", flush=True)
    for generator, counts in results.items():
        whys = [what.partition(": ")[2] for what in counts.elements() if ": " in what]
        kinds = collections.Counter(what.partition(": ")[0] for what in counts.elements())
        told = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        print(f"specs of {generator} from seed {seed}: {told}")
        for why, times in collections.Counter(whys).most_common(10):
            print(f"{times:6}  {why}")
    return int(any(counts["FAILED"] for counts in results.values()))


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[1:]]
    raise SystemExit(main(*(numbers + [1000, 0][len(numbers) :])))
