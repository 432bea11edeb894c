"""Tasks that learn and predict: teacher, labels, student, the screen of a shard, the shortlist."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..data.errors import CampaignError
from ..data.library import Library
from ..data.seeds import derive_seed, unit_interval
from ..data.store import read_table, write_table
from ..models.bundle import load_bundle, read_card, save_bundle
from ..models.distill import distil_student
from ..models.predict import screen_shard
from ..models.settings import StudentSettings, TeacherSettings
from ..models.teacher import TrainingData, train_teacher
from .choosing import concat
from .config import settings_from
from .folder import MIN_LABELS
from .tasks import Context, Outcome

SCORE_COLUMNS = ["smiles", "target", "score"]
SEALED_SHARE_OF_IMPORTS = 0.2
"""Share of imported molecules that no model trains on."""


@functools.lru_cache(maxsize=2)
def _bundle(folder: Path, weights_sha256: str) -> Any:
    """Load a bundle once in a worker's life; the checksum keeps a retrained one from being missed."""
    return load_bundle(folder)


def bundle_of(context: Context) -> Any:
    """Return the model among the inputs of the task."""
    weights = next(record for record in context.task.inputs if record.path.endswith("weights.safetensors"))
    return _bundle((context.root / weights.path).parent, weights.sha256)


def is_sealed(smiles: str, seed: int, share: float) -> bool:
    """Tell whether a molecule of a sealed source is kept from training, for judging models."""
    return unit_interval(seed, "sealed", smiles) < share


def gather_scores(
    paths: Sequence[Path], root: Path, directions: Mapping[str, bool], seed: int, share: float
) -> tuple[TrainingData, int, int]:
    """Gather docking scores into one matrix.

    Parameters
    ----------
    paths : sequence of Path
        Scores tables.
    root : Path
        The campaign folder that they lie in.
    directions : mapping of str to bool
        ``lower_is_better`` by target.
    seed : int
        The campaign's; it says which molecules are sealed.
    share : float
        Share of the seed sample that is sealed: left out, wherever else those molecules appear.

    Returns
    -------
    data : TrainingData
        One row per distinct molecule, in order of SMILES, NaN where a target has no score. A molecule
        scored several times has the mean.
    sealed, failed : int
        Molecules left out, and dockings without a score.

    Raises
    ------
    CampaignError
        If there is no score at all.
    """
    tables = [concat([path], SCORE_COLUMNS) for path in paths]
    shares = [_sealed_share(path, root, share) for path in paths]
    sealed = {
        smiles
        for table, sealed_share in zip(tables, shares, strict=True)
        for smiles in table["smiles"].to_pylist()
        if is_sealed(smiles, seed, sealed_share)
    }
    everything = pa.concat_tables(tables)
    table = everything.filter(pc.is_valid(everything["score"]))
    failed = everything.num_rows - table.num_rows
    table = table.filter(pc.invert(pc.is_in(table["smiles"], pa.array(sorted(sealed), pa.string()))))
    if table.num_rows == 0:
        raise CampaignError(
            f"There is no docking score to train on: {failed:,} dockings failed.",
            "`docksieve hits CAMPAIGN --failed` lists them with their reasons.",
        )
    means = table.group_by(["smiles", "target"], use_threads=False).aggregate([("score", "mean")])
    smiles = sorted(set(means["smiles"].to_pylist()))
    place = {text: index for index, text in enumerate(smiles)}
    column = {target: index for index, target in enumerate(directions)}
    matrix = np.full((len(smiles), len(directions)), np.nan)
    columns = (means[name].to_pylist() for name in ("smiles", "target", "score_mean"))
    for text, target, score in zip(*columns, strict=True):
        matrix[place[text], column[target]] = score
    data = TrainingData(
        smiles=smiles,
        targets=tuple(directions),
        scores=matrix,
        lower_is_better=tuple(directions.values()),
    )
    return data, len(sealed), failed


def train(context: Context) -> Outcome:
    """Train the teacher on every docking score so far, but for the sealed ones."""
    settings = context.settings
    with context.watch("read"):
        data, sealed, failed = gather_scores(
            context.inputs(),
            context.root,
            dict(settings["lower_is_better"]),
            settings["seed"],
            settings["sealed"],
        )
    seed = derive_seed(settings["seed"], "train", settings["model"])
    with context.watch("train"):
        teacher = train_teacher(
            data, settings_from(TeacherSettings, settings["teacher"]), seed, settings["threads"]
        )
    folder = context.root / "models" / settings["model"]
    card = {"units": dict(settings["units"]), "parent": settings["parent"]}
    with context.watch("write"):
        model = save_bundle(teacher, folder, card)
    return Outcome(
        rows_in=len(data.smiles),
        rows_out=len(data.smiles),
        outputs=(folder / "weights.safetensors", folder / "card.json"),
        counts={"molecules": len(data.smiles), "sealed": sealed, "failed_dockings": failed},
        facts={"model": model, "report": teacher.report},
    )


def _sealed_share(path: Path, root: Path, share: float) -> float:
    """Only the seed sample and imported scores hold sealed molecules; acquired ones would flatter a model."""
    relative = path.relative_to(root).as_posix()
    if relative.startswith("imports/"):
        return SEALED_SHARE_OF_IMPORTS
    return share if relative.startswith("scores/round-00/") else 0.0


def label(context: Context) -> Outcome:
    """Let the teacher predict one slice of a random sample of the library, for the student."""
    settings, library = context.settings, Library.open(context.runtime["library"])
    rows = library.sample_rows(settings["labels"], settings["seed"], "label", settings["round"])
    start = settings["index"] * settings["batch"]
    with context.watch("read"):
        molecules = library.take(rows[start : start + settings["batch"]], ["row", "id", "smiles"])
    path = context.root / "labels" / settings["round"] / f"batch-{settings['index']:05d}.parquet"
    return _predict_and_write(context, molecules, path)


def refine(context: Context) -> Outcome:
    """Let the teacher predict one batch of the shortlist."""
    (source,) = context.inputs("shortlists/")
    with context.watch("read"):
        molecules = read_table(source)
    path = context.root / "refined" / context.settings["round"] / source.name
    return _predict_and_write(context, molecules, path)


def _predict_and_write(context: Context, molecules: pa.Table, path: Path) -> Outcome:
    with context.watch("load"):
        teacher = bundle_of(context)
    with context.watch("predict"):
        prediction = teacher.predict(molecules["smiles"].to_pylist())
    for index, target in enumerate(teacher.targets):
        for name, values in (("mean", prediction.mean), ("spread", prediction.spread)):
            column = pa.array(values[:, index].astype(np.float32), from_pandas=True)  # NaN becomes null
            molecules = molecules.append_column(f"{name}:{target}", column)
    with context.watch("write"):
        write_table(path, molecules)
    missing = int(np.isnan(prediction.mean[:, 0]).sum())
    return Outcome(
        rows_in=molecules.num_rows,
        rows_out=molecules.num_rows,
        outputs=(path,),
        counts={"molecules": molecules.num_rows, "unpredictable": missing},
        device={"kind": "cpu", "threads": 1},
    )


def distil(context: Context) -> Outcome:
    """Train the student on the teacher's labels."""
    settings = context.settings
    directions = dict(settings["lower_is_better"])
    with context.watch("read"):
        names = ["smiles", *[f"{kind}:{target}" for kind in ("mean", "spread") for target in directions]]
        labels = concat(context.inputs("labels/"), names)
        labels = labels.filter(pc.is_valid(labels[names[1]]))
        mean = np.column_stack([labels[f"mean:{target}"].to_numpy() for target in directions])
        spread = np.column_stack([labels[f"spread:{target}"].to_numpy() for target in directions])
        known = concat([*context.inputs("scores/"), *context.inputs("imports/")], ["smiles"])["smiles"]
        spread = _without_memory(labels["smiles"], spread, known)
    seed = derive_seed(settings["seed"], "distil", settings["model"])
    with context.watch("train"):
        student = distil_student(
            labels["smiles"].to_pylist(),
            mean,
            spread,
            tuple(directions),
            tuple(directions.values()),
            settings_from(StudentSettings, settings["student"]),
            seed,
            settings["threads"],
        )
    folder = context.root / "models" / settings["model"]
    teacher = read_card(next(path for path in context.inputs("models/") if path.name == "card.json").parent)
    card = {"units": dict(settings["units"]), "parent": teacher["id"]}
    with context.watch("write"):
        model = save_bundle(student, folder, card)
    return Outcome(
        rows_in=labels.num_rows,
        rows_out=labels.num_rows,
        outputs=(folder / "weights.safetensors", folder / "card.json"),
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


def screen(context: Context) -> Outcome:
    """Let the student score every molecule of one shard, for all targets at once."""
    settings = context.settings
    (shard,) = context.inputs("@library/")
    with context.watch("load"):
        student = bundle_of(context)
    root, name, group = context.root, shard.stem, settings["round"]
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
    )
    return Outcome(
        rows_in=result.rows,
        rows_out=result.rows,
        outputs=(predictions, histogram, leaders),
        counts={
            "molecules": result.rows,
            "predictions": (result.rows - result.missing) * len(student.targets),
            "unpredictable": result.missing,
            "bytes_read": result.bytes_read,
            "bytes_written": result.bytes_written,
        },
        device=result.device,
        seconds={f"screen_{stage}": value for stage, value in result.seconds.items()},
    )
