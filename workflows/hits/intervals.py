"""Predictive intervals beside predictions: recalibrated from the batches that the campaign has docked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from ..calibration.history import LEVEL, CampaignIntervals, read_intervals
from ..progress.receipts import CampaignReceipts

COLUMNS = ("predicted_low", "predicted_high")


def with_intervals(table: pa.Table, receipts: CampaignReceipts) -> tuple[pa.Table, list[str]]:
    """Return hits with the ends of 95 % intervals of their docked scores, and what these rest on.

    A molecule that was docked before the prediction was made may have taught the model: it has no interval. Nor has
    one where too few picked molecules are docked, nor, on the bad side, one that may be arbitrarily bad.

    Parameters
    ----------
    table : pyarrow.Table
        Rows of any of the campaign's targets, in the columns of hits.
    receipts : CampaignReceipts

    Returns
    -------
    table : pyarrow.Table
        With ``predicted_low`` and ``predicted_high``, null where nothing can be said.
    notes : list of str
    """
    ends = np.full((2, table.num_rows), np.nan)
    names = np.array(table["target"].to_pylist(), dtype=object)
    rounds, docked = (_numbers(table[name]) for name in ("predicted_round", "docked_round"))
    mean, sd = (_numbers(table[name]) for name in ("predicted_mean", "predicted_spread"))
    notes = []
    for target in dict.fromkeys(names.tolist()):
        known = read_intervals(receipts, target)
        said: dict[str, None] = {}
        for number in sorted({int(value) for value in rounds[(names == target) & np.isfinite(rounds)]}):
            mine = (names == target) & (rounds == number) & (sd > 0)
            for own in (False, True):  # what is left of the shortlist, and what the round itself picked
                chosen = np.flatnonzero(mine & (docked == number if own else np.isnan(docked)))
                if len(chosen):
                    found = known.interval(number, mean[chosen], sd[chosen], docked=own)
                    if found is not None:
                        ends[:, chosen] = found
                    which = "for molecules picked in" if own else "for molecules left after"
                    said[f"{which} round {number}: {known.basis(number, docked=own)}"] = None
        if said:
            notes.append(f"{target}: {100 * LEVEL:.0f} % intervals of predictions {'; '.join(said)}.")
    ends[~np.isfinite(ends)] = np.nan
    for name, values in zip(COLUMNS, ends, strict=True):
        table = table.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    return table, notes


def interval_of(known: CampaignIntervals, record: dict[str, Any], docked: list[int]) -> dict[str, Any]:
    """Return interval and basis of one prediction of a teacher; none of a molecule that had been docked before it.

    Parameters
    ----------
    known : CampaignIntervals
    record : dict
        ``round``, ``mean`` and ``spread``.
    docked : list of int
        Rounds in which the molecule was docked.
    """
    number = record["round"]
    if record["spread"] is None or record["spread"] <= 0 or any(item < number for item in docked):
        return {}
    own = number in docked
    found = known.interval(number, [record["mean"]], [record["spread"]], docked=own)
    ends = {} if found is None else {"low": _end(found[0][0]), "high": _end(found[1][0])}
    return {**ends, "basis": known.basis(number, docked=own)}


def _end(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)
