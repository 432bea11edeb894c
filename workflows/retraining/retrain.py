"""Retraining: new scores in, a candidate teacher judged against the present one, the better one promoted."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...data.errors import CampaignError, InputError
from ...data.receipts import Receipt
from ...data.store import FileRecord, is_temporary, record_file, write_json, write_table
from ...models.bundles.bundle import load_bundle, read_card
from ...screening.metrics.paired import PairedComparison
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.chain import beginning
from ..campaign.driver import DriverLock
from ..campaign.ledger import FOLLOWS, Task, round_name, round_number
from ..tasks.run import run_task
from ..tasks.settings import TrainSettings
from .imported_scores import ImportReport, check_direction, read_import
from .promotion import compare_models, decide, docked_scores


@dataclass(frozen=True)
class RetrainResult:
    """What a retraining gave.

    Attributes
    ----------
    name : str
        The candidate's folder under ``models/``.
    imported : ImportReport
    agreement : float
        Rank correlation of the imported scores with the present model's predictions.
    comparison : dict of str to PairedComparison
        Present and candidate on the sealed molecules, by target.
    seed_sample : dict of str to PairedComparison
        The same on the sealed molecules of the seed sample alone, which the imported file has no part in.
    promoted : bool
    reason : str

    Examples
    --------
    >>> result = docksieve.retrain("campaign", "new.csv", target="EGFR", promote=True)
    >>> result.promoted, sorted(result.comparison)
    (True, ['EGFR', 'JAK2'])
    """

    name: str
    imported: ImportReport
    agreement: float
    comparison: Mapping[str, PairedComparison]
    seed_sample: Mapping[str, PairedComparison]
    promoted: bool
    reason: str


def retrain(
    campaign: str | Path,
    scores: str | Path,
    target: str | None = None,
    *,
    promote: bool = False,
    lower_is_better: bool | None = None,
    force: bool = False,
    columns: Mapping[str, str | int | None] | None = None,
) -> RetrainResult:
    """Train a candidate teacher from all scores of a campaign and those in a file.

    Both models are judged on molecules that neither was trained on: the sealed part of the seed sample,
    and a sealed fifth of the imported scores. It is promoted if its error on all of them is no larger, unless it is
    larger by more than chance on the seed sample alone: wrong scores must not vouch for themselves. A promoted
    candidate is the campaign's present model, and
    the imported scores train every later round.

    Parameters
    ----------
    campaign : path
    scores : path
        Table of SMILES and scores.
    target : str, optional
        Needed only if the campaign has several.
    promote : bool
        Promote the candidate even if it is worse.
    lower_is_better : bool, optional
        Direction of the scores in the file, if it is not the target's; they are then turned.
    force : bool
        Import scores that run against the present model.
    columns : mapping, optional
        ``smiles_column``, ``id_column``, ``score_column``.

    Returns
    -------
    RetrainResult

    Raises
    ------
    CampaignError
        If there is no model yet, or the campaign is running.
    InputError
        If the file cannot be used.

    Examples
    --------
    >>> result = docksieve.retrain("campaign", "new.csv", target="EGFR")
    >>> result.name
    'retrain-001/teacher'
    >>> result.imported.used, result.comparison["EGFR"].molecules
    (60, 19)
    """
    opened = open_campaign(campaign)
    with DriverLock(opened.root):
        return _retrain(opened, Path(scores), target, promote, lower_is_better, force, columns)


def _retrain(
    campaign: Campaign,
    path: Path,
    target: str | None,
    promote: bool,
    lower_is_better: bool | None,
    force: bool,
    columns: Mapping[str, str | int | None] | None,
) -> RetrainResult:
    target = _the_target(campaign, target)
    spec = campaign.targets[target]
    present = present_model(campaign)
    library = campaign.open_library()
    imported = read_import(path, library, target, spec["unit"], spec["lower_is_better"], columns)
    table = imported.table
    if lower_is_better is not None and lower_is_better != spec["lower_is_better"]:
        turned = pc.negate(table["score"])
        table = table.set_column(table.schema.get_field_index("score"), "score", turned)
    present_teacher = load_bundle(campaign.root / "models" / present)
    agreement = float("nan")
    if not force and target in present_teacher.targets:
        predicted = present_teacher.predict(table["smiles"].to_pylist()).mean
        column = present_teacher.targets.index(target)
        agreement = check_direction(table["score"].to_numpy(), predicted[:, column], path)
    number = max((card["number"] for card in campaign.imports()), default=0) + 1
    record = _keep(campaign, table, number, path)
    receipt = _train(campaign, record, number, present)
    candidate = f"retrain-{number:03d}/teacher"
    comparison, of_seed = compare_models(campaign, present, candidate, table)
    promoted, reason = decide(comparison, of_seed, target, promote, knows=target in receipt.facts["targets"])
    first_round = trained_rounds(campaign) + 1 if promoted else None
    card = {
        "number": number,
        "file": str(path),
        "target": target,
        "scores": vars(record),
        "first_round": first_round,
        "report": imported.report.to_json(),
        "model": candidate,
        "model_id": receipt.facts["model"],
    }
    write_json(campaign.root / "imports" / f"import-{number:03d}" / "import.json", card)
    return RetrainResult(candidate, imported.report, agreement, comparison, of_seed, promoted, reason)


def _the_target(campaign: Campaign, target: str | None) -> str:
    names = list(campaign.targets)
    if target is None and len(names) == 1:
        return names[0]
    if target not in names:
        said = f"no target {target!r}" if target else "several targets"
        raise InputError(f"The campaign has {said}.", f"Name one with --target: {', '.join(names)}.")
    return target


def trained_rounds(campaign: Campaign) -> int:
    """Return the number of the last round that has a teacher."""
    trained = [stage for stage in campaign.stages() if stage.endswith("/train")]
    done = [stage for stage in trained if any(r.done for r in campaign.ledger.receipts(stage))]
    return max((round_number(stage.partition("/")[0]) or 0 for stage in done), default=0)


def present_model(campaign: Campaign) -> str:
    """Return the folder (under ``models/``) of the teacher in force.

    That is the one promoted last, until a later round has trained one on the same scores and more; else
    the latest round's.

    Raises
    ------
    CampaignError
        If no teacher was trained yet.
    """
    last = trained_rounds(campaign)
    promoted = [card for card in campaign.imports() if card["first_round"] is not None]
    if promoted and last < promoted[-1]["first_round"]:
        return str(promoted[-1]["model"])
    if last == 0:
        raise CampaignError(
            f"The campaign in {campaign.root} has no model yet.",
            "Submit it, and retrain when a round is done.",
        )
    return f"{round_name(last)}/teacher"


def _keep(campaign: Campaign, table: pa.Table, number: int, path: Path) -> FileRecord:
    kept = campaign.root / "imports" / f"import-{number:03d}" / "scores.parquet"
    write_table(kept, table)
    record = record_file(kept, campaign.root)
    for card in campaign.imports():
        if card["first_round"] is not None and card["scores"]["sha256"] == record.sha256:
            shutil.rmtree(kept.parent)
            raise InputError(
                f"The scores in {path} were imported already (import-{card['number']:03d}).",
                "Scores count once.",
            )
    return record


def _train(campaign: Campaign, record: FileRecord, number: int, parent: str) -> Receipt:
    later = (*campaign.imported_scores(10**9), *campaign.audited_scores(10**9))
    scores = (*docked_scores(campaign), *later, record)
    inputs = (*scores, *campaign.source_records())
    directions = {name: spec["lower_is_better"] for name, spec in campaign.targets.items()}
    settings = TrainSettings(
        model=f"retrain-{number:03d}/teacher",
        teacher=campaign.teacher_settings,
        lower_is_better=directions,
        units={name: spec["unit"] for name, spec in campaign.targets.items()},
        seed=campaign.seed,
        sealed=campaign.config.start.sealed,
        threads=campaign.state["threads"],
        parent=read_card(campaign.root / "models" / parent)["id"],
    )
    runtime = {FOLLOWS: beginning(campaign.state)}
    task = Task(f"retrain-{number:03d}/train", "train", settings, inputs, runtime)
    receipt = run_task(str(campaign.root), task)
    if receipt.failure is not None:
        raise CampaignError(f"The candidate could not be trained: {receipt.failure.message}")
    return receipt


def list_models(campaign: str | Path | Campaign) -> list[dict[str, Any]]:
    """Return the card of every model of a campaign, with its folder and whether it is the one in force."""
    opened = campaign if isinstance(campaign, Campaign) else open_campaign(campaign)
    folder = opened.root / "models"
    cards = [path for path in folder.glob("*/*/card.json") if not is_temporary(path.parent)]
    names = sorted(path.parent.relative_to(folder).as_posix() for path in cards)
    present = present_model(opened) if any(name.endswith("/teacher") for name in names) else ""
    return [{"name": name, "present": name == present, **read_card(folder / name)} for name in names]


def model_card(campaign: Campaign, name: str) -> dict[str, Any]:
    """Return the card of the model ``name``, such as ``round-01/teacher``.

    Raises
    ------
    InputError
        If there is no such model.
    """
    known = [card["name"] for card in list_models(campaign)]
    if name not in known:
        raise InputError(f"The campaign has no model {name!r}.", f"It has: {', '.join(known) or 'none yet'}.")
    return dict(read_card(campaign.root / "models" / name))
