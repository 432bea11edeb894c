"""A slow file system shows what another node has written only after a while; a task waits for it, and no longer."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from docksieve.data.environment import FILE_PATIENCE
from docksieve.data.errors import FormatError
from docksieve.data.store import record_file
from docksieve.workflows.campaign.ledger import Task
from docksieve.workflows.tasks.run import _check_inputs
from docksieve.workflows.tasks.settings import TaskSettings


@pytest.fixture
def late(tmp_path: Path) -> tuple[Task, Path, bytes]:
    """A task, its input, which is not there yet, and what will be in it."""
    path, content = tmp_path / "selections" / "batch.bin", b"some molecules"
    path.parent.mkdir()
    path.write_bytes(content)
    task = Task("t", "dock", TaskSettings(), (record_file(path, tmp_path),))
    path.unlink()
    return task, path, content


@pytest.mark.slow
def test_a_file_that_appears_late_is_waited_for(
    tmp_path: Path, late: tuple[Task, Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, path, content = late
    monkeypatch.setenv(FILE_PATIENCE, "30")
    timer = threading.Timer(1.0, lambda: path.write_bytes(content))
    timer.start()
    begun = time.monotonic()
    _check_inputs(tmp_path, task)
    assert 0.9 < time.monotonic() - begun < 20
    timer.join()


def test_a_file_that_never_appears_is_named(
    tmp_path: Path, late: tuple[Task, Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _, _ = late
    monkeypatch.setenv(FILE_PATIENCE, "1")
    with pytest.raises(FormatError, match=r"batch\.bin is missing, and t needs it"):
        _check_inputs(tmp_path, task)


def test_on_one_machine_nothing_is_waited_for(
    tmp_path: Path, late: tuple[Task, Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _, _ = late
    monkeypatch.delenv(FILE_PATIENCE, raising=False)
    begun = time.monotonic()
    with pytest.raises(FormatError, match="is missing"):
        _check_inputs(tmp_path, task)
    assert time.monotonic() - begun < 0.4
