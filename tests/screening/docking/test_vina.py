"""The vina engine against a real receptor: every test docks, with searches as small as the point allows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.errors import DockingError
from docksieve.data.schema import POSES_SCHEMA, SCORES_SCHEMA
from docksieve.screening.docking import vina_process
from docksieve.screening.docking.dock import (
    Box,
    Ligand,
    LigandSettings,
    dock_batch,
    freeze_target,
)
from rdkit import Chem

from .vina_targets import MOLECULES, SMALL_BOX, TINY, dock, ligands, target


def test_frozen_target_is_json_with_relative_paths(spec: dict[str, Any], folder: Path) -> None:
    assert json.loads(json.dumps(spec)) == spec
    assert (folder / spec["receptor"]).is_file()
    assert not Path(spec["receptor"]).is_absolute()
    assert (spec["unit"], spec["lower_is_better"], spec["engine"]) == ("kcal/mol", True, "vina")
    assert spec["box"]["size"] == [20.0, 20.0, 20.0]
    # dockstring's own centre, from its EGFR configuration file
    assert spec["box"]["center"] == [16.837, 35.647, 91.071]


@pytest.mark.slow
def test_one_row_per_ligand_in_order_and_failures_are_rows(spec: dict[str, Any], folder: Path) -> None:
    batch = dock(spec, folder, ligands())
    assert batch.scores.schema.equals(SCORES_SCHEMA)
    assert batch.poses.schema.equals(POSES_SCHEMA)
    rows = batch.scores.to_pylist()
    assert [row["id"] for row in rows] == list(MOLECULES)
    assert [row["failure"] for row in rows] == [None, None, "parse", None, None]
    assert batch.counts["docked"] == 4 and batch.counts["failed"] == 1
    for row in rows:
        assert (row["score"] is None) == (row["failure"] is not None) == (row["pose"] is None)
        assert json.loads(row["settings"])["receptor_sha256"] == spec["receptor_sha256"]
    assert -15 < rows[3]["score"] < -4


def test_pose_pointers_lead_to_the_molecules_own_pose_inside_the_box(
    spec: dict[str, Any], folder: Path
) -> None:
    batch = dock(spec, folder, ligands())
    poses = batch.poses.to_pylist()
    box = Box.from_json(spec["box"])
    for row in batch.scores.to_pylist():
        if row["failure"]:
            continue
        path, _, number = row["pose"].partition("#")
        pose = poses[int(number)]
        assert path == "poses/a.parquet"
        assert (pose["id"], pose["rank"]) == (row["id"], 0)
        assert pose["score"] == pytest.approx(row["score"], abs=0.001)
        mol = Chem.MolFromMolBlock(pose["molblock"], removeHs=False)
        # The bonds, charges, stereo and hydrogens of the state that was docked.
        assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == row["state"]
        assert Chem.AddHs(mol).GetNumAtoms() == mol.GetNumAtoms()
        heavy = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1]
        assert box.contains(mol.GetConformer().GetPositions()[heavy], margin=0.1).all()


@pytest.mark.slow
def test_scores_depend_neither_on_order_nor_on_batch(spec: dict[str, Any], folder: Path) -> None:
    forward = dock(spec, folder, ligands()).scores.to_pylist()
    backward = dock(spec, folder, ligands()[::-1]).scores.to_pylist()[::-1]
    vina_process.close_children()
    alone = [dock(spec, folder, [ligand]).scores.to_pylist()[0] for ligand in ligands()]
    for field in ("score", "state", "failure", "conformer_seed", "search_seed"):
        assert [r[field] for r in forward] == [r[field] for r in backward] == [r[field] for r in alone]


@pytest.mark.slow
def test_another_campaign_seed_gives_another_search(spec: dict[str, Any], folder: Path) -> None:
    first = dock(spec, folder, ligands("erlotinib")).scores.to_pylist()[0]
    other = dock_batch(spec, folder, "EGFR", ligands("erlotinib"), 8, "p").scores.to_pylist()[0]
    assert first["conformer_seed"] != other["conformer_seed"]
    assert first["search_seed"] != other["search_seed"]
    assert first["score"] != other["score"]


BARE = """
import json, sys
from vina import Vina
from docksieve.screening.docking.ligand import embed, parse_ligand, to_pdbqt
from docksieve.screening.docking.ligand_settings import LigandSettings
job = json.load(open(sys.argv[1]))
v = Vina(sf_name="vina", cpu=1, seed=job["search_seed"], verbosity=0)
v.set_receptor(job["receptor"])
v.compute_vina_maps(job["box"]["center"], job["box"]["size"])
scores = []
for smiles, seed in job["ligands"]:
    settings = LigandSettings()
    state = embed(parse_ligand(smiles, settings), seed, 1, settings)
    v.set_ligand_from_string(to_pdbqt(state, 0, settings))
    v.dock(exhaustiveness=2, n_poses=9, max_evals=2000)
    scores.append(float(v.energies(n_poses=1)[0][0]))
json.dump(scores, open(sys.argv[2], "w"))
"""


@pytest.mark.slow
def test_scores_are_those_of_a_bare_vina_run_with_the_same_seeds(
    spec: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    rows = dock(spec, folder, ligands("aspirin", "erlotinib", "quinazoline")).scores.to_pylist()
    job = {
        "search_seed": rows[0]["search_seed"],
        "receptor": str(folder / spec["receptor"]),
        "box": spec["box"],
        "ligands": [[row["smiles"], row["conformer_seed"]] for row in rows],
    }
    (tmp_path / "job.json").write_text(json.dumps(job))
    command = [sys.executable, "-c", BARE, str(tmp_path / "job.json"), str(tmp_path / "scores.json")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert json.loads((tmp_path / "scores.json").read_text()) == [row["score"] for row in rows]


def test_an_altered_receptor_is_refused(tmp_path: Path) -> None:
    spec = freeze_target("EGFR", target(), tmp_path, Path())
    path = tmp_path / spec["receptor"]
    path.write_bytes(path.read_bytes().replace(b"16.8", b"16.9", 1))
    with pytest.raises(DockingError, match="altered"):
        dock(spec, tmp_path, ligands("aspirin"))


def test_another_version_than_the_campaigns_is_refused(spec: dict[str, Any], folder: Path) -> None:
    with pytest.raises(DockingError, match=r"1\.2\.5"):
        dock({**spec, "engine_version": "1.2.5"}, folder, ligands("aspirin"))


@pytest.mark.slow
def test_final_docking_uses_several_conformers_and_keeps_several_poses(folder: Path) -> None:
    spec = freeze_target(
        "final", target(final_search=TINY, final_conformers=3, final_poses=4), folder, Path()
    )
    screen = dock(spec, folder, ligands("erlotinib"))
    final = dock(spec, folder, ligands("erlotinib"), protocol="final")
    assert screen.poses.num_rows == 1
    assert final.poses.num_rows == 4
    scores = final.poses["score"].to_pylist()
    assert scores == sorted(scores)
    assert final.scores["score"][0].as_py() <= screen.scores["score"][0].as_py()
    assert json.loads(final.scores["settings"][0].as_py())["protocol"] == "final"


@pytest.mark.slow
def test_stereoisomers_are_docked_and_the_best_is_recorded(folder: Path) -> None:
    smiles = "CC(F)C(Cl)c1ccccc1"
    spec = freeze_target(
        "stereo", target(ligand=LigandSettings(stereoisomers=4), box_size=SMALL_BOX), folder, Path()
    )
    best = dock(spec, folder, [Ligand(None, "x", smiles)]).scores.to_pylist()[0]
    assert best["state"].count("@") >= 2
    plain = freeze_target("stereo", target(box_size=SMALL_BOX), folder, Path())
    again = dock(plain, folder, [Ligand(None, "x", best["state"])]).scores.to_pylist()[0]
    assert again["state"] == best["state"]  # a state that is given is the state that is docked


@pytest.mark.slow
def test_without_a_choice_the_embedded_stereoisomer_is_recorded(spec: dict[str, Any], folder: Path) -> None:
    row = dock(spec, folder, [Ligand(None, "x", "CC(F)C(Cl)c1ccccc1")]).scores.to_pylist()[0]
    assert Chem.FindMolChiralCenters(Chem.MolFromSmiles(row["state"]), includeUnassigned=True) == [
        (number, letter)
        for number, letter in Chem.FindMolChiralCenters(Chem.MolFromSmiles(row["state"]))
        if letter in "RS"
    ]


@pytest.mark.slow
def test_protonation_is_optional_and_recorded(folder: Path) -> None:
    asked = freeze_target(
        "ph", target(ligand=LigandSettings(protonate=True), box_size=SMALL_BOX), folder, Path()
    )
    row = dock(asked, folder, [Ligand(None, "x", "NCCc1ccccc1")]).scores.to_pylist()[0]
    assert row["state"] == "[NH3+]CCc1ccccc1"
