"""Files are written whole or not at all, and a disk that fails is told in a sentence."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from docksieve.data.errors import DocksieveError
from docksieve.data.store import write_json


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "is full"),
        (errno.EDQUOT, "is full"),
        (errno.EROFS, "cannot be written"),
        (errno.EIO, "could not be written.*The disk or its network failed"),
        (errno.ESTALE, "could not be written.*The disk or its network failed"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_disk_is_a_sentence_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str, call: str
) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"a": 1})
    before = path.read_bytes()

    def failing(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os if call == "fsync" else Path, call, failing)
    with pytest.raises(DocksieveError) as caught:
        write_json(path, {"a": 2})
    assert pytest.RaisesExc(DocksieveError, match=words).matches(caught.value)
    assert "value.json" in str(caught.value)
    monkeypatch.undo()
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
