"""Each acquisition function against values worked out by hand, and the rules all of them share."""

from __future__ import annotations

import numpy as np
import pytest
from docksieve.screening.acquisition.acquire import ACQUISITIONS, AcquisitionContext, acquire
from docksieve.screening.acquisition.draws import Draws, row_bits
from docksieve.screening.acquisition.stream import AcquisitionStream, BestRows

MEAN = np.array([-9.0, -8.0, -7.0])
SPREAD = np.array([0.1, 1.0, 2.0])
ROWS = np.array([10, 20, 30])


def values(name: str, context: AcquisitionContext, seed: int = 0) -> dict[int, float]:
    chosen, value = acquire(name, ROWS, MEAN, SPREAD, 3, lower_is_better=True, context=context, seed=seed)
    return {int(ROWS[index]): float(v) for index, v in zip(chosen, value, strict=True)}


def test_greedy_takes_the_best_mean() -> None:
    assert list(values("greedy", AcquisitionContext())) == [10, 20, 30]


def test_upper_confidence_bound_adds_beta_spreads() -> None:
    got = values("ucb", AcquisitionContext(beta=2.0))
    assert got == pytest.approx({10: 9.2, 20: 10.0, 30: 11.0})
    assert list(got) == [30, 20, 10]


def test_expected_improvement_by_hand() -> None:
    # best -8.5, xi 0: gains 0.5, -0.5, -1.5. z = 5, -0.5, -0.75.
    # EI = gain * Phi(z) + spread * phi(z): 0.5 * 1.0000 + 0.1 * 0.0000 = 0.5000;
    # -0.5 * 0.30854 + 1 * 0.35207 = 0.19780; -1.5 * 0.22663 + 2 * 0.30114 = 0.26234.
    got = values("ei", AcquisitionContext(best=-8.5, xi=0.0))
    assert got == pytest.approx({10: 0.5000, 30: 0.26234, 20: 0.19780}, abs=1e-4)
    assert list(got) == [10, 30, 20]


def test_probability_of_improvement_by_hand() -> None:
    got = values("pi", AcquisitionContext(best=-8.5, xi=0.0))
    assert got == pytest.approx({10: 1.0, 20: 0.30854, 30: 0.22663}, abs=1e-4)


def test_uncertainty_takes_the_widest() -> None:
    assert list(values("uncertainty", AcquisitionContext())) == [30, 20, 10]


def test_thompson_draws_about_the_mean() -> None:
    draws = np.array([[values("thompson", AcquisitionContext(), s)[r] for r in ROWS] for s in range(400)])
    np.testing.assert_allclose(draws.mean(0), -MEAN, atol=0.25)
    np.testing.assert_allclose(draws.std(0), SPREAD, rtol=0.15)


def test_random_is_uniform_over_molecules() -> None:
    firsts = [next(iter(values("random", AcquisitionContext(), seed))) for seed in range(300)]
    assert all(firsts.count(row) > 60 for row in (10, 20, 30))


def test_zero_spread_gives_no_nan() -> None:
    for name in ACQUISITIONS:
        _, value = acquire(
            name, ROWS, MEAN, np.zeros(3), 3, lower_is_better=True, context=AcquisitionContext(), seed=1
        )
        assert np.isfinite(value).all()


@pytest.mark.parametrize("name", sorted(ACQUISITIONS))
def test_direction_order_and_exclusions(name: str) -> None:
    rng = np.random.default_rng(0)
    rows = rng.permutation(500)
    mean, spread = rng.normal(0, 1, 500), rng.uniform(0.1, 1, 500)
    mean[7] = np.nan
    docked = rows[:50]
    options = {"context": AcquisitionContext(best=0.5), "seed": 4, "docked": docked}
    low, low_values = acquire(name, rows, mean, spread, 40, lower_is_better=True, **options)
    assert len(set(rows[low])) == 40
    assert not set(rows[low]) & set(docked)
    assert 7 not in low
    assert (np.diff(low_values) <= 0).all()
    # The same molecules in another order, and with the sign turned, give the same choice.
    shuffle = rng.permutation(500)
    again, _ = acquire(
        name, rows[shuffle], mean[shuffle], spread[shuffle], 40, lower_is_better=True, **options
    )
    assert list(rows[shuffle][again]) == list(rows[low])
    turned = {**options, "context": AcquisitionContext(best=-0.5)}
    high, _ = acquire(name, rows, -mean, spread, 40, lower_is_better=False, **turned)
    assert list(rows[high]) == list(rows[low])


def test_ties_go_to_the_smaller_row() -> None:
    chosen, _ = acquire(
        "greedy",
        np.array([5, 3, 9, 1]),
        np.full(4, -8.0),
        np.zeros(4),
        2,
        lower_is_better=True,
        context=AcquisitionContext(),
        seed=0,
    )
    assert list(chosen) == [3, 1]


def test_draws_belong_to_rows() -> None:
    rows = np.array([0, 1, 2, 5_000_000_000, 2**62])
    draws = Draws(7, rows).normal("x")
    assert list(Draws(7, rows[::-1]).normal("x")) == list(draws[::-1])
    assert Draws(7, rows[3:4]).normal("x")[0] == draws[3]
    assert len(set(draws)) == 5
    assert not set(draws) & set(Draws(8, rows).normal("x"))
    assert not set(draws) & set(Draws(7, rows).normal("y"))


def test_draws_are_uniform_normal_and_unrelated() -> None:
    rows = np.arange(200_000)
    uniform = Draws(1, rows).uniform("x")
    counts = np.bincount((uniform * 100).astype(int), minlength=100)
    assert uniform.min() > 0 and uniform.max() < 1
    assert ((counts - 2000) ** 2 / 2000).sum() < 150  # chi-squared with 99 degrees: 150 has p < 0.001
    normal = Draws(1, rows).normal("x")
    assert abs(normal.mean()) < 0.01 and abs(normal.std() - 1) < 0.01 and abs((normal**4).mean() - 3) < 0.1
    for other in (Draws(2, rows).normal("x"), Draws(1, rows + 1).normal("x"), Draws(1, rows).normal("y")):
        assert abs(np.corrcoef(normal, other)[0, 1]) < 0.01
    bits = np.unpackbits(row_bits(rows[:20_000], 1).view(np.uint8)).reshape(-1, 64)
    assert np.abs(bits.mean(0) - 0.5).max() < 0.02


def test_best_rows_keep_the_best_of_all_they_were_offered() -> None:
    rng = np.random.default_rng(0)
    keys, rows = rng.integers(0, 50, 3000).astype(float), rng.permutation(3000)
    best = BestRows(40)
    for part in np.array_split(np.arange(3000), 60):
        best.offer(keys[part], rows[part], -keys[part])
        assert best._held <= 2 * 40
    expected = np.lexsort((rows, -keys))[:40]
    got_keys, got_rows, got_values = best.best()
    assert list(got_rows) == list(rows[expected])
    assert list(got_keys) == list(keys[expected]) == list(-got_values)


def library(count: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    rows = rng.permutation(10 * count)[:count]
    mean, spread = rng.normal(-7, 1, count).round(1), rng.uniform(0.1, 1, count).round(2)
    mean[rng.choice(count, 40, replace=False)] = np.nan
    return rows, mean, spread, rows[:200]


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("name", sorted(ACQUISITIONS))
def test_streaming_in_any_order_and_batches_gives_what_arrays_give(name: str, epsilon: float) -> None:
    rows, mean, spread, docked = library()
    options = {"lower_is_better": True, "context": AcquisitionContext(best=-9.0), "seed": 6}
    options |= {"docked": docked, "epsilon": epsilon}
    chosen, values = acquire(name, rows, mean, spread, 50, **options)
    assert len(set(rows[chosen])) == 50
    for batches in (1, 7, 300):
        order = np.random.default_rng(batches).permutation(len(rows))
        stream = AcquisitionStream(name, 50, **options)
        for part in np.array_split(order, batches):
            stream.add(rows[part], mean[part], spread[part])
        got = stream.choose()
        assert list(got.rows) == list(rows[chosen])
        assert list(got.values) == list(values)
        assert got.at_random == round(50 * epsilon)
    assert stream.candidates == 2960


def test_epsilon_draws_from_all_other_candidates() -> None:
    rows, mean, spread, docked = library()
    options = {"lower_is_better": True, "context": AcquisitionContext(), "docked": docked}
    greedy, _ = acquire("greedy", rows, mean, spread, 50, seed=1, **options)
    drawn = []
    for seed in range(60):
        chosen, values = acquire("greedy", rows, mean, spread, 50, seed=seed, epsilon=0.2, **options)
        assert list(chosen[:40]) == list(greedy[:40])
        assert len(set(chosen)) == 50
        assert not set(rows[chosen]) & set(docked)
        assert list(values) == list(-mean[chosen])
        drawn += list(chosen[40:])
    assert len(set(drawn)) > 500  # 600 draws from 2,720 molecules
    others = np.setdiff1d(np.flatnonzero(np.isfinite(mean) & ~np.isin(rows, docked)), greedy[:40])
    assert abs(mean[drawn].mean() - mean[others].mean()) < 0.15


def test_epsilon_takes_all_there_are() -> None:
    rows, mean = np.arange(5), np.array([-5.0, -9.0, np.nan, -7.0, -6.0])
    options = {"lower_is_better": True, "context": AcquisitionContext(), "seed": 0}
    chosen, _ = acquire("greedy", rows, mean, np.ones(5), 10, epsilon=0.5, **options)
    assert list(chosen) == [1, 3, 4, 0]
    chosen, _ = acquire("greedy", rows, mean, np.ones(5), 3, epsilon=0.5, **options)  # 1.5: two at random
    assert chosen[0] == 1 and len(set(chosen)) == 3
    assert len(acquire("greedy", rows, mean, np.ones(5), 0, epsilon=0.5, **options)[0]) == 0


SMILES = [
    "c1ccccc1CC",  # best
    "c1ccccc1CCC",
    "CCCC",
    "c1ccccc1CCCC",
    "C1CCNCC1CC",
    "CCO",
    "c1ccc2ccccc2c1",
]


@pytest.mark.parametrize("diversity", ["scaffold", "maxmin"])
@pytest.mark.parametrize("epsilon", [0.0, 0.25])
def test_a_diverse_batch_does_not_depend_on_order(diversity: str, epsilon: float) -> None:
    rng = np.random.default_rng(1)
    texts = np.array([f"{'C' * k}{ring}{'O' * j}" for k in range(1, 6) for ring in ("c1ccccc1", "C1CCCC1", "C1CCNCC1")
                      for j in range(2)], dtype=object)  # fmt: skip
    rows, mean = rng.permutation(len(texts)), rng.normal(0, 1, len(texts)).round(1)
    options = {"lower_is_better": False, "context": AcquisitionContext(), "seed": 2}
    options |= {"diversity": diversity, "epsilon": epsilon}

    def picked(order: np.ndarray) -> list[int]:
        mine = texts[order]
        chosen, _ = acquire(
            "greedy",
            rows[order],
            mean[order],
            np.ones(len(order)),
            8,
            smiles=lambda p: list(mine[p]),
            **options,
        )
        return list(rows[order][chosen])

    first = picked(np.arange(len(texts)))
    assert len(set(first)) == 8
    assert picked(rng.permutation(len(texts))) == first
    assert rows[np.lexsort((rows, -mean))[0]] == first[0]


def test_scaffolds_by_hand() -> None:
    rows, mean = np.arange(7) * 10, -np.arange(7.0)
    options = {"context": AcquisitionContext(), "seed": 0, "diversity": "scaffold"}
    options |= {"lower_is_better": False, "smiles": lambda places: [SMILES[i] for i in places]}

    def picked(count: int) -> list[int]:
        return list(acquire("greedy", rows, mean, np.ones(7), count, **options)[0])

    # Benzene, acyclic, piperidine, naphthalene; then the second of benzene and of the acyclic ones.
    assert picked(4) == [0, 2, 4, 6]
    assert picked(5) == [0, 1, 2, 4, 6]
    assert picked(6) == [0, 1, 2, 4, 5, 6]
    assert picked(9) == list(range(7))


def test_spreading_looks_at_the_best_only() -> None:
    asked = []

    def smiles(rows: np.ndarray) -> list[str]:
        asked.append(len(rows))
        return ["C" * (int(row) % 7 + 1) for row in rows]

    rows, mean, spread, _ = library()
    for diversity, factor, expected in (("scaffold", None, 100), ("maxmin", None, 30), ("maxmin", 5, 50)):
        stream = AcquisitionStream(
            "greedy",
            10,
            lower_is_better=True,
            context=AcquisitionContext(),
            seed=0,
            diversity=diversity,
            pool=factor,
        )
        stream.add(rows, mean, spread)
        assert len(stream.choose(smiles).rows) == 10
        assert asked[-1] == expected


def test_what_a_stream_refuses() -> None:
    options = {"lower_is_better": True, "context": AcquisitionContext(), "seed": 0}
    for name, count, more, word in (
        ("gready", 5, {}, "gready"),
        ("greedy", -1, {}, "count"),
        ("greedy", 5, {"epsilon": 1.5}, "epsilon"),
        ("greedy", 5, {"diversity": "scafold"}, "scafold"),
        ("greedy", 5, {"diversity": "maxmin", "pool": 0}, "pool"),
    ):
        with pytest.raises(ValueError, match=word):
            AcquisitionStream(name, count, **options, **more)
    stream = AcquisitionStream("greedy", 5, **options, diversity="scaffold")
    with pytest.raises(ValueError, match="shape"):
        stream.add([1, 2], [1.0], [1.0])
    stream.add([1, 2], [1.0, 2.0], [0.0, 0.0])
    with pytest.raises(ValueError, match="SMILES"):
        stream.choose()
    stream = AcquisitionStream("greedy", 5, **options)
    for _ in range(2):
        stream.add([1, 2], [1.0, 2.0], [0.0, 0.0])
    with pytest.raises(ValueError, match="twice"):
        stream.choose()


def test_unusable_spreads_count_as_none() -> None:
    stream = AcquisitionStream("ucb", 9, lower_is_better=False, context=AcquisitionContext(beta=1), seed=0)
    stream.add([1, 2, 3, 4], [4.0, 3.0, 2.0, np.inf], [np.nan, np.inf, -9.0, 1.0])
    got = stream.choose()
    assert list(got.rows) == [1, 2, 3]
    assert list(got.values) == [4.0, 3.0, 2.0]
