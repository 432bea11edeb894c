"""Cofactors in the receptor: types and charges, by template and without one, and receptors made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import DockingError
from docksieve.screening.receptors.bonding import perceive
from docksieve.screening.receptors.cofactors import Writer, is_cofactor, is_held, write_group
from docksieve.screening.receptors.components import component, finished
from docksieve.screening.receptors.components import molecule as read_molecule
from docksieve.screening.receptors.names import AMINO_ACIDS, COFACTORS, HELD, NUCLEOTIDES, SOLVENTS
from docksieve.screening.receptors.preparation import PrepareReport, PrepareSettings
from docksieve.screening.receptors.prepare import prepare_receptor
from docksieve.screening.receptors.receptor import read_receptor
from docksieve.screening.receptors.structure import read_structure
from docksieve.workflows.cli.receptor import app
from rdkit import Chem
from rdkit.Chem import rdDistGeom
from typer.testing import CliRunner

from .made import component_lines, ion, molecule, peptide, points_of, write

PEPTIDE = peptide("GSDHKCWFLNETRG")
AT = (0.0, 0.0, float(points_of(PEPTIDE).max(axis=0)[2]) + 3.0)
BESIDE = (0.0, 6.0, AT[2] + 3.0)
DRUG = "Cc1ccc(NC(=O)c2ccncc2)cc1"


def typed(tmp_path: Path, lines: list[str]) -> tuple[list[tuple[str, str, float]], str]:
    """Return name, type and charge of the atoms of one molecule, and how they were found."""
    residues, linkage = read_structure(write(tmp_path, lines), PrepareSettings(), PrepareReport())
    writer = Writer(0)
    source, _ = write_group(residues, linkage, writer)
    return [(x[12:16].strip(), x[77:].strip(), float(x[70:76])) for x in writer.lines], source


def test_a_heme_keeps_its_iron_and_its_nitrogens_bear_no_hydrogen(tmp_path: Path) -> None:
    atoms, source = typed(tmp_path, component_lines("HEM", "A", 1, (0, 0, 0)))
    assert source == "the chemical component dictionary"
    kinds = {name: kind for name, kind, _ in atoms}
    assert kinds["FE"] == "Fe" and {kinds[n] for n in ("NA", "NB", "NC", "ND")} == {"NA"}
    assert {kinds[n] for n in ("O1A", "O2A", "O1D", "O2D")} == {"OA"}
    assert "H" not in kinds and len(atoms) == 43  # no polar hydrogens: the propionates are charged
    assert sum(charge for _, _, charge in atoms) == pytest.approx(-2, abs=0.05)


def test_phosphates_are_charged_and_amines_too(tmp_path: Path) -> None:
    atoms, _ = typed(tmp_path, component_lines("ATP", "A", 1, (0, 0, 0)))
    assert sum(charge for _, _, charge in atoms) == pytest.approx(-4, abs=0.05)
    assert [kind for _, kind, _ in atoms].count("HD") == 4  # the amino group and two hydroxyls of the ribose
    assert [kind for _, kind, _ in atoms].count("P") == 3
    atoms, _ = typed(tmp_path, component_lines("SAH", "A", 1, (0, 0, 0)))
    assert sum(charge for _, _, charge in atoms) == pytest.approx(0, abs=0.05)  # a zwitterion
    assert [kind for _, kind, _ in atoms].count("HD") == 7  # 3 of the ammonium, 2 of adenine, 2 hydroxyls
    assert {name: kind for name, kind, _ in atoms}["SD"] == "SA"


@pytest.mark.parametrize(
    ("name", "metal", "count"), [("SF4", "Fe", 4), ("FES", "Fe", 2), ("K", "K", 1), ("MG", "Mg", 1)]
)
def test_clusters_and_ions_are_typed_by_element(tmp_path: Path, name: str, metal: str, count: int) -> None:
    lines = component_lines(name, "A", 1, (0, 0, 0)) if len(name) > 2 else ion(name, name, "A", 1, (0, 0, 0))
    kinds = [kind for _, kind, _ in typed(tmp_path, lines)[0]]
    assert kinds.count(metal) == count
    assert set(kinds) <= {metal, "SA"}


def test_a_metal_without_a_type_is_taken_for_another_and_said(tmp_path: Path) -> None:
    residues, linkage = read_structure(
        write(tmp_path, ion("W", "W", "A", 1, (0, 0, 0))), PrepareSettings(), PrepareReport()
    )
    writer = Writer(0)
    assert write_group(residues, linkage, writer)[1] == ["W has no type and is taken for Fe"]


@pytest.mark.parametrize("smiles", [
    DRUG, "CC(=O)Nc1ccc(O)cc1", "O=C(O)c1ccccc1OC(C)=O", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "N#Cc1ccc(F)cc1",
    "O=[N+]([O-])c1ccccc1",
    "CS(=O)(=O)NCC1CCCCC1", "Nc1ncnc2[nH]cnc12", "C1COCCN1CC(=O)NC", "O=P(O)(O)OCc1ccccc1", "c1ccc2ccccc2c1",
])  # fmt: skip
def test_bonds_are_guessed_where_there_is_no_template(smiles: str) -> None:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    mol = Chem.RemoveHs(mol)
    guessed = finished(
        perceive([atom.GetSymbol() for atom in mol.GetAtoms()], np.array(mol.GetConformer().GetPositions()))
    )
    assert Chem.MolToSmiles(guessed, isomericSmiles=False) == Chem.CanonSmiles(smiles)


def test_names_are_believed_only_of_their_own_atoms(tmp_path: Path) -> None:
    def groups(lines: list[str]) -> tuple[bool, bool]:
        residues, linkage = read_structure(write(tmp_path, lines), PrepareSettings(), PrepareReport())
        return is_cofactor(linkage.group(residues[0])), is_held(linkage.group(residues[0]))

    assert groups(component_lines("SAH", "A", 1, (0, 0, 0))) == (True, False)
    assert groups(component_lines("FAD", "A", 1, (0, 0, 0))) == (True, True)
    assert groups(molecule(DRUG, "FAD", "A", 1, (0, 0, 0))) == (False, False)
    renamed = molecule("Nc1ncnc2c1ncn2C1OC(COP(=O)(O)O)C(O)C1O", "AMP", "A", 1, (0, 0, 0))
    assert groups(renamed) == (True, False)  # other names of atoms, but adenosine monophosphate all the same
    assert component("HEM") is not None and component("?-?") is None


def test_the_ligand_is_written_with_bond_orders(tmp_path: Path) -> None:
    drug = molecule(DRUG, "LIG", "A", 101, AT)
    report = prepare_receptor(write(tmp_path, PEPTIDE, drug), tmp_path / "a", PrepareSettings(smiles=DRUG))
    assert report.ligand_bonds == "the SMILES given" and not report.warnings
    mol = next(iter(Chem.SDMolSupplier(report.ligand)))
    assert Chem.MolToSmiles(mol) == Chem.CanonSmiles(DRUG) and mol.GetProp("_Name") == "LIG A:101"
    np.testing.assert_allclose(mol.GetConformer().GetPositions(), points_of(drug), atol=1e-3)
    guessed = prepare_receptor(tmp_path / "made.pdb", tmp_path / "b", PrepareSettings())
    assert guessed.ligand_bonds == "geometry" and "guessed" in guessed.warnings[0]
    with pytest.raises(DockingError, match="has 8 heavy atoms, LIG A:101 has 16"):
        prepare_receptor(tmp_path / "made.pdb", tmp_path / "c", PrepareSettings(smiles="CCCCCCCC"))
    known = prepare_receptor(
        write(tmp_path, PEPTIDE, component_lines("BTN", "A", 1, AT)),
        tmp_path / "d",
        PrepareSettings(residue="BTN"),
    )
    assert known.ligand_smiles == "O=C(O)CCCC[C@@H]1SC[C@@H]2NC(=O)N[C@@H]21"  # biotin, stereo and all


def test_a_covalent_ligand_is_said_to_be_one(tmp_path: Path) -> None:
    sulphur = next(x for x in PEPTIDE if x[12:16].strip() == "SG")
    other = points_of(PEPTIDE).mean(axis=0)
    at = points_of([sulphur])[0]
    away = (at - other) / np.linalg.norm(at - other)
    drug = molecule("CCNC(=O)c1ccncc1", "LIG", "A", 101, (0, 0, 0))
    moved = points_of(drug)
    moved = moved - moved[0] + at + 1.81 * away
    if np.linalg.norm(moved[-1] - other) < np.linalg.norm(moved[0] - other):
        moved = 2 * moved[0] - moved
    lines = [f"{x[:30]}{p[0]:8.3f}{p[1]:8.3f}{p[2]:8.3f}{x[54:]}" for x, p in zip(drug, moved, strict=True)]
    report = prepare_receptor(write(tmp_path, PEPTIDE, lines), tmp_path / "a", PrepareSettings())
    assert report.reference == "LIG A:101" and report.covalent == ["CYS A:6 SG to C1, 1.81 A"]
    assert any("covalently bound" in text and "as if it were free" in text for text in report.warnings)


def test_a_receptor_holds_its_cofactor_and_the_command_says_so(tmp_path: Path) -> None:
    path = write(
        tmp_path, PEPTIDE, molecule(DRUG, "LIG", "A", 101, AT), component_lines("HEM", "A", 102, BESIDE)
    )
    done = CliRunner().invoke(app, ["prepare", str(path), "--out", str(tmp_path / "out"), "--smiles", DRUG])
    assert done.exit_code == 0, done.output
    assert "kept            HEM 1" in done.output
    assert "cofactors       HEM A:102: typed by the chemical component dictionary" in done.output
    types = read_receptor(tmp_path / "out" / "made.pdbqt").types
    assert "Fe" in types
    told = json.loads((tmp_path / "out" / "made.report.json").read_text())
    assert told["kept"] == {"HEM": 1} and told["ligand"].endswith("made.ligand.sdf")
    done = CliRunner().invoke(
        app, ["prepare", str(path), "--out", str(tmp_path / "o2"), "--drop", "HEM", "--json"]
    )
    assert done.exit_code == 0 and json.loads(done.output)["kept"] == {}
    assert "Fe" not in read_receptor(tmp_path / "o2" / "made.pdbqt").types


def test_reading_a_molecule_of_the_dictionary(tmp_path: Path) -> None:
    residues, linkage = read_structure(
        write(tmp_path, component_lines("NAP", "A", 1, (0, 0, 0))), PrepareSettings(), PrepareReport()
    )
    mol, source = read_molecule(residues, linkage)
    assert source == "the chemical component dictionary"
    assert mol.HasSubstructMatch(Chem.MolFromSmarts("NC(=O)c1ccc[n+](C)c1"))


def test_no_name_stands_for_two_things() -> None:
    groups = (AMINO_ACIDS, NUCLEOTIDES, COFACTORS, SOLVENTS)
    assert sum(map(len, groups)) == len(frozenset().union(*groups)) and HELD < COFACTORS
    assert {
        "HEM",
        "SAH",
        "NAD",
        "NAP",
        "FAD",
        "FMN",
        "ATP",
        "ADP",
        "GTP",
        "PLP",
        "SF4",
        "FES",
        "H4B",
    } <= COFACTORS
