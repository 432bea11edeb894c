"""Byte streams of molecule files: whatever they are packed in, as chunks of whole lines or records.

What a file is gets decided by its content. Names lie: ``.txt.gz`` files that are tar archives, ``.csv``
files that are tab-separated and plain files called ``.gz`` are all in circulation.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import zstandard

from ..errors import InputError
from ..words import plural
from .spreadsheets import refuse_workbook

SAMPLE_BYTES = 1 << 18
LONGEST_LINE = 64 << 20
"""A line (or SDF record) beyond this is no molecule: the file is something else."""

_READ_ERRORS = (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, tarfile.TarError, OSError)


@dataclass(frozen=True)
class TextChunk:
    """Whole lines (or SDF records) of a text file.

    Attributes
    ----------
    payload : bytes
    first_line : int
        Number of the first line, counted from 1.
    lines : int
    """

    payload: bytes
    first_line: int
    lines: int


class _Prefixed(io.RawIOBase):
    """A stream whose beginning was read already."""

    def __init__(self, prefix: bytes, rest: IO[bytes]) -> None:
        self._prefix, self._rest = prefix, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._prefix:
            piece, self._prefix = self._prefix[: len(view)], self._prefix[len(view) :]
        else:
            piece = self._rest.read(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed and self._rest is not sys.stdin.buffer:
            self._rest.close()
        super().close()


def _read_fully(stream: IO[bytes], size: int) -> bytes:
    """Read ``size`` bytes, or fewer at the end only (pipes give what they have)."""
    pieces, left = [], size
    while left > 0 and (piece := stream.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


class InputStream:
    """The unpacked bytes of one input.

    Parameters
    ----------
    name : str
        Path, or ``-`` for standard input.

    Attributes
    ----------
    name : str
    packing : tuple of str
        What was unpacked, outermost first: ``("gzip", "tar")``.
    head : bytes
        The first bytes, up to ``SAMPLE_BYTES``, still to be read again.

    Raises
    ------
    InputError
        If the file is missing, unreadable, damaged, or an archive of several files.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.packing: tuple[str, ...] = ()
        self._keep: list[Any] = []
        stream: IO[bytes] = sys.stdin.buffer if name == "-" else _open_file(name)
        self._raw = stream
        try:
            self._stream, self.head = self._unpack(stream)
        except _READ_ERRORS as error:
            raise self._damaged(error) from None

    def _unpack(self, stream: IO[bytes]) -> tuple[IO[bytes], bytes]:
        for _ in range(5):
            head = _read_fully(stream, SAMPLE_BYTES)
            whole = cast("IO[bytes]", io.BufferedReader(_Prefixed(head, stream), 1 << 20))
            kind, inner = _unpacked(self, head, whole)
            if inner is None:
                return whole, head
            self._keep.append(whole)
            self.packing = (*self.packing, kind)
            stream = inner
        raise InputError(f"{self.name} is packed more than four times.", "Unpack it first.")

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, fewer only at the end."""
        try:
            return _read_fully(self._stream, size)
        except _READ_ERRORS as error:
            raise self._damaged(error) from None

    @property
    def consumed(self) -> int:
        """Bytes of the file, as packed, that were read so far."""
        return 0 if self.name == "-" or self._raw.closed else self._raw.tell()

    def _damaged(self, error: BaseException) -> InputError:
        packed = f" ({' in '.join(reversed(self.packing))})" if self.packing else ""
        return InputError(
            f"{self.name}{packed} cannot be read to its end: {error}.",
            "It is damaged or was cut short: fetch it again. No library was written.",
        )

    def finish(self) -> None:
        """Check, once everything was read, that an archive held nothing else."""
        for member in self._keep:
            if isinstance(member, tarfile.TarFile):
                _refuse_more_members(self.name, member)

    def close(self) -> None:
        """Close the file (standard input stays open)."""
        self._stream.close()
        for stream in reversed(self._keep):
            stream.close()

    def __enter__(self) -> InputStream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _open_file(name: str) -> IO[bytes]:
    path = Path(name)
    if path.is_dir():
        raise InputError(
            f"{name} is a folder.", "Name the files in it (a shell pattern such as FOLDER/*.smi)."
        )
    refuse_workbook(path)
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{name} does not exist.", "Check the path.") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.", "Check its permissions.") from None


def _unpacked(owner: InputStream, head: bytes, stream: IO[bytes]) -> tuple[str, IO[bytes] | None]:
    """Return what ``stream`` is packed in, and the stream inside (None if it is not packed)."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip", cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(
            stream, read_across_frames=True
        )
        return "zstd", cast("IO[bytes]", reader)
    if head.startswith(b"BZh"):
        return "bzip2", cast("IO[bytes]", bz2.BZ2File(stream))
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz", cast("IO[bytes]", lzma.LZMAFile(stream))
    if head[257:262] == b"ustar":
        return "tar", _tar_member(owner, stream)
    if head.startswith(b"PK\x03\x04"):
        return "zip", _zip_member(owner)
    return "", None


def _tar_member(owner: InputStream, stream: IO[bytes]) -> IO[bytes]:
    archive = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115 - closed with the stream
    owner._keep.append(archive)
    for member in archive:
        if member.isfile() and not _is_litter(member.name):
            inner = archive.extractfile(member)
            assert inner is not None
            return inner
    raise InputError(f"{owner.name} is a tar archive without a file in it.")


def _refuse_more_members(name: str, archive: tarfile.TarFile) -> None:
    others = [member.name for member in archive if member.isfile() and not _is_litter(member.name)]
    # Iterating again yields the members seen before, too: the first is the one that was read.
    if len(others) > 1:
        raise _several_files(name, "tar", others)


def _several_files(name: str, kind: str, members: list[str]) -> InputError:
    return InputError(
        f"{name} is a {kind} archive of {plural(len(members), 'file')} ({', '.join(members[:3])} ...).",
        "Unpack it and name the files to read: they may differ in layout.",
    )


def _is_litter(member: str) -> bool:
    return Path(member).name.startswith(".") or "__MACOSX" in member


def _zip_member(owner: InputStream) -> IO[bytes]:
    if owner.name == "-" or owner.packing:
        raise InputError(f"{owner.name} holds a zip archive.", "Unpack it first.")
    try:
        archive = zipfile.ZipFile(owner.name)
    except zipfile.BadZipFile as error:
        raise InputError(f"{owner.name} is a damaged zip archive: {error}.") from None
    owner._keep.append(archive)
    members = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    members = [member for member in members if not _is_litter(member)]
    if len(members) != 1:
        raise _several_files(owner.name, "zip", members)
    return archive.open(members[0])


def text_chunks(
    stream: InputStream, chunk_bytes: int, newline: bytes = b"\n", record_end: bytes = b""
) -> Iterator[TextChunk]:
    """Cut a stream into chunks of whole lines, or of whole records.

    Where the cuts fall depends on the content alone, so that an interrupted build finds the same chunks.

    Parameters
    ----------
    stream : InputStream
    chunk_bytes : int
        Aimed-at size; a longer line makes a longer chunk.
    newline : bytes
        What ends a line.
    record_end : bytes
        ``b"$$$$"`` for SDF: a line of its own that ends a record. Empty: each line is a record.

    Raises
    ------
    InputError
        If a line or record is longer than 64 MiB, or the stream is damaged.
    """
    carry, line = b"", 1
    while True:
        wanted = max(chunk_bytes - len(carry), chunk_bytes // 4, 1)
        block = stream.read(wanted)
        data = carry + block
        if len(block) < wanted:  # the end
            if data:
                yield _chunk(data, line, newline)
            stream.finish()
            return
        cut = _last_end(data, newline, record_end)
        if cut == 0:
            if len(data) > LONGEST_LINE:
                what = "record" if record_end else "line"
                raise InputError(
                    f"{stream.name} has a {what} of more than {LONGEST_LINE >> 20} MiB at line {line}.",
                    "It is not a file of molecules, or it is damaged.",
                )
            carry = data
            continue
        chunk = _chunk(data[:cut], line, newline)
        carry, line = data[cut:], line + chunk.lines
        yield chunk


def _chunk(data: bytes, line: int, newline: bytes) -> TextChunk:
    lines = data.count(newline) + (0 if data.endswith(newline) else 1)
    return TextChunk(data, line, lines)


def _last_end(data: bytes, newline: bytes, record_end: bytes) -> int:
    """Return the offset behind the last complete line or record, 0 if there is none."""
    if not record_end:
        return data.rfind(newline) + len(newline) if newline in data else 0
    stop = len(data)
    while (found := data.rfind(newline + record_end, 0, stop)) >= 0:
        end = data.find(newline, found + len(newline))
        if end >= 0:
            return end + len(newline)
        stop = found + len(newline) + len(record_end) - 1
    return 0


def digest(data: bytes) -> str:
    """Return the checksum by which a finished chunk is known again."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
