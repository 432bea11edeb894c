"""What the dashboard says of a campaign's progress, as JSON values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ...data.receipts import Receipt, plain_json
from ...screening.docking.failures import meaning_of
from ..campaign.driver import read_driver
from ..hits.ask import failures
from ..progress.rates import MEASURED, began, rates_by_node, rates_over_time
from ..progress.stage import StageStatus
from .watch import Moment

RECENT_SECONDS = 600.0
"""Present rates are those of the last so many seconds."""
BINS = 120
"""Steps of the rates over time."""
SHOWN = 50
"""Running tasks, failed tasks and nodes that are listed one by one; all are counted."""
EXAMPLES = 3
"""Molecules named for each way in which dockings failed."""

_FAILURES_READ = 2000


def progress(moment: Moment) -> dict[str, Any]:
    """Return where the campaign stands: stages, rates, nodes, queue and failed tasks."""
    campaign, found = moment.campaign, moment.status
    receipts = moment.receipts
    first = min(map(began, receipts), default=None)
    last = max((receipt.finished for receipt in receipts), default=None)
    until = moment.taken if found.state in ("running", "cancelling") else (last or moment.taken)
    since = max(first if first is not None else until, until - RECENT_SECONDS)
    nodes = rates_by_node(receipts, since, until)
    value = {
        "campaign": {
            "name": campaign.config.campaign.name,
            "folder": str(campaign.root),
            "begun": float(campaign.state["created"]),
            "molecules": int(campaign.state["library"]["rows"]),
            "docksieve": campaign.state["docksieve"],
            "targets": [_target(name, spec) for name, spec in campaign.targets.items()],
        },
        "state": found.state,
        "damage": list(found.damage),
        "driver": found.driver,
        "secondsLeft": found.seconds_left if found.state == "running" else None,
        "first": first,
        "last": last,
        "now": moment.taken,
        "version": moment.version,
        "stages": [_stage(stage) for stage in found.stages],
        "waiting": list(found.waiting),
        "rates": _rates(receipts, first, since, until),
        "nodes": {
            "count": len(nodes),
            "listed": [vars(node) for node in sorted(nodes, key=lambda node: -node.last)[:SHOWN]],
        },
        "queue": _queue(moment),
        "failedTasks": _failed_tasks(receipts),
        "failedDockings": _codes(moment),
        "dockings": list(found.dockings),
    }
    return dict(plain_json(value))


def _target(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "unit": spec["unit"],
        "lowerIsBetter": bool(spec["lower_is_better"]),
        "engine": f"{spec['engine']} {spec['engine_version']}",
    }


def _stage(stage: StageStatus) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "total": stage.total,
        "done": stage.done,
        "running": stage.running,
        "failed": stage.failed,
        "left": stage.left,
        "molecules": stage.rows,
        "moleculesInAll": stage.molecules or None,
        "moleculesUnderWay": stage.under_way,
        "seconds": stage.seconds,
        "rate": stage.rate if stage.rate == stage.rate else None,
    }


def _rates(receipts: tuple[Receipt, ...], first: float | None, since: float, until: float) -> dict[str, Any]:
    """Return present rates and rates over time, in molecules per second."""
    if first is None:
        return {"present": {}, "window": 0.0, "series": {}, "start": None, "end": None}
    recent = rates_over_time(receipts, since, until, 1)
    whole = rates_over_time(receipts, first, until, BINS)
    return {
        "present": {kind: float(values[0]) for kind, values in recent.by_kind.items()},
        "words": MEASURED,
        "window": until - since,
        "series": {kind: [float(f"{value:.4g}") for value in found] for kind, found in whole.by_kind.items()},
        "start": first,
        "end": until,
    }


def _queue(moment: Moment) -> dict[str, Any]:
    """Return what runs now, what waits for a worker, and what has not begun."""
    note = read_driver(moment.campaign.root) if moment.status.state in ("running", "cancelling") else None
    names = [str(name) for name in note["running"]] if note else []
    done = {receipt.task for receipt in moment.receipts if receipt.done}
    flying = [name for name in names if name not in done]
    workers = int(note["workers"]) if note else 0
    return {
        "site": str(note["site"]) if note else "",
        "workers": workers,
        "stage": str(note["stage"]) if note else "",
        "running": flying[: min(workers, SHOWN)],
        "sent": max(0, len(flying) - workers),
        "runningCount": min(len(flying), workers),
        "left": sum(stage.left for stage in moment.status.stages),
        "noted": float(note["updated"]) if note else None,
    }


def _failed_tasks(receipts: tuple[Receipt, ...]) -> dict[str, Any]:
    failed = [receipt for receipt in receipts if receipt.failure is not None]
    failed.sort(key=lambda receipt: -receipt.finished)
    return {"count": len(failed), "listed": [_failed_task(receipt) for receipt in failed[:SHOWN]]}


def _failed_task(receipt: Receipt) -> dict[str, Any]:
    assert receipt.failure is not None
    return {
        "task": receipt.task,
        "code": receipt.failure.code,
        "message": receipt.failure.message,
        "retryable": receipt.failure.retryable,
        "host": receipt.host,
        "finished": receipt.finished,
    }


def _codes(moment: Moment) -> list[dict[str, Any]]:
    """Return the dockings without a score by code, as the receipts count them."""
    counts: Counter[str] = Counter()
    for stage in moment.status.stages:
        counts.update(stage.failures)
    return [
        {"code": code, "count": count, "meaning": meaning_of(code)} for code, count in counts.most_common()
    ]


def failed_dockings(moment: Moment) -> dict[str, Any]:
    """Return some of the dockings without a score: for each code the engine's own words on a few molecules."""
    table = failures(moment.campaign, top=_FAILURES_READ, receipts=moment.campaign_receipts)
    return {"codes": list(_by_code(table.to_pylist()))}


def _by_code(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(str(row["failure"]), []).append(row)
    for code, found in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        examples = [
            {key: row[key] for key in ("id", "target", "stage", "message")} for row in found[:EXAMPLES]
        ]
        yield {"code": code, "meaning": meaning_of(code), "examples": examples}
