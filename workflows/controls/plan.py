"""The analysis plan, written beforehand: what is held out, which figure counts, how good it must be, when to stop."""

from __future__ import annotations

import math
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...data.errors import CampaignError, ConfigError, FormatError
from ...data.receipts import plain_json
from ...data.store import read_json, sha256_json, write_json
from ...data.version import __version__
from ..campaign.begin import refuse_strangers
from ..campaign.campaign import open_campaign
from ..config.campaign_file import CampaignConfig, read_campaign_file

VERSION = 1
FILE = "analysis-plan.json"
METRICS = ("recall", "precision", "enrichment", "spearman", "r2", "rmse")
"""Figures that a plan may name; of ``rmse`` alone less is better."""
DEFAULTS: Mapping[str, Any] = {
    "metric": "recall",
    "best": 0.01,
    "kept": 0.05,
    "threshold": None,
    "stop_after": None,
}


def read_plan_file(path: str | Path) -> dict[str, Any]:
    """Return the settings that the TOML file at ``path`` gives (keys of :data:`DEFAULTS`, in ``[analysis]`` or not).

    Raises
    ------
    ConfigError
        Naming an unknown key.
    """
    try:
        value = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    value = value.get("analysis", value)
    unknown = set(value) - set(DEFAULTS) if isinstance(value, dict) else {"analysis"}
    if unknown:
        raise ConfigError(f"{path}: unknown key {sorted(unknown)[0]!r}.", f"Known: {', '.join(DEFAULTS)}.")
    return dict(value)


def _checked(settings: Mapping[str, Any], rounds: int) -> dict[str, Any]:
    found = {**DEFAULTS, **{key: value for key, value in settings.items() if value is not None}}
    if found["stop_after"] is None:
        found["stop_after"] = rounds
    if found["metric"] not in METRICS:
        raise ConfigError(f"metric is {found['metric']!r}.", f"Choose one of {', '.join(METRICS)}.")
    for key in ("best", "kept"):
        if not _number(found[key]) or not 0 < found[key] <= 1:
            raise ConfigError(f"{key} is {found[key]!r}; it is a share in (0, 1].")
    if not _number(found["threshold"]):
        raise ConfigError(
            f"threshold is {found['threshold']!r}.", "Give the value that the metric must reach."
        )
    if type(found["stop_after"]) is not int or found["stop_after"] < 1:
        raise ConfigError(f"stop_after is {found['stop_after']!r}; it is a number of rounds, at least 1.")
    return found


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def write_plan(campaign: str | Path, settings: Mapping[str, Any], out: Path | None = None) -> dict[str, Any]:
    """Write the analysis plan of a campaign, begun or not, once and for all.

    Parameters
    ----------
    campaign : path
        Its folder or its TOML file.
    settings : mapping
        Keys of :data:`DEFAULTS`: ``metric``, ``best``, ``kept`` (shares, for metrics that have them), ``threshold``
        and ``stop_after`` (rounds; those of the campaign by default).
    out : Path, optional
        Another file that gets a copy.

    Returns
    -------
    dict
        The plan, with ``sha256`` over the rest of it.

    Raises
    ------
    ConfigError
        Naming the key that is wrong.
    CampaignError
        If there is a plan already.
    """
    root, config, known = _receipts(campaign)
    found = _checked(settings, config.rounds.count)
    path = root / FILE
    if path.exists():
        raise CampaignError(
            f"{path} was written already, and a plan that may be changed afterwards is none.",
            "Say in your report where and why the analysis departs from it.",
        )
    if not config.start.sealed:
        raise ConfigError("[start] sealed is 0: nothing is held out.", "Hold out a share of the seed sample.")
    plan = {
        "version": VERSION,
        "written": time.time(),
        "docksieve": __version__,
        **found,
        "held_out": {
            "what": "sealed molecules of the seed sample",
            "share": config.start.sealed,
            "of": config.start.molecules,
            "seed": config.campaign.seed,
        },
        "targets": sorted(config.targets),
        "scores_known": known,
        "beforehand": not any(known.values()),
    }
    plan = plain_json(plan)
    plan["sha256"] = sha256_json(plan)
    refuse_strangers(root)
    write_json(path, plan)
    if out is not None:
        write_json(out, plan)
    return dict(plan)


def _receipts(campaign: str | Path) -> tuple[Path, CampaignConfig, dict[str, int]]:
    """Return folder and configuration of a campaign, and how many scores of each target are known."""
    path = Path(campaign)
    if path.suffix == ".toml":
        file = read_campaign_file(path)
        if not (file.root / "campaign.json").exists():
            return file.root, file.config, dict.fromkeys(sorted(file.config.targets), 0)
        path = file.root
    opened = open_campaign(path)
    counts = dict.fromkeys(sorted(opened.targets), 0)
    for stage in opened.ledger.stages():
        if stage.endswith("/dock"):
            for receipt in opened.ledger.receipts(stage):
                if receipt.done:
                    counts[receipt.task.split("/")[2]] += receipt.rows_out - receipt.counts.get("failed", 0)
    return opened.root, opened.config, counts


def read_plan(root: Path) -> dict[str, Any] | None:
    """Return the analysis plan of the campaign in ``root``; None if there is none.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    if not (root / FILE).is_file():
        return None
    value = read_json(root / FILE)
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise FormatError(f"{root / FILE} is no analysis plan of version {VERSION}.")
    return value


def unaltered(plan: Mapping[str, Any]) -> bool:
    """Tell whether a plan still has the hash that it was written with."""
    return bool(
        plan.get("sha256") == sha256_json({key: item for key, item in plan.items() if key != "sha256"})
    )
