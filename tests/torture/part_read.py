"""Damage, then every reading command: no traceback, and an answer that differs says that files are missing."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from ground import Ground, draw_damage, inflict, run, traced

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("hits", "{}", "--top", "0", "--format", "json"),
    ("hits", "{}", "--by", "predicted", "--top", "0", "--format", "json"),
    ("hits", "{}", "--by", "docked", "--top", "0", "--format", "json"),
    ("hits", "{}", "--by", "combined", "--top", "30", "--format", "json"),
    ("hits", "{}", "--by", "screened", "--top", "20", "--format", "json"),
    ("hits", "{}", "--failed", "--top", "0", "--format", "json"),
    ("hits", "show", "{}", "row:7", "--json"),
    ("status", "{}"),
    ("status", "{}", "--json"),
    ("report", "{}", "--out", "{}/../report.html"),
    ("compare", "{}", "--rounds", "1", "2"),
    ("throughput", "{}", "--json"),
    ("models", "list", "{}"),
    ("models", "show", "{}", "round-01/teacher"),
    ("verify", "{}"),
)
SAID = ("damaged", "Damaged", "missing", "altered", "were written")
_answers: dict[tuple[str, ...], str] = {}


def draw(rng: random.Random, ground: Ground) -> dict[str, Any]:
    """Return a case."""
    count = rng.choice((1, 1, 1, 2, 3))
    chosen = sorted(rng.sample(range(len(COMMANDS)), 5))
    return {
        "damages": [draw_damage(rng, ground.folder / "campaign") for _ in range(count)],
        "commands": chosen,
        "dashboard": rng.random() < 0.5,
    }


def _asked(place: Path, command: tuple[str, ...]) -> tuple[int, str, str]:
    return run(*(word.replace("{}", str(place / "campaign")) for word in command))


def judge(case: dict[str, Any], ground: Ground, place: Path) -> tuple[list[str], int]:
    """Run a case; return faults and how many commands were given."""
    for command in COMMANDS:
        if command[0] == "hits" and command not in _answers:
            _answers[command] = _asked(ground.copy(place), command)[1]
    ground.copy(place)
    campaign = place / "campaign"
    changed = [damage for damage in case["damages"] if inflict(campaign, damage)]
    outputs = [d for d in changed if d["file"].partition("/")[0] not in ("receipts", "plan", "campaign.json")]
    faults, commands = [], 0
    for number in case["commands"]:
        command = COMMANDS[number]
        code, out, errors = _asked(place, command)
        commands += 1
        name = " ".join(command)
        if trace := traced(code, out, errors):
            faults.append(f"{name}: {trace}")
            continue
        said = any(word in out + errors for word in SAID)
        if code == 0 and command in _answers and out != _answers[command] and not said:
            faults.append(f"{name}: another answer, without a word")
        if code == 2 and changed and not said:
            faults.append(f"{name}: refused without naming the damage: {errors.strip()[-200:]}")
        if command[0] in ("status", "verify") and outputs and not said:
            faults.append(f"{name}: does not see {outputs[0]['file']}")
    if case["dashboard"]:
        commands += 1
        faults += _dashboard(campaign)
    return faults, commands


def _dashboard(campaign: Path) -> list[str]:
    """Ask the dashboard's functions what the page asks."""
    import traceback

    from docksieve.data.errors import DocksieveError
    from docksieve.screening.queries.query import HitQuery
    from docksieve.workflows.dashboard.progress import failed_dockings, progress
    from docksieve.workflows.dashboard.search import choices, export
    from docksieve.workflows.dashboard.watch import Watch
    from docksieve.workflows.hits.card import hit_card

    try:
        watch = Watch(campaign)
    except DocksieveError:
        return []
    asked = {
        "progress": lambda: json.dumps(progress(watch.now())),
        "failures": lambda: failed_dockings(watch.now()),
        "choices": lambda: choices(watch.now()),
        "export": lambda: export(watch.now(), HitQuery(), "csv", campaign.parent / "exported.csv"),
        "card": lambda: hit_card(watch.now().campaign, "row:7", receipts=watch.now().campaign_receipts),
    }
    faults = []
    for name, ask in asked.items():
        try:
            ask()
        except DocksieveError:
            continue
        except Exception as error:
            lines = "".join(traceback.format_exception(error)).strip().splitlines()[-6:]
            faults.append(f"dashboard {name}: {' | '.join(line.strip() for line in lines)[-600:]}")
    watch.close()
    return faults
