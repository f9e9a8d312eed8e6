"""Set-up shared by the tests."""

import gc
import os
import signal

# The tests run in parallel: a thread pool in each of them would only get in the way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# What is started by a test prints as it does for a user, through a buffer.
os.environ.pop("PYTHONUNBUFFERED", None)

# A shell that puts the tests into the background has them, and what they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("symgrad", deadline=None, derandomize=True, database=None)
settings.load_profile("symgrad")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one loss after each other, so that it is derived once; tables in two runs."""
    rows: Counter[str] = Counter()
    for item in items:
        marker = item.get_closest_marker("sampled")
        if marker is not None:
            name = item.nodeid.split("[")[0]
            if rows[name] % marker.args[0]:
                item.add_marker("long")
            rows[name] += 1
    items.sort(key=_loss)


def _loss(item: pytest.Item) -> str:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return getattr(parameters.get("loss"), "name", "")


def pytest_collection_finish() -> None:
    """What is there by now stays: it is not looked through for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the project."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for what is compiled, in place of the user's."""
    folder = tmp_path_factory.mktemp("builds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMGRAD_CACHE", str(folder))
        yield folder
