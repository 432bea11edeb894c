"""Imported scores against what is known, on real tables: honest ones pass, foreign ones are noticed.

The teacher's predictions are scores of the table with an error as large as that of a teacher of 300 molecules (0.47 of
kcal/mol where the scores vary by 0.86), so that many draws take seconds; ``benchmarks/imported_scores.py`` has trained
teachers.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from docksieve.workflows.retraining.agreement import Agreement, Known, agreement

pytestmark = pytest.mark.shared
ERROR = 0.55
"""Of a teacher, in standard deviations of the scores."""


@pytest.fixture(scope="module")
def kinases(shared_data: Path) -> np.ndarray:
    """Scores of the same molecules for JAK2 and for LCK, shape (n, 2)."""
    columns = []
    for name in ("JAK2", "LCK"):
        path = shared_data / "scores" / f"dockstring_zinc15k_{name}_vina.tsv.gz"
        if not path.is_file():
            pytest.skip(f"{path} is not there")
        with gzip.open(path, "rt") as handle:
            rows = [row for row in csv.reader(handle, delimiter="\t") if len(row) > 2]
        columns.append({row[1]: float(row[2]) for row in rows if row[2]})
    both = sorted(set(columns[0]) & set(columns[1]))
    return np.array([[column[text] for column in columns] for text in both])


@pytest.fixture(scope="module")
def dock(shared_data: Path) -> np.ndarray:
    """Scores of another program, DOCK 3.7, from -74 to 0."""
    path = shared_data / "scores" / "brutal_dock_D4_zinc15_9.6k_dock37.parquet"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return pq.read_table(path)["dockscore"].to_numpy().astype(float)


def _judge(table: np.ndarray, imported: np.ndarray, truth: np.ndarray, draw: int, overlap: bool) -> Agreement:
    """Compare ``imported`` with a campaign that docked 300 molecules of ``table``.

    ``truth`` are the campaign's scores of the imported molecules: its own with ``overlap``, else only predicted.
    """
    generator = np.random.default_rng([draw, 7])
    docked = generator.choice(table, 300, replace=False)
    error, nothing = ERROR * float(np.std(table)), np.full(len(imported), np.nan)
    shrunk = table.mean() + (truth - table.mean()) * (1 - ERROR**2)  # as regression has it
    mean = shrunk + error * np.sqrt(1 - ERROR**2) * generator.normal(size=len(truth))
    known = Known(
        truth if overlap else nothing,
        nothing if overlap else mean,
        nothing if overlap else np.full(len(truth), error),
        imported,
        docked,
        error,
    )
    return agreement(imported, known, True, "JAK2")


def _rules(found: Agreement) -> set[str]:
    return {f"{item.rule}/{item.level}" for item in found.findings}


def _rate(results: list[Agreement], rule: str | None = None) -> float:
    return float(np.mean([bool(_rules(item)) if rule is None else rule in _rules(item) for item in results]))


def _drawn(size: int, draw: int, count: int) -> np.ndarray:
    return np.random.default_rng([draw, size]).choice(count, size, replace=False)


@pytest.mark.parametrize("choice", ["random 30", "random 500", "best 100", "worst 100", "best predicted 100"])
def test_honest_scores_pass_however_they_were_chosen(
    choice: str, kinases: np.ndarray, dock: np.ndarray
) -> None:
    results = []
    tables = (kinases[:, 0],) if choice.startswith("worst") else (kinases[:, 0], dock)
    for table in tables:
        for draw in range(40):
            pool = table[_drawn(3000, draw, len(table))]
            size = int(choice.split()[-1])
            if choice.startswith("random"):
                mine = pool[:size]
            elif choice.startswith("best predicted"):
                noise = np.random.default_rng(draw).normal(size=len(pool)) * ERROR * np.std(table)
                mine = pool[np.argsort(pool + noise)[:size]]
            else:
                mine = np.sort(pool if choice.startswith("best") else -pool)[:size]
                mine = mine if choice.startswith("best") else -mine
            results.append(_judge(table, mine, mine, draw, overlap=False))
    assert _rate(results) <= 0.025, [_rules(item) for item in results if item.findings]


@pytest.mark.parametrize("noise", [0.45, 0.74])
@pytest.mark.parametrize("size", [20, 100, 300])
def test_molecules_docked_again_with_other_seeds_and_conformers_pass(
    noise: float, size: int, kinases: np.ndarray
) -> None:
    """Two Vina runs differ by 0.45 kcal/mol with another search seed, by 0.74 with another conformer too."""
    results = []
    for draw in range(60):
        own = kinases[_drawn(size, draw, len(kinases)), 0]
        again = own + noise * np.random.default_rng(draw).standard_t(5, size) * np.sqrt(3 / 5)
        results.append(_judge(kinases[:, 0], again, own, draw, overlap=True))
    assert _rate(results) <= 0.02


def test_a_little_more_search_effort_passes(kinases: np.ndarray) -> None:
    own = kinases[_drawn(200, 1, len(kinases)), 0]
    assert not _judge(kinases[:, 0], own + 0.15, own, 1, overlap=True).findings


def test_another_kinase_is_noticed_by_what_was_docked_twice(kinases: np.ndarray) -> None:
    """LCK ranks molecules much as JAK2 does (0.79) and is hardly off (0.35 kcal/mol)."""
    results = []
    for draw in range(40):
        rows = _drawn(200, draw, len(kinases))
        results.append(_judge(kinases[:, 0], kinases[rows, 1], kinases[rows, 0], draw, overlap=True))
    assert _rate(results, "offset/warn") >= 0.85
    one = results[0]
    assert 0.6 < one.docked_rank < 0.95 and 0.6 < one.docked_slope < 1.1 and one.docked_offset > 0.2
    (finding,) = one.findings
    assert (
        "Of 200 molecules that the campaign has docked itself" in finding.words
        and "[teacher] sources" in finding.cure
    )


@pytest.mark.parametrize(
    ("size", "overlap", "rule"), [(500, False, "unrelated/warn"), (100, True, "docked/refuse")]
)
def test_scores_in_the_wrong_lines_are_noticed(
    size: int, overlap: bool, rule: str, kinases: np.ndarray
) -> None:
    results = []
    for draw in range(40):
        own = kinases[_drawn(size, draw, len(kinases)), 0]
        mixed = np.random.default_rng(draw).permutation(own)
        results.append(_judge(kinases[:, 0], mixed, own, draw, overlap))
    assert _rate(results, rule) >= 0.95


def test_scores_of_four_to_seven_are_refused_by_a_target_of_minus_eleven_to_minus_four(
    kinases: np.ndarray,
) -> None:
    for draw in range(40):
        own = kinases[_drawn(50, draw, len(kinases)), 0]
        affinities = np.random.default_rng(draw).uniform(4, 7, 50)
        found = _judge(kinases[:, 0], affinities, own, draw, overlap=False)
        assert _rules(found) in ({"range/refuse"}, {"sign/refuse"})
    (finding,) = _judge(kinases[:, 0], affinities[:10], own[:10], 1, overlap=False).findings
    assert "they are 4" in finding.words and "--higher-is-better" in finding.cure


def test_another_sign_is_told_from_another_scale(kinases: np.ndarray, dock: np.ndarray) -> None:
    own = kinases[_drawn(100, 3, len(kinases)), 0]
    (finding,) = _judge(kinases[:, 0], -own, own, 3, overlap=False).findings
    assert finding.rule == "sign" and "--higher-is-better" in finding.cure
    foreign = dock[_drawn(500, 3, len(dock))]
    (finding,) = _judge(kinases[:, 0], foreign, kinases[:500, 0], 3, overlap=False).findings
    assert (finding.rule, finding.level) == ("range", "refuse") and "[teacher] sources" in finding.cure
    vina = kinases[_drawn(500, 3, len(kinases)), 0]
    rules = _rules(_judge(dock, vina, dock[_drawn(500, 4, len(dock))], 3, overlap=False))
    assert rules & {"scale/warn", "unrelated/warn"}, "Vina's -11 to -4 lies within DOCK's -74 to 0"


def test_a_few_molecules_prove_nothing(kinases: np.ndarray) -> None:
    own = kinases[:19, 0]
    found = _judge(kinases[:, 0], np.sort(own), own, 1, overlap=True)
    assert not found.findings and found.docked == 19 and np.isnan(found.docked_rank)
    assert found.to_json()["docked_rank"] is None
