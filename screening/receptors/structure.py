"""Reads a structure and decides what of it is the receptor, the ligand, or in the way."""

from __future__ import annotations

import contextlib
import string
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from ...data.errors import DockingError
from ...data.words import plural
from .preparation import NEAR, PrepareReport, PrepareSettings, Residue
from .receptor import Box

_SOLVENTS = frozenset(
    {
        *(
            "HOH",
            "DOD",
            "WAT",
            "GOL",
            "EDO",
            "PEG",
            "PGE",
            "PG4",
            "1PE",
            "P6G",
            "MPD",
            "DMS",
            "DMF",
            "ACT",
            "ACY",
        ),
        *("FMT", "IPA", "EOH", "MES", "EPE", "TRS", "BME", "SO4", "PO4", "NO3", "CIT", "TLA", "MLI", "IMD"),
        *("BOG", "LDA", "OLC", "PLM", "NAG", "BMA", "MAN", "FUC"),
    }
)
"""What crystals are grown, kept or decorated with: never taken for the ligand."""
METALS = frozenset({"MG", "CA", "MN", "FE", "FE2", "ZN", "CO", "NI", "CU", "CU1", "CD", "HG"})
_LINKS = frozenset({"N", "C", "P", "O3'"})
"""Atoms by which residues of proteins and nucleic acids are joined to the next."""
_RENAMED = {"MSE": ("MET", {"SE": ("SD", "S")}), "SEC": ("CYS", {"SE": ("SG", "S")})}


def read_residues(path: Path, settings: PrepareSettings, report: PrepareReport) -> list[Residue]:
    """Return the residues of the first model, one position each, every residue in one piece."""
    if not path.is_file():
        raise DockingError(f"The structure {path} does not exist.")
    try:
        structure = gemmi.read_structure(str(path))
    except (RuntimeError, ValueError) as error:
        raise DockingError(f"{path} cannot be read as PDB or mmCIF: {error}.") from None
    if not len(structure) or not sum(len(chain) for chain in structure[0]):
        raise DockingError(f"{path} holds no atoms.", "Give a structure in PDB or mmCIF form.")
    if len(structure) > 1:
        report.warnings.append(f"the file has {plural(len(structure), 'model')}; the first is used")
    grouped: dict[tuple[str, str], list[Any]] = {}
    for chain in structure[0]:
        for residue in chain:
            # Files list a residue in pieces (after TER, or side chains apart): they belong together.
            grouped.setdefault((chain.name, str(residue.seqid)), []).append(residue)
    found = sorted({chain for chain, _ in grouped})
    missing = [chain for chain in settings.chains if chain not in found]
    if missing:
        raise DockingError(f"{path} has no chain {', '.join(missing)}; it has {', '.join(found)}.")
    letters = _chain_letters(found, report)
    return [
        _one_position(letters[chain], pieces, report)
        for (chain, _), pieces in grouped.items()
        if not settings.chains or chain in settings.chains
    ]


def _chain_letters(chains: Sequence[str], report: PrepareReport) -> dict[str, str]:
    """Return a one-letter name for each chain (PDB has no room for more)."""
    free = [c for c in string.ascii_uppercase + string.ascii_lowercase + string.digits if c not in chains]
    letters = {}
    for chain in chains:
        letters[chain] = chain if len(chain) == 1 else (free.pop(0) if free else "")
        if not letters[chain]:
            raise DockingError("The structure has more than 62 chains.", "Choose some: --chain A --chain B.")
        if letters[chain] != chain:
            report.renamed.append(f"chain {chain} is called {letters[chain]}")
    return letters


def _one_position(chain: str, pieces: Sequence[Any], report: PrepareReport) -> Residue:
    """Return a residue in its most occupied position."""
    occupancy: Counter[tuple[str, str]] = Counter()
    for piece in pieces:
        for atom in piece:
            if atom.has_altloc():
                occupancy[piece.name, atom.altloc] += atom.occ
    names = {piece.name for piece in pieces}
    # The most occupied; of equals the first in the alphabet, so that the choice is always the same.
    best = min(occupancy, key=lambda key: (-occupancy[key], key[1], key[0])) if occupancy else None
    name = best[0] if best and len(names) > 1 else pieces[0].name
    letter = best[1] if best else ""
    atoms: dict[str, Any] = {}
    for piece in pieces:
        for atom in piece:
            if piece.name == name and (not atom.has_altloc() or atom.altloc == letter):
                atoms.setdefault(atom.name, atom.clone())
    residue = Residue(chain, pieces[0].seqid, name, list(atoms.values()), pieces[0].het_flag == "H")
    if len(occupancy) > 1:
        choices = "/".join(sorted({key[1] for key in occupancy}))
        report.alternatives.append(f"{residue.label}: {letter} of {choices}")
    return residue


def find_reference(
    residues: Sequence[Residue], structure: Path, settings: PrepareSettings
) -> tuple[str, NDArray[np.float64], Residue | None]:
    """Return the name and heavy-atom positions of what the box is made around, and its residue if it is one."""
    if settings.ligand is not None:
        return settings.ligand, read_points(Path(settings.ligand)), None
    candidates = [r for r in residues if _is_ligand(r)]
    if settings.residue is not None:
        name, _, rest = settings.residue.partition(":")
        chain, _, number = rest.partition(":")
        matches = [
            r
            for r in residues
            if r.name == name and (not chain or r.chain == chain) and (not number or str(r.seqid) == number)
        ]
    else:
        matches = candidates
    if len(matches) == 1:
        heavy = [atom.pos.tolist() for atom in matches[0].atoms if not atom.is_hydrogen()]
        return matches[0].label, np.array(heavy, dtype=np.float64), matches[0]
    has = ", ".join(f"{r.name}:{r.chain}:{r.seqid}" for r in (matches or candidates)[:20]) or "none"
    wanted = f"residue {settings.residue!r}" if settings.residue else "one ligand"
    raise DockingError(
        f"{structure}: the box is made around {wanted}, and there are {len(matches)}.",
        f"Ligands in the structure: {has}. Say which with --residue NAME:CHAIN:NUMBER, or give --ligand FILE.",
    )


def _is_ligand(residue: Residue) -> bool:
    """Tell whether ``residue`` looks like a bound ligand rather than polymer, solvent or ion."""
    if residue.name in _SOLVENTS or residue.name in template_names() or residue.name in _RENAMED:
        return False
    heavy = sum(not atom.is_hydrogen() for atom in residue.atoms)
    names = {atom.name for atom in residue.atoms}
    return heavy >= 6 and not {"N", "CA", "C", "O"} <= names


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


def select_residues(
    residues: Sequence[Residue],
    reference: Residue | None,
    box: Box,
    settings: PrepareSettings,
    report: PrepareReport,
) -> list[Residue]:
    """Return the residues that make the receptor: the polymer, and what is asked for."""
    kept, removed, extra = [], Counter[str](), Counter[str]()
    ends = _link_points(residues)
    for original in residues:
        residue = _standard(original, report)
        if original is reference:
            removed[residue.name] += 1
            continue
        if residue.is_water:
            wanted = settings.keep_waters and bool(box.contains(residue.points).any())
        elif _is_polymer(residue, ends):
            kept.append(residue)
            continue
        else:
            wanted = residue.name in settings.keep
        if wanted and residue.name not in template_names():
            raise DockingError(
                f"{residue.label} is to be kept, but there is no template for its atom types.",
                "Leave it out, or prepare the receptor with meeko and a template of your own.",
            )
        if wanted:
            kept.append(residue)
            extra[residue.name] += 1
        else:
            removed[residue.name] += 1
            if residue.name in METALS and box.contains(residue.points, NEAR).any():
                report.warnings.append(
                    f"the metal {residue.label} at the box was removed (--keep {residue.name})"
                )
    report.removed = dict(sorted(removed.items()))
    report.kept = dict(sorted(extra.items()))
    return kept


def _standard(residue: Residue, report: PrepareReport) -> Residue:
    """Return ``residue`` as the standard one that it stands for (selenomethionine: methionine)."""
    if residue.name not in _RENAMED:
        return residue
    name, atoms = _RENAMED[residue.name]
    for atom in residue.atoms:
        if atom.name in atoms:
            atom.name, element = atoms[atom.name]
            atom.element = gemmi.Element(element)
    report.renamed.append(f"{residue.label} is {name}")
    return Residue(residue.chain, residue.seqid, name, residue.atoms, residue.hetero)


def _is_polymer(residue: Residue, ends: NDArray[np.float64]) -> bool:
    """Tell whether ``residue`` is a link of a chain, even one with atoms missing or of an unknown kind.

    A free nucleotide or amino acid is a ligand, not a link.
    """
    if len(residue.atoms) == 1 and residue.name in METALS:
        return False
    if not residue.hetero and residue.name in template_names():
        return len(residue.atoms) > 1
    own = np.array([atom.pos.tolist() for atom in residue.atoms if atom.name in _LINKS], dtype=np.float64)
    if not len(own):
        return False
    distances = np.linalg.norm(own[:, None, :] - ends[None, :, :], axis=-1)
    others = ~(np.abs(distances) < 1e-6).any(axis=0)  # its own atoms lie among the ends
    return bool(((distances < 1.8) & others[None, :]).any())


def _link_points(residues: Sequence[Residue]) -> NDArray[np.float64]:
    points = [atom.pos.tolist() for residue in residues for atom in residue.atoms if atom.name in _LINKS]
    return np.array(points or [[np.inf] * 3], dtype=np.float64)


_template_names: frozenset[str] = frozenset()


def template_names() -> frozenset[str]:
    """Return the residue names that meeko knows. It tries to download others: they must never reach it."""
    global _template_names
    if not _template_names:
        from meeko import ResidueChemTemplates

        templates = ResidueChemTemplates.create_from_defaults()
        _template_names = frozenset(templates.residue_templates) | frozenset(templates.ambiguous)
    return _template_names
