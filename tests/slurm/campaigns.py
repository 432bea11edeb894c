"""Campaigns that run as users run them, in processes of their own, and what is seen of them from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow as pa
from docksieve.data.store import read_table

PATIENCE = 300
COMMAND = [sys.executable, "-m", "docksieve"]


class Run:
    """A campaign in a folder of its own.

    Parameters
    ----------
    folder : Path
    text : str
        Of its TOML file.
    """

    def __init__(self, folder: Path, text: str) -> None:
        self.file = folder / "campaign.toml"
        self.root = folder / "small"
        self._log = folder / "log"
        self.file.write_text(text)
        self.process: subprocess.Popen[bytes] | None = None

    def submit(self, site: str | Path, *options: str) -> None:
        """Start the driver: here, or with ``--detach`` or ``--as-job`` apart, and then follow it."""
        words = ["submit", str(self.file), "--site", str(site), *options]
        if options:
            before = self.driver()
            subprocess.run([*COMMAND, *words], check=True, capture_output=True, timeout=PATIENCE)
            self.process = None
            self.until(lambda: self.driver() not in (0, before), "the driver, apart")
            words = ["attach", str(self.root)]
        with self._log.open("ab") as log:  # a file: Parsl's processes would hold a pipe open
            self.process = subprocess.Popen(
                [*COMMAND, *words], stdout=log, stderr=log, start_new_session=True
            )

    def finish(self) -> pa.Table:
        """Wait for the end and return the hits."""
        assert self.process is not None
        try:
            assert self.process.wait(PATIENCE) == 0, self.log()
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not finished after {PATIENCE} s\n{self.log()}") from None
        return self.hits()

    def hits(self) -> pa.Table:
        """Return the hits of the finished campaign."""
        return read_table(self.root / "hits" / "hits.parquet")

    def log(self) -> str:
        """Return what the driver said."""
        return self._log.read_text()

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until ``condition`` holds while the driver runs."""
        end = time.monotonic() + PATIENCE
        while not condition():
            ended = self.process is not None and self.process.poll() is not None
            assert not ended, f"the driver ended before: {what}\n{self.log()}"
            assert time.monotonic() < end, f"it never happened: {what}\n{self.log()}"
            time.sleep(0.05)

    def driver(self) -> int:
        """Return the process number of the last driver; 0 if there is none."""
        try:
            return int(json.loads((self.root / "driver.json").read_text())["pid"])
        except (OSError, ValueError):
            return 0

    def running(self) -> list[str]:
        """Return the names of the tasks in flight."""
        try:
            return list(json.loads((self.root / "driver.json").read_text())["running"])
        except (OSError, ValueError):
            return []

    def receipts(self, stage: str = "") -> list[dict[str, object]]:
        """Return the receipts of a stage (``round-00/dock``), or of all."""
        return [
            json.loads(path.read_text()) for path in sorted((self.root / "receipts" / stage).rglob("*.json"))
        ]

    def nodes(self, pool: str) -> list[dict[str, object]]:
        """Return what the nodes of a pool reported."""
        return [
            json.loads(path.read_text()) for path in sorted((self.root / "nodes").glob(f"*-{pool}-*.json"))
        ]

    def kill_driver(self) -> None:
        """Kill the driver as a machine that loses power would."""
        process = psutil.Process(self.driver())
        assert "submit" in " ".join(process.cmdline())
        process.kill()

    def end(self) -> None:
        """End the driver if it still runs, and let it give back its blocks."""
        if (self.root / "driver.json").exists():
            subprocess.run([*COMMAND, "cancel", str(self.root)], capture_output=True, timeout=PATIENCE)
        if self.process is not None:
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
