"""Everything known of one molecule of a campaign."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...data.errors import InputError
from ...data.molecules.parse import rdkit_messages
from ...data.molecules.standardise import standardise
from ...data.schema import LATER_COLUMNS, PROPERTY_COLUMNS
from ...data.spaces.source import MoleculeSource, source_standard
from ...screening.chemistry.similarity import fingerprint
from ...screening.queries.molecule import (
    Place,
    find_molecule,
    nearest_docked,
    origin,
    place_among,
    records_of,
    structure_facts,
)
from ...screening.queries.score_tables import HitSources
from ..calibration.history import read_intervals
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.damage import reads_campaigns
from ..campaign.ledger import round_name, round_number
from ..progress.receipts import CampaignReceipts
from ..progress.status import so_far, status
from .ask import hit_sources
from .intervals import interval_of
from .molecules import in_standard_form


@dataclass(frozen=True)
class HitCard:
    """One molecule.

    Attributes
    ----------
    row : int
        In the library.
    id, smiles : str
    properties : dict of str to float
        Those of the library, and ``lipinski_violations`` and ``qed``.
    parent, scaffold : str
    alerts : dict of str to str
        By catalogue; empty: none.
    origin : dict
        ``file``, ``record`` (line or number of the record), ``also``: duplicates.
    targets : dict of str to dict
        By target: ``unit``, ``lower_is_better``, and ``docked``, ``final``, ``teacher``, ``student``: lists of records,
        each with its round, its score and its ``place``.
    neighbours : list of dict
        Most similar docked molecules: ``id``, ``row``, ``smiles``, ``similarity``, ``scores`` by target.
    notes : list of str
    """

    row: int
    id: str
    smiles: str
    properties: dict[str, Any]
    parent: str
    scaffold: str | None
    alerts: dict[str, str]
    origin: dict[str, Any]
    targets: dict[str, dict[str, Any]]
    neighbours: list[dict[str, Any]]
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        return asdict(self)


@reads_campaigns
def hit_card(
    campaign: str | Path | Campaign,
    molecule: str,
    neighbours: int = 5,
    *,
    receipts: CampaignReceipts | None = None,
) -> HitCard:
    """Return everything known of one molecule.

    Parameters
    ----------
    campaign : path or Campaign
    molecule : str
        Its id, its row in the library (``12`` or ``row:12``), or its SMILES in any form.
    neighbours : int
        How many docked molecules like it.
    receipts : CampaignReceipts, optional
        Receipts of the same campaign, if they were read already.

    Raises
    ------
    InputError
        If no molecule is meant, or more than one: these are listed.
    """
    receipts = receipts or CampaignReceipts(
        campaign if isinstance(campaign, Campaign) else open_campaign(campaign)
    )
    opened = receipts.campaign
    library = opened.open_library()
    sources = [hit_sources(receipts, name) for name in opened.targets]
    known = [path for item in sources for paths in item.docked.values() for path in paths]
    row, note = find_molecule(library, molecule, _standard(molecule, library), known)
    found = library.take([row], ["id", "smiles", *PROPERTY_COLUMNS, *LATER_COLUMNS]).to_pylist()[0]
    name, smiles = found.pop("id"), found.pop("smiles")
    facts = structure_facts(smiles)
    found["lipinski_violations"] = sum(
        (found["weight"] > 500, found["logp"] > 5, found["donors"] > 5, found["acceptors"] > 10)
    )
    found["qed"] = facts["qed"]
    targets = {item.target: _target(receipts, item, library, row) for item in sources}
    notes = [note] if note else []
    if groups := found.pop("stereo_groups"):
        notes.append(
            f"It is a mixture of isomers, or one of several that is not known ({groups}): each is docked, and the "
            "best counts."
        )
    notes += so_far(status(opened, receipts))
    if not any(known for item in targets.values() for known in (item["docked"], item["final"])):
        notes.append("Nobody has docked this molecule.")
    docked = {item.target: [p for paths in item.docked.values() for p in paths] for item in sources}
    near = nearest_docked(smiles, row, docked, fingerprint, neighbours)
    return HitCard(
        row, name, smiles, found, facts["parent"], facts["scaffold"], facts["alerts"], origin(library, row), targets,
        near, notes,
    )  # fmt: skip


def _standard(text: str, library: MoleculeSource) -> str | None:
    smiles, _, extension = text.strip().partition(" ")
    try:
        if not extension.startswith("|"):
            return in_standard_form([text], source_standard(library))[0]
        with rdkit_messages():
            form = standardise(smiles, source_standard(library), extension)
        return f"{form.smiles} {form.stereo_groups}".strip()
    except InputError:
        return None


def _target(
    receipts: CampaignReceipts, sources: HitSources, library: MoleculeSource, row: int
) -> dict[str, Any]:
    """Return what is known of a molecule and one target."""
    every = [path for _, paths in sorted(sources.docked.items()) for path in paths]
    docked = [
        _docking(record, sources, every) | {"round": number}
        for number, paths in sorted(sources.docked.items())
        for record in records_of(paths, row, sources.target)
    ]
    final = [
        _docking(record, sources, sources.final) for record in records_of(sources.final, row, sources.target)
    ]
    return {
        "unit": sources.unit,
        "lower_is_better": sources.lower_is_better,
        "docked": docked,
        "final": final,
        "teacher": _by_teacher(receipts, sources, row, [item["round"] for item in docked]),
        "student": _by_student(receipts, sources, library, row),
    }


def _docking(record: dict[str, Any], sources: HitSources, among: Any) -> dict[str, Any]:
    kept = ("score", "failure", "message", "engine", "engine_version", "state", "seconds", "pose", "settings")
    shown = {name: record[name] for name in kept if record[name] is not None}
    if "settings" in shown:
        shown["settings"] = json.loads(shown["settings"])
    if record["score"] is not None:
        place = place_among(list(among), "score", record["score"], sources.lower_is_better, sources.target)
        shown["place"] = _plain(place)
    return shown


def _by_teacher(
    receipts: CampaignReceipts, sources: HitSources, row: int, docked: list[int]
) -> list[dict[str, Any]]:
    mean, spread = f"mean:{sources.target}", f"spread:{sources.target}"
    known = read_intervals(receipts, sources.target)
    found = []
    for number, paths in sorted(sources.refined.items()):
        for record in records_of(paths, row):
            if record.get(mean) is None:
                continue
            place = place_among(list(paths), mean, record[mean], sources.lower_is_better)
            found.append(
                {
                    "round": number,
                    "model": sources.models.get(number, ""),
                    "mean": record[mean],
                    "spread": record.get(spread),
                    "similarity": record.get("similarity"),
                    "novel": record.get("novel"),
                    "place": _plain(place),
                }
            )
            found[-1]["interval"] = interval_of(known, found[-1], docked)
    return found


def _by_student(
    receipts: CampaignReceipts, sources: HitSources, library: MoleculeSource, row: int
) -> list[dict[str, Any]]:
    import numpy as np

    from ...screening.queries.leaderboard_search import leaderboard_scores
    from ...screening.ranking.leaderboard import ScreenedSources

    place_of = next(item for item in library.shards if item.first_row <= row < item.first_row + item.rows)
    found = []
    for stage in receipts.stages:
        group, _, step = stage.partition("/")
        number = round_number(group)
        if step != "screen" or number is None:
            continue
        paths = [receipts.campaign.root / item.path for item in receipts.outputs(stage, "predictions/")]
        mine = next((path for path in paths if path.stem == place_of.name), None)
        if mine is None:
            continue
        rows = np.array([row])
        known = ScreenedSources(Path(), [mine], library)
        mean = float(leaderboard_scores(known, f"mean:{sources.target}", rows)[0])
        if mean != mean:
            continue
        spread = float(leaderboard_scores(known, f"spread:{sources.target}", rows)[0])
        models = [str(r.facts["model"]) for r in receipts.of(f"{round_name(number)}/distil") if r.done]
        place = place_among(paths, f"mean:{sources.target}", mean, sources.lower_is_better)
        found.append(
            {
                "round": number,
                "model": models[0] if models else "",
                "mean": mean,
                "spread": None if spread != spread else spread,
                "place": _plain(place),
            }
        )
    return found


def _plain(place: Place) -> dict[str, Any]:
    return {**asdict(place), "best_percent": round(place.best_percent, 4)}
