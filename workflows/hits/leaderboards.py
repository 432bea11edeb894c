"""Rankings of all that the student has scored, docked or not: the leaderboards of a screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from ...data.errors import CampaignError, FormatError
from ...data.libraries.library import Library
from ...screening.queries.leaderboard_search import across_leaderboards, is_whole
from ...screening.queries.query import HitQuery
from ...screening.queries.rankings import DockedScores, Ranking
from ...screening.queries.score_tables import HIT_COLUMNS, HitSources
from ...screening.queries.screened import ScreenedLeaderboard, _constants
from ...screening.ranking.leaderboard import ScreenedSources
from ..campaign.damage import damage_words
from ..campaign.ledger import round_name
from ..progress.receipts import CampaignReceipts


def leaderboard_of(
    receipts: CampaignReceipts, target: str, rounds: Sequence[int] = ()
) -> ScreenedLeaderboard | None:
    """Return the leaderboard of the latest screen (of ``rounds``); None if the target had no model there.

    Raises
    ------
    CampaignError
        If the library has not been ranked yet.
    FormatError
        If the latest ranking is damaged.
    """
    campaign = receipts.campaign
    numbers = rounds or range(1, campaign.config.rounds.count + 1)
    for number in sorted(numbers, reverse=True):
        group = round_name(number)
        needed = (f"leaderboards/{group}/{target}.parquet", f"predictions/{group}/")
        if damage := [item for item in receipts.damage if item.path.startswith(needed)]:
            raise FormatError(f"The ranking of the library cannot be read: {' '.join(damage_words(damage))}")
        ranked = [  # of a space, the leaderboard is of made products, and is written when the next are chosen
            record
            for step in ("rank", "acquire")
            for record in receipts.outputs(f"{group}/{step}", f"leaderboards/{group}/")
        ]
        leaderboards = [record for record in ranked if Path(record.path).stem == target]
        if leaderboards:
            files = [
                campaign.root / record.path for record in receipts.outputs(f"{group}/screen", "predictions/")
            ]
            library = campaign.open_library()
            whole = files if isinstance(library, Library) else []  # of a space, only the best are listed
            sources = ScreenedSources(campaign.root / leaderboards[0].path, whole, library)
            model = next(str(r.facts["model"]) for r in receipts.of(f"{group}/distil") if r.done)
            return ScreenedLeaderboard(sources, number, model)
        if ranked:  # the other targets have a model, this one has none
            return None
    asked = f" in round {', '.join(map(str, rounds))}" if rounds else ""
    raise CampaignError(
        f"The library has not been ranked{asked} yet.", "Ask again when a round has screened it."
    )


def screened_across(
    receipts: CampaignReceipts, sources: Sequence[HitSources], query: HitQuery, threads: int | None
) -> Ranking:
    """Return a ranking across targets by what the student said.

    Raises
    ------
    CampaignError
        If a target has no model.
    """
    leaderboards = []
    for item in sources:
        leaderboard = leaderboard_of(receipts, item.target, query.rounds)
        if leaderboard is None:
            raise CampaignError(
                f"The target {item.target} had too few scores to be learnt: nothing is predicted for it.",
                "Rank by docked scores, or give it more.",
            )
        leaderboards.append(leaderboard)
    known = [(item, leaderboard.sources) for item, leaderboard in zip(sources, leaderboards, strict=True)]
    fixed = [_constants(leaderboard, item) for item, leaderboard in zip(sources, leaderboards, strict=True)]
    ranked = across_leaderboards(known, fixed, bool(query.selective), threads, HIT_COLUMNS)
    ranked.docked = DockedScores(sources[0])
    attempts = [ranked.docked.attempts, *(DockedScores(item).attempts for item in sources[1:])]
    ranked.tried, ranked.failed = (np.unique(np.concatenate(parts)) for parts in zip(*attempts, strict=True))
    listed = pq.read_metadata(leaderboards[0].sources.leaderboard).num_rows
    if not all(is_whole(leaderboard.sources) for leaderboard in leaderboards):
        whose = sources[0].target if query.selective else "every one of the targets"
        ranked.notes.append(f"Ranked are molecules among the best {listed:,} of {whose} by prediction.")
    return ranked
