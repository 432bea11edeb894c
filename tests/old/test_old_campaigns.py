"""Campaigns, libraries and models that version 0.1.0 made before its modules moved: they open, answer and go on.

``docksieve-0.1.0.tar.xz`` holds what that version wrote: a library of 200 amides, ``finished``, a campaign of two
rounds over a table of scores, and ``begun``, the same campaign interrupted when its first round had ranked the library.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from docksieve.data.libraries.library import Library
from docksieve.data.receipts import Receipt
from docksieve.data.store import read_table
from docksieve.models.bundles.bundle import load_bundle
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.progress.status import status
from docksieve.workflows.report.report import write_report
from docksieve.workflows.running.observer import Silent
from docksieve.workflows.running.submit import submit

ARCHIVE = Path(__file__).parent / "docksieve-0.1.0.tar.xz"


class Noted(Silent):
    """Remembers the tasks that were really run."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def task_ended(self, stage: str, receipt: Receipt) -> None:
        self.ran.append(receipt.task)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "docksieve-0.1.0"


def test_a_library_opens(old: Path) -> None:
    library = Library.open(old / "library")
    assert library.rows == 200 and len(library.shards) == 2
    assert library.take([0, 199], ["id"])["id"].to_pylist() == ["M0", "M199"]


def test_a_finished_campaign_answers(old: Path) -> None:
    assert status(old / "finished").state == "complete"
    found = hits(old / "finished", top=5)
    kept = read_table(old / "finished" / "hits" / "hits.parquet").slice(0, 5)
    assert found["smiles"].to_pylist() == kept["smiles"].to_pylist()
    screened = hits(old / "finished", top=5, by="screened")
    assert screened.num_rows == 5
    page, _ = write_report(old / "finished", old / "report.html")
    assert page.stat().st_size > 50_000


def test_its_models_predict(old: Path) -> None:
    molecules = ["CC(=O)NCc1ccccc1", "O=C(c1ccccc1)N1CCOCC1"]
    for kind in ("teacher", "student"):
        model = load_bundle(old / "finished" / "models" / "round-02" / kind)
        predicted = model.predict(molecules).mean[:, 0]
        assert predicted.shape == (2,) and (predicted < -2).all() and (predicted > -12).all()


def test_submitted_again_a_finished_campaign_does_nothing(old: Path) -> None:
    noted = Noted()
    campaign = submit(old / "finished.toml", "inline", observer=noted)
    assert noted.ran == []
    assert status(campaign).state == "complete"


def test_a_campaign_that_had_begun_goes_on_where_it_was_and_ends_with_the_same_hits(old: Path) -> None:
    before = set(_done(old / "begun"))
    assert "round-01/rank" in before and "round-01/acquire" not in before
    noted = Noted()
    submit(old / "begun.toml", "inline", observer=noted)
    assert not set(noted.ran) & before, "finished work was done again"
    ours, theirs = (read_table(old / name / "hits" / "hits.parquet") for name in ("begun", "finished"))
    for column in ("row", "smiles", "target", "docked_score", "rank"):
        assert ours[column].to_pylist() == theirs[column].to_pylist(), column


def _done(root: Path) -> list[str]:
    campaign = open_campaign(root)
    return [
        receipt.task
        for stage in campaign.stages()
        for receipt in campaign.ledger.receipts(stage)
        if receipt.done
    ]
