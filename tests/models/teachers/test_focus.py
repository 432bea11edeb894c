"""Bad scores are drawn together, good ones are not, and the teacher learns the drawn ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from docksieve.models.fingerprints import Features, featurise
from docksieve.models.settings import TeacherSettings
from docksieve.models.teachers import focus
from docksieve.models.teachers.focus import drawn_together
from docksieve.models.teachers.train import train_teacher
from docksieve.models.teachers.training_data import CleanData, TrainingData

SCORES = np.random.default_rng(1).normal(-7.5, 1.0, 400)


def test_order_and_good_scores_are_kept() -> None:
    drawn = drawn_together(SCORES, True)
    order = np.argsort(SCORES)
    assert (np.diff(drawn[order]) > 0).all()
    slopes = np.diff(drawn[order]) / np.diff(SCORES[order])
    assert slopes[:20].min() > 0.9 and slopes[-20:].max() < 0.1
    middle, good = np.quantile(SCORES, [0.5, 0.1])
    np.testing.assert_allclose(drawn[good > SCORES], SCORES[good > SCORES], atol=0.07 * (middle - good))


def test_by_hand() -> None:
    scores = np.arange(11.0)  # the middle is 5, the best tenth begins at 1: the unit is 4
    drawn = drawn_together(scores, True)
    assert drawn[5] == pytest.approx(5 - 4 * np.log(2) / 2)
    assert drawn[1] == pytest.approx(5 - 4 * np.log1p(np.exp(2)) / 2)
    assert drawn[9] == pytest.approx(5 - 4 * np.log1p(np.exp(-2)) / 2)


def test_higher_is_better_is_the_mirror_image() -> None:
    np.testing.assert_allclose(drawn_together(-SCORES, False), -drawn_together(SCORES, True))


def test_how_bad_the_bad_are_is_forgotten() -> None:
    bad = SCORES.copy()
    bad[np.quantile(SCORES, 0.96) < SCORES] += 50  # clashes
    good = np.quantile(SCORES, 0.5) >= SCORES
    np.testing.assert_array_equal(drawn_together(bad, True)[good], drawn_together(SCORES, True)[good])
    assert np.ptp(drawn_together(bad, True)) < 1.05 * np.ptp(drawn_together(SCORES, True))


def test_where_there_is_nothing_to_draw() -> None:
    gaps = np.where(np.arange(400) % 7 == 0, np.nan, SCORES)
    drawn = drawn_together(gaps, True)
    assert np.array_equal(np.isnan(drawn), np.isnan(gaps))
    for scores in (np.zeros(5), np.full(3, np.nan), np.array([0.0] * 15 + [-1.0]), np.empty(0)):
        np.testing.assert_array_equal(drawn_together(scores, True), scores)


def test_the_order_of_rows_changes_nothing() -> None:
    order = np.random.default_rng(0).permutation(len(SCORES))
    np.testing.assert_array_equal(drawn_together(SCORES[order], True), drawn_together(SCORES, True)[order])


def molecules(count: int) -> list[str]:
    """Chains and rings with one to three groups, all different."""
    groups = [
        "C",
        "O",
        "N",
        "F",
        "Cl",
        "C#N",
        "OC",
        "C(=O)N",
        "S(C)(=O)=O",
        "c1ccccc1",
        "c1ccncc1",
        "C1CCNCC1",
    ]
    made = []
    for index in range(count):
        first, second, third = index % 12, index // 12 % 12, index // 144
        made.append("C" * third + f"Cc1ccc({groups[first]})cc1{groups[second]}")
    return made


@pytest.fixture(scope="module")
def features() -> Features:
    return featurise(molecules(300), TeacherSettings().fingerprints)


def test_held_out_molecules_decide(features: Features, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.random.default_rng(0).normal(size=(300, 2))
    for found, wanted in (
        ([(0.4, 0.5), (0.5, 0.4)], [True, False]),
        ([(0.4, 0.4), (0.0, 0.0)], [False, False]),
    ):
        monkeypatch.setattr(focus, "trial", lambda *_, found=found: found)
        answer = focus.focused(scores, features, [True, False], TeacherSettings(), 1, 1)
        values = answer.scores
        assert (answer.drawn, answer.tried) == (wanted, found)
        expected = drawn_together(scores[:, 0], True) if wanted[0] else scores[:, 0]
        np.testing.assert_array_equal(values[:, 0], expected)
        np.testing.assert_array_equal(values[:, 1], scores[:, 1])


@pytest.mark.slow
def test_the_trial_speaks_for_it_where_the_bad_are_chance(features: Features) -> None:
    """What is good follows from the molecule, and how bad the bad are follows from nothing."""
    generator = np.random.default_rng(5)
    weight = features.descriptors[:, 0].astype(float)
    good = (weight - weight.mean()) / weight.std()
    scores = np.where(good > np.median(good), -good, generator.uniform(0, 60, len(good)))
    (before, after), *_ = focus.trial(features, scores[:, None], [True], TeacherSettings(), 1, 1)
    assert after > before
    again = focus.trial(features, scores[:, None], [True], TeacherSettings(), 1, 1)
    mirrored = focus.trial(features, -scores[:, None], [False], TeacherSettings(), 1, 1)
    assert again == [(before, after)]
    np.testing.assert_allclose(mirrored, again, atol=0.02)


def test_few_or_equal_scores_are_left_alone(features: Features) -> None:
    few = np.full((300, 2), np.nan)
    few[:20, 0], few[:, 1] = np.arange(20), 1.0
    assert focus.trial(features, few, [True, True], TeacherSettings(), 1, 1) == [(0.0, 0.0)] * 2


@pytest.mark.parametrize("lower", [True, False])
def test_values_are_carried_back_along_the_curve(lower: bool) -> None:
    sign = 1.0 if lower else -1.0
    curve = focus.Curve.of(sign * SCORES, lower)
    assert curve is not None
    wanted = sign * np.array([-12.0, -9.0, -7.5, -6.0])
    np.testing.assert_allclose(curve.undraw(curve.draw(wanted)), wanted, atol=1e-9)
    assert np.isposinf(sign * curve.undraw(np.array([curve.middle])))[0], (
        "worse than any score can be drawn to"
    )
    assert np.isnan(curve.undraw(curve.draw(np.array([np.nan]))))[0]


def test_each_target_has_its_own_curve_and_it_is_said() -> None:
    both = np.stack([SCORES, -10 * SCORES], axis=1)
    data = CleanData(["C"] * len(both), both, ("A", "B"), (True, False), "hash", {"rows": 400})
    nothing = featurise([], TeacherSettings().fingerprints)
    found, said = focus.refocused(data, nothing, TeacherSettings(focus="always"), 1, 1)
    np.testing.assert_allclose(found.scores[:, 1], -10 * found.scores[:, 0])
    assert (found.sha256, found.facts) == (data.sha256, data.facts)
    curves = [focus.Curve.of(both[:, column], lower) for column, lower in ((0, True), (1, False))]
    for column, (target, curve) in enumerate(zip("AB", curves, strict=True)):
        assert curve is not None and said[target] == {"drawn_together": True, **dataclasses.asdict(curve)}
        np.testing.assert_array_equal(curve.draw(both[:, column]), found.scores[:, column])
    same, said = focus.refocused(data, nothing, TeacherSettings(focus="never"), 1, 1)
    np.testing.assert_array_equal(same.scores, data.scores)
    assert said["A"] == {"drawn_together": False}


def test_a_teacher_learns_what_is_drawn() -> None:
    smiles = molecules(90)
    weight = np.array([len(text) for text in smiles], float)
    scores = -weight + np.random.default_rng(0).normal(0, 0.1, 90)
    data = TrainingData(smiles, ["A"], scores, [True])
    drawing, plain = (train_teacher(data, TeacherSettings(focus=value)) for value in ("always", "never"))
    bad = [smiles[index] for index in np.argsort(scores)[-9:]]
    assert drawing.predict(bad).mean.mean() < plain.predict(bad).mean.mean() - 1
    assert drawing.report["focus"]["A"]["drawn_together"] and drawing.report["focus"]["A"]["good"] < 0
    assert plain.report["focus"] == {"A": {"drawn_together": False}}
    asked = train_teacher(data).report["focus"]["A"]
    assert asked["drawn_together"] == (asked["ranked_drawn_together"] > asked["ranked_as_they_are"])


def test_failures_written_as_scores_are_left_out() -> None:
    smiles = molecules(90)
    scores = np.random.default_rng(0).normal(-8, 1, 90)
    scores[:9] = 0.0
    for drop, known in ((True, 81), (False, 90)):
        facts = train_teacher(
            TrainingData(smiles, ["A"], scores, [True]), TeacherSettings(drop_failures=drop, focus="never")
        ).report["data"]
        assert facts["molecules"] == known
        said = facts.get("failed dockings written as scores, left out", {})
        assert ("9 of exactly 0" in said.get("A", "")) is drop


def test_odd_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="focus"):
        TeacherSettings(focus="perhaps")  # type: ignore[arg-type]
