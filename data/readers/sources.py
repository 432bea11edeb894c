"""Inputs of a library build: what they are, and the chunks they are cut into."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..errors import InputError
from ..store import atomic_path
from .detect import detect_text, looks_like_sdf
from .layout import Layout, ReadingSettings
from .records import TableFile, sdf_id_property, stem, table_kind
from .streams import InputStream, digest, text_chunks


class Source(Protocol):
    """Something that a library is built from."""

    name: str
    stem: str
    layout: Layout
    fixed_content: str
    """Checksum of the content where it is known before it was read; else empty."""

    def chunks(self) -> Iterator[dict[str, Any]]:
        """Yield the chunks: what a job needs to read its records, ``digest`` of it and ``what`` it is."""

    def identity(self) -> dict[str, Any]:
        """Return what the manifest remembers of the source."""

    @property
    def progress(self) -> tuple[int, int]:
        """Units read so far, and in all (0: unknown)."""


@dataclass
class FileSource:
    """A file, or standard input.

    Parameters
    ----------
    name : str
        As the user gave it.
    settings : ReadingSettings
    chunk_bytes, chunk_rows : int
        Size of a chunk of text, and of a table.
    scratch : Path
        Where a table that comes packed or through standard input is put down.

    Raises
    ------
    InputError
        If the file cannot be read or holds no SMILES.
    """

    name: str
    settings: ReadingSettings
    chunk_bytes: int
    chunk_rows: int
    scratch: Path
    stem: str = ""
    layout: Layout = field(init=False)
    packing: tuple[str, ...] = ()
    content: str = ""
    fixed_content: str = ""

    def __post_init__(self) -> None:
        self.stem = self.stem or stem(self.name)
        self._path = self.name
        self._stream: InputStream | None = InputStream(self.name)
        self._read = 0
        self._size = Path(self.name).stat().st_size if self.name != "-" else 0
        self.packing = self._stream.packing
        self.layout = self._detect(self._stream)
        if self.name != "-" and self._stream is not None:
            self._stream.close()  # opened again when its turn comes: thousands of inputs may be given
            self._stream = None

    def _detect(self, stream: InputStream) -> Layout:
        if kind := table_kind(stream.head):
            if self.name == "-" or stream.packing:
                self._path = str(self._put_down(stream, kind))
            self._table = TableFile(self._path, kind)
            return self._table.layout(self.name, self.settings)
        if looks_like_sdf(stream.head, self.name):
            newline = "\n" if b"\n" in stream.head or b"\r" not in stream.head else "\r"
            wanted = self.settings.id_column or ""
            if not wanted:
                wanted = sdf_id_property(stream.head, newline)
            return Layout("sdf", id_name="" if wanted.lower() == "none" else wanted, newline=newline)
        complete = len(stream.head) < (1 << 18)
        return detect_text(stream.head, complete, self.name, self.settings)

    def _put_down(self, stream: InputStream, kind: str) -> Path:
        path = self.scratch / f"{self.stem}.{kind}"
        with atomic_path(path) as temporary, temporary.open("wb") as handle:
            while block := stream.read(1 << 22):
                handle.write(block)
        return path

    def chunks(self) -> Iterator[dict[str, Any]]:
        """Yield the chunks in file order."""
        hasher = hashlib.blake2b(digest_size=16)
        for chunk in (
            self._table_chunks() if self.layout.kind in ("parquet", "arrow") else self._text_chunks()
        ):
            hasher.update(chunk["digest"].encode())
            yield chunk
        self.content = hasher.hexdigest()

    def _text_chunks(self) -> Iterator[dict[str, Any]]:
        with self._stream or InputStream(self.name) as stream:
            end = b"$$$$" if self.layout.kind == "sdf" else b""
            for chunk in text_chunks(stream, self.chunk_bytes, self.layout.newline.encode(), end):
                self._read = stream.consumed
                last = chunk.first_line + chunk.lines - 1
                yield {
                    "payload": chunk.payload,
                    "first_line": chunk.first_line,
                    "lines": chunk.lines,
                    "digest": digest(chunk.payload),
                    "what": f"lines {chunk.first_line:,} to {last:,} of {self.name}",
                }

    def _table_chunks(self) -> Iterator[dict[str, Any]]:
        table = self._table
        # The whole file stands for each chunk: hashing columns would cost as much as reading them.
        whole = _file_digest(self._path) if table.rows else ""
        for start in range(0, table.rows, self.chunk_rows):
            count = min(self.chunk_rows, table.rows - start)
            self._read = self._size * (start + count) // table.rows
            yield {
                "path": self._path,
                "start": start,
                "count": count,
                "digest": f"{whole}:{start}:{count}",
                "what": f"rows {start + 1:,} to {start + count:,} of {self.name}",
            }

    def identity(self) -> dict[str, Any]:
        """Return name, size and time of the file, its layout and a checksum of its content."""
        return {
            "name": self.name,
            "bytes": self._size,
            "modified": Path(self.name).stat().st_mtime_ns if self.name != "-" else 0,
            "packing": list(self.packing),
            "layout": self.layout.to_json(),
            "content": self.content,
        }

    @property
    def progress(self) -> tuple[int, int]:
        """Bytes of the file (as packed) read so far, and its size."""
        return self._read, self._size


def _file_digest(path: str) -> str:
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def open_files(
    names: Sequence[str], settings: ReadingSettings, chunk_bytes: int, chunk_rows: int, scratch: Path
) -> list[FileSource]:
    """Return the sources that ``names`` stand for, each looked into.

    Raises
    ------
    InputError
        For the first that cannot be used; nothing was written by then.
    """
    if not names:
        raise InputError("No input was given.", "Name at least one file, or - for standard input.")
    if list(names).count("-") > 1:
        raise InputError("Standard input (-) was given more than once.")
    stems: dict[str, int] = {}
    sources = []
    for name in names:
        base = stem(name)
        stems[base] = stems.get(base, 0) + 1
        unique = base if stems[base] == 1 else f"{base}#{stems[base]}"
        sources.append(FileSource(name, settings, chunk_bytes, chunk_rows, scratch, stem=unique))
    return sources
