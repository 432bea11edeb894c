"""Scores of two versions do not get into one ranking without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import CampaignError
from docksieve.screening.queries.query import HitQuery
from docksieve.workflows.campaign import versions
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.campaign.versions import mixed_words, needed_by, refuse_other_versions, versions_used
from docksieve.workflows.hits.ask import ask
from docksieve.workflows.progress.status import status
from docksieve.workflows.report.report import write_report
from docksieve.workflows.running import submit as running
from docksieve.workflows.running.observer import Silent
from docksieve.workflows.tasks import run as tasks


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ({"engine": "vina"}, ("rdkit", "meeko", "vina")),
        ({"engine": "command", "ligand_format": "sdf"}, ("rdkit",)),
        ({"engine": "command", "ligand_format": "pdbqt"}, ("rdkit", "meeko")),
        ({"engine": "command", "ligand_format": "smi"}, ()),
        ({"engine": "table"}, ()),
    ],
)
def test_what_scores_depend_on(spec: dict[str, Any], names: tuple[str, ...]) -> None:
    assert needed_by(spec) == names


def test_a_table_depends_on_no_version(small_campaign: Path) -> None:
    assert versions_used(open_campaign(small_campaign)) == {}
    refuse_other_versions(open_campaign(small_campaign), {})


def test_versions_come_from_receipts_and_others_are_refused(
    small_campaign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "needed_by", lambda spec: ("rdkit", "meeko"))
    campaign, here = open_campaign(small_campaign), tasks.present_versions()
    assert versions_used(campaign) == {"rdkit": {here["rdkit"]}, "meeko": {here["meeko"]}}
    refuse_other_versions(campaign, here)
    with pytest.raises(CampaignError, match=r"rdkit .*installed here: rdkit 2020\.1\. Conformers") as caught:
        refuse_other_versions(campaign, {**here, "rdkit": "2020.1"})
    assert f"pip install rdkit=={here['rdkit']}" in str(caught.value) and "--accept-versions" in str(
        caught.value
    )
    with pytest.raises(CampaignError, match="installed here: meeko missing"):
        refuse_other_versions(campaign, {"rdkit": here["rdkit"]})
    assert not mixed_words(versions_used(campaign))


class _Ended(Exception):
    pass


class _Until(Silent):
    """Ends a run after the first dockings."""

    def task_ended(self, stage: str, receipt: Any) -> None:
        if stage == "round-01/dock":
            raise _Ended


@pytest.mark.slow
def test_going_on_is_refused_or_said(
    make_campaign: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "needed_by", lambda spec: ("rdkit",))
    path = make_campaign()
    with pytest.raises(_Ended):
        running.submit(path, "inline", _Until())
    now = tasks.present_versions()
    other = {**now, "rdkit": "2020.1"}
    monkeypatch.setattr(running, "present_versions", lambda: other)
    monkeypatch.setattr(tasks, "present_versions", lambda: other)
    with pytest.raises(CampaignError, match=r"installed here: rdkit 2020\.1"):
        running.submit(path, "inline")
    root = path.with_suffix("")
    assert not status(root).mixed
    running.submit(path, "inline", accept_versions=True)
    words = f"rdkit 2020.1 and {now['rdkit']}"
    assert words in " ".join(status(root).mixed) and status(root).state == "complete"
    assert words in " ".join(ask(root, HitQuery(targets=("A",))).notes)
    page, _ = write_report(root)
    assert words in page.read_text()
    # Nothing is left to dock, and both versions are known by now.
    monkeypatch.setattr(running, "present_versions", lambda: {**now, "rdkit": "1999.1"})
    running.submit(path, "inline")
