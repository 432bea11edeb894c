"""The molecules of a library that a campaign may dock, as its ``filter`` tasks found them: drawn from, looked up."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from ...data.errors import CampaignError, FormatError
from ...data.libraries.library import Library, Shard
from ...data.schema import LATER_COLUMNS, LIBRARY_SCHEMA
from ...data.seeds import derive_seed
from ...data.spaces.source import MoleculeSource
from ...data.store import read_table
from .context import TaskContext

MOLECULE_COLUMNS = [name for name in LIBRARY_SCHEMA.names if name not in ("source", "line", *LATER_COLUMNS)]
"""Columns of a selection that every library has."""
ANY = "any"
"""Column of the files: whether at least one target may dock the molecule."""
COUNTS = "docksieve.filter"
"""Key of the files' metadata: how many molecules each column marks."""

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


def column_of(target: str) -> str:
    """Return the column that says whether ``target`` may dock a molecule."""
    return f"target:{target}"


class MayDock(Protocol):
    """Says which molecules may be docked."""

    def may(self, rows: ArrayLike, column: str) -> Mask:
        """Return for some rows, in any order, whether ``column`` (:func:`column_of` a target) marks them."""
        ...


class Eligible:
    """Molecules that may be docked; all of the library where a campaign leaves nothing out.

    Parameters
    ----------
    library : Library
    files : sequence of path
        What the ``filter`` tasks wrote, one file per shard; none: all molecules may be docked.
    """

    def __init__(self, library: Library, files: Sequence[Path] = ()) -> None:
        self.library = library
        by_name = {path.stem: path for path in files}
        missing = [shard.name for shard in library.shards if shard.name not in by_name]
        if files and missing:
            raise CampaignError(
                f"Nothing says which molecules of {missing[0]} may be docked.", "Submit the campaign again."
            )
        self._files = by_name
        self._counts = {name: _counts(path) for name, path in by_name.items()}

    @classmethod
    def of(cls, context: TaskContext[Any]) -> Eligible:
        """Return what the inputs of a task say of the library."""
        return cls(Library.open(context.runtime["library"]), context.inputs("filters/"))

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return not self._files

    def count(self, column: str = ANY) -> int:
        """Return how many molecules a column marks."""
        if self.everything:
            return self.library.rows
        return sum(counts[column] for counts in self._counts.values())

    def sample(self, count: int, *seed_parts: object, column: str = ANY) -> Rows:
        """Return ``count`` distinct rows, sorted, each set of that size equally likely.

        Where nothing is left out, they are those of :meth:`docksieve.Library.sample_rows`.

        Raises
        ------
        CampaignError
            If there are fewer.
        """
        return self.at(np.sort(self.draw(count, *seed_parts, column=column)), column)

    def draw(self, count: int, *seed_parts: object, column: str = ANY) -> Rows:
        """Return the places (:meth:`at`) of ``count`` distinct molecules, in the order in which they were drawn."""
        total = self.count(column)
        if not 0 <= count <= total:
            raise CampaignError(f"{total:,} molecules may be docked; {count:,} cannot be drawn from them.")
        generator = random.Random(derive_seed("library-sample", total, *seed_parts))
        return np.array(generator.sample(range(total), count), dtype=np.int64)

    def at(self, places: ArrayLike, column: str = ANY) -> Rows:
        """Return the library rows of molecules by their place among those that ``column`` marks, from 0; any order."""
        wanted = np.asarray(places, np.int64)
        if self.everything:
            return wanted
        found = np.empty(len(wanted), np.int64)
        first = 0
        for shard in self.library.shards:
            count = self._counts[shard.name][column]
            mine = np.flatnonzero((wanted >= first) & (wanted < first + count))
            if len(mine):
                marked = np.flatnonzero(self._mask(shard, column))
                found[mine] = shard.first_row + marked[wanted[mine] - first]
            first += count
        return found

    def may(self, rows: ArrayLike, column: str) -> Mask:
        """Return for some rows of the library, in any order, whether ``column`` marks them."""
        wanted = np.asarray(rows, np.int64)
        found = np.ones(len(wanted), np.bool_)
        for shard in self.library.shards if not self.everything else ():
            mine = np.flatnonzero((wanted >= shard.first_row) & (wanted < shard.first_row + shard.rows))
            if len(mine):
                found[mine] = self._mask(shard, column)[wanted[mine] - shard.first_row]
        return found

    def _mask(self, shard: Shard, column: str) -> Mask:
        return read_mask(self._files[shard.name], column, shard.rows)


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


def read_mask(path: Path, column: str, rows: int) -> Mask:
    """Return a column of a file of a ``filter`` task, shape (rows,).

    Raises
    ------
    FormatError
        If the file does not fit its shard.
    """
    with pq.ParquetFile(path) as file:
        if column not in file.schema_arrow.names or file.metadata.num_rows != rows:
            raise FormatError(
                f"{path} does not say which of {rows:,} molecules may be docked.",
                "Remove it and its receipt, and submit the campaign again.",
            )
        table = file.read([column], use_threads=False)
    return np.asarray(table[column].to_numpy(), np.bool_)


def _counts(path: Path) -> Mapping[str, int]:
    with pq.ParquetFile(path) as file:
        found = json.loads((file.schema_arrow.metadata or {}).get(COUNTS.encode(), b"null"))
    if not isinstance(found, dict):
        raise FormatError(
            f"{path} is not what a campaign writes of its library.",
            "Remove it and its receipt, and submit the campaign again.",
        )
    return found


def molecules_of(paths: Sequence[Path], rows: np.ndarray, columns: list[str]) -> pa.Table:
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


def molecule_columns(source: MoleculeSource) -> list[str]:
    """Return the columns of a selection: those of later versions only where molecules of the library fill them."""
    counts = source.manifest["counts"] if isinstance(source, Library) else {}
    return [*MOLECULE_COLUMNS, *(name for name in LATER_COLUMNS if counts.get(name))]


def picked_from(paths: Sequence[Path], rows: np.ndarray, target: str) -> pa.Table:
    """Return molecules of a shortlist, in the order asked, with ``mean`` and ``spread`` of one target."""
    later = [name for name in LATER_COLUMNS if name in pq.read_schema(paths[0]).names]
    names = [*MOLECULE_COLUMNS, *later]
    columns = [*names, f"mean:{target}", f"spread:{target}"]
    return molecules_of(paths, rows, columns).select(columns).rename_columns([*names, "mean", "spread"])
