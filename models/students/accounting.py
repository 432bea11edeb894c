"""What a screen took: seconds by stage, rates told apart, bytes, memory, energy; and what it could take at best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..settings import StudentSettings


@dataclass(frozen=True)
class ScreenResult:
    """What screening one shard took.

    Attributes
    ----------
    rows : int
        Rows of the shard, and of the predictions.
    missing : int
        Rows without a prediction (null or empty SMILES).
    predictions : int
        Molecules scored times targets.
    seconds : dict of str to float
        Busy seconds, which overlap: ``read`` (added up over the threads that decode), ``encode`` and ``model``
        (added up over the threads that score and divided by their number; on a device all its work is under
        ``model``), ``write``. ``total`` is wall.
    bytes_read, bytes_written : int
        Of the files.
    bytes_moved : int
        Between the machine and its device, both ways; 0 on the CPU.
    device : dict
        ``kind``, ``name``, ``uuid``, ``threads``.
    path : str
        How it was computed: ``kernel``, ``torch`` or ``fused``.
    used : dict
        Processor seconds, peak memory and energy, where the device tells; and ``busy_seconds``: of the device, or of
        the threads that score, added up.
    notes : tuple of str
        What a reader of the result should know: a batch halved for want of memory, say.

    Examples
    --------
    >>> student = docksieve.load_bundle("campaign/models/round-02/student")
    >>> shard = docksieve.Library.open("library").shards[0]
    >>> result = docksieve.screen_shard(shard.path, student, "predictions.parquet", "histogram.parquet", "best.parquet")
    >>> result.predictions, result.missing, result.path
    (384, 0, 'kernel')
    """

    rows: int
    missing: int
    predictions: int
    seconds: dict[str, float]
    bytes_read: int
    bytes_written: int
    device: dict[str, Any]
    bytes_moved: int = 0
    path: str = "kernel"
    used: Mapping[str, float | int | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def rates(self) -> dict[str, float | None]:
        """Molecules per second, three rates that must not be confused, and what they cost.

        ``model_only`` (features given; None where one device program makes features and scores), ``model_and_features``
        (from SMILES in memory), ``end_to_end`` (from file to files), each per second of wall time of that stage;
        ``per_busy_second`` and ``per_held_second`` of the device (or of one thread that scores, and of the
        machine), ``per_cpu_second`` (of all threads of the process, decoding and writing included).
        """
        scoring = self.seconds["encode"] + self.seconds["model"]
        return {
            "model_only": self._per(self.seconds["model"]) if self.seconds["encode"] else None,
            "model_and_features": self._per(scoring),
            "end_to_end": self._per(self.seconds["total"]),
            "per_busy_second": self._per(self.used.get("busy_seconds")),
            "per_held_second": self._per(self.used.get("held_seconds")),
            "per_cpu_second": self._per(self.used.get("cpu_seconds")),
        }

    def _per(self, seconds: float | int | None) -> float | None:
        return round(self.rows / seconds, 1) if seconds else None

    def accounts(self) -> dict[str, Any]:
        """Return rates, bytes, uses and notes as JSON values, for receipts."""
        return {
            "path": self.path,
            "rates": self.rates,
            "bytes": {"read": self.bytes_read, "written": self.bytes_written, "moved": self.bytes_moved},
            "used": dict(self.used),
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Work:
    """Operations and bytes that one molecule takes, by formula.

    A multiplication and an addition are two operations. ``grams`` counts a molecule's n-grams, ``distinct`` the
    buckets that they fall into.

    Attributes
    ----------
    hash_operations : float
        Whole-number operations: 8 per n-gram (shift, two exclusive-ors, shift, multiplication, shift, count, store).
    operations : float
        Floating-point operations of the network as the path computes it.
    table_bytes : float
        Read from the embedding (from a cache, if it fits into one).
    device_bytes : float
        Read and written in the device's own memory besides, each once.
    link_bytes : float
        Between the machine and its device.
    """

    hash_operations: float
    operations: float
    table_bytes: float
    device_bytes: float
    link_bytes: float


def work(
    settings: StudentSettings, outputs: int, length: float, distinct: float, path: str, half: bool
) -> Work:
    """Return what a molecule of ``length`` bytes takes.

    Parameters
    ----------
    settings : StudentSettings
    outputs : int
    length : float
        Mean bytes of SMILES.
    distinct : float
        Mean distinct buckets (counted, as it depends on the hash).
    path : str
        ``kernel`` (CPU), ``fused`` (a gather of the n-grams' rows) or ``torch`` (counts of all buckets, then a
        matrix product over them).
    half : bool
        Whether embedding and activations take two bytes, not four.
    """
    width, size = settings.width, 2 if half else 4
    grams = sum(max(length - run, 0.0) for run in range(settings.ngram))
    summed = {"kernel": distinct, "fused": grams, "torch": float(settings.buckets)}[path]
    dense = 2.0 * (settings.layers - 1) * width * width + 2.0 * width * outputs
    activations = 6.0 * width * settings.layers
    traffic = 0.0
    if path != "kernel":
        # SMILES, starts, lengths and row numbers read; activations written and read at each layer; scores written.
        traffic = length + 16 + 2.0 * settings.layers * width * size + 4.0 * outputs
    if path == "fused":
        traffic += 3 * 4.0 * grams  # counters: added to, read, cleared
    if path == "torch":
        # Keys of eight bytes are written and read about a dozen times; counts cleared, read; weights written, read.
        traffic += 12 * 8.0 * settings.ngram * length + settings.buckets * (4.0 + 4.0 + 2.0 * size)
    return Work(
        hash_operations=8.0 * grams,
        operations=2.0 * summed * width + dense + activations,
        table_bytes=(0.0 if path == "torch" else summed * width * (size if path == "fused" else 4)),
        device_bytes=traffic,
        link_bytes=0.0 if path == "kernel" else length + 16 + 4.0 * outputs,
    )


def roofline(needs: Work, rate: float, limits: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return, for each limit that is known, the rate it would allow and the share of it that was reached.

    Parameters
    ----------
    needs : Work
        Per molecule.
    rate : float
        Molecules per second that were measured.
    limits : mapping of str to float
        What the hardware can do per second, by the name of an attribute of :class:`Work`.
    """
    found = {}
    for name, limit in limits.items():
        need = getattr(needs, name)
        if need > 0:
            allowed = limit / need
            found[name] = {"per_molecule": need, "limit": limit, "allows": allowed, "reached": rate / allowed}
    return found
