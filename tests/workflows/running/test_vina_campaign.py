"""Real docking in a real campaign: killed, resumed, and its poses exported."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.store import read_json, read_table
from docksieve.workflows.campaign.campaign import open_campaign
from docksieve.workflows.hits.ask import failures, hits
from docksieve.workflows.running.submit import submit
from rdkit import Chem

pytestmark = [pytest.mark.slow, pytest.mark.alone]

CAMPAIGN = """\
[campaign]
name = "docked"
seed = 5

[library]
path = "{library}"

[targets.EGFR]
engine = "vina"
receptor = "dockstring:EGFR"
box_size = 20.0
search = {{ exhaustiveness = 2, max_evals = 1000 }}
final_search = {{ exhaustiveness = 4, max_evals = 2000 }}
final_conformers = 1

[targets.ESR1]
engine = "vina"
receptor = "dockstring:ESR1"
box_size = 20.0
search = {{ exhaustiveness = 2, max_evals = 1000 }}
final_search = {{ exhaustiveness = 4, max_evals = 2000 }}
final_conformers = 1

[start]
molecules = 24
method = "diverse"

[rounds]
count = 1
labels = 150
keep = 0.1
dock = 8

[final]
molecules = 3

[student]
width = 16
buckets = 256
epochs = 3

[run]
dock_batch = 6
threads = 1
"""


def test_a_docking_campaign_killed_twice_ends_with_the_same_hits_and_poses(
    small_inputs: Path, tmp_path: Path
) -> None:
    text = CAMPAIGN.format(library=small_inputs / "library")
    roots = []
    for name in ("straight", "killed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "campaign.toml").write_text(text)
        roots.append(tmp_path / name / "docked")
    straight = submit(tmp_path / "straight" / "campaign.toml", "inline")
    command = [sys.executable, "-m", "docksieve", "submit"]
    command.append(str(tmp_path / "killed" / "campaign.toml"))
    for receipts in (4, 13):
        driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while len(list((roots[1] / "receipts").rglob("*.json"))) < receipts:
            assert time.monotonic() < end and driver.poll() is None
            time.sleep(0.05)
        driver.kill()
        driver.wait()
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    first, second = (read_table(root / "hits" / "hits.parquet") for root in roots)
    assert first.equals(second)
    assert failures(straight).num_rows == 0

    for target in ("EGFR", "ESR1"):
        table = hits(straight, top=None, target=target)
        assert len(table) == 24 + 8
        assert len(table) - table["final_score"].null_count == 3
        assert set(table["pose"].to_pylist()) != {None}
    _poses_are_of_the_hits_and_in_the_box(straight.root, tmp_path)


def _poses_are_of_the_hits_and_in_the_box(root: Path, tmp_path: Path) -> None:
    sdf = tmp_path / "hits.sdf"
    command = [sys.executable, "-m", "docksieve", "hits", str(root), "--target", "EGFR"]
    subprocess.run([*command, "--top", "5", "--out", str(sdf)], check=True, capture_output=True)
    spec = open_campaign(root).targets["EGFR"]
    expected = hits(root, top=5, target="EGFR").to_pylist()
    supplier = list(Chem.SDMolSupplier(str(sdf), removeHs=False))
    assert [molecule.GetProp("_Name") for molecule in supplier] == [hit["id"] for hit in expected]
    for molecule, hit in zip(supplier, expected, strict=True):
        assert molecule.GetProp("structure") == ("final pose" if hit["final_score"] else "docked pose")
        flat = Chem.MolToSmiles(Chem.RemoveHs(molecule), isomericSmiles=False)
        assert flat == Chem.MolToSmiles(Chem.MolFromSmiles(hit["smiles"]), isomericSmiles=False)
        centre = molecule.GetConformer().GetPositions().mean(axis=0)
        box = np.asarray(spec["box"]["center"])
        assert (np.abs(centre - box) < 10.0).all()


def _refused(folder: Path, library: Path, ligand: str) -> str:
    """Return what the command says of a campaign that cannot go on, with these settings of its ligands."""
    text = CAMPAIGN.format(library=library).replace(
        "final_conformers = 1", f"final_conformers = 1\nligand = {{ {ligand} }}"
    )
    before, _, after = text.partition("[targets.ESR1]")
    text = before + after[after.index("[start]") :].replace("molecules = 24", "molecules = 18", 1)
    (folder / "campaign.toml").write_text(text)
    command = [sys.executable, "-m", "docksieve", "submit", str(folder / "campaign.toml"), "--site", "inline"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    return done.stderr


def test_all_dockings_failing_is_explained(small_inputs: Path, tmp_path: Path) -> None:
    """No molecule can be prepared in the time given: every failure has its code, and the campaign says so."""
    said = _refused(tmp_path, small_inputs / "library", "time_limit = 0.001")
    assert "18 dockings failed" in said and "hits CAMPAIGN --failed" in said
    receipt = read_json(next((tmp_path / "docked" / "receipts" / "round-00" / "dock").rglob("*.json")))
    assert sum(receipt["facts"]["failures"].values()) == receipt["counts"]["failed"] == 6


def test_limits_that_no_molecule_meets_are_refused_before_any_docking(
    small_inputs: Path, tmp_path: Path
) -> None:
    said = _refused(tmp_path, small_inputs / "library", "min_heavy_atoms = 90")
    assert "0 molecules of the library may be docked" in said and "fewer than 90 heavy atoms" in said
    assert not (tmp_path / "docked" / "receipts" / "round-00" / "dock").exists()
