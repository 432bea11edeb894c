"""Where the time of a campaign went, from its receipts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...data.receipts import Receipt
from ..progress.spans import Span, busy_seconds
from .facts import Facts

KINDS = {
    "dock": "s0",
    "screen": "s1",
    "train": "s2",
    "distil": "s3",
    "label": "s4",
    "refine": "s5",
    "choosing": "s7",
}
"""Kinds of tasks and the colour of each; those in :data:`CHOOSING` are drawn as one."""

CHOOSING = frozenset({"sample", "cut", "rank", "acquire", "select", "hits"})


@dataclass(frozen=True)
class KindTime:
    """All tasks of one kind.

    Attributes
    ----------
    kind : str
    tasks, failed : int
        Finished tasks, and tasks whose latest try failed.
    seconds : float
        Sum of the tasks' wall seconds, failed ones included as far as they are known.
    molecules : int
        Rows that the finished tasks took in.
    """

    kind: str
    tasks: int
    failed: int
    seconds: float
    molecules: int


@dataclass(frozen=True)
class Times:
    """When a campaign ran, and for how long.

    Attributes
    ----------
    spans : tuple of Span
        Every finished task, in seconds since the first began; its kind is a key of :data:`KINDS`.
    started, ended : float
        Seconds since 1970: the first task's start, the last one's end.
    busy : float
        Seconds in which at least one task ran: pauses and interruptions do not count.
    kinds : tuple of KindTime
        Most seconds first.
    docking_seconds : float
        Core-seconds of docking tasks: one core each, preparation of ligands included.
    workers : int
    hosts : tuple of str
    """

    spans: tuple[Span, ...]
    started: float
    ended: float
    busy: float
    kinds: tuple[KindTime, ...]
    docking_seconds: float
    workers: int
    hosts: tuple[str, ...]

    @property
    def elapsed(self) -> float:
        """Seconds from the first task's start to the last one's end."""
        return self.ended - self.started


def worker_of(receipt: Receipt) -> str:
    """Return who ran a task: the worker's number on its host, or the process where there are no workers."""
    return f"{receipt.host} {receipt.worker or receipt.pid}"


def read_times(facts: Facts) -> Times | None:
    """Return the times of a campaign; None before its first task is finished."""
    receipts = [receipt for found in facts.receipts.values() for receipt in found]
    done = [receipt for receipt in receipts if receipt.done and "started" in receipt.facts]
    if not done:
        return None
    started = min(float(receipt.facts["started"]) for receipt in done)
    spans = tuple(
        Span(
            worker_of(r),
            _drawn_kind(r.kind),
            float(r.facts["started"]) - started,
            max(r.finished - started, 0.0),
        )
        for r in done
    )
    return Times(
        spans=spans,
        started=started,
        ended=max(receipt.finished for receipt in done),
        busy=busy_seconds(spans),
        kinds=tuple(_by_kind(receipts)),
        docking_seconds=sum(_total(r) for r in done if r.kind == "dock"),
        workers=len({span.worker for span in spans}),
        hosts=tuple(sorted({receipt.host for receipt in done})),
    )


def _drawn_kind(kind: str) -> str:
    return kind if kind in KINDS else "choosing"


def _by_kind(receipts: Iterable[Receipt]) -> list[KindTime]:
    groups: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        groups.setdefault(receipt.kind, []).append(receipt)
    kinds = [
        KindTime(
            kind=kind,
            tasks=sum(receipt.done for receipt in found),
            failed=sum(not receipt.done for receipt in found),
            seconds=sum(map(_total, found)),
            molecules=sum(receipt.rows_in for receipt in found if receipt.done),
        )
        for kind, found in groups.items()
    ]
    return sorted(kinds, key=lambda item: -item.seconds)


def _total(receipt: Receipt) -> float:
    return float(receipt.seconds.get("total", 0.0))
