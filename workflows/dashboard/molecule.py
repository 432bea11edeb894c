"""One hit on the dashboard: what is known of it, its poses, and the scene of a pose in its receptor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...data.errors import DocksieveError, InputError
from ...data.receipts import plain_json
from ...screening.chemistry.depict import depict
from ...screening.poses.scene import pose_scene
from ..hits.poses import POINTERS, read_poses, receptor_of
from .watch import Moment


def describe(moment: Moment, hit: Mapping[str, Any]) -> dict[str, Any]:
    """Return a hit with its drawing and the poses there are, as JSON values."""
    poses, problems = [], []
    for kind, column in POINTERS.items():
        if hit.get(column):
            try:
                found = read_poses(moment.campaign.root, str(hit[column]))
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
    target = str(hit["target"])
    receptor, problem = receptor_of(moment.campaign.root, target, moment.campaign.targets[target])
    value = pose_scene(str(pose["molblock"]), receptor)
    return value | {"problem": problem, "score": pose["score"], "kind": kind, "rank": rank}


def pose_of(moment: Moment, hit: Mapping[str, Any], kind: str, rank: int) -> dict[str, Any]:
    """Return one pose of a hit: ``rank``, ``score`` and ``molblock``; errors as :func:`scene` has them."""
    if kind not in POINTERS or not hit.get(POINTERS[kind]):
        raise InputError(f"This molecule has no {kind} pose.", "Only docked molecules have poses.")
    for found in read_poses(moment.campaign.root, str(hit[POINTERS[kind]])):
        if found["rank"] == rank:
            return found
    raise InputError(f"This molecule has no {kind} pose {rank + 1}.")
