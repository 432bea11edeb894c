"""Two campaigns, or two rounds of one, beside each other: which hits they share, and what differs between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from ...data.errors import InputError
from ...data.spaces.source import MoleculeSource
from ...screening.metrics.overlap import MOST_COMPARED, Agreement, Ranking, agreement
from ...screening.queries.leaderboard_search import leaderboard_scores
from ...screening.queries.rankings import ranked_by_files
from ...screening.queries.score_tables import HitSources
from ...screening.queries.screened import ScreenedLeaderboard
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.damage import reads_campaigns
from ..progress.receipts import CampaignReceipts
from ..progress.status import so_far, status
from .ask import check_rounds, hit_sources
from .leaderboards import leaderboard_of

KINDS = {
    "docked": "by docked score",
    "predicted": "by the teacher's prediction of the shortlists",
    "screened": "by the student's prediction of the library",
}


@dataclass(frozen=True)
class Difference:
    """A setting, a version or a property that is not the same; None: there is none on that side."""

    what: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Comparison:
    """Two sides.

    Attributes
    ----------
    first, second : str
        What is compared.
    same_library : bool
        If not, molecules are matched by their standard SMILES.
    agreements : dict of str to dict of str to Agreement
        By target, and by what ranks (``docked``, ``predicted``, ``screened``); only where both sides have such
        a ranking.
    differences : tuple of Difference
        Of settings, targets, versions and libraries.
    notes : tuple of str

    Examples
    --------
    >>> found = docksieve.compare("campaign", rounds=(1, 2))
    >>> found.same_library, sorted(found.agreements)
    (True, ['EGFR', 'JAK2'])
    >>> best = found.agreements["EGFR"]["screened"].overlaps[0]
    >>> best.depth, 0 <= best.share <= 1
    (10, True)
    """

    first: str
    second: str
    same_library: bool
    agreements: Mapping[str, Mapping[str, Agreement]]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


@dataclass(frozen=True)
class _Side:
    receipts: CampaignReceipts
    library: MoleculeSource
    label: str
    round: int | None

    @property
    def campaign(self) -> Campaign:
        return self.receipts.campaign


@reads_campaigns
def compare(
    first: str | Path | Campaign,
    second: str | Path | Campaign | None = None,
    rounds: tuple[int, int] | None = None,
) -> Comparison:
    """Compare two campaigns, or two rounds of one.

    Parameters
    ----------
    first, second : path or Campaign
        The second is left out for two rounds of one campaign.
    rounds : (int, int), optional
        Then: what was docked up to the end of each round, and what the models of each predicted.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If it is not said what to compare, or the two sides have no target in common.
    CampaignError
        If there is no such campaign.

    Examples
    --------
    >>> found = docksieve.compare("campaign", rounds=(1, 2))
    >>> found.first, found.second
    ('campaign, round 1', 'campaign, round 2')
    """
    one, other = _sides(first, second, rounds)
    same = one.library.fingerprint == other.library.fingerprint
    targets = [name for name in one.campaign.targets if name in other.campaign.targets]
    if not targets:
        raise InputError(
            f"{one.label} and {other.label} have no target in common: "
            f"{', '.join(one.campaign.targets)}; {', '.join(other.campaign.targets)}.",
            "Targets are matched by name.",
        )
    notes = [
        note
        for side in dict.fromkeys((one.campaign.root, other.campaign.root))
        for note in _state(one, other, side)
    ]
    if not same:
        notes.append("The libraries differ: molecules are matched by their standard SMILES.")
    agreements = {}
    for target in targets:
        notes += _units(one, other, target)
        found = {kind: _compared(one, other, target, kind, same) for kind in KINDS}
        agreements[target] = {kind: item for kind, item in found.items() if item is not None}
    return Comparison(one.label, other.label, same, agreements, tuple(_differences(one, other)), tuple(notes))


def _sides(
    first: str | Path | Campaign, second: str | Path | Campaign | None, rounds: tuple[int, int] | None
) -> tuple[_Side, _Side]:
    if (second is None) == (rounds is None):
        raise InputError(
            "It takes two campaigns, or two rounds of one.",
            "Write: docksieve compare A B, or: docksieve compare CAMPAIGN --rounds 1 2.",
        )
    one = first if isinstance(first, Campaign) else open_campaign(first)
    receipts = CampaignReceipts(one)
    library = one.open_library()
    name = one.config.campaign.name
    if rounds is not None:
        check_rounds(one, rounds)
        if rounds[0] == rounds[1]:
            raise InputError(f"Round {rounds[0]} is compared with itself.", "Name two rounds.")
        left, right = (_Side(receipts, library, f"{name}, round {number}", number) for number in rounds)
        return left, right
    assert second is not None  # one of the two was given
    other = second if isinstance(second, Campaign) else open_campaign(second)
    other_name = other.config.campaign.name
    labels = (name, other_name) if name != other_name else (str(one.root), str(other.root))
    return (
        _Side(receipts, library, labels[0], None),
        _Side(CampaignReceipts(other), other.open_library(), labels[1], None),
    )


def _state(one: _Side, other: _Side, root: Path) -> list[str]:
    side = one if one.campaign.root == root else other
    name = side.campaign.config.campaign.name
    found = so_far(status(side.campaign, side.receipts))
    return [note.replace("The campaign is", f"The campaign {name} is", 1) for note in found]


def _units(one: _Side, other: _Side, target: str) -> list[str]:
    left, right = one.campaign.targets[target], other.campaign.targets[target]
    if left["unit"] == right["unit"]:
        return []
    return [f"{target}: scores are in {left['unit']} and {right['unit']}; only their order is compared."]


def _compared(one: _Side, other: _Side, target: str, kind: str, same: bool) -> Agreement | None:
    seed = one.campaign.seed
    if kind == "screened":
        return _compared_boards(one, other, target, same, seed)
    rankings = [_ranking(side, target, kind, same) for side in (one, other)]
    if any(not len(item.keys) for item in rankings):
        return None
    return agreement(rankings[0], rankings[1], seed)


def _sources(side: _Side, target: str, kind: str) -> HitSources:
    sources = hit_sources(side.receipts, target)
    if side.round is None:
        return sources
    if kind == "predicted":
        only = {key: paths for key, paths in sources.refined.items() if key == side.round}
        return replace(sources, refined=only)
    return replace(sources, docked={key: paths for key, paths in sources.docked.items() if key <= side.round})


def _ranking(side: _Side, target: str, kind: str, same: bool) -> Ranking:
    sources = _sources(side, target, kind)
    ranked = ranked_by_files(sources, kind, 0.0, None)
    try:
        key = '"row"' if same else "smiles"
        score = "docked_score" if kind == "docked" else "predicted_mean::DOUBLE"
        query = f"SELECT {key} AS key, {score} AS score FROM ranked WHERE {key} IS NOT NULL ORDER BY rank"
        table = ranked.connection.sql(query).to_arrow_table()
    finally:
        ranked.close()
    keys = table["key"].to_numpy(zero_copy_only=False)
    _, first = np.unique(keys, return_index=True)  # imported molecules may repeat one of the library
    kept = np.sort(first)
    return Ranking(keys[kept], table["score"].to_numpy()[kept], sources.lower_is_better)


def _compared_boards(one: _Side, other: _Side, target: str, same: bool, seed: int) -> Agreement | None:
    leaderboards = [_leaderboard(side, target) for side in (one, other)]
    if leaderboards[0] is None or leaderboards[1] is None:
        return None
    rankings = [
        _leaderboard_ranking(leaderboard, side, target, same)
        for leaderboard, side in zip((leaderboards[0], leaderboards[1]), (one, other), strict=True)
    ]
    sample = None
    if same:  # every molecule of the library has both predictions
        rows = one.library.sample_rows(min(MOST_COMPARED, one.library.rows), seed, "compare")
        left, right = (
            leaderboard_scores(leaderboard.sources, f"mean:{target}", rows).astype(np.float64)
            for leaderboard in (leaderboards[0], leaderboards[1])
        )
        sample = (left, right)
    return agreement(rankings[0], rankings[1], seed, sample)


def _leaderboard(side: _Side, target: str) -> ScreenedLeaderboard | None:
    from ...data.errors import CampaignError

    try:
        return leaderboard_of(side.receipts, target, () if side.round is None else (side.round,))
    except CampaignError:  # not screened yet
        return None


def _leaderboard_ranking(leaderboard: ScreenedLeaderboard, side: _Side, target: str, same: bool) -> Ranking:
    name = "row" if same else "smiles"
    table = pq.read_table(leaderboard.sources.leaderboard, columns=[name, "predicted_mean"])
    keys = table[name].to_numpy()
    scores = table["predicted_mean"].to_numpy().astype(np.float64)
    return Ranking(keys, scores, bool(side.campaign.targets[target]["lower_is_better"]))


def _differences(one: _Side, other: _Side) -> list[Difference]:
    """Return what is not the same on both sides: settings, targets, library, versions, models."""
    left, right = _described(one), _described(other)
    keys = [*left, *(key for key in right if key not in left)]
    return [Difference(key, left.get(key), right.get(key)) for key in keys if left.get(key) != right.get(key)]


def _described(side: _Side) -> dict[str, Any]:
    campaign = side.campaign
    state = campaign.state
    facts: dict[str, Any] = {}
    if side.round is None:
        config = dict(state["config"])
        config.pop("targets", None)  # as frozen, below
        facts |= _flat(config)
        facts |= _flat({"targets": campaign.targets})
        facts |= {
            "library rows": side.library.rows,
            "library fingerprint": side.library.fingerprint[:16],
            "docksieve": state["docksieve"],
            "site": state["site"],
        }
        facts |= {
            f"library made with {name}": version
            for name, version in side.library.manifest["made_with"].items()
        }
        return facts
    for stage in side.receipts.stages:
        group, _, step = stage.partition("/")
        if group == f"round-{side.round:02d}" and step in ("train", "distil", "cut"):
            for receipt in side.receipts.of(stage):
                facts |= {
                    f"{step} {key}": value
                    for key, value in _flat(receipt.facts).items()
                    if _tells(key, value)
                }
    return facts


def _tells(name: str, value: Any) -> bool:
    """Return whether a fact of a round is worth comparing: no curve, no bound of an interval, no time."""
    last = name.rpartition(".")[2]
    short = isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 40)
    return short and last not in ("low", "high", "started") and "second" not in name and "bytes" not in name


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return nested settings as one level, their names joined by dots."""
    if isinstance(value, Mapping) and value:
        return {
            key: item
            for part, inner in value.items()
            for key, item in _flat(inner, f"{name}.{part}" if name else str(part)).items()
        }
    return {name: value}
