"""Checking a whole library: every file, every row number, every sum; on one core, many, or a cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from ..errors import LibraryError
from ..store import FileRecord, matches
from ..words import agree, plural
from .pool import BuildWorkers, OpenCluster


def check_files(
    folder: Path,
    records: list[tuple[FileRecord, int | None]],
    progress: Callable[[str], None] | None = None,
    workers: int = 1,
    open_cluster: OpenCluster | None = None,
    say: Callable[[str], None] | None = None,
) -> None:
    """Check files of a library against their records.

    Parameters
    ----------
    folder : Path
        The library's.
    records : list of (FileRecord, int or None)
        Every file; of a shard with its first row.
    progress : callable, optional
        Called with the name of each file: before it is read in this process, after it was read elsewhere.
    workers : int
        Processes; 1 reads every file in this one.
    open_cluster, say
        As for :class:`docksieve.data.libraries.pool.BuildWorkers`.

    Raises
    ------
    LibraryError
        Naming the first file that is wrong, in the order of ``records``, and how many are.
    """
    if workers == 1 and open_cluster is None:
        for job in _jobs(folder, records):
            if progress is not None:
                progress(job["what"])
            _refuse([(0, check_file(job))], 1)
        return
    wrong = []
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".verify-") as scratch,
        BuildWorkers(workers, Path(scratch), None, open_cluster, say) as pool,
    ):
        for done, found in pool.run(check_file, _jobs(folder, records)):
            if progress is not None:
                progress(done["what"])
            if found["problem"]:
                wrong.append((done["place"], found))
    _refuse(sorted(wrong, key=lambda item: int(item[0])), len(wrong))


def _jobs(folder: Path, records: list[tuple[FileRecord, int | None]]) -> Iterator[dict[str, Any]]:
    for place, (record, first_row) in enumerate(records):
        yield {
            "task": "verify",
            "what": record.path,
            "place": place,
            "folder": str(folder),
            "record": vars(record),
            "first_row": first_row,
        }


def check_file(job: Mapping[str, Any]) -> dict[str, Any]:
    """Check one file: its bytes, and of a shard its row numbers.

    Parameters
    ----------
    job : mapping
        ``folder``, ``record`` and ``first_row`` (None: no shard).

    Returns
    -------
    dict
        ``problem`` and ``cure``; empty if all is well.
    """
    folder, record = Path(job["folder"]), FileRecord(**job["record"])
    path = folder / record.path
    if not matches(record, folder):
        what = "was altered" if path.exists() else "is missing"
        return {
            "problem": f"{path} {what} since the library was built.",
            "cure": "Restore it, or build the library again.",
        }
    if job["first_row"] is not None:
        first, count = int(job["first_row"]), int(record.rows or 0)
        rows = pq.read_table(path, columns=["row"]).column("row").to_numpy()
        if not np.array_equal(rows, np.arange(first, first + count)):
            return {"problem": f"{path}: its row numbers are not {first} and following.", "cure": ""}
    return {"problem": "", "cure": ""}


def _refuse(found: list[tuple[int, dict[str, Any]]], count: int) -> None:
    for _, first in found:
        if first["problem"]:
            others = f"{agree(count - 1, 'is', 'are')} {plural(count - 1, 'other file')}"
            more = f" So {others}." if count > 1 else ""
            raise LibraryError(first["problem"] + more, first["cure"])
