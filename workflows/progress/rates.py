"""How fast a campaign went, and when: rates over time and by node, from its receipts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...data.receipts import Receipt

MEASURED = {"dock": "docked", "screen": "screened", "refine": "predicted by the teacher"}
"""Kinds of tasks whose molecules are counted, and what is done to these."""


@dataclass(frozen=True)
class Rates:
    """Molecules per second over time.

    Attributes
    ----------
    start, end : float
        Seconds since 1970.
    by_kind : dict of str to array of float64, shape (bins,)
        Keys of :data:`MEASURED` that have any; each task's molecules are spread evenly over the time it took.
    """

    start: float
    end: float
    by_kind: dict[str, NDArray[np.float64]]

    @property
    def width(self) -> float:
        """Seconds of a bin."""
        bins = max((len(values) for values in self.by_kind.values()), default=1)
        return (self.end - self.start) / bins


def began(receipt: Receipt) -> float:
    """Return when a task began, in seconds since 1970."""
    return float(receipt.facts.get("started", receipt.finished - receipt.seconds.get("total", 0.0)))


def rates_over_time(receipts: Iterable[Receipt], start: float, end: float, bins: int) -> Rates:
    """Return the rates between two moments in ``bins`` equal steps."""
    end = max(end, start + 1e-3)
    edges = np.linspace(start, end, bins + 1)
    counted = [receipt for receipt in receipts if receipt.kind in MEASURED and receipt.done]
    by_kind = {}
    for kind in MEASURED:
        found = [receipt for receipt in counted if receipt.kind == kind]
        if found:
            by_kind[kind] = np.diff(_finished_by(edges, found)) * bins / (end - start)
    return Rates(start, end, by_kind)


def _finished_by(moments: NDArray[np.float64], receipts: Sequence[Receipt]) -> NDArray[np.float64]:
    """Return the molecules finished by each moment, those of a task as evenly as its time passed."""
    first = np.array([began(receipt) for receipt in receipts])
    last = np.maximum([receipt.finished for receipt in receipts], first + 1e-3)
    rows = np.array([receipt.rows_in for receipt in receipts], dtype=np.float64)
    total = np.zeros(len(moments))
    for start in range(0, len(rows), 4096):  # so that no array has more than some million numbers
        part = slice(start, start + 4096)
        shares = (moments[:, None] - first[part]) / (last[part] - first[part])
        total += np.clip(shares, 0.0, 1.0) @ rows[part]
    return total


@dataclass(frozen=True)
class NodeRates:
    """What one machine did.

    Attributes
    ----------
    host : str
    workers : int
        Worker processes that left receipts.
    devices : tuple of str
        What they computed with.
    tasks, failed : int
        Finished tasks, and tasks whose latest try failed.
    molecules : dict of str to int
        By kind, those of :data:`MEASURED`.
    seconds : float
        Of the finished tasks.
    last : float
        When the latest task ended (seconds since 1970).
    busy : float
        Share of its workers' time that tasks took in the window asked about.
    """

    host: str
    workers: int
    devices: tuple[str, ...]
    tasks: int
    failed: int
    molecules: dict[str, int]
    seconds: float
    last: float
    busy: float


def rates_by_node(receipts: Sequence[Receipt], since: float, until: float) -> list[NodeRates]:
    """Return what every machine did, by name; ``since`` and ``until`` bound the window of ``busy``."""
    hosts: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        hosts.setdefault(receipt.host, []).append(receipt)
    return [_node(host, hosts[host], since, until) for host in sorted(hosts)]


def _node(host: str, receipts: list[Receipt], since: float, until: float) -> NodeRates:
    workers = {receipt.worker or str(receipt.pid) for receipt in receipts}
    done = [receipt for receipt in receipts if receipt.done]
    molecules: dict[str, int] = {}
    busy = 0.0
    for receipt in done:
        if receipt.kind in MEASURED:
            molecules[receipt.kind] = molecules.get(receipt.kind, 0) + receipt.rows_in
        busy += max(0.0, min(receipt.finished, until) - max(began(receipt), since))
    room = max(until - since, 1e-3) * max(len(workers), 1)
    return NodeRates(
        host=host,
        workers=len(workers),
        devices=tuple(sorted({device for receipt in done if (device := _device(receipt))})),
        tasks=len(done),
        failed=len(receipts) - len(done),
        molecules=molecules,
        seconds=sum(float(receipt.seconds.get("total", 0.0)) for receipt in done),
        last=max(receipt.finished for receipt in receipts),
        busy=min(1.0, busy / room),
    )


def _device(receipt: Receipt) -> str:
    return str(receipt.device.get("name") or "")
