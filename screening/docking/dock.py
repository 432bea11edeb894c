"""Docking: freeze a target once, then dock batches of ligands to it.

The engines are ``vina`` (:mod:`.vina`), ``command`` (:mod:`.command`: any program) and ``table``
(:mod:`.table`: scores from a file). To add one, write a module with ``freeze``, ``dock`` and
``row_settings``, a settings class with an ``engine`` field, and name both here.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ...data.errors import ConfigError, FormatError
from ...data.schema import POSES_SCHEMA, SCORES_SCHEMA, STEREO_FIELD
from ..receptors.receptor import Box
from .command import CommandTarget
from .engine import BatchNotes, DockingOutcome, Ligand, Pose, Protocol_
from .failures import FailureCode
from .isomers import Isomers
from .ligand_settings import LigandSettings
from .table import TableTarget
from .vina import SearchSettings, VinaTarget

if TYPE_CHECKING:
    from ...data.molecules.standardise import StandardSettings

__all__ = [
    "Box",
    "CommandTarget",
    "DockedBatch",
    "DockingOutcome",
    "FailureCode",
    "Ligand",
    "LigandSettings",
    "Pose",
    "SearchSettings",
    "TableTarget",
    "TargetSettings",
    "VinaTarget",
    "dock_batch",
    "freeze_target",
]

TargetSettings = VinaTarget | CommandTarget | TableTarget

_ENGINES = {"vina": ".vina", "command": ".command", "table": ".table"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class DockedBatch:
    """What docking a batch gave.

    Attributes
    ----------
    scores : pa.Table
        SCORES_SCHEMA, with ``stereo_groups`` where a ligand has any; one row per ligand, in order; failures are rows.
    poses : pa.Table
        POSES_SCHEMA; may be empty.
    seconds : dict of str to float
        Wall seconds by stage: ``start`` (process and maps), ``dock`` (preparation and
        search), ``restart`` (the same after a crash, and the pipe), ``total``.
    counts : dict of str to int
        ``docked``, ``failed``, ``crashes``, ``restarts`` ...
    """

    scores: pa.Table
    poses: pa.Table
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def _engine(name: str) -> Any:
    try:
        return import_module(_ENGINES[name], __package__)
    except KeyError:
        known = ", ".join(_ENGINES)
        raise FormatError(f"The docking engine {name!r} is unknown; this version knows {known}.") from None


def freeze_target(
    name: str,
    settings: TargetSettings,
    folder: Path,
    base: Path,
    standard: StandardSettings | None = None,
) -> dict[str, Any]:
    """Check a target and copy all that workers need into ``folder``. Runs once, where the campaign starts.

    Parameters
    ----------
    name : str
        The target's name: letters, digits, ``_``, ``-`` and ``.``; it begins the names of its files.
    settings : VinaTarget, CommandTarget or TableTarget
    folder : Path
        Made if it does not exist. Several targets may share it.
    base : Path
        Folder that relative paths in ``settings`` are taken from.
    standard : StandardSettings, optional
        How the library's molecules came to their standard form, for engines that match molecules (``table``).

    Returns
    -------
    dict
        JSON values, with paths relative to ``folder`` and content hashes. Always has ``engine``,
        ``engine_version``, ``unit`` and ``lower_is_better``.

    Raises
    ------
    ConfigError, DockingError, InputError
        Naming what is wrong and what to do.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"The target name {name!r} cannot be used.",
            "It begins with a letter or digit and holds letters, digits, '_', '-' and '.', at most 64.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    freeze = _engine(settings.engine).freeze
    known = {"standard": standard} if settings.engine == "table" else {}
    spec = freeze(name, settings, folder, base, **known)
    return dict(json.loads(json.dumps(spec, allow_nan=False)))


def dock_batch(
    spec: Mapping[str, Any],
    folder: Path,
    target: str,
    ligands: Sequence[Ligand],
    seed: int,
    pose_path: str,
    protocol: Protocol_ = "screen",
    molecule_done: Callable[[], None] | None = None,
) -> DockedBatch:
    """Dock ``ligands`` to a frozen target. Runs on a worker; processes and maps are kept between calls.

    Parameters
    ----------
    spec : mapping
        What :func:`freeze_target` returned.
    folder : Path
        The folder it was frozen into.
    target : str
    ligands : sequence of Ligand
    seed : int
        The campaign's. Every seed derives from it, the target and the molecule, so results depend neither
        on the batch nor on the order.
    pose_path : str
        Where the caller will write the poses; a score's ``pose`` is ``pose_path#row``.
    protocol : "screen" or "final"
    molecule_done : callable, optional
        Called once for every ligand, as soon as its outcome is known.

    Raises
    ------
    DockingError
        If the target itself cannot be used here. One ligand's failure is a row.
    """
    started = time.perf_counter()
    notes = BatchNotes(molecule_done=molecule_done)
    engine = _engine(spec["engine"])
    # A table knows molecules by their SMILES, which a mixture shares with its isomer.
    isomers = Isomers(ligands if spec["engine"] != "table" else [])
    if isomers.any:
        each = isomers.notes(notes)
        found = engine.dock(spec, Path(folder), target, isomers.ligands, seed, protocol, each)
        each.ended(len(found) - each.told)
        outcomes = isomers.best(found, bool(spec["lower_is_better"]))
    else:
        outcomes = engine.dock(spec, Path(folder), target, ligands, seed, protocol, notes)
    notes.ended(len(outcomes) - notes.told)  # an engine need not tell
    settings = json.dumps(engine.row_settings(spec, protocol), sort_keys=True)
    scores, poses = _tables(spec, target, ligands, outcomes, settings, pose_path)
    failed = sum(outcome.failure is not None for outcome in outcomes)
    notes.seconds["total"] = time.perf_counter() - started
    counts = {"ligands": len(outcomes), "docked": len(outcomes) - failed, "failed": failed, **notes.counts}
    return DockedBatch(scores, poses, {k: round(v, 6) for k, v in notes.seconds.items()}, counts)


def _tables(
    spec: Mapping[str, Any],
    target: str,
    ligands: Sequence[Ligand],
    outcomes: Sequence[DockingOutcome],
    settings: str,
    pose_path: str,
) -> tuple[pa.Table, pa.Table]:
    rows: list[dict[str, Any]] = []
    poses: list[dict[str, Any]] = []
    for ligand, outcome in zip(ligands, outcomes, strict=True):
        rows.append(
            {
                "row": ligand.row,
                "id": ligand.id,
                "smiles": ligand.smiles,
                "target": target,
                "score": outcome.score,
                "unit": spec["unit"],
                "lower_is_better": spec["lower_is_better"],
                "engine": spec["engine"],
                "engine_version": spec["engine_version"],
                "settings": settings,
                "conformer_seed": outcome.conformer_seed,
                "search_seed": outcome.search_seed,
                "state": outcome.state,
                "seconds": outcome.seconds,
                "pose": f"{pose_path}#{len(poses)}" if outcome.poses else None,
                "failure": None if outcome.failure is None else str(outcome.failure),
                "message": outcome.message or None,
                STEREO_FIELD.name: ligand.stereo_groups,
            }
        )
        for rank, pose in enumerate(outcome.poses):
            poses.append(
                {
                    "id": ligand.id,
                    "target": target,
                    "rank": rank,
                    "score": pose.score,
                    "molblock": pose.molblock,
                }
            )
    grouped = any(ligand.stereo_groups for ligand in ligands)
    schema = SCORES_SCHEMA.append(STEREO_FIELD) if grouped else SCORES_SCHEMA
    return pa.Table.from_pylist(rows, schema), pa.Table.from_pylist(poses, POSES_SCHEMA)
