"""How a campaign begins, or goes on: everything it depends on is checked and copied before any work."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from ...data.errors import CampaignError, ConfigError
from ...data.spaces.source import MoleculeSource, source_standard
from ...data.spaces.space import Space
from ...data.store import record_file, write_bytes, write_json
from ...data.version import __version__
from ...data.words import plural
from ...hpc.sites.site import Site
from ...screening.docking.dock import freeze_target
from ..config.campaign_file import CampaignConfig, CampaignFile, default_seed, read_campaign_file
from .campaign import CAMPAIGN_FORMAT, Campaign, has_lost_beginning, open_campaign, without_beginning
from .checks import check_dock, open_library
from .filters import FILTER_VERSION, check_conditions, check_space
from .ledger import round_name
from .sources import FOLDER, freeze_sources

MAY_CHANGE = {
    ("rounds", "count"),
    ("rounds", "dock"),
    ("final", "molecules"),
    ("library", "path"),
    ("decide",),
}
"""Keys and sections that may differ when a campaign goes on; ``dock`` for rounds to come only. The library may
move: its fingerprint proves what it is.
Criteria of decisions change no result; which of them there were at the beginning is recorded apart."""


DRIVERS_FILES = {"driver.lock", "driver.json", "driver.log", "driver.pid.json", "jobs", "analysis-plan.json"}
"""What may lie in a campaign's folder before it begins."""


BIRTH_MARK = ".docksieve-begin"
"""Lies in a campaign folder while it is being prepared: what is beside it is ours to remove."""


MIN_LABELS = 50
"""Fewest molecules a student can be distilled from."""


def begin_or_resume(file: str | Path | CampaignFile, site: Site) -> Campaign:
    """Open the campaign of a campaign file, making its folder if this is the first time.

    Everything a campaign depends on is checked and copied here, before any work: the library's
    fingerprint, receptors, boxes and score tables.

    Raises
    ------
    ConfigError
        If the file is wrong, or a setting was changed that would change results already there.
    CampaignError, DockingError, LibraryError
    """
    file = read_campaign_file(file)
    return _resume(file, site) if (file.root / "campaign.json").exists() else begin(file, site)


def refuse_strangers(root: Path) -> None:
    """Make sure that ``root`` is a campaign, new, or empty. Call it before anything is written there.

    Raises
    ------
    CampaignError
        If it holds somebody else's files.
    """
    if not root.exists():
        return
    names = {item.name for item in root.iterdir()} - DRIVERS_FILES
    if has_lost_beginning(root) and BIRTH_MARK not in names:
        raise without_beginning(root)
    if names and not names & {"campaign.json", BIRTH_MARK}:
        raise CampaignError(
            f"The folder {root} is not empty and is not a campaign.", "Choose another [campaign] folder."
        )


def begin(file: CampaignFile, site: Site) -> Campaign:
    """Make the folder of the campaign that ``file`` describes.

    Raises
    ------
    ConfigError, CampaignError, DockingError, LibraryError
        As :func:`begin_or_resume`.
    """
    root, config, base = file.root, file.config, file.path.parent
    shutil.rmtree(root / "targets", ignore_errors=True)  # of a preparation that was killed
    write_bytes(root / BIRTH_MARK, b"")
    library = open_library(file)
    _check_sizes(config, file.path, library)
    check_conditions(file)
    check_space(file, library)
    standard = source_standard(library)
    specs, files = {}, {}
    for name, settings in config.targets.items():
        folder = root / "targets" / name
        specs[name] = freeze_target(name, settings, folder, base, standard)
        files[name] = [vars(record_file(path, root)) for path in sorted(folder.rglob("*")) if path.is_file()]
    _check_aim(config, file.path, specs)
    state = {
        "format": CAMPAIGN_FORMAT,
        "id": uuid.uuid4().hex,
        "config": config.model_dump(mode="json"),
        "config_file": str(file.path.resolve()),
        "library": {
            "path": os.path.relpath(library.path.resolve(), root),
            "fingerprint": library.fingerprint,
            "rows": library.rows,
        },
        "filter": 0 if isinstance(library, Space) else FILTER_VERSION,  # products are looked at when made
        "targets": specs,
        "target_files": files,
        "source_files": [vars(record) for record in freeze_sources(config.teacher.sources, root, base)],
        "threads": config.run.threads or site.core_count,
        "site": site.name,
        "criteria": None if config.decide is None else config.decide.model_dump(mode="json"),
        "created": time.time(),
        "docksieve": __version__,
    }
    write_json(root / "campaign.json", state)
    (root / BIRTH_MARK).unlink()
    return Campaign(root, config, state)


def look_over(file: CampaignFile) -> tuple[MoleculeSource, dict[str, dict[str, Any]]]:
    """Check all that is checked when a campaign begins or goes on, and keep nothing.

    Returns
    -------
    library : Library
    targets : dict of str to dict
        The targets as they would be frozen.

    Raises
    ------
    ConfigError, CampaignError, DockingError, LibraryError
        As :func:`begin_or_resume`.
    """
    config, base = file.config, file.path.parent
    library = open_library(file)
    if (file.root / "campaign.json").exists():
        campaign = open_campaign(file.root)
        _refuse_changes(campaign, _own_seed(config, campaign), file.path)
        return library, campaign.targets
    refuse_strangers(file.root)
    _check_sizes(config, file.path, library)
    check_conditions(file)
    check_space(file, library)
    standard = source_standard(library)
    with tempfile.TemporaryDirectory(prefix="docksieve-") as scratch:
        freeze_sources(config.teacher.sources, Path(scratch), base)
        specs = {
            name: freeze_target(name, settings, Path(scratch) / "targets" / name, base, standard)
            for name, settings in config.targets.items()
        }
    _check_aim(config, file.path, specs)
    return library, specs


def _check_aim(config: CampaignConfig, config_path: Path, specs: dict[str, Any]) -> None:
    """Refuse a difference of scores that cannot be subtracted."""
    aim = config.rounds.aim
    if aim is None or aim.kind != "selective":
        return
    scales = {name: (specs[name]["unit"], bool(specs[name]["lower_is_better"])) for name in aim.targets}
    if len(set(scales.values())) > 1:
        said = ", ".join(
            f"{name}: {unit}, {'lower' if lower else 'higher'} is better"
            for name, (unit, lower) in scales.items()
        )
        raise ConfigError(
            f"{config_path}: [rounds] aim: scores of {' and '.join(aim.targets)} cannot be subtracted, their units or "
            f"directions differ ({said}).",
            "Aim at worst_over or pareto, which compare scores by how far they spread.",
        )


def _check_sizes(config: CampaignConfig, config_path: Path, library: MoleculeSource) -> None:
    """Refuse, before any docking, what could not go on after it."""
    if library.rows == 0:
        raise CampaignError(
            f"The library {library.path} is empty.", "Build one with `docksieve library build`."
        )
    wanted = config.start.molecules
    if wanted > library.rows:
        raise ConfigError(
            f"{config_path}: [start] molecules is {wanted:,}, but the library has {plural(library.rows, 'molecule')}.",
            "Ask for fewer.",
        )
    if config.rounds.count == 0:
        return
    if library.rows < MIN_LABELS:
        raise ConfigError(
            f"The library {library.path} has {library.rows} molecules; a student needs at least {MIN_LABELS}.",
            "Dock them all: [rounds] count = 0 and [start] molecules = their number.",
        )
    trained_on, needed = wanted * (1 - config.start.sealed), 1.2 * config.teacher.min_scores
    if trained_on < needed:
        raise ConfigError(
            f"{config_path}: of [start] molecules = {wanted}, about {trained_on:.0f} are trained on "
            f"([start] sealed = {config.start.sealed}), too few for a teacher "
            f"([teacher] min_scores = {config.teacher.min_scores}, and some dockings fail).",
            "Raise [start] molecules.",
        )


def _resume(file: CampaignFile, site: Site) -> Campaign:
    root, config = file.root, file.config
    campaign = open_campaign(root)
    config = _own_seed(config, campaign)
    now = _refuse_changes(campaign, config, file.path)
    place = os.path.relpath(file.library.resolve(), root)
    library = {**campaign.state["library"], "path": place}
    recorded = _as_recorded(now, campaign.state["config"])
    if now["decide"] is not None:  # older versions did not know it; no task depends on it
        recorded = {**recorded, "decide": now["decide"]}
    state = {**campaign.state, "config": recorded, "site": site.name, "library": library}
    if state != campaign.state:
        write_json(root / "campaign.json", state)
    return Campaign(root, config, state)


def _own_seed(config: CampaignConfig, campaign: Campaign) -> CampaignConfig:
    """Return ``config`` with the seed that the campaign began with, where the file gives none."""
    if config.campaign.seed != default_seed(config.campaign.name, config.targets):
        return config
    return config.model_copy(update={"campaign": config.campaign.model_copy(update={"seed": campaign.seed})})


def _refuse_changes(campaign: Campaign, config: CampaignConfig, config_path: Path) -> dict[str, Any]:
    """Return the campaign file's content, unless it was changed where it must not be."""
    root = campaign.root
    before, now = campaign.config.model_dump(mode="json"), config.model_dump(mode="json")
    changed = [
        key for key in _differences(before, now) if not any(key[: len(part)] == part for part in MAY_CHANGE)
    ]
    if changed:
        names = ", ".join(f"[{'.'.join(key[:-1])}] {key[-1]}" for key in changed)
        raise ConfigError(
            f"{config_path} was changed since the campaign in {root} began: {names}.",
            "Put it back, or give the changed campaign another [campaign] folder. "
            "Only [rounds] count, [rounds] dock of rounds to come, [final] molecules, [library] path and [decide] may "
            "change.",
        )
    check_dock(campaign, config, config_path)
    _check_sweep(campaign, config, config_path)
    return now


def _as_recorded(now: Any, before: Any) -> Any:
    """Return ``now`` without the keys that the version which began the campaign did not know.

    They have their defaults (anything else would be a change, and refused), and recording them would make a finished
    task look like another one.
    """
    if not (isinstance(now, dict) and isinstance(before, dict)):
        return now
    return {key: _as_recorded(value, before[key]) for key, value in now.items() if key in before}


def _check_sweep(campaign: Campaign, config: CampaignConfig, config_path: Path) -> None:
    """Refuse another number of rounds once the last one has begun to dock all that the goal needs."""
    last = campaign.config.rounds.count
    if not config.cut.sweep or config.rounds.count == last:
        return
    sweeps = (last, config.rounds.count)  # the last round until now, and the one that would be
    names = [f"{round_name(number)}/acquire" for number in sweeps if 0 < number <= last]
    if any(receipt.done for name in names for receipt in campaign.ledger.receipts(name)):
        raise ConfigError(
            f"{config_path}: [rounds] count cannot be {config.rounds.count} any more: with a sweep ([cut] sweep) the "
            f"last round docks other molecules than the others, and round {min(sweeps)} has begun to dock.",
            "Put it back, or give the changed campaign another [campaign] folder.",
        )


def _differences(before: Any, now: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [*before, *(key for key in now if key not in before)]
        return [item for key in keys for item in _differences(before.get(key), now.get(key), (*at, key))]
    return [] if before == now else [at]


def abandon_if_unborn(root: Path) -> None:
    """Remove a campaign folder in which nothing but preparation happened."""
    if (root / BIRTH_MARK).exists() and not (root / "campaign.json").exists():
        shutil.rmtree(root / "targets", ignore_errors=True)
        shutil.rmtree(root / FOLDER, ignore_errors=True)
        (root / BIRTH_MARK).unlink()
    if not (root / "campaign.json").exists():
        (root / "driver.lock").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            root.rmdir()
