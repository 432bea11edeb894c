"""A real receptor and a few ligands for tests that dock, with searches as small as the point allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docksieve.screening.docking.dock import (
    Ligand,
    SearchSettings,
    VinaTarget,
    dock_batch,
    freeze_target,
)

TINY = SearchSettings(exhaustiveness=2, max_evals=2_000)
SMALL_BOX = 14.0
"""Angstrom: its maps cost a third of those of 20."""


MOLECULES = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "phenethylamine": "NCCc1ccccc1",
    "no molecule": "garbage",
    "erlotinib": "C#Cc1cccc(Nc2ncnc3cc(OCCOC)c(OCCOC)cc23)c1",
    "quinazoline": "CN1CCC(CC1)Nc1ncnc2ccccc12",
}


IMATINIB = "Cc1ccc(cc1Nc1nccc(n1)-c1cccnc1)NC(=O)c1ccc(cc1)CN1CCN(C)CC1"


def ligands(*names: str) -> list[Ligand]:
    return [Ligand(None, name, MOLECULES[name]) for name in (names or MOLECULES)]


def target(**changes: Any) -> VinaTarget:
    return VinaTarget(**{"receptor": "dockstring:EGFR", "box_size": 20.0, "search": TINY, **changes})


def dock(spec: dict[str, Any], folder: Path, batch: list[Ligand], **kw: Any) -> Any:
    return dock_batch(spec, folder, "EGFR", batch, seed=7, pose_path="poses/a.parquet", **kw)


def one_failure(folder: Path, smiles: str, name: str = "other", **changes: Any) -> tuple[str, str]:
    spec = freeze_target(name, target(**{"box_size": SMALL_BOX, **changes}), folder, Path())
    rows = dock(spec, folder, [Ligand(3, "x", smiles), *ligands("phenethylamine")]).scores.to_pylist()
    assert rows[0]["score"] is None
    return rows[0]["failure"], rows[0]["message"]


CYCLOSPORIN = (
    "CC[C@H]1C(=O)N(CC(=O)N([C@H](C(=O)N[C@H](C(=O)N([C@H](C(=O)N[C@H](C(=O)N[C@@H](C(=O)N([C@H](C(=O)N([C@H]"
    "(C(=O)N([C@H](C(=O)N([C@H](C(=O)N1)[C@@H]([C@H](C)C/C=C/C)O)C)C(C)C)C)CC(C)C)C)CC(C)C)C)C)C)CC(C)C)C)C(C)C)"
    "CC(C)C)C)C"
)
