"""Hits among all that the student has scored, docked or not: the leaderboard of the latest screen."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ..data.errors import CampaignError
from ..data.store import read_table
from ..screening.hits import HIT_COLUMNS, HitSources
from ..screening.leaderboard import LEADERBOARD_SCHEMA, ScreenedSources, screened_hits
from .ledger import round_name
from .status import Standing

_KINDS = {
    "target": pa.string(),
    "unit": pa.string(),
    "model": pa.string(),
    "predicted_round": pa.int32(),
    "docked_score": pa.float64(),
    "docked_round": pa.int32(),
    "pose": pa.string(),
    "final_score": pa.float64(),
    "final_pose": pa.string(),
    "similarity": pa.float32(),
    "novel": pa.bool_(),
}
SCREENED_HITS_SCHEMA = pa.schema(
    [(name, _KINDS.get(name) or LEADERBOARD_SCHEMA.field(name).type) for name in HIT_COLUMNS]
)
"""Columns of hits as :func:`screened` fills them."""


def screened(standing: Standing, sources: HitSources, top: int | None, where: str | None) -> pa.Table:
    """Return the best molecules of one target by the student's prediction, over the whole library.

    Parameters
    ----------
    standing : Standing
    sources : HitSources
        Of the target; docked scores come from there.
    top : int or None
        How many; None for all of the leaderboard that meet the condition.
    where : str, optional
        An SQL condition on ``screening.leaderboard.SCREENED_COLUMNS``.

    Returns
    -------
    pyarrow.Table
        Columns of ``screening.hits.HIT_COLUMNS``; ``model`` and ``predicted_round`` are the student's.

    Raises
    ------
    CampaignError
        If the library has not been ranked yet.
    InputError
        If ``where`` is not a condition on these columns.
    """
    campaign, target = standing.campaign, sources.target
    for number in range(campaign.config.rounds.count, 0, -1):
        group = round_name(number)
        ranked = standing.outputs(f"{group}/rank", f"leaderboards/{group}/")
        boards = [record for record in ranked if Path(record.path).stem == target]
        if boards:
            break
        if ranked:  # the other targets have a model, this one has none
            return _as_hits(pa.table({name: [] for name in ("row", "id")}), sources, "", number)
    else:
        raise CampaignError("The library has not been ranked yet.", "Ask again when a round has screened it.")
    files = [campaign.root / record.path for record in standing.outputs(f"{group}/screen", "predictions/")]
    asked = ScreenedSources(campaign.root / boards[0].path, files, campaign.open_library())
    most = top if top is not None else (boards[0].rows or 0)
    found = screened_hits(asked, most, where, widen=top is not None).table
    model = next(str(r.facts["model"]) for r in standing.receipts(f"{group}/distil") if r.done)
    return _as_hits(found, sources, model, number)


def _as_hits(found: pa.Table, sources: HitSources, model: str, number: int) -> pa.Table:
    """Put an answer into the columns of hits, with the docked scores of those that are docked."""
    docked = {
        row: (score, earlier, pose)
        for earlier, paths in sorted(sources.docked.items(), reverse=True)
        for path in paths
        for row, score, pose in _scored(read_table(path, ["row", "target", "score", "pose"]), sources.target)
    }
    rows = found["row"].to_pylist()
    known = [docked.get(row, (None, None, None)) for row in rows]
    count = len(rows)
    columns = {name: found[name] for name in found.column_names if name in HIT_COLUMNS}
    columns |= {
        "target": pa.array([sources.target] * count, pa.string()),
        "unit": pa.array([sources.unit] * count, pa.string()),
        "model": pa.array([model] * count, pa.string()),
        "predicted_round": pa.array([number] * count, pa.int32()),
        "docked_score": pa.array([item[0] for item in known], pa.float64()),
        "docked_round": pa.array([item[1] for item in known], pa.int32()),
        "pose": pa.array([item[2] for item in known], pa.string()),
        "final_score": pa.nulls(count, pa.float64()),
        "final_pose": pa.nulls(count, pa.string()),
        "similarity": pa.nulls(count, pa.float32()),
        "novel": pa.nulls(count, pa.bool_()),
    }
    if not count:
        columns = {field.name: pa.nulls(0, field.type) for field in SCREENED_HITS_SCHEMA}
    return pa.table({name: columns[name] for name in HIT_COLUMNS}, schema=SCREENED_HITS_SCHEMA)


def _scored(table: pa.Table, target: str) -> list[tuple[int, float, str]]:
    mine = table.filter(pc.and_(pc.equal(table["target"], target), pc.is_valid(table["score"])))
    mine = mine.filter(pc.is_valid(mine["row"]))
    return list(zip(*(mine[name].to_pylist() for name in ("row", "score", "pose")), strict=True))
