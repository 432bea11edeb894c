"""Tasks that choose molecules: the seed sample, the shortlist, the acquisition, the final selection.

Each writes batches of a *selection*: library columns, and for chosen molecules why they were chosen. A
batch is what one docking or prediction task reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...data.libraries.library import Library
from ...data.seeds import derive_seed
from ...data.store import concat, read_table, write_table
from ...screening.acquisition.failing import FailureModel, learn_failures
from ...screening.acquisition.functions import AcquisitionContext
from ...screening.acquisition.stalled import Stall
from ...screening.acquisition.stream import AcquisitionStream, BestRows, random_share
from ...screening.chemistry.diversity import diverse_subset
from ...screening.ranking.leaderboard import write_leaderboard
from ...screening.ranking.top_k import best_rows, merge_all_histograms
from .aiming import acquire_aimed, aimed_rows
from .context import TaskContext, TaskOutcome
from .eligible import Eligible, MayDock, column_of, first_of_each, molecule_columns, molecules_of, picked_from
from .exploring import stall_of
from .settings import AcquireSettings, RankSettings, SampleSettings, SelectSettings

DOCKED_AS = ["row", "id", "smiles", "stereo_groups"]  # the last is not in scores of early versions


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
                molecules = library.take(rows, molecule_columns(library))
                if diverse:
                    picks = diverse_subset(molecules["smiles"].to_pylist(), count, settings.seed)
                    molecules = molecules.take(pa.array(np.sort(picks)))
                chosen[rows.tobytes()] = molecules
            molecules = chosen[rows.tobytes()]
            outputs += write_batches(context.root, "round-00", target, molecules, settings.batch)
    every = np.unique(np.concatenate([table["row"].to_numpy() for table in chosen.values()]))
    return TaskOutcome(library.rows, len(every), tuple(outputs))


def rank(context: TaskContext[RankSettings]) -> TaskOutcome:
    """Keep the student's best molecules of each target, over all shards, for the teacher."""
    settings, library = context.settings, Library.open(context.runtime["library"])
    predictions = context.inputs("predictions/")
    with context.watch("rank"):
        histograms = merge_all_histograms(context.inputs("histograms/"))
        kept, cuts = best_of_each(settings, predictions, histograms)
        if settings.aim is not None:  # what is good for several targets need not be among the best of any
            kept.append(aimed_rows(settings, predictions, histograms))
        rows = np.unique(np.concatenate(kept))
    outputs = []
    with context.watch("leaderboard"):
        for target, lower in settings.lower_is_better.items():
            leaderboard = context.root / "leaderboards" / settings.round / f"{target}.parquet"
            write_leaderboard(leaderboard, predictions, histograms[target], library, target, lower)
            outputs.append(leaderboard)
    with context.watch("write"):
        outputs += write_shortlist(
            context.root, settings, rows, partial(library.take, columns=molecule_columns(library))
        )
    return TaskOutcome(library.rows, len(rows), tuple(outputs), facts={"cuts": cuts})


def best_of_each(
    settings: RankSettings, predictions: Sequence[Path], histograms: Mapping[str, np.ndarray]
) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Return the rows that go on to the teacher, target by target, and what to say of each cut."""
    kept, cuts = [], {}
    for target, lower in settings.lower_is_better.items():
        best = best_rows(predictions, histograms[target], f"mean:{target}", settings.keep[target], lower)
        kept.append(best["row"].to_numpy())
        cut = float(best["score"][-1].as_py()) if best.num_rows else None
        cuts[target] = {"kept": best.num_rows, "cut": cut}
    return kept, cuts


def write_shortlist(
    root: Path, settings: RankSettings, rows: np.ndarray, take: Callable[[np.ndarray], pa.Table]
) -> list[Path]:
    """Write a shortlist in batches, each what ``take`` returns for its rows, and return the files."""
    outputs = []
    for index, start in enumerate(range(0, len(rows), settings.batch)):
        path = root / "shortlists" / settings.round / f"batch-{index:05d}.parquet"
        write_table(path, take(rows[start : start + settings.batch]))
        outputs.append(path)
    return outputs


def acquire_batch(context: TaskContext[AcquireSettings]) -> TaskOutcome:
    """Choose what to dock next, per target, from the teacher's predictions on the shortlist.

    The shortlist may be a fifth of the library: one of its files is held at a time, and of what was read only what may
    still be chosen.
    """
    eligible = Eligible.of(context) if context.inputs("filters/") else None
    return choose_batches(context, eligible, _at_random)


def choose_batches(
    context: TaskContext[AcquireSettings],
    eligible: MayDock | None,
    at_random: Callable[[TaskContext[AcquireSettings], str, np.ndarray, int], pa.Table],
) -> TaskOutcome:
    """Choose what to dock next, per target.

    Parameters
    ----------
    context : TaskContext
    eligible : MayDock, optional
        Says which molecules of the shortlist may be docked; all, if it is None.
    at_random : callable
        Draws molecules for a target that no model knows: context, target, rows docked already and seed to a table.
    """
    settings, shortlist = context.settings, context.inputs("refined/")
    docked = concat(context.inputs("scores/"), ["row", "target", "score", "smiles"])
    outputs: list[Path] = []
    facts: dict[str, Any] = {}
    chosen = 0
    failing, usual = _learn_failures(settings, docked), _usual(context)
    together = _together(context, docked, failing, eligible) if settings.aim is not None else {}
    for target, lower in settings.lower_is_better.items():
        mine = docked.filter(pc.equal(docked["target"], target))
        seed = derive_seed(settings.seed, "acquire", settings.round, target)
        if target in together:
            picked, facts[target] = together[target]
        elif target in settings.taught:
            allowed = None if eligible is None else (eligible, column_of(target))
            known = _scores_of(usual, target)
            typical = float(np.median(known)) if len(known) else 0.0
            stall = stall_of(context, target, lower)
            picked, facts[target] = _by_value(
                settings, shortlist, target, lower, mine, seed, failing.get(target), allowed, typical, stall
            )
        else:
            picked = at_random(context, target, mine["row"].drop_null().to_numpy(), seed)
            facts[target] = {
                "asked": settings.dock,
                "chosen": picked.num_rows,
                "at_random": picked.num_rows,
                "taught": False,
            }
        outputs += write_batches(context.root, settings.round, target, picked, settings.batch)
        chosen += picked.num_rows
    return TaskOutcome(
        sum(pq.read_metadata(path).num_rows for path in shortlist), chosen, tuple(outputs), facts=facts
    )


def _learn_failures(settings: AcquireSettings, docked: pa.Table) -> dict[str, FailureModel]:
    """Return by target what its dockings say about failures; nothing where that is not asked for."""
    found = {}
    for target in settings.taught if settings.avoid_failures and settings.acquisition != "random" else ():
        mine = docked.filter(pc.equal(docked["target"], target))
        failed = pc.is_null(mine["score"]).to_numpy()
        seed = derive_seed(settings.seed, "failures", settings.round, target)
        found[target] = learn_failures(mine["smiles"].to_pylist(), failed, seed)
    return found


def _failing_facts(model: FailureModel | None, smiles: Sequence[str], at_random: int) -> dict[str, Any]:
    """Return what to say of failures: what was learnt, and how many of those chosen by value may fail."""
    if model is None:
        return {}
    by_value = smiles[: len(smiles) - at_random]
    expected = float((1 - model.chance(by_value)).sum()) if model.used and by_value else None
    return {"failing": {**model.evidence.to_json(), "expected": expected}}


def _together(
    context: TaskContext[AcquireSettings],
    docked: pa.Table,
    failing: Mapping[str, FailureModel],
    eligible: MayDock | None,
) -> dict[str, tuple[pa.Table, dict[str, Any]]]:
    """Return the batch of every target of the aim: the same molecules, but for those that one has docked already."""
    settings, shortlist = context.settings, context.inputs("refined/")
    assert settings.aim is not None
    targets = list(settings.aim["targets"])
    used = {target: failing[target] for target in targets if target in failing and failing[target].used}
    seed = derive_seed(settings.seed, "acquire", settings.round, *targets)
    may = eligible or Eligible(Library.open(context.runtime["library"]))
    usual = _usual(context)
    found, done, about = acquire_aimed(
        settings,
        shortlist,
        docked,
        used,
        may,
        seed,
        {target: _scores_of(usual, target) for target in targets},
        lambda rows: molecules_of(shortlist, rows, ["smiles"])["smiles"].to_pylist(),
    )
    answer = {}
    for target in targets:
        fresh = ~np.isin(found.rows, done[target])
        picked = picked_from(shortlist, found.rows[fresh], target)
        picked = picked.append_column("acquisition", pa.array(found.values[fresh]))
        at_random = int(fresh[len(fresh) - found.at_random :].sum())
        facts = {
            "asked": settings.dock,
            "chosen": picked.num_rows,
            "at_random": at_random,
            "best_before": _best_score(docked, target, settings.lower_is_better[target]),
            "taught": True,
            "sweep": 0,
            "aim": about,
            **_failing_facts(failing.get(target), picked["smiles"].to_pylist(), at_random),
        }
        answer[target] = (picked, facts)
    return answer


def _usual(context: TaskContext[AcquireSettings]) -> pa.Table:
    """Return the scores of the seed sample: what those of the library usually are."""
    return concat(context.inputs("scores/round-00/") or context.inputs("scores/"), ["target", "score"])


def _scores_of(docked: pa.Table, target: str) -> np.ndarray:
    found = docked.filter(pc.equal(docked["target"], target))["score"].drop_null().to_numpy()
    return np.asarray(found, np.float64)


def _best_score(docked: pa.Table, target: str, lower: bool) -> float:
    known = _scores_of(docked, target)
    return (float(known.min() if lower else known.max())) if len(known) else 0.0


def _by_value(
    settings: AcquireSettings,
    shortlist: Sequence[Path],
    target: str,
    lower: bool,
    docked: pa.Table,
    seed: int,
    failing: FailureModel | None = None,
    allowed: tuple[MayDock, str] | None = None,
    typical: float = 0.0,
    stall: Stall | None = None,
) -> tuple[pa.Table, dict[str, Any]]:
    """Return the molecules of one target that the acquisition function likes best, and what to say of them."""
    best = _best_score(docked, target, lower)
    done = docked["row"].drop_null().to_numpy()
    columns = [f"mean:{target}", f"spread:{target}"]
    sweeping = target in settings.sweep
    count = settings.dock
    if sweeping:  # all of the teacher's best so many that are not docked yet
        swept = _best_by_mean(shortlist, columns[0], settings.sweep[target], lower, allowed)
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
        typical=typical,
        explore=random_share(count, settings.explore) if stall is not None else 0,
    )
    discount = failing if failing is not None and failing.used and not sweeping else None
    for path in shortlist:
        rows, mean, spread = (column.to_numpy() for column in read_table(path, ["row", *columns]).columns)
        stream.add(
            rows,
            _allowed(mean, rows, allowed),
            spread,
            None if discount is None else _chance_of(discount, path),
        )
    found = stream.choose(
        lambda rows: molecules_of(shortlist, rows, ["smiles"])["smiles"].to_pylist(),
        seen=docked["smiles"].to_pylist() if stall is not None else (),
    )
    picked = picked_from(shortlist, found.rows, target)
    picked = picked.append_column("acquisition", pa.array(found.values))
    facts = {
        "asked": count,
        "chosen": picked.num_rows,
        "at_random": found.at_random,
        "best_before": best,
        "taught": True,
        "sweep": settings.sweep.get(target, 0),
        **({} if stall is None else {"stalled": {**vars(stall), "explored": found.explored}}),
        **_failing_facts(failing, picked["smiles"].to_pylist(), found.at_random),
    }
    return picked, facts


def _allowed(mean: np.ndarray, rows: np.ndarray, allowed: tuple[MayDock, str] | None) -> np.ndarray:
    """Return means, missing where the target may not dock the molecule: another one put it on the shortlist."""
    if allowed is None:
        return mean
    eligible, column = allowed
    return np.where(eligible.may(rows, column), mean, np.nan)


def _chance_of(model: FailureModel, path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return what tells of some molecules of a file how likely a score is; it reads their SMILES only if asked."""

    def chance(places: np.ndarray) -> np.ndarray:
        return model.chance(read_table(path, ["smiles"])["smiles"].take(pa.array(places)).to_pylist())

    return chance


def _best_by_mean(
    paths: Sequence[Path],
    column: str,
    count: int,
    lower_is_better: bool,
    allowed: tuple[MayDock, str] | None = None,
) -> np.ndarray:
    """Return the rows of the best ``count`` means over all files, ties by row; missing ones never."""
    best = BestRows(count)
    for path in paths:
        table = read_table(path, ["row", column])
        rows = table["row"].to_numpy()
        means = _allowed(table[column].to_numpy(), rows, allowed)
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
    return unpredicted(library.take(fresh, molecule_columns(library)))


def unpredicted(picked: pa.Table) -> pa.Table:
    """Return molecules drawn at random with the columns of chosen ones, empty."""
    for name, kind in (("mean", pa.float32()), ("spread", pa.float32()), ("acquisition", pa.float64())):
        picked = picked.append_column(name, pa.nulls(picked.num_rows, kind))
    return picked


def select_final(context: TaskContext[SelectSettings]) -> TaskOutcome:
    """Take the best docked molecules of each target for the final docking."""
    settings = context.settings
    docked = concat(context.inputs("scores/"), [*DOCKED_AS, "target", "score"])
    outputs, selected = list[Path](), 0
    for target, lower in settings.lower_is_better.items():
        usable = pc.and_(pc.equal(docked["target"], target), pc.is_valid(docked["score"]))
        mine = docked.filter(pc.and_(usable, pc.is_valid(docked["row"])))
        order = [("score", "ascending" if lower else "descending"), ("row", "ascending")]
        best = mine.sort_by(order).slice(0, settings.molecules)
        picked = best.select([name for name in DOCKED_AS if name in best.column_names])
        size = settings.batch if isinstance(settings.batch, int) else settings.batch[target]
        outputs += write_batches(context.root, "final", target, picked, size)
        selected += picked.num_rows
    return TaskOutcome(docked.num_rows, selected, tuple(outputs))


def write_batches(root: Path, group: str, target: str, table: pa.Table, size: int) -> list[Path]:
    """Write molecules as the batches of a group (a round, ``final``) for one target, and return the files."""
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
