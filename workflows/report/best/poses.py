"""The poses of a target's best molecules: a drawing of the best pose of each, and its figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....data.errors import DocksieveError
from ....screening.poses.rmsd import pose_rmsd
from ....screening.poses.scene import pose_scene
from ...hits.poses import POINTERS, read_poses, receptor_of
from ...html.page import figure, paragraph, tag
from .picture import LABELLED, POCKET, pose_picture

POSES = 6
"""Molecules whose pose is drawn."""
POSES_OF_MANY = 3
"""The same, of more than three targets."""


@dataclass(frozen=True)
class BestPose:
    """The best pose of a hit.

    Attributes
    ----------
    rank : int
        Of the hit.
    id : str
    kind : str
        ``final`` or ``docked``.
    score : float
        Of the pose, in the target's unit.
    gap : float or None
        By how much the second pose scores worse, in the same unit; None if there is only one pose.
    rmsd : float or None
        Heavy-atom RMSD of the two, in Å.
    poses : int
        Poses kept.
    scene : mapping
        What is drawn.
    problem : str
        Why there is no receptor in the drawing.
    """

    rank: int
    id: str
    kind: str
    score: float
    gap: float | None
    rmsd: float | None
    poses: int
    scene: Mapping[str, Any]
    problem: str


def best_pose(root: Path, target: str, spec: Mapping[str, Any], row: Mapping[str, Any]) -> BestPose | None:
    """Return the best pose of a hit, of the final docking where there is one; None if it has none.

    Raises
    ------
    DocksieveError
        If its poses file is missing or damaged.
    """
    for kind, column in POINTERS.items():
        if not row.get(column):
            continue
        found = read_poses(root, str(row[column]))
        receptor, problem = receptor_of(root, target, spec)
        first, second = found[0], found[1] if len(found) > 1 else None
        return BestPose(
            rank=int(row["rank"]),
            id=str(row["id"]),
            kind=kind,
            score=float(first["score"]),
            gap=abs(float(second["score"]) - float(first["score"])) if second else None,
            rmsd=_rmsd(str(first["molblock"]), str(second["molblock"])) if second else None,
            poses=len(found),
            scene=pose_scene(str(first["molblock"]), receptor),
            problem=problem,
        )
    return None


def _rmsd(first: str, second: str) -> float | None:
    try:
        return pose_rmsd(first, second)
    except (DocksieveError, RuntimeError):  # a valence that RDKit does not read: the figure is left out
        return None


def poses_part(
    root: Path, target: str, spec: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], most: int = POSES
) -> list[str]:
    """Return drawings of the best poses of a target's best molecules, as HTML; empty where nothing was posed.

    Parameters
    ----------
    root : Path
        The campaign folder.
    target : str
    spec : mapping
        The target as the campaign froze it.
    rows : iterable of mapping
        Hits, best first.
    most : int
        Molecules drawn.
    """
    drawn: list[str] = []
    problems: list[str] = []
    for row in rows:
        if len(drawn) == most:
            break
        try:
            found = best_pose(root, target, spec, row)
        except DocksieveError as error:
            problems.append(f"{row['id']}: {error}")
            continue
        if found is not None:
            drawn.append(_drawn(found, str(spec["unit"])))
    if not drawn and not problems:
        return []
    words = (
        f"The best pose of each of the {len(drawn)} best molecules that have one, in the residues within {POCKET} Å. "
        "Thick: the ligand; thin: the receptor, fainter where it lies farther back; dashed: hydrogen bonds that "
        "geometry allows. A second pose that scores nearly as well but lies elsewhere (a large RMSD) says that the "
        "binding mode is not settled. "
        "`docksieve dashboard` turns poses in space; `docksieve hits --out hits.sdf` saves them."
    )
    return [
        paragraph(words, "soft") if drawn else "",
        *(paragraph(f"Not drawn: {text}", "notice") for text in problems),
        tag("div", "".join(drawn), "charts") if drawn else "",
    ]


def _drawn(found: BestPose, unit: str) -> str:
    what = "final docking" if found.kind == "final" else "docking of the rounds"
    said = f"Best pose of {found.id}, {what}: {found.score:.2f} {unit}. {_bonds(found)}"
    note = (
        f"{what.capitalize()}: {_signed(found.score)} {unit}. {_second(found, unit)} "
        f"{_bonds(found)} {_near(found)} {found.problem}"
    )
    return figure(pose_picture(found.scene, said), f"{found.rank} {found.id}", " ".join(note.split()))


def _second(found: BestPose, unit: str) -> str:
    if found.gap is None:
        return "Only this pose was kept."
    away = "" if found.rmsd is None else f", {found.rmsd:.1f} Å away (RMSD)"
    return f"Best of {found.poses} poses; the second scores {found.gap:.2f} {unit} worse{away}."


def _bonds(found: BestPose) -> str:
    contacts = sorted(found.scene["contacts"], key=lambda contact: contact["distance"])
    if contacts:
        listed = ", ".join(f"{contact['to']} {contact['distance']:.1f} Å" for contact in contacts)
        return f"Possible hydrogen bonds: {listed}."
    return "No hydrogen bond by geometry." if not found.problem else ""


def _near(found: BestPose) -> str:
    near = sorted(item for item in found.scene["pocket"]["residues"] if item[1] <= LABELLED)
    if not near:
        return ""
    return f"Within {LABELLED:g} Å: {', '.join(' '.join(name.split()[:2]) for name, _ in near)}."


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
