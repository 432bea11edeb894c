"""The sections of a report about the run: time, throughput, provenance, and how to go on."""

from __future__ import annotations

import json
import platform
import shlex
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from ...data.errors import CampaignError, DocksieveError, FormatError
from ...data.spaces.space import Space
from ...data.store import read_json
from ...data.words import plural
from ..campaign.driver import read_driver
from ..campaign.imports import use_words
from ..config.campaign_file import read_config
from ..html.page import code, details, figure, pairs, paragraph, section, table, tag
from ..progress.throughput import Throughput, throughput, used_words
from ..text import duration, duration_short, percent
from .charts import scores as charts
from .charts.timeline import timeline
from .cost import nodes_table, rates_figure
from .facts import Facts, imports
from .timing import CHOOSING, KINDS, Times

PACKAGES = ("numpy", "pyarrow", "duckdb", "rdkit", "torch", "safetensors", "vina", "meeko", "parsl", "dask")
MAX_WORKERS_LISTED = 16


def time_section(facts: Facts, times: Times | None) -> str:
    """Return the timeline and where the time went."""
    if times is None:
        return section("time", "Time", paragraph("No task is finished yet.", "soft"))
    words = {"total": duration(times.elapsed), "busy": duration(times.busy)}
    svg = timeline(times.spans, KINDS, words)
    workers = plural(times.workers, "worker process", "worker processes")
    lanes = f"{workers} on {', '.join(times.hosts)}. "
    note = f"{lanes}From the first task to the last: {words['total']}; tasks ran for {words['busy']} of it."
    kinds = [item for item in times.kinds if item.tasks or item.failed]
    main = [item for item in kinds if item.kind not in CHOOSING]
    values = {item.kind: item.seconds for item in main}
    values["choosing"] = sum(item.seconds for item in kinds if item.kind in CHOOSING)
    values = dict(sorted(values.items(), key=lambda item: -item[1]))
    shown = {name: duration_short(value) for name, value in values.items()}
    classes = [KINDS.get(name, "s7") for name in values]
    drawn = charts.bars(values, classes, "Task time by kind of task", shown)
    total = sum(item.seconds for item in kinds) or 1.0
    rows = [
        (
            item.kind,
            f"{item.tasks:,}",
            f"{item.failed:,}",
            f"{item.molecules:,}",
            duration_short(item.seconds),
            f"{percent(item.seconds / total)}",
        )
        for item in kinds
    ]
    tasks, failed = sum(item.tasks for item in kinds), sum(item.failed for item in kinds)
    rows.append(("all", f"{tasks:,}", f"{failed:,}", "–", duration_short(total), percent(1.0)))
    head = ("kind", "tasks done", "failed", "molecules", "task time", "share")
    return section(
        "time",
        "Time",
        figure(svg, "What ran when", note, "wide"),
        rates_figure(facts, times),
        tag(
            "div",
            figure(drawn, "Where the time went", "Wall time added up over tasks.")
            + table("Task time by kind", head, rows),
            "charts loose",
        ),
    )


def throughput_section(facts: Facts) -> str:
    """Return the rates of the screens: three that are always told apart, and what bounded them."""
    try:
        groups = throughput(facts.campaign)
    except CampaignError as error:
        return section("throughput", "Throughput", paragraph(error.message, "soft"))
    workers = [item for item in groups if " worker " in item.name]
    listed = (
        groups if len(workers) <= MAX_WORKERS_LISTED else [item for item in groups if item not in workers]
    )
    head = (
        "screens of",
        "device",
        "tasks",
        "molecules",
        "predictions",
        "model only /s",
        "model and features /s",
        "end to end /s",
        "per held second",
        "per wall second",
        "bound by",
    )
    words = (
        "Molecules per device-second: a GPU-second where there was a GPU, else a core-second. End to end is "
        "everything a task does, from checking its inputs to recording its outputs; a device is held from the shard's "
        "first byte to its last. Per wall second counts all devices, idle time too."
    )
    rows = [_rates(item) for item in listed]
    return section(
        "throughput",
        "Throughput of the screens",
        paragraph(words, "soft"),
        table("Rates", head, rows, left=2),
        *(paragraph(line, "soft") for line in used_words(groups[-1])),
    )


def _rates(item: Throughput) -> tuple[str, ...]:
    rates = (item.model_rate, item.features_rate, item.end_to_end_rate, item.held_rate, item.wall_rate)
    shown = (f"{rate:,.0f}" if rate == rate else "–" for rate in rates)
    bound = f"{item.bound} ({percent(item.shares[item.bound], 0)})"
    name = item.name.replace("round-0", "round ").replace("round-", "round ")
    return (
        name,
        item.device,
        f"{item.tasks:,}",
        f"{item.molecules:,}",
        f"{item.predictions:,}",
        *shown,
        bound,
    )


def provenance_section(facts: Facts) -> str:
    """Return what the campaign was made from and with."""
    return section(
        "provenance",
        "Environment and provenance",
        pairs(_identity(facts)),
        nodes_table(facts),
        *_sources(facts),
        *_models(facts),
        *_imported(facts),
        *_specs(facts),
        *_config(facts),
    )


def _identity(facts: Facts) -> Iterable[tuple[str, object]]:
    state = facts.campaign.state
    yield "campaign", f"{facts.campaign.config.campaign.name} ({state['id']})"
    yield "folder", facts.root
    yield "seed", facts.campaign.seed
    yield "begun with", f"docksieve {state['docksieve']}"
    yield "library", f"{state['library']['path']}, {plural(facts.rows, 'molecule')}"
    yield "library fingerprint", state["library"]["fingerprint"]
    if facts.library is not None and "made_with" in facts.library.manifest:
        yield (
            "library made with",
            ", ".join(f"{k} {v}" for k, v in facts.library.manifest["made_with"].items()),
        )
    yield "devices", "; ".join(_devices(facts)) or "none recorded yet"
    yield "installed where this was written", ", ".join(_versions())


def _devices(facts: Facts) -> list[str]:
    seen = {
        f"{r.host}: {r.device.get('name') or r.device.get('kind', '')}"
        + (f" {r.device['uuid']}" if r.device.get("uuid") else "")
        for stage, found in facts.receipts.items()
        if stage.endswith("/screen")
        for r in found
        if r.device
    }
    return sorted(seen)


def _versions() -> list[str]:
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def _sources(facts: Facts) -> list[str]:
    if facts.library is None:
        return []
    if isinstance(facts.library, Space):
        return [_reactions(facts.library)]
    names = ("lines", "records", "accepted", "duplicates", "rejected")
    rows = [
        (source["name"], *(f"{source[key]:,}" for key in names))
        for source in facts.library.manifest["sources"]
    ]
    return [table("Sources of the library", ("source", *names), rows)]


def _reactions(space: Space) -> str:
    """Return the reactions of a space, their building blocks and products."""
    rows = [
        (
            reaction.title,
            " x ".join(f"{len(blocks):,} {role}" for role, blocks in zip(reaction.roles, roles, strict=True)),
            f"{products:,}",
        )
        for reaction, roles, products in zip(space.reactions, space.blocks, space.sizes, strict=True)
    ]
    return table("Reactions of the space", ("reaction", "building blocks", "products"), rows)


def _models(facts: Facts) -> list[str]:
    rows = []
    receipts = [
        r for found in facts.receipts.values() for r in found if r.done and r.kind in ("train", "distil")
    ]
    for receipt in [*receipts, *facts.retrained]:
        folder = next((Path(o.path).parent for o in receipt.outputs if o.path.endswith("card.json")), None)
        card = _card(facts.root / folder / "card.json") if folder else {}
        name = folder.relative_to("models").as_posix() if folder else receipt.task
        learnt = f"{receipt.counts.get('molecules', 0):,}"
        version = card.get("code_version", "–")
        rows.append((name, receipt.facts.get("model", "–"), card.get("parent") or "–", learnt, version))
    if not rows:
        return []
    return [table("Models", ("model", "id", "made from", "molecules learnt from", "docksieve"), rows, left=3)]


def _card(path: Path) -> dict[str, Any]:
    try:
        return dict(read_json(path))
    except FormatError:
        return {}


def _imported(facts: Facts) -> list[str]:
    rows = [
        (
            Path(card["file"]).name,
            card["target"],
            f"{card['report']['used']:,}",
            use_words(card),
        )
        for card in imports(facts.root)
    ]
    if not rows:
        return []
    return [table("Imported scores", ("file", "target", "molecules", "used for training"), rows, left=9)]


def _specs(facts: Facts) -> list[str]:
    return [
        details(f"Target {name} as it was frozen", code(json.dumps(spec, indent=1, ensure_ascii=False)))
        for name, spec in facts.campaign.targets.items()
    ]


def _config(facts: Facts) -> list[str]:
    """Return the campaign file, if it still says what the campaign does, and all settings with defaults."""
    shown = []
    path = Path(facts.campaign.state["config_file"])
    try:
        if read_config(path).model_dump(mode="json") == facts.campaign.state["config"]:
            shown.append(details(f"Campaign file {path}", code(path.read_text(encoding="utf-8"))))
    except (DocksieveError, OSError):
        pass  # the folder may have been moved; the settings below are what counts
    every = json.dumps(facts.campaign.state["config"], indent=1, ensure_ascii=False)
    return [*shown, details("All settings, defaults included", code(every))]


def commands(facts: Facts) -> list[tuple[str, str]]:
    """Return what can be done next: a command, and what it does."""
    root, file = shlex.quote(str(facts.root)), shlex.quote(str(facts.campaign.state["config_file"]))
    driver = read_driver(facts.root)
    site = shlex.quote(str(driver["site"])) if driver else "local"
    several = len(facts.campaign.targets) > 1
    target = f" --target {shlex.quote(next(iter(facts.campaign.targets)))}" if several else ""
    if facts.status.state == "running":
        first = (f"docksieve status {root} --watch", "watch it")
    elif facts.status.state == "complete":
        first = (
            f"docksieve submit {file} --site {site}",
            "add a round: raise [rounds] count in the file first",
        )
    else:
        first = (
            f"docksieve submit {file} --site {site}",
            "go on where it stopped (name the site it runs on)",
        )
    return [
        first,
        (f"docksieve hits {root} --top 1000 --format sdf --out hits.sdf", "the best molecules, with poses"),
        (
            f"docksieve hits {root} --where 'weight < 400' --format csv --out hits.csv",
            "those that meet a condition",
        ),
        (f"docksieve hits {root} --failed", "every docking that gave no score, with its reason"),
        (f"docksieve retrain {root} --scores new.csv{target}", "teach it scores from elsewhere"),
        (f"docksieve throughput {root} --json", "all rates, for machines"),
        (f"docksieve report {root}", "write this page again"),
    ]


def commands_section(facts: Facts) -> str:
    """Return the exact commands to go on with."""
    text = "\n".join(f"# {what}\n{command}" for command, what in commands(facts))
    return section("next", "How to go on", code(text))
