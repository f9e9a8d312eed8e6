"""The examples in the docstrings of the public face run, and print what stands there."""

from __future__ import annotations

import doctest
from collections.abc import Iterator

import pytest

import symgrad as sg


def found() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in sg.__all__:
        for test in finder.find(getattr(sg, name), name, globs={}):
            if test.examples:
                yield test


EXAMPLES = list(found())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.name)
def test_examples_print_what_stands_there(example: doctest.DocTest) -> None:
    said: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert not result.failed, "".join(said)


def test_what_is_called_most_has_an_example() -> None:
    shown = {test.name.split(".")[0] for test in EXAMPLES}
    wanted = {"derive", "jacobian", "hessian", "hvp", "jvp", "param", "data", "one_hot"}
    assert wanted <= shown


def test_an_example_that_prints_something_else_is_seen() -> None:
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None).failed == 1
