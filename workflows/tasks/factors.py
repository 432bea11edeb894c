"""Tasks of campaigns on combinatorial spaces: the factor model, the search of a part of the space, its products."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...data.schema import PROPERTY_COLUMNS
from ...data.score_keys import KEYS, score_keys
from ...data.seeds import derive_seed
from ...data.spaces.space import Space, SpaceShard
from ...data.store import concat, write_table
from ...models.factors.factor_model import FactorModel
from ...models.factors.settings import FactorSettings
from ...models.factors.train import train_factor_model
from ...models.settings import StudentSettings
from ...screening.spaces.search import search_space
from ...screening.spaces.tables import FactorTables
from ..config.campaign_file import settings_from
from .context import TaskContext, TaskOutcome
from .held_out import held_out_table, write_held_out
from .space_settings import FactorTaskSettings, SearchSettings

MOLECULE_COLUMNS = ["row", "id", "smiles", *PROPERTY_COLUMNS]


@functools.lru_cache(maxsize=2)
def _model(path: Path, sha256: str) -> FactorModel:
    """Load a factor model once in a worker's life."""
    return FactorModel.load(path)


def factors_of(context: TaskContext[Any]) -> FactorModel:
    """Return the factor model among the inputs of the task."""
    record = next(item for item in context.task.inputs if item.path.endswith("factors.safetensors"))
    return _model(context.root / record.path, record.sha256)


def distil_factors(context: TaskContext[FactorTaskSettings]) -> TaskOutcome:
    """Train the factor model on what the teacher predicts for random products."""
    settings = context.settings
    directions = dict(settings.lower_is_better)
    space = Space(context.runtime["library"])
    with context.watch("read"):
        names = ["row", "smiles", *[f"mean:{target}" for target in directions]]
        labels = concat(context.inputs("labels/"), names)
        labels = labels.filter(pc.is_valid(labels[names[2]]))
        means = np.column_stack([labels[f"mean:{target}"].to_numpy() for target in directions])
    with context.watch("train"):
        model, held_out = train_factor_model(
            space,
            labels["row"].to_numpy(),
            means,
            tuple(directions),
            tuple(directions.values()),
            settings_from(FactorSettings, settings.factors),
            derive_seed(settings.seed, "distil", settings.model),
            settings.threads,
            least=settings_from(StudentSettings, settings.student),
            names=labels["smiles"].to_pylist(),
        )
    path = context.root / "models" / settings.model / "factors.safetensors"
    apart = context.root / "heldout" / f"{settings.model.replace('/', '-')}.parquet"
    with context.watch("write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        sha256 = model.save(path)
        write_held_out(apart, held_out_table(held_out, model.targets, "folds"))
    return TaskOutcome(
        rows_in=labels.num_rows,
        rows_out=labels.num_rows,
        outputs=(path, apart),
        counts={"molecules": labels.num_rows},
        facts={"model": sha256[:16], "report": dict(model.report)},
    )


def predict_labels(
    context: TaskContext[Any], labels: pa.Table, targets: Sequence[str]
) -> NDArray[np.float32]:
    """Return what the factor model says of labelled products, shape (n, targets)."""
    model = factors_of(context)
    where = Space(context.runtime["library"]).locate(labels["row"].to_numpy())
    return model.predict(*where)[:, [model.targets.index(target) for target in targets]]


def search(context: TaskContext[SearchSettings]) -> TaskOutcome:
    """Find the best products of one part of the space, per target; every product is answered for, none is made."""
    settings = context.settings
    with context.watch("load"):
        model = factors_of(context)
        space = Space(context.runtime["library"])
        shard = next(item for item in space.shards if item.name == settings.shard)
    threads = int(context.runtime.get("threads", 1))
    best: list[NDArray[np.int64]] = []
    evaluated = 0
    with context.watch("predict"):
        for target, keep in settings.keep.items():
            tables = shard_tables(model, shard, target)
            found = search_space([tables], keep, threads=threads, first=[shard.first_row])
            best.append(found.numbers)
            evaluated += found.evaluated
        rows = np.unique(np.concatenate(best))
        scores = model.predict(*space.locate(rows))
    columns = {f"mean:{name}": pa.array(scores[:, at]) for at, name in enumerate(model.targets)}
    predictions = context.root / "predictions" / settings.round / f"{shard.name}.parquet"
    histogram = context.root / "histograms" / settings.round / f"{shard.name}.parquet"
    with context.watch("write"):
        write_table(predictions, pa.table({"row": pa.array(rows), **columns}))
        write_table(histogram, _histogram(scores, model.targets, model.lower_is_better))
    return TaskOutcome(
        rows_in=shard.rows,
        rows_out=len(rows),
        outputs=(predictions, histogram),
        counts={
            "molecules": shard.rows,
            "predictions": shard.rows * len(model.targets),
            "unpredictable": 0,
            "evaluated": evaluated,
            "kept": len(rows),
        },
        device={"kind": "cpu", "threads": threads},
    )


def shard_tables(model: FactorModel, shard: SpaceShard, target: str) -> FactorTables:
    """Return what blocks add for one target, larger is better, of the blocks of one part of the space."""
    column, factors = model.targets.index(target), model.reactions[shard.reaction]
    sign = np.float32(-1.0 if model.lower_is_better[column] else 1.0)
    mine = slice(shard.start, shard.stop)
    single = [sign * part[:, column] for part in factors.single]
    single[0] = single[0][mine]
    pairs = {
        (one, other): (
            np.ascontiguousarray(sign * (left[mine] if one == 0 else left)[:, column]),
            np.ascontiguousarray(right[:, column]),
        )
        for (one, other), (left, right) in factors.pairs.items()
    }
    return FactorTables(tuple(single), pairs)


def _histogram(
    scores: NDArray[np.float32], targets: Sequence[str], lower_is_better: Sequence[bool]
) -> pa.Table:
    """Return how many of the kept products have each score key, as a screen of a shard writes it."""
    names, keys, counts = [], [], []
    for column, (target, lower) in enumerate(zip(targets, lower_is_better, strict=True)):
        found = np.bincount(score_keys(scores[:, column], lower), minlength=KEYS)
        used = np.flatnonzero(found)
        names += [target] * len(used)
        keys.append(used)
        counts.append(found[used])
    return pa.table(
        {
            "target": pa.array(names, pa.string()),
            "key": pa.array(np.concatenate(keys), pa.uint16()),
            "count": pa.array(np.concatenate(counts), pa.int64()),
        }
    )
