"""Tuning: what counts as good is computed as stated, and a small ladder runs end to end."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import DockingError, InputError
from docksieve.screening.docking import tune as tuning
from docksieve.screening.docking.dock import DockingOutcome, FailureCode, SearchSettings, VinaTarget
from docksieve.screening.docking.tune import LIGANDS, QUICK, TuneProgress, read_ligands, tune
from rdkit import Chem

STANDARD_A = np.array([-7.0, -8.0, -6.0, -9.0, -5.0])
STANDARD_B = STANDARD_A + np.array([0.1, -0.1, 0.0, 0.1, -0.1])


def rung(scores: np.ndarray) -> tuning.Rung:
    search = SearchSettings()
    noise = tuning._rung("again", search, 1.0, STANDARD_B, (STANDARD_A,), None)
    return tuning._rung("x", search, 1.0, scores, (STANDARD_A, STANDARD_B), noise)


def test_gap_interval_and_agreement() -> None:
    middle = (STANDARD_A + STANDARD_B) / 2
    worse = rung(middle + np.array([0.2, 0.4, 0.3, 0.2, 0.4]))
    assert worse.gap == pytest.approx(0.3)
    # Student's t with 4 degrees of freedom (2.776) times 0.1 / sqrt(5)
    assert worse.gap_high - worse.gap == pytest.approx(2.776 * 0.1 / np.sqrt(5), abs=1e-3)
    assert not worse.good
    better = rung(middle - 0.2)
    assert better.gap == pytest.approx(-0.2) and better.good
    shuffled = rung(middle[::-1].copy())
    assert shuffled.gap == pytest.approx(0.0) and not shuffled.good  # right in the mean, useless for ranking


def test_the_built_in_ligands_are_drug_like_and_distinct() -> None:
    mols = {name: Chem.MolFromSmiles(smiles) for name, smiles in LIGANDS.items()}
    assert len({Chem.MolToSmiles(mol) for mol in mols.values()}) == 12
    sizes = [mol.GetNumHeavyAtoms() for mol in mols.values()]
    assert min(sizes) >= 13 and max(sizes) <= 40
    assert set(QUICK) <= set(LIGANDS)


def test_ligand_files_are_read_with_their_names(tmp_path: Path) -> None:
    path = tmp_path / "a.smi"
    path.write_text("# ours\nCCO ethanol\n\nCCN\n")
    assert read_ligands(path) == {"ethanol": "CCO", "line 4": "CCN"}
    path.write_text("CCO x\nCCN x\n")
    with pytest.raises(InputError, match="line 2"):
        read_ligands(path)
    path.write_text("\n")
    with pytest.raises(InputError, match="no molecules"):
        read_ligands(path)


def test_the_time_left_follows_what_dockings_take() -> None:
    searches = {tuning.STANDARD: SearchSettings(8, 100_000), "half": SearchSettings(4, 100_000)}
    watched = tuning._Watched(searches, dict.fromkeys("abcd", "C"), workers=2)
    first = watched.now()
    assert first.seconds_left == pytest.approx(4 * 1_200_000 * tuning.SECONDS_PER_EVALUATION / 2)
    now = watched.now(tuning.STANDARD, "a", DockingOutcome(score=-7.0, seconds=10.0, cpu_seconds=9.0))
    # Three more of 10 s and four of half the effort, on two workers.
    assert (now.done, now.total, now.seconds_left) == (1, 8, pytest.approx((3 * 10.0 + 4 * 5.0) / 2))
    for ligand in "bcd":
        now = watched.now(tuning.STANDARD, ligand, DockingOutcome(score=-7.0, seconds=10.0, cpu_seconds=9.0))
    assert now.so_far == f"{tuning.STANDARD}: 4 of 4 ligands docked, 9.00 CPU s each"
    now = watched.now("half", "a", DockingOutcome(score=-6.5, seconds=2.0, cpu_seconds=2.0))
    assert now.seconds_left == pytest.approx(3 * 2.0 / 2)  # now by its own
    for ligand, score in zip("bc", (-6.5, -6.8), strict=True):
        watched.now("half", ligand, DockingOutcome(score=score, seconds=2.0, cpu_seconds=2.0))
    now = watched.now("half", "d", DockingOutcome(failure=FailureCode.EMBED, message="-", seconds=1.0))
    assert (now.done, now.seconds_left) == (8, 0.0)
    assert (
        now.so_far == "half: 3 of 4 ligands docked, 2.00 CPU s each, mean gap to the standard +0.40 kcal/mol"
    )


@pytest.mark.slow
def test_a_small_ladder_runs_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tuning.SEARCHES, "standard", SearchSettings(16, 20_000))
    ligands = {name: LIGANDS[name] for name in ("aspirin", "caffeine", "ibuprofen", "diazepam")}
    ladder = {"tiny": SearchSettings(1, 100), "small": SearchSettings(16, 10_000)}
    target = VinaTarget(receptor="dockstring:EGFR", box_size=18.0)
    seen: list[TuneProgress] = []
    result = tune(target, tmp_path, Path(), {**ligands, "none": "X"}, ladder, 1, 2, seen.append)
    assert set(result.ligands) == set(ligands)
    assert len(result.failures) == 4 and all("parse" in text for text in result.failures.values())
    assert [(now.done, now.total) for now in seen] == [(n, 20) for n in range(21)]
    assert seen[0].seconds_left > 0 and seen[-1].seconds_left == 0.0
    assert sorted(now.so_far.partition(":")[0] for now in seen if now.so_far) == sorted(
        [tuning.STANDARD, tuning.REPEAT, "tiny", "small"]
    )
    (tiny,) = [now.so_far for now in seen if now.so_far.startswith("tiny")]
    assert (
        f"mean gap to the standard {result.rungs[0].gap:+.2f} kcal/mol" in tiny and "4 of 5 ligands" in tiny
    )
    assert [r.name for r in result.rungs] == ["tiny", "small"]  # cheapest first
    assert result.rungs[0].gap > result.rungs[1].gap - 0.5
    snippet = tomllib.loads(result.to_toml())
    assert set(snippet["search"]) == {"exhaustiveness", "max_evals"}
    # Pasted into a target that names its receptor and box, it is still TOML.
    target_file = '[targets.EGFR]\nengine = "vina"\nreceptor = "dockstring:EGFR"\nbox_size = 18.0\n'
    pasted = tomllib.loads(target_file + result.to_toml())["targets"]["EGFR"]
    assert set(pasted) == {"engine", "receptor", "box_size", "search"}
    assert '#   receptor = "dockstring:EGFR"' in result.to_toml() and "[18.0, 18.0, 18.0]" in result.to_toml()
    again = tune(target, tmp_path, Path(), ligands, ladder, 1, 1)
    assert [r.gap for r in again.rungs] == [r.gap for r in result.rungs]


@pytest.mark.slow
def test_too_few_ligands_are_refused(tmp_path: Path) -> None:
    target = VinaTarget(receptor="dockstring:EGFR", box_size=18.0)
    with pytest.raises(DockingError, match="at least 4"):
        tune(target, tmp_path, Path(), {"a": "X"}, {}, 1, 1)
