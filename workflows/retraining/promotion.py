"""Judging a retrained candidate against the present model, on molecules that neither has learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...data.errors import CampaignError
from ...data.receipts import read_receipt
from ...data.seeds import derive_seed
from ...data.store import FileRecord, read_table
from ...models.bundles.bundle import load_bundle
from ...screening.metrics.paired import PairedComparison, compare_predictions
from ..campaign.campaign import Campaign
from ..campaign.sources import is_source
from ..tasks.training_scores import SEALED_SHARE_OF_IMPORTS, is_held_out, read_training_scores


def docked_scores(campaign: Campaign) -> list[FileRecord]:
    """Return the scores tables of every round so far."""
    ledger = campaign.ledger
    stages = [stage for stage in campaign.stages() if stage.startswith("round-") and stage.endswith("/dock")]
    return [record for stage in stages for record in ledger.outputs(stage, "scores/")]


def compare_models(
    campaign: Campaign, present: str, candidate: str, imported: pa.Table
) -> tuple[dict[str, PairedComparison], dict[str, PairedComparison]]:
    """Return the comparisons on all sealed molecules, and on those of the seed sample alone."""
    models = [load_bundle(campaign.root / "models" / name) for name in (present, candidate)]
    seed, share = campaign.seed, campaign.config.start.sealed
    sealed = []
    for record in docked_scores(campaign):
        if record.path.startswith("scores/round-00/"):
            table = read_table(campaign.root / record.path, ["smiles", "target", "score"])
            sealed.append(_only_sealed(table, seed, share))
    of_seed = pa.concat_tables(sealed)
    new = _only_sealed(imported.select(["smiles", "target", "score"]), seed, SEALED_SHARE_OF_IMPORTS)
    known = pa.array(sorted(_trained_on(campaign, present)), pa.string())
    both = [
        _paired(pa.concat_tables(tables), known, models, derive_seed(seed, "compare", candidate))
        for tables in ([of_seed, new], [of_seed])
    ]
    if not both[0]:
        raise CampaignError(
            "There is no sealed molecule to judge the models by.",
            "Set [start] sealed above 0 in the next campaign, or import more scores.",
        )
    return both[0], both[1]


def _paired(test: pa.Table, known: pa.Array, models: list[Any], seed: int) -> dict[str, PairedComparison]:
    """Compare two models by target on scored molecules that are not among ``known``."""
    test = test.filter(pc.is_valid(test["score"]))
    test = test.filter(pc.invert(pc.is_in(test["smiles"], known)))
    merged = test.group_by(["smiles", "target"], use_threads=False).aggregate([("score", "mean")])
    test = merged.rename_columns(["smiles", "target", "score"])  # a molecule counts once
    comparisons = {}
    for target in models[0].targets:
        mine = test.filter(pc.equal(test["target"], target))
        if mine.num_rows == 0 or target not in models[1].targets:
            continue
        truth = mine["score"].to_numpy()
        smiles = mine["smiles"].to_pylist()
        old, new = (
            model.predict(smiles).mean[:, model.targets.index(target)].astype(np.float64) for model in models
        )
        fine = np.isfinite(old) & np.isfinite(new)
        if fine.any():
            comparisons[target] = compare_predictions(truth[fine], old[fine], new[fine], seed=seed)
    return comparisons


def _trained_on(campaign: Campaign, model: str) -> set[str]:
    """Return the molecules that a teacher of this campaign learnt from.

    A molecule acquired in some round is not sealed; if it is imported too, it may fall into the sealed part
    of the import, and would then flatter the model that has seen it.
    """
    receipt = read_receipt(campaign.root, f"{model.partition('/')[0]}/train")
    if receipt is None or not receipt.done:
        raise CampaignError(
            f"The receipt of the training of {model} is missing.", "Submit the campaign again."
        )
    found = read_training_scores(
        [campaign.root / record.path for record in receipt.inputs if not is_source(record)],
        campaign.root,
        {name: spec["lower_is_better"] for name, spec in campaign.targets.items()},
        campaign.seed,
        campaign.config.start.sealed,
    )
    return set(found.data.smiles)


def _only_sealed(table: pa.Table, seed: int, share: float) -> pa.Table:
    mask = [is_held_out(smiles, seed, share) for smiles in table["smiles"].to_pylist()]
    return table.filter(pa.array(mask, pa.bool_()))


def decide(
    comparison: Mapping[str, PairedComparison],
    of_seed: Mapping[str, PairedComparison],
    target: str,
    promote: bool,
    knows: bool = True,
) -> tuple[bool, str]:
    """Promote if the error for ``target`` is no larger and no other target's is significantly larger.

    Imported scores are sealed in part and judge models with the rest: a file of wrong scores would vouch for
    itself. So the sealed part of the seed sample has a veto: there no error may be significantly larger. A
    candidate that does not know the target (``knows``) has learnt nothing from its scores.
    """
    worse = [
        name
        for name, item in comparison.items()
        if (item.difference.value > 0 if name == target else item.difference.low > 0)
    ]
    vetoed = [name for name, item in of_seed.items() if item.difference.low > 0 and name not in worse]
    if target not in comparison and not knows:
        return False, f"it has too few scores to learn {target}"
    if not worse and not vetoed:
        if target not in comparison:
            return True, f"the present model does not know {target}"
        return True, "its error on the sealed molecules is no larger"
    reasons = []
    if worse:
        reasons.append(f"its error on the sealed molecules is larger for {', '.join(worse)}")
    if vetoed:
        reasons.append(
            f"its error on the sealed molecules of the seed sample is larger for {', '.join(vetoed)}, by more than "
            "chance: check the imported scores"
        )
    reason = "; ".join(reasons)
    return (
        (True, f"promoted by request, though {reason}")
        if promote
        else (False, f"{reason}; --promote would promote it")
    )
