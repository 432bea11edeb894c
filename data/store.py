"""Files that appear whole or not at all, and their checksums.

Everything is written to a temporary name on the same file system, flushed to the disk and renamed. A
process killed at any moment leaves at worst a file whose name starts with ``.tmp-``, which nothing reads.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import DocksieveError, FormatError

TEMPORARY_PREFIX = ".tmp-"
_CHUNK = 1 << 22


@dataclass(frozen=True)
class FileRecord:
    """A file as a receipt or manifest remembers it.

    Attributes
    ----------
    path : str
        Relative to the folder that owns the record (campaign or library), with forward slashes.
    bytes : int
    sha256 : str
        Hexadecimal.
    rows : int or None
        Rows of a table, where it is one.
    """

    path: str
    bytes: int
    sha256: str
    rows: int | None = None

    @classmethod
    def of_stranger(cls, value: Mapping[str, Any]) -> FileRecord:
        """Return the record in a file that anybody may have written: it cannot lead out of its folder.

        Raises
        ------
        FormatError
            If its path is absolute or has ``..`` in it.
        TypeError
            If fields are missing or unknown.
        """
        record = cls(**value)
        if record.leads_out:
            raise FormatError(
                f"The recorded file {record.path!r} leads out of its folder.",
                "Nothing of docksieve writes such a record: do not use the folder that it came in.",
            )
        return record

    @property
    def leads_out(self) -> bool:
        """Whether the path is absolute or climbs out of the folder that owns the record."""
        path = PurePosixPath(self.path)
        return path.is_absolute() or ".." in path.parts or "\\" in self.path or "\0" in self.path


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success flush it and rename it there.

    Raises
    ------
    DocksieveError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    final = Path(path)
    temporary = final.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}-{final.name}"
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        temporary.replace(final)
        _sync_folder(final.parent)
    except OSError as error:
        raise _explained(error, final) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems refuse to sync a folder; the rename stands all the same
        pass
    finally:
        os.close(descriptor)


_BROKEN = {
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ENODEV,
    errno.ENXIO,
    errno.ENOTCONN,
}
"""What a failing disk or network file system answers."""


def _explained(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DocksieveError(
            f"The disk (or your quota) is full: {path} could not be written.",
            "Free some space and give the same command again; finished work is kept.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DocksieveError(
            f"{path} cannot be written: {error.strerror}.",
            "Check the folder's permissions, or choose another folder.",
        )
    if error.errno in _BROKEN:
        return DocksieveError(
            f"{path} could not be written: {error.strerror}.",
            "The disk or its network failed. Once it works, give the same command again; finished work is kept.",
        )
    return error


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON with sorted keys, whole or not at all. NaN is refused."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_bytes(path, (text + "\n").encode())


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return the JSON value in ``path``.

    Raises
    ------
    FormatError
        If the file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except FileNotFoundError:
        raise FormatError(f"{path} is missing.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} is damaged: {error}.", "Restore it from a copy.") from None


def write_table(path: str | os.PathLike[str], table: pa.Table, row_group_size: int = 65536) -> None:
    """Write ``table`` as Parquet (zstd), whole or not at all."""
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=row_group_size)


def read_table(path: str | os.PathLike[str], columns: list[str] | None = None) -> pa.Table:
    """Return the Parquet table at ``path``. For tables that fit in memory; shards are streamed instead.

    Raises
    ------
    FormatError
        If the file is missing or is not Parquet.
    """
    try:
        with pq.ParquetFile(path) as file:  # ParquetFile reads no partitions out of folder names
            return file.read(columns=columns)
    except FileNotFoundError:
        raise FormatError(f"{path} is missing.") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise FormatError(f"{path} is not a readable Parquet file: {error}.") from None


def sha256_bytes(content: bytes) -> str:
    """Return the hexadecimal SHA-256 of ``content``."""
    return hashlib.sha256(content).hexdigest()


def sha256_json(value: Any) -> str:
    """Return the SHA-256 of ``value`` in canonical JSON (sorted keys, no spaces)."""
    return sha256_bytes(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode())


def sha256_file(path: str | os.PathLike[str]) -> str:
    """Return the hexadecimal SHA-256 of the file at ``path``, read in pieces."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as handle:
        while piece := handle.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def record_file(path: str | os.PathLike[str], root: str | os.PathLike[str]) -> FileRecord:
    """Return the record of the file at ``path``, its name taken relative to ``root``."""
    path = Path(path)
    rows = None
    if path.suffix == ".parquet":
        with pq.ParquetFile(path) as file:
            rows = file.metadata.num_rows
    relative = Path(os.path.relpath(path, root)).as_posix()
    return FileRecord(relative, path.stat().st_size, sha256_file(path), rows)


def matches(record: FileRecord, root: str | os.PathLike[str]) -> bool:
    """Tell whether the file that ``record`` remembers still lies under ``root``, unaltered."""
    path = Path(root) / record.path
    try:
        return path.stat().st_size == record.bytes and sha256_file(path) == record.sha256
    except OSError:
        return False


def is_temporary(path: str | os.PathLike[str]) -> bool:
    """Tell whether ``path`` is what a writer has not finished (or was killed while writing)."""
    return Path(path).name.startswith(TEMPORARY_PREFIX)


def remove_temporary_files(folder: str | os.PathLike[str]) -> int:
    """Remove what killed writers left under ``folder``, files and folders; return how many that were.

    Only for a folder that nobody is writing to.
    """
    leftovers = list(Path(folder).rglob(f"{TEMPORARY_PREFIX}*"))
    for path in leftovers:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
            continue
        with contextlib.suppress(OSError):
            path.unlink()
    return len(leftovers)


def concat(paths: Sequence[Path], columns: list[str]) -> pa.Table:
    """Return the given columns of all files, one after the other."""
    # Files of several origins may differ in whether a column may be empty.
    return pa.concat_tables([read_table(path, columns) for path in paths], promote_options="default")
