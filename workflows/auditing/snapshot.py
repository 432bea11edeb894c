"""What an audit starts from: the latest predictions of the whole library, and what is docked already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...data.errors import CampaignError, InputError, unknown_name
from ...data.spaces.space import Space
from ...data.store import FileRecord, concat, matches
from ...models.teachers.focus import recorded_curve
from ..campaign.audits import read_audits
from ..campaign.campaign import Campaign
from ..campaign.ledger import round_name, round_number
from ..progress.receipts import CampaignReceipts
from ..tasks.held_out import learnt_scores, read_held_out

Floats = NDArray[np.float64]
FEWEST = 10
"""Fewer held-out molecules do not say how far predictions are off."""


@dataclass(frozen=True)
class Snapshot:
    """A campaign before an audit of one target.

    Attributes
    ----------
    campaign : Campaign
    target : str
    round : int
        The last whose student predicted the whole library.
    predictions : list of Path
    picked : list of FileRecord
        Scores tables of the target, of all rounds.
    audited : list of FileRecord
        Those of finished audits.
    error : float
        S.d. of docked scores around the student's predictions, as held-out molecules have it; in the scale of the
        predictions, in which bad scores may be drawn together (the good ones, which a plan asks about, are not).
    docking_seconds : float
        Core-seconds of one docking, measured.
    """

    campaign: Campaign
    target: str
    round: int
    predictions: list[Path]
    picked: list[FileRecord]
    audited: list[FileRecord]
    error: float
    docking_seconds: float

    @property
    def spec(self) -> dict[str, Any]:
        """The target as it was frozen."""
        return self.campaign.targets[self.target]

    @property
    def lower(self) -> bool:
        """Whether lower scores are better."""
        return bool(self.spec["lower_is_better"])


def the_target(campaign: Campaign, target: str | None) -> str:
    """Return the target meant: the only one, if none is named.

    Raises
    ------
    InputError
        If it is not there, or there are several.
    """
    names = list(campaign.targets)
    if target is None:
        if len(names) == 1:
            return names[0]
        raise InputError("The campaign has several targets.", f"Name one with --target: {', '.join(names)}.")
    if target not in names:
        raise unknown_name(f"The campaign has no target {target!r}.", target, names)
    return target


def read_snapshot(campaign: Campaign, target: str) -> Snapshot:
    """Read where ``campaign`` stands.

    Raises
    ------
    CampaignError
        If no round has screened the library for the target, or none of its dockings gave a score.
    """
    if isinstance(campaign.open_library(), Space):
        raise CampaignError(
            f"The campaign in {campaign.root} screens a combinatorial space, of which only the best predictions are "
            "written down: an audit has nothing to draw the rest from.",
            "Audits need a library of molecules (docksieve library enumerate makes one of a part of a space).",
        )
    receipts = CampaignReceipts(campaign)
    receipts.require_whole()
    groups = [name for stage in receipts.stages if (name := stage.partition("/")[0]).startswith("round-")]
    rounds = sorted({number for name in groups if (number := round_number(name))}, reverse=True)
    screened = [number for number in rounds if _screened(receipts, number, target)]
    if not screened:
        never = not any(receipts.outputs(f"{round_name(number)}/screen") for number in rounds)
        why = (
            "has not screened its library yet"
            if never
            else f"has no predictions of {target!r} for its whole library"
        )
        raise CampaignError(
            f"The campaign in {campaign.root} {why}: an audit draws by the predictions of a screen.",
            "Submit it, and audit when a round's screen is done.",
        )
    name = round_name(screened[0])
    picked = [
        record
        for group in dict.fromkeys(groups)
        for record in receipts.outputs(f"{group}/dock", f"scores/{group}/{target}/")
    ]
    scores = read_scores(campaign.root, picked)
    if not pc.count(scores["score"]).as_py():
        raise CampaignError(f"No docking of {target!r} has given a score: there is no recall to audit.")
    audited = [
        FileRecord(**record)
        for card in read_audits(campaign.root)
        if card["target"] == target and card["result"] is not None
        for record in card["result"]["scores"]
    ]
    known = np.asarray(scores["score"].drop_null().to_numpy(), float)
    return Snapshot(
        campaign,
        target,
        screened[0],
        [campaign.root / record.path for record in receipts.outputs(f"{name}/screen", "predictions/")],
        picked,
        audited,
        _error(receipts, name, target) or float(known.std()) or 1.0,
        receipts.docking_seconds(target),
    )


def read_scores(root: Path, records: list[FileRecord]) -> pa.Table:
    """Return ``row``, ``id``, ``smiles``, ``score`` of scores tables, one line for each row of the library.

    Raises
    ------
    CampaignError
        If a table was altered since.
    """
    for record in records:
        if not matches(record, root):
            raise CampaignError(f"{root / record.path} is missing or was altered since it was written.")
    names = ["row", "id", "smiles", "score"]
    types = (pa.int64(), pa.string(), pa.string(), pa.float64())
    if not records:
        return pa.schema(list(zip(names, types, strict=True))).empty_table()
    table = concat([root / record.path for record in records], names)
    _, first = np.unique(table["row"].to_numpy(), return_index=True)
    return table.take(pa.array(first))


def _screened(receipts: CampaignReceipts, number: int, target: str) -> bool:
    """Tell whether the student of a round knows the target and has predicted every shard."""
    name = round_name(number)
    trained = [receipt for receipt in receipts.of(f"{name}/train") if receipt.done]
    planned = receipts.campaign.ledger.planned(f"{name}/screen")
    done = [receipt for receipt in receipts.of(f"{name}/screen") if receipt.done]
    return bool(trained and target in trained[0].facts["targets"] and planned and len(done) == len(planned))


def _error(receipts: CampaignReceipts, name: str, target: str) -> float | None:
    """Return the error of a student: the teacher's with docking and the student's with the teacher, together."""
    squares = 0.0
    trained = next((item for item in receipts.of(f"{name}/train") if item.done), None)
    report = {} if trained is None else trained.facts.get("report", {})
    curve = recorded_curve(report.get("focus", {}), target)
    for step in ("train", "distil"):
        for record in receipts.outputs(f"{name}/{step}", "heldout/"):
            table = read_held_out(receipts.campaign.root / record.path, target)
            if table.num_rows < FEWEST:
                return None
            truth = learnt_scores(table, curve if step == "train" else None)
            squares += float(np.square(truth - table["mean"].to_numpy()).mean())
    return float(np.sqrt(squares)) if squares else None
