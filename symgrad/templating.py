"""The Jinja environment that renders the templates."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "templates", _PACKAGE.parent / "templates")
_TEX: dict[str, Any] = {
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "block_start_string": "<%",
    "block_end_string": "%>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
}


def render(template: str, **values: object) -> str:
    """The text of a template; a name that it uses and does not get is an error.

    In templates for TeX, whose braces mean something else, ``<< >>`` and ``<% %>`` take the
    place of Jinja's own marks.  In a template for HTML all that is put in is escaped.
    """
    environment = _environment(tex=".tex" in template, html=".html" in template)
    return environment.get_template(template).render(**values)


@cache
def macros(template: str) -> Callable[..., str]:
    """The macros of a template: to be called with the name of one, and its arguments."""
    module = _environment(tex=False, html=False).get_template(template).module

    def called(name: str, *args: object) -> str:
        return str(getattr(module, name)(*args))

    return called


def path_of(file: str) -> Path:
    """A file that lies with the templates."""
    return next(f / file for f in _FOLDERS if (f / file).exists())


@cache
def _environment(*, tex: bool, html: bool) -> jinja2.Environment:
    import jinja2  # a derivation that is not printed needs none

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDERS),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=html,
        **(_TEX if tex else {}),
    )
