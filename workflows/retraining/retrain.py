"""Retraining: new scores in, a candidate teacher judged against the present one, the better one promoted."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...data.errors import CampaignError, InputError
from ...data.receipts import Receipt
from ...data.store import FileRecord, record_file, write_table
from ...models.bundles.bundle import read_card
from ...screening.metrics.paired import PairedComparison
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.chain import beginning
from ..campaign.driver import DriverLock
from ..campaign.imports import import_name, in_force, put_in_force, write_import
from ..campaign.ledger import FOLLOWS, Task
from ..tasks.run import run_task
from ..tasks.settings import TrainSettings
from .agreement import Agreement, Finding, agreement
from .imported_scores import SHOWN_LINES, ImportReport, import_rows
from .knowledge import docked_scores, what_is_known
from .model_choice import list_models, model_card, present_model, put_model_in_force, trained_rounds
from .promotion import Judged, compare_models, decide
from .score_columns import read_target_scores

__all__ = [
    "RetrainResult",
    "TargetImport",
    "list_models",
    "model_card",
    "present_model",
    "retrain",
    "trained_rounds",
]


@dataclass(frozen=True)
class TargetImport:
    """What was imported for one target.

    Attributes
    ----------
    target : str
    column : str
        Of the file.
    report : ImportReport
    agreement : Agreement
        With what the campaign knows.
    notes : tuple of str
        What should be said of how the file was read.
    """

    target: str
    column: str
    report: ImportReport
    agreement: Agreement
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetrainResult:
    """What a retraining gave.

    Attributes
    ----------
    name : str
        The candidate's folder under ``models/``.
    imported : ImportReport
        Of all targets together.
    agreement : float
        Rank correlation of the imported scores with the present model's predictions, of the first target; NaN where
        there are too few.
    comparison : dict of str to PairedComparison
        Present and candidate on the seed sample's test set, by target; where there is none, on the rest of the
        seed sample, or on imported molecules kept from training.
    judged : dict of str to Judged
        All comparisons there are.
    promoted : bool
    reason : str
    targets : dict of str to TargetImport
        What was imported, by target, and how it agrees with what is known.
    number : int
        Of the import.

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
    judged: Mapping[str, Judged]
    promoted: bool
    reason: str
    targets: Mapping[str, TargetImport] = field(default_factory=dict)
    number: int = 0

    @property
    def seed_sample(self) -> dict[str, PairedComparison]:
        """Present and candidate on the seed sample's test set alone, by target."""
        return {name: item.test_set for name, item in self.judged.items() if item.test_set is not None}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was suspicious of the scores, over all targets."""
        return tuple(found for item in self.targets.values() for found in item.agreement.findings)


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

    The scores are compared with what the campaign knows first: with its own scores of the same molecules, and with its
    present teacher's predictions (``workflows/retraining/agreement.py``). What is certainly of another scale, sign or
    receptor is refused; what is suspicious is said. Both models are then judged on the seed sample, which the file has
    no part in: on its test set where that can tell, else on cross-validated predictions for all of it. The candidate
    is promoted unless its error is larger there by more than chance. A promoted candidate is the campaign's present
    model, and the imported scores train every later round. One that is not can be put in force later
    (:func:`use_model`).

    Parameters
    ----------
    campaign : path
    scores : path
        Table of SMILES and scores: one column of them, one per target by its name, or an export of hits.
    target : str, optional
        Needed if the campaign has several and the file does not say whose scores it holds.
    promote : bool
        Promote the candidate even if it is worse, or its scores are suspicious.
    lower_is_better : bool, optional
        Direction of the scores in the file, if it is not the target's; they are then turned.
    force : bool
        Import scores that would be refused; what was found is then said like other suspicions.
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
    (60, 13)
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
    present = present_model(campaign)
    library = campaign.open_library()
    items, tables = [], []
    for found in read_target_scores(path, campaign.targets, target, columns):
        spec = campaign.targets[found.target]
        lower = bool(spec["lower_is_better"])
        imported = import_rows(path, found.rows, library, found.target, spec["unit"], lower)
        table = imported.table
        if lower_is_better is not None and lower_is_better != lower:
            turned = pc.negate(table["score"])
            table = table.set_column(table.schema.get_field_index("score"), "score", turned)
        scores = table["score"].to_numpy().astype(np.float64)
        known = what_is_known(campaign, present, found.target, table["smiles"].to_pylist(), scores)
        agreed = _not_refused(agreement(scores, known, lower, found.target), path, force)
        items.append(TargetImport(found.target, found.column, imported.report, agreed, found.notes))
        tables.append(table)
    table = pa.concat_tables(tables)
    number = max((card["number"] for card in campaign.imports()), default=0) + 1
    record = _keep(campaign, table, number, path)
    receipt = _train(campaign, record, number, present)
    candidate = f"retrain-{number:03d}/teacher"
    judged = compare_models(campaign, present, candidate, table)
    names = [item.target for item in items]
    untaught = [name for name in names if name not in receipt.facts["targets"]]
    findings = [found for item in items for found in item.agreement.findings]
    promoted, reason = decide(judged, names, promote, untaught, findings)
    report = _together([item.report for item in items])
    card = {
        "number": number,
        "file": str(path),
        "target": ", ".join(names),
        "scores": vars(record),
        "first_round": None,
        "report": report.to_json(),
        "targets": {
            item.target: {
                "column": item.column,
                "report": item.report.to_json(),
                "agreement": item.agreement.to_json(),
            }
            for item in items
        },
        "model": candidate,
        "model_id": receipt.facts["model"],
        "decision": {"promoted": promoted, "reason": reason},
    }
    if promoted:
        card = put_in_force(card, trained_rounds(campaign), "promoted")
    write_import(campaign.root, card)
    if promoted:
        put_model_in_force(campaign, candidate, f"{import_name(number)} promoted")
    comparison = {name: _shown(item) for name, item in judged.items()}
    return RetrainResult(
        candidate,
        report,
        items[0].agreement.rank,
        {name: item for name, item in comparison.items() if item is not None},
        judged,
        promoted,
        reason,
        {item.target: item for item in items},
        number,
    )


def _shown(judged: Judged) -> PairedComparison | None:
    return judged.test_set or judged.cross_validated or judged.imported


def _not_refused(found: Agreement, path: Path, force: bool) -> Agreement:
    """Return the agreement, what would be refused made a warning if the user insists."""
    refused = [item for item in found.findings if item.level == "refuse"]
    if refused and not force:
        words = " ".join(item.words for item in refused)
        raise InputError(f"The scores in {path} cannot be used. {words}", refused[0].cure)
    return replace(found, findings=tuple(replace(item, level="warn") for item in found.findings))


def _together(reports: Sequence[ImportReport]) -> ImportReport:
    """Return one report of several targets' columns: their counts added up, line numbers of all."""
    if len(reports) == 1:
        return reports[0]
    counts = ("lines", "used", "repeated", "unscored", "unreadable", "unknown", "conflicts", "in_library")
    added = {name: sum(getattr(report, name) for report in reports) for name in counts}
    kinds = dict.fromkeys(kind for report in reports for kind in report.examples)
    examples = {
        kind: sorted({line for report in reports for line in report.examples.get(kind, ())})[:SHOWN_LINES]
        for kind in kinds
    }
    return ImportReport(**added, examples=examples)


def _keep(campaign: Campaign, table: pa.Table, number: int, path: Path) -> FileRecord:
    kept = campaign.root / "imports" / import_name(number) / "scores.parquet"
    write_table(kept, table)
    record = record_file(kept, campaign.root)
    for card in campaign.imports():
        if in_force(card) and card["scores"]["sha256"] == record.sha256:
            shutil.rmtree(kept.parent)
            raise InputError(
                f"The scores in {path} were imported already ({import_name(card['number'])}).",
                "Scores count once; `docksieve retrain CAMPAIGN --list` lists the imports.",
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
