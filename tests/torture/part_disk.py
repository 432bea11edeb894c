"""A write, an fsync or a rename of the store fails at a random moment; then submit again."""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ground import Ground, left_behind, resubmit, run, traced

CALLS = ("fsync", "replace", "write_bytes", "write_table")
ERRORS = {"full": errno.ENOSPC, "quota": errno.EDQUOT, "input/output": errno.EIO, "read-only": errno.EROFS}


def draw(rng: random.Random, ground: Ground) -> dict[str, Any]:
    """Return a case: which call fails, the how manieth, for how many calls, and with which error."""
    return {
        "call": rng.choice(CALLS),
        "number": rng.randrange(1, 160),
        "times": rng.choice((1, 1, 3, 10_000)),
        "error": rng.choice(sorted(ERRORS)),
        "half": rng.random() < 0.5,
    }


def judge(case: dict[str, Any], ground: Ground, place: Path) -> tuple[list[str], int]:
    """Run a case; return faults and how many commands were given."""
    ground.copy(place)
    shutil.rmtree(place / "campaign")
    counted = {"calls": 0}

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            counted["calls"] += 1
            if case["number"] <= counted["calls"] < case["number"] + case["times"]:
                if case["half"] and case["call"] == "write_bytes":
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                code = ERRORS[case["error"]]
                raise OSError(code, os.strerror(code))
            return real(*arguments, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        if case["call"] == "fsync":
            patch.setattr(os, "fsync", failing(os.fsync))
        elif case["call"] == "write_table":
            import pyarrow.parquet as pq

            patch.setattr(pq, "write_table", failing(pq.write_table))
        else:
            patch.setattr(Path, case["call"], failing(getattr(Path, case["call"])))
        code, out, errors = run("submit", str(place / "campaign.toml"), "--site", "inline")
    faults = []
    if (trace := traced(code, out, errors)) and "input/output" not in case["error"]:
        faults.append(f"submit on a failing disk: {trace}")
    if (place / "campaign").exists() and (left := left_behind(place / "campaign")):
        faults.append(f"left behind by the failing run: {', '.join(left[:5])}")
    return faults + resubmit(place, ground), 2
