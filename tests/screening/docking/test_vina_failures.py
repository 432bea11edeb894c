"""What Vina cannot dock is a row that names the reason, within its time limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from docksieve.screening.docking.dock import (
    Box,
    FailureCode,
    Ligand,
    LigandSettings,
    SearchSettings,
    freeze_target,
)

from .vina_targets import CYCLOSPORIN, IMATINIB, dock, one_failure, target


@pytest.mark.parametrize(
    ("smiles", "code"),
    [
        ("", FailureCode.PARSE),
        ("CC(C)(C)(C)C", FailureCode.PARSE),
        ("O", FailureCode.TOO_SMALL),
        ("[Na+].[Cl-]", FailureCode.TOO_SMALL),
        ("NCCc1ccccc1.OCCc1ccccc1", FailureCode.FRAGMENTS),
        ("OB(O)c1ccccc1", FailureCode.UNSUPPORTED_ELEMENT),
        ("C[Si](C)(C)c1ccccc1", FailureCode.UNSUPPORTED_ELEMENT),
        ("[NH3][Pt]([NH3])(Cl)Cl", FailureCode.UNSUPPORTED_ELEMENT),
        ("CC(=O)Nc1ccc([O])cc1", FailureCode.RADICAL),
        ("C" * 24 + "C(=O)O", FailureCode.TOO_FLEXIBLE),
        ("C" * 120, FailureCode.TOO_LARGE),
        ("CC1(C)[C@@H]2CC[C@]1(C)C(=O)C2", FailureCode.EMBED),  # camphor with its bridge inside out
    ],
)
def test_what_cannot_be_docked_is_named(spec: dict[str, Any], folder: Path, smiles: str, code: str) -> None:
    row = dock(spec, folder, [Ligand(5, "x; rm -rf /", smiles)]).scores.to_pylist()[0]
    assert row["failure"] == code
    assert row["score"] is None and row["message"] and row["row"] == 5
    assert row["id"] == "x; rm -rf /"


@pytest.mark.slow
def test_cyclosporin_is_too_flexible_although_its_ring_hides_it(spec: dict[str, Any], folder: Path) -> None:
    row = dock(spec, folder, [Ligand(None, "cyclosporin", CYCLOSPORIN)]).scores.to_pylist()[0]
    assert row["failure"] == "too_flexible"


def test_boron_that_is_allowed_fails_in_the_engine_and_the_next_ligand_docks(folder: Path) -> None:
    elements = (*LigandSettings().elements, "B")
    code, message = one_failure(folder, "OB(O)c1ccccc1CCC", ligand=LigandSettings(elements=elements))
    assert code == "engine_failed"
    assert "B" in message and "\n" not in message


def test_atoms_without_a_type_fail_in_preparation(folder: Path) -> None:
    elements = (*LigandSettings().elements, "Se")
    code, _ = one_failure(folder, "c1ccc([Se]c2ccccc2)cc1", ligand=LigandSettings(elements=elements))
    assert code == "preparation"


@pytest.mark.slow
def test_a_box_smaller_than_the_ligand_is_a_failure_not_a_score(folder: Path) -> None:
    code, message = one_failure(folder, IMATINIB, "small", box_size=5.0)
    assert code == "box_too_small"
    assert "5 x 5 x 5" in message


def test_a_box_inside_the_protein_gives_bad_scores_not_numbers(folder: Path) -> None:
    inside = Box((2.992, 37.638, 108.152), (24.0, 24.0, 24.0))
    spec = freeze_target("inside", target(box=inside, box_size=4.0), folder, Path())
    row = dock(spec, folder, [Ligand(None, "x", "c1ccc2ccccc2c1")]).scores.to_pylist()[0]
    assert row["failure"] in ("bad_score", "box_too_small")


@pytest.mark.slow
def test_the_search_has_a_time_limit_that_works(folder: Path) -> None:
    long = SearchSettings(exhaustiveness=64, max_evals=0)
    spec = freeze_target("long", target(search=long, time_limit=0.5), folder, Path())
    batch = dock(spec, folder, [Ligand(None, "x", IMATINIB), Ligand(None, "y", "no")])
    rows = batch.scores.to_pylist()
    assert [row["failure"] for row in rows] == ["timeout", "parse"]
    assert batch.counts["restarts"] == 1
    assert batch.counts["crashes"] == 0  # a deadline is not a crash, and is not tried again


@pytest.mark.slow
def test_preparation_has_a_time_limit_that_works(folder: Path) -> None:
    hard = LigandSettings(time_limit=0.2, max_torsions=32)
    code, _ = one_failure(folder, CYCLOSPORIN, "hard", ligand=hard)
    assert code == "embed_timeout"
