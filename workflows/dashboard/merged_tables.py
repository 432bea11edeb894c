"""Many small tables as few: a campaign docks in batches of some ligands, each with its files.

Opening a file costs a query more than reading twenty rows from it. Tables that are finished are therefore copied
together into files in a folder of our own, each once; a question reads those, and the few that are not copied yet.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ...data.store import FileRecord, write_table
from ...screening.queries.conditions import files
from ..campaign.campaign import Campaign
from ..progress.receipts import CampaignReceipts

BUNDLE = 100
"""Tables that are copied together."""
KINDS = ("scores", "selections")


@dataclass
class _Group:
    """The tables of one stage and target: those bundled, by path and checksum, and the bundles."""

    bundled: set[tuple[str, str]] = field(default_factory=set)
    bundles: list[FileRecord] = field(default_factory=list)


class Bundles:
    """Copies of the small tables of one campaign, in a folder that goes with this object.

    Parameters
    ----------
    root : Path
        The campaign folder; it is only read.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = tempfile.TemporaryDirectory(prefix="docksieve-dashboard-", ignore_cleanup_errors=True)
        self._groups: dict[str, _Group] = {}
        self._lock = threading.Lock()
        self._made = 0

    def close(self) -> None:
        """Remove the copies."""
        self._folder.cleanup()

    def instead_of(self, name: str, records: Sequence[FileRecord]) -> list[FileRecord]:
        """Return files with the same rows as ``records``, fewer of them.

        Parameters
        ----------
        name : str
            Of the stage and target that they belong to.
        records : sequence of FileRecord
            All that count now. A table that was made anew has another checksum, and is read anew.
        """
        with self._lock:
            group = self._groups.setdefault(name, _Group())
            marks = [(record.path, record.sha256) for record in records]
            if not group.bundled <= set(marks):
                group = self._groups[name] = _Group()  # something was docked again
            loose = [r for r, mark in zip(records, marks, strict=True) if mark not in group.bundled]
            while len(loose) >= BUNDLE:
                part, rest = loose[:BUNDLE], loose[BUNDLE:]
                if not self._add(group, part):
                    break
                loose = rest
            return [*group.bundles, *loose]

    def _add(self, group: _Group, records: Sequence[FileRecord]) -> bool:
        """Copy some tables together; False if one cannot be read: the question will say so in its own words."""
        try:
            with duckdb.connect() as connection:  # half the time of reading them one by one
                chosen = files([self._root / record.path for record in records])
                table = connection.sql(f"SELECT * FROM {chosen}").to_arrow_table()
        except duckdb.Error:
            return False
        if table.num_rows != sum(record.rows or 0 for record in records):
            return False
        path = Path(self._folder.name) / f"{self._made:06d}.parquet"
        self._made += 1
        write_table(path, table)
        group.bundles.append(FileRecord(str(path), path.stat().st_size, path.name, table.num_rows))
        group.bundled |= {(record.path, record.sha256) for record in records}
        return True


class BundledReceipts(CampaignReceipts):
    """A campaign's receipts, whose docked and selected tables are bundles where there are many."""

    def __init__(self, campaign: Campaign, bundles: Bundles) -> None:
        super().__init__(campaign)
        self._bundles = bundles

    def outputs(self, stage: str, folder: str = "") -> list[FileRecord]:
        """Return the output files of the finished tasks of ``stage`` under ``folder``; bundles have full paths."""
        records = super().outputs(stage, folder)
        kind, *rest = folder.split("/")
        if kind in KINDS and len(rest) == 3 and len(records) >= BUNDLE:  # KIND/GROUP/TARGET/
            return self._bundles.instead_of(f"{stage} {folder}", records)
        return records
