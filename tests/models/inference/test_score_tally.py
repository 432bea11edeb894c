from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from docksieve.data.score_keys import KEYS, MISSING_KEY, score_keys
from docksieve.models.inference.device_tally import DeviceTally
from docksieve.models.inference.score_tally import ScoreTally


def _awkward() -> np.ndarray:
    """Every kind of float32: any bits, the edges of float16, ties, infinities, NaN."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 1 << 32, 20_000, dtype=np.uint32).view(np.float32)
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        between = np.nextafter(halves, np.float32(np.inf)) * np.float32(1.0002)
    edges = np.array(
        [0.0, -0.0, 65504, 65519.99, 65520, -65520, 2**-24, 2**-25, -(2**-25), 1e-30, -1e-30], np.float32
    )
    ties = random.normal(-8, 1, 5_000).astype(np.float16).astype(np.float32)
    last = np.array([np.inf, -np.inf, np.nan], np.float32)
    return random.permutation(np.concatenate([bits, halves, between, edges, ties, last]))


def _plain_best(
    scores: np.ndarray, rows: np.ndarray, lower: bool, count: int
) -> tuple[np.ndarray, np.ndarray]:
    fine = np.flatnonzero(~np.isnan(scores))
    order = np.lexsort((rows[fine], scores[fine] if lower else -scores[fine]))[:count]
    return rows[fine][order], scores[fine][order]


@pytest.mark.parametrize("batch", [100_000, 997])
def test_kernel_and_device_count_as_the_definition_does(batch: int) -> None:
    column = _awkward()
    values = np.stack([column, column[::-1], np.zeros_like(column)], axis=1)
    rows = np.arange(len(column)) * 3 + (1 << 40)
    lower = (True, False)
    tally, device = ScoreTally("ab", lower, 300), DeviceTally(lower, 300, torch.device("cpu"))
    for start in range(0, len(rows), batch):
        part = slice(start, start + batch)
        tally.add(rows[part], values[part])
        device.prepared(torch.tensor(values[part]), torch.tensor(rows[part]))()
    brought = ScoreTally("ab", lower, 300)
    device.add_to(brought, 0)
    for found in (tally, brought):
        for target, is_lower in enumerate(lower):
            keys = score_keys(values[:, target], is_lower)
            np.testing.assert_array_equal(found.histogram[target], np.bincount(keys, minlength=KEYS))
            best_rows, best_scores = _plain_best(values[:, target], rows, is_lower, 300)
            np.testing.assert_array_equal(found.best[target].rows, best_rows)
            np.testing.assert_array_equal(found.best[target].scores(is_lower), best_scores)
        assert found.missing == np.isnan(column).sum()
    table = tally.histogram_table()
    assert sum(table["count"].to_pylist()) == 2 * len(rows)
    assert tally.best_table()["target"].to_pylist() == ["a"] * 300 + ["b"] * 300
    assert device.histogram.sum() == 0  # handed over, not kept


def test_padding_is_taken_out() -> None:
    device, tally = DeviceTally((True,), 3, torch.device("cpu")), ScoreTally("a", (True,), 3)
    values = torch.tensor([[1.0], [float("nan")], [float("nan")]])
    device.prepared(values, torch.arange(3))()
    device.add_to(tally, 2)
    assert tally.histogram[0].sum() == 1 and tally.histogram[0, MISSING_KEY] == 0
    assert tally.best[0].rows.tolist() == [0]


def test_nothing_is_counted_before_it_is_asked_for() -> None:
    device, tally = DeviceTally((True,), 2, torch.device("cpu")), ScoreTally("a", (True,), 2)
    device.prepared(torch.ones(5, 1), torch.arange(5))
    device.add_to(tally, 0)
    assert tally.histogram.sum() == 0 and len(tally.best[0].rows) == 0


def test_threads_in_any_order_count_the_same() -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(40_000, 2)).astype(np.float16).astype(np.float32)
    rows = np.arange(len(values))
    one, many = ScoreTally("ab", (True, True), 50), ScoreTally("ab", (True, True), 50)
    one.add(rows, values)
    parts = np.array_split(random.permutation(rows), 40)

    def work(mine: list[np.ndarray]) -> None:
        for part in mine:
            many.add(part, values[part])

    threads = [threading.Thread(target=work, args=(parts[k::4],)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(one.histogram, many.histogram)
    assert one.best_table().equals(many.best_table())
