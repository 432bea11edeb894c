"""What the box is made around: a ligand of the structure, a file, residues, a point, or a pocket."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.errors import DockingError
from ...data.words import plural
from .cofactors import holds_metal, is_cofactor, is_held, is_ion
from .components import is_called_rightly
from .linkage import Linkage
from .names import SOLVENTS
from .pockets import find_pockets
from .preparation import PrepareReport, PrepareSettings, Residue, heavy_points
from .receptor import Box, check_side

SMALLEST_SIDE = 15.0
DEFAULT_SIDE = 20.0
LEAST = 6
"""Molecules of fewer heavy atoms than this are not taken for a ligand unless named."""

_GLYCAN_LINKS = frozenset({"ND2", "OG", "OG1", "OD1", "OH", "CD1"})


@dataclass
class Reference:
    """What the box is made around.

    Attributes
    ----------
    name : str
    points : array of float, shape (n, 3)
        Heavy atoms, angstrom; of a point, that alone.
    group : list of Residue
        The ligand, which is taken out of the receptor; empty if the reference is none.
    """

    name: str
    points: NDArray[np.float64]
    group: list[Residue] = field(default_factory=list)
    mol: Any = None


def find_reference(
    residues: Sequence[Residue],
    linkage: Linkage,
    structure: Path,
    settings: PrepareSettings,
    report: PrepareReport,
) -> Reference:
    """Return what the box is made around.

    Raises
    ------
    DockingError
        If it is not found, or more than one thing could be meant.
    """
    if settings.ligand is not None:
        path = Path(settings.ligand)
        return _with_group(Reference(settings.ligand, read_points(path)), residues, linkage)
    if settings.residue is not None:
        return _named(residues, linkage, structure, settings, report)
    if settings.pocket is not None:
        return _pocket(residues, linkage, settings.pocket, report)
    if settings.center is not None:
        x, y, z = settings.center
        return Reference(f"the point {x:g}, {y:g}, {z:g}", np.array([settings.center], dtype=np.float64))
    return _only_ligand(residues, linkage, structure, report)


def box_of(reference: Reference, settings: PrepareSettings, report: PrepareReport) -> Box:
    """Return the box around ``reference``.

    Raises
    ------
    DockingError
        If the reference is so large that it cannot be one ligand, and no size is given.
    """
    if settings.center is not None:
        return Box(settings.center, settings.size or (DEFAULT_SIDE,) * 3)
    try:
        box = Box.around(reference.points, settings.padding, SMALLEST_SIDE)
        problem = check_side(box)
    except ValueError as error:
        box, problem = None, str(error)
    if settings.size is not None and box is not None:
        return box.resized(settings.size)
    if problem or box is None:
        raise DockingError(
            f"The box around {reference.name} ({len(reference.points)} heavy atoms) is too large: {problem}.",
            "Is it one ligand, and not a protein or several molecules? If it is what you mean, give --size.",
        )
    return box


def is_glycan(group: Sequence[Residue], linkage: Linkage) -> bool:
    """Tell whether ``group`` is sugar that decorates a protein."""
    for residue in group:
        for bond in linkage.to_chain([residue]):
            own, _, other = bond.seen_from(residue)
            if own == "C1" and other in _GLYCAN_LINKS:
                return True
    return False


def is_solvent(group: Sequence[Residue]) -> bool:
    """Tell whether ``group`` is what crystals are grown or kept in."""
    return all(
        residue.is_water or (residue.name in SOLVENTS and is_called_rightly(residue)) for residue in group
    )


def molecules(residues: Sequence[Residue], linkage: Linkage) -> list[list[Residue]]:
    """Return all that is no link of a chain and no water, what is bonded together in one group."""
    found: list[list[Residue]] = []
    seen: set[int] = set()
    for residue in residues:
        if id(residue) in seen or residue.is_water or linkage.is_polymer(residue):
            continue
        group = linkage.group(residue)
        seen |= {id(one) for one in group}
        found.append(group)
    return found


def group_name(group: Sequence[Residue]) -> str:
    """Return the labels of a group, joined."""
    return " + ".join(residue.label for residue in group)


def group_place(group: Sequence[Residue]) -> str:
    """Return a group as ``--residue`` takes it."""
    return "+".join(residue.place for residue in group)


def ligands(residues: Sequence[Residue], linkage: Linkage) -> list[list[Residue]]:
    """Return the molecules that could be a bound ligand: no solvent, no glycan, not too small."""
    return [
        group
        for group in molecules(residues, linkage)
        if sum(len(residue.heavy) for residue in group) >= LEAST
        and not is_solvent(group)
        and not is_glycan(group, linkage)
    ]


def _only_ligand(
    residues: Sequence[Residue], linkage: Linkage, structure: Path, report: PrepareReport
) -> Reference:
    found = ligands(residues, linkage)
    plain = [group for group in found if not is_cofactor(group)]
    loose = [group for group in found if not is_held(group)]
    if len(plain) == 1:
        return _ligand(plain[0])
    if not plain and len(loose) == 1:
        name = group_name(loose[0])
        report.warnings.append(
            f"{name} is the only ligand, and may be a cofactor: it was taken for the ligand and out of the receptor"
        )
        return _ligand(loose[0])
    if not plain and found:
        raise DockingError(
            f"{structure}: all that could be the ligand is cofactors: {', '.join(map(group_place, found[:20]))}.",
            "Say with --residue which one's place the box is made around (it is then taken out of the receptor, unless "
            "it holds a metal), or give --ligand FILE, --center x,y,z or --pocket 1.",
        )
    small = [
        group
        for group in molecules(residues, linkage)
        if not is_solvent(group) and not is_ion(group) and group not in found
    ]
    few = f"Smaller molecules: {', '.join(map(group_place, small[:20]))}. " if small and not found else ""
    raise DockingError(
        f"{structure}: the box is made around one ligand, and there are {len(plain)}.",
        f"Ligands in the structure: {', '.join(map(group_place, found[:20])) or 'none'}. {few}"
        + (
            "Say which with --residue NAME:CHAIN:NUMBER, or give --ligand FILE."
            if found
            else "Give --ligand FILE, --residue NAME:CHAIN:NUMBER (a residue of the pocket; several joined by +), "
            "--center x,y,z, or --pocket 1."
        ),
    )


def _ligand(group: list[Residue]) -> Reference:
    return Reference(group_name(group), heavy_points(group), group)


def _named(
    residues: Sequence[Residue],
    linkage: Linkage,
    structure: Path,
    settings: PrepareSettings,
    report: PrepareReport,
) -> Reference:
    """Return the reference that ``--residue`` names: one residue for each word, ligands whole."""
    assert settings.residue is not None
    named: list[Residue] = []
    for word in settings.residue.split("+"):
        matches = [residue for residue in residues if residue.is_named(word)]
        groups = {id(_whole(one, linkage)[0]) for one in matches}
        if len(matches) != 1 and len(groups) != 1:
            has = [residue.place for residue in matches] or [
                group_place(group) for group in ligands(residues, linkage)
            ]
            raise DockingError(
                f"{structure}: the box is made around residue {word.strip()!r}, and there are {len(matches)}.",
                f"{'They are' if matches else 'Ligands in the structure'}: {', '.join(has[:20]) or 'none'}. Say which "
                "with --residue NAME:CHAIN:NUMBER, or give --ligand FILE.",
            )
        named += [one for one in matches if not any(one is other for other in named)]
    group: list[Residue] = []
    for residue in named:
        whole = _whole(residue, linkage)
        if linkage.is_polymer(residue) or residue.is_water:
            continue
        if holds_metal(whole) and not _is_in(settings.drop, whole):
            if not is_ion(whole):
                report.warnings.append(
                    f"{group_name(whole)} holds a metal: the box is made around it, and it stays in the receptor "
                    f"(--drop {residue.name} takes it out)"
                )
            continue
        if not _is_in(settings.keep, whole):
            group += [one for one in whole if not any(one is other for other in group)]
    points = [*named, *(one for one in group if not any(one is other for other in named))]
    points = [one for one in residues if any(one is other for other in points)]
    return Reference(group_name(points), heavy_points(points), group)


def _is_in(words: Sequence[str], group: Sequence[Residue]) -> bool:
    return any(residue.is_named(word) for word in words for residue in group)


def _whole(residue: Residue, linkage: Linkage) -> list[Residue]:
    """Return the molecule that ``residue`` is a part of; a link of a chain, or a water, is alone."""
    if residue.is_water or linkage.is_polymer(residue):
        return [residue]
    return linkage.group(residue)


def _with_group(reference: Reference, residues: Sequence[Residue], linkage: Linkage) -> Reference:
    """Find the ligand of a file in the structure: the molecule that lies where it lies."""
    for group in molecules(residues, linkage):
        own = heavy_points(group)
        gaps = np.linalg.norm(own[:, None] - reference.points[None], axis=-1).min(axis=1)
        if len(own) > 1 and (gaps < 0.7).mean() > 0.5:
            reference.group += group
    return reference


def _pocket(residues: Sequence[Residue], linkage: Linkage, number: int, report: PrepareReport) -> Reference:
    chain = [residue for residue in residues if linkage.is_polymer(residue)]
    pockets = find_pockets(heavy_points(chain))
    report.pockets = [pocket.describe(n) for n, pocket in enumerate(pockets, 1)]
    if number > len(pockets):
        raise DockingError(
            f"The structure has {plural(len(pockets), 'pocket')}; number {number} is not among them.",
            "Give --center x,y,z if you know the place.",
        )
    report.warnings.append(
        f"the box is around pocket {number} of {len(pockets)}, found by shape alone: check that it is the site"
    )
    return Reference(f"pocket {number}", pockets[number - 1].points)


def read_points(path: Path) -> NDArray[np.float64]:
    """Return the positions (n, 3), in angstrom, of the heavy atoms of a ligand file.

    Raises
    ------
    DockingError
        If it cannot be read or has no coordinates.
    """
    from rdkit import Chem, rdBase

    if not path.is_file():
        raise DockingError(f"The ligand {path} does not exist.")
    rdBase.DisableLog("rdApp.*")
    kind = path.suffix.lower()
    points: list[Any] = []
    if kind in (".pdb", ".pdbqt", ".ent"):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("ENDMDL"):
                break
            if line.startswith(("ATOM", "HETATM")) and not line[12:16].strip().lstrip(
                "0123456789"
            ).startswith("H"):
                with contextlib.suppress(ValueError):
                    points.append([float(line[30:38]), float(line[38:46]), float(line[46:54])])
    else:
        readers: dict[str, Any] = {".sdf": _first_sdf, ".mol": _first_sdf, ".mol2": Chem.MolFromMol2File}
        if kind not in readers:
            raise DockingError(
                f"The ligand {path} is of an unknown kind.", "Give .sdf, .mol, .mol2, .pdb or .pdbqt."
            )
        mol = readers[kind](str(path), sanitize=False)
        if mol is not None and mol.GetNumConformers() and mol.GetConformer().Is3D():
            positions = mol.GetConformer().GetPositions()
            points = [positions[a.GetIdx()] for a in mol.GetAtoms() if a.GetAtomicNum() > 1]
    if not points:
        raise DockingError(f"The ligand {path} has no readable atoms in three dimensions.")
    return np.array(points, dtype=np.float64)


def _first_sdf(path: str, sanitize: bool) -> Any:
    from rdkit import Chem

    return next(iter(Chem.SDMolSupplier(path, sanitize=sanitize)), None)
