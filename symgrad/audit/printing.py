"""Findings as people and other programs read them."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from markupsafe import Markup

from symgrad.face import Derivation
from symgrad.formats.page import Page
from symgrad.outputs import sheet
from symgrad.templating import render

SIGNS = {"right": "✓", "wrong": "✗", "follows": "↳", "missing": "?", "unmatched": "?"}
WORDS = {
    "right": "right",
    "wrong": "wrong",
    "follows": "follows from what is wrong",
    "missing": "not found in the program",
    "unmatched": "matches no gradient of the spec",
}
WHY = {
    "mask": "a derivative that is 0 somewhere is taken for 1, or asked of the wrong array",
    "transpose": "a matrix is turned",
    "factor": "a constant factor",
    "sign": "a sign",
    "sum": "a sum or a mean over the wrong axes",
    "term": "a term, or its coefficient",
    "path": "one of several ways on which the loss depends on it",
    "jacobian": "a part of a Jacobian",
    "activation": "the derivative of an activation",
    "value": "another array than the one that is meant",
    "overwritten": "assigned, not accumulated",
    "rounded": "a value that is rounded on the way",
    "operation": "an operation without its derivative",
    "loss": "the gradient of another loss",
    "random": "another draw than that of the forward pass",
    "clipped": "clipped in the midst of the pass",
    "unnamed": "wrong, and the cause was not found",
}
"""The kinds of faults, and what each says."""

Data = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A line of the program, and whether a fault stands there."""

    cell: int | None
    number: int
    text: str
    fault: int | None = None


def place(item: Data) -> str:
    """Where something stands."""
    if item["line"] is None:
        return str(item["file"])
    if item["cell"] is not None:
        return f"{item['file']}, cell {item['cell']}, line {item['line']}"
    return f"{item['file']}:{item['line']}"


def verdict(data: Data) -> str:
    """The result in a few words."""
    missing = [v["name"] for v in data["values"] if v["status"] == "missing"]
    more = f"; {listed(missing)} {'is' if len(missing) == 1 else 'are'} missing" if missing else ""
    count = sum(v["status"] == "right" for v in data["values"])
    if data["ok"]:
        worst = max((v["error"] or 0.0 for v in data["values"]), default=0.0)
        return f"{gradients(count)} right, {exactness(worst)}{more}"
    faults = len(data["faults"])
    return f"{faults} fault{'s' if faults > 1 else ''}{more}"


def exactness(error: float, digits: int = 0) -> str:
    """How exactly numbers agree."""
    return f"to {error:.{digits}e}" if error else "exactly"


def listed(names: Sequence[str]) -> str:
    """Names one after the other."""
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last


def is_complete(data: Data) -> bool:
    """Whether every gradient was found, and is right."""
    return bool(data["ok"]) and all(v["status"] == "right" for v in data["values"])


def without_repetition(fault: Data) -> Data:
    """A fault without equations that are the line itself, or its repair."""
    shown = {_as_code(fault["source"]), _as_code(fault["repair"])}
    gone = [k for k in ("is", "ought") if _as_code(fault[k]) in shown]
    gone += ["repair"] if fault["repair"] == fault["source"] else []  # it moves, as a patch shows
    return fault | dict.fromkeys(gone, "")


MOST_LETTERS = 240
"""So long an equation is printed whole: three lines of a terminal."""


def cut(equation: str) -> str:
    """An equation, of a very long one its first terms."""
    if len(equation) <= MOST_LETTERS:
        return equation
    return equation[: equation.rfind(" ", 0, MOST_LETTERS)].rstrip(" +-") + " + …"


def _as_code(line: str) -> str:
    """A line however it is spaced and quoted."""
    try:
        return ast.unparse(ast.parse(line.strip()))
    except (SyntaxError, ValueError):
        return line.strip()


_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def gradients(count: int) -> str:
    """So many gradients, in words."""
    number = _COUNTS[count] if count < len(_COUNTS) else str(count)
    return f"{number} gradient{'' if count == 1 else 's'}"


# -- text -----------------------------------------------------------------------------------------


def text(data: Data, file: str) -> str:
    """The findings for a terminal: one line where all is right."""
    if is_complete(data):
        return "\n".join([f"{file}: {verdict(data)}", *_remarks(data)])
    lines = [f"{file}: {verdict(data)}", "", *_table(data)]
    for number, fault in enumerate(data["faults"], 1):
        lines += ["", *_fault(fault, number, data)]
    return "\n".join([*lines, "", *_remarks(data)]).rstrip()


def _table(data: Data) -> Iterator[str]:
    values = data["values"]
    width = max((len(v["name"] or v["code"]) for v in values), default=0)
    codes = max((len(v["code"]) for v in values), default=0)
    for value in values:
        error = "" if value["error"] is None else f"  {_error(value)}"
        name = value["name"] or value["code"]
        code = value["code"] if value["code"] != value["name"] else ""
        yield (
            f"  {SIGNS[value['status']]} {name:{width}}  {code:{codes}}  "
            f"{WORDS[value['status']]}{error}"
        ).rstrip()


def _error(value: Data) -> str:
    """How far off a value is, in the size of its largest entry."""
    if value["error"] > 1e300:
        return "of another shape"
    if value["status"] == "right":
        return exactness(value["error"], 1)
    return f"off by {value['error']:.1e}"


def _fault(fault: Data, number: int, data: Data) -> Iterator[str]:
    """A fault: where, what it computes and ought to, the sentence, the repair, why hidden."""
    fault = without_repetition(fault)
    yield f"{number}. {fault['value']}: {fault['kind']}, {place(fault)}"
    yield f"     {fault['source']}"
    if fault["is"]:
        yield f"   computes      {cut(fault['is'])}"
    if fault["ought"]:
        yield f"   ought to be   {cut(fault['ought'])}"
    yield f"   {fault['sentence']}"
    if fault["repair"]:
        yield f"   repaired      {fault['repair']}"
    if fault["agrees"] is not None:
        yield f"   {agreement(fault, data)}"
    if fault["hidden_because"]:
        yield f"   hidden: {fault['hidden_because']}"


def agreement(fault: Data, data: Data) -> str:
    """How well all agrees once the faults are repaired."""
    count = sum(v["status"] in ("right", "wrong", "follows") for v in data["values"])
    them = "it" if len(data["faults"]) == 1 else "all repairs"
    several = "both gradients agree" if count == 2 else f"all {gradients(count)} agree"
    every = "the gradient agrees" if count == 1 else several
    return f"with {them} {every} {exactness(fault['agrees'])}"


def _remarks(data: Data) -> Iterator[str]:
    return (f"remark: {r}" for r in data["remarks"])


# -- Markdown -------------------------------------------------------------------------------------


def markdown(data: Data, file: str) -> str:
    """The findings as Markdown."""
    lines = [f"**{file}**: {verdict(data)}"]
    if not is_complete(data):
        lines += ["", "| gradient | in the program | |", "|---|---|---|"]
        for value in data["values"]:
            name, code = value["name"], f"`{value['code']}`" if value["code"] else ""
            lines.append(f"| {name} | {code} | {SIGNS[value['status']]} {WORDS[value['status']]} |")
        for number, fault in enumerate(data["faults"], 1):
            lines += ["", *_markdown_fault(fault, number, data)]
    if data["remarks"]:
        lines += ["", *(f"- {r}" for r in data["remarks"])]
    return "\n".join(lines)


def _markdown_fault(fault: Data, number: int, data: Data) -> Iterator[str]:
    fault = without_repetition(fault)
    yield f"**{number}. {fault['value']}**: {fault['kind']}, {place(fault)}"
    yield ""
    yield f"```python\n{fault['source']}\n```"
    yield ""
    yield _sentence(fault["sentence"])
    if fault["is"]:
        yield f"It computes `{cut(fault['is'])}`."
    if fault["ought"]:
        yield f"It ought to be `{cut(fault['ought'])}`."
    if fault["repair"]:
        yield f"\nRepaired:\n\n```python\n{fault['repair']}\n```\n"
    if fault["agrees"] is not None:
        yield _sentence(agreement(fault, data))
    if fault["hidden_because"]:
        yield f"\nHidden: {fault['hidden_because']}."


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


# -- JUnit ----------------------------------------------------------------------------------------


def junit(data: Data, file: str, *, strict: bool = False) -> str:
    """A report of tests, one for each gradient, as continuous integration reads it.

    What was not found is skipped, or with ``strict`` has failed.
    """
    counts = Counter(_result(v, strict=strict) for v in data["values"])
    cases = "".join(_case(v, data, file, strict=strict) for v in data["values"])
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuite name={quoteattr(f"audit of {file}")} tests="{len(data["values"])}" '
        f'failures="{counts["failure"]}" skipped="{counts["skipped"]}" errors="0">\n'
        f"{cases}</testsuite>"
    )


def _result(value: Data, *, strict: bool) -> str:
    """What a test comes to."""
    if value["status"] == "right":
        return "passed"
    return "failure" if strict or value["status"] in ("wrong", "follows") else "skipped"


def _case(value: Data, data: Data, file: str, *, strict: bool) -> str:
    name = quoteattr(f"gradient by {value['name'] or value['code']}")
    head = f"  <testcase classname={quoteattr(file)} name={name}"
    result = _result(value, strict=strict)
    if result == "passed":
        return f"{head}/>\n"
    if value["status"] not in ("wrong", "follows"):
        message = quoteattr(WORDS[value["status"]])
        return f"{head}>\n    <{result} message={message}/>\n  </testcase>\n"
    own = [f for f in data["faults"] if f["value"] in (value["name"], value["code"])] or data[
        "faults"
    ]
    told = "\n".join("\n".join(_fault(f, k, data)) for k, f in enumerate(own, 1))
    message = quoteattr(f"{WORDS[value['status']]}: {own[0]['sentence']}" if own else "wrong")
    return f"{head}>\n    <failure message={message}>{escape(told)}</failure>\n  </testcase>\n"


# -- HTML -----------------------------------------------------------------------------------------


def page(data: Data, file: str, lines: Sequence[Line], derivation: Derivation) -> str:
    """The program beside the derivation, its faults marked."""
    shown = Page(sheet(derivation))
    faults = [
        without_repetition(f)
        | {
            "where": place(f),
            "agreement": agreement(f, data) if f["agrees"] is not None else "",
            "derived": derivation.adjoint_name.get(f["value"])
            if f["value"] in shown.derived
            else "",
        }
        for f in data["faults"]
    ]
    return render(
        "audit.html.jinja",
        data=data,
        file=file,
        lines=lines,
        faults=faults,
        page=shown,
        kind=lambda block: type(block).__name__,
        coded=coded,
        verdict=verdict(data),
        signs=SIGNS,
        words=WORDS,
        kinds=WHY,
    )


def coded(text: str) -> Markup:
    """A sentence, what stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if k % 2 and k < len(parts) - 1 else part
        for k, part in enumerate(parts)
    )


__all__ = ["WHY", "Line", "is_complete", "junit", "markdown", "page", "text", "verdict"]
