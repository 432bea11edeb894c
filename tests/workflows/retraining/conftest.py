"""A finished campaign of one round, and scores that it does not know yet."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.running.submit import submit


@pytest.fixture(scope="session")
def finished(campaign_text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("retrain")
    text = campaign_text.replace("count = 2", "count = 1")
    (folder / "campaign.toml").write_text(text)
    return submit(folder / "campaign.toml", "inline").root


@pytest.fixture
def campaign(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished campaign: campaigns can be copied and moved."""
    shutil.copytree(finished, tmp_path / "small")
    shutil.copy(finished.parent / "campaign.toml", tmp_path)
    return tmp_path / "small"


@pytest.fixture
def new_scores(campaign: Path, small_inputs: Path, tmp_path: Path) -> Path:
    """True scores of 150 molecules that the campaign did not dock."""
    docked = set(hits(campaign, top=None, target="A")["smiles"].to_pylist())
    with (small_inputs / "a.csv").open() as handle:
        rows = [row for row in csv.DictReader(handle) if row["smiles"] not in docked][:150]
    path = tmp_path / "new.csv"
    path.write_text("smiles,score\n" + "".join(f"{row['smiles']},{row['score']}\n" for row in rows))
    return path
