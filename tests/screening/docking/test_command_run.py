"""Programs that are run for their output: what is said of every way to end, and nothing left behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from docksieve.data.errors import DockingError
from docksieve.screening.docking.command_run import run_program, scratch_folder
from docksieve.screening.docking.failures import FailureCode


def python(code: str, place: Path, limit: float = 60) -> tuple[str, tuple[FailureCode, str] | None]:
    found = run_program([sys.executable, "-S", "-E", "-c", code], place, limit)
    return found.stdout, found.error


def test_output_and_folder_of_a_good_run(tmp_path: Path) -> None:
    assert python("import os; print(os.getcwd(), end='')", tmp_path) == (str(tmp_path), None)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (
            "import sys; print('a\\n  b', file=sys.stderr); sys.exit(3)",
            (FailureCode.ENGINE_FAILED, "the program ended with exit code 3: a b"),
        ),
        (
            "import sys; print('only here'); sys.exit(1)",
            (FailureCode.ENGINE_FAILED, "the program ended with exit code 1: only here"),
        ),
        (
            "import os; os.kill(os.getpid(), 11)",
            (FailureCode.CRASH, "the program was ended by signal 11"),
        ),
    ],
)
def test_bad_ends_are_told_apart(code: str, error: tuple[FailureCode, str], tmp_path: Path) -> None:
    assert python(code, tmp_path)[1] == error


def test_past_its_limit_a_program_is_killed_with_its_children(tmp_path: Path) -> None:
    code = "import os, time\npid = os.fork()\nprint(pid, flush=True) if pid else None\ntime.sleep(60)"
    began = time.monotonic()
    said, error = python(code, tmp_path, 1.0)
    assert error == (FailureCode.TIMEOUT, "the program was killed after 1 s")
    assert time.monotonic() - began < 30
    child = int(said.split()[0])
    for _ in range(200):
        stat = Path(f"/proc/{child}/stat")
        if not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.05)
    os.kill(child, 9)
    pytest.fail("the child outlived its parent")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DockingError, match="'/no/such' cannot be started here: No such file or directory"):
        run_program(["/no/such"], tmp_path, 1)


def test_files_go_where_the_site_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKSIEVE_SCRATCH", raising=False)
    assert scratch_folder() is None
    monkeypatch.setenv("DOCKSIEVE_SCRATCH", str(tmp_path / "none"))
    assert scratch_folder() is None
    monkeypatch.setenv("DOCKSIEVE_SCRATCH", str(tmp_path))
    assert scratch_folder() == str(tmp_path)
    assert python("import os; print(os.environ['TMPDIR'])", tmp_path)[0].strip() == str(tmp_path)
