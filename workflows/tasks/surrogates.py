"""Tasks that learn and predict: teacher, labels, student, the screen of a shard, the shortlist."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...data.seeds import derive_seed
from ...data.store import concat, read_table, write_table
from ...models.bundles.bundle import load_bundle, read_card, save_bundle
from ...models.prediction import HeldOut
from ...models.settings import StudentSettings, TeacherSettings
from ...models.students.distill import distil_student
from ...models.students.leave_out import leave_out
from ...models.students.screen import screen_shard
from ...models.teachers.focus import recorded_curve
from ...models.teachers.sources import flattering, for_judging
from ...models.teachers.teacher import Teacher
from ...models.teachers.train import train_teacher
from ...models.teachers.training_data import TrainingData, unteachable
from ..campaign.begin import MIN_LABELS
from ..campaign.sources import FOLDER, read_sources
from ..config.campaign_file import settings_from
from .context import TaskContext, TaskOutcome
from .eligible import ANY, Eligible, column_of, read_mask
from .held_out import held_out_table, write_held_out
from .settings import DistilSettings, LabelSettings, RoundSettings, TrainSettings
from .training_scores import TrainingScores, read_training_scores


@functools.lru_cache(maxsize=2)
def _bundle(folder: Path, weights_sha256: str) -> Any:
    """Load a bundle once in a worker's life; the checksum keeps a retrained one from being missed."""
    return load_bundle(folder)


def bundle_of(context: TaskContext[Any]) -> Any:
    """Return the model among the inputs of the task."""
    weights = next(record for record in context.task.inputs if record.path.endswith("weights.safetensors"))
    return _bundle((context.root / weights.path).parent, weights.sha256)


def train(context: TaskContext[TrainSettings]) -> TaskOutcome:
    """Train the teacher on every docking score so far, but for the sealed ones.

    A target that no teacher can learn yet (too few scores, all of them equal) is left out, and named in the
    receipt; the others go on.
    """
    settings = context.settings
    frozen = context.inputs(f"{FOLDER}/")
    with context.watch("read"):
        found = read_training_scores(
            [path for path in context.inputs() if path not in frozen],
            context.root,
            dict(settings.lower_is_better),
            settings.seed,
            settings.sealed,
        )
        sources = read_sources(frozen)
    teacher_settings = settings_from(TeacherSettings, settings.teacher)
    untaught = unteachable(found.data, teacher_settings.min_scores)
    data = found.data
    if len(untaught) < len(data.targets):  # else training says what is wrong
        data = _without(data, untaught)
    seed = derive_seed(settings.seed, "train", settings.model)
    with context.watch("train"):
        teacher = train_teacher(data, teacher_settings, seed, settings.threads, sources)
    folder = context.root / "models" / settings.model
    units = {name: unit for name, unit in settings.units.items() if name in teacher.targets}
    held_out = context.root / "heldout" / f"{settings.model.replace('/', '-')}.parquet"
    with context.watch("write"):
        model = save_bundle(teacher, folder, {"units": units, "parent": settings.parent})
        _write_held_out(held_out, teacher, found, untaught, sources)
    return TaskOutcome(
        rows_in=len(data.smiles),
        rows_out=len(data.smiles),
        outputs=(folder / "weights.safetensors", folder / "card.json", held_out),
        counts={
            "molecules": len(data.smiles),
            "sealed": found.left_out,
            "failed_dockings": found.failed,
        },
        facts={
            "model": model,
            "report": teacher.report,
            "targets": list(teacher.targets),
            "untaught": untaught,
        },
    )


def _without(data: TrainingData, targets: Mapping[str, str]) -> TrainingData:
    """Return the training data without some targets, and without the molecules that only these have."""
    kept = [index for index, target in enumerate(data.targets) if target not in targets]
    scores = np.asarray(data.scores)[:, kept]
    rows = np.flatnonzero(np.isfinite(scores).any(axis=1))
    return TrainingData(
        smiles=[data.smiles[int(row)] for row in rows],
        targets=tuple(data.targets[index] for index in kept),
        scores=scores[rows],
        lower_is_better=tuple(data.lower_is_better[index] for index in kept),
    )


def _write_held_out(
    path: Path,
    teacher: Teacher,
    found: TrainingScores,
    untaught: Mapping[str, str],
    sources: Sequence[Teacher],
) -> None:
    """Write what the teacher predicts for molecules it has not seen: by cross-validation, and the sealed ones."""
    assert teacher.held_out is not None
    tables = [held_out_table(teacher.held_out, teacher.targets, "folds", found.seed_sample)]
    sealed = _without(found.sealed, untaught)
    if len(sealed.smiles):
        predicted = for_judging(teacher, sources).predict(sealed.smiles)
        flattered = flattering(teacher, sources, sealed.smiles)
        docked = np.asarray(sealed.scores, np.float64)
        curves = [recorded_curve(teacher.report["focus"], target) for target in teacher.targets]
        learnt = [
            docked[:, column] if curve is None else curve.draw(docked[:, column])
            for column, curve in enumerate(curves)
        ]
        apart = HeldOut(
            list(sealed.smiles),
            np.stack(learnt, axis=1),
            np.where(flattered[:, None], np.nan, predicted.mean.astype(np.float64)),
            predicted.spread.astype(np.float64),
            docked,
        )
        tables.append(held_out_table(apart, teacher.targets, "sealed"))
    write_held_out(path, *tables, focus=teacher.report["focus"])


def label(context: TaskContext[LabelSettings]) -> TaskOutcome:
    """Let the teacher predict one slice of a random sample of the library, for the student."""
    settings, eligible = context.settings, Eligible.of(context)
    start = settings.index * settings.batch
    with context.watch("read"):
        places = np.sort(eligible.draw(settings.labels, settings.seed, "label", settings.round))
        rows = eligible.at(places[start : start + settings.batch])
        molecules = eligible.library.take(rows, ["row", "id", "smiles"])
    path = context.root / "labels" / settings.round / f"batch-{settings.index:05d}.parquet"
    return predict_and_write(context, molecules, path)


def refine(context: TaskContext[RoundSettings]) -> TaskOutcome:
    """Let the teacher predict one batch of the shortlist."""
    (source,) = context.inputs("shortlists/")
    with context.watch("read"):
        molecules = read_table(source)
    path = context.root / "refined" / context.settings.round / source.name
    return predict_and_write(context, molecules, path)


def predict_and_write(context: TaskContext[Any], molecules: pa.Table, path: Path) -> TaskOutcome:
    """Let the teacher among the inputs predict molecules (a table with ``smiles``), and write table and predictions."""
    with context.watch("load"):
        teacher = bundle_of(context)
    with context.watch("predict"):
        prediction = teacher.predict(molecules["smiles"].to_pylist(), standard=True)
    for index, target in enumerate(teacher.targets):
        for name, values in (("mean", prediction.mean), ("spread", prediction.spread)):
            column = pa.array(values[:, index].astype(np.float32), from_pandas=True)  # NaN becomes null
            molecules = molecules.append_column(f"{name}:{target}", column)
    for name, found, kind in (
        ("similarity", prediction.similarity, pa.float32()),
        ("novel", prediction.novel, pa.bool_()),
    ):
        column = pa.nulls(molecules.num_rows, kind) if found is None else pa.array(found, from_pandas=True)
        molecules = molecules.append_column(name, column)
    with context.watch("write"):
        write_table(path, molecules)
    missing = int(np.isnan(prediction.mean[:, 0]).sum())
    return TaskOutcome(
        rows_in=molecules.num_rows,
        rows_out=molecules.num_rows,
        outputs=(path,),
        counts={
            "molecules": molecules.num_rows,
            "unpredictable": missing,
            "novel": 0 if prediction.novel is None else int(prediction.novel.sum()),
        },
        device={"kind": "cpu", "threads": 1},
    )


def distil(context: TaskContext[DistilSettings]) -> TaskOutcome:
    """Train the student on the teacher's labels."""
    settings = context.settings
    directions = dict(settings.lower_is_better)
    with context.watch("read"):
        names = ["smiles", *[f"{kind}:{target}" for kind in ("mean", "spread") for target in directions]]
        labels = concat(context.inputs("labels/"), names)
        labels = labels.filter(pc.is_valid(labels[names[1]]))
        mean = np.column_stack([labels[f"mean:{target}"].to_numpy() for target in directions])
        spread = np.column_stack([labels[f"spread:{target}"].to_numpy() for target in directions])
        known = concat([*context.inputs("scores/"), *context.inputs("imports/")], ["smiles"])["smiles"]
        spread = _without_memory(labels["smiles"], spread, known)
    seed = derive_seed(settings.seed, "distil", settings.model)
    with context.watch("train"):
        student = distil_student(
            labels["smiles"].to_pylist(),
            mean,
            spread,
            tuple(directions),
            tuple(directions.values()),
            settings_from(StudentSettings, settings.student),
            seed,
            settings.threads,
        )
    folder = context.root / "models" / settings.model
    teacher = read_card(next(path for path in context.inputs("models/") if path.name == "card.json").parent)
    card = {"units": dict(settings.units), "parent": teacher["id"]}
    held_out = context.root / "heldout" / f"{settings.model.replace('/', '-')}.parquet"
    with context.watch("write"):
        model = save_bundle(student, folder, card)
        assert student.held_out is not None
        write_held_out(held_out, held_out_table(student.held_out, student.targets, "folds"))
    return TaskOutcome(
        rows_in=labels.num_rows,
        rows_out=labels.num_rows,
        outputs=(folder / "weights.safetensors", folder / "card.json", held_out),
        counts={"molecules": labels.num_rows},
        facts={"model": model, "report": student.report},
    )


def _without_memory(smiles: pa.ChunkedArray, spread: np.ndarray, docked: pa.ChunkedArray) -> np.ndarray:
    """Blank the spread of docked molecules: the teacher is sure of them for a reason no student can see.

    In a library so small that hardly any molecule is left undocked, the spreads stay as they are.
    """
    seen = pc.is_in(smiles, docked.combine_chunks()).to_numpy(zero_copy_only=False)
    if (~seen).sum() < MIN_LABELS:
        return spread
    blanked = spread.copy()
    blanked[seen] = np.nan
    return blanked


def _rows_of(shard: Path) -> int:
    with pq.ParquetFile(shard) as file:
        return int(file.metadata.num_rows)


def screen(context: TaskContext[RoundSettings]) -> TaskOutcome:
    """Let the student score every molecule of one shard, for all targets at once."""
    settings = context.settings
    (shard,) = context.inputs("@library/")
    chosen = context.inputs("filters/")
    with context.watch("load"):
        student = bundle_of(context)
        # What no target may dock is not scored: it costs the reading of its bytes.
        wanted = read_mask(chosen[0], ANY, _rows_of(shard)) if chosen else None
    root, name, group = context.root, shard.stem, settings.round
    predictions, histogram, leaders = (
        root / kind / group / f"{name}.parquet" for kind in ("predictions", "histograms", "leaders")
    )
    result = screen_shard(
        shard,
        student,
        predictions,
        histogram,
        leaders,
        threads=context.runtime.get("threads", 1),
        device=context.runtime.get("device", "cpu"),
        wanted=wanted,
    )
    left_out = 0 if wanted is None else int((~wanted).sum())
    if wanted is not None:
        with context.watch("leave_out"):
            refused = {
                target: wanted & ~read_mask(chosen[0], column_of(target), len(wanted))
                for target in student.targets
            }
            leave_out(predictions, histogram, leaders, student, refused)
    return TaskOutcome(
        rows_in=result.rows,
        rows_out=result.rows,
        outputs=(predictions, histogram, leaders),
        counts={
            "molecules": result.rows,
            "predictions": (result.rows - result.missing) * len(student.targets),
            "unpredictable": result.missing - left_out,
            **({} if wanted is None else {"left_out": left_out}),
            "bytes_read": result.bytes_read,
            "bytes_written": result.bytes_written,
            "bytes_moved": result.bytes_moved,
        },
        facts={"screen": result.accounts()},
        device=result.device,
        seconds={f"screen_{stage}": value for stage, value in result.seconds.items()},
    )
