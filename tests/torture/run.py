"""Torture: random faults for a stated time, each case with a seed that replays it.

``make torture SECONDS=600`` runs all parts in turn; ``make torture SEED=...`` runs one case again. A case that
fails is made smaller before it is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import part_disk
import part_input
import part_kill
import part_read
import part_submit
from ground import Ground, make_ground

PARTS = {
    "read": part_read,
    "submit": part_submit,
    "disk": part_disk,
    "kill": part_kill,
    "input": part_input,
}
SHARES = ("read", "read", "read", "submit", "disk", "kill", "input", "input", "input")
"""Parts in turn."""
SHRINK_TRIES = 12


def version() -> str:
    """Return the version of docksieve, which a seed carries."""
    from docksieve.data.version import __version__

    return __version__


def read_seed(text: str) -> tuple[str, int]:
    """Return part and number of a seed such as ``0.9.0:read:123``.

    Raises
    ------
    SystemExit
        If it is none, or belongs to another version.
    """
    written, _, rest = text.partition(":")
    part, _, number = rest.partition(":")
    if part not in PARTS or not number.isdigit():
        raise SystemExit(
            f"{text!r} is no seed: seeds look like {version()}:read:123, part one of {', '.join(PARTS)}."
        )
    if written != version():
        raise SystemExit(
            f"The seed {text} is of version {written}; this is {version()}, where it draws another case. Check out "
            f"version {written} to replay it."
        )
    return part, int(number)


def one(part: str, number: int, ground: Ground, place: Path) -> tuple[dict[str, Any], list[str], int]:
    """Draw the case of a seed and run it; return it, its faults, and how many commands, kills or inputs it had."""
    case = PARTS[part].draw(random.Random(f"{part}:{number}"), ground)
    try:
        faults, counted = PARTS[part].judge(case, ground, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return case, faults, counted


def shrunk(part: str, case: dict[str, Any], ground: Ground, place: Path) -> tuple[dict[str, Any], list[str]]:
    """Return a smaller case that still fails, by leaving out parts of its lists one by one, and its faults."""
    faults, tries = [], 0
    if part == "input" and case["kind"] == "molecules" and case["take"] is None:
        case = {**case, "take": list(range(part_input.LINES))}
    for key, step in (("damages", 1), ("kills", 1), ("commands", 1), ("take", 2)):
        size = max(1, len(case[key]) // 2) if step == 2 and case.get(key) else 1
        at = 0
        while isinstance(case.get(key), list) and at < len(case[key]) > 1 and tries < SHRINK_TRIES * step:
            smaller = {**case, key: case[key][:at] + case[key][at + size :]}
            if not smaller[key]:
                break
            tries += 1
            found, _ = PARTS[part].judge(smaller, ground, place)
            if found:
                case, faults = smaller, found
            else:
                at += size
            if at >= len(case[key]) and size > 1:
                at, size = 0, size // 2
    shutil.rmtree(place, ignore_errors=True)
    return case, faults


def machine() -> dict[str, Any]:
    """Return what the machine is, without its name."""
    names = ("docksieve", "rdkit", "pyarrow", "duckdb", "torch", "parsl")
    from importlib.metadata import version as installed

    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: installed(name) for name in names},
    }


def main() -> None:
    """Run for a time, or one seed again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", default="", help="replay one case, such as 0.9.0:read:123")
    parser.add_argument(
        "--first", type=int, default=None, help="number of the first seed; by default of the clock"
    )
    parser.add_argument("--parts", default=",".join(SHARES), help="parts in turn, with commas")
    parser.add_argument("--out", type=Path, default=None, help="JSON file for the counts")
    asked = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="docksieve-torture-"))
    try:
        ground = make_ground(work / "ground")
        if asked.seed:
            part, number = read_seed(asked.seed)
            case, faults, _ = one(part, number, ground, work / "case")
            print(json.dumps(case, indent=1))
            print("\n".join(faults) or "no fault")
            sys.exit(bool(faults))
        sys.exit(many(asked, ground, work))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def many(asked: argparse.Namespace, ground: Ground, work: Path) -> int:
    """Run cases until the time is over; return 1 if any failed."""
    shares = asked.parts.split(",")
    first = asked.first if asked.first is not None else int(time.time())
    started, number = time.time(), first
    cases: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    failed: list[dict[str, Any]] = []
    print(f"docksieve {version()}, seeds from {first}, {asked.seconds:g} s")
    while time.time() - started < asked.seconds:
        part = shares[(number - first) % len(shares)]
        seed = f"{version()}:{part}:{number}"
        case, faults, count = one(part, number, ground, work / "case")
        cases[part] += 1
        counted[part] += count
        if part == "input":
            kinds[case["kind"]] += count
        if faults:
            smaller, again = shrunk(part, case, ground, work / "case")
            failed.append({"seed": seed, "faults": faults, "shrunk": smaller, "shrunk_faults": again})
            print(
                f"FAULT {seed}\n  " + "\n  ".join(again or faults),
                f"\n  {json.dumps(smaller)[:1500]}",
                flush=True,
            )
        number += 1
    words = {
        "read": "commands",
        "submit": "submissions",
        "disk": "submissions",
        "kill": "processes killed",
        "input": "inputs",
    }
    told = {part: {"cases": cases[part], words[part]: counted[part]} for part in PARTS if cases[part]}
    result = {
        "date": time.strftime("%Y-%m-%d", time.gmtime(started)),
        "seconds": round(time.time() - started),
        "seeds": [first, number - 1],
        "parts_in_turn": shares,
        "version": version(),
        "machine": machine(),
        "parts": told,
        "inputs_by_kind": dict(kinds),
        "faults": [{"seed": item["seed"], "faults": item["faults"]} for item in failed],
    }
    print(json.dumps(result, indent=1))
    if asked.out is not None:
        asked.out.write_text(json.dumps(result, indent=1) + "\n")
    return int(bool(failed))


if __name__ == "__main__":
    main()
