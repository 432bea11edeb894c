"""One file of a library checked: its bytes and its row numbers, and the first wrong one named."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import LibraryError
from docksieve.data.libraries.verify import check_file, check_files
from docksieve.data.store import FileRecord, record_file


@pytest.fixture
def records(tmp_path: Path) -> list[tuple[FileRecord, int | None]]:
    """Two shards of three rows, and a table that is none."""
    for number, first in enumerate((0, 3)):
        table = pa.table({"row": pa.array(range(first, first + 3), pa.int64())})
        pq.write_table(table, tmp_path / f"shard-{number}.parquet")
    (tmp_path / "notes.txt").write_bytes(b"whatever")
    return [
        (record_file(tmp_path / "shard-0.parquet", tmp_path), 0),
        (record_file(tmp_path / "shard-1.parquet", tmp_path), 3),
        (record_file(tmp_path / "notes.txt", tmp_path), None),
    ]


def test_a_whole_library_is_read_in_order(
    tmp_path: Path, records: list[tuple[FileRecord, int | None]]
) -> None:
    seen: list[str] = []
    check_files(tmp_path, records, seen.append)
    assert seen == ["shard-0.parquet", "shard-1.parquet", "notes.txt"]


def test_altered_missing_and_misnumbered_files_are_told_apart(
    tmp_path: Path, records: list[tuple[FileRecord, int | None]]
) -> None:
    def problem(at: int, first_row: int | None) -> str:
        job = {"folder": str(tmp_path), "record": vars(records[at][0]), "first_row": first_row}
        return str(check_file(job)["problem"])

    assert problem(0, 0) == ""
    assert problem(1, 0) == f"{tmp_path}/shard-1.parquet: its row numbers are not 0 and following."
    (tmp_path / "notes.txt").write_bytes(b"whatewer")
    assert problem(2, None) == f"{tmp_path}/notes.txt was altered since the library was built."
    (tmp_path / "notes.txt").unlink()
    assert problem(2, None) == f"{tmp_path}/notes.txt is missing since the library was built."


@pytest.mark.slow
def test_many_processes_find_the_same_first_fault_and_count_the_others(
    tmp_path: Path, records: list[tuple[FileRecord, int | None]]
) -> None:
    (tmp_path / "shard-1.parquet").unlink()
    (tmp_path / "notes.txt").unlink()
    with pytest.raises(LibraryError, match=r"shard-1\.parquet is missing .*\. So is 1 other file\."):
        check_files(tmp_path, records, workers=2)
    with pytest.raises(LibraryError, match=r"shard-1\.parquet is missing"):
        check_files(tmp_path, records)
    assert not list(tmp_path.glob(".verify-*"))
