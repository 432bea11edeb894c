"""Receptors and search boxes: found, read and checked before anything is docked.

A receptor is a PDBQT file of a rigid macromolecule. It is named by a path, or as ``dockstring:NAME`` for one
of the receptors that the ``dockstring`` package carries (read as files; the package is not imported).
"""

from __future__ import annotations

import importlib.util
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.errors import ConfigError, DockingError, did_you_mean
from ...data.store import sha256_bytes

DOCKSTRING_PREFIX = "dockstring:"
MAX_BOX_SIDE = 126.0
"""Longest side of a search box, in angstrom: beyond it the affinity maps outgrow a worker's memory."""

_LIGAND_RECORDS = ("ROOT", "ENDROOT", "BRANCH", "ENDBRANCH", "TORSDOF", "MODEL", "BEGIN_RES")
_TYPE_NAMES = (
    "H HD HS C A N NA NS O OA OS P S SA Si SI Se SE F Cl CL Br BR I Na K Mg MG Ca CA Mn MN Fe FE Zn ZN Cu CU "
    "Co CO Ni NI Hg HG Cd CD"
)
_KNOWN_TYPES = frozenset(_TYPE_NAMES.split())
_BOX_LINE = re.compile(r"^\s*(center|size)_([xyz])\s*[=\s]\s*([-+0-9.eE]+)\s*(?:#.*)?$")


@dataclass(frozen=True)
class Box:
    """The rectangular volume that is searched.

    Attributes
    ----------
    center : tuple of 3 floats
        In the receptor's frame, angstrom.
    size : tuple of 3 floats
        Lengths of the sides, angstrom.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic, never a field

    center: tuple[float, float, float]
    size: tuple[float, float, float]

    def __post_init__(self) -> None:
        for name, values in (("center", self.center), ("size", self.size)):
            if len(values) != 3 or not all(math.isfinite(value) for value in values):
                raise ValueError(f"box {name}: three finite numbers (angstrom) are needed, got {values!r}")
        if not all(1.0 <= side <= MAX_BOX_SIDE for side in self.size):
            raise ValueError(
                f"box size: sides are between 1 and {MAX_BOX_SIDE:g} angstrom, got {self.size!r}"
            )

    @classmethod
    def around(cls, points: NDArray[np.float64], padding: float, smallest: float = 0.0) -> Box:
        """Return the box around ``points`` (n, 3), ``padding`` angstrom wider on every side.

        Parameters
        ----------
        points : array of float, shape (n, 3)
        padding : float
        smallest : float
            No side is shorter than this.
        """
        low, high = points.min(axis=0) - padding, points.max(axis=0) + padding
        center = (low + high) / 2
        size = np.maximum(high - low, smallest)
        x, y, z = (round(float(v), 3) for v in center)
        a, b, c = (round(float(v), 3) for v in size)
        return cls((x, y, z), (a, b, c))

    def resized(self, size: float | tuple[float, float, float]) -> Box:
        """Return a box with the same centre and other sides."""
        sides = (size, size, size) if isinstance(size, int | float) else size
        return Box(self.center, (float(sides[0]), float(sides[1]), float(sides[2])))

    def contains(self, points: NDArray[np.float64], margin: float = 0.0) -> NDArray[np.bool_]:
        """Tell for each of ``points`` (n, 3) whether it lies in the box made ``margin`` angstrom wider."""
        half = np.asarray(self.size) / 2 + margin
        inside: NDArray[np.bool_] = (np.abs(np.asarray(points) - np.asarray(self.center)) <= half).all(
            axis=-1
        )
        return inside

    def to_text(self) -> str:
        """Return the box as Vina's configuration lines."""
        lines = [f"center_{axis} = {value:.3f}" for axis, value in zip("xyz", self.center, strict=True)]
        lines += [f"size_{axis} = {value:.3f}" for axis, value in zip("xyz", self.size, strict=True)]
        return "\n".join(lines) + "\n"

    def to_json(self) -> dict[str, list[float]]:
        """Return the box as JSON values."""
        return {key: list(value) for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Box:
        """Return the box that :meth:`to_json` wrote."""
        (x, y, z), (a, b, c) = value["center"], value["size"]
        return cls((float(x), float(y), float(z)), (float(a), float(b), float(c)))


def read_box(path: Path) -> Box:
    """Read a box in Vina's configuration form (``center_x = 1.0`` ... ``size_z = 20``).

    Raises
    ------
    DockingError
        If the file is missing, or one of the six numbers is missing, doubled or impossible.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DockingError(f"The box file {path} cannot be read: {error.strerror}.") from None
    found: dict[str, float] = {}
    for number, line in enumerate(lines, 1):
        match = _BOX_LINE.match(line)
        if not match:
            continue  # a Vina configuration holds other settings too
        key = f"{match[1]}_{match[2]}"
        try:
            value = float(match[3])
        except ValueError:
            raise DockingError(f"{path}, line {number}: {match[3]!r} is not a number.") from None
        if found.get(key, value) != value:
            raise DockingError(f"{path}, line {number}: {key} is given twice, with different values.")
        found[key] = value
    wanted = [f"{what}_{axis}" for what in ("center", "size") for axis in "xyz"]
    missing = [key for key in wanted if key not in found]
    if missing:
        raise DockingError(
            f"The box file {path} lacks {', '.join(missing)}.",
            "It needs six lines such as 'center_x = 15.2' and 'size_x = 20' (angstrom).",
        )
    c, s = [found[key] for key in wanted[:3]], [found[key] for key in wanted[3:]]
    try:
        return Box((c[0], c[1], c[2]), (s[0], s[1], s[2]))
    except ValueError as error:
        raise DockingError(f"The box file {path} is wrong: {error}.") from None


@dataclass(frozen=True)
class Receptor:
    """A rigid receptor that passed its checks.

    Attributes
    ----------
    source : str
        Where it came from, for messages.
    content : bytes
        The PDBQT file.
    points : array of float, shape (n, 3)
        Atom positions, angstrom.
    types : tuple of str
        AutoDock atom types, one per atom.
    """

    source: str
    content: bytes
    points: NDArray[np.float64]
    types: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Hash of the file's content."""
        return sha256_bytes(self.content)


def dockstring_folder() -> Path:
    """Return the folder of the receptors that the installed ``dockstring`` package carries.

    Raises
    ------
    DockingError
        If the package is not installed.
    """
    found = importlib.util.find_spec("dockstring")  # finds, does not import
    if found is None or not found.submodule_search_locations:
        raise DockingError(
            "The receptor is one of the dockstring package's, and that package is not installed.",
            "Install it (pip install 'docksieve[demo]'), or give the path of a PDBQT file.",
        )
    return Path(next(iter(found.submodule_search_locations))) / "resources" / "targets"


def dockstring_names() -> list[str]:
    """Return the names of the receptors that the ``dockstring`` package carries, sorted."""
    return sorted(
        path.name.removesuffix("_target.pdbqt") for path in dockstring_folder().glob("*_target.pdbqt")
    )


def find_receptor(receptor: str, base: Path) -> tuple[Path, Path | None]:
    """Return the receptor's PDBQT file and the box file that lies beside it, if any.

    Parameters
    ----------
    receptor : str
        ``dockstring:NAME`` or a path.
    base : Path
        Folder that relative paths are taken from.
    """
    if receptor.startswith(DOCKSTRING_PREFIX):
        return _find_dockstring(receptor.removeprefix(DOCKSTRING_PREFIX))
    path = base / Path(receptor).expanduser()
    if not path.is_file():
        raise DockingError(
            f"The receptor {path} does not exist."
            if not path.exists()
            else f"The receptor {path} is not a file.",
            "Give a PDBQT file or 'dockstring:NAME'; 'docksieve receptor prepare' makes one.",
        )
    if path.suffix.lower() != ".pdbqt":
        raise DockingError(
            f"The receptor {path} is not a PDBQT file.",
            f"Make one with 'docksieve receptor prepare {path.name} --out FOLDER'.",
        )
    stem = path.with_suffix("")
    parent, plain = path.parent, stem.name.removesuffix("_receptor").removesuffix(".receptor")
    sidecars = [
        Path(f"{stem}.box.txt"),
        Path(f"{stem}.txt"),
        Path(f"{stem}_box.txt"),
        Path(f"{stem}_vina_box.txt"),
        parent / f"{plain}.box.txt",
        parent / f"{plain.removesuffix('_target')}_conf.txt",
    ]
    return path, next((sidecar for sidecar in sidecars if sidecar.is_file()), None)


def _find_dockstring(name: str) -> tuple[Path, Path]:
    folder = dockstring_folder()
    path = folder / f"{name}_target.pdbqt"
    if not re.fullmatch(r"[A-Za-z0-9]+", name) or not path.is_file():
        names = dockstring_names()
        hint = f"{did_you_mean(name, names)} It has: {', '.join(names)}.".lstrip()
        raise DockingError(f"dockstring has no receptor {name!r}.", hint)
    return path, folder / f"{name}_conf.txt"


def read_receptor(path: Path, source: str | None = None) -> Receptor:
    """Read a receptor PDBQT and check that a docking program will read it the same way.

    Raises
    ------
    DockingError
        If it is empty, holds the records of a ligand or of flexible residues, several models, atoms without
        coordinates, or atom types that the scoring functions do not know.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DockingError(f"The receptor {source or path} cannot be read: {error.strerror}.") from None
    return parse_receptor(content, source or str(path))


def parse_receptor(content: bytes, source: str) -> Receptor:
    """Check the PDBQT in ``content`` as :func:`read_receptor` does; ``source`` names it in messages."""
    points: list[tuple[float, float, float]] = []
    types: list[str] = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        record = line[:6].strip()
        if record in ("ATOM", "HETATM"):
            point, kind = _read_atom(line, number, source)
            points.append(point)
            types.append(kind)
        elif line.split(None, 1)[:1] and line.split(None, 1)[0] in _LIGAND_RECORDS:
            raise DockingError(
                f"{source}, line {number}: a {line.split()[0]} record belongs to a ligand, a docking result "
                "or flexible residues, not to a rigid receptor.",
                "Give the receptor's own PDBQT; flexible side chains are not supported.",
            )
    if not points:
        raise DockingError(
            f"The receptor {source} has no atoms.", "It needs ATOM or HETATM records in PDBQT form."
        )
    return Receptor(source, content, np.array(points, dtype=np.float64), tuple(types))


def _read_atom(line: str, number: int, source: str) -> tuple[tuple[float, float, float], str]:
    try:
        point = (float(line[30:38]), float(line[38:46]), float(line[46:54]))
    except ValueError:
        raise DockingError(f"{source}, line {number}: the atom has no readable coordinates.") from None
    if not all(math.isfinite(value) for value in point):
        raise DockingError(f"{source}, line {number}: the atom's coordinates are not finite.")
    kind = line[77:].strip() if len(line) > 77 else ""
    if kind not in _KNOWN_TYPES:
        raise DockingError(
            f"{source}, line {number}: {kind!r} is not an AutoDock atom type.",
            "Columns 78-79 of a PDBQT hold the type; a PDB renamed to .pdbqt has none. "
            "'docksieve receptor prepare' assigns them.",
        )
    return point, kind


def resolve_box(
    receptor: str,
    base: Path,
    box: Box | str | None,
    box_size: float | tuple[float, float, float] | None = None,
) -> Box:
    """Return the search box of a receptor: the one given, or the one that lies beside the receptor.

    Parameters
    ----------
    receptor : str
    base : Path
        Folder that relative paths are taken from.
    box : Box, str or None
        Numbers, the path of a box file, or None for the receptor's own.
    box_size : float or 3 floats, optional
        Replaces the sides, keeps the centre.
    """
    if isinstance(box, str):
        resolved = read_box(base / Path(box).expanduser())
    elif box is not None:
        resolved = box
    else:
        _, sidecar = find_receptor(receptor, base)
        if sidecar is None:
            raise DockingError(
                f"The receptor {receptor} has no box.",
                "Add box = { center = [x, y, z], size = [a, b, c] } (angstrom) or box = 'FILE', or "
                f"put {Path(receptor).stem}.box.txt beside it; 'docksieve receptor prepare' makes one around a ligand.",
            )
        resolved = read_box(sidecar)
    if box_size is None:
        return resolved
    try:
        return resolved.resized(box_size)
    except ValueError as error:
        raise ConfigError(f"box_size of receptor {receptor}: {error}.") from None


WIDE_SIDE = 50.0
"""A box around one ligand with a longer side than this (angstrom) was made around something else."""


def check_side(box: Box) -> str:
    """Return what is wrong with the sides of a box around one ligand, or nothing."""
    if max(box.size) <= WIDE_SIDE:
        return ""
    return f"{' x '.join(f'{side:.0f}' for side in box.size)} angstrom, and one ligand needs at most {WIDE_SIDE:.0f}"


def hydrogens_missing(receptor: Receptor) -> str:
    """Return that a receptor has no polar hydrogens, if so; hydrogen bonds then cannot be scored."""
    hydrogens = sum(kind in ("HD", "HS") for kind in receptor.types)
    acceptors = sum(kind in ("N", "NA", "O", "OA") for kind in receptor.types)
    if acceptors < 20 or hydrogens * 20 > acceptors:
        return ""
    return (
        f"the receptor has {hydrogens} polar hydrogens for {acceptors} atoms of nitrogen and oxygen: its donors are "
        "not known to be donors ('docksieve receptor prepare' adds hydrogens)"
    )


def check_box(receptor: Receptor, box: Box) -> int:
    """Return how many receptor atoms lie in or within 4 angstrom of the box.

    Raises
    ------
    DockingError
        If that is fewer than 20: every molecule would score about 0, without any error from the engine.
    """
    near = int(box.contains(receptor.points, margin=4.0).sum())
    if near < 20:
        gap = np.abs(receptor.points - np.asarray(box.center)).max(axis=1).min()
        raise DockingError(
            f"The box at {box.center} of size {box.size} holds {near} atoms of the receptor "
            f"{receptor.source} (the nearest is {gap:.1f} A from its centre).",
            "Receptor and box are probably in different frames: check that one was made for the other.",
        )
    return near
