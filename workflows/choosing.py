"""Tasks that choose molecules: the seed sample, the shortlist, the acquisition, the final selection.

Each writes batches of a *selection*: library columns, and for chosen molecules why they were chosen. A
batch is what one docking or prediction task reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..data.library import Library
from ..data.schema import LIBRARY_SCHEMA
from ..data.seeds import derive_seed
from ..data.store import read_table, write_table
from ..screening.acquire import AcquisitionContext, acquire, random_share
from ..screening.diverse import diverse_subset
from ..screening.leaderboard import write_leaderboard
from ..screening.rank import best_rows, merge_all_histograms
from .tasks import Context, Outcome

MOLECULE_COLUMNS = [name for name in LIBRARY_SCHEMA.names if name not in ("source", "line")]


def sample(context: Context) -> Outcome:
    """Choose the molecules docked before there is a model: the same ones for every target."""
    settings, library = context.settings, Library.open(context.runtime["library"])
    count = settings["molecules"]
    with context.watch("sample"):
        if settings["method"] == "diverse":
            pool = library.sample_rows(min(20 * count, library.rows), settings["seed"], "sample")
            molecules = library.take(pool, MOLECULE_COLUMNS)
            picks = diverse_subset(molecules["smiles"].to_pylist(), count, settings["seed"])
            molecules = molecules.take(pa.array(np.sort(picks)))
        else:
            rows = library.sample_rows(count, settings["seed"], "sample")
            molecules = library.take(rows, MOLECULE_COLUMNS)
    outputs: list[Path] = []
    for target in settings["targets"]:
        outputs += _write_batches(context.root, "round-00", target, molecules, settings["batch"])
    return Outcome(library.rows, molecules.num_rows, tuple(outputs))


def rank(context: Context) -> Outcome:
    """Keep the student's best molecules of each target, over all shards, for the teacher."""
    settings, library = context.settings, Library.open(context.runtime["library"])
    predictions = context.inputs("predictions/")
    kept: list[np.ndarray] = []
    cuts: dict[str, Any] = {}
    with context.watch("rank"):
        histograms = merge_all_histograms(context.inputs("histograms/"))
        for target, lower in settings["lower_is_better"].items():
            column = f"mean:{target}"
            best = best_rows(predictions, histograms[target], column, settings["keep"][target], lower)
            kept.append(best["row"].to_numpy())
            cut = float(best["score"][-1].as_py()) if best.num_rows else None
            cuts[target] = {"kept": best.num_rows, "cut": cut}
        rows = np.unique(np.concatenate(kept))
    outputs = []
    with context.watch("leaderboard"):
        for target, lower in settings["lower_is_better"].items():
            board = context.root / "leaderboards" / settings["round"] / f"{target}.parquet"
            write_leaderboard(board, predictions, histograms[target], library, target, lower)
            outputs.append(board)
    with context.watch("write"):
        for index, start in enumerate(range(0, len(rows), settings["batch"])):
            path = context.root / "shortlists" / settings["round"] / f"batch-{index:05d}.parquet"
            write_table(path, library.take(rows[start : start + settings["batch"]], MOLECULE_COLUMNS))
            outputs.append(path)
    return Outcome(library.rows, len(rows), tuple(outputs), facts={"cuts": cuts})


def acquire_batch(context: Context) -> Outcome:
    """Choose what to dock next, per target, from the teacher's predictions on the shortlist.

    Of the shortlist only rows and one target's predictions are held at once; the chosen molecules' other
    columns are read afterwards.
    """
    settings = context.settings
    shortlist = context.inputs("refined/")
    batches = [read_table(path, ["row"])["row"].to_numpy() for path in shortlist]
    rows, sizes = np.concatenate(batches), list(map(len, batches))

    def smiles(places: np.ndarray) -> list[str]:
        found: list[str] = _molecules_at(shortlist, sizes, places, ["smiles"])["smiles"].to_pylist()
        return found

    docked = concat(context.inputs("scores/"), ["row", "target", "score"])
    outputs: list[Path] = []
    facts: dict[str, Any] = {}
    chosen_in_all = 0
    for target, lower in settings["lower_is_better"].items():
        mine = docked.filter(pc.equal(docked["target"], target))
        seed = derive_seed(settings["seed"], "acquire", settings["round"], target)
        if target not in settings["taught"]:
            picked = _at_random(context, mine["row"].drop_null().to_numpy(), seed)
            outputs += _write_batches(context.root, settings["round"], target, picked, settings["batch"])
            facts[target] = {
                "asked": settings["dock"],
                "chosen": picked.num_rows,
                "at_random": picked.num_rows,
                "taught": False,
            }
            chosen_in_all += picked.num_rows
            continue
        known = mine["score"].drop_null().to_numpy()
        best = (float(known.min() if lower else known.max())) if len(known) else 0.0
        predicted = concat(shortlist, [f"mean:{target}", f"spread:{target}"])
        sweeping = target in settings["sweep"]
        epsilon = 0.0 if sweeping else settings["epsilon"]
        done = mine["row"].drop_null().to_numpy()
        count = settings["dock"]
        if sweeping:  # all of the teacher's best so many that are not docked yet
            means = predicted[f"mean:{target}"].to_numpy()
            swept = best_places(means, rows, settings["sweep"][target], lower)
            count = int((~np.isin(rows[swept], done)).sum())
        chosen, values = acquire(
            "greedy" if sweeping else settings["acquisition"],
            rows,
            predicted[f"mean:{target}"].to_numpy(),
            predicted[f"spread:{target}"].to_numpy(),
            count,
            lower_is_better=lower,
            context=AcquisitionContext(best=best, beta=settings["beta"], xi=settings["xi"]),
            seed=seed,
            docked=done,
            epsilon=epsilon,
            diversity="none" if sweeping else settings["diversity"],
            smiles=smiles,
        )
        picked = _molecules_at(shortlist, sizes, chosen, MOLECULE_COLUMNS)
        for name in ("mean", "spread"):
            picked = picked.append_column(name, predicted[f"{name}:{target}"].take(pa.array(chosen)))
        picked = picked.append_column("acquisition", pa.array(values))
        outputs += _write_batches(context.root, settings["round"], target, picked, settings["batch"])
        by_value = count - random_share(count, epsilon)
        facts[target] = {
            "asked": count,
            "chosen": len(chosen),
            "at_random": max(0, len(chosen) - by_value),
            "best_before": best,
            "taught": True,
            "sweep": settings["sweep"].get(target, 0),
        }
        chosen_in_all += len(chosen)
    return Outcome(len(rows), chosen_in_all, tuple(outputs), facts=facts)


def best_places(means: np.ndarray, rows: np.ndarray, count: int, lower_is_better: bool) -> np.ndarray:
    """Return the places of the best ``count`` means, ties by row; missing ones never."""
    known = np.flatnonzero(np.isfinite(means))
    signed = means[known] if lower_is_better else -means[known]
    return known[np.lexsort((rows[known], signed))[:count]]


def _at_random(context: Context, docked: np.ndarray, seed: int) -> pa.Table:
    """Return molecules of the library that are not docked yet, for a target that no model knows."""
    library, count = Library.open(context.runtime["library"]), context.settings["dock"]
    drawn = library.sample_rows(min(count + len(docked), library.rows), seed, "acquire")
    fresh = np.setdiff1d(drawn, docked)
    if len(fresh) > count:
        kept = np.random.default_rng(seed).permutation(len(fresh))[:count]
        fresh = fresh[np.sort(kept)]
    picked = library.take(fresh, MOLECULE_COLUMNS)
    for name, kind in (("mean", pa.float32()), ("spread", pa.float32()), ("acquisition", pa.float64())):
        picked = picked.append_column(name, pa.nulls(picked.num_rows, kind))
    return picked


def _molecules_at(
    paths: Sequence[Path], sizes: Sequence[int], places: np.ndarray, columns: list[str]
) -> pa.Table:
    """Return ``columns`` of the molecules at ``places`` of all files, counted through, in that order."""
    starts = np.cumsum([0, *sizes])
    parts, taken = [], []
    for path, start, end in zip(paths, starts[:-1], starts[1:], strict=True):
        here = np.flatnonzero((places >= start) & (places < end))
        if len(here):
            parts.append(read_table(path, columns).take(pa.array(places[here] - start)))
            taken.append(here)
    if not parts:
        return pa.schema([LIBRARY_SCHEMA.field(name) for name in columns]).empty_table()
    return pa.concat_tables(parts).take(pa.array(np.argsort(np.concatenate(taken))))


def select_final(context: Context) -> Outcome:
    """Take the best docked molecules of each target for the final docking."""
    settings = context.settings
    docked = concat(context.inputs("scores/"), ["row", "id", "smiles", "target", "score"])
    outputs: list[Path] = []
    selected = 0
    for target, lower in settings["lower_is_better"].items():
        usable = pc.and_(pc.equal(docked["target"], target), pc.is_valid(docked["score"]))
        mine = docked.filter(pc.and_(usable, pc.is_valid(docked["row"])))
        order = "ascending" if lower else "descending"
        best = mine.sort_by([("score", order), ("row", "ascending")]).slice(0, settings["molecules"])
        picked = best.select(["row", "id", "smiles"])
        outputs += _write_batches(context.root, "final", target, picked, settings["batch"])
        selected += picked.num_rows
    return Outcome(docked.num_rows, selected, tuple(outputs))


def _write_batches(root: Path, group: str, target: str, table: pa.Table, size: int) -> list[Path]:
    return [
        _write(root / "selections" / group / target / f"batch-{index:05d}.parquet", part)
        for index, part in enumerate(_slices(table, size))
    ]


def _write(path: Path, table: pa.Table) -> Path:
    write_table(path, table)
    return path


def _slices(table: pa.Table, size: int) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, size):
        yield table.slice(start, size)


def concat(paths: Sequence[Path], columns: list[str]) -> pa.Table:
    """Return the given columns of all files, one after the other."""
    return pa.concat_tables([read_table(path, columns) for path in paths])
