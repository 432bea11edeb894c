"""A library: molecules in Parquet shards, opened for reading.

Everything here streams. Nothing holds more than a row group per call, whatever the library's size.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from ..errors import FormatError, LibraryError
from ..schema import LATER_COLUMNS, LIBRARY_FORMAT, LIBRARY_SCHEMA, LIBRARY_VERSION, STREAM_ROWS
from ..seeds import derive_seed
from ..store import FileRecord, read_json, sha256_json

if TYPE_CHECKING:
    from ..molecules.standardise import StandardSettings

MANIFEST = "library.json"
_NONSENSE = (KeyError, TypeError, AttributeError, ValueError)


@dataclass(frozen=True)
class Shard:
    """One Parquet file of a library.

    Attributes
    ----------
    name : str
        For example ``shard-000000000000-000000999999``: its first and last row.
    path : Path
    first_row : int
    rows : int
    record : FileRecord
        Its size and checksum when the library was built.
    """

    name: str
    path: Path
    first_row: int
    rows: int
    record: FileRecord


def shards_fingerprint(records: Sequence[FileRecord]) -> str:
    """Return the fingerprint of a library: the SHA-256 over its shards' checksums."""
    return sha256_json([record.sha256 for record in records])


class Library:
    """A finished library (:func:`Library.open`).

    Attributes
    ----------
    path : Path
    manifest : dict
        What ``library.json`` says: counts, sources, settings, checksums.
    shards : tuple of Shard
        In row order.

    Examples
    --------
    >>> library = docksieve.Library.open("library")
    >>> library
    Library('library', rows=192, shards=1)
    >>> row = library.find_smiles([docksieve.standard_smiles("C(=O)(c1ccccc1)NCc1ccccc1")])
    >>> library.take(row, ["id", "heavy_atoms"]).to_pylist()
    [{'id': 'A016', 'heavy_atoms': 16}]
    """

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.shards: tuple[Shard, ...] = tuple(_shards(path, manifest))

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Library:
        """Return the library in the folder ``path``.

        Raises
        ------
        LibraryError
            If there is none, it is unfinished, or a newer version wrote it.
        """
        folder = Path(path)
        if not (folder / MANIFEST).is_file():
            raise _no_library(folder)
        try:
            manifest = read_json(folder / MANIFEST)
            if manifest.get("format") != LIBRARY_FORMAT:
                raise LibraryError(f"{folder / MANIFEST} is not the manifest of a library.")
            if manifest.get("version") != LIBRARY_VERSION:
                raise LibraryError(
                    f"{folder} has library format {manifest.get('version')!r}; this version reads {LIBRARY_VERSION}.",
                    "Use a newer docksieve.",
                )
            return cls(folder, manifest)
        except FormatError as error:
            raise LibraryError(error.message, error.hint) from None
        except _NONSENSE as error:
            raise _damaged(folder, error) from None

    def records(self) -> list[FileRecord]:
        """Return the shards' files with their checksums."""
        return [shard.record for shard in self.shards]

    @property
    def rows(self) -> int:
        """Molecules in the library."""
        return int(self.manifest["counts"]["accepted"])

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) over the shards' checksums: the library's identity."""
        return str(self.manifest["fingerprint"])

    def __repr__(self) -> str:
        return f"Library({str(self.path)!r}, rows={self.rows}, shards={len(self.shards)})"

    def verify(
        self,
        progress: Callable[[str], None] | None = None,
        *,
        workers: int = 1,
        open_cluster: Any = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Check that every file is as it was built and that all sums add up.

        Parameters
        ----------
        progress : callable, optional
            Called with the name of each file.
        workers : int
            Processes that read files; 1: this one.
        open_cluster, say
            Opens a cluster to read them on, and tells where it is (:class:`~.pool.BuildWorkers`).

        Raises
        ------
        LibraryError
            Naming the first file or sum that is wrong.
        """
        from .verify import check_files

        records = [shard.record for shard in self.shards]
        try:
            self._check_sums()
            others = self._other_records()
        except _NONSENSE as error:
            raise _damaged(self.path, error) from None
        if shards_fingerprint(records) != self.fingerprint:
            raise LibraryError(f"{self.path / MANIFEST}: the fingerprint does not follow from the checksums.")
        files: list[tuple[FileRecord, int | None]] = [(s.record, s.first_row) for s in self.shards]
        files += [(record, None) for record in others]
        check_files(self.path, files, progress, workers, open_cluster, say)

    def _other_records(self) -> list[FileRecord]:
        items = [*self.manifest["rejects"], *self.manifest["duplicates"]]
        return [FileRecord.of_stranger(item) for item in items]

    def _check_sums(self) -> None:
        where = self.path / MANIFEST
        for counts in [self.manifest["counts"], *self.manifest["sources"]]:
            lost = counts["records"] - counts["accepted"] - counts["duplicates"] - counts["rejected"]
            read = counts["records"] + counts["blank"] + counts["comments"] + counts["headers"]
            if lost or counts["lines"] != read:
                name = counts.get("name", "the library")
                raise LibraryError(f"{where}: the counts of {name} do not add up.")
        first = 0
        for shard in self.shards:
            if shard.first_row != first or shard.rows < 1:
                raise LibraryError(f"{where}: {shard.name} does not begin at row {first}.")
            first += shard.rows
        totals = {"accepted": first}
        for kind in ("rejects", "duplicates"):
            rows = sum(item["rows"] for item in self.manifest[kind])
            totals["rejected" if kind == "rejects" else kind] = rows
        for name, total in totals.items():
            if total != self.manifest["counts"][name]:
                counted = self.manifest["counts"][name]
                raise LibraryError(f"{where}: {total} rows are {name}, the manifest counts {counted}.")

    def batches(
        self, columns: Sequence[str] | None = None, shard: Shard | None = None, batch_rows: int = STREAM_ROWS
    ) -> Iterator[pa.RecordBatch]:
        """Stream the library, or one shard, in row order.

        Parameters
        ----------
        columns : sequence of str, optional
            All by default.
        shard : Shard, optional
        batch_rows : int
            At most so many rows per batch.
        """
        wanted = None if columns is None else list(columns)
        for each in self.shards if shard is None else (shard,):
            with _opened(each) as file:
                later = _check_columns(each, file, wanted)
                for batch in file.iter_batches(batch_rows, columns=wanted, use_threads=False):
                    yield _with_later(batch, later, wanted)

    def take(self, rows: ArrayLike, columns: Sequence[str] | None = None) -> pa.Table:
        """Return rows by number, in the order asked; a row may be asked for twice.

        Parameters
        ----------
        rows : array of int64, shape (n,)
        columns : sequence of str, optional

        Raises
        ------
        LibraryError
            If a row is not in the library.
        """
        wanted = np.asarray(rows, dtype=np.int64).reshape(-1)
        names = LIBRARY_SCHEMA.names if columns is None else list(columns)
        schema = pa.schema([LIBRARY_SCHEMA.field(name) for name in names])
        if not len(wanted):
            return schema.empty_table()
        if wanted.min() < 0 or wanted.max() >= self.rows:
            bad = wanted[(wanted < 0) | (wanted >= self.rows)][0]
            raise LibraryError(f"{self.path} has no row {bad}: its rows are 0 to {self.rows - 1}.")
        ordered, back = np.unique(wanted, return_inverse=True)
        pieces = [piece for shard in self.shards for piece in _taken(shard, ordered, names)]
        return pa.concat_tables(pieces).take(pa.array(back)).cast(schema)

    def sample_rows(self, count: int, *seed_parts: object) -> NDArray[np.int64]:
        """Return ``count`` distinct rows, sorted, each set of that size equally likely.

        The sample depends on the number of rows and on ``seed_parts`` only.

        Raises
        ------
        LibraryError
            If the library has fewer rows.
        """
        if not 0 <= count <= self.rows:
            raise LibraryError(f"{self.path} has {self.rows} rows; {count} cannot be drawn.")
        generator = random.Random(derive_seed("library-sample", self.rows, *seed_parts))
        return np.array(sorted(generator.sample(range(self.rows), count)), dtype=np.int64)

    def lookup(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each id, -1 where there is none; of equal ids, the first row."""
        return self._find("id", ids)

    def find_smiles(self, standard_smiles: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each standard SMILES, -1 where there is none.

        Of molecules with one SMILES, the one without stereo groups; a CXSMILES (``C[C@H](O)CF |&1:1|``, as the
        columns ``smiles`` and ``stereo_groups`` make it) finds the one with these groups. Molecules that another
        version of RDKit wrote otherwise are found too.
        """
        from .matching import find_rows

        groups = bool(self.manifest["counts"].get("stereo_groups"))
        written_by = self.manifest.get("made_with", {}).get("rdkit")
        return find_rows(standard_smiles, self.batches, groups, written_by)

    def _find(self, column: str, values: Sequence[str]) -> NDArray[np.int64]:
        wanted = list(dict.fromkeys(values))
        found: dict[str, int] = {}
        if wanted:
            value_set = pa.array(wanted, pa.string())
            for batch in self.batches(["row", column]):
                hits = batch.filter(pc.is_in(batch.column(column), value_set=value_set))
                for value, row in zip(
                    hits.column(column).to_pylist(), hits.column("row").to_pylist(), strict=True
                ):
                    found.setdefault(value, row)
                if len(found) == len(wanted):
                    break
        return np.array([found.get(value, -1) for value in values], dtype=np.int64)

    @cached_property
    def bytes(self) -> int:
        """Bytes of all shards."""
        return sum(shard.record.bytes for shard in self.shards)


def _shards(path: Path, manifest: dict[str, Any]) -> Iterator[Shard]:
    for item in manifest["shards"]:
        record = FileRecord.of_stranger({name: item[name] for name in ("path", "bytes", "sha256", "rows")})
        yield Shard(Path(record.path).stem, path / record.path, item["first_row"], item["rows"], record)


def _damaged(folder: Path, error: Exception) -> LibraryError:
    return LibraryError(
        f"{folder / MANIFEST} is damaged: {error}.", "Restore it from a copy, or build again."
    )


def _no_library(folder: Path) -> LibraryError:
    if (folder / ".build").is_dir():
        return LibraryError(
            f"{folder} is an unfinished library.",
            "Give the command that builds it again: it goes on where it was.",
        )
    if not folder.exists():
        return LibraryError(
            f"There is no library {folder}.", "Build one with: docksieve library build OUT FILES..."
        )
    return LibraryError(f"{folder} is not a library: it has no {MANIFEST}.")


def _opened(shard: Shard) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(shard.path)
    except FileNotFoundError:
        raise LibraryError(f"{shard.path} is missing.", "Restore it, or build the library again.") from None
    except (pa.ArrowException, OSError) as error:
        raise LibraryError(
            f"{shard.path} is damaged: {error}.", "Restore it, or build the library again."
        ) from None


def _check_columns(shard: Shard, file: pq.ParquetFile, columns: list[str] | None) -> list[str]:
    """Return the columns that an early version did not write; refuse any other that is missing."""
    have = file.schema_arrow.names
    later = [name for name in LATER_COLUMNS if name not in have and (columns is None or name in columns)]
    missing = [name for name in columns or () if name not in have and name not in later]
    if missing:
        raise LibraryError(
            f"{shard.path} has no column {missing[0]!r}.", f"Its columns are {', '.join(have)}."
        )
    return later


def _with_later(batch: Any, later: list[str], columns: list[str] | None) -> Any:
    """Return a table or a batch with empty columns for ``later``, in the order of ``columns``."""
    for name in later:
        batch = batch.append_column(name, pa.nulls(batch.num_rows, LIBRARY_SCHEMA.field(name).type))
    return batch.select(columns) if later and columns is not None else batch


def _taken(shard: Shard, ordered: NDArray[np.int64], names: list[str]) -> Iterator[pa.Table]:
    """Yield the rows of ``ordered`` (sorted, distinct) that lie in ``shard``, one table per row group."""
    low, high = np.searchsorted(ordered, [shard.first_row, shard.first_row + shard.rows])
    if low == high:
        return
    inside = ordered[low:high] - shard.first_row
    with _opened(shard) as file:
        later = _check_columns(shard, file, names)
        start = 0
        for group in range(file.num_row_groups):
            stop = start + file.metadata.row_group(group).num_rows
            first, last = np.searchsorted(inside, [start, stop])
            if first < last:
                table = _with_later(
                    file.read_row_group(group, columns=names, use_threads=False), later, names
                )
                yield table.take(pa.array(inside[first:last] - start))
            start = stop


def library_standard(library: Library) -> StandardSettings:
    """Return the settings by which the molecules of ``library`` came to their standard form.

    Only with these does a molecule from elsewhere get the SMILES under which the library holds it.

    Raises
    ------
    FormatError
        If the manifest names a step that this version does not know.
    """
    from ..molecules.standardise import StandardSettings

    kept = library.manifest.get("settings", {}).get("standard", {})
    try:
        return StandardSettings(**kept)
    except (TypeError, ValueError) as error:
        raise FormatError(
            f"{library.path}: the manifest's standard settings cannot be used: {error}.",
            "Use the version of docksieve that built the library.",
        ) from None
