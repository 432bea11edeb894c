"""What diverse picks are taken from: the best molecules, down to a score beyond which difference is no excuse."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from .query import HitQuery
from .rankings import Ranking


def picking_pool(table: pa.Table, ranked: Ranking, query: HitQuery) -> pa.Table:
    """Return the molecules that diverse picks are taken from, and note on ``ranked`` where they end.

    Parameters
    ----------
    table : pyarrow.Table
        More than ``query.top`` molecules, best first.
    ranked : Ranking
        Its ``score`` is bounded.
    query : HitQuery
        ``within``: how much worse than the ``top``-th best a pick may be. If neither it nor ``pool`` is given: the
        median spread of the predictions of the best ``top``; where none is known, or the order is one of percentiles,
        as much as lies between the best and the ``top``-th.

    Returns
    -------
    pyarrow.Table
        At least the best ``top``.
    """
    top = query.top or 0
    if top == 0 or (query.pool is not None and query.within is None):
        return table
    name = ranked.score
    if name == "final_score" and table[name][top - 1].as_py() is None:
        name = "docked_score"
    scores = np.asarray(table[name].to_numpy(zero_copy_only=False), np.float64)
    within, why = query.within, "--within"
    if within is None:
        within, why = _spread(table, ranked, top)
    if within is None:
        within, why = abs(float(scores[top - 1] - scores[0])), "as far again as from the best"
    last = scores[top - 1]
    kept = np.abs(scores - last) <= within * (1 + 1e-9)
    kept[:top] = True
    pool = table.filter(pa.array(kept))
    worst = scores[np.flatnonzero(kept)[-1]]
    ranked.notes.append(
        f"{ranked.name}: the {top:,} are picked from the best {pool.num_rows:,}, down to {worst:.2f}: at most "
        f"{within:.2g} ({why}) worse than number {top:,}, {last:.2f}."
    )
    return pool


def _spread(table: pa.Table, ranked: Ranking, top: int) -> tuple[float | None, str]:
    """Return the median spread of the best, where it has the unit of the order."""
    if ranked.score == "worst_score" or "predicted_spread" not in table.column_names:
        return None, ""
    known = table["predicted_spread"].slice(0, top).drop_null().to_numpy()
    return (float(np.median(known)), "the usual error of a prediction") if len(known) else (None, "")
