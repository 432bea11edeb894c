"""Inputs of a build: named apart, looked into before anything is read, cut into chunks that cover them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from docksieve.data.errors import InputError
from docksieve.data.readers.layout import ReadingSettings
from docksieve.data.readers.sources import FileSource, open_files


def opened(
    names: list[Path | str], scratch: Path, chunk_bytes: int = 64, chunk_rows: int = 4
) -> list[FileSource]:
    return open_files([str(name) for name in names], ReadingSettings(), chunk_bytes, chunk_rows, scratch)


def test_stems_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.smi").write_text("CCO one\nCCN two\n")
    found = opened([tmp_path / "a" / "x.smi", tmp_path / "b" / "x.smi"], tmp_path)
    assert [source.stem for source in found] == ["x", "x#2"]


def test_chunks_of_text_cover_every_line(tmp_path: Path) -> None:
    lines = [f"{'C' * (1 + number % 7)} m{number}" for number in range(50)]
    path = tmp_path / "x.smi"
    path.write_text("\n".join(lines) + "\n")
    (source,) = opened([path], tmp_path)
    chunks = list(source.chunks())
    assert len(chunks) > 5 and b"".join(chunk["payload"] for chunk in chunks) == path.read_bytes()
    assert sum(chunk["lines"] for chunk in chunks) == 50
    assert next(chunk["first_line"] for chunk in chunks) == 1
    last = chunks[-1]["first_line"]
    assert chunks[-1]["what"] == f"lines {last} to 50 of {path}"
    assert source.progress == (path.stat().st_size, path.stat().st_size)
    identity = source.identity()
    assert identity["bytes"] == path.stat().st_size and identity["content"] == source.content != ""
    (again,) = opened([path], tmp_path, chunk_bytes=1_000)
    assert next(iter(again.chunks()))["payload"] == path.read_bytes()


def test_chunks_of_a_table_are_rows_of_it(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"smiles": ["CCO"] * 10, "id": [f"m{n}" for n in range(10)]}), path)
    (source,) = opened([path], tmp_path)
    chunks = list(source.chunks())
    assert [(chunk["start"], chunk["count"]) for chunk in chunks] == [(0, 4), (4, 4), (8, 2)]
    assert chunks[2]["what"] == f"rows 9 to 10 of {path}"
    assert len({chunk["digest"] for chunk in chunks}) == 3


def test_no_input_and_standard_input_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No input was given"):
        opened([], tmp_path)
    with pytest.raises(InputError, match="more than once"):
        opened(["-", "-"], tmp_path)
