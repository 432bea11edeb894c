from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from docksieve.screening.auditing.bounds import StratumCount, upper_missed
from docksieve.screening.auditing.hypergeometric import hypergeometric_cdf, hypergeometric_pmf, marked_upper
from scipy.stats import binom, hypergeom

RISK = 0.05


def shared_risk_upper(strata: Sequence[StratumCount], risks: Sequence[float]) -> int:
    """Return the sum of the strata's own upper bounds, the risk shared out: the yardstick of the joint bound."""
    return sum(
        marked_upper(item.size, item.drawn, item.missed + item.failed, risk)
        for item, risk in zip(strata, risks, strict=True)
    )


@pytest.mark.parametrize(
    ("size", "marked", "drawn"), [(10, 3, 4), (10, 8, 5), (40, 40, 7), (7, 0, 3), (5, 2, 5)]
)
def test_pmf_is_the_hypergeometric(size: int, marked: int, drawn: int) -> None:
    expected = hypergeom.pmf(np.arange(drawn + 1), size, marked, drawn)
    np.testing.assert_allclose(hypergeometric_pmf(size, marked, drawn, drawn), expected, atol=1e-12)


def test_pmf_stays_exact_in_a_billion() -> None:
    # few drawn of many: binomial to nine digits
    found = hypergeometric_pmf(10**9, 50_000, 60_000, 20)
    np.testing.assert_allclose(found, binom.pmf(np.arange(21), 60_000, 5e-5), rtol=5e-3)
    assert hypergeometric_cdf(10**9, 50_000, 60_000, 60_000) == 1.0
    assert hypergeometric_cdf(10**9, 50_000, 60_000, -1) == 0.0


@pytest.mark.parametrize("seen", [0, 1, 3, 6])
def test_bound_of_one_stratum_is_the_largest_not_excluded(seen: int) -> None:
    allowed = [m for m in range(seen, 30 - (6 - seen) + 1) if hypergeom.cdf(seen, 30, m, 6) > RISK - 1e-12]
    assert marked_upper(30, 6, seen, RISK) == max(allowed)


def brute_force(sizes: tuple[int, ...], drawn: tuple[int, ...]) -> None:
    """Every outcome and every configuration of a tiny population: the bound, and its exact coverage."""
    least = min(n / size for size, n in zip(sizes, drawn, strict=True))
    weights = [100 * least * size / n for size, n in zip(sizes, drawn, strict=True)]
    outcomes = list(product(*(range(n + 1) for n in drawn)))
    value = [sum(int(np.floor(w * k + 1e-9)) for w, k in zip(weights, ks, strict=True)) for ks in outcomes]
    configurations = list(product(*(range(size + 1) for size in sizes)))
    chance = np.array(
        [
            [
                np.prod([hypergeom.pmf(k, s, m, n) for k, s, m, n in zip(ks, sizes, ms, drawn, strict=True)])
                for ks in outcomes
            ]
            for ms in configurations
        ]
    )
    totals = np.array([sum(ms) for ms in configurations])
    tail = chance @ (np.array(value)[:, None] <= np.array(value)[None, :])
    bounds = []
    for place, ks in enumerate(outcomes):
        fits = np.array(
            [
                all(k <= m <= s - (n - k) for k, m, s, n in zip(ks, ms, sizes, drawn, strict=True))
                for ms in configurations
            ]
        )
        wanted = int(totals[fits & (tail[:, place] > RISK - 1e-9)].max())
        strata = [StratumCount(s, n, k) for s, n, k in zip(sizes, drawn, ks, strict=True)]
        found = upper_missed(strata, 1 - RISK, tolerance=0.0, nodes=10_000)
        assert (found.upper, found.within) == (wanted, wanted)
        assert upper_missed(strata, 1 - RISK, tolerance=0.3, nodes=2).upper >= wanted
        bounds.append(found.upper)
    covered = chance @ (np.array(bounds)[None, :] >= totals[:, None]).T
    assert np.diag(covered).min() >= 1 - RISK - 1e-9


@pytest.mark.parametrize(
    ("sizes", "drawn"), [((4, 6), (2, 2)), ((8, 8), (3, 3)), ((3, 4, 5), (2, 1, 2)), ((1, 9), (1, 2))]
)
def test_bound_against_all_outcomes_of_tiny_populations(
    sizes: tuple[int, ...], drawn: tuple[int, ...]
) -> None:
    if any(size == n for size, n in zip(sizes, drawn, strict=True)):
        # a stratum drawn whole is known: only the other is left to chance
        whole = upper_missed([StratumCount(1, 1, 1), StratumCount(9, 2, 0)], 1 - RISK).upper
        assert whole == 1 + marked_upper(9, 2, 0, RISK)
        return
    brute_force(sizes, drawn)


@pytest.mark.parametrize(
    "hits",
    [(0, 0, 0), (3, 0, 0), (0, 0, 60), (0, 9, 50), (25, 0, 0), (20, 20, 20), (60, 200, 1000), (0, 40, 0)],
)
def test_coverage_wherever_misses_hide(hits: tuple[int, ...]) -> None:
    sizes, drawn = (60, 200, 1000), (25, 40, 60)
    generator = np.random.default_rng(sum(hits))
    draws = 4000
    seen = np.stack(
        [
            generator.hypergeometric(m, size - m, n, draws)
            for m, size, n in zip(hits, sizes, drawn, strict=True)
        ],
        axis=1,
    )
    kinds, place = np.unique(seen, axis=0, return_inverse=True)
    # outcomes in order of frequency: the rare ones are taken for failures
    counts = np.bincount(place.ravel(), minlength=len(kinds))
    covered = 0
    for kind in np.argsort(-counts)[:25]:
        strata = [StratumCount(s, n, int(k)) for s, n, k in zip(sizes, drawn, kinds[kind], strict=True)]
        covered += counts[kind] * (upper_missed(strata, nodes=15).upper >= sum(hits))
    assessed = np.sort(counts)[::-1][:25].sum()
    # three standard errors of a simulation of so many draws
    assert covered / assessed >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / assessed)


def test_no_stratum_hides_behind_another() -> None:
    big = [StratumCount(10**6, 20_000), StratumCount(10**7, 30_000), StratumCount(10**9, 60_000)]
    found = upper_missed(big)
    assert 49_000 < found.upper < 50_500  # log(20) / least fraction
    assert found.within <= found.upper <= 1.011 * found.within
    assert found.upper < shared_risk_upper(big, [0.005, 0.005, 0.04])
    with_near = [StratumCount(10**6, 20_000, 20), *big[1:]]
    # twenty misses where each stands for fifty: a thousand more, and not a multiple of 50,000 / 3
    assert upper_missed(with_near).upper < found.upper + 2500


def test_edges() -> None:
    assert upper_missed([]).upper == 0
    assert upper_missed([StratumCount(50, 0)]).upper == 50  # budget 0: anything may be missed
    assert upper_missed([StratumCount(0, 0), StratumCount(1, 0)]).upper == 1
    assert upper_missed([StratumCount(1, 1, 0), StratumCount(20, 20, 4)]).upper == 4  # all docked: known
    all_hits = [StratumCount(30, 10, 10), StratumCount(40, 10, 10)]
    assert upper_missed(all_hits).upper == 70
    failing = [StratumCount(100, 50, 0, failed=3), StratumCount(400, 50)]
    careful, plain = upper_missed(failing), upper_missed(failing, failures_missed=False)
    assert careful.upper > plain.upper and careful.estimate == pytest.approx(6)
    with pytest.raises(ValueError, match="impossible"):
        StratumCount(3, 4)
    with pytest.raises(ValueError, match="more missed"):
        StratumCount(5, 4, 3, 2)
    with pytest.raises(ValueError, match="confidence"):
        upper_missed([StratumCount(5, 1)], 1.0)
