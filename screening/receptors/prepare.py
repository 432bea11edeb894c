"""Makes a receptor PDBQT and a search box from a structure and the ligand in it.

The structure is cleaned first, because what is left in it decides what is docked to: alternative positions are
chosen, residues that the file interrupts are put together, cofactors and metals that belong to the site stay, and
waters, ions and other molecules are taken out, unless they are to be kept. All that is removed, kept or changed is
listed in the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ...data.errors import DockingError
from ...data.store import sha256_file, write_bytes, write_json
from .cofactors import Writer, holds_metal, write_group
from .components import molecule
from .linkage import Linkage
from .polymer import write_polymer
from .preparation import PrepareReport, PrepareSettings, Residue
from .receptor import check_box, hydrogens_missing, parse_receptor
from .reference import Reference, box_of, find_reference, group_name
from .selection import Selection, select
from .structure import read_structure

__all__ = ["PrepareReport", "PrepareSettings", "prepare_receptor"]


def prepare_receptor(structure: Path, out: Path, settings: PrepareSettings) -> PrepareReport:
    """Write ``out/NAME.pdbqt``, ``NAME.box.txt``, ``NAME.ligand.sdf`` and ``NAME.report.json`` from ``structure``.

    Parameters
    ----------
    structure : Path
        .pdb, .ent, .cif or .mmcif, also gzipped.
    out : Path
        Folder; made if it does not exist.
    settings : PrepareSettings

    Raises
    ------
    DockingError
        If the structure cannot be read, the reference is not found or not told, what is to be kept is not there, or
        residues near the box would have to be left out (and ``drop_bad`` is off).
    """
    report = PrepareReport(source_sha256=sha256_file(structure) if structure.is_file() else "")
    residues, linkage = read_structure(structure, settings, report)
    reference = find_reference(residues, linkage, structure, settings, report)
    report.reference = reference.name
    box = box_of(reference, settings, report)
    chosen = select(residues, linkage, reference, box, settings, report)
    if not any(not residue.is_water for residue in chosen.polymer):
        raise DockingError(f"{structure} holds no protein or nucleic acid after cleaning.")
    sdf = _ligand_sdf(reference, linkage, settings, report)
    text, modified = write_polymer(chosen.polymer, box, settings, report)
    text += _beside(text, chosen, modified, linkage, report)
    receptor = parse_receptor(text.encode(), f"prepared from {structure}")
    report.atoms = len(receptor.types)
    report.atoms_near_box = check_box(receptor, box)
    missing = hydrogens_missing(receptor)
    if missing:
        report.warnings.append(missing)
    stem = structure.name.removesuffix(".gz").rsplit(".", 1)[0]
    pdbqt = out / f"{stem}.pdbqt"
    write_bytes(pdbqt, text.encode())
    write_bytes(out / f"{stem}.box.txt", box.to_text().encode())
    report.receptor, report.box = str(pdbqt), str(out / f"{stem}.box.txt")
    report.center, report.size = box.center, box.size
    if sdf:
        write_bytes(out / f"{stem}.ligand.sdf", sdf.encode())
        report.ligand = str(out / f"{stem}.ligand.sdf")
    write_json(out / f"{stem}.report.json", asdict(report))
    return report


def _ligand_sdf(
    reference: Reference, linkage: Linkage, settings: PrepareSettings, report: PrepareReport
) -> str:
    """Return the reference ligand as SDF with bond orders; empty if the reference is no ligand."""
    group = reference.group
    if not group or holds_metal(group):
        if settings.smiles and not group:
            raise DockingError("--smiles tells the bond orders of the reference ligand, and there is none.")
        return ""
    for bond in linkage.to_chain(group):
        own, other, name = bond.seen_from(bond.first if bond.first in group else bond.second)
        report.covalent.append(f"{other.label} {name} to {own}, {bond.length:.2f} A")
    if report.covalent:
        report.warnings.append(
            f"{group_name(group)} is covalently bound ({'; '.join(report.covalent)}): the box is around it, but what "
            "is docked there is docked as if it were free, without that bond"
        )
    from rdkit import Chem

    mol, source = molecule(group, linkage, settings.smiles)
    report.ligand_bonds = source
    if source == "geometry":
        report.warnings.append(
            f"the bond orders of {group_name(group)} are guessed from its geometry, there being no template: check "
            "the ligand's SDF, or give its SMILES with --smiles"
        )
    report.ligand_smiles = Chem.MolToSmiles(mol)
    mol.SetProp("_Name", group_name(group))
    fields = {"bonds": source, "smiles": report.ligand_smiles, "covalent": "; ".join(report.covalent)}
    data = "".join(f">  <{key}>\n{value}\n\n" for key, value in fields.items() if value)
    return f"{Chem.MolToMolBlock(mol, kekulize=True)}{data}$$$$\n"


def _beside(
    text: str, chosen: Selection, modified: Sequence[Residue], linkage: Linkage, report: PrepareReport
) -> str:
    """Return the PDBQT lines of what is no polymer for meeko, and say how it was typed."""
    writer = Writer(sum(line.startswith(("ATOM", "HETATM")) for line in text.splitlines()))
    for group in [*([residue] for residue in modified), *chosen.groups]:
        source, notes = write_group(group, linkage, writer)
        report.cofactors.append(f"{group_name(group)}: typed by {source}")
        if source == "geometry":
            report.warnings.append(
                f"{group_name(group)} is kept, and its bonds are guessed from geometry, there being no template"
            )
        report.warnings += [f"{group_name(group)}: {note}" for note in dict.fromkeys(notes)]
    if chosen.groups or modified:
        try:
            report.versions["biotite"] = version("biotite")
        except PackageNotFoundError:
            report.warnings.append(
                "biotite, which carries the chemical component dictionary, is not installed: what is kept is typed "
                "by geometry"
            )
    return "".join(writer.lines)
