"""Receipts: what every finished task leaves behind.

A receipt is the truth about what is done. A task is done when its receipt says so, was made from the same
inputs and settings, and the checksums of its outputs agree. Receipts are also the only source of
throughput figures.
"""

from __future__ import annotations

import dataclasses
import math
import os
import platform
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import DocksieveError, FormatError
from .store import FileRecord, matches, read_json, sha256_json, write_json

RECEIPT_FORMAT = 2
"""2: ``follows`` and ``seal``. Receipts of format 1 are read; they have neither."""
READABLE = (1, RECEIPT_FORMAT)


@dataclass(frozen=True)
class Failure:
    """Why a task failed, and whether trying again can help.

    Attributes
    ----------
    code : str
        Name of the error class.
    message : str
    retryable : bool
        True for faults of the place (a lost worker, a full disk), False for bad input.
    traceback : str
        Empty for errors raised on purpose.
    """

    code: str
    message: str
    retryable: bool = False
    traceback: str = ""

    @classmethod
    def from_exception(cls, error: BaseException) -> Failure:
        """Describe ``error``; faults of the machine (``OSError``, ``MemoryError``) may be tried again."""
        if isinstance(error, DocksieveError):
            return cls(type(error).__name__, str(error), error.retryable)
        text = "".join(traceback.format_exception(error))
        retryable = isinstance(error, OSError | MemoryError)
        return cls(type(error).__name__, str(error) or type(error).__name__, retryable, text)


@dataclass(frozen=True)
class Receipt:
    """What one task did.

    Attributes
    ----------
    task : str
        Its name, unique in the campaign or library; also the receipt's path, for example
        ``round-01/screen/shard-000000000000``.
    kind : str
        ``dock``, ``train``, ``label``, ``distil``, ``screen``, ``refine`` ...
    fingerprint : str
        Hash of the settings and of the inputs' checksums (:func:`fingerprint`).
    rows_in, rows_out : int
    inputs, outputs : tuple of FileRecord
    seconds : dict of str to float
        Wall seconds of each stage; ``total`` is the whole task.
    counts : dict of str to int
        Whatever is counted: ``molecules``, ``predictions``, ``bytes_read``, ``failed`` ...
    facts : dict
        Anything else worth keeping that is small: histogram, metrics, model id.
    device : dict
        ``kind`` (``cpu``, ``cuda`` ...), ``name``, ``uuid``, ``threads``.
    failure : Failure or None
        None when the task is done.
    follows : str
        Hash of the receipts that came before (``workflows.campaign.chain``); empty where there is no chain.
    seal : str
        Hash of all other fields, set when the receipt is written (:func:`seal_of`).
    """

    task: str
    kind: str
    fingerprint: str
    rows_in: int = 0
    rows_out: int = 0
    inputs: tuple[FileRecord, ...] = ()
    outputs: tuple[FileRecord, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    # A scheduler's name for a node, where it has one: several virtual nodes may share a host.
    host: str = field(default_factory=lambda: os.environ.get("SLURMD_NODENAME") or platform.node())
    pid: int = field(default_factory=os.getpid)
    worker: str = field(default_factory=lambda: os.environ.get("PARSL_WORKER_RANK", ""))
    finished: float = field(default_factory=time.time)
    follows: str = ""
    format: int = RECEIPT_FORMAT
    seal: str = field(default="", compare=False)

    @property
    def done(self) -> bool:
        """Whether the task ended well."""
        return self.failure is None

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as plain JSON values."""
        return plain_json(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Receipt:
        """Return the receipt that :meth:`to_json` wrote.

        Raises
        ------
        FormatError
            If a field is missing or unknown, or the format is newer than this version knows.
        """
        if not isinstance(value, Mapping):
            raise FormatError("A receipt is damaged: it is no JSON object.")
        if value.get("format") not in READABLE:
            raise FormatError(
                f"A receipt has format {value.get('format')!r}; this version reads {READABLE}.",
                "Use the version of docksieve that wrote it, or a newer one.",
            )
        try:
            fields = dict(value)
            fields["inputs"] = tuple(FileRecord(**item) for item in fields["inputs"])
            fields["outputs"] = tuple(FileRecord(**item) for item in fields["outputs"])
            fields["failure"] = None if fields["failure"] is None else Failure(**fields["failure"])
            return cls(**fields)
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"A receipt is damaged: {error}.") from None


def plain_json(value: Any) -> Any:
    """Return ``value`` as JSON knows it: numpy numbers as Python's, NaN and infinities as None."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def fingerprint(kind: str, settings: Any, inputs: Sequence[FileRecord] = ()) -> str:
    """Return the hash that tells whether a finished task is the one asked for.

    Parameters
    ----------
    kind : str
    settings : object
        Everything that changes the result, as JSON values.
    inputs : sequence of FileRecord
        Only their checksums count, so that a folder may be moved.
    """
    return sha256_json([kind, settings, [record.sha256 for record in inputs]])


def receipt_path(root: str | os.PathLike[str], task: str) -> Path:
    """Return where the receipt of ``task`` lies under ``root`` (a campaign or library folder)."""
    return Path(root) / "receipts" / f"{task}.json"


def write_receipt(root: str | os.PathLike[str], receipt: Receipt) -> None:
    """Write ``receipt`` under ``root``; the outputs it names must be complete before this."""
    value = receipt.to_json()
    write_json(receipt_path(root, receipt.task), {**value, "seal": seal_of(value)})


def seal_of(value: Mapping[str, Any]) -> str:
    """Return the hash of a receipt's JSON values but for its seal: an altered receipt does not have it any more."""
    return sha256_json({key: item for key, item in value.items() if key != "seal"})


def read_receipt(root: str | os.PathLike[str], task: str) -> Receipt | None:
    """Return the receipt of ``task``; None where there is none, it cannot be read, or it was altered since."""
    path = receipt_path(root, task)
    if not path.exists():
        return None
    try:
        value = read_json(path)
        receipt = Receipt.from_json(value)
    except (FormatError, OSError):
        return None  # an unreadable receipt proves nothing: the task is done again
    # Nor does one that was altered: a wrong figure in it would go into every answer without a word.
    return receipt if receipt.format == 1 or receipt.seal == seal_of(value) else None


def is_done(root: str | os.PathLike[str], task: str, expected_fingerprint: str) -> Receipt | None:
    """Return the receipt of ``task`` if it is done, as asked, and its outputs are unaltered; else None."""
    receipt = read_receipt(root, task)
    if receipt is None or not receipt.done or receipt.fingerprint != expected_fingerprint:
        return None
    return receipt if all(matches(output, root) for output in receipt.outputs) else None


class Stopwatch:
    """Adds up wall seconds by stage: ``with watch("encode"): ...``.

    Examples
    --------
    >>> watch = Stopwatch()
    >>> with watch("read"):
    ...     pass
    >>> sorted(watch.seconds)
    ['read', 'total']
    """

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._stages: dict[str, float] = {}
        self._current = ""

    def __call__(self, stage: str) -> Stopwatch:
        """Name the stage that the next ``with`` block belongs to."""
        self._current = stage
        return self

    def __enter__(self) -> Stopwatch:
        self._entered = (self._current, time.perf_counter())
        return self

    def __exit__(self, *exc_info: object) -> None:
        stage, start = self._entered
        self.add(stage, time.perf_counter() - start)

    def add(self, stage: str, seconds: float) -> None:
        """Add ``seconds`` to ``stage``."""
        self._stages[stage] = self._stages.get(stage, 0.0) + seconds

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by stage, and ``total`` since the stopwatch was made."""
        rounded = {name: round(value, 6) for name, value in self._stages.items()}
        return {**rounded, "total": round(time.perf_counter() - self._started, 6)}
