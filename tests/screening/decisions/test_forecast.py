from __future__ import annotations

import json

import numpy as np
import pytest
from docksieve.screening.calibration.picked import Batch
from docksieve.screening.decisions.errors import CannotSay, learn_errors
from docksieve.screening.decisions.forecast import Criteria, Decision, decide
from docksieve.screening.decisions.records import Records
from docksieve.screening.decisions.scoring import brier


def history(
    seed: int, shift: float = 0.4, scale: float = 1.2, between: float = 0.2, count: int = 100, rounds: int = 3
) -> list[Batch]:
    generator = np.random.default_rng(seed)
    batches = []
    for _ in range(rounds):
        mean, sd = np.sort(generator.normal(-9, 0.5, count)), generator.uniform(0.4, 0.7, count)
        bias = shift + between * generator.normal()
        batches.append(Batch(mean, sd, mean + sd * (bias + scale * generator.normal(size=count))))
    return batches


CANDIDATES = np.sort(np.random.default_rng(0).normal(-8.5, 0.5, 3000))
SPREAD = np.full(3000, 0.6)
CRITERIA = Criteria(threshold=-9.5, hits=20)


def ask(
    batches: list[Batch], criteria: Criteria = CRITERIA, budgets: tuple[int, ...] = (50, 200, 1000)
) -> Decision:
    return decide(CANDIDATES, SPREAD, batches, criteria, budgets, seconds_each=36, seed=1, draws=500)


def test_parameters_are_recovered() -> None:
    found = learn_errors(history(1, rounds=8, count=300), seed=2)
    assert found.batches == 8 and found.picked == 2400
    assert np.median(found.shift) == pytest.approx(0.4, abs=0.2)
    assert np.median(found.scale[:, 0]) == pytest.approx(1.2, abs=0.1)
    assert 0.1 < found.shift.std() < 0.45  # the next batch has a bias of its own
    one = learn_errors(history(1, rounds=1, count=2400), seed=2)
    assert one.shift.std() > found.shift.std()  # one batch says little of how batches scatter
    assert (found.scale == learn_errors(history(1, rounds=8, count=300), seed=2).scale).all()


def test_direction_is_turned_round() -> None:
    batches = history(3)
    turned = [Batch(-b.mean, b.sd, -b.docked) for b in batches]
    plain = ask(batches)
    mirrored = decide(
        -CANDIDATES, SPREAD, turned, Criteria(threshold=9.5, hits=20), (50, 200, 1000),
        seconds_each=36, seed=1, draws=500, lower_is_better=False,
    )  # fmt: skip
    assert plain.outlooks == mirrored.outlooks and plain.verdict == mirrored.verdict


def test_more_dockings_bring_more() -> None:
    found = ask(history(4))
    hits = [item.hits for item in found.outlooks]
    assert hits == sorted(hits) and hits[0] > 0
    for item in found.outlooks:
        assert item.hits_low <= item.hits <= item.hits_high <= item.dockings
    assert [item.success for item in found.outlooks] == sorted(item.success for item in found.outlooks)
    assert found.outlooks[2].core_hours == 10.0
    text = json.dumps(found.to_json(), allow_nan=False)
    assert "verdict" in text and found.picked == 300


def test_expected_hits_are_the_sum_of_probabilities() -> None:
    batches = history(5, rounds=6, count=500, between=0.0)
    found = ask(batches)
    errors = learn_errors(batches, seed=1, draws=2000)
    wanted = errors.below(-9.5, CANDIDATES[:1000], SPREAD[:1000]).sum(axis=1).mean()
    assert found.outlooks[2].hits == pytest.approx(wanted, rel=0.01)
    half = decide(CANDIDATES, SPREAD, batches, CRITERIA, [1000], seconds_each=0, seed=1, failed=0.5)
    assert half.outlooks[0].hits == pytest.approx(wanted / 2, rel=0.01)


def test_verdicts() -> None:
    batches = history(6)
    assert ask(batches, Criteria(threshold=-9.0, hits=1)).verdict == "go"
    assert ask(batches, Criteria(threshold=-9.0, hits=1)).dockings == 50
    hopeless = ask(batches, Criteria(threshold=-20.0, hits=1))
    assert hopeless.verdict == "stop" and hopeless.dockings is None
    between = ask(batches, Criteria(threshold=-9.5, hits=20, go=0.9999, stop=0.0))
    assert between.verdict == "ask for more" and "between" in between.reason


def test_a_skewed_history_promises_no_happy_surprises() -> None:
    generator = np.random.default_rng(12)
    batches = []
    for _ in range(4):
        mean, sd = np.full(200, -9.0), np.full(200, 0.5)
        batches.append(Batch(mean, sd, mean + sd * (generator.exponential(1.5, 200) - 0.7)))
    found = learn_errors(batches, seed=1)
    assert np.median(found.scale[:, 0]) < 0.6 * np.median(found.scale[:, 1])
    assert found.below(-10.0, np.array([-9.0]), np.array([0.5])).mean() < 0.05


def test_rounded_scores_are_at_a_limit_half_a_digit_earlier() -> None:
    plain, rounded = (
        decide(
            CANDIDATES,
            SPREAD,
            history(4),
            CRITERIA,
            [500],
            seconds_each=1,
            seed=1,
            draws=500,
            resolution=r,
        )
        for r in (0.0, 0.1)
    )
    assert rounded.outlooks[0].hits > plain.outlooks[0].hits


def test_by_how_much_the_best_improves_is_no_probability_but_a_limit() -> None:
    batches, near, far = history(7), Records(200, 0.0), Records(5000, 1.5)

    def asked(records: Records | None, hits: int = 0) -> Decision:
        return decide(
            CANDIDATES, SPREAD, batches, Criteria(-9.5, hits=hits, improve=0.5), (50, 200), seconds_each=1, seed=1,
            draws=500, records=records,
        )  # fmt: skip

    open_, hopeless, nothing = asked(near), asked(far), asked(None)
    assert open_.verdict == "cannot say" and "cannot be forecast" in open_.reason
    assert [item.improves for item in open_.outlooks] == [near.chance(50), near.chance(200)]
    assert hopeless.verdict == "stop" and "at most the 0.1" in hopeless.reason
    assert nothing.verdict == "cannot say" and nothing.outlooks[0].improves is None
    for found in (open_, hopeless, nothing):
        assert all(item.success is None and item.hits > 0 for item in found.outlooks)
    few = asked(None, hits=49)  # 49 of 50 are out of reach, whatever the best score does
    assert few.outlooks[0].verdict == "stop" and few.outlooks[1].verdict == "cannot say"
    json.dumps(open_.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("batches", "budgets", "word"),
    [
        ([], (50,), "no earlier batch"),
        (history(8, count=20, rounds=1), (50,), "30 are needed"),
        ([Batch(np.zeros(40), np.ones(40), np.full(40, -7.0))], (50,), "equal"),
        ([Batch(np.zeros(40), np.ones(40), np.full(40, np.nan))], (50,), "no earlier batch"),
        (history(8), (0,), "no budget"),
        (history(8), (5000,), "fewer than the smallest"),
    ],
)
def test_too_little_is_said_to_be_too_little(
    batches: list[Batch], budgets: tuple[int, ...], word: str
) -> None:
    found = ask(batches, budgets=budgets)
    assert found.verdict == "cannot say" and word in found.reason.lower() and not found.outlooks
    if word != "no budget" and "smallest" not in word:
        with pytest.raises(CannotSay):
            learn_errors(batches, seed=1)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="finite means"):
        decide([np.nan], [1.0], history(9), CRITERIA, [1], seconds_each=1, seed=1)
    with pytest.raises(ValueError, match="equally long"):
        decide([0.0], [1.0, 2.0], history(9), CRITERIA, [1], seconds_each=1, seed=1)
    with pytest.raises(ValueError, match="failed"):
        decide([0.0], [1.0], history(9), CRITERIA, [1], seconds_each=1, seed=1, failed=1.0)
    for bad in ({"go": 0.1, "stop": 0.2}, {"hits": -1}, {"hits": 0}):
        with pytest.raises(ValueError):
            Criteria(threshold=-9.0, **bad)  # type: ignore[arg-type]


@pytest.mark.slow
def test_forecasts_come_true_as_often_as_they_say() -> None:
    generator = np.random.default_rng(11)
    chances, came = [], []
    for campaign in range(40):
        shift, scale = generator.normal(0.4, 0.3), generator.uniform(0.8, 1.4)
        batches = history(1000 + campaign, shift, scale, 0.25, count=80)
        bias = shift + 0.25 * generator.normal()
        scores = CANDIDATES[:200] + 0.6 * (bias + scale * generator.normal(size=200))
        for hits in (25, 60):
            criteria = Criteria(threshold=-9.5, hits=hits)
            found = decide(
                CANDIDATES,
                SPREAD,
                batches,
                criteria,
                [200],
                seconds_each=1,
                seed=campaign,
                draws=300,
            )
            chances.append(found.outlooks[0].success)
            came.append((scores <= -9.5).sum() >= hits)
    result = brier(chances, came, bins=5)
    assert result.reliability < 0.04 and result.skill > 0.3
    assert abs(np.mean(chances) - np.mean(came)) < 0.1
