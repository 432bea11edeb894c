"""Nodes that a campaign no longer uses, because every task failed there."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...data.errors import FormatError
from ...data.store import read_json, write_json

BANNED = "banned"


def ban(reports: Path, node: str, why: str) -> None:
    """Write down that ``node`` is not to be used any more."""
    write_json(_path(reports, node), {"node": node, "why": why, "since": time.time()})


def banned(reports: Path, node: str) -> str:
    """Return why ``node`` is not used any more; empty if it is."""
    try:
        return str(read_json(_path(reports, node))["why"])
    except (FormatError, KeyError):
        return ""


def bans(reports: Path) -> Iterator[dict[str, Any]]:
    """Yield every node that is not used any more: ``node``, ``why``, ``since``."""
    for path in sorted((reports / BANNED).glob("*.json")):
        yield read_json(path)


def _path(reports: Path, node: str) -> Path:
    return reports / BANNED / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', node)}.json"
