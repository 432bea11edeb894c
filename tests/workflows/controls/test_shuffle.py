"""Taught shuffled scores a teacher shows no skill, unless test molecules leaked into training."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from docksieve.data.errors import CampaignError
from docksieve.data.store import read_json, read_table, write_table
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.cli.main import main
from docksieve.workflows.controls.shuffle import shuffle_control
from docksieve.workflows.report.report import write_report
from docksieve.workflows.running.submit import submit
from docksieve.workflows.tasks.training_scores import is_held_out
from docksieve.workflows.verifying.verify import verify
from rdkit import Chem

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def docked(campaign_text: str, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A campaign of one target that has docked its seed sample and one batch."""
    folder = tmp_path_factory.mktemp("docked")
    text = campaign_text.replace("count = 2", "count = 1").replace("labels = 200", "labels = 120")
    start = text.index("[targets.B]")
    text = text[:start] + text[text.index("[start]") :]
    text = text.replace("sealed = 0.2", "sealed = 0.4").replace("molecules = 60", "molecules = 80")
    (folder / "campaign.toml").write_text(text + '\n[teacher]\nkind = "kernel"\n')
    return submit(folder / "campaign.toml", "inline")


def test_a_campaign_shows_no_skill_on_shuffled_scores(docked: Campaign) -> None:
    found = shuffle_control(docked.root, 2)
    assert found["leakage"] == []
    for how in ("folds", "sealed"):
        entry = found["targets"]["A"][how]
        assert entry["true"]["spearman"]["low"] > 0.5  # it could have learnt
        for figure, chance in (("spearman", 0.0), ("enrichment", 1.0)):
            assert entry["shuffled"][figure]["low"] <= chance
    assert found["duplicates"]["molecules"] >= 15 and found["duplicates"]["same_compound"] == 0
    assert read_json(docked.root / "controls" / "shuffle.json") == found
    assert verify(docked.root).ok  # the campaign's own files are untouched
    page, _ = write_report(docked.root)
    assert "the teacher shows no skill" in page.read_text()


def test_planted_leakage_is_told(
    docked: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sealed molecules come again under another spelling, with their scores, in a later batch."""
    root = Path(shutil.copytree(docked.root, tmp_path / "copy"))
    ledger = open_campaign(root).ledger
    seed = pa.concat_tables(
        [read_table(root / record.path) for record in ledger.outputs("round-00/dock", "scores/")]
    )
    held = [is_held_out(text, docked.seed, 0.4) for text in seed["smiles"].to_pylist()]
    sealed = seed.filter(pa.array(held))
    spelled = [_otherwise(text) for text in sealed["smiles"].to_pylist()]
    place = sealed.schema.get_field_index("smiles")
    path = root / ledger.outputs("round-01/dock", "scores/")[0].path
    again = sealed.set_column(place, sealed.schema.field(place), pa.array(spelled))
    write_table(path, pa.concat_tables([read_table(path), again]))
    monkeypatch.setattr(sys, "argv", ["docksieve", "control", "shuffle", str(root), "--seeds", "2"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    assert "There is leakage" in " ".join(capsys.readouterr().out.split())
    found = read_json(root / "controls" / "shuffle.json")
    assert found["targets"]["A"]["sealed"]["shuffled"]["spearman"]["value"] > 0.5
    assert found["duplicates"]["same_compound"] == found["duplicates"]["near"] > 10
    page, summary = write_report(root)
    assert "Test molecules leaked into training" in page.read_text() and "There is leakage" in summary


def _otherwise(smiles: str) -> str:
    molecule = Chem.MolFromSmiles(smiles)
    ways = (
        Chem.MolToSmiles(molecule, rootedAtAtom=atom, canonical=False)
        for atom in range(molecule.GetNumAtoms())
    )
    return next(way for way in ways if way != smiles)


def test_impossible_controls_are_refused(docked: Campaign, tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="--seeds"):
        shuffle_control(docked.root, 0)
    root = Path(shutil.copytree(docked.root, tmp_path / "copy"))
    shutil.rmtree(root / "receipts")
    with pytest.raises(CampaignError, match="Nothing is docked"):
        shuffle_control(root)
