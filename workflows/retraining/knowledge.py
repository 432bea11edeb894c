"""What a campaign knows of molecules: scores that it docked, predictions of its teacher, and how wrong these are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...data.errors import CampaignError
from ...data.receipts import Receipt, read_receipt
from ...data.seeds import derive_seed
from ...data.store import FileRecord, concat
from ...models.bundles.bundle import load_bundle, read_card
from ...models.teachers.focus import drawn_like
from ..campaign.campaign import Campaign
from ..campaign.sources import is_source
from ..tasks.training_scores import TrainingScores, read_training_scores
from .agreement import FEWEST, Array, Known

MOST_PREDICTED = 5_000
"""Imported molecules that the present teacher is asked about, at most: drawn at random."""


def docked_scores(campaign: Campaign) -> list[FileRecord]:
    """Return the scores tables of every round so far."""
    ledger = campaign.ledger
    stages = [stage for stage in campaign.stages() if stage.startswith("round-") and stage.endswith("/dock")]
    return [record for stage in stages for record in ledger.outputs(stage, "scores/")]


def training_receipt(campaign: Campaign, model: str) -> Receipt:
    """Return the receipt of the training of a teacher, such as ``round-01/teacher``.

    Raises
    ------
    CampaignError
        If it is missing.
    """
    receipt = read_receipt(campaign.root, f"{model.partition('/')[0]}/train")
    if receipt is None or not receipt.done:
        raise CampaignError(
            f"The receipt of the training of {model} is missing.", "Submit the campaign again."
        )
    return receipt


def learned_scores(campaign: Campaign, model: str) -> TrainingScores:
    """Return the scores that a teacher of this campaign learned from, and those kept from it."""
    receipt = training_receipt(campaign, model)
    return read_training_scores(
        [campaign.root / record.path for record in receipt.inputs if not is_source(record)],
        campaign.root,
        {name: spec["lower_is_better"] for name, spec in campaign.targets.items()},
        campaign.seed,
        campaign.config.start.sealed,
    )


def is_drawn(card: Mapping[str, Any], target: str) -> bool:
    """Tell whether a teacher learned a target with its bad scores drawn together."""
    return bool(card["report"].get("focus", {}).get(target, {}).get("drawn_together", False))


def scores_of(scores: TrainingScores, target: str) -> Array:
    """Return all scores that a teacher learned for a target, without NaN."""
    column = list(scores.data.targets).index(target)
    values = np.asarray(scores.data.scores, np.float64)[:, column]
    return np.asarray(values[np.isfinite(values)])


def what_is_known(campaign: Campaign, present: str, target: str, smiles: list[str], scores: Array) -> Known:
    """Return what the campaign knows of imported molecules.

    Parameters
    ----------
    campaign : Campaign
    present : str
        The teacher in force.
    target : str
    smiles : list of str, length n
        Standard, as in the library.
    scores : array of float64, shape (n,)
        Imported.

    Returns
    -------
    Known
        Predictions only of molecules that the teacher had not learned from, and as far as there are enough, not of
        those unlike all that it had.
    """
    lower = bool(campaign.targets[target]["lower_is_better"])
    own, docked = _own_scores(campaign, target, smiles)
    mean, spread = np.full((2, len(smiles)), np.nan)
    card = read_card(campaign.root / "models" / present)
    drawn, error = scores.copy(), float("nan")
    if target in [item["name"] for item in card["targets"]]:
        learned = learned_scores(campaign, present)
        mean, spread = _predicted(campaign, present, target, smiles, set(learned.data.smiles))
        error = float(card["report"]["targets"][target]["rmse"]["value"])
        if is_drawn(card, target):
            reference = scores_of(learned, target)
            drawn = drawn_like(scores, reference, lower)
            error *= float(np.std(reference)) / max(
                float(np.std(drawn_like(reference, reference, lower))), 1e-9
            )
    return Known(own, mean, spread, drawn, docked, error)


def _own_scores(campaign: Campaign, target: str, smiles: list[str]) -> tuple[Array, Array]:
    """Return the campaign's own score of each molecule (NaN: none), and all that it docked for the target."""
    paths = [campaign.root / record.path for record in docked_scores(campaign)]
    if not paths:
        return np.full(len(smiles), np.nan), np.zeros(0)
    table = concat(paths, ["smiles", "target", "score"])
    table = table.filter(pc.and_(pc.equal(table["target"], target), pc.is_valid(table["score"])))
    means = table.group_by("smiles", use_threads=False).aggregate([("score", "mean")])
    known = dict(zip(means["smiles"].to_pylist(), means["score_mean"].to_pylist(), strict=True))
    own = np.array([known.get(text, np.nan) for text in smiles], np.float64)
    return own, np.array(sorted(known.values()), np.float64)


def _predicted(
    campaign: Campaign, present: str, target: str, smiles: list[str], learned: set[str]
) -> tuple[Array, Array]:
    teacher = load_bundle(campaign.root / "models" / present)
    mean, spread = np.full((2, len(smiles)), np.nan)
    new = np.flatnonzero([text not in learned for text in smiles])
    if len(new) > MOST_PREDICTED:
        generator = np.random.default_rng(derive_seed(campaign.seed, "imported", target))
        new = np.sort(generator.choice(new, MOST_PREDICTED, replace=False))
    if len(new) == 0:
        return mean, spread
    found = teacher.predict([smiles[row] for row in new])
    if found.novel is not None and (~found.novel).sum() >= FEWEST:
        found.mean[found.novel] = np.nan
    column = teacher.targets.index(target)
    mean[new], spread[new] = found.mean[:, column], found.spread[:, column]
    return mean, spread


def seed_sample_scores(campaign: Campaign) -> pa.Table:
    """Return ``smiles``, ``target`` and ``score`` of the seed sample's own dockings, failed ones left out."""
    paths = [
        campaign.root / record.path
        for record in docked_scores(campaign)
        if record.path.startswith("scores/round-00/")
    ]
    table = concat(paths, ["smiles", "target", "score"])
    return table.filter(pc.is_valid(table["score"]))
