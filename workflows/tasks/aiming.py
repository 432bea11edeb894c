"""Choosing for several targets at once: what goes on the shortlist, and what is docked, where a campaign has an aim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...data.score_keys import MISSING_KEY, key_scores
from ...data.store import read_table
from ...screening.acquisition.aims import FrontStream, Scale, combined, front_values, front_weights
from ...screening.acquisition.failing import FailureModel
from ...screening.acquisition.functions import AcquisitionContext
from ...screening.acquisition.stream import Acquired, AcquisitionStream, BestRows
from .eligible import MayDock, column_of
from .settings import AcquireSettings, RankSettings

FRONT_LISTS = 16
"""Weights of targets whose best go on the shortlist where the aim is a front."""
BATCH = 262_144


def aimed_rows(
    settings: RankSettings, predictions: Sequence[Path], histograms: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return the rows of the library that are best for the aim by the student's predictions.

    As many as the largest number that one of its targets keeps. One pass over the predictions of its targets.
    """
    assert settings.aim is not None
    kind, targets = settings.aim["kind"], settings.aim["targets"]
    scales = [
        _scale_of_histogram(histograms[target], settings.lower_is_better[target], _one_unit(settings.aim))
        for target in targets
    ]
    keep = max(settings.keep[target] for target in targets)
    weights = front_weights(FRONT_LISTS, len(targets), 1) if kind == "pareto" else np.ones((1, 1))
    lists = [BestRows(-(-keep // len(weights))) for _ in weights]
    ideal = np.array([scale.best for scale in scales])
    for path in predictions:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(
                BATCH, columns=["row", *(f"mean:{target}" for target in targets)], use_threads=False
            ):
                rows = batch.column("row").to_numpy()
                mean = _goodness(batch, "mean", targets, scales)
                if kind == "pareto":
                    values = front_values(mean, ideal, weights)
                else:
                    values = combined(kind, mean, np.zeros_like(mean), scales[0].floor)[0][:, None]
                for place, best in enumerate(lists):
                    near = np.flatnonzero(values[:, place] >= best.least)  # NaN compares false
                    best.offer(values[near, place], rows[near], values[near, place])
    return np.unique(np.concatenate([best.best()[1] for best in lists]))


def acquire_aimed(
    settings: AcquireSettings,
    shortlist: Sequence[Path],
    docked: pa.Table,
    failing: Mapping[str, FailureModel],
    eligible: MayDock,
    seed: int,
    usual: Mapping[str, np.ndarray],
    smiles_of: Callable[[np.ndarray], list[str]],
) -> tuple[Acquired, dict[str, np.ndarray], dict[str, Any]]:
    """Choose one batch for all targets of the aim.

    Parameters
    ----------
    settings : AcquireSettings
    shortlist : sequence of path
        With the teacher's predictions.
    docked : pyarrow.Table
        ``row``, ``target`` and ``score`` of all dockings so far.
    failing : mapping of str to FailureModel
        By target; those of no use may be missing.
    eligible : Eligible
    seed : int
    usual : mapping of str to array of float
        By target, scores of the seed sample: what those of the library usually are.
    smiles_of : callable
        Given rows of the shortlist, returns their SMILES.

    Returns
    -------
    Acquired
    done : dict of str to array of int64
        By target, rows of the batch that it has docked already.
    facts : dict
        What to say of the choice.
    """
    assert settings.aim is not None
    kind, targets = str(settings.aim["kind"]), list(settings.aim["targets"])
    mine = {target: docked.filter(pc.equal(docked["target"], target)) for target in targets}
    scales = [
        Scale.of(
            usual[target],
            settings.lower_is_better[target],
            _one_unit(settings.aim),
            _best_of(mine[target], settings.lower_is_better[target]),
        )
        for target in targets
    ]
    known = {target: table["row"].drop_null().to_numpy() for target, table in mine.items()}
    # Docked for all of them, or without a score for one: nothing more can be learnt of its place.
    rows = np.unique(np.concatenate(list(known.values())))
    everywhere = np.logical_and.reduce([np.isin(rows, each) for each in known.values()])
    failed = np.concatenate([_rows_of(table, pc.is_null(table["score"])) for table in mine.values()])
    never = np.union1d(rows[everywhere], failed)
    best = best_known(kind, [mine[target] for target in targets], scales)
    stream: FrontStream | AcquisitionStream
    if kind == "pareto":
        ideal = np.array([scale.best for scale in scales])
        stream = FrontStream(
            settings.acquisition, settings.dock, ideal, settings.beta, seed, never, settings.epsilon
        )
    else:
        stream = AcquisitionStream(
            settings.acquisition,
            settings.dock,
            lower_is_better=False,
            context=AcquisitionContext(best=best or 0.0, beta=settings.beta, xi=settings.xi),
            seed=seed,
            docked=never,
            epsilon=settings.epsilon,
            diversity=settings.diversity,
            typical=_typical(kind, [mine[target] for target in targets], scales),
        )
    names = ["row", *(f"{what}:{target}" for what in ("mean", "spread") for target in targets)]
    for path in shortlist:
        table = read_table(path, names)
        there = table["row"].to_numpy()
        mean, spread = (_goodness(table, what, targets, scales) for what in ("mean", "spread"))
        for place, target in enumerate(targets):
            mean[~eligible.may(there, column_of(target)), place] = np.nan

        def chance(places: np.ndarray, path: Path = path) -> np.ndarray:
            smiles = read_table(path, ["smiles"])["smiles"].take(pa.array(places)).to_pylist()
            return np.asarray(np.prod([model.chance(smiles) for model in failing.values()], axis=0))

        if isinstance(stream, FrontStream):
            stream.add(there, mean, spread, chance(np.arange(len(there))) if failing else None)
        else:
            one, sigma = combined(kind, mean, spread, scales[0].floor)
            stream.add(there, one, sigma, chance if failing else None)
    found = stream.choose() if isinstance(stream, FrontStream) else stream.choose(smiles_of)
    facts = {"kind": kind, "targets": targets, "best_before": best}
    if kind == "selective":
        sign = -1.0 if scales[0].lower_is_better else 1.0
        facts["floor"] = sign * scales[0].floor  # one unit: goodness is the score turned
    return found, {target: np.intersect1d(found.rows, each) for target, each in known.items()}, facts


def _best_of(docked: pa.Table, lower: bool) -> float | None:
    known = docked["score"].drop_null().to_numpy()
    return float(known.min() if lower else known.max()) if len(known) else None


def _one_unit(aim: Mapping[str, Any]) -> bool:
    """Whether goodness stays in score units; a front is always measured by how far scores spread."""
    return bool(aim["one_unit"]) and aim["kind"] != "pareto"


def _scale_of_histogram(histogram: np.ndarray, lower: bool, one_unit: bool) -> Scale:
    """Return the scale of a library's predictions, from quantiles of their score keys."""
    counts = histogram[:MISSING_KEY]
    if not counts.sum():
        return Scale(lower)
    running = np.cumsum(counts)
    keys = np.searchsorted(running, np.linspace(0.0005, 0.9995, 1000) * running[-1])
    best = float(key_scores([int(np.flatnonzero(counts)[0])], lower)[0])
    return Scale.of(key_scores(keys, lower), lower, one_unit, best)


def _goodness(table: Any, what: str, targets: Sequence[str], scales: Sequence[Scale]) -> np.ndarray:
    """Return means as goodness, or standard deviations in its unit, shape (n, targets); NaN where there is none."""
    columns = (
        [table.column(f"{what}:{target}").to_numpy(zero_copy_only=False) for target in targets]
        if isinstance(table, pa.RecordBatch)
        else [table[f"{what}:{target}"].to_numpy() for target in targets]
    )
    if what == "mean":
        return np.column_stack(
            [scale.goodness(values) for scale, values in zip(scales, columns, strict=True)]
        )
    return np.column_stack([values / scale.width for scale, values in zip(scales, columns, strict=True)])


def _rows_of(table: pa.Table, mask: Any) -> np.ndarray:
    return np.asarray(table.filter(mask)["row"].drop_null().to_numpy(), np.int64)


def docked_values(kind: str, tables: Sequence[pa.Table], scales: Sequence[Scale]) -> np.ndarray:
    """Return what molecules docked for all targets are worth to an aim with one value per molecule."""
    scored = []
    for table in tables:
        known = table.filter(pc.and_(pc.is_valid(table["score"]), pc.is_valid(table["row"])))
        rows, first = np.unique(known["row"].to_numpy(), return_index=True)
        scored.append((rows, known["score"].to_numpy()[first]))
    common = scored[0][0]
    for rows, _ in scored[1:]:
        common = np.intersect1d(common, rows)
    mean = np.column_stack(
        [
            scale.goodness(scores[np.searchsorted(rows, common)])
            for scale, (rows, scores) in zip(scales, scored, strict=True)
        ]
    )
    return combined(kind, mean, np.zeros_like(mean), scales[0].floor)[0]


def best_known(kind: str, tables: Sequence[pa.Table], scales: Sequence[Scale]) -> float | None:
    """Return the best value docked so far; None where there is none, or the aim has no single value."""
    if kind == "pareto":
        return None
    values = docked_values(kind, tables, scales)
    return float(np.nanmax(values)) if np.isfinite(values).any() else None


def _typical(kind: str, tables: Sequence[pa.Table], scales: Sequence[Scale]) -> float:
    values = docked_values(kind, tables, scales)
    return float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0
