"""What is bonded to what: chains, groups of several residues, bonds across."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from docksieve.screening.receptors.linkage import Linkage
from docksieve.screening.receptors.preparation import PrepareReport, PrepareSettings
from docksieve.screening.receptors.structure import read_structure

from .made import ion, line, molecule, peptide, points_of, write

PEPTIDE = peptide("GSDHKCWFLNETRG")
AT = (0.0, 0.0, float(points_of(PEPTIDE).max(axis=0)[2]) + 4.0)


def linkage(tmp_path: Path, *parts: list[str], extra: str = "") -> Linkage:
    path = write(tmp_path, *parts)
    path.write_text(extra + path.read_text())
    return read_structure(path, PrepareSettings(), PrepareReport())[1]


def test_links_of_a_chain_are_polymer_whatever_their_name(tmp_path: Path) -> None:
    lines = [
        text[:17].replace("ATOM  ", "HETATM") + "XYZ" + text[20:] if text[17:20] == "TRP" else text
        for text in PEPTIDE
    ]
    found = linkage(
        tmp_path, lines, molecule("NCC(=O)O", "GLY", "A", 90, AT), ion("ZN", "ZN", "A", 91, (0, 0, 50))
    )
    polymer = {residue.label: found.is_polymer(residue) for residue in found.residues}
    assert polymer.pop("ZN A:91") is False and polymer.pop("GLY A:90") is False
    assert polymer["XYZ A:7"] and all(polymer.values())
    assert [len(found.bonds(residue)) for residue in found.residues][:3] == [1, 2, 2]


def test_a_link_that_only_the_file_knows_counts(tmp_path: Path) -> None:
    sulphur = points_of([text for text in PEPTIDE if text[12:16].strip() == "SG"])[0]
    drug = [line("HETATM", "C1", "LIG", "B", 1, sulphur + np.array([2.4, 0, 0]), "C")]
    far = linkage(tmp_path, PEPTIDE, drug)
    assert not far.to_chain([far.residues[-1]])
    record = "LINK         SG  CYS A   6                 C1  LIG B   1     1555   1555  2.40\n"
    known = linkage(tmp_path, PEPTIDE, drug, extra=record)
    (bond,) = known.to_chain([known.residues[-1]])
    assert bond.length > 2.3 and set(bond.atoms) == {"SG", "C1"} and not bond.is_backbone
