"""Makes a receptor PDBQT and a search box from a structure and the ligand in it.

The structure is cleaned first, because what is left in it decides what meeko does: alternative positions are
chosen, residues that the file interrupts are put together, and waters, ions and other molecules are taken
out, unless they are to be kept. Everything that is removed or changed is listed in the report.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...data.errors import DockingError
from ...data.store import sha256_file, write_bytes, write_json
from .preparation import NEAR, PrepareReport, PrepareSettings, Residue
from .receptor import Box, check_box, parse_receptor
from .structure import find_reference, read_residues, select_residues, template_names

__all__ = ["PrepareReport", "PrepareSettings", "prepare_receptor"]

SMALLEST_SIDE = 15.0


def prepare_receptor(structure: Path, out: Path, settings: PrepareSettings) -> PrepareReport:
    """Write ``out/NAME.pdbqt``, ``NAME.box.txt`` and ``NAME.report.json`` from ``structure``.

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
        If the structure cannot be read, the reference is not found or not told, or residues near the box
        would have to be left out (and ``drop_bad`` is off).
    """
    report = PrepareReport(source_sha256=sha256_file(structure) if structure.is_file() else "")
    residues = read_residues(structure, settings, report)
    name, points, reference = find_reference(residues, structure, settings)
    report.reference = name
    box = Box.around(points, settings.padding, SMALLEST_SIDE)
    kept = select_residues(residues, reference, box, settings, report)
    if not kept:
        raise DockingError(f"{structure} holds no protein or nucleic acid after cleaning.")
    text = _to_pdbqt(kept, box, settings, report)
    receptor = parse_receptor(text.encode(), f"prepared from {structure}")
    report.atoms = len(receptor.types)
    report.atoms_near_box = check_box(receptor, box)
    stem = structure.name.removesuffix(".gz").rsplit(".", 1)[0]
    pdbqt = out / f"{stem}.pdbqt"
    write_bytes(pdbqt, text.encode())
    write_bytes(out / f"{stem}.box.txt", box.to_text().encode())
    report.receptor, report.box = str(pdbqt), str(out / f"{stem}.box.txt")
    report.center, report.size = box.center, box.size
    write_json(out / f"{stem}.report.json", asdict(report))
    return report


def _to_pdbqt(residues: list[Residue], box: Box, settings: PrepareSettings, report: PrepareReport) -> str:
    """Return the PDBQT of ``residues``; those that fit no template are cut back, or dropped and reported."""
    unknown = [residue for residue in residues if residue.name not in template_names()]
    residues = [residue for residue in residues if residue.name in template_names()]
    if not residues:
        raise DockingError("The structure holds no residue that there is a template for.")
    polymer = _polymer(residues)
    bad = set(polymer.get_ignored_monomers())
    if bad:
        residues = [_cut_back(r, report) if _key(r) in bad else r for r in residues]
        polymer = _polymer(residues)
        bad = set(polymer.get_ignored_monomers())
    unfit = unknown + [residue for residue in residues if _key(residue) in bad]
    report.dropped += [residue.label for residue in unfit]
    near = [residue.label for residue in unfit if box.contains(residue.points, NEAR).any()]
    if near and not settings.drop_bad:
        raise DockingError(
            f"{len(near)} residues at the box fit no template (unknown, incomplete or bonded wrongly): "
            f"{', '.join(near[:10])}.",
            "Complete them (for example with pdbfixer), or leave them out knowingly with --drop-bad.",
        )
    cut = [label for label in report.cut_back if _near(label, residues, box)]
    for what, labels in (("left out", near), ("cut back", cut)):
        if labels:
            report.warnings.append(f"residues at the box were {what}: {', '.join(labels)}")
    from meeko import PDBQTWriterLegacy

    report.versions = {name: version(name) for name in ("meeko", "rdkit", "gemmi")}
    text, _ = PDBQTWriterLegacy.write_from_polymer(polymer)
    return str(text)


def _near(label: str, residues: Iterable[Residue], box: Box) -> bool:
    place = label.split(" ")[1]
    return any(f"{r.chain}:{r.seqid}" == place and box.contains(r.points, NEAR).any() for r in residues)


def _key(residue: Residue) -> str:
    return f"{residue.chain}:{residue.seqid}".strip()


def _cut_back(residue: Residue, report: PrepareReport) -> Residue:
    """Return ``residue`` as alanine or glycine if its backbone is whole; its side chain's end is missing."""
    atoms = {atom.name: atom for atom in residue.atoms}
    if not {"N", "CA", "C", "O"} <= set(atoms) or residue.name in ("PRO", "GLY"):
        return residue
    name = "ALA" if "CB" in atoms and residue.name != "ALA" else "GLY"
    wanted = ("N", "CA", "C", "O", "OXT") + (("CB",) if name == "ALA" else ())
    report.cut_back.append(f"{residue.label} to {name}")
    return Residue(residue.chain, residue.seqid, name, [atoms[key] for key in wanted if key in atoms])


def _polymer(residues: Sequence[Residue]) -> Any:
    """Return meeko's model of ``residues``, without those that fit no template."""
    from meeko import MoleculePreparation, Polymer, ResidueChemTemplates

    logging.getLogger("meeko").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return Polymer.from_pdb_string(
                _pdb_text(residues),
                ResidueChemTemplates.create_from_defaults(),
                MoleculePreparation(),
                allow_bad_res=True,
            )
    except Exception as error:  # meeko raises whatever its parts raise
        raise DockingError(
            f"meeko cannot prepare the receptor: {' '.join(str(error).split())[:600]}.",
            "Look at the residues that it names; pdbfixer completes most structures.",
        ) from None


def _pdb_text(residues: Sequence[Residue]) -> str:
    """Return the cleaned structure as PDB lines (no TER records: they would interrupt residues)."""
    lines: list[str] = []
    for residue in residues:
        number, insertion = residue.seqid.num, residue.seqid.icode
        if not -999 <= number <= 9999:
            raise DockingError(f"{residue.label}: PDB has no room for residue numbers beyond 9999.")
        for atom in residue.atoms:
            name = atom.name if len(atom.name) == 4 or len(atom.element.name) == 2 else f" {atom.name}"
            x, y, z = atom.pos.tolist()
            lines.append(
                f"ATOM  {len(lines) % 99999 + 1:5d} {name:<4.4s} {residue.name:>3.3s} {residue.chain}{number:4d}"
                f"{insertion}   {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {atom.element.name.upper():>2s}\n"
            )
    return "".join(lines) + "END\n"
