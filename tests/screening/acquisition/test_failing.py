"""A model of dockings that fail: silent without evidence, right with it, and worth something in a batch."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from docksieve.screening.acquisition.failing import LEAST, learn_failures
from docksieve.screening.acquisition.functions import AcquisitionContext, discounted
from docksieve.screening.acquisition.stream import AcquisitionStream
from rdkit import Chem

PATTERN = Chem.MolFromSmarts("c1ccsc1")


@pytest.fixture(scope="module")
def failing(amides: list[str]) -> np.ndarray:
    """Nine of ten thiophenes fail, and two of a hundred others."""
    has = np.array([Chem.MolFromSmiles(text).HasSubstructMatch(PATTERN) for text in amides])
    return np.random.default_rng(1).random(len(amides)) < np.where(has, 0.9, 0.02)


@pytest.mark.slow
def test_few_failures_and_failures_by_chance_teach_nothing(amides: list[str]) -> None:
    few = learn_failures(amides[:200], np.arange(200) < 5, 1)
    assert not few.used and np.all(few.chance(amides[:3]) == 1)
    assert (few.evidence.scored, few.evidence.failed) == (195, 5) and few.evidence.to_json()["gain"] is None
    used = [
        learn_failures(amides[:300], np.random.default_rng(seed).random(300) < 0.1, seed).used
        for seed in range(10)
    ]
    assert sum(used) <= 1, "chance is taken for a rule no more often than two standard errors allow"


def test_what_fails_is_learnt_with_probabilities_that_come_true(
    amides: list[str], failing: np.ndarray
) -> None:
    model = learn_failures(amides[:400], failing[:400], 1)
    assert model.used and model.evidence.gain > 2 * model.evidence.error
    told = 1 - model.chance(amides[400:])
    truth = failing[400:]
    assert told[truth].mean() > 4 * told[~truth].mean()
    assert told.mean() == pytest.approx(truth.mean(), abs=0.03)
    assert told.min() >= LEAST and told.max() <= 1 - LEAST, "nothing is certain"
    again = learn_failures(amides[:400], failing[:400], 1)
    assert np.array_equal(again.chance(amides[400:420]), model.chance(amides[400:420]))


def test_a_discount_follows_what_a_value_is() -> None:
    values, chance = np.array([10.0, 9.0, 6.0]), np.array([0.5, 1.0, 0.1])
    assert discounted("greedy", values, chance, 7.0).tolist() == [8.5, 9.0, 6.0]
    assert discounted("ei", values, chance, 7.0).tolist() == [5.0, 9.0, pytest.approx(0.6)]
    assert discounted("random", values, chance, 7.0).tolist() == values.tolist()


def test_only_what_may_be_chosen_is_asked_about_and_the_batches_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    mean, chance = rng.normal(-7, 1, 5_000), rng.uniform(0.1, 1, 5_000)
    expected = np.argsort(-discounted("greedy", -mean, chance, 7.0), kind="stable")[:50]
    for batches in (1, 25):
        asked = 0
        stream = AcquisitionStream(
            "greedy", 50, lower_is_better=True, context=AcquisitionContext(), seed=1, typical=-7.0
        )
        for part in np.array_split(np.arange(5_000), batches):

            def tell(places: np.ndarray, part: np.ndarray = part) -> np.ndarray:
                nonlocal asked
                asked += len(places)
                return chance[part[places]]

            stream.add(part, mean[part], np.zeros(len(part)), tell)
        assert stream.choose().rows.tolist() == expected.tolist()
        assert asked == 5_000 if batches == 1 else asked < 2_000


def test_a_batch_has_fewer_failures_and_no_fewer_hits(amides: list[str], failing: np.ndarray) -> None:
    """Thiophenes are predicted best, as molecules are that docking is blind to: half the batch would be lost."""
    rng = np.random.default_rng(4)
    score = rng.normal(-7, 1, len(amides))
    has = np.array([Chem.MolFromSmiles(text).HasSubstructMatch(PATTERN) for text in amides])
    score[has] -= 1.5
    mean = score + rng.normal(0, 0.5, len(amides))
    known, rest = np.arange(300), np.arange(300, len(amides))
    model = learn_failures([amides[row] for row in known], failing[known], 1)

    def chosen(discount: bool) -> np.ndarray:
        stream = AcquisitionStream(
            "greedy", 60, lower_is_better=True, context=AcquisitionContext(), seed=1, typical=-7.0
        )

        def tell(places: np.ndarray) -> np.ndarray:
            return model.chance([amides[rest[place]] for place in places])

        stream.add(rest, mean[rest], np.zeros(len(rest)), tell if discount else None)
        return stream.choose().rows

    plain, wise = chosen(False), chosen(True)
    limit = np.quantile(score[~failing], 0.05)

    def hits(rows: np.ndarray) -> int:
        return int(((score[rows] <= limit) & ~failing[rows]).sum())

    assert failing[wise].sum() < 0.5 * failing[plain].sum()
    assert hits(wise) >= hits(plain)


def test_real_failures_of_docking_are_foretold(shared_data: Path) -> None:
    """DOCKSTRING's JAK2: 3.2 % of 15,000 molecules have no score."""
    path = shared_data / "scores" / "dockstring_zinc15k_JAK2_vina.tsv.gz"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    with gzip.open(path, "rt") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    smiles = [row[1] for row in rows]
    failed = np.array([len(row) < 3 or not row[2] for row in rows])
    order = np.random.default_rng(0).permutation(len(rows))
    known, rest = order[:1_000], order[1_000:4_000]
    model = learn_failures([smiles[row] for row in known], failed[known], 1)
    assert model.used
    told = 1 - model.chance([smiles[row] for row in rest])
    worst = np.argsort(-told)[: len(rest) // 10]
    assert failed[rest][worst].sum() > 0.6 * failed[rest].sum(), (
        "most failures are in the tenth foretold worst"
    )
    assert told.mean() == pytest.approx(failed[rest].mean(), abs=0.015)
