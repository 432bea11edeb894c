"""Poses in the report: drawn to scale without a mirror, with their figures and units, and damage is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.screening.poses.scene import pose_scene
from docksieve.workflows.report.best.picture import pose_picture
from docksieve.workflows.report.best.poses import best_pose, poses_part
from rdkit import Chem
from rdkit.Chem import AllChem

SMILES = "O=C(Nc1ccccc1)c1ccncc1"
SPEC = {"unit": "kcal/mol", "receptor": "r.pdbqt"}


def conformer(move: float = 0.0) -> Any:
    mol = Chem.AddHs(Chem.MolFromSmiles(SMILES))
    assert AllChem.EmbedMolecule(mol, randomSeed=7) == 0
    conf = mol.GetConformer()
    conf.SetPositions(conf.GetPositions() + np.array([move, 0, 0]))
    return mol


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A campaign with two poses of a molecule, 3 Å apart, and a receptor with an oxygen where it takes a hydrogen."""
    mols = [conformer(), conformer(3.0)]
    table = pa.table(
        {
            "id": ["x", "x"],
            "target": ["A", "A"],
            "rank": [1, 0],
            "score": [-7.5, -8.0],
            "molblock": [Chem.MolToMolBlock(mols[1]), Chem.MolToMolBlock(mols[0])],
        }
    )
    (tmp_path / "poses").mkdir()
    pq.write_table(table, tmp_path / "poses" / "p.parquet")
    at = mols[0].GetConformer().GetPositions()
    nitrogen = next(a for a in mols[0].GetAtoms() if a.GetSymbol() == "N" and a.GetTotalNumHs(True))
    proton = next(n.GetIdx() for n in nitrogen.GetNeighbors() if n.GetSymbol() == "H")
    there = at[nitrogen.GetIdx()] + 2.9 * (at[proton] - at[nitrogen.GetIdx()]) / np.linalg.norm(
        at[proton] - at[nitrogen.GetIdx()]
    )
    lines = [("O", "OA", there), ("C", "C ", there + np.array([0, 0, 1.23]))]
    lines.append(("CA", "C ", there + np.array([1.2, 0, 2.0])))
    text = "".join(
        f"ATOM  {serial:5d}  {name:<3s} MET A 769    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00     0.000 {kind}\n"
        for serial, (name, kind, (x, y, z)) in enumerate(lines, 1)
    )
    (tmp_path / "targets" / "A").mkdir(parents=True)
    (tmp_path / "targets" / "A" / "r.pdbqt").write_text(text)
    return tmp_path


def hit(pointer: str | None, final: str | None = None) -> dict[str, Any]:
    return {"rank": 3, "id": "<b>x</b>", "smiles": SMILES, "pose": pointer, "final_pose": final}


def test_the_best_pose_has_its_score_gap_distance_and_hydrogen_bond(root: Path) -> None:
    found = best_pose(root, "A", SPEC, hit("poses/p.parquet#0"))
    assert found is not None and found.problem == ""
    assert (found.kind, found.score, found.gap, found.poses) == ("docked", -8.0, 0.5, 2)
    assert found.rmsd == pytest.approx(3.0, abs=0.01)
    assert [contact["to"] for contact in found.scene["contacts"]] == ["MET 769 A O"]
    final = best_pose(root, "A", SPEC, hit(None, "poses/p.parquet#0"))
    assert final is not None and final.kind == "final"
    assert best_pose(root, "A", SPEC, hit(None)) is None


def test_the_part_says_figures_with_units_and_names_are_text(root: Path) -> None:
    page = "".join(poses_part(root, "A", SPEC, [hit("poses/p.parquet#0"), hit(None)]))
    assert page.count("<figure") == 1 and "<b>" not in page
    assert "Docking of the rounds: −8.00 kcal/mol." in page
    assert "Best of 2 poses; the second scores 0.50 kcal/mol worse, 3.0 Å away (RMSD)." in page
    assert "Possible hydrogen bonds: MET 769 A O 2.9 Å." in page and "Within 4 Å: MET 769." in page


def test_damage_is_said_and_the_others_are_drawn(root: Path) -> None:
    (root / "targets" / "A" / "r.pdbqt").unlink()
    page = "".join(poses_part(root, "A", SPEC, [hit("poses/gone.parquet#0"), hit("poses/p.parquet#0")]))
    assert "Not drawn: &lt;b&gt;x&lt;/b&gt;: The poses file" in page and "is missing" in page
    assert page.count("<figure") == 1 and "r.pdbqt is missing" in page
    assert poses_part(root, "A", SPEC, [hit(None)]) == []


def test_no_more_than_wanted_are_drawn(root: Path) -> None:
    page = "".join(poses_part(root, "A", SPEC, [hit("poses/p.parquet#0")] * 5, most=2))
    assert page.count("<figure") == 2 and "the 2 best molecules" in page


def ends(svg: str) -> list[tuple[float, float]]:
    """The positions of the ligand's atoms on the page: where its half bonds begin."""
    lines = [
        e for e in ElementTree.fromstring(svg).iter("line") if (e.get("class") or "").startswith("ligand")
    ]
    return [(float(e.get("x1", 0)), float(e.get("y1", 0))) for e in lines]


def test_a_picture_is_to_scale_the_same_each_time_and_however_the_pose_is_turned() -> None:
    mol = conformer()
    scene = pose_scene(Chem.MolToMolBlock(mol), None)
    svg = pose_picture(scene, "a pose")
    assert pose_picture(scene, "a pose") == svg
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == "a pose" and "5 Å" in [e.text for e in root.iter("text")]
    (bar,) = [e for e in root.iter("line") if e.get("class") == "axis"]
    scale = (float(bar.get("x2", 0)) - float(bar.get("x1", 0))) / 5
    across = np.ptp([x for x, _ in ends(svg)]) / scale
    heavy = mol.GetConformer().GetPositions()[[a.GetAtomicNum() > 1 for a in mol.GetAtoms()]]
    longest = max(np.linalg.norm(a - b) for a in heavy for b in heavy)
    assert 0.8 * longest < across < 1.05 * longest
    assert all(0 <= x <= 420 and 0 <= y <= 300 for x, y in ends(svg))


def test_a_picture_is_no_mirror_image() -> None:
    from docksieve.workflows.report.best.picture import _view

    rng = np.random.default_rng(3)
    for _ in range(20):
        turn = _view(rng.normal(size=(12, 3)), rng.normal(size=(30, 3)))
        assert np.linalg.det(turn) == pytest.approx(1.0)
        assert turn @ turn.T == pytest.approx(np.eye(3))


def test_a_picture_of_very_little_is_drawn_all_the_same() -> None:
    empty = {"atoms": [], "bonds": [], "residues": []}
    for atoms in ([], [["C", 0.0, 0.0, 0.0]], [["C", 0.0, 0.0, 0.0], ["O", 1.2, 0.0, 0.0]]):
        scene = {"ligand": {"atoms": atoms, "bonds": []}, "pocket": empty, "trace": [], "contacts": []}
        assert ElementTree.fromstring(pose_picture(scene, "little")).tag == "svg"
