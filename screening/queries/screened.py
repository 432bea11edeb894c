"""Answers from a leaderboard: all that the student has scored, docked or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from ...data.words import plural
from ..chemistry.similarity import Fingerprint
from ..ranking.leaderboard import ScreenedSources
from .answer import FunnelStep
from .conditions import literal
from .leaderboard_search import best_beyond, is_whole, leaderboard_ranking
from .query import HitQuery
from .rankings import DockedScores, Ranking
from .score_tables import HIT_COLUMNS, HitSources
from .search import SearchResult, find, finish, funnel


@dataclass(frozen=True)
class ScreenedLeaderboard:
    """A target's leaderboard, the predictions behind it, and the student that made them."""

    sources: ScreenedSources
    number: int
    model: str


def screened_ranking(leaderboard: ScreenedLeaderboard, sources: HitSources, threads: int | None) -> Ranking:
    """Return a leaderboard as a ranking with the columns of hits."""
    ranked = leaderboard_ranking(leaderboard.sources, _constants(leaderboard, sources), threads, HIT_COLUMNS)
    ranked.docked = DockedScores(sources)
    ranked.tried, ranked.failed = ranked.docked.attempts
    return ranked


def _constants(leaderboard: ScreenedLeaderboard, sources: HitSources) -> Mapping[str, str]:
    """Return the columns of hits that are the same for a whole leaderboard, as SQL."""
    return {
        "target": literal(sources.target),
        "unit": literal(sources.unit),
        "model": literal(leaderboard.model),
        "predicted_round": f"{leaderboard.number}::INT",
        "similarity": "NULL::FLOAT",
        "novel": "NULL::BOOLEAN",
    }


def query_leaderboard(
    leaderboard: ScreenedLeaderboard,
    sources: HitSources,
    query: HitQuery,
    fingerprint: Fingerprint | None,
    threads: int | None,
) -> tuple[pa.Table, list[FunnelStep], bool, list[str]]:
    """Put a question to a leaderboard, and to the library behind it where that can be done.

    Returns
    -------
    table : pyarrow.Table
    funnel : list of FunnelStep
    complete : bool
    notes : list of str
    """
    ranked = screened_ranking(leaderboard, sources, threads)
    try:
        found = find(ranked, query, fingerprint, threads)
        table, steps, notes = found.table, [], []
        complete = not found.exhausted or is_whole(leaderboard.sources)
        if found.exhausted:
            steps = funnel(ranked, found)
        missing = query.wanted - table.num_rows if query.wanted is not None else 0
        if not complete and missing and not found.chemistry and leaderboard.sources.predictions:
            table = pa.concat_tables(
                [table, _beyond(leaderboard, sources, found, missing, threads, table.schema)]
            )
            complete = True
            steps = steps if not table.num_rows else []  # they count the leaderboard alone
            notes.append(
                f"{sources.target}: the leaderboard held too few; the whole library was gone through."
            )
        elif not complete:
            listed = steps[0].left
            notes.append(
                f"{sources.target}: looked through the best {plural(listed, 'molecule')} by prediction, of which "
                f"{table.num_rows:,} meet all conditions; the rest of the library was not looked at."
            )
        return finish(table, ranked, query), steps, complete, [*notes, *ranked.notes]
    finally:
        ranked.close()


def _beyond(
    leaderboard: ScreenedLeaderboard,
    sources: HitSources,
    found: SearchResult,
    missing: int,
    threads: int | None,
    schema: pa.Schema,
) -> pa.Table:
    condition = " AND ".join(["true", *(f"({item.sql})" for item in found.stored)])
    more = best_beyond(
        leaderboard.sources, condition, missing, _constants(leaderboard, sources), threads, found.where
    )
    return more.select(schema.names).cast(schema)
