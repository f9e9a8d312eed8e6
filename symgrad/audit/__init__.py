"""A backward pass that somebody wrote by hand, against the derived one."""

from symgrad.audit.entry import audit
from symgrad.audit.findings import Audit

__all__ = ["Audit", "audit"]
