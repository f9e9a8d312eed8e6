"""The program that runs what is audited, in a process of its own: it knows nothing of symgrad."""

from __future__ import annotations

import builtins
import contextlib
import functools
import marshal
import os
import pickle
import random
import signal
import struct
import sys
import time
import types
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symgrad.audit import calling, holding, nearby, standins, sums, tidying, tracking
else:  # it is run as a script, and its folder is no place for the imports of what it runs
    sys.path.insert(0, str(Path(__file__).parent))
    import calling
    import holding
    import nearby
    import standins
    import sums
    import tidying
    import tracking

    sys.path.pop(0)
    for name in ("calling", "holding", "nearby", "standins", "sums", "tidying", "tracking"):
        del sys.modules[name]

MOST_RECORDS, MOST_TURNS = 20_000, 64
MOST_OF_ONE, MOST_BYTES = 200, 50_000_000
"""How often what a line assigns is recorded, and how much of it all: then only the last counts."""


class Stop(BaseException):
    """The first turn of a training loop is over; the loop is in ``line``."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class TooLong(BaseException):
    """A run took longer than it may."""


class Recorder:
    """What instrumented code tells: assignments with their turn, and the inputs it is given."""

    of_the_audit = True

    def __init__(
        self,
        given: dict[str, Any],
        keep: bool,
        outputs: Collection[str],
        tracked: tracking.Tracked,
    ) -> None:
        self.given = given
        self.keep = keep
        self.tracked = tracked
        self.wanted = {*outputs, *(holding.base(n) for n in outputs if "." in n)}
        self.records: dict[int, tuple[int, str, Any]] = {}
        self.made = 0
        self.times: dict[tuple[int, str], list[int]] = {}
        self.bytes = 0
        self.last: dict[str, Any] = {}
        self.outer: dict[str, Any] = {}
        self.author: dict[str, Any] = {}
        self.turns: dict[int, int] = {}
        self.picked: Any = None
        self.seen: list[list[Any]] = []
        self.looking = False
        self.held: dict[str, Any] = {}
        self.nudges = 0
        self.kept: dict[str, Any] = {}
        self.sums = sums.Sums()

    def zeroed(self, space: dict[str, Any]) -> None:
        """Something is about to be made zero: what objects hold before, as the pass left it."""
        self.kept |= {n: v for n, v in holding.held_by(space).items() if not holding.is_zero(v)}

    def forget(self) -> None:
        """What was told so far is of a run that does not count."""
        self.records.clear()
        self.times.clear()
        self.bytes = 0
        self.last.clear()
        self.outer.clear()

    def hold(self, name: str, value: Any) -> None:
        """A parameter is about to be changed."""
        self.held.setdefault(name, holding.plain(value))

    def moved(self, line: int, name: str, value: Any) -> None:
        """A parameter was changed: by how much, downhill, since the first change began."""
        before, now = self.held[name], holding.plain(value)
        if (hasattr(before, "shape") or isinstance(before, float)) and now is not None:
            self.put(line, f"step of {name}", before - now)

    def hold_held(self, names: list[str]) -> None:
        """Of what objects hold, something is about to be changed."""
        for name in names:
            self.hold(name, self.tracked.value(name))

    def moved_held(self, line: int, names: list[str]) -> None:
        """Of what objects hold, something was changed: which it is, and by how much."""
        for name in names:
            now, before = self.tracked.value(name), self.held[name]
            last = before if before is None else before - self.last.get(f"step of {name}", 0.0)
            if now is not None and last is not None and holding.is_other(now, last):
                self.moved(line, name, now)

    def pick(self, space: dict[str, Any], local: dict[str, Any]) -> Any:
        """What is tried in place of an expression."""
        return eval(self.picked, space, local)

    def nudged(self, value: Any, steps: list[tuple[int, int, float]]) -> Any:
        """A value, with numbers added to its entries at some of the times that it is computed."""
        mine = [(entry, by) for turn, entry, by in steps if turn == self.nudges]
        self.nudges += 1
        return holding.with_added(value, mine) if mine else value

    def look(self, space: dict[str, Any], local: dict[str, Any]) -> None:
        """What expressions give before a statement, at each of the first times that it is run."""
        if self.looking or len(self.seen) > MOST_TURNS:
            return
        self.looking = True
        self.seen.append([_given_by(code, space, local) for code in self.picked])
        self.looking = False

    def put(self, line: int, target: str, value: Any) -> Any:
        """A value was assigned, or returned."""
        if self.looking or not (self.keep or target in self.wanted):
            return value
        found = holding.plain(value)
        named = found is None and target.isidentifier() and target != "return"
        held = holding.parts(value) if named else None
        for name, inner in held or ():
            if name[1:] in holding.WRAPPED and hasattr(inner, "shape"):
                self.put(line, target + name, inner)
        if found is not None:
            self.sums.begin(target, value)
            for entry in [n for n in self.last if n.startswith(f"{target}[")]:
                del self.last[entry]  # the whole dictionary is newer
            self._keep_last(target, found)
            if self.keep:
                self._record(line, target, found)
        return value

    def _record(self, line: int, target: str, found: Any) -> None:
        """Note an assignment; of many in a long loop the first ones, and the last."""
        places = self.times.setdefault((line, target), [])
        full = self.bytes > MOST_BYTES or len(self.records) >= MOST_RECORDS
        if places and (full or len(places) > MOST_OF_ONE):
            self.bytes -= getattr(self.records.pop(places.pop())[2], "nbytes", 8)
        self.bytes += getattr(found, "nbytes", 8)
        self.made += 1
        places.append(self.made)
        self.records[self.made] = (line, target, found)

    def _keep_last(self, target: str, found: Any) -> None:
        """What a variable is in the end: one of the program, not that of a function called so."""
        code = sys._getframe(2).f_code
        if code.co_name == "<module>":
            self.outer[target] = found
        local = target in code.co_varnames and target != "return"
        ruled = local and not holding.is_zero(self.outer.get(target))
        self.last[target] = self.outer[target] if ruled else found

    def added(self, line: int, target: str, value: Any) -> None:
        """Something was changed in place under another name: sums are made so."""
        if self.sums.goes_on(target, value) and (self.keep or target in self.wanted):
            found = holding.plain(value)
            self._keep_last(target, found)
            if self.keep:
                self._record(line, target, found)

    def give(self, name: str, value: Any) -> Any:
        """The input of this name, in place of the author's; an object is given what it holds."""
        held = holding.parts(value)
        if held is not None:
            for key, inner in held:
                if hasattr(inner, "shape"):
                    setattr(value, key[1:], self.give(name + key, inner))
            return value
        self.author.setdefault(name, holding.plain(value))
        found = holding.like(self.given[name], value) if name in self.given else value
        self.tracked.given[name] = found
        return found

    def give_in(self, name: str, holder: Any, codes: list[str]) -> Any:
        """A dictionary, a list or an object of inputs, what it holds of these replaced."""
        for code in codes:
            holding.replace_in(holder, code.removeprefix(name), functools.partial(self.give, code))
        return holder

    def part(self, line: int, text: str, value: Any) -> Any:
        """An expression that is an input."""
        return self.put(line, text, self.give(text, value))

    def once(self, line: int, function: Any) -> Any:
        """A function that gives a minimiser gradients: what it is called for first counts."""
        called: list[bool] = []

        def first(*values: Any, **more: Any) -> Any:
            if called:
                raise Stop(line)
            called.append(True)
            return function(*values, **more)

        return first

    def turn(self, loop: int) -> None:
        """A turn of a training loop begins; the first one counts."""
        self.turns[loop] = self.turns.get(loop, 0) + 1
        if self.turns[loop] > 1:
            raise Stop(loop)

    def watch(self, loop: int, one: bool, codes: list[str]) -> None:
        """A turn of a loop begins; where parameters have changed since the first, it is left."""
        if self.tracked.has_changed(loop, codes, one=one):
            raise Stop(loop)


def _given_by(code: types.CodeType, space: dict[str, Any], local: dict[str, Any]) -> Any:
    """What an expression gives; None where it gives nothing, or no number."""
    try:
        return holding.plain(eval(code, space, local))
    except Exception:
        return None


class Job:
    """A program in units, one for each of its statements, and how it is called."""

    def __init__(self, asked: dict[str, Any], place: tidying.Tidying) -> None:
        self.units = [marshal.loads(u) for u in asked["units"]]
        self.imports: list[list[tuple[str, str]]] = asked["imports"]
        self.name: str = asked["name"]
        self.calls: list[tuple[str, Any]] = asked["calls"]
        self.outputs: list[str] = asked["outputs"]
        self.seeds: dict[str, Any] = asked["seeds"]
        self.file: str = asked["file"]
        self.names = {n for unit in self.units for n in _names(unit)}
        self.place = place
        place.tidy(asked["folder"])
        self.package = nearby.put(asked["folder"], asked["started"])

    def run(
        self, changed: dict[int, bytes], given: dict[str, Any], keep: bool, seed: int, picked: Any
    ) -> dict[str, Any]:
        """One run of the program at one point."""
        self.place.tidy()
        module = sys.modules[self.name] = types.ModuleType(self.name)
        space = module.__dict__  # dataclasses and pickle look for their module
        space |= {
            "__file__": str(Path.cwd() / Path(self.file).name),
            "__package__": self.package,
            **self.seeds,
        }
        recorder = Recorder(given, keep, self.outputs, tracking.Tracked(space))
        recorder.picked = marshal.loads(picked) if picked else ()
        result: dict[str, Any] = {"error": None, "out": None, "missing": []}
        space["__audit__"] = recorder
        _seed(seed)
        try:
            self._units(changed, space, result["missing"])
            result["out"] = calling.Calls(space, given, self.names).run(self.calls)
        except Stop as stop:
            result["cut"] = stop.line
        except TooLong:
            result["error"] = ("TooLong", "it takes too long", 0)
        except SystemExit as error:
            ended = ("SystemExit", str(error), _line(error, self.file))
            # what is called has to give something back; a script may end so
            result["error" if self.calls else "ended"] = ended
        except BaseException as error:
            unknown = isinstance(error, NameError) and "*" in space
            told = f"{error}: {space['*']}" if unknown else str(error)
            result["error"] = (type(error).__name__, told, _line(error, self.file))
        return self._answer(result, recorder, space)

    def _answer(
        self, result: dict[str, Any], recorder: Recorder, space: dict[str, Any]
    ) -> dict[str, Any]:
        keep = recorder.keep
        ended = recorder.sums.ended(recorder.last)
        recorder.last |= {target: holding.plain(value) for target, value in ended.items()}
        if not self.calls:
            wanted = {holding.base(n) for n in self.outputs if "." in n}
            found, kept = holding.held_by(space, None if keep else wanted), recorder.kept
            zero = {n for n, v in found.items() if holding.is_zero(v)}
            recorder.last |= {**found, **{n: kept[n] for n in zero & kept.keys()}}
        names = recorder.last.keys() if keep else self.outputs
        result["last"] = {n: recorder.last[n] for n in names if n in recorder.last}
        result["records"] = [*recorder.records.values()]
        result["seen"] = recorder.seen
        result["author"] = recorder.author
        return result

    def _units(self, changed: dict[int, bytes], space: dict[str, Any], missing: list[str]) -> None:
        for number, unit in enumerate(self.units):
            code = marshal.loads(changed[number]) if number in changed else unit
            try:
                exec(code, space)
            except ImportError as error:
                if not self.imports[number]:
                    raise
                for bound, module in self.imports[number]:
                    missed = standins.Missing(module, str(error))
                    space[bound] = str(error) if bound == "*" else missed
                    missing.append(module)


def _names(code: types.CodeType) -> Iterator[str]:
    """The names, and the words, in a piece of code."""
    yield from (*code.co_names, *code.co_varnames)
    for value in code.co_consts:
        yield from _names(value) if isinstance(value, types.CodeType) else ()
        yield from (value,) if isinstance(value, str) else ()


def _seed(seed: int) -> None:
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        for name in ("default_rng", "seed"):
            _with_seed(numpy.random, name, seed)
        numpy.random.seed()


def _with_seed(module: Any, name: str, seed: int) -> None:
    """Have something that takes a seed draw otherwise where the seed of a run is another."""
    drawn = getattr(module, name)
    make = getattr(drawn, "made_here", None) or drawn

    def made(given: Any = None) -> Any:
        own = given is None or (seed and isinstance(given, int))
        return make(seed + (given or 0) if own else given)

    made.made_here = make  # type: ignore[attr-defined]
    setattr(module, name, made)


def _line(error: BaseException, file: str) -> int:
    """The innermost line of the program that led to an error."""
    found, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """TooLong once so many seconds of the processor are over, where there are timers."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def over(*_: Any) -> None:
        raise TooLong

    signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def answer(job: Job, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that are asked for: a program, changed or not, at a point."""
    found = []
    for changed, given, seed, picked in asked["runs"]:
        began = time.process_time()
        try:
            with limited(asked["limit"]):
                result = job.run(changed, given, asked["keep"], seed, picked)
        except TooLong:
            result = {
                "error": ("TooLong", "it takes too long", 0),
                "out": None,
                "last": {},
                "records": [],
                "seen": [],
                "author": {},
                "missing": [],
            }
        result["took"] = time.process_time() - began
        found.append(result)
    return found


def _quiet() -> tuple[Any, Any]:
    """What the program reads and prints goes nowhere; the pipes to the parent are kept."""
    asking, telling = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    builtins.print = standins.printer(print)
    return asking, telling


def serve() -> None:
    """Answer what the parent asks, until it is gone."""
    asking, telling = _quiet()
    sys.path[0] = str(Path.cwd())
    place = tidying.Tidying(Path.cwd())
    nearby.remember_code()
    import warnings

    import numpy as np

    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    builtins.display = lambda *_, **__: None  # type: ignore[attr-defined]
    builtins.get_ipython = lambda: standins.Missing("IPython", "there is no IPython")  # type: ignore[attr-defined]
    job: Job | None = None
    handlers: dict[str, Callable[[dict[str, Any]], Any]] = {}
    while head := asking.read(8):
        asked = pickle.loads(asking.read(struct.unpack("<q", head)[0]))
        if asked["do"] == "load":
            job = Job(asked, place)
            reply: Any = True
        else:
            assert job is not None, handlers
            reply = answer(job, asked)
        data = pickle.dumps(reply)
        telling.write(struct.pack("<q", len(data)) + data)
        telling.flush()


if __name__ == "__main__":
    serve()
