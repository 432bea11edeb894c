"""What a report says of checks and of what lies ahead where there is nothing to show."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from docksieve.workflows.report.ahead import ahead_words, audit_section, audits, decide_section
from docksieve.workflows.report.evidence import evidence_section, leakage


def test_checks_that_were_not_done_are_called_so(tmp_path: Path) -> None:
    facts: Any = SimpleNamespace(root=tmp_path, campaign=None)
    page = evidence_section(facts)
    assert "Not done." in page and "docksieve control shuffle CAMPAIGN" in page
    assert "None was written." in page and 'class="wrong"' not in page
    assert leakage(facts) == []


def test_without_audits_and_criteria_there_is_no_section(tmp_path: Path) -> None:
    facts: Any = SimpleNamespace(root=tmp_path)
    assert audits(facts) == []
    assert audit_section([]) == decide_section([]) == "" and ahead_words([], []) == []
