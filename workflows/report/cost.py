"""What a campaign cost: time of cores and devices, energy, storage, and what docking everything would have taken."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...data.receipts import Receipt
from ...data.words import plural
from ..html.page import figure, paragraph, section, table
from ..progress.rates import MEASURED, rates_by_node, rates_over_time
from ..progress.throughput import summarise
from ..text import core_time
from .charts.learning import rate_chart
from .facts import Facts
from .timing import KINDS, Times

BINS = 240
NODES_LISTED = 40

_STEPS = {
    "dock": "docking, preparation of the ligands included",
    "train": "training teachers",
    "label": "labelling for students",
    "distil": "training students",
    "screen": "screening the library",
    "refine": "teacher's look at the shortlist",
}


def every(facts: Facts) -> list[Receipt]:
    """Return all receipts of a campaign that count, trainings outside the rounds included."""
    return [*(receipt for found in facts.receipts.values() for receipt in found), *facts.retrained]


def rates_figure(facts: Facts, times: Times | None) -> str:
    """Return molecules per second over the campaign; empty before there are any."""
    if times is None:
        return ""
    rates = rates_over_time(every(facts), times.started, times.ended, BINS)
    if not rates.by_kind:
        return ""
    svg = rate_chart(rates.by_kind, MEASURED, KINDS, times.elapsed)
    note = "All workers together; the molecules of a task are spread evenly over the time it took. Pauses count here."
    return figure(svg, "Throughput over time", note, "wide")


def nodes_table(facts: Facts) -> str:
    """Return what every machine did."""
    receipts = every(facts)
    if not receipts:
        return ""
    rows = []
    nodes = rates_by_node(receipts, 0.0, 1.0)
    for node in nodes[:NODES_LISTED]:
        counts = (f"{node.molecules.get(kind, 0):,}" for kind in ("dock", "screen", "refine"))
        rows.append(
            (node.host, ", ".join(node.devices) or "–", node.workers, f"{node.tasks:,}", f"{node.failed:,}", *counts,
             core_time(node.seconds).replace("core-", ""))
        )  # fmt: skip
    head = ("node", "devices", "workers", "tasks", "failed", "docked", "screened", "refined", "task time")
    more = (
        f"{plural(len(nodes) - NODES_LISTED, 'more node')} not listed." if len(nodes) > NODES_LISTED else ""
    )
    return table("Nodes", head, rows, left=2) + (paragraph(more, "soft") if more else "")


def cost_section(facts: Facts, times: Times | None) -> str:
    """Return what was spent on what, and what it would have taken without a surrogate."""
    if times is None:
        return section("cost", "Cost", paragraph("No task is finished yet.", "soft"))
    words = (
        "Core time is the wall time of tasks times the cores or devices that they held. Failed tasks are not in it. "
        "The last lines compare with docking every molecule of the library at the price that one docking had here."
    )
    rows = [*_spent(facts), *_totals(facts), *_avoided(facts)]
    return section(
        "cost",
        "Cost",
        paragraph(words, "soft"),
        table("What was spent", ("", "amount", "per molecule", "molecules"), rows),
    )


def _device_seconds(receipt: Receipt) -> float:
    threads = int(receipt.device.get("threads", 1)) if receipt.device.get("kind", "cpu") == "cpu" else 1
    return float(receipt.seconds.get("total", 0.0)) * threads


def _kind_of_time(receipts: list[Receipt]) -> str:
    kinds = {str(receipt.device.get("kind", "cpu")) for receipt in receipts}
    return "core" if kinds <= {"cpu"} else "device"


def _spent(facts: Facts) -> Iterator[tuple[str, str, str, str]]:
    receipts = [receipt for receipt in every(facts) if receipt.done]
    table_only = all(spec["engine"] == "table" for spec in facts.campaign.targets.values())
    for kind, words in _STEPS.items():
        found = [receipt for receipt in receipts if receipt.kind == kind]
        if found:
            name = "looking scores up in a table" if kind == "dock" and table_only else words
            yield _line(name, found)
    rest = [receipt for receipt in receipts if receipt.kind not in _STEPS]
    if rest:
        total = sum(map(_device_seconds, rest))
        yield ("choosing, ranking, listing", _time(total, "core"), "–", "–")


def _line(words: str, receipts: list[Receipt]) -> tuple[str, str, str, str]:
    total = sum(map(_device_seconds, receipts))
    molecules = sum(receipt.rows_in for receipt in receipts)
    each = _short_time(total / molecules) if molecules else "–"
    return (words, _time(total, _kind_of_time(receipts)), each, f"{molecules:,}")


def _time(seconds: float, what: str) -> str:
    return core_time(seconds).replace("core-", f"{what}-")


def _short_time(seconds: float) -> str:
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            return f"{seconds / size:,.3g} {unit}"
    return f"{seconds / 1e-9:,.3g} ns"


def _totals(facts: Facts) -> Iterator[tuple[str, str, str, str]]:
    receipts = [receipt for receipt in every(facts) if receipt.done]
    total = sum(map(_device_seconds, receipts))
    each = _short_time(total / facts.rows) if facts.rows else "–"
    yield ("all together", _time(total, _kind_of_time(receipts)), f"{each} of the library", f"{facts.rows:,}")
    screens = [receipt for receipt in receipts if receipt.kind == "screen"]
    joules = summarise("all", screens).joules if screens else None
    if joules is not None:
        yield ("energy of the screening devices", _energy(joules), "–", "–")
    size = sum(record.bytes for receipt in receipts for record in receipt.outputs)
    yield (
        "files of the campaign",
        _bytes(size),
        f"{size / max(1, facts.rows):,.0f} bytes of the library",
        "–",
    )


def _energy(joules: float) -> str:
    return f"{joules / 3.6e6:,.3g} kWh" if joules >= 3.6e5 else f"{joules / 1000:,.3g} kJ"


def _bytes(count: int) -> str:
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if count >= size:
            return f"{count / size:,.3g} {unit}"
    return f"{count / 1e3:,.3g} kB"


def _avoided(facts: Facts) -> Iterator[tuple[str, str, str, str]]:
    """Yield what docking the whole library would have taken, where something was docked."""
    receipts = [receipt for receipt in every(facts) if receipt.done]
    rounds = [r for r in receipts if r.kind == "dock" and r.task.startswith("round-")]
    ligands = sum(receipt.rows_in for receipt in rounds)
    if not ligands or all(spec["engine"] == "table" for spec in facts.campaign.targets.values()):
        return
    each = sum(map(_device_seconds, rounds)) / ligands
    targets = len(facts.campaign.targets)
    whole = each * facts.rows * targets
    spent = sum(map(_device_seconds, receipts))
    into = "" if targets == 1 else f" into {targets} targets"
    yield (
        f"docking the whole library{into}, had it been done",
        _time(whole, "core"),
        _short_time(each),
        f"{facts.rows * targets:,}",
    )
    if spent > 0 and math.isfinite(whole / spent):
        yield (
            "that is, times what was spent",
            f"{whole / spent:,.{0 if whole >= 10 * spent else 1}f} ×",
            "–",
            "–",
        )
