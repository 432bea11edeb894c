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
import pyarrow.parquet as pq

from ...data.libraries.library import Library
from ...data.schema import LIBRARY_SCHEMA
from ...data.seeds import derive_seed
from ...data.store import concat, read_table, write_table
from ...screening.acquisition.functions import AcquisitionContext
from ...screening.acquisition.stream import AcquisitionStream, BestRows
from ...screening.chemistry.diversity import diverse_subset
from ...screening.ranking.leaderboard import write_leaderboard
from ...screening.ranking.top_k import best_rows, merge_all_histograms
from .context import TaskContext, TaskOutcome
from .eligible import Eligible, column_of
from .settings import AcquireSettings, RankSettings, SampleSettings, SelectSettings

MOLECULE_COLUMNS = [name for name in LIBRARY_SCHEMA.names if name not in ("source", "line")]


def sample(context: TaskContext[SampleSettings]) -> TaskOutcome:
    """Choose the molecules docked before there is a model: the same ones for every target that may dock them."""
    settings, eligible = context.settings, Eligible.of(context)
    library, count = eligible.library, settings.molecules
    diverse = settings.method == "diverse"
    outputs: list[Path] = []
    chosen: dict[bytes, pa.Table] = {}  # targets with the same limits dock the same molecules
    with context.watch("sample"):
        drawn = first_of_each(eligible, settings.targets, 20 * count if diverse else count, settings.seed)
        for target, rows in drawn.items():
            if rows.tobytes() not in chosen:
                molecules = library.take(rows, MOLECULE_COLUMNS)
                if diverse:
                    picks = diverse_subset(molecules["smiles"].to_pylist(), count, settings.seed)
                    molecules = molecules.take(pa.array(np.sort(picks)))
                chosen[rows.tobytes()] = molecules
            molecules = chosen[rows.tobytes()]
            outputs += _write_batches(context.root, "round-00", target, molecules, settings.batch)
    every = np.unique(np.concatenate([table["row"].to_numpy() for table in chosen.values()]))
    return TaskOutcome(library.rows, len(every), tuple(outputs))


def first_of_each(eligible: Eligible, targets: Sequence[str], count: int, seed: int) -> dict[str, np.ndarray]:
    """Return for each target the first ``count`` molecules of one random order that it may dock, sorted by row.

    All that it may dock, where there are fewer. So every target has a simple random sample of what it may dock, and
    targets with the same limits have the same one.
    """
    total = eligible.count()
    fewest = min((eligible.count(column_of(target)) for target in targets), default=total)
    asked = min(count, total)
    while True:
        rows = eligible.at(eligible.draw(asked, seed, "sample"))
        found = {}
        for target in targets:
            found[target] = rows[eligible.may(rows, column_of(target))][:count]
        enough = min(count, fewest)
        if asked == total or all(len(each) >= enough for each in found.values()):
            return {target: np.sort(each) for target, each in found.items()}
        asked = min(total, max(2 * asked, int(1.2 * count * total / max(fewest, 1))))


def rank(context: TaskContext[RankSettings]) -> TaskOutcome:
    """Keep the student's best molecules of each target, over all shards, for the teacher."""
    settings, library = context.settings, Library.open(context.runtime["library"])
    predictions = context.inputs("predictions/")
    kept: list[np.ndarray] = []
    cuts: dict[str, Any] = {}
    with context.watch("rank"):
        histograms = merge_all_histograms(context.inputs("histograms/"))
        for target, lower in settings.lower_is_better.items():
            column = f"mean:{target}"
            best = best_rows(predictions, histograms[target], column, settings.keep[target], lower)
            kept.append(best["row"].to_numpy())
            cut = float(best["score"][-1].as_py()) if best.num_rows else None
            cuts[target] = {"kept": best.num_rows, "cut": cut}
        rows = np.unique(np.concatenate(kept))
    outputs = []
    with context.watch("leaderboard"):
        for target, lower in settings.lower_is_better.items():
            leaderboard = context.root / "leaderboards" / settings.round / f"{target}.parquet"
            write_leaderboard(leaderboard, predictions, histograms[target], library, target, lower)
            outputs.append(leaderboard)
    with context.watch("write"):
        for index, start in enumerate(range(0, len(rows), settings.batch)):
            path = context.root / "shortlists" / settings.round / f"batch-{index:05d}.parquet"
            write_table(path, library.take(rows[start : start + settings.batch], MOLECULE_COLUMNS))
            outputs.append(path)
    return TaskOutcome(library.rows, len(rows), tuple(outputs), facts={"cuts": cuts})


def acquire_batch(context: TaskContext[AcquireSettings]) -> TaskOutcome:
    """Choose what to dock next, per target, from the teacher's predictions on the shortlist.

    The shortlist may be a fifth of the library: one of its files is held at a time, and of what was read only what may
    still be chosen.
    """
    settings, shortlist = context.settings, context.inputs("refined/")
    docked = concat(context.inputs("scores/"), ["row", "target", "score"])
    outputs: list[Path] = []
    facts: dict[str, Any] = {}
    chosen = 0
    for target, lower in settings.lower_is_better.items():
        mine = docked.filter(pc.equal(docked["target"], target))
        seed = derive_seed(settings.seed, "acquire", settings.round, target)
        if target in settings.taught:
            picked, facts[target] = _by_value(settings, shortlist, target, lower, mine, seed)
        else:
            picked = _at_random(context, target, mine["row"].drop_null().to_numpy(), seed)
            facts[target] = {
                "asked": settings.dock,
                "chosen": picked.num_rows,
                "at_random": picked.num_rows,
                "taught": False,
            }
        outputs += _write_batches(context.root, settings.round, target, picked, settings.batch)
        chosen += picked.num_rows
    return TaskOutcome(sum(_row_count(path) for path in shortlist), chosen, tuple(outputs), facts=facts)


def _by_value(
    settings: AcquireSettings,
    shortlist: Sequence[Path],
    target: str,
    lower: bool,
    docked: pa.Table,
    seed: int,
) -> tuple[pa.Table, dict[str, Any]]:
    """Return the molecules of one target that the acquisition function likes best, and what to say of them."""
    known = docked["score"].drop_null().to_numpy()
    best = (float(known.min() if lower else known.max())) if len(known) else 0.0
    done = docked["row"].drop_null().to_numpy()
    columns = [f"mean:{target}", f"spread:{target}"]
    sweeping = target in settings.sweep
    count = settings.dock
    if sweeping:  # all of the teacher's best so many that are not docked yet
        swept = _best_by_mean(shortlist, columns[0], settings.sweep[target], lower)
        count = int((~np.isin(swept, done)).sum())
    stream = AcquisitionStream(
        "greedy" if sweeping else settings.acquisition,
        count,
        lower_is_better=lower,
        context=AcquisitionContext(best=best, beta=settings.beta, xi=settings.xi),
        seed=seed,
        docked=done,
        epsilon=0.0 if sweeping else settings.epsilon,
        diversity="none" if sweeping else settings.diversity,
    )
    for path in shortlist:
        stream.add(*(column.to_numpy() for column in read_table(path, ["row", *columns]).columns))
    found = stream.choose(lambda rows: _molecules_of(shortlist, rows, ["smiles"])["smiles"].to_pylist())
    picked = _molecules_of(shortlist, found.rows, [*MOLECULE_COLUMNS, *columns])
    picked = picked.rename_columns([*MOLECULE_COLUMNS, "mean", "spread"])
    picked = picked.append_column("acquisition", pa.array(found.values))
    facts = {
        "asked": count,
        "chosen": picked.num_rows,
        "at_random": found.at_random,
        "best_before": best,
        "taught": True,
        "sweep": settings.sweep.get(target, 0),
    }
    return picked, facts


def _row_count(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)


def _best_by_mean(paths: Sequence[Path], column: str, count: int, lower_is_better: bool) -> np.ndarray:
    """Return the rows of the best ``count`` means over all files, ties by row; missing ones never."""
    best = BestRows(count)
    for path in paths:
        table = read_table(path, ["row", column])
        rows, means = table["row"].to_numpy(), table[column].to_numpy()
        finite = np.isfinite(means)
        keys = (-means if lower_is_better else means)[finite].astype(np.float64)
        best.offer(keys, rows[finite], keys)
    return best.best()[1]


def _at_random(context: TaskContext[AcquireSettings], target: str, docked: np.ndarray, seed: int) -> pa.Table:
    """Return molecules of the library that are not docked yet, for a target that no model knows."""
    eligible, count = Eligible.of(context), context.settings.dock
    library, column = eligible.library, column_of(target)
    drawn = eligible.sample(min(count + len(docked), eligible.count(column)), seed, "acquire", column=column)
    fresh = np.setdiff1d(drawn, docked)
    if len(fresh) > count:
        kept = np.random.default_rng(seed).permutation(len(fresh))[:count]
        fresh = fresh[np.sort(kept)]
    picked = library.take(fresh, MOLECULE_COLUMNS)
    for name, kind in (("mean", pa.float32()), ("spread", pa.float32()), ("acquisition", pa.float64())):
        picked = picked.append_column(name, pa.nulls(picked.num_rows, kind))
    return picked


def _molecules_of(paths: Sequence[Path], rows: np.ndarray, columns: list[str]) -> pa.Table:
    """Return ``columns`` of the molecules with these library rows, which stand in some of the files, in that order."""
    order = np.argsort(rows)
    wanted = rows[order]
    parts, found = [], []
    for path in paths:
        there = read_table(path, ["row"])["row"].to_numpy()
        here = np.flatnonzero(np.isin(there, wanted))
        if len(here):
            parts.append(read_table(path, columns).take(pa.array(here)))
            found.append(order[np.searchsorted(wanted, there[here])])
    if not parts:
        return read_table(paths[0], columns).slice(0, 0)
    return pa.concat_tables(parts).take(pa.array(np.argsort(np.concatenate(found))))


def select_final(context: TaskContext[SelectSettings]) -> TaskOutcome:
    """Take the best docked molecules of each target for the final docking."""
    settings = context.settings
    docked = concat(context.inputs("scores/"), ["row", "id", "smiles", "target", "score"])
    outputs: list[Path] = []
    selected = 0
    for target, lower in settings.lower_is_better.items():
        usable = pc.and_(pc.equal(docked["target"], target), pc.is_valid(docked["score"]))
        mine = docked.filter(pc.and_(usable, pc.is_valid(docked["row"])))
        order = "ascending" if lower else "descending"
        best = mine.sort_by([("score", order), ("row", "ascending")]).slice(0, settings.molecules)
        picked = best.select(["row", "id", "smiles"])
        outputs += _write_batches(context.root, "final", target, picked, settings.batch)
        selected += picked.num_rows
    return TaskOutcome(docked.num_rows, selected, tuple(outputs))


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
