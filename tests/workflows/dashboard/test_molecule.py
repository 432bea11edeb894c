"""One hit on the dashboard: its poses by pointer, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import FormatError, InputError
from docksieve.workflows.dashboard.molecule import describe, pose_of, scene
from rdkit import Chem
from rdkit.Chem import AllChem


@pytest.fixture(scope="module")
def block() -> str:
    mol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    AllChem.EmbedMolecule(mol, randomSeed=7)
    return str(Chem.MolToMolBlock(mol))


@pytest.fixture
def moment(tmp_path: Path, block: str) -> Any:
    table = pa.table(
        {
            "id": ["x", "x", "y", "x"],
            "target": ["A", "A", "A", "B"],
            "rank": [1, 0, 0, 0],
            "score": [-7.0, -8.0, -6.0, -5.0],
            "molblock": [block, block, block, block],
        }
    )
    (tmp_path / "poses").mkdir()
    pq.write_table(table, tmp_path / "poses" / "p.parquet")
    campaign = SimpleNamespace(root=tmp_path, targets={"A": {}, "B": {"receptor": "gone.pdbqt"}})
    return SimpleNamespace(campaign=campaign)


def hit(pointer: str | None, target: str = "A") -> dict[str, Any]:
    return {"smiles": "CCO", "target": target, "pose": pointer, "final_pose": None, "docked_score": -8.0}


def test_a_hit_with_its_drawing_and_poses_best_first(moment: Any) -> None:
    found = describe(moment, hit("poses/p.parquet#0"))
    assert found["poses"] == [
        {"kind": "docked", "rank": 0, "score": -8.0},
        {"kind": "docked", "rank": 1, "score": -7.0},
    ]
    assert found["problems"] == [] and found["drawing"].startswith("<svg")
    assert found["hit"]["docked_score"] == -8.0
    assert describe(moment, hit(None))["poses"] == []


def test_a_damaged_pointer_is_a_problem_of_the_hit_not_an_error(moment: Any) -> None:
    for pointer, said in (
        ("poses/p.parquet#9", "does not lead to a pose"),
        ("poses/p.parquet#x", "does not lead to a pose"),
        ("poses/gone.parquet#0", "is missing"),
        ("../secret.parquet#0", "leads out of the campaign"),
        ("/etc/passwd#0", "leads out of the campaign"),
    ):
        found = describe(moment, hit(pointer))
        assert found["poses"] == [] and said in found["problems"][0], pointer
        with pytest.raises(FormatError, match=said):
            pose_of(moment, hit(pointer), "docked", 0)


def test_one_pose_is_found_by_its_rank(moment: Any, block: str) -> None:
    assert pose_of(moment, hit("poses/p.parquet#1"), "docked", 1) == {
        "rank": 1,
        "score": -7.0,
        "molblock": block,
    }
    with pytest.raises(InputError, match="no docked pose 3"):
        pose_of(moment, hit("poses/p.parquet#1"), "docked", 2)
    with pytest.raises(InputError, match="no final pose"):
        pose_of(moment, hit("poses/p.parquet#1"), "final", 0)
    with pytest.raises(InputError, match="no other pose"):
        pose_of(moment, hit("poses/p.parquet#1"), "other", 0)


def test_a_pose_is_shown_alone_where_the_receptor_cannot_be(moment: Any) -> None:
    found = scene(moment, hit("poses/p.parquet#1"), "docked", 0)
    assert (found["kind"], found["rank"], found["score"]) == ("docked", 0, -8.0)
    assert found["problem"] == "The campaign has no receptor file of this target."
    other = scene(moment, hit("poses/p.parquet#3", "B"), "docked", 0)
    assert other["score"] == -5.0
    assert other["problem"] == f"The receptor file {moment.campaign.root}/targets/B/gone.pdbqt is missing."
