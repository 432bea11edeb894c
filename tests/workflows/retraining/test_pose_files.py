"""Files of poses teach a campaign: its own export, and other programs' output."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.errors import InputError
from docksieve.screening.queries.query import HitQuery
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.retraining.imported_scores import import_rows
from docksieve.workflows.retraining.score_columns import read_target_scores
from docksieve.workflows.terminal.hits import print_hits
from rdkit import Chem
from rdkit.Chem import AllChem


@pytest.fixture
def poses(small_campaign: Path, tmp_path: Path) -> Path:
    """Two poses of each of five molecules of the library, as smina writes them, the second the better."""
    library = open_campaign(small_campaign).open_library()
    path = tmp_path / "docked.sdf"
    with path.open("w") as handle:
        for number, row in enumerate(library.take(range(5), ["smiles", "id"]).to_pylist()):
            mol = Chem.AddHs(Chem.MolFromSmiles(row["smiles"]))
            AllChem.EmbedMolecule(mol, randomSeed=3)
            mol.SetProp("_Name", row["id"])
            for score in (-5.0 - number, -6.0 - number):
                handle.write(f"{Chem.MolToMolBlock(mol)}> <minimizedAffinity>\n{score}\n\n$$$$\n")
    return path


def test_poses_are_matched_with_the_library(small_campaign: Path, poses: Path) -> None:
    campaign = open_campaign(small_campaign)
    (found,) = read_target_scores(poses, {"A": campaign.targets["A"]}, "A")
    assert "10 poses of smina or gnina" in found.notes[0]
    imported = import_rows(poses, found.rows, campaign.open_library(), "A", "kcal/mol", True)
    assert imported.table.sort_by("row")["row"].to_pylist() == [0, 1, 2, 3, 4]
    assert imported.table.sort_by("row")["score"].to_pylist() == [-6.0, -7.0, -8.0, -9.0, -10.0]
    report = imported.report
    assert (report.used, report.repeated, report.unscored, report.unreadable, report.unknown) == (
        5,
        0,
        0,
        0,
        0,
    )


def test_own_export_as_sdf(copied: Path, tmp_path: Path) -> None:
    targets = open_campaign(copied).targets
    read = {}
    for kind in ("sdf", "csv"):
        print_hits(copied, HitQuery(top=None), kind, tmp_path / f"hits.{kind}")
        read[kind] = {item.target: item for item in read_target_scores(tmp_path / f"hits.{kind}", targets)}
    assert read["sdf"].keys() == read["csv"].keys() == set(targets)
    for name in targets:
        mine, other = (
            sorted(row.score or 0 for row in read[kind][name].rows.rows) for kind in ("sdf", "csv")
        )
        assert mine == pytest.approx(other)


def test_pdbqt_without_smiles_cannot_teach(small_campaign: Path, tmp_path: Path) -> None:
    path = tmp_path / "x_out.pdbqt"
    path.write_text("MODEL 1\nREMARK VINA RESULT:    -5.0      0.000      0.000\nENDMDL\n")
    campaign = open_campaign(small_campaign)
    (found,) = read_target_scores(path, {"A": campaign.targets["A"]}, "A")
    with pytest.raises(InputError, match="REMARK SMILES"):
        import_rows(path, found.rows, campaign.open_library(), "A", "kcal/mol", True)
