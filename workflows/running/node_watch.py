"""Nodes that fail whatever they are given: they get no more tasks, and the campaign goes on without them."""

from __future__ import annotations

import contextlib
import logging
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...data.errors import FormatError
from ...data.receipts import Receipt
from ...data.store import read_json
from ...hpc.nodes.banned import ban, bans
from .engine import is_retryable

MAX_FAULTS = 3
"""Faults of the place, one after the other, that a node may have before it is used no more."""

MAX_REFUSALS = 2
"""Blocks, one after the other, in which a node may start no worker because none of its devices proved itself."""

_log = logging.getLogger(__name__)


class NodeWatch:
    """Watches which nodes fail.

    Parameters
    ----------
    reports : Path
        Folder of the nodes' reports; bans are written there, and a node that is banned starts no workers.
    executors : mapping of str to parsl executor
        By pool.
    """

    def __init__(self, reports: Path, executors: Mapping[str, Any]) -> None:
        self._reports, self._executors = reports, executors
        self._faults: defaultdict[str, int] = defaultdict(int)
        self._refused: defaultdict[str, int] = defaultdict(int)
        self._read: set[str] = {path.name for path in reports.glob("*.json")}  # of earlier drivers
        self._managers: defaultdict[str, set[str]] = defaultdict(set)
        self._banned = {entry["node"] for entry in bans(reports)}
        for node in self._banned:
            self._exclude(node)

    def look(self) -> None:
        """Read what nodes have reported since, and ban those that twice started no worker."""
        for path in sorted(self._reports.glob("*.json")):
            if path.name in self._read:
                continue
            self._read.add(path.name)
            with contextlib.suppress(FormatError, KeyError):
                report = read_json(path)
                node, why = str(report["node"]), str(report["refused"])
                self._refused[node] = self._refused[node] + 1 if why else 0
                if self._refused[node] >= MAX_REFUSALS and node not in self._banned:
                    self._ban(node, f"it started no workers {MAX_REFUSALS} times: {why}")

    def saw(self, receipt: Receipt, error: BaseException | None, node_lost: bool = False) -> None:
        """Take note of an ended task.

        Parameters
        ----------
        receipt : Receipt
        error : exception or None
            What befell its worker.
        node_lost : bool
            Whether it was its whole node that was lost. That counts for nothing: it ends by itself.
        """
        node = receipt.host if error is None else str(getattr(error, "hostname", ""))
        if not node or node_lost:
            return
        if manager := receipt.facts.get("manager"):
            self._managers[node].add(str(manager))
        if not (error is not None or is_retryable(receipt)):
            self._faults[node] = 0
            return
        self._faults[node] += 1
        if self._faults[node] >= MAX_FAULTS and node not in self._banned:
            what = receipt.failure.message if receipt.failure else "its workers die"
            self._ban(node, f"{MAX_FAULTS} tasks in a row failed there, the last with: {what}")

    def _ban(self, node: str, why: str) -> None:
        self._banned.add(node)
        ban(self._reports, node, why)
        _log.warning("node %s is not used any more: %s", node, why)
        self._exclude(node)
        for executor in self._executors.values():
            with contextlib.suppress(Exception):  # an interchange that does not answer is noticed elsewhere
                executor.hold(node, self._managers[node])

    def _exclude(self, node: str) -> None:
        """Ask for no block on ``node`` any more, where the scheduler can be told."""
        for executor in self._executors.values():
            exclude = getattr(executor.provider, "exclude", None)
            if exclude is not None:
                exclude(node)
