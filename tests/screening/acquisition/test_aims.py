"""Aims over several targets: values worked out by hand or by simulation, fronts against a plain search."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.acquisition.aims import (
    FrontStream,
    Scale,
    combined,
    front_values,
    front_weights,
)


def test_goodness_is_the_score_turned_and_scaled() -> None:
    scores = np.array([-10.0, -8.0, -6.0, -4.0, np.nan])
    plain = Scale.of(scores, True, True)
    assert (plain.centre, plain.width, plain.best) == (0.0, 1.0, 10.0)
    assert plain.floor == 8.5, "the best quarter of -10, -8, -6, -4 ends at -8.5"
    assert plain.goodness(np.array([-9.0])) == 9.0
    scaled = Scale.of(scores, True, False)
    assert scaled.goodness(np.array([-7.0])) == 0.0
    assert scaled.width == pytest.approx(3.0 / 1.349)
    assert Scale.of(-scores, False, True).best == 10.0 and Scale.of([], True, True).floor == -np.inf


def test_selective_is_the_difference_of_molecules_that_bind_at_all() -> None:
    mean = np.array([[9.0, 7.0], [6.0, 1.0], [9.5, 9.0], [np.nan, 3.0]])
    spread = np.array([[0.3, 0.4], [1.0, 1.0], [np.nan, 0.5], [0.1, 0.1]])
    value, sigma = combined("selective", mean, spread, floor=8.0)
    assert np.array_equal(value, [2.0, np.nan, 0.5, np.nan], equal_nan=True)
    assert sigma[[0, 2]] == pytest.approx([0.5, 0.5])


def test_the_worst_of_several_has_the_mean_and_spread_that_draws_have() -> None:
    mean, spread = np.array([[9.0, 8.5, 8.8]]), np.array([[1.0, 0.5, 0.8]])
    draws = np.random.default_rng(3).normal(mean, spread, (400_000, 3)).min(1)
    value, sigma = combined("worst_over", mean, spread)
    assert value[0] == pytest.approx(draws.mean(), abs=0.02)
    assert sigma[0] == pytest.approx(draws.std(), abs=0.03)
    sure, none = combined("worst_over", mean, np.zeros_like(mean))
    assert sure[0] == 8.5 and none[0] == 0.0


def front_of(points: np.ndarray) -> set[int]:
    return {i for i, p in enumerate(points) if not any((q >= p).all() and (q > p).any() for q in points)}


def streamed(points: np.ndarray, count: int, batches: int, docked: list[int], **more: object) -> np.ndarray:
    stream = FrontStream(
        "greedy",
        count,
        points.max(0),
        2.0,
        7,
        np.array(docked, np.int64),
        **more,  # type: ignore[arg-type]
    )
    for part in np.array_split(np.random.default_rng(batches).permutation(len(points)), batches):
        stream.add(part.astype(np.int64), points[part], np.zeros((len(part), points.shape[1])))
    return stream.choose().rows


@pytest.mark.parametrize("targets", [2, 3])
def test_a_front_is_spread_from_end_to_end_and_the_batches_do_not_matter(targets: int) -> None:
    points = np.random.default_rng(targets).normal(size=(2_000, targets))
    front = front_of(points)
    chosen = streamed(points, 12, 1, [])
    assert np.array_equal(chosen, streamed(points, 12, 9, []))
    assert len(set(chosen.tolist())) == 12
    best = {int(np.argmax(points[:, place])) for place in range(targets)}
    share = len(front & set(chosen.tolist())) / min(12, len(front))
    assert share > 0.6, "most of the batch is on the front"
    if targets == 2:
        assert best <= set(chosen.tolist()), "both ends are"
    again = streamed(points, 12, 4, chosen.tolist())
    assert not set(again.tolist()) & set(chosen.tolist())


def test_a_small_front_is_filled_with_what_lies_behind_it_and_random_draws_are_apart() -> None:
    points = np.array([[5.0, 5.0], [4.0, 4.0], [3.0, 3.0], [2.0, 2.0], [1.0, 1.0]])
    assert streamed(points, 3, 2, []).tolist() == [0, 1, 2]
    assert sorted(streamed(points, 10, 2, [2]).tolist()) == [0, 1, 3, 4]
    mixed = streamed(points, 4, 1, [], epsilon=0.5)
    assert mixed[:2].tolist() == [0, 1] and set(mixed[2:].tolist()) < {2, 3, 4}


def test_a_front_moves_away_from_what_will_give_no_score() -> None:
    points = np.array([[3.0, 3.0], [2.9, 2.9], [2.8, 2.8]])
    stream = FrontStream("greedy", 1, points.max(0), 2.0, 1, np.empty(0, np.int64))
    stream.add(np.arange(3), points, np.zeros_like(points), np.array([0.3, 0.95, 0.95]))
    assert stream.choose().rows.tolist() == [1]


def test_weights_add_up_and_what_is_missing_is_never_chosen() -> None:
    for targets in (2, 5):
        assert front_weights(9, targets, 1).sum(1) == pytest.approx(np.ones(9))
    values = front_values(np.array([[1.0, 0.0]]), np.array([2.0, 2.0]), np.array([[0.5, 0.5]]))
    assert values[0, 0] == pytest.approx(-(1.0 + 0.05 * 1.5))
    points = np.array([[np.nan, 9.0], [1.0, 1.0]])
    stream = FrontStream("greedy", 2, np.ones(2), 2.0, 7, np.empty(0, np.int64))
    stream.add(np.arange(2), points, np.zeros_like(points))
    assert stream.choose().rows.tolist() == [1]
    with pytest.raises(ValueError, match="a front takes greedy"):
        FrontStream("ei", 1, np.zeros(2), 2.0, 1, np.empty(0, np.int64))
