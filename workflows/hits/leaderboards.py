"""Rankings of all that the student has scored, docked or not: the leaderboards of a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...data.errors import CampaignError
from ...screening.chemistry.similarity import Fingerprint
from ...screening.queries.answer import FunnelStep
from ...screening.queries.conditions import literal
from ...screening.queries.leaderboard_search import across_boards, best_beyond, is_whole, ranked_board
from ...screening.queries.query import HitQuery
from ...screening.queries.rankings import DockedScores, Ranked
from ...screening.queries.score_tables import HIT_COLUMNS, HitSources
from ...screening.queries.search import Found, find, finish, funnel
from ...screening.ranking.leaderboard import ScreenedSources
from ..campaign.ledger import round_name
from ..progress.status import Standing


@dataclass(frozen=True)
class Board:
    """A target's leaderboard, the predictions behind it, and the student that made them."""

    sources: ScreenedSources
    number: int
    model: str


def board_of(standing: Standing, target: str, rounds: Sequence[int] = ()) -> Board | None:
    """Return the leaderboard of the latest screen (of ``rounds``); None if the target had no model there.

    Raises
    ------
    CampaignError
        If the library has not been ranked yet.
    """
    campaign = standing.campaign
    numbers = rounds or range(1, campaign.config.rounds.count + 1)
    for number in sorted(numbers, reverse=True):
        group = round_name(number)
        ranked = standing.outputs(f"{group}/rank", f"leaderboards/{group}/")
        boards = [record for record in ranked if Path(record.path).stem == target]
        if boards:
            files = [
                campaign.root / record.path for record in standing.outputs(f"{group}/screen", "predictions/")
            ]
            sources = ScreenedSources(campaign.root / boards[0].path, files, campaign.open_library())
            model = next(str(r.facts["model"]) for r in standing.receipts(f"{group}/distil") if r.done)
            return Board(sources, number, model)
        if ranked:  # the other targets have a model, this one has none
            return None
    asked = f" in round {', '.join(map(str, rounds))}" if rounds else ""
    raise CampaignError(
        f"The library has not been ranked{asked} yet.", "Ask again when a round has screened it."
    )


def screened_ranking(board: Board, sources: HitSources, threads: int | None) -> Ranked:
    """Return a leaderboard as a ranking with the columns of hits."""
    ranked = ranked_board(board.sources, _constants(board, sources), threads, HIT_COLUMNS)
    ranked.docked = DockedScores(sources)
    return ranked


def screened_across(
    standing: Standing, sources: Sequence[HitSources], query: HitQuery, threads: int | None
) -> Ranked:
    """Return a ranking across targets by what the student said.

    Raises
    ------
    CampaignError
        If a target has no model.
    """
    boards = []
    for item in sources:
        board = board_of(standing, item.target, query.rounds)
        if board is None:
            raise CampaignError(
                f"The target {item.target} had too few scores to be learnt: nothing is predicted for it.",
                "Rank by docked scores, or give it more.",
            )
        boards.append(board)
    known = [(item, board.sources) for item, board in zip(sources, boards, strict=True)]
    fixed = [_constants(board, item) for item, board in zip(sources, boards, strict=True)]
    ranked = across_boards(known, fixed, bool(query.selective), threads, HIT_COLUMNS)
    ranked.docked = DockedScores(sources[0])
    listed = pq.read_metadata(boards[0].sources.leaderboard).num_rows
    if not all(is_whole(board.sources) for board in boards):
        whose = sources[0].target if query.selective else "every one of the targets"
        ranked.notes.append(f"Ranked are molecules among the best {listed:,} of {whose} by prediction.")
    return ranked


def _constants(board: Board, sources: HitSources) -> Mapping[str, str]:
    """Return the columns of hits that are the same for a whole leaderboard, as SQL."""
    return {
        "target": literal(sources.target),
        "unit": literal(sources.unit),
        "model": literal(board.model),
        "predicted_round": f"{board.number}::INT",
        "similarity": "NULL::FLOAT",
        "novel": "NULL::BOOLEAN",
    }


def ask_board(
    board: Board, sources: HitSources, query: HitQuery, fingerprint: Fingerprint | None, threads: int | None
) -> tuple[pa.Table, list[FunnelStep], bool, list[str]]:
    """Put a question to a leaderboard, and to the library behind it where that can be done.

    Returns
    -------
    table : pyarrow.Table
    funnel : list of FunnelStep
    complete : bool
    notes : list of str
    """
    ranked = screened_ranking(board, sources, threads)
    try:
        found = find(ranked, query, fingerprint, threads)
        table, steps, notes = found.table, [], []
        complete = not found.exhausted or is_whole(board.sources)
        if found.exhausted:
            steps = funnel(ranked, found)
        missing = query.wanted - table.num_rows if query.wanted is not None else 0
        if not complete and missing and not found.chemistry and board.sources.predictions:
            table = pa.concat_tables([table, _beyond(board, sources, found, missing, threads, table.schema)])
            complete = True
            steps = steps if not table.num_rows else []  # they count the leaderboard alone
            notes.append(
                f"{sources.target}: the leaderboard held too few; the whole library was gone through."
            )
        elif not complete and query.wanted is not None:
            listed = steps[0].left
            notes.append(
                f"{sources.target}: looked through the best {listed:,} molecules by prediction, of which "
                f"{table.num_rows:,} meet all conditions; the rest of the library was not looked at."
            )
        return finish(table, ranked, query), steps, complete, notes
    finally:
        ranked.close()


def _beyond(
    board: Board, sources: HitSources, found: Found, missing: int, threads: int | None, schema: pa.Schema
) -> pa.Table:
    condition = " AND ".join(["true", *(f"({item.sql})" for item in found.stored)])
    more = best_beyond(board.sources, condition, missing, _constants(board, sources), threads, found.where)
    return more.select(schema.names).cast(schema)
