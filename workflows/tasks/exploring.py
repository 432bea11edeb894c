"""What acquisition does where batches have stopped improving: a part of the batch goes to scaffolds not docked yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...data.schema import LIBRARY_SCHEMA
from ...data.store import concat, read_table
from ...screening.acquisition.functions import AcquisitionContext
from ...screening.acquisition.stalled import Stall, find_stall, of_new_scaffolds
from ...screening.acquisition.stream import AcquisitionStream, random_share
from ...screening.chemistry.diversity import murcko_scaffold
from ..campaign.ledger import round_number
from .context import TaskContext
from .eligible import MayDock, molecules_of
from .settings import AcquireSettings

POOL = 20
"""New scaffolds are sought among so many times as many of the best molecules."""


def stall_of(context: TaskContext[AcquireSettings], target: str, lower: bool) -> Stall | None:
    """Return whether the batches of one target have stopped improving; None where nothing is to be done about it."""
    if not context.settings.explore:
        return None
    rounds: dict[int, list[Path]] = {}
    for path in context.inputs("scores/"):
        number = round_number(path.parts[-3])
        if number is not None and path.parts[-2] == target:
            rounds.setdefault(number, []).append(path)
    tables = {
        number: np.asarray(
            pc.fill_null(concat(paths, ["score"])["score"], float("nan")).to_numpy(), np.float64
        )
        for number, paths in sorted(rounds.items())
    }
    if not tables:
        return None
    acquired = [scores for number, scores in tables.items() if number > 0]
    return find_stall(acquired, np.concatenate(list(tables.values())), lower)


def explored_batch(
    context: TaskContext[AcquireSettings],
    target: str,
    picked: pa.Table,
    docked: pa.Table,
    allowed: tuple[MayDock, str] | None,
    seed: int,
) -> tuple[pa.Table, int]:
    """Return a batch whose last molecules by value make room for the best of scaffolds not docked yet.

    Parameters
    ----------
    context : TaskContext
    target : str
    picked : pyarrow.Table
        The batch as the acquisition function has it, those drawn at random at its end.
    docked : pyarrow.Table
        ``row`` and ``smiles`` of what was docked for the target.
    allowed : tuple, optional
        Which molecules the target may dock.
    seed : int

    Returns
    -------
    batch : pyarrow.Table
        As many molecules; the new ones stand before those drawn at random.
    explored : int
        How many are of new scaffolds: fewer than asked for where there are no more.
    """
    settings = context.settings
    at_random = random_share(settings.dock, settings.epsilon)
    by_value = max(picked.num_rows - at_random, 0)
    wanted = min(random_share(settings.dock, settings.explore), by_value)
    kept = picked.slice(0, by_value - wanted)
    columns = [f"mean:{target}", f"spread:{target}"]
    taken = np.concatenate([docked["row"].drop_null().to_numpy(), picked["row"].to_numpy()])
    stream = AcquisitionStream(
        "greedy",
        POOL * wanted,
        lower_is_better=settings.lower_is_better[target],
        context=AcquisitionContext(),
        seed=seed,
        docked=taken,
    )
    shortlist = context.inputs("refined/")
    for path in shortlist:
        rows, mean, spread = (column.to_numpy() for column in read_table(path, ["row", *columns]).columns)
        may = np.ones(len(rows), bool) if allowed is None else allowed[0].may(rows, allowed[1])
        stream.add(rows, np.where(may, mean, np.nan), spread)
    found = stream.choose()
    names = [name for name in LIBRARY_SCHEMA.names if name not in ("source", "line")]
    others = molecules_of(shortlist, found.rows, [*names, *columns]).rename_columns(
        [*names, "mean", "spread"]
    )
    others = others.append_column("acquisition", pa.array(found.values))
    seen = {murcko_scaffold(text) for text in (*docked["smiles"].to_pylist(), *kept["smiles"].to_pylist())}
    places = of_new_scaffolds(others["smiles"].to_pylist(), wanted, seen)
    if not len(places):
        return picked, 0
    new = others.take(pa.array(places)).cast(picked.schema)
    value = picked.slice(0, by_value - len(places))
    return pa.concat_tables([value, new, picked.slice(by_value)]), len(places)
