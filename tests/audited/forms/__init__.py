"""One backward pass in the many forms that programs have; all of them are right."""

from __future__ import annotations

from audited.forms.one import FORMS as PLAIN
from audited.forms.one import SLOPES, SPEC, Program
from audited.forms.trained import TRAINED

FORMS = PLAIN | TRAINED

__all__ = ["FORMS", "SLOPES", "SPEC", "Program"]
