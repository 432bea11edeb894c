"""What tests of the report share: a finished campaign, a copy to spoil, its report."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.report.report import write_report


@pytest.fixture(scope="module")
def written(finished: Campaign) -> tuple[Path, str]:
    return write_report(finished.root)
