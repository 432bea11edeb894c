"""Hits of a campaign: one function that answers every question to them, and the task that writes the final list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa

from ...data.errors import InputError, unknown_name
from ...data.schema import LATER_COLUMNS
from ...data.spaces.source import source_standard
from ...screening.chemistry.similarity import fingerprint
from ...screening.docking.failures import meaning_of
from ...screening.queries.answer import FunnelStep, HitAnswer
from ...screening.queries.query import HitQuery
from ...screening.queries.score_tables import HIT_COLUMNS, HitSources, RankBy, failed_dockings
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.damage import reads_campaigns
from ..campaign.ledger import chooser, round_name, round_number
from ..progress.receipts import CampaignReceipts
from ..progress.status import so_far, status
from .floors import with_floor

if TYPE_CHECKING:
    from ...screening.chemistry.similarity import Fingerprint


@reads_campaigns
def ask(
    campaign: str | Path | Campaign,
    query: HitQuery | None = None,
    *,
    receipts: CampaignReceipts | None = None,
    threads: int | None = None,
) -> HitAnswer:
    """Answer a question to the hits of a campaign, finished or still running.

    Parameters
    ----------
    campaign : path or Campaign
    query : HitQuery, optional
        By default the best 20 of every target.
    receipts : CampaignReceipts, optional
        Receipts of the same campaign, if they were read already.
    threads : int, optional
        All cores for files, two for chemistry, if not given.

    Returns
    -------
    HitAnswer

    Raises
    ------
    InputError
        If the question names a target, a column or a round that does not exist, or a SMARTS, a molecule or a condition
        is not understood.
    CampaignError
        If there is nothing to rank yet.

    Examples
    --------
    >>> query = docksieve.HitQuery(by="screened", targets=("EGFR",), top=3, windows={"logp": docksieve.Window(high=3)})
    >>> answer = docksieve.ask("campaign", query)
    >>> len(answer), max(answer.table["logp"].to_pylist()) <= 3
    (3, True)
    """
    query = query or HitQuery()
    receipts = receipts or _receipts(campaign)
    names = list(query.across) or list(query.targets) or list(receipts.campaign.targets)
    for name in names:
        _check_target(receipts.campaign, name)
    check_rounds(receipts.campaign, query.rounds)
    asked, prints = _with_fingerprints(receipts.campaign, query)
    sources = [hit_sources(receipts, name) for name in names]
    asked, notes = with_floor(asked, sources)
    notes += so_far(status(receipts.campaign, receipts))
    if asked.undocked and asked.by == "auto":
        asked = replace(asked, by="predicted")
    if query.across:
        parts = [_ask_across(receipts, sources, asked, prints, threads)]
    else:
        parts = [_ask_one(receipts, item, asked, prints, threads) for item in sources]
    answer = _joined(query, parts, notes)
    undocked = query.by == "auto" and query.undocked  # then auto is by prediction
    if (undocked or query.by in ("predicted", "combined")) and not query.across:
        from .intervals import with_intervals

        table, said = with_intervals(answer.table, receipts)
        answer = replace(answer, table=table, notes=(*answer.notes, *said))
    if len(answer):
        from .mixtures import with_stereo_groups

        table, said = with_stereo_groups(receipts.campaign, answer.table)
        answer = replace(answer, table=table, notes=(*answer.notes, *said))
    if "other_ids" in query.add:
        answer = replace(answer, table=_with_other_ids(receipts.campaign, answer.table))
    if not len(answer) and query.has:
        from ...screening.queries.search import aromatic_hints

        answer = replace(answer, notes=(*answer.notes, *aromatic_hints(query)))
    return answer


def hits(
    campaign: str | Path | Campaign,
    top: int | None = 100,
    target: str | None = None,
    where: str | None = None,
    by: RankBy | Literal["screened"] = "auto",
    *,
    receipts: CampaignReceipts | None = None,
) -> pa.Table:
    """Return the ranked hits of a campaign as :func:`docksieve.hits` does, in a plain table."""
    targets = () if target is None else (target,)
    answer = ask(campaign, HitQuery(by=by, top=top, targets=targets, where=where), receipts=receipts)
    more = [name for name in LATER_COLUMNS if name in answer.table.column_names]
    return answer.table.select([*HIT_COLUMNS, *more])


_Part = tuple[pa.Table, list[FunnelStep], bool, list[str]]


def _ask_one(
    receipts: CampaignReceipts,
    sources: HitSources,
    query: HitQuery,
    fingerprint: Fingerprint | None,
    threads: int | None,
) -> _Part:
    """Put a question to the ranking of one target."""
    if query.by == "screened":
        from ...screening.queries.screened import query_leaderboard
        from .leaderboards import leaderboard_of

        leaderboard = leaderboard_of(receipts, sources.target, query.rounds)
        if leaderboard is not None:
            return query_leaderboard(leaderboard, sources, query, fingerprint, threads)
        note = f"{sources.target} had too few scores to be learnt: nothing is predicted for it."
        nothing = HitSources(sources.target, sources.unit, sources.lower_is_better)
        table, steps, complete, notes = _ask_files(
            [nothing], replace(query, by="predicted"), fingerprint, threads
        )
        return table, steps, complete, [*notes, note]
    return _ask_files([sources], query, fingerprint, threads)


def _ask_across(
    receipts: CampaignReceipts,
    sources: Sequence[HitSources],
    query: HitQuery,
    fingerprint: Fingerprint | None,
    threads: int | None,
) -> _Part:
    """Put a question to a ranking across targets."""
    if query.by != "screened":
        return _ask_files(sources, query, fingerprint, threads)
    from ...screening.queries.search import answer_from
    from .leaderboards import screened_across

    ranked = screened_across(receipts, sources, query, threads)
    return answer_from(ranked, query, fingerprint, threads)


def _ask_files(
    sources: Sequence[HitSources], query: HitQuery, fingerprint: Fingerprint | None, threads: int | None
) -> _Part:
    from ...screening.queries.rankings import DockedScores, across_files, ranked_by_files
    from ...screening.queries.search import answer_from

    asked = [_of_rounds(item, query) for item in sources]
    if query.across:
        ranked = across_files(asked, query.by, query.caution, bool(query.selective), threads)
    else:
        ranked = ranked_by_files(asked[0], query.by, query.caution, threads)
    if query.rounds:  # what failed in another round has failed
        attempts = [DockedScores(item).attempts for item in sources]
        ranked.tried, ranked.failed = (
            np.unique(np.concatenate(rows)) for rows in zip(*attempts, strict=True)
        )
    return answer_from(ranked, query, fingerprint, threads)


def _of_rounds(sources: HitSources, query: HitQuery) -> HitSources:
    """Return the files that a question about some rounds ranks."""
    if not query.rounds:
        return sources
    changed = {}
    if query.by != "predicted":
        changed["docked"] = {key: paths for key, paths in sources.docked.items() if key in query.rounds}
    if query.by in ("predicted", "combined"):
        changed["refined"] = {key: paths for key, paths in sources.refined.items() if key in query.rounds}
    return replace(sources, **changed)  # type: ignore[arg-type]


def _with_fingerprints(campaign: Campaign, query: HitQuery) -> tuple[HitQuery, Fingerprint | None]:
    """Return the question with its molecules as the library would hold them, and what finds their environments."""
    if not query.similar_to and not query.novel_against:
        return query, None
    from .molecules import in_standard_form

    standard = source_standard(campaign.open_library())
    asked = replace(
        query,
        similar_to=in_standard_form(query.similar_to, standard),
        novel_against=in_standard_form(query.novel_against, standard),
    )
    return asked, fingerprint


def _with_other_ids(campaign: Campaign, table: pa.Table) -> pa.Table:
    from ...screening.queries.molecule import other_ids

    names = other_ids(campaign.open_library(), table["row"].to_pylist())
    return table.append_column("other_ids", pa.array(names, pa.string()))


def _joined(query: HitQuery, parts: Sequence[_Part], notes: list[str]) -> HitAnswer:
    """Return the answers for several targets as one."""
    table = pa.concat_tables([part[0] for part in parts], promote_options="permissive")
    return HitAnswer(
        table,
        query,
        tuple(step for part in parts for step in part[1]),
        all(part[2] for part in parts),
        (*notes, *(note for part in parts for note in part[3])),
    )


@reads_campaigns
def failures(
    campaign: str | Path | Campaign,
    target: str | None = None,
    top: int | None = None,
    where: str | None = None,
    *,
    receipts: CampaignReceipts | None = None,
) -> pa.Table:
    """Return the dockings without a score as :func:`docksieve.failures` does, in a plain table."""
    receipts = receipts or _receipts(campaign)
    names = _chosen_targets(receipts.campaign, target)
    table = pa.concat_tables([failed_dockings(hit_sources(receipts, name), top, where) for name in names])
    return table.append_column(
        "meaning", pa.array(map(meaning_of, table["failure"].to_pylist()), pa.string())
    )


def _receipts(campaign: str | Path | Campaign) -> CampaignReceipts:
    return CampaignReceipts(campaign if isinstance(campaign, Campaign) else open_campaign(campaign))


def _chosen_targets(campaign: Campaign, target: str | None) -> list[str]:
    if target is None:
        return list(campaign.targets)
    _check_target(campaign, target)
    return [target]


def _check_target(campaign: Campaign, target: str) -> None:
    if target not in campaign.targets:
        raise unknown_name(f"The campaign has no target {target!r}.", target, campaign.targets)


def check_rounds(campaign: Campaign, rounds: Sequence[int]) -> None:
    """Refuse rounds that the campaign does not have."""
    for number in rounds:
        if not 0 <= number <= campaign.config.rounds.count:
            raise InputError(
                f"The campaign has no round {number}.",
                f"Its rounds are 0 (the seed sample) to {campaign.config.rounds.count}.",
            )


def hit_sources(receipts: CampaignReceipts, target: str) -> HitSources:
    """Return the files of ``target`` that are finished by now."""
    campaign = receipts.campaign

    def paths(stage: str, folder: str) -> list[Path]:
        return [campaign.root / record.path for record in receipts.outputs(stage, folder)]

    docked: dict[int, list[Path]] = {}
    refined: dict[int, list[Path]] = {}
    selections: list[Path] = []
    models: dict[int, str] = {}
    for stage in receipts.stages:
        group, _, step = stage.partition("/")
        number = round_number(group)
        if number is None:
            continue
        if step == "dock":
            docked[number] = paths(stage, f"scores/{group}/{target}/")
        elif step == "refine":
            if target not in untaught_targets(receipts, group):
                refined[number] = paths(stage, "refined/")
        elif step == chooser(group):
            selections += paths(stage, f"selections/{group}/{target}/")
        elif step == "train":
            models[number] = next((str(r.facts["model"]) for r in receipts.of(stage) if r.done), "")
    return HitSources(
        target=target,
        unit=campaign.targets[target]["unit"],
        lower_is_better=campaign.targets[target]["lower_is_better"],
        docked=docked,
        final=paths("final/dock", f"scores/final/{target}/"),
        refined=refined,
        selections=selections,
        models=models,
        teacher_round=_latest_whole(receipts, refined),
    )


def _latest_whole(receipts: CampaignReceipts, refined: Mapping[int, Sequence[Path]]) -> int | None:
    """Return the last round whose teacher has scored all of its shortlist; the last of all where none has."""
    known = sorted(number for number, paths in refined.items() if paths)
    for number in reversed(known):
        stage = f"{round_name(number)}/refine"
        # Those whose files are damaged too: these are said to be missing.
        done = sum(receipt.done for receipt in receipts.of(stage))
        if done >= len(receipts.campaign.ledger.planned(stage)):
            return number
    return known[-1] if known else None


def untaught_targets(receipts: CampaignReceipts, group: str) -> dict[str, str]:
    """Return the targets that the teacher of a round could not learn, and why."""
    for receipt in receipts.of(f"{group}/train"):
        if receipt.done:
            return dict(receipt.facts.get("untaught", {}))
    return {}
