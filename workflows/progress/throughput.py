"""Throughput of a campaign's screens, from their receipts.

Three rates are always told apart, each per device-second (a GPU-second where there was a GPU, else a
core-second): the model alone; model and features; and end to end, with everything a task does from
checking its inputs to recording its outputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...data.errors import CampaignError
from ...data.receipts import Receipt
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.damage import damage_words, find_damage, reads_campaigns

STAGES = {
    "read": ("screen_read",),
    "encode": ("screen_encode",),
    "model": ("screen_model",),
    "write": ("screen_write",),
    "check and record files": ("check_inputs", "record_outputs"),
    "load the model": ("load",),
}
"""What bounds a screen, and the receipts' stages it is made of."""


@dataclass(frozen=True)
class Throughput:
    """Rates of a group of screening tasks.

    Attributes
    ----------
    name : str
        What the group is: a round, a worker, or ``all``.
    tasks, molecules, predictions : int
    device : str
        Name and kind of the device, or ``several``.
    device_seconds : float
        Busy: the sum over tasks of their seconds times the devices (threads of a CPU) they used.
    wall_seconds : float
        From the start of the first task to the end of the last.
    model_rate, features_rate, end_to_end_rate : float
        Molecules per device-second: model only; model and features; end to end.
    wall_rate : float
        Molecules per second of wall clock, over all devices, idle time included.
    busy_rate, held_rate : float
        Molecules per device-second busy (a kernel or thread was scoring) and held (the task had the device, from
        its first byte to its last). NaN where the receipts do not say.
    cpu_rate : float
        Molecules per second of processor time, decoding and writing included.
    devices : tuple of str
        UUIDs or names of the devices, sorted.
    bytes_read, bytes_written, bytes_moved : int
        Of files; moved: between machine and device.
    peak_bytes : int
        Memory of the largest process that screened.
    joules : float or None
        Energy of the devices while they screened; None if any did not tell.
    notes : tuple of str
        What the engine had to say: a halved batch, for instance.
    shares : dict of str to float
        Share of the tasks' time in each step: ``read``, ``encode``, ``model``, ``write``, ``check and record files``,
        ``load the model``, ``other``.

    Examples
    --------
    >>> rates = docksieve.throughput("campaign")[-1]
    >>> rates.name, rates.molecules, rates.predictions
    ('all', 384, 768)
    """

    name: str
    tasks: int
    molecules: int
    predictions: int
    device: str
    device_seconds: float
    wall_seconds: float
    model_rate: float
    features_rate: float
    end_to_end_rate: float
    wall_rate: float
    shares: dict[str, float]
    busy_rate: float = float("nan")
    held_rate: float = float("nan")
    cpu_rate: float = float("nan")
    devices: tuple[str, ...] = ()
    bytes_read: int = 0
    bytes_written: int = 0
    bytes_moved: int = 0
    peak_bytes: int = 0
    joules: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def bound(self) -> str:
        """The stage that took the largest share of the tasks' time."""
        return max(self.shares, key=lambda stage: self.shares[stage])


@reads_campaigns
def throughput(campaign: str | Path | Campaign) -> list[Throughput]:
    """Return the rates of each round, each worker and all of a campaign's screens.

    Parameters
    ----------
    campaign : path or Campaign

    Returns
    -------
    list of Throughput
        One per round, one per worker, and last that of all.

    Raises
    ------
    CampaignError
        If nothing was screened yet.

    Examples
    --------
    >>> [rates.name for rates in docksieve.throughput("campaign")][:2]
    ['round-01', 'round-02']
    """
    opened = campaign if isinstance(campaign, Campaign) else open_campaign(campaign)
    ledger = opened.ledger
    rounds = {
        stage.partition("/")[0]: [receipt for receipt in ledger.receipts(stage) if receipt.done]
        for stage in opened.stages()
        if stage.endswith("/screen")
    }
    everything = [receipt for receipts in rounds.values() for receipt in receipts]
    if not everything:
        raise CampaignError(f"No shard of {opened.root} has been screened yet.", "See `docksieve status`.")
    groups = [summarise(name, receipts) for name, receipts in rounds.items() if receipts]
    workers: dict[str, list[Receipt]] = {}
    for receipt in everything:
        workers.setdefault(f"{receipt.host} worker {receipt.worker or receipt.pid}", []).append(receipt)
    groups += [summarise(name, receipts) for name, receipts in sorted(workers.items())]
    together = summarise("all", everything)
    damage = damage_words(find_damage(opened))
    return [*groups, replace(together, notes=(*together.notes, *(f"Damaged: {line}" for line in damage)))]


def summarise(name: str, receipts: Iterable[Receipt]) -> Throughput:
    """Return the rates of ``receipts``, which must be of finished screening tasks."""
    receipts = list(receipts)
    # What a campaign leaves out is read, but not scored: it is no molecule screened.
    molecules = sum(receipt.counts["molecules"] - receipt.counts.get("left_out", 0) for receipt in receipts)
    seconds: dict[str, float] = {}
    for receipt in receipts:
        devices = _devices(receipt)
        for stage, value in receipt.seconds.items():
            seconds[stage] = seconds.get(stage, 0.0) + value * devices
    total = seconds["total"]
    shares = {label: sum(seconds.get(s, 0.0) for s in stages) / total for label, stages in STAGES.items()}
    shares["other"] = max(0.0, 1.0 - sum(shares.values()))
    first = min(float(receipt.facts["started"]) for receipt in receipts)
    wall = max(receipt.finished for receipt in receipts) - first
    names = {_device_name(receipt) for receipt in receipts}
    return Throughput(
        name=name,
        tasks=len(receipts),
        molecules=molecules,
        predictions=sum(receipt.counts["predictions"] for receipt in receipts),
        device=names.pop() if len(names) == 1 else "several",
        device_seconds=total,
        wall_seconds=wall,
        # On a device one program makes features and scores: the model alone has no time of its own.
        model_rate=_rate(
            molecules, seconds.get("screen_model", 0.0) if seconds.get("screen_encode") else 0.0
        ),
        features_rate=_rate(molecules, seconds.get("screen_model", 0.0) + seconds.get("screen_encode", 0.0)),
        end_to_end_rate=_rate(molecules, total),
        wall_rate=_rate(molecules, wall),
        shares=shares,
        **_accounts(receipts, molecules),
    )


def _accounts(receipts: list[Receipt], molecules: int) -> dict[str, Any]:
    """Return what the engine counted: uses of devices, bytes, memory, energy."""
    accounts = [receipt.facts.get("screen", {}) for receipt in receipts]
    used = [item.get("used", {}) for item in accounts]

    def total(key: str) -> float:
        """Return the sum over all tasks; NaN if one of them does not say."""
        return sum(float("nan") if item.get(key) is None else float(item[key]) for item in used)

    shared = any(_overlap(group) for group in _by_device(receipts).values())
    joules = float("nan") if shared else total("energy_joules")  # each tells that of the whole device
    return {
        "busy_rate": _rate(molecules, total("busy_seconds")),
        "held_rate": _rate(molecules, total("held_seconds")),
        "cpu_rate": _rate(molecules, total("cpu_seconds")),
        "devices": tuple(
            sorted({str(receipt.device.get("uuid") or _device_name(receipt)) for receipt in receipts})
        ),
        "bytes_read": sum(receipt.counts.get("bytes_read", 0) for receipt in receipts),
        "bytes_written": sum(receipt.counts.get("bytes_written", 0) for receipt in receipts),
        "bytes_moved": sum(receipt.counts.get("bytes_moved", 0) for receipt in receipts),
        "peak_bytes": int(max((item.get("host_peak_bytes") or 0 for item in used), default=0)),
        "joules": None if joules != joules else joules,
        "notes": tuple(sorted({str(note) for item in accounts for note in item.get("notes", ())})),
    }


def _by_device(receipts: list[Receipt]) -> dict[str, list[Receipt]]:
    """Return the tasks of each device that is not a CPU."""
    found: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        if receipt.device.get("kind", "cpu") != "cpu":
            found.setdefault(str(receipt.device.get("uuid")), []).append(receipt)
    return found


def _overlap(receipts: list[Receipt]) -> bool:
    """Tell whether two tasks ran at the same time."""
    spans = sorted((float(receipt.facts["started"]), receipt.finished) for receipt in receipts)
    return any(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans))


def _devices(receipt: Receipt) -> int:
    """Devices a task kept busy: the threads it computed with on a CPU, one otherwise."""
    return int(receipt.device.get("threads", 1)) if receipt.device.get("kind") == "cpu" else 1


def _device_name(receipt: Receipt) -> str:
    kind, name = receipt.device.get("kind", "cpu"), receipt.device.get("name", "")
    return f"{name} ({kind})" if name else str(kind)


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else float("nan")


def used_words(everything: Throughput) -> Iterator[str]:
    """Yield what screening used in all."""
    devices = ", ".join(everything.devices[:4]) + (" ..." if len(everything.devices) > 4 else "")
    energy = f"; {everything.joules / 1000:,.3g} kJ" if everything.joules is not None else ""
    read, written, moved, peak = (
        f"{count / 1e6:,.0f} MB"
        for count in (
            everything.bytes_read, everything.bytes_written, everything.bytes_moved, everything.peak_bytes
        )
    )  # fmt: skip
    carried = f", moved {moved} to devices" if everything.bytes_moved else ""
    yield f"Devices: {devices}. Read {read}, wrote {written}{carried}{energy}; largest process {peak}."
    if everything.cpu_rate == everything.cpu_rate:
        yield f"{everything.cpu_rate:,.0f} molecules per second of processor time, decoding and writing included."
    yield from everything.notes
