"""One hit on the dashboard: what is known of it, its poses, and the scene of a pose in its receptor."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.compute as pc

from ...data.errors import DocksieveError, FormatError, InputError
from ...data.receipts import plain_json
from ...data.store import read_table
from ...screening.chemistry.depict import depict
from ...screening.poses.receptor_atoms import ReceptorAtoms, read_atoms
from ...screening.poses.scene import pose_scene
from .watch import Moment

POINTERS = {"final": "final_pose", "docked": "pose"}
"""Kinds of poses and the column of the hits that leads to them."""


def describe(moment: Moment, hit: Mapping[str, Any]) -> dict[str, Any]:
    """Return a hit with its drawing and the poses there are, as JSON values."""
    poses, problems = [], []
    for kind, column in POINTERS.items():
        if hit.get(column):
            try:
                found = _poses(moment.campaign.root, str(hit[column]))
            except DocksieveError as error:
                problems.append(str(error))
                continue
            poses += [{"kind": kind, "rank": item["rank"], "score": item["score"]} for item in found]
    value = {
        "hit": dict(hit),
        "drawing": depict(str(hit["smiles"]), 340, 250),
        "poses": poses,
        "problems": problems,
    }
    return dict(plain_json(value))


def scene(moment: Moment, hit: Mapping[str, Any], kind: str, rank: int) -> dict[str, Any]:
    """Return a pose in its receptor (:func:`~docksieve.screening.poses.scene.pose_scene`).

    A receptor that is missing or cannot be drawn is said in ``problem``; the pose is then alone.

    Raises
    ------
    InputError
        If the hit has no such pose.
    FormatError
        If the poses file is missing or damaged.
    """
    pose = pose_of(moment, hit, kind, rank)
    receptor, problem = _receptor(moment, str(hit["target"]))
    value = pose_scene(str(pose["molblock"]), receptor)
    return value | {"problem": problem, "score": pose["score"], "kind": kind, "rank": rank}


def pose_of(moment: Moment, hit: Mapping[str, Any], kind: str, rank: int) -> dict[str, Any]:
    """Return one pose of a hit: ``rank``, ``score`` and ``molblock``; errors as :func:`scene` has them."""
    if kind not in POINTERS or not hit.get(POINTERS[kind]):
        raise InputError(f"This molecule has no {kind} pose.", "Only docked molecules have poses.")
    for found in _poses(moment.campaign.root, str(hit[POINTERS[kind]])):
        if found["rank"] == rank:
            return found
    raise InputError(f"This molecule has no {kind} pose {rank + 1}.")


def _poses(root: Path, pointer: str) -> list[dict[str, Any]]:
    """Return all poses of the molecule that ``pointer`` (``FILE#ROW``) leads to, best first."""
    name, _, place = pointer.rpartition("#")
    path = root / name
    if ".." in PurePosixPath(name).parts or not path.resolve().is_relative_to(root.resolve()):
        raise FormatError(f"The pose pointer {pointer!r} leads out of the campaign.")
    if not path.is_file():
        raise FormatError(f"The poses file {path} is missing.", "Restore it, or submit the campaign again.")
    table = read_table(path, ["id", "target", "rank", "score", "molblock"])
    if not place.isdigit() or int(place) >= table.num_rows:
        raise FormatError(f"The pose pointer {pointer!r} does not lead to a pose.")
    first = table.slice(int(place), 1)
    same = pc.and_(pc.equal(table["id"], first["id"][0]), pc.equal(table["target"], first["target"][0]))
    found = table.filter(same).select(["rank", "score", "molblock"]).to_pylist()
    return sorted(found, key=lambda item: item["rank"])


def _receptor(moment: Moment, target: str) -> tuple[ReceptorAtoms | None, str]:
    """Return the receptor that a campaign froze for a target, or why it cannot be drawn."""
    name = moment.campaign.targets[target].get("receptor")
    if not name:
        return None, "The campaign has no receptor file of this target."
    path = moment.campaign.root / "targets" / target / str(name)
    try:
        return _read_receptor(path, path.stat().st_mtime_ns), ""
    except OSError:
        return None, f"The receptor file {path} is missing."
    except DocksieveError as error:
        return None, str(error)


@lru_cache(maxsize=8)
def _read_receptor(path: Path, changed: int) -> ReceptorAtoms:
    return read_atoms(path)
