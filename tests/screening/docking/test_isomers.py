"""Molecules with stereo groups: each isomer is docked, the best is kept, and that is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from docksieve.data.molecules.stereo_groups import isomers_of_groups
from docksieve.screening.docking.command_output import CommandOutput
from docksieve.screening.docking.dock import CommandTarget, Ligand, dock_batch, freeze_target
from docksieve.screening.docking.engine import BatchNotes, DockingOutcome
from docksieve.screening.docking.failures import FailureCode
from docksieve.screening.docking.isomers import MOST_ISOMERS, Isomers

TWO = Ligand(1, "b", "C[C@H](O)c1ccccc1", "|&1:1|")
FOUR = Ligand(2, "c", "C[C@H](O)c1ccccc1[C@H](N)CF", "|&1:1,o1:9|")


def test_isomers_stand_in_for_their_molecule() -> None:
    isomers = Isomers([Ligand(0, "a", "CCO"), TWO, FOUR])
    assert isomers.any
    assert [(ligand.id, ligand.stereo_groups) for ligand in isomers.ligands] == [
        *[("a", None)],
        *[("b", None)] * 2,
        *[("c", None)] * 4,
    ]
    assert len({ligand.smiles for ligand in isomers.ligands}) == 7
    assert not Isomers([Ligand(0, "a", "CCO")]).any


def test_centres_of_a_group_change_together_and_not_without_end() -> None:
    both = isomers_of_groups("C[C@H](O)c1ccccc1[C@H](N)CF", "|&1:1,9|", 16)
    assert both == ["C[C@@H](O)c1ccccc1[C@@H](N)CF", "C[C@H](O)c1ccccc1[C@H](N)CF"]
    many = "C[C@H](F)" + "[C@H](F)" * 6 + "CC"
    groups = "|" + ",".join(f"&{n}:{2 * n - 1 if n > 1 else 1}" for n in range(1, 8)) + "|"
    assert len(isomers_of_groups(many, groups, MOST_ISOMERS)) == MOST_ISOMERS
    assert isomers_of_groups("CCO", "|&1:1|", 16) == ["CCO"]


def test_the_best_isomer_counts_and_says_so() -> None:
    isomers = Isomers([Ligand(0, "a", "CCO"), TWO, FOUR])
    failed = DockingOutcome(failure=FailureCode.EMBED, message="no conformer", seconds=1.0)
    scores = [-5.0, -6.0, -7.0]
    outcomes = [*(DockingOutcome(score, state=str(score), seconds=1.0) for score in scores), *[failed] * 3]
    outcomes.append(DockingOutcome(-4.0, state="last", seconds=1.0))
    plain, two, four = isomers.best(outcomes, lower_is_better=True)
    assert (plain.score, plain.message) == (-5.0, "")
    assert (two.score, two.state, two.seconds) == (-7.0, "-7.0", 2.0)
    assert two.message == "the best of 2 isomers that its stereo groups stand for"
    assert (four.score, four.seconds) == (-4.0, 4.0)
    assert four.message == "the best of 1 isomer that its stereo groups stand for; 3 have no score"
    assert isomers.best(outcomes, lower_is_better=False)[1].score == -6.0
    (lost,) = Isomers([TWO]).best([failed, failed], True)
    assert lost.failure == FailureCode.EMBED and lost.message == "no conformer"


def test_progress_counts_molecules_not_isomers() -> None:
    done: list[int] = []
    notes = BatchNotes(molecule_done=lambda: done.append(1))
    isomers = Isomers([TWO, Ligand(0, "a", "CCO"), FOUR])
    each = isomers.notes(notes)
    for expected in (0, 1, 2, 2, 2, 2, 3):
        each.ended()
        assert len(done) == expected
    assert notes.told == 3


@pytest.mark.parametrize("mode", ["single", "batch"])
def test_a_program_docks_every_isomer(tmp_path: Path, mode: str) -> None:
    """It scores ``@@`` better than ``@``; the row keeps SMILES and groups of the library, and the state of the best."""
    script = tmp_path / "dock.py"
    script.write_text(
        "import sys\nfor line in open(sys.argv[1]):\n"
        "    smiles, name = line.split()\n    print(name, '=', -float(5 + smiles.count('@@')))\n"
    )
    output = CommandOutput("regex", pattern=r"^(?P<name>\S+) = (?P<score>\S+)")
    settings = CommandTarget(
        (sys.executable, str(script), "{ligand}"), "au", True, output, version="1", mode=mode, ligand_format="smi"
    )  # fmt: skip
    spec = freeze_target("T", settings, tmp_path / "frozen", tmp_path)
    docked = []
    batch = dock_batch(
        spec,
        tmp_path / "frozen",
        "T",
        [Ligand(0, "a", "CCO"), TWO, FOUR],
        7,
        "p",
        molecule_done=lambda: docked.append(1),
    )
    rows = batch.scores.to_pylist()
    assert [row["score"] for row in rows] == [-5.0, -6.0, -7.0]
    assert [row["smiles"] for row in rows] == ["CCO", TWO.smiles, FOUR.smiles]
    assert [row["stereo_groups"] for row in rows] == [None, "|&1:1|", "|&1:1,o1:9|"]
    assert rows[2]["state"] == "C[C@@H](O)c1ccccc1[C@@H](N)CF"
    assert rows[2]["message"] == "the best of 4 isomers that its stereo groups stand for"
    assert batch.counts["docked"] == len(docked) == 3
