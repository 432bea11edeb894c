"""Reads a structure: one model, one position for every residue, every residue in one piece."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gemmi

from ...data.errors import DockingError
from ...data.words import plural
from .linkage import Linkage, recorded_links
from .preparation import PrepareReport, PrepareSettings, Residue

_RENAMED = {"MSE": ("MET", {"SE": ("SD", "S")}), "SEC": ("CYS", {"SE": ("SG", "S")})}
_SYNONYMS = {
    **{"HSD": "HID", "HISD": "HID", "HISA": "HID", "HSE": "HIE", "HISE": "HIE", "HISB": "HIE"},
    **{"HSP": "HIP", "HISH": "HIP", "HSH": "HIP", "LYSH": "LYS", "LSN": "LYN", "ASPP": "ASH", "ASPH": "ASH"},
    **{
        "GLUP": "GLH",
        "GLUH": "GLH",
        "ARGN": "ARG",
        "CYSH": "CYS",
        "CYS2": "CYX",
        "CYSX": "CYX",
        "CYS1": "CYM",
    },
}
"""Names that force fields and modelling programs give to states of amino acids, and the usual ones."""


def read_structure(
    path: Path, settings: PrepareSettings, report: PrepareReport
) -> tuple[list[Residue], Linkage]:
    """Return the residues of the first model, one position each, and what is bonded to what.

    Raises
    ------
    DockingError
        If the file cannot be read, holds no atoms, or lacks one of the chains that are asked for.
    """
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
    grouped: dict[tuple[str, str, str], list[Any]] = {}
    for chain in structure[0]:
        for residue in chain:
            # Files list a residue in pieces (after TER, or side chains apart): they belong together. Two names under
            # one number are alternatives if they are marked so, else two molecules.
            name = "" if any(atom.has_altloc() for atom in residue) else residue.name
            key = (chain.name, str(residue.seqid), name)
            plain = (chain.name, str(residue.seqid), residue.name)
            same = next((k for k in grouped if k == plain), key) if not name else key
            if name and (chain.name, str(residue.seqid), "") in grouped:
                others = grouped[chain.name, str(residue.seqid), ""]
                if any(other.name == residue.name for other in others):
                    same = (chain.name, str(residue.seqid), "")
            grouped.setdefault(same, []).append(residue)
    found = sorted({chain for chain, _, _ in grouped})
    missing = [chain for chain in settings.chains if chain not in found]
    if missing:
        raise DockingError(f"{path} has no chain {', '.join(missing)}; it has {', '.join(found)}.")
    letters = _chain_letters(found, report)
    residues = [
        _standard(_one_position(letters[chain], chain, pieces, report), report)
        for (chain, _, _), pieces in grouped.items()
        if not settings.chains or chain in settings.chains
    ]
    return residues, Linkage(residues, recorded_links(structure))


def read_residues(path: Path, settings: PrepareSettings, report: PrepareReport) -> list[Residue]:
    """Return the residues of :func:`read_structure`."""
    return read_structure(path, settings, report)[0]


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


def _one_position(chain: str, file_chain: str, pieces: Sequence[Any], report: PrepareReport) -> Residue:
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
    residue = Residue(
        chain, pieces[0].seqid, name, list(atoms.values()), pieces[0].het_flag == "H", file_chain
    )
    if len(occupancy) > 1:
        choices = "/".join(sorted({key[1] for key in occupancy}))
        report.alternatives.append(f"{residue.label}: {letter} of {choices}")
    return residue


def _standard(residue: Residue, report: PrepareReport) -> Residue:
    """Return ``residue`` as the standard one that it stands for (selenomethionine: methionine; HSD: HID)."""
    if residue.name in _SYNONYMS:
        name = _SYNONYMS[residue.name]
        if any(atom.name == "CA" for atom in residue.atoms):
            report.renamed.append(f"{residue.label} is {name}")
            residue.name, residue.file_name = name, residue.name
        return residue
    if residue.name not in _RENAMED:
        return residue
    name, atoms = _RENAMED[residue.name]
    for atom in residue.atoms:
        if atom.name in atoms:
            atom.name, element = atoms[atom.name]
            atom.element = gemmi.Element(element)
    report.renamed.append(f"{residue.label} is {name}")
    residue.name, residue.file_name = name, residue.name
    return residue


_template_names: frozenset[str] = frozenset()


def template_names() -> frozenset[str]:
    """Return the residue names that meeko knows. It tries to download others: they must never reach it."""
    global _template_names
    if not _template_names:
        from meeko import ResidueChemTemplates

        templates = ResidueChemTemplates.create_from_defaults()
        _template_names = frozenset(templates.residue_templates) | frozenset(templates.ambiguous)
    return _template_names
