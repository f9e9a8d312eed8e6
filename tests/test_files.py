"""Files appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from symgrad.files import write_atomically


def test_writes_text_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "net.py"
    write_atomically(path, "x = 'é'\n")
    assert path.read_bytes() == "x = 'é'\n".encode()


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.py"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_permissions_are_those_of_a_plain_file(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain", tmp_path / "net.py"
    plain.touch()
    write_atomically(path, "")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o600)
    write_atomically(path, "again")
    assert path.stat().st_mode & 0o777 == 0o600
