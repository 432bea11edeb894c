"""From which score on a molecule counts as good for a target: what the best tenth of the seed sample reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...data.store import read_table
from ...screening.queries.query import HitQuery
from ...screening.queries.score_tables import HitSources

SEED_SHARE = 0.1
"""Molecules are compared with the best tenth of the seed sample."""
FEWEST = 10
"""Scores of a seed sample that has a best tenth."""


def good_score(scores: NDArray[np.float64], lower_is_better: bool) -> float | None:
    """Return the score that the best tenth of a seed sample reaches; None of fewer than ten scores.

    Parameters
    ----------
    scores : array of float64, shape (molecules,)
    lower_is_better : bool
    """
    if len(scores) < FEWEST:
        return None
    best_first = np.sort(scores) if lower_is_better else np.sort(scores)[::-1]
    return float(best_first[max(1, round(SEED_SHARE * len(scores))) - 1])


def with_floor(query: HitQuery, sources: Sequence[HitSources]) -> tuple[HitQuery, list[str]]:
    """Return a question about selectivity with its floor as a number, and what to say of it.

    Parameters
    ----------
    query : HitQuery
    sources : sequence of HitSources
        The targets of a question across targets, of all rounds.
    """
    selective = query.preferred
    if selective is None or selective.floor != "seed":
        return query, []
    target = sources[0]
    scores = _seed_scores(target)
    floor = good_score(scores, target.lower_is_better)
    if floor is None:
        note = (
            f"{target.target}: too few molecules of the seed sample have a score to say what is good; no floor is set "
            "(--floor sets one)."
        )
    else:
        note = (
            f"Only molecules of {floor:.2f} {target.unit} or better for {target.target} are ranked, as good as the "
            f"best {100 * SEED_SHARE:.0f} % of the seed sample; --floor sets another score, --floor none lists all."
        )
    return replace(query, selective=replace(selective, floor=floor)), [note]


def _seed_scores(sources: HitSources) -> NDArray[np.float64]:
    tables = [read_table(path, ["target", "score"]) for path in sources.docked.get(0, ())]
    if not tables:
        return np.empty(0)
    table = pa.concat_tables(tables)
    mine = table.filter(pc.equal(table["target"], sources.target))
    return np.asarray(mine["score"].drop_null().to_numpy(), np.float64)
