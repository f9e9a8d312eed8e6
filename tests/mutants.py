"""Specs that are right, broken at random: whatever they are, the command line answers in order."""

from __future__ import annotations

import collections
import contextlib
import os
import random
import re
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from symgrad.cli import main

IMPORTS = "import numpy as np\nimport symgrad as sg\n"
SPECS = tuple(
    IMPORTS + text
    for text in (
        """X = sg.data("X", ("N", 3))
t = sg.data("t", ("N",))
w = sg.param("w", (3,))
r = X @ w - t
loss = np.mean(r**2) + 0.1 * np.sum(w**2)
example = {"X": [[1, 2, 3], [0, 1, 0]], "t": [1, 0], "w": [1, 0, -1]}
expected = {"r": [-3, 0], "dL_dr": [-3, 0]}
compared = {"loss": 9}
""",
        """X = sg.data("X", ("N", 4))
y = sg.data("y", ("N",), dtype=int)
W = sg.param("W", (4, 3))
b = sg.param("b", (3,))
z = np.tanh(X @ W + b)
p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
loss = -np.mean(np.log(p[sg.arange("N"), y]))
""",
        """x = sg.data("x", (3, 1))
Y = sg.data("Y", (3, 1), assume=sg.one_hot(axis=0))
W1 = sg.param("W1", (4, 3))
b1 = sg.param("b1", (4, 1))
W2 = sg.param("W2", (3, 4))
a1 = np.maximum(W1 @ x + b1, 0)
z2 = W2 @ a1
loss = -np.sum(Y * np.log(np.exp(z2) / np.sum(np.exp(z2))))
W = {"W1": np.ones((4, 3)), "b1": np.zeros((4, 1)), "W2": np.ones((3, 4))}
example = {"x": [[1], [0], [2]], "Y": [[0], [1], [0]], **W}
expected = {"z2": [[12], [12], [12]]}
""",
        """A = sg.param("A", (3, 3))
v = sg.data("v", (3,))
S = A @ A.T + np.eye(3)
loss = v @ np.linalg.solve(S, v) + np.linalg.slogdet(S)[1]
""",
        """Q = sg.param("Q", ("T", 4))
K = sg.param("K", ("T", 4))
V = sg.param("V", ("T", 2))
s = Q @ K.T / np.sqrt(4)
m = np.exp(s - np.max(s, axis=-1, keepdims=True))
a = m / np.sum(m, axis=-1, keepdims=True)
loss = np.sum((a @ V) ** 2)
""",
        """x = sg.param("x", ("N", "D"))
g = sg.param("g", ("D",))
mu = np.mean(x, axis=1, keepdims=True)
v = np.var(x, axis=1, keepdims=True)
n = (x - mu) / np.sqrt(v + 1e-5)
loss = np.sum(np.sin(n * g))
""",
        """w = sg.param("w", (6,))
c = sg.data("c", (2, 3))
m = w.reshape(2, 3)
j = np.concatenate([m, c], axis=0)
u = np.transpose(j)[:, 1:3]
loss = np.sum(np.where(u > 0, u, 0.1 * u)) + np.prod(w[1:4])
""",
        """E = sg.param("E", (5, 2))
i = sg.data("i", ("N",), dtype=int)
h = E[i]
for k in range(3):
    h = np.sin(h) + h
loss = np.sum(np.abs(h)) / h.shape[0]
""",
        """mu = sg.param("mu", ())
ls = sg.param("ls", ())
x = sg.data("x", ("N",))
z = (x - mu) / np.exp(ls)
loss = np.sum(0.5 * z**2 + ls + 0.5 * np.log(2 * np.pi))
example = {"mu": 0.5, "ls": 0.0, "x": [1.0, 2.0]}
expected = {"dL_dmu": -2}
expected_tolerance = 1e-9
""",
    )
)  # fmt: skip

NAMES = """
    S|I|E|N|O|C|Q|pi|beta|gamma|zeta|Lambda|lambda|class|def|None|True|np|sg|loss|df|g|ws|workspace|
    example|x|µ|ℓ|d|dL_dw|t1|_t|sum|exp|self|Gradients|Workspace|bind|float|int
""".strip()
NUMBERS = """
    0|1|2|-1|3|7|1000|10**9|0.0|1e308|1e-308|1e400|-0.0|np.nan|np.inf|None|True|'a'|1j|[1, 2]|
    10**30|0.1|2**63
""".strip()
FUNCTIONS = """
    exp|log|sqrt|sin|tanh|abs|sum|mean|max|min|prod|var|std|cumsum|sort|sign|floor|square|transpose|
    ravel|diff|flip|linalg.inv|linalg.det|linalg.norm|foo|round|argmax
""".strip()
OPTIONS = (
    "--format text", "--format json", "--format html -o out.html", "--format markdown",
    "--format typst -o -", "-o out.tex", "--detail full", "--detail brief", "--notation bar",
    "--layout numerator", "--form index", "--plain", "--prepare", "--dtype float32", "--wrt w",
    "--wrt W,b", "--wrt z", "--wrt loss", "--wrt ,", "--only w", "--only zz", "-o net.py",
    "-o generated/net.py", "--out net.py", "--show-program", "--force", "-o mine.tex", "--out mine",
    "", "", "", "", "", "", "", "",
)  # fmt: skip

Mutation = Callable[[str, random.Random], str]


# -- ways to break a spec -------------------------------------------------------------------------


def replaced(pattern: str, by: Callable[[re.Match[str], random.Random], str]) -> Mutation:
    """One of the places that a pattern fits, replaced."""

    def mutate(text: str, choose: random.Random) -> str:
        found = list(re.finditer(pattern, text[len(IMPORTS) :], re.MULTILINE))
        if not found:
            return text
        place = choose.choice(found)
        start, end = (len(IMPORTS) + k for k in place.span())
        return text[:start] + by(place, choose) + text[end:]

    return mutate


def among(pattern: str, form: str, choices: str) -> Mutation:
    """One of the places that a pattern fits, replaced by a form with one of some choices in it."""
    several = re.split(r"\|(?:\n *)?", choices)

    def by(found: re.Match[str], choose: random.Random) -> str:
        text = form.replace("{}", choose.choice(several))
        for number, part in enumerate((found[0], *found.groups())):
            text = text.replace(f"{{{number}}}", part or "")
        return text

    return replaced(pattern, by)


def on_lines(change: Callable[[list[str], random.Random], object]) -> Mutation:
    """The lines below the imports, changed in place."""

    def mutate(text: str, choose: random.Random) -> str:
        first, second, *rest = text.split("\n")
        change(rest, choose)
        return "\n".join([first, second, *rest])

    return mutate


def _swap(lines: list[str], choose: random.Random) -> None:
    one, other = choose.randrange(len(lines)), choose.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _repeat(lines: list[str], choose: random.Random) -> None:
    place = choose.randrange(len(lines))
    lines[place:place] = [lines[place]] * choose.choice((1, 3, 40))


def _renamed(text: str, choose: random.Random) -> str:
    """One name of the spec as another, everywhere."""
    names = sorted(set(re.findall(r"^(\w+) = ", text, re.MULTILINE)))
    if not names:
        return text
    old, new = choose.choice(names), choose.choice(NAMES.split("|")).strip()
    return re.sub(rf"\b{old}\b", new, text)


def _equal_sizes(text: str, choose: random.Random) -> str:
    """A named size in place of another, or of a number; or a number in place of it."""
    named = re.findall(r'\("(\w+)",|, "(\w+)"\)', text)
    sizes = sorted({name for pair in named for name in pair if name}) or ["N"]
    one, other = choose.choice([f'"{s}"' for s in sizes] + ["3", "2"]), choose.choice(sizes)
    return text.replace(f'"{other}"', one) if choose.random() < 0.5 else text.replace("3", one)


NUMBER = r"(?<![\w.])(?<!range\()\d+(\.\d+)?(e-?\d+)?"  # a spec's own endless loop is its own
NAME = r"\b[A-Za-z_]\w*\b"
OPERAND = r"\b[A-Za-z]\w*\b(?= [-+*/@])"
MUTATIONS: dict[str, Mutation] = {
    "a bracket dropped": replaced(r"[()\[\]{}]", lambda m, c: ""),
    "a sign dropped": replaced(r"[^\w\s]", lambda m, c: ""),
    "a sign doubled": replaced(r"[^\w\s]", lambda m, c: m[0] * 2),
    "another operator": among(r" (\*\*|[-+*/@]) ", " {} ", "+|-|*|/|@|**|%|//|&|<"),
    "a name misspelt": among(NAME, "{0}{}", "_|1|s|X"),
    "another name": among(NAME, "{}", NAMES),
    "renamed": _renamed,
    "another number": among(NUMBER, "{}", NUMBERS),
    "a number off by one": among(r"(?<![\w.])\d+(?![\w.])", "{0}{}", " - 1| + 1"),
    "another axis": among(r"axis=-?\d", "axis={}", "0|1|-1|2|-3|None|(0, 1)|0.5|''"),
    "another function": among(r"np\.[a-z.]+(?=\()", "np.{}", FUNCTIONS),
    "another dtype": among(r"dtype=int", "dtype={}", "float|bool|complex|str|None|'f4'|[]"),
    "a dtype, an assumption": among(
        r"\)\)$",
        "), {})",
        "dtype=int|dtype=bool|assume=sg.positive|assume=sg.one_hot(axis=0)|assume=sg.symmetric",
    ),
    "another shape": among(
        r", \([^()]*\)(?=[,)])",
        ", {}",
        "()|(3,)|(2, 3)|(3, 1)|(1,)|(0,)|(-1, 2)|'N'|3|(3, 3, 3)|(1000, 200)|(None,)|(10**9, 2)",
    ),
    "other sizes": _equal_sizes,
    "reshaped": among(
        r"= (.*)$",
        "= np.reshape({1}, {})",
        "-1|(-1, -1)|(2, -1)|(3, 2)|(0, -1)|7|(-1, 5)|(1, -1, 1)",
    ),
    "transposed": among(OPERAND, "{0}{}", ".T|.T.T|[:, None]|.sum()|.mean(0)"),
    "indexed": among(
        OPERAND, "{0}[{}]", "0|5|-1|:1|::2|::-1|0, 0|None|...|[0, 1]|1:1|'a'|0.5|:, 0|..., 0"
    ),
    "wrapped": among(r"= (.*)$", "= np.{}({1})", FUNCTIONS),
    "a line less": on_lines(lambda lines, c: [lines.pop(c.randrange(len(lines)))]),
    "a line twice": on_lines(_repeat),
    "lines swapped": on_lines(_swap),
    "numbers of an example": among(
        r"\[[\d., -]+\]",
        "{}",
        "[]|[1]|[1, 2, 3, 4]|[np.nan]|[[1, 2], [3]]|None|'x'|[1e308, -1e308]|[0, 0]|[-1, 5]|[1j]",
    ),
    "a key misspelt": among(r'"(\w+)":', '"{}":', "{1}x|dL_d{1}|{1}.T|dL_d{1}.T||N|µ|loss|S"),
    "nested": among(
        r"^loss = (.*)$",
        "h = {1}\nfor _ in range({}):\n    h = np.sin(h) + h\nloss = h",
        "3|8|30",
    ),
    "an odd character": among(
        r"[\w ]", "{0}{}", '\0|\x1b[31m|\ufeff|\u202e|é|\t|\r|\x0c|\\|\u2028|"|#|😀'
    ),
    "cut short": lambda text, c: text[: c.randrange(len(IMPORTS), len(text))],
}


@dataclass(frozen=True)
class Mutant:
    """A spec that may be wrong, and what it is derived with."""

    text: str
    command: tuple[str, ...]
    how: str

    def __str__(self) -> str:
        return f"# {self.how}\n# symgrad {' '.join(self.command)}\n{self.text}"


def mutant(choose: random.Random) -> Mutant:
    """A spec, broken in one to three ways."""
    text, how = choose.choice(SPECS), []
    for _ in range(choose.choice((1, 1, 1, 2, 3))):
        name = choose.choice([*MUTATIONS])
        text = MUTATIONS[name](text, choose)
        how.append(name)
    options = choose.choice(OPTIONS).split()
    values = sorted(set(re.findall(r"^(\w+) = ", text, re.MULTILINE))) or ["w"]
    explained = choose.random() < 0.1 and not {"--out", "--plain", "--prepare"} & {*options}
    command = ("explain", "net.py", choose.choice(values)) if explained else ("derive", "net.py")
    return Mutant(text, (*command, *options), ", ".join(how))


# -- what has to be so ----------------------------------------------------------------------------

SECONDS = 20
"""So much of a processor's time a mutant may take."""
MINE = "mine\n"


class TooLong(BaseException):
    """A mutant takes longer than it may."""


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """TooLong after some seconds of work."""

    def stop(*_: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcome(made: Mutant) -> str:
    """What came of it; AssertionError where that is not in order."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("mine").mkdir()
        for path in (Path("mine.tex"), Path("mine/net.py")):
            path.write_text(MINE)
        Path("net.py").write_text(made.text, encoding="utf-8", errors="surrogatepass", newline="")
        spec = Path("net.py").read_bytes()
        with limited():
            result = CliRunner().invoke(main, made.command)
        assert "TooLong" not in result.output, "it takes too long"
        check_answer(made, result)
        check_files(made, result, spec)
        return told(result)


def told(result: Result) -> str:
    """How a command ended, in a few words."""
    if result.exit_code != 2:
        return {0: "derived", 1: "failed"}.get(result.exit_code, f"code {result.exit_code}")
    lines = [line for line in result.stderr.splitlines() if line.startswith(("error: ", "Error: "))]
    return f"refused: {re.sub(r'[0-9]+', '0', lines[0][7:])[:60]}"


def check_answer(made: Mutant, result: Result) -> None:
    """An exit code that is meant, and a message that says what, where and what to do."""
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in (0, 1, 2, 3), result.exit_code
    assert "symgrad failed" not in result.stderr, result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    assert all(c.isprintable() or c in "\n\r" for c in _said(result)), result.stderr
    if result.exit_code == 1:  # a loss is right, or refused; what it is said to be may be wrong
        assert "expected numbers" in result.stderr, result.stderr
    if result.exit_code == 2 and "Usage: " not in result.stderr:
        assert len(_said(result).splitlines()) in (2, 3), result.stderr
        assert re.search(r"net\.py|mine", _said(result)), result.stderr
        assert result.stdout == "", result.stdout


def _said(result: Result) -> str:
    """What is said at the end, without what the spec itself or Python says before."""
    return result.stderr[result.stderr.index("error: ") :] if "error: " in result.stderr else ""


def check_files(made: Mutant, result: Result, spec: bytes) -> None:
    """The spec and the files of others are as they were; what is written is whole."""
    assert Path("net.py").read_bytes() == spec, "the spec was replaced"
    forced = "--force" in made.command
    for path in (Path("mine.tex"), Path("mine/net.py")):
        assert forced or path.read_text() == MINE, f"{path} was replaced"
    there = {str(p) for p in Path().rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    new = there - {"net.py", "mine.tex", "mine/net.py"}
    assert new <= {"generated/net.py", "out.html", "out.tex"}, new
    explained = made.command[0] == "explain"
    assert explained or "generated/net.py" not in new or result.exit_code == 0, "no error, then"
    if "generated/net.py" in new and not explained:
        text = Path("generated/net.py").read_text(encoding="utf-8")
        assert text.startswith("# Generated by symgrad from net.py."), text[:80]
        compile(text, "net.py", "exec")
    if "out.html" in new:
        assert Path("out.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    written = result.exit_code == 0 and not explained and "mine" not in made.command
    assert not written or "generated/net.py" in new, "no module, and no error"


# -- by the hundred -------------------------------------------------------------------------------


def summary(numbers: Iterable[int], seed: int) -> tuple[collections.Counter[str], list[str]]:
    """How often there was what among the mutants of these numbers, and what failed as text."""
    results: collections.Counter[str] = collections.Counter()
    failures = []
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for k in numbers:
        made = mutant(random.Random(seed * 1_000_003 + k))
        try:
            results[outcome(made)] += 1
        except (Exception, TooLong):  # every defect is to be seen, of whatever kind
            results["FAILED"] += 1
            failures.append(f"{seed}/{k}\n{made}\n{traceback.format_exc(limit=-4)}")
    return results, failures
