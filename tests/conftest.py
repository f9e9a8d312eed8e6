"""Set-up shared by the tests."""

import os

# The tests run in parallel: a thread pool in each of them would only get in the way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("symgrad", deadline=None, derandomize=True, database=None)
settings.load_profile("symgrad")


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the project."""
    return Path(__file__).parent.parent
