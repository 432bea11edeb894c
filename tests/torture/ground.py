"""What all parts of the torture stand on: a small campaign, its copies, damages, and commands run in this process."""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # the examples' campaign lies beside this folder

LIMIT_SECONDS = 180
"""A command that takes longer hangs."""
NOT_FORESEEN = "This error was not foreseen"
TIMES = ("seconds", "started", "versions")

DAMAGED = (
    "receipts", "plan", "scores", "selections", "refined", "shortlists", "models", "predictions", "histograms",
    "leaders", "leaderboards", "labels", "heldout", "hits", "poses", "targets",
)  # fmt: skip
WAYS = ("flip", "cut", "zero", "delete", "junk")


class Hang(Exception):
    """A command took longer than :data:`LIMIT_SECONDS`."""


@dataclass(frozen=True)
class Ground:
    """The undisturbed campaign: its folder's parent, and the rows of its hits."""

    folder: Path
    hits: list[dict[str, Any]]

    def copy(self, place: Path) -> Path:
        """Return a copy of everything, library included; the campaign in it is ``campaign``."""
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.folder, place)
        return place


def make_ground(folder: Path) -> Ground:
    """Build the library and run the campaign of the examples once, without disturbance."""
    import example_campaign

    folder.mkdir(parents=True)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        example_campaign.make(folder)
    return Ground(folder, final_hits(folder / "campaign"))


def final_hits(campaign: Path) -> list[dict[str, Any]]:
    """Return the rows of ``hits/hits.parquet`` but for what says when and how fast."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(campaign / "hits" / "hits.parquet") as file:
        rows = file.read().to_pylist()
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


def draw_damage(rng: random.Random, campaign: Path) -> dict[str, Any]:
    """Return a damage: a file, what befalls it, and where."""
    folders = [name for name in DAMAGED if (campaign / name).is_dir()]
    if rng.random() < 0.05:
        path = campaign / "campaign.json"
    else:
        known = sorted(item for item in (campaign / rng.choice(folders)).rglob("*") if item.is_file())
        path = rng.choice(known or [campaign / "campaign.json"])
    name = path.relative_to(campaign).as_posix()
    return {"file": name, "way": rng.choice(WAYS), "at": rng.random(), "length": rng.choice((1, 1, 16, 4096))}


def inflict(campaign: Path, damage: Mapping[str, Any]) -> bool:
    """Damage one file as ``damage`` says; return whether it is another than before."""
    path = campaign / damage["file"]
    if not path.is_file():
        return False
    before = path.read_bytes()
    at = int(damage["at"] * len(before))
    end = min(len(before), at + damage["length"])
    after: bytes | None = before
    if damage["way"] == "delete":
        after = None
    elif damage["way"] == "cut":
        after = before[:at]
    elif damage["way"] == "zero":
        after = before[:at] + bytes(end - at) + before[end:]
    elif damage["way"] == "junk":
        after = before[:at] + bytes((value * 7 + 13) % 256 for value in before[at:end]) + before[end:]
    elif before:
        after = before[:at] + bytes([before[at] ^ (1 << (damage["length"] % 8))]) + before[at + 1 :]
    if after is None:
        path.unlink()
    else:
        path.write_bytes(after)
    return after != before


def run(*words: str) -> tuple[int, str, str]:
    """Run a command of docksieve in this process; return exit code, output and errors."""
    from docksieve.workflows.cli.main import main

    out, errors = io.StringIO(), io.StringIO()
    kept, sys.argv = sys.argv, ["docksieve", *words]
    code = 0
    try:
        with limited(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        code = 1
        errors.write(f"{NOT_FORESEEN}: {''.join(traceback.format_exception(error))}")
    finally:
        sys.argv = kept
    return code, out.getvalue(), errors.getvalue()


@contextlib.contextmanager
def limited(seconds: int = LIMIT_SECONDS) -> Iterator[None]:
    """Raise :class:`Hang` in what takes longer."""

    def stop(*_: object) -> None:
        raise Hang(f"it took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def traced(code: int, out: str, errors: str) -> str:
    """Return the last lines of a traceback in what a command printed; empty if there is none."""
    text = out + errors
    if code in (0, 1, 2) and NOT_FORESEEN not in text and "Traceback (most recent call last)" not in text:
        return "" if code != 1 or errors.strip() or out.strip() else "exit code 1 without a word"
    return " | ".join(line.strip() for line in text.strip().splitlines()[-12:])[-900:]


def left_behind(folder: Path) -> list[str]:
    """Return the temporary files under ``folder``."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob(".tmp-*"))


def resubmit(place: Path, ground: Ground, wanted: Sequence[str] = ()) -> list[str]:
    """Submit again and return what is wrong: a traceback, other hits, things left behind; a clear refusal is right."""
    code, out, errors = run("submit", str(place / "campaign.toml"), "--site", "inline")
    if trace := traced(code, out, errors):
        return [f"submit again: {trace}"]
    if code:
        named = not wanted or any(name in out + errors for name in wanted)
        return [] if named else [f"submit again was refused without naming {wanted}: {errors.strip()[-300:]}"]
    faults = []
    if final_hits(place / "campaign") != ground.hits:
        faults.append("submit again: other hits")
    if left := left_behind(place):
        faults.append(f"left behind: {', '.join(left[:5])}")
    return faults
