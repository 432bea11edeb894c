"""Poses of a campaign's hits, and the receptors that they lie in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.compute as pc

from ...data.errors import DocksieveError, FormatError
from ...data.store import read_table
from ...screening.poses.receptor_atoms import ReceptorAtoms, read_atoms

POINTERS = {"final": "final_pose", "docked": "pose"}
"""Kinds of poses and the column of the hits that leads to them."""


def read_poses(root: Path, pointer: str) -> list[dict[str, Any]]:
    """Return all poses of the molecule that ``pointer`` (``FILE#ROW``) leads to, best first.

    Each has ``rank`` (from 0), ``score`` and ``molblock``.

    Raises
    ------
    FormatError
        If the pointer leads nowhere, or the poses file is missing or damaged.
    """
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


def receptor_of(root: Path, target: str, spec: Mapping[str, Any]) -> tuple[ReceptorAtoms | None, str]:
    """Return the receptor that a campaign froze for a target, or why it cannot be drawn."""
    name = spec.get("receptor")
    if not name:
        return None, "The campaign has no receptor file of this target."
    path = root / "targets" / target / str(name)
    try:
        return _read_receptor(path, path.stat().st_mtime_ns), ""
    except OSError:
        return None, f"The receptor file {path} is missing."
    except DocksieveError as error:
        return None, str(error)


@lru_cache(maxsize=8)
def _read_receptor(path: Path, changed: int) -> ReceptorAtoms:
    return read_atoms(path)
