"""Random specs by the thousand, on every core: `python tests/fuzz.py COUNT SEED [--fresh] [--cli]`.

COUNT is for each of the two generators, or for the one with --cli, whose specs are broken and given
to the command line.  A failure is printed at once, as code.  What is done is kept in `.fuzz/`: the
same call goes on from there, for as long as no line of the code has changed.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import hypothesis
from rich.console import Console
from rich.live import Live
from rich.table import Table

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from symgrad.errors import SpecError
from tests import mutants, structures
from tests.agreement import Disagreement, check
from tests.drawing import Spec
from tests.strategies import specs

ROOT = Path(__file__).resolve().parent.parent
GENERATORS = ("lines", "structures")
OF_THE_COMMAND_LINE = ("mutants",)
AT_ONCE = 50
"""How many specs a process tries before it takes the next ones: so many are lost by a stop."""
INTERRUPTED = 130
MEMORY = 3 * 2**30
"""What a process may take for specs in which a size may be anything."""

Counts = collections.Counter[str]
NUMBERED = {"structures": structures.summary, "mutants": mutants.summary}
"""The generators whose specs have numbers of their own: what comes of some of them."""


@dataclass(frozen=True)
class Job:
    """So many specs of one generator, the first of which is number ``start`` from a seed."""

    generator: str
    seed: int
    start: int
    count: int


def agree(count: int, seed: int | str, whole: bool = False) -> Counts:
    """Check ``count`` specs of lines, ``whole`` ones or not; the smallest that fails is raised.

    What the others came to: how many agree, and why those that are refused are.
    """
    results: Counts = collections.Counter()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        deadline=None,
        database=None,
        derandomize=False,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=False,
    )
    @hypothesis.given(specs(most=9, whole=whole))
    def one(spec: Spec) -> None:
        try:
            check(spec)
            results["equal"] += 1
        except SpecError as error:
            results[f"refused: {error.what}"] += 1

    one()
    return results


@dataclass(frozen=True)
class Outcome:
    """What came of a job: how often there was what, and what failed as text."""

    job: Job
    counts: Counts
    failures: list[str]


def done(job: Job) -> Outcome:
    """What comes of a job."""
    warnings.simplefilter("error")
    if job.generator in OF_THE_COMMAND_LINE:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if job.generator in NUMBERED:
        numbers = range(job.start, job.start + job.count)
        return Outcome(job, *NUMBERED[job.generator](numbers, job.seed))
    try:
        return Outcome(job, agree(job.count, f"{job.seed}/{job.start}", whole=True), [])
    except Disagreement as error:
        failure = str(error)
    except Exception:  # every defect is to be seen, of whatever kind
        failure = traceback.format_exc()
    return Outcome(job, collections.Counter(FAILED=1), [failure])


def jobs(count: int, seed: int, generators: Sequence[str] = GENERATORS) -> Iterator[Job]:
    """The work in pieces, the generators in turn."""
    for start in range(0, count, AT_ONCE):
        for generator in generators:
            yield Job(generator, seed, start, min(AT_ONCE, count - start))


# -- what is kept ---------------------------------------------------------------------------------


def version() -> str:
    """A digest of the code that is tried, and of the code that tries it."""
    digest = hashlib.sha256()
    for pattern in ("symgrad/**/*.py", "templates/**/*.jinja", "tests/*.py"):
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class State:
    """A file of finished jobs, a line each."""

    path: Path

    def outcomes(self) -> list[Outcome]:
        """What is done; a line that was cut short is not."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        found = []
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):
                job, counts, failures = json.loads(line)
                found.append(Outcome(Job(**job), collections.Counter(counts), failures))
        return found

    def add(self, outcome: Outcome) -> None:
        """One more job is done."""
        self.path.parent.mkdir(exist_ok=True)
        line = json.dumps([asdict(outcome.job), outcome.counts, outcome.failures])
        with self.path.open("a") as file:
            file.write(f"{line}\n")

    def forget(self) -> None:
        """Nothing is done."""
        self.path.unlink(missing_ok=True)


# -- what is told ---------------------------------------------------------------------------------


@dataclass
class Summary:
    """How far it is, and how often there was what."""

    wanted: int
    generators: Sequence[str] = GENERATORS
    tried: Counts = field(default_factory=collections.Counter)
    results: dict[str, Counts] = field(default_factory=lambda: collections.defaultdict(Counts))
    start: float = field(default_factory=time.monotonic)

    def add(self, outcome: Outcome) -> None:
        """One more job is done."""
        self.tried[outcome.job.generator] += outcome.job.count
        self.results[outcome.job.generator] += outcome.counts

    @property
    def failed(self) -> int:
        return sum(counts["FAILED"] for counts in self.results.values())

    def line(self, generator: str) -> str:
        """How far one generator is, and how often there was what."""
        kinds: Counts = collections.Counter()
        for what, times in self.results[generator].items():
            kinds[what.partition(": ")[0]] += times
        told = ", ".join(f"{times} {kind}" for kind, times in kinds.items())
        return f"{generator}: {self.tried[generator]} of {self.wanted}: {told or 'none yet'}"

    def whys(self) -> list[str]:
        """What is refused most often."""
        whys: Counts = collections.Counter()
        for counts in self.results.values():
            for what, times in counts.items():
                _, colon, why = what.partition(": ")
                whys[why] += times if colon else 0
        return [f"{times:6}  {why}" for why, times in whys.most_common(10) if times]

    def __rich__(self) -> Table:
        table = Table.grid()
        for generator in self.generators:
            table.add_row(self.line(generator))
        seconds = int(time.monotonic() - self.start)
        table.add_row(f"{self.failed} FAILED; {seconds // 60}:{seconds % 60:02}")
        return table


@contextlib.contextmanager
def shown(summary: Summary) -> Iterator[Callable[[Outcome], None]]:
    """The summary while it grows: at the foot of a terminal, else a line after each job."""
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        yield lambda outcome: console.print(summary.line(outcome.job.generator))
        return
    with Live(summary, console=console, redirect_stdout=sys.stdout.isatty()):
        yield lambda _: None


# -- the run --------------------------------------------------------------------------------------


def deaf() -> None:
    """A worker is stopped by the process that has started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def tried(pending: list[Job]) -> Iterator[Outcome]:
    """What comes of jobs, as they are finished."""
    with multiprocessing.get_context("spawn").Pool(initializer=deaf) as pool:
        yield from pool.imap_unordered(done, pending)


def told(outcome: Outcome, summary: Summary) -> None:
    """Count an outcome; its failures are printed."""
    summary.add(outcome)
    for failure in outcome.failures:
        print(f"--- {outcome.job}\n{failure}\n", flush=True)


def run(pending: Iterable[Job], summary: Summary, state: State) -> None:
    """Try what is pending, keep and tell what comes of it."""
    with shown(summary) as show, contextlib.closing(tried(list(pending))) as outcomes:
        for outcome in outcomes:
            state.add(outcome)
            told(outcome, summary)
            show(outcome)


def main(
    count: int = 1000, seed: int = 0, fresh: bool = False, generators: Sequence[str] = GENERATORS
) -> int:
    """Print what fails at once, and in the end how often there was what; the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    state = State(ROOT / ".fuzz" / f"{seed}-{version()}.jsonl")
    summary = Summary(count, generators)
    if fresh:
        state.forget()
    known = {outcome.job: outcome for outcome in state.outcomes()}
    wanted = list(jobs(count, seed, generators))
    for job in wanted:
        if job in known:
            told(known[job], summary)
    if before := sum(summary.tried.values()):
        print(f"{before} specs of seed {seed} are done already", file=sys.stderr)
    interrupted = False
    try:
        run((job for job in wanted if job not in known), summary, state)
    except KeyboardInterrupt:
        interrupted = True
        print("interrupted: the same call goes on from here", file=sys.stderr)
    print("\n".join([*map(summary.line, generators), *summary.whys()]))
    return INTERRUPTED if interrupted else int(summary.failed > 0)


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[1:] if not a.startswith("--")]
    chosen = OF_THE_COMMAND_LINE if "--cli" in sys.argv else GENERATORS
    raise SystemExit(main(*numbers, fresh="--fresh" in sys.argv, generators=chosen))
