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

from ...data.schema import LIBRARY_SCHEMA, PROPERTY_COLUMNS
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
from .settings import FactorTaskSettings, SearchSettings

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


def made(context: TaskContext[Any], shortlist: pa.Table) -> pa.Table:
    """Return a batch of a shortlist with its molecules: of a space, products are made here."""
    if "smiles" in shortlist.column_names:
        return shortlist
    return Space(context.runtime["library"]).take(shortlist["row"].to_numpy(), MOLECULE_COLUMNS)


class MadeProducts:
    """Products of a space that were made already, in place of a library.

    Parameters
    ----------
    paths : sequence of path
        Tables with the columns of molecules.
    fingerprint : str
        Of the space.
    """

    def __init__(self, paths: Sequence[Path], fingerprint: str) -> None:
        table = concat(paths, MOLECULE_COLUMNS)
        schema = pa.schema([LIBRARY_SCHEMA.field(name) for name in MOLECULE_COLUMNS])
        self._table = table.filter(table["smiles"].is_valid()).cast(schema)
        rows = self._table["row"].to_numpy()
        self._order = np.argsort(rows)
        self._rows = rows[self._order]
        self.fingerprint = fingerprint

    def take(self, rows: Any, columns: Sequence[str] | None = None) -> pa.Table:
        """Return rows by number, in the order asked; without those that could not be made."""
        wanted = np.asarray(rows, np.int64)
        places = np.searchsorted(self._rows, wanted[np.isin(wanted, self._rows)])
        return self._table.select(list(columns or MOLECULE_COLUMNS)).take(pa.array(self._order[places]))


def repeated_products(paths: Sequence[Path], docked: pa.Table) -> NDArray[np.int64]:
    """Return the rows of shortlisted products that are no molecule, or one that stands there or is docked already.

    Several combinations of blocks may make the same molecule: the smallest row stands for it.
    """
    table = concat(paths, ["row", "smiles"])
    rows, smiles = table["row"].to_numpy(), table["smiles"].combine_chunks()
    order = np.argsort(rows, kind="stable")
    encoded = pc.dictionary_encode(smiles.take(pa.array(order)))
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    first = np.zeros(len(codes), bool)
    first[np.unique(codes, return_index=True)[1]] = True
    known = pc.is_in(encoded.dictionary, docked["smiles"].combine_chunks()).to_numpy(zero_copy_only=False)
    own = pc.is_in(pa.array(rows[order]), docked["row"].combine_chunks()).to_numpy(zero_copy_only=False)
    seen = np.append(known, True)[codes]  # the last stands for what is no molecule
    return rows[order][(~first | seen) & ~own]


def drawn_products(space: Space, count: int, seed: int, purpose: str, columns: Sequence[str]) -> pa.Table:
    """Return ``count`` random products that can be made, each molecule once; fewer where there are no more."""
    spare = count + max(50, count // 5)
    rows = space.sample_rows(min(spare, space.rows), seed, purpose)
    table = space.take(rows, columns)
    smiles = table["smiles"].combine_chunks()
    texts = np.array(smiles.to_pylist(), dtype=object)
    good = np.flatnonzero(smiles.is_valid().to_numpy(zero_copy_only=False))
    _, first = np.unique(texts[good].astype(str), return_index=True)
    usable = good[np.sort(first)]
    chosen = np.random.default_rng(derive_seed(seed, "drawn", purpose)).permutation(usable)[:count]
    return table.take(pa.array(np.sort(chosen)))
