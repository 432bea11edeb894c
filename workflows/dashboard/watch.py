"""A campaign watched from outside: plans and receipts are read once, and again only when they change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ...data.errors import CampaignError, DocksieveError, FormatError
from ...data.receipts import Receipt, receipt_path
from ..campaign.campaign import Campaign, open_campaign
from ..campaign.ledger import Ledger, read_own_receipt
from ..progress.receipts import CampaignReceipts
from ..progress.status import CampaignStatus, status
from .merged_tables import BundledReceipts, Bundles

FRESH_SECONDS = 1.0
"""However many ask, the folder is looked at no more often than this."""

_T = TypeVar("_T")


class WatchedLedger(Ledger):
    """A ledger that remembers what it has read, by size and time of the file.

    Attributes
    ----------
    version : int
        Grows whenever a plan or a receipt came, changed or went.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.version = 0
        self._paths: dict[str, Path] = {}
        self._kept: dict[Path, tuple[tuple[int, int, int], Any]] = {}

    def planned(self, stage: str) -> list[str]:
        """Return the task names of ``stage``; empty if it was never planned."""
        plan = self.plan_in(self._plan_path(stage))
        return list(plan["tasks"]) if plan else []

    def plan_in(self, path: Path) -> dict[str, Any] | None:
        """Return the plan in a file, read when it changes; None where there is none, or it is damaged."""
        return self._read(path, lambda: super(WatchedLedger, self).plan_in(path))

    def receipts(self, stage: str) -> Iterator[Receipt]:
        """Yield the receipts there are for the tasks of ``stage``, in plan order."""
        for name in self.planned(stage):
            path = self._paths.get(name)
            if path is None:
                path = self._paths[name] = receipt_path(self.root, name)
            receipt = self._read(path, lambda name=name: read_own_receipt(self.root, name))  # type: ignore[misc]
            if receipt is not None:
                yield receipt

    def _read(self, path: Path, read: Callable[[], _T]) -> _T | None:
        """Return what ``read`` makes of a file, from memory if the file is the same as before."""
        try:
            found = path.stat()
        except OSError:
            if self._kept.pop(path, None) is not None:
                self.version += 1
            return None
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        kept = self._kept.get(path)
        if kept is None or kept[0] != mark:
            try:
                value = read()
            except FormatError:
                return None  # gone or replaced in this instant: next time
            self._kept[path] = kept = (mark, value)
            self.version += 1
        return kept[1]


@dataclass(frozen=True)
class WatchedCampaign(Campaign):
    """A campaign whose ledger remembers."""

    watched: WatchedLedger

    @property
    def ledger(self) -> Ledger:
        """Plans and receipts, read when they change."""
        return self.watched


@dataclass(frozen=True)
class Moment:
    """A campaign as it was at one moment.

    Attributes
    ----------
    campaign : Campaign
    campaign_receipts : CampaignReceipts
        With the receipts of every stage read.
    status : CampaignStatus
    receipts : tuple of Receipt
        All that count.
    version : int
        The same for two moments between which nothing was finished.
    taken : float
        Seconds since 1970.
    """

    campaign: Campaign
    campaign_receipts: CampaignReceipts
    status: CampaignStatus
    receipts: tuple[Receipt, ...]
    version: int
    taken: float


class Watch:
    """Looks at a campaign folder for many who ask at the same time.

    Parameters
    ----------
    campaign : path
        Its folder or its TOML file.

    Attributes
    ----------
    root : Path
        The campaign folder.

    Raises
    ------
    CampaignError
        If there is no campaign.
    """

    def __init__(self, campaign: str | Path) -> None:
        opened = open_campaign(campaign)
        self.root = opened.root.resolve()
        self._identity = opened.state["id"]
        self._ledger = WatchedLedger(self.root)
        self._bundles = Bundles(self.root)
        self._lock = threading.Lock()
        self._latest: Moment | None = None
        self._place = self._found()

    def there(self) -> None:
        """Do nothing if the campaign is where it was; this costs next to nothing, and is never a second old.

        Raises
        ------
        CampaignError
            If the folder is gone, or another campaign lies there now.
        """
        place = self._found()
        if place != self._place:
            self._check(self._opened())  # another file, of the same campaign: a restored copy is as good
            self._place = place

    def _found(self) -> tuple[int, ...] | None:
        """Return what tells one folder of this name from another; None if there is no campaign."""
        try:
            folder, state = self.root.stat(), (self.root / "campaign.json").stat()
        except OSError:
            return None
        return folder.st_dev, folder.st_ino, state.st_ino, state.st_mtime_ns

    def now(self) -> Moment:
        """Return the campaign as it is, or was less than :data:`FRESH_SECONDS` ago.

        Raises
        ------
        CampaignError
            If the folder is gone, or another campaign lies there now.
        """
        with self._lock:
            self.there()
            if self._latest is None or time.time() - self._latest.taken > FRESH_SECONDS:
                self._latest = None  # nothing stale, should the folder be gone
                self._latest = self._look()
            return self._latest

    def close(self) -> None:
        """Remove what was kept on disk; nothing of the campaign."""
        self._bundles.close()

    def _look(self) -> Moment:
        taken = time.time()
        opened = self._opened()
        self._check(opened)
        campaign = WatchedCampaign(self.root, opened.config, opened.state, self._ledger)
        counted = BundledReceipts(campaign, self._bundles)
        found = status(campaign, counted)
        receipts = tuple(receipt for stage in counted.stages for receipt in counted.of(stage))
        return Moment(campaign, counted, found, receipts, self._ledger.version, taken)

    def _opened(self) -> Campaign:
        try:
            return open_campaign(self.root)
        except (DocksieveError, OSError):
            raise CampaignError(
                f"The campaign folder {self.root} is gone, or cannot be read now.",
                "If it was moved, start the dashboard again with its new place.",
            ) from None

    def _check(self, opened: Campaign) -> None:
        if opened.state["id"] != self._identity:
            raise CampaignError(
                f"Another campaign lies in {self.root} now.", "Start the dashboard again to see it."
            )
