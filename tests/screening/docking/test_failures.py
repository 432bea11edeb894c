"""Every failure code means something, and the documentation says what."""

from __future__ import annotations

from pathlib import Path

from docksieve.screening.docking.dock import (
    FailureCode,
)
from docksieve.screening.docking.failures import meaning_of


def test_every_failure_code_has_a_meaning() -> None:
    for code in FailureCode:
        assert code.meaning.endswith(".") and code.stage in ("ligand", "docking", "table")


def test_the_documentation_lists_every_failure_code(repository: Path) -> None:
    text = (repository / "docs" / "docking.md").read_text()
    for code in FailureCode:
        assert f"| `{code}` | {code.meaning} |" in text


def test_a_code_of_a_later_version_has_no_meaning_here() -> None:
    assert meaning_of(FailureCode.TIMEOUT.value) == FailureCode.TIMEOUT.meaning
    assert meaning_of("of a later version") == ""
